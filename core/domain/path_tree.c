/*
 * domain/path_tree.c - the tree of paths (compatibility chapter 5.6). A node is one segment below
 * one parent. Below a parent are either static segments only, or one parameter, or one wildcard:
 * static children lie in one hash table for the whole tree, keyed by parent and segment, so that a
 * parent with ten thousand children is as fast as one with two; the other kind hangs on its parent.
 *
 * Adding first walks without changing anything, so a refused path leaves no traces (Q28); what it
 * did not find is then added from where the walk has left the tree. Nodes and table live in the
 * caller's arena. Built by one thread, then read by all.
 *
 * A tree over another one has a table of its own that is asked first. Of a path that it changes it
 * has copies of all nodes, each with the identity of the one below, by which its children are
 * found, so all else hangs on the copies as it did on the originals.
 */
#include "domain/path_tree.h"

#include "base/check.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/why.h"

#define TREE_MAGIC 0x70747265u /* ptre */
#define FIRST_ROOM 16u

struct node {
    struct eg_str segment;
    const struct node *parent; /* its identity */
    const struct node *twin;   /* in a tree over another: the identity; else NULL */
    struct node *pattern;      /* the one parameter or wildcard child */
    struct node *fixed;        /* any static child */
    void *value;
    uint64_t hash;
};

struct gw_path_tree {
    uint32_t magic;
    struct gw_arena *arena;
    const struct gw_path_tree *below; /* NULL: the tree stands by itself */
    void *root_value;                 /* "/" is held apart */
    struct node root;
    struct node **slots; /* static nodes, open addressing */
    size_t room;
    size_t used;
};

static bool is_wildcard(struct eg_str segment) {
    return segment.len > 0 && segment.ptr[0] == '*';
}
static bool is_parameter(struct eg_str segment) {
    return segment.len > 0 && segment.ptr[0] == ':';
}
static bool is_static(struct eg_str s) {
    return !is_wildcard(s) && !is_parameter(s);
}

static struct eg_str name_of(struct eg_str segment) {
    return is_static(segment) ? (struct eg_str){0} : gw_str_cut(segment, 1);
}

static uint64_t hash_of(const struct node *parent, struct eg_str segment) {
    return gw_hash(segment) ^ (parent->hash * 0x9E3779B97F4A7C15ull);
}

static const struct node *identity(const struct node *node) {
    return node->twin == NULL ? node : node->twin;
}

/* The slot that holds the node, or the free one where it belongs. The table is never full. Parent
 * is an identity. */
static struct node **slot_of(const struct gw_path_tree *tree, const struct node *parent,
                             struct eg_str segment, uint64_t hash) {
    size_t i = (size_t)hash & (tree->room - 1);
    for (;;) {
        struct node *node = tree->slots[i];
        if (node == NULL ||
            (node->hash == hash && node->parent == parent && gw_str_eq(node->segment, segment))) {
            return &tree->slots[i];
        }
        i = (i + 1) & (tree->room - 1);
    }
}

static struct node *find_fixed(const struct gw_path_tree *tree, const struct node *parent,
                               struct eg_str segment) {
    struct node *found = NULL;
    if (parent->fixed == NULL) {
        return NULL;
    }
    const uint64_t hash = hash_of(parent, segment);
    if (tree->used > 0) {
        found = *slot_of(tree, identity(parent), segment, hash);
    }
    if (found == NULL && tree->below != NULL && tree->below->used > 0) {
        found = *slot_of(tree->below, identity(parent), segment, hash);
    }
    return found;
}

static void grow_table(struct gw_path_tree *tree) {
    struct node **old = tree->slots;
    const size_t old_room = tree->room;
    tree->room = old_room == 0 ? FIRST_ROOM : gw_size_mul(old_room, 2);
    tree->slots = gw_arena_zalloc(tree->arena, gw_size_mul(tree->room, sizeof(struct node *)));
    for (size_t i = 0; i < old_room; i++) {
        if (old[i] != NULL) {
            *slot_of(tree, old[i]->parent, old[i]->segment, old[i]->hash) = old[i];
        }
    }
}

/* Hangs the node on its parent. */
static void hang(struct gw_path_tree *tree, struct node *parent, struct node *node) {
    if (!is_static(node->segment)) {
        parent->pattern = node;
        return;
    }
    if (tree->used * 4 >= tree->room * 3) {
        grow_table(tree);
    }
    *slot_of(tree, node->parent, node->segment, node->hash) = node;
    tree->used++;
    parent->fixed = node;
}

static struct node *add_child(struct gw_path_tree *tree, struct node *parent,
                              struct eg_str segment) {
    struct node *node = gw_arena_zalloc(tree->arena, sizeof *node);
    node->segment = segment;
    node->parent = identity(parent);
    node->twin = tree->below == NULL ? NULL : node;
    node->hash = hash_of(parent, segment);
    hang(tree, parent, node);
    return node;
}

