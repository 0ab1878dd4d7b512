/*
 * Two gateways on one store: what one decides cannot be undone by what the other writes in the same
 * moment. Both have read before either writes, in both orders; with a store of ABI 0.1, which has
 * no commit, that is not promised. The same where what would be read is known.
 */
#include "api/api_driver.h"

#include "base/clock.h"

#define SPACE "/v1/spaces/default"
#define KEY(route, id) "/serverless-event-gateway/" route "/default/" id
#define FUNCTION_F "{\"functionId\":\"f\",\"type\":\"http\",\"provider\":{\"url\":\"http://f\"}}"
#define ASYNC_TO_F "{\"type\":\"async\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":\"/\"}"
#define SYNC_ON(path)                                                                              \
    "{\"type\":\"sync\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":\"" path "\"}"

/* One operation: how many reads it begins with, lists among them or without them, and what it
 * answers when it is the loser. */
struct side {
    const char *method;
    const char *target;
    const char *body;
    size_t reads;
    size_t known_reads; /* where it needs no lists */
    int won;
    int lost;
    const char *why; /* of the loser */
};

static const struct side delete_function = {
    .method = "DELETE",
    .target = SPACE "/functions/f",
    .reads = 2,
    .won = 204,
    .lost = 400,
    .why = "Function cannot be deleted because it's subscribed to a least one event."};
static const struct side delete_authorizer = {
    .method = "DELETE",
    .target = SPACE "/functions/f",
    .reads = 2,
    .won = 204,
    .lost = 400,
    .why = "Function f cannot be deleted because is used as an authorizer for u event type."};
static const struct side delete_type = {
    .method = "DELETE",
    .target = SPACE "/eventtypes/t",
    .reads = 1,
    .won = 204,
    .lost = 400,
    .why = "Event type cannot be deleted because there are subscriptions using it."};
static const struct side subscribe = {.method = "POST",
                                      .target = SPACE "/subscriptions",
                                      .body = ASYNC_TO_F,
                                      .reads = 3,
                                      .known_reads = 3,
                                      .won = 201,
                                      .lost = 400,
                                      .why = "not found."};
static const struct side take_path_x = {.method = "POST",
                                        .target = SPACE "/subscriptions",
                                        .body = SYNC_ON("/a/:x"),
                                        .reads = 4,
                                        .known_reads = 3,
                                        .won = 201,
                                        .lost = 400,
                                        .why = "Subscription path conflict"};
static const struct side take_path_y = {.method = "POST",
                                        .target = SPACE "/subscriptions",
                                        .body = SYNC_ON("/a/:y"),
                                        .reads = 4,
                                        .known_reads = 3,
                                        .won = 201,
                                        .lost = 400,
                                        .why = "Subscription path conflict"};
static const struct side create_authorized = {.method = "POST",
                                              .target = SPACE "/eventtypes",
                                              .body = "{\"name\":\"u\",\"authorizerId\":\"f\"}",
                                              .reads = 2,
                                              .known_reads = 2,
                                              .won = 201,
                                              .lost = 400,
                                              .why = "Authorizer function doesn't exists."};
static const struct side create_f = {.method = "POST",
                                     .target = SPACE "/functions",
                                     .body = FUNCTION_F,
                                     .reads = 1,
                                     .known_reads = 1,
                                     .won = 201,
                                     .lost = 409,
                                     .why = "already registered."};

static void start(const char *store, bool has_function) {
    api_start((struct api_options){.store = store, .timeout_ns = 60 * GW_NS_PER_S});
    if (has_function) {
        EXPECT("POST", SPACE "/functions", FUNCTION_F, 201, NULL);
    }
    EXPECT("POST", SPACE "/eventtypes", "{\"name\":\"t\"}", 201, NULL);
}

/* Both are about to write: a before b. */
static void write_in_turn(struct api_client *a, struct api_client *b,
                          struct api_answer ret_answers[2]) {
    api_turn_until_held(2);
    fake_storage_release(1);
    ret_answers[0] = api_receive(a);
    fake_storage_hold(false);
    fake_storage_release(100);
    ret_answers[1] = api_receive(b);
}

