/* Unit tests of the store `redis` that need no server: settings, addresses, what errors mean,
 * bounds of prefixes, rows of several moments. */
#include <eventgw-sdk/fake_host.h>
#include <hiredis/hiredis.h>

#include "resolve.h"
#include "store.h"
#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;

static void begin(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
}

static void end(void) {
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* ---- settings ---- */

/* Creates with these settings; true when they are refused with this part of a sentence. */
static bool is_refused(const char *json, const char *part) {
    const struct eg_component *component = eg_plugin_constant.components[0];
    struct eg_why why = {.struct_size = sizeof why};
    void *instance = NULL;
    begin();
    const int32_t rc = egx_fake_create(fake, component, json, &instance, &why);
    const bool is_told = rc == EG_E_INVAL && memmem(why.text, why.len, part, strlen(part)) != NULL;
    if (!is_told) {
        printf("  %s: %d \"%.*s\"\n", json, rc, (int)why.len, why.text);
    }
    if (rc == EG_OK) {
        egx_fake_destroy(fake, component, instance);
    }
    end();
    return is_told;
}

static void settings_that_cannot_be_are_refused_with_a_sentence(void) {
    static const char *const refused[][2] = {
        {"{\"address\": []}", "address is empty"},
        {"{\"address\": [\"a:b\"]}", "'a:b' is no address"},
        {"{\"address\": [\"a:0\"]}", "'a:0' is no address"},
        {"{\"address\": [\"a:65536\"]}", "'a:65536' is no address"},
        {"{\"address\": [\":1\"]}", "':1' is no address"},
        {"{\"address\": [\"[::1\"]}", "'[::1' is no address"},
        {"{\"address\": [\"[::1]1\"]}", "'[::1]1' is no address"},
        {"{\"address\": [\"ok:1\", \"\"]}", "'' is no address"},
        {"{\"sentinels\": [\"a:1\"]}", "sentinels and sentinel_master go together"},
        {"{\"sentinel_master\": \"main\"}", "sentinels and sentinel_master go together"},
        {"{\"sentinels\": [\"a:x\"], \"sentinel_master\": \"main\"}", "'a:x' is no address"},
        {"{\"username\": \"u\"}", "username needs a password"},
        {"{\"ca_file\": \"/ca\"}", "need tls = true"},
        {"{\"tls\": true, \"cert_file\": \"/c\"}", "cert_file and key_file go together"},
        {"{\"wait_replicas\": 1, \"wait_timeout\": \"10s\"}", "half of dead_after"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_TRUE(is_refused(refused[i][0], refused[i][1]));
    }
}

static void addresses_may_be_names_numbers_and_sockets(void) {
    static const char *const good[] = {"db",    "db:6379",     "127.0.0.1:1",
                                       "[::1]", "[::1]:65535", "/run/redis/redis.sock"};
    struct eg_why why = {.struct_size = sizeof why};
    char path[200];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_EQUAL(redis_address_check(egx_str_c(good[i]), &why), EG_OK);
    }
    memset(path, 'x', sizeof path);
    path[0] = '/';
    CU_ASSERT_EQUAL(redis_address_check(egx_str_n(path, sizeof path), &why), EG_E_INVAL);
}

static struct redis_peer found_peers[4];
static size_t found_count;
static char found_why[256];

static void on_found(void *arg, const struct redis_found *found) {
    (void)arg;
    found_count = found->count;
    memcpy(found_peers, found->peers, found->count * sizeof found_peers[0]);
    (void)snprintf(found_why, sizeof found_why, "%.*s", (int)found->why->len, found->why->text);
}

static void names_become_places_and_what_is_none_is_told(void) {
    const struct eg_str names[] = {EGX_STR("127.0.0.1"),   EGX_STR("no-such-host.invalid:1"),
                                   EGX_STR("/run/r.sock"), EGX_STR("127.0.0.2:7"),
                                   EGX_STR("127.0.0.3"),   EGX_STR("127.0.0.4")};
    const struct eg_str_list list = {names, 6};
    begin();
    CU_ASSERT_EQUAL(redis_resolve(host, egx_fake_loop(fake), &list, "6379", 4, on_found, NULL),
                    EG_OK);
    CU_ASSERT_EQUAL(found_count, 0); /* later */
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL_FATAL(found_count, 4); /* as many as were wanted at most */
    CU_ASSERT_STRING_EQUAL(found_peers[0].name, "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(found_peers[1].name, "/run/r.sock");
    CU_ASSERT_EQUAL(found_peers[1].address.ss_family, AF_UNIX);
    CU_ASSERT_STRING_EQUAL(found_peers[2].host, "127.0.0.2");
    CU_ASSERT_EQUAL(found_peers[2].address.ss_family, AF_INET);
    CU_ASSERT_PTR_NOT_NULL(strstr(found_why, "no-such-host.invalid"));
    end();
}

/* ---- errors ---- */

static void errors_of_redis_are_told_apart(void) {
    static const struct {
        const char *text;
        int32_t rc;
        bool ends_session;
        bool is_noscript;
    } errors[] = {
        {"NOAUTH Authentication required.", EG_E_DENIED, true, false},
        {"WRONGPASS invalid username-password pair", EG_E_DENIED, true, false},
        {"NOPERM this user has no permissions", EG_E_DENIED, false, false},
        {"ERR The user executing the script can't run this command or subcommand script: x",
         EG_E_DENIED, false, false},
        {"DENIED Redis is running in protected mode", EG_E_DENIED, true, false},
        {"ERR max number of clients reached", EG_E_UNAVAILABLE, false, false},
        {"ERR invalid password", EG_E_DENIED, false, false},
        {"READONLY You can't write against a read only replica.", EG_E_UNAVAILABLE, true, false},
        {"LOADING Redis is loading the dataset in memory", EG_E_UNAVAILABLE, true, false},
        {"MASTERDOWN Link with MASTER is down", EG_E_UNAVAILABLE, true, false},
        {"UNBLOCKED force unblock from blocking operation", EG_E_UNAVAILABLE, true, false},
        {"NOREPLICAS Not enough good replicas to write.", EG_E_UNAVAILABLE, false, false},
        {"CLUSTERDOWN Hash slot not served", EG_E_UNAVAILABLE, true, false},
        {"MOVED 3999 127.0.0.1:6381", EG_E_UNAVAILABLE, true, false},
        {"OOM command not allowed when used memory > 'maxmemory'. script: x, on @user_script:1.",
         EG_E_UNAVAILABLE, false, false},
        {"ERR Error running script (call to f_x): @user_script:10: @user_script: 10: -OOM command "
         "not allowed",
         EG_E_UNAVAILABLE, false, false},
        {"MISCONF Errors writing to the AOF file", EG_E_UNAVAILABLE, false, false},
        {"WRONGTYPE Operation against a key", EG_E_PROTO, false, false},
        {"NOSCRIPT No matching script. Please use EVAL.", EG_E_PROTO, false, true},
        {"NOSCRIPTS", EG_E_PROTO, false, false}, /* a word is a whole word */
        {"ERR unknown command", EG_E_PROTO, false, false},
        {"", EG_E_PROTO, false, false},
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        const struct redis_refusal got = redis_refusal_of(egx_str_c(errors[i].text), &why);
        const bool is_same = got.rc == errors[i].rc && got.ends_session == errors[i].ends_session &&
                             got.is_noscript == errors[i].is_noscript;
        if (!is_same) {
            printf("  %s: %d %d\n", errors[i].text, got.rc, got.ends_session);
        }
        CU_ASSERT_TRUE(is_same);
        CU_ASSERT_TRUE(why.len > 0);
    }
}

static void arguments_that_redis_repeats_are_not_told(void) {
    static const char *const errors[] = {
        "ERR unknown command 'AUTH', with args beginning with: 'gateway' 'secret' ",
        "ERR unknown command `AUTH`, with args beginning with: `gateway`, `secret`, ",
        "ERR script: -ERR unknown command 'AUTH', with args beginning with: 'gateway' 'secret'",
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_EQUAL(redis_refusal_of(egx_str_c(errors[i]), &why).rc, EG_E_PROTO);
        CU_ASSERT_PTR_NOT_NULL(memmem(why.text, why.len, "unknown command", 15));
        CU_ASSERT_PTR_NULL(memmem(why.text, why.len, "gateway", 7));
        CU_ASSERT_PTR_NULL(memmem(why.text, why.len, "secret", 6));
    }
}

static void numbers_end_at_a_space_and_are_nothing_but_digits(void) {
    uint64_t number = 0;
    CU_ASSERT_TRUE(redis_number(EGX_STR("0"), &number) && number == 0);
    CU_ASSERT_TRUE(redis_number(EGX_STR("42 abc"), &number) && number == 42);
    CU_ASSERT_TRUE(redis_number(EGX_STR("9007199254740993"), &number) &&
                   number == 9007199254740993u);
    CU_ASSERT_FALSE(redis_number(EGX_STR(""), &number));
    CU_ASSERT_FALSE(redis_number(EGX_STR(" 1"), &number));
    CU_ASSERT_FALSE(redis_number(EGX_STR("-1"), &number));
    CU_ASSERT_FALSE(redis_number(EGX_STR("1e3"), &number));
    CU_ASSERT_FALSE(redis_number(EGX_STR("99999999999999999999"), &number));
}

static void a_record_has_a_revision_and_an_age(void) {
    uint64_t revision = 0;
    uint64_t created = 0;
    CU_ASSERT_TRUE(redis_revisions(EGX_STR("42 7 abc"), &revision, &created));
    CU_ASSERT_TRUE(revision == 42 && created == 7);
    CU_ASSERT_FALSE(redis_revisions(EGX_STR("42 abc"), &revision, &created));
    CU_ASSERT_FALSE(redis_revisions(EGX_STR("42 "), &revision, &created));
    CU_ASSERT_FALSE(redis_revisions(EGX_STR("42"), &revision, &created));
    CU_ASSERT_FALSE(redis_revisions(EGX_STR(" 7"), &revision, &created));
    CU_ASSERT_FALSE(redis_revisions(EGX_STR(""), &revision, &created));
}

/* ---- prefixes ---- */

static void check_range(struct eg_str prefix, struct eg_str after, struct eg_str first,
                        struct eg_str last) {
    struct redis_command command;
    redis_command_init(&command, host);
    redis_command_add_range(&command, prefix, after);
    CU_ASSERT_EQUAL_FATAL(command.count, 2);
    CU_ASSERT_TRUE(egx_str_eq(command.args[0], first));
    CU_ASSERT_TRUE(egx_str_eq(command.args[1], last));
    redis_command_free(&command);
}

static void a_prefix_ends_before_the_next_one(void) {
    const struct eg_str none = {NULL, 0};
    begin();
    check_range(EGX_STR("a/"), none, EGX_STR("[a/"), EGX_STR("(a0"));
    check_range(EGX_STR("a\xff\xff"), none, EGX_STR("[a\xff\xff"), EGX_STR("(b"));
    check_range(EGX_STR("\xff"), none, EGX_STR("[\xff"), EGX_STR("+"));
    check_range(none, none, EGX_STR("["), EGX_STR("+"));
    check_range(EGX_STR("a\0"), none, EGX_STR("[a\0"), EGX_STR("(a\1"));
    check_range(EGX_STR("a"), EGX_STR("ab"), EGX_STR("(ab"), EGX_STR("(b"));
    check_range(none, EGX_STR(""), EGX_STR("("), EGX_STR("+")); /* behind the empty key */
    end();
}

/* ---- rows ---- */

static void of_each_key_the_newest_word_counts(void) {
    struct egx_rows rows = {0};
    begin();
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 5, EGX_STR("b"), EGX_STR("page"));
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 1, EGX_STR("a"), EGX_STR("old"));
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 2, EGX_STR("c"), EGX_STR("old"));
    egx_rows_add(host, &rows, EG_CHANGE_REMOVE, 7, EGX_STR("c"), EGX_STR(""));
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 6, EGX_STR("a"), EGX_STR("new"));
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 5, EGX_STR("b"), EGX_STR("page")); /* the same twice */
    egx_rows_add(host, &rows, EG_CHANGE_REMOVE, 3, EGX_STR("d"), EGX_STR(""));
    egx_rows_add(host, &rows, EG_CHANGE_PUT, 4, EGX_STR("d"), EGX_STR("again"));
    redis_rows_settle(host, &rows);
    CU_ASSERT_EQUAL_FATAL(rows.count, 3);
    ASSERT_STR(rows.items[0]->value, "new");
    ASSERT_STR(rows.items[1]->key, "b");
    ASSERT_STR(rows.items[2]->value, "again");
    egx_rows_free(host, &rows);
    redis_rows_settle(host, &rows); /* of nothing */
    CU_ASSERT_EQUAL(rows.count, 0);
    end();
}

