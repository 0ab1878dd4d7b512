/*
 * domain/hosted.c - hosted path mapping (chapter 12): on the hosts of the hosted service the first
 * label of the host name is the space, and stands in front of the path.
 *
 * The rule is the regular expression (eventgateway([a-z-]*)?.io|slsgateway.com), without anchors
 * and with dots that match any character. Pure, any thread.
 */
#include "domain/hosted.h"

#include "base/slice.h"

#define PREFIX GW_STR("eventgateway")
#define SERVICE GW_STR("slsgateway")

/* Any one character, then `ending`. */
static bool is_ending(struct eg_str s, struct eg_str ending) {
    return s.len > 0 && *s.ptr != '\n' && gw_str_starts(gw_str_cut(s, 1), ending);
}

/* ([a-z-]*)?.io at the beginning of s */
static bool is_io(struct eg_str s) {
    for (; s.len > 0; s = gw_str_cut(s, 1)) {
        if (is_ending(s, GW_STR("io"))) {
            return true;
        }
        if (*s.ptr != '-' && (*s.ptr < 'a' || *s.ptr > 'z')) {
            return false;
        }
    }
    return false;
}

bool gw_is_hosted(struct eg_str host) {
    for (; host.len > 0; host = gw_str_cut(host, 1)) {
        if (gw_str_starts(host, PREFIX) && is_io(gw_str_cut(host, PREFIX.len))) {
            return true;
        }
        if (gw_str_starts(host, SERVICE) &&
            is_ending(gw_str_cut(host, SERVICE.len), GW_STR("com"))) {
            return true;
        }
    }
    return false;
}

struct eg_str gw_hosted_path(struct gw_arena *arena, struct eg_str host, struct eg_str path) {
    if (!gw_is_hosted(host)) {
        return path;
    }
    const struct eg_str label = gw_str_sub(host, 0, gw_str_find(host, '.'));
    return gw_arena_printf(arena, "/%.*s%.*s", GW_FMT(label), GW_FMT(path));
}

struct eg_str gw_hosted_received_path(struct gw_arena *arena, struct eg_str host,
                                      struct eg_str routing_path) {
    if (!gw_is_hosted(host)) {
        return GW_STR("/");
    }
    const struct eg_str rest = gw_str_cut(routing_path, gw_str_starts(routing_path, GW_STR("/")));
    return gw_arena_printf(arena, "/%.*s/", (int)gw_str_find(rest, '/'),
                           rest.len == 0 ? "" : rest.ptr);
}
