/* Unit tests of life, reads and writes against the fake host: Consul is answers that the test
 * writes, in the words of Consul 1.8.7. */
#include <eventgw-sdk/fake_host.h>

#include "consul.h"
#include "unit.h"

#define ROW(key, value, index)                                                                     \
    "{\"KV\":{\"LockIndex\":0,\"Key\":\"event-gateway/" key "\",\"Flags\":7,\"Value\":" value      \
    ",\"CreateIndex\":1,\"ModifyIndex\":" index "}}"
#define GUARD(index) ROW(".guard", "null", index)
#define RESULTS(rows) "{\"Results\":[" rows "],\"Errors\":null}"
#define ERRORS(errors) "{\"Results\":null,\"Errors\":[" errors "]}"

static struct egx_fake *fake;
static const struct eg_component *component;
static const struct eg_storage_ops *ops;
static void *instance;
static struct egx_fake_op op;

/* ---- the frame ---- */

static int32_t create(const char *settings) {
    struct eg_why why = {.struct_size = sizeof why};
    fake = egx_fake_new();
    component = eg_plugin_constant.components[0];
    ops = component->ops;
    instance = NULL;
    return egx_fake_create(fake, component, settings, &instance, &why);
}

static void begin_with(const char *settings) {
    CU_ASSERT_EQUAL_FATAL(create(settings), EG_OK);
    egx_fake_answer(fake, 404, "", "");
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component, instance), EG_OK);
    egx_fake_op_init(fake, &op);
}

static void begin(void) {
    begin_with("{\"token\":\"sesame\"}");
}

