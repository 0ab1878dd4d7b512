/*
 * cases_restart.c - servers that end, are killed, come back, are not there at all, or refuse the
 * credentials. Each case has a server of its own. The watches of a store that was away end with
 * what is in it: nothing is missing, and nothing is left of what was removed meanwhile.
 */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/slice.h"
#include "cases.h"
#include "relay.h"
#include "spawn.h"
#include "watcher.h"

/* What every node promises after the return of its store; sanitizers and a busy machine get more.
 */
#define RETURN_NS (5 * GW_NS_PER_S)
#define FAST_NS (2 * GW_NS_PER_S)

static bool is_away(int32_t status) {
    return status == EG_E_UNAVAILABLE;
}

/* Puts until the store takes it; how long that took. */
static uint64_t wait_for_return(const char *key) {
    const uint64_t begun_ns = kit_now_ns();
    while (kit_put(key, "back", EG_REV_ANY, NULL) != EG_OK) {
        if (kit_now_ns() - begun_ns > 60 * GW_NS_PER_S) {
            kit_fail("the store is never used again");
        }
        gw_loop_turn(kit.loop, 10 * GW_NS_PER_MS);
    }
    return kit_now_ns() - begun_ns;
}

static void put_before(void) {
    CU_ASSERT_EQUAL(kit_put("p/changed", "old", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/same", "old", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/gone", "old", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("p/again", "old", EG_REV_ANY, NULL), EG_OK);
}

/* Another process changes things, see child_rewrites; it does not go through the relay. */
static void rewrite(void) {
    struct child child;
    child_start(&child, "rewrites");
    CU_ASSERT_EQUAL(child_end(&child), 0);
}

#define REWRITTEN "p/again=new p/changed=new p/new=new p/same=old "

/* ---- away and back ---- */

static void a_watch_outlives_a_restart_of_the_server(void) {
    struct watcher watcher;
    kit_begin();
    kit_open();
    put_before();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    server_stop(&kit.server);
    watcher_wait_down(&watcher, true);
    CU_ASSERT_TRUE(is_away(kit_put("p/lost", "x", EG_REV_ANY, NULL)));
    server_start(&kit.server);
    rewrite();
    (void)wait_for_return("p/same");
    watcher_wait_down(&watcher, false);
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list("p/"), "p/again=new p/changed=new p/new=new p/same=back ");
    CU_ASSERT_EQUAL(watcher.downs, 1);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void nothing_acknowledged_is_lost_when_the_server_is_killed(void) {
    struct watcher watcher;
    struct child child;
    struct answer list;
    long acknowledged = 0;
    size_t wrong = 0;
    kit_begin();
    kit_open();
    watcher_open(&watcher, "k/", 0);
    watcher_wait_synced(&watcher);
    child_start(&child, "writes");
    while (acknowledged >= 0 && acknowledged < 100) {
        acknowledged = child_number(&child);
    }
    CU_ASSERT_TRUE_FATAL(acknowledged > 0);
    server_kill9(&kit.server);
    for (long more; (more = child_number(&child)) > 0;) {
        acknowledged = more;
    }
    (void)child_end(&child); /* ends by itself: a write fails */
    watcher_wait_down(&watcher, true);
    server_start(&kit.server);
    kit_wait_ready();
    for (long i = 1; i <= acknowledged; i++) {
        char key[32];
        char value[32];
        (void)snprintf(key, sizeof key, "k/%ld", i);
        (void)snprintf(value, sizeof value, "value of %ld", i);
        const char *got = kit_get(key, NULL);
        wrong += got == NULL || strcmp(got, value) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    kit_send_list(&list, GW_STR("k/"));
    kit_wait(&list);
    CU_ASSERT_TRUE((long)list.count >= acknowledged && (long)list.count <= acknowledged + 1);
    kit_drop(&list);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* Those that were under way may have happened or not, but each is answered, and those that were
 * acknowledged are there. */
static void writes_under_way_when_the_server_is_killed_are_answered(void) {
    static struct answer answers[50];
    static char keys[50][16];
    uint64_t longest_ns = 0;
    kit_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("before", "x", EG_REV_ANY, NULL), EG_OK);
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "u/%u", i);
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("v"), EG_REV_ANY);
    }
    kit_wait(&answers[0]);
    server_kill9(&kit.server);
    for (unsigned i = 0; i < 50; i++) {
        kit_wait(&answers[i]);
        CU_ASSERT_TRUE(answers[i].status == EG_OK || is_away(answers[i].status));
        longest_ns = answers[i].took_ns > longest_ns ? answers[i].took_ns : longest_ns;
    }
    CU_ASSERT_TRUE(longest_ns < 10 * GW_NS_PER_S);
    server_start(&kit.server);
    kit_wait_ready();
    for (unsigned i = 0; i < 50; i++) {
        CU_ASSERT_TRUE(answers[i].status != EG_OK || kit_get(keys[i], NULL) != NULL);
        kit_drop(&answers[i]);
    }
    kit_close();
    kit_end();
}

