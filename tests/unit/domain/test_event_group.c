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

UNIT_MAIN(UNIT(pairs_of_one_name_are_chained_in_order),
          UNIT(long_names_that_begin_alike_stay_apart))
