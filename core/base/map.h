/*
 * base/map.h - hash map from byte strings to pointers. Open addressing, seeded hash (keys may be
 * shaped by strangers). Keys are borrowed: they live in the value. One writer; concurrent readers
 * are fine while nobody writes.
 */
#ifndef GW_BASE_MAP_H
#define GW_BASE_MAP_H

#include <stdbool.h>

#include <eventgw/types.h>

struct gw_map_slot {
    struct eg_str key;
    void *value;
    uint64_t hash;
};
struct gw_map {
    struct gw_map_slot *slots;
    size_t room;
    size_t count;
    size_t tombs;
};

void gw_map_free(struct gw_map *map);                                 /* not the values */
void *gw_map_get(const struct gw_map *map, struct eg_str key);        /* or NULL */
void *gw_map_put(struct gw_map *map, struct eg_str key, void *value); /* the old value or NULL */
void *gw_map_remove(struct gw_map *map, struct eg_str key);           /* the old value or NULL */
/* for (size_t i = 0; (slot = gw_map_next(map, &i)) != NULL;) - any order; no changes meanwhile. */
const struct gw_map_slot *gw_map_next(const struct gw_map *map, size_t *cursor);
uint64_t gw_hash(struct eg_str s); /* seeded once a process */
/* The same in every process, on every machine: nothing for keys that strangers shape. */
uint64_t gw_hash_everywhere(struct eg_str s);

#endif
