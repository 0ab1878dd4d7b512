/* cases_watch.c - watches: first content, order, gaps, history, the last word. */
#include "base/slice.h"
#include "cases.h"
#include "watcher.h"

static void a_watch_tells_the_content_then_every_change_in_order(void) {
    struct watcher watcher;
    kit_begin();
    kit_open();
    (void)kit_put("p/b", "1", EG_REV_ANY, NULL);
    (void)kit_put("p/a", "1", EG_REV_ANY, NULL);
    (void)kit_put("q", "1", EG_REV_ANY, NULL);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    const char *told = watcher_told(&watcher);
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "+p/a=1 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "+p/b=1 "));
    CU_ASSERT_EQUAL(watcher.puts, 2);
    watcher_forget(&watcher);
    (void)kit_put("p/a", "2", EG_REV_ANY, NULL);
    (void)kit_put("q", "2", EG_REV_ANY, NULL);
    (void)kit_put("p/a", "3", EG_REV_ANY, NULL);
    (void)kit_remove("p/b", EG_REV_ANY, NULL);
    (void)kit_put("p/b", "4", EG_REV_ANY, NULL);
    (void)kit_put("p/end", "", EG_REV_ANY, NULL);
    watcher_wait_text(&watcher, "+p/end");
    CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "+p/a=2 +p/a=3 -p/b +p/b=4 +p/end= ");
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_watch_of_nothing_is_synced_too(void) {
    struct watcher watcher;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "S ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_watch_from_a_past_revision_tells_all_that_came_after_it(void) {
    struct watcher watcher;
    uint64_t revision = 0;
    kit_begin();
    kit_open();
    (void)kit_put("a", "1", EG_REV_ANY, NULL);
    (void)kit_put("b", "1", EG_REV_ANY, &revision);
    (void)kit_put("a", "2", EG_REV_ANY, NULL);
    (void)kit_remove("b", EG_REV_ANY, NULL);
    kit_close();
    kit_open(); /* history outlives a restart */
    (void)kit_put("c", "1", EG_REV_ANY, NULL);
    watcher_open(&watcher, "", revision);
    watcher_wait_text(&watcher, "+c=1");
    const char *told = watcher_told(&watcher);
    CU_ASSERT_TRUE(strncmp(told, "+a=2 -b +c=1 ", strlen("+a=2 -b +c=1 ")) == 0);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_history_that_is_gone_is_a_reset_and_the_content(void) {
    struct watcher watcher;
    uint64_t revision = 0;
    kit_begin();
    kit.place.has_short_history = kit.driver->has_short_history;
    kit_open();
    (void)kit_put("old", "1", EG_REV_ANY, &revision);
    for (unsigned i = 0; kit.driver->has_short_history && i < 20; i++) {
        (void)kit_put("k", "v", EG_REV_ANY, NULL);
    }
    (void)kit_remove("old", EG_REV_ANY, NULL);
    watcher_open(&watcher, "", kit.driver->has_short_history ? revision : UINT64_MAX - 7);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    CU_ASSERT_TRUE(strncmp(watcher_told(&watcher), "R ", 2) == 0);
    CU_ASSERT_PTR_NULL(strstr(watcher_told(&watcher), "+old"));
    watcher_close(&watcher);
    /* A revision that this store never had: the same. */
    watcher_open(&watcher, "", 1000000);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* Writers go on while the watch begins: every key is told, either as content or as change, and the
 * last word about each key is its last value. */
static void a_watch_that_begins_in_the_middle_of_writes_misses_nothing(void) {
    static struct answer answers[300];
    static char keys[300][16];
    struct watcher watcher;
    kit_begin();
    kit_open();
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "w/%03u", i);
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("v"), EG_REV_ABSENT);
        if (i == 150) {
            watcher_open(&watcher, "w/", 0);
        }
    }
    for (unsigned i = 0; i < 300; i++) {
        kit_wait(&answers[i]);
        CU_ASSERT_EQUAL(answers[i].status, EG_OK);
        kit_drop(&answers[i]);
    }
    watcher_wait_text(&watcher, "+w/299=v ");
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(watcher.puts, 300); /* none twice */
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void watches_do_not_disturb_each_other_and_closed_is_the_last_word(void) {
    struct watcher first;
    struct watcher second;
    kit_begin();
    kit_open();
    watcher_open(&first, "a", 0);
    watcher_open(&second, "", 0);
    watcher_wait_synced(&second);
    (void)kit_put("a", "1", EG_REV_ANY, NULL);
    watcher_wait_text(&first, "+a=1 ");
    watcher_close(&first);
    (void)kit_put("a", "2", EG_REV_ANY, NULL);
    (void)kit_put("b", "1", EG_REV_ANY, NULL);
    watcher_wait_text(&second, "+b=1 ");
    CU_ASSERT_STRING_EQUAL(watcher_told(&second), "S +a=1 +a=2 +b=1 ");
    CU_ASSERT_EQUAL(first.closed, 1);
    watcher_close(&second);
    kit_close();
    kit_end();
}

static void a_watch_that_is_given_up_at_once_is_closed(void) {
    struct watcher watcher;
    kit_begin();
    kit_open();
    (void)kit_put("a", "1", EG_REV_ANY, NULL);
    watcher_open(&watcher, "", 0);
    watcher_close(&watcher); /* before anything came */
    CU_ASSERT_EQUAL(watcher.closed, 1);
    kit_close();
    kit_end();
}

static void big_values_come_through_a_watch_whole(void) {
    static char big[200000];
    struct watcher watcher;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    memset(big, 'x', sizeof big - 1);
    (void)kit_put("big", big, EG_REV_ANY, NULL);
    (void)kit_put("end", "", EG_REV_ANY, NULL);
    watcher_wait_text(&watcher, "+end= ");
    CU_ASSERT_EQUAL(watcher.told.len, strlen("S ") + strlen("+big= ") + strlen(big) + 6);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(a_watch_tells_the_content_then_every_change_in_order, 0),
    CASE(a_watch_of_nothing_is_synced_too, 0),
    CASE(a_watch_from_a_past_revision_tells_all_that_came_after_it, 0),
    CASE(a_history_that_is_gone_is_a_reset_and_the_content, 0),
    CASE(a_watch_that_begins_in_the_middle_of_writes_misses_nothing, 0),
    CASE(watches_do_not_disturb_each_other_and_closed_is_the_last_word, 0),
    CASE(a_watch_that_is_given_up_at_once_is_closed, 0),
    CASE(big_values_come_through_a_watch_whole, 0),
};
const struct case_list cases_watch = {cases, sizeof cases / sizeof cases[0]};
