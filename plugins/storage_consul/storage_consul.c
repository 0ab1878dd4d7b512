/*
 * storage_consul.c - descriptor, settings and life of the component `consul`.
 *
 * start asks for the guard: 200 and 404 are good answers, 403 is a token that will not do. What
 * does not answer is tried on, by the watches and by every operation; the agent on this machine is
 * the one that knows the servers and finds another when one fails, so there is one address.
 *
 * Thread: control.
 */
#include <errno.h>
#include <unistd.h>

#include "consul.h"
#include "url.h"

#define START_TIMEOUT_NS (3 * CONSUL_SECOND_NS)
#define SECOND 1000000000ll

EGX_SETTING_STRING(consul_settings, address, "http://127.0.0.1:8500",
                   "URL of the Consul agent; https:// for TLS.");
EGX_SETTING_SECRET(consul_settings, token, "ACL token; needs key_prefix write on 'prefix'.");
EGX_SETTING_STRING(consul_settings, prefix, "event-gateway/",
                   "Below which keys of Consul everything is kept; ends in '/'.");
EGX_SETTING_STRING(consul_settings, datacenter, NULL,
                   "Datacenter whose store is used; default: the agent's own.");
EGX_SETTING_DURATION(consul_settings, wait, SECOND, 600 * SECOND, "10s",
                     "How long a question for changes may stay open; the store counts as away when "
                     "its answer is 'timeout' late.");
EGX_SETTING_DURATION(consul_settings, timeout, SECOND / 10, 300 * SECOND, "5s",
                     "Longest silence of Consul while it owes an answer.");
EGX_SETTING_SIZE(consul_settings, max_transaction, 1024, 1ll << 30, "512KiB",
                 "Largest write that is sent, in base64; txn_max_req_len of the Consul servers.");
EGX_SETTING_STRING(consul_settings, ca_file, NULL,
                   "PEM file with the authorities to trust; default: the system's.");
EGX_SETTING_STRING(consul_settings, cert_file, NULL, "PEM file with the client certificate.");
EGX_SETTING_STRING(consul_settings, key_file, NULL, "PEM file with its private key.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(consul_settings, address),
    EGX_ROW(consul_settings, token),
    EGX_ROW(consul_settings, prefix),
    EGX_ROW(consul_settings, datacenter),
    EGX_ROW(consul_settings, wait),
    EGX_ROW(consul_settings, timeout),
    EGX_ROW(consul_settings, max_transaction),
    EGX_ROW(consul_settings, ca_file),
    EGX_ROW(consul_settings, cert_file),
    EGX_ROW(consul_settings, key_file),
};

static int32_t check_settings(const struct consul_settings *settings,
                              struct consul_address *ret_address, struct eg_why *ret_why) {
    const struct eg_str shown = consul_shown_address(settings->address);
    if (!consul_read_address(settings->address, ret_address)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'address' has to be http://host:port or https://host:port, without user "
                       "and password, not '%s%.*s'",
                       shown.len < settings->address.len ? "...@" : "", EGX_FMT(shown));
    }
    if (!consul_is_prefix(settings->prefix)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'prefix' has to be visible ASCII that ends in '/', without empty, '.' and "
                       "'..' segments, not '%.*s'",
                       EGX_FMT(settings->prefix));
    }
    if (!egx_is_header_text(settings->token)) {
        return egx_why(ret_why, EG_E_INVAL, "'token' may only have visible ASCII characters");
    }
    if ((settings->cert_file.len > 0) != (settings->key_file.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "'cert_file' and 'key_file' go together");
    }
    if (!ret_address->is_secure && (settings->ca_file.len > 0 || settings->cert_file.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'ca_file' and 'cert_file' are for an 'address' that begins with https://");
    }
    return EG_OK;
}

