/* The validation request of CloudEvents, and what it must not be talked into. */
#include "test_webhook.h"

static int32_t knock(const char *origin, const char *rate, const char *callback) {
    begin("OPTIONS", "/in", "");
    egx_fake_add_header(request, "WebHook-Request-Origin", origin);
    if (rate != NULL) {
        egx_fake_add_header(request, "WebHook-Request-Rate", rate);
    }
    if (callback != NULL) {
        egx_fake_add_header(request, "WebHook-Request-Callback", callback);
    }
    return ask();
}

static const char *allowed(void) {
    const char *value = egx_fake_reply_header(request, "WebHook-Allowed-Origin");
    return value == NULL ? "" : value;
}

static void an_allowed_origin_is_granted_with_its_rate(void) {
    CU_ASSERT_EQUAL_FATAL(
        make("{\"allowed_origins\":[\"eventemitter.example.com\"],\"allowed_rate\":100}"), EG_OK);
    CU_ASSERT_EQUAL(knock("EventEmitter.example.com", "120", NULL), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 200);
    CU_ASSERT_STRING_EQUAL(allowed(), "EventEmitter.example.com");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "WebHook-Allowed-Rate"), "100");
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "Allow"), "OPTIONS, POST");
    end();
    CU_ASSERT_EQUAL_FATAL(make("{\"allowed_origins\":[\"*\"]}"), EG_OK);
    CU_ASSERT_EQUAL(knock("a.example", NULL, NULL), EG_STOP);
    CU_ASSERT_STRING_EQUAL(egx_fake_reply_header(request, "WebHook-Allowed-Rate"), "*");
    end();
}

static void an_origin_that_is_not_listed_gets_no_consent(void) {
    static const struct {
        const char *origin;
        uint32_t status;
    } rows[] = {{"a.example.com", 200},      {"b.a.example.com", 200},
                {"example.com", 403},        {"aexample.com", 403},
                {"example.com.evil", 403},   {"only.example.org", 200},
                {"x.only.example.org", 403}, {"", 400},
                {"a..example.com", 400},     {"http://a.example.com", 400},
                {"a.example.com, b", 400},   {"*", 400},
                {"*.example.com", 400}};
    CU_ASSERT_EQUAL_FATAL(make("{\"allowed_origins\":[\"*.example.com\",\"only.example.org\"]}"),
                          EG_OK);
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(knock(rows[i].origin, NULL, NULL), EG_STOP);
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), rows[i].status);
        CU_ASSERT_STRING_EQUAL(allowed(), rows[i].status == 200 ? rows[i].origin : "");
    }
    CU_ASSERT_EQUAL(knock("a.example.com", "0", NULL), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 400);
    CU_ASSERT_EQUAL(knock("a.example.com", "many", NULL), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 400);
    end();
}

static void other_requests_pass_by(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"allowed_origins\":[\"*\"]}"), EG_OK);
    begin("OPTIONS", "/in", "");
    ASSERT_OPEN();
    begin("POST", "/in", "");
    egx_fake_add_header(request, "WebHook-Request-Origin", "a.example");
    ASSERT_OPEN();
    end();
    CU_ASSERT_EQUAL_FATAL(make_rules("{\"scheme\":\"github\",\"secrets\":[\"a\"]}", ""), EG_OK);
    CU_ASSERT_EQUAL(knock("a.example", NULL, NULL), EG_STOP); /* unsigned, and no handshake here */
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 401);
    end();
}

