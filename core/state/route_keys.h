/*
 * state/route_keys.h - the keys by which a snapshot finds what belongs to an object. All objects
 * are looked at for each snapshot, and most of them are those of the one before: so their keys are
 * hashed once, when they are read. Pure.
 */
#ifndef GW_STATE_ROUTE_KEYS_H
#define GW_STATE_ROUTE_KEYS_H

#include "domain/object.h"
#include "state/route_table.h"

enum gw_route_ref {
    GW_REF_SELF,     /* (space, id) */
    GW_REF_FUNCTION, /* (space, id) of the function of a subscription, the authorizer of a type */
    GW_REF_TYPE,     /* (space, name) of the event type of a subscription */
    GW_REF_LABEL,    /* (space, type) of the counters of a subscription */
    GW_REF_ROUTE,    /* in the table of its kind: see struct gw_snapshot */
    GW_REFS
};

/* Empty where an object of the kind has no such key. */
struct gw_route_key gw_route_key_of(const struct gw_object *object, enum gw_route_ref ref);
void gw_route_hashes(const struct gw_object *object, uint64_t ret_hashes[GW_REFS]);

#endif
