/* Unit tests of single requests: what is asked, failover, tokens, errors, writes that are lost. */
#include <stdlib.h>

#include "test_etcd.h"

#define TWO "{\"endpoints\":[\"a:1\",\"b:2\"]}"
#define USER "{\"username\":\"gateway\",\"password\":\"secret\"}"
#define ERROR(code, text) "{\"error\":\"" text "\",\"message\":\"" text "\",\"code\":" code "}"

/* ---- what is asked and answered ---- */

static void a_value_is_read_with_the_revision_of_its_last_change(void) {
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV("YQ==", "AP8=", "4") "],\"count\":\"1\"}");
    CU_ASSERT_EQUAL(get("a"), EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 4);
    CU_ASSERT_EQUAL(op.result.body.len, 2);
    CU_ASSERT_EQUAL(memcmp(op.result.body.ptr, "\0\xff", 2), 0);
    egx_fake_op_free(&op);
    CU_ASSERT_STRING_EQUAL(last_sent()->url, "http://127.0.0.1:2379/v3/kv/range");
    CU_ASSERT_STRING_EQUAL(last_sent()->method, "POST");
    ASSERT_STR(last_sent()->body, "{\"key\":\"YQ==\"}"); /* linearizable: it is the default */
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("b"), EG_E_NOTFOUND);
    end();
}

static void a_write_is_one_transaction_with_compares(void) {
    const struct eg_check key = {sizeof key, EG_CHECK_KEY, EGX_STR_INIT("c"), 3};
    const struct eg_check prefix = {sizeof prefix, EG_CHECK_PREFIX, EGX_STR_INIT("d/"), 7};
    const struct eg_check *const checks[] = {&key, &prefix};
    const struct eg_commit commit = {
        sizeof commit, 0, EGX_STR_INIT("a"), EGX_STR_INIT("1"), EG_REV_ABSENT, checks, 2};
    begin();
    answer("{" HEADER_AT("9") ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}");
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.commit(store, &commit, &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 9);
    ASSERT_STR(last_sent()->body,
               "{\"compare\":["
               "{\"key\":\"YQ==\",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"0\"},"
               "{\"key\":\"Yw==\",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"3\"},"
               "{\"key\":\"ZC8=\",\"range_end\":\"ZDA=\",\"target\":\"MOD\",\"result\":\"LESS\","
               "\"mod_revision\":\"8\"}],"
               "\"success\":[{\"request_put\":{\"key\":\"YQ==\",\"value\":\"MQ==\"}}],"
               "\"failure\":[{\"request_range\":{\"key\":\"YQ==\",\"keys_only\":true}}]}");
    end();
}

static void checks_of_a_later_version_and_too_many_are_refused(void) {
    const struct eg_check check = {sizeof check, 99, EGX_STR_INIT("c"), 3};
    const struct eg_check *const checks[9] = {&check};
    struct eg_commit commit = {sizeof commit, 0, EGX_STR_INIT("a"), EGX_STR_INIT("1"), 0,
                               checks,        1};
    begin();
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.commit(store, &commit, &op.pub), EG_E_UNSUPPORTED);
    commit.check_count = 9;
    CU_ASSERT_EQUAL(etcd_ops.commit(store, &commit, &op.pub), EG_E_INVAL);
    end();
}

static void a_value_that_no_etcd_takes_is_not_even_sent(void) {
    const size_t size = (10u << 20) + 1;
    char *big = calloc(1, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    begin();
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.put(store, EGX_STR("a"), egx_str_n(big, size), EG_REV_ANY, &op.pub),
                    EG_OK);
    run();
    CU_ASSERT_EQUAL(op.status, EG_E_TOOBIG);
    CU_ASSERT_STRING_EQUAL(message(), "values may have 10 MiB at most");
    CU_ASSERT_EQUAL(sent_count(), 1);
    end();
    free(big);
}

