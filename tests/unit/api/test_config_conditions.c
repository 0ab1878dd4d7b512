/* If-Match and If-None-Match as lists of entity tags, RFC 9110 8.8.3, 13.1.1 and 13.1.2. */
#include "api/config_conditions.h"

#include "api/api_driver.h"
#include "base/slice.h"

#define TYPES "/v1/spaces/default/eventtypes"
#define FUNCTIONS "/v1/spaces/default/functions"
#define KEY_A "/serverless-event-gateway/eventtypes/default/a"
#define TYPE_A "{\"space\":\"default\",\"name\":\"a\"}"

/* ---- the lists ---- */

#define MARK 0x2a
#define T(revision) "\"" #revision "-0000002a\""

static struct gw_http_request with(struct eg_kv *headers, size_t count) {
    return (struct gw_http_request){.headers = headers, .header_count = count};
}

static enum gw_conditions check_one(const char *name, const char *value, bool is_get,
                                    uint64_t revision) {
    struct eg_kv headers[] = {{gw_str_c(name), gw_str_c(value)}};
    const struct gw_http_request request = with(headers, 1);
    return gw_config_conditions_check(
        &request, is_get,
        (struct gw_version){.revision = revision, .mark = revision == 0 ? 0 : MARK});
}

static void a_tag_is_revision_and_mark_in_quotes(void) {
    char room[GW_ETAG_BYTES];
    ASSERT_STR(gw_etag(room, (struct gw_version){7, 0xab}), "\"7-000000ab\"");
    ASSERT_STR(gw_etag(room, (struct gw_version){UINT64_MAX, UINT32_MAX}),
               "\"18446744073709551615-ffffffff\"");
}

static void if_match_holds_for_the_very_tag(void) {
    static const struct {
        const char *value;
        uint64_t revision;
        enum gw_conditions want;
    } cases[] = {
        {T(7), 7, GW_CONDITIONS_HOLD},
        {T(7), 8, GW_CONDITIONS_FAIL},
        {T(7), 77, GW_CONDITIONS_FAIL},
        {"\"07-0000002a\"", 7, GW_CONDITIONS_FAIL},
        {"\"7\"", 7, GW_CONDITIONS_FAIL},
        {"\"7-0000002b\"", 7, GW_CONDITIONS_FAIL}, /* the same revision of another content */
        {"\"\"", 7, GW_CONDITIONS_FAIL},
        {"W/" T(7), 7, GW_CONDITIONS_FAIL}, /* weak tags never match strongly */
        {T(6) ", " T(7), 7, GW_CONDITIONS_HOLD},
        {"W/" T(7) "," T(7), 7, GW_CONDITIONS_HOLD},
        {" , " T(6) " ,,\t" T(7) ",", 7, GW_CONDITIONS_HOLD},
        {"\"a,b\", " T(7), 7, GW_CONDITIONS_HOLD},
        {T(6) ", " T(8), 7, GW_CONDITIONS_FAIL},
        {"*", 7, GW_CONDITIONS_HOLD},
        {"*", 0, GW_CONDITIONS_FAIL},
        {"\"0-00000000\"", 0, GW_CONDITIONS_FAIL}, /* what is not there has no tag */
        {"\"\xC3\xA9!\"", 7, GW_CONDITIONS_FAIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(check_one("if-match", cases[i].value, false, cases[i].revision),
                        cases[i].want);
        CU_ASSERT_EQUAL(check_one("If-Match", cases[i].value, true, cases[i].revision),
                        cases[i].want);
    }
}

static void if_none_match_compares_weakly_and_means_304_on_get_only(void) {
    static const struct {
        const char *value;
        uint64_t revision;
        bool is_excluded;
    } cases[] = {{T(7), 7, true}, {"W/" T(7), 7, true}, {T(6), 7, false},        {"*", 7, true},
                 {"*", 0, false}, {T(7), 0, false},     {T(6) "," T(7), 7, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(check_one("If-None-Match", cases[i].value, true, cases[i].revision),
                        cases[i].is_excluded ? GW_CONDITIONS_UNCHANGED : GW_CONDITIONS_HOLD);
        CU_ASSERT_EQUAL(check_one("If-None-Match", cases[i].value, false, cases[i].revision),
                        cases[i].is_excluded ? GW_CONDITIONS_FAIL : GW_CONDITIONS_HOLD);
    }
}

static void what_is_no_list_of_tags_is_malformed(void) {
    static const char *const values[] = {
        "",       " ",        ",",        "7",       "\"7",      "7\"",    "\"7\" \"8\"",
        "\"7\"8", "'7'",      "w/\"7\"",  "W/7",     "W/",       "W\"7\"", "**",
        "* *",    "*, \"7\"", "\"7\", *", "\"a b\"", "\"a\tb\"", "\"7\";"};
    static const char *const names[] = {"If-Match", "If-None-Match"};
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct eg_kv headers[] = {{gw_str_c(names[n]), gw_str_c(values[i])}};
            const struct gw_http_request request = with(headers, 1);
            struct gw_refusal refusal = {0};
            CU_ASSERT_TRUE(gw_config_conditions_read(&request, &refusal) < 0);
            CU_ASSERT_EQUAL(refusal.status, 400);
            CU_ASSERT_TRUE(gw_str_starts(gw_why_str(&refusal.why), gw_str_c(names[n])));
        }
    }
}

