/* Unit tests of io/timer_heap.c: order, timers that move and stop, and what stopped ones leave. */
#include "base/clock.h"
#include "base/mem.h"
#include "io/timer_heap.h"
#include "unit.h"

#define TIMERS 300U

static uint32_t random_state = 1;

/* Always the same numbers: Marsaglia's xorshift. */
static uint32_t number_below(uint32_t limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static void put(struct gw_timer_heap *heap, struct gw_timer *timer, uint64_t at_ns) {
    timer->at_ns = at_ns;
    gw_timer_heap_put(heap, timer);
}

static const struct gw_timer *earliest(const struct gw_timer *timers) {
    const struct gw_timer *found = NULL;
    for (size_t i = 0; i < TIMERS; i++) {
        if (gw_timer_armed(&timers[i]) && (found == NULL || timers[i].at_ns < found->at_ns)) {
            found = &timers[i];
        }
    }
    return found;
}

static void the_top_is_the_earliest_whatever_was_put_moved_and_stopped(void) {
    struct gw_timer_heap heap = {0};
    struct gw_timer timers[TIMERS] = {0};
    size_t wrong = 0;
    for (int i = 0; i < 20000; i++) {
        struct gw_timer *timer = &timers[number_below(TIMERS)];
        if (number_below(3) == 0) {
            gw_timer_heap_remove(&heap, timer);
        } else {
            put(&heap, timer, number_below(1000));
        }
        const struct gw_timer *want = earliest(timers);
        const struct gw_timer *top = gw_timer_heap_top(&heap);
        wrong += (want == NULL) != (top == NULL);
        wrong += want != NULL && top != NULL && want->at_ns != top->at_ns;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    gw_timer_heap_free(&heap);
}

static void taken_from_the_top_they_come_in_order(void) {
    struct gw_timer_heap heap = {0};
    struct gw_timer timers[TIMERS] = {0};
    size_t taken = 0;
    uint64_t last_ns = 0;
    bool is_in_order = true;
    for (size_t i = 0; i < TIMERS; i++) {
        put(&heap, &timers[i], number_below(100000));
    }
    for (size_t i = 0; i < TIMERS; i += 2) {
        gw_timer_heap_remove(&heap, &timers[i]);
    }
    for (struct gw_timer *top; (top = gw_timer_heap_top(&heap)) != NULL; taken++) {
        is_in_order = is_in_order && top->at_ns >= last_ns;
        last_ns = top->at_ns;
        gw_timer_heap_remove(&heap, top);
    }
    CU_ASSERT_TRUE(is_in_order);
    CU_ASSERT_EQUAL(taken, TIMERS / 2);
    gw_timer_heap_free(&heap);
}

static void stopped_timers_do_not_pile_up(void) {
    struct gw_timer_heap heap = {0};
    struct gw_timer always[2] = {0};
    struct gw_timer timers[TIMERS] = {0};
    put(&heap, &always[0], 5);
    for (uint64_t i = 0; i < 100000; i++) {
        put(&heap, &timers[i % TIMERS], 10 + i); /* also moves the one of 300 rounds ago */
        if (i % 3 != 0) {
            gw_timer_heap_remove(&heap, &timers[(i + 1) % TIMERS]);
        }
    }
    put(&heap, &always[1], 7);
    CU_ASSERT_TRUE(heap.room < 4 * TIMERS);
    CU_ASSERT_PTR_EQUAL(gw_timer_heap_top(&heap), &always[0]);
    gw_timer_heap_free(&heap);
}

static void a_heap_whose_timers_have_all_stopped_is_empty(void) {
    struct gw_timer_heap heap = {0};
    struct gw_timer timers[3] = {0};
    CU_ASSERT_PTR_NULL(gw_timer_heap_top(&heap));
    CU_ASSERT_EQUAL(gw_timer_heap_bound_ns(&heap), UINT64_MAX);
    for (size_t i = 0; i < 3; i++) {
        put(&heap, &timers[i], 10 + i);
    }
    for (size_t i = 0; i < 3; i++) {
        gw_timer_heap_remove(&heap, &timers[i]);
        gw_timer_heap_remove(&heap, &timers[i]);
        CU_ASSERT_FALSE(gw_timer_armed(&timers[i]));
    }
    CU_ASSERT_PTR_NULL(gw_timer_heap_top(&heap));
    CU_ASSERT_EQUAL(heap.count, 0);
    CU_ASSERT_EQUAL(gw_timer_heap_bound_ns(&heap), UINT64_MAX);
    gw_timer_heap_free(&heap);
}

static void the_bound_is_never_later_than_the_top(void) {
    struct gw_timer_heap heap = {0};
    struct gw_timer timers[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        put(&heap, &timers[i], 10 + i);
    }
    gw_timer_heap_remove(&heap, &timers[0]);
    CU_ASSERT_EQUAL(gw_timer_heap_bound_ns(&heap), 10);
    CU_ASSERT_PTR_EQUAL(gw_timer_heap_top(&heap), &timers[1]);
    CU_ASSERT_EQUAL(gw_timer_heap_bound_ns(&heap), 11);
    gw_timer_heap_free(&heap);
}

UNIT_MAIN(UNIT(the_top_is_the_earliest_whatever_was_put_moved_and_stopped),
          UNIT(taken_from_the_top_they_come_in_order), UNIT(stopped_timers_do_not_pile_up),
          UNIT(a_heap_whose_timers_have_all_stopped_is_empty),
          UNIT(the_bound_is_never_later_than_the_top))
