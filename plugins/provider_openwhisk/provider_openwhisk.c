/*
 * provider_openwhisk.c - descriptor, settings and life of the component `openwhisk`. It holds
 * nothing but its settings; calls in flight belong to the slots of the loops (call.c).
 */
#include "provider_openwhisk.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

EGX_SETTING_DURATION(whisk_settings, blocking_timeout, MS, 60 * SECOND, "60s",
                     "how long OpenWhisk holds a blocking call before it answers 202");
EGX_SETTING_DURATION(whisk_settings, poll_interval, 10 * MS, 60 * SECOND, "250ms",
                     "pause before the first look at an activation; doubles from look to look");
EGX_SETTING_DURATION(whisk_settings, poll_interval_max, 10 * MS, 600 * SECOND, "5s",
                     "longest pause between two looks");
EGX_SETTING_SIZE(whisk_settings, max_response, 0, 0, "0",
                 "largest activation record; 0 = the gateway's limit");
EGX_SETTING_STRING(whisk_settings, ca_file, NULL,
                   "PEM file of the authorities to trust instead of the system's");
static const struct eg_setting *const rows[] = {
    EGX_ROW(whisk_settings, blocking_timeout),  EGX_ROW(whisk_settings, poll_interval),
    EGX_ROW(whisk_settings, poll_interval_max), EGX_ROW(whisk_settings, max_response),
    EGX_ROW(whisk_settings, ca_file),
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct whisk_settings *s = settings;
    if (s->poll_interval_max < s->poll_interval) {
        return egx_why(ret_why, EG_E_INVAL, "'poll_interval_max' is less than 'poll_interval'");
    }
    struct whisk_instance *instance = host->mem->alloc(host, sizeof *instance);
    instance->host = host;
    instance->settings = s;
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    const struct whisk_instance *i = instance;
    if (i != NULL) {
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = whisk_attach,
    .detach = whisk_detach,
    .destroy = destroy,
};

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = whisk_bind,
    .unbind = whisk_unbind,
    .invoke = whisk_invoke,
    .cancel = whisk_cancel,
};

static const struct eg_component component = {
    .struct_size = sizeof component,
    .kind = EG_KIND_PROVIDER,
    .name = "openwhisk",
    .summary = "invokes actions and fires triggers of OpenWhisk",
    .settings = rows,
    .setting_count = EGX_COUNT(rows),
    .settings_size = sizeof(struct whisk_settings),
    .target_settings = whisk_target_rows,
    .target_setting_count = WHISK_TARGET_ROWS,
    .target_settings_size = sizeof(struct whisk_target_settings),
    .life = &life,
    .ops = &ops,
};

EGX_PLUGIN("provider_openwhisk", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &component)
