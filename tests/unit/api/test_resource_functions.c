/* Functions: compatibility chapter 4.2 and the rows FN of the cases; masked secrets (Q20). */
#include "api/api_driver.h"

#define FUNCTIONS "/v1/spaces/default/functions"
#define F1 FUNCTIONS "/f1"
#define PREFIX "Function doesn't validate. Validation error: "
#define STORED "/serverless-event-gateway/functions/default/f1"
#define HTTP_F1 "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":{\"url\":\"http://e.com\"}}"
#define VAULT_F1                                                                                   \
    "{\"functionId\":\"f1\",\"type\":\"vault\","                                                   \
    "\"provider\":{\"url\":\"u\",\"key\":\"k1\",\"token\":\"t1\"}}"

static void start(void) {
    api_start((struct api_options){0});
}

static void a_function_is_created_read_listed_updated_and_deleted(void) {
    const char *object = "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
                         "\"provider\":{\"url\":\"http://e.com\"}}";
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, object);
    EXPECT("GET", F1, NULL, 200, object);
    EXPECT("GET", FUNCTIONS, NULL, 200,
           "{\"functions\":[{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
           "\"provider\":{\"url\":\"http://e.com\"}}]}");
    EXPECT("PUT", F1, "{\"type\":\"http\",\"provider\":{\"url\":\"http://2\"}}", 200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
           "\"provider\":{\"url\":\"http://2\"}}");
    EXPECT("DELETE", F1, NULL, 204, "");
    EXPECT_ERROR("GET", F1, NULL, 404, "Function \\\"f1\\\" not found.");
    EXPECT_ERROR("DELETE", F1, NULL, 404, "Function \\\"f1\\\" not found.");
    api_stop();
}

static void a_second_create_is_a_conflict(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, NULL);
    EXPECT_ERROR("POST", FUNCTIONS, HTTP_F1, 409, "Function \\\"f1\\\" already registered.");
    api_stop();
}

static void the_space_of_the_path_wins_and_unknown_fields_are_dropped(void) {
    start();
    EXPECT("POST", FUNCTIONS,
           "{\"space\":\"other\",\"what\":1,\"functionid\":\"zz\",\"functionId\":\"f1\","
           "\"type\":\"http\",\"provider\":{\"url\":\"u\",\"nope\":1},\"metadata\":{}} }}} junk",
           201,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
           "\"provider\":{\"url\":\"u\"}}");
    api_stop();
}

static void the_checks_come_in_their_order(void) {
    start();
    EXPECT_ERROR("POST", FUNCTIONS, "", 400, PREFIX "EOF");
    EXPECT_ERROR("POST", FUNCTIONS, "{", 400, PREFIX "unexpected EOF");
    EXPECT_ERROR("POST", FUNCTIONS, "{\"functionId\":\"a b\"}", 400,
                 PREFIX "provider configuration not set");
    EXPECT_ERROR("POST", FUNCTIONS, "{\"functionId\":\"a b\",\"type\":null}", 400,
                 PREFIX "provider configuration not set");
    EXPECT_ERROR("POST", FUNCTIONS, "{\"functionId\":\"a b\",\"type\":\"gcf\"}", 400,
                 PREFIX "provider gcf not supported");
    EXPECT_ERROR("POST", FUNCTIONS, "{\"functionId\":\"a b\",\"type\":\"http\"}", 400,
                 PREFIX "missing required fields for HTTP endpoint");
    EXPECT_ERROR("POST", FUNCTIONS,
                 "{\"functionId\":\"a b\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}", 400,
                 PREFIX "Key: 'Function.ID' Error:Field validation for 'ID' failed on the "
                        "'functionid' tag");
    EXPECT_ERROR("POST", FUNCTIONS, "{\"type\":\"http\",\"provider\":{\"url\":\"u\"}}", 400,
                 PREFIX "Key: 'Function.ID' Error:Field validation for 'ID' failed on the "
                        "'required' tag");
    EXPECT_ERROR("POST", "/v1/spaces/ab/functions", HTTP_F1, 400,
                 PREFIX "Key: 'Function.Space' Error:Field validation for 'Space' failed on the "
                        "'min' tag");
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
    api_stop();
}

