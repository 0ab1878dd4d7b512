/*
 * cases_commit.c - a write with checks: it happens when all of them hold, else nothing does, and
 * nobody comes between the checks and the write.
 */
#include "base/slice.h"
#include "cases.h"
#include "watcher.h"

/* ---- commits in one line ---- */

struct checks {
    struct eg_check items[8];
    const struct eg_check *list[8];
    size_t count;
};

static void add(struct checks *checks, uint32_t kind, struct eg_str key, uint64_t revision) {
    struct eg_check *check = &checks->items[checks->count];
    *check = (struct eg_check){
        .struct_size = sizeof *check, .kind = kind, .key = key, .revision = revision};
    checks->list[checks->count++] = check;
}

static struct checks one(uint32_t kind, const char *key, uint64_t revision) {
    struct checks checks = {.count = 0};
    add(&checks, kind, gw_str_c(key), revision);
    return checks;
}

static int32_t commit(const char *key, const char *value, uint64_t expect, struct checks *checks,
                      uint64_t *ret_revision) {
    struct eg_commit commit = {.struct_size = sizeof commit,
                               .is_removal = value == NULL,
                               .key = gw_str_c(key),
                               .value = gw_str_c(value),
                               .expect_revision = expect};
    for (size_t i = 0; checks != NULL && i < checks->count; i++) {
        checks->list[i] = &checks->items[i]; /* the struct may have been copied */
    }
    commit.checks = checks == NULL ? NULL : checks->list;
    commit.check_count = checks == NULL ? 0 : checks->count;
    return kit_commit(&commit, ret_revision);
}

static int32_t commit_if(const char *key, struct checks checks) {
    return commit(key, "v", EG_REV_ANY, &checks, NULL);
}

/* The revision of the store as list tells it. */
static uint64_t store_revision(const char *prefix) {
    struct answer list;
    kit_send_list(&list, gw_str_c(prefix));
    kit_wait(&list);
    CU_ASSERT_EQUAL(list.status, EG_OK);
    const uint64_t revision = list.revision;
    kit_drop(&list);
    return revision;
}

static void open_for_commits(void) {
    kit_begin();
    kit_open();
    CU_ASSERT_TRUE_FATAL(EG_HAS(kit.ops, commit) && kit.ops->commit != NULL);
}

/* ---- cases ---- */

