/*
 * Unit tests of the component `azurefunction` without a token: what may be configured, what is
 * sent, how answers are sorted.
 */
#include "test_azure.h"

#define URL "\"url\":\"https://a.test/api/f\""

static void the_address_is_a_url_or_an_app_with_a_function(void) {
    static const struct {
        const char *provider;
        const char *url;
    } rows[] = {
        {"{" URL "}", "https://a.test/api/f"},
        {"{\"url\":\"http://a.test/x?code=1\"}", "http://a.test/x?code=1"},
        {"{\"app\":\"my-app\",\"function\":\"f\"}", "https://my-app.azurewebsites.net/api/f"},
        {"{\"app\":\"a\",\"function\":\"v1/a b/\\u00e9:%\",\"routePrefix\":\"x/y\"}",
         "https://a.azurewebsites.net/x/y/v1/a%20b/%C3%A9%3A%25"},
        {"{\"app\":\"a\",\"function\":\"f\",\"routePrefix\":\"/\"}",
         "https://a.azurewebsites.net/f"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_fake_op op;
        begin(NULL);
        CU_ASSERT_EQUAL_FATAL(bind(rows[i].provider), EG_OK);
        egx_fake_answer(fake, 200, "", "{}");
        call(&op);
        CU_ASSERT_STRING_EQUAL(egx_fake_sent(fake, 0)->url, rows[i].url);
        egx_fake_op_free(&op);
        end();
    }
}

static void what_cannot_work_is_refused_with_its_reason(void) {
    static const struct {
        const char *provider;
        const char *text;
    } rows[] = {
        {"{}", "missing required fields for Azure function"},
        {"{\"app\":\"a\"}", "missing required fields for Azure function"},
        {"{\"function\":\"f\"}", "missing required fields for Azure function"},
        {"{" URL ",\"app\":\"a\"}", "either url, or app and function, not both"},
        {"{\"url\":\"ftp://x\"}", "url has to be an absolute http or https URL"},
        {"{\"url\":\"https://\"}", "url has to be an absolute http or https URL"},
        {"{\"url\":\"https://u:p@a.test/\"}", "url has to be an absolute http or https URL"},
        {"{\"url\":\"https://a.test/\\r\\nX: y\"}", "url has to be an absolute http or https URL"},
        {"{\"app\":\"a.evil.test/\",\"function\":\"f\"}",
         "app has to be the name of a function app: letters, digits and hyphens"},
        {"{\"app\":\"-a\",\"function\":\"f\"}",
         "app has to be the name of a function app: letters, digits and hyphens"},
        {"{\"app\":\"a\",\"function\":\"../admin\"}",
         "function and routePrefix have to be paths without empty segments, \".\", \"..\" and "
         "control characters"},
        {"{\"app\":\"a\",\"function\":\"f\",\"routePrefix\":\"x//y\"}",
         "function and routePrefix have to be paths without empty segments, \".\", \"..\" and "
         "control characters"},
        {"{" URL ",\"key\":\"a\\nb\"}", "key has to be visible ASCII characters"},
        {"{" URL ",\"contentType\":\"a\\tb\"}", "contentType has to be visible ASCII characters"},
        {"{" URL ",\"cloudEvents\":\"2.0\"}",
         "cloudEvents has to be one of 0.1, 0.2, 0.3, 1.0, and is not \"2.0\""},
        {"{" URL ",\"auth\":\"key\"}",
         "auth has to be one of none, clientSecret, workloadIdentity, managedIdentity, and is not "
         "\"key\""},
        {"{" URL ",\"clientSecret\":\"s\"}", "clientSecret needs auth clientSecret"},
        {"{" URL ",\"auth\":\"managedIdentity\"}", "auth managedIdentity needs resource"},
        {"{" URL ",\"auth\":\"clientSecret\",\"resource\":\"api://x\"}",
         "auth clientSecret needs tenantId, clientId and clientSecret"},
        {"{\"url\":\"http://a.test/\",\"key\":\"k\"}",
         "a key or token needs an https url (or the gateway's setting allow_http)"},
        {"{\"url\":\"http://127.evil.test/\",\"key\":\"k\"}",
         "a key or token needs an https url (or the gateway's setting allow_http)"},
        {"{\"url\":\"http://a.test/\",\"auth\":\"managedIdentity\",\"resource\":\"api://x\"}",
         "a key or token needs an https url (or the gateway's setting allow_http)"},
    };
    begin(NULL);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(bind(rows[i].provider), EG_E_INVAL);
        CU_ASSERT_STRING_EQUAL(why_text(), rows[i].text);
    }
    end();
}

