/*
 * api/path_conflicts.c - see the header. The own space is one tree, filled with what is there, as
 * routing has it. Other spaces are asked path by path: there may be losers among them (Q27), which
 * no common tree would hold, and whose claim counts none the less.
 */
#include "api/path_conflicts.h"

#include "base/slice.h"

#define ARENA_CHUNK_BYTES 1024u

/* A tree wants a value for each path; nobody looks these up. */
static char taken;

static const struct eg_why empty_why = {.struct_size = sizeof empty_why};

static int32_t refuse(enum gw_kind kind, const struct eg_why *why, struct gw_refusal *ret_refusal) {
    return gw_refuse(ret_refusal, 400, "%s path conflict: %.*s", gw_kind_words[kind].title,
                     GW_FMT(gw_why_str(why)));
}

static bool is_rival(const struct gw_subscription *a, const struct gw_subscription *b) {
    return a->is_sync && b->is_sync && gw_str_eq(a->method, b->method) &&
           gw_str_eq(a->event_type, b->event_type);
}

int32_t gw_config_check_own_space(const struct gw_object *wanted, struct gw_object *const *present,
                                  size_t count, struct gw_refusal *ret_refusal) {
    const struct gw_subscription *own = &wanted->as.subscription;
    struct eg_why why = empty_why;
    struct gw_arena arena;
    gw_arena_init(&arena, ARENA_CHUNK_BYTES);
    struct gw_path_tree *tree = gw_path_tree_create(&arena);
    for (size_t i = 0; i < count; i++) {
        if (is_rival(own, &present[i]->as.subscription)) {
            /* What lost a conflict before is not in the way. */
            (void)gw_path_tree_add(tree, present[i]->as.subscription.path, &taken, &why);
        }
    }
    why = empty_why;
    int32_t rc = gw_path_tree_add(tree, own->path, &taken, &why);
    if (rc < 0) {
        rc = refuse(GW_SUBSCRIPTION, &why, ret_refusal);
    }
    gw_arena_free(&arena);
    return rc;
}

/* The path both would have in a common tree; empty when they have none in common. */
static struct eg_str rival_path(const struct gw_object *wanted, const struct gw_object *other) {
    if (gw_str_eq(wanted->space, other->space)) {
        return (struct eg_str){0};
    }
    if (wanted->kind == GW_CORS) {
        const bool is_same = gw_str_eq(wanted->as.cors.method, other->as.cors.method);
        return is_same ? other->as.cors.path : (struct eg_str){0};
    }
    return is_rival(&wanted->as.subscription, &other->as.subscription) ? other->as.subscription.path
                                                                       : (struct eg_str){0};
}

static int32_t check_pair(struct gw_arena *arena, const struct gw_object *wanted,
                          struct eg_str other_path, struct eg_why *ret_why) {
    const struct eg_str path =
        wanted->kind == GW_CORS ? wanted->as.cors.path : wanted->as.subscription.path;
    gw_arena_reset(arena);
    struct gw_path_tree *tree = gw_path_tree_create(arena);
    if (gw_path_tree_add(tree, other_path, &taken, ret_why) < 0) {
        return EG_OK;
    }
    return gw_path_tree_add(tree, path, &taken, ret_why);
}

int32_t gw_config_check_other_spaces(const struct gw_config_context *context,
                                     const struct gw_object *wanted,
                                     struct gw_refusal *ret_refusal) {
    if (!context->refuse_cross_space_conflicts) {
        return EG_OK;
    }
    const struct gw_map *cache = gw_catalog_cache(context->catalog, wanted->kind);
    const struct gw_map_slot *slot;
    struct eg_why why = empty_why;
    struct gw_arena arena;
    int32_t rc = EG_OK;
    gw_arena_init(&arena, ARENA_CHUNK_BYTES);
    for (size_t i = 0; rc == EG_OK && (slot = gw_map_next(cache, &i)) != NULL;) {
        const struct eg_str path = rival_path(wanted, slot->value);
        rc = path.len == 0 ? EG_OK : check_pair(&arena, wanted, path, &why);
    }
    if (rc < 0) {
        rc = refuse(wanted->kind, &why, ret_refusal);
    }
    gw_arena_free(&arena);
    return rc;
}