static void end(void) {
    CU_ASSERT_EQUAL(op.done_count, 1);
    egx_fake_op_free(&op);
    component->life->drain(instance);
    (void)egx_fake_run(fake);
    egx_fake_destroy(fake, component, instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* For the next op of the same case. */
static void again(void) {
    CU_ASSERT_EQUAL(op.done_count, 1);
    egx_fake_op_free(&op);
    memset(&op, 0, sizeof op);
    egx_fake_op_init(fake, &op);
}

static const struct egx_fake_request *sent(size_t from_last) {
    return egx_fake_sent(fake, egx_fake_request_count(fake) - 1 - from_last);
}

static bool holds(struct eg_str text, const char *part) {
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static bool says(const char *part) {
    return holds(op.result.message, part);
}

/* The last request, without the number that differs each time. */
static const char *last_body(void) {
    static char text[2048];
    size_t len = 0;
    const struct eg_str body = sent(0)->body;
    for (size_t i = 0; i < body.len && len + 1 < sizeof text; i++) {
        text[len++] = body.ptr[i];
        if (len > 8 && memcmp(text + len - 8, "\"Flags\":", 8) == 0) {
            text[len++] = 'N';
            while (i + 1 < body.len && body.ptr[i + 1] >= '0' && body.ptr[i + 1] <= '9') {
                i++;
            }
        }
    }
    text[len] = '\0';
    return text;
}

/* The number in Flags of the last request. */
static unsigned long long last_number(void) {
    const struct eg_str body = sent(0)->body;
    const char *flags = memmem(body.ptr, body.len, "\"Flags\":", 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flags);
    return strtoull(flags + 8, NULL, 10);
}

static void run_put(const char *key, const char *value, uint64_t expect) {
    CU_ASSERT_EQUAL(ops->put(instance, egx_str_c(key), egx_str_c(value), expect, &op.pub), EG_OK);
    (void)egx_fake_run(fake);
}

static void run_remove(const char *key, uint64_t expect) {
    CU_ASSERT_EQUAL(ops->remove(instance, egx_str_c(key), expect, &op.pub), EG_OK);
    (void)egx_fake_run(fake);
}

/* ---- settings and start ---- */

static void settings_that_cannot_be_are_refused(void) {
    static const char *const bad[] = {
        "{\"address\":\"127.0.0.1:8500\"}",
        "{\"prefix\":\"no-slash\"}",
        "{\"token\":\"a\\nb\"}",
        "{\"address\":\"https://a\",\"cert_file\":\"/a\"}",
        "{\"ca_file\":\"/a\"}",
        "{\"wait\":\"11m\"}",
    };
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(create(bad[i]), EG_E_INVAL);
        egx_fake_free(fake);
    }
}

static void a_refused_address_is_shown_without_its_password(void) {
    struct eg_why why = {.struct_size = sizeof why};
    fake = egx_fake_new();
    CU_ASSERT_EQUAL(egx_fake_create(fake, eg_plugin_constant.components[0],
                                    "{\"address\":\"http://user:p@ss@consul:8500\"}", &instance,
                                    &why),
                    EG_E_INVAL);
    CU_ASSERT_TRUE(holds(egx_str_n(why.text, why.len), "'...@consul:8500'"));
    CU_ASSERT_FALSE(holds(egx_str_n(why.text, why.len), "p@ss"));
    egx_fake_free(fake);
}

static int32_t try_start(const char *settings) {
    CU_ASSERT_EQUAL_FATAL(create(settings), EG_OK);
    return egx_fake_start(fake, component, instance);
}

static void end_start(void) {
    component->life->drain(instance);
    egx_fake_destroy(fake, component, instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void a_file_that_cannot_be_read_fails_the_start(void) {
    CU_ASSERT_EQUAL(try_start("{\"address\":\"https://a\",\"ca_file\":\"/nonexistent/ca.pem\"}"),
                    EG_E_IO);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end_start();
}

static void answer_start(int32_t status, const char *body) {
    CU_ASSERT_EQUAL_FATAL(create("{\"datacenter\":\"a b\",\"token\":\"sesame\"}"), EG_OK);
    egx_fake_answer(fake, status, "", body);
}

static void a_token_that_is_refused_fails_the_start(void) {
    static const int32_t statuses[] = {403, 500};
    for (size_t i = 0; i < EGX_COUNT(statuses); i++) {
        answer_start(statuses[i], "rpc error making call: ACL not found");
        CU_ASSERT_EQUAL(egx_fake_start(fake, component, instance), EG_E_DENIED);
        CU_ASSERT_STRING_EQUAL(
            sent(0)->url, "http://127.0.0.1:8500/v1/kv/event-gateway/.guard?consistent&dc=a%20b");
        CU_ASSERT_EQUAL_FATAL(sent(0)->header_count, 1);
        ASSERT_STR(sent(0)->headers[0].name, "X-Consul-Token");
        ASSERT_STR(sent(0)->headers[0].value, "sesame");
        end_start();
    }
}

static void a_store_that_is_away_is_a_warning(void) {
    answer_start(500, "No cluster leader");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component, instance), EG_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "No cluster leader; it is tried on"));
    end_start();
    CU_ASSERT_EQUAL_FATAL(create(NULL), EG_OK);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component, instance), EG_OK);
    CU_ASSERT_TRUE(
        egx_fake_logged(fake, "Consul at 127.0.0.1:8500 cannot be reached: connection refused"));
    end_start();
}

static void a_token_that_goes_over_the_network_in_plain_text_is_a_warning(void) {
    CU_ASSERT_EQUAL_FATAL(create("{\"address\":\"http://consul.example:8500\",\"token\":\"t\"}"),
                          EG_OK);
    egx_fake_answer(fake, 200, "", "[]");
    CU_ASSERT_EQUAL(egx_fake_start(fake, component, instance), EG_OK);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "the token goes to consul.example:8500 unencrypted"));
    end_start();
}

/* ---- reads ---- */