static void a_commit_without_checks_is_a_put_or_a_removal(void) {
    uint64_t put_at = 0;
    uint64_t read_at = 0;
    uint64_t again_at = 0;
    uint64_t removed_at = 0;
    open_for_commits();
    CU_ASSERT_EQUAL(commit("k", "1", EG_REV_ABSENT, NULL, &put_at), EG_OK);
    CU_ASSERT_STRING_EQUAL(kit_get("k", &read_at), "1");
    CU_ASSERT_EQUAL(put_at, read_at);
    CU_ASSERT_EQUAL(commit("k", "2", EG_REV_ABSENT, NULL, NULL), EG_E_EXISTS);
    CU_ASSERT_EQUAL(commit("k", "2", put_at + 1000, NULL, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit("missing", "2", put_at, NULL, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit("k", "2", put_at, NULL, &again_at), EG_OK);
    CU_ASSERT_EQUAL(commit("k", "3", EG_REV_ANY, NULL, &again_at), EG_OK);
    CU_ASSERT_EQUAL(commit("missing", NULL, EG_REV_ANY, NULL, NULL), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(commit("k", NULL, put_at, NULL, NULL), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "k=3 ");
    CU_ASSERT_EQUAL(commit("k", NULL, again_at, NULL, &removed_at), EG_OK);
    CU_ASSERT_TRUE(put_at < again_at && again_at < removed_at);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "");
    kit_close();
    kit_end();
}

static void a_commit_happens_when_the_checked_keys_are_as_expected(void) {
    uint64_t revision = 0;
    struct checks checks;
    open_for_commits();
    (void)kit_put("f", "1", EG_REV_ANY, &revision);
    CU_ASSERT_EQUAL(commit_if("a", one(EG_CHECK_KEY, "f", revision)), EG_OK);
    CU_ASSERT_EQUAL(commit_if("b", one(EG_CHECK_KEY, "missing", EG_REV_ABSENT)), EG_OK);
    checks = one(EG_CHECK_KEY, "f", revision);
    CU_ASSERT_EQUAL(commit("a", NULL, EG_REV_ANY, &checks, NULL), EG_OK);
    CU_ASSERT_EQUAL(commit_if("c", one(EG_CHECK_KEY, "f", revision)), EG_OK); /* changes not f */
    CU_ASSERT_STRING_EQUAL(kit_list(""), "b=v c=v f=1 ");
    kit_close();
    kit_end();
}

static void a_commit_whose_checked_key_has_changed_writes_nothing(void) {
    uint64_t old = 0;
    uint64_t new = 0;
    struct watcher watcher;
    struct checks checks;
    open_for_commits();
    (void)kit_put("f", "1", EG_REV_ANY, &old);
    (void)kit_put("f", "1", EG_REV_ANY, &new); /* the same value: changed all the same */
    (void)kit_put("there", "1", EG_REV_ANY, NULL);
    watcher_open(&watcher, "", 0);
    watcher_wait_synced(&watcher);
    watcher_forget(&watcher);
    CU_ASSERT_EQUAL(commit_if("a", one(EG_CHECK_KEY, "f", old)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("a", one(EG_CHECK_KEY, "f", EG_REV_ABSENT)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("a", one(EG_CHECK_KEY, "missing", old)), EG_E_CONFLICT);
    checks = one(EG_CHECK_KEY, "f", old);
    CU_ASSERT_EQUAL(commit("there", NULL, EG_REV_ANY, &checks, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(kit_remove("f", EG_REV_ANY, NULL), EG_OK);
    CU_ASSERT_EQUAL(commit_if("a", one(EG_CHECK_KEY, "f", new)), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "there=1 ");
    (void)kit_put("end", "", EG_REV_ANY, NULL);
    watcher_wait_text(&watcher, "+end= ");
    CU_ASSERT_EQUAL(watcher.puts, 1);
    CU_ASSERT_EQUAL(watcher.removals, 1);
    CU_ASSERT_EQUAL(watcher.disorder, 0);
    watcher_close(&watcher);
    kit_close();
    kit_end();
}

static void a_prefix_that_nobody_put_below_lets_the_commit_happen(void) {
    struct checks checks;
    open_for_commits();
    (void)kit_put("p/a", "1", EG_REV_ANY, NULL);
    const uint64_t revision = store_revision("p/");
    (void)kit_put("p", "1", EG_REV_ANY, NULL); /* neighbours of p/, in the order of bytes */
    (void)kit_put("p.", "1", EG_REV_ANY, NULL);
    (void)kit_put("p0", "1", EG_REV_ANY, NULL);
    (void)kit_put("pp/a", "1", EG_REV_ANY, NULL);
    (void)kit_put("o/p/a", "1", EG_REV_ANY, NULL);
    (void)kit_put("/p/a", "1", EG_REV_ANY, NULL);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_OK);
    CU_ASSERT_EQUAL(commit_if("y", one(EG_CHECK_PREFIX, "none/", revision)), EG_OK);
    CU_ASSERT_EQUAL(commit_if("z", one(EG_CHECK_PREFIX, "p/a", revision)), EG_OK);
    checks = one(EG_CHECK_PREFIX, "p/", revision);
    CU_ASSERT_EQUAL(commit("x", NULL, EG_REV_ANY, &checks, NULL), EG_OK);
    /* The key that is written may be below the prefix itself. */
    CU_ASSERT_EQUAL(commit_if("p/a", one(EG_CHECK_PREFIX, "p/", revision)), EG_OK);
    CU_ASSERT_EQUAL(commit_if("p/a", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    kit_close();
    kit_end();
}

static void a_put_below_the_prefix_breaks_the_commit(void) {
    uint64_t revision = 0;
    open_for_commits();
    (void)kit_put("p/a", "1", EG_REV_ANY, NULL);
    (void)kit_put("p/b", "1", EG_REV_ANY, NULL);
    revision = store_revision("p/");
    (void)kit_put("p/a", "2", EG_REV_ANY, NULL); /* another value */
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p", revision)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "", revision)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/b", revision)), EG_OK);
    revision = store_revision("p/");
    (void)kit_put("p/a", "2", EG_REV_ANY, NULL); /* the same value */
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    revision = store_revision("p/");
    (void)kit_put("p/c/d/e", "1", EG_REV_ABSENT, NULL); /* a new key, deeper */
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    revision = store_revision("p/");
    (void)kit_remove("p/a", EG_REV_ANY, NULL);
    (void)kit_put("p/a", "2", EG_REV_ABSENT, NULL); /* gone and back */
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", store_revision("p/"))), EG_OK);
    /* The first key ever below a prefix. */
    revision = store_revision("q/");
    (void)kit_put("q/a", "1", EG_REV_ABSENT, NULL);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "q/", revision)), EG_E_CONFLICT);
    kit_close();
    kit_end();
}

/* A store may look into its history for that, as far back as it goes. */
static void a_put_that_the_history_has_forgotten_breaks_the_commit_too(void) {
    char key[8];
    kit_begin();
    kit.place.has_short_history = kit.driver->has_short_history;
    kit_open();
    (void)kit_put("p/a", "1", EG_REV_ANY, NULL);
    (void)kit_put("r/a", "1", EG_REV_ANY, NULL);
    const uint64_t revision = store_revision("p/");
    (void)kit_put("p/a", "2", EG_REV_ANY, NULL);
    (void)kit_remove("r/a", EG_REV_ANY, NULL);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof key, "q%u", i);
        (void)kit_put(key, "1", EG_REV_ANY, NULL);
    }
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", revision)), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "r/", revision)), EG_OK);
    CU_ASSERT_EQUAL(commit_if("x", one(EG_CHECK_PREFIX, "p/", store_revision("p/"))), EG_OK);
    kit_close();
    kit_end();
}