static void what_did_not_hold_is_told_apart(void) {
    static const struct {
        const char *kvs;
        uint64_t expect;
        int32_t status;
        const char *message;
    } rows[] = {
        {"\"kvs\":[" KV("YQ==", "", "4") "]", EG_REV_ABSENT, EG_E_EXISTS,
         "Previous K/V pair exists, cannot complete Atomic operation"},
        {"\"kvs\":[" KV("YQ==", "", "4") "]", 3, EG_E_CONFLICT, "the key was changed meanwhile"},
        {"\"kvs\":[" KV("YQ==", "", "4") "]", 4, EG_E_CONFLICT,
         "what the write rests on was changed meanwhile"},
        {"\"count\":\"0\"", 3, EG_E_CONFLICT, "the key was changed meanwhile"},
        {"\"count\":\"0\"", EG_REV_ABSENT, EG_E_CONFLICT,
         "what the write rests on was changed meanwhile"},
    };
    char body[512];
    begin();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        (void)snprintf(body, sizeof body, "{%s,\"responses\":[{\"response_range\":{%s}}]}",
                       HEADER_AT("9"), rows[i].kvs);
        answer(body);
        CU_ASSERT_EQUAL(put("a", "1", rows[i].expect), rows[i].status);
        CU_ASSERT_STRING_EQUAL(message(), rows[i].message);
    }
    end();
}

/* ---- servers that fail ---- */

static void reads_go_to_the_next_server_and_stay_there(void) {
    begin_with(TWO);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_NOTFOUND);
    CU_ASSERT_STRING_EQUAL(sent(1)->url, "http://a:1/v3/kv/range");
    CU_ASSERT_STRING_EQUAL(sent(2)->url, "http://b:2/v3/kv/range");
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_NOTFOUND);
    CU_ASSERT_STRING_EQUAL(sent(3)->url, "http://b:2/v3/kv/range");
    end();
}

