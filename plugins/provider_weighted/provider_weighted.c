/*
 * provider_weighted.c - descriptor and life of the component `weighted`. It has no settings of its
 * own; what it holds are targets (target.c) and calls (call.c).
 */
#include "provider_weighted.h"

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct weighted_instance *instance = host->mem->alloc(host, sizeof *instance);
    (void)settings;
    (void)ret_why;
    instance->host = host;
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    const struct weighted_instance *i = instance;
    if (i != NULL) {
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = weighted_attach,
    .detach = weighted_detach,
    .destroy = destroy,
};

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = weighted_bind,
    .unbind = weighted_unbind,
    .invoke = weighted_invoke,
    .cancel = weighted_cancel,
};

static const struct eg_component component = {
    .struct_size = sizeof component,
    .kind = EG_KIND_PROVIDER,
    .name = "weighted",
    .summary = "calls one of several functions, chosen by weight",
    .target_settings = weighted_target_rows,
    .target_setting_count = WEIGHTED_TARGET_ROWS,
    .target_settings_size = sizeof(struct weighted_target_settings),
    .life = &life,
    .ops = &ops,
};

EGX_PLUGIN("provider_weighted", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 4), &component)
