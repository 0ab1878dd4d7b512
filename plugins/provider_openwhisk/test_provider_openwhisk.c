/*
 * Unit tests of the component `openwhisk`: what may be configured, what is sent, how answers are
 * sorted, how activations are looked at. The reader of records has its own tests.
 */
#include <eventgw-sdk/fake_host.h>

#include "provider_openwhisk.h"
#include "unit.h"

#define MS_NS UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)
#define EVENT "{\"id\":\"1\"}"
#define HOST "\"apiHost\":\"whisk.test\""
#define ACTION "{" HOST ",\"action\":\"a\",\"auth\":\"u:k\"}"
#define INVOKE "https://whisk.test/api/v1/namespaces/_/actions/a?blocking=true&result=false"
#define RECORD                                                                                     \
    "{\"activationId\":\"ab12\",\"response\":{\"status\":\"success\",\"result\":{\"x\": 1.50}}}"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static void *target;
static struct eg_target_traits traits;
static struct eg_why why;
static struct egx_fake_op op;

static const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}
static const struct eg_provider_ops *ops(void) {
    return component()->ops;
}

static void begin(const char *settings) {
    why = (struct eg_why){.struct_size = sizeof why};
    target = NULL;
    fake = egx_fake_new();
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), settings, &instance, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static int32_t bind(const char *provider) {
    const void *config = NULL;
    why.len = 0;
    traits = (struct eg_target_traits){.struct_size = sizeof traits};
    const int32_t rc = egx_fake_target_settings(fake, component(), provider, &config, &why);
    return rc < 0 ? rc : ops()->bind(instance, config, &target, &traits, &why);
}

static void end(void) {
    if (target != NULL) {
        ops()->unbind(instance, target);
    }
    component()->life->detach(instance, slot);
    egx_fake_destroy(fake, component(), instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static struct eg_str traceparent; /* of the next calls */

static void invoke(uint64_t deadline_ns) {
    static struct eg_invocation invocation = {.struct_size = sizeof invocation,
                                              .payload = {EVENT, sizeof EVENT - 1}};
    invocation.traceparent = traceparent;
    egx_fake_op_init(fake, &op);
    op.pub.deadline_ns = deadline_ns;
    CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocation, &op.pub), EG_OK);
    (void)egx_fake_run(fake);
}

/* One call with one scripted answer. */
static void call(int32_t status, const char *headers, const char *body) {
    egx_fake_answer(fake, status, headers, body);
    invoke(0);
    CU_ASSERT_EQUAL(op.done_count, 1);
}

