/*
 * Operations that decide on more than the object they write go one after the other in each space:
 * no subscription to a function that is being deleted, no two paths that exclude each other (Q47).
 */
#include "api/api_driver.h"

#include "base/clock.h"

#define SPACE "/v1/spaces/default"
#define FUNCTION_F "{\"functionId\":\"f\",\"type\":\"http\",\"provider\":{\"url\":\"http://f\"}}"
#define ASYNC_TO_F "{\"type\":\"async\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":\"/\"}"
#define SYNC_ON(path)                                                                              \
    "{\"type\":\"sync\",\"eventType\":\"t\",\"functionId\":\"f\",\"path\":\"" path "\"}"

static void start(void) {
    api_start((struct api_options){0});
    EXPECT("POST", SPACE "/functions", FUNCTION_F, 201, NULL);
    EXPECT("POST", SPACE "/eventtypes", "{\"name\":\"t\"}", 201, NULL);
    api_read_lists();
}

/* Lets the store work until both are answered. */
static void receive_both(struct api_client *first, struct api_client *second, int ret_status[2]) {
    fake_storage_hold(false);
    fake_storage_release(100);
    ret_status[0] = api_receive(first).status;
    ret_status[1] = api_receive(second).status;
}

static void a_function_is_not_deleted_under_a_subscription_that_is_being_made(void) {
    int status[2];
    start();
    fake_storage_hold(true);
    struct api_client *create = api_send("POST", SPACE "/subscriptions", ASYNC_TO_F);
    api_turn_until_held(3); /* it looks for itself, the event type and the function */
    struct api_client *delete = api_send("DELETE", SPACE "/functions/f", NULL);
    api_turn(50);
    receive_both(create, delete, status);
    CU_ASSERT_EQUAL(status[0], 201);
    CU_ASSERT_EQUAL(status[1], 400);
    EXPECT("GET", SPACE "/functions/f", NULL, 200, NULL);
    api_stop();
}

static void a_subscription_to_a_function_that_is_being_deleted_is_refused(void) {
    int status[2];
    start();
    fake_storage_hold(true);
    struct api_client *delete = api_send("DELETE", SPACE "/functions/f", NULL);
    api_turn_until_held(2); /* it looks for subscriptions and event types */
    struct api_client *create = api_send("POST", SPACE "/subscriptions", ASYNC_TO_F);
    api_turn(50);
    receive_both(delete, create, status);
    CU_ASSERT_EQUAL(status[0], 204);
    CU_ASSERT_EQUAL(status[1], 400);
    api_stop();
}

static void of_two_paths_that_exclude_each_other_one_is_stored(void) {
    int status[2];
    start();
    fake_storage_hold(true);
    struct api_client *first = api_send("POST", SPACE "/subscriptions", SYNC_ON("/a/:x"));
    api_turn_until_held(4);
    struct api_client *second = api_send("POST", SPACE "/subscriptions", SYNC_ON("/a/:y"));
    api_turn(50);
    receive_both(first, second, status);
    CU_ASSERT_EQUAL(status[0], 201);
    CU_ASSERT_EQUAL(status[1], 400);
    api_stop();
}

static void another_space_does_not_wait(void) {
    start();
    fake_storage_hold(true);
    struct api_client *here = api_send("DELETE", SPACE "/functions/f", NULL);
    api_turn_until_held(2);
    struct api_client *there = api_send("DELETE", "/v1/spaces/other/functions/f", NULL);
    api_turn_until_held(4);
    fake_storage_hold(false);
    fake_storage_release(4);
    CU_ASSERT_EQUAL(api_receive(here).status, 204);
    CU_ASSERT_EQUAL(api_receive(there).status, 404);
    api_stop();
}

/* Two deletes of which the second waits for the first until its time is over. */
static struct api_client *begin_two(struct api_client **ret_second) {
    gw_clock_hold(1000 * GW_NS_PER_S, 0);
    start();
    gw_clock_advance(GW_NS_PER_S);
    fake_storage_hold(true);
    struct api_client *first = api_send("DELETE", SPACE "/functions/f", NULL);
    api_turn_until_held(2);
    *ret_second = api_send("DELETE", SPACE "/functions/f", NULL);
    api_turn(50);
    return first;
}

static void end_two(struct api_client *first, struct api_client *second, const char *why) {
    char body[256];
    (void)snprintf(body, sizeof body, "{\"errors\":[{\"message\":\"%s\"}]}\n", why);
    const struct api_answer late = api_receive(second);
    CU_ASSERT_EQUAL(late.status, 503);
    CU_ASSERT_STRING_EQUAL(late.body, body);
    CU_ASSERT_STRING_EQUAL(api_header(&late, "Retry-After"), "1");
    CU_ASSERT_EQUAL(api_receive(first).status, 503); /* the store did not answer in time */
    fake_storage_hold(false);
    fake_storage_release(100);
    api_turn(20);
    gw_clock_release();
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 0);
    api_stop();
}

static void who_waits_too_long_is_told_to_come_again(void) {
    struct api_client *second = NULL;
    struct api_client *first = begin_two(&second);
    gw_clock_advance(4 * GW_NS_PER_S);
    fake_storage_hold(false); /* the store answers others */
    EXPECT("GET", "/v1/spaces/other/functions", NULL, 200, NULL);
    fake_storage_hold(true);
    gw_clock_advance(GW_NS_PER_S + 1); /* the time that every call has */
    end_two(first, second, "The configuration is being changed by others; please try again.");
}

static void who_waits_while_the_store_hangs_is_told_so(void) {
    struct api_client *second = NULL;
    struct api_client *first = begin_two(&second);
    gw_clock_advance(5 * GW_NS_PER_S + 1);
    end_two(first, second, "the storage did not answer in time");
}

static void who_waits_while_the_store_is_away_is_told_why(void) {
    struct api_client *second = NULL;
    struct api_client *first = begin_two(&second);
    fake_storage_watch_down("no route to the store");
    api_turn(5);
    gw_clock_advance(5 * GW_NS_PER_S + 1);
    end_two(first, second, "no route to the store");
}

static void a_line_moves_on_when_the_first_fails(void) {
    struct api_client *clients[20];
    unsigned deleted = 0;
    start();
    for (size_t i = 0; i < 20; i++) {
        clients[i] = api_send("DELETE", SPACE "/functions/f", NULL);
    }
    for (size_t i = 0; i < 20; i++) {
        const int status = api_receive(clients[i]).status;
        deleted += status == 204;
        CU_ASSERT_TRUE(status == 204 || status == 404);
    }
    CU_ASSERT_EQUAL(deleted, 1);
    api_stop();
}

UNIT_MAIN(UNIT(a_function_is_not_deleted_under_a_subscription_that_is_being_made),
          UNIT(a_subscription_to_a_function_that_is_being_deleted_is_refused),
          UNIT(of_two_paths_that_exclude_each_other_one_is_stored),
          UNIT(another_space_does_not_wait), UNIT(who_waits_too_long_is_told_to_come_again),
          UNIT(who_waits_while_the_store_hangs_is_told_so),
          UNIT(who_waits_while_the_store_is_away_is_told_why),
          UNIT(a_line_moves_on_when_the_first_fails))
