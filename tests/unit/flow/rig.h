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

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "domain/path_tree.h"
#include "flow/exchange.h"
#include "plugin/loader.h"
#include "unit.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define RIG_MAX 16
#define RIG_HELD 64
#define RIG_LISTS 4096

enum rig_mode { RIG_ANSWER, RIG_HOLD, RIG_REFUSE };

struct rig_function {
    const char *name;
    enum rig_mode mode;
    const char *answer; /* body */
    uint32_t call_class;
    int32_t status; /* of the op */
    const char *message;
    const char *client_text;
    uint32_t version; /* EG_CE_* it asks for */
    unsigned calls;
    unsigned canceled;
    uint32_t is_async;  /* of the last call */
    char payload[8192]; /* of the last call */
    struct eg_op *held[RIG_HELD];
    unsigned held_count;
};

struct rig_subscription {
    struct gw_object object;
    struct gw_subscriber subscriber;
    struct gw_callee callee;
    struct gw_callee authorizer;
};

struct rig_hooks {
    int32_t (*on_request)(struct eg_exchange *x, struct eg_op *op);
    int32_t (*on_event)(struct eg_exchange *x, struct eg_event *event, struct eg_op *op);
    int32_t (*on_reply)(struct eg_exchange *x, struct eg_op *op);
};
struct rig_reacter {
    const struct eg_interest *const *interests;
    size_t interest_count;
    int32_t (*react)(const struct eg_event *event, struct eg_op *op);
};

struct rig {
    struct eg_loop *loop;
    struct gw_manager *manager;
    struct gw_flow *flow;
    struct gw_flow_setup setup;
    struct rig_function functions[RIG_MAX];
    struct rig_subscription subscriptions[RIG_MAX];
    size_t subscription_count;
    void *lists[RIG_LISTS]; /* of async subscribers, given out and freed at the end */
    size_t list_count;
    const struct gw_cors *cors;
    const char *cors_path;
    struct gw_view view;
    struct gw_target *targets[2 * RIG_MAX];
    size_t target_count;
    bool is_ready;
};

/* What the components reach for. */
static struct rig *rig_now;
static struct rig_hooks rig_first;
static struct rig_hooks rig_second;
static struct rig_reacter rig_watcher;
static struct rig_reacter rig_guard;
static unsigned rig_middleware_cancels;
static struct eg_op *rig_op; /* where a pending hook leaves its op */
static const struct eg_host *rig_host;

/* ---- requests ---- */

struct rig_request {
    struct gw_http_request request;
    uint32_t refs;
    unsigned replies;
    uint32_t status;
    char headers[2048];
    char *body;
    size_t body_len;
};

static void rig_request_free(struct rig_request *r) {
    CU_ASSERT_EQUAL(r->refs, 1); /* the flow has let go of it */
    gw_arena_free(&r->request.arena);
    free(r->body);
    gw_free(r);
}

void gw_http_request_ref(struct gw_http_request *request) {
    GW_CONTAINER(request, struct rig_request, request)->refs++;
}

void gw_http_request_unref(struct gw_http_request *request) {
    struct rig_request *r = GW_CONTAINER(request, struct rig_request, request);
    GW_ASSERT(r->refs > 1); /* the test's own goes last */
    r->refs--;
}

struct eg_str gw_http_header(const struct gw_http_request *request, struct eg_str name,
                             size_t index) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (gw_str_eq_nocase(request->headers[i].name, name) && index-- == 0) {
            return request->headers[i].value;
        }
    }
    return (struct eg_str){0};
}

void gw_http_reply(struct gw_http_request *request, struct gw_http_reply *reply) {
    struct rig_request *r = GW_CONTAINER(request, struct rig_request, request);
    size_t at = 0;
    r->replies++;
    r->status = reply->status;
    for (size_t i = 0; i < reply->header_count; i++) {
        const int n = snprintf(r->headers + at, sizeof r->headers - at, "%.*s: %.*s\n",
                               GW_FMT(reply->headers[i].name), GW_FMT(reply->headers[i].value));
        at += (size_t)n;
    }
    r->body_len = reply->body.len;
    r->body = calloc(1, reply->body.len + 1);
    if (reply->body.len > 0) {
        memcpy(r->body, reply->body.ptr, reply->body.len);
    }
    gw_buf_release(&reply->body);
}

