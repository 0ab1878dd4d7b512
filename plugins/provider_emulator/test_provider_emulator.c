/*
 * Unit tests of the component `emulator`: what may be configured, what is sent, how answers are
 * sorted.
 */
#include <eventgw-sdk/fake_host.h>

#include "provider_emulator.h"
#include "unit.h"

#define EVENT "{\"id\":\"1\"}"
#define FUNCTION "{\"emulatorUrl\":\"http://localhost:4002\",\"apiVersion\":\"v0\"}"

static struct egx_fake *fake;
static void *instance;
static void *slot;
static void *target;
static struct eg_target_traits traits;
static struct eg_why why;
static struct egx_fake_op op;
static struct eg_invocation invocation;

static const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}
static const struct eg_provider_ops *ops(void) {
    return component()->ops;
}

static void begin(const char *settings) {
    why = (struct eg_why){.struct_size = sizeof why};
    target = NULL;
    invocation = (struct eg_invocation){.struct_size = sizeof invocation,
                                        .function_id = EGX_STR("hello"),
                                        .payload = EGX_STR(EVENT)};
    fake = egx_fake_new();
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(fake, component(), settings, &instance, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, egx_fake_loop(fake), &slot), EG_OK);
}

static void bind(const char *provider) {
    const void *config = NULL;
    traits = (struct eg_target_traits){.struct_size = sizeof traits};
    CU_ASSERT_EQUAL_FATAL(egx_fake_target_settings(fake, component(), provider, &config, &why),
                          EG_OK);
    CU_ASSERT_EQUAL_FATAL(ops()->bind(instance, config, &target, &traits, &why), EG_OK);
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

static int32_t invoke(void) {
    egx_fake_op_init(fake, &op);
    const int32_t rc = ops()->invoke(instance, slot, target, &invocation, &op.pub);
    (void)egx_fake_run(fake);
    return rc;
}

/* One call with one scripted answer. */
static void call(int32_t status, const char *body) {
    egx_fake_answer(fake, status, "", body);
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL(op.done_count, 1);
}

static const struct egx_fake_request *sent(size_t index) {
    const struct egx_fake_request *request = egx_fake_sent(fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    return request;
}

static struct eg_str body_of(const struct egx_fake_op *ended) {
    return egx_str_n(ended->result.body.ptr, ended->result.body.len);
}

static void both_fields_are_required(void) {
    static const struct {
        struct emulator_target_settings config;
        const char *text;
    } rows[] = {
        {{{NULL, 0}, {NULL, 0}}, "missing required field emulatorURL for Emulator function"},
        {{{NULL, 0}, {"v0", 2}}, "missing required field emulatorURL for Emulator function"},
        {{{"http://e", 8}, {NULL, 0}}, "missing required field apiVersion for Emulator function"},
    };
    begin(NULL);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(ops()->bind(instance, &rows[i].config, &target, &traits, &why), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), rows[i].text);
        CU_ASSERT_PTR_NULL(target);
    }
    end();
}

static void the_address_has_one_slash_before_the_path(void) {
    static const struct {
        const char *provider;
        const char *url;
    } rows[] = {
        {FUNCTION, "http://localhost:4002/v0/emulator/api/functions/invoke"},
        {"{\"emulatorUrl\":\"http://localhost:4002/\",\"apiVersion\":\"v0\"}",
         "http://localhost:4002/v0/emulator/api/functions/invoke"},
        {"{\"emulatorUrl\":\"http://localhost:4002//\",\"apiVersion\":\"v0\"}",
         "http://localhost:4002/v0/emulator/api/functions/invoke"},
        {"{\"emulatorUrl\":\"https://e.test/behind/a/proxy/\",\"apiVersion\":\"v0\"}",
         "https://e.test/behind/a/proxy/v0/emulator/api/functions/invoke"},
        {"{\"emulatorUrl\":\"http://[::1]:1\",\"apiVersion\":\"v0\",\"more\":1}",
         "http://[::1]:1/v0/emulator/api/functions/invoke"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL);
        bind(rows[i].provider);
        call(200, "{}");
        CU_ASSERT_STRING_EQUAL(sent(0)->url, rows[i].url);
        egx_fake_op_free(&op);
        end();
    }
}

