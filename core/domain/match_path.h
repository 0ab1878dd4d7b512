/*
 * domain/match_path.h - is a request's path below another one, in any way somebody behind the
 * gateway might read it? Pure, nothing is allocated. Not for other floors.
 */
#ifndef GW_DOMAIN_MATCH_PATH_H
#define GW_DOMAIN_MATCH_PATH_H

#include <stdbool.h>

#include <eventgw/types.h>

/* Both begin with '/' and may hold escapes. A base of slashes only holds everything. */
bool gw_match_path_below(struct eg_str base, struct eg_str path);

#endif
