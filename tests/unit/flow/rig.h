/*
 * rig.h - a flow without sockets and store: real loop, real plugin floor with static components,
 * and in place of the HTTP server and the routing snapshot the few functions that flow uses of
 * them, defined here (the linker then takes nothing of their archives).
 *
 *   static void a_sentence(void) {
 *       struct rig rig; rig_start(&rig, ...); ... rig_stop(&rig);
 *   }
 *
 * One thread. Functions are named targets of the provider `fake`; what they do is a row of
 * rig.functions.
 */
#ifndef TESTS_UNIT_FLOW_RIG_H
#define TESTS_UNIT_FLOW_RIG_H

#include "rig_fakes.h"
#include "rig_plugins.h"

/* ---- life ---- */

static void rig_on_started(void *arg, int32_t status, struct eg_str why) {
    struct rig *rig = arg;
    if (status < 0) {
        printf("  start: %.*s\n", GW_FMT(why));
    }
    CU_ASSERT_EQUAL_FATAL(status, 0);
    rig->is_ready = true;
}

static void rig_on_stopped(void *arg, uint32_t ops_left) {
    CU_ASSERT_EQUAL(ops_left, 0);
    ((struct rig *)arg)->is_ready = false;
}

/* Zeroes rig: workers 10, backlog 20, refuse. The test may change rig->setup, then rig_start. */
static void rig_init(struct rig *rig) {
    memset(rig, 0, sizeof *rig);
    rig_now = rig;
    rig_first = rig_second = (struct rig_hooks){0};
    rig_watcher = rig_guard = (struct rig_reacter){0};
    rig_middleware_cancels = 0;
    rig_op = NULL;
    rig->setup.workers = 10;
    rig->setup.backlog = 20;
    rig->setup.config = (struct gw_flow_config){
        .event_version = EG_CE_0_1,
        .json_depth = GW_JSON_DEPTH,
        .function_timeout_ns = 5 * GW_NS_PER_S,
        .middleware_timeout_ns = 2 * GW_NS_PER_S,
        .reacter_pending = 100,
        .trace_percent = 100,
        .retry_after_s = 3,
    };
    gw_clock_hold(1000 * GW_NS_PER_S, 1500000000 * (int64_t)GW_NS_PER_S);
}

