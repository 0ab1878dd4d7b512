/* The API of 2017 beside the newer one: compatibility chapter 15.1, 15.6, row O17-31. */
#include "api/api_driver.h"

#define ORIGIN "Origin: http://e.com\r\n"
#define PREFLIGHT                                                                                  \
    ORIGIN "Access-Control-Request-Method: PUT\r\n"                                                \
           "Access-Control-Request-Headers: authorization, x-a\r\n"

static void start(void) {
    api_start((struct api_options){.has_v2017 = true});
}

static struct api_answer ask(const char *method, const char *target, const char *headers) {
    return api_receive(api_send_with(method, target, headers, NULL, 0));
}

/* A page of text, as it is answered to whom no page is for. */
static void assert_text(const char *method, const char *target, int status, const char *text) {
    const struct api_answer answer = api_call(method, target, NULL);
    CU_ASSERT_EQUAL(answer.status, status);
    CU_ASSERT_STRING_EQUAL(answer.body, text);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "text/plain; charset=utf-8");
}

static void assert_origin_allowed(const struct api_answer *answer) {
    CU_ASSERT_STRING_EQUAL(api_header(answer, "Vary"), "Origin");
    CU_ASSERT_STRING_EQUAL(api_header(answer, "Access-Control-Allow-Origin"), "http://e.com");
    CU_ASSERT_STRING_EQUAL(api_header(answer, "Access-Control-Allow-Credentials"), "true");
}

static void without_the_switch_the_pages_are_unknown(void) {
    const char *const targets[] = {"/v1/functions", "/v1/functions/f", "/v1/subscriptions",
                                   "/v1/subscriptions/s"};
    api_start((struct api_options){0});
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_text("GET", targets[i], 404, "404 page not found");
        assert_text("POST", targets[i], 404, "404 page not found");
        const struct api_answer answer = ask("OPTIONS", targets[i], PREFLIGHT);
        CU_ASSERT_EQUAL(answer.status, 404);
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Access-Control-Allow-Origin"), "");
    }
    api_stop();
}

static void with_it_the_newer_pages_stay_as_they_are(void) {
    start();
    EXPECT("GET", "/v1/spaces/default/functions", NULL, 200, "{\"functions\":[]}");
    assert_text("GET", "/v1/nope", 404, "404 page not found");
    assert_text("PATCH", "/v1/spaces/default/functions", 405, "Method Not Allowed");
    EXPECT_ERROR("GET", "/v1/spaces/default/functions/f", NULL, 404,
                 "Function \\\"f\\\" not found.");
    const struct api_answer answer = ask("GET", "/v1/spaces/default/functions", ORIGIN);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Vary"), "");
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Access-Control-Allow-Origin"), "");
    CU_ASSERT_EQUAL(ask("OPTIONS", "/v1/spaces/default/functions", PREFLIGHT).status, 405);
    api_stop();
}

static void every_origin_may_ask(void) {
    start();
    const struct api_answer list = ask("GET", "/v1/functions", ORIGIN);
    CU_ASSERT_EQUAL(list.status, 200);
    assert_origin_allowed(&list);
    const struct api_answer missing = ask("DELETE", "/v1/functions/f", ORIGIN);
    CU_ASSERT_EQUAL(missing.status, 404);
    assert_origin_allowed(&missing);
    const struct api_answer method = ask("PATCH", "/v1/functions", ORIGIN);
    CU_ASSERT_EQUAL(method.status, 405);
    assert_origin_allowed(&method);
    const struct api_answer none = ask("GET", "/v1/subscriptions", "");
    CU_ASSERT_STRING_EQUAL(api_header(&none, "Vary"), "Origin");
    CU_ASSERT_STRING_EQUAL(api_header(&none, "Access-Control-Allow-Origin"), "");
    api_stop();
}

static void preflights_are_answered_before_the_token_is_asked_for(void) {
    const char *const targets[] = {"/v1/functions", "/v1/functions/f", "/v1/subscriptions",
                                   "/v1/subscriptions/http-GET-%2F"};
    api_start((struct api_options){.has_v2017 = true, .token = "t"});
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const struct api_answer answer = ask("OPTIONS", targets[i], PREFLIGHT);
        CU_ASSERT_EQUAL(answer.status, 200);
        CU_ASSERT_STRING_EQUAL(answer.body, "");
        assert_origin_allowed(&answer);
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Access-Control-Allow-Methods"), "PUT");
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Access-Control-Allow-Headers"),
                               "Authorization, X-A");
    }
    CU_ASSERT_EQUAL(ask("OPTIONS", "/v1/functions", ORIGIN).status, 401);
    CU_ASSERT_EQUAL(ask("OPTIONS", "/v1/spaces/default/functions", PREFLIGHT).status, 401);
    api_stop();
}

static void a_preflight_that_is_not_allowed_is_told_nothing(void) {
    start();
    const struct api_answer answer =
        ask("OPTIONS", "/v1/functions", ORIGIN "Access-Control-Request-Method: PURGE\r\n");
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Access-Control-Allow-Origin"), "");
    CU_ASSERT_EQUAL(ask("OPTIONS", "/v1/functions", ORIGIN).status, 405);
    api_stop();
}

