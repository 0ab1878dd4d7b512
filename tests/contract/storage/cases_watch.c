/* cases_watch.c - watches: first content, order, gaps, history, the last word. */
#include "base/clock.h"
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
    if (kit.driver->tells_all) {
        CU_ASSERT_STRING_EQUAL(watcher_told(&watcher), "+p/a=2 +p/a=3 -p/b +p/b=4 +p/end= ");
    }
    watcher_wait_same(&watcher);
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
    if (kit.driver->keeps_history) {
        CU_ASSERT_TRUE(strncmp(told, "+a=2 -b +c=1 ", strlen("+a=2 -b +c=1 ")) == 0);
    } else {
        CU_ASSERT_TRUE(strncmp(told, "R ", 2) == 0);
        watcher_wait_synced(&watcher);
        watcher_wait_same(&watcher);
    }
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
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    /* A revision that this store has not had yet: the same. */
    watcher_open(&watcher, "", revision + 1000000);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    watcher_wait_same(&watcher);
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
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
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
    if (kit.driver->tells_all) {
        CU_ASSERT_STRING_EQUAL(watcher_told(&second), "S +a=1 +a=2 +b=1 ");
    }
    watcher_wait_same(&second);
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

/* The result of a write, get, list and the watch speak of the same numbers. */
static void every_write_has_a_revision_above_all_before_and_all_tell_the_same(void) {
    struct watcher watcher;
    struct answer list;
    uint64_t last = 0;
    uint64_t read_at = 0;
    char key[32];
    kit_begin();
    kit_open();
    watcher_open(&watcher, "r/", 0);
    watcher_wait_synced(&watcher);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t revision = 0;
        (void)snprintf(key, sizeof key, "r/%u", i % 4);
        if (i % 9 == 8) {
            CU_ASSERT_EQUAL(kit_remove(key, EG_REV_ANY, &revision), EG_OK);
        } else {
            CU_ASSERT_EQUAL(kit_put(key, i % 2 == 0 ? "even" : "odd", EG_REV_ANY, &revision),
                            EG_OK);
            CU_ASSERT_PTR_NOT_NULL(kit_get(key, &read_at));
            CU_ASSERT_EQUAL(read_at, revision);
        }
        CU_ASSERT_TRUE(revision > last);
        last = revision;
        watcher_wait_revision(&watcher, revision);
        kit_send_list(&list, GW_STR("r/"));
        kit_wait(&list);
        CU_ASSERT_TRUE(list.revision >= revision);
        CU_ASSERT_TRUE(watcher_is(&watcher, &list));
        kit_drop(&list);
    }
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_put_of_the_same_value_is_a_write_like_any_other(void) {
    struct watcher watcher;
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t third = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ABSENT, &first), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, &second), EG_OK);
    CU_ASSERT_TRUE(second > first);
    watcher_wait_revision(&watcher, second);
    CU_ASSERT_EQUAL(kit_put("k", "v", first, NULL), EG_E_CONFLICT); /* who read before, is late */
    CU_ASSERT_EQUAL(kit_put("k", "v", second, &third), EG_OK);
    CU_ASSERT_TRUE(third > second);
    watcher_wait_revision(&watcher, third);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

#define MANY 10000u

static void check_order(const struct answer *list) {
    size_t disorder = 0;
    for (size_t i = 1; i < list->count; i++) {
        disorder += gw_str_cmp(list->items[i - 1].key, list->items[i].key) >= 0;
    }
    CU_ASSERT_EQUAL(list->count, MANY);
    CU_ASSERT_EQUAL(disorder, 0);
}

