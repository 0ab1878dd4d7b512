/* The hash map against what it should hold, under growth, removal and repetition. */
#include "base/map.h"
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

#define KEYS 5000

struct entry {
    char text[16];
    struct eg_str key;
};

static struct entry *make_entries(void) {
    struct entry *entries = gw_alloc(KEYS * sizeof *entries);
    for (size_t i = 0; i < KEYS; i++) {
        const int len = snprintf(entries[i].text, sizeof entries[i].text, "key%zu", i);
        entries[i].key = gw_str(entries[i].text, (size_t)len);
    }
    return entries;
}

static void an_empty_map_answers_and_is_freed(void) {
    struct gw_map map = {0};
    size_t cursor = 0;
    CU_ASSERT_PTR_NULL(gw_map_get(&map, GW_STR("x")));
    CU_ASSERT_PTR_NULL(gw_map_remove(&map, GW_STR("x")));
    CU_ASSERT_PTR_NULL(gw_map_next(&map, &cursor));
    gw_map_free(&map);
}

static void everything_put_is_found_and_visited_once(void) {
    struct entry *entries = make_entries();
    struct gw_map map = {0};
    for (size_t i = 0; i < KEYS; i++) {
        CU_ASSERT_PTR_NULL(gw_map_put(&map, entries[i].key, &entries[i]));
    }
    CU_ASSERT_EQUAL(map.count, KEYS);
    size_t missing = 0;
    for (size_t i = 0; i < KEYS; i++) {
        missing += gw_map_get(&map, entries[i].key) != &entries[i];
    }
    CU_ASSERT_EQUAL(missing, 0);
    CU_ASSERT_PTR_NULL(gw_map_get(&map, GW_STR("key")));
    CU_ASSERT_PTR_NULL(gw_map_get(&map, GW_STR("key5000")));
    const struct gw_map_slot *slot;
    size_t visited = 0;
    for (size_t i = 0; (slot = gw_map_next(&map, &i)) != NULL;) {
        visited += gw_str_eq(slot->key, ((struct entry *)slot->value)->key);
    }
    CU_ASSERT_EQUAL(visited, KEYS);
    gw_map_free(&map);
    gw_free(entries);
}

static void a_second_put_replaces_key_and_value(void) {
    struct gw_map map = {0};
    char first[] = "same";
    char second[] = "same";
    int values[2];
    CU_ASSERT_PTR_NULL(gw_map_put(&map, gw_str(first, 4), &values[0]));
    CU_ASSERT_PTR_EQUAL(gw_map_put(&map, gw_str(second, 4), &values[1]), &values[0]);
    /* The first key went with the first value. */
    memset(first, 'x', 4);
    CU_ASSERT_PTR_EQUAL(gw_map_get(&map, GW_STR("same")), &values[1]);
    CU_ASSERT_EQUAL(map.count, 1);
    gw_map_free(&map);
}

static void keys_may_be_empty_or_hold_nul(void) {
    struct gw_map map = {0};
    int values[3];
    gw_map_put(&map, gw_str(NULL, 0), &values[0]);
    gw_map_put(&map, gw_str("\0", 1), &values[1]);
    gw_map_put(&map, gw_str("\0\0", 2), &values[2]);
    CU_ASSERT_PTR_EQUAL(gw_map_get(&map, GW_STR("")), &values[0]);
    CU_ASSERT_PTR_EQUAL(gw_map_get(&map, gw_str("\0", 1)), &values[1]);
    CU_ASSERT_PTR_EQUAL(gw_map_get(&map, gw_str("\0\0", 2)), &values[2]);
    gw_map_free(&map);
}

static void random_changes_agree_with_a_plain_array(void) {
    struct entry *entries = make_entries();
    struct gw_map map = {0};
    unsigned char present[KEYS] = {0};
    size_t count = 0;
    size_t wrong = 0;
    unsigned seed = 12345;
    for (size_t step = 0; step < 200000; step++) {
        seed = seed * 1103515245u + 12345u;
        const size_t i = (seed >> 8) % 300;
        void *expected = present[i] ? &entries[i] : NULL;
        if ((seed >> 24) % 2 == 0) {
            wrong += gw_map_put(&map, entries[i].key, &entries[i]) != expected;
            count += !present[i];
            present[i] = 1;
        } else {
            wrong += gw_map_remove(&map, entries[i].key) != expected;
            count -= present[i];
            present[i] = 0;
        }
        wrong += map.count != count;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (size_t i = 0; i < KEYS; i++) {
        wrong += (gw_map_get(&map, entries[i].key) != NULL) != present[i];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    gw_map_free(&map);
    gw_free(entries);
}

static void coming_and_going_does_not_grow_the_table(void) {
    struct entry *entries = make_entries();
    struct gw_map map = {0};
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < KEYS; i++) {
            gw_map_put(&map, entries[i].key, &entries[i]);
            if (i >= 20) {
                gw_map_remove(&map, entries[i - 20].key);
            }
        }
        for (size_t i = KEYS - 20; i < KEYS; i++) {
            gw_map_remove(&map, entries[i].key);
        }
    }
    CU_ASSERT_EQUAL(map.count, 0);
    CU_ASSERT_TRUE(map.room <= 128);
    gw_map_free(&map);
    gw_free(entries);
}

static void the_hash_depends_on_every_byte_and_the_length(void) {
    char text[40] = {0};
    for (size_t len = 0; len < sizeof text; len++) {
        const uint64_t before = gw_hash(gw_str(text, len));
        CU_ASSERT_EQUAL(gw_hash(gw_str(text, len)), before);
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            CU_ASSERT_NOT_EQUAL(gw_hash(gw_str(text, len)), before);
            text[i] ^= 1;
        }
        if (len > 0) {
            CU_ASSERT_NOT_EQUAL(gw_hash(gw_str(text, len - 1)), before);
        }
    }
}

/* CPython has the same hash: PYTHONHASHSEED=0 python3 -c "print(hex(hash(b'a') % 2**64))" */
static void the_hash_without_a_seed_is_siphash_1_3_with_a_key_of_zero(void) {
    CU_ASSERT_EQUAL(gw_hash_everywhere(GW_STR("a")), 0x407448d2b89b1813u);
    CU_ASSERT_EQUAL(gw_hash_everywhere(GW_STR("{\"space\":\"default\",\"name\":\"a\"}")),
                    0x6e9ff13777f6c842u);
}

UNIT_MAIN(UNIT(an_empty_map_answers_and_is_freed), UNIT(everything_put_is_found_and_visited_once),
          UNIT(a_second_put_replaces_key_and_value), UNIT(keys_may_be_empty_or_hold_nul),
          UNIT(random_changes_agree_with_a_plain_array),
          UNIT(coming_and_going_does_not_grow_the_table),
          UNIT(the_hash_depends_on_every_byte_and_the_length),
          UNIT(the_hash_without_a_seed_is_siphash_1_3_with_a_key_of_zero))