static void a_call_posts_the_id_and_the_event(void) {
    begin(NULL);
    bind(FUNCTION);
    call(200, "{\"statusCode\":201}");
    CU_ASSERT_STRING_EQUAL(sent(0)->method, "POST");
    ASSERT_STR(sent(0)->body, "{\"functionId\":\"hello\",\"payload\":" EVENT "}");
    CU_ASSERT_EQUAL_FATAL(sent(0)->header_count, 1);
    ASSERT_STR(sent(0)->headers[0].name, "Content-Type");
    ASSERT_STR(sent(0)->headers[0].value, "application/json");
    CU_ASSERT_EQUAL(sent(0)->flags, 0);
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 0);
    CU_ASSERT_EQUAL(op.status, EG_OK);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    CU_ASSERT_EQUAL(op.result.http_status, 200);
    ASSERT_STR(body_of(&op), "{\"statusCode\":201}");
    egx_fake_op_free(&op);
    end();
}

static void an_id_cannot_leave_its_string(void) {
    static const struct {
        struct eg_str id;
        const char *body;
    } rows[] = {
        {{"a\",\"x\":\"", 8}, "{\"functionId\":\"a\\\",\\\"x\\\":\\\"\",\"payload\":" EVENT "}"},
        {{"\\", 1}, "{\"functionId\":\"\\\\\",\"payload\":" EVENT "}"},
        {{"a\nb\0c", 5}, "{\"functionId\":\"a\\u000ab\\u0000c\",\"payload\":" EVENT "}"},
        {{"\xc3\xa9\xff", 3}, "{\"functionId\":\"\xc3\xa9\xef\xbf\xbd\",\"payload\":" EVENT "}"},
        {{"[", 1}, "{\"functionId\":\"[\",\"payload\":" EVENT "}"},
        {{"", 0}, "{\"functionId\":\"\",\"payload\":" EVENT "}"},
    };
    begin(NULL);
    bind(FUNCTION);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        invocation.function_id = rows[i].id;
        call(200, "");
        ASSERT_STR(sent(i)->body, rows[i].body);
        egx_fake_op_free(&op);
    }
    end();
}

static void a_trace_goes_on_with_the_call(void) {
    begin(NULL);
    bind(FUNCTION);
    invocation.traceparent = EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    invocation.tracestate = EGX_STR("a=1");
    call(200, "");
    CU_ASSERT_EQUAL_FATAL(sent(0)->header_count, 3);
    ASSERT_STR(sent(0)->headers[1].name, "traceparent");
    CU_ASSERT_TRUE(egx_str_eq(sent(0)->headers[1].value, invocation.traceparent));
    ASSERT_STR(sent(0)->headers[2].name, "tracestate");
    ASSERT_STR(sent(0)->headers[2].value, "a=1");
    egx_fake_op_free(&op);
    end();
}

static void a_call_may_take_until_its_deadline_and_a_second(void) {
    begin(NULL);
    bind(FUNCTION);
    egx_fake_op_init(fake, &op);
    const struct eg_host *host = egx_fake_host(fake);
    op.pub.deadline_ns = host->clock->monotonic_ns(host) + 2000000000u;
    CU_ASSERT_EQUAL(ops()->invoke(instance, slot, target, &invocation, &op.pub), EG_OK);
    CU_ASSERT_EQUAL(sent(0)->timeout_ns, 3000000000u);
    egx_fake_answer(fake, 200, "", "late");
    (void)egx_fake_run(fake);
    ASSERT_STR(body_of(&op), "late");
    egx_fake_op_free(&op);
    end();
}

static void statuses_are_sorted_by_fail_on(void) {
    static const struct {
        const char *settings;
        int32_t status;
        uint32_t call_class;
        const char *message;
    } rows[] = {
        {NULL, 200, EG_CALL_OK, ""},
        {NULL, 404, EG_CALL_OK, ""},
        {NULL, 500, EG_CALL_FUNCTION, "HTTP status code: 500"},
        {NULL, 503, EG_CALL_TRANSIENT, "HTTP status code: 503"},
        {"{\"fail_on\":\"500-only\"}", 500, EG_CALL_FUNCTION, "HTTP status code: 500"},
        {"{\"fail_on\":\"500-only\"}", 503, EG_CALL_OK, ""},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(rows[i].settings);
        bind(FUNCTION);
        call(rows[i].status, "text");
        CU_ASSERT_EQUAL(op.status, EG_OK);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        CU_ASSERT_EQUAL(op.result.http_status, (uint32_t)rows[i].status);
        ASSERT_STR(op.result.message, rows[i].message);
        ASSERT_STR(body_of(&op), rows[i].call_class == EG_CALL_OK ? "text" : "");
        egx_fake_op_free(&op);
        end();
    }
}

static void an_emulator_that_is_gone_is_a_transient_failure(void) {
    begin(NULL);
    bind(FUNCTION);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_TRANSIENT);
    ASSERT_STR(op.result.message, "connection refused");
    egx_fake_op_free(&op);
    end();
}

