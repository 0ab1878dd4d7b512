/*
 * test_config_import.c - what an import does when the store or somebody else does not play along.
 * The real program on a store in memory. (What it does else: tests/e2e/test_config_io.py.)
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/app.h"
#include "app/transfer.h"
#include "base/check.h"
#include "plugin/loader.h"
#include "support/fake_providers.h"
#include "support/fake_storage.h"
#include "unit.h"

#define KEY(route, id) GW_STORE_ROOT route "/default/" id
#define FUNCTION(id)                                                                               \
    "{\"kind\":\"function\",\"functionId\":\"" id "\",\"type\":\"http\","                          \
    "\"provider\":{\"url\":\"http://a/\"}}\n"
#define EVENTTYPE(name) "{\"kind\":\"eventtype\",\"name\":\"" name "\"}\n"
#define GUARDED(name, id)                                                                          \
    "{\"kind\":\"eventtype\",\"name\":\"" name "\",\"authorizerId\":\"" id "\"}\n"
#define ASYNC(type, id)                                                                            \
    "{\"kind\":\"subscription\",\"type\":\"async\",\"eventType\":\"" type                          \
    "\",\"functionId\":\"" id "\"}\n"
#define STORED_ASYNC(type, id)                                                                     \
    "{\"space\":\"default\",\"subscriptionId\":\"s\",\"type\":\"async\",\"eventType\":\"" type     \
    "\",\"functionId\":\"" id "\",\"path\":\"/\",\"method\":\"POST\"}"

/* Instead of the table that CMake writes for a gateway. */
const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    static const struct eg_plugin *const plugins[] = {&fake_storage_plugin, &fake_providers_plugin};
    *ret_count = 2;
    return plugins;
}

static char folder[] = "/tmp/eventgw-import-XXXXXX";
static char told[8192]; /* by the last run, on both ways */

static void set_up(void) {
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}
static void clean_up(void) {
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* Runs the program with its outputs in a file. */
static int run_words(char **words, int count) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/out", folder);
    const int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int former_out = dup(STDOUT_FILENO);
    const int former_err = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(out >= 0 && former_out >= 0 && former_err >= 0);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    const int code = gw_app_run(count, words);
    (void)fflush(stdout);
    (void)dup2(former_out, STDOUT_FILENO);
    (void)dup2(former_err, STDERR_FILENO);
    const ssize_t len = pread(out, told, sizeof told - 1, 0);
    told[len < 0 ? 0 : len] = '\0';
    (void)close(former_out);
    (void)close(former_err);
    (void)close(out);
    (void)unlink(path);
    return code;
}

static int import(const char *text, const char *flag) {
    char path[64];
    char plugins[96];
    (void)snprintf(path, sizeof path, "%s/in.json", folder);
    (void)snprintf(plugins, sizeof plugins, "plugins.directory=%s", folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(text, file);
    (void)fclose(file);
    char *words[] = {"event-gateway", "config", "import",
                     "--store",       "fake",   "--set",
                     plugins,         path,     (char *)(uintptr_t)flag};
    const int code = run_words(words, (int)GW_COUNT(words) - (flag == NULL ? 1 : 0));
    (void)unlink(path);
    return code;
}

static bool has_told(const char *text) {
    const bool has = strstr(told, text) != NULL;
    if (!has) {
        printf("  told: %s\n", told);
    }
    return has;
}

/* ---- the store ---- */

static void a_store_that_is_away_is_told_and_nothing_is_written(void) {
    fake_storage_reset();
    fake_storage_fail(EG_E_UNAVAILABLE, "it is away");
    CU_ASSERT_EQUAL(import(FUNCTION("f"), NULL), GW_EXIT_FAILED);
    CU_ASSERT_TRUE(has_told("event-gateway: the store cannot be read: it is away\n"));
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
}

static void a_write_that_fails_ends_it_and_says_what_is_done(void) {
    fake_storage_reset();
    char big[1200];
    (void)snprintf(big, sizeof big, "%s%s", FUNCTION("f"), EVENTTYPE("e"));
    CU_ASSERT_EQUAL(import(FUNCTION("f"), NULL), GW_EXIT_OK);
    fake_storage_lose_races(1);
    CU_ASSERT_EQUAL(import(big, NULL), GW_EXIT_CONFLICT);
    CU_ASSERT_TRUE(has_told("event-gateway: cannot create eventtype default/e: it, or what it "
                            "refers to, was changed by somebody else meanwhile\n"));
    CU_ASSERT_EQUAL(fake_storage_count(), 1);
}

static void after_a_lost_race_nothing_of_later_phases_is_sent(void) {
    static const char text[] = FUNCTION("f") EVENTTYPE("e") ASYNC("e", "f");
    fake_storage_reset();
    fake_storage_lose_races(1);
    CU_ASSERT_EQUAL(import(text, NULL), GW_EXIT_CONFLICT);
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
    CU_ASSERT_EQUAL(import(text, NULL), GW_EXIT_OK);
    CU_ASSERT_TRUE(has_told("created 3, updated 0, deleted 0, unchanged 0\n"));
    CU_ASSERT_EQUAL(import(text, NULL), GW_EXIT_OK);
    CU_ASSERT_TRUE(has_told("created 0, updated 0, deleted 0, unchanged 3\n"));
}

/* ---- somebody else ---- */

static void what_was_updated_since_it_was_read_is_not_overwritten(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(EVENTTYPE("e") FUNCTION("f"), NULL), GW_EXIT_OK);
    /* Calls so far: list, two writes. The next: list, and then the write. */
    fake_storage_set_before(
        5, KEY("eventtypes", "e"),
        "{\"space\":\"default\",\"name\":\"e\",\"metadata\":{\"by\":\"other\"}}");
    CU_ASSERT_EQUAL(import(GUARDED("e", "f"), NULL), GW_EXIT_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_get(KEY("eventtypes", "e")), "other"));
}

