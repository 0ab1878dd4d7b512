/* Unit tests of flow/turns.c: order within a function, turns between functions, shares of the
 * workers. */
#include <stdint.h>

#include "base/check.h"
#include "base/mem.h"
#include "flow/turns.h"
#include "unit.h"

/* Functions are numbers here, as their addresses are only compared. */
struct item {
    struct gw_node node;
    struct gw_share *share;
    uintptr_t function;
    unsigned number;
};

static struct gw_turns turns;
static struct item items[4096];
static unsigned item_count;

static void begin(void) {
    item_count = 0;
    gw_turns_init(&turns);
}

static void push(uintptr_t function, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        GW_ASSERT(item_count < sizeof items / sizeof items[0]);
        struct item *item = &items[item_count];
        *item = (struct item){.function = function, .number = item_count++};
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): never followed */
        item->share = gw_turns_push(&turns, (const void *)function, &item->node);
    }
}

static struct item *item_of(struct gw_node *node) {
    return node == NULL ? NULL : GW_CONTAINER(node, struct item, node);
}

static struct item *take(uint32_t free_workers) {
    return item_of(gw_turns_take(&turns, free_workers));
}

static void done(uintptr_t function, unsigned count) {
    for (unsigned i = 0; i < item_count && count > 0; i++) {
        if (items[i].function == function) {
            gw_turns_done(&turns, items[i].share);
            count--;
        }
    }
    CU_ASSERT_EQUAL(count, 0);
}

/* As many as workers allow; returns how many of them are the function's. */
static uint32_t take_all(uint32_t *free_workers, uintptr_t function) {
    uint32_t taken = 0;
    struct item *item = NULL;
    while ((item = take(*free_workers)) != NULL) {
        taken += item->function == function;
        (*free_workers)--;
    }
    return taken;
}

static void nobody_waits(void) {
    begin();
    CU_ASSERT_PTR_NULL(take(5));
    CU_ASSERT_PTR_NULL(gw_turns_drop(&turns));
    push(1, 1);
    CU_ASSERT_PTR_NULL(take(0));
    CU_ASSERT_PTR_NOT_NULL(take(5));
    CU_ASSERT_PTR_NULL(take(4));
    done(1, 1);
    gw_turns_free(&turns);
}

static void the_deliveries_of_a_function_keep_their_order(void) {
    begin();
    push(1, 6);
    for (unsigned i = 0; i < 6; i++) {
        const struct item *item = take(100);
        CU_ASSERT_PTR_NOT_NULL_FATAL(item);
        CU_ASSERT_EQUAL(item->number, i);
    }
    done(1, 6);
    gw_turns_free(&turns);
}

static void functions_that_hold_as_many_take_turns(void) {
    static const uintptr_t expected[] = {1, 2, 3, 1, 2, 3, 2, 3, 3};
    begin();
    push(1, 2);
    push(2, 3);
    push(3, 4);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct item *item = take(100);
        CU_ASSERT_PTR_NOT_NULL_FATAL(item);
        CU_ASSERT_EQUAL(item->function, expected[i]);
    }
    done(1, 2);
    done(2, 3);
    done(3, 4);
    gw_turns_free(&turns);
}

static void who_holds_fewer_workers_comes_first(void) {
    begin();
    push(1, 8);
    for (int i = 0; i < 4; i++) {
        (void)take(100);
    }
    push(2, 1);
    CU_ASSERT_EQUAL(take(100)->function, 2);
    CU_ASSERT_EQUAL(take(100)->function, 1);
    done(2, 1);
    push(2, 1);
    done(1, 5); /* holds none now, and has waited longer */
    CU_ASSERT_EQUAL(take(100)->function, 2);
    CU_ASSERT_EQUAL(take(100)->function, 1);
    CU_ASSERT_EQUAL(take_all(&(uint32_t){100}, 1), 2);
    done(1, 3);
    done(2, 1);
    gw_turns_free(&turns);
}

/* workers, and what a function gets of them that never answers and is alone */
static const uint32_t alone[][2] = {{1, 1},  {2, 2},   {3, 2},    {4, 3},     {8, 5},     {10, 7},
                                    {16, 9}, {50, 32}, {100, 64}, {200, 128}, {1000, 512}};