static void revisions_go_on_growing_after_the_server_was_killed(void) {
    uint64_t before = 0;
    uint64_t removed = 0;
    uint64_t after = 0;
    kit_begin();
    kit_open();
    (void)kit_put("k", "1", EG_REV_ANY, &before);
    (void)kit_put("gone", "1", EG_REV_ANY, NULL);
    CU_ASSERT_EQUAL(kit_remove("gone", EG_REV_ANY, &removed), EG_OK);
    kit_close();
    server_kill9(&kit.server);
    server_start(&kit.server);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "2", before, &after), EG_OK); /* revisions of keys are kept */
    CU_ASSERT_TRUE(after > removed);
    kit_close();
    kit_end();
}

static void what_changed_while_a_watch_was_cut_off_is_there_afterwards(void) {
    struct watcher watcher;
    kit_begin();
    kit_use_relay();
    kit_open();
    put_before();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    relay_set(RELAY_REFUSE);
    watcher_wait_down(&watcher, true);
    rewrite();
    relay_set(RELAY_PASS);
    const uint64_t begun_ns = kit_now_ns();
    watcher_wait_down(&watcher, false);
    watcher_wait_text(&watcher, "p/new=new");
    watcher_wait_same(&watcher);
    const uint64_t took_ns = kit_now_ns() - begun_ns;
    printf("  converged %u ms after the return\n", (unsigned)(took_ns / GW_NS_PER_MS));
    CU_ASSERT_TRUE(took_ns < RETURN_NS);
    CU_ASSERT_STRING_EQUAL(kit_list("p/"), REWRITTEN);
    CU_ASSERT_EQUAL(watcher.downs, 1);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_history_that_was_lost_while_a_watch_was_cut_off_is_a_reset(void) {
    struct watcher watcher;
    kit_begin();
    kit_use_relay();
    kit_open();
    put_before();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    relay_set(RELAY_REFUSE);
    watcher_wait_down(&watcher, true);
    rewrite();
    server_do(&kit.server, "lose-history");
    relay_set(RELAY_PASS);
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list("p/"), REWRITTEN);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    (void)kit_put("p/later", "1", EG_REV_ANY, NULL);
    watcher_wait_text(&watcher, "+p/later=1 ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_watch_of_the_past_begins_with_a_reset_when_history_was_lost(void) {
    struct watcher watcher;
    uint64_t revision = 0;
    kit_begin();
    kit_open();
    (void)kit_put("p/a", "1", EG_REV_ANY, &revision);
    put_before();
    CU_ASSERT_EQUAL(kit_remove("p/a", EG_REV_ANY, NULL), EG_OK);
    server_do(&kit.server, "lose-history");
    watcher_open(&watcher, "p/", revision);
    watcher_wait_synced(&watcher);
    CU_ASSERT_TRUE(strncmp(watcher_told(&watcher), "R ", 2) == 0);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.resets, 1);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* ---- a backup is put back ---- */

static void copy(const char *from, const char *to) {
    if (spawn_run((const char *[]){"/bin/cp", "-a", from, to, NULL}) != 0) {
        kit_fail("the data of the server cannot be copied");
    }
}

static void start_in(char *directory, const char *name) {
    (void)snprintf(directory, 300, "%s/%s", kit.directory, name);
    (void)mkdir(directory, 0700);
    kit.server.directory = directory;
    server_start(&kit.server);
}

/* What the backup has not is gone, what was removed since is there again, and changes with
 * revisions that have been told before are told again. */
static void check_restored(struct watcher *watcher) {
    kit_wait_ready();
    watcher_wait_down(watcher, false);
    watcher_wait_same(watcher);
    CU_ASSERT_TRUE(watcher->resets > 0);
    CU_ASSERT_EQUAL(kit_put("p/after", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(watcher, "+p/after=1 ");
    watcher_wait_same(watcher);
    CU_ASSERT_EQUAL(watcher->disorder, 0);
}

static void a_store_that_is_put_back_to_a_backup_is_a_reset(void) {
    struct watcher watcher;
    char live[300];
    char backup[300];
    kit_begin_away();
    start_in(live, "live");
    kit_open();
    put_before();
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    server_stop(&kit.server);
    (void)snprintf(backup, sizeof backup, "%s/backup", kit.directory);
    copy(live, backup);
    server_start(&kit.server);
    kit_wait_ready();
    for (unsigned i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(kit_put("p/later", "1", EG_REV_ANY, NULL), EG_OK);
    }
    CU_ASSERT_EQUAL(kit_put("p/changed", "since", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_remove("p/gone", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_same(&watcher);
    watcher_forget(&watcher);
    server_kill9(&kit.server);
    watcher_wait_down(&watcher, true);
    start_in(backup, "backup");
    check_restored(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list("p/"),
                           "p/after=1 p/again=old p/changed=old p/gone=old p/same=old ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_store_that_comes_back_empty_is_a_reset(void) {
    struct watcher watcher;
    char first[300];
    char second[300];
    kit_begin_away();
    start_in(first, "first");
    kit_open();
    put_before();
    for (unsigned i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(kit_put("p/later", "1", EG_REV_ANY, NULL), EG_OK);
    }
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    watcher_forget(&watcher);
    server_kill9(&kit.server);
    watcher_wait_down(&watcher, true);
    start_in(second, "second");
    check_restored(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "p/after=1 ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

/* ---- not there at the start ---- */

static void a_store_that_is_away_at_the_start_is_used_when_it_comes(void) {
    struct watcher watcher;
    kit_begin_away();
    const uint64_t begun_ns = kit_now_ns();
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 10 * GW_NS_PER_S);
    CU_ASSERT_TRUE(is_away(kit_put("k", "v", EG_REV_ANY, NULL)));
    CU_ASSERT_TRUE(kit.took_ns < FAST_NS);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.why, "127.0.0.1"));
    CU_ASSERT_PTR_NULL(kit_get("k", NULL));
    CU_ASSERT_TRUE(is_away(kit.status) && kit.took_ns < FAST_NS && kit.why[0] != '\0');
    CU_ASSERT_STRING_EQUAL(kit_list(""), "failed");
    CU_ASSERT_TRUE(is_away(kit.status) && kit.took_ns < FAST_NS && kit.why[0] != '\0');
    CU_ASSERT_TRUE(is_away(kit_remove("k", EG_REV_ANY, NULL)));
    CU_ASSERT_TRUE(kit.took_ns < FAST_NS && kit.why[0] != '\0');
    watcher_open(&watcher, "", 0);
    watcher_wait_down(&watcher, true);
    server_start(&kit.server);
    const uint64_t took_ns = wait_for_return("k");
    printf("  used %u ms after it came\n", (unsigned)(took_ns / GW_NS_PER_MS));
    watcher_wait_text(&watcher, "+k=back ");
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_store_that_is_away_can_be_stopped_at_once(void) {
    struct watcher watcher;
    kit_begin_away();
    CU_ASSERT_EQUAL(kit_try_open(), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_down(&watcher, true);
    const uint64_t begun_ns = kit_now_ns();
    watcher_close(&watcher); /* tells CLOSED */
    kit_close();
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns < 5 * GW_NS_PER_S);
    kit_end();
}

/* ---- credentials ---- */

static void the_right_credentials_open_a_store_that_asks_for_them(void) {
    struct watcher watcher;
    kit_begin_with_auth();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("k", "v", EG_REV_ABSENT, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_text(&watcher, "+k=v ");
    CU_ASSERT_EQUAL(kit_remove("k", EG_REV_ANY, NULL), EG_OK);
    watcher_wait_text(&watcher, "-k ");
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void wrong_or_missing_credentials_fail_the_start_with_a_sentence(void) {
    static const enum driver_credentials bad[] = {DRIVER_WRONG_CREDENTIALS, DRIVER_NO_CREDENTIALS};
    kit_begin_with_auth();
    for (size_t i = 0; i < 2; i++) {
        kit.place.credentials = bad[i];
        CU_ASSERT_EQUAL(kit_try_open(), EG_E_DENIED);
        CU_ASSERT_TRUE(strlen(kit.why) > 20);
        CU_ASSERT_PTR_NULL(strstr(kit.why, DRIVER_SECRET));
        printf("  %s\n", kit.why);
        kit_close();
    }
    kit_end();
}

static void credentials_that_are_revoked_later_are_told_and_tried_on(void) {
    struct watcher watcher;
    kit_begin_with_auth();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "p/", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    server_do(&kit.server, "revoke");
    const uint64_t begun_ns = kit_now_ns();
    while (kit_put("p/a", "2", EG_REV_ANY, NULL) != EG_E_DENIED) {
        if (kit_now_ns() - begun_ns > 45 * GW_NS_PER_S) {
            kit_fail("revoked credentials are never told");
        }
        gw_loop_turn(kit.loop, 50 * GW_NS_PER_MS);
    }
    CU_ASSERT_TRUE(strlen(kit.why) > 0);
    CU_ASSERT_PTR_NULL(strstr(kit.why, DRIVER_SECRET));
    watcher_wait_down(&watcher, true);
    server_do(&kit.server, "restore");
    (void)wait_for_return("p/b");
    watcher_wait_down(&watcher, false);
    watcher_wait_text(&watcher, "+p/b=back ");
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(a_watch_outlives_a_restart_of_the_server, NEEDS_SERVER | OWN_SERVER),
    CASE(nothing_acknowledged_is_lost_when_the_server_is_killed, NEEDS_SERVER | OWN_SERVER),
    CASE(writes_under_way_when_the_server_is_killed_are_answered, NEEDS_SERVER | OWN_SERVER),
    CASE(revisions_go_on_growing_after_the_server_was_killed, NEEDS_SERVER | OWN_SERVER),
    CASE(what_changed_while_a_watch_was_cut_off_is_there_afterwards, NEEDS_SERVER),
    CASE(a_history_that_was_lost_while_a_watch_was_cut_off_is_a_reset, NEEDS_LOSE | OWN_SERVER),
    CASE(a_watch_of_the_past_begins_with_a_reset_when_history_was_lost, NEEDS_LOSE | OWN_SERVER),
    CASE(a_store_that_is_put_back_to_a_backup_is_a_reset, NEEDS_SERVER | OWN_SERVER),
    CASE(a_store_that_comes_back_empty_is_a_reset, NEEDS_SERVER | OWN_SERVER),
    CASE(a_store_that_is_away_at_the_start_is_used_when_it_comes, NEEDS_SERVER | OWN_SERVER),
    CASE(a_store_that_is_away_can_be_stopped_at_once, NEEDS_SERVER | OWN_SERVER),
    CASE(the_right_credentials_open_a_store_that_asks_for_them, NEEDS_AUTH | OWN_SERVER),
    CASE(wrong_or_missing_credentials_fail_the_start_with_a_sentence, NEEDS_AUTH | OWN_SERVER),
    CASE(credentials_that_are_revoked_later_are_told_and_tried_on, NEEDS_REVOKE | OWN_SERVER),
};
const struct case_list cases_restart = {cases, sizeof cases / sizeof cases[0]};
