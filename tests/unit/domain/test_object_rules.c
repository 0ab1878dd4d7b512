/* Unit tests of domain/object_rules.c and the rules in domain/object_fields.c. */
#include "objects.h"

#define LINE(struct_name, field, tag)                                                              \
    "Key: '" struct_name "." field "' Error:Field validation for '" field "' failed on the '" tag  \
    "' tag"
#define ET "Event Type doesn't validate. Validation error: "
#define FN "Function doesn't validate. Validation error: "
#define SUB "Subscription doesn't validate. Validation error: "
#define CORS "CORS configuration doesn't validate. Validation error: "
#define METHODS "eq=GET|eq=POST|eq=DELETE|eq=PUT|eq=PATCH|eq=HEAD|eq=OPTIONS"

static void every_failed_field_is_told_in_order_with_its_first_tag(void) {
    assert_refused(GW_SUBSCRIPTION, NULL, "{}",
                   SUB LINE("Subscription", "Type", "required") "\n" LINE(
                       "Subscription", "EventType",
                       "required") "\n" LINE("Subscription", "FunctionID", "required"));
    assert_refused(
        GW_SUBSCRIPTION, NULL,
        "{\"type\":\"both\",\"eventType\":\"a b\",\"functionId\":\"f\","
        "\"method\":\"trace\"}",
        SUB LINE("Subscription", "Type", "eq=async|eq=sync") "\n" LINE(
            "Subscription", "EventType", "eventType") "\n" LINE("Subscription", "Method", METHODS));
    assert_refused(GW_EVENTTYPE, NULL, "{}", ET LINE("Type", "Name", "required"));
    assert_refused(GW_EVENTTYPE, NULL, "{\"name\":\"a/b\"}", ET LINE("Type", "Name", "eventType"));
    assert_refused(GW_CORS, NULL, "{\"method\":\"GET\",\"path\":\"q\"}",
                   CORS LINE("CORS", "Path", "path"));
    assert_refused(GW_CORS, NULL, "{\"method\":\"GET\"}", CORS LINE("CORS", "Path", "path"));
    assert_refused(GW_CORS, NULL, "{\"method\":\"get\"}",
                   CORS LINE("CORS", "Method", METHODS) "\n" LINE("CORS", "Path", "path"));
    assert_refused(GW_CORS, NULL, "{\"path\":\"/\"}", CORS LINE("CORS", "Method", METHODS));
}

static void a_space_has_three_characters_of_the_name_alphabet(void) {
    assert_refused_in("ab", GW_EVENTTYPE, NULL, "{\"name\":\"a\"}",
                      ET LINE("Type", "Space", "min"));
    assert_refused_in("a/", GW_EVENTTYPE, NULL, "{}",
                      ET LINE("Type", "Space", "min") "\n" LINE("Type", "Name", "required"));
    assert_refused_in("a/b", GW_EVENTTYPE, NULL, "{\"name\":\"a\"}",
                      ET LINE("Type", "Space", "space"));
    /* Characters are counted, not bytes. */
    assert_refused_in("\xC3\xA9\xC3\xA9", GW_CORS, NULL, "{\"method\":\"GET\",\"path\":\"/\"}",
                      CORS LINE("CORS", "Space", "min"));
    assert_refused_in("\xC3\xA9\xC3\xA9\xC3\xA9", GW_CORS, NULL,
                      "{\"method\":\"GET\",\"path\":\"/\"}", CORS LINE("CORS", "Space", "space"));
    assert_refused_in("", GW_EVENTTYPE, NULL, "{\"name\":\"a\"}",
                      ET LINE("Type", "Space", "required"));
}

static void assert_function(const char *space, const char *id, const char *text) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    CU_ASSERT_EQUAL_FATAL(gw_object_read(GW_FUNCTION, gw_str_c(space), gw_str_c(id),
                                         GW_STR("{\"type\":\"http\"}"), &object, &refusal),
                          0);
    CU_ASSERT_EQUAL(gw_object_validate(object, &refusal), text == NULL ? 0 : EG_E_INVAL);
    ASSERT_STR(gw_why_str(&refusal.why), text == NULL ? "" : text);
    gw_object_unref(object);
}

static void a_function_is_validated_apart_from_reading(void) {
    assert_function("a.b-c_1", "f-1_x.y", NULL);
    assert_function("default", "", FN LINE("Function", "ID", "required"));
    assert_function("default", "a b", FN LINE("Function", "ID", "functionid"));
    assert_function("ab", "f", FN LINE("Function", "Space", "min"));
    assert_function("ab", "",
                    FN LINE("Function", "Space", "min") "\n" LINE("Function", "ID", "required"));
}

