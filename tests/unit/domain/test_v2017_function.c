/* Bodies of functions in the API of 2017: compatibility chapter 15.1, O17-04, decision Q46. */
#include "base/slice.h"
#include "domain/v2017_objects.h"
#include "unit.h"

static struct gw_object *read(const char *id, const char *body) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    const int32_t rc =
        gw_v2017_function_read(GW_STR("default"), gw_str_c(id), gw_str_c(body), &object, &refusal);
    if (rc < 0) {
        printf("  refused: %.*s\n", GW_FMT(gw_why_str(&refusal.why)));
    }
    CU_ASSERT_EQUAL_FATAL(rc, EG_OK);
    return object;
}

static void assert_becomes(const char *body, const char *type, const char *provider) {
    struct gw_object *object = read("", body);
    CU_ASSERT_EQUAL(object->kind, GW_FUNCTION);
    ASSERT_STR(object->space, "default");
    ASSERT_STR(object->id, "f");
    ASSERT_STR(object->as.function.type, type);
    ASSERT_STR(object->as.function.provider_json, provider);
    gw_object_unref(object);
}

static void assert_malformed(const char *body, const char *why) {
    char text[512];
    struct gw_object *object = NULL;
    struct gw_refusal refusal = {0};
    (void)snprintf(text, sizeof text, "Malformed JSON payload: %s.", why);
    CU_ASSERT_EQUAL(
        gw_v2017_function_read(GW_STR("default"), GW_STR(""), gw_str_c(body), &object, &refusal),
        EG_E_SYNTAX);
    CU_ASSERT_PTR_NULL(object);
    CU_ASSERT_EQUAL(refusal.status, 400);
    ASSERT_STR(gw_why_str(&refusal.why), text);
}

static void the_type_moves_out_of_the_provider(void) {
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}",
                   "http", "{\"url\":\"http://e\"}");
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"url\":\"http://e\",\"type\":\"http\"}}",
                   "http", "{\"url\":\"http://e\"}");
    assert_becomes("{\"functionId\":\"f\",\"provider\":{}}", "", "{}");
}

static void the_key_of_aws_is_spelled_as_it_is_today(void) {
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"awslambda\",\"region\":\"r\","
                   "\"awsSecretAccessKey\":\"s\",\"awsAccessKeyID\":\"k\",\"arn\":\"a\"}}",
                   "awslambda",
                   "{\"arn\":\"a\",\"region\":\"r\",\"awsAccessKeyId\":\"k\","
                   "\"awsSecretAccessKey\":\"s\"}");
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"awslambda\","
                   "\"awsAccessKeyId\":\"k\"}}",
                   "awslambda", "{\"awsAccessKeyId\":\"k\"}");
}

static void weights_are_kept_without_what_is_not_theirs(void) {
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"weighted\",\"weighted\":["
                   "{\"FUNCTIONID\":\"a\",\"Weight\":3,\"x\":[]},{\"weight\":0},null]}}",
                   "weighted",
                   "{\"weighted\":[{\"functionId\":\"a\",\"weight\":3},"
                   "{\"functionId\":\"\",\"weight\":0},{\"functionId\":\"\",\"weight\":0}]}");
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"weighted\",\"weighted\":[]}}",
                   "weighted", "{}");
}

static void names_match_in_any_case_and_the_last_one_wins(void) {
    assert_becomes("{\"FunctionID\":\"e\",\"functionid\":\"f\",\"PROVIDER\":{\"TYPE\":\"x\","
                   "\"type\":\"http\",\"URL\":\"a\",\"url\":\"b\"}}",
                   "http", "{\"url\":\"b\"}");
}

static void empty_and_null_fields_are_unset(void) {
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"url\":\"\","
                   "\"arn\":null,\"weighted\":null,\"newer\":null}}",
                   "http", "{}");
    assert_becomes("{\"functionId\":\"f\",\"provider\":null}", "", "");
    assert_becomes("{\"functionId\":\"f\"} trailing", "", "");
}

static void fields_that_2017_did_not_know_go_to_the_provider(void) {
    assert_becomes("{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"a \\\"b\":{\"c\":[1]},"
                   "\"url\":\"u\",\"d\":false}}",
                   "http", "{\"url\":\"u\",\"a \\\"b\":{\"c\":[1]},\"d\":false}");
}