static void a_write_is_never_sent_twice(void) {
    begin_with(TWO);
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer");
    CU_ASSERT_EQUAL(put("a", "1", EG_REV_ANY), EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(message(), "etcd at a:1 cannot be reached: Connection reset by peer; "
                                      "the write may have happened");
    CU_ASSERT_EQUAL(sent_count(), 2);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "timed out");
    CU_ASSERT_EQUAL(put("a", "1", EG_REV_ANY), EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(message(),
                           "etcd at b:2 did not answer: timed out; the write may have happened");
    end();
}

static void a_write_that_may_have_happened_says_so(void) {
    static const struct {
        int32_t http;
        const char *body;
        bool is_open;
    } rows[] = {
        {503, ERROR("14", "etcdserver: request timed out"), true},
        {504, ERROR("4", "context deadline exceeded"), true},
        {408, ERROR("1", "context canceled"), true},
        {502, "<html>Bad Gateway</html>", true},
        {504, "<html>", true},
        {500, "", true},
        {200, "<html>", true},
        {503, "<html>no server</html>", false},
        {404, "404 page not found", false},
        {403, ERROR("7", "etcdserver: permission denied"), false},
        {400, ERROR("3", "etcdserver: request is too large"), false},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin_with(TWO);
        egx_fake_answer(fake, rows[i].http, "", rows[i].body);
        CU_ASSERT_TRUE(put("a", "1", EG_REV_ANY) < 0);
        CU_ASSERT_EQUAL(strstr(message(), "; the write may have happened") != NULL,
                        rows[i].is_open);
        egx_fake_answer(fake, rows[i].http, "", rows[i].body);
        egx_fake_answer(fake, rows[i].http, "", rows[i].body);
        CU_ASSERT_TRUE(get("a") < 0);
        CU_ASSERT_PTR_NULL(strstr(message(), "the write"));
        end();
    }
}

static void a_write_that_never_left_goes_to_the_next_server(void) {
    begin_with(TWO);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    answer("{" HEADER_AT("9") ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}");
    CU_ASSERT_EQUAL(put("a", "1", EG_REV_ANY), EG_OK);
    CU_ASSERT_STRING_EQUAL(sent(2)->url, "http://b:2/v3/kv/txn");
    CU_ASSERT_TRUE((sent(1)->flags & EG_HTTP_ONCE) != 0); /* or it may have left all the same */
    CU_ASSERT_TRUE((sent(0)->flags & EG_HTTP_ONCE) == 0);
    end();
    begin_with("{\"endpoints\":[\"a:1\",\"b:2\",\"c:3\"]}");
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer"); /* and this one has left */
    CU_ASSERT_EQUAL(put("a", "1", EG_REV_ANY), EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(sent_count(), 3);
    end();
}

static void a_store_that_is_down_answers_at_once_until_one_server_answers_again(void) {
    begin_with(TWO);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    CU_ASSERT_EQUAL(get("a"), EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(sent_count(), 3);
    CU_ASSERT_EQUAL(get("a"), EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(message(), "etcd at b:2 cannot be reached: Connection refused");
    CU_ASSERT_EQUAL(sent_count(), 3); /* nobody was asked */
    after(100 * ETCD_MS);
    CU_ASSERT_EQUAL(sent_count(), 4); /* the small question */
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    run();
    CU_ASSERT_EQUAL(sent_count(), 5); /* at the other server, without a pause */
    answer("{" HEADER_AT("9") "}");
    run();
    CU_ASSERT_TRUE(egx_fake_logged(fake, "answers again"));
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_NOTFOUND);
    end();
}

/* 10 s, in which every question fails like this. */
static size_t questions_while_down(int32_t error) {
    const size_t before = sent_count();
    for (size_t ms = 0; ms < 10000; ms += 10) {
        for (size_t i = 0; i < 4; i++) { /* more than there should be at once */
            egx_fake_answer_error(fake, error, "no");
        }
        after(10 * ETCD_MS);
    }
    return sent_count() - before;
}

static void questions_have_pauses_whatever_they_end_with(void) {
    static const int32_t errors[] = {EG_E_UNAVAILABLE, EG_E_TOOBIG, EG_E_PROTO};
    for (size_t i = 0; i < EGX_COUNT(errors); i++) {
        begin_with(TWO);
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
        CU_ASSERT_EQUAL(get("a"), EG_E_UNAVAILABLE);
        store->health.failures++; /* a request from before has ended late */
        CU_ASSERT_TRUE(questions_while_down(errors[i]) < 100);
        end();
    }
    CU_ASSERT_EQUAL_FATAL(make("{\"endpoints\":[\"a:1\",\"b:2\"],\"username\":\"u\",\"password\":"
                               "\"p\"}"),
                          EG_OK); /* the token is asked for first, at both */
    for (size_t i = 0; i < 4; i++) {
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    }
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    store->health.failures++;
    CU_ASSERT_TRUE(questions_while_down(EG_E_UNAVAILABLE) < 200);
    end();
}

static void an_endless_answer_is_none_of_etcds(void) {
    begin();
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    CU_ASSERT_EQUAL(get("a"), EG_E_PROTO);
    CU_ASSERT_PTR_NOT_NULL(strstr(message(), "does not answer as etcd does"));
    end();
}

static void an_answer_that_is_not_etcds_is_a_protocol_error(void) {
    static const char *const bodies[] = {"<html>", "[]", "null", ""};
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        begin();
        answer(bodies[i]);
        CU_ASSERT_EQUAL(get("a"), EG_E_PROTO);
        end();
    }
    begin();
    egx_fake_answer(fake, 404, "", "404 page not found\n");
    CU_ASSERT_EQUAL(put("a", "1", 0), EG_E_PROTO);
    CU_ASSERT_PTR_NOT_NULL(strstr(message(), "JSON gateway"));
    end();
    begin();
    answer("{}");
    CU_ASSERT_EQUAL(get("a"), EG_E_PROTO); /* and not: not found */
    answer("{\"succeeded\":true}");
    CU_ASSERT_EQUAL(put("a", "1", 0), EG_E_PROTO);
    end();
}

static void errors_of_etcd_become_ours(void) {
    static const struct {
        int32_t http;
        const char *body;
        int32_t status;
    } rows[] = {
        {400, ERROR("3", "etcdserver: request is too large"), EG_E_TOOBIG},
        {429, ERROR("8", "grpc: received message larger than max"), EG_E_TOOBIG},
        {429, ERROR("8", "etcdserver: mvcc: database space exceeded"), EG_E_IO},
        {429, ERROR("8", "etcdserver: too many requests"), EG_E_BUSY},
        {403, ERROR("7", "etcdserver: permission denied"), EG_E_DENIED},
        {400, ERROR("3", "etcdserver: user name is empty"), EG_E_DENIED},
        {400, ERROR("3", "etcdserver: key is not provided"), EG_E_INVAL},
        {404, ERROR("5", "Not Found"), EG_E_UNSUPPORTED},
        {501, ERROR("12", "Not Implemented"), EG_E_UNSUPPORTED},
        {500, ERROR("15", "etcdserver: corrupt cluster"), EG_E_IO},
        {503, "{\"code\":14,\"message\":\"etcdserver: no leader\",\"details\":[]}",
         EG_E_UNAVAILABLE},
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        egx_fake_answer(fake, rows[i].http, "", rows[i].body);
        CU_ASSERT_EQUAL(put("a", "1", 0), rows[i].status);
    }
    end();
}

/* ---- tokens ---- */

static void begin_with_user(void) {
    CU_ASSERT_EQUAL_FATAL(make(USER), EG_OK);
    answer("{" HEADER_AT("1") ",\"token\":\"first.1\"}");
    answer("{" HEADER_AT("1") "}");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://127.0.0.1:2379/v3/auth/authenticate");
    ASSERT_STR(sent(0)->body, "{\"name\":\"gateway\",\"password\":\"secret\"}");
    CU_ASSERT_STRING_EQUAL(header_of(sent(0), "Authorization"), "");
    CU_ASSERT_STRING_EQUAL(header_of(sent(1), "Authorization"), "first.1");
}

static void a_refused_token_is_renewed_and_the_write_sent_again(void) {
    begin_with_user();
    egx_fake_answer(fake, 401, "", ERROR("16", "etcdserver: invalid auth token"));
    answer("{" HEADER_AT("1") ",\"token\":\"second.2\"}");
    answer("{" HEADER_AT("9") ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}");
    CU_ASSERT_EQUAL(put("a", "1", 0), EG_OK);
    CU_ASSERT_EQUAL(sent_count(), 5);
    CU_ASSERT_STRING_EQUAL(header_of(sent(2), "Authorization"), "first.1");
    CU_ASSERT_STRING_EQUAL(header_of(sent(4), "Authorization"), "second.2");
    end();
}

static void a_token_that_is_refused_twice_is_denied(void) {
    begin_with_user();
    egx_fake_answer(fake, 401, "", ERROR("16", "etcdserver: invalid auth token"));
    answer("{" HEADER_AT("1") ",\"token\":\"second.2\"}");
    egx_fake_answer(fake, 401, "", ERROR("16", "etcdserver: invalid auth token"));
    CU_ASSERT_EQUAL(put("a", "1", 0), EG_E_DENIED);
    CU_ASSERT_EQUAL(sent_count(), 5);
    end();
}

static void many_requests_wait_for_one_token(void) {
    struct egx_fake_op ops[20];
    begin_with_user();
    etcd_auth_forget(store, store->auth.serial);
    for (size_t i = 0; i < EGX_COUNT(ops); i++) {
        egx_fake_op_init(fake, &ops[i]);
        (void)etcd_ops.get(store, EGX_STR("a"), &ops[i].pub);
    }
    answer("{" HEADER_AT("1") ",\"token\":\"second.2\"}");
    for (size_t i = 0; i < EGX_COUNT(ops); i++) {
        answer("{" HEADER_AT("9") "}");
    }
    run();
    CU_ASSERT_EQUAL(sent_count(), 2 + 1 + EGX_COUNT(ops));
    for (size_t i = 0; i < EGX_COUNT(ops); i++) {
        CU_ASSERT_EQUAL(ops[i].status, EG_E_NOTFOUND);
    }
    end();
}

static void refused_credentials_fail_the_start_with_what_to_do(void) {
    CU_ASSERT_EQUAL_FATAL(make(USER), EG_OK);
    egx_fake_answer(fake, 400, "",
                    ERROR("3", "etcdserver: authentication failed, invalid user ID or password"));
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(component()->life->start(store, &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.status, EG_E_DENIED);
    CU_ASSERT_PTR_NOT_NULL(strstr(message(), "check 'username' and 'password'"));
    CU_ASSERT_PTR_NULL(strstr(message(), "secret"));
    end();
}

static void a_store_without_authentication_is_used_without_a_token_until_it_asks(void) {
    CU_ASSERT_EQUAL_FATAL(make(USER), EG_OK);
    egx_fake_answer(fake, 412, "", ERROR("9", "etcdserver: authentication is not enabled"));
    answer("{" HEADER_AT("1") "}");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "not enabled"));
    egx_fake_answer(fake, 400, "", ERROR("3", "etcdserver: user name is empty"));
    answer("{" HEADER_AT("1") ",\"token\":\"t.1\"}");
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_NOTFOUND);
    CU_ASSERT_STRING_EQUAL(header_of(last_sent(), "Authorization"), "t.1");
    end();
}

