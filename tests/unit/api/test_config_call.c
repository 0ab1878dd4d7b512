/*
 * The road of every operation: lost races, a store that is slow, away or broken, damaged values,
 * and bodies that nobody should send. Compatibility chapters 2.1, 2.2 and 3.2, CFG-27.
 */
#include "api/api_driver.h"

#include "base/clock.h"

#define TYPES "/v1/spaces/default/eventtypes"
#define TYPE_A "{\"space\":\"default\",\"name\":\"a\"}"
#define KEY_A "/serverless-event-gateway/eventtypes/default/a"
#define NAME_A "{\"name\":\"a\"}"

static const char *const collections[] = {
    "/v1/spaces/default/eventtypes", "/v1/spaces/default/functions",
    "/v1/spaces/default/subscriptions", "/v1/spaces/default/cors"};
static const char *const prefixes[] = {"Event Type doesn't validate. Validation error: ",
                                       "Function doesn't validate. Validation error: ",
                                       "Subscription doesn't validate. Validation error: ",
                                       "CORS configuration doesn't validate. Validation error: "};
#define COLLECTIONS (sizeof collections / sizeof collections[0])

static void start(void) {
    api_start((struct api_options){0});
}

static void of_two_racing_creates_one_wins(void) {
    start();
    fake_storage_hold(true);
    struct api_client *first = api_send("POST", TYPES, NAME_A);
    struct api_client *second = api_send("POST", TYPES, NAME_A);
    api_turn_until_held(2);
    fake_storage_release(2); /* both see that there is nothing */
    api_turn_until_held(2);
    fake_storage_release(2); /* both write */
    fake_storage_hold(false);
    const int a = api_receive(first).status;
    const int b = api_receive(second).status;
    CU_ASSERT_TRUE((a == 201 && b == 409) || (a == 409 && b == 201));
    api_stop();
}

static void two_racing_updates_both_succeed_and_the_later_one_stays(void) {
    start();
    EXPECT("POST", TYPES, NAME_A, 201, TYPE_A);
    fake_storage_hold(true);
    struct api_client *first = api_send("PUT", TYPES "/a", "{\"metadata\":{\"n\":\"1\"}}");
    api_turn_until_held(1);
    struct api_client *second = api_send("PUT", TYPES "/a", "{\"metadata\":{\"n\":\"2\"}}");
    api_turn_until_held(2);
    fake_storage_release(2);
    api_turn_until_held(2);
    fake_storage_release(2);
    fake_storage_hold(false);
    CU_ASSERT_EQUAL(api_receive(first).status, 200);
    CU_ASSERT_EQUAL(api_receive(second).status, 200);
    EXPECT("GET", TYPES "/a", NULL, 200,
           "{\"space\":\"default\",\"name\":\"a\",\"metadata\":{\"n\":\"2\"}}");
    api_stop();
}

static void an_update_that_loses_to_a_delete_is_not_found(void) {
    start();
    EXPECT("POST", TYPES, NAME_A, 201, TYPE_A);
    fake_storage_hold(true);
    struct api_client *update = api_send("PUT", TYPES "/a", "{}");
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    (void)fake_storage_set(KEY_A, NULL);
    fake_storage_hold(false);
    fake_storage_release(1);
    CU_ASSERT_EQUAL(api_receive(update).status, 404);
    CU_ASSERT_PTR_NULL(fake_storage_get(KEY_A));
    api_stop();
}

static void a_masked_update_that_loses_a_race_keeps_the_newer_secret(void) {
    const char *key = "/serverless-event-gateway/functions/default/f";
    const char *newer = "{\"space\":\"default\",\"functionId\":\"f\",\"type\":\"vault\","
                        "\"provider\":{\"key\":\"k2\"}}";
    start();
    EXPECT("POST", "/v1/spaces/default/functions",
           "{\"functionId\":\"f\",\"type\":\"vault\",\"provider\":{\"key\":\"k1\"}}", 201, NULL);
    fake_storage_hold(true);
    struct api_client *update =
        api_send("PUT", "/v1/spaces/default/functions/f",
                 "{\"type\":\"vault\",\"provider\":{\"url\":\"u\",\"key\":\"*****\"}}");
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    (void)fake_storage_set(key, newer);
    fake_storage_hold(false);
    fake_storage_release(1);
    CU_ASSERT_EQUAL(api_receive(update).status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_get(key), "{\"url\":\"u\",\"key\":\"k2\"}"));
    api_stop();
}

