/*
 * api/v2017_router.c - the pages of 2017: /v1/functions and /v1/subscriptions, and one of either.
 * Slashes too many, dot segments and letter case are treated as in config_router.c.
 *
 * Ids of subscriptions hold escapes, and clients sent them as they are (Q43). So the rest of the
 * path is taken raw; what it means is decided where all subscriptions are known. Pure.
 */
#include "api/config_path.h"
#include "api/v2017_face.h"
#include "base/check.h"
#include "base/slice.h"
#include "domain/document.h"

static const struct action {
    enum gw_config_page page;
    enum gw_kind kind;
    const char *method;
    enum gw_config_op op;
} actions[] = {
    {GW_PAGE_COLLECTION, GW_FUNCTION, "GET", GW_CONFIG_LIST},
    {GW_PAGE_COLLECTION, GW_FUNCTION, "POST", GW_CONFIG_CREATE},
    {GW_PAGE_ITEM, GW_FUNCTION, "GET", GW_CONFIG_GET},
    {GW_PAGE_ITEM, GW_FUNCTION, "PUT", GW_CONFIG_UPDATE},
    {GW_PAGE_ITEM, GW_FUNCTION, "DELETE", GW_CONFIG_DELETE},
    {GW_PAGE_COLLECTION, GW_SUBSCRIPTION, "GET", GW_CONFIG_LIST},
    {GW_PAGE_COLLECTION, GW_SUBSCRIPTION, "POST", GW_CONFIG_CREATE},
    {GW_PAGE_ITEM, GW_SUBSCRIPTION, "DELETE", GW_CONFIG_DELETE},
};

/* v1, <resource>, <id> */
enum { VERSION, RESOURCE, ID };

static int32_t match_kind(struct eg_str word, enum gw_kind *ret_kind) {
    static const enum gw_kind kinds[] = {GW_FUNCTION, GW_SUBSCRIPTION};
    for (size_t i = 0; i < GW_COUNT(kinds); i++) {
        if (gw_str_eq_nocase(word, gw_str_c(gw_kind_words[kinds[i]].route))) {
            *ret_kind = kinds[i];
            return EG_OK;
        }
    }
    return EG_E_NOTFOUND;
}

/* An empty first segment is a slash too many. Those at the end may be too, or may be of the id. */
static int32_t match_raw_id(struct eg_str rest, struct eg_str *ret_id) {
    if (rest.len == 0 || rest.ptr[0] == '/') {
        return EG_E_NOTFOUND;
    }
    *ret_id = rest;
    return EG_OK;
}

static int32_t match_id(struct gw_arena *arena, const struct gw_config_segments *segments,
                        struct gw_config_route *ret_route) {
    const struct eg_str rest = segments->rest[ID];
    ret_route->page = GW_PAGE_ITEM;
    if (ret_route->kind == GW_SUBSCRIPTION) {
        return match_raw_id(rest, &ret_route->id);
    }
    if (rest.len == 0 || segments->count > ID + 1) {
        return EG_E_NOTFOUND;
    }
    return gw_config_path_decode(arena, rest, &ret_route->id);
}

static int32_t match(struct gw_arena *arena, struct eg_str path,
                     struct gw_config_route *ret_route) {
    struct gw_config_segments segments;
    struct eg_str words[ID] = {{0}};
    if (gw_config_path_split(path, &segments) < 0 || segments.count < ID ||
        gw_config_path_words(arena, &segments, words, ID) < 0) {
        return EG_E_NOTFOUND;
    }
    if (!gw_str_eq_nocase(words[VERSION], GW_STR("v1")) ||
        match_kind(words[RESOURCE], &ret_route->kind) < 0) {
        return EG_E_NOTFOUND;
    }
    ret_route->space = GW_STR(GW_DEFAULT_SPACE);
    ret_route->page = GW_PAGE_COLLECTION;
    return segments.count > ID ? match_id(arena, &segments, ret_route) : EG_OK;
}

int32_t gw_v2017_route(struct gw_arena *arena, struct eg_str method, struct eg_str path,
                       struct gw_config_route *ret_route) {
    struct gw_config_route route = {0};
    const int32_t rc = gw_config_path_match(arena, path, match, &route);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < GW_COUNT(actions); i++) {
        if (actions[i].page == route.page && actions[i].kind == route.kind &&
            gw_str_eq(method, gw_str_c(actions[i].method))) {
            route.op = actions[i].op;
            *ret_route = route;
            return EG_OK;
        }
    }
    return EG_E_UNSUPPORTED;
}