/* The child itself if it is the tree's own, else a copy. */
static struct node *own_child(struct gw_path_tree *tree, struct node *parent, struct node *child) {
    if (tree->below == NULL || child->twin != NULL) {
        return child;
    }
    struct node *copy = gw_arena_alloc(tree->arena, sizeof *copy);
    *copy = *child;
    copy->twin = child;
    hang(tree, parent, copy);
    return copy;
}

static struct node *child_equal(const struct gw_path_tree *tree, const struct node *parent,
                                struct eg_str segment) {
    if (parent->pattern != NULL) {
        return gw_str_eq(parent->pattern->segment, segment) ? parent->pattern : NULL;
    }
    return find_fixed(tree, parent, segment);
}

/* One step of the conflict check: may `segment` hang below `parent`? The order of the questions is
 * the specification's. */
static int32_t check_child(const struct node *child, struct eg_str segment, struct eg_str path,
                           struct eg_why *ret_why) {
    const struct eg_str name = name_of(child->segment);
    if (is_wildcard(child->segment) || is_wildcard(segment)) {
        return gw_why(ret_why, EG_E_CONFLICT,
                      "wildcard with different name (\"%.*s\") already defined: for route: %.*s",
                      GW_FMT(name), GW_FMT(path));
    }
    if (is_parameter(child->segment) && !gw_str_eq(child->segment, segment)) {
        return gw_why(ret_why, EG_E_CONFLICT,
                      "parameter with different name (\"%.*s\") already defined: for route: %.*s",
                      GW_FMT(name), GW_FMT(path));
    }
    if (is_static(child->segment) && !is_static(segment)) {
        return gw_why(ret_why, EG_E_CONFLICT, "static route already defined for route: %.*s",
                      GW_FMT(path));
    }
    return EG_OK;
}

static int32_t is_taken(struct eg_str path, struct eg_why *ret_why) {
    return gw_why(ret_why, EG_E_CONFLICT, "route %.*s conflicts with existing route", GW_FMT(path));
}

/* How much of a path a tree has: the node where the walk has left it, and the segments below. */
struct walk {
    const struct node *node;
    struct eg_str rest;
};

/* Walks the segments without changing the tree. */
static int32_t check_segments(const struct gw_path_tree *tree, struct eg_str path,
                              struct walk *ret_walk, struct eg_why *ret_why) {
    struct walk walk = {.node = &tree->root, .rest = gw_str_cut(path, 1)};
    struct eg_str rest = walk.rest;
    struct eg_str segment = {0};
    bool is_inside = true;
    bool is_below_wildcard = false;
    uint32_t params = 0;
    while (gw_str_next(&rest, '/', &segment)) {
        if (is_below_wildcard) {
            return gw_why(ret_why, EG_E_CONFLICT, "wildcard must be the last parameter");
        }
        is_below_wildcard = is_wildcard(segment);
        params += !is_static(segment);
        if (params > GW_MAX_PARAMS) {
            return gw_why(ret_why, EG_E_CONFLICT, "more than %u parameters in route: %.*s",
                          GW_MAX_PARAMS, GW_FMT(path));
        }
        const struct node *node = walk.node;
        if (!is_inside || (node->pattern == NULL && node->fixed == NULL)) {
            is_inside = false;
            continue;
        }
        const struct node *equal = child_equal(tree, node, segment);
        const struct node *any = node->pattern != NULL ? node->pattern : node->fixed;
        const int32_t rc = check_child(equal != NULL ? equal : any, segment, path, ret_why);
        if (rc < 0) {
            return rc;
        }
        is_inside = equal != NULL;
        if (is_inside) {
            walk = (struct walk){.node = equal, .rest = rest};
        }
    }
    if (is_inside && walk.node->value != NULL) {
        return is_taken(path, ret_why);
    }
    *ret_walk = walk;
    return EG_OK;
}

static bool is_pattern_at(struct eg_str path, size_t at) {
    return at < path.len && !is_static(gw_str_cut(path, at));
}

/* What is held against a path in check_segments is always one child of a node that both paths
 * share, and that child is there by one path; so a path is free when it is free beside each. Two
 * paths share nodes as far as their segments are equal, and what counts is the first that is not.
 */
bool gw_paths_conflict(struct eg_str a, struct eg_str b) {
    if (a.len == 0 || b.len == 0 || a.ptr[0] != '/' || b.ptr[0] != '/') {
        return true;
    }
    if (a.len == 1 || b.len == 1) {
        return a.len == b.len; /* "/" is held apart */
    }
    size_t same = 1;
    size_t segment = 1;
    for (; same < a.len && same < b.len && a.ptr[same] == b.ptr[same]; same++) {
        if (a.ptr[same] == '*' && same == segment) {
            return true;
        }
        segment = a.ptr[same] == '/' ? same + 1 : segment;
    }
    const bool is_a_over = same == a.len;
    const bool is_b_over = same == b.len;
    if (is_a_over || is_b_over) {
        const struct eg_str longer = is_a_over ? b : a;
        if (is_a_over && is_b_over) {
            return true;
        }
        if (longer.ptr[same] == '/') {
            return false; /* the one goes on behind the other */
        }
    }
    return is_pattern_at(a, segment) || is_pattern_at(b, segment);
}

