/* Unit tests of domain/ids.c. */
#include "unit.h"

#include "base/slice.h"
#include "domain/object.h"

static void assert_subscription_id(bool is_sync, const char *event_type, const char *function_id,
                                   const char *path, const char *method, const char *id) {
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    const struct gw_subscription subscription = {
        .is_sync = is_sync,
        .type = gw_str_c(is_sync ? "sync" : "async"),
        .event_type = gw_str_c(event_type),
        .function_id = gw_str_c(function_id),
        .path = gw_str_c(path),
        .method = gw_str_c(method),
    };
    ASSERT_STR(gw_subscription_id(&arena, &subscription), id);
    gw_arena_free(&arena);
}

static void an_async_subscription_id_names_its_function(void) {
    assert_subscription_id(false, "user.created", "f1", "/", "POST",
                           "YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU");
    assert_subscription_id(false, "user.created", "f2", "/foo/bar baz", "GET",
                           "YXN5bmMsdXNlci5jcmVhdGVkLGYyLCUyRmZvbyUyRmJhciUyMGJheixHRVQ");
}

static void a_sync_subscription_id_does_not_name_its_function(void) {
    assert_subscription_id(true, "http.request", "f1", "/users/:id", "GET",
                           "c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMlMkY6aWQsR0VU");
    assert_subscription_id(true, "http.request", "f2", "/users/:id", "GET",
                           "c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMlMkY6aWQsR0VU");
    assert_subscription_id(true, "http.request", "f1", "/w/*x", "GET",
                           "c3luYyxodHRwLnJlcXVlc3QsJTJGdyUyRiUyQXgsR0VU");
}

static void a_cors_id_is_the_method_and_the_escaped_path(void) {
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    ASSERT_STR(gw_cors_id(&arena, GW_STR("GET"), GW_STR("/hello")), "GET%2Fhello");
    ASSERT_STR(gw_cors_id(&arena, GW_STR("POST"), GW_STR("/a/:b/*c")), "POST%2Fa%2F:b%2F%2Ac");
    ASSERT_STR(gw_cors_id(&arena, GW_STR("GET"), GW_STR("/a b/\xC3\xA9?x=1;y,z:@&=+$")),
               "GET%2Fa%20b%2F%C3%A9%3Fx=1%3By%2Cz:@&=+$");
    gw_arena_free(&arena);
}

static void a_cors_id_is_found_however_the_client_escapes_it(void) {
    static const struct {
        const char *raw;
        const char *id;
    } cases[] = {
        {"GET%2Fhello", "GET%2Fhello"},
        {"GET%2fhello", "GET%2Fhello"},
        {"GET%252Fhello", "GET%2Fhello"},
        {"GET%252fhello", "GET%2Fhello"},
        {"GET/hello", "GET%2Fhello"},
        {"GET/", "GET%2F"},
        {"POST/a/:b/*c", "POST%2Fa%2F:b%2F%2Ac"},
        {"POST%2Fa%2F:b%2F%2Ac", "POST%2Fa%2F:b%2F%2Ac"},
        {"GET%2Fa%2520b", "GET%2Fa%2520b"},     /* the path holds the text %20 */
        {"GET%252Fa%252520b", "GET%2Fa%2520b"}, /* the same, escaped again */
        {"GET%2Fa+b", "GET%2Fa+b"},             /* plus is no space in a path */
        {"missing", "missing"},
        {"", ""},
        {"GET%2", "GET%2"},
        {"%zz", "%zz"},
    };
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ASSERT_STR(gw_cors_id_from_url(&arena, gw_str_c(cases[i].raw)), cases[i].id);
    }
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(an_async_subscription_id_names_its_function),
          UNIT(a_sync_subscription_id_does_not_name_its_function),
          UNIT(a_cors_id_is_the_method_and_the_escaped_path),
          UNIT(a_cors_id_is_found_however_the_client_escapes_it))
