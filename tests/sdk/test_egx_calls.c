/*
 * Unit tests of egx_calls.h: calls begin, are found and end in any order, and their memory is used
 * again.
 */
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

#if !EGX_CALLS_KEPT
#include <sanitizer/asan_interface.h>
#endif

enum { COUNT = 5 };

struct test_call {
    struct egx_call head;
    char text[40];
};

static struct egx_fake *fake;
static int instance; /* only its address counts */
static void *slot;
static struct eg_op ops[COUNT];

static void begin(void) {
    fake = egx_fake_new();
    slot = NULL;
    CU_ASSERT_EQUAL(egx_calls_attach(egx_fake_host(fake), &instance, egx_fake_loop(fake),
                                     sizeof(struct test_call), &slot),
                    EG_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
}

static void end(void) {
    egx_calls_detach(slot);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void a_call_knows_its_op_its_loop_and_its_instance(void) {
    begin();
    struct test_call *call = egx_call_take(slot, &ops[0]);
    CU_ASSERT_PTR_EQUAL(call->head.op, &ops[0]);
    CU_ASSERT_PTR_EQUAL(call->head.calls, slot);
    CU_ASSERT_PTR_EQUAL(call->head.calls->instance, &instance);
    CU_ASSERT_PTR_EQUAL(call->head.calls->loop, egx_fake_loop(fake));
    CU_ASSERT_PTR_EQUAL(call->head.calls->host, egx_fake_host(fake));
    egx_call_put(call);
    end();
}

static void a_call_is_found_while_it_runs_and_no_longer(void) {
    begin();
    CU_ASSERT_PTR_NULL(egx_call_find(slot, &ops[0]));
    struct test_call *call = egx_call_take(slot, &ops[0]);
    CU_ASSERT_PTR_EQUAL(egx_call_find(slot, &ops[0]), call);
    CU_ASSERT_PTR_NULL(egx_call_find(slot, &ops[1]));
    egx_call_put(call);
    CU_ASSERT_PTR_NULL(egx_call_find(slot, &ops[0]));
    end();
}

/* Takes all, then puts them in this order; after each step exactly those that run are found. */
static void run_in_order(const size_t *order) {
    struct test_call *calls[COUNT];
    int is_running[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        calls[i] = egx_call_take(slot, &ops[i]);
        is_running[i] = 1;
    }
    for (size_t i = 0; i < COUNT; i++) {
        egx_call_put(calls[order[i]]);
        is_running[order[i]] = 0;
        for (size_t k = 0; k < COUNT; k++) {
            CU_ASSERT_PTR_EQUAL(egx_call_find(slot, &ops[k]), is_running[k] ? calls[k] : NULL);
        }
    }
}

static void calls_end_in_any_order(void) {
    static const size_t orders[][COUNT] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 3, 1}, {1, 4, 0, 2, 3}, {3, 2, 0, 4, 1}};
    begin();
    for (size_t i = 0; i < EGX_COUNT(orders); i++) {
        run_in_order(orders[i]);
    }
    end();
}

static void the_memory_of_ended_calls_is_used_again(void) {
    static const size_t order[COUNT] = {0, 1, 2, 3, 4};
    begin();
    run_in_order(order);
    const size_t allocations = egx_fake_allocations(fake);
    CU_ASSERT_EQUAL(allocations, 1 + (EGX_CALLS_KEPT ? COUNT : 0));
    for (int round = 0; round < 10; round++) {
        run_in_order(order);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), allocations);
    end();
}

static void an_ended_call_is_the_next_one_or_out_of_bounds_for_the_address_sanitizer(void) {
    begin();
    struct test_call *call = egx_call_take(slot, &ops[0]);
#if EGX_CALLS_KEPT
    egx_call_put(call);
    CU_ASSERT_PTR_EQUAL(egx_call_take(slot, &ops[1]), call);
    egx_call_put(call);
#else
    CU_ASSERT_FALSE(__asan_address_is_poisoned(call->text));
    egx_call_put(call);
    CU_ASSERT_TRUE(__asan_address_is_poisoned(call->text));
#endif
    end();
}

static void a_call_begins_with_zeros_also_in_used_memory(void) {
    static const struct test_call zero;
    begin();
    for (int round = 0; round < 2; round++) {
        struct test_call *call = egx_call_take(slot, &ops[0]);
        CU_ASSERT_EQUAL(memcmp(call->text, zero.text, sizeof zero.text), 0);
        CU_ASSERT_PTR_NULL(call->head.next);
        CU_ASSERT_PTR_NULL(call->head.prev);
        memset(call->text, 'x', sizeof call->text);
        egx_call_put(call);
    }
    end();
}

static void a_list_may_be_a_part_of_a_larger_slot(void) {
    struct {
        int more;
        struct egx_calls calls;
    } larger = {0};
    fake = egx_fake_new();
    egx_calls_init(&larger.calls, egx_fake_host(fake), &instance, egx_fake_loop(fake),
                   sizeof(struct test_call));
    struct test_call *call = egx_call_take(&larger.calls, &ops[0]);
    CU_ASSERT_PTR_EQUAL(egx_call_find(&larger.calls, &ops[0]), call);
    egx_call_put(call);
    egx_calls_clear(&larger.calls);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void what_was_never_attached_may_be_detached(void) {
    begin();
    egx_calls_detach(NULL);
    end();
}

UNIT_MAIN(UNIT(a_call_knows_its_op_its_loop_and_its_instance),
          UNIT(a_call_is_found_while_it_runs_and_no_longer), UNIT(calls_end_in_any_order),
          UNIT(the_memory_of_ended_calls_is_used_again),
          UNIT(an_ended_call_is_the_next_one_or_out_of_bounds_for_the_address_sanitizer),
          UNIT(a_call_begins_with_zeros_also_in_used_memory),
          UNIT(a_list_may_be_a_part_of_a_larger_slot),
          UNIT(what_was_never_attached_may_be_detached))
