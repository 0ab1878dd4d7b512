/* Which method and path mean what: compatibility chapter 3.1, decisions Q3, Q9, Q38. */
#include "api/config_router.h"

#include "base/slice.h"
#include "unit.h"

static struct gw_arena arena;

static int32_t route(const char *method, const char *path, struct gw_config_route *ret_route) {
    *ret_route = (struct gw_config_route){0};
    gw_arena_free(&arena);
    gw_arena_init(&arena, 256);
    return gw_config_route(&arena, gw_str_c(method), gw_str_c(path), ret_route);
}

#define ASSERT_ROUTE(method, path, want_page, want_op)                                             \
    do {                                                                                           \
        struct gw_config_route got;                                                                \
        CU_ASSERT_EQUAL(route(method, path, &got), EG_OK);                                         \
        CU_ASSERT_EQUAL(got.page, want_page);                                                      \
        CU_ASSERT_EQUAL(got.op, want_op);                                                          \
    } while (0)
#define ASSERT_ITEM(path, want_kind, want_space, want_id)                                          \
    do {                                                                                           \
        struct gw_config_route got;                                                                \
        CU_ASSERT_EQUAL(route("GET", path, &got), EG_OK);                                          \
        CU_ASSERT_EQUAL(got.page, GW_PAGE_ITEM);                                                   \
        CU_ASSERT_EQUAL(got.kind, want_kind);                                                      \
        ASSERT_STR(got.space, want_space);                                                         \
        ASSERT_STR(got.id, want_id);                                                               \
    } while (0)
#define ASSERT_RC(method, path, want_rc)                                                           \
    do {                                                                                           \
        struct gw_config_route got;                                                                \
        CU_ASSERT_EQUAL(route(method, path, &got), want_rc);                                       \
    } while (0)

