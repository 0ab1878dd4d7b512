/* Subscriptions: compatibility chapter 4.3, the rows SUB and PC of the cases. */
#include "api/api_driver.h"

#define SUBS "/v1/spaces/default/subscriptions"
#define ASYNC_ID "YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU"
#define ASYNC "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\"}"
#define ASYNC_OBJECT                                                                               \
    "{\"space\":\"default\",\"subscriptionId\":\"" ASYNC_ID "\",\"type\":\"async\","               \
    "\"eventType\":\"user.created\",\"functionId\":\"f1\",\"path\":\"/\",\"method\":\"POST\"}"
#define SYNC(function, path, method)                                                               \
    "{\"type\":\"sync\",\"eventType\":\"http.request\",\"functionId\":\"" function                 \
    "\",\"path\":\"" path "\",\"method\":\"" method "\"}"
#define PREFIX "Subscription doesn't validate. Validation error: "

static void add_parts(const char *space) {
    static const char *const parts[][2] = {
        {"eventtypes", "{\"name\":\"user.created\"}"},
        {"eventtypes", "{\"name\":\"http.request\"}"},
        {"functions", "{\"functionId\":\"f1\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}"},
        {"functions", "{\"functionId\":\"f2\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/v1/spaces/%s/%s", space, parts[i][0]);
        EXPECT("POST", target, parts[i][1], 201, NULL);
    }
}

static void start(void) {
    api_start((struct api_options){0});
    add_parts("default");
}

static void defaults_apply_and_the_id_is_computed(void) {
    start();
    EXPECT("POST", SUBS, ASYNC, 201, ASYNC_OBJECT);
    EXPECT("GET", SUBS "/" ASYNC_ID, NULL, 200, ASYNC_OBJECT);
    EXPECT("GET", SUBS, NULL, 200, "{\"subscriptions\":[" ASYNC_OBJECT "]}");
    EXPECT_ERROR("POST", SUBS,
                 "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\","
                 "\"path\":\"\",\"method\":\"post\"}",
                 409, "Subscription \\\"" ASYNC_ID "\\\" already exists.");
    EXPECT("DELETE", SUBS "/" ASYNC_ID, NULL, 204, "");
    EXPECT_ERROR("DELETE", SUBS "/" ASYNC_ID, NULL, 404,
                 "Subscription \\\"" ASYNC_ID "\\\" not found.");
    api_stop();
}

static void paths_and_methods_are_normalised(void) {
    start();
    EXPECT("POST", SUBS,
           "{\"space\":\"x\",\"subscriptionId\":\"y\",\"type\":\"async\","
           "\"eventType\":\"user.created\",\"functionId\":\"f2\",\"path\":\"foo/bar baz\","
           "\"method\":\"get\"}",
           201,
           "{\"space\":\"default\",\"subscriptionId\":"
           "\"YXN5bmMsdXNlci5jcmVhdGVkLGYyLCUyRmZvbyUyRmJhciUyMGJheixHRVQ\",\"type\":\"async\","
           "\"eventType\":\"user.created\",\"functionId\":\"f2\",\"path\":\"/foo/bar baz\","
           "\"method\":\"GET\"}");
    api_stop();
}

static void what_a_subscription_names_has_to_exist(void) {
    start();
    EXPECT_ERROR("POST", SUBS, "{\"type\":\"async\",\"eventType\":\"no\",\"functionId\":\"no\"}",
                 400, "Event Type \\\"no\\\" not found.");
    EXPECT_ERROR("POST", SUBS,
                 "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"no\"}", 400,
                 "Function \\\"no\\\" not found.");
    EXPECT("POST", "/v1/spaces/other/subscriptions", ASYNC, 400, NULL);
    api_stop();
}

static void the_body_is_validated_first(void) {
    start();
    EXPECT_ERROR("POST", SUBS, "{}", 400,
                 PREFIX "Key: 'Subscription.Type' Error:Field validation for 'Type' failed on the "
                        "'required' tag\\nKey: 'Subscription.EventType' Error:Field validation for "
                        "'EventType' failed on the 'required' tag\\nKey: 'Subscription.FunctionID' "
                        "Error:Field validation for 'FunctionID' failed on the 'required' tag");
    EXPECT_ERROR("POST", SUBS, SYNC("f1", "/", "TRACE"), 400,
                 PREFIX "Key: 'Subscription.Method' Error:Field validation for 'Method' failed on "
                        "the 'eq=GET|eq=POST|eq=DELETE|eq=PUT|eq=PATCH|eq=HEAD|eq=OPTIONS' tag");
    EXPECT("PUT", SUBS "/none", "{}", 400, NULL);
    EXPECT_ERROR("PUT", SUBS "/none", ASYNC, 404, "Subscription \\\"none\\\" not found.");
    api_stop();
}

