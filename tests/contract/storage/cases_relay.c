/*
 * cases_relay.c - a network and servers that misbehave: slow, stalled, cut, answering nonsense or
 * half of an answer. Nothing crashes, every operation is answered, and all is well afterwards.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "cases.h"
#include "relay.h"
#include "watcher.h"

#define STALL_NS (30 * GW_NS_PER_S) /* within which a dead connection has to be noticed */
#define DELAY_MS 300u

static bool is_fault(int32_t status) {
    return status == EG_E_UNAVAILABLE || status == EG_E_PROTO || status == EG_E_IO;
}

static void turn_for(uint64_t ns) {
    const uint64_t end_ns = kit_now_ns() + ns;
    while (kit_now_ns() < end_ns) {
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
}

/* With a relay, two keys and a watch that is synced. */
static void open_behind_relay(struct watcher *watcher) {
    kit_begin();
    kit_use_relay();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(watcher, "p/", 0);
    watcher_wait_synced(watcher);
    watcher_forget(watcher);
}

/* The network is well again: the store is used, the watch follows, within the given time. */
static void check_recovery(struct watcher *watcher, uint64_t limit_ns) {
    const uint64_t begun_ns = kit_now_ns();
    kit_wait_ready();
    CU_ASSERT_EQUAL(kit_put("p/after", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(watcher, "+p/after=1 ");
    watcher_wait_down(watcher, false);
    watcher_wait_same(watcher);
    const uint64_t took_ns = kit_now_ns() - begun_ns;
    printf("  well again after %u ms\n", (unsigned)(took_ns / GW_NS_PER_MS));
    CU_ASSERT_TRUE(took_ns < limit_ns);
    CU_ASSERT_EQUAL(watcher->disorder, 0);
}

static void close_behind_relay(struct watcher *watcher) {
    watcher_close(watcher);
    kit_close();
    kit_end();
}

/* ---- slow and cut ---- */

static void everything_works_with_a_slow_server(void) {
    struct watcher watcher;
    struct watcher late;
    uint64_t revision = 0;
    open_behind_relay(&watcher);
    relay_delay(DELAY_MS);
    CU_ASSERT_EQUAL(kit_put("p/c", "1", EG_REV_ABSENT, &revision), EG_OK);
    CU_ASSERT_TRUE(kit.took_ns > DELAY_MS * GW_NS_PER_MS);
    CU_ASSERT_EQUAL(kit_put("p/c", "2", revision, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/c", "3", revision, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(kit_remove("p/a", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_get("p/b", NULL), "1");
    CU_ASSERT_STRING_EQUAL(kit_list("p/"), "p/b=1 p/c=2 ");
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    watcher_open(&late, "", 0);
    watcher_wait_synced(&late);
    watcher_wait_same(&late);
    watcher_close(&late);
    watcher_close(&watcher);
    kit_close();
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK); /* starts, too */
    kit_wait_ready();
    CU_ASSERT_STRING_EQUAL(kit_list("p/"), "p/b=1 p/c=2 ");
    kit_close();
    kit_end();
}

/* Each write is acknowledged and there, or its end is not known. */
static void connections_that_are_cut_lose_no_acknowledged_write(void) {
    struct watcher watcher;
    bool was_acknowledged[100] = {false};
    unsigned acknowledged = 0;
    char key[16];
    open_behind_relay(&watcher);
    for (unsigned i = 0; i < 100; i++) {
        struct answer put;
        (void)snprintf(key, sizeof key, "p/%u", i);
        kit_send_put(&put, gw_str_c(key), GW_STR("v"), EG_REV_ANY);
        if (i % 10 == 9) {
            gw_loop_turn(kit.loop, 0);
            relay_cut();
        }
        kit_wait(&put);
        CU_ASSERT_TRUE(put.status == EG_OK || put.status == EG_E_UNAVAILABLE);
        was_acknowledged[i] = put.status == EG_OK;
        acknowledged += put.status == EG_OK;
        kit_drop(&put);
        kit_wait_ready();
    }
    printf("  %u of 100 writes were acknowledged\n", acknowledged);
    CU_ASSERT_TRUE(acknowledged >= 80);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "p/%u", i);
        CU_ASSERT_TRUE(!was_acknowledged[i] || kit_get(key, NULL) != NULL);
    }
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    close_behind_relay(&watcher);
}

/* The server has it, and its answer gets lost. A plugin that cannot know that says so; one that
 * recognises its own write may say that it is there. What must not be is that it writes again and
 * takes the first write for somebody else's. */
static void lose_answer(const char *value, uint64_t expect, uint64_t *ret_revision) {
    struct answer get;
    uint64_t written_at = 0;
    relay_set(RELAY_LOSE);
    const int32_t status = kit_put("lost", value, expect, &written_at);
    if (status != EG_OK && status != EG_E_UNAVAILABLE) {
        printf("  status %d: %s\n", status, kit.why);
    }
    CU_ASSERT_TRUE(status == EG_OK || status == EG_E_UNAVAILABLE);
    CU_ASSERT_TRUE(status == EG_OK || kit.why[0] != '\0');
    kit_wait_ready();
    kit_send_get(&get, GW_STR("lost"));
    kit_wait(&get);
    CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&get.body), gw_str_c(value)));
    CU_ASSERT_TRUE(status != EG_OK || get.revision == written_at);
    *ret_revision = get.revision;
    kit_drop(&get);
}

