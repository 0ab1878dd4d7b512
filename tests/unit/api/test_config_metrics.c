/* What is counted of the Config API (chapter 11, MT-06), and that strangers cannot fill memory with
 * names of spaces. */
#include "api/api_driver.h"
#include "api/config_context.h"

#include "base/slice.h"

#define TYPES "/v1/spaces/default/eventtypes"

static int64_t requests(const char *space, const char *resource, const char *operation) {
    static const struct gw_metric_family family = {
        .name = "eventgateway_config_requests_total",
        .help = "Handled requests of the Config API, whatever their result.",
        .type = GW_COUNTER};
    const struct eg_kv labels[] = {{GW_STR("space"), gw_str_c(space)},
                                   {GW_STR("resource"), gw_str_c(resource)},
                                   {GW_STR("operation"), gw_str_c(operation)}};
    return gw_metric_value(gw_metric(&family, labels, 3));
}

static bool is_written(const char *text) {
    const struct api_answer answer = api_call("GET", "/v1/metrics", NULL);
    return strstr(answer.body, text) != NULL;
}

static void handled_requests_count_whatever_their_result(void) {
    gw_metrics_reset();
    api_start((struct api_options){0});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 201, NULL);
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 409, NULL);
    EXPECT("POST", TYPES, "{}", 400, NULL);
    EXPECT("GET", TYPES "/a", NULL, 200, NULL);
    EXPECT("GET", TYPES "/none", NULL, 404, NULL);
    EXPECT("GET", TYPES, NULL, 200, NULL);
    EXPECT("PUT", TYPES "/a", "{}", 200, NULL);
    EXPECT("DELETE", TYPES "/a", NULL, 204, NULL);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "create"), 3);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "get"), 2);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "list"), 1);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "update"), 1);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "delete"), 1);
    CU_ASSERT_TRUE(is_written("eventgateway_config_requests_total{operation=\"create\","
                              "resource=\"eventtype\",space=\"default\"} 3\n"));
    api_stop();
}

static void unreadable_bodies_and_strangers_are_not_counted(void) {
    gw_metrics_reset();
    api_start((struct api_options){.token = "t"});
    EXPECT("POST", TYPES, "{\"name\":\"a\"}", 401, NULL);
    api_configure((struct api_options){0});
    EXPECT("POST", TYPES, "{", 400, NULL);
    EXPECT("POST", TYPES, "{\"name\":1}", 400, NULL);
    EXPECT("POST", "/v1/spaces/default/functions", "{\"functionId\":\"f\"}", 400, NULL);
    EXPECT("PATCH", TYPES, NULL, 405, NULL);
    CU_ASSERT_EQUAL(requests("default", "eventtype", "create"), 0);
    CU_ASSERT_EQUAL(requests("default", "function", "create"), 0);
    api_stop();
}

static void every_request_has_a_duration(void) {
    gw_metrics_reset();
    api_start((struct api_options){0});
    EXPECT("GET", "/nothing", NULL, 404, NULL);
    EXPECT("GET", TYPES, NULL, 200, NULL);
    EXPECT("GET", "/v1/status", NULL, 200, NULL);
    CU_ASSERT_TRUE(is_written("eventgateway_config_request_duration_seconds_count 3\n"));
    CU_ASSERT_TRUE(
        is_written("eventgateway_config_request_duration_seconds_bucket{le=\"0.0005\"}"));
    CU_ASSERT_TRUE(
        is_written("eventgateway_config_request_duration_seconds_bucket{le=\"16.384\"}"));
    api_stop();
}

static void spaces_beyond_the_limit_share_one_label(void) {
    struct gw_config_context context = {0};
    gw_metrics_reset();
    gw_config_metrics_init(&context);
    for (unsigned i = 0; i < GW_MAX_COUNTED_SPACES + 50; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "space-%u", i);
        gw_config_metrics_count(&context, gw_str_c(name), GW_CORS, GW_CONFIG_LIST);
    }
    gw_config_metrics_count(&context, GW_STR("space-7"), GW_CORS, GW_CONFIG_LIST);
    CU_ASSERT_EQUAL(requests("space-7", "cors", "list"), 2);
    CU_ASSERT_EQUAL(requests(GW_OTHER_SPACES, "cors", "list"), 50);
    CU_ASSERT_TRUE(context.counted_spaces.count <= GW_MAX_COUNTED_SPACES + 1);
    gw_config_metrics_free(&context);
}

static void what_can_be_no_space_is_counted_with_the_others(void) {
    struct gw_config_context context = {0};
    static char long_name[4096];
    memset(long_name, 'a', sizeof long_name - 1);
    gw_metrics_reset();
    gw_config_metrics_init(&context);
    gw_config_metrics_count(&context, gw_str_c(long_name), GW_FUNCTION, GW_CONFIG_GET);
    gw_config_metrics_count(&context, GW_STR("a b"), GW_FUNCTION, GW_CONFIG_GET);
    gw_config_metrics_count(&context, GW_STR("\"\n\xFF"), GW_FUNCTION, GW_CONFIG_GET);
    CU_ASSERT_EQUAL(requests(GW_OTHER_SPACES, "function", "get"), 3);
    gw_config_metrics_free(&context);
}

UNIT_MAIN(UNIT(handled_requests_count_whatever_their_result),
          UNIT(unreadable_bodies_and_strangers_are_not_counted), UNIT(every_request_has_a_duration),
          UNIT(spaces_beyond_the_limit_share_one_label),
          UNIT(what_can_be_no_space_is_counted_with_the_others))
