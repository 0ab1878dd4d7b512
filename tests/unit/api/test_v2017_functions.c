/* Functions by the API of 2017: compatibility chapter 15.1, rows O17-02 to O17-11. */
#include "api/api_driver.h"

#define FUNCTIONS "/v1/functions"
#define F1 FUNCTIONS "/f1"
#define NEWER "/v1/spaces/default/functions"
#define STORED(id) "/serverless-event-gateway/functions/default/" id
#define HTTP_F1 "{\"functionId\":\"f1\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}"
#define LAMBDA(key)                                                                                \
    "{\"functionId\":\"l\",\"provider\":{\"type\":\"awslambda\",\"arn\":\"a\",\"region\":\"r\","   \
    "\"awsAccessKeyID\":\"k\",\"awsSecretAccessKey\":\"" key "\"}}"
#define INVALID(detail) "Function doesn't validate. Validation error: \\\"" detail "\\\""
#define EXPECT_2017(method, target, sent, want_status, message)                                    \
    EXPECT(method, target, sent, want_status, "{\"error\":\"" message "\"}")

static void start(void) {
    api_start((struct api_options){.has_v2017 = true});
}

static void a_function_is_created_read_listed_updated_and_deleted(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 200, HTTP_F1);
    EXPECT("GET", F1, NULL, 200, HTTP_F1);
    EXPECT("GET", FUNCTIONS, NULL, 200, "{\"functions\":[" HTTP_F1 "]}");
    EXPECT("PUT", F1, "{\"provider\":{\"type\":\"http\",\"url\":\"http://2\"}}", 200,
           "{\"functionId\":\"f1\",\"provider\":{\"type\":\"http\",\"url\":\"http://2\"}}");
    EXPECT("DELETE", F1, NULL, 204, "");
    EXPECT_2017("GET", F1, NULL, 404, "Function \\\"f1\\\" not found.");
    EXPECT_2017("DELETE", F1, NULL, 404, "Function \\\"f1\\\" not found.");
    api_stop();
}

static void what_is_there_already_is_a_bad_request(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 200, NULL);
    EXPECT_2017("POST", FUNCTIONS, HTTP_F1, 400, "Function \\\"f1\\\" already registered.");
    api_stop();
}

static void refusals_are_told_in_the_words_of_the_time(void) {
    start();
    EXPECT_2017("POST", FUNCTIONS, "{", 400, "Malformed JSON payload: unexpected EOF.");
    EXPECT_2017("POST", FUNCTIONS,
                "{\"functionId\":\"a/b\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}",
                400,
                INVALID("Key: 'Function.ID' Error:Field validation for 'ID' failed on the "
                        "'functionid' tag"));
    EXPECT_2017("POST", FUNCTIONS,
                "{\"functionId\":\"e\",\"provider\":{\"type\":\"emulator\",\"emulatorUrl\":\"u\","
                "\"apiVersion\":\"v0\"}}",
                400, INVALID("provider emulator not supported"));
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
    api_stop();
}

static void an_update_looks_for_the_function_before_it_validates(void) {
    start();
    EXPECT_2017("PUT", F1, "{", 400, "Malformed JSON payload: unexpected EOF.");
    EXPECT_2017("PUT", F1, "{}", 404, "Function \\\"f1\\\" not found.");
    EXPECT("POST", FUNCTIONS, HTTP_F1, 200, NULL);
    EXPECT_2017("PUT", F1, "{}", 400,
                INVALID("Key: 'Function.Provider' Error:Field validation for 'Provider' failed on "
                        "the 'required' tag"));
    EXPECT_2017("PUT", F1, "{\"provider\":{\"type\":\"http\"}}", 400,
                INVALID("Missing required fields for HTTP endpoint."));
    EXPECT("GET", F1, NULL, 200, HTTP_F1);
    api_stop();
}

static void secrets_are_masked_and_keep_their_value_when_they_come_back(void) {
    start();
    EXPECT("POST", FUNCTIONS, LAMBDA("secret"), 200, LAMBDA("*****"));
    EXPECT("GET", FUNCTIONS "/l", NULL, 200, LAMBDA("*****"));
    EXPECT("GET", FUNCTIONS, NULL, 200, "{\"functions\":[" LAMBDA("*****") "]}");
    EXPECT("PUT", FUNCTIONS "/l", LAMBDA("*****"), 200, LAMBDA("*****"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_get(STORED("l")), "\"awsSecretAccessKey\":\"secret\""));
    EXPECT("PUT", FUNCTIONS "/l", LAMBDA("other"), 200, LAMBDA("*****"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_get(STORED("l")), "\"awsSecretAccessKey\":\"other\""));
    EXPECT_2017("POST", FUNCTIONS,
                "{\"functionId\":\"m\",\"provider\":{\"type\":\"awslambda\",\"arn\":\"a\","
                "\"region\":\"r\",\"awsSecretAccessKey\":\"*****\"}}",
                400,
                INVALID("a secret is sent as \\\\\\\"*****\\\\\\\", which stands for the stored "
                        "one; none is stored"));
    api_stop();
}

static void secrets_are_shown_where_they_may_be(void) {
    api_start((struct api_options){.has_v2017 = true, .shows_secrets = true});
    EXPECT("POST", FUNCTIONS, LAMBDA("secret"), 200, LAMBDA("secret"));
    EXPECT("PUT", FUNCTIONS "/l", LAMBDA("*****"), 200, LAMBDA("*****"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_get(STORED("l")), "\"awsSecretAccessKey\":\"*****\""));
    api_stop();
}