/* Both have read all they need and are about to write; `first` writes before `second`. */
static void race(const struct side *first, const struct side *second,
                 struct api_answer ret_answers[2]) {
    fake_storage_hold(true);
    struct api_client *a = api_send(first->method, first->target, first->body);
    api_turn_until_held(first->reads);
    struct api_client *b = api_send_other(second->method, second->target, second->body);
    api_turn_until_held(first->reads + second->reads);
    fake_storage_release(first->reads + second->reads);
    write_in_turn(a, b, ret_answers);
}

/* The same without lists: both have decided on what is known before either writes. Who reads
 * nothing writes at once, so it can only be the second. */
static void race_known(const struct side *first, const struct side *second,
                       struct api_answer ret_answers[2]) {
    fake_storage_hold(true);
    struct api_client *a = api_send(first->method, first->target, first->body);
    api_turn_until_held(first->known_reads);
    struct api_client *b = NULL;
    if (second->known_reads > 0) {
        b = api_send_other(second->method, second->target, second->body);
        api_turn_until_held(first->known_reads + second->known_reads);
        fake_storage_release(first->known_reads + second->known_reads);
    } else {
        fake_storage_release(first->known_reads);
        api_turn_until_held(1);
        b = api_send_other(second->method, second->target, second->body);
    }
    write_in_turn(a, b, ret_answers);
}

static void expect_one(const struct side *first, const struct side *second,
                       const struct api_answer answers[2]) {
    CU_ASSERT_EQUAL(answers[0].status, first->won);
    CU_ASSERT_EQUAL(answers[1].status, second->lost);
    CU_ASSERT_PTR_NOT_NULL(strstr(answers[1].body, second->why));
}

static void only_the_first_succeeds(const struct side *first, const struct side *second) {
    struct api_answer answers[2];
    start(NULL, first != &create_f);
    api_read_lists();
    race(first, second, answers);
    expect_one(first, second, answers);
    api_stop();
    if (first->known_reads > 0) {
        start(NULL, first != &create_f);
        race_known(first, second, answers);
        expect_one(first, second, answers);
        api_stop();
    }
}

static void a_function_is_deleted_or_subscribed_to_but_not_both(void) {
    only_the_first_succeeds(&delete_function, &subscribe);
    only_the_first_succeeds(&subscribe, &delete_function);
}

static void an_event_type_is_deleted_or_subscribed_to_but_not_both(void) {
    only_the_first_succeeds(&delete_type, &subscribe);
    only_the_first_succeeds(&subscribe, &delete_type);
}

static void a_function_is_deleted_or_becomes_an_authorizer_but_not_both(void) {
    only_the_first_succeeds(&delete_function, &create_authorized);
    only_the_first_succeeds(&create_authorized, &delete_authorizer);
}

static void of_two_paths_that_exclude_each_other_one_is_stored(void) {
    only_the_first_succeeds(&take_path_x, &take_path_y);
    only_the_first_succeeds(&take_path_y, &take_path_x);
}

static void of_two_equal_creates_one_wins(void) {
    only_the_first_succeeds(&create_f, &create_f);
}

static void what_does_not_touch_the_decision_is_tried_again_and_succeeds(void) {
    static const struct side update_function = {
        .method = "PUT",
        .target = SPACE "/functions/f",
        .body = "{\"type\":\"http\",\"provider\":{\"url\":\"http://g\"}}",
        .reads = 1};
    struct api_answer answers[2];
    start(NULL, true);
    race(&update_function, &subscribe, answers);
    CU_ASSERT_EQUAL(answers[0].status, 200);
    CU_ASSERT_EQUAL(answers[1].status, 201);
    api_stop();
}