static const struct egx_fake_request *sent(size_t index) {
    const struct egx_fake_request *request = egx_fake_sent(fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    return request;
}

static struct eg_str header_of(const struct egx_fake_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (egx_str_eq_nocase(request->headers[i].name, egx_str_c(name))) {
            return request->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static struct eg_str body_of(void) {
    return egx_str_n(op.result.body.ptr, op.result.body.len);
}

static void addresses_are_made_of_names(void) {
    static const struct {
        const char *provider;
        const char *url;
    } rows[] = {
        {ACTION, INVOKE "&timeout=60000"},
        {"{\"apiHost\":\"http://10.0.0.1:3233/\",\"action\":\"p/a b\",\"namespace\":\"n@x\","
         "\"auth\":\"u:k\",\"blocking\":false}",
         "http://10.0.0.1:3233/api/v1/namespaces/n%40x/actions/p/a%20b"
         "?blocking=false&result=false"},
        {"{" HOST ",\"package\":\"p\",\"action\":\"a\",\"token\":\"t\"}",
         "https://whisk.test/api/v1/namespaces/_/actions/p/a?blocking=true&result=false"
         "&timeout=60000"},
        {"{" HOST ",\"trigger\":\"t\",\"auth\":\"u:k\"}",
         "https://whisk.test/api/v1/namespaces/_/triggers/t"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL);
        CU_ASSERT_EQUAL_FATAL(bind(rows[i].provider), EG_OK);
        call(200, "", RECORD);
        CU_ASSERT_STRING_EQUAL(sent(0)->url, rows[i].url);
        egx_fake_op_free(&op);
        end();
    }
}

static void what_cannot_work_is_refused_with_its_reason(void) {
    static const char missing[] = "missing required fields for OpenWhisk function";
    static const char no_host[] = "apiHost has to be a host, or an http or https URL without query";
    static const char no_action[] = "action or package is no name of OpenWhisk";
    static const struct {
        const char *provider;
        const char *text;
    } rows[] = {
        {"{}", missing},
        {"{" HOST ",\"action\":\"a\"}", missing},
        {"{" HOST ",\"auth\":\"u:k\"}", missing},
        {"{\"action\":\"a\",\"auth\":\"u:k\"}", missing},
        {"{" HOST ",\"action\":\"a\",\"trigger\":\"t\",\"auth\":\"u:k\"}",
         "either an action or a trigger, not both"},
        {"{" HOST ",\"action\":\"a\",\"auth\":\"u:k\",\"token\":\"t\"}",
         "either auth or token, not both"},
        {"{" HOST ",\"action\":\"a\",\"auth\":\"uk\"}", "auth has to be uuid:key"},
        {"{" HOST ",\"action\":\"a\",\"token\":\"t\\r\\nX: y\"}",
         "token has to be visible ASCII characters"},
        {"{" HOST ",\"action\":\"p/q/a\",\"auth\":\"u:k\"}", no_action},
        {"{" HOST ",\"action\":\"/a\",\"auth\":\"u:k\"}", no_action},
        {"{" HOST ",\"action\":\"p/\",\"auth\":\"u:k\"}", no_action},
        {"{" HOST ",\"action\":\"../a\",\"auth\":\"u:k\"}", no_action},
        {"{" HOST ",\"action\":\"a\\nb\",\"auth\":\"u:k\"}", no_action},
        {"{" HOST ",\"trigger\":\"t/u\",\"auth\":\"u:k\"}", "trigger is no name of OpenWhisk"},
        {"{" HOST ",\"action\":\"a\",\"namespace\":\"..\",\"auth\":\"u:k\"}",
         "namespace is no name of OpenWhisk"},
        {"{\"apiHost\":\"ftp://x\",\"action\":\"a\",\"auth\":\"u:k\"}", no_host},
        {"{\"apiHost\":\"u@x\",\"action\":\"a\",\"auth\":\"u:k\"}", no_host},
        {"{\"apiHost\":\"x y\",\"action\":\"a\",\"auth\":\"u:k\"}", no_host},
        {"{\"apiHost\":\"https://x/?a\",\"action\":\"a\",\"auth\":\"u:k\"}", no_host},
        {"{" HOST ",\"action\":\"a\",\"auth\":\"u:k\",\"cloudEvents\":\"3\"}",
         "cloudEvents has to be one of 0.1, 0.2, 0.3, 1.0, and is not \"3\""},
    };
    begin(NULL);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(bind(rows[i].provider), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), rows[i].text);
    }
    end();
}

static void a_call_posts_the_event_with_the_key(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    call(200, "", RECORD);
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "POST");
    ASSERT_STR(sent(0)->body, EVENT);
    ASSERT_STR(header_of(sent(0), "Authorization"), "Basic dTpr");
    ASSERT_STR(header_of(sent(0), "Content-Type"), "application/json");
    CU_ASSERT_EQUAL(sent(0)->flags, EG_HTTP_NO_REDIRECT);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    ASSERT_STR(body_of(), "{\"x\": 1.50}"); /* byte by byte */
    egx_fake_op_free(&op);
    end();
}

static void a_trace_goes_on_with_the_call(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    traceparent = EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    call(200, "", RECORD);
    CU_ASSERT_TRUE(egx_str_eq(header_of(sent(0), "traceparent"), traceparent));
    traceparent = egx_str_n(NULL, 0);
    egx_fake_op_free(&op);
    end();
}

static void a_token_goes_as_bearer(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" HOST ",\"action\":\"a\",\"token\":\"T.1\"}"), EG_OK);
    call(200, "", RECORD);
    ASSERT_STR(header_of(sent(0), "Authorization"), "Bearer T.1");
    egx_fake_op_free(&op);
    end();
}

static void openwhisk_is_asked_to_wait_a_little_less_than_the_gateway(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    egx_fake_answer(fake, 200, "", RECORD);
    invoke(egx_fake_host(fake)->clock->monotonic_ns(egx_fake_host(fake)) + 10 * SECOND_NS);
    CU_ASSERT_STRING_EQUAL(sent(0)->url, INVOKE "&timeout=9000");
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 11 * SECOND_NS);
    egx_fake_op_free(&op);
    end();
}

