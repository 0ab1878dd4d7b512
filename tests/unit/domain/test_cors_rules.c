/* domain/cors_rules.c: the headers of preflights and answers (XO-*). */
#include "base/slice.h"
#include "domain/cors_rules.h"
#include "unit.h"

#define MAX 4
struct row {
    const char *origins[MAX];
    const char *methods[MAX];
    const char *headers[MAX];
    bool credentials;
    const char *method;
    const char *origin;
    const char *wanted_headers;
    const char *expected;
};
#define ORIGIN_ANY                                                                                 \
    { "*" }
#define METHODS                                                                                    \
    { "HEAD", "GET", "POST" }
#define HEADERS                                                                                    \
    { "Origin", "Accept", "Content-Type" }
#define VARY3                                                                                      \
    "Vary: Origin\nVary: Access-Control-Request-Method\nVary: Access-Control-Request-Headers\n"
#define ALLOW(origin) "Access-Control-Allow-Origin: " origin "\n"
#define CREDENTIALS "Access-Control-Allow-Credentials: true\n"
#define METHOD(m) "Access-Control-Allow-Methods: " m "\n"
#define ALLOW_HEADERS(h) "Access-Control-Allow-Headers: " h "\n"

static struct gw_str_array array(const char *const *texts, struct eg_str *room) {
    size_t n = 0;
    for (; n < MAX && texts[n] != NULL; n++) {
        room[n] = gw_str_c(texts[n]);
    }
    return (struct gw_str_array){room, n};
}

static void check(const struct row *row, bool is_preflight) {
    struct eg_str room[3][MAX];
    struct gw_arena arena;
    struct gw_cors_answer answer;
    char text[1024] = "";
    size_t at = 0;
    const struct gw_cors cors = {.allowed_origins = array(row->origins, room[0]),
                                 .allowed_methods = array(row->methods, room[1]),
                                 .allowed_headers = array(row->headers, room[2]),
                                 .allow_credentials = row->credentials};
    const struct gw_cors_request request = {
        .method = is_preflight ? GW_STR("OPTIONS") : gw_str_c(row->method),
        .origin = gw_str_c(row->origin),
        .requested_method = is_preflight ? gw_str_c(row->method) : (struct eg_str){0},
        .requested_headers = gw_str_c(row->wanted_headers)};
    gw_arena_init(&arena, 256);
    (is_preflight ? gw_cors_preflight : gw_cors_actual)(&arena, &cors, &request, &answer);
    for (size_t i = 0; i < answer.count; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s: %.*s\n",
                               GW_FMT(answer.headers[i].name), GW_FMT(answer.headers[i].value));
    }
    ASSERT_STR(gw_str_c(text), row->expected);
    gw_arena_free(&arena);
}

