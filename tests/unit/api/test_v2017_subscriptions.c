/* Subscriptions by the API of 2017: compatibility chapter 15.2, rows O17-13 to O17-19, Q43, Q44. */
#include "api/api_driver.h"

#include "base/clock.h"

#define SUBSCRIPTIONS "/v1/subscriptions"
#define NEWER "/v1/spaces/default/subscriptions"
#define TYPES "/v1/spaces/default/eventtypes"
#define KEY(route, id) "/serverless-event-gateway/" route "/default/" id
#define F(id) "{\"functionId\":\"" id "\",\"provider\":{\"type\":\"http\",\"url\":\"http://e\"}}"
#define CREATED "{\"functionId\":\"f1\",\"event\":\"user.created\"}"
#define USERS "{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/users\"}"
#define SHOWN_CREATED                                                                              \
    "{\"subscriptionId\":\"user.created-f1\",\"event\":\"user.created\",\"functionId\":\"f1\"}"
#define SHOWN_USERS                                                                                \
    "{\"subscriptionId\":\"http-GET-%2Fusers\",\"event\":\"http\",\"functionId\":\"f1\","          \
    "\"method\":\"GET\",\"path\":\"/users\"}"
#define EXPECT_2017(method, target, sent, want_status, message)                                    \
    EXPECT(method, target, sent, want_status, "{\"error\":\"" message "\"}")

static void start_on(const char *store) {
    api_start(
        (struct api_options){.has_v2017 = true, .store = store, .timeout_ns = 60 * GW_NS_PER_S});
    EXPECT("POST", "/v1/functions", F("f1"), 200, NULL);
}

static void start(void) {
    start_on(NULL);
}

static void a_subscription_is_created_listed_and_deleted(void) {
    start();
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[]}");
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, SHOWN_CREATED);
    EXPECT("POST", SUBSCRIPTIONS, USERS, 200, SHOWN_USERS);
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200,
           "{\"subscriptions\":[" SHOWN_USERS "," SHOWN_CREATED "]}");
    EXPECT("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 204, "");
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[" SHOWN_USERS "]}");
    EXPECT_2017("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 404,
                "Subscription \\\"user.created-f1\\\" not found.");
    api_stop();
}

static void a_missing_event_type_comes_along(void) {
    start();
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    EXPECT("POST", SUBSCRIPTIONS, USERS, 200, NULL);
    EXPECT("GET", TYPES, NULL, 200,
           "{\"eventTypes\":[{\"space\":\"default\",\"name\":\"user.created\"},"
           "{\"space\":\"default\",\"name\":\"http.request\"}]}");
    api_stop();
}

static void an_event_type_that_is_there_stays_as_it_is(void) {
    start();
    EXPECT("POST", TYPES, "{\"name\":\"user.created\",\"authorizerId\":\"f1\"}", 201, NULL);
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    EXPECT("GET", TYPES "/user.created", NULL, 200,
           "{\"space\":\"default\",\"name\":\"user.created\",\"authorizerId\":\"f1\"}");
    api_stop();
}

static void a_subscription_that_is_refused_leaves_nothing_behind(void) {
    start();
    const size_t before = fake_storage_count();
    EXPECT_2017("POST", SUBSCRIPTIONS, "{\"functionId\":\"nope\",\"event\":\"u\"}", 400,
                "Function \\\"nope\\\" not found.");
    EXPECT_2017("POST", SUBSCRIPTIONS,
                "{\"functionId\":\"nope\",\"event\":\"http\",\"method\":\"GET\"}", 400,
                "Function \\\"nope\\\" not found.");
    EXPECT("POST", SUBSCRIPTIONS, "{\"functionId\":\"f1\",\"event\":\"a b\"}", 400, NULL);
    EXPECT_2017("POST", SUBSCRIPTIONS, "{", 400, "Malformed JSON payload: unexpected EOF.");
    CU_ASSERT_EQUAL(fake_storage_count(), before);
    api_stop();
}