static void a_write_whose_answer_is_lost_is_not_taken_for_that_of_another(void) {
    static char first[RELAY_BIG + 5000];
    static char second[RELAY_BIG + 6000];
    struct watcher watcher;
    uint64_t created = 0;
    uint64_t updated = 0;
    memset(first, '1', sizeof first - 1);
    memset(second, '2', sizeof second - 1);
    open_behind_relay(&watcher);
    lose_answer(first, EG_REV_ABSENT, &created);
    lose_answer(second, created, &updated);
    CU_ASSERT_TRUE(updated > created);
    lose_answer(first, updated, &created);
    CU_ASSERT_TRUE(created > updated);
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    close_behind_relay(&watcher);
}

/* ---- nonsense ---- */

static void check_nonsense(enum relay_mode mode, bool has_to_fail) {
    struct watcher watcher;
    unsigned faults = 0;
    open_behind_relay(&watcher);
    relay_set(mode);
    const unsigned before = relay_count();
    const uint64_t begun_ns = kit_now_ns();
    while (kit_now_ns() - begun_ns < 2 * GW_NS_PER_S) {
        const int32_t status = kit_put("p/a", "2", EG_REV_ANY, NULL);
        CU_ASSERT_TRUE(status == EG_OK || is_fault(status));
        CU_ASSERT_TRUE(status == EG_OK || kit.why[0] != '\0');
        faults += status != EG_OK;
        (void)kit_list("p/");
        CU_ASSERT_TRUE(kit.status == EG_OK || is_fault(kit.status));
        turn_for(100 * GW_NS_PER_MS);
    }
    CU_ASSERT_TRUE(!has_to_fail || faults > 0);
    CU_ASSERT_TRUE(!has_to_fail || watcher.downs > 0);
    printf("  %u connections in that time; the last fault: %s\n", relay_count() - before, kit.why);
    CU_ASSERT_TRUE(relay_count() - before < 300); /* it is tried on with pauses */
    relay_set(RELAY_PASS);
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    close_behind_relay(&watcher);
}

static void answers_that_mean_nothing_are_survived(void) {
    check_nonsense(RELAY_NOISE, true);
}

static void the_page_of_a_captive_portal_is_not_taken_for_the_store(void) {
    check_nonsense(RELAY_PORTAL, true);
}

static void answers_that_end_in_the_middle_are_survived(void) {
    check_nonsense(RELAY_TRUNCATE, false);
}

/* A list of which half has come is not a short list. */
static void half_of_a_list_is_never_taken_for_the_whole(void) {
    struct watcher watcher;
    unsigned whole = 0;
    open_behind_relay(&watcher);
    kit_put_many(200);
    relay_set(RELAY_TRUNCATE);
    for (unsigned i = 0; i < 10; i++) {
        struct answer list;
        kit_send_list(&list, GW_STR("many/"));
        kit_wait(&list);
        CU_ASSERT_TRUE(list.status == EG_OK ? list.count == 200 : is_fault(list.status));
        whole += list.status == EG_OK;
        kit_drop(&list);
    }
    CU_ASSERT_EQUAL(whole, 0);
    relay_set(RELAY_PASS);
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(watcher.removals, 0); /* what had not come is not gone */
    close_behind_relay(&watcher);
}

