/* Event types: compatibility chapter 4.1, the rows ET of the cases, decisions Q8 and Q33. */
#include "api/api_driver.h"

#define TYPES "/v1/spaces/default/eventtypes"
#define AUTH "{\"functionId\":\"auth\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}"
#define NO_AUTHORIZER "Authorizer function doesn't exists."

static void start(void) {
    api_start((struct api_options){0});
}

static void an_event_type_is_created_read_and_deleted(void) {
    start();
    EXPECT("POST", TYPES, "{\"name\":\"user.created\",\"space\":\"zzz\"}", 201,
           "{\"space\":\"default\",\"name\":\"user.created\"}");
    EXPECT("GET", TYPES "/user.created", NULL, 200,
           "{\"space\":\"default\",\"name\":\"user.created\"}");
    EXPECT_ERROR("POST", TYPES, "{\"name\":\"user.created\"}", 409,
                 "Event Type \\\"user.created\\\" already exists.");
    EXPECT("DELETE", TYPES "/user.created", NULL, 204, "");
    EXPECT_ERROR("GET", TYPES "/user.created", NULL, 404,
                 "Event Type \\\"user.created\\\" not found.");
    EXPECT_ERROR("DELETE", TYPES "/none", NULL, 404, "Event Type \\\"none\\\" not found.");
    api_stop();
}

static void an_authorizer_has_to_be_a_function_of_the_space(void) {
    start();
    EXPECT_ERROR("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"auth\"}", 400, NO_AUTHORIZER);
    EXPECT_ERROR("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"\"}", 400, NO_AUTHORIZER);
    EXPECT("POST", "/v1/spaces/other/functions", AUTH, 201, NULL);
    EXPECT_ERROR("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"auth\"}", 400, NO_AUTHORIZER);
    EXPECT("POST", "/v1/spaces/default/functions", AUTH, 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"auth\",\"metadata\":{\"a\":\"b\"}}",
           201,
           "{\"space\":\"default\",\"name\":\"a\",\"authorizerId\":\"auth\","
           "\"metadata\":{\"a\":\"b\"}}");
    EXPECT("POST", TYPES, "{\"name\":\"b\",\"authorizerId\":null}", 201,
           "{\"space\":\"default\",\"name\":\"b\"}");
    api_stop();
}

static void existence_is_checked_before_the_authorizer(void) {
    start();
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"authorizerId\":\"no\"}", 409, NULL);
    EXPECT("PUT", TYPES "/none", "{\"authorizerId\":\"no\"}", 404, NULL);
    EXPECT_ERROR("PUT", TYPES "/a", "{\"authorizerId\":\"no\"}", 400, NO_AUTHORIZER);
    api_stop();
}

static void an_update_replaces_authorizer_and_metadata(void) {
    start();
    EXPECT("POST", "/v1/spaces/default/functions", AUTH, 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"metadata\":{\"x\":\"y\"}}", 201, NULL);
    EXPECT("PUT", TYPES "/a", "{\"name\":\"b\",\"authorizerId\":\"auth\"}", 200,
           "{\"space\":\"default\",\"name\":\"a\",\"authorizerId\":\"auth\"}");
    EXPECT("PUT", TYPES "/a", "{}", 200, "{\"space\":\"default\",\"name\":\"a\"}");
    EXPECT("GET", TYPES "/b", NULL, 404, NULL);
    api_stop();
}

static void an_event_type_with_subscriptions_cannot_be_deleted(void) {
    start();
    EXPECT("POST", "/v1/spaces/default/functions", AUTH, 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, NULL);
    EXPECT("POST", "/v1/spaces/default/subscriptions",
           "{\"type\":\"async\",\"eventType\":\"a\",\"functionId\":\"auth\"}", 201, NULL);
    EXPECT_ERROR("DELETE", TYPES "/a", NULL, 400,
                 "Event type cannot be deleted because there are subscriptions using it.");
    /* Checked before existence. */
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a", NULL);
    EXPECT("DELETE", TYPES "/a", NULL, 400, NULL);
    api_stop();
}

static void names_that_could_never_be_subscribed_are_refused(void) {
    static const char *const names[] = {"a b", "a/b", "", "\\u0000", "\xC3\xA9"};
    start();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char body[64];
        (void)snprintf(body, sizeof body, "{\"name\":\"%s\"}", names[i]);
        EXPECT("POST", TYPES, body, 400, NULL);
    }
    EXPECT("POST", TYPES, "{\"name\":\"eventgateway.event.received\"}", 201, NULL);
    api_stop();
}

static void lists_are_descending_and_filtered_by_metadata(void) {
    start();
    EXPECT("POST", TYPES, "{\"name\":\"a\",\"metadata\":{\"k\":\"1\",\"l\":\"2\"}}", 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"b\"}", 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"c\",\"metadata\":{\"k\":\"1\"}}", 201, NULL);
    EXPECT("GET", TYPES, NULL, 200,
           "{\"eventTypes\":[{\"space\":\"default\",\"name\":\"c\",\"metadata\":{\"k\":\"1\"}},"
           "{\"space\":\"default\",\"name\":\"b\"},"
           "{\"space\":\"default\",\"name\":\"a\",\"metadata\":{\"k\":\"1\",\"l\":\"2\"}}]}");
    EXPECT("GET", TYPES "?metadata.k=1&metadata.l=2&name=zz", NULL, 200,
           "{\"eventTypes\":[{\"space\":\"default\",\"name\":\"a\","
           "\"metadata\":{\"k\":\"1\",\"l\":\"2\"}}]}");
    EXPECT("GET", TYPES "?metadata.k=", NULL, 200, "{\"eventTypes\":[]}");
    EXPECT("GET", TYPES "?", NULL, 200, NULL);
    api_stop();
}

static void old_names_that_are_refused_today_can_still_be_read_and_deleted(void) {
    start();
    (void)fake_storage_set("/serverless-event-gateway/eventtypes/default/a b",
                           "{\"space\":\"default\",\"name\":\"a b\"}");
    EXPECT("GET", TYPES "/a%20b", NULL, 200, "{\"space\":\"default\",\"name\":\"a b\"}");
    EXPECT("PUT", TYPES "/a%20b", "{}", 200, NULL);
    EXPECT("DELETE", TYPES "/a%20b", NULL, 204, "");
    api_stop();
}

UNIT_MAIN(UNIT(an_event_type_is_created_read_and_deleted),
          UNIT(an_authorizer_has_to_be_a_function_of_the_space),
          UNIT(existence_is_checked_before_the_authorizer),
          UNIT(an_update_replaces_authorizer_and_metadata),
          UNIT(an_event_type_with_subscriptions_cannot_be_deleted),
          UNIT(names_that_could_never_be_subscribed_are_refused),
          UNIT(lists_are_descending_and_filtered_by_metadata),
          UNIT(old_names_that_are_refused_today_can_still_be_read_and_deleted))