static void what_is_there_already_is_a_bad_request_whoever_made_it(void) {
    start();
    EXPECT("POST", "/v1/functions", F("f2"), 200, NULL);
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    EXPECT_2017("POST", SUBSCRIPTIONS, CREATED, 400,
                "Subscription \\\"user.created-f1\\\" already exits.");
    EXPECT("POST", TYPES, "{\"name\":\"http.request\"}", 201, NULL);
    EXPECT("POST", NEWER,
           "{\"type\":\"sync\",\"eventType\":\"http.request\",\"functionId\":\"f2\","
           "\"path\":\"/users\",\"method\":\"GET\"}",
           201, NULL);
    EXPECT_2017("POST", SUBSCRIPTIONS, USERS, 400,
                "Subscription \\\"http-GET-%2Fusers\\\" already exits.");
    /* Method and path without the function: the id of another function's subscription. */
    EXPECT("POST", SUBSCRIPTIONS, "{\"functionId\":\"f1\",\"event\":\"u\",\"path\":\"/a\"}", 200,
           NULL);
    EXPECT_2017("POST", SUBSCRIPTIONS, "{\"functionId\":\"f2\",\"event\":\"u\",\"path\":\"/a\"}",
                400, "Subscription \\\"u-POST-%2Fa\\\" already exits.");
    /* It exists before it is seen that its function does not. */
    EXPECT_2017("POST", SUBSCRIPTIONS, "{\"functionId\":\"nope\",\"event\":\"u\",\"path\":\"/a\"}",
                400, "Subscription \\\"u-POST-%2Fa\\\" already exits.");
    api_stop();
}

static void paths_never_conflict(void) {
    start();
    EXPECT("POST", SUBSCRIPTIONS,
           "{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a/:x\"}", 200,
           NULL);
    EXPECT("POST", SUBSCRIPTIONS,
           "{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a/:y\"}", 200,
           NULL);
    EXPECT("POST", SUBSCRIPTIONS,
           "{\"functionId\":\"f1\",\"event\":\"http\",\"method\":\"GET\",\"path\":\"/a/*z/b\"}",
           200, NULL);
    api_stop();
}

static void an_id_with_an_escape_is_deleted_in_either_spelling(void) {
    const char *const targets[] = {
        SUBSCRIPTIONS "/http-GET-%2Fusers", SUBSCRIPTIONS "/http-GET-%252Fusers",
        SUBSCRIPTIONS "/http-GET-%2fusers", SUBSCRIPTIONS "/http-GET-/users",
        SUBSCRIPTIONS "//http-GET-%2Fusers/"};
    start();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        EXPECT("POST", SUBSCRIPTIONS, USERS, 200, NULL);
        EXPECT("DELETE", targets[i], NULL, 204, "");
        EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[]}");
    }
    EXPECT_2017("DELETE", SUBSCRIPTIONS "/http-GET-%252Fusers", NULL, 404,
                "Subscription \\\"http-GET-%2Fusers\\\" not found.");
    api_stop();
}

static void subscriptions_that_share_an_id_are_deleted_one_by_one(void) {
    start();
    EXPECT("POST", "/v1/functions", F("f2"), 200, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"u\"}", 201, NULL);
    EXPECT("POST", NEWER,
           "{\"type\":\"async\",\"eventType\":\"u\",\"functionId\":\"f1\",\"path\":\"/a\"}", 201,
           NULL);
    EXPECT("POST", NEWER,
           "{\"type\":\"async\",\"eventType\":\"u\",\"functionId\":\"f2\",\"path\":\"/a\"}", 201,
           NULL);
    EXPECT("DELETE", SUBSCRIPTIONS "/u-POST-%2Fa", NULL, 204, "");
    EXPECT("DELETE", SUBSCRIPTIONS "/u-POST-%2Fa", NULL, 204, "");
    EXPECT("DELETE", SUBSCRIPTIONS "/u-POST-%2Fa", NULL, 404, NULL);
    api_stop();
}

static void what_2017_cannot_say_is_neither_listed_nor_deleted(void) {
    start();
    EXPECT("POST", TYPES, "{\"name\":\"t\"}", 201, NULL);
    EXPECT("POST", NEWER,
           "{\"type\":\"sync\",\"eventType\":\"t\",\"functionId\":\"f1\",\"path\":\"/a\"}", 201,
           NULL);
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[]}");
    EXPECT("DELETE", SUBSCRIPTIONS "/t-POST-%2Fa", NULL, 404, NULL);
    /* And stands in nobody's way. */
    EXPECT("POST", SUBSCRIPTIONS, "{\"functionId\":\"f1\",\"event\":\"t\",\"path\":\"/a\"}", 200,
           NULL);
    api_stop();
}