static void settings_that_cannot_work_are_refused(void) {
    static const char *const bad[] = {"{\"domain\":\"a/b\"}", "{\"domain\":\"\"}",
                                      "{\"imds_endpoint\":\"x\"}", "{\"token_timeout\":\"0s\"}"};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        void *made = NULL;
        fake = egx_fake_new();
        CU_ASSERT_EQUAL(egx_fake_create(fake, component(), bad[i], &made, &why), EG_E_INVAL);
        CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
        egx_fake_free(fake);
    }
}

static void a_key_may_go_by_http_to_this_machine_and_where_the_operator_says(void) {
    begin(NULL);
    CU_ASSERT_EQUAL(bind("{\"url\":\"http://127.0.0.1:7071/api/f\",\"key\":\"k\"}"), EG_OK);
    ops()->unbind(instance, target);
    CU_ASSERT_EQUAL(bind("{\"url\":\"http://[::1]:7071/api/f\",\"key\":\"k\"}"), EG_OK);
    ops()->unbind(instance, target);
    CU_ASSERT_EQUAL(bind("{\"url\":\"http://localhost/api/f\",\"key\":\"k\"}"), EG_OK);
    end();
    begin("{\"allow_http\":true}");
    CU_ASSERT_EQUAL(bind("{\"url\":\"http://a.test/api/f\",\"key\":\"k\"}"), EG_OK);
    end();
}

static void a_call_is_a_post_of_the_event_with_the_key(void) {
    struct egx_fake_op op;
    begin("{\"max_response\":\"1MiB\"}");
    CU_ASSERT_EQUAL_FATAL(bind("{" URL ",\"key\":\"k==\",\"cloudEvents\":\"1.0\"}"), EG_OK);
    CU_ASSERT_EQUAL(traits.event_version, EG_CE_1_0);
    egx_fake_answer(fake, 200, "", "{\"statusCode\":201}");
    call(&op);
    const struct egx_fake_request *sent = egx_fake_sent(fake, 0);
    CU_ASSERT_STRING_EQUAL(sent->method, "POST");
    ASSERT_STR(sent->body, EVENT);
    CU_ASSERT_EQUAL(sent->header_count, 2);
    ASSERT_STR(header_of(sent, "Content-Type"), "application/cloudevents+json");
    ASSERT_STR(header_of(sent, "x-functions-key"), "k==");
    CU_ASSERT_EQUAL(sent->flags, EG_HTTP_NO_REDIRECT);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    CU_ASSERT_EQUAL(op.result.http_status, 200);
    ASSERT_STR(egx_str_n(op.result.body.ptr, op.result.body.len), "{\"statusCode\":201}");
    egx_fake_op_free(&op);
    end();
}

static void a_trace_goes_on_with_the_call(void) {
    struct egx_fake_op op;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL ",\"key\":\"k\"}"), EG_OK);
    traceparent = EGX_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    egx_fake_answer(fake, 200, "", "");
    call(&op);
    CU_ASSERT_EQUAL(egx_fake_sent(fake, 0)->header_count, 3);
    CU_ASSERT_TRUE(egx_str_eq(header_of(egx_fake_sent(fake, 0), "traceparent"), traceparent));
    traceparent = egx_str_n(NULL, 0);
    egx_fake_op_free(&op);
    end();
}

static void the_content_type_can_be_chosen_and_without_a_key_none_is_sent(void) {
    struct egx_fake_op op;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL ",\"contentType\":\"application/json\"}"), EG_OK);
    egx_fake_answer(fake, 204, "", "");
    call(&op);
    CU_ASSERT_EQUAL(egx_fake_sent(fake, 0)->header_count, 1);
    ASSERT_STR(header_of(egx_fake_sent(fake, 0), "Content-Type"), "application/json");
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_OK);
    egx_fake_op_free(&op);
    end();
}