static void a_value_is_read_by_its_name(void) {
    begin();
    egx_fake_answer(
        fake, 200, "X-Consul-Index: 12\n",
        "[{\"Key\":\"event-gateway/.0a/b\",\"Flags\":0,\"Value\":\"MQA=\",\"ModifyIndex\":9}]");
    CU_ASSERT_EQUAL(ops->get(instance, EGX_STR("/a/b"), &op.pub), EG_OK);
    (void)egx_fake_run(fake);
    CU_ASSERT_STRING_EQUAL(sent(0)->url,
                           "http://127.0.0.1:8500/v1/kv/event-gateway/.0a/b?consistent");
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 9);
    CU_ASSERT_EQUAL(op.result.body.len, 2);
    end();
}

static void answers_to_a_get_have_their_meaning(void) {
    static const struct {
        int32_t http;
        const char *body;
        int32_t status;
        const char *words;
    } cases[] = {
        {404, "", EG_E_NOTFOUND, "not found"},
        {403, "Permission denied", EG_E_DENIED, "refuses the token: Permission denied"},
        {500, "No cluster leader", EG_E_UNAVAILABLE, "has no answer now: No cluster leader"},
        {500, "rpc error making call: EOF", EG_E_UNAVAILABLE, "rpc error"},
        {429, "", EG_E_UNAVAILABLE, "HTTP status 429"},
        {503, "", EG_E_UNAVAILABLE, "cannot be reached"},
        {409, "", EG_E_PROTO, "cannot be understood"},
        {200, "<html>", EG_E_PROTO, "cannot be understood"},
        {200, "[{\"Key\":\"a\",\"Value\":\"?\",\"ModifyIndex\":1}]", EG_E_PROTO, "no base64"},
        {302, "", EG_E_PROTO, "is not Consul"},
        {400, "Client sent an HTTP request to an HTTPS server.", EG_E_PROTO, "HTTPS server"},
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        egx_fake_answer(fake, cases[i].http, "", cases[i].body);
        CU_ASSERT_EQUAL(ops->get(instance, EGX_STR("a"), &op.pub), EG_OK);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(op.status, cases[i].status);
        CU_ASSERT_TRUE(says(cases[i].words));
        again();
    }
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "nothing came for too long");
    CU_ASSERT_EQUAL(ops->get(instance, EGX_STR("a"), &op.pub), EG_OK);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_TRUE(says("Consul at 127.0.0.1:8500 does not answer"));
    end();
}

static void run_list(const char *prefix) {
    CU_ASSERT_EQUAL(ops->list(instance, egx_str_c(prefix), &op.pub), EG_OK);
    (void)egx_fake_run(fake);
}

static void a_list_is_all_below_a_prefix_and_the_guard_at_one_moment(void) {
    begin();
    egx_fake_answer(
        fake, 200, "",
        RESULTS(GUARD("20") "," ROW("p/a\\u0026", "null", "5") "," ROW("p/b", "\"Mg==\"", "19")));
    run_list("p/");
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://127.0.0.1:8500/v1/txn?consistent");
    CU_ASSERT_STRING_EQUAL(last_body(),
                           "[{\"KV\":{\"Verb\":\"get-tree\",\"Key\":\"event-gateway/.guard\"}},"
                           "{\"KV\":{\"Verb\":\"get-tree\",\"Key\":\"event-gateway/p/\"}}]");
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 20);
    CU_ASSERT_EQUAL_FATAL(op.result.item_count, 2);
    ASSERT_STR(op.result.items[0]->key, "p/a&");
    ASSERT_STR(op.result.items[1]->value, "2");
    CU_ASSERT_EQUAL(op.result.items[1]->revision, 19);
    end();
}

static void a_list_that_is_out_of_order_is_no_list(void) {
    static const char *const bad[] = {
        RESULTS(GUARD("20") "," ROW("p/b", "null", "19") "," ROW("p/a", "null", "5")),
        RESULTS(GUARD("20") "," ROW("p/a", "null", "5") "," ROW("p/a", "null", "5")),
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        egx_fake_answer(fake, 200, "", bad[i]);
        run_list("p/");
        CU_ASSERT_EQUAL(op.status, EG_E_PROTO);
        again();
    }
    op.done_count = 1;
    end();
}

