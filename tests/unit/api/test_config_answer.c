/* What answers look like beyond the plain cases: errors without a text, strange bytes, long lists.
 */
#include "api/api_driver.h"

#define TYPES "/v1/spaces/default/eventtypes"

static void a_store_error_without_a_text_gets_one(void) {
    api_start((struct api_options){0});
    fake_storage_fail(EG_E_IO, NULL);
    EXPECT_ERROR("GET", TYPES, NULL, 500, "input/output error");
    fake_storage_fail(EG_E_TIMEOUT, "");
    EXPECT_ERROR("GET", TYPES, NULL, 503, "timed out");
    fake_storage_fail(EG_E_INTERNAL, "bad \xFF byte");
    EXPECT_ERROR("GET", TYPES, NULL, 500, "bad \xEF\xBF\xBD byte");
    api_stop();
}

static void only_503_tells_when_to_come_again(void) {
    api_start((struct api_options){0});
    fake_storage_fail(EG_E_IO, "x");
    struct api_answer answer = api_call("GET", TYPES, NULL);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "");
    fake_storage_fail(EG_E_UNAVAILABLE, "x");
    answer = api_call("GET", TYPES, NULL);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
    api_stop();
}

static void a_long_id_is_cut_in_the_message_and_stays_json(void) {
    static char target[6000] = TYPES "/";
    api_start((struct api_options){0});
    for (size_t at = strlen(target); at + 10 < sizeof target; at += 6) {
        memcpy(target + at, "%C3%A9", 7); /* two bytes each, so that a cut may hit the middle */
    }
    const struct api_answer answer = api_call("GET", target, NULL);
    CU_ASSERT_EQUAL(answer.status, 404);
    CU_ASSERT_TRUE(answer.body_len < 1200);
    CU_ASSERT_PTR_NULL(strstr(answer.body, "\xEF\xBF\xBD"));
    CU_ASSERT_STRING_EQUAL(answer.body + answer.body_len - 5, "\"}]}\n");
    api_stop();
}

static void a_list_of_thousands_is_whole(void) {
    api_start((struct api_options){0});
    for (unsigned i = 0; i < 3000; i++) {
        char key[96];
        char value[96];
        (void)snprintf(key, sizeof key, "/serverless-event-gateway/eventtypes/default/t%04u", i);
        (void)snprintf(value, sizeof value, "{\"space\":\"default\",\"name\":\"t%04u\"}", i);
        (void)fake_storage_set(key, value);
    }
    const struct api_answer answer = api_call("GET", TYPES, NULL);
    const char *one = "{\"space\":\"default\",\"name\":\"t0000\"}";
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(answer.body_len,
                    strlen("{\"eventTypes\":[]}\n") + 3000 * (strlen(one) + 1) - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "[{\"space\":\"default\",\"name\":\"t2999\"},"));
    api_stop();
}

static void stored_values_of_other_writers_are_answered_in_our_form(void) {
    api_start((struct api_options){0});
    (void)fake_storage_set("/serverless-event-gateway/functions/default/f",
                           " {\"type\" : \"gone\", \"provider\": {\"a\": \"s3cret\"}, \"x\": 1 } ");
    EXPECT("GET", "/v1/spaces/default/functions/f", NULL, 200,
           "{\"space\":\"default\",\"functionId\":\"f\",\"type\":\"gone\","
           "\"provider\":{\"a\":\"*****\"}}");
    api_stop();
}

UNIT_MAIN(UNIT(a_store_error_without_a_text_gets_one), UNIT(only_503_tells_when_to_come_again),
          UNIT(a_long_id_is_cut_in_the_message_and_stays_json), UNIT(a_list_of_thousands_is_whole),
          UNIT(stored_values_of_other_writers_are_answered_in_our_form))
