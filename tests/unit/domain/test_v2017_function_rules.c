/* Which functions 2017 refused, and in which words: compatibility chapter 15.1, O17-06. */
#include "base/slice.h"
#include "domain/v2017_objects.h"
#include "unit.h"

#define LINE(place, field, tag)                                                                    \
    "Key: 'Function." place "' Error:Field validation for '" field "' failed on the '" tag "' tag"
#define NO_ID LINE("ID", "ID", "required")
#define BAD_ID LINE("ID", "ID", "functionid")
#define NO_PROVIDER LINE("Provider", "Provider", "required")
#define NO_TYPE LINE("Provider.Type", "Type", "required")
#define BAD_TYPE LINE("Provider.Type", "Type", "eq=awslambda|eq=http|eq=weighted|eq=emulator")
#define BAD_URL LINE("Provider.URL", "URL", "url")
#define AND "\\n"

static int32_t check(const char *body, struct gw_refusal *ret_refusal) {
    struct gw_object *object = NULL;
    CU_ASSERT_EQUAL_FATAL(
        gw_v2017_function_read(GW_STR("default"), GW_STR(""), gw_str_c(body), &object, ret_refusal),
        EG_OK);
    const int32_t rc = gw_v2017_function_check(object, ret_refusal);
    gw_object_unref(object);
    return rc;
}

static void assert_refused(const char *body, const char *detail) {
    char text[1024];
    struct gw_refusal refusal = {0};
    (void)snprintf(text, sizeof text, "Function doesn't validate. Validation error: \"%s\"",
                   detail);
    CU_ASSERT_EQUAL(check(body, &refusal), EG_E_INVAL);
    CU_ASSERT_EQUAL(refusal.status, 400);
    ASSERT_STR(gw_why_str(&refusal.why), text);
}

static void assert_taken(const char *body) {
    struct gw_refusal refusal = {0};
    const int32_t rc = check(body, &refusal);
    if (rc < 0) {
        printf("  refused: %.*s\n", GW_FMT(gw_why_str(&refusal.why)));
    }
    CU_ASSERT_EQUAL(rc, EG_OK);
}

#define F(provider) "{\"functionId\":\"f\",\"provider\":" provider "}"

static void each_type_is_taken_with_all_it_needs(void) {
    assert_taken(F("{\"type\":\"http\",\"url\":\"http://e\"}"));
    assert_taken(F("{\"type\":\"awslambda\",\"arn\":\"a\",\"region\":\"r\"}"));
    assert_taken(F("{\"type\":\"weighted\",\"weighted\":[{\"functionId\":\"a\",\"weight\":0},"
                   "{\"functionId\":\"b\",\"weight\":1}]}"));
    assert_taken(F("{\"type\":\"emulator\",\"emulatorUrl\":\"http://e\",\"apiVersion\":\"v0\"}"));
}

static void fields_that_fail_are_told_in_order(void) {
    assert_refused("{}", NO_ID AND NO_PROVIDER);
    assert_refused("null", NO_ID AND NO_PROVIDER);
    assert_refused("{\"functionId\":\"a/b\"}", BAD_ID AND NO_PROVIDER);
    assert_refused("{\"provider\":{}}", NO_ID AND NO_TYPE);
    assert_refused(F("{\"url\":\"e\"}"), NO_TYPE AND BAD_URL);
    assert_refused(F("{\"type\":\"gcf\",\"url\":\"e\"}"), BAD_TYPE AND BAD_URL);
    assert_refused(F("{\"type\":\"HTTP\",\"url\":\"http://e\"}"), BAD_TYPE);
}

static void a_url_begins_with_a_scheme_whatever_the_type_is(void) {
    const char *const bad[] = {"e", "/e", "//e/f", ":e", "1a:e", "a b://c", "http://e/\\u0001"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[256];
        (void)snprintf(body, sizeof body,
                       F("{\"type\":\"awslambda\",\"arn\":\"a\",\"region\":\"r\",\"url\":\"%s\"}"),
                       bad[i]);
        assert_refused(body, BAD_URL);
    }
    assert_taken(F("{\"type\":\"http\",\"url\":\"git+ssh://e\"}"));
}

static void what_a_type_needs_is_told_after_the_fields(void) {
    const char *const lambda = "Missing required fields for AWS Lambda function.";
    assert_refused(F("{\"type\":\"awslambda\"}"), lambda);
    assert_refused(F("{\"type\":\"awslambda\",\"arn\":\"a\",\"region\":\"\"}"), lambda);
    assert_refused(F("{\"type\":\"http\"}"), "Missing required fields for HTTP endpoint.");
    assert_refused(F("{\"type\":\"weighted\"}"), "Missing required fields for weighted function.");
    assert_refused(F("{\"type\":\"weighted\",\"weighted\":[{\"functionId\":\"a\"}]}"),
                   "Function weights sum to zero.");
    assert_refused(F("{\"type\":\"emulator\",\"apiVersion\":\"v0\"}"),
                   "Missing required field emulatorURL for Emulator function.");
    assert_refused(F("{\"type\":\"emulator\",\"emulatorUrl\":\"http://e\"}"),
                   "Missing required field apiVersion for Emulator function.");
}

UNIT_MAIN(UNIT(each_type_is_taken_with_all_it_needs), UNIT(fields_that_fail_are_told_in_order),
          UNIT(a_url_begins_with_a_scheme_whatever_the_type_is),
          UNIT(what_a_type_needs_is_told_after_the_fields))