/* Bound, as in 2017, and never sent. */
static void what_cannot_be_called_fails_at_each_call(void) {
    static const char version[] = "apiVersion has to be v0, the only version there is";
    static const char url[] = "emulatorUrl has to be a URL without query and fragment";
    static const struct {
        const char *provider;
        const char *text;
    } rows[] = {
        {"{\"emulatorUrl\":\"http://e.test\",\"apiVersion\":\"v1\"}", version},
        {"{\"emulatorUrl\":\"http://e.test\",\"apiVersion\":\"v\"}", version},
        {"{\"emulatorUrl\":\"http://e.test\",\"apiVersion\":\"V0\"}", version},
        {"{\"emulatorUrl\":\"http://e.test\",\"apiVersion\":\"v0/..\"}", version},
        {"{\"emulatorUrl\":\"http://e.test/?a=b\",\"apiVersion\":\"v0\"}", url},
        {"{\"emulatorUrl\":\"http://e.test/#a\",\"apiVersion\":\"v0\"}", url},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        begin(NULL);
        bind(rows[i].provider);
        for (unsigned round = 0; round < 2; round++) {
            CU_ASSERT_EQUAL(invoke(), EG_OK);
            CU_ASSERT_EQUAL(op.done_count, 1);
            CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_PERMANENT);
            ASSERT_STR(op.result.message, rows[i].text);
            egx_fake_op_free(&op);
        }
        CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
        end();
    }
}

static int32_t refusal; /* of refusing_send */

static int32_t refusing_send(const struct eg_host *host, struct eg_loop *loop,
                             const struct eg_http_request *request,
                             void (*on_done)(void *arg, const struct eg_http_response *response),
                             void *arg, struct eg_http_call **ret_call) {
    (void)host, (void)loop, (void)request, (void)on_done, (void)arg, (void)ret_call;
    return refusal;
}

/* As the gateway refuses mailto:x, or has no room for a request. */
static void a_request_that_the_gateway_refuses_is_no_call(void) {
    static const struct eg_http_api http = {.struct_size = sizeof http, .send = refusing_send};
    begin(NULL);
    bind(FUNCTION);
    struct emulator_instance *i = instance;
    struct eg_host host = *i->host;
    const struct eg_host *fakes = i->host;
    host.http = &http;
    i->host = &host;
    refusal = EG_E_INVAL;
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_PERMANENT);
    ASSERT_STR(op.result.message, "the emulatorUrl cannot be called by HTTP");
    egx_fake_op_free(&op);
    refusal = EG_E_BUSY;
    CU_ASSERT_EQUAL(invoke(), EG_E_BUSY);
    CU_ASSERT_EQUAL(op.done_count, 0);
    egx_fake_op_free(&op);
    i->host = fakes;
    call(200, "");
    egx_fake_op_free(&op);
    end();
}

static void cancel_reaches_the_call_and_only_while_it_runs(void) {
    struct egx_fake_op other;
    begin(NULL);
    bind(FUNCTION);
    egx_fake_op_init(fake, &other);
    CU_ASSERT_EQUAL(invoke(), EG_OK); /* without an answer */
    ops()->cancel(instance, slot, &other.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 0);
    ops()->cancel(instance, slot, &op.pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    CU_ASSERT_EQUAL(op.status, EG_E_CANCELED);
    ops()->cancel(instance, slot, &op.pub); /* it has ended */
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(op.done_count, 1);
    egx_fake_op_free(&op);
    egx_fake_op_free(&other);
    end();
}

static void redirects_can_be_switched_off(void) {
    begin("{\"redirects\":false}");
    bind(FUNCTION);
    call(302, "");
    CU_ASSERT_EQUAL(sent(0)->flags, EG_HTTP_NO_REDIRECT);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    egx_fake_op_free(&op);
    end();
}

UNIT_MAIN(UNIT(both_fields_are_required), UNIT(the_address_has_one_slash_before_the_path),
          UNIT(a_call_posts_the_id_and_the_event), UNIT(an_id_cannot_leave_its_string),
          UNIT(a_trace_goes_on_with_the_call),
          UNIT(a_call_may_take_until_its_deadline_and_a_second),
          UNIT(statuses_are_sorted_by_fail_on),
          UNIT(an_emulator_that_is_gone_is_a_transient_failure),
          UNIT(what_cannot_be_called_fails_at_each_call),
          UNIT(a_request_that_the_gateway_refuses_is_no_call),
          UNIT(cancel_reaches_the_call_and_only_while_it_runs), UNIT(redirects_can_be_switched_off))
