/*
 * domain/path_tree.h - paths with :parameters and *wildcards (chapter 5.6). Two uses: the conflict
 * check of the Config API (strict), and the routing trees of a snapshot, which hold the paths of
 * all spaces: there a conflicting path does not get in, is remembered by the caller, and is tried
 * again when the tree is rebuilt (Q27). Built by one thread, then read by all without locks.
 */
#ifndef GW_DOMAIN_PATH_TREE_H
#define GW_DOMAIN_PATH_TREE_H

#include <stdbool.h>

#include "base/arena.h"

struct gw_path_tree;

/* Nodes live in the arena (borrowed as long as the tree is used). */
struct gw_path_tree *gw_path_tree_create(struct gw_arena *arena);
/* Adds path with value (not NULL). EG_E_CONFLICT with the reason texts of chapter 5.6 (the Config
 * API puts `Subscription path conflict: ` before), also for more than GW_MAX_PARAMS parameters; a
 * refused path leaves the tree as it was. path is borrowed as long as the tree is used. */
int32_t gw_path_tree_add(struct gw_path_tree *tree, struct eg_str path, void *value,
                         struct eg_why *ret_why);

/* Another value for a path that was added. NULL: it is matched no more, but its segments are still
 * in the way of others. */
void gw_path_tree_set(struct gw_path_tree *tree, struct eg_str path, void *value);
/* A tree that shows all that `below` has, and what is added and set in it. What is below is
 * borrowed, stays as it is and stands by itself. Costs as much as the paths that differ. */
struct gw_path_tree *gw_path_tree_over(struct gw_arena *arena, const struct gw_path_tree *below);

/* Would a tree that has the one path refuse the other? Each for itself has to be one that a tree
 * takes. A path that conflicts with none of many gets into a tree of any of them. Reads both no
 * further than they are the same. */
bool gw_paths_conflict(struct eg_str a, struct eg_str b);

#define GW_MAX_PARAMS 32u
struct gw_path_params {
    bool is_null; /* matched the root, or nothing: params are null */
    uint32_t count;
    struct eg_kv items[GW_MAX_PARAMS]; /* undecoded, borrow path and tree */
};
/* The value, or NULL. ret_params may be NULL. No backtracking; time grows with the segments of path
 * only. */
void *gw_path_tree_match(const struct gw_path_tree *tree, struct eg_str path,
                         struct gw_path_params *ret_params);

#endif
