/*
 * api/config_router.c - see the header. A path is cut into its first segments and the raw rest, and
 * compared with the shapes below; if nothing fits, the cleaned path gets a second chance. An empty
 * segment in the place of the space means "default" (Q3), so the first look is at the path as sent;
 * only with dot segments it is cleaned first, for `..` would pass as a space.
 */
#include "api/config_router.h"

#include "api/config_path.h"
#include "base/check.h"
#include "base/slice.h"

struct action {
    enum gw_config_page page;
    const char *method;
    enum gw_config_op op;
};
static const struct action actions[] = {
    {GW_PAGE_STATUS, "GET", GW_CONFIG_GET},      {GW_PAGE_METRICS, "GET", GW_CONFIG_GET},
    {GW_PAGE_PLUGINS, "GET", GW_CONFIG_GET},     {GW_PAGE_RELOAD, "POST", GW_CONFIG_CREATE},
    {GW_PAGE_COLLECTION, "GET", GW_CONFIG_LIST}, {GW_PAGE_COLLECTION, "POST", GW_CONFIG_CREATE},
    {GW_PAGE_ITEM, "GET", GW_CONFIG_GET},        {GW_PAGE_ITEM, "PUT", GW_CONFIG_UPDATE},
    {GW_PAGE_ITEM, "DELETE", GW_CONFIG_DELETE},
};

const char *const gw_config_op_names[GW_CONFIG_OPS] = {
    [GW_CONFIG_CREATE] = "create", [GW_CONFIG_GET] = "get",       [GW_CONFIG_LIST] = "list",
    [GW_CONFIG_UPDATE] = "update", [GW_CONFIG_DELETE] = "delete",
};

static int32_t match_kind(struct eg_str word, enum gw_kind *ret_kind) {
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        if (gw_str_eq_nocase(word, gw_str_c(gw_kind_words[kind].route))) {
            *ret_kind = (enum gw_kind)kind;
            return EG_OK;
        }
    }
    return EG_E_NOTFOUND;
}

static int32_t match_page(const struct eg_str *words, size_t count,
                          struct gw_config_route *ret_route) {
    static const struct {
        size_t count; /* of words, with the v1 */
        const char *name;
        const char *more;
        enum gw_config_page page;
    } pages[] = {
        {2, "status", "", GW_PAGE_STATUS},
        {2, "metrics", "", GW_PAGE_METRICS},
        {2, "plugins", "", GW_PAGE_PLUGINS},
        {3, "plugins", "reload", GW_PAGE_RELOAD},
    };
    for (size_t i = 0; i < GW_COUNT(pages); i++) {
        if (pages[i].count == count && gw_str_eq_nocase(words[1], gw_str_c(pages[i].name)) &&
            gw_str_eq_nocase(words[2], gw_str_c(pages[i].more))) {
            ret_route->page = pages[i].page;
            return EG_OK;
        }
    }
    return EG_E_NOTFOUND;
}

static int32_t match_id(struct gw_arena *arena, const struct gw_config_segments *segments,
                        struct gw_config_route *ret_route) {
    const struct eg_str rest = segments->rest[GW_CONFIG_MAX_SEGMENTS - 1];
    ret_route->page = GW_PAGE_ITEM;
    if (rest.len == 0) {
        return EG_E_NOTFOUND;
    }
    if (ret_route->kind == GW_CORS) {
        ret_route->id = gw_cors_id_from_url(arena, rest);
        return ret_route->id.len > 0 ? EG_OK : EG_E_NOTFOUND;
    }
    return segments->count == GW_CONFIG_MAX_SEGMENTS
               ? gw_config_path_decode(arena, rest, &ret_route->id)
               : EG_E_NOTFOUND;
}

static int32_t match_space(struct gw_arena *arena, const struct gw_config_segments *segments,
                           const struct eg_str *words, struct gw_config_route *ret_route) {
    if (!gw_str_eq_nocase(words[1], GW_STR("spaces")) ||
        match_kind(words[3], &ret_route->kind) < 0) {
        return EG_E_NOTFOUND;
    }
    ret_route->space = words[2].len > 0 ? words[2] : GW_STR("default");
    if (segments->count >= GW_CONFIG_MAX_SEGMENTS) {
        return match_id(arena, segments, ret_route);
    }
    ret_route->page = GW_PAGE_COLLECTION;
    return EG_OK;
}

static int32_t match(struct gw_arena *arena, struct eg_str path,
                     struct gw_config_route *ret_route) {
    struct gw_config_segments segments;
    struct eg_str words[GW_CONFIG_MAX_SEGMENTS - 1] = {{0}};
    if (gw_config_path_split(path, &segments) < 0 ||
        gw_config_path_words(arena, &segments, words, GW_COUNT(words)) < 0) {
        return EG_E_NOTFOUND;
    }
    if (!gw_str_eq_nocase(words[0], GW_STR("v1"))) {
        return EG_E_NOTFOUND;
    }
    return segments.count < 4 ? match_page(words, segments.count, ret_route)
                              : match_space(arena, &segments, words, ret_route);
}

int32_t gw_config_route(struct gw_arena *arena, struct eg_str method, struct eg_str path,
                        struct gw_config_route *ret_route) {
    struct gw_config_route route = {0};
    const int32_t rc = gw_config_path_match(arena, path, match, &route);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < GW_COUNT(actions); i++) {
        if (actions[i].page == route.page && gw_str_eq(method, gw_str_c(actions[i].method))) {
            route.op = actions[i].op;
            *ret_route = route;
            return EG_OK;
        }
    }
    return EG_E_UNSUPPORTED;
}