struct gw_path_tree *gw_path_tree_create(struct gw_arena *arena) {
    struct gw_path_tree *tree = gw_arena_zalloc(arena, sizeof *tree);
    tree->magic = TREE_MAGIC;
    tree->arena = arena;
    return tree;
}

struct gw_path_tree *gw_path_tree_over(struct gw_arena *arena, const struct gw_path_tree *below) {
    GW_MAGIC_CHECK(below, TREE_MAGIC);
    GW_ASSERT(below->below == NULL);
    struct gw_path_tree *tree = gw_path_tree_create(arena);
    tree->below = below;
    tree->root_value = below->root_value;
    tree->root = below->root;
    tree->root.twin = &below->root;
    return tree;
}

/* The node of a path that the walk has found so far, the tree's own; the rest is added. */
static struct node *own_path(struct gw_path_tree *tree, struct eg_str path, struct walk walk) {
    struct node *node = &tree->root;
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment = {0};
    if (tree->below == NULL) {
        node = (struct node *)(uintptr_t)walk.node; /* all nodes are its own */
        rest = walk.rest;
    }
    while (gw_str_next(&rest, '/', &segment)) {
        struct node *child = tree->below == NULL ? NULL : child_equal(tree, node, segment);
        node = child == NULL ? add_child(tree, node, segment) : own_child(tree, node, child);
    }
    return node;
}

int32_t gw_path_tree_add(struct gw_path_tree *tree, struct eg_str path, void *value,
                         struct eg_why *ret_why) {
    GW_MAGIC_CHECK(tree, TREE_MAGIC);
    GW_ASSERT(value != NULL);
    if (path.len == 0 || path.ptr[0] != '/') {
        return gw_why(ret_why, EG_E_CONFLICT, "path must begin with /: for route: %.*s",
                      GW_FMT(path));
    }
    if (path.len == 1) {
        if (tree->root_value != NULL) {
            return is_taken(path, ret_why);
        }
        tree->root_value = value;
        return EG_OK;
    }
    struct walk walk = {0};
    const int32_t rc = check_segments(tree, path, &walk, ret_why);
    if (rc < 0) {
        return rc;
    }
    own_path(tree, path, walk)->value = value;
    return EG_OK;
}

void gw_path_tree_set(struct gw_path_tree *tree, struct eg_str path, void *value) {
    GW_MAGIC_CHECK(tree, TREE_MAGIC);
    GW_ASSERT(path.len > 0 && path.ptr[0] == '/');
    if (path.len == 1) {
        tree->root_value = value;
        return;
    }
    struct node *node = &tree->root;
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment = {0};
    while (gw_str_next(&rest, '/', &segment)) {
        struct node *child = child_equal(tree, node, segment);
        GW_ASSERT(child != NULL);
        node = own_child(tree, node, child);
    }
    node->value = value;
}

/* Of two parameters with one name the last wins. */
static void keep_param(struct gw_path_params *params, struct eg_str name, struct eg_str value) {
    uint32_t i = 0;
    while (i < params->count && !gw_str_eq(params->items[i].name, name)) {
        i++;
    }
    GW_ASSERT(i < GW_MAX_PARAMS);
    params->items[i] = (struct eg_kv){.name = name, .value = value};
    params->count = i == params->count ? i + 1 : params->count;
}

static void keep_pattern(struct gw_path_params *ret_params, const struct node *pattern,
                         struct eg_str value) {
    if (ret_params != NULL) {
        keep_param(ret_params, name_of(pattern->segment), value);
    }
}

static void *match_segments(const struct gw_path_tree *tree, struct eg_str path,
                            struct gw_path_params *ret_params) {
    const struct node *node = &tree->root;
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str from_here = rest;
    struct eg_str segment = {0};
    while (gw_str_next(&rest, '/', &segment)) {
        const struct node *pattern = node->pattern;
        if (pattern != NULL && is_wildcard(pattern->segment)) {
            keep_pattern(ret_params, pattern, from_here);
            return pattern->value;
        }
        if (pattern != NULL) {
            keep_pattern(ret_params, pattern, segment);
        }
        node = pattern != NULL ? pattern : find_fixed(tree, node, segment);
        if (node == NULL) {
            return NULL;
        }
        from_here = rest;
    }
    return node->value;
}

void *gw_path_tree_match(const struct gw_path_tree *tree, struct eg_str path,
                         struct gw_path_params *ret_params) {
    GW_MAGIC_CHECK(tree, TREE_MAGIC);
    if (ret_params != NULL) {
        ret_params->is_null = false;
        ret_params->count = 0;
    }
    void *value = NULL;
    if (path.len == 1 && path.ptr[0] == '/') {
        value = tree->root_value;
    } else if (path.len > 1 && path.ptr[0] == '/') {
        value = match_segments(tree, path, ret_params);
    }
    if (ret_params != NULL && (value == NULL || path.len == 1)) {
        ret_params->is_null = true;
        ret_params->count = 0;
    }
    return value;
}
