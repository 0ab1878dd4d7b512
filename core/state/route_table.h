/*
 * state/route_table.h - an immutable-once-built hash table whose keys have three parts, so that the
 * data path looks up (method, path, type) without joining them. Open addressing, in an arena; parts
 * are borrowed as long as the table is used. Hashes are seeded: paths are shaped by strangers.
 * Built by one thread, then read by all without locks.
 */
#ifndef GW_STATE_ROUTE_TABLE_H
#define GW_STATE_ROUTE_TABLE_H

#include <stdbool.h>

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
    struct gw_arena *arena;
    struct gw_route_slot *slots;
    size_t mask;
    size_t count;
};

/* With room for so many keys; it grows when there are more. */
void gw_route_table_init(struct gw_route_table *table, struct gw_arena *arena, size_t count);
/* The place of the key's value, made (NULL) when missing. Good until the next key is made. */
void **gw_route_table_place(struct gw_route_table *table, struct gw_route_key key);
void *gw_route_table_get(const struct gw_route_table *table, struct gw_route_key key);
/* Is the key there, and with what, be it NULL? */
bool gw_route_table_find(const struct gw_route_table *table, struct gw_route_key key,
                         void **ret_value);

/* What the key hashes to, in all tables, as long as the process lives. For who asks with one key
 * again and again: the two above, spared the hashing. */
uint64_t gw_route_key_hash(const struct gw_route_key *key);
void **gw_route_table_place_hashed(struct gw_route_table *table, struct gw_route_key key,
                                   uint64_t hash);
void *gw_route_table_get_hashed(const struct gw_route_table *table, struct gw_route_key key,
                                uint64_t hash);

#endif
