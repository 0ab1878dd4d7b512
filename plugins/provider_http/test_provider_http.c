/*
 * Unit tests of the plugin provider_http: its component is driven through its tables, as the
 * gateway does, against a host whose http service only records.
 */
#include <stdlib.h>
#include <string.h>

#include <eventgw-sdk/egx_http.h>

#include "provider_http.h"
#include "unit.h"

static struct {
    struct eg_http_request request;
    void (*on_done)(void *arg, const struct eg_http_response *response);
    void *arg;
    unsigned sent;
    unsigned canceled;
    unsigned released;
    int32_t refuse_with;
    uint64_t now_ns;
} net;

static struct {
    unsigned done;
    int32_t status;
    uint32_t call_class;
    uint32_t http_status;
    char message[128];
    char body[128];
} got;

static void *fake_alloc(const struct eg_host *host, size_t size) {
    (void)host;
    return calloc(1, size);
}
static void fake_free(const struct eg_host *host, void *ptr) {
    (void)host;
    free(ptr);
}
static const struct eg_mem_api mem = {
    .struct_size = sizeof mem, .alloc = fake_alloc, .free = fake_free};

static int32_t fake_send(const struct eg_host *host, struct eg_loop *loop,
                         const struct eg_http_request *request,
                         void (*on_done)(void *arg, const struct eg_http_response *response),
                         void *arg, struct eg_http_call **ret_call) {
    (void)host;
    (void)loop;
    if (net.refuse_with != 0) {
        return net.refuse_with;
    }
    net.request = *request;
    net.on_done = on_done;
    net.arg = arg;
    net.sent++;
    *ret_call = (struct eg_http_call *)(void *)&net;
    return EG_OK;
}
static void fake_cancel(const struct eg_host *host, struct eg_http_call *call) {
    (void)host;
    CU_ASSERT_PTR_EQUAL((void *)call, (void *)&net);
    net.canceled++;
}
static const struct eg_http_api http = {
    .struct_size = sizeof http, .send = fake_send, .cancel = fake_cancel};

static uint64_t fake_now(const struct eg_host *host) {
    (void)host;
    return net.now_ns;
}
static const struct eg_clock_api fake_clock = {.struct_size = sizeof fake_clock,
                                               .monotonic_ns = fake_now};
static const struct eg_host host = {
    .struct_size = sizeof host, .abi = EG_ABI, .mem = &mem, .http = &http, .clock = &fake_clock};

static const struct eg_component *component(void) {
    return eg_plugin_constant.components[0];
}
static const struct eg_provider_ops *ops(void) {
    return component()->ops;
}

static void take(char *out, size_t size, const char *ptr, size_t len) {
    (void)snprintf(out, size, "%.*s", (int)len, len == 0 ? "" : ptr);
}
static void on_op_done(struct eg_op *op, int32_t status, const struct eg_result *result) {
    (void)op;
    got.done++;
    got.status = status;
    got.call_class = result->call_class;
    got.http_status = result->http_status;
    take(got.message, sizeof got.message, result->message.ptr, result->message.len);
    take(got.body, sizeof got.body, result->body.ptr, result->body.len);
    if (result->body.release != NULL) {
        result->body.release(result->body.owner);
    }
}

static struct http_settings settings;
static struct http_target_settings function;
static void *instance;
static void *slot;
static void *target;
static struct eg_op op;

static void begin(const char *fail_on) {
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    memset(&net, 0, sizeof net);
    memset(&got, 0, sizeof got);
    settings = (struct http_settings){.fail_on = egx_str_c(fail_on), .redirects = 1};
    function = (struct http_target_settings){.url = EGX_STR("http://f.test/x")};
    op = (struct eg_op){.struct_size = sizeof op, .done = on_op_done};
    CU_ASSERT_EQUAL_FATAL(component()->life->create(&host, &settings, &instance, &why), 0);
    CU_ASSERT_EQUAL_FATAL(component()->life->attach(instance, NULL, &slot), 0);
    CU_ASSERT_EQUAL_FATAL(ops()->bind(instance, &function, &target, &traits, &why), 0);
}
static void end(void) {
    ops()->unbind(instance, target);
    component()->life->detach(instance, slot);
    component()->life->destroy(instance);
}