static void nonsense_at_the_start_is_a_store_that_is_away(void) {
    kit_begin();
    kit_use_relay();
    relay_set(RELAY_NOISE);
    const uint64_t begun_ns = kit_now_ns();
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 10 * GW_NS_PER_S);
    CU_ASSERT_TRUE(is_fault(kit_put("k", "v", EG_REV_ANY, NULL)));
    relay_set(RELAY_PASS);
    kit_wait_ready();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    kit_end();
}

/* ---- silence ---- */

static void a_connection_that_says_nothing_is_noticed_and_left(void) {
    struct watcher watcher;
    struct answer put;
    open_behind_relay(&watcher);
    const uint64_t begun_ns = kit_now_ns();
    relay_set(RELAY_STALL);
    kit_send_put(&put, GW_STR("p/a"), GW_STR("2"), EG_REV_ANY);
    watcher_wait_down(&watcher, true);
    const uint64_t noticed_ns = kit_now_ns() - begun_ns;
    printf("  noticed after %u ms: %s\n", (unsigned)(noticed_ns / GW_NS_PER_MS), watcher.why);
    CU_ASSERT_TRUE(noticed_ns < STALL_NS);
    kit_wait(&put);
    CU_ASSERT_EQUAL(put.status, EG_E_UNAVAILABLE);
    CU_ASSERT_TRUE(put.took_ns < STALL_NS + GW_NS_PER_S);
    kit_drop(&put);
    CU_ASSERT_TRUE(is_fault(kit_put("p/a", "3", EG_REV_ANY, NULL)));
    relay_set(RELAY_PASS);
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    close_behind_relay(&watcher);
}

/* Nothing is asked meanwhile: the watch alone has to notice. */
static void a_watch_that_is_told_nothing_because_the_line_is_dead_says_so(void) {
    struct watcher watcher;
    open_behind_relay(&watcher);
    const uint64_t begun_ns = kit_now_ns();
    relay_set(RELAY_STALL);
    watcher_wait_down(&watcher, true);
    const uint64_t noticed_ns = kit_now_ns() - begun_ns;
    printf("  noticed after %u ms: %s\n", (unsigned)(noticed_ns / GW_NS_PER_MS), watcher.why);
    CU_ASSERT_TRUE(noticed_ns < STALL_NS);
    relay_set(RELAY_PASS);
    check_recovery(&watcher, 10 * GW_NS_PER_S);
    close_behind_relay(&watcher);
}

static void a_watch_of_a_quiet_store_is_not_down(void) {
    struct watcher watcher;
    open_behind_relay(&watcher);
    turn_for(STALL_NS + 5 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(watcher.downs, 0);
    CU_ASSERT_EQUAL(watcher.resets, 0);
    CU_ASSERT_EQUAL(watcher.puts, 0);
    check_recovery(&watcher, 2 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(watcher.puts, 1);
    close_behind_relay(&watcher);
}

static void a_store_that_says_nothing_can_be_stopped(void) {
    struct watcher watcher;
    struct answer put;
    struct answer list;
    open_behind_relay(&watcher);
    relay_set(RELAY_STALL);
    kit_send_put(&put, GW_STR("p/a"), GW_STR("2"), EG_REV_ANY);
    kit_send_list(&list, GW_STR("p/"));
    turn_for(50 * GW_NS_PER_MS);
    const uint64_t begun_ns = kit_now_ns();
    watcher_close(&watcher);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 5 * GW_NS_PER_S);
    kit_close();
    const uint64_t took_ns = kit_now_ns() - begun_ns;
    printf("  stopped after %u ms\n", (unsigned)(took_ns / GW_NS_PER_MS));
    CU_ASSERT_TRUE(took_ns < 10 * GW_NS_PER_S);
    CU_ASSERT_TRUE(put.is_done != 0 && put.status != EG_OK);
    CU_ASSERT_TRUE(list.is_done != 0 && list.status != EG_OK);
    kit_drop(&put);
    kit_drop(&list);
    kit_end();
}

static void a_store_that_says_nothing_at_the_start_is_away(void) {
    kit_begin();
    kit_use_relay();
    relay_set(RELAY_STALL);
    const uint64_t begun_ns = kit_now_ns();
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    const uint64_t took_ns = kit_now_ns() - begun_ns;
    printf("  started after %u ms\n", (unsigned)(took_ns / GW_NS_PER_MS));
    CU_ASSERT_TRUE(took_ns < 10 * GW_NS_PER_S);
    relay_set(RELAY_PASS);
    kit_wait_ready();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ANY, NULL), EG_OK);
    kit_close();
    kit_end();
}

/* ---- what a return costs, and what is wrong in the store ---- */

