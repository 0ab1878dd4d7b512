/*
 * domain/path_claims.h - which paths may stand beside each other (chapter 5.6): the one rule behind
 * the Configuration API and the import of a whole configuration. Pure; one thread.
 */
#ifndef GW_DOMAIN_PATH_CLAIMS_H
#define GW_DOMAIN_PATH_CLAIMS_H

#include "base/map.h"
#include "domain/object.h"
#include "domain/path_tree.h"

/* The paths of sync subscriptions, each among those of its space, method and event type: one tree
 * for each, as routing has it. Zeroed but for the arena, which is borrowed and holds all. */
struct gw_path_claims {
    struct gw_arena *arena;
    struct gw_map trees;
    const struct gw_object *last; /* whose tree was used last: */
    struct gw_path_tree *last_tree;
};
/* Adds the path; EG_E_INVAL with `Subscription path conflict: ...` when it conflicts with one that
 * is there, which leaves the claims as they were. What is no sync subscription claims nothing. The
 * object is borrowed as long as the claims are used. */
int32_t gw_path_claim(struct gw_path_claims *claims, const struct gw_object *object,
                      struct gw_refusal *ret_refusal);
/* Could the two be in each other's way: sync subscriptions of one space, method and event type? */
bool gw_path_claims_meet(const struct gw_object *a, const struct gw_object *b);
void gw_path_claims_free(struct gw_path_claims *claims); /* not the arena */

/* Q27: do two objects of one kind (sync subscriptions or CORS) conflict that are of different
 * spaces, which share their trees? Objects of one space never do here. scratch is reset. */
int32_t gw_path_check_pair(struct gw_arena *scratch, const struct gw_object *wanted,
                           const struct gw_object *other, struct gw_refusal *ret_refusal);

#endif