static void a_callback_is_not_called_unless_its_host_is_listed(void) {
    static const char *const urls[] = {
        "https://evil.example/x",
        "http://hooks.example.com/x",
        "https://hooks.example.com:444/x",
        "https://hooks.example.com.evil/x",
        "https://a@hooks.example.com/x",
        "https://hooks.example.com@evil/x",
        "https://hooks.example.com\\@evil",
        "//hooks.example.com/x",
        "https://evil/https://hooks.example.com/",
        "https://169.254.169.254/latest",
        "https://evil#hooks.example.com",
        "https://hooks.example.com x",
    };
    CU_ASSERT_EQUAL_FATAL(
        make("{\"allowed_origins\":[\"*\"],\"callback_hosts\":[\"hooks.example.com\"]}"), EG_OK);
    for (size_t i = 0; i < EGX_COUNT(urls); i++) {
        CU_ASSERT_EQUAL(knock("a.example", NULL, urls[i]), EG_STOP);
        CU_ASSERT_STRING_EQUAL(allowed(), "a.example"); /* granted at once, by its own answer */
    }
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end();
    CU_ASSERT_EQUAL_FATAL(make("{\"allowed_origins\":[\"*\"]}"), EG_OK); /* off by default */
    CU_ASSERT_EQUAL(knock("a.example", NULL, "https://hooks.example.com/x"), EG_STOP);
    CU_ASSERT_STRING_EQUAL(allowed(), "a.example");
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    end();
}

static void a_listed_callback_is_called_and_the_answer_withholds_consent(void) {
    CU_ASSERT_EQUAL_FATAL(make("{\"allowed_origins\":[\"a.example\"],\"allowed_rate\":60,"
                               "\"callback_hosts\":[\"hooks.example.com\",\"[::1]:8443\"]}"),
                          EG_OK);
    CU_ASSERT_EQUAL(knock("b.example", NULL, "https://hooks.example.com/x"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 403);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 0);
    CU_ASSERT_EQUAL(knock("a.example", NULL, "https://HOOKS.example.com/confirm?id=1&key=k"),
                    EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 202);
    CU_ASSERT_STRING_EQUAL(allowed(), "");
    CU_ASSERT_EQUAL_FATAL(egx_fake_request_count(fake), 1);
    const struct egx_fake_request *sent = egx_fake_sent(fake, 0);
    CU_ASSERT_STRING_EQUAL(sent->method, "POST");
    CU_ASSERT_STRING_EQUAL(sent->url, "https://HOOKS.example.com/confirm?id=1&key=k");
    CU_ASSERT_TRUE(sent->flags & EG_HTTP_NO_REDIRECT);
    CU_ASSERT_EQUAL_FATAL(sent->header_count, 2);
    ASSERT_STR(sent->headers[0].value, "a.example");
    ASSERT_STR(sent->headers[1].value, "60");
    egx_fake_answer(fake, 302, "Location: https://evil/\n", "");
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 1);
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_callbacks_failed_total", ""), 1);
    CU_ASSERT_EQUAL(knock("a.example", NULL, "https://[::1]:8443/"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_request_count(fake), 2);
    egx_fake_answer(fake, 200, "", "fine");
    (void)egx_fake_run(fake);
    end();
}

static void callbacks_are_bounded(void) {
    CU_ASSERT_EQUAL_FATAL(
        make("{\"allowed_origins\":[\"*\"],\"callback_hosts\":[\"hooks.example.com\"]}"), EG_OK);
    for (size_t i = 0; i < 32; i++) {
        CU_ASSERT_EQUAL(knock("a.example", NULL, "https://hooks.example.com/"), EG_STOP);
        CU_ASSERT_EQUAL(egx_fake_reply_status(request), 202);
    }
    CU_ASSERT_EQUAL(knock("a.example", NULL, "https://hooks.example.com/"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 503);
    for (size_t i = 0; i < 32; i++) {
        egx_fake_answer(fake, 204, "", "");
    }
    (void)egx_fake_run(fake);
    CU_ASSERT_EQUAL(knock("a.example", NULL, "https://hooks.example.com/"), EG_STOP);
    CU_ASSERT_EQUAL(egx_fake_reply_status(request), 202);
    egx_fake_answer(fake, 204, "", "");
    (void)egx_fake_run(fake);
    end();
}

UNIT_MAIN(UNIT(an_allowed_origin_is_granted_with_its_rate),
          UNIT(an_origin_that_is_not_listed_gets_no_consent), UNIT(other_requests_pass_by),
          UNIT(a_callback_is_not_called_unless_its_host_is_listed),
          UNIT(a_listed_callback_is_called_and_the_answer_withholds_consent),
          UNIT(callbacks_are_bounded))