static void bad_records_are_left_out_counted_and_named_once(void) {
    begin();
    for (size_t i = 0; i < 3; i++) {
        egx_fake_answer(fake, 200, "",
                        RESULTS(GUARD("9") "," ROW("p/a", "\"MQ==\"", "1") "," ROW(
                            "p/b", "\"M\"", "2") "," ROW("p/c~zz", "null", "3")));
        run_list("p/");
        CU_ASSERT_EQUAL(op.result.item_count, 1);
        again();
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "storage_bad_records_total", "component=consul"), 2);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "'event-gateway/p/b' in Consul is left out"));
    CU_ASSERT_TRUE(egx_fake_logged(fake, "'event-gateway/p/c~zz' in Consul is left out"));
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 2);
    egx_fake_answer(fake, 404, "", "");
    run_list("");
    CU_ASSERT_EQUAL(op.status, EG_E_PROTO); /* no transactions here: not Consul */
    end();
}

/* ACLs leave rows out without a word: the guard, which is missing then, is asked for. */
static void an_empty_list_is_not_believed(void) {
    begin();
    egx_fake_answer(fake, 200, "", RESULTS(""));
    egx_fake_answer(fake, 403, "", "Permission denied");
    run_list("p/");
    CU_ASSERT_STRING_EQUAL(sent(0)->url,
                           "http://127.0.0.1:8500/v1/kv/event-gateway/.guard?consistent");
    CU_ASSERT_EQUAL(op.status, EG_E_DENIED);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(""));
    egx_fake_answer(fake, 404, "", "");
    run_list("p/");
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.item_count, 0);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(ROW("p/a", "null", "1")));
    egx_fake_answer(fake, 200, "", "[]"); /* it is there now */
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("2") "," ROW("p/a", "null", "2")));
    run_list("p/");
    CU_ASSERT_EQUAL(op.result.item_count, 1);
    CU_ASSERT_EQUAL(op.result.revision, 2);
    end();
}

static void a_guard_that_is_there_and_is_not_is_asked_for_twice_at_most(void) {
    static const int32_t seconds[] = {200, 409};
    begin();
    for (size_t i = 0; i < EGX_COUNT(seconds); i++) {
        egx_fake_answer(fake, 200, "", RESULTS(""));
        egx_fake_answer(fake, 200, "", "[]");
        egx_fake_answer(fake, 200, "", RESULTS(""));
        egx_fake_answer(fake, seconds[i], "", "[]");
        run_list("p/");
        CU_ASSERT_EQUAL(op.status, EG_E_PROTO);
        again();
    }
    egx_fake_answer(fake, 200, "", RESULTS(""));
    egx_fake_answer(fake, 409, "", "");
    run_list("p/");
    CU_ASSERT_EQUAL(op.status, EG_E_PROTO);
    CU_ASSERT_TRUE(says("cannot be understood"));
    end();
}

static void a_read_of_a_store_that_is_stopped_asks_for_nothing_more(void) {
    begin();
    CU_ASSERT_EQUAL(ops->list(instance, EGX_STR("p/"), &op.pub), EG_OK);
    const size_t before = egx_fake_request_count(fake);
    ((struct consul_store *)instance)->is_draining = true; /* the answer was there before drain */
    egx_fake_answer(fake, 200, "", RESULTS(""));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), before);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    end();
}

