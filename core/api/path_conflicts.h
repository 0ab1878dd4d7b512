/*
 * api/path_conflicts.h - may a path be added beside those that are there (chapter 5.6)? Inside api/
 * only; control thread; no state.
 */
#ifndef GW_API_PATH_CONFLICTS_H
#define GW_API_PATH_CONFLICTS_H

#include "api/config_call.h"

/* `wanted` beside the sync subscriptions of its own space, method and event type. */
int32_t gw_config_check_own_space(const struct gw_object *wanted, struct gw_object *const *present,
                                  size_t count, struct gw_refusal *ret_refusal);
/* Q27, with events.refuse_cross_space_conflicts: `wanted` (a sync subscription or CORS) beside what
 * the cache knows of other spaces; both kinds share their trees with all spaces. */
int32_t gw_config_check_other_spaces(const struct gw_config_context *context,
                                     const struct gw_object *wanted,
                                     struct gw_refusal *ret_refusal);

#endif