static void a_token_that_is_no_header_is_not_used(void) {
    CU_ASSERT_EQUAL_FATAL(make(USER), EG_OK);
    answer("{" HEADER_AT("1") ",\"token\":\"a\\nb\"}");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "gave no token that can be used"));
    answer("{" HEADER_AT("1") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_PROTO);
    end();
}

/* ---- start and end ---- */

static void a_store_that_is_away_is_a_start_with_one_warning(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), store), EG_OK);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 1);
    CU_ASSERT_TRUE(egx_fake_logged(
        fake, "etcd at 127.0.0.1:2379 cannot be reached: Connection refused; it is tried on"));
    for (int i = 0; i < 20; i++) {
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
        after(2 * ETCD_SECOND);
    }
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 1);
    CU_ASSERT_EQUAL(sent_count(), 21);
    end();
}

static void a_store_that_says_nothing_does_not_hold_up_the_start(void) {
    CU_ASSERT_EQUAL_FATAL(make(NULL), EG_OK);
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(component()->life->start(store, &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.done_count, 0);
    after(3 * ETCD_SECOND);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(get("a"), EG_E_UNAVAILABLE);
    answer("{" HEADER_AT("9") "}"); /* now it speaks */
    run();
    answer("{" HEADER_AT("9") "}");
    CU_ASSERT_EQUAL(get("a"), EG_E_NOTFOUND);
    end();
}

static void operations_under_way_at_the_end_are_answered(void) {
    begin();
    egx_fake_op_init(fake, &op);
    (void)etcd_ops.get(store, EGX_STR("a"), &op.pub);
    component()->life->drain(store);
    CU_ASSERT_EQUAL(etcd_ops.get(store, EGX_STR("a"), &op.pub), EG_E_UNAVAILABLE);
    run();
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    end();
}

static void a_write_under_way_at_the_end_is_waited_for_and_reads_are_not(void) {
    struct egx_fake_op list;
    begin();
    egx_fake_op_init(fake, &op);
    egx_fake_op_init(fake, &list);
    (void)etcd_ops.list(store, EGX_STR("p/"), &list.pub);
    (void)etcd_ops.put(store, EGX_STR("a"), EGX_STR("1"), EG_REV_ANY, &op.pub);
    component()->life->drain(store);
    run();
    CU_ASSERT_EQUAL(list.done_count, 1);
    CU_ASSERT_EQUAL(list.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(op.done_count, 0);
    answer("{" HEADER_AT("9") ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}");
    run();
    CU_ASSERT_EQUAL(op.status, EG_OK);
    end();
}

static void an_op_with_a_deadline_does_not_take_longer(void) {
    begin_with(TWO);
    const struct eg_host *host = egx_fake_host(fake);
    egx_fake_op_init(fake, &op);
    op.pub.deadline_ns = host->clock->monotonic_ns(host) + 2 * (uint64_t)ETCD_SECOND;
    (void)etcd_ops.get(store, EGX_STR("a"), &op.pub);
    CU_ASSERT_EQUAL(last_sent()->timeout_ns, 3 * (uint64_t)ETCD_SECOND);
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer");
    after(1 * (uint64_t)ETCD_SECOND);
    CU_ASSERT_EQUAL(last_sent()->timeout_ns, 2 * (uint64_t)ETCD_SECOND);
    CU_ASSERT_STRING_EQUAL(last_sent()->url, "http://b:2/v3/kv/range");
    answer("{" HEADER_AT("9") "}");
    run();
    CU_ASSERT_EQUAL(op.status, EG_E_NOTFOUND);
    memset(&op, 0, sizeof op);
    egx_fake_op_init(fake, &op);
    op.pub.deadline_ns = host->clock->monotonic_ns(host) + 60 * (uint64_t)ETCD_SECOND;
    (void)etcd_ops.list(store, EGX_STR("a"), &op.pub);
    CU_ASSERT_EQUAL(last_sent()->timeout_ns, 5 * (uint64_t)ETCD_SECOND); /* the setting */
    egx_fake_advance(fake, 60 * (uint64_t)ETCD_SECOND);
    const size_t before = sent_count();
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "timed out");
    run();
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(sent_count(), before); /* it is late: nobody waits for the next server */
    end();
}

UNIT_MAIN(UNIT(a_value_is_read_with_the_revision_of_its_last_change),
          UNIT(a_write_is_one_transaction_with_compares),
          UNIT(checks_of_a_later_version_and_too_many_are_refused),
          UNIT(a_value_that_no_etcd_takes_is_not_even_sent), UNIT(what_did_not_hold_is_told_apart),
          UNIT(reads_go_to_the_next_server_and_stay_there), UNIT(a_write_is_never_sent_twice),
          UNIT(a_write_that_may_have_happened_says_so),
          UNIT(a_write_that_never_left_goes_to_the_next_server),
          UNIT(a_store_that_is_down_answers_at_once_until_one_server_answers_again),
          UNIT(questions_have_pauses_whatever_they_end_with),
          UNIT(an_endless_answer_is_none_of_etcds),
          UNIT(an_answer_that_is_not_etcds_is_a_protocol_error), UNIT(errors_of_etcd_become_ours),
          UNIT(a_refused_token_is_renewed_and_the_write_sent_again),
          UNIT(a_token_that_is_refused_twice_is_denied), UNIT(many_requests_wait_for_one_token),
          UNIT(refused_credentials_fail_the_start_with_what_to_do),
          UNIT(a_store_without_authentication_is_used_without_a_token_until_it_asks),
          UNIT(a_token_that_is_no_header_is_not_used),
          UNIT(a_store_that_is_away_is_a_start_with_one_warning),
          UNIT(a_store_that_says_nothing_does_not_hold_up_the_start),
          UNIT(operations_under_way_at_the_end_are_answered),
          UNIT(a_write_under_way_at_the_end_is_waited_for_and_reads_are_not),
          UNIT(an_op_with_a_deadline_does_not_take_longer))
