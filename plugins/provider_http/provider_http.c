/*
 * provider_http.c - descriptor, settings and life of the component `http`. It holds nothing but its
 * settings; calls in flight belong to the slots of the loops (call.c).
 */
#include "provider_http.h"

#include <string.h>

static const struct eg_setting fail_on = {
    .struct_size = sizeof fail_on,
    .type = EG_SET_STRING,
    .offset = offsetof(struct http_settings, fail_on),
    .name = "fail_on",
    .fallback = "5xx",
    .choices = "5xx|500-only",
    .help = "which answers of a function count as failed calls",
};
static const struct eg_setting redirects = {
    .struct_size = sizeof redirects,
    .type = EG_SET_BOOL,
    .offset = offsetof(struct http_settings, redirects),
    .name = "redirects",
    .fallback = "true",
    .help = "follow redirects of functions (at most 10)",
};
static const struct eg_setting max_response = {
    .struct_size = sizeof max_response,
    .type = EG_SET_SIZE,
    .offset = offsetof(struct http_settings, max_response_bytes),
    .name = "max_response",
    .fallback = "0",
    .help = "largest answer of a function; 0 = the gateway's limit",
};
static const struct eg_setting *const rows[] = {&fail_on, &redirects, &max_response};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    static const char strict[] = "500-only";
    const struct http_settings *s = settings;
    struct http_instance *instance = host->mem->alloc(host, sizeof *instance);
    (void)ret_why;
    instance->host = host;
    instance->settings = s;
    instance->is_500_only = s->fail_on.len == sizeof strict - 1 &&
                            memcmp(s->fail_on.ptr, strict, sizeof strict - 1) == 0;
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
    .setting_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(struct http_settings),
    .target_settings = provider_http_target_rows,
    .target_setting_count = PROVIDER_HTTP_TARGET_ROWS,
    .target_settings_size = sizeof(struct http_target_settings),
    .life = &life,
    .ops = &ops,
};

static const struct eg_component *const components[] = {&component};

EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant = {
    .magic = EG_PLUGIN_MAGIC,
    .struct_size = sizeof eg_plugin_constant,
    .abi_built = EG_ABI,
    .abi_needs = EG_ABI_MAKE(0, 1),
    .name = "provider_http",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .components = components,
    .component_count = 1,
};