static struct rig_request *rig_request(const char *method, const char *path,
                                       const struct eg_kv *headers, size_t header_count,
                                       struct eg_str body) {
    struct rig_request *r = gw_alloc(sizeof *r);
    r->refs = 2;
    gw_arena_init(&r->request.arena, 1024);
    r->request.method = gw_str_c(method);
    r->request.target = r->request.path = gw_str_c(path);
    r->request.host = GW_STR("gateway.test");
    r->request.headers = headers;
    r->request.header_count = header_count;
    r->request.body = body;
    r->request.peer = GW_STR("127.0.0.1");
    r->request.request_id = GW_STR("rid-1");
    return r;
}

static void rig_turn(const struct rig *rig) {
    for (int i = 0; i < 8; i++) {
        gw_loop_turn(rig->loop, 0);
    }
}

static void rig_hand_over(void *arg) {
    gw_flow_request(rig_now->flow, &((struct rig_request *)arg)->request);
}

/* Sends a request on the loop; runs the loop until nothing moves. */
static struct rig_request *rig_send(struct rig *rig, const char *method, const char *path,
                                    const struct eg_kv *headers, size_t header_count,
                                    const char *body) {
    struct rig_request *r = rig_request(method, path, headers, header_count, gw_str_c(body));
    gw_loop_post_fn(rig->loop, rig_hand_over, r);
    rig_turn(rig);
    return r;
}

/* A structured CloudEvent 0.1 to POST path. */
static struct rig_request *rig_emit(struct rig *rig, const char *type, const char *path) {
    static const struct eg_kv headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents+json", 28}}};
    static char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"eventType\":\"%s\",\"eventID\":\"1\",\"cloudEventsVersion\":\"0.1\","
                   "\"source\":\"/x\",\"contentType\":\"application/json\",\"data\":{\"foo\":"
                   "\"bar\"}}",
                   type);
    return rig_send(rig, "POST", path, headers, 1, body);
}

static bool rig_has(const char *text, const char *part) {
    const bool found = strstr(text, part) != NULL;
    if (!found) {
        printf("  missing \"%s\" in:\n%s\n", part, text);
    }
    return found;
}

/* ---- the routing snapshot ---- */

struct gw_view *gw_view_acquire(struct gw_reader *reader) {
    (void)reader;
    rig_now->view.refs++;
    return &rig_now->view;
}

void gw_view_release(struct gw_view *view) {
    GW_ASSERT(view->refs > 0);
    view->refs--;
}

static bool rig_matches(const struct rig_subscription *s, bool is_sync, struct eg_str method,
                        struct eg_str path, struct eg_str event_type) {
    const struct gw_subscription *sub = &s->object.as.subscription;
    return sub->is_sync == is_sync && gw_str_eq(sub->method, method) &&
           gw_str_eq(sub->path, path) && gw_str_eq(sub->event_type, event_type);
}

const struct gw_subscriber *gw_snapshot_sync(const struct gw_snapshot *snapshot,
                                             struct eg_str method, struct eg_str path,
                                             struct eg_str event_type,
                                             struct gw_path_params *ret_params) {
    (void)snapshot;
    for (size_t i = 0; i < rig_now->subscription_count; i++) {
        if (rig_matches(&rig_now->subscriptions[i], true, method, path, event_type)) {
            ret_params->is_null = false;
            ret_params->count = 1;
            ret_params->items[0] = (struct eg_kv){GW_STR("id"), GW_STR("7")};
            return &rig_now->subscriptions[i].subscriber;
        }
    }
    return NULL;
}

