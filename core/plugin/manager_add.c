/*
 * plugin/manager_add.c - one instance: settings read, host table made, create called, interests
 * asked for; and the other end of it. Control thread.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/check_settings.h"
#include "plugin/component_settings.h"
#include "plugin/host.h"
#include "plugin/manager_parts.h"

#define INTERESTS_MAX 1024u

static const struct gw_metric_family calls_family = {
    .name = "eventgateway_provider_calls_total",
    .help = "Function calls by provider and class of their outcome.",
    .type = GW_COUNTER,
};
static const char *const class_names[EG_CALL_CLASSES] = {
    [EG_CALL_OK] = "ok",
    [EG_CALL_ACCEPTED] = "accepted",
    [EG_CALL_THROTTLED] = "throttled",
    [EG_CALL_TRANSIENT] = "transient",
    [EG_CALL_FUNCTION] = "function",
    [EG_CALL_PERMANENT] = "permanent",
    [EG_CALL_AUTH] = "auth",
};

static void init_metrics(struct gw_instance *instance) {
    for (size_t i = 0; i < EG_CALL_CLASSES; i++) {
        const struct eg_kv labels[] = {{GW_STR("provider"), gw_str_c(instance->name)},
                                       {GW_STR("class"), gw_str_c(class_names[i])}};
        instance->calls[i] = gw_metric(&calls_family, labels, GW_COUNT(labels));
    }
}

static const struct gw_metric_family not_told_family = {
    .name = "eventgateway_reacter_dropped_total",
    .help = "Events that a reacter was not told, since it had too many that it had not ended.",
    .type = GW_COUNTER,
};

static void init_reacter(struct gw_instance *instance, size_t loops) {
    const struct eg_kv label = {GW_STR("reacter"), gw_str_c(instance->name)};
    instance->not_told = gw_metric(&not_told_family, &label, 1);
    instance->reacting = gw_alloc(gw_size_mul(loops, sizeof *instance->reacting));
}

static const struct eg_plugin *plugin_of(const struct gw_manager *manager,
                                         const struct eg_component *component) {
    for (size_t i = 0; i < manager->plugin_count; i++) {
        const struct eg_plugin *plugin = manager->plugins[i].plugin;
        for (size_t k = 0; k < plugin->component_count; k++) {
            if (plugin->components[k] == component) {
                return plugin;
            }
        }
    }
    return NULL;
}

static void free_instance(struct gw_instance *instance) {
    gw_list_remove(&instance->node);
    gw_wipe((void *)(uintptr_t)instance->normal.ptr, instance->normal.len);
    gw_arena_free(&instance->arena);
    gw_free(instance->slots);
    gw_free(instance->is_attached);
    gw_free(instance->ledger);
    gw_free(instance->reacting);
    instance->magic = 0;
    gw_free(instance);
}

static struct gw_instance *make_instance(struct gw_manager *manager,
                                         const struct eg_component *component) {
    struct gw_instance *instance = gw_alloc(sizeof *instance);
    const size_t loops = (size_t)manager->config.loop_count + 1;
    *instance = (struct gw_instance){
        .magic = GW_INSTANCE_MAGIC,
        .plugin = plugin_of(manager, component),
        .component = component,
        .name = component->name,
        .manager = manager,
        .slots = gw_alloc(gw_size_mul(loops, sizeof(void *))),
        .is_attached = gw_alloc(loops),
        .ledger = gw_alloc(gw_size_mul(loops, sizeof(struct gw_ledger))),
    };
    gw_arena_init(&instance->arena, 512);
    gw_list_init(&instance->targets);
    gw_host_init(instance, &manager->config);
    if (component->kind == EG_KIND_PROVIDER) {
        init_metrics(instance);
    }
    if (component->kind == EG_KIND_REACTER) {
        init_reacter(instance, loops);
    }
    return instance;
}

/* The struct, what takes part in what, and the normal form; all in the arena. */
static int32_t read_settings(const struct eg_component *component,
                             const struct gw_setting_input *inputs, size_t input_count,
                             struct gw_arena *arena, void **ret_settings,
                             const struct gw_match **ret_match, struct eg_str *ret_normal,
                             struct eg_why *ret_why) {
    const int32_t rc = gw_component_settings_read(component, inputs, input_count, arena,
                                                  ret_settings, ret_match, ret_why);
    if (rc >= 0) {
        const struct gw_settings_table table = gw_component_table(component, arena);
        struct gw_bytes normal;
        gw_bytes_init_arena(&normal, arena, 256);
        gw_settings_write(&normal, &table, *ret_settings, GW_SHOW_SECRETS);
        *ret_normal = gw_bytes_str(&normal);
    }
    return rc;
}

