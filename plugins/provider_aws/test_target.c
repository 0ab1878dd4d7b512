/* target.c: what a function may configure, and the sentences of the Config API. */
#include "fake_calls.h"

static struct eg_why why;

static int32_t bind(const char *type, struct aws_target_settings settings) {
    why = (struct eg_why){.struct_size = sizeof why};
    return rig_bind(type, &settings, &why);
}

static struct eg_str reason(void) {
    return egx_str_n(why.text, why.len);
}

/* A type with its own required field; the others are the same for all. */
static struct aws_target_settings with(const char *type, const char *name, const char *region) {
    struct aws_target_settings settings = {.region = egx_str_c(region)};
    struct eg_str *const fields[] = {&settings.arn, &settings.stream_name,
                                     &settings.delivery_stream_name, &settings.queue_url};
    static const char *const types[] = {"awslambda", "awskinesis", "awsfirehose", "awssqs"};
    for (size_t i = 0; i < EGX_COUNT(types); i++) {
        if (strcmp(types[i], type) == 0) {
            *fields[i] = egx_str_c(name);
        }
    }
    return settings;
}

static const struct {
    const char *type;
    const char *text;
} rows[] = {
    {"awslambda", "missing required fields for AWS Lambda function"},
    {"awskinesis", "missing required fields for AWS Kinesis function"},
    {"awsfirehose", "missing required fields for AWS Firehose function"},
    {"awssqs", "missing required fields for AWS SQS function"},
};

static void the_required_fields_are_enough(void) {
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(bind(rows[i].type, with(rows[i].type, "not even a name", "r")), EG_OK);
    }
}

static void a_missing_required_field_has_the_text_of_its_type(void) {
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(bind(rows[i].type, with(rows[i].type, "x", "")), EG_E_INVAL);
        ASSERT_STR(reason(), rows[i].text);
        CU_ASSERT_EQUAL(bind(rows[i].type, with(rows[i].type, "", "eu-west-1")), EG_E_INVAL);
        ASSERT_STR(reason(), rows[i].text);
        CU_ASSERT_EQUAL(bind(rows[i].type, with("", "x", "eu-west-1")), EG_E_INVAL);
        ASSERT_STR(reason(), rows[i].text);
    }
}

static void an_endpoint_has_to_be_an_address(void) {
    static const char *const bad[] = {"localhost:4566", "ftp://x", "http://", "http://h/?a=1"};
    struct aws_target_settings settings = with("awslambda", "f", "r");
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        settings.endpoint = egx_str_c(bad[i]);
        CU_ASSERT_EQUAL(bind("awslambda", settings), EG_E_INVAL);
        CU_ASSERT_TRUE(
            egx_str_starts(reason(), EGX_STR("endpoint has to be an http:// or https://")));
    }
    settings.endpoint = EGX_STR("http://127.0.0.1:4566");
    CU_ASSERT_EQUAL(bind("awslambda", settings), EG_OK);
}

static void an_invocation_type_is_one_of_two(void) {
    struct aws_target_settings settings = with("awslambda", "f", "r");
    settings.invocation_type = EGX_STR("Event");
    CU_ASSERT_EQUAL(bind("awslambda", settings), EG_OK);
    settings.invocation_type = EGX_STR("DryRun");
    CU_ASSERT_EQUAL(bind("awslambda", settings), EG_E_INVAL);
    ASSERT_STR(reason(),
               "invocationType has to be RequestResponse or Event, and is not \"DryRun\"");
}

static void a_pointer_has_to_be_one(void) {
    static const char *const bad[] = {"data", "$.data", "/a~2", "/a~"};
    struct aws_target_settings settings = with("awskinesis", "s", "r");
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        settings.partition_key_pointer = egx_str_c(bad[i]);
        CU_ASSERT_EQUAL(bind("awskinesis", settings), EG_E_INVAL);
        CU_ASSERT_TRUE(
            egx_str_starts(reason(), EGX_STR("partitionKeyPointer has to be a JSON pointer")));
    }
    settings.partition_key_pointer = EGX_STR("/a~0b/~1");
    CU_ASSERT_EQUAL(bind("awskinesis", settings), EG_OK);
}

static void a_name_longer_than_any_is_refused(void) {
    static char name[3001];
    memset(name, 'a', sizeof name - 1);
    CU_ASSERT_EQUAL(bind("awslambda", with("awslambda", name, "r")), EG_E_INVAL);
    ASSERT_STR(reason(), "aaaaaaaaaaaaaaaaaaaa... is longer than 2048 bytes");
}

static void a_timeout_becomes_that_of_the_target(void) {
    rig_begin("awslambda", NULL, "{\"arn\":\"f\",\"region\":\"r\",\"timeout\":\"2m\"}");
    CU_ASSERT_EQUAL(rig.traits.timeout_ns, 120000000000u);
    CU_ASSERT_EQUAL(rig.traits.event_version, EG_CE_AS_RECEIVED);
    rig_end();
}

UNIT_MAIN(UNIT(the_required_fields_are_enough),
          UNIT(a_missing_required_field_has_the_text_of_its_type),
          UNIT(an_endpoint_has_to_be_an_address), UNIT(an_invocation_type_is_one_of_two),
          UNIT(a_pointer_has_to_be_one), UNIT(a_name_longer_than_any_is_refused),
          UNIT(a_timeout_becomes_that_of_the_target))