static void an_old_event_type_with_a_free_name_can_still_be_updated(void) {
    assert_becomes(GW_EVENTTYPE, "a b", "{}", "{\"space\":\"default\",\"name\":\"a b\"}");
}

static void every_listed_method_is_accepted(void) {
    static const char *const methods[] = {"GET",   "POST", "DELETE", "PUT",
                                          "PATCH", "HEAD", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body, "{\"method\":\"%s\",\"path\":\"/x\"}", methods[i]);
        gw_object_unref(read_object(GW_CORS, NULL, body));
    }
}

static void assert_update(enum gw_kind kind, const char *stored, const char *wanted,
                          const char *text) {
    struct gw_object *before = read_object(kind, "id", stored);
    struct gw_object *after = read_object(kind, "id", wanted);
    struct gw_refusal refusal = {0};
    CU_ASSERT_EQUAL(gw_object_check_update(before, after, &refusal), text == NULL ? 0 : EG_E_INVAL);
    CU_ASSERT_EQUAL(refusal.status, text == NULL ? 0 : 400);
    ASSERT_STR(gw_why_str(&refusal.why), text == NULL ? "" : text);
    gw_object_unref(before);
    gw_object_unref(after);
}

#define ASYNC_F1 "{\"type\":\"async\",\"eventType\":\"e\",\"functionId\":\"f1\""
#define IMMUTABLE(field, what) "Invalid update. '" field "' of existing " what " cannot be updated."

static void only_the_metadata_of_a_subscription_can_change(void) {
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 ",\"path\":\"/\",\"method\":\"POST\"}",
                  ASYNC_F1 ",\"metadata\":{\"a\":\"b\"}}", NULL);
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 "}",
                  "{\"type\":\"sync\",\"eventType\":\"x\",\"functionId\":\"f1\"}",
                  IMMUTABLE("Type", "subscription"));
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 "}",
                  "{\"type\":\"async\",\"eventType\":\"x\",\"functionId\":\"f2\"}",
                  IMMUTABLE("EventType", "subscription"));
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 "}",
                  "{\"type\":\"async\",\"eventType\":\"e\",\"functionId\":\"f2\",\"path\":\"/x\"}",
                  IMMUTABLE("FunctionID", "subscription"));
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 "}", ASYNC_F1 ",\"path\":\"/x\",\"method\":\"GET\"}",
                  IMMUTABLE("Path", "subscription"));
    assert_update(GW_SUBSCRIPTION, ASYNC_F1 "}", ASYNC_F1 ",\"method\":\"GET\"}",
                  IMMUTABLE("Method", "subscription"));
}

static void method_and_path_of_a_cors_configuration_are_fixed(void) {
    assert_update(GW_CORS, "{\"method\":\"GET\",\"path\":\"/a\"}",
                  "{\"method\":\"GET\",\"path\":\"/a\",\"allowedOrigins\":[\"x\"]}", NULL);
    assert_update(GW_CORS, "{\"method\":\"GET\",\"path\":\"/a\"}",
                  "{\"method\":\"POST\",\"path\":\"/b\"}",
                  IMMUTABLE("Method", "CORS configuration"));
    assert_update(GW_CORS, "{\"method\":\"GET\",\"path\":\"/a\"}",
                  "{\"method\":\"GET\",\"path\":\"/b\"}", IMMUTABLE("Path", "CORS configuration"));
}

static void functions_and_event_types_may_change_freely(void) {
    assert_update(GW_FUNCTION, "{\"type\":\"http\"}", "{\"type\":\"awslambda\"}", NULL);
    assert_update(GW_EVENTTYPE, "{\"authorizerId\":\"a\"}", "{}", NULL);
}

UNIT_MAIN(UNIT(every_failed_field_is_told_in_order_with_its_first_tag),
          UNIT(a_space_has_three_characters_of_the_name_alphabet),
          UNIT(a_function_is_validated_apart_from_reading),
          UNIT(an_old_event_type_with_a_free_name_can_still_be_updated),
          UNIT(every_listed_method_is_accepted),
          UNIT(only_the_metadata_of_a_subscription_can_change),
          UNIT(method_and_path_of_a_cors_configuration_are_fixed),
          UNIT(functions_and_event_types_may_change_freely))
