/*
 * provider_http.c - descriptor, settings and life of the component `http`. It holds nothing but its
 * settings; calls in flight belong to the slots of the loops (call.c).
 */
#include "provider_http.h"

EGX_SETTING_CHOICE(http_settings, fail_on, "5xx|500-only", "5xx",
                   "which answers of a function count as failed calls");
EGX_SETTING_BOOL(http_settings, redirects, "true", "follow redirects of functions (at most 10)");
EGX_SETTING_SIZE(http_settings, max_response, 0, 0, "0",
                 "largest answer of a function; 0 = the gateway's limit");
static const struct eg_setting *const rows[] = {
    EGX_ROW(http_settings, fail_on),
    EGX_ROW(http_settings, redirects),
    EGX_ROW(http_settings, max_response),
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct http_settings *s = settings;
    struct http_instance *instance = host->mem->alloc(host, sizeof *instance);
    (void)ret_why;
    instance->host = host;
    instance->settings = s;
    instance->is_500_only = (uint32_t)egx_str_eq(s->fail_on, EGX_STR("500-only"));
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    const struct http_instance *i = instance;
    if (i != NULL) {
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = provider_http_attach,
    .detach = provider_http_detach,
    .destroy = destroy,
};

static void unbind(void *instance, void *target) {
    (void)instance; /* the target is the host's settings struct, see provider_http_bind */
    (void)target;
}

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = provider_http_bind,
    .unbind = unbind,
    .invoke = provider_http_invoke,
    .cancel = provider_http_cancel,
};

static const struct eg_component component = {
    .struct_size = sizeof component,
    .kind = EG_KIND_PROVIDER,
    .name = "http",
    .summary = "calls functions by HTTP POST",
    .settings = rows,
    .setting_count = EGX_COUNT(rows),
    .settings_size = sizeof(struct http_settings),
    .target_settings = provider_http_target_rows,
    .target_setting_count = PROVIDER_HTTP_TARGET_ROWS,
    .target_settings_size = sizeof(struct http_target_settings),
    .life = &life,
    .ops = &ops,
};

EGX_PLUGIN("provider_http", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &component)