const struct gw_subscriber *const *gw_snapshot_async(const struct gw_snapshot *snapshot,
                                                     struct eg_str method, struct eg_str path,
                                                     struct eg_str event_type, size_t *ret_count) {
    const struct gw_subscriber **list = gw_alloc(RIG_MAX * sizeof(struct gw_subscriber *));
    (void)snapshot;
    GW_ASSERT(rig_now->list_count < RIG_LISTS);
    rig_now->lists[rig_now->list_count++] = (void *)list;
    *ret_count = 0;
    for (size_t i = 0; i < rig_now->subscription_count; i++) {
        if (rig_matches(&rig_now->subscriptions[i], false, method, path, event_type)) {
            list[(*ret_count)++] = &rig_now->subscriptions[i].subscriber;
        }
    }
    return list;
}

const struct gw_cors *gw_snapshot_cors(const struct gw_snapshot *snapshot, struct eg_str method,
                                       struct eg_str path) {
    (void)snapshot;
    (void)method;
    return rig_now->cors_path != NULL && gw_str_eq(path, gw_str_c(rig_now->cors_path))
               ? rig_now->cors
               : NULL;
}

/* ---- provider `fake` ---- */

struct rig_target_settings {
    struct eg_str name;
};
static const struct eg_setting rig_name_row = {
    .struct_size = sizeof rig_name_row,
    .type = EG_SET_STRING,
    .offset = offsetof(struct rig_target_settings, name),
    .name = "name",
    .help = "of the function",
};
static const struct eg_setting *const rig_rows[] = {&rig_name_row};

static struct rig_function *rig_function(const char *name) {
    for (size_t i = 0; i < RIG_MAX; i++) {
        if (rig_now->functions[i].name != NULL && strcmp(rig_now->functions[i].name, name) == 0) {
            return &rig_now->functions[i];
        }
    }
    return NULL;
}

static int32_t rig_create(const struct eg_host *host, const void *settings, void **ret_instance,
                          struct eg_why *ret_why) {
    (void)settings;
    (void)ret_why;
    rig_host = host;
    *ret_instance = rig_now;
    return EG_OK;
}
static void rig_destroy(void *instance) {
    (void)instance;
}
static const struct eg_life_ops rig_life = {
    .struct_size = sizeof rig_life, .create = rig_create, .destroy = rig_destroy};

static int32_t rig_bind(void *instance, const void *config, void **ret_target,
                        struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct rig_target_settings *s = config;
    char name[64];
    (void)instance;
    (void)ret_why;
    (void)snprintf(name, sizeof name, "%.*s", GW_FMT(s->name));
    struct rig_function *f = rig_function(name);
    ret_traits->event_version = f->version;
    *ret_target = f;
    return EG_OK;
}
static void rig_unbind(void *instance, void *target) {
    (void)instance;
    (void)target;
}

static void rig_finish(struct rig_function *f, struct eg_op *op) {
    const struct eg_result result = {
        .struct_size = sizeof result,
        .call_class = f->call_class,
        .message = gw_str_c(f->message),
        .client_text = gw_str_c(f->client_text),
        .body = f->answer == NULL ? (struct eg_buf){0} : gw_buf_copy(gw_str_c(f->answer)),
    };
    op->done(op, f->status, &result);
}

static int32_t rig_invoke(void *instance, void *slot, void *target,
                          const struct eg_invocation *invocation, struct eg_op *op) {
    struct rig_function *f = target;
    (void)instance;
    (void)slot;
    f->calls++;
    f->is_async = invocation->is_async;
    (void)snprintf(f->payload, sizeof f->payload, "%.*s", GW_FMT(invocation->payload));
    if (f->mode == RIG_REFUSE) {
        return EG_E_UNAVAILABLE;
    }
    if (f->mode == RIG_HOLD) {
        f->held[f->held_count++] = op;
    } else {
        rig_finish(f, op);
    }
    return EG_OK;
}