static void lost_races_are_tried_again_as_long_as_the_time_lasts(void) {
    api_start((struct api_options){.timeout_ns = 30 * GW_NS_PER_S});
    fake_storage_lose_races(8);
    EXPECT("POST", TYPES, NAME_A, 201, TYPE_A);
    fake_storage_lose_races(8);
    EXPECT("DELETE", TYPES "/a", NULL, 204, "");
    api_stop();
}

static void a_call_that_loses_all_its_races_is_503_in_its_time(void) {
    start();
    EXPECT("POST", TYPES, NAME_A, 201, TYPE_A);
    gw_clock_hold(1000 * GW_NS_PER_S, 0);
    fake_storage_lose_races(1000000);
    struct api_client *client = api_send("PUT", TYPES "/a", "{}");
    uint64_t waited_ns = 0;
    while (!api_is_answered(client) && waited_ns < 60 * GW_NS_PER_S) {
        api_turn(10);
        gw_clock_advance(5 * GW_NS_PER_MS);
        waited_ns += 5 * GW_NS_PER_MS;
    }
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 503);
    ASSERT_STR(((struct eg_str){api_header(&answer, "Retry-After"), 1}), "1");
    CU_ASSERT_TRUE(waited_ns <= 5 * GW_NS_PER_S + 50 * GW_NS_PER_MS);
    /* It went on for most of its time, and did not storm the store: pauses grow to 200 ms, so they
     * are 100 ms in the middle. One try is two calls. */
    CU_ASSERT_TRUE(waited_ns > 4 * GW_NS_PER_S);
    CU_ASSERT_TRUE(fake_storage_calls() > 2 * 25);
    CU_ASSERT_TRUE(fake_storage_calls() < 2 * 300);
    fake_storage_lose_races(0);
    gw_clock_release();
    EXPECT("PUT", TYPES "/a", "{}", 200, TYPE_A);
    api_stop();
}

static void reads_and_write_share_one_time(void) {
    start();
    gw_clock_hold(1000 * GW_NS_PER_S, 0);
    fake_storage_hold(true);
    struct api_client *client = api_send("POST", TYPES, NAME_A);
    api_turn_until_held(1);
    gw_clock_advance(3 * GW_NS_PER_S);
    fake_storage_release(1); /* a slow read */
    api_turn_until_held(1);  /* the write is on its way */
    gw_clock_advance(1900 * GW_NS_PER_MS);
    api_turn(5);
    CU_ASSERT_FALSE(api_is_answered(client));
    gw_clock_advance(200 * GW_NS_PER_MS);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 503);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
    CU_ASSERT_STRING_EQUAL(answer.body,
                           "{\"errors\":[{\"message\":\"the storage did not answer in time\"}]}\n");
    gw_clock_release();
    api_stop(); /* releases the write: its late answer does no harm */
}

static void while_the_store_is_away_the_answer_comes_at_once(void) {
    static const char *const calls[][3] = {{"GET", TYPES, NULL},
                                           {"GET", TYPES "/a", NULL},
                                           {"POST", TYPES, NAME_A},
                                           {"PUT", TYPES "/a", "{}"},
                                           {"DELETE", TYPES "/a", NULL},
                                           {"DELETE", "/v1/spaces/default/functions/f", NULL},
                                           {"DELETE", "/v1/spaces/default/cors/GET%2Fa", NULL}};
    start();
    gw_clock_hold(1000 * GW_NS_PER_S, 0); /* no deadline can help */
    fake_storage_watch_down("the store at 127.0.0.1:9 cannot be reached: connection refused");
    fake_storage_fail(EG_E_UNAVAILABLE, NULL);
    api_turn(3);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct api_answer answer = api_call(calls[i][0], calls[i][1], calls[i][2]);
        CU_ASSERT_EQUAL(answer.status, 503);
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
        CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "connection refused"));
    }
    gw_clock_release();
    api_stop();
}

static void the_text_of_a_failing_store_is_told(void) {
    start();
    EXPECT("POST", TYPES, NAME_A, 201, TYPE_A);
    fake_storage_fail(EG_E_IO, "the disk is \"gone\"");
    EXPECT_ERROR("GET", TYPES, NULL, 500, "the disk is \\\"gone\\\"");
    EXPECT_ERROR("GET", TYPES "/a", NULL, 500, "the disk is \\\"gone\\\"");
    EXPECT_ERROR("POST", TYPES, NAME_A, 500, "the disk is \\\"gone\\\"");
    EXPECT_ERROR("PUT", TYPES "/a", "{}", 500, "the disk is \\\"gone\\\"");
    EXPECT_ERROR("DELETE", TYPES "/a", NULL, 500, "the disk is \\\"gone\\\"");
    EXPECT("POST", TYPES, "{", 400, NULL);
    fake_storage_fail(0, NULL);
    EXPECT("GET", TYPES "/a", NULL, 200, TYPE_A);
    api_stop();
}