static void one_subscription_can_only_be_deleted(void) {
    start();
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    EXPECT_2017("GET", SUBSCRIPTIONS "/user.created-f1", NULL, 405, "Method Not Allowed");
    EXPECT_2017("PUT", SUBSCRIPTIONS "/user.created-f1", CREATED, 405, "Method Not Allowed");
    api_stop();
}

static void a_condition_is_held_against_the_subscription_that_is_found(void) {
    start();
    const struct api_answer made = api_call("POST", SUBSCRIPTIONS, USERS);
    char headers[128];
    (void)snprintf(headers, sizeof headers, "If-Match: %s\r\n", api_header(&made, "ETag"));
    const struct api_answer refused = api_receive(api_send_with(
        "DELETE", SUBSCRIPTIONS "/http-GET-%2Fusers", "If-Match: \"1-0\"\r\n", NULL, 0));
    CU_ASSERT_EQUAL(refused.status, 412);
    CU_ASSERT_EQUAL(
        api_receive(api_send_with("DELETE", SUBSCRIPTIONS "/http-GET-%2Fusers", headers, NULL, 0))
            .status,
        204);
    CU_ASSERT_EQUAL(
        api_receive(api_send_with("DELETE", SUBSCRIPTIONS "/http-GET-%2Fusers", headers, NULL, 0))
            .status,
        412);
    api_stop();
}

/* ---- what goes with the writes, and races ---- */

static void each_write_names_all_that_its_decision_read(void) {
    start(); /* f1 is at 1 */
    fake_storage_hold(true);
    struct api_client *client = api_send("POST", SUBSCRIPTIONS, CREATED);
    api_turn_until_held(3);
    fake_storage_release(3);
    api_turn_until_held(1);
    fake_storage_release(1);
    CU_ASSERT_STRING_EQUAL(
        fake_storage_last_commit(),
        "put " KEY("eventtypes", "user.created") " expect absent; key " KEY(
            "functions", "f1") " is 1; prefix " KEY("subscriptions", "") " since 1");
    api_turn_until_held(1);
    fake_storage_hold(false);
    fake_storage_release(1);
    CU_ASSERT_EQUAL(api_receive(client).status, 200);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_last_commit(),
               " expect absent; key " KEY("eventtypes", "user.created") " is 2; key " KEY(
                   "functions", "f1") " is 1; prefix " KEY("subscriptions", "") " since 1"));
    EXPECT("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 204, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_storage_last_commit(), " expect 3"));
    api_stop();
}

static void lost_races_are_tried_again_from_the_start(void) {
    start();
    fake_storage_lose_races(3);
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, SHOWN_CREATED);
    fake_storage_lose_races(3);
    EXPECT("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 204, "");
    api_stop();
}

/* Both have read before either writes; releases until both are answered. */
static void race(const char *method, const char *target, const char *body, size_t reads,
                 const char *other_method, const char *other_target, const char *other_body,
                 size_t other_reads, struct api_answer ret_answers[2]) {
    fake_storage_hold(true);
    struct api_client *a = api_send(method, target, body);
    api_turn_until_held(reads);
    struct api_client *b = api_send_other(other_method, other_target, other_body);
    api_turn_until_held(reads + other_reads);
    fake_storage_release(reads + other_reads);
    api_turn_until_held(2);
    fake_storage_hold(false);
    fake_storage_release(2);
    ret_answers[0] = api_receive(a);
    ret_answers[1] = api_receive(b);
}

static void of_two_nodes_that_subscribe_the_same_one_succeeds(void) {
    struct api_answer answers[2];
    start();
    race("POST", SUBSCRIPTIONS, CREATED, 3, "POST", SUBSCRIPTIONS, CREATED, 3, answers);
    CU_ASSERT_EQUAL(answers[0].status + answers[1].status, 600);
    const struct api_answer *loser = &answers[answers[0].status == 400 ? 0 : 1];
    CU_ASSERT_STRING_EQUAL(loser->body,
                           "{\"error\":\"Subscription \\\"user.created-f1\\\" already exits.\"}\n");
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[" SHOWN_CREATED "]}");
    api_stop();
}