/* Bytes tell: a second full list would double them. */
static void a_store_that_returns_is_listed_once_by_a_watch(void) {
    static char value[1000];
    struct watcher watcher;
    char key[16];
    memset(value, 'v', sizeof value - 1);
    kit_begin();
    kit_use_relay();
    kit_open();
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(key, sizeof key, "p/%u", i);
        CU_ASSERT_EQUAL(kit_put(key, value, EG_REV_ANY, NULL), EG_OK);
    }
    const uint64_t before = relay_bytes();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    const uint64_t one_list = relay_bytes() - before;
    watcher_forget(&watcher);
    relay_set(RELAY_REFUSE);
    watcher_wait_down(&watcher, true);
    const uint64_t cut_at = relay_bytes();
    relay_set(RELAY_PASS);
    watcher_wait_down(&watcher, false);
    turn_for(GW_NS_PER_S); /* a second list would come soon, if at all */
    const uint64_t after = relay_bytes() - cut_at;
    printf("  a list takes %u bytes, the return took %u\n", (unsigned)one_list, (unsigned)after);
    CU_ASSERT_TRUE(one_list > 500 * 1000);
    CU_ASSERT_TRUE(after < one_list * 3 / 2);
    CU_ASSERT_EQUAL(kit_put("p/after", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+p/after=1 ");
    watcher_wait_same(&watcher);
    close_behind_relay(&watcher);
}

static bool was_named;

static void look_for_name(void *arg, struct eg_str line) {
    (void)arg;
    was_named = was_named || memmem(line.ptr, line.len, "planted", strlen("planted")) != NULL;
}

static bool is_counted(void) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_metrics_write(&text);
    gw_bytes_add_char(&text, '\0');
    const char *found = strstr(text.ptr, "\neventgateway_storage_bad_records_total");
    const char *number = found == NULL ? NULL : strchr(found + 1, ' ');
    const bool is_so = number != NULL && strtod(number, NULL) > 0;
    gw_bytes_free(&text);
    return is_so;
}

static void a_bad_record_is_left_out_counted_and_named_and_the_rest_goes_on(void) {
    struct watcher watcher;
    struct watcher late;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    gw_log_capture(look_for_name, NULL);
    server_do(&kit.server, "bad-record");
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "+p/b=1 ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "p/a=1 p/b=1 ");
    watcher_open(&late, "", 0);
    watcher_wait_synced(&late);
    watcher_wait_same(&late);
    CU_ASSERT_EQUAL(late.puts, 2);
    CU_ASSERT_EQUAL(watcher.downs + late.downs, 0);
    gw_log_capture(NULL, NULL);
    CU_ASSERT_TRUE(was_named);
    CU_ASSERT_TRUE(is_counted());
    watcher_close(&watcher);
    watcher_close(&late);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(everything_works_with_a_slow_server, NEEDS_SERVER),
    CASE(connections_that_are_cut_lose_no_acknowledged_write, NEEDS_SERVER),
    CASE(a_write_whose_answer_is_lost_is_not_taken_for_that_of_another, NEEDS_SERVER),
    CASE(answers_that_mean_nothing_are_survived, NEEDS_SERVER),
    CASE(the_page_of_a_captive_portal_is_not_taken_for_the_store, NEEDS_SERVER),
    CASE(answers_that_end_in_the_middle_are_survived, NEEDS_SERVER),
    CASE(half_of_a_list_is_never_taken_for_the_whole, NEEDS_SERVER),
    CASE(nonsense_at_the_start_is_a_store_that_is_away, NEEDS_SERVER),
    CASE(a_store_that_says_nothing_can_be_stopped, NEEDS_SERVER),
    CASE(a_store_that_says_nothing_at_the_start_is_away, NEEDS_SERVER),
    CASE(a_store_that_returns_is_listed_once_by_a_watch, NEEDS_SERVER),
    CASE(a_bad_record_is_left_out_counted_and_named_and_the_rest_goes_on, NEEDS_PLANT | OWN_SERVER),
    CASE(a_connection_that_says_nothing_is_noticed_and_left, NEEDS_SERVER | ONCE),
    CASE(a_watch_that_is_told_nothing_because_the_line_is_dead_says_so, NEEDS_SERVER | ONCE),
    CASE(a_watch_of_a_quiet_store_is_not_down, NEEDS_SERVER | ONCE),
};
const struct case_list cases_relay = {cases, sizeof cases / sizeof cases[0]};
