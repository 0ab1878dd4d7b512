/*
 * Loops in threads of their own, calls that other threads end, and a stop while calls are in
 * flight. Nothing here depends on time: it is for the thread sanitizer, and for the ledger to come
 * out even.
 */
#include <eventgw-sdk/egx.h>
#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/target.h"
#include "unit.h"

#define CALLS 500u
#define SERVING 2u /* loops that call; the third is the control loop */
#define ALL (SERVING + 1u)

static struct eg_loop *all[ALL];
static struct gw_manager *busy_manager;
static struct gw_target *target;
static struct gw_pool *pool;
static uint32_t ended;  /* atomic */
static uint32_t called; /* atomic: loops that have made their calls */
static uint32_t unbound;
static uint32_t left;

/* ---- a provider that ends its calls on threads of the pool ---- */

struct busy {
    const struct eg_host *host;
};
static int32_t busy_create(const struct eg_host *host, const void *settings, void **ret_instance,
                           struct eg_why *ret_why) {
    struct busy *busy = host->mem->alloc(host, sizeof *busy);
    (void)settings;
    (void)ret_why;
    busy->host = host;
    *ret_instance = busy;
    return EG_OK;
}
static void busy_destroy(void *instance) {
    struct busy *busy = instance;
    busy->host->mem->free(busy->host, busy);
}
static int32_t busy_bind(void *instance, const void *config, void **ret_target,
                         struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    (void)config;
    (void)ret_traits;
    (void)ret_why;
    *ret_target = instance;
    return EG_OK;
}
static void busy_unbind(void *instance, void *bound) {
    (void)instance;
    (void)bound;
    unbound++;
}
static void on_work(void *arg) {
    struct eg_op *op = arg;
    struct eg_result result = egx_result();
    result.message = EGX_STR("from a thread");
    op->done(op, EG_OK, &result);
}
static void on_worked(void *arg) {
    (void)arg;
}
static int32_t busy_invoke(void *instance, void *slot, void *bound,
                           const struct eg_invocation *invocation, struct eg_op *op) {
    const struct busy *busy = instance;
    (void)slot;
    (void)bound;
    (void)invocation;
    return busy->host->loop->run_blocking(busy->host, busy->host->loop->current(busy->host),
                                          on_work, on_worked, op);
}
static const struct eg_life_ops busy_life = {
    .struct_size = sizeof busy_life, .create = busy_create, .destroy = busy_destroy};
static const struct eg_provider_ops busy_ops = {.struct_size = sizeof busy_ops,
                                                .bind = busy_bind,
                                                .unbind = busy_unbind,
                                                .invoke = busy_invoke};
static const struct eg_component busy_component = {.struct_size = sizeof busy_component,
                                                   .kind = EG_KIND_PROVIDER,
                                                   .name = "busy",
                                                   .summary = "Busy.",
                                                   .life = &busy_life,
                                                   .ops = &busy_ops};

/* ---- the calls ---- */

static const struct eg_invocation invocation = {.struct_size = sizeof invocation};
struct call {
    struct gw_op op;
};

static void on_call_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    CU_ASSERT_TRUE(status == EG_OK || status == EG_E_BUSY);
    CU_ASSERT_TRUE(status < 0 || result->message.len > 0);
    gw_free(GW_CONTAINER(op, struct call, op));
    (void)__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
}

static void stop_all(void *arg, uint32_t ops_left) {
    (void)arg;
    left = ops_left;
    for (uint32_t i = 0; i < ALL; i++) {
        gw_loop_stop(all[i]);
    }
}
static void begin_stop(void *arg) {
    (void)arg;
    gw_manager_stop(busy_manager, 60 * GW_NS_PER_S, stop_all, NULL);
}

/* The last loop that has called asks for the stop, while calls are in flight. */
static void call_all(void *arg) {
    (void)arg;
    for (uint32_t i = 0; i < CALLS; i++) {
        struct call *call = gw_alloc(sizeof *call);
        gw_target_invoke(target, &invocation, GW_NS_PER_S * 60, 0, &call->op, on_call_done,
                         NULL);
    }
    gw_target_unref(target); /* this loop's */
    if (__atomic_add_fetch(&called, 1, __ATOMIC_ACQ_REL) == SERVING) {
        gw_loop_post_fn(all[SERVING], begin_stop, NULL);
    }
}

/* ---- up, busy, down ---- */

static void on_up(void *arg, int32_t status, struct eg_str why) {
    (void)arg;
    (void)why;
    CU_ASSERT_EQUAL(status, EG_OK);
    CU_ASSERT_EQUAL_FATAL(
        gw_target_bind(busy_manager, GW_STR("busy"), GW_STR("{}"), &target, NULL, NULL), EG_OK);
    (void)gw_target_ref(target);
    gw_loop_post_fn(all[0], call_all, NULL);
    gw_loop_post_fn(all[1], call_all, NULL);
}
static void *run_loop(void *arg) {
    gw_loop_run(arg);
    return NULL;
}

static void calls_that_threads_end_all_come_back_before_the_stop_ends(void) {
    pthread_t threads[ALL];
    gw_log_setup(EG_LOG_ERROR, GW_LOG_TEXT); /* a full pool refuses some: not worth 1000 lines */
    for (uint32_t i = 0; i < ALL; i++) {
        CU_ASSERT_EQUAL_FATAL(gw_loop_create("busy", &all[i]), EG_OK);
        gw_loop_set_index(all[i], i);
    }
    CU_ASSERT_EQUAL_FATAL(gw_pool_create(3, CALLS, &pool), EG_OK);
    const struct gw_manager_config config = {
        .loops = all, .loop_count = ALL, .control = all[SERVING], .pool = pool, .version = "test"};
    busy_manager = gw_manager_create(&config);
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(busy_manager, &busy_component, NULL, 0, NULL, NULL),
                          EG_OK);
    gw_manager_start(busy_manager, 60 * GW_NS_PER_S, on_up, NULL);
    for (uint32_t i = 0; i < ALL; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_loop, all[i]), 0);
    }
    for (uint32_t i = 0; i < ALL; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(ended, SERVING * CALLS);
    CU_ASSERT_EQUAL(unbound, 1);
    gw_manager_destroy(busy_manager);
    gw_pool_destroy(pool);
    for (uint32_t i = 0; i < ALL; i++) {
        gw_loop_destroy(all[i]);
    }
}

UNIT_MAIN(UNIT(calls_that_threads_end_all_come_back_before_the_stop_ends))
