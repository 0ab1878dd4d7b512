/*
 * api/config_path.c - see the header. Results live in the arena or borrow the path.
 */
#include "api/config_path.h"

#include "base/codec.h"
#include "base/slice.h"

int32_t gw_config_path_split(struct eg_str path, struct gw_config_segments *ret_segments) {
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment;
    if (path.len == 0 || path.ptr[0] != '/') {
        return EG_E_NOTFOUND;
    }
    *ret_segments = (struct gw_config_segments){0};
    while (gw_str_next(&rest, '/', &segment)) {
        if (ret_segments->count < GW_CONFIG_MAX_SEGMENTS) {
            const size_t at = (size_t)(segment.ptr - path.ptr);
            ret_segments->raw[ret_segments->count] = segment;
            ret_segments->rest[ret_segments->count] = gw_str_cut(path, at);
        }
        ret_segments->count++;
    }
    return EG_OK;
}

static bool is_dots(struct eg_str segment) {
    return gw_str_eq(segment, GW_STR(".")) || gw_str_eq(segment, GW_STR(".."));
}

bool gw_config_path_has_dots(struct eg_str path) {
    struct eg_str segment;
    while (gw_str_next(&path, '/', &segment)) {
        if (is_dots(segment)) {
            return true;
        }
    }
    return false;
}

struct eg_str gw_config_path_clean(struct gw_arena *arena, struct eg_str path) {
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

int32_t gw_config_path_decode(struct gw_arena *arena, struct eg_str raw, struct eg_str *ret_text) {
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

int32_t gw_config_path_words(struct gw_arena *arena, const struct gw_config_segments *segments,
                             struct eg_str *words, size_t count) {
    int32_t rc = EG_OK;
    for (size_t i = 0; rc == EG_OK && i < count && i < segments->count; i++) {
        rc = gw_config_path_decode(arena, segments->raw[i], &words[i]);
    }
    return rc;
}

int32_t gw_config_path_match(struct gw_arena *arena, struct eg_str path,
                             int32_t (*match)(struct gw_arena *arena, struct eg_str path,
                                              struct gw_config_route *ret_route),
                             struct gw_config_route *ret_route) {
    const int32_t rc =
        gw_config_path_has_dots(path) ? EG_E_NOTFOUND : match(arena, path, ret_route);
    return rc < 0 ? match(arena, gw_config_path_clean(arena, path), ret_route) : rc;
}