static void a_store_that_cannot_be_used_now_is_503_with_retry_after(void) {
    static const int32_t away[] = {EG_E_UNAVAILABLE, EG_E_TIMEOUT, EG_E_BUSY,
                                   EG_E_DENIED,      EG_E_PROTO,   EG_E_CANCELED};
    start();
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        fake_storage_fail(away[i], "no use of the store");
        const struct api_answer answer = api_call("GET", TYPES, NULL);
        CU_ASSERT_EQUAL(answer.status, 503);
        CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
        CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "no use of the store"));
        CU_ASSERT_EQUAL(api_call("POST", TYPES, NAME_A).status, 503);
        CU_ASSERT_EQUAL(api_call("DELETE", "/v1/spaces/default/cors/GET%2Fa", NULL).status, 503);
    }
    api_stop();
}

static void what_is_too_big_for_the_store_is_413(void) {
    start();
    fake_storage_hold(true);
    struct api_client *client = api_send("POST", TYPES, NAME_A);
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    fake_storage_fail(EG_E_TOOBIG, "values may have 512 KiB at most");
    fake_storage_hold(false);
    fake_storage_release(1);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 413);
    CU_ASSERT_STRING_EQUAL(answer.body,
                           "{\"errors\":[{\"message\":\"values may have 512 KiB at most\"}]}\n");
    EXPECT("GET", TYPES, NULL, 500, NULL); /* no fault of a client that only reads */
    api_stop();
}

static void a_store_that_does_not_answer_is_given_up_after_its_time(void) {
    start();
    gw_clock_hold(1000 * GW_NS_PER_S, 0);
    fake_storage_hold(true);
    struct api_client *client = api_send("GET", TYPES, NULL);
    api_turn_until_held(1);
    gw_clock_advance(4 * GW_NS_PER_S);
    api_turn(5);
    CU_ASSERT_FALSE(api_is_answered(client));
    gw_clock_advance(2 * GW_NS_PER_S);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 503);
    gw_clock_release();
    api_stop(); /* releases the op: its late answer does no harm */
}

static void damaged_values_are_told_and_can_be_deleted(void) {
    start();
    (void)fake_storage_set(KEY_A, "{\"name\":");
    EXPECT("GET", TYPES "/a", NULL, 500, NULL);
    EXPECT("GET", TYPES, NULL, 500, NULL);
    EXPECT("PUT", TYPES "/a", "{}", 500, NULL);
    EXPECT("GET", "/v1/spaces/other/eventtypes", NULL, 200, "{\"eventTypes\":[]}");
    EXPECT("DELETE", TYPES "/a", NULL, 204, "");
    EXPECT("GET", TYPES, NULL, 200, "{\"eventTypes\":[]}");
    api_stop();
}

static void wrong_bodies_get_the_prefix_of_their_resource(void) {
    static const char *const bodies[] = {"",
                                         "{",
                                         "garbage",
                                         "[]",
                                         "\"x\"",
                                         "1",
                                         "\xFF\xFE",
                                         "{\"metadata\":\"a\"}",
                                         "{\"metadata\":{\"a\":1}}"};
    start();
    for (size_t c = 0; c < COLLECTIONS; c++) {
        for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
            const struct api_answer answer = api_call("POST", collections[c], bodies[b]);
            CU_ASSERT_EQUAL(answer.status, 400);
            CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, prefixes[c]));
        }
    }
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
    api_stop();
}

static void unknown_spaces_list_as_empty(void) {
    static const char *const lists[] = {"{\"eventTypes\":[]}", "{\"functions\":[]}",
                                        "{\"subscriptions\":[]}", "{\"cors\":[]}"};
    start();
    for (size_t c = 0; c < COLLECTIONS; c++) {
        EXPECT("GET", collections[c], NULL, 200, lists[c]);
    }
    EXPECT("POST", "/v1/spaces//eventtypes", NAME_A, 201, TYPE_A);
    EXPECT("GET", "/v1/spaces/default/eventtypes/", NULL, 200, "{\"eventTypes\":[" TYPE_A "]}");
    EXPECT("GET", "/v1/spaces/defaul/eventtypes", NULL, 200, "{\"eventTypes\":[]}");
    EXPECT("GET", "/v1/spaces/%FF%C3/eventtypes", NULL, 200, "{\"eventTypes\":[]}");
    api_stop();
}