static void a_repeated_header_is_one_list(void) {
    struct eg_kv headers[] = {{GW_STR("If-Match"), GW_STR(T(6))},
                              {GW_STR("Accept"), GW_STR("x")},
                              {GW_STR("if-match"), GW_STR(T(7))}};
    struct gw_refusal refusal = {0};
    struct gw_http_request request = with(headers, 3);
    CU_ASSERT_TRUE(gw_config_has_conditions(&request));
    CU_ASSERT_EQUAL(gw_config_conditions_read(&request, &refusal), EG_OK);
    CU_ASSERT_EQUAL(gw_config_conditions_check(&request, false, (struct gw_version){7, MARK}),
                    GW_CONDITIONS_HOLD);
    headers[2].value = GW_STR("*");
    CU_ASSERT_TRUE(gw_config_conditions_read(&request, &refusal) < 0);
    headers[2].value = GW_STR("x");
    CU_ASSERT_TRUE(gw_config_conditions_read(&request, &refusal) < 0);
    request = with(&headers[1], 1);
    CU_ASSERT_FALSE(gw_config_has_conditions(&request));
    CU_ASSERT_EQUAL(gw_config_conditions_check(&request, false, (struct gw_version){7, MARK}),
                    GW_CONDITIONS_HOLD);
    CU_ASSERT_EQUAL(gw_config_conditions_check(&request, false, (struct gw_version){0}),
                    GW_CONDITIONS_HOLD);
}

static void if_match_comes_before_if_none_match(void) {
    struct eg_kv headers[] = {{GW_STR("If-Match"), GW_STR(T(6))},
                              {GW_STR("If-None-Match"), GW_STR(T(7))}};
    const struct gw_http_request request = with(headers, 2);
    CU_ASSERT_EQUAL(gw_config_conditions_check(&request, true, (struct gw_version){7, MARK}),
                    GW_CONDITIONS_FAIL);
    CU_ASSERT_EQUAL(gw_config_conditions_check(&request, true, (struct gw_version){6, MARK}),
                    GW_CONDITIONS_HOLD);
}

/* ---- through the API ---- */

/* 77f6c842 is the mark of TYPE_A. */
static struct api_answer call(const char *method, const char *target, const char *headers,
                              const char *body) {
    return api_receive(
        api_send_with(method, target, headers, body, body == NULL ? 0 : strlen(body)));
}

static void expect_told(const struct api_answer *answer, int status, const char *tag,
                        const char *revision) {
    CU_ASSERT_EQUAL(answer->status, status);
    CU_ASSERT_STRING_EQUAL(api_header(answer, "ETag"), tag);
    CU_ASSERT_STRING_EQUAL(api_header(answer, "eg-config-revision"), revision);
}

static void answers_of_one_object_have_its_tag_and_writes_their_revision(void) {
    api_start((struct api_options){0});
    struct api_answer answer = api_call("POST", TYPES, "{\"name\":\"a\"}");
    expect_told(&answer, 201, "\"1-77f6c842\"", "1");
    answer = api_call("POST", TYPES, "{\"name\":\"b\"}");
    expect_told(&answer, 201, "\"2-0d742f3f\"", "2");
    answer = api_call("GET", TYPES "/a", NULL);
    expect_told(&answer, 200, "\"1-77f6c842\"", "");
    answer = api_call("PUT", TYPES "/a", "{}");
    expect_told(&answer, 200, "\"3-77f6c842\"", "3");
    answer = api_call("GET", TYPES, NULL);
    expect_told(&answer, 200, "", "");
    answer = api_call("DELETE", TYPES "/a", NULL);
    expect_told(&answer, 204, "", "4");
    answer = api_call("DELETE", TYPES "/a", NULL);
    expect_told(&answer, 404, "", "");
    answer = api_call("POST", TYPES, "{\"name\":\"b\"}");
    expect_told(&answer, 409, "", "");
    api_stop();
}