static void reads_in_flight_are_given_up_at_the_end_and_writes_are_not(void) {
    struct egx_fake_op reads[2];
    begin();
    for (size_t i = 0; i < EGX_COUNT(reads); i++) {
        egx_fake_op_init(fake, &reads[i]);
    }
    CU_ASSERT_EQUAL(ops->get(instance, EGX_STR("a"), &reads[0].pub), EG_OK);
    CU_ASSERT_EQUAL(ops->put(instance, EGX_STR("a"), EGX_STR("1"), EG_REV_ANY, &op.pub), EG_OK);
    CU_ASSERT_EQUAL(ops->list(instance, EGX_STR("p/"), &reads[1].pub), EG_OK);
    component->life->drain(instance);
    (void)egx_fake_run(fake);
    for (size_t i = 0; i < EGX_COUNT(reads); i++) {
        CU_ASSERT_EQUAL(reads[i].done_count, 1);
        CU_ASSERT_EQUAL(reads[i].status, EG_E_UNAVAILABLE);
        egx_fake_op_free(&reads[i]);
    }
    CU_ASSERT_EQUAL(op.done_count, 0);
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "null", "31") "," GUARD("31")));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.status, EG_OK);
    end();
}

static void every_try_of_a_read_has_the_time_that_is_left(void) {
    begin();
    const struct eg_host *host = egx_fake_host(fake);
    op.pub.deadline_ns = host->clock->monotonic_ns(host) + 4 * CONSUL_SECOND_NS;
    CU_ASSERT_EQUAL(ops->list(instance, EGX_STR("p/"), &op.pub), EG_OK);
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 5 * CONSUL_SECOND_NS);
    egx_fake_advance(fake, 3 * CONSUL_SECOND_NS);
    egx_fake_answer(fake, 200, "", RESULTS(""));
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 2 * CONSUL_SECOND_NS);
    egx_fake_answer(fake, 404, "", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.status, EG_OK);
    end();
}

/* ---- writes ---- */

static void a_write_is_one_transaction_with_the_guard(void) {
    begin();
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "null", "31") "," GUARD("31")));
    run_put("a", "1", EG_REV_ANY);
    CU_ASSERT_STRING_EQUAL(sent(0)->url, "http://127.0.0.1:8500/v1/txn");
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "PUT");
    CU_ASSERT_STRING_EQUAL(
        last_body(), "[{\"KV\":{\"Verb\":\"set\",\"Key\":\"event-gateway/a\",\"Value\":\"MQ==\","
                     "\"Flags\":N}},{\"KV\":{\"Verb\":\"set\",\"Key\":\"event-gateway/.guard\","
                     "\"Value\":\"\",\"Flags\":N}}]");
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 31);
    const unsigned long long number = last_number();
    again();
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "null", "32") "," GUARD("32")));
    run_put("a", "1", 31);
    CU_ASSERT_NOT_EQUAL(last_number(), number); /* or Consul would not write what is there */
    CU_ASSERT_TRUE(
        holds(sent(0)->body, "\"Verb\":\"cas\",\"Key\":\"event-gateway/a\",\"Index\":31"));
    again();
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "\"MQ==\"", "32") "," GUARD("33")));
    run_remove("a", EG_REV_ANY);
    CU_ASSERT_STRING_EQUAL(
        last_body(), "[{\"KV\":{\"Verb\":\"get\",\"Key\":\"event-gateway/a\"}},{\"KV\":{\"Verb\":"
                     "\"delete\",\"Key\":\"event-gateway/a\"}},{\"KV\":{\"Verb\":\"set\",\"Key\":"
                     "\"event-gateway/.guard\",\"Value\":\"\",\"Flags\":N}}]");
    CU_ASSERT_EQUAL(op.result.revision, 33);
    end();
}

#define STALE                                                                                      \
    "{\"OpIndex\":0,\"What\":\"failed to set key \\\"event-gateway/a\\\", index is stale\"}"