static void a_write_rests_on_what_it_refers_to(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("f") EVENTTYPE("e"), NULL), GW_EXIT_OK);
    fake_storage_set_before(5, KEY("functions", "f"), NULL);
    CU_ASSERT_EQUAL(import(ASYNC("e", "f"), NULL), GW_EXIT_CONFLICT);
    CU_ASSERT_EQUAL(fake_storage_count(), 1); /* the event type */
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("f") EVENTTYPE("e") ASYNC("e", "f"), NULL), GW_EXIT_OK);
    ASSERT_STR(
        ((struct eg_str){fake_storage_last_commit(), strlen(fake_storage_last_commit())}),
        "put " KEY("subscriptions",
                   "YXN5bmMsZSxmLCUyRixQT1NU") " expect absent; "
                                               "key " KEY("eventtypes", "e") " is 2; key " KEY(
                                                   "functions", "f") " is 1");
}

static void what_others_began_to_use_is_not_pruned(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("old") EVENTTYPE("e"), NULL), GW_EXIT_OK);
    /* Calls so far: list, two writes. The next: list, write of `new`, list again. */
    fake_storage_set_before(6, KEY("subscriptions", "s"), STORED_ASYNC("e", "old"));
    CU_ASSERT_EQUAL(import(FUNCTION("new") EVENTTYPE("e"), "--prune"), GW_EXIT_CONFLICT);
    CU_ASSERT_TRUE(has_told("function default/old: it cannot be removed: subscription default/s, "
                            "which stays, uses it\n"));
    CU_ASSERT_TRUE(has_told("stopped: created 1, updated 0, deleted 0, unchanged 1\n"));
    CU_ASSERT_EQUAL(fake_storage_count(), 4);
}

static void what_others_add_meanwhile_is_not_pruned(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("old") EVENTTYPE("e"), NULL), GW_EXIT_OK);
    fake_storage_set_before(6, KEY("eventtypes", "theirs"), "{}");
    CU_ASSERT_EQUAL(import(FUNCTION("new") EVENTTYPE("e"), "--prune"), GW_EXIT_OK);
    CU_ASSERT_TRUE(has_told("created 1, updated 0, deleted 1, unchanged 1\n"));
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY("eventtypes", "theirs")));
}

static void a_user_that_comes_while_pruning_is_a_conflict(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("old") FUNCTION("new"), NULL), GW_EXIT_OK);
    /* list, list again, and before the removal somebody else uses it */
    fake_storage_set_before(6, KEY("eventtypes", "e"),
                            "{\"space\":\"default\",\"name\":\"e\",\"authorizerId\":\"old\"}");
    CU_ASSERT_EQUAL(import(FUNCTION("new"), "--prune"), GW_EXIT_CONFLICT);
    CU_ASSERT_TRUE(has_told("cannot delete function default/old: "));
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY("functions", "old")));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_last_commit(), "prefix"));
}

static void what_was_changed_before_pruning_is_a_conflict(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("old") FUNCTION("new"), NULL), GW_EXIT_OK);
    fake_storage_set_before(5, KEY("functions", "new"), NULL);
    CU_ASSERT_EQUAL(import(FUNCTION("new"), "--prune"), GW_EXIT_CONFLICT);
    CU_ASSERT_TRUE(has_told("was changed by somebody else meanwhile; nothing was removed\n"));
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY("functions", "old")));
}

static void a_store_without_transactions_does_as_well(void) {
    fake_storage_reset();
    CU_ASSERT_EQUAL(import(FUNCTION("f") EVENTTYPE("e") ASYNC("e", "f"), "--store=fake_0_1"),
                    GW_EXIT_OK);
    CU_ASSERT_EQUAL(fake_storage_count(), 3);
    CU_ASSERT_EQUAL(strlen(fake_storage_last_commit()), 0);
    CU_ASSERT_EQUAL(import(FUNCTION("g"), "--prune"), GW_EXIT_OK);
    CU_ASSERT_EQUAL(fake_storage_count(), 1);
    fake_storage_reset();
}

UNIT_MAIN(UNIT(set_up), UNIT(a_store_that_is_away_is_told_and_nothing_is_written),
          UNIT(a_write_that_fails_ends_it_and_says_what_is_done),
          UNIT(after_a_lost_race_nothing_of_later_phases_is_sent),
          UNIT(what_was_updated_since_it_was_read_is_not_overwritten),
          UNIT(a_write_rests_on_what_it_refers_to), UNIT(what_others_began_to_use_is_not_pruned),
          UNIT(what_others_add_meanwhile_is_not_pruned),
          UNIT(a_user_that_comes_while_pruning_is_a_conflict),
          UNIT(what_was_changed_before_pruning_is_a_conflict),
          UNIT(a_store_without_transactions_does_as_well), UNIT(clean_up))
