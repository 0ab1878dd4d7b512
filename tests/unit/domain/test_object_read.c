/* Unit tests of domain/object_read.c. */
#include "base/mem.h"
#include "objects.h"

#include <stdlib.h>

#define F1 "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\"}"

static void assert_begins(enum gw_kind kind, const char *body, const char *begin) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    CU_ASSERT_TRUE(gw_object_read(kind, GW_STR("default"), (struct eg_str){0}, gw_str_c(body),
                                  &object, &refusal) < 0);
    CU_ASSERT_PTR_NULL(object);
    CU_ASSERT_EQUAL(refusal.status, 400);
    const struct eg_str text = gw_why_str(&refusal.why);
    CU_ASSERT_TRUE(gw_str_starts(text, gw_str_c(begin)) && text.len > strlen(begin));
    gw_object_unref(object);
}

static void empty_and_cut_off_bodies_are_told_as_the_original_does(void) {
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        static const struct {
            const char *body;
            const char *text;
        } cases[] = {{"", "EOF"}, {"{", "unexpected EOF"}, {"{\"name\":\"te", "unexpected EOF"}};
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            char text[256];
            (void)snprintf(text, sizeof text, "%s%s", gw_kind_words[kind].prefix, cases[i].text);
            assert_refused((enum gw_kind)kind, NULL, cases[i].body, text);
        }
    }
}

static void unusable_bodies_are_refused_with_the_prefix_of_the_kind(void) {
    static const char *const bodies[] = {"garbage",
                                         "[]",
                                         "\"x\"",
                                         "5",
                                         "true",
                                         "{\"metadata\":{\"a\":1}}",
                                         "{\"metadata\":{\"a\":null}}",
                                         "{\"metadata\":{\"a\":\"b\",\"c\":[]}}",
                                         "{\"metadata\":\"a\"}",
                                         "{\"metadata\":[]}",
                                         "{\"space\":1}",
                                         "\xFF",
                                         "{\"name\":\"\xC3\"}",
                                         "{\"a\":1,}"};
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
            assert_begins((enum gw_kind)kind, bodies[i], gw_kind_words[kind].prefix);
        }
    }
}

static void wrong_types_name_the_field(void) {
#define JSON_ERROR "Validation error: json: cannot unmarshal "
    assert_refused(GW_EVENTTYPE, NULL, "{\"NAME\":1}",
                   "Event Type doesn't validate. " JSON_ERROR
                   "number into Go struct field Type.name of type string");
    assert_refused(GW_EVENTTYPE, NULL, "{\"authorizerId\":{}}",
                   "Event Type doesn't validate. " JSON_ERROR
                   "object into Go struct field Type.authorizerId of type string");
    assert_refused(GW_CORS, NULL, "{\"allowedOrigins\":\"*\"}",
                   "CORS configuration doesn't validate. " JSON_ERROR
                   "string into Go struct field CORS.allowedOrigins of type []string");
    assert_refused(GW_CORS, NULL, "{\"allowedOrigins\":[true]}",
                   "CORS configuration doesn't validate. " JSON_ERROR
                   "bool into Go struct field CORS.allowedOrigins of type string");
    assert_refused(GW_CORS, NULL, "{\"allowCredentials\":1}",
                   "CORS configuration doesn't validate. " JSON_ERROR
                   "number into Go struct field CORS.allowCredentials of type bool");
    assert_refused(GW_FUNCTION, NULL, "{\"metadata\":[]}",
                   "Function doesn't validate. " JSON_ERROR
                   "array into Go struct field Function.metadata of type map[string]string");
    assert_refused(GW_SUBSCRIPTION, NULL, "[]",
                   "Subscription doesn't validate. " JSON_ERROR
                   "array into Go value of type Subscription");
}

#define BAD_SCHEMA(kind)                                                                           \
    "Event Type doesn't validate. Validation error: a JSON Schema is an object or a boolean, "     \
    "'schema' is a " kind