static void statuses_are_sorted_into_classes(void) {
    static const struct {
        int32_t status;
        const char *headers;
        const char *body;
        uint32_t call_class;
        uint64_t retry_after_s;
        const char *message;
    } rows[] = {
        {400, "", "{\"error\":\"x\"}", EG_CALL_PERMANENT, 0, "HTTP status code: 400"},
        {401, "", "", EG_CALL_AUTH, 0, "HTTP status code: 401"},
        {403, "", "", EG_CALL_AUTH, 0, "HTTP status code: 403"},
        {404, "", "", EG_CALL_PERMANENT, 0, "HTTP status code: 404"},
        {408, "", "", EG_CALL_TRANSIENT, 0, "HTTP status code: 408"},
        {413, "", "", EG_CALL_PERMANENT, 0, "HTTP status code: 413"},
        {429, "", "", EG_CALL_THROTTLED, 0, "HTTP status code: 429"},
        {429, "Retry-After: 9", "", EG_CALL_THROTTLED, 9, "HTTP status code: 429"},
        {500, "", RECORD, EG_CALL_TRANSIENT, 0, "HTTP status code: 500"},
        {503, "", "", EG_CALL_TRANSIENT, 0, "HTTP status code: 503"},
        {503, "Retry-After: 1", "", EG_CALL_THROTTLED, 1, "HTTP status code: 503"},
        {302, "", "", EG_CALL_PERMANENT, 0, "HTTP status code: 302"},
        {200, "", "not JSON", EG_CALL_TRANSIENT, 0, "the answer is no activation record"},
        {200, "", "{\"greeting\":\"hi\"}", EG_CALL_TRANSIENT, 0,
         "the answer is no activation record"},
        {200, "", "", EG_CALL_TRANSIENT, 0, "the answer is no activation record"},
        {202, "", "{}", EG_CALL_TRANSIENT, 0, "accepted without an activation id"},
        {202, "", "{\"activationId\":\"../x\"}", EG_CALL_TRANSIENT, 0,
         "accepted without an activation id"},
        {502, "", "<html>", EG_CALL_TRANSIENT, 0, "HTTP status code: 502"},
        {502, "", "{\"error\":\"thrown\"}", EG_CALL_FUNCTION, 0, "thrown"},
        {502, "",
         "{\"activationId\":\"ab\",\"response\":{\"status\":\"application error\",\"result\":"
         "{\"error\":\"no user\"}}}",
         EG_CALL_FUNCTION, 0, "application error: no user, activation ab"},
        {502, "", "{\"response\":{\"status\":\"action developer error\",\"result\":7}}",
         EG_CALL_FUNCTION, 0, "action developer error"},
        {502, "", "{\"response\":{\"status\":\"whisk internal error\"}}", EG_CALL_TRANSIENT, 0,
         "whisk internal error"},
    };
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        call(rows[i].status, rows[i].headers, rows[i].body);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        CU_ASSERT_EQUAL(op.result.retry_after_ns, rows[i].retry_after_s * SECOND_NS);
        ASSERT_STR(op.result.message, rows[i].message);
        CU_ASSERT_EQUAL(op.result.body.len, 0);
        egx_fake_op_free(&op);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), EGX_COUNT(rows)); /* nothing is tried again */
    end();
}

static void what_does_not_wait_is_acknowledged(void) {
    static const struct {
        const char *provider;
        int32_t status;
        const char *body;
        const char *wanted;
    } rows[] = {
        {"{" HOST ",\"action\":\"a\",\"auth\":\"u:k\",\"blocking\":false}", 202,
         "{\"activationId\":\"ab12\"}", "{\"activationId\":\"ab12\"}"},
        {"{" HOST ",\"trigger\":\"t\",\"auth\":\"u:k\"}", 202, "{\"activationId\":\"ab12\"}",
         "{\"activationId\":\"ab12\"}"},
        {"{" HOST ",\"trigger\":\"t\",\"auth\":\"u:k\"}", 204, "", "{}"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL);
        CU_ASSERT_EQUAL_FATAL(bind(rows[i].provider), EG_OK);
        call(rows[i].status, "", rows[i].body);
        CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_ACCEPTED);
        ASSERT_STR(body_of(), rows[i].wanted);
        egx_fake_op_free(&op);
        end();
    }
}

static void an_activation_is_looked_at_until_it_has_ended(void) {
    begin("{\"poll_interval\":\"100ms\",\"poll_interval_max\":\"300ms\"}");
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    egx_fake_answer(fake, 202, "x-openwhisk-activation-id: ab12", "{}");
    invoke(0);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    egx_fake_advance(fake, 100 * MS_NS);
    egx_fake_answer(fake, 404, "", "{\"error\":\"not found\"}");
    (void)egx_fake_run(fake);
    CU_ASSERT_STRING_EQUAL(sent(1)->method, "GET");
    CU_ASSERT_STRING_EQUAL(sent(1)->url, "https://whisk.test/api/v1/namespaces/_/activations/ab12");
    ASSERT_STR(header_of(sent(1), "Authorization"), "Basic dTpr");
    CU_ASSERT_EQUAL(sent(1)->header_count, 1);
    egx_fake_advance(fake, 199 * MS_NS);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    egx_fake_advance(fake, 1 * MS_NS);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
    (void)egx_fake_run(fake);
    egx_fake_advance(fake, 300 * MS_NS);
    egx_fake_answer(fake, 429, "Retry-After: 2", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 4);
    egx_fake_advance(fake, 1999 * MS_NS);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 4);
    egx_fake_advance(fake, 1 * MS_NS);
    egx_fake_answer(fake, 200, "", RECORD);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    ASSERT_STR(body_of(), "{\"x\": 1.50}");
    egx_fake_op_free(&op);
    end();
}

