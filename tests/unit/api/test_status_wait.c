/* GET /v1/status?min_revision=N: who waits is answered once, by the revision, the clock or a stop.
 */
#include "api/api_driver.h"

#include "api/status_wait.h"
#include "base/clock.h"

#define WAIT(revision) api_send("GET", "/v1/status?min_revision=" revision, NULL)
#define EVENT_TYPES "/v1/spaces/default/eventtypes"

static void begin(void) {
    gw_clock_hold(1000 * GW_NS_PER_S, 1700000000 * (int64_t)GW_NS_PER_S);
    api_start((struct api_options){0});
}

static void end(void) {
    api_stop();
    gw_clock_release();
}

static void what_is_routed_already_is_answered_at_once(void) {
    begin();
    EXPECT("POST", EVENT_TYPES, "{\"name\":\"a\"}", 201, NULL);
    api_turn(3);
    EXPECT("GET", "/v1/status?min_revision=1", NULL, 200, "");
    EXPECT("GET", "/v1/status?min_revision=0&timeout=0", NULL, 200, "");
    EXPECT("GET", "/v1/status?min_revision=1&verbose=1", NULL, 200,
           "{\"version\":\"1.2.3\",\"uptime\":0,\"storeRevision\":1,\"routedRevision\":1,"
           "\"lagSeconds\":0,\"source\":\"store\",\"store\":{\"name\":\"fake\",\"up\":true}}");
    end();
}

static void a_revision_to_come_is_waited_for(void) {
    begin();
    struct api_client *first = WAIT("1");
    struct api_client *second = api_send("GET", "/v1/status?verbose=1&min_revision=2", NULL);
    api_turn(20);
    CU_ASSERT_FALSE(api_is_answered(first));
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 2);
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a", "{\"name\":\"a\"}");
    struct api_answer answer = api_receive(first);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(answer.body_len, 0);
    CU_ASSERT_FALSE(api_is_answered(second));
    /* The same value again: nothing else is routed, but the revision is. */
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a", "{\"name\":\"a\"}");
    answer = api_receive(second);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\"routedRevision\":2,"));
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 0);
    end();
}

static void a_removal_counts_too(void) {
    begin();
    EXPECT("POST", EVENT_TYPES, "{\"name\":\"a\"}", 201, NULL);
    struct api_client *client = WAIT("2");
    api_turn(5);
    EXPECT("DELETE", EVENT_TYPES "/a", NULL, 204, NULL);
    CU_ASSERT_EQUAL(api_receive(client).status, 200);
    end();
}

static void when_the_time_is_over_it_is_504_with_the_reason(void) {
    begin();
    struct api_client *client = api_send("GET", "/v1/status?min_revision=3&timeout=250ms", NULL);
    struct api_client *patient = WAIT("3");
    api_turn(20);
    gw_clock_advance(249 * GW_NS_PER_MS);
    api_turn(5);
    CU_ASSERT_FALSE(api_is_answered(client));
    gw_clock_advance(GW_NS_PER_MS);
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 504);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "application/json");
    CU_ASSERT_STRING_EQUAL(answer.body,
                           "{\"errors\":[{\"message\":\"This gateway did not route by revision 3 "
                           "within 250 ms; it routes by 0.\"}]}\n");
    fake_storage_watch_down("no route to it");
    api_turn(3);
    gw_clock_advance(5 * GW_NS_PER_S - 250 * GW_NS_PER_MS); /* the default */
    const struct api_answer late = api_receive(patient);
    CU_ASSERT_EQUAL(late.status, 504);
    CU_ASSERT_PTR_NOT_NULL(strstr(late.body, "The storage cannot be reached: no route to it"));
    CU_ASSERT_EQUAL(api_call("GET", "/v1/status?min_revision=3&timeout=0", NULL).status, 504);
    end();
}

static void what_is_no_revision_or_duration_is_400(void) {
    static const char *const bad[] = {
        "min_revision=",
        "min_revision=x",
        "min_revision=-1",
        "min_revision=18446744073709551616",
        "min_revision=1&timeout=",
        "min_revision=1&timeout=soon",
        "min_revision=1&timeout=61s",
        "min_revision=1&timeout=61",
        "min_revision=1&timeout=-1s",
        "min_revision=1&timeout=99999999999999999999h",
        "verbose=1&min_revision=1.0",
    };
    char target[128];
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(target, sizeof target, "/v1/status?%s", bad[i]);
        EXPECT("GET", target, NULL, 400, NULL);
    }
    end();
}

static void a_client_that_goes_away_frees_its_place(void) {
    begin();
    struct api_client *client = WAIT("9");
    api_turn(20);
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 1);
    api_hang_up(client);
    for (unsigned i = 0; gw_config_api_busy(api_under_test()) > 0 && i < 100; i++) {
        gw_clock_advance(GW_NS_PER_S / 100); /* the server looks every half second */
        api_turn(3);
    }
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), 0);
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a", "{\"name\":\"a\"}");
    api_turn(5);
    end();
}

static void a_stop_answers_whoever_waits(void) {
    begin();
    struct api_client *client = WAIT("9");
    api_turn(20);
    gw_config_api_drain(api_under_test());
    const struct api_answer answer = api_receive(client);
    CU_ASSERT_EQUAL(answer.status, 503);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
    CU_ASSERT_EQUAL(api_receive(WAIT("9")).status, 503);
    CU_ASSERT_EQUAL(api_receive(WAIT("0")).status, 200);
    end();
}

static void more_than_enough_are_told_to_come_again(void) {
    static struct api_client *clients[GW_MAX_STATUS_WAITS];
    begin();
    for (size_t i = 0; i < GW_MAX_STATUS_WAITS; i++) {
        clients[i] = WAIT("1");
        api_turn(2);
    }
    api_turn(20);
    CU_ASSERT_EQUAL(gw_config_api_busy(api_under_test()), GW_MAX_STATUS_WAITS);
    const struct api_answer answer = api_receive(WAIT("1"));
    CU_ASSERT_EQUAL(answer.status, 503);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Retry-After"), "1");
    EXPECT("GET", "/v1/status", NULL, 200, "");
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a", "{\"name\":\"a\"}");
    for (size_t i = 0; i < GW_MAX_STATUS_WAITS; i++) {
        CU_ASSERT_EQUAL(api_receive(clients[i]).status, 200);
    }
    end();
}

UNIT_MAIN(UNIT(what_is_routed_already_is_answered_at_once), UNIT(a_revision_to_come_is_waited_for),
          UNIT(a_removal_counts_too), UNIT(when_the_time_is_over_it_is_504_with_the_reason),
          UNIT(what_is_no_revision_or_duration_is_400),
          UNIT(a_client_that_goes_away_frees_its_place), UNIT(a_stop_answers_whoever_waits),
          UNIT(more_than_enough_are_told_to_come_again))