static void a_schema_is_an_object_or_a_boolean_of_bounded_size(void) {
    assert_refused(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":1}", BAD_SCHEMA("number"));
    assert_refused(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":\"{}\"}", BAD_SCHEMA("string"));
    assert_refused(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":[]}", BAD_SCHEMA("array"));
    const size_t room = GW_SCHEMA_MAX_BYTES + 64;
    char *body = gw_alloc(room);
    const int head = snprintf(body, room, "{\"name\":\"a\",\"schema\":{\"x\":\"");
    memset(body + head, 'y', GW_SCHEMA_MAX_BYTES - 8);
    (void)snprintf(body + head + GW_SCHEMA_MAX_BYTES - 8, 8, "\"}}");
    gw_object_unref(read_object(GW_EVENTTYPE, NULL, body));
    (void)snprintf(body + head + GW_SCHEMA_MAX_BYTES - 8, 8, "y\"}}");
    assert_refused(GW_EVENTTYPE, NULL, body,
                   "Event Type doesn't validate. Validation error: 'schema' has 262145 bytes "
                   "without blanks; at most 262144 are possible");
    gw_free(body);
}

static void equal_schemas_have_equal_marks(void) {
    struct gw_object *a = read_object(GW_EVENTTYPE, NULL, "{\"name\":\"a\",\"schema\":{\"b\":1}}");
    struct gw_object *b = read_object(GW_EVENTTYPE, "b", "{\"schema\":{ \"b\" : 1 }}");
    struct gw_object *c = read_object(GW_EVENTTYPE, "c", "{\"schema\":{\"b\":2}}");
    CU_ASSERT_EQUAL(a->as.eventtype.schema_mark, b->as.eventtype.schema_mark);
    CU_ASSERT_NOT_EQUAL(a->as.eventtype.schema_mark, c->as.eventtype.schema_mark);
    gw_object_unref(a);
    gw_object_unref(b);
    gw_object_unref(c);
}

static void a_function_without_type_has_no_provider(void) {
#define NOT_SET "Function doesn't validate. Validation error: provider configuration not set"
    assert_refused(GW_FUNCTION, NULL, "{}", NOT_SET);
    assert_refused(GW_FUNCTION, NULL, "null", NOT_SET);
    assert_refused(GW_FUNCTION, NULL, "{\"functionId\":\"f\",\"type\":\"\"}", NOT_SET);
    assert_refused(GW_FUNCTION, NULL, "{\"functionId\":\"f\",\"type\":null}", NOT_SET);
}

static void reading_is_lenient_about_names_repeats_and_tails(void) {
    assert_becomes(GW_FUNCTION, NULL, "{\"FUNCTIONid\":\"f1\",\"Type\":\"http\"}", F1);
    assert_becomes(GW_FUNCTION, NULL, "{\"functionId\":\"f1\",\"type\":\"http\",\"x\":[{}]}", F1);
    assert_becomes(GW_FUNCTION, NULL, "{\"functionId\":\"f1\",\"type\":\"http\"}}}} junk", F1);
    assert_becomes(GW_FUNCTION, NULL,
                   "{\"functionId\":\"zz\",\"type\":\"http\",\"functionId\":\"f1\"}", F1);
    assert_becomes(GW_FUNCTION, NULL,
                   " \n{\"functionId\":\"f1\",\"type\":\"http\",\"metadata\":null}", F1);
}

static void space_and_id_of_the_path_win(void) {
    assert_becomes(GW_FUNCTION, "f1",
                   "{\"space\":\"other\",\"functionId\":\"zz\",\"type\":\"http\"}", F1);
    assert_becomes(GW_EVENTTYPE, "a", "{\"name\":\"b\"}", "{\"space\":\"default\",\"name\":\"a\"}");
    struct gw_object *object =
        read_object(GW_SUBSCRIPTION, "kept",
                    "{\"type\":\"sync\",\"eventType\":\"e\",\"functionId\":\"f\","
                    "\"subscriptionId\":\"zz\"}");
    ASSERT_STR(object->id, "kept");
    CU_ASSERT_TRUE(object->as.subscription.is_sync);
    gw_object_unref(object);
}

static void a_subscription_is_normalised_before_its_id_is_made(void) {
    struct gw_object *object = read_object(
        GW_SUBSCRIPTION, NULL,
        "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f2\",\"path\":"
        "\"foo/bar baz\",\"method\":\"get\",\"space\":\"x\",\"subscriptionId\":\"y\"}");
    ASSERT_STR(object->as.subscription.path, "/foo/bar baz");
    ASSERT_STR(object->as.subscription.method, "GET");
    CU_ASSERT_FALSE(object->as.subscription.is_sync);
    ASSERT_STR(object->space, "default");
    ASSERT_STR(object->id, "YXN5bmMsdXNlci5jcmVhdGVkLGYyLCUyRmZvbyUyRmJhciUyMGJheixHRVQ");
    gw_object_unref(object);
    object = read_object(GW_SUBSCRIPTION, NULL,
                         "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":"
                         "\"f1\",\"path\":\"\",\"method\":\"post\"}");
    ASSERT_STR(object->id, "YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU");
    gw_object_unref(object);
}

