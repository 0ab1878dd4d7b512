/*
 * state/snapshot_lookup.c - what the data path asks of a snapshot. Every answer costs one hash of
 * the strings and a walk over the segments of the path, whatever the size of the configuration;
 * nothing is allocated, nothing written. A snapshot that lies over another is asked first.
 *
 * Thread: any loop that holds a view.
 */
#include "base/check.h"
#include "state/snapshot_inner.h"

static const void *match(const struct gw_path_tree *tree, struct eg_str path,
                         struct gw_path_params *ret_params) {
    if (ret_params != NULL) {
        ret_params->is_null = true;
        ret_params->count = 0;
    }
    return tree == NULL ? NULL : gw_path_tree_match(tree, path, ret_params);
}

/* What lies over a whole has few keys, if any, and the same hash is good for both. */
static const struct gw_path_tree *sync_tree(const struct gw_snapshot *snapshot,
                                            struct gw_route_key key) {
    if (snapshot->below == NULL) {
        return gw_route_table_get(&snapshot->sync, key);
    }
    const uint64_t hash = gw_route_key_hash(&key);
    const struct gw_path_tree *tree = gw_route_table_get_hashed(&snapshot->sync, key, hash);
    return tree != NULL ? tree : gw_route_table_get_hashed(&snapshot->below->sync, key, hash);
}

static const struct gw_subscriber_list *async_list(const struct gw_snapshot *snapshot,
                                                   struct gw_route_key key) {
    if (snapshot->below == NULL) {
        return gw_route_table_get(&snapshot->async, key);
    }
    const uint64_t hash = gw_route_key_hash(&key);
    const struct gw_subscriber_list *list = gw_route_table_get_hashed(&snapshot->async, key, hash);
    return list != NULL ? list : gw_route_table_get_hashed(&snapshot->below->async, key, hash);
}

const struct gw_subscriber *gw_snapshot_sync(const struct gw_snapshot *snapshot,
                                             struct eg_str method, struct eg_str path,
                                             struct eg_str event_type,
                                             struct gw_path_params *ret_params) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    return match(sync_tree(snapshot, (struct gw_route_key){.a = method, .b = event_type}), path,
                 ret_params);
}

const struct gw_subscriber *const *gw_snapshot_async(const struct gw_snapshot *snapshot,
                                                     struct eg_str method, struct eg_str path,
                                                     struct eg_str event_type, size_t *ret_count) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    const struct gw_subscriber_list *list =
        async_list(snapshot, (struct gw_route_key){.a = method, .b = path, .c = event_type});
    *ret_count = list == NULL ? 0 : list->count;
    return list == NULL ? NULL : list->items;
}

static const struct gw_object *schema_of(const struct gw_subscriber *sync) {
    const struct gw_object *type = sync == NULL ? NULL : sync->event_type;
    return type == NULL || type->as.eventtype.schema.len == 0 ? NULL : type;
}

const struct gw_eventtype *gw_snapshot_schema(const struct gw_snapshot *snapshot,
                                              struct eg_str method, struct eg_str path,
                                              struct eg_str event_type, size_t index) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    if (!snapshot->has_schema) {
        return NULL;
    }
    const struct gw_object *first =
        schema_of(gw_snapshot_sync(snapshot, method, path, event_type, NULL));
    if (first != NULL && index-- == 0) {
        return &first->as.eventtype;
    }
    const struct gw_subscriber_list *list =
        async_list(snapshot, (struct gw_route_key){.a = method, .b = path, .c = event_type});
    for (size_t i = 0; list != NULL && i < list->schema_count; i++) {
        if (list->schemas[i] != first && index-- == 0) {
            return &list->schemas[i]->as.eventtype;
        }
    }
    return NULL;
}

struct gw_callee *gw_snapshot_find_callee(const struct gw_snapshot *snapshot, struct eg_str space,
                                          struct eg_str id) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    const struct gw_route_key key = {.a = space, .b = id};
    void *callee = NULL;
    if (snapshot->below == NULL) {
        return gw_route_table_get(&snapshot->callees, key);
    }
    return gw_route_table_find(&snapshot->callees, key, &callee)
               ? callee
               : gw_route_table_get(&snapshot->below->callees, key);
}

const struct gw_callee *gw_snapshot_callee(const struct gw_snapshot *snapshot, struct eg_str space,
                                           struct eg_str id) {
    return gw_snapshot_find_callee(snapshot, space, id);
}

const struct gw_cors *gw_snapshot_cors(const struct gw_snapshot *snapshot, struct eg_str method,
                                       struct eg_str path) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    const struct gw_snapshot *whole = snapshot->below == NULL ? snapshot : snapshot->below;
    return match(gw_route_table_get(&whole->cors, (struct gw_route_key){.a = method}), path, NULL);
}

uint64_t gw_snapshot_revision(const struct gw_snapshot *snapshot) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    return snapshot->revision;
}

const struct gw_chains *gw_snapshot_chains(const struct gw_snapshot *snapshot) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    return snapshot->chains;
}
