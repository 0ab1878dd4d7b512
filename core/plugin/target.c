/*
 * plugin/target.c - functions bound to their providers, and the one place that calls them: it
 * counts and logs how every call ended, and puts status and class of sloppy plugins in agreement (a
 * status below 0 goes with a class that failed, and the other way round).
 *
 * A call holds the target until its done, so that unbind never overtakes it. bind and unbind run on
 * the control thread, invoke on any loop.
 */
#include "plugin/target.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/component_settings.h"
#include "plugin/host.h"
#include "plugin/manager_parts.h"

#define TARGET_MAGIC 0x45475447u /* "EGTG" */

/* What a class means to us when the plugin said only half of it (texts: chapter 8.3). */
static const struct call_class {
    const char *name;
    int32_t status;
    const char *text;
} classes[EG_CALL_CLASSES] = {
    [EG_CALL_OK] = {"ok", EG_OK, NULL},
    [EG_CALL_ACCEPTED] = {"accepted", EG_OK, NULL},
    [EG_CALL_THROTTLED] = {"throttled", EG_E_BUSY, "Function call failed."},
    [EG_CALL_TRANSIENT] = {"transient", EG_E_UNAVAILABLE, "Function call failed."},
    [EG_CALL_FUNCTION] = {"function", EG_E_INTERNAL,
                          "Function call failed because of runtime error."},
    [EG_CALL_PERMANENT] = {"permanent", EG_E_INVAL, "Function call failed."},
    [EG_CALL_AUTH] = {"auth", EG_E_DENIED, "Function access denied."},
};

static const struct eg_provider_ops *ops_of(const struct gw_instance *instance) {
    return instance->component->ops;
}

/* ---- bind and unbind ---- */

static int32_t bind(struct gw_target *target, const void *config, struct eg_why *ret_why) {
    struct gw_instance *instance = target->instance;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc =
        ops_of(instance)->bind(instance->self, config, &target->self, &target->traits, &why);
    if (rc >= 0 && target->traits.event_version <= EG_CE_1_0) {
        return EG_OK;
    }
    if (rc >= 0) {
        ops_of(instance)->unbind(instance->self, target->self);
        return gw_why(ret_why, EG_E_INTERNAL, "provider %s asks for an unknown event version",
                      instance->name);
    }
    if (why.len == 0 || why.len > sizeof why.text) {
        (void)gw_why(&why, rc, "%s", gw_error_text(rc));
    }
    return gw_why(ret_why, rc, "%.*s", GW_FMT(gw_why_str(&why)));
}

int32_t gw_target_bind_to(struct gw_instance *instance, struct eg_str provider_json,
                          struct gw_target **ret_target, struct eg_str *ret_normal,
                          struct eg_why *ret_why) {
    const struct gw_settings_table table = gw_component_target_table(instance->component);
    struct gw_target *target = gw_alloc(sizeof *target);
    *target = (struct gw_target){
        .magic = TARGET_MAGIC,
        .instance = instance,
        .control = instance->manager->config.control,
        .traits = {.struct_size = sizeof target->traits},
        .refs = 1,
        .calls = instance->calls,
    };
    gw_arena_init(&target->arena, 256);
    struct eg_str normal = {0};
    void *config = gw_arena_zalloc(&target->arena, table.struct_bytes + 1);
    int32_t rc =
        gw_target_settings_read(&table, provider_json, &target->arena, config, &normal, ret_why);
    if (rc >= 0) {
        rc = bind(target, config, ret_why);
    }
    if (rc < 0) {
        gw_arena_free(&target->arena);
        gw_free(target);
        return rc;
    }
    gw_list_push(&instance->targets, &target->node);
    *ret_target = target;
    if (ret_normal != NULL) {
        *ret_normal = normal;
    }
    return EG_OK;
}

int32_t gw_target_bind(struct gw_manager *manager, struct eg_str type, struct eg_str provider_json,
                       struct gw_target **ret_target, struct eg_str *ret_normal,
                       struct eg_why *ret_why) {
    struct gw_chains *chains = gw_manager_chains(manager);
    struct gw_instance *instance = chains == NULL ? NULL : gw_chains_provider(chains, type);
    if (instance == NULL) {
        return gw_why(ret_why, EG_E_NOTFOUND, "provider %.*s not supported", GW_FMT(type));
    }
    return gw_target_bind_to(instance, provider_json, ret_target, ret_normal, ret_why);
}

static void unbind(struct gw_target *target) {
    struct gw_instance *instance = target->instance;
    if (instance != NULL) {
        gw_list_remove(&target->node);
        ops_of(instance)->unbind(instance->self, target->self);
        target->instance = NULL;
    }
}

static void free_target(void *arg) {
    struct gw_target *target = arg;
    unbind(target);
    gw_arena_free(&target->arena);
    target->magic = 0;
    gw_free(target);
}

void gw_target_unbind_all(struct gw_instance *instance) {
    while (!gw_list_empty(&instance->targets)) {
        unbind(GW_CONTAINER(instance->targets.next, struct gw_target, node));
    }
}

struct gw_target *gw_target_ref(struct gw_target *target) {
    GW_MAGIC_CHECK(target, TARGET_MAGIC);
    (void)__atomic_add_fetch(&target->refs, 1, __ATOMIC_RELAXED);
    return target;
}

