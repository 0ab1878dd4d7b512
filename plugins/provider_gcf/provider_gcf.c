/*
 * provider_gcf.c - descriptor, settings and life of the components `googlecloudfunction` and `gcf`.
 * They are the same under two names, each with an instance and tokens of its own. Calls in flight
 * belong to the slots of the loops (call.c), tokens to the sources of bound functions (source.c).
 */
#include <stdlib.h>

#include "provider_gcf.h"

EGX_SETTING_STRING(gcf_settings, metadata_host, NULL,
                   "host[:port] of the metadata server; default: GCE_METADATA_HOST, else Google's");
EGX_SETTING_STRING(gcf_settings, credentials_file, NULL,
                   "service-account key file; default: GOOGLE_APPLICATION_CREDENTIALS");
EGX_SETTING_STRING(gcf_settings, token_uri, NULL,
                   "token endpoint for service-account keys; default: the one the key names");
EGX_SETTING_STRING(gcf_settings, ca_file, NULL,
                   "PEM file with the authorities to trust; default: the system's");
EGX_SETTING_BOOL(gcf_settings, ambient, "true",
                 "functions may use the gateway's own identity (metadata, credentials_file)");
EGX_SETTING_BOOL(gcf_settings, allow_http, "false",
                 "tokens may go to other machines by plain http");
EGX_SETTING_SIZE(gcf_settings, max_response, 0, 0, "0",
                 "largest answer of a function; 0 = the gateway's limit");
static const struct eg_setting *const rows[] = {
    EGX_ROW(gcf_settings, metadata_host), EGX_ROW(gcf_settings, credentials_file),
    EGX_ROW(gcf_settings, token_uri),     EGX_ROW(gcf_settings, ca_file),
    EGX_ROW(gcf_settings, ambient),       EGX_ROW(gcf_settings, allow_http),
    EGX_ROW(gcf_settings, max_response),
};

/* The setting, else the variable of the environment, else the last. */
static struct eg_str first_of(struct eg_str setting, const char *variable, struct eg_str fallback) {
    const struct eg_str value = egx_str_c(getenv(variable));
    if (setting.len > 0) {
        return setting;
    }
    return value.len > 0 ? value : fallback;
}

static int is_host(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || strchr("/?#@\x7f", s.ptr[i]) != NULL) {
            return 0;
        }
    }
    return s.len > 0;
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct gcf_settings *s = settings;
    const struct eg_str metadata_host =
        first_of(s->metadata_host, "GCE_METADATA_HOST", EGX_STR("metadata.google.internal"));
    if (!is_host(metadata_host)) {
        return egx_why(ret_why, EG_E_INVAL, "'metadata_host' has to be a host or host:port");
    }
    struct gcf_instance *instance = host->mem->alloc(host, sizeof *instance);
    instance->host = host;
    instance->settings = s;
    instance->metadata_host = metadata_host;
    instance->credentials_file =
        first_of(s->credentials_file, "GOOGLE_APPLICATION_CREDENTIALS", EGX_STR(""));
    (void)pthread_mutex_init(&instance->lock, NULL);
    atomic_init(&instance->is_draining, 0);
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    struct gcf_instance *i = instance;
    if (i != NULL) {
        (void)pthread_mutex_destroy(&i->lock);
        i->host->mem->free(i->host, instance);
    }
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = gcf_attach,
    .detach = gcf_detach,
    .drain = gcf_drain,
    .destroy = destroy,
};

static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops,
    .bind = gcf_bind,
    .unbind = gcf_unbind,
    .invoke = gcf_invoke,
    .cancel = gcf_cancel,
};

EGX_PROVIDER(google, "googlecloudfunction", "calls Google Cloud Functions and Cloud Run services",
             gcf_settings, rows, gcf_target_settings, gcf_target_rows, &life, &ops);
EGX_PROVIDER(alias, "gcf", "the same as googlecloudfunction", gcf_settings, rows,
             gcf_target_settings, gcf_target_rows, &life, &ops);

EGX_PLUGIN("provider_gcf", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &google, &alias)
