/*
 * rig_plugins.h - the components of the rig: provider `fake`, two middleware, two reacters. What
 * they do is told by rig->functions, rig_first, rig_second, rig_watcher and rig_guard.
 */
#ifndef TESTS_UNIT_FLOW_RIG_PLUGINS_H
#define TESTS_UNIT_FLOW_RIG_PLUGINS_H

#include "rig_parts.h"

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
    rig_provider_host = gw_str_eq(host->component, GW_STR("fake")) ? host : rig_provider_host;
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
        .http_status = f->http_status,
        .message = gw_str_c(f->message),
        .client_text = gw_str_c(f->client_text),
        .body = f->answer == NULL ? (struct eg_buf){0} : gw_buf_copy(gw_str_c(f->answer)),
    };
    op->done(op, f->status, &result);
}

static void rig_forwarded(void *arg, int32_t status, const struct eg_result *result) {
    struct rig_function *f = arg;
    f->forwarded++;
    f->forward_rc = status;
    f->inner = NULL;
    (void)snprintf(f->forward_message, sizeof f->forward_message, "%.*s", GW_FMT(result->message));
    if (f->held_count > 0) {
        struct eg_op *op = f->held[0];
        f->held_count--;
        memmove(f->held, f->held + 1, f->held_count * sizeof f->held[0]);
        op->done(op, status, result);
    } else { /* it was over before */
        struct eg_buf body = result->body;
        gw_buf_release(&body);
    }
}

/* One at a time. */
static int32_t rig_forward(struct rig_function *f, const struct eg_invocation *invocation,
                           struct eg_op *op) {
    const struct eg_function_api *api = rig_provider_host->function;
    f->forward_rc = api->call(rig_provider_host, invocation->call, gw_str_c(f->forward),
                              f->forward_deadline_ns, rig_forwarded, f, &f->inner);
    if (f->forward_rc < 0) {
        return f->forward_rc;
    }
    f->held[f->held_count++] = op;
    return EG_OK;
}

static int32_t rig_invoke(void *instance, void *slot, void *target,
                          const struct eg_invocation *invocation, struct eg_op *op) {
    struct rig_function *f = target;
    (void)instance;
    (void)slot;
    f->calls++;
    f->is_async = invocation->is_async;
    f->invocation = invocation;
    (void)snprintf(f->payload, sizeof f->payload, "%.*s", GW_FMT(invocation->payload));
    (void)snprintf(f->traceparent, sizeof f->traceparent, "%.*s", GW_FMT(invocation->traceparent));
    (void)snprintf(f->tracestate, sizeof f->tracestate, "%.*s", GW_FMT(invocation->tracestate));
    if (f->mode == RIG_FORWARD) {
        return rig_forward(f, invocation, op);
    }
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
        struct rig_function *f = &rig_now->functions[i];
        bool is_its = false;
        for (size_t k = 0; k < f->held_count; k++) {
            is_its |= f->held[k] == op;
        }
        f->canceled += is_its;
        if (is_its && f->mode == RIG_FORWARD && !f->is_careless) {
            rig_provider_host->function->cancel(rig_provider_host, f->inner);
        } else if (is_its && f->mode == RIG_FORWARD) {
            f->held_count = 0;
            op->done(op, EG_E_CANCELED, NULL);
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

static void tracer_trace(void *i, void *s, const struct eg_trace *trace) {
    (void)i;
    (void)s;
    rig_trace(trace);
}
static const struct eg_reacter_ops tracer_ops = {.struct_size = sizeof tracer_ops,
                                                 .interests = guard_interests,
                                                 .react = guard_react,
                                                 .trace = tracer_trace};

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
RIG_COMPONENT(tracer, EG_KIND_REACTER, tracer_ops);

static const struct eg_component *const rig_components[] = {
    &rig_fake_component,    &rig_first_component, &rig_second_component,
    &rig_watcher_component, &rig_guard_component, &rig_tracer_component};
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

#endif