static void statuses_are_sorted_into_classes(void) {
    static const struct {
        int32_t status;
        uint32_t call_class;
        const char *headers;
        uint64_t retry_after_s;
        const char *message;
    } rows[] = {
        {302, EG_CALL_PERMANENT, "Location: https://login.test/", 0,
         "HTTP status code: 302 (redirects are not followed)"},
        {400, EG_CALL_PERMANENT, "", 0, "HTTP status code: 400"},
        {401, EG_CALL_AUTH, "", 0, "HTTP status code: 401 (key or token missing or wrong)"},
        {403, EG_CALL_PERMANENT, "", 0,
         "HTTP status code: 403 (not allowed, the app is stopped, or this address is not let in)"},
        {404, EG_CALL_PERMANENT, "", 0,
         "HTTP status code: 404 (no such function, or the app is still starting)"},
        {408, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 408"},
        {413, EG_CALL_PERMANENT, "", 0, "HTTP status code: 413"},
        {429, EG_CALL_THROTTLED, "", 0, "HTTP status code: 429"},
        {429, EG_CALL_THROTTLED, "Retry-After: 7", 7, "HTTP status code: 429"},
        {429, EG_CALL_THROTTLED, "retry-after: soon", 0, "HTTP status code: 429"},
        {429, EG_CALL_THROTTLED, "Retry-After: 99999999", 86400, "HTTP status code: 429"},
        {429, EG_CALL_THROTTLED, "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0,
         "HTTP status code: 429"},
        {500, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 500"},
        {502, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 502"},
        {503, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 503"},
        {503, EG_CALL_THROTTLED, "Retry-After: 2", 2, "HTTP status code: 503"},
        {504, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 504"},
        {501, EG_CALL_PERMANENT, "", 0, "HTTP status code: 501"},
        {100, EG_CALL_PERMANENT, "", 0, "HTTP status code: 100 (redirects are not followed)"},
        {999, EG_CALL_TRANSIENT, "", 0, "HTTP status code: 999"},
    };
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL ",\"key\":\"k\"}"), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_fake_op op;
        egx_fake_answer(fake, rows[i].status, rows[i].headers, "stack trace");
        call(&op);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        CU_ASSERT_EQUAL(op.result.retry_after_ns, rows[i].retry_after_s * SECOND_NS);
        ASSERT_STR(op.result.message, rows[i].message);
        CU_ASSERT_EQUAL(op.result.body.len, 0);
        egx_fake_op_free(&op);
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), EGX_COUNT(rows)); /* nothing is tried again */
    end();
}

static void an_answer_202_with_location_is_an_acknowledgement(void) {
    static const struct {
        const char *headers;
        const char *body;
        uint32_t call_class;
        const char *wanted;
    } rows[] = {
        {"Location: https://a.test/status", "{\"id\":\"x\"}", EG_CALL_ACCEPTED, "{\"id\":\"x\"}"},
        {"Location: https://a.test/status", "", EG_CALL_ACCEPTED, "{}"},
        {"", "{\"statusCode\":200}", EG_CALL_OK, "{\"statusCode\":200}"}};
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL "}"), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_fake_op op;
        egx_fake_answer(fake, 202, rows[i].headers, rows[i].body);
        call(&op);
        CU_ASSERT_EQUAL(op.result.call_class, rows[i].call_class);
        ASSERT_STR(egx_str_n(op.result.body.ptr, op.result.body.len), rows[i].wanted);
        egx_fake_op_free(&op);
    }
    end();
}

static void a_transport_error_is_transient(void) {
    struct egx_fake_op op;
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL "}"), EG_OK);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
    call(&op);
    CU_ASSERT_EQUAL(op.status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(op.result.call_class, EG_CALL_TRANSIENT);
    ASSERT_STR(op.result.message, "connection refused");
    egx_fake_op_free(&op);
    end();
}

static void calls_are_cancelled_one_by_one(void) {
    struct egx_fake_op ops_made[3];
    begin(NULL);
    CU_ASSERT_EQUAL_FATAL(bind("{" URL "}"), EG_OK);
    for (size_t i = 0; i < 3; i++) {
        invoke(&ops_made[i]);
    }
    ops()->cancel(instance, slot, &ops_made[1].pub);
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(ops_made[0].done_count, 0);
    CU_ASSERT_EQUAL(ops_made[1].done_count, 1);
    CU_ASSERT_EQUAL(ops_made[1].status, EG_E_CANCELED);
    ops()->cancel(instance, slot, &ops_made[1].pub); /* done, not delivered yet */
    egx_fake_answer(fake, 200, "", "a");
    egx_fake_answer(fake, 200, "", "b");
    (void)egx_fake_run(fake);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ops_made[i].done_count, 1);
        egx_fake_op_free(&ops_made[i]);
    }
    end();
}

UNIT_MAIN(UNIT(the_address_is_a_url_or_an_app_with_a_function),
          UNIT(what_cannot_work_is_refused_with_its_reason),
          UNIT(settings_that_cannot_work_are_refused),
          UNIT(a_key_may_go_by_http_to_this_machine_and_where_the_operator_says),
          UNIT(a_call_is_a_post_of_the_event_with_the_key), UNIT(a_trace_goes_on_with_the_call),
          UNIT(the_content_type_can_be_chosen_and_without_a_key_none_is_sent),
          UNIT(statuses_are_sorted_into_classes),
          UNIT(an_answer_202_with_location_is_an_acknowledgement),
          UNIT(a_transport_error_is_transient), UNIT(calls_are_cancelled_one_by_one))