static void lists_of_another_shape_are_none(void) {
    redisReply text = {.type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t) "x", .len = 1};
    redisReply number = {.type = REDIS_REPLY_INTEGER, .integer = 1};
    redisReply *pair[] = {&text, &text};
    redisReply *mixed[] = {&text, &number};
    redisReply good = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = pair};
    redisReply bad = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = mixed};
    redisReply *parts[] = {&good, &bad, &text};
    const redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = 3, .element = parts};
    CU_ASSERT_PTR_EQUAL(redis_list_part(&reply, 0, 2), &good);
    CU_ASSERT_PTR_NULL(redis_list_part(&reply, 0, 3)); /* not in threes */
    CU_ASSERT_PTR_NULL(redis_list_part(&reply, 1, 2));
    CU_ASSERT_PTR_NULL(redis_list_part(&reply, 2, 1));
    CU_ASSERT_PTR_NULL(redis_list_part(&reply, 3, 1));
    CU_ASSERT_PTR_NULL(redis_list_part(&text, 0, 1));
    ASSERT_STR(redis_part(&reply, 2), "x");
    CU_ASSERT_EQUAL(redis_part(&reply, 0).len, 0);
    CU_ASSERT_EQUAL(redis_part(&number, 0).len, 0);
}

UNIT_MAIN(UNIT(settings_that_cannot_be_are_refused_with_a_sentence),
          UNIT(addresses_may_be_names_numbers_and_sockets),
          UNIT(names_become_places_and_what_is_none_is_told), UNIT(errors_of_redis_are_told_apart),
          UNIT(arguments_that_redis_repeats_are_not_told),
          UNIT(numbers_end_at_a_space_and_are_nothing_but_digits),
          UNIT(a_record_has_a_revision_and_an_age), UNIT(a_prefix_ends_before_the_next_one),
          UNIT(of_each_key_the_newest_word_counts), UNIT(lists_of_another_shape_are_none))
