/*
 * domain/path_claims.c - see the header. Pure.
 */
#include "domain/path_claims.h"

#include "base/slice.h"

/* A tree wants a value for each path; nobody looks these up. */
static char taken;

static const struct eg_why empty_why = {.struct_size = sizeof empty_why};

static int32_t refuse(enum gw_kind kind, const struct eg_why *why, struct gw_refusal *ret_refusal) {
    return gw_refuse(ret_refusal, 400, "%s path conflict: %.*s", gw_kind_words[kind].title,
                     GW_FMT(gw_why_str(why)));
}

/* ---- one space ---- */

/* Neither space names nor methods nor event types hold a line break. */
static struct eg_str group_key(struct gw_arena *arena, const struct gw_object *object) {
    const struct gw_subscription *s = &object->as.subscription;
    return gw_arena_printf(arena, "%.*s\n%.*s\n%.*s", GW_FMT(object->space), GW_FMT(s->method),
                           GW_FMT(s->event_type));
}

bool gw_path_claims_meet(const struct gw_object *a, const struct gw_object *b) {
    const struct gw_subscription *x = &a->as.subscription;
    const struct gw_subscription *y = &b->as.subscription;
    return a->kind == GW_SUBSCRIPTION && b->kind == GW_SUBSCRIPTION && x->is_sync && y->is_sync &&
           gw_str_eq(x->method, y->method) && gw_str_eq(x->event_type, y->event_type) &&
           gw_str_eq(a->space, b->space);
}

/* Objects come in heaps that share a tree. */
static struct gw_path_tree *tree_of(struct gw_path_claims *claims, const struct gw_object *object) {
    if (claims->last != NULL && gw_path_claims_meet(claims->last, object)) {
        return claims->last_tree;
    }
    const struct eg_str key = group_key(claims->arena, object);
    struct gw_path_tree *tree = gw_map_get(&claims->trees, key);
    if (tree == NULL) {
        tree = gw_path_tree_create(claims->arena);
        (void)gw_map_put(&claims->trees, key, tree);
    }
    claims->last = object;
    claims->last_tree = tree;
    return tree;
}

int32_t gw_path_claim(struct gw_path_claims *claims, const struct gw_object *object,
                      struct gw_refusal *ret_refusal) {
    struct eg_why why = empty_why;
    if (object->kind != GW_SUBSCRIPTION || !object->as.subscription.is_sync) {
        return EG_OK;
    }
    const int32_t rc =
        gw_path_tree_add(tree_of(claims, object), object->as.subscription.path, &taken, &why);
    return rc < 0 ? refuse(GW_SUBSCRIPTION, &why, ret_refusal) : rc;
}

void gw_path_claims_free(struct gw_path_claims *claims) {
    gw_map_free(&claims->trees);
}

/* ---- two spaces ---- */

static bool shares_tree(const struct gw_object *a, const struct gw_object *b) {
    if (a->kind != b->kind || gw_str_eq(a->space, b->space)) {
        return false;
    }
    if (a->kind == GW_CORS) {
        return gw_str_eq(a->as.cors.method, b->as.cors.method);
    }
    const struct gw_subscription *x = &a->as.subscription;
    const struct gw_subscription *y = &b->as.subscription;
    return a->kind == GW_SUBSCRIPTION && x->is_sync && y->is_sync &&
           gw_str_eq(x->method, y->method) && gw_str_eq(x->event_type, y->event_type);
}

static struct eg_str path_of(const struct gw_object *object) {
    return object->kind == GW_CORS ? object->as.cors.path : object->as.subscription.path;
}

int32_t gw_path_check_pair(struct gw_arena *scratch, const struct gw_object *wanted,
                           const struct gw_object *other, struct gw_refusal *ret_refusal) {
    struct eg_why why = empty_why;
    if (!shares_tree(wanted, other)) {
        return EG_OK;
    }
    gw_arena_reset(scratch);
    struct gw_path_tree *tree = gw_path_tree_create(scratch);
    if (gw_path_tree_add(tree, path_of(other), &taken, &why) < 0) {
        return EG_OK; /* it is in nobody's way */
    }
    const int32_t rc = gw_path_tree_add(tree, path_of(wanted), &taken, &why);
    return rc < 0 ? refuse(wanted->kind, &why, ret_refusal) : rc;
}
