/*
 * bench_plugin.h - a plugin that does what a test tells it, and a manager over two loops that turn
 * in the test's own thread. Everything is static, so a test program is one file.
 */
#ifndef TESTS_BENCH_PLUGIN_H
#define TESTS_BENCH_PLUGIN_H

#include <eventgw-sdk/egx.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/manager.h"
#include "plugin/manager_parts.h"
#include "plugin/op.h"
#include "plugin/target.h"
#include "unit.h"

#define LOOPS 2u

/* What happened, as words: "create start attach0 ...". */
static char story[4096];
static void tell(const char *word) {
    const size_t len = strlen(story);
    (void)snprintf(story + len, sizeof story - len, "%s%s", len == 0 ? "" : " ", word);
}
#define ASSERT_STORY(text)                                                                         \
    do {                                                                                           \
        ASSERT_STR(egx_str_c(story), text);                                                        \
        story[0] = '\0';                                                                           \
    } while (0)

/* What the components are to do. */
static struct {
    int32_t create_rc;
    int32_t start_rc;
    int32_t start_status;
    bool start_hangs;
    int32_t attach_rc;
    int32_t bind_rc;
    int32_t invoke_rc;
    bool invoke_hangs;
    uint64_t target_timeout_ns;
    uint32_t event_version;
    uint32_t result_class;
    int32_t result_status;
    const char *result_message;
} plan;
static struct eg_op *held_op; /* of a call that hangs */
static const struct eg_host *bench_host;

static int32_t bench_create(const struct eg_host *host, const void *settings, void **ret_instance,
                            struct eg_why *ret_why) {
    (void)settings;
    tell("create");
    bench_host = host;
    *ret_instance = (void *)(uintptr_t)host;
    return plan.create_rc < 0 ? egx_why(ret_why, plan.create_rc, "no room") : EG_OK;
}
static int32_t bench_start(void *instance, struct eg_op *op) {
    (void)instance;
    tell("start");
    if (plan.start_rc < 0) {
        return plan.start_rc;
    }
    if (plan.start_hangs) {
        held_op = op;
    } else if (plan.start_status < 0) {
        egx_done_error(op, plan.start_status, "disk is gone");
    } else {
        egx_done_ok(op);
    }
    return EG_OK;
}
static int32_t bench_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    (void)instance;
    CU_ASSERT_PTR_EQUAL(gw_loop_current(), loop);
    tell(gw_loop_index(loop) == 0 ? "attach0" : "attach1");
    *ret_slot = loop;
    return plan.attach_rc;
}
static void bench_detach(void *instance, void *slot) {
    (void)instance;
    CU_ASSERT_PTR_EQUAL(gw_loop_current(), slot);
    tell(gw_loop_index(slot) == 0 ? "detach0" : "detach1");
}
static void bench_drain(void *instance) {
    (void)instance;
    tell("drain");
}
static void bench_destroy(void *instance) {
    (void)instance;
    tell("destroy");
}
static const struct eg_life_ops bench_life = {
    sizeof bench_life, 0,           bench_create, bench_start, bench_attach,
    bench_detach,      bench_drain, bench_destroy};

/* ---- provider "bench" ---- */

struct bench_target {
    struct eg_str url;
    struct eg_str key;
};
EGX_SETTING(bench_target, url, "url", EG_SET_STRING, 0, 0, 0, NULL, NULL, "Where to.");
EGX_SETTING(bench_target, key, "apiKey", EG_SET_SECRET, 0, 0, 0, NULL, NULL, "Key.");
static const struct eg_setting *const bench_rows[] = {EGX_ROW(bench_target, url),
                                                      EGX_ROW(bench_target, key)};