static void looking_ends_where_it_makes_no_sense(void) {
    static const struct {
        int32_t status;
        const char *body;
        uint32_t call_class;
        const char *message;
    } rows[] = {
        {401, "", EG_CALL_AUTH, "HTTP status code: 401"},
        {400, "", EG_CALL_PERMANENT, "HTTP status code: 400"},
        {200, "[]", EG_CALL_TRANSIENT, "activation ab12: the answer is no activation record"},
        {200, "{\"response\":{\"status\":\"application error\",\"result\":{\"error\":\"e\"}}}",
         EG_CALL_FUNCTION, "application error: e"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL);
        CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
        egx_fake_answer(fake, 202, "", "{\"activationId\":\"ab12\"}");
        invoke(0);
        egx_fake_answer(fake, rows[i].status, "", rows[i].body);
        egx_fake_advance(fake, 250 * MS_NS);
        (void)egx_fake_run(fake);
        CU_ASSERT_EQUAL(op.done_count, 1);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        ASSERT_STR(op.result.message, rows[i].message);
        egx_fake_op_free(&op);
        end();
    }
}

static void the_deadline_bounds_the_looking(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    egx_fake_answer(fake, 202, "", "{\"activationId\":\"ab12\"}");
    invoke(egx_fake_host(fake)->clock->monotonic_ns(egx_fake_host(fake)) + SECOND_NS);
    for (int i = 0; i < 20 && op.done_count == 0; i++) {
        egx_fake_answer(fake, 404, "", "");
        egx_fake_advance(fake, 100 * MS_NS);
        (void)egx_fake_run(fake);
    }
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_TIMEOUT);
    ASSERT_STR(op.result.message, "activation ab12 did not end in time");
    egx_fake_op_free(&op);
    end();
}

static void a_call_can_be_cancelled_while_it_is_sent_or_waited_for(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    invoke(0);
    ops()->cancel(instance, slot, &op.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    ops()->cancel(instance, slot, &op.pub); /* done, not delivered yet */
    egx_fake_op_free(&op);
    egx_fake_answer(fake, 202, "", "{\"activationId\":\"ab12\"}");
    invoke(0);
    ops()->cancel(instance, slot, &op.pub);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    egx_fake_advance(fake, 10 * SECOND_NS);
    (void)egx_fake_run(fake); /* the timer is gone */
    egx_fake_op_free(&op);
    egx_fake_answer(fake, 202, "", "{\"activationId\":\"ab12\"}");
    invoke(0);
    egx_fake_advance(fake, 250 * MS_NS);
    (void)egx_fake_run(fake); /* looking */
    ops()->cancel(instance, slot, &op.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    egx_fake_op_free(&op);
    end();
}

static void a_transport_error_is_transient(void) {
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind(ACTION), EG_OK);
    egx_fake_answer_error(fake, EG_E_IO, "certificate has expired");
    invoke(0);
    CU_ASSERT_EQUAL(op.status, EG_E_IO);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_TRANSIENT);
    ASSERT_STR(op.result.message, "certificate has expired");
    egx_fake_op_free(&op);
    end();
}

UNIT_MAIN(UNIT(addresses_are_made_of_names), UNIT(what_cannot_work_is_refused_with_its_reason),
          UNIT(a_call_posts_the_event_with_the_key), UNIT(a_token_goes_as_bearer),
          UNIT(a_trace_goes_on_with_the_call),
          UNIT(openwhisk_is_asked_to_wait_a_little_less_than_the_gateway),
          UNIT(statuses_are_sorted_into_classes), UNIT(what_does_not_wait_is_acknowledged),
          UNIT(an_activation_is_looked_at_until_it_has_ended),
          UNIT(looking_ends_where_it_makes_no_sense), UNIT(the_deadline_bounds_the_looking),
          UNIT(a_call_can_be_cancelled_while_it_is_sent_or_waited_for),
          UNIT(a_transport_error_is_transient))