static int32_t create(const struct eg_host *host, const void *config, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct consul_settings *settings = config;
    struct consul_address address = {0};
    const int32_t rc = check_settings(settings, &address, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct consul_store *store = host->mem->alloc(host, sizeof *store);
    store->host = host;
    store->settings = settings;
    store->base = address.base;
    store->place = address.place;
    store->is_exposed =
        settings->token.len > 0 && !address.is_secure && !egx_is_loopback(address.host);
    store->bad_total = host->metrics->counter(
        host, EGX_STR("storage_bad_records_total"),
        EGX_STR("Records of the store that could not be understood and were left out."),
        &(struct eg_kv){EGX_STR("component"), EGX_STR("consul")}, 1);
    *ret_instance = store;
    return EG_OK;
}

/* ---- start ---- */

struct start {
    struct consul_call call;
    struct eg_op *op;
};

static bool is_readable(struct eg_str path, int *ret_errno) {
    char name[4096];
    if (path.len >= sizeof name) {
        *ret_errno = ENAMETOOLONG;
        return false;
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    const bool is_good = access(name, R_OK) == 0;
    *ret_errno = is_good ? 0 : errno;
    return is_good;
}

static int32_t check_files(const struct consul_settings *settings, struct eg_why *ret_why) {
    const struct {
        const char *name;
        struct eg_str path;
    } files[] = {{"ca_file", settings->ca_file},
                 {"cert_file", settings->cert_file},
                 {"key_file", settings->key_file}};
    for (size_t i = 0; i < EGX_COUNT(files); i++) {
        int error = 0;
        if (files[i].path.len > 0 && !is_readable(files[i].path, &error)) {
            return egx_why(ret_why, EG_E_IO, "'%s': %.*s cannot be read: %s", files[i].name,
                           EGX_FMT(files[i].path), strerror(error));
        }
    }
    return EG_OK;
}

static void on_started(struct consul_call *call) {
    struct start *start = call->owner;
    struct consul_store *store = call->store;
    if (call->status == EG_E_DENIED) {
        egx_done_error(start->op, EG_E_DENIED,
                       "%.*s; set 'token' to one with key_prefix write on '%.*s'",
                       (int)call->why.len, call->why.text, EGX_FMT(store->settings->prefix));
    } else if (store->is_draining) {
        egx_done_error(start->op, EG_E_CANCELED, "canceled");
    } else {
        if (call->status != EG_OK && call->status != EG_E_NOTFOUND) {
            egx_log(store->host, EG_LOG_WARN, "%.*s; it is tried on", (int)call->why.len,
                    call->why.text);
        }
        egx_done_ok(start->op);
    }
    consul_call_free(call);
    store->host->mem->free(store->host, start);
}

static int32_t start(void *instance, struct eg_op *op) {
    struct consul_store *store = instance;
    const struct eg_host *host = store->host;
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc = check_files(store->settings, &why);
    if (rc < 0) {
        egx_done_error(op, rc, "%.*s", (int)why.len, why.text);
        return EG_OK;
    }
    store->control = host->loop->current(host);
    if (store->is_exposed) {
        egx_log(host, EG_LOG_WARN,
                "the token goes to %.*s unencrypted; use https:// or an agent on this machine",
                EGX_FMT(store->place));
    }
    struct start *start = host->mem->alloc(host, sizeof *start);
    start->op = op;
    consul_call_begin(store, &start->call, EGX_STR("/v1/kv/"));
    consul_call_name(&start->call, CONSUL_GUARD_STR);
    consul_call_query(&start->call, EGX_STR("consistent"), EGX_STR(""));
    consul_call_send(&start->call, START_TIMEOUT_NS, START_TIMEOUT_NS, on_started, start);
    return EG_OK;
}

/* ---- the end ---- */

static void drain(void *instance) {
    struct consul_store *store = instance;
    store->is_draining = true;
    consul_watches_stop(store);
    consul_calls_stop(store);
    consul_writes_stop(store);
}

static void destroy(void *instance) {
    struct consul_store *store = instance;
    if (store == NULL || store->calls > 0) {
        return; /* an answer is still to come: better to leak than to free under its feet */
    }
    const struct eg_host *host = store->host;
    consul_watches_free(store);
    egx_rows_free(host, &store->bad);
    host->mem->free(host, store);
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};
static const struct eg_storage_ops ops = {
    .struct_size = sizeof ops,
    .get = consul_get,
    .list = consul_list,
    .put = consul_put,
    .remove = consul_remove,
    .watch = consul_watch_open,
    .unwatch = consul_watch_close,
    .commit = consul_commit,
};
EGX_COMPONENT(component, EG_KIND_STORAGE, "consul",
              "Keeps the configuration in the key/value store of a Consul cluster.",
              consul_settings, rows, &life, &ops);

EGX_PLUGIN("storage_consul", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 2), &component)