static void deep_and_huge_bodies_are_refused(void) {
    static char body[API_BODY_LIMIT + 4096];
    start();
    memset(body, '[', 30000);
    body[30000] = '\0';
    EXPECT("POST", TYPES, body, 400, NULL);
    memset(body, 'a', sizeof body - 1);
    memcpy(body, "{\"name\":\"", 9);
    memcpy(body + 10000, "\"}", 3);
    EXPECT("POST", TYPES, body, 400, NULL); /* could never be addressed */
    memset(body, ' ', sizeof body - 1);
    EXPECT("POST", TYPES, body, 413, NULL);
    CU_ASSERT_EQUAL(fake_storage_count(), 0);
    api_stop();
}

static void hostile_ids_are_just_ids(void) {
    static const char *const ids[] = {"..%2F..%2Fetc", "%2e%2e", "a%0Ab", "%FF",
                                      "'%22%3C%3E",    "*",      "~",     "%25s%25n",
                                      "a?b=c",         ";"};
    start();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char target[96];
        (void)snprintf(target, sizeof target, TYPES "/%s", ids[i]);
        const struct api_answer answer = api_call("GET", target, NULL);
        CU_ASSERT_TRUE(answer.status == 404 || answer.status == 400);
        (void)snprintf(target, sizeof target, "/v1/spaces/%s/eventtypes/x", ids[i]);
        const int status = api_call("DELETE", target, NULL).status;
        CU_ASSERT_TRUE(status == 404 || status == 400 || status == 405);
    }
    api_stop();
}

static void a_client_that_goes_away_does_not_stop_its_call(void) {
    start();
    fake_storage_hold(true);
    struct api_client *client = api_send("POST", TYPES, NAME_A);
    api_turn_until_held(1);
    api_hang_up(client);
    api_turn(3);
    fake_storage_hold(false);
    fake_storage_release(1);
    EXPECT("GET", TYPES "/a", NULL, 200, TYPE_A);
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 0);
    api_stop();
}

static void many_clients_at_once_are_all_answered(void) {
    struct api_client *clients[40];
    unsigned created = 0;
    unsigned refused = 0;
    start();
    for (size_t i = 0; i < 40; i++) {
        char body[32];
        (void)snprintf(body, sizeof body, "{\"name\":\"t%zu\"}", i % 8);
        clients[i] = api_send("POST", TYPES, body);
    }
    for (size_t i = 0; i < 40; i++) {
        const int status = api_receive(clients[i]).status;
        created += status == 201;
        refused += status == 409;
    }
    CU_ASSERT_EQUAL(created, 8);
    CU_ASSERT_EQUAL(refused, 32);
    CU_ASSERT_EQUAL(fake_storage_count(), 8);
    api_stop();
}

UNIT_MAIN(UNIT(of_two_racing_creates_one_wins),
          UNIT(two_racing_updates_both_succeed_and_the_later_one_stays),
          UNIT(an_update_that_loses_to_a_delete_is_not_found),
          UNIT(a_masked_update_that_loses_a_race_keeps_the_newer_secret),
          UNIT(lost_races_are_tried_again_as_long_as_the_time_lasts),
          UNIT(a_call_that_loses_all_its_races_is_503_in_its_time),
          UNIT(reads_and_write_share_one_time),
          UNIT(while_the_store_is_away_the_answer_comes_at_once),
          UNIT(the_text_of_a_failing_store_is_told),
          UNIT(a_store_that_cannot_be_used_now_is_503_with_retry_after),
          UNIT(what_is_too_big_for_the_store_is_413),
          UNIT(a_store_that_does_not_answer_is_given_up_after_its_time),
          UNIT(damaged_values_are_told_and_can_be_deleted),
          UNIT(wrong_bodies_get_the_prefix_of_their_resource), UNIT(unknown_spaces_list_as_empty),
          UNIT(deep_and_huge_bodies_are_refused), UNIT(hostile_ids_are_just_ids),
          UNIT(a_client_that_goes_away_does_not_stop_its_call),
          UNIT(many_clients_at_once_are_all_answered))
