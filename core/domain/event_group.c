/*
 * domain/event_group.c - which of many pairs have the same name: repeated headers are joined,
 * repeated query parameters become one array. A chained hash over the pairs, so that a request with
 * thousands of names costs no more than one with ten. Memory from the arena; any thread.
 */
#include "base/map.h"
#include "domain/event_internal.h"

#define NONE UINT32_MAX
#define FEW 16u /* are compared with each other, which is cheaper than hashes */

static uint32_t bucket_count(size_t count) {
    uint32_t n = 8;
    while (n < count) {
        n *= 2;
    }
    return n;
}

/* Names that differ by case only have to meet in one bucket. */
static uint64_t hash_of(struct eg_str name, bool is_any_case) {
    if (!is_any_case) {
        return gw_hash(name);
    }
    char lower[64];
    const size_t len = name.len < sizeof lower ? name.len : sizeof lower;
    for (size_t i = 0; i < len; i++) {
        lower[i] = gw_lower(name.ptr[i]);
    }
    return gw_hash(gw_str(lower, len));
}

static bool is_same(struct eg_str a, struct eg_str b, bool is_any_case) {
    return is_any_case ? gw_str_eq_nocase(a, b) : gw_str_eq(a, b);
}

struct chain {
    uint32_t next_in_bucket; /* firsts only */
    uint32_t last;           /* of a first: the last pair of its name so far */
};

static uint32_t find_first(const struct eg_kv *pairs, const struct chain *chains, uint32_t head,
                           struct eg_str name, bool is_any_case) {
    for (uint32_t i = head; i != NONE; i = chains[i].next_in_bucket) {
        if (is_same(pairs[i].name, name, is_any_case)) {
            return i;
        }
    }
    return NONE;
}

/* Each with those before it, from the nearest on: that is the last one of its name. */
static void group_few(struct gw_group *groups, const struct eg_kv *pairs, uint32_t count,
                      bool is_any_case) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = i;
        while (k > 0 && !is_same(pairs[k - 1].name, pairs[i].name, is_any_case)) {
            k--;
        }
        groups[i].is_first = k == 0;
        if (k > 0) {
            groups[k - 1].next = i;
        }
    }
}

struct gw_group *gw_group_pairs(struct gw_arena *arena, const struct eg_kv *pairs, size_t count,
                                bool is_any_case) {
    struct gw_group *groups = gw_arena_zalloc(arena, (count + 1) * sizeof *groups);
    if (count <= FEW) {
        group_few(groups, pairs, (uint32_t)count, is_any_case);
        return groups;
    }
    const uint32_t buckets = bucket_count(count);
    struct chain *chains = gw_arena_alloc(arena, (count + 1) * sizeof *chains);
    uint32_t *heads = gw_arena_alloc(arena, buckets * sizeof *heads);
    memset(heads, 0xff, buckets * sizeof *heads);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *head = &heads[hash_of(pairs[i].name, is_any_case) & (buckets - 1)];
        const uint32_t first = find_first(pairs, chains, *head, pairs[i].name, is_any_case);
        if (first != NONE) {
            groups[chains[first].last].next = i;
            chains[first].last = i;
            continue;
        }
        groups[i].is_first = true;
        chains[i] = (struct chain){.next_in_bucket = *head, .last = i};
        *head = i;
    }
    return groups;
}
