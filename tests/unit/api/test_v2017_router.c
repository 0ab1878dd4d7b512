/* The pages of 2017: compatibility chapter 15.1, 15.2, decisions Q38, Q43. */
#include "api/v2017_face.h"

#include "base/slice.h"
#include "unit.h"

static struct gw_arena arena;

static int32_t route(const char *method, const char *path, struct gw_config_route *ret_route) {
    *ret_route = (struct gw_config_route){0};
    gw_arena_free(&arena);
    gw_arena_init(&arena, 256);
    return gw_v2017_route(&arena, gw_str_c(method), gw_str_c(path), ret_route);
}

static void assert_route(const char *method, const char *path, enum gw_kind kind,
                         enum gw_config_op op, const char *id) {
    struct gw_config_route got;
    CU_ASSERT_EQUAL(route(method, path, &got), EG_OK);
    CU_ASSERT_EQUAL(got.page, id == NULL ? GW_PAGE_COLLECTION : GW_PAGE_ITEM);
    CU_ASSERT_EQUAL(got.kind, kind);
    CU_ASSERT_EQUAL(got.op, op);
    ASSERT_STR(got.space, "default");
    ASSERT_STR(got.id, id == NULL ? "" : id);
}

static void assert_rc(const char *method, const char *path, int32_t want) {
    struct gw_config_route got;
    const int32_t rc = route(method, path, &got);
    if (rc != want) {
        printf("  %s %s: %d\n", method, path, rc);
    }
    CU_ASSERT_EQUAL(rc, want);
}

static void two_resources_of_one_space_are_found(void) {
    assert_route("GET", "/v1/functions", GW_FUNCTION, GW_CONFIG_LIST, NULL);
    assert_route("POST", "/v1/functions", GW_FUNCTION, GW_CONFIG_CREATE, NULL);
    assert_route("GET", "/v1/functions/f", GW_FUNCTION, GW_CONFIG_GET, "f");
    assert_route("PUT", "/v1/functions/f", GW_FUNCTION, GW_CONFIG_UPDATE, "f");
    assert_route("DELETE", "/v1/functions/a%20b", GW_FUNCTION, GW_CONFIG_DELETE, "a b");
    assert_route("GET", "/v1/subscriptions", GW_SUBSCRIPTION, GW_CONFIG_LIST, NULL);
    assert_route("POST", "/v1/subscriptions", GW_SUBSCRIPTION, GW_CONFIG_CREATE, NULL);
    assert_route("DELETE", "/v1/subscriptions/u-f", GW_SUBSCRIPTION, GW_CONFIG_DELETE, "u-f");
}

static void the_id_of_a_subscription_stays_as_it_was_sent(void) {
    const char *const ids[] = {"http-GET-%2Fusers", "http-GET-%252Fusers",
                               "http-GET-/users/a", "%zz",
                               "http-GET-/users/",  "u-f//"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/v1/subscriptions/%s", ids[i]);
        assert_route("DELETE", path, GW_SUBSCRIPTION, GW_CONFIG_DELETE, ids[i]);
    }
}

static void slashes_dots_and_case_are_forgiven(void) {
    assert_route("GET", "//V1//Functions/", GW_FUNCTION, GW_CONFIG_LIST, NULL);
    assert_route("GET", "/v1/x/../functions/./f/", GW_FUNCTION, GW_CONFIG_GET, "f");
    assert_route("GET", "/v1/functions//f", GW_FUNCTION, GW_CONFIG_GET, "f");
    assert_route("GET", "/v1/%66unctions", GW_FUNCTION, GW_CONFIG_LIST, NULL);
    assert_route("DELETE", "/v1/SUBSCRIPTIONS//u-F", GW_SUBSCRIPTION, GW_CONFIG_DELETE, "u-F");
    assert_route("GET", "/v1/subscriptions/", GW_SUBSCRIPTION, GW_CONFIG_LIST, NULL);
}

static void other_pages_are_not_found(void) {
    const char *const paths[] = {"",
                                 "/",
                                 "*",
                                 "/v1",
                                 "/v2/functions",
                                 "/functions",
                                 "/v1/eventtypes",
                                 "/v1/cors",
                                 "/v1/function",
                                 "/v1/functions/a/b",
                                 "/v1/functions/a%2Fb",
                                 "/v1/functions/%zz",
                                 "/v1/%2Ffunctions",
                                 "/v1/spaces/default/functions",
                                 "/v1/status",
                                 "/v1/functions/.."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_rc("GET", paths[i], EG_E_NOTFOUND);
    }
}

static void a_page_knows_its_methods(void) {
    const char *const none[] = {"HEAD", "OPTIONS", "PATCH", "get", "TRACE"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_rc(none[i], "/v1/functions", EG_E_UNSUPPORTED);
        assert_rc(none[i], "/v1/functions/f", EG_E_UNSUPPORTED);
        assert_rc(none[i], "/v1/subscriptions", EG_E_UNSUPPORTED);
        assert_rc(none[i], "/v1/subscriptions/s", EG_E_UNSUPPORTED);
    }
    assert_rc("PUT", "/v1/functions", EG_E_UNSUPPORTED);
    assert_rc("DELETE", "/v1/subscriptions", EG_E_UNSUPPORTED);
    assert_rc("POST", "/v1/functions/f", EG_E_UNSUPPORTED);
    assert_rc("GET", "/v1/subscriptions/s", EG_E_UNSUPPORTED);
    assert_rc("PUT", "/v1/subscriptions/s", EG_E_UNSUPPORTED);
}

UNIT_MAIN(UNIT(two_resources_of_one_space_are_found),
          UNIT(the_id_of_a_subscription_stays_as_it_was_sent),
          UNIT(slashes_dots_and_case_are_forgiven), UNIT(other_pages_are_not_found),
          UNIT(a_page_knows_its_methods))
