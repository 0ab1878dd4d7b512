/* How 2017 showed functions: compatibility chapter 15.1. */
#include "domain/objects.h"
#include "domain/v2017_objects.h"

static void assert_shown(const char *stored, const char *masked, const char *shown) {
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_bytes out;
    CU_ASSERT_EQUAL_FATAL(gw_object_load(GW_FUNCTION, GW_STR("default"), GW_STR("f"), 1,
                                         gw_str_c(stored), &object, &why),
                          EG_OK);
    gw_bytes_init(&out, 0);
    gw_v2017_function_write(&out, object, gw_str_c(masked));
    ASSERT_STR(gw_bytes_str(&out), shown);
    gw_bytes_free(&out);
    gw_object_unref(object);
}

static void the_type_is_the_first_field_of_the_provider(void) {
    assert_shown("{\"type\":\"http\",\"provider\":{\"url\":\"http://e\"}}", NULL,
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}");
    assert_shown("{\"type\":\"http\"}", NULL,
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"http\"}}");
}

static void fields_have_the_order_and_spelling_of_2017(void) {
    assert_shown("{\"type\":\"awslambda\",\"provider\":{\"awsSecretAccessKey\":\"s\","
                 "\"awsAccessKeyId\":\"k\",\"region\":\"r\",\"arn\":\"a\"}}",
                 NULL,
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"awslambda\",\"arn\":\"a\","
                 "\"region\":\"r\",\"awsAccessKeyID\":\"k\",\"awsSecretAccessKey\":\"s\"}}");
}

static void the_masked_text_is_shown_instead_of_the_stored_one(void) {
    assert_shown("{\"type\":\"awslambda\",\"provider\":{\"awsSecretAccessKey\":\"s\"}}",
                 "{\"awsSecretAccessKey\":\"*****\"}",
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"awslambda\","
                 "\"awsSecretAccessKey\":\"*****\"}}");
}

static void functions_of_the_newer_api_are_shown_with_all_their_provider_holds(void) {
    assert_shown("{\"type\":\"azurefunction\",\"provider\":{\"z\":{\"a\":[1,null]},\"url\":\"u\","
                 "\"type\":\"other\",\"b\":true},\"metadata\":{\"m\":\"n\"}}",
                 NULL,
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"azurefunction\",\"url\":\"u\","
                 "\"z\":{\"a\":[1,null]},\"b\":true}}");
}

static void a_provider_that_is_no_object_is_left_out(void) {
    assert_shown("{\"type\":\"x\",\"provider\":[1]}", NULL,
                 "{\"functionId\":\"f\",\"provider\":{\"type\":\"x\"}}");
}

UNIT_MAIN(UNIT(the_type_is_the_first_field_of_the_provider),
          UNIT(fields_have_the_order_and_spelling_of_2017),
          UNIT(the_masked_text_is_shown_instead_of_the_stored_one),
          UNIT(functions_of_the_newer_api_are_shown_with_all_their_provider_holds),
          UNIT(a_provider_that_is_no_object_is_left_out))
