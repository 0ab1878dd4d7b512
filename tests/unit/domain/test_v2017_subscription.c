/* Subscriptions of 2017 and their ids: compatibility chapter 15.2, O17-14, 15, 17, 19, Q43. */
#include "domain/objects.h"
#include "domain/v2017_objects.h"

static struct gw_object *read(const char *body) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    const int32_t rc =
        gw_v2017_subscription_read(GW_STR("default"), gw_str_c(body), &object, &refusal);
    if (rc < 0) {
        printf("  refused: %.*s\n", GW_FMT(gw_why_str(&refusal.why)));
    }
    CU_ASSERT_EQUAL_FATAL(rc, EG_OK);
    return object;
}

static void assert_both(const char *body, const char *native, const char *shown) {
    struct gw_object *object = read(body);
    struct gw_bytes out;
    assert_written(object, native);
    gw_bytes_init(&out, 0);
    gw_v2017_subscription_write(&out, object);
    ASSERT_STR(gw_bytes_str(&out), shown);
    gw_bytes_free(&out);
    gw_object_unref(object);
}

static void a_custom_event_is_an_async_subscription(void) {
    assert_both("{\"functionId\":\"f1\",\"event\":\"user.created\"}",
                "{\"space\":\"default\",\"subscriptionId\":"
                "\"YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU\",\"type\":\"async\","
                "\"eventType\":\"user.created\",\"functionId\":\"f1\",\"path\":\"/\","
                "\"method\":\"POST\"}",
                "{\"subscriptionId\":\"user.created-f1\",\"event\":\"user.created\","
                "\"functionId\":\"f1\"}");
    assert_both("{\"functionId\":\"f1\",\"event\":\"u\",\"method\":\"put\",\"path\":\"a/b\"}",
                "{\"space\":\"default\",\"subscriptionId\":\"YXN5bmMsdSxmMSwlMkZhJTJGYixQVVQ\","
                "\"type\":\"async\",\"eventType\":\"u\",\"functionId\":\"f1\",\"path\":\"/a/b\","
                "\"method\":\"PUT\"}",
                "{\"subscriptionId\":\"u-PUT-%2Fa%2Fb\",\"event\":\"u\",\"functionId\":\"f1\","
                "\"method\":\"PUT\",\"path\":\"/a/b\"}");
}

static void an_http_event_is_a_sync_subscription_to_requests(void) {
    assert_both("{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"get\",\"path\":\"users\"}",
                "{\"space\":\"default\",\"subscriptionId\":"
                "\"c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMsR0VU\",\"type\":\"sync\","
                "\"eventType\":\"http.request\",\"functionId\":\"f1\",\"path\":\"/users\","
                "\"method\":\"GET\"}",
                "{\"subscriptionId\":\"http-GET-%2Fusers\",\"event\":\"http\","
                "\"functionId\":\"f1\",\"method\":\"GET\",\"path\":\"/users\"}");
    assert_both("{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"POST\"}",
                "{\"space\":\"default\",\"subscriptionId\":\"c3luYyxodHRwLnJlcXVlc3QsJTJGLFBPU1Q\","
                "\"type\":\"sync\",\"eventType\":\"http.request\",\"functionId\":\"f1\","
                "\"path\":\"/\",\"method\":\"POST\"}",
                "{\"subscriptionId\":\"http-POST-%2F\",\"event\":\"http\",\"functionId\":\"f1\","
                "\"method\":\"POST\",\"path\":\"/\"}");
}

static void assert_told(const char *body, int32_t rc, const char *text) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    CU_ASSERT_EQUAL(
        gw_v2017_subscription_read(GW_STR("default"), gw_str_c(body), &object, &refusal), rc);
    CU_ASSERT_PTR_NULL(object);
    CU_ASSERT_EQUAL(refusal.status, 400);
    ASSERT_STR(gw_why_str(&refusal.why), text);
}

#define INVALID(detail) "Subscription doesn't validate. Validation error: \"" detail "\""
#define LINE(field, tag)                                                                           \
    "Key: 'Subscription." field "' Error:Field validation for '" field "' failed on the '" tag     \
    "' tag"
#define METHODS "eq=GET|eq=POST|eq=DELETE|eq=PUT|eq=PATCH|eq=HEAD|eq=OPTIONS"

static void what_does_not_validate_is_told_line_by_line(void) {
    assert_told("{}", EG_E_INVAL,
                INVALID(LINE("Event", "required") "\\n" LINE("FunctionID", "required")));
    assert_told("null", EG_E_INVAL,
                INVALID(LINE("Event", "required") "\\n" LINE("FunctionID", "required")));
    assert_told("{\"functionId\":\"f\",\"event\":\"a b\",\"method\":\"TRACE\"}", EG_E_INVAL,
                INVALID(LINE("Event", "eventType") "\\n" LINE("Method", METHODS)));
    assert_told("{\"functionId\":\"f\",\"event\":\"http\",\"path\":\"/\"}", EG_E_INVAL,
                INVALID("Missing required fields (method, path) for HTTP event."));
    assert_told("{\"event\":\"http\"}", EG_E_INVAL, INVALID(LINE("FunctionID", "required")));
}