static void keys_and_prefixes_of_checks_are_bytes(void) {
    static const struct eg_str prefixes[] = {
        {"\xff", 1}, {"a\xff", 2}, {"a\xff\xff", 3}, {"b\0", 2}, {"c%", 2}, {"/", 1}, {"d//", 3},
    };
    struct eg_commit write = {.struct_size = sizeof write,
                              .key = GW_STR("x"),
                              .value = GW_STR("v"),
                              .expect_revision = EG_REV_ANY,
                              .check_count = 1};
    open_for_commits();
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct checks checks = {.count = 0};
        struct answer put;
        char key[16];
        memcpy(key, prefixes[i].ptr, prefixes[i].len);
        key[prefixes[i].len] = 'k';
        const uint64_t revision = store_revision("");
        add(&checks, EG_CHECK_PREFIX, prefixes[i], revision);
        write.checks = checks.list;
        CU_ASSERT_EQUAL(kit_commit(&write, NULL), EG_OK);
        kit_send_put(&put, gw_str(key, prefixes[i].len + 1), GW_STR("v"), EG_REV_ABSENT);
        kit_wait(&put);
        CU_ASSERT_EQUAL(put.status, EG_OK);
        CU_ASSERT_EQUAL(kit_commit(&write, NULL), EG_E_CONFLICT);
        checks.items[0].kind = EG_CHECK_KEY;
        checks.items[0].key = gw_str(key, prefixes[i].len + 1);
        checks.items[0].revision = put.revision;
        CU_ASSERT_EQUAL(kit_commit(&write, NULL), EG_OK);
        checks.items[0].revision = put.revision - 1;
        CU_ASSERT_EQUAL(kit_commit(&write, NULL), EG_E_CONFLICT);
        kit_drop(&put);
    }
    kit_close();
    kit_end();
}