/* Ends the oldest held call. */
static void rig_release(struct rig *rig, const char *name) {
    struct rig_function *f = rig_function(name);
    struct eg_op *op = f->held[0];
    GW_ASSERT(f->held_count > 0);
    f->held_count--;
    memmove(f->held, f->held + 1, f->held_count * sizeof f->held[0]);
    rig_finish(f, op);
    rig_turn(rig);
}

static void rig_cancel(void *instance, void *slot, struct eg_op *op) {
    (void)instance;
    (void)slot;
    for (size_t i = 0; i < RIG_MAX; i++) {
        for (size_t k = 0; k < rig_now->functions[i].held_count; k++) {
            rig_now->functions[i].canceled += rig_now->functions[i].held[k] == op;
        }
    }
}

static const struct eg_provider_ops rig_provider_ops = {
    .struct_size = sizeof rig_provider_ops,
    .bind = rig_bind,
    .unbind = rig_unbind,
    .invoke = rig_invoke,
    .cancel = rig_cancel,
};

/* ---- two middleware, two reacters ---- */

#define RIG_MIDDLEWARE(which)                                                                      \
    static int32_t which##_request(void *i, void *s, struct eg_exchange *x, struct eg_op *op) {    \
        (void)i;                                                                                   \
        (void)s;                                                                                   \
        return rig_##which.on_request == NULL ? EG_NEXT : rig_##which.on_request(x, op);           \
    }                                                                                              \
    static int32_t which##_event(void *i, void *s, struct eg_exchange *x, struct eg_event *e,      \
                                 struct eg_op *op) {                                               \
        (void)i;                                                                                   \
        (void)s;                                                                                   \
        return rig_##which.on_event == NULL ? EG_NEXT : rig_##which.on_event(x, e, op);            \
    }                                                                                              \
    static int32_t which##_reply(void *i, void *s, struct eg_exchange *x, struct eg_op *op) {      \
        (void)i;                                                                                   \
        (void)s;                                                                                   \
        return rig_##which.on_reply == NULL ? EG_NEXT : rig_##which.on_reply(x, op);               \
    }                                                                                              \
    static void which##_cancel(void *i, void *s, struct eg_op *op) {                               \
        (void)i;                                                                                   \
        (void)s;                                                                                   \
        (void)op;                                                                                  \
        rig_middleware_cancels++;                                                                  \
    }                                                                                              \
    static const struct eg_middleware_ops which##_ops = {                                          \
        .struct_size = sizeof which##_ops,                                                         \
        .on_request = which##_request,                                                             \
        .on_event = which##_event,                                                                 \
        .on_reply = which##_reply,                                                                 \
        .cancel = which##_cancel,                                                                  \
    }
RIG_MIDDLEWARE(first);
RIG_MIDDLEWARE(second);

#define RIG_REACTER(which)                                                                         \
    static const struct eg_interest *const *which##_interests(void *i, size_t *ret_count) {        \
        (void)i;                                                                                   \
        *ret_count = rig_##which.interest_count;                                                   \
        return rig_##which.interests;                                                              \
    }                                                                                              \
    static int32_t which##_react(void *i, void *s, const struct eg_event *e, struct eg_op *op) {   \
        (void)i;                                                                                   \
        (void)s;                                                                                   \
        return rig_##which.react(e, op);                                                           \
    }                                                                                              \
    static const struct eg_reacter_ops which##_ops = {                                             \
        .struct_size = sizeof which##_ops, .interests = which##_interests, .react = which##_react}
RIG_REACTER(watcher);
RIG_REACTER(guard);

#define RIG_COMPONENT(id, kind_, ops_)                                                             \
    static const struct eg_component rig_##id##_component = {                                      \
        .struct_size = sizeof(struct eg_component),                                                \
        .kind = kind_,                                                                             \
        .name = #id,                                                                               \
        .summary = "of the rig",                                                                   \
        .life = &rig_life,                                                                         \
        .ops = &ops_,                                                                              \
    }
