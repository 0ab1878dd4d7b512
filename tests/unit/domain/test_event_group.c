/* domain/event_group.c: pairs of one name find each other. */
#include "base/slice.h"
#include "domain/event_internal.h"
#include "unit.h"

static void pairs_of_one_name_are_chained_in_order(void) {
    const struct eg_kv pairs[] = {{GW_STR("a"), {0}},
                                  {GW_STR("B"), {0}},
                                  {GW_STR("A"), {0}},
                                  {GW_STR("a"), {0}},
                                  {GW_STR("b"), {0}}};
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    const struct gw_group *g = gw_group_pairs(&arena, pairs, 5, true);
    CU_ASSERT_TRUE(g[0].is_first && g[1].is_first);
    CU_ASSERT_FALSE(g[2].is_first || g[3].is_first || g[4].is_first);
    CU_ASSERT_EQUAL(g[0].next, 2);
    CU_ASSERT_EQUAL(g[2].next, 3);
    CU_ASSERT_EQUAL(g[3].next, 0);
    CU_ASSERT_EQUAL(g[1].next, 4);
    g = gw_group_pairs(&arena, pairs, 5, false);
    CU_ASSERT_TRUE(g[2].is_first);
    CU_ASSERT_EQUAL(g[0].next, 3);
    gw_arena_free(&arena);
}

static void long_names_that_begin_alike_stay_apart(void) {
    char a[200];
    char b[200];
    memset(a, 'x', sizeof a);
    memset(b, 'X', sizeof b);
    b[199] = 'y';
    const struct eg_kv pairs[] = {
        {gw_str(a, 200), {0}}, {gw_str(b, 200), {0}}, {gw_str(a, 200), {0}}};
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    const struct gw_group *g = gw_group_pairs(&arena, pairs, 3, true);
    CU_ASSERT_TRUE(g[1].is_first);
    CU_ASSERT_EQUAL(g[0].next, 2);
    CU_ASSERT_PTR_NOT_NULL(gw_group_pairs(&arena, NULL, 0, true));
    gw_arena_free(&arena);
}

/* The pair before this one that has its name, or SIZE_MAX. */
static size_t twin_before(const struct eg_kv *pairs, size_t at) {
    for (size_t i = at; i > 0; i--) {
        if (gw_str_eq_nocase(pairs[i - 1].name, pairs[at].name)) {
            return i - 1;
        }
    }
    return SIZE_MAX;
}

static void few_and_many_are_grouped_alike(void) {
    struct eg_kv pairs[60];
    char names[60][80];
    for (size_t count = 1; count <= 60; count++) {
        for (size_t i = 0; i < count; i++) {
            memset(names[i], i % 2 == 0 ? 'x' : 'X', sizeof names[i]);
            names[i][i % 3 == 0 ? 79 : 0] = (char)('a' + i * 7 % 11);
            pairs[i] = (struct eg_kv){gw_str(names[i], sizeof names[i]), {0}};
        }
        struct gw_arena arena = {0};
        const struct gw_group *g = gw_group_pairs(&arena, pairs, count, true);
        for (size_t i = 0; i < count; i++) {
            const size_t before = twin_before(pairs, i);
            CU_ASSERT_EQUAL_FATAL(g[i].is_first, before == SIZE_MAX);
            CU_ASSERT_TRUE_FATAL(before == SIZE_MAX || g[before].next == i);
        }
        gw_arena_free(&arena);
    }
}

UNIT_MAIN(UNIT(pairs_of_one_name_are_chained_in_order),
          UNIT(long_names_that_begin_alike_stay_apart), UNIT(few_and_many_are_grouped_alike))
