/*
 * api/path_conflicts.c - see the header. Other spaces are asked path by path: there may be losers
 * among them (Q27), which no common tree would hold, and whose claim counts none the less.
 */
#include "api/path_conflicts.h"

#include "base/step_aside.h"
#include "domain/path_claims.h"

#define ARENA_CHUNK_BYTES 1024u

int32_t gw_config_check_own_space(const struct gw_object *wanted, struct gw_object *const *present,
                                  size_t count, struct gw_refusal *ret_refusal) {
    struct gw_refusal ignored;
    struct gw_arena arena;
    gw_arena_init(&arena, ARENA_CHUNK_BYTES);
    struct gw_path_claims claims = {.arena = &arena};
    for (size_t i = 0; i < count; i++) {
        gw_step_aside(i, GW_STEP_ASIDE_SHORT);
        /* What lost a conflict before is not in the way. */
        if (gw_path_claims_meet(wanted, present[i])) {
            (void)gw_path_claim(&claims, present[i], &ignored);
        }
    }
    const int32_t rc = gw_path_claim(&claims, wanted, ret_refusal);
    gw_path_claims_free(&claims);
    gw_arena_free(&arena);
    return rc;
}

int32_t gw_config_check_other_spaces(const struct gw_config_context *context,
                                     const struct gw_object *wanted,
                                     struct gw_refusal *ret_refusal) {
    if (!context->refuse_cross_space_conflicts) {
        return EG_OK;
    }
    const struct gw_map *cache = gw_catalog_cache(context->catalog, wanted->kind);
    const struct gw_map_slot *slot;
    struct gw_arena arena;
    int32_t rc = EG_OK;
    gw_arena_init(&arena, ARENA_CHUNK_BYTES);
    for (size_t i = 0; rc == EG_OK && (slot = gw_map_next(cache, &i)) != NULL;) {
        rc = gw_path_check_pair(&arena, wanted, slot->value, ret_refusal);
    }
    gw_arena_free(&arena);
    return rc;
}
