/* The three-part hash table of the routing view. */
#include <stdio.h>

#include "base/slice.h"
#include "state/route_table.h"
#include "unit.h"

static struct gw_route_key key(const char *a, const char *b, const char *c) {
    return (struct gw_route_key){gw_str_c(a), gw_str_c(b), gw_str_c(c)};
}

static void an_empty_table_finds_nothing(void) {
    struct gw_arena arena = {0};
    struct gw_route_table table;
    gw_route_table_init(&table, &arena, 0);
    CU_ASSERT_PTR_NULL(gw_route_table_get(&table, key("", "", "")));
    CU_ASSERT_PTR_NULL(gw_route_table_get(&table, key("POST", "/", "x")));
    gw_arena_free(&arena);
}

static void parts_are_not_joined(void) {
    struct gw_arena arena = {0};
    struct gw_route_table table;
    int values[3] = {0};
    gw_route_table_init(&table, &arena, 3);
    *gw_route_table_place(&table, key("ab", "c", "")) = &values[0];
    *gw_route_table_place(&table, key("a", "bc", "")) = &values[1];
    *gw_route_table_place(&table, key("", "abc", "")) = &values[2];
    CU_ASSERT_EQUAL(table.count, 3);
    CU_ASSERT_PTR_EQUAL(gw_route_table_get(&table, key("ab", "c", "")), &values[0]);
    CU_ASSERT_PTR_EQUAL(gw_route_table_get(&table, key("a", "bc", "")), &values[1]);
    CU_ASSERT_PTR_EQUAL(gw_route_table_get(&table, key("", "abc", "")), &values[2]);
    CU_ASSERT_PTR_NULL(gw_route_table_get(&table, key("abc", "", "")));
    gw_arena_free(&arena);
}

static void a_key_has_one_place(void) {
    struct gw_arena arena = {0};
    struct gw_route_table table;
    int value = 0;
    gw_route_table_init(&table, &arena, 1);
    *gw_route_table_place(&table, key("a", "b", "c")) = &value;
    CU_ASSERT_PTR_EQUAL(*gw_route_table_place(&table, key("a", "b", "c")), &value);
    CU_ASSERT_EQUAL(table.count, 1);
    gw_arena_free(&arena);
}

static void ten_thousand_keys_are_found_again(void) {
    static char names[10000][8];
    struct gw_arena arena = {0};
    struct gw_route_table table;
    size_t wrong = 0;
    gw_route_table_init(&table, &arena, 10000);
    for (size_t i = 0; i < 10000; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        *gw_route_table_place(&table, key("POST", names[i], "t")) = names[i];
    }
    for (size_t i = 0; i < 10000; i++) {
        wrong += gw_route_table_get(&table, key("POST", names[i], "t")) != names[i];
        wrong += gw_route_table_get(&table, key("GET", names[i], "t")) != NULL;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    gw_arena_free(&arena);
}

static void a_table_grows_beyond_what_was_expected(void) {
    static char names[1000][8];
    struct gw_arena arena = {0};
    struct gw_route_table table;
    size_t wrong = 0;
    gw_route_table_init(&table, &arena, 0);
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        *gw_route_table_place(&table, key("", names[i], "")) = names[i];
    }
    for (size_t i = 0; i < 1000; i++) {
        const struct gw_route_key wanted = key("", names[i], "");
        wrong += gw_route_table_get(&table, wanted) != names[i];
        wrong += gw_route_table_get_hashed(&table, wanted, gw_route_key_hash(&wanted)) != names[i];
    }
    CU_ASSERT_EQUAL(table.count, 1000);
    CU_ASSERT_EQUAL(wrong, 0);
    gw_arena_free(&arena);
}

static void a_key_with_nothing_is_there_all_the_same(void) {
    struct gw_arena arena = {0};
    struct gw_route_table table;
    int other = 0;
    void *value = &other;
    gw_route_table_init(&table, &arena, 0);
    CU_ASSERT_FALSE(gw_route_table_find(&table, key("a", "b", ""), &value));
    CU_ASSERT_PTR_NULL(*gw_route_table_place(&table, key("a", "b", "")));
    CU_ASSERT_FALSE(gw_route_table_find(&table, key("a", "c", ""), &value));
    CU_ASSERT_PTR_EQUAL(value, &other);
    CU_ASSERT_TRUE(gw_route_table_find(&table, key("a", "b", ""), &value));
    CU_ASSERT_PTR_NULL(value);
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(a_table_grows_beyond_what_was_expected),
          UNIT(a_key_with_nothing_is_there_all_the_same), UNIT(an_empty_table_finds_nothing),
          UNIT(parts_are_not_joined), UNIT(a_key_has_one_place),
          UNIT(ten_thousand_keys_are_found_again))
