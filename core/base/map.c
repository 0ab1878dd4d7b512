/*
 * base/map.c - open addressing with linear probing; room is a power of two, at most three quarters
 * of it used. A removed slot becomes a tomb unless the next slot is empty (then nothing probes past
 * it); tombs count as used and are swept when the table is laid out anew. The full hash is kept, so
 * neither a new layout nor a miss has to touch keys. Values are never NULL.
 */
#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

#define FIRST_ROOM ((size_t)16)

static char tomb_mark;
#define TOMB ((void *)&tomb_mark)

static bool is_live(const struct gw_map_slot *slot) {
    return slot->value != NULL && slot->value != TOMB;
}

void gw_map_free(struct gw_map *map) {
    gw_free(map->slots);
    *map = (struct gw_map){0};
}

static struct gw_map_slot *find(const struct gw_map *map, struct eg_str key, uint64_t hash) {
    if (map->room == 0) {
        return NULL;
    }
    const size_t mask = map->room - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct gw_map_slot *slot = &map->slots[i];
        if (slot->value == NULL) {
            return NULL;
        }
        if (slot->hash == hash && slot->value != TOMB && gw_str_eq(slot->key, key)) {
            return slot;
        }
    }
}

static struct gw_map_slot *free_slot(struct gw_map_slot *slots, size_t room, uint64_t hash) {
    const size_t mask = room - 1;
    size_t i = (size_t)hash & mask;
    while (is_live(&slots[i])) {
        i = (i + 1) & mask;
    }
    return &slots[i];
}

/* Lays the table out anew, without tombs, with room for one more. */
static void lay_out(struct gw_map *map) {
    size_t room = map->room == 0 ? FIRST_ROOM : map->room;
    while (map->count + 1 > room / 2) {
        room = gw_size_mul(room, 2);
    }
    struct gw_map_slot *slots = gw_alloc(gw_size_mul(room, sizeof *slots));
    for (size_t i = 0; i < map->room; i++) {
        if (is_live(&map->slots[i])) {
            *free_slot(slots, room, map->slots[i].hash) = map->slots[i];
        }
    }
    gw_free(map->slots);
    map->slots = slots;
    map->room = room;
    map->tombs = 0;
}

void *gw_map_get(const struct gw_map *map, struct eg_str key) {
    if (map->count == 0) {
        return NULL;
    }
    const struct gw_map_slot *slot = find(map, key, gw_hash(key));
    return slot == NULL ? NULL : slot->value;
}

void *gw_map_put(struct gw_map *map, struct eg_str key, void *value) {
    GW_ASSERT(value != NULL);
    const uint64_t hash = gw_hash(key);
    struct gw_map_slot *slot = find(map, key, hash);
    if (slot != NULL) {
        void *old = slot->value;
        /* The key lives in the value, so the old key goes with the old value. */
        slot->key = key;
        slot->value = value;
        return old;
    }
    if (map->count + map->tombs + 1 > map->room / 4 * 3) {
        lay_out(map);
    }
    slot = free_slot(map->slots, map->room, hash);
    map->tombs -= slot->value == TOMB;
    *slot = (struct gw_map_slot){.key = key, .value = value, .hash = hash};
    map->count++;
    return NULL;
}

void *gw_map_remove(struct gw_map *map, struct eg_str key) {
    struct gw_map_slot *slot = find(map, key, gw_hash(key));
    if (slot == NULL) {
        return NULL;
    }
    void *old = slot->value;
    const size_t next = ((size_t)(slot - map->slots) + 1) & (map->room - 1);
    const bool needs_tomb = map->slots[next].value != NULL;
    *slot = (struct gw_map_slot){.value = needs_tomb ? TOMB : NULL};
    map->tombs += needs_tomb;
    map->count--;
    return old;
}

const struct gw_map_slot *gw_map_next(const struct gw_map *map, size_t *cursor) {
    while (*cursor < map->room) {
        const struct gw_map_slot *slot = &map->slots[(*cursor)++];
        if (is_live(slot)) {
            return slot;
        }
    }
    return NULL;
}