/* One watch that was there before, one that comes when all is written. */
static void ten_thousand_keys_are_written_listed_and_watched_in_time(void) {
    struct watcher early;
    struct watcher late;
    struct answer list;
    kit_begin();
    kit_open();
    watcher_open(&early, "many/", 0);
    watcher_wait_synced(&early);
    const uint64_t begun_ns = kit_now_ns();
    kit_put_many(MANY);
    const uint64_t written_ns = kit_now_ns();
    kit_send_list(&list, GW_STR("many/"));
    kit_wait(&list);
    check_order(&list);
    const uint64_t listed_ns = list.took_ns;
    kit_drop(&list);
    watcher_wait_same(&early);
    const uint64_t followed_ns = kit_now_ns();
    watcher_open(&late, "many/", 0);
    watcher_wait_synced(&late);
    const uint64_t synced_ns = kit_now_ns();
    CU_ASSERT_EQUAL(late.puts, MANY);
    watcher_wait_same(&late);
    printf("  10,000 keys: written in %u ms, listed in %u ms, followed %u ms later, told anew in "
           "%u ms\n",
           (unsigned)((written_ns - begun_ns) / GW_NS_PER_MS), (unsigned)(listed_ns / GW_NS_PER_MS),
           (unsigned)((followed_ns - written_ns) / GW_NS_PER_MS),
           (unsigned)((synced_ns - followed_ns) / GW_NS_PER_MS));
    CU_ASSERT_TRUE(written_ns - begun_ns < 60 * GW_NS_PER_S);
    CU_ASSERT_TRUE(listed_ns < 5 * GW_NS_PER_S);
    CU_ASSERT_TRUE(followed_ns - written_ns < 10 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(early.disorder + late.disorder + early.resets + early.downs, 0);
    watcher_close(&early);
    watcher_close(&late);
    kit_close();
    kit_end();
}

static void many_watches_of_prefixes_that_overlap_are_told_what_is_theirs(void) {
    static const char *const prefixes[] = {"", "a", "a/", "a/b", "a/b/", "ab/", "b", "c/d"};
    static const char *const keys[] = {"a/b/1", "ab/1", "a/1", "b", "a/b", "c/d/1", "c/e", "abc"};
    struct watcher watchers[8];
    kit_begin();
    kit_open();
    for (size_t i = 0; i < 8; i++) {
        watcher_open(&watchers[i], prefixes[i], 0);
        CU_ASSERT_EQUAL(kit_put(keys[i], "1", EG_REV_ANY, NULL), EG_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(kit_put(keys[i], "2", EG_REV_ANY, NULL), EG_OK);
        CU_ASSERT_TRUE(i % 3 != 0 || kit_remove(keys[i], EG_REV_ANY, NULL) == EG_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        watcher_wait_synced(&watchers[i]);
        watcher_wait_same(&watchers[i]);
        CU_ASSERT_EQUAL(watchers[i].disorder, 0);
    }
    for (size_t i = 0; i < 8; i++) {
        watcher_close(&watchers[i]);
    }
    kit_close();
    kit_end();
}

/* By it the older of two that claim one path is told, so it must not depend on when one looks. */
static void the_age_of_a_key_is_the_same_for_all_who_look(void) {
    struct watcher early;
    struct watcher late;
    uint64_t made = 0;
    uint64_t revision = 0;
    kit_begin();
    kit_open();
    watcher_open(&early, "age/", 0);
    watcher_wait_synced(&early);
    (void)kit_put("age/a", "1", EG_REV_ABSENT, &made);
    (void)kit_put("age/b", "1", EG_REV_ABSENT, NULL);
    (void)kit_put("age/a", "2", EG_REV_ANY, &revision);
    watcher_wait_revision(&early, revision);
    CU_ASSERT_EQUAL(watcher_created(&early, "age/a"), made);
    CU_ASSERT_EQUAL(early.disorder, 0);
    watcher_close(&early);
    kit_close();
    kit_open();
    watcher_open(&late, "age/", 0);
    watcher_wait_synced(&late);
    CU_ASSERT_EQUAL(watcher_created(&late, "age/a"), made);
    CU_ASSERT_TRUE(watcher_created(&late, "age/b") > made);
    (void)kit_remove("age/a", EG_REV_ANY, NULL);
    (void)kit_put("age/a", "3", EG_REV_ABSENT, &revision);
    watcher_wait_revision(&late, revision);
    CU_ASSERT_EQUAL(watcher_created(&late, "age/a"), revision);
    CU_ASSERT_EQUAL(late.disorder, 0);
    watcher_close(&late);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(a_watch_tells_the_content_then_every_change_in_order, 0),
    CASE(a_watch_of_nothing_is_synced_too, 0),
    CASE(the_age_of_a_key_is_the_same_for_all_who_look, 0),
    CASE(a_watch_from_a_past_revision_tells_all_that_came_after_it, 0),
    CASE(a_history_that_is_gone_is_a_reset_and_the_content, 0),
    CASE(a_watch_that_begins_in_the_middle_of_writes_misses_nothing, 0),
    CASE(watches_do_not_disturb_each_other_and_closed_is_the_last_word, 0),
    CASE(a_watch_that_is_given_up_at_once_is_closed, 0),
    CASE(big_values_come_through_a_watch_whole, 0),
    CASE(every_write_has_a_revision_above_all_before_and_all_tell_the_same, 0),
    CASE(a_put_of_the_same_value_is_a_write_like_any_other, 0),
    CASE(ten_thousand_keys_are_written_listed_and_watched_in_time, OWN_SERVER),
    CASE(many_watches_of_prefixes_that_overlap_are_told_what_is_theirs, 0),
};
const struct case_list cases_watch = {cases, sizeof cases / sizeof cases[0]};