static struct eg_str traceparent; /* of the next calls */
static struct eg_str content_type;

static int32_t invoke(void) {
    static struct eg_invocation invocation = {.struct_size = sizeof invocation,
                                              .payload = {"{\"a\":1}", 7}};
    invocation.traceparent = traceparent;
    invocation.content_type = content_type;
    return ops()->invoke(instance, slot, target, &invocation, &op);
}
static void count_release(void *owner) {
    (void)owner;
    net.released++;
}
static void respond(int32_t status, const char *body) {
    const struct eg_http_response response = {
        .struct_size = sizeof response,
        .status = status,
        .body = {body, strlen(body), count_release, NULL},
    };
    net.on_done(net.arg, &response);
}

static int32_t bind_url(struct eg_str url, const char *version, uint32_t *ret_version,
                        struct eg_why *ret_why) {
    struct http_target_settings s = {.url = url, .cloud_events = egx_str_c(version)};
    struct eg_target_traits traits = {.struct_size = sizeof traits};
    void *t = NULL;
    const int32_t status = ops()->bind(NULL, &s, &t, &traits, ret_why);
    *ret_version = traits.event_version;
    return status;
}

static void a_url_with_any_scheme_passes(void) {
    static const char *const urls[] = {"http://e.com",
                                       "https://e.com:8443/a?b=%zz#c",
                                       "ftp://x",
                                       "mailto:x",
                                       "localhost:80",
                                       "http://[::1]:80/",
                                       "http://user:pw@e.com/",
                                       "http://e.com/a%20b",
                                       "h+t.t-p://x",
                                       "http://\xc3\xa9.com"};
    struct eg_why why = {.struct_size = sizeof why};
    uint32_t version = 0;
    for (size_t i = 0; i < EGX_COUNT(urls); i++) {
        CU_ASSERT_EQUAL(bind_url(egx_str_c(urls[i]), "", &version, &why), EG_OK);
    }
}

static void any_other_url_gives_the_missing_fields_text(void) {
    static const char *const urls[] = {
        "",           "foo",         "/foo",        ":80",       "1http://x", "http://a b.com",
        "http://e:x", "http://e/%z", "http://e/\n", "ht tp://e", "//e.com/x", "http://e.com/%2"};
    uint32_t version = 0;
    for (size_t i = 0; i < EGX_COUNT(urls); i++) {
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_EQUAL(bind_url(egx_str_c(urls[i]), "", &version, &why), EG_E_INVAL);
        ASSERT_STR(egx_str_n(why.text, why.len), "missing required fields for HTTP endpoint");
    }
    CU_ASSERT_EQUAL(bind_url(egx_str_n(NULL, 0), "", &version, NULL), EG_E_INVAL);
    CU_ASSERT_EQUAL(bind_url(egx_str_n("http://a\0b", 10), "", &version, NULL), EG_E_INVAL);
}

static void a_function_may_ask_for_a_version_of_cloudevents(void) {
    const struct eg_str url = EGX_STR("http://e.com");
    struct eg_why why = {.struct_size = sizeof why};
    uint32_t version = 0;
    CU_ASSERT_EQUAL(bind_url(url, "", &version, &why), EG_OK);
    CU_ASSERT_EQUAL(version, EG_CE_AS_RECEIVED);
    CU_ASSERT_EQUAL(bind_url(url, "0.1", &version, &why), EG_OK);
    CU_ASSERT_EQUAL(version, EG_CE_0_1);
    CU_ASSERT_EQUAL(bind_url(url, "1.0", &version, &why), EG_OK);
    CU_ASSERT_EQUAL(version, EG_CE_1_0);
    CU_ASSERT_EQUAL(bind_url(url, "2.0", &version, &why), EG_E_INVAL);
    ASSERT_STR(egx_str_n(why.text, why.len),
               "cloudEvents has to be one of 0.1, 0.2, 0.3, 1.0, and is not \"2.0\"");
}