static void a_token_is_asked_for_in_the_words_of_the_page(void) {
    api_start((struct api_options){.has_v2017 = true, .token = "t"});
    const struct api_answer without = ask("GET", "/v1/functions", ORIGIN);
    CU_ASSERT_EQUAL(without.status, 401);
    CU_ASSERT_STRING_EQUAL(without.body, "{\"error\":\"A bearer token is required.\"}\n");
    CU_ASSERT_STRING_EQUAL(api_header(&without, "WWW-Authenticate"),
                           "Bearer realm=\"event-gateway\"");
    assert_origin_allowed(&without);
    CU_ASSERT_EQUAL(ask("GET", "/v1/functions", "Authorization: bearer t\r\n").status, 200);
    EXPECT_ERROR("GET", "/v1/spaces/default/functions", NULL, 401, "A bearer token is required.");
    api_stop();
}

static void a_store_that_is_away_is_an_error_of_the_page(void) {
    start();
    fake_storage_away("no route to the store");
    const struct api_answer answer = ask("GET", "/v1/subscriptions", ORIGIN);
    CU_ASSERT_EQUAL(answer.status, 503);
    CU_ASSERT_STRING_EQUAL(answer.body, "{\"error\":\"no route to the store\"}\n");
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
    assert_origin_allowed(&answer);
    fake_storage_away(NULL);
    api_stop();
}

static void a_value_that_the_store_finds_too_big_is_an_error_of_the_page(void) {
    start();
    fake_storage_hold(true);
    struct api_client *client =
        api_send("POST", "/v1/functions",
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}");
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    fake_storage_fail(EG_E_TOOBIG, "the value is too big");
    fake_storage_hold(false);
    fake_storage_release(1);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 413);
    CU_ASSERT_STRING_EQUAL(answer.body, "{\"error\":\"the value is too big\"}\n");
    fake_storage_fail(0, NULL);
    api_stop();
}

static void assert_refused_body(const char *target, const char *headers, const char *body,
                                size_t body_len, const char *want) {
    const struct api_answer answer =
        api_receive(api_send_with("POST", target, headers, body, body_len));
    CU_ASSERT_EQUAL(answer.status, 413);
    CU_ASSERT_STRING_EQUAL(answer.body, want);
}

static void a_body_that_is_too_big_is_an_error_of_the_page(void) {
    static char body[API_BODY_LIMIT + 64];
    memset(body, 'x', sizeof body);
    start();
    assert_refused_body("/v1/functions?a", "", body, API_BODY_LIMIT + 1,
                        "{\"error\":\"the request body is too big\"}\n");
    assert_refused_body("/v1/spaces/default/functions", "", body, API_BODY_LIMIT + 1,
                        "{\"errors\":[{\"message\":\"the request body is too big\"}]}\n");
    /* One chunk of 0x10001 bytes: found out at its end only. */
    memcpy(body, "10001\r\n", 7);
    memcpy(body + 7 + API_BODY_LIMIT + 1, "\r\n0\r\n\r\n", 7);
    struct api_client *client =
        api_send_with("POST", "/v1/subscriptions", "Transfer-Encoding: chunked\r\n", NULL, 0);
    api_send_more(client, body, 7 + API_BODY_LIMIT + 1 + 7);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 413);
    CU_ASSERT_STRING_EQUAL(answer.body, "{\"error\":\"the request body is too big\"}\n");
    api_stop();
}

static void lists_ascend_by_the_ids_that_they_show(void) {
    const char *const ids[] = {"b", "a", "C", "a-b", "a.b"};
    start();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body,
                       "{\"functionId\":\"%s\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}",
                       ids[i]);
        EXPECT("POST", "/v1/spaces/default/functions", body, 201, NULL);
    }
#define SHOWN(id) "{\"functionId\":\"" id "\",\"provider\":{\"type\":\"http\",\"url\":\"u\"}}"
    EXPECT("GET", "/v1/functions?metadata.a=b", NULL, 200,
           "{\"functions\":[" SHOWN("C") "," SHOWN("a") "," SHOWN("a-b") "," SHOWN("a.b") "," SHOWN(
               "b") "]}");
    api_stop();
}

static void a_write_tells_its_revision(void) {
    start();
    const struct api_answer made =
        api_call("POST", "/v1/functions",
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}");
    CU_ASSERT_STRING_EQUAL(api_header(&made, "eg-config-revision"), "1");
    CU_ASSERT_STRING_EQUAL(api_header(&made, "Content-Type"), "application/json");
    const struct api_answer gone = api_call("DELETE", "/v1/functions/f", NULL);
    CU_ASSERT_EQUAL(gone.status, 204);
    CU_ASSERT_STRING_EQUAL(api_header(&gone, "eg-config-revision"), "2");
    api_stop();
}

UNIT_MAIN(UNIT(without_the_switch_the_pages_are_unknown),
          UNIT(with_it_the_newer_pages_stay_as_they_are), UNIT(every_origin_may_ask),
          UNIT(preflights_are_answered_before_the_token_is_asked_for),
          UNIT(a_preflight_that_is_not_allowed_is_told_nothing),
          UNIT(a_token_is_asked_for_in_the_words_of_the_page),
          UNIT(a_store_that_is_away_is_an_error_of_the_page),
          UNIT(a_value_that_the_store_finds_too_big_is_an_error_of_the_page),
          UNIT(a_body_that_is_too_big_is_an_error_of_the_page),
          UNIT(lists_ascend_by_the_ids_that_they_show), UNIT(a_write_tells_its_revision))