static void fields_beside_the_id_are_lifted_into_a_provider_without_a_type(void) {
    assert_becomes("{\"functionId\":\"f\",\"type\":\"awslambda\",\"arn\":\"a\",\"region\":\"r\"}",
                   "awslambda", "{\"arn\":\"a\",\"region\":\"r\"}");
    assert_becomes("{\"functionId\":\"f\",\"type\":\"http\",\"url\":\"a\","
                   "\"provider\":{\"url\":\"b\"}}",
                   "http", "{\"url\":\"b\"}");
    assert_becomes("{\"functionId\":\"f\",\"arn\":\"a\",\"provider\":null}", "", "{\"arn\":\"a\"}");
}

static void what_2017_took_keeps_its_meaning(void) {
    assert_becomes("{\"functionId\":\"f\",\"type\":\"http\",\"arn\":\"a\","
                   "\"provider\":{\"type\":\"awslambda\",\"region\":\"r\"}}",
                   "awslambda", "{\"region\":\"r\"}");
}

static void the_id_of_the_path_wins_on_updates(void) {
    struct gw_object *object = read("g", "{\"functionId\":\"f\",\"provider\":{}}");
    ASSERT_STR(object->id, "g");
    gw_object_unref(object);
}

static void bodies_of_a_wrong_shape_are_malformed(void) {
    assert_malformed("", "EOF");
    assert_malformed("{\"functionId\":\"f", "unexpected EOF");
    assert_malformed("garbage", "invalid character 'g' looking for beginning of value");
    assert_malformed("[]", "json: cannot unmarshal array into Go value of type Function");
    assert_malformed("\"f\"", "json: cannot unmarshal string into Go value of type Function");
    assert_malformed("{\"functionId\":5}", "json: cannot unmarshal number into Go struct field "
                                           "Function.functionId of type string");
    assert_malformed("{\"provider\":\"http\"}",
                     "json: cannot unmarshal string into Go struct field "
                     "Function.provider of type Provider");
    assert_malformed("{\"provider\":{\"type\":[]}}", "json: cannot unmarshal array into Go struct "
                                                     "field Provider.type of type string");
    assert_malformed("{\"provider\":{\"url\":{}}}", "json: cannot unmarshal object into Go struct "
                                                    "field Provider.url of type string");
    assert_malformed(
        "{\"type\":\"http\",\"url\":true}",
        "json: cannot unmarshal bool into Go struct field Provider.url of type string");
}

static void weights_of_a_wrong_shape_are_malformed(void) {
    const char *const weights[] = {"-1", "1.5", "\"1\"", "18446744073709551616", "{}"};
    const char *const kinds[] = {"number", "number", "string", "number", "object"};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        char body[256];
        char why[256];
        (void)snprintf(body, sizeof body, "{\"provider\":{\"weighted\":[{\"weight\":%s}]}}",
                       weights[i]);
        (void)snprintf(why, sizeof why,
                       "json: cannot unmarshal %s into Go struct field WeightedFunction.weight of "
                       "type uint",
                       kinds[i]);
        assert_malformed(body, why);
    }
    assert_malformed("{\"provider\":{\"weighted\":{}}}",
                     "json: cannot unmarshal object into Go struct field Provider.weighted of type "
                     "[]WeightedFunction");
    assert_malformed("{\"provider\":{\"weighted\":[1]}}",
                     "json: cannot unmarshal number into Go struct field Provider.weighted of type "
                     "WeightedFunction");
    assert_malformed("{\"provider\":{\"weighted\":[{\"functionId\":1}]}}",
                     "json: cannot unmarshal number into Go struct field "
                     "WeightedFunction.functionId of type string");
}

UNIT_MAIN(UNIT(the_type_moves_out_of_the_provider), UNIT(the_key_of_aws_is_spelled_as_it_is_today),
          UNIT(weights_are_kept_without_what_is_not_theirs),
          UNIT(names_match_in_any_case_and_the_last_one_wins),
          UNIT(empty_and_null_fields_are_unset),
          UNIT(fields_that_2017_did_not_know_go_to_the_provider),
          UNIT(fields_beside_the_id_are_lifted_into_a_provider_without_a_type),
          UNIT(what_2017_took_keeps_its_meaning), UNIT(the_id_of_the_path_wins_on_updates),
          UNIT(bodies_of_a_wrong_shape_are_malformed), UNIT(weights_of_a_wrong_shape_are_malformed))
