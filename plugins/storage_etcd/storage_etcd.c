/*
 * storage_etcd.c - the plugin `storage_etcd`: settings, life, the component. Control thread. The
 * instance is a struct etcd_store and owns all of the plugin; the host destroys it only when no
 * request and no post is under way.
 */
#include "storage_etcd.h"

#include <errno.h>

static struct eg_metric *bad_records_metric(const struct eg_host *host) {
    const struct eg_kv label = {EGX_STR("component"), host->component};
    return host->metrics->counter(host, EGX_STR("storage_bad_records_total"),
                                  EGX_STR("Records of the store that could not be read."), &label,
                                  1);
}

static int32_t check_settings(const struct etcd_settings *s, struct eg_why *ret_why) {
    if ((s->cert_file.len > 0) != (s->key_file.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "'cert_file' and 'key_file' belong together");
    }
    if ((s->username.len > 0) != (s->password.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "'username' and 'password' belong together");
    }
    return EG_OK;
}

static void destroy(void *instance) {
    struct etcd_store *store = instance;
    if (store == NULL) {
        return;
    }
    const struct eg_host *host = store->host;
    store->is_draining = true;
    etcd_health_stop(store);
    etcd_watches_free(store);
    etcd_endpoints_free(store);
    host->mem->free(host, store->auth.token);
    host->mem->free(host, store);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct etcd_store *store = host->mem->alloc(host, sizeof *store);
    store->host = host;
    store->settings = settings;
    int32_t rc = check_settings(store->settings, ret_why);
    if (rc == EG_OK) {
        rc = etcd_endpoints_make(store, ret_why);
    }
    if (rc < 0) {
        destroy(store);
        return rc;
    }
    store->bad_records = bad_records_metric(host);
    *ret_instance = store;
    return EG_OK;
}

/* A file that cannot be read would only be told by failing requests. */
static int32_t check_file(const char *setting, struct eg_str path, struct eg_why *ret_why) {
    char name[4096];
    char start[4096];
    if (path.len == 0) {
        return EG_OK;
    }
    if (path.len >= sizeof name) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' is too long a path", setting);
    }
    (void)snprintf(name, sizeof name, "%.*s", EGX_FMT(path));
    FILE *file = fopen(name, "rb");
    const size_t len = file == NULL ? 0 : fread(start, 1, sizeof start, file);
    const int reason = errno;
    const bool is_failed = file == NULL || ferror(file) != 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (is_failed) {
        return egx_why(ret_why, EG_E_IO, "cannot read '%s' %s: %s", setting, name,
                       strerror(reason));
    }
    if (memmem(start, len, "-----BEGIN ", 11) == NULL) {
        return egx_why(ret_why, EG_E_INVAL, "'%s' %s is no PEM file", setting, name);
    }
    return EG_OK;
}

static void warn_of_plain_password(const struct etcd_store *store) {
    for (size_t i = 0; i < store->endpoint_count && store->settings->username.len > 0; i++) {
        struct eg_str name;
        int is_secure = 0;
        if (egx_is_http_url(store->endpoints[i].url, &name, &is_secure) && !is_secure &&
            !egx_is_loopback(name)) {
            egx_log(store->host, EG_LOG_WARN,
                    "the password for etcd goes to %.*s in clear text: use https://",
                    EGX_FMT(store->endpoints[i].name));
        }
    }
}

static int32_t start(void *instance, struct eg_op *op) {
    struct etcd_store *store = instance;
    const struct etcd_settings *s = store->settings;
    struct eg_why why = {.struct_size = sizeof why};
    store->control = store->host->loop->current(store->host);
    int32_t rc = check_file("ca_file", s->ca_file, &why);
    if (rc == EG_OK) {
        rc = check_file("cert_file", s->cert_file, &why);
    }
    if (rc == EG_OK) {
        rc = check_file("key_file", s->key_file, &why);
    }
    if (rc < 0) {
        egx_done_error(op, rc, "%.*s", (int)why.len, why.text);
        return EG_OK;
    }
    warn_of_plain_password(store);
    etcd_health_start(store, op);
    return EG_OK;
}

static void drain(void *instance) {
    struct etcd_store *store = instance;
    store->is_draining = true;
    etcd_health_stop(store);
    etcd_watches_drain(store);
    etcd_calls_stop(store);
}

/* ---- the plugin ---- */

#define MILLISECOND 1000000ll
#define SECOND (1000 * MILLISECOND)

EGX_SETTING_LIST(etcd_settings, endpoints, "(\"127.0.0.1:2379\")",
                 "Servers of one cluster, each host:port, http://host:port or https://host:port.");
EGX_SETTING_STRING(etcd_settings, username, NULL, "User of etcd's own authentication.");
EGX_SETTING_SECRET(etcd_settings, password, "Its password.");
EGX_SETTING_STRING(etcd_settings, ca_file, NULL,
                   "PEM file with the authorities to trust; default: the system's.");
EGX_SETTING_STRING(etcd_settings, cert_file, NULL, "PEM file with the client certificate.");
EGX_SETTING_STRING(etcd_settings, key_file, NULL, "PEM file with the key of the certificate.");
EGX_SETTING_DURATION(etcd_settings, timeout, 100 * MILLISECOND, 60 * SECOND, "5s",
                     "How long one request to one server may take.");
EGX_SETTING_DURATION(etcd_settings, dead_after, SECOND, 600 * SECOND, "20s",
                     "A watch on which nothing came for so long is opened anew.");
static const struct eg_setting *const settings[] = {
    EGX_ROW(etcd_settings, endpoints), EGX_ROW(etcd_settings, username),
    EGX_ROW(etcd_settings, password),  EGX_ROW(etcd_settings, ca_file),
    EGX_ROW(etcd_settings, cert_file), EGX_ROW(etcd_settings, key_file),
    EGX_ROW(etcd_settings, timeout),   EGX_ROW(etcd_settings, dead_after)};

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};
EGX_COMPONENT(component, EG_KIND_STORAGE, "etcd", "Keeps the configuration in etcd v3.",
              etcd_settings, settings, &life, &etcd_ops);

EGX_PLUGIN("storage_etcd", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 2), &component)