static void refusals_are_told_apart(void) {
    begin();
    egx_fake_answer(fake, 409, "", ERRORS(STALE));
    run_put("a", "1", EG_REV_ABSENT);
    CU_ASSERT_EQUAL(op.status, EG_E_EXISTS);
    again();
    egx_fake_answer(fake, 409, "", ERRORS(STALE));
    run_put("a", "1", 3);
    CU_ASSERT_EQUAL(op.status, EG_E_CONFLICT);
    again();
    egx_fake_answer(
        fake, 409, "",
        ERRORS("{\"OpIndex\":0,\"What\":\"key \\\"event-gateway/a\\\" doesn't exist\"}"));
    run_remove("a", 3);
    CU_ASSERT_EQUAL(op.status, EG_E_NOTFOUND);
    again();
    egx_fake_answer(fake, 409, "",
                    ERRORS("{\"OpIndex\":1,\"What\":\"failed to delete key, index is "
                           "stale\"}"));
    run_remove("a", 3);
    CU_ASSERT_EQUAL(op.status, EG_E_CONFLICT);
    again();
    egx_fake_answer(fake, 409, "", ERRORS("{\"OpIndex\":0,\"What\":\"Permission denied\"}"));
    run_put("a", "1", EG_REV_ABSENT);
    CU_ASSERT_EQUAL(op.status, EG_E_DENIED);
    CU_ASSERT_TRUE(says("does not let the token write below 'event-gateway/'"));
    again();
    egx_fake_answer(fake, 409, "", ERRORS("{\"OpIndex\":0,\"What\":\"of another kind\"}"));
    run_put("a", "1", EG_REV_ANY);
    CU_ASSERT_EQUAL(op.status, EG_E_IO);
    CU_ASSERT_TRUE(says("of another kind"));
    again();
    egx_fake_answer(fake, 409, "", "{\"Results\":null,\"Errors\":null}");
    run_put("a", "1", EG_REV_ANY);
    CU_ASSERT_EQUAL(op.status, EG_E_PROTO);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "null", "3")));
    run_put("a", "1", EG_REV_ANY);
    CU_ASSERT_EQUAL(op.status, EG_E_PROTO); /* and where is the guard? */
    end();
}

static void a_write_whose_answer_is_lost_is_not_sent_again(void) {
    begin();
    const size_t before = egx_fake_request_count(fake);
    egx_fake_answer_error(fake, EG_E_IO, "connection reset");
    run_put("a", "1", EG_REV_ABSENT);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), before + 1);
    CU_ASSERT_TRUE((sent(0)->flags & EG_HTTP_ONCE) != 0);
    end();
}

static void a_write_that_may_have_happened_says_so(void) {
    static const struct {
        int32_t error;
        int32_t http;
        const char *body;
        bool is_open;
    } cases[] = {
        {EG_E_IO, 0, "connection reset", true},
        {EG_E_TIMEOUT, 0, "timed out", true},
        {EG_E_PROTO, 0, "no HTTP", true},
        {0, 500, "rpc error making call: EOF", true},
        {0, 500, "No cluster leader", true},
        {0, 502, "", true},
        {0, 504, "", true},
        {0, 200, "<html>", true},
        {0, 503, "", false},
        {0, 403, "Permission denied", false},
        {0, 500, "Permission denied", false},
        {0, 404, "", false},
        {0, 413, "too large", false},
        {EG_E_UNAVAILABLE, 0, "connection refused", false},
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(cases); i++) {
        if (cases[i].error != 0) {
            egx_fake_answer_error(fake, cases[i].error, cases[i].body);
        } else {
            egx_fake_answer(fake, cases[i].http, "", cases[i].body);
        }
        run_put("a", "1", EG_REV_ANY);
        CU_ASSERT_TRUE(op.status < 0);
        CU_ASSERT_EQUAL(says("; the write may have happened"), cases[i].is_open);
        again();
    }
    op.done_count = 1;
    end();
}