static void a_call_is_a_post_of_the_event(void) {
    begin("5xx");
    op.deadline_ns = 7000000000u;
    net.now_ns = 5000000000u;
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    ASSERT_STR(net.request.method, "POST");
    ASSERT_STR(net.request.url, "http://f.test/x");
    ASSERT_STR(net.request.body, "{\"a\":1}");
    CU_ASSERT_EQUAL(net.request.header_count, 1);
    ASSERT_STR(net.request.headers[0].name, "Content-Type");
    ASSERT_STR(net.request.headers[0].value, "application/cloudevents+json");
    CU_ASSERT_EQUAL(net.request.flags, 0);
    CU_ASSERT_EQUAL(net.request.timeout_ns, 3000000000u); /* the deadline comes first */
    CU_ASSERT_EQUAL(got.done, 0);
    respond(200, "{}");
    CU_ASSERT_EQUAL(got.done, 1);
    CU_ASSERT_EQUAL(got.call_class, EG_CALL_OK);
    CU_ASSERT_STRING_EQUAL(got.body, "{}");
    CU_ASSERT_EQUAL(net.released, 1);
    end();
}

static void a_payload_is_sent_as_what_the_gateway_says_it_is(void) {
    begin("5xx");
    content_type = EGX_STR("application/json");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    ASSERT_STR(net.request.headers[0].name, "Content-Type");
    ASSERT_STR(net.request.headers[0].value, "application/json");
    content_type = egx_str_n(NULL, 0);
    respond(200, "{}");
    end();
}

static void a_gateway_that_says_nothing_of_the_payload_sends_an_event(void) {
    static const struct eg_invocation old = {.struct_size = offsetof(struct eg_invocation, call),
                                             .content_type = {"text/plain", 10}};
    ASSERT_STR(egx_content_type(&old), "application/cloudevents+json");
}

static void a_trace_goes_on_with_the_call(void) {
    begin("5xx");
    traceparent = EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL_FATAL(net.request.header_count, 2);
    ASSERT_STR(net.request.headers[1].name, "traceparent");
    CU_ASSERT_TRUE(egx_str_eq(net.request.headers[1].value, traceparent));
    traceparent = egx_str_n(NULL, 0);
    respond(200, "{}");
    end();
}

static void statuses_are_sorted_into_classes(void) {
    static const struct {
        int32_t status;
        uint32_t by_default;
        uint32_t strict;
    } rows[] = {
        {200, EG_CALL_OK, EG_CALL_OK},
        {204, EG_CALL_OK, EG_CALL_OK},
        {404, EG_CALL_OK, EG_CALL_OK},
        {429, EG_CALL_OK, EG_CALL_OK},
        {500, EG_CALL_FUNCTION, EG_CALL_FUNCTION},
        {501, EG_CALL_FUNCTION, EG_CALL_OK},
        {502, EG_CALL_TRANSIENT, EG_CALL_OK},
        {503, EG_CALL_TRANSIENT, EG_CALL_OK},
        {504, EG_CALL_TRANSIENT, EG_CALL_OK},
        {599, EG_CALL_FUNCTION, EG_CALL_OK},
        {600, EG_CALL_OK, EG_CALL_OK},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        for (int strict = 0; strict < 2; strict++) {
            const uint32_t wanted = strict ? rows[i].strict : rows[i].by_default;
            begin(strict ? "500-only" : "5xx");
            CU_ASSERT_EQUAL(invoke(), EG_OK);
            respond(rows[i].status, "body");
            CU_ASSERT_EQUAL(got.status, EG_OK);
            CU_ASSERT_EQUAL(got.call_class, wanted);
            CU_ASSERT_EQUAL(got.http_status, (uint32_t)rows[i].status);
            CU_ASSERT_STRING_EQUAL(got.body, wanted == EG_CALL_OK ? "body" : "");
            CU_ASSERT_EQUAL(net.released, 1);
            end();
        }
    }
}

