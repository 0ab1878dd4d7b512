/*
 * domain/match.h - the common setting `match` of middleware, compiled: which requests and events
 * one takes part in. Pure; read-only once made, any thread; lives in the arena it was read into.
 *
 * Middleware may be a guard, so whatever a path might mean counts: escapes are undone, an escaped
 * slash is one and is none, empty segments, `.` and `..` are resolved and are not, and so on, as
 * match_path.c has it. A match that is too wide asks a guard in vain, one that is too narrow opens
 * a door.
 */
#ifndef GW_DOMAIN_MATCH_H
#define GW_DOMAIN_MATCH_H

#include <stdbool.h>

#include "base/arena.h"

struct gw_match;

/* json: the value of `match`. EG_E_INVAL with a sentence that begins with the key at fault:
 * "'plugins.auth.match.paths' has to ...", section being "plugins.auth". */
int32_t gw_match_read(struct gw_arena *arena, struct eg_str section, struct eg_str json,
                      const struct gw_match **ret_match, struct eg_why *ret_why);

/* Is the path one of `paths`, or below one, and the method one of `methods`? */
bool gw_match_request(const struct gw_match *match, struct eg_str method, struct eg_str path);
/* Can it be judged by the request alone: without `spaces` and `event_types`? */
bool gw_match_is_early(const struct gw_match *match);
bool gw_match_event_type(const struct gw_match *match, struct eg_str type);
bool gw_match_has_spaces(const struct gw_match *match);
bool gw_match_space(const struct gw_match *match, struct eg_str space);

#endif
