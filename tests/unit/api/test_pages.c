/* /v1/status and /v1/metrics (chapters 3.1 and 11). */
#include "api/api_driver.h"

#include "api/pages.h"
#include "base/clock.h"
#include "base/slice.h"

static void a_bare_status_has_neither_body_nor_type(void) {
    api_start((struct api_options){0});
    const struct api_answer answer = api_call("GET", "/v1/status", NULL);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(answer.body_len, 0);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "");
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Length"), "0");
    CU_ASSERT_EQUAL(api_call("POST", "/v1/status", "{}").status, 405);
    api_stop();
}

static void a_verbose_status_tells_version_revision_and_store(void) {
    api_start((struct api_options){0});
    EXPECT("POST", "/v1/spaces/default/eventtypes", "{\"name\":\"a\"}", 201, NULL);
    api_turn(3);
    EXPECT("GET", "/v1/status?verbose=1", NULL, 200,
           "{\"version\":\"1.2.3\",\"uptime\":0,\"storeRevision\":1,\"routedRevision\":1,"
           "\"lagSeconds\":0,\"source\":\"store\",\"store\":{\"name\":\"fake\",\"up\":true}}");
    EXPECT("GET", "/v1/status", NULL, 200, "");
    api_stop();
}

static void a_verbose_status_tells_since_when_the_store_is_away_and_why(void) {
    gw_clock_hold(1000 * GW_NS_PER_S, 1700000000 * (int64_t)GW_NS_PER_S);
    api_start((struct api_options){0});
    fake_storage_watch_down("no \"route\"");
    api_turn(3);
    gw_clock_advance(2 * GW_NS_PER_S + 1);
    EXPECT("GET", "/v1/status?verbose=true", NULL, 200,
           "{\"version\":\"1.2.3\",\"uptime\":2,\"storeRevision\":0,\"routedRevision\":0,"
           "\"lagSeconds\":2.001,\"source\":\"store\",\"store\":{\"name\":\"fake\",\"up\":false,"
           "\"downSince\":\"2023-11-14T22:13:20Z\",\"reason\":\"no \\\"route\\\"\"}}");
    EXPECT("GET", "/v1/status", NULL, 200, "");
    api_stop();
    gw_clock_release();
}

static void who_wants_more_than_the_status_has_to_say_so(void) {
    CU_ASSERT_FALSE(gw_status_is_bare(GW_STR("verbose=1")));
    CU_ASSERT_FALSE(gw_status_is_bare(GW_STR("a=b&verbose=true&c")));
    CU_ASSERT_FALSE(gw_status_is_bare(GW_STR("min_revision=1")));
    CU_ASSERT_FALSE(gw_status_is_bare(GW_STR("x&min_revision=")));
    CU_ASSERT_TRUE(gw_status_is_bare(GW_STR("")));
    CU_ASSERT_TRUE(gw_status_is_bare((struct eg_str){0}));
    CU_ASSERT_TRUE(gw_status_is_bare(GW_STR("verbose=0&verbose=")));
    CU_ASSERT_TRUE(gw_status_is_bare(GW_STR("xverbose=1&timeout=nonsense")));
}

static void only_the_bare_status_needs_no_token(void) {
    api_start((struct api_options){.token = "t"});
    EXPECT("GET", "/v1/status", NULL, 200, "");
    EXPECT("GET", "/v1/status?timeout=1s", NULL, 200, "");
    CU_ASSERT_EQUAL(api_call("GET", "/v1/status?verbose=1", NULL).status, 401);
    CU_ASSERT_EQUAL(api_call("GET", "/v1/status?min_revision=0", NULL).status, 401);
    api_stop();
}

static void metrics_are_prometheus_text(void) {
    api_start((struct api_options){0});
    const struct api_answer answer = api_call("GET", "/v1/metrics", NULL);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "text/plain; version=0.0.4");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(answer.body, "# TYPE eventgateway_config_request_duration_seconds histogram\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\neventgateway_config_lag_seconds 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\neventgateway_config_revision 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\neventgateway_store_up 1\n"));
    api_stop();
}

UNIT_MAIN(UNIT(a_bare_status_has_neither_body_nor_type),
          UNIT(a_verbose_status_tells_version_revision_and_store),
          UNIT(a_verbose_status_tells_since_when_the_store_is_away_and_why),
          UNIT(who_wants_more_than_the_status_has_to_say_so),
          UNIT(only_the_bare_status_needs_no_token), UNIT(metrics_are_prometheus_text))