static void what_is_too_big_is_not_sent(void) {
    static char big[400000];
    begin();
    const size_t before = egx_fake_request_count(fake);
    memset(big, 'x', sizeof big);
    CU_ASSERT_EQUAL(
        ops->put(instance, EGX_STR("a"), egx_str_n(big, sizeof big), EG_REV_ANY, &op.pub), EG_OK);
    CU_ASSERT_EQUAL(op.status, EG_E_TOOBIG);
    CU_ASSERT_TRUE(says("Consul takes 524288"));
    again();
    CU_ASSERT_EQUAL(ops->put(instance, egx_str_n(big, 20000), EGX_STR("1"), EG_REV_ANY, &op.pub),
                    EG_OK);
    CU_ASSERT_EQUAL(op.status, EG_E_TOOBIG);
    CU_ASSERT_TRUE(says("16384 are the most"));
    again();
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), before);
    egx_fake_answer(fake, 413, "", "Request body(524348 bytes) too large, max size: 524288 bytes.");
    run_put("a", "1", EG_REV_ANY);
    CU_ASSERT_EQUAL(op.status, EG_E_TOOBIG);
    CU_ASSERT_TRUE(says("max size: 524288"));
    end();
}

/* ---- commits ---- */

static const struct eg_check below_p = {sizeof below_p, EG_CHECK_PREFIX, {"p/", 2}, 20};
static const struct eg_check key_b = {sizeof key_b, EG_CHECK_KEY, {"b", 1}, 7};
static const struct eg_check no_c = {sizeof no_c, EG_CHECK_KEY, {"c", 1}, EG_REV_ABSENT};

static void run_commit(const struct eg_check *const *checks, size_t count) {
    static struct eg_commit commit;
    commit = (struct eg_commit){.struct_size = sizeof commit,
                                .key = EGX_STR("a"),
                                .value = EGX_STR("1"),
                                .expect_revision = EG_REV_ANY,
                                .checks = checks,
                                .check_count = count};
    CU_ASSERT_EQUAL(ops->commit(instance, &commit, &op.pub), EG_OK);
    (void)egx_fake_run(fake);
}

static void checks_of_keys_go_along(void) {
    static const struct eg_check *const checks[] = {&key_b, &no_c};
    begin();
    egx_fake_answer(fake, 409, "", ERRORS("{\"OpIndex\":1,\"What\":\"key exists\"}"));
    run_commit(checks, 2);
    CU_ASSERT_TRUE(holds(sent(0)->body, "[{\"KV\":{\"Verb\":\"check-index\",\"Key\":"
                                        "\"event-gateway/b\",\"Index\":7}},{\"KV\":{\"Verb\":"
                                        "\"check-not-exists\",\"Key\":\"event-gateway/c\"}}"));
    CU_ASSERT_EQUAL(op.status, EG_E_CONFLICT);
    end();
}

static void checks_of_prefixes_are_read_and_held_by_the_guard(void) {
    static const struct eg_check *const checks[] = {&below_p};
    begin();
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25") "," ROW("p/a", "null", "20")));
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25") "," ROW("a", "null", "26") "," GUARD("26")));
    run_commit(checks, 1);
    CU_ASSERT_TRUE(holds(sent(1)->body, "\"get-tree\",\"Key\":\"event-gateway/p/\""));
    CU_ASSERT_TRUE(holds(sent(0)->body, "[{\"KV\":{\"Verb\":\"check-index\",\"Key\":"
                                        "\"event-gateway/.guard\",\"Index\":25}}"));
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 26);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25") "," ROW("p/a", "null", "21")));
    run_commit(checks, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CONFLICT);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(""));
    egx_fake_answer(fake, 404, "", ""); /* nothing was ever written */
    egx_fake_answer(fake, 200, "", RESULTS(ROW("a", "null", "26") "," GUARD("26")));
    run_commit(checks, 1);
    CU_ASSERT_TRUE(holds(sent(0)->body, "[{\"KV\":{\"Verb\":\"check-not-exists\",\"Key\":"
                                        "\"event-gateway/.guard\"}}"));
    CU_ASSERT_EQUAL(op.status, EG_OK);
    end();
}

#define MOVED "{\"OpIndex\":0,\"What\":\"current modify index 26 != 25\"}"