static void a_provider_of_the_wrong_type_is_refused(void) {
    static const char *const providers[] = {"[]", "\"x\"", "1", "{\"url\":1}", "{\"url\":[]}"};
    start();
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body,
                       "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":%s}", providers[i]);
        const struct api_answer answer = api_call("POST", FUNCTIONS, body);
        CU_ASSERT_EQUAL(answer.status, 400);
        CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, PREFIX));
    }
    api_stop();
}

static void an_update_checks_the_id_of_the_path_before_it_looks_for_the_object(void) {
    const char *body = "{\"type\":\"http\",\"provider\":{\"url\":\"u\"}}";
    start();
    EXPECT_ERROR("PUT", FUNCTIONS "/a%20b", body, 400,
                 PREFIX "Key: 'Function.ID' Error:Field validation for 'ID' failed on the "
                        "'functionid' tag");
    EXPECT_ERROR("PUT", FUNCTIONS "/nope", body, 404, "Function \\\"nope\\\" not found.");
    EXPECT_ERROR("PUT", FUNCTIONS "/nope", "{}", 400, PREFIX "provider configuration not set");
    api_stop();
}

static void a_function_in_use_cannot_be_deleted(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, NULL);
    EXPECT("POST", "/v1/spaces/default/eventtypes", "{\"name\":\"a\",\"authorizerId\":\"f1\"}", 201,
           NULL);
    EXPECT("POST", "/v1/spaces/default/eventtypes", "{\"name\":\"b\",\"authorizerId\":\"f1\"}", 201,
           NULL);
    EXPECT_ERROR("DELETE", F1, NULL, 400,
                 "Function f1 cannot be deleted because is used as an authorizer for b event "
                 "type.");
    EXPECT("POST", "/v1/spaces/default/subscriptions",
           "{\"type\":\"async\",\"eventType\":\"a\",\"functionId\":\"f1\"}", 201, NULL);
    EXPECT_ERROR("DELETE", F1, NULL, 400,
                 "Function cannot be deleted because it's subscribed to a least one event.");
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(STORED));
    api_stop();
}

static void use_in_another_space_does_not_count(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, NULL);
    EXPECT("POST", "/v1/spaces/other/functions", HTTP_F1, 201, NULL);
    EXPECT("POST", "/v1/spaces/other/eventtypes", "{\"name\":\"a\",\"authorizerId\":\"f1\"}", 201,
           NULL);
    EXPECT("DELETE", F1, NULL, 204, "");
    api_stop();
}

static void secrets_are_stored_in_clear_and_answered_masked(void) {
    const char *masked = "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"vault\","
                         "\"provider\":{\"url\":\"u\",\"key\":\"*****\",\"token\":\"*****\"}}";
    start();
    EXPECT("POST", FUNCTIONS, VAULT_F1, 201, masked);
    EXPECT("GET", F1, NULL, 200, masked);
    const struct api_answer list = api_call("GET", FUNCTIONS, NULL);
    CU_ASSERT_PTR_NULL(strstr(list.body, "t1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_get(STORED), "\"key\":\"k1\",\"token\":\"t1\""));
    api_stop();
}

static void a_masked_secret_that_comes_back_keeps_the_stored_one(void) {
    start();
    EXPECT("POST", FUNCTIONS, VAULT_F1, 201, NULL);
    EXPECT("PUT", F1,
           "{\"type\":\"vault\",\"provider\":{\"URL\":\"u2\",\"KEY\":\"*****\",\"token\":\"t2\"}}",
           200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"vault\","
           "\"provider\":{\"url\":\"u2\",\"key\":\"*****\",\"token\":\"*****\"}}");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_get(STORED), "{\"url\":\"u2\",\"key\":\"k1\",\"token\":\"t2\"}"));
    api_stop();
}