static void an_update_with_the_present_tag_goes_through_and_a_stale_one_is_412(void) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, TYPE_A);
    struct api_answer answer = call("PUT", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", "{}");
    expect_told(&answer, 200, "\"2-77f6c842\"", "2");
    answer = call("PUT", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", "{}");
    expect_told(&answer, 412, "", "");
    CU_ASSERT_STRING_EQUAL(
        answer.body, "{\"errors\":[{\"message\":\"Event Type \\\"a\\\" has been changed: its "
                     "ETag is \\\"2-77f6c842\\\" now, which If-Match does not name. Read it again "
                     "before changing it.\"}]}\n");
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-Match: W/\"2-77f6c842\"\r\n", "{}").status, 412);
    CU_ASSERT_EQUAL(
        call("PUT", TYPES "/a", "If-Match: \"1-77f6c842\", \"2-77f6c842\"\r\n", "{}").status, 200);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-Match: *\r\n", "{}").status, 200);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-Match: 4\r\n", "{}").status, 400);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-None-Match: *\r\n", "{}").status, 412);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-None-Match: \"9-77f6c842\"\r\n", "{}").status, 200);
    api_stop();
}

static void a_delete_with_the_present_tag_goes_through_and_a_stale_one_is_412(void) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, TYPE_A);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: \"9-77f6c842\"\r\n", NULL).status, 412);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: W/\"1-77f6c842\"\r\n", NULL).status, 412);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: \"1\r\n", NULL).status, 400);
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY_A));
    struct api_answer answer = call("DELETE", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", NULL);
    expect_told(&answer, 204, "", "2");
    CU_ASSERT_STRING_EQUAL(
        fake_storage_last_commit(),
        "remove " KEY_A " expect 1; prefix /serverless-event-gateway/subscriptions/default/ since "
        "1");
    CU_ASSERT_PTR_NULL(fake_storage_get(KEY_A));
    api_stop();
}

static void if_match_on_what_is_missing_is_412_and_404_without(void) {
    const char *const missing =
        "{\"errors\":[{\"message\":\"Event Type \\\"a\\\" does not exist, so If-Match cannot "
        "hold.\"}]}\n";
    api_start((struct api_options){0});
    struct api_answer answer = call("PUT", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", "{}");
    CU_ASSERT_EQUAL(answer.status, 412);
    CU_ASSERT_STRING_EQUAL(answer.body, missing);
    answer = call("DELETE", TYPES "/a", "If-Match: *\r\n", NULL);
    CU_ASSERT_EQUAL(answer.status, 412);
    CU_ASSERT_STRING_EQUAL(answer.body, missing);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-None-Match: *\r\n", "{}").status, 404);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-None-Match: \"3-77f6c842\"\r\n", NULL).status,
                    404);
    CU_ASSERT_EQUAL(call("GET", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", NULL).status, 404);
    EXPECT("PUT", TYPES "/a", "{}", 404, NULL);
    EXPECT("DELETE", TYPES "/a", NULL, 404, NULL);
    api_stop();
}

static void a_client_that_has_the_object_is_told_so_without_a_body(void) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, TYPE_A);
    struct api_answer answer = call("GET", TYPES "/a", "If-None-Match: W/\"1-77f6c842\"\r\n", NULL);
    expect_told(&answer, 304, "\"1-77f6c842\"", "");
    CU_ASSERT_EQUAL(answer.body_len, 0);
    answer = call("GET", TYPES "/a", "If-None-Match: \"2-77f6c842\"\r\n", NULL);
    expect_told(&answer, 200, "\"1-77f6c842\"", "");
    CU_ASSERT_EQUAL(call("GET", TYPES "/a", "If-Match: \"2-77f6c842\"\r\n", NULL).status, 412);
    CU_ASSERT_EQUAL(call("GET", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", NULL).status, 200);
    api_stop();
}

static void collections_have_no_tags(void) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, TYPE_A);
    CU_ASSERT_EQUAL(call("GET", TYPES, "If-None-Match: *\r\nIf-Match: x\r\n", NULL).status, 200);
    CU_ASSERT_EQUAL(call("POST", TYPES, "If-None-Match: *\r\n", "{\"name\":\"a\"}").status, 409);
    CU_ASSERT_EQUAL(call("POST", TYPES, "If-None-Match: *\r\n", "{\"name\":\"b\"}").status, 201);
    api_stop();
}

static void a_damaged_value_can_be_deleted_with_if_match(void) {
    api_start((struct api_options){0});
    (void)fake_storage_set(KEY_A, "{\"name\":");
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: \"2-315d1781\"\r\n", NULL).status, 412);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: \"1-315d1781\"\r\n", NULL).status, 204);
    CU_ASSERT_PTR_NULL(fake_storage_get(KEY_A));
    api_stop();
}