static void empty_cors_lists_take_their_defaults(void) {
    struct gw_object *object = read_object(
        GW_CORS, NULL,
        "{\"method\":\"GET\",\"path\":\"/\",\"allowedOrigins\":[],\"allowedHeaders\":null}");
    CU_ASSERT_EQUAL_FATAL(object->as.cors.allowed_origins.count, 1);
    ASSERT_STR(object->as.cors.allowed_origins.items[0], "*");
    CU_ASSERT_EQUAL(object->as.cors.allowed_methods.count, 3);
    CU_ASSERT_EQUAL(object->as.cors.allowed_headers.count, 3);
    gw_object_unref(object);
}

static void stored_values_load_without_validation_and_the_key_is_right(void) {
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL_FATAL(
        gw_object_load(GW_EVENTTYPE, GW_STR("sp"), GW_STR("odd name"), 42,
                       GW_STR("{\"space\":\"x\",\"name\":\"y\",\"authorizerId\":\"auth\"}"),
                       &object, &why),
        0);
    ASSERT_STR(object->space, "sp");
    ASSERT_STR(object->id, "odd name");
    CU_ASSERT_EQUAL(object->revision, 42);
    ASSERT_STR(object->as.eventtype.authorizer_id, "auth");
    gw_object_unref(object);
    CU_ASSERT_EQUAL_FATAL(
        gw_object_load(GW_FUNCTION, GW_STR("default"), GW_STR("f"), 1,
                       GW_STR("{\"space\":\"default\",\"functionId\":\"f\",\"type\":\"awslambda\","
                              "\"provider\":{\"arn\":\"a\",\"region\":\"r\"},\"metadata\":{}}"),
                       &object, &why),
        0);
    ASSERT_STR(object->as.function.provider_json, "{\"arn\":\"a\",\"region\":\"r\"}");
    gw_object_unref(object);
}

static void stored_values_of_the_wrong_shape_are_refused_with_a_reason(void) {
    static const char *const values[] = {"", "not JSON", "[]", "{\"path\":7}",
                                         "{\"metadata\":{\"a\":1}}"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct gw_object *object = NULL;
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_EQUAL(gw_object_load(GW_CORS, GW_STR("default"), GW_STR("id"), 1,
                                       gw_str_c(values[i]), &object, &why),
                        EG_E_SYNTAX);
        CU_ASSERT_PTR_NULL(object);
        CU_ASSERT_TRUE(why.len > 0);
    }
}

static void a_deeply_nested_body_is_refused(void) {
    char *body = malloc(300001);
    memset(body, '[', 300000);
    body[300000] = '\0';
    assert_begins(GW_FUNCTION, body, gw_kind_words[GW_FUNCTION].prefix);
    free(body);
}

static void the_code_tells_shape_from_rules(void) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    const struct eg_str space = GW_STR("default");
    CU_ASSERT_EQUAL(gw_object_read(GW_EVENTTYPE, space, (struct eg_str){0}, GW_STR("{\"name\":1}"),
                                   &object, &refusal),
                    EG_E_SYNTAX);
    CU_ASSERT_EQUAL(
        gw_object_read(GW_EVENTTYPE, space, (struct eg_str){0}, GW_STR("{}"), &object, &refusal),
        EG_E_INVAL);
}

UNIT_MAIN(UNIT(empty_and_cut_off_bodies_are_told_as_the_original_does),
          UNIT(unusable_bodies_are_refused_with_the_prefix_of_the_kind),
          UNIT(wrong_types_name_the_field),
          UNIT(a_schema_is_an_object_or_a_boolean_of_bounded_size),
          UNIT(equal_schemas_have_equal_marks), UNIT(a_function_without_type_has_no_provider),
          UNIT(reading_is_lenient_about_names_repeats_and_tails),
          UNIT(space_and_id_of_the_path_win),
          UNIT(a_subscription_is_normalised_before_its_id_is_made),
          UNIT(empty_cors_lists_take_their_defaults),
          UNIT(stored_values_load_without_validation_and_the_key_is_right),
          UNIT(stored_values_of_the_wrong_shape_are_refused_with_a_reason),
          UNIT(a_deeply_nested_body_is_refused), UNIT(the_code_tells_shape_from_rules))