static const struct eg_component rig_fake_component = {
    .struct_size = sizeof rig_fake_component,
    .kind = EG_KIND_PROVIDER,
    .name = "fake",
    .summary = "of the rig",
    .target_settings = rig_rows,
    .target_setting_count = 1,
    .target_settings_size = sizeof(struct rig_target_settings),
    .life = &rig_life,
    .ops = &rig_provider_ops,
};
RIG_COMPONENT(first, EG_KIND_MIDDLEWARE, first_ops);
RIG_COMPONENT(second, EG_KIND_MIDDLEWARE, second_ops);
RIG_COMPONENT(watcher, EG_KIND_REACTER, watcher_ops);
RIG_COMPONENT(guard, EG_KIND_REACTER, guard_ops);

static const struct eg_component *const rig_components[] = {
    &rig_fake_component, &rig_first_component, &rig_second_component, &rig_watcher_component,
    &rig_guard_component};
static const struct eg_plugin rig_plugin = {
    .magic = EG_PLUGIN_MAGIC,
    .struct_size = sizeof rig_plugin,
    .abi_built = EG_ABI,
    .abi_needs = EG_ABI,
    .name = "rig",
    .version = "1",
    .licence = "Apache-2.0",
    .components = rig_components,
    .component_count = GW_COUNT(rig_components),
};

const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    static const struct eg_plugin *const plugins[] = {&rig_plugin};
    *ret_count = 1;
    return plugins;
}

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
        .retry_after_s = 3,
    };
    gw_clock_hold(1000 * GW_NS_PER_S, 1500000000 * (int64_t)GW_NS_PER_S);
}

static void rig_add(struct rig *rig, uint32_t kind, const char *name) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_instance *instance = NULL;
    const struct eg_component *c = gw_manager_component(rig->manager, kind, gw_str_c(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(rig->manager, c, NULL, 0, &instance, &why), 0);
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
        .version = "test",
    });
    CU_ASSERT_EQUAL_FATAL(gw_manager_load(rig->manager, NULL, &why), 0);
    rig_add(rig, EG_KIND_PROVIDER, "fake");
    rig_add(rig, EG_KIND_MIDDLEWARE, "first");
    rig_add(rig, EG_KIND_MIDDLEWARE, "second");
    rig_add(rig, EG_KIND_REACTER, "watcher");
    rig_add(rig, EG_KIND_REACTER, "guard");
    gw_manager_start(rig->manager, 0, rig_on_started, rig);
    for (int i = 0; i < 100 && !rig->is_ready; i++) {
        gw_loop_turn(rig->loop, GW_NS_PER_MS);
    }
    CU_ASSERT_TRUE_FATAL(rig->is_ready);
    rig->setup.loop = rig->loop;
    rig->setup.manager = rig->manager;
    rig->flow = gw_flow_create(&rig->setup);
}

/* Everything has ended: no exchange, no view, no op. */
static void rig_stop(struct rig *rig) {
    CU_ASSERT_EQUAL(gw_flow_busy(rig->flow), 0);
    CU_ASSERT_EQUAL(rig->view.refs, 0);
    CU_ASSERT_EQUAL(rig->flow->backlog.reserved, 0);
    CU_ASSERT_TRUE(gw_list_empty(&rig->flow->waits));
    gw_flow_destroy(rig->flow);
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
        s->callee = (struct gw_callee){&s->object, rig_target(rig, function)};
        s->subscriber.callee = &s->callee;
    }
    if (authorizer != NULL) {
        s->subscriber.needs_authorizer = true;
        if (rig_function(authorizer) != NULL) {
            s->authorizer = (struct gw_callee){&s->object, rig_target(rig, authorizer)};
            s->subscriber.authorizer = &s->authorizer;
        }
    }
    s->subscriber.received = rig_metric(function, "received");
    s->subscriber.processed = rig_metric(function, "processed");
    return s;
}

#endif