static void bodies_of_a_wrong_shape_are_malformed(void) {
    assert_told("", EG_E_SYNTAX, "Malformed JSON payload: EOF.");
    assert_told("{\"event\"", EG_E_SYNTAX, "Malformed JSON payload: unexpected EOF.");
    assert_told("7", EG_E_SYNTAX,
                "Malformed JSON payload: json: cannot unmarshal number into Go value of type "
                "Subscription.");
    assert_told("{\"path\":[]}", EG_E_SYNTAX,
                "Malformed JSON payload: json: cannot unmarshal array into Go struct field "
                "Subscription.path of type string.");
    assert_told("{\"subscriptionId\":{}}", EG_E_SYNTAX,
                "Malformed JSON payload: json: cannot unmarshal object into Go struct field "
                "Subscription.subscriptionId of type string.");
}

static bool is_known(const char *body) {
    struct gw_object *object = read_object(GW_SUBSCRIPTION, NULL, body);
    const bool is = gw_v2017_subscription_is_known(object);
    gw_object_unref(object);
    return is;
}

static void what_2017_could_not_say_is_not_known(void) {
    CU_ASSERT_TRUE(is_known("{\"type\":\"sync\",\"eventType\":\"http.request\","
                            "\"functionId\":\"f\"}"));
    CU_ASSERT_TRUE(is_known("{\"type\":\"async\",\"eventType\":\"http.request\","
                            "\"functionId\":\"f\"}"));
    CU_ASSERT_FALSE(is_known("{\"type\":\"sync\",\"eventType\":\"t\",\"functionId\":\"f\"}"));
    CU_ASSERT_FALSE(is_known("{\"type\":\"async\",\"eventType\":\"http\",\"functionId\":\"f\"}"));
}

static void the_event_type_that_goes_along_has_its_name_and_space(void) {
    struct gw_object *object =
        read("{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"GET\"}");
    struct gw_object *type = gw_v2017_event_type(object);
    assert_written(type, "{\"space\":\"default\",\"name\":\"http.request\"}");
    gw_object_unref(type);
    gw_object_unref(object);
}

/* ---- looking for one ---- */

#define MANY 7u
static const char *const bodies[MANY] = {
    "{\"functionId\":\"f\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/users\"}",
    "{\"functionId\":\"f\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a/b\"}",
    "{\"functionId\":\"f\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a%2Fb\"}",
    "{\"functionId\":\"f.1\",\"event\":\"user.created\"}",
    "{\"functionId\":\"f\",\"event\":\"u\",\"method\":\"PUT\",\"path\":\"/100%\"}",
    "{\"functionId\":\"f\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a/b/\"}",
    "{\"functionId\":\"f\",\"event\":\"http\",\"method\":\"PUT\",\"path\":\"/\"}",
};

/* Which of the bodies is meant? MANY: none. */
static size_t find(const char *raw, struct eg_str *ret_shown, struct gw_arena *arena) {
    struct gw_object *objects[MANY];
    size_t at = 0;
    for (size_t i = 0; i < MANY; i++) {
        objects[i] = read(bodies[i]);
    }
    struct gw_v2017_name name = gw_v2017_name(arena, gw_str_c(raw));
    const struct gw_object *found = gw_v2017_subscription_find(objects, MANY, &name);
    if (found == NULL && gw_v2017_name_trim(arena, &name)) {
        found = gw_v2017_subscription_find(objects, MANY, &name);
    }
    *ret_shown = gw_v2017_name_shown(&name);
    while (at < MANY && objects[at] != found) {
        at++;
    }
    for (size_t i = 0; i < MANY; i++) {
        gw_object_unref(objects[i]);
    }
    return at;
}

static void assert_found(const char *raw, size_t which, const char *shown) {
    struct gw_arena arena;
    struct eg_str name;
    gw_arena_init(&arena, 256);
    const size_t got = find(raw, &name, &arena);
    if (got != which) {
        printf("  %s: got %zu\n", raw, got);
    }
    CU_ASSERT_EQUAL(got, which);
    ASSERT_STR(name, shown);
    gw_arena_free(&arena);
}