static void another_space_is_no_rival(void) {
    static const struct side elsewhere = {.method = "POST",
                                          .target = "/v1/spaces/default2/subscriptions",
                                          .body = ASYNC_TO_F,
                                          .reads = 3};
    struct api_answer answers[2];
    start(NULL, true);
    EXPECT("POST", "/v1/spaces/default2/functions", FUNCTION_F, 201, NULL);
    EXPECT("POST", "/v1/spaces/default2/eventtypes", "{\"name\":\"t\"}", 201, NULL);
    api_read_lists();
    const size_t before = fake_storage_calls();
    race(&elsewhere, &delete_function, answers);
    CU_ASSERT_EQUAL(answers[0].status, 201);
    CU_ASSERT_EQUAL(answers[1].status, 204);
    CU_ASSERT_EQUAL(fake_storage_calls() - before, 3 + 1 + 2 + 1); /* at the first try */
    api_stop();
}

/* ---- what is known ---- */

#define STORED_SYNC(path)                                                                          \
    "{\"space\":\"default\",\"subscriptionId\":\"s\",\"type\":\"sync\",\"eventType\":\"t\","       \
    "\"functionId\":\"f\",\"path\":\"" path "\",\"method\":\"POST\"}"

static void what_is_known_is_not_read_again(void) {
    start(NULL, true);
    size_t before = fake_storage_calls();
    EXPECT("POST", SPACE "/subscriptions", SYNC_ON("/a"), 201, NULL);
    CU_ASSERT_EQUAL(fake_storage_calls() - before, 3 + 1);
    before = fake_storage_calls();
    EXPECT("POST", SPACE "/eventtypes", "{\"name\":\"u\"}", 201, NULL);
    EXPECT("DELETE", SPACE "/eventtypes/u", NULL, 204, "");
    CU_ASSERT_EQUAL(fake_storage_calls() - before, 1 + 1 + 1);
    before = fake_storage_calls();
    EXPECT_ERROR("DELETE", SPACE "/eventtypes/u", NULL, 404, "Event Type \\\"u\\\" not found.");
    CU_ASSERT_EQUAL(fake_storage_calls() - before, 1 + 1 + 1); /* what is refused is read for */
    EXPECT_ERROR("DELETE", SPACE "/eventtypes/t", NULL, 400,
                 "Event type cannot be deleted because there are subscriptions using it.");
    api_stop();
}

/* Another gateway has written, and the watch of this one does not know it yet. */
static void what_the_watch_has_not_told_yet_counts(void) {
    start(NULL, true);
    EXPECT("POST", SPACE "/eventtypes", "{\"name\":\"u\"}", 201, NULL);
    fake_storage_silent(true);
    (void)fake_storage_set(KEY("subscriptions", "s"), STORED_SYNC("/a/:y"));
    (void)fake_storage_set(KEY("eventtypes", "v"), "{\"name\":\"v\",\"authorizerId\":\"f\"}");
    EXPECT_ERROR("POST", SPACE "/subscriptions", SYNC_ON("/a/:x"), 400,
                 "Subscription path conflict: parameter with different name (\\\"y\\\") already "
                 "defined: for route: /a/:x");
    EXPECT_ERROR("DELETE", SPACE "/eventtypes/t", NULL, 400,
                 "Event type cannot be deleted because there are subscriptions using it.");
    EXPECT_ERROR("DELETE", SPACE "/functions/f", NULL, 400,
                 "Function cannot be deleted because it's subscribed to a least one event.");
    (void)fake_storage_set(KEY("subscriptions", "s"), NULL);
    EXPECT_ERROR("DELETE", SPACE "/functions/f", NULL, 400,
                 "Function f cannot be deleted because is used as an authorizer for v event type.");
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY("functions", "f")));
    EXPECT("DELETE", SPACE "/eventtypes/u", NULL, 204, "");
    fake_storage_silent(false);
    api_stop();
}

static void what_is_gone_and_not_told_yet_is_in_nobodys_way(void) {
    start(NULL, true);
    (void)fake_storage_set(KEY("subscriptions", "s"), STORED_SYNC("/a/:y"));
    api_turn(5);
    fake_storage_silent(true);
    (void)fake_storage_set(KEY("subscriptions", "s"), NULL);
    EXPECT("POST", SPACE "/subscriptions", SYNC_ON("/a/:x"), 201, NULL);
    fake_storage_silent(false);
    api_stop();
}

