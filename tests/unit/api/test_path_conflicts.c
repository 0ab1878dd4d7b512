/* Paths of other spaces (Q27), with events.refuse_cross_space_conflicts. Those of the own space:
 * test_resource_subscriptions.c. */
#include "api/api_driver.h"

#define SYNC(path, method)                                                                         \
    "{\"type\":\"sync\",\"eventType\":\"e\",\"functionId\":\"f\",\"path\":\"" path                 \
    "\",\"method\":\"" method "\"}"
#define SUBS(space) "/v1/spaces/" space "/subscriptions"
#define CORS(space) "/v1/spaces/" space "/cors"

static void start(bool refuses) {
    static const char *const spaces[] = {"one", "two"};
    api_start((struct api_options){.refuses_cross_space_conflicts = refuses});
    for (size_t i = 0; i < 2; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/v1/spaces/%s/eventtypes", spaces[i]);
        EXPECT("POST", target, "{\"name\":\"e\"}", 201, NULL);
        (void)snprintf(target, sizeof target, "/v1/spaces/%s/functions", spaces[i]);
        EXPECT("POST", target,
               "{\"functionId\":\"f\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}", 201, NULL);
    }
}

static void a_path_of_another_space_is_refused_when_asked_for(void) {
    start(true);
    EXPECT("POST", SUBS("one"), SYNC("/users/:id", "GET"), 201, NULL);
    EXPECT_ERROR("POST", SUBS("two"), SYNC("/users/:name", "GET"), 400,
                 "Subscription path conflict: parameter with different name (\\\"id\\\") already "
                 "defined: for route: /users/:name");
    EXPECT_ERROR("POST", SUBS("two"), SYNC("/users/:id", "GET"), 400,
                 "Subscription path conflict: route /users/:id conflicts with existing route");
    EXPECT("POST", SUBS("two"), SYNC("/users/:name", "POST"), 201, NULL);
    EXPECT("POST", SUBS("two"), SYNC("/users", "GET"), 201, NULL);
    EXPECT("POST", SUBS("two"),
           "{\"type\":\"async\",\"eventType\":\"e\",\"functionId\":\"f\",\"path\":\"/users/:id\","
           "\"method\":\"GET\"}",
           201, NULL);
    api_stop();
}

static void a_path_that_lost_already_still_counts(void) {
    start(false);
    EXPECT("POST", SUBS("one"), SYNC("/a/:x", "GET"), 201, NULL);
    EXPECT("POST", SUBS("two"), SYNC("/a/b", "GET"), 201, NULL);
    api_configure((struct api_options){.refuses_cross_space_conflicts = true});
    EXPECT("POST", "/v1/spaces/three/eventtypes", "{\"name\":\"e\"}", 201, NULL);
    EXPECT("POST", "/v1/spaces/three/functions",
           "{\"functionId\":\"f\",\"type\":\"http\",\"provider\":{\"url\":\"u\"}}", 201, NULL);
    EXPECT("POST", SUBS("three"), SYNC("/a/:x/c", "GET"), 400, NULL);
    EXPECT("POST", SUBS("three"), SYNC("/b", "GET"), 201, NULL);
    api_stop();
}

static void cors_rules_of_other_spaces_are_refused_too(void) {
    start(true);
    EXPECT("POST", CORS("one"), "{\"method\":\"GET\",\"path\":\"/a\"}", 201, NULL);
    EXPECT("POST", CORS("two"), "{\"method\":\"GET\",\"path\":\"/a\"}", 400, NULL);
    EXPECT("POST", CORS("two"), "{\"method\":\"PUT\",\"path\":\"/a\"}", 201, NULL);
    EXPECT("POST", CORS("one"), "{\"method\":\"GET\",\"path\":\"/:x\"}", 201, NULL);
    EXPECT("PUT", CORS("one") "/GET/a", "{\"method\":\"GET\",\"path\":\"/a\"}", 200, NULL);
    api_stop();
}

UNIT_MAIN(UNIT(a_path_of_another_space_is_refused_when_asked_for),
          UNIT(a_path_that_lost_already_still_counts),
          UNIT(cors_rules_of_other_spaces_are_refused_too))