static void a_failed_status_is_told_in_the_words_of_the_log(void) {
    begin("5xx");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    respond(500, "secret stack trace");
    CU_ASSERT_STRING_EQUAL(got.message, "HTTP status code: 500");
    end();
}

static void a_transport_error_is_transient(void) {
    const struct eg_http_response response = {.struct_size = sizeof response,
                                              .error = EG_E_UNAVAILABLE,
                                              .message = {"connection refused", 18}};
    begin("500-only");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    net.on_done(net.arg, &response);
    CU_ASSERT_EQUAL(got.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(got.call_class, EG_CALL_TRANSIENT);
    CU_ASSERT_STRING_EQUAL(got.message, "connection refused");
    end();
}

static void a_url_that_cannot_be_reached_fails_at_the_call(void) {
    begin("5xx");
    net.refuse_with = EG_E_INVAL; /* as the host says to mailto:x */
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL(got.done, 1);
    CU_ASSERT_EQUAL(got.call_class, EG_CALL_PERMANENT);
    net.refuse_with = EG_E_BUSY;
    CU_ASSERT_EQUAL(invoke(), EG_E_BUSY);
    CU_ASSERT_EQUAL(got.done, 1);
    net.refuse_with = 0;
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    respond(200, "");
    CU_ASSERT_EQUAL(got.done, 2);
    end();
}

static void cancel_reaches_the_call_and_only_while_it_runs(void) {
    struct eg_op other = {.struct_size = sizeof other};
    begin("5xx");
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    ops()->cancel(instance, slot, &other);
    CU_ASSERT_EQUAL(net.canceled, 0);
    ops()->cancel(instance, slot, &op);
    CU_ASSERT_EQUAL(net.canceled, 1);
    respond(200, "");
    ops()->cancel(instance, slot, &op); /* done, not delivered yet */
    CU_ASSERT_EQUAL(net.canceled, 1);
    end();
}

static void calls_in_flight_may_end_in_any_order(void) {
    enum { COUNT = 5 };
    static const size_t order[COUNT] = {2, 0, 4, 3, 1};
    void *args[COUNT];
    begin("5xx");
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            CU_ASSERT_EQUAL(invoke(), EG_OK);
            args[i] = net.arg;
        }
        for (size_t i = 0; i < COUNT; i++) {
            net.arg = args[order[i]];
            respond(200, "x");
        }
    }
    CU_ASSERT_EQUAL(got.done, 15);
    end();
}

static void redirects_can_be_switched_off(void) {
    begin("5xx");
    settings.redirects = 0;
    CU_ASSERT_EQUAL(invoke(), EG_OK);
    CU_ASSERT_EQUAL(net.request.flags, EG_HTTP_NO_REDIRECT);
    respond(302, "");
    CU_ASSERT_EQUAL(got.call_class, EG_CALL_OK);
    end();
}

UNIT_MAIN(UNIT(a_url_with_any_scheme_passes), UNIT(any_other_url_gives_the_missing_fields_text),
          UNIT(a_function_may_ask_for_a_version_of_cloudevents),
          UNIT(a_call_is_a_post_of_the_event),
          UNIT(a_payload_is_sent_as_what_the_gateway_says_it_is),
          UNIT(a_gateway_that_says_nothing_of_the_payload_sends_an_event),
          UNIT(a_trace_goes_on_with_the_call), UNIT(statuses_are_sorted_into_classes),
          UNIT(a_failed_status_is_told_in_the_words_of_the_log),
          UNIT(a_transport_error_is_transient),
          UNIT(a_url_that_cannot_be_reached_fails_at_the_call),
          UNIT(cancel_reaches_the_call_and_only_while_it_runs),
          UNIT(calls_in_flight_may_end_in_any_order), UNIT(redirects_can_be_switched_off))