static void a_masked_update_that_loses_a_race_keeps_the_newer_secret(void) {
    start();
    EXPECT("POST", FUNCTIONS, LAMBDA("first"), 200, NULL);
    fake_storage_hold(true);
    struct api_client *update = api_send("PUT", FUNCTIONS "/l", LAMBDA("*****"));
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    (void)fake_storage_set(STORED("l"),
                           "{\"space\":\"default\",\"functionId\":\"l\",\"type\":\"awslambda\","
                           "\"provider\":{\"arn\":\"a\",\"awsSecretAccessKey\":\"second\"}}");
    fake_storage_hold(false);
    fake_storage_release(1);
    CU_ASSERT_EQUAL(api_receive(update).status, 200);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_get(STORED("l")), "\"awsSecretAccessKey\":\"second\""));
    api_stop();
}

static void both_apis_show_the_same_functions(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 200, NULL);
    EXPECT("GET", NEWER "/f1", NULL, 200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
           "\"provider\":{\"url\":\"http://e\"}}");
    EXPECT("POST", NEWER,
           "{\"functionId\":\"a\",\"type\":\"vault\",\"provider\":{\"url\":\"u\",\"key\":\"k1\"}}",
           201, NULL);
    EXPECT("POST", "/v1/spaces/other/functions",
           "{\"functionId\":\"b\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}", 201, NULL);
    EXPECT("GET", FUNCTIONS, NULL, 200,
           "{\"functions\":[{\"functionId\":\"a\",\"provider\":{\"type\":\"vault\",\"url\":\"u\","
           "\"key\":\"*****\"}}," HTTP_F1 "]}");
    EXPECT_2017("PUT", FUNCTIONS "/a", "{\"provider\":{\"type\":\"vault\",\"key\":\"k2\"}}", 400,
                INVALID("Key: 'Function.Provider.Type' Error:Field validation for 'Type' failed on "
                        "the 'eq=awslambda|eq=http|eq=weighted|eq=emulator' tag"));
    EXPECT_2017("GET", FUNCTIONS "/b", NULL, 404, "Function \\\"b\\\" not found.");
    EXPECT("DELETE", FUNCTIONS "/a", NULL, 204, "");
    EXPECT("GET", NEWER "/a", NULL, 404, NULL);
    api_stop();
}

static void an_update_keeps_the_metadata_that_2017_knows_nothing_of(void) {
    start();
    EXPECT("POST", NEWER,
           "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":{\"url\":\"u\"},"
           "\"metadata\":{\"b\":\"2\",\"a\":\"1\"}}",
           201, NULL);
    EXPECT("PUT", F1, HTTP_F1, 200, HTTP_F1);
    EXPECT("GET", NEWER "/f1", NULL, 200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
           "\"provider\":{\"url\":\"http://e\"},\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}");
    api_stop();
}

static void a_function_in_use_stays(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 200, NULL);
    EXPECT("POST", "/v1/subscriptions", "{\"functionId\":\"f1\",\"event\":\"u\"}", 200, NULL);
    EXPECT_2017("DELETE", F1, NULL, 400,
                "Function cannot be deleted because it's subscribed to a least one event.");
    EXPECT("DELETE", "/v1/subscriptions/u-f1", NULL, 204, "");
    EXPECT("PUT", "/v1/spaces/default/eventtypes/u", "{\"authorizerId\":\"f1\"}", 200, NULL);
    EXPECT_2017("DELETE", F1, NULL, 400,
                "Function f1 cannot be deleted because is used as an authorizer for u event type.");
    EXPECT("PUT", "/v1/spaces/default/eventtypes/u", "{}", 200, NULL);
    EXPECT("DELETE", F1, NULL, 204, "");
    api_stop();
}

static void conditions_are_kept_as_in_the_newer_api(void) {
    start();
    const struct api_answer made = api_call("POST", FUNCTIONS, HTTP_F1);
    char headers[128];
    (void)snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", api_header(&made, "ETag"));
    CU_ASSERT_EQUAL(api_receive(api_send_with("GET", F1, headers, NULL, 0)).status, 304);
    const struct api_answer refused =
        api_receive(api_send_with("DELETE", F1, "If-Match: \"1-00000000\"\r\n", NULL, 0));
    CU_ASSERT_EQUAL(refused.status, 412);
    CU_ASSERT_EQUAL(strncmp(refused.body, "{\"error\":\"", 10), 0);
    EXPECT("GET", F1, NULL, 200, HTTP_F1);
    api_stop();
}

static void an_id_that_could_not_be_addressed_is_refused(void) {
    char body[6000] = "{\"functionId\":\"";
    char id[5001];
    memset(id, 'x', 5000);
    id[5000] = '\0';
    (void)strncat(body, id, sizeof body - 100);
    (void)strncat(body, "\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}", 80);
    start();
    EXPECT_2017("POST", FUNCTIONS, body, 400,
                INVALID("the identifier has 5000 bytes; at most 4096 are possible"));
    api_stop();
}

UNIT_MAIN(UNIT(a_function_is_created_read_listed_updated_and_deleted),
          UNIT(what_is_there_already_is_a_bad_request),
          UNIT(refusals_are_told_in_the_words_of_the_time),
          UNIT(an_update_looks_for_the_function_before_it_validates),
          UNIT(secrets_are_masked_and_keep_their_value_when_they_come_back),
          UNIT(secrets_are_shown_where_they_may_be),
          UNIT(a_masked_update_that_loses_a_race_keeps_the_newer_secret),
          UNIT(both_apis_show_the_same_functions),
          UNIT(an_update_keeps_the_metadata_that_2017_knows_nothing_of),
          UNIT(a_function_in_use_stays), UNIT(conditions_are_kept_as_in_the_newer_api),
          UNIT(an_id_that_could_not_be_addressed_is_refused))