static void of_eight_checks_each_one_counts(void) {
    static const char *const keys[] = {"k/0", "k/1", "k/2", "k/3"};
    static const char *const prefixes[] = {"p/0/", "p/1/", "p/2/", "p/3/"};
    uint64_t revisions[4] = {0};
    char below[16];
    open_for_commits();
    for (size_t i = 0; i < 4; i++) {
        (void)kit_put(keys[i], "1", EG_REV_ANY, &revisions[i]);
        (void)snprintf(below, sizeof below, "%sa", prefixes[i]);
        (void)kit_put(below, "1", EG_REV_ANY, NULL);
    }
    for (size_t broken = 0; broken <= 8; broken++) {
        struct checks checks = {.count = 0};
        const uint64_t revision = store_revision("");
        for (size_t i = 0; i < 4; i++) {
            add(&checks, EG_CHECK_KEY, gw_str_c(keys[i]), revisions[i]);
            add(&checks, EG_CHECK_PREFIX, gw_str_c(prefixes[i]), revision);
        }
        if (broken < 4) {
            (void)kit_put(keys[broken], "2", EG_REV_ANY, &revisions[broken]);
        } else if (broken < 8) {
            (void)snprintf(below, sizeof below, "%snew", prefixes[broken - 4]);
            (void)kit_put(below, "1", EG_REV_ANY, NULL);
        }
        CU_ASSERT_EQUAL(commit("x", "v", EG_REV_ANY, &checks, NULL),
                        broken < 8 ? EG_E_CONFLICT : EG_OK);
    }
    kit_close();
    kit_end();
}

static void the_expected_revision_and_the_checks_have_to_hold_both(void) {
    uint64_t revision = 0;
    uint64_t other = 0;
    struct checks checks;
    open_for_commits();
    (void)kit_put("k", "1", EG_REV_ANY, &revision);
    (void)kit_put("f", "1", EG_REV_ANY, &other);
    checks = one(EG_CHECK_KEY, "f", other);
    CU_ASSERT_EQUAL(commit("k", "2", revision + 1000, &checks, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit("k", "2", EG_REV_ABSENT, &checks, NULL), EG_E_EXISTS);
    CU_ASSERT_EQUAL(commit("missing", NULL, EG_REV_ANY, &checks, NULL), EG_E_NOTFOUND);
    checks = one(EG_CHECK_KEY, "f", other + 1000);
    CU_ASSERT_EQUAL(commit("k", "2", revision, &checks, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit("new", "2", EG_REV_ABSENT, &checks, NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(commit("k", NULL, revision, &checks, NULL), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(kit_list(""), "f=1 k=1 ");
    kit_close();
    kit_end();
}

static const struct kit_case cases[] = {
    CASE(a_commit_without_checks_is_a_put_or_a_removal, 0),
    CASE(a_commit_happens_when_the_checked_keys_are_as_expected, 0),
    CASE(a_commit_whose_checked_key_has_changed_writes_nothing, 0),
    CASE(a_prefix_that_nobody_put_below_lets_the_commit_happen, 0),
    CASE(a_put_below_the_prefix_breaks_the_commit, 0),
    CASE(a_put_that_the_history_has_forgotten_breaks_the_commit_too, 0),
    CASE(keys_and_prefixes_of_checks_are_bytes, 0),
    CASE(of_eight_checks_each_one_counts, 0),
    CASE(the_expected_revision_and_the_checks_have_to_hold_both, 0),
};
const struct case_list cases_commit = {cases, sizeof cases / sizeof cases[0]};
