/*
 * domain/path_tree.c - the tree of paths (compatibility chapter 5.6). A node is one segment below
 * one parent. Below a parent are either static segments only, or one parameter, or one wildcard:
 * static children lie in one hash table for the whole tree, keyed by parent and segment, so that a
 * parent with ten thousand children is as fast as one with two; the other kind hangs on its parent.
 *
 * Adding first walks without changing anything, so a refused path leaves no traces (Q28). Nodes and
 * table live in the caller's arena. Built by one thread, then read by all.
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
    const struct node *parent;
    struct node *pattern; /* the one parameter or wildcard child */
    struct node *fixed;   /* any static child */
    void *value;
    uint64_t hash;
};

struct gw_path_tree {
    uint32_t magic;
    struct gw_arena *arena;
    void *root_value; /* "/" is held apart */
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

/* The slot that holds the node, or the free one where it belongs. The table is never full. */
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
    if (parent->fixed == NULL) {
        return NULL;
    }
    return *slot_of(tree, parent, segment, hash_of(parent, segment));
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

static struct node *add_child(struct gw_path_tree *tree, struct node *parent,
                              struct eg_str segment) {
    struct node *node = gw_arena_zalloc(tree->arena, sizeof *node);
    node->segment = segment;
    node->parent = parent;
    node->hash = hash_of(parent, segment);
    if (!is_static(segment)) {
        parent->pattern = node;
        return node;
    }
    if (tree->used * 4 >= tree->room * 3) {
        grow_table(tree);
    }
    *slot_of(tree, parent, segment, node->hash) = node;
    tree->used++;
    parent->fixed = node;
    return node;
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

/* Walks the segments without changing the tree. node is NULL once the walk has left it. */
static int32_t check_segments(const struct gw_path_tree *tree, struct eg_str path,
                              struct eg_why *ret_why) {
    const struct node *node = &tree->root;
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment = {0};
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
        if (node == NULL || (node->pattern == NULL && node->fixed == NULL)) {
            node = NULL;
            continue;
        }
        const struct node *equal = child_equal(tree, node, segment);
        const struct node *any = node->pattern != NULL ? node->pattern : node->fixed;
        const int32_t rc = check_child(equal != NULL ? equal : any, segment, path, ret_why);
        if (rc < 0) {
            return rc;
        }
        node = equal;
    }
    return node != NULL && node->value != NULL ? is_taken(path, ret_why) : EG_OK;
}

struct gw_path_tree *gw_path_tree_create(struct gw_arena *arena) {
    struct gw_path_tree *tree = gw_arena_zalloc(arena, sizeof *tree);
    tree->magic = TREE_MAGIC;
    tree->arena = arena;
    return tree;
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
    const int32_t rc = check_segments(tree, path, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct node *node = &tree->root;
    struct eg_str rest = gw_str_cut(path, 1);
    struct eg_str segment = {0};
    while (gw_str_next(&rest, '/', &segment)) {
        struct node *child = child_equal(tree, node, segment);
        node = child != NULL ? child : add_child(tree, node, segment);
    }
    node->value = value;
    return EG_OK;
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
