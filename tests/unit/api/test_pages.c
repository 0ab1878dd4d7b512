/* /v1/status and /v1/metrics (chapters 3.1 and 11). */
#include "api/api_driver.h"

#include "api/pages.h"
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
           "{\"version\":\"1.2.3\",\"uptime\":0,\"storeRevision\":1,"
           "\"store\":{\"name\":\"fake\",\"up\":true}}");
    fake_storage_watch_down("gone");
    api_turn(3);
    const struct api_answer answer = api_call("GET", "/v1/status?verbose=true", NULL);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "\"up\":false"));
    EXPECT("GET", "/v1/status", NULL, 200, "");
    api_stop();
}

static void only_a_clear_wish_is_verbose(void) {
    CU_ASSERT_TRUE(gw_status_is_verbose(GW_STR("verbose=1")));
    CU_ASSERT_TRUE(gw_status_is_verbose(GW_STR("a=b&verbose=true&c")));
    CU_ASSERT_FALSE(gw_status_is_verbose(GW_STR("")));
    CU_ASSERT_FALSE(gw_status_is_verbose((struct eg_str){0}));
    CU_ASSERT_FALSE(gw_status_is_verbose(GW_STR("verbose=0&verbose=")));
    CU_ASSERT_FALSE(gw_status_is_verbose(GW_STR("xverbose=1")));
}

static void metrics_are_prometheus_text(void) {
    api_start((struct api_options){0});
    const struct api_answer answer = api_call("GET", "/v1/metrics", NULL);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_STRING_EQUAL(api_header(&answer, "Content-Type"), "text/plain; version=0.0.4");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(answer.body, "# TYPE eventgateway_config_request_duration_seconds histogram\n"));
    api_stop();
}

UNIT_MAIN(UNIT(a_bare_status_has_neither_body_nor_type),
          UNIT(a_verbose_status_tells_version_revision_and_store),
          UNIT(only_a_clear_wish_is_verbose), UNIT(metrics_are_prometheus_text))