void gw_target_unref(struct gw_target *target) {
    if (target == NULL) {
        return;
    }
    GW_MAGIC_CHECK(target, TARGET_MAGIC);
    if (__atomic_sub_fetch(&target->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (target->control == NULL) {
        free_target(target);
    } else {
        gw_loop_post_fn(target->control, free_target, target);
    }
}

/* ---- invoke ---- */

/* Status and class have to tell the same story. Returns the status. */
static int32_t agree(int32_t status, struct eg_result *result) {
    if (result->call_class >= EG_CALL_CLASSES) {
        result->call_class = EG_CALL_PERMANENT;
    }
    const bool is_good_class =
        result->call_class == EG_CALL_OK || result->call_class == EG_CALL_ACCEPTED;
    if (status < 0 && is_good_class) {
        result->call_class = EG_CALL_TRANSIENT;
    }
    return status < 0 ? status : classes[result->call_class].status;
}

#define REASON_MAX 2048u /* bytes of a plugin's text that are logged */

/* A plugin that was canceled at the deadline says so; what an operator looks for is the deadline,
 * and what the plugin was waiting for, where it tells. */
static void write_reason(struct gw_bytes *out, const struct gw_op *op, int32_t status,
                         const struct eg_result *result) {
    const char *text = gw_error_text(status);
    if (op->is_overdue && status == EG_E_CANCELED) {
        gw_bytes_add_c(out, gw_error_text(EG_E_TIMEOUT));
        if (result->message.len > 0 && !gw_str_eq(result->message, gw_str_c(text))) {
            gw_bytes_add_c(out, ": ");
            gw_bytes_add(out, gw_str_sub(result->message, 0, REASON_MAX));
        }
        return;
    }
    gw_bytes_add(out, result->message.len > 0 ? gw_str_sub(result->message, 0, REASON_MAX)
                                              : gw_str_c(text));
}

static void log_end(const struct gw_op *op, int32_t status, const struct eg_result *result) {
    const struct gw_target *target = op->target;
    const struct eg_invocation *invocation = op->invocation;
    const struct call_class *row = &classes[result->call_class];
    const uint32_t level = status < 0 ? EG_LOG_WARN : EG_LOG_DEBUG;
    if (!gw_log_enabled(level)) {
        return;
    }
    struct gw_bytes text;
    gw_bytes_init(&text, 4096);
    if (status < 0) {
        gw_bytes_addf(&text, "%s Error: ", row->text);
        write_reason(&text, op, status, result);
    } else {
        gw_bytes_add_c(&text, "Function called.");
    }
    const struct eg_kv fields[] = {
        {GW_STR("space"), invocation->space},
        {GW_STR("functionId"), invocation->function_id},
        {GW_STR("provider"), gw_str_c(target->instance->name)},
        {GW_STR("class"), gw_str_c(row->name)},
        {GW_STR("request_id"), invocation->request_id},
    };
    gw_log_write(level, (struct eg_str){0}, gw_bytes_str(&text), fields, GW_COUNT(fields));
    gw_bytes_free(&text);
}

static void on_call_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    struct gw_target *target = op->target;
    const int32_t agreed = agree(status, result);
    if (agreed < 0 && status >= 0 && !op->is_overdue) { /* a failure that only its class told */
        gw_op_count_error(target->instance, gw_loop_index(op->loop));
    }
    gw_metric_add(target->calls[result->call_class], 1);
    log_end(op, agreed, result);
    op->relay(op, agreed, result);
    gw_target_unref(target);
}

static uint64_t deadline_of(const struct gw_target *target, uint64_t now_ns, uint64_t timeout_ns,
                            uint64_t until_ns) {
    const uint64_t limit_ns =
        target->traits.timeout_ns != 0 ? target->traits.timeout_ns : timeout_ns;
    const uint64_t own_ns = limit_ns == 0 ? 0 : now_ns + limit_ns;
    return until_ns != 0 && (own_ns == 0 || until_ns < own_ns) ? until_ns : own_ns;
}

void gw_target_invoke(struct gw_target *target, const struct eg_invocation *invocation,
                      uint64_t timeout_ns, uint64_t until_ns, struct gw_op *op,
                      void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                      void (*on_deadline)(struct gw_op *op)) {
    GW_MAGIC_CHECK(target, TARGET_MAGIC);
    struct gw_instance *instance = target->instance;
    struct eg_loop *loop = gw_loop_current();
    GW_ASSERT(loop != NULL && instance != NULL);
    const uint64_t now_ns = gw_monotonic_ns();
    gw_op_begin_at(op, instance, loop, now_ns, deadline_of(target, now_ns, timeout_ns, until_ns),
                   on_call_done, on_deadline);
    op->target = gw_target_ref(target);
    op->invocation = invocation;
    op->relay = on_done;
    void *slot = gw_instance_slot(instance, gw_loop_index(loop));
    const char *former = gw_loop_blame(loop, instance->name);
    const int32_t rc =
        ops_of(instance)->invoke(instance->self, slot, target->self, invocation, &op->pub);
    (void)gw_loop_blame(loop, former);
    if (rc < 0) {
        gw_op_refused_later(op, rc);
    }
}

/* ---- masks ---- */

void gw_provider_mask(struct gw_manager *manager, struct eg_str type, struct eg_str provider_json,
                      struct gw_bytes *out) {
    const struct eg_component *component = gw_manager_component(manager, EG_KIND_PROVIDER, type);
    const struct gw_settings_table none = {0};
    const struct gw_settings_table table =
        component == NULL ? none : gw_component_target_table(component);
    gw_target_settings_mask(&table, provider_json, out);
}

struct eg_str gw_provider_unmask(struct gw_manager *manager, struct eg_str type,
                                 struct eg_str new_json, struct eg_str stored_json,
                                 struct gw_arena *arena) {
    const struct eg_component *component = gw_manager_component(manager, EG_KIND_PROVIDER, type);
    if (component == NULL) {
        return new_json;
    }
    const struct gw_settings_table table = gw_component_target_table(component);
    return gw_target_settings_unmask(&table, new_json, stored_json, arena);
}
