/*
 * plugin/change.c - see change.h. Control thread.
 */
#include "plugin/change.h"

#include "base/check.h"
#include "base/mem.h"
#include "plugin/manager_parts.h"

struct gw_change {
    struct gw_manager *manager;
    struct gw_life *life; /* the new instances */
    struct gw_chains *chains;
};

struct gw_change *gw_change_begin(struct gw_manager *manager) {
    GW_ASSERT(manager->first == NULL && !manager->is_stopping);
    struct gw_change *change = gw_alloc(sizeof *change);
    change->manager = manager;
    change->life = gw_life_create(manager);
    change->chains = gw_chains_create(manager);
    return change;
}

void gw_change_keep(struct gw_change *change, struct gw_instance *instance) {
    GW_ASSERT(instance->life == NULL && instance->set_refs > 0);
    gw_chains_add(change->chains, instance);
}

int32_t gw_change_add(struct gw_change *change, const struct eg_component *component,
                      const struct gw_setting_input *inputs, size_t input_count,
                      struct gw_instance **ret_instance, struct eg_why *ret_why) {
    struct gw_instance *instance = NULL;
    const int32_t rc =
        gw_instance_make(change->manager, component, inputs, input_count, &instance, ret_why);
    if (rc < 0) {
        return rc;
    }
    gw_life_take(change->life, instance);
    gw_chains_add(change->chains, instance);
    *ret_instance = instance;
    return EG_OK;
}

struct gw_chains *gw_change_chains(const struct gw_change *change) {
    return change->chains;
}

void gw_change_start(struct gw_change *change, uint64_t timeout_ns,
                     void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg) {
    gw_life_start(change->life, timeout_ns, on_started, arg);
}

void gw_change_commit(struct gw_change *change, uint64_t stop_timeout_ns, uint64_t late_ns) {
    struct gw_manager *manager = change->manager;
    struct gw_chains *former = manager->chains;
    gw_life_serve(change->life);
    manager->stop_timeout_ns = stop_timeout_ns;
    manager->chains = change->chains;
    gw_chains_replaced(former, late_ns);
    gw_chains_unref(former);
    gw_free(change);
}

void gw_change_abort(struct gw_change *change, uint64_t stop_timeout_ns) {
    gw_chains_unref(change->chains);
    gw_life_forget(change->life);
    gw_manager_give_up(change->manager, change->life, stop_timeout_ns);
    gw_free(change);
}