static int32_t bench_bind(void *instance, const void *config, void **ret_target,
                          struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct bench_target *target = config;
    (void)instance;
    if (target->url.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "missing required fields for bench");
    }
    tell("bind");
    ret_traits->timeout_ns = plan.target_timeout_ns;
    ret_traits->event_version = plan.event_version;
    *ret_target = (void *)(uintptr_t)config;
    return plan.bind_rc;
}
static void bench_unbind(void *instance, void *target) {
    (void)instance;
    (void)target;
    tell("unbind");
}
static inline void bench_finish(struct eg_op *op) {
    struct eg_result result = egx_result();
    result.call_class = plan.result_class;
    result.message = egx_str_c(plan.result_message);
    result.body = gw_buf_copy(GW_STR("answer"));
    op->done(op, plan.result_status, &result);
}
static int32_t bench_invoke(void *instance, void *slot, void *target,
                            const struct eg_invocation *invocation, struct eg_op *op) {
    (void)instance;
    (void)target;
    (void)invocation;
    CU_ASSERT_PTR_EQUAL(slot, gw_loop_current());
    tell("invoke");
    if (plan.invoke_rc < 0) {
        return plan.invoke_rc;
    }
    if (plan.invoke_hangs) {
        held_op = op;
    } else {
        bench_finish(op);
    }
    return EG_OK;
}
static void bench_cancel(void *instance, void *slot, struct eg_op *op) {
    (void)instance;
    CU_ASSERT_PTR_EQUAL(slot, gw_loop_current());
    CU_ASSERT_PTR_EQUAL(op, held_op);
    tell("cancel");
}
static const struct eg_provider_ops bench_provider_ops = {
    sizeof bench_provider_ops, 0, bench_bind, bench_unbind, bench_invoke, bench_cancel};
static const struct eg_component bench_provider = {.struct_size = sizeof bench_provider,
                                                   .kind = EG_KIND_PROVIDER,
                                                   .name = "bench",
                                                   .summary = "A provider.",
                                                   .target_settings = bench_rows,
                                                   .target_setting_count = 2,
                                                   .target_settings_size =
                                                       sizeof(struct bench_target),
                                                   .life = &bench_life,
                                                   .ops = &bench_provider_ops};

/* ---- the manager over loops ---- */

static struct eg_loop *loops[LOOPS];
static struct gw_manager *manager;

static inline void turn(void) {
    for (uint32_t round = 0; round < 12; round++) {
        for (uint32_t i = 0; i < LOOPS; i++) {
            gw_loop_turn(loops[i], 0);
        }
    }
}

/* loops[0] is the control loop. */
static inline void bench_open(void) {
    static const char *const names[LOOPS] = {"zero", "one"};
    for (uint32_t i = 0; i < LOOPS; i++) {
        CU_ASSERT_EQUAL_FATAL(gw_loop_create(names[i], &loops[i]), EG_OK);
        gw_loop_set_index(loops[i], i);
    }
    const struct gw_manager_config config = {
        .loops = loops, .loop_count = LOOPS, .control = loops[0], .version = "test"};
    manager = gw_manager_create(&config);
    memset(&plan, 0, sizeof plan);
    held_op = NULL;
    story[0] = '\0';
}

static inline void bench_close(void) {
    gw_manager_destroy(manager);
    manager = NULL;
    for (uint32_t i = 0; i < LOOPS; i++) {
        gw_loop_destroy(loops[i]);
    }
}

/* ---- answers of start and stop ---- */

static int32_t started_status;
static char started_why[256];
static uint32_t stopped_left;

static inline void on_started(void *arg, int32_t status, struct eg_str why) {
    (void)arg;
    started_status = status;
    (void)snprintf(started_why, sizeof started_why, "%.*s", GW_FMT(why));
    tell(status < 0 ? "failed" : "started");
}
static inline void on_stopped(void *arg, uint32_t ops_left) {
    (void)arg;
    stopped_left = ops_left;
    tell("stopped");
}

/* A manager that serves with the one provider. */
static inline struct gw_instance *bench_serve(void) {
    struct gw_instance *instance = NULL;
    bench_open();
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(manager, &bench_provider, NULL, 0, &instance, NULL),
                          EG_OK);
    gw_manager_start(manager, GW_NS_PER_S, on_started, NULL);
    turn();
    CU_ASSERT_PTR_NULL(manager->first); /* it serves */
    story[0] = '\0';
    return instance;
}
static inline void bench_stop(void) {
    gw_manager_stop(manager, GW_NS_PER_S, on_stopped, NULL);
    turn();
    CU_ASSERT_TRUE(manager->is_ended);
    CU_ASSERT_EQUAL(stopped_left, 0);
    story[0] = '\0';
    bench_close();
}

#endif