static void only_metadata_can_be_updated(void) {
    static const struct {
        const char *body;
        const char *field;
    } cases[] = {
        {"{\"type\":\"sync\",\"eventType\":\"user.created\",\"functionId\":\"f1\"}", "Type"},
        {"{\"type\":\"async\",\"eventType\":\"http.request\",\"functionId\":\"f1\"}", "EventType"},
        {"{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f2\"}", "FunctionID"},
        {"{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\","
         "\"path\":\"/x\"}",
         "Path"},
        {"{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\","
         "\"method\":\"GET\"}",
         "Method"}};
    start();
    EXPECT("POST", SUBS, ASYNC, 201, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[160];
        (void)snprintf(message, sizeof message,
                       "{\"errors\":[{\"message\":\"Invalid update. '%s' of existing subscription "
                       "cannot be updated.\"}]}",
                       cases[i].field);
        EXPECT("PUT", SUBS "/" ASYNC_ID, cases[i].body, 400, message);
    }
    EXPECT("PUT", SUBS "/" ASYNC_ID,
           "{\"type\":\"async\",\"eventType\":\"user.created\",\"functionId\":\"f1\","
           "\"metadata\":{\"a\":\"b\"}}",
           200, NULL);
    EXPECT("PUT", SUBS "/" ASYNC_ID, ASYNC, 200, ASYNC_OBJECT);
    (void)fake_storage_set("/serverless-event-gateway/functions/default/f1", NULL);
    EXPECT_ERROR("PUT", SUBS "/" ASYNC_ID, ASYNC, 400, "Function \\\"f1\\\" not found.");
    api_stop();
}

static void a_sync_path_has_one_subscriber_whatever_the_function(void) {
    start();
    EXPECT("POST", SUBS, SYNC("f1", "/users/:id", "GET"), 201, NULL);
    EXPECT("POST", SUBS, SYNC("f2", "/users/:id", "GET"), 409, NULL);
    EXPECT("POST", SUBS, SYNC("f2", "/users/:id", "POST"), 201, NULL);
    api_stop();
}

static void conflicting_sync_paths_are_refused_with_the_reason(void) {
    start();
    EXPECT("POST", SUBS, SYNC("f1", "/users/:id", "GET"), 201, NULL);
    EXPECT("POST", SUBS, SYNC("f1", "/other", "POST"), 201, NULL);
    EXPECT_ERROR("POST", SUBS, SYNC("f1", "/users/foo", "GET"), 400,
                 "Subscription path conflict: parameter with different name (\\\"id\\\") already "
                 "defined: for route: /users/foo");
    EXPECT_ERROR("POST", SUBS, SYNC("f1", "/:x", "POST"), 400,
                 "Subscription path conflict: static route already defined for route: /:x");
    EXPECT_ERROR("POST", SUBS, SYNC("f1", "/w/*x/y", "PUT"), 400,
                 "Subscription path conflict: wildcard must be the last parameter");
    EXPECT("POST", SUBS, SYNC("f1", "/users/:id/posts", "GET"), 201, NULL);
    EXPECT("POST", SUBS, SYNC("f1", "/users", "GET"), 201, NULL);
    EXPECT("POST", SUBS, SYNC("f1", "/users/:name", "DELETE"), 201, NULL);
    /* The conflict is told before the missing function. */
    EXPECT_ERROR("POST", SUBS, SYNC("no", "/users/foo", "GET"), 400,
                 "Subscription path conflict: parameter with different name (\\\"id\\\") already "
                 "defined: for route: /users/foo");
    api_stop();
}

static void async_and_deleted_paths_are_not_in_the_way(void) {
    start();
    EXPECT("POST", SUBS,
           "{\"type\":\"async\",\"eventType\":\"http.request\",\"functionId\":\"f1\","
           "\"path\":\"/users/:id\",\"method\":\"GET\"}",
           201, NULL);
    EXPECT("POST", SUBS, SYNC("f1", "/users/:name", "GET"), 201, NULL);
    EXPECT("DELETE", SUBS "/c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMlMkY6bmFtZSxHRVQ", NULL, 204, "");
    EXPECT("POST", SUBS, SYNC("f1", "/users/me", "GET"), 201, NULL);
    api_stop();
}

static void another_space_may_claim_the_same_path_unless_told_otherwise(void) {
    start();
    add_parts("other");
    EXPECT("POST", SUBS, SYNC("f1", "/users/:id", "GET"), 201, NULL);
    EXPECT("POST", "/v1/spaces/other/subscriptions", SYNC("f1", "/users/:name", "GET"), 201, NULL);
    EXPECT("POST", "/v1/spaces/other/subscriptions", SYNC("f1", "/", "GET"), 201, NULL);
    EXPECT("POST", SUBS, SYNC("f1", "/", "GET"), 201, NULL);
    api_stop();
}

UNIT_MAIN(UNIT(defaults_apply_and_the_id_is_computed), UNIT(paths_and_methods_are_normalised),
          UNIT(what_a_subscription_names_has_to_exist), UNIT(the_body_is_validated_first),
          UNIT(only_metadata_can_be_updated),
          UNIT(a_sync_path_has_one_subscriber_whatever_the_function),
          UNIT(conflicting_sync_paths_are_refused_with_the_reason),
          UNIT(async_and_deleted_paths_are_not_in_the_way),
          UNIT(another_space_may_claim_the_same_path_unless_told_otherwise))