static void two_nodes_may_bring_the_same_event_type_along(void) {
    struct api_answer answers[2];
    start();
    EXPECT("POST", "/v1/functions", F("f2"), 200, NULL);
    race("POST", SUBSCRIPTIONS, CREATED, 3, "POST", SUBSCRIPTIONS,
         "{\"functionId\":\"f2\",\"event\":\"user.created\"}", 3, answers);
    CU_ASSERT_EQUAL(answers[0].status, 200);
    CU_ASSERT_EQUAL(answers[1].status, 200);
    api_stop();
}

static void a_function_is_deleted_or_subscribed_to_but_not_both(void) {
    struct api_answer answers[2];
    start();
    race("DELETE", "/v1/functions/f1", NULL, 2, "POST", SUBSCRIPTIONS, CREATED, 3, answers);
    CU_ASSERT_EQUAL(answers[0].status, 204);
    CU_ASSERT_EQUAL(answers[1].status, 400);
    CU_ASSERT_EQUAL(fake_storage_count(), 0); /* not even the event type */
    api_stop();
}

static void a_delete_that_loses_to_another_looks_again(void) {
    struct api_answer answers[2];
    start();
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    race("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 1, "DELETE",
         SUBSCRIPTIONS "/user.created-f1", NULL, 1, answers);
    CU_ASSERT_EQUAL(answers[0].status, 204);
    CU_ASSERT_EQUAL(answers[1].status, 404);
    api_stop();
}

static void a_store_without_commit_serves_too(void) {
    start_on("fake_0_1");
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, SHOWN_CREATED);
    EXPECT("DELETE", SUBSCRIPTIONS "/user.created-f1", NULL, 204, "");
    api_stop();
}

static void a_store_that_fails_after_the_event_type_is_told(void) {
    start();
    fake_storage_hold(true);
    struct api_client *client = api_send("POST", SUBSCRIPTIONS, CREATED);
    api_turn_until_held(3);
    fake_storage_release(3);
    api_turn_until_held(1);
    fake_storage_release(1);
    api_turn_until_held(1);
    fake_storage_fail(EG_E_IO, "the disk is full");
    fake_storage_hold(false);
    fake_storage_release(1);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 500);
    CU_ASSERT_STRING_EQUAL(answer.body, "{\"error\":\"the disk is full\"}\n");
    fake_storage_fail(0, NULL);
    EXPECT("GET", SUBSCRIPTIONS, NULL, 200, "{\"subscriptions\":[]}");
    EXPECT("POST", SUBSCRIPTIONS, CREATED, 200, NULL);
    api_stop();
}

UNIT_MAIN(UNIT(a_subscription_is_created_listed_and_deleted),
          UNIT(a_missing_event_type_comes_along), UNIT(an_event_type_that_is_there_stays_as_it_is),
          UNIT(a_subscription_that_is_refused_leaves_nothing_behind),
          UNIT(what_is_there_already_is_a_bad_request_whoever_made_it), UNIT(paths_never_conflict),
          UNIT(an_id_with_an_escape_is_deleted_in_either_spelling),
          UNIT(subscriptions_that_share_an_id_are_deleted_one_by_one),
          UNIT(what_2017_cannot_say_is_neither_listed_nor_deleted),
          UNIT(one_subscription_can_only_be_deleted),
          UNIT(a_condition_is_held_against_the_subscription_that_is_found),
          UNIT(each_write_names_all_that_its_decision_read),
          UNIT(lost_races_are_tried_again_from_the_start),
          UNIT(of_two_nodes_that_subscribe_the_same_one_succeeds),
          UNIT(two_nodes_may_bring_the_same_event_type_along),
          UNIT(a_function_is_deleted_or_subscribed_to_but_not_both),
          UNIT(a_delete_that_loses_to_another_looks_again), UNIT(a_store_without_commit_serves_too),
          UNIT(a_store_that_fails_after_the_event_type_is_told))