static void a_guard_that_has_moved_is_looked_at_again(void) {
    static const struct eg_check *const checks[] = {&below_p};
    begin();
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25")));
    egx_fake_answer(fake, 409, "", ERRORS(MOVED));
    run_commit(checks, 1);
    CU_ASSERT_EQUAL(op.done_count, 0);
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("26") "," ROW("p/a", "null", "26")));
    egx_fake_advance(fake, 200 * CONSUL_MILLISECOND_NS);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.status, EG_E_CONFLICT);
    again();
    op.pub.deadline_ns = egx_fake_host(fake)->clock->monotonic_ns(egx_fake_host(fake)) + 1;
    egx_fake_advance(fake, 2);
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25")));
    egx_fake_answer(fake, 409, "", ERRORS(MOVED));
    run_commit(checks, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_TIMEOUT);
    again();
    egx_fake_answer(fake, 200, "", RESULTS(GUARD("25")));
    egx_fake_answer(fake, 409, "", ERRORS(MOVED));
    run_commit(checks, 1);
    component->life->drain(instance); /* while it waits */
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(ops->get(instance, EGX_STR("a"), &op.pub), EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(ops->list(instance, EGX_STR("a"), &op.pub), EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(ops->remove(instance, EGX_STR("a"), EG_REV_ANY, &op.pub), EG_E_UNAVAILABLE);
    end();
}

static void commits_that_cannot_be_are_refused(void) {
    static const struct eg_check odd = {sizeof odd, 9, {"p/", 2}, 20};
    static const struct eg_check *const checks[] = {&odd};
    static const struct eg_check *const many[9] = {&key_b, &key_b, &key_b, &key_b, &key_b,
                                                   &key_b, &key_b, &key_b, &key_b};
    struct eg_commit commit = {.struct_size = sizeof commit, .key = EGX_STR("a")};
    begin();
    commit.checks = checks;
    commit.check_count = 1;
    CU_ASSERT_EQUAL(ops->commit(instance, &commit, &op.pub), EG_E_UNSUPPORTED);
    commit.checks = many;
    commit.check_count = 9;
    CU_ASSERT_EQUAL(ops->commit(instance, &commit, &op.pub), EG_E_INVAL);
    CU_ASSERT_EQUAL(op.done_count, 0);
    op.done_count = 1;
    end();
}

UNIT_MAIN(UNIT(settings_that_cannot_be_are_refused),
          UNIT(a_refused_address_is_shown_without_its_password),
          UNIT(a_file_that_cannot_be_read_fails_the_start),
          UNIT(a_token_that_is_refused_fails_the_start), UNIT(a_store_that_is_away_is_a_warning),
          UNIT(a_token_that_goes_over_the_network_in_plain_text_is_a_warning),
          UNIT(a_value_is_read_by_its_name), UNIT(answers_to_a_get_have_their_meaning),
          UNIT(a_list_is_all_below_a_prefix_and_the_guard_at_one_moment),
          UNIT(a_list_that_is_out_of_order_is_no_list),
          UNIT(bad_records_are_left_out_counted_and_named_once),
          UNIT(an_empty_list_is_not_believed),
          UNIT(a_guard_that_is_there_and_is_not_is_asked_for_twice_at_most),
          UNIT(a_read_of_a_store_that_is_stopped_asks_for_nothing_more),
          UNIT(reads_in_flight_are_given_up_at_the_end_and_writes_are_not),
          UNIT(every_try_of_a_read_has_the_time_that_is_left),
          UNIT(a_write_is_one_transaction_with_the_guard), UNIT(refusals_are_told_apart),
          UNIT(a_write_whose_answer_is_lost_is_not_sent_again),
          UNIT(a_write_that_may_have_happened_says_so), UNIT(what_is_too_big_is_not_sent),
          UNIT(checks_of_keys_go_along), UNIT(checks_of_prefixes_are_read_and_held_by_the_guard),
          UNIT(a_guard_that_has_moved_is_looked_at_again), UNIT(commits_that_cannot_be_are_refused))