static void answers_carry_vary_and_what_is_allowed(void) {
    static const struct row rows[] = {
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", "http://a", NULL, "Vary: Origin\n" ALLOW("*")},
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", NULL, NULL, "Vary: Origin\n"},
        {{"http://*.example.com", "HTTPS://Exact.com"},
         METHODS,
         HEADERS,
         true,
         "POST",
         "http://a.example.com",
         NULL,
         "Vary: Origin\n" ALLOW("http://a.example.com") CREDENTIALS},
        {{"http://*.example.com", "HTTPS://Exact.com"},
         METHODS,
         HEADERS,
         true,
         "POST",
         "HTTP://A.EXAMPLE.com",
         NULL,
         "Vary: Origin\n" ALLOW("HTTP://A.EXAMPLE.com") CREDENTIALS},
        {{"http://*.example.com", "HTTPS://Exact.com"},
         METHODS,
         HEADERS,
         true,
         "POST",
         "https://exact.com",
         NULL,
         "Vary: Origin\n" ALLOW("https://exact.com") CREDENTIALS},
        {{"http://*.example.com"},
         METHODS,
         HEADERS,
         false,
         "POST",
         "http://example.com",
         NULL,
         "Vary: Origin\n"},
        {{"http://*.example.com"},
         METHODS,
         HEADERS,
         false,
         "POST",
         "http://a.example.com.evil",
         NULL,
         "Vary: Origin\n"},
        {{"ab*ba"}, METHODS, HEADERS, false, "POST", "aba", NULL, "Vary: Origin\n"},
        {ORIGIN_ANY,
         {"DELETE"},
         HEADERS,
         true,
         "DELETE",
         "http://a",
         NULL,
         "Vary: Origin\n" ALLOW("http://a") CREDENTIALS},
        {ORIGIN_ANY, {"GET"}, HEADERS, false, "PATCH", "http://a", NULL, "Vary: Origin\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], false);
    }
}

static void preflights_are_allowed_or_silent(void) {
    static const struct row rows[] = {
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", "http://a", NULL,
         VARY3 ALLOW("*") METHOD("GET")},
        {ORIGIN_ANY, METHODS, HEADERS, false, "get", "http://a", NULL,
         VARY3 ALLOW("*") METHOD("GET")},
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", "http://a", "content-type, accept",
         VARY3 ALLOW("*") METHOD("GET") ALLOW_HEADERS("Content-Type, Accept")},
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", "http://a", "x-api-key", VARY3},
        {ORIGIN_ANY, METHODS, HEADERS, false, "GET", "http://a", "content-type,x-foo", VARY3},
        {ORIGIN_ANY,
         METHODS,
         {"x"},
         false,
         "GET",
         "http://a",
         "ORIGIN",
         VARY3 ALLOW("*") METHOD("GET") ALLOW_HEADERS("Origin")},
        {ORIGIN_ANY,
         {"PUT"},
         {"*"},
         false,
         "PUT",
         "http://a",
         "X_a-b, foo bar,,Baz1",
         VARY3 ALLOW("*") METHOD("PUT") ALLOW_HEADERS("X_A-B, Foo, Bar, Baz1")},
        {ORIGIN_ANY,
         {"PUT"},
         {"*"},
         false,
         "PUT",
         "http://a",
         "a\"b,;,c",
         VARY3 ALLOW("*") METHOD("PUT") ALLOW_HEADERS("Ab, C")},
        {{"http://b"}, {"PUT"}, HEADERS, false, "PUT", "http://a", NULL, VARY3},
        {ORIGIN_ANY, {"PUT"}, HEADERS, false, "PUT", NULL, NULL, VARY3},
        {ORIGIN_ANY, {"GET"}, HEADERS, false, "PATCH", "http://a", NULL, VARY3},
        {ORIGIN_ANY,
         {"GET"},
         HEADERS,
         true,
         "OPTIONS",
         "http://a",
         NULL,
         VARY3 ALLOW("http://a") CREDENTIALS METHOD("OPTIONS")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], true);
    }
}

static void a_preflight_looks_up_the_method_it_asks_for(void) {
    bool is_preflight = false;
    struct gw_cors_request request = {.method = GW_STR("OPTIONS"),
                                      .requested_method = GW_STR("get")};
    ASSERT_STR(gw_cors_lookup_method(&request, &is_preflight), "get");
    CU_ASSERT_TRUE(is_preflight);
    request.requested_method = (struct eg_str){0};
    ASSERT_STR(gw_cors_lookup_method(&request, &is_preflight), "");
    CU_ASSERT_FALSE(is_preflight);
    request = (struct gw_cors_request){.method = GW_STR("GET"), .requested_method = GW_STR("PUT")};
    ASSERT_STR(gw_cors_lookup_method(&request, &is_preflight), "GET");
    CU_ASSERT_FALSE(is_preflight);
}

static void a_preflight_for_hundreds_of_headers_is_not_allowed(void) {
    static char list[4096];
    for (size_t i = 0; i < 2 * 300; i += 2) {
        list[i] = 'a';
        list[i + 1] = ',';
    }
    const struct row row = {ORIGIN_ANY, {"PUT"}, {"*"}, false, "PUT", "http://a", list, VARY3};
    check(&row, true);
}

UNIT_MAIN(UNIT(answers_carry_vary_and_what_is_allowed), UNIT(preflights_are_allowed_or_silent),
          UNIT(a_preflight_looks_up_the_method_it_asks_for),
          UNIT(a_preflight_for_hundreds_of_headers_is_not_allowed))