/* As after a restore of the store, or an import into another one. */
static void a_tag_of_the_same_revision_of_another_content_does_not_hold(void) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"metadata\":{\"by\":\"another\"}}", 201, NULL);
    CU_ASSERT_EQUAL(call("PUT", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", "{}").status, 412);
    CU_ASSERT_EQUAL(call("DELETE", TYPES "/a", "If-Match: \"1-77f6c842\"\r\n", NULL).status, 412);
    CU_ASSERT_EQUAL(call("GET", TYPES "/a", "If-None-Match: \"1-77f6c842\"\r\n", NULL).status, 200);
    api_stop();
}

static void what_does_not_validate_is_400_before_412_and_what_is_in_use_after(void) {
    api_start((struct api_options){0});
    EXPECT("POST", FUNCTIONS,
           "{\"functionId\":\"f\",\"type\":\"http\",\"provider\":{\"url\":\"http://f\"}}", 201,
           NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"f\"}", 201, NULL);
    CU_ASSERT_EQUAL(call("PUT", FUNCTIONS "/f", "If-Match: \"9-668f0248\"\r\n", "{").status, 400);
    CU_ASSERT_EQUAL(
        call("PUT", TYPES "/a", "If-Match: \"9-77f6c842\"\r\n", "{\"authorizerId\":\"x\"}").status,
        412);
    CU_ASSERT_EQUAL(call("DELETE", FUNCTIONS "/f", "If-Match: \"9-668f0248\"\r\n", NULL).status,
                    412);
    CU_ASSERT_EQUAL(call("DELETE", FUNCTIONS "/f", "If-Match: \"1-668f0248\"\r\n", NULL).status,
                    400);
    api_stop();
}

/* The update is at the point of writing when somebody else writes. */
static int lose_race(const char *method, const char *condition, const char *body,
                     const char *others_key) {
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, TYPE_A);
    fake_storage_hold(true);
    struct api_client *client =
        api_send_with(method, TYPES "/a", condition, body, body == NULL ? 0 : strlen(body));
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    (void)fake_storage_set(others_key, "{\"name\":\"a\",\"metadata\":{\"by\":\"another\"}}");
    fake_storage_hold(false);
    fake_storage_release(1);
    const int status = api_receive(client).status;
    CU_ASSERT_EQUAL(fake_storage_get(KEY_A) == NULL,
                    strcmp(method, "DELETE") == 0 && status == 204);
    api_stop();
    return status;
}

static void losing_the_race_with_if_match_is_412(void) {
    CU_ASSERT_EQUAL(lose_race("PUT", "If-Match: \"1-77f6c842\"\r\n", "{}", KEY_A), 412);
    CU_ASSERT_EQUAL(lose_race("DELETE", "If-Match: \"1-77f6c842\"\r\n", NULL, KEY_A), 412);
    CU_ASSERT_EQUAL(lose_race("PUT", "If-Match: *\r\n", "{}", KEY_A), 200);
    CU_ASSERT_EQUAL(lose_race("DELETE", "If-Match: *\r\n", NULL, KEY_A), 204);
    CU_ASSERT_EQUAL(lose_race("PUT", "", "{}", KEY_A), 200);
}

static void losing_a_race_against_another_object_is_tried_again(void) {
    const char *other = "/serverless-event-gateway/subscriptions/default/s";
    CU_ASSERT_EQUAL(lose_race("DELETE", "If-Match: \"1-77f6c842\"\r\n", NULL, other), 204);
}

UNIT_MAIN(UNIT(a_tag_is_revision_and_mark_in_quotes), UNIT(if_match_holds_for_the_very_tag),
          UNIT(if_none_match_compares_weakly_and_means_304_on_get_only),
          UNIT(what_is_no_list_of_tags_is_malformed), UNIT(a_repeated_header_is_one_list),
          UNIT(if_match_comes_before_if_none_match),
          UNIT(answers_of_one_object_have_its_tag_and_writes_their_revision),
          UNIT(an_update_with_the_present_tag_goes_through_and_a_stale_one_is_412),
          UNIT(a_delete_with_the_present_tag_goes_through_and_a_stale_one_is_412),
          UNIT(if_match_on_what_is_missing_is_412_and_404_without),
          UNIT(a_client_that_has_the_object_is_told_so_without_a_body),
          UNIT(collections_have_no_tags), UNIT(a_damaged_value_can_be_deleted_with_if_match),
          UNIT(a_tag_of_the_same_revision_of_another_content_does_not_hold),
          UNIT(what_does_not_validate_is_400_before_412_and_what_is_in_use_after),
          UNIT(losing_the_race_with_if_match_is_412),
          UNIT(losing_a_race_against_another_object_is_tried_again))