int32_t gw_component_normal(const struct eg_component *component,
                            const struct gw_setting_input *inputs, size_t input_count,
                            struct gw_arena *arena, struct eg_str *ret_normal,
                            struct eg_why *ret_why) {
    void *settings = NULL;
    const struct gw_match *match = NULL;
    return read_settings(component, inputs, input_count, arena, &settings, &match, ret_normal,
                         ret_why);
}

static int32_t create(struct gw_instance *instance, struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc = instance->component->life->create(&instance->host, instance->settings,
                                                         &instance->self, &why);
    if (rc >= 0) {
        return EG_OK;
    }
    if (why.len > sizeof why.text) {
        why.len = sizeof why.text;
    }
    const struct eg_str text = why.len > 0 ? gw_why_str(&why) : gw_str_c(gw_error_text(rc));
    return gw_why(ret_why, rc, "plugins.%s: %.*s", instance->name, GW_FMT(text));
}

/* ---- interests of a reacter ---- */

static int32_t check_interest(const struct gw_instance *instance, const struct eg_interest *row,
                              struct eg_why *ret_why) {
    if (row == NULL || row->struct_size < GW_BASELINE(eg_interest, event_type) ||
        row->mode > EG_INTEREST_SYNC || row->event_type == NULL || row->event_type[0] == '\0') {
        return gw_why(ret_why, EG_E_INVAL, "plugins.%s: an interest is not a known mode and type",
                      instance->name);
    }
    return EG_OK;
}

static int32_t ask_interests(struct gw_instance *instance, struct eg_why *ret_why) {
    const struct eg_reacter_ops *ops = instance->component->ops;
    size_t count = 0;
    const struct eg_interest *const *rows = ops->interests(instance->self, &count);
    if (count > INTERESTS_MAX || (rows == NULL && count > 0)) {
        return gw_why(ret_why, EG_E_INVAL, "plugins.%s: a list of %zu interests cannot be",
                      instance->name, count);
    }
    for (size_t i = 0; i < count; i++) {
        const int32_t rc = check_interest(instance, rows[i], ret_why);
        if (rc < 0) {
            return rc;
        }
    }
    instance->interests = rows;
    instance->interest_count = count;
    return EG_OK;
}

/* ---- both ends ---- */

int32_t gw_instance_make(struct gw_manager *manager, const struct eg_component *component,
                         const struct gw_setting_input *inputs, size_t input_count,
                         struct gw_instance **ret_instance, struct eg_why *ret_why) {
    struct gw_instance *instance = make_instance(manager, component);
    int32_t rc = read_settings(component, inputs, input_count, &instance->arena,
                               &instance->settings, &instance->match, &instance->normal, ret_why);
    if (rc >= 0) {
        rc = create(instance, ret_why);
    }
    if (rc < 0) {
        free_instance(instance);
        return rc;
    }
    if (component->kind == EG_KIND_REACTER) {
        rc = ask_interests(instance, ret_why);
    }
    if (rc < 0) {
        component->life->destroy(instance->self);
        free_instance(instance);
        return rc;
    }
    *ret_instance = instance;
    return EG_OK;
}

void gw_instance_end(struct gw_instance *instance) {
    gw_target_unbind_all(instance);
    instance->component->life->destroy(instance->self);
    gw_totals_keep(instance);
    free_instance(instance);
}