/* The first of several refusals is told as ever, though the path is known to be free. */
static void a_refusal_rests_on_what_is_stored(void) {
    start(NULL, true);
    fake_storage_silent(true);
    (void)fake_storage_set(KEY("subscriptions", "s"), STORED_SYNC("/a/:y"));
    (void)fake_storage_set(KEY("functions", "f"), NULL);
    EXPECT_ERROR("POST", SPACE "/subscriptions", SYNC_ON("/a/:x"), 400,
                 "Subscription path conflict: parameter with different name (\\\"y\\\") already "
                 "defined: for route: /a/:x");
    (void)fake_storage_set(KEY("subscriptions", "s"), NULL);
    EXPECT_ERROR("POST", SPACE "/subscriptions", SYNC_ON("/a/:x"), 400,
                 "Function \\\"f\\\" not found.");
    fake_storage_silent(false);
    api_stop();
}

static void a_store_without_commit_promises_less(void) {
    struct api_answer answers[2];
    start("fake_0_1", true);
    race(&delete_function, &subscribe, answers);
    CU_ASSERT_EQUAL(answers[0].status, 204);
    CU_ASSERT_EQUAL(answers[1].status, 201);
    EXPECT("PUT", SPACE "/functions/f", "{\"type\":\"http\",\"provider\":{\"url\":\"http://f\"}}",
           404, NULL);
    api_stop();
}

static void each_write_names_all_that_its_decision_read(void) {
    start(NULL, true); /* f is at 1, t at 2 */
    EXPECT("POST", SPACE "/subscriptions", SYNC_ON("/a"), 201, NULL);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_storage_last_commit(),
               " expect absent; key " KEY("eventtypes", "t") " is 2; key " KEY(
                   "functions", "f") " is 1; prefix " KEY("subscriptions", "") " since 2"));
    EXPECT("PUT", SPACE "/eventtypes/t", "{\"authorizerId\":\"f\"}", 200, NULL);
    CU_ASSERT_STRING_EQUAL(
        fake_storage_last_commit(),
        "put " KEY("eventtypes", "t") " expect 2; key " KEY("functions", "f") " is 1");
    EXPECT("POST", SPACE "/eventtypes", "{\"name\":\"u\"}", 201, NULL);
    CU_ASSERT_STRING_EQUAL(fake_storage_last_commit(),
                           "put " KEY("eventtypes", "u") " expect absent");
    EXPECT("DELETE", SPACE "/eventtypes/u", NULL, 204, "");
    CU_ASSERT_STRING_EQUAL(fake_storage_last_commit(),
                           "remove " KEY("eventtypes", "u") " expect any; prefix " KEY(
                               "subscriptions", "") " since 5");
    EXPECT("POST", SPACE "/functions",
           "{\"functionId\":\"g\",\"type\":\"http\",\"provider\":{"
           "\"url\":\"http://g\"}}",
           201, NULL);
    EXPECT("DELETE", SPACE "/functions/g", NULL, 204, "");
    CU_ASSERT_STRING_EQUAL(
        fake_storage_last_commit(),
        "remove " KEY("functions", "g") " expect any; prefix " KEY(
            "subscriptions", "") " since 7; prefix " KEY("eventtypes", "") " since 7");
    api_stop();
}

UNIT_MAIN(UNIT(a_function_is_deleted_or_subscribed_to_but_not_both),
          UNIT(an_event_type_is_deleted_or_subscribed_to_but_not_both),
          UNIT(a_function_is_deleted_or_becomes_an_authorizer_but_not_both),
          UNIT(of_two_paths_that_exclude_each_other_one_is_stored),
          UNIT(of_two_equal_creates_one_wins),
          UNIT(what_does_not_touch_the_decision_is_tried_again_and_succeeds),
          UNIT(another_space_is_no_rival), UNIT(a_store_without_commit_promises_less),
          UNIT(each_write_names_all_that_its_decision_read), UNIT(what_is_known_is_not_read_again),
          UNIT(what_the_watch_has_not_told_yet_counts),
          UNIT(what_is_gone_and_not_told_yet_is_in_nobodys_way),
          UNIT(a_refusal_rests_on_what_is_stored))