static void a_masked_secret_with_nothing_to_keep_is_refused(void) {
    start();
    EXPECT_ERROR("POST", FUNCTIONS,
                 "{\"functionId\":\"f1\",\"type\":\"vault\",\"provider\":{\"key\":\"k\","
                 "\"token\":\"*****\"}}",
                 400,
                 PREFIX "a secret is sent as \\\"*****\\\", which stands for the stored one; none "
                        "is stored");
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, NULL);
    EXPECT("PUT", F1, "{\"type\":\"vault\",\"provider\":{\"key\":\"k\",\"token\":\"*****\"}}", 400,
           NULL);
    EXPECT_ERROR("PUT", F1, "{\"type\":\"gone\",\"provider\":{\"key\":\"*****\"}}", 400,
                 PREFIX "provider gone not supported");
    CU_ASSERT_PTR_NULL(strstr(fake_storage_get(STORED), "***"));
    api_stop();
}

static void a_masked_secret_that_was_never_set_stays_unset(void) {
    start();
    EXPECT("POST", FUNCTIONS,
           "{\"functionId\":\"f1\",\"type\":\"vault\",\"provider\":{\"key\":\"k\"}}", 201, NULL);
    EXPECT("PUT", F1, "{\"type\":\"vault\",\"provider\":{\"key\":\"*****\",\"token\":\"*****\"}}",
           200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"vault\","
           "\"provider\":{\"key\":\"*****\"}}");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_get(STORED), "\"provider\":{\"key\":\"k\"}"));
    api_stop();
}

static void a_masked_unknown_field_is_dropped_like_any_other(void) {
    start();
    EXPECT("POST", FUNCTIONS,
           "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":{\"url\":\"u\","
           "\"no\":\"*****\"}}",
           201, NULL);
    EXPECT("PUT", F1, "{\"type\":\"http\",\"provider\":{\"url\":\"u\",\"no\":\"*****\"}}", 200,
           NULL);
    api_stop();
}

static void with_secrets_shown_the_stars_are_just_text(void) {
    api_start((struct api_options){.shows_secrets = true});
    EXPECT("POST", FUNCTIONS, VAULT_F1, 201,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"vault\","
           "\"provider\":{\"url\":\"u\",\"key\":\"k1\",\"token\":\"t1\"}}");
    EXPECT("PUT", F1, "{\"type\":\"vault\",\"provider\":{\"key\":\"k\",\"token\":\"*****\"}}", 200,
           NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_get(STORED), "\"token\":\"*****\""));
    api_stop();
}

static void a_function_may_change_its_type(void) {
    start();
    EXPECT("POST", FUNCTIONS, HTTP_F1, 201, NULL);
    EXPECT("PUT", F1, "{\"type\":\"vault\",\"provider\":{\"key\":\"k\"}}", 200,
           "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"vault\","
           "\"provider\":{\"key\":\"*****\"}}");
    api_stop();
}

UNIT_MAIN(UNIT(a_function_is_created_read_listed_updated_and_deleted),
          UNIT(a_second_create_is_a_conflict),
          UNIT(the_space_of_the_path_wins_and_unknown_fields_are_dropped),
          UNIT(the_checks_come_in_their_order), UNIT(a_provider_of_the_wrong_type_is_refused),
          UNIT(an_update_checks_the_id_of_the_path_before_it_looks_for_the_object),
          UNIT(a_function_in_use_cannot_be_deleted), UNIT(use_in_another_space_does_not_count),
          UNIT(secrets_are_stored_in_clear_and_answered_masked),
          UNIT(a_masked_secret_that_comes_back_keeps_the_stored_one),
          UNIT(a_masked_secret_with_nothing_to_keep_is_refused),
          UNIT(a_masked_secret_that_was_never_set_stays_unset),
          UNIT(a_masked_unknown_field_is_dropped_like_any_other),
          UNIT(with_secrets_shown_the_stars_are_just_text), UNIT(a_function_may_change_its_type))