static void the_pages_and_four_resources_are_found(void) {
    ASSERT_ROUTE("GET", "/v1/status", GW_PAGE_STATUS, GW_CONFIG_GET);
    ASSERT_ROUTE("GET", "/v1/metrics", GW_PAGE_METRICS, GW_CONFIG_GET);
    ASSERT_ROUTE("GET", "/v1/plugins", GW_PAGE_PLUGINS, GW_CONFIG_GET);
    ASSERT_ROUTE("POST", "/v1/plugins/reload", GW_PAGE_RELOAD, GW_CONFIG_CREATE);
    ASSERT_ROUTE("POST", "/V1//Plugins/./RELOAD", GW_PAGE_RELOAD, GW_CONFIG_CREATE);
    ASSERT_ROUTE("GET", "/v1/spaces/s/functions", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
    ASSERT_ROUTE("POST", "/v1/spaces/s/eventtypes", GW_PAGE_COLLECTION, GW_CONFIG_CREATE);
    ASSERT_ROUTE("PUT", "/v1/spaces/s/subscriptions/x", GW_PAGE_ITEM, GW_CONFIG_UPDATE);
    ASSERT_ROUTE("DELETE", "/v1/spaces/s/cors/GET%2Fx", GW_PAGE_ITEM, GW_CONFIG_DELETE);
    ASSERT_ITEM("/v1/spaces/s.1/eventtypes/user.created", GW_EVENTTYPE, "s.1", "user.created");
}

static void unknown_pages_are_not_found(void) {
    static const char *const paths[] = {"/",
                                        "/v1",
                                        "/metrics",
                                        "/v1/spaces",
                                        "/v1/spaces/s",
                                        "/v1/spaces/s/",
                                        "/v2/status",
                                        "/v1/spaces/s/nothing",
                                        "/v1/spaces/s/functions/a/b",
                                        "/v1/status/x",
                                        "/v1/plugins/x",
                                        "/v1/status/reload",
                                        "*",
                                        "",
                                        "/v1/spaces/functions/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ASSERT_RC("GET", paths[i], EG_E_NOTFOUND);
    }
}

static void known_pages_refuse_other_methods(void) {
    static const struct {
        const char *method;
        const char *path;
    } cases[] = {{"PATCH", "/v1/spaces/s/functions"},
                 {"PUT", "/v1/spaces/s/functions"},
                 {"POST", "/v1/spaces/s/functions/x"},
                 {"HEAD", "/v1/spaces/s/functions"},
                 {"OPTIONS", "/v1/spaces/s/cors"},
                 {"POST", "/v1/status"},
                 {"HEAD", "/v1/metrics"},
                 {"POST", "/v1/plugins"},
                 {"GET", "/v1/plugins/reload"},
                 {"get", "/v1/status"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ASSERT_RC(cases[i].method, cases[i].path, EG_E_UNSUPPORTED);
    }
}

static void paths_that_clean_up_to_a_route_are_served(void) {
    ASSERT_ROUTE("GET", "/v1/spaces/s/functions/", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
    ASSERT_ROUTE("POST", "/v1/spaces/s/functions//", GW_PAGE_COLLECTION, GW_CONFIG_CREATE);
    ASSERT_ROUTE("GET", "//v1///status/", GW_PAGE_STATUS, GW_CONFIG_GET);
    ASSERT_ROUTE("GET", "/v1/./spaces/x/../s/functions", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
    ASSERT_ROUTE("GET", "/../../v1/status", GW_PAGE_STATUS, GW_CONFIG_GET);
    ASSERT_ROUTE("GET", "/V1/Spaces/s/Functions", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
    ASSERT_ITEM("/v1/spaces/s/functions/f1/", GW_FUNCTION, "s", "f1");
}

static void an_empty_space_means_default(void) {
    struct gw_config_route collection;
    CU_ASSERT_EQUAL(route("POST", "/v1/spaces//functions", &collection), EG_OK);
    ASSERT_STR(collection.space, "default");
    ASSERT_ITEM("/v1/spaces//functions/f", GW_FUNCTION, "default", "f");
}

static void dot_segments_are_no_spaces_and_no_ids(void) {
    ASSERT_RC("GET", "/v1/spaces/../functions", EG_E_NOTFOUND);
    ASSERT_ROUTE("GET", "/v1/spaces/s/functions/.", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
    ASSERT_RC("GET", "/v1/spaces/s/functions/..", EG_E_NOTFOUND);
}

static void segments_are_decoded_but_hold_no_slash(void) {
    ASSERT_ITEM("/v1/spaces/my%20space/functions/a%20b", GW_FUNCTION, "my space", "a b");
    ASSERT_ITEM("/v1/spaces/s/functions/%2e%2e", GW_FUNCTION, "s", "..");
    ASSERT_ITEM("/%761/space%73/s/functions/f", GW_FUNCTION, "s", "f");
    ASSERT_RC("POST", "/v1/spaces/a%2Fb/functions", EG_E_NOTFOUND);
    ASSERT_RC("GET", "/v1/spaces/s/functions/a%2fb", EG_E_NOTFOUND);
    ASSERT_RC("GET", "/v1%2Fstatus", EG_E_NOTFOUND);
    ASSERT_RC("GET", "/v1/spaces/s/functions/%zz", EG_E_NOTFOUND);
}

static void cors_ids_are_taken_in_every_spelling(void) {
    static const char *const paths[] = {
        "/v1/spaces/s/cors/GET%2Fhello", "/v1/spaces/s/cors/GET%2fhello",
        "/v1/spaces/s/cors/GET%252Fhello", "/v1/spaces/s/cors/GET/hello"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ASSERT_ITEM(paths[i], GW_CORS, "s", "GET%2Fhello");
    }
    ASSERT_ITEM("/v1/spaces/s/cors/POST%2Fa%2F:b%2F%2Ac", GW_CORS, "s", "POST%2Fa%2F:b%2F%2Ac");
    ASSERT_ITEM("/v1/spaces/s/cors/GET/a/", GW_CORS, "s", "GET%2Fa%2F");
    ASSERT_ITEM("/v1/spaces/s/cors/missing", GW_CORS, "s", "missing");
    ASSERT_ROUTE("GET", "/v1/spaces/s/cors/", GW_PAGE_COLLECTION, GW_CONFIG_LIST);
}

static void a_path_of_many_slashes_is_just_not_found(void) {
    static char path[8193];
    memset(path, '/', sizeof path - 1);
    ASSERT_RC("GET", path, EG_E_NOTFOUND);
    for (size_t i = 0; i + 3 < sizeof path; i += 3) {
        memcpy(path + i, "/..", 3);
    }
    ASSERT_RC("GET", path, EG_E_NOTFOUND);
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(the_pages_and_four_resources_are_found), UNIT(unknown_pages_are_not_found),
          UNIT(known_pages_refuse_other_methods), UNIT(paths_that_clean_up_to_a_route_are_served),
          UNIT(an_empty_space_means_default), UNIT(dot_segments_are_no_spaces_and_no_ids),
          UNIT(segments_are_decoded_but_hold_no_slash), UNIT(cors_ids_are_taken_in_every_spelling),
          UNIT(a_path_of_many_slashes_is_just_not_found))