static void an_id_is_found_as_it_is_and_escaped(void) {
    assert_found("http-GET-%2Fusers", 0, "http-GET-%2Fusers");
    assert_found("http-GET-%252Fusers", 0, "http-GET-%2Fusers");
    assert_found("user.created-f.1", 3, "user.created-f.1");
    assert_found("u-PUT-%2F100%25", 4, "u-PUT-%2F100%25");
    assert_found("u-PUT-%252F100%2525", 4, "u-PUT-%2F100%25");
}

static void other_spellings_are_understood_where_they_mean_one_thing(void) {
    assert_found("http-GET-%2fusers", 0, "http-GET-%2fusers");
    assert_found("%68ttp-GET-%2Fusers", 0, "%68ttp-GET-%2Fusers");
    assert_found("user%2Ecreated-f%2e1", 3, "user.created-f.1");
    assert_found("http-GET-/users", 0, "http-GET-/users");
}

static void paths_that_differ_by_an_escape_are_kept_apart(void) {
    assert_found("http-GET-%2Fa%2Fb", 1, "http-GET-%2Fa%2Fb");
    assert_found("http-GET-%2Fa%252Fb", 2, "http-GET-%2Fa%252Fb");
    assert_found("http-GET-%252Fa%252Fb", 1, "http-GET-%2Fa%2Fb");
    assert_found("http-GET-%252Fa%25252Fb", 2, "http-GET-%2Fa%252Fb");
    assert_found("http-GET-/a/b", 1, "http-GET-/a/b");
    assert_found("http-GET-/a%2Fb", 2, "http-GET-/a%2Fb");
}

static void slashes_at_the_end_are_too_many_or_of_the_path(void) {
    assert_found("user.created-f.1//", 3, "user.created-f.1");
    assert_found("http-GET-%2Fusers/", 0, "http-GET-%2Fusers");
    assert_found("http-GET-%252Fa%252Fb/", 1, "http-GET-%2Fa%2Fb");
    assert_found("http-GET-/a/b/", 5, "http-GET-/a/b/");
    assert_found("http-PUT-/", 6, "http-PUT-/");
    assert_found("http-GET-/users/", MANY, "http-GET-/users/");
    assert_found("nope/", MANY, "nope");
    assert_found("http-GET-/", MANY, "http-GET-");
}

static void what_names_nothing_finds_nothing(void) {
    assert_found("nope", MANY, "nope");
    assert_found("no%20pe", MANY, "no pe");
    assert_found("%", MANY, "%");
    assert_found("http-GET-%2Fuser", MANY, "http-GET-%2Fuser");
    assert_found("HTTP-GET-%2Fusers", MANY, "HTTP-GET-%2Fusers");
    assert_found("http-GET-//users", MANY, "http-GET-//users");
}

static void the_id_as_it_is_comes_before_the_escaped_one(void) {
    /* The newer API can make types of any name, so also such that look like ids with escapes. */
    struct gw_object *objects[] = {NULL, NULL};
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_arena arena;
    const char *const values[] = {
        "{\"type\":\"async\",\"eventType\":\"a.b\",\"functionId\":\"f\",\"path\":\"/\","
        "\"method\":\"POST\"}",
        "{\"type\":\"async\",\"eventType\":\"a%2Eb\",\"functionId\":\"f\",\"path\":\"/\","
        "\"method\":\"POST\"}"};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(gw_object_load(GW_SUBSCRIPTION, GW_STR("default"), GW_STR("x"), 1,
                                             gw_str_c(values[i]), &objects[i], &why),
                              EG_OK);
    }
    gw_arena_init(&arena, 256);
    const struct gw_v2017_name exact = gw_v2017_name(&arena, GW_STR("a%2Eb-f"));
    CU_ASSERT_PTR_EQUAL(gw_v2017_subscription_find(objects, 2, &exact), objects[1]);
    CU_ASSERT_PTR_EQUAL(gw_v2017_subscription_find(objects, 1, &exact), objects[0]);
    gw_arena_free(&arena);
    gw_object_unref(objects[0]);
    gw_object_unref(objects[1]);
}

UNIT_MAIN(UNIT(a_custom_event_is_an_async_subscription),
          UNIT(an_http_event_is_a_sync_subscription_to_requests),
          UNIT(what_does_not_validate_is_told_line_by_line),
          UNIT(bodies_of_a_wrong_shape_are_malformed), UNIT(what_2017_could_not_say_is_not_known),
          UNIT(the_event_type_that_goes_along_has_its_name_and_space),
          UNIT(an_id_is_found_as_it_is_and_escaped),
          UNIT(other_spellings_are_understood_where_they_mean_one_thing),
          UNIT(paths_that_differ_by_an_escape_are_kept_apart),
          UNIT(slashes_at_the_end_are_too_many_or_of_the_path),
          UNIT(what_names_nothing_finds_nothing),
          UNIT(the_id_as_it_is_comes_before_the_escaped_one))
