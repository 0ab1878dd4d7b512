/*
 * api/config_router.c - see the header. A path is cut into its first segments and the raw rest, and
 * compared with the shapes below; if nothing fits, the cleaned path gets a second chance. An empty
 * segment in the place of the space means "default" (Q3), so the first look is at the path as sent;
 * only with dot segments it is cleaned first, for `..` would pass as a space.
 */
#include "api/config_router.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/slice.h"

/* v1, spaces, <space>, <resource>, <id> */
#define MAX_SEGMENTS 5u

struct segments {
    struct eg_str raw[MAX_SEGMENTS];
    size_t count;       /* of the whole path */
    struct eg_str rest; /* raw, from the fifth segment on */
};

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

/* path begins with '/'. */
static void split(struct eg_str path, struct segments *ret_segments) {
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment;
    *ret_segments = (struct segments){0};
    while (gw_str_next(&rest, '/', &segment)) {
        if (ret_segments->count < MAX_SEGMENTS) {
            ret_segments->raw[ret_segments->count] = segment;
        }
        if (ret_segments->count == MAX_SEGMENTS - 1) {
            const size_t at = (size_t)(segment.ptr - path.ptr);
            ret_segments->rest = gw_str_cut(path, at);
        }
        ret_segments->count++;
    }
}

static bool is_dots(struct eg_str segment) {
    return gw_str_eq(segment, GW_STR(".")) || gw_str_eq(segment, GW_STR(".."));
}

static bool has_dot_segments(struct eg_str path) {
    struct eg_str segment;
    while (gw_str_next(&path, '/', &segment)) {
        if (is_dots(segment)) {
            return true;
        }
    }
    return false;
}

/* RFC 3986 5.2.4, and without empty segments. */
static struct eg_str clean(struct gw_arena *arena, struct eg_str path) {
    struct gw_bytes out;
    struct eg_str segment;
    gw_bytes_init_arena(&out, arena, path.len + 1);
    while (gw_str_next(&path, '/', &segment)) {
        if (gw_str_eq(segment, GW_STR(".."))) {
            while (out.len > 0 && out.ptr[--out.len] != '/') {
            }
        } else if (segment.len > 0 && !is_dots(segment)) {
            gw_bytes_add_char(&out, '/');
            gw_bytes_add(&out, segment);
        }
    }
    if (out.len == 0) {
        gw_bytes_add_char(&out, '/');
    }
    return gw_bytes_str(&out);
}

/* EG_E_NOTFOUND: cannot be decoded, or holds a slash. */
static int32_t decode(struct gw_arena *arena, struct eg_str raw, struct eg_str *ret_text) {
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, raw.len + 1);
    if (gw_percent_decode(&out, raw, false) < 0) {
        return EG_E_NOTFOUND;
    }
    const struct eg_str text = gw_bytes_str(&out);
    if (gw_str_find(text, '/') != text.len) {
        return EG_E_NOTFOUND;
    }
    *ret_text = text;
    return EG_OK;
}

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

static int32_t match_id(struct gw_arena *arena, const struct segments *segments,
                        struct gw_config_route *ret_route) {
    ret_route->page = GW_PAGE_ITEM;
    if (segments->rest.len == 0) {
        return EG_E_NOTFOUND;
    }
    if (ret_route->kind == GW_CORS) {
        ret_route->id = gw_cors_id_from_url(arena, segments->rest);
        return ret_route->id.len > 0 ? EG_OK : EG_E_NOTFOUND;
    }
    return segments->count == MAX_SEGMENTS ? decode(arena, segments->rest, &ret_route->id)
                                           : EG_E_NOTFOUND;
}

static int32_t match_space(struct gw_arena *arena, const struct segments *segments,
                           const struct eg_str *words, struct gw_config_route *ret_route) {
    if (!gw_str_eq_nocase(words[1], GW_STR("spaces")) ||
        match_kind(words[3], &ret_route->kind) < 0) {
        return EG_E_NOTFOUND;
    }
    ret_route->space = words[2].len > 0 ? words[2] : GW_STR("default");
    if (segments->count > MAX_SEGMENTS - 1) {
        return match_id(arena, segments, ret_route);
    }
    ret_route->page = GW_PAGE_COLLECTION;
    return EG_OK;
}

static int32_t match(struct gw_arena *arena, struct eg_str path,
                     struct gw_config_route *ret_route) {
    struct segments segments;
    struct eg_str words[MAX_SEGMENTS - 1] = {{0}};
    if (path.len == 0 || path.ptr[0] != '/') {
        return EG_E_NOTFOUND;
    }
    split(path, &segments);
    for (size_t i = 0; i < GW_COUNT(words) && i < segments.count; i++) {
        if (decode(arena, segments.raw[i], &words[i]) < 0) {
            return EG_E_NOTFOUND;
        }
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
    int32_t rc = has_dot_segments(path) ? EG_E_NOTFOUND : match(arena, path, &route);
    if (rc < 0) {
        rc = match(arena, clean(arena, path), &route);
    }
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
