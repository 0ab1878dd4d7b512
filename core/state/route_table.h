/*
 * state/route_table.h - an immutable-once-built hash table whose keys have three parts, so that the
 * data path looks up (method, path, type) without joining them. Open addressing, in an arena; parts
 * are borrowed as long as the table is used. Hashes are seeded: paths are shaped by strangers.
 * Built by one thread, then read by all without locks.
 */
#ifndef GW_STATE_ROUTE_TABLE_H
#define GW_STATE_ROUTE_TABLE_H

#include "base/arena.h"

struct gw_route_key {
    struct eg_str a;
    struct eg_str b;
    struct eg_str c;
};
struct gw_route_slot {
    uint64_t hash;
    struct gw_route_key key;
    void *value;
};
struct gw_route_table {
    struct gw_route_slot *slots;
    size_t mask;
    size_t count;
};

/* For at most max_count keys. */
void gw_route_table_init(struct gw_route_table *table, struct gw_arena *arena, size_t max_count);
/* The place of the key's value, made (NULL) when missing. */
void **gw_route_table_place(struct gw_route_table *table, struct gw_route_key key);
void *gw_route_table_get(const struct gw_route_table *table, struct gw_route_key key);

#endif
