/* state/route_table.c - see route_table.h. */
#include "state/route_table.h"

#include "base/check.h"
#include "base/map.h"
#include "base/slice.h"

#define FIRST_ROOM 8u

static uint64_t turn(uint64_t hash, unsigned bits) {
    return hash << bits | hash >> (64 - bits);
}

/* Parts that a table does not use are empty, and cost nothing. */
static uint64_t hash_of_part(struct eg_str part) {
    return part.len == 0 ? 0 : gw_hash(part);
}

/* Methods are few: their letters do. */
static uint64_t hash_of_short(struct eg_str part) {
    uint64_t word = 0;
    if (part.len > sizeof word) {
        return gw_hash(part);
    }
    if (part.len > 0) {
        memcpy(&word, part.ptr, part.len);
    }
    return word * 0x9e3779b97f4a7c15u;
}

/* The parts of all keys of a table mean the same, so only their places have to differ. */
uint64_t gw_route_key_hash(const struct gw_route_key *key) {
    const uint64_t hash =
        hash_of_short(key->a) ^ turn(hash_of_part(key->b), 21) ^ turn(hash_of_part(key->c), 42);
    return hash * 0x9e3779b97f4a7c15u;
}

static bool is_key(const struct gw_route_slot *slot, uint64_t hash,
                   const struct gw_route_key *key) {
    return slot->hash == hash && gw_str_eq(slot->key.b, key->b) && gw_str_eq(slot->key.a, key->a) &&
           gw_str_eq(slot->key.c, key->c);
}

/* The slot of the key, or the free one where it belongs. A slot is taken when it has parts. */
static struct gw_route_slot *find(const struct gw_route_table *table, uint64_t hash,
                                  const struct gw_route_key *key) {
    size_t i = (size_t)(hash >> 32) & table->mask;
    while (table->slots[i].key.a.ptr != NULL && !is_key(&table->slots[i], hash, key)) {
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

void gw_route_table_init(struct gw_route_table *table, struct gw_arena *arena, size_t count) {
    size_t room = FIRST_ROOM;
    while (room < gw_size_mul(count, 2)) {
        room *= 2;
    }
    table->arena = arena;
    table->slots = gw_arena_zalloc(arena, gw_size_mul(room, sizeof *table->slots));
    table->mask = room - 1;
    table->count = 0;
}

/* The former slots stay in the arena: all of them together are smaller than the new ones. */
static void grow(struct gw_route_table *table) {
    const struct gw_route_slot *former = table->slots;
    const size_t former_room = table->mask + 1;
    const size_t room = gw_size_mul(former_room, 2);
    table->slots = gw_arena_zalloc(table->arena, gw_size_mul(room, sizeof *table->slots));
    table->mask = room - 1;
    for (size_t i = 0; i < former_room; i++) {
        if (former[i].key.a.ptr != NULL) {
            *find(table, former[i].hash, &former[i].key) = former[i];
        }
    }
}

void **gw_route_table_place_hashed(struct gw_route_table *table, struct gw_route_key key,
                                   uint64_t hash) {
    struct gw_route_slot *slot = find(table, hash, &key);
    if (slot->key.a.ptr == NULL) {
        if (table->count * 2 > table->mask) {
            grow(table);
            slot = find(table, hash, &key);
        }
        slot->hash = hash;
        slot->key = key;
        slot->key.a.ptr = key.a.ptr == NULL ? "" : key.a.ptr;
        table->count++;
    }
    return &slot->value;
}

void **gw_route_table_place(struct gw_route_table *table, struct gw_route_key key) {
    return gw_route_table_place_hashed(table, key, gw_route_key_hash(&key));
}

void *gw_route_table_get_hashed(const struct gw_route_table *table, struct gw_route_key key,
                                uint64_t hash) {
    return table->count == 0 ? NULL : find(table, hash, &key)->value;
}

void *gw_route_table_get(const struct gw_route_table *table, struct gw_route_key key) {
    return table->count == 0 ? NULL : find(table, gw_route_key_hash(&key), &key)->value;
}

bool gw_route_table_find(const struct gw_route_table *table, struct gw_route_key key,
                         void **ret_value) {
    if (table->count == 0) {
        return false;
    }
    const struct gw_route_slot *slot = find(table, gw_route_key_hash(&key), &key);
    if (slot->key.a.ptr == NULL) {
        return false;
    }
    *ret_value = slot->value;
    return true;
}
