/*
 * state/space_routes.h - the routes of one space by themselves, for a face that knows no spaces, no
 * path parameters and no paths of events: literal look-ups beside the trees that all spaces share.
 *
 * Built with a snapshot when the publisher was told so (gw_publisher_index_space), since it costs
 * memory for each subscription of the space. A subscription that lost its path to another space is
 * found here. Read like a snapshot; without the index nothing is found.
 */
#ifndef GW_STATE_SPACE_ROUTES_H
#define GW_STATE_SPACE_ROUTES_H

#include "state/snapshot.h"

/* The sync subscriber whose subscription has exactly this method and path. */
const struct gw_subscriber *gw_space_sync(const struct gw_snapshot *snapshot, struct eg_str method,
                                          struct eg_str path, struct eg_str event_type);
/* All async subscribers of the type, whatever their method and path, each function once, oldest
 * first. */
const struct gw_subscriber *const *gw_space_async(const struct gw_snapshot *snapshot,
                                                  struct eg_str event_type, size_t *ret_count);
/* A function of the space and what counts its calls by id; NULL: there is none. */
const struct gw_callee *gw_space_callee(const struct gw_snapshot *snapshot, struct eg_str id,
                                        const struct gw_direct **ret_direct);

/* Adds the index to a snapshot that was just built; space is borrowed. Control thread. */
void gw_space_routes_build(struct gw_snapshot *snapshot, struct eg_str space);

#endif
