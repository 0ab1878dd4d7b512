/*
 * cases_race.c - two gateways that want the same at the same moment. The second process does its
 * part of a round when it is told to go, which is when this one begins its own.
 */
#include <stdlib.h>

#include "base/slice.h"
#include "cases.h"
#include "watcher.h"

#define ROUNDS 60u
#define WRITES 300u

static void key_of(char out[32], const char *kind, unsigned round) {
    (void)snprintf(out, 32, "%s/%03u%s", kind, round, strcmp(kind, "s") == 0 ? "/" : "");
}

static void subscription_of(char out[32], unsigned round) {
    (void)snprintf(out, 32, "s/%03u/1", round);
}

/* ---- create if absent ---- */

static int32_t create(unsigned round, const char *who) {
    char key[32];
    key_of(key, "c", round);
    return kit_put(key, who, EG_REV_ABSENT, NULL);
}

int child_creates(void) {
    child_say(0);
    for (unsigned round = 0; child_wait_go(); round++) {
        const int32_t status = create(round, "child");
        if (status != EG_OK && status != EG_E_EXISTS) {
            return 4;
        }
        child_say(status == EG_OK);
    }
    return 0;
}

static void of_two_processes_that_create_a_key_one_wins(void) {
    struct child child;
    unsigned won = 0;
    kit_begin();
    kit_open();
    child_start(&child, "creates");
    CU_ASSERT_EQUAL_FATAL(child_number(&child), 0); /* is ready */
    for (unsigned round = 0; round < ROUNDS; round++) {
        char key[32];
        child_go(&child);
        const int32_t status = create(round, "parent");
        const long child_won = child_number(&child);
        CU_ASSERT_TRUE(status == EG_OK || status == EG_E_EXISTS);
        CU_ASSERT_TRUE((status == EG_OK) != (child_won == 1));
        key_of(key, "c", round);
        const char *value = kit_get(key, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(value);
        CU_ASSERT_STRING_EQUAL(value, status == EG_OK ? "parent" : "child");
        won += status == EG_OK;
    }
    printf("  of %u races the first process won %u\n", ROUNDS, won);
    CU_ASSERT_EQUAL(child_end(&child), 0);
    kit_close();
    kit_end();
}

/* ---- a function is deleted while a subscription to it is made ---- */

static int32_t write_if(const char *key, const char *value, uint32_t kind, const char *checked,
                        uint64_t revision) {
    const struct eg_check check = {
        .struct_size = sizeof check, .kind = kind, .key = gw_str_c(checked), .revision = revision};
    const struct eg_check *const list[] = {&check};
    const struct eg_commit commit = {.struct_size = sizeof commit,
                                     .is_removal = value == NULL,
                                     .key = gw_str_c(key),
                                     .value = gw_str_c(value),
                                     .expect_revision = value == NULL ? EG_REV_ANY : EG_REV_ABSENT,
                                     .checks = list,
                                     .check_count = 1};
    return kit_commit(&commit, NULL);
}

/* The function has to be there still when the subscription is written. */
static int32_t subscribe(unsigned round) {
    char function[32];
    char subscription[32];
    uint64_t revision = 0;
    key_of(function, "f", round);
    subscription_of(subscription, round);
    if (kit_get(function, &revision) == NULL) {
        return EG_E_NOTFOUND;
    }
    return write_if(subscription, "to the function", EG_CHECK_KEY, function, revision);
}

/* No subscription may have come since it was seen that there is none. */
static int32_t delete_function(unsigned round) {
    char function[32];
    char subscriptions[32];
    struct answer list;
    key_of(function, "f", round);
    key_of(subscriptions, "s", round);
    kit_send_list(&list, gw_str_c(subscriptions));
    kit_wait(&list);
    const uint64_t revision = list.revision;
    const bool is_used = list.status != EG_OK || list.count > 0;
    kit_drop(&list);
    return is_used ? EG_E_BUSY : write_if(function, NULL, EG_CHECK_PREFIX, subscriptions, revision);
}

int child_subscribes(void) {
    child_say(0);
    for (unsigned round = 0; child_wait_go(); round++) {
        const int32_t status = subscribe(round);
        if (status != EG_OK && status != EG_E_NOTFOUND && status != EG_E_CONFLICT) {
            return 4;
        }
        child_say(status == EG_OK);
    }
    return 0;
}

static void check_round(unsigned round, bool was_deleted, bool was_subscribed) {
    char function[32];
    char subscription[32];
    key_of(function, "f", round);
    subscription_of(subscription, round);
    CU_ASSERT_FALSE(was_deleted && was_subscribed);
    CU_ASSERT_TRUE(was_deleted || was_subscribed);
    CU_ASSERT_EQUAL(kit_get(function, NULL) == NULL, was_deleted);
    CU_ASSERT_EQUAL(kit_get(subscription, NULL) != NULL, was_subscribed);
}

static void a_function_is_never_deleted_while_it_gets_a_subscription(void) {
    struct child child;
    char function[32];
    unsigned deleted = 0;
    kit_begin();
    kit_open();
    child_start(&child, "subscribes");
    CU_ASSERT_EQUAL_FATAL(child_number(&child), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        key_of(function, "f", round);
        CU_ASSERT_EQUAL(kit_put(function, "function", EG_REV_ABSENT, NULL), EG_OK);
        child_go(&child);
        const int32_t status = delete_function(round);
        const bool was_subscribed = child_number(&child) == 1;
        CU_ASSERT_TRUE(status == EG_OK || status == EG_E_BUSY || status == EG_E_CONFLICT);
        check_round(round, status == EG_OK, was_subscribed);
        deleted += status == EG_OK;
    }
    printf("  of %u races the deletion won %u\n", ROUNDS, deleted);
    CU_ASSERT_EQUAL(child_end(&child), 0);
    kit_close();
    kit_end();
}

/* ---- what a watch makes of two writers ---- */

int child_scribbles(void) {
    char key[32];
    child_say(0);
    (void)child_wait_go();
    for (unsigned i = 0; i < WRITES; i++) {
        key_of(key, "w", i * 7 % 20);
        const int32_t status = i % 5 == 4 ? kit_remove(key, EG_REV_ANY, NULL)
                                          : kit_put(key, "child", EG_REV_ANY, NULL);
        if (status != EG_OK && status != EG_E_NOTFOUND) {
            return 4;
        }
    }
    child_say(1);
    return 0;
}

static void a_watch_follows_two_writers_in_the_order_of_revisions(void) {
    struct watcher watcher;
    struct child child;
    char key[32];
    kit_begin();
    kit_open();
    watcher_open(&watcher, "w/", 0);
    watcher_wait_synced(&watcher);
    child_start(&child, "scribbles");
    CU_ASSERT_EQUAL_FATAL(child_number(&child), 0);
    child_go(&child);
    for (unsigned i = 0; i < WRITES; i++) {
        key_of(key, "w", i * 3 % 20);
        const int32_t status = i % 7 == 6 ? kit_remove(key, EG_REV_ANY, NULL)
                                          : kit_put(key, "parent", EG_REV_ANY, NULL);
        CU_ASSERT_TRUE(status == EG_OK || status == EG_E_NOTFOUND);
    }
    CU_ASSERT_EQUAL(child_number(&child), 1);
    CU_ASSERT_EQUAL(child_end(&child), 0);
    watcher_wait_same(&watcher);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    CU_ASSERT_EQUAL(watcher.resets, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(of_two_processes_that_create_a_key_one_wins, NEEDS_SHARED),
    CASE(a_function_is_never_deleted_while_it_gets_a_subscription, NEEDS_SHARED),
    CASE(a_watch_follows_two_writers_in_the_order_of_revisions, NEEDS_SHARED),
};
const struct case_list cases_race = {cases, sizeof cases / sizeof cases[0]};