static void rig_add(struct rig *rig, uint32_t kind, const char *name, const char *match) {
    const struct gw_setting_input input = {GW_STR("match"), gw_str_c(match), GW_STR("")};
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_instance *instance = NULL;
    const struct eg_component *c = gw_manager_component(rig->manager, kind, gw_str_c(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL_FATAL(
        gw_manager_add(rig->manager, c, &input, match == NULL ? 0 : 1, &instance, &why), 0);
}

static void rig_start(struct rig *rig) {
    static struct gw_http_client *const clients[] = {NULL};
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("rig", &rig->loop), 0);
    gw_loop_set_index(rig->loop, 0);
    struct eg_loop *const loops[] = {rig->loop};
    rig->manager = gw_manager_create(&(struct gw_manager_config){
        .loops = loops,
        .clients = clients,
        .loop_count = 1,
        .control = rig->loop,
        .event_api = gw_flow_event_api(),
        .exchange_api = gw_flow_exchange_api(),
        .function_api = gw_flow_function_api(),
        .version = "test",
    });
    CU_ASSERT_EQUAL_FATAL(gw_manager_load(rig->manager, NULL, &why), 0);
    rig_add(rig, EG_KIND_PROVIDER, "fake", NULL);
    rig_add(rig, EG_KIND_MIDDLEWARE, "first", rig->first_match);
    rig_add(rig, EG_KIND_MIDDLEWARE, "second", rig->second_match);
    rig_add(rig, EG_KIND_REACTER, "watcher", NULL);
    rig_add(rig, EG_KIND_REACTER, rig->guard_traces ? "tracer" : "guard", NULL);
    gw_manager_start(rig->manager, 0, rig_on_started, rig);
    for (int i = 0; i < 100 && !rig->is_ready; i++) {
        gw_loop_turn(rig->loop, GW_NS_PER_MS);
    }
    CU_ASSERT_TRUE_FATAL(rig->is_ready);
    rig->setup.loop = rig->loop;
    rig->flow = gw_flow_create(&rig->setup);
}

/* Everything has ended: no exchange, no view, no op. */
static void rig_stop(struct rig *rig) {
    CU_ASSERT_EQUAL(gw_flow_busy(rig->flow), 0);
    CU_ASSERT_EQUAL(rig->view.refs, 0);
    CU_ASSERT_EQUAL(rig->flow->backlog.reserved, 0);
    CU_ASSERT_TRUE(gw_list_empty(&rig->flow->waits));
    gw_flow_destroy(rig->flow);
    for (size_t i = 0; i < rig->later_count; i++) {
        rig_request_free(rig->later[i]);
    }
    for (size_t i = 0; i < rig->target_count; i++) {
        gw_target_unref(rig->targets[i]);
    }
    for (size_t i = 0; i < rig->list_count; i++) {
        gw_free(rig->lists[i]);
    }
    rig_turn(rig);
    gw_manager_stop(rig->manager, gw_monotonic_ns() + GW_NS_PER_S, rig_on_stopped, rig);
    for (int i = 0; i < 100 && rig->is_ready; i++) {
        gw_loop_turn(rig->loop, GW_NS_PER_MS);
    }
    gw_manager_destroy(rig->manager);
    gw_loop_destroy(rig->loop);
    gw_clock_release();
}

/* ---- configuration ---- */

static struct rig_function *rig_fn(struct rig *rig, const char *name, enum rig_mode mode,
                                   const char *answer) {
    size_t i = 0;
    while (rig->functions[i].name != NULL) {
        i++;
    }
    rig->functions[i] = (struct rig_function){.name = name, .mode = mode, .answer = answer};
    return &rig->functions[i];
}

static struct gw_target *rig_target(struct rig *rig, const char *name) {
    struct eg_why why = {.struct_size = sizeof why};
    char json[128];
    struct gw_target *target = NULL;
    (void)snprintf(json, sizeof json, "{\"name\":\"%s\"}", name);
    CU_ASSERT_EQUAL_FATAL(
        gw_target_bind(rig->manager, GW_STR("fake"), gw_str_c(json), &target, NULL, &why), 0);
    rig->targets[rig->target_count++] = target;
    return target;
}

static struct eg_metric *rig_metric(const char *function, const char *what) {
    static const struct gw_metric_family family = {
        .name = "rig_events_total", .help = "of the rig", .type = GW_COUNTER};
    const struct eg_kv labels[] = {{GW_STR("function"), gw_str_c(function)},
                                   {GW_STR("what"), gw_str_c(what)}};
    return gw_metric(&family, labels, 2);
}

static void rig_name(struct gw_object *function, const char *name) {
    function->kind = GW_FUNCTION;
    function->space = GW_STR("default");
    function->id = gw_str_c(name);
}

/* A function that others may call; target NULL: its provider is not there. */
static void rig_offer(struct rig *rig, const char *name, struct gw_target *target) {
    struct rig_offer *offer = &rig->offers[rig->offer_count++];
    rig_name(&offer->function, name);
    offer->callee = (struct gw_callee){.object = &offer->function, .target = target};
}

static struct rig_subscription *rig_subscribe(struct rig *rig, bool is_sync, const char *type,
                                              const char *method, const char *path,
                                              const char *function, const char *authorizer) {
    struct rig_subscription *s = &rig->subscriptions[rig->subscription_count++];
    s->object.kind = GW_SUBSCRIPTION;
    s->object.space = GW_STR("default");
    s->object.as.subscription = (struct gw_subscription){
        .is_sync = is_sync,
        .event_type = gw_str_c(type),
        .function_id = gw_str_c(function),
        .path = gw_str_c(path),
        .method = gw_str_c(method),
    };
    s->subscriber.object = &s->object;
    if (rig_function(function) != NULL) {
        rig_name(&s->function, function);
        s->callee = (struct gw_callee){.object = &s->function, .target = rig_target(rig, function)};
        s->subscriber.callee = &s->callee;
    }
    if (authorizer != NULL) {
        s->subscriber.needs_authorizer = true;
        if (rig_function(authorizer) != NULL) {
            rig_name(&s->authorizer_function, authorizer);
            s->authorizer = (struct gw_callee){.object = &s->authorizer_function,
                                               .target = rig_target(rig, authorizer)};
            s->subscriber.authorizer = &s->authorizer;
        }
    }
    s->subscriber.received = rig_metric(function, "received");
    s->subscriber.processed = rig_metric(function, "processed");
    return s;
}

#endif
