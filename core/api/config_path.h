/*
 * api/config_path.h - paths of the Config API cut into segments, and cleaned: what the routers of
 * all faces share. Pure; inside api/ only.
 */
#ifndef GW_API_CONFIG_PATH_H
#define GW_API_CONFIG_PATH_H

#include <stdbool.h>

#include "base/bytes.h"

/* v1, spaces, <space>, <resource>, <id> */
#define GW_CONFIG_MAX_SEGMENTS 5u

struct gw_config_route;

struct gw_config_segments {
    struct eg_str raw[GW_CONFIG_MAX_SEGMENTS];
    struct eg_str rest[GW_CONFIG_MAX_SEGMENTS]; /* from this segment to the end of the path */
    size_t count;                               /* of the whole path */
};
/* EG_E_NOTFOUND: the path does not begin with a slash. */
int32_t gw_config_path_split(struct eg_str path, struct gw_config_segments *ret_segments);
/* Is a segment `.` or `..`? */
bool gw_config_path_has_dots(struct eg_str path);
/* Without dot segments (RFC 3986 5.2.4) and empty ones. */
struct eg_str gw_config_path_clean(struct gw_arena *arena, struct eg_str path);
/* The first count segments, decoded; those that are not there stay as they are. EG_E_NOTFOUND. */
int32_t gw_config_path_words(struct gw_arena *arena, const struct gw_config_segments *segments,
                             struct eg_str *words, size_t count);
/* Does match (0, or EG_E_NOTFOUND) know the path as it was sent? If not, or with a segment `.` or
 * `..` in it: cleaned? */
int32_t gw_config_path_match(struct gw_arena *arena, struct eg_str path,
                             int32_t (*match)(struct gw_arena *arena, struct eg_str path,
                                              struct gw_config_route *ret_route),
                             struct gw_config_route *ret_route);
/* EG_E_NOTFOUND: cannot be decoded, or holds a slash then. */
int32_t gw_config_path_decode(struct gw_arena *arena, struct eg_str raw, struct eg_str *ret_text);

#endif
