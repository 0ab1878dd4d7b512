/*
 * test_redis_data.c - what only Redis has, about its data: a data set that goes another way,
 * content that is changed by hand, how a check of a prefix is made, how old keys are, lists of many
 * pages. Against real servers.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "test_redis.h"
#include "watcher.h"

/* ---- the data set goes another way ---- */

static void a_data_set_that_is_removed_is_a_reset(void) {
    struct watcher watcher;
    redis_begin();
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    REDIS("FLUSHALL");
    watcher_wait_text(&watcher, "R S ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    redis_wait_put(EG_OK);
    watcher_wait_text(&watcher, "+k=v ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    redis_end();
}

/* A replica that lagged becomes the master and takes other writes: the same revisions, another
 * history. Revision 3 is the last one that the watch has seen. */
static void a_history_that_parted_is_a_reset(void) {
    struct watcher watcher;
    redis_begin();
    redis_use("timeout=\"200ms\"", NULL, NULL);
    kit_open();
    for (unsigned i = 1; i <= 3; i++) {
        redis_wait_put(EG_OK);
    }
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    REDIS("EVAL redis.call('DEL',KEYS[1])"
          "redis.call('XADD',KEYS[1],'3-0','kind','put','key','k','value','w','nonce','another','"
          "created','1')"
          "redis.call('XADD',KEYS[1],'4-0','kind','put','key','l','value','w','nonce','one','"
          "created','4')"
          "redis.call('HSET',KEYS[2],'revision','4','nonce','one')"
          "redis.call('HSET',KEYS[3],'k','w','l','w')"
          "redis.call('HSET',KEYS[4],'k','3~1~'..redis.sha1hex('w'),'l','4~4~'..redis.sha1hex('w'))"
          "redis.call('ZADD',KEYS[5],0,'l') 5 " P "changes " P "state " P "values " P "revisions " P
          "index");
    watcher_wait_text(&watcher, "R ");
    watcher_wait_synced(&watcher);
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=w l=w ");
    watcher_close(&watcher);
    redis_end();
}

static void a_history_of_one_change_is_enough_for_who_has_seen_the_one_before(void) {
    struct watcher watcher;
    char value[16];
    char wanted[32];
    redis_begin();
    redis_use("history=1", NULL, NULL);
    kit_open();
    redis_wait_put(EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    for (unsigned i = 1; i <= 5; i++) {
        (void)snprintf(value, sizeof value, "%u", i);
        (void)snprintf(wanted, sizeof wanted, "+k=%u ", i);
        CU_ASSERT_EQUAL(kit_put("k", value, EG_REV_ANY, NULL), EG_OK);
        watcher_wait_text(&watcher, wanted);
    }
    CU_ASSERT_EQUAL(watcher.resets, 0);
    watcher_close(&watcher);
    redis_end();
}

static void a_counter_that_is_gone_goes_on_above_all_revisions(void) {
    struct watcher watcher;
    uint64_t before = 0;
    uint64_t after = 0;
    redis_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("a", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("b", "1", EG_REV_ANY, &before), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("DEL " P "state " P "changes");
    watcher_wait_text(&watcher, "R ");
    redis_wait_put(EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "2", EG_REV_ANY, &after), EG_OK);
    CU_ASSERT_TRUE(after > before);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "a=2 b=1 k=v ");
    watcher_wait_same(&watcher);
    watcher_close(&watcher);
    redis_end();
}

/* ---- checks of a prefix ---- */

static int32_t put_if_same(const char *prefix, uint64_t revision) {
    const struct eg_check check = {.struct_size = sizeof check,
                                   .kind = EG_CHECK_PREFIX,
                                   .key = gw_str_c(prefix),
                                   .revision = revision};
    const struct eg_check *const checks[] = {&check};
    const struct eg_commit commit = {.struct_size = sizeof commit,
                                     .key = GW_STR("k"),
                                     .value = GW_STR("v"),
                                     .expect_revision = EG_REV_ANY,
                                     .checks = checks,
                                     .check_count = 1};
    return kit_commit(&commit, NULL);
}

#define WHEN_NOTHING_WAS_SCANNED                                                                   \
    "EVAL if~string.find(redis.call('INFO','commandstats'),'zrangebylex')~then~"                   \
    "return~redis.error_reply('scanned')~end 0"

static void a_check_of_a_prefix_reads_what_has_changed_and_not_all_that_is_there(void) {
    uint64_t basis = 0;
    uint64_t later = 0;
    redis_begin();
    kit_open();
    CU_ASSERT_EQUAL(kit_put("p/a", "1", EG_REV_ANY, &basis), EG_OK);
    REDIS("CONFIG RESETSTAT");
    for (unsigned i = 0; i < 30; i++) {
        CU_ASSERT_EQUAL(put_if_same("p/", basis), EG_OK);
    }
    CU_ASSERT_EQUAL(kit_put("p/a", "2", EG_REV_ANY, &later), EG_OK);
    CU_ASSERT_EQUAL(put_if_same("p/", basis), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(put_if_same("p/", later), EG_OK);
    CU_ASSERT_EQUAL(put_if_same("", later), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(kit_remove("p/a", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(put_if_same("p/", basis), EG_OK); /* there is nothing that was put */
    REDIS(WHEN_NOTHING_WAS_SCANNED);
    /* Where the stream does not reach back, by what is there. */
    CU_ASSERT_EQUAL(kit_put("p/b", "1", EG_REV_ANY, &later), EG_OK);
    REDIS("DEL " P "changes");
    CU_ASSERT_EQUAL(put_if_same("p/", basis), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(put_if_same("p/", later - 1), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(put_if_same("q/", basis), EG_OK);
    CU_ASSERT_NOT_EQUAL(redis_at(kit.server.port, WHEN_NOTHING_WAS_SCANNED), 0);
    for (unsigned i = 0; i < 260; i++) {
        CU_ASSERT_EQUAL(put_if_same("p/", later), EG_OK);
    }
    CU_ASSERT_EQUAL(put_if_same("p/", later - 1), EG_E_CONFLICT);
    redis_end();
}

/* ---- by hand ---- */

static void what_is_changed_by_hand_is_taken_over(void) {
    struct watcher watcher;
    uint64_t revision = 0;
    redis_begin();
    redis_use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("changed", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("removed", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("same", "1", EG_REV_ANY, &revision), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("HSET " P "values changed by-hand");
    watcher_wait_text(&watcher, "+changed=by-hand ");
    REDIS("HDEL " P "values removed");
    watcher_wait_text(&watcher, "-removed ");
    REDIS("HSET " P "values new by-hand");
    watcher_wait_text(&watcher, "+new=by-hand ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "changed=by-hand new=by-hand same=1 ");
    uint64_t now = 0;
    CU_ASSERT_STRING_EQUAL(kit_get("changed", &now), "by-hand");
    CU_ASSERT_TRUE(now > revision);
    CU_ASSERT_EQUAL(kit_put("changed", "2", now, NULL), EG_OK);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    CU_ASSERT_EQUAL(watcher.resets + watcher.downs, 0);
    watcher_close(&watcher);
    redis_end();
}

/* A key, its revision and its place in the index vanish without a change: only the comparison with
 * what was told can find that. */
static void what_no_change_has_told_is_found_by_comparing(void) {
    struct watcher watcher;
    redis_begin();
    redis_use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("gone", "1", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("here", "1", EG_REV_ANY, NULL), EG_OK);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    REDIS("EVAL redis.call('HDEL',KEYS[1],'gone')redis.call('HDEL',KEYS[2],'gone')"
          "redis.call('ZREM',KEYS[3],'gone') 3 " P "values " P "revisions " P "index");
    watcher_wait_text(&watcher, "R ");
    watcher_wait_same(&watcher);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "here=1 ");
    watcher_close(&watcher);
    redis_end();
}

/* ---- how old a key is ---- */

/* A watch that notes "key@created " of every put, "R " of a RESET. */
struct ages {
    struct eg_watch pub;
    uint64_t from;
    unsigned is_closed;
    size_t len;
    char text[4096];
};

static void on_age(struct eg_watch *watch, const struct eg_change *change) {
    struct ages *ages = GW_CONTAINER(watch, struct ages, pub);
    char *end = ages->text + ages->len;
    const size_t room = sizeof ages->text - ages->len;
    ages->is_closed = change->kind == EG_CHANGE_CLOSED;
    if (change->kind == EG_CHANGE_PUT) {
        ages->len += (size_t)snprintf(end, room, "%.*s@%llu ", GW_FMT(change->key),
                                      (unsigned long long)change->created);
    } else if (change->kind == EG_CHANGE_RESET) {
        ages->len += (size_t)snprintf(end, room, "R ");
    }
    GW_ASSERT(ages->len < sizeof ages->text);
}

static void watch_ages(void *arg) {
    struct ages *ages = arg;
    CU_ASSERT_EQUAL_FATAL(kit.ops->watch(kit.instance->self, GW_STR(""), ages->from, &ages->pub),
                          EG_OK);
}

static void unwatch_ages(void *arg) {
    kit.ops->unwatch(kit.instance->self, arg);
}

static void ages_open(struct ages *ages, uint64_t from) {
    memset(ages, 0, sizeof *ages);
    ages->pub = (struct eg_watch){.struct_size = sizeof ages->pub, .changed = on_age};
    ages->from = from;
    kit_on_loop(watch_ages, ages);
}

static void ages_close(struct ages *ages) {
    kit_on_loop(unwatch_ages, &ages->pub);
    kit_turn_until(&ages->is_closed, 1, "a watch is never closed");
}

/* Forgets what was told, when that was told. */
static void wait_age(struct ages *ages, const char *before, const char *key, uint64_t created) {
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%s%s@%llu ", before, key, (unsigned long long)created);
    while (strstr(ages->text, wanted) == NULL) {
        if (kit_now_ns() > end_ns) {
            printf("  wanted \"%s\", was told \"%s\"\n", wanted, ages->text);
            kit_fail("the age of a key is not told");
        }
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
    ages->len = 0;
    ages->text[0] = '\0';
}

static void the_age_of_a_key_lasts_through_updates_repairs_resets_and_restarts(void) {
    static struct ages ages;
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t last = 0;
    redis_begin();
    redis_use("reconcile=\"100ms\"", NULL, NULL);
    kit_open();
    CU_ASSERT_EQUAL(kit_put("a", "1", EG_REV_ANY, &first), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "2", EG_REV_ANY, &last), EG_OK);
    ages_open(&ages, 0); /* of the content */
    wait_age(&ages, "", "a", first);
    CU_ASSERT_EQUAL(kit_put("a", "3", EG_REV_ANY, NULL), EG_OK);
    wait_age(&ages, "", "a", first); /* of a change */
    REDIS("HSET " P "values a by-hand");
    wait_age(&ages, "", "a", first);
    CU_ASSERT_EQUAL(kit_remove("a", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "4", EG_REV_ANY, &second), EG_OK);
    wait_age(&ages, "", "a", second); /* a removal ends it */
    REDIS("DEL " P "state " P "changes");
    wait_age(&ages, "R ", "a", second);
    ages_close(&ages);
    kit_close();
    server_stop(&kit.server);
    server_start(&kit.server);
    kit_open();
    ages_open(&ages, 0);
    wait_age(&ages, "", "a", second);
    ages_close(&ages);
    CU_ASSERT_EQUAL(kit_put("b", "1", EG_REV_ANY, &last), EG_OK);
    CU_ASSERT_EQUAL(kit_put("a", "5", EG_REV_ANY, NULL), EG_OK);
    ages_open(&ages, last); /* of what was missed */
    wait_age(&ages, "", "a", second);
    ages_close(&ages);
    redis_end();
}

/* Writes come between the pages of a list that takes several. */
static void a_list_of_many_pages_is_of_one_moment(void) {
    static struct answer answers[1500];
    static char keys[1500][16];
    struct answer list;
    redis_begin();
    kit_open();
    for (unsigned i = 0; i < 1500; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "p/%04u", i);
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("old"), EG_REV_ANY);
    }
    for (unsigned i = 0; i < 1500; i++) {
        kit_wait(&answers[i]);
        kit_drop(&answers[i]);
    }
    kit_send_list(&list, GW_STR("p/")); /* the first page is asked for; then come the writes */
    for (unsigned i = 0; i < 1500; i += 10) {
        kit_send_put(&answers[i], gw_str_c(keys[i]), GW_STR("new"), EG_REV_ANY);
        kit_send_remove(&answers[i + 1], gw_str_c(keys[i + 1]), EG_REV_ANY);
    }
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    size_t new_ones = 0;
    size_t too_new = 0;
    for (size_t i = 0; i < list.count; i++) {
        new_ones += gw_str_eq(list.items[i].value, GW_STR("new"));
        too_new += list.items[i].revision > list.revision;
    }
    /* 1500 writes, then pairs of a put and a removal: the revision says how many it has seen. */
    const uint64_t seen = list.revision - 1500;
    CU_ASSERT_EQUAL(too_new, 0);
    CU_ASSERT_TRUE(seen > 0);
    CU_ASSERT_EQUAL(new_ones, (seen + 1) / 2);
    CU_ASSERT_EQUAL(list.count, 1500 - seen / 2);
    kit_drop(&list);
    for (unsigned i = 0; i < 1500; i += 10) {
        kit_wait(&answers[i]);
        kit_wait(&answers[i + 1]);
        kit_drop(&answers[i]);
        kit_drop(&answers[i + 1]);
    }
    redis_end();
}

const struct unit_case redis_data_cases[] = {
    UNIT(a_data_set_that_is_removed_is_a_reset),
    UNIT(a_history_that_parted_is_a_reset),
    UNIT(a_history_of_one_change_is_enough_for_who_has_seen_the_one_before),
    UNIT(a_counter_that_is_gone_goes_on_above_all_revisions),
    UNIT(a_check_of_a_prefix_reads_what_has_changed_and_not_all_that_is_there),
    UNIT(what_is_changed_by_hand_is_taken_over),
    UNIT(what_no_change_has_told_is_found_by_comparing),
    UNIT(the_age_of_a_key_lasts_through_updates_repairs_resets_and_restarts),
    UNIT(a_list_of_many_pages_is_of_one_moment),
};
const size_t redis_data_case_count = sizeof redis_data_cases / sizeof redis_data_cases[0];
