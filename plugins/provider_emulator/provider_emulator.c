/*
 * provider_emulator.c - descriptor, settings and life of the component `emulator`. It holds nothing
 * but its settings; calls in flight belong to the slots of the loops (call.c).
 */
#include "provider_emulator.h"

EGX_SETTING_CHOICE(emulator_settings, fail_on, "5xx|500-only", "5xx",
                   "which answers of the emulator count as failed calls");
EGX_SETTING_BOOL(emulator_settings, redirects, "true",
                 "follow redirects of the emulator (at most 10)");
EGX_SETTING_SIZE(emulator_settings, max_response, 0, 0, "0",
                 "largest answer of a function; 0 = the gateway's limit");
static const struct eg_setting *const rows[] = {
    EGX_ROW(emulator_settings, fail_on),
    EGX_ROW(emulator_settings, redirects),
    EGX_ROW(emulator_settings, max_response),
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct emulator_settings *s = settings;
    struct emulator_instance *instance = host->mem->alloc(host, sizeof *instance);
    (void)ret_why;
    instance->host = host;
    instance->settings = s;
    instance->is_500_only = (uint32_t)egx_str_eq(s->fail_on, EGX_STR("500-only"));
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    const struct emulator_instance *i = instance;
    if (i != NULL) {
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = emulator_attach,
    .detach = emulator_detach,
    .destroy = destroy,
};

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = emulator_bind,
    .unbind = emulator_unbind,
    .invoke = emulator_invoke,
    .cancel = emulator_cancel,
};

EGX_PROVIDER(emulator, "emulator", "calls functions that a local emulator runs", emulator_settings,
             rows, emulator_target_settings, emulator_target_rows, &life, &ops);

EGX_PLUGIN("provider_emulator", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &emulator)
