/* The door: tokens, pages that are none, headers. Compatibility chapters 3.1 and 3.3. */
#include "api/api_driver.h"

#define LIST "/v1/spaces/default/functions"
#define EMPTY_LIST "{\"functions\":[]}"

static int status_with(const char *method, const char *target, const char *headers) {
    return api_receive(api_send_with(method, target, headers, NULL, 0)).status;
}

static void without_a_token_everything_is_open(void) {
    api_start((struct api_options){0});
    EXPECT("GET", LIST, NULL, 200, EMPTY_LIST);
    CU_ASSERT_EQUAL(status_with("GET", LIST, "Authorization: bearer whatever\r\n"), 200);
    api_stop();
}

static void a_token_has_to_be_the_right_one(void) {
    static const struct {
        const char *headers;
        int status;
    } cases[] = {{"", 401},
                 {"Authorization: Bearer s3cret\r\n", 200},
                 {"authorization: bearer s3cret\r\n", 200},
                 {"Authorization: Bearer   s3cret\r\n", 200},
                 {"Authorization: Bearer s3cre\r\n", 401},
                 {"Authorization: Bearer s3crett\r\n", 401},
                 {"Authorization: Bearer S3CRET\r\n", 401},
                 {"Authorization: Bearer\r\n", 401},
                 {"Authorization: Basic s3cret\r\n", 401},
                 {"Authorization: s3cret\r\n", 401},
                 {"Authorization: Bearer s3cret\r\nAuthorization: Bearer x\r\n", 401}};
    api_start((struct api_options){.token = "s3cret"});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(status_with("GET", LIST, cases[i].headers), cases[i].status);
    }
    api_stop();
}

static void a_refusal_challenges_and_has_an_envelope(void) {
    api_start((struct api_options){.token = "s3cret"});
    struct api_answer answer = api_call("DELETE", LIST "/x", NULL);
    CU_ASSERT_EQUAL(answer.status, 401);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "WWW-Authenticate"),
                           "Bearer realm=\"event-gateway\"");
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "application/json");
    CU_ASSERT_STRING_EQUAL(answer.body,
                           "{\"errors\":[{\"message\":\"A bearer token is required.\"}]}\n");
    answer = api_receive(api_send_with("GET", LIST, "Authorization: Bearer no\r\n", NULL, 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(api_header(&answer, "WWW-Authenticate"), "invalid_token"));
    CU_ASSERT_PTR_NULL(strstr(answer.body, "s3cret"));
    api_stop();
}

static void without_the_token_nobody_learns_what_exists(void) {
    static const char *const targets[] = {
        "/",        "/v1/nothing",          LIST "/x",
        "/metrics", "/v1/status?verbose=1", "/v1/spaces/x/cors/GET/a"};
    api_start((struct api_options){.token = "s3cret"});
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        CU_ASSERT_EQUAL(status_with("GET", targets[i], ""), 401);
        CU_ASSERT_EQUAL(status_with("PATCH", targets[i], ""), 401);
    }
    CU_ASSERT_EQUAL(fake_storage_calls(), 0);
    api_stop();
}

static void probes_and_scrapers_need_no_token(void) {
    api_start((struct api_options){.token = "s3cret"});
    CU_ASSERT_EQUAL(status_with("GET", "/v1/status", ""), 200);
    CU_ASSERT_EQUAL(status_with("GET", "/v1/metrics", ""), 200);
    CU_ASSERT_EQUAL(status_with("GET", "/v1/status?verbose=1", "Authorization: Bearer s3cret\r\n"),
                    200);
    api_stop();
}

static void a_token_can_be_changed_while_serving(void) {
    api_start((struct api_options){0});
    CU_ASSERT_EQUAL(status_with("GET", LIST, ""), 200);
    api_configure((struct api_options){.token = "new"});
    CU_ASSERT_EQUAL(status_with("GET", LIST, ""), 401);
    CU_ASSERT_EQUAL(status_with("GET", LIST, "Authorization: Bearer new\r\n"), 200);
    api_configure((struct api_options){0});
    CU_ASSERT_EQUAL(status_with("GET", LIST, ""), 200);
    api_stop();
}

static void unknown_pages_are_404_and_unknown_methods_405_as_text(void) {
    static const struct {
        const char *method;
        const char *target;
        int status;
        const char *body;
    } cases[] = {{"GET", "/", 404, "404 page not found"},
                 {"POST", "/v1/spaces/a%2Fb/functions", 404, "404 page not found"},
                 {"GET", "/metrics", 404, "404 page not found"},
                 {"PATCH", LIST, 405, "Method Not Allowed"},
                 {"PUT", LIST, 405, "Method Not Allowed"},
                 {"POST", LIST "/x", 405, "Method Not Allowed"},
                 {"OPTIONS", LIST, 405, "Method Not Allowed"},
                 {"HEAD", LIST, 405, ""}};
    api_start((struct api_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct api_answer answer = api_call(cases[i].method, cases[i].target, NULL);
        CU_ASSERT_EQUAL(answer.status, cases[i].status);
        CU_ASSERT_STRING_EQUAL(answer.body, cases[i].body);
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "text/plain; charset=utf-8");
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "X-Content-Type-Options"), "nosniff");
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Allow"), "");
    }
    api_stop();
}

static void json_answers_have_their_type_and_a_delete_has_it_too(void) {
    const char *body = "{\"name\":\"a\"}";
    api_start((struct api_options){0});
    struct api_answer answer = api_call("POST", "/v1/spaces/default/eventtypes", body);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "application/json");
    CU_ASSERT_EQUAL(answer.body[answer.body_len - 1], '\n');
    answer = api_call("DELETE", "/v1/spaces/default/eventtypes/a", NULL);
    CU_ASSERT_EQUAL(answer.status, 204);
    CU_ASSERT_EQUAL(answer.body_len, 0);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "application/json");
    api_stop();
}

UNIT_MAIN(UNIT(without_a_token_everything_is_open), UNIT(a_token_has_to_be_the_right_one),
          UNIT(a_refusal_challenges_and_has_an_envelope),
          UNIT(without_the_token_nobody_learns_what_exists),
          UNIT(probes_and_scrapers_need_no_token), UNIT(a_token_can_be_changed_while_serving),
          UNIT(unknown_pages_are_404_and_unknown_methods_405_as_text),
          UNIT(json_answers_have_their_type_and_a_delete_has_it_too))