static void a_function_alone_gets_half_of_the_workers_at_least_but_never_all_of_three(void) {
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        const uint32_t workers = alone[i][0];
        uint32_t free_workers = workers;
        begin();
        push(1, 2000);
        const uint32_t got = take_all(&free_workers, 1);
        CU_ASSERT_EQUAL(got, alone[i][1]);
        CU_ASSERT_TRUE(2 * got >= workers);
        CU_ASSERT_TRUE(workers < 3 || got < workers);
        done(1, got);
        while (gw_turns_drop(&turns) != NULL) {
        }
        gw_turns_free(&turns);
    }
}

static void functions_that_are_stuck_leave_workers_for_the_next(void) {
    uint32_t free_workers = 100;
    uint32_t got[6] = {0};
    begin();
    for (uintptr_t f = 1; f < 6; f++) {
        push(f, 200);
        got[f] = take_all(&free_workers, f);
        CU_ASSERT_TRUE(got[f] > 0);
        CU_ASSERT_TRUE(free_workers > 0);
    }
    push(6, 1);
    CU_ASSERT_EQUAL(take(free_workers)->function, 6);
    done(6, 1);
    for (uintptr_t f = 1; f < 6; f++) {
        done(f, got[f]);
    }
    while (gw_turns_drop(&turns) != NULL) {
    }
    gw_turns_free(&turns);
}

static void a_function_at_its_share_goes_on_when_a_worker_comes_back(void) {
    uint32_t free_workers = 8;
    begin();
    push(1, 6);
    CU_ASSERT_EQUAL(take_all(&free_workers, 1), 5);
    CU_ASSERT_PTR_NULL(take(free_workers));
    done(1, 1);
    free_workers++;
    CU_ASSERT_EQUAL(take_all(&free_workers, 1), 1);
    done(1, 5);
    gw_turns_free(&turns);
}

static void whoever_waits_with_no_worker_held_is_taken(void) {
    for (uint32_t workers = 1; workers < 40; workers++) {
        begin();
        for (uintptr_t f = 1; f <= 5; f++) {
            push(f, 3);
        }
        unsigned called = 0;
        struct item *item = NULL;
        while ((item = take(workers)) != NULL) { /* each ends at once */
            gw_turns_done(&turns, item->share);
            called++;
        }
        CU_ASSERT_EQUAL(called, 15);
        gw_turns_free(&turns);
    }
}

static void what_is_dropped_takes_no_worker(void) {
    begin();
    push(1, 3);
    push(2, 1);
    CU_ASSERT_EQUAL(take(8)->number, 0);
    unsigned dropped = 0;
    struct gw_node *node = NULL;
    while ((node = gw_turns_drop(&turns)) != NULL) {
        CU_ASSERT_FALSE(gw_node_linked(node));
        dropped++;
    }
    CU_ASSERT_EQUAL(dropped, 3);
    CU_ASSERT_PTR_NULL(take(7));
    done(1, 1);
    CU_ASSERT_EQUAL(turns.idle_count, 2);
    gw_turns_free(&turns);
}

static void a_function_is_remembered_a_while_and_then_forgotten(void) {
    begin();
    push(1, 1);
    const struct gw_share *first = items[0].share;
    (void)take(8);
    done(1, 1);
    push(1, 1);
    CU_ASSERT_PTR_EQUAL(items[1].share, first);
    (void)take(8);
    gw_turns_done(&turns, items[1].share);
    for (uintptr_t f = 2; f < 1000; f++) {
        push(f, 1);
        (void)take(8);
        done(f, 1);
    }
    CU_ASSERT_TRUE(turns.idle_count < 200);
    CU_ASSERT_EQUAL(turns.shares.count, turns.idle_count);
    gw_turns_free(&turns);
    CU_ASSERT_EQUAL(turns.shares.count, 0);
}

UNIT_MAIN(UNIT(nobody_waits), UNIT(the_deliveries_of_a_function_keep_their_order),
          UNIT(functions_that_hold_as_many_take_turns), UNIT(who_holds_fewer_workers_comes_first),
          UNIT(a_function_alone_gets_half_of_the_workers_at_least_but_never_all_of_three),
          UNIT(functions_that_are_stuck_leave_workers_for_the_next),
          UNIT(a_function_at_its_share_goes_on_when_a_worker_comes_back),
          UNIT(whoever_waits_with_no_worker_held_is_taken), UNIT(what_is_dropped_takes_no_worker),
          UNIT(a_function_is_remembered_a_while_and_then_forgotten))
