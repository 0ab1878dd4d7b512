/*
 * storage_redis.c - the plugin `storage_redis`: the configuration in a Redis server. Settings, life
 * and what the parts share; see store.h for the parts and scripts.c for the data.
 *
 * Thread: control. Ownership: the store owns all; settings are borrowed until destroy.
 */
#include "store.h"

#include <sys/random.h>

#include "resolve.h"

#define STORE_MAGIC 0x65677264u /* egrd */
#define SECOND 1000000000ll
#define MILLISECOND 1000000ll

/* ---- shared ---- */

void redis_fresh_nonce(char out[REDIS_NONCE_BYTES]) {
    unsigned char bytes[16] = {0};
    /* Blocks only before the system has any entropy at all; gateways start later than that. */
    (void)!getrandom(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

void redis_place_set(struct redis_place *place, uint64_t revision, struct eg_str nonce) {
    place->revision = revision;
    (void)snprintf(place->nonce, sizeof place->nonce, "%.*s", EGX_FMT(nonce));
}

static uint64_t hash_of(struct eg_str key) { /* FNV-1a */
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211ull;
    }
    return hash;
}

void redis_bad_record(struct redis_store *store, struct eg_str key, const char *why) {
    const uint64_t hash = hash_of(key);
    store->host->metrics->add(store->bad_records, 1);
    for (size_t i = 0; i < store->bad_count && i < REDIS_BAD_KEYS; i++) {
        if (store->bad_keys[i] == hash) {
            return;
        }
    }
    store->bad_keys[store->bad_count++ % REDIS_BAD_KEYS] = hash;
    egx_log(store->host, EG_LOG_ERROR,
            "redis: the record '%.*s' cannot be read and is left out: %s", EGX_FMT(key), why);
}

/* ---- settings ---- */

static int32_t check_addresses(const struct eg_str_list *list, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < list->count && rc == EG_OK; i++) {
        rc = redis_address_check(list->items[i], ret_why);
    }
    return rc;
}

static int32_t check_settings(const struct redis_settings *s, struct eg_why *ret_why) {
    const bool has_tls_file = s->ca_file.len > 0 || s->cert_file.len > 0 || s->key_file.len > 0;
    if (s->address.count == 0 && s->sentinels.count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "address is empty, and there are no sentinels");
    }
    if ((s->sentinels.count > 0) != (s->sentinel_master.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "sentinels and sentinel_master go together");
    }
    if (s->username.len > 0 && s->password.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "username needs a password");
    }
    if (has_tls_file && s->tls == 0) {
        return egx_why(ret_why, EG_E_INVAL, "ca_file, cert_file and key_file need tls = true");
    }
    if ((s->cert_file.len > 0) != (s->key_file.len > 0)) {
        return egx_why(ret_why, EG_E_INVAL, "cert_file and key_file go together");
    }
    if (s->wait_replicas > 0 && s->wait_timeout * 2 > s->dead_after) {
        return egx_why(ret_why, EG_E_INVAL, "wait_timeout has to be half of dead_after at most");
    }
    const int32_t rc = check_addresses(&s->address, ret_why);
    return rc == EG_OK ? check_addresses(&s->sentinels, ret_why) : rc;
}

/* ---- life ---- */

static void make_keys(struct redis_store *store) {
    static const char *const names[] = {"values", "revisions", "index", "state", "changes"};
    const struct eg_str prefix = store->settings->prefix;
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        const size_t size = prefix.len + strlen(names[i]) + 1;
        store->keys[i] = store->host->mem->alloc(store->host, size);
        (void)snprintf(store->keys[i], size, "%.*s%s", EGX_FMT(prefix), names[i]);
    }
    if (store->settings->server_name.len > 0) {
        const size_t size = store->settings->server_name.len + 1;
        store->server_name = store->host->mem->alloc(store->host, size);
        (void)snprintf(store->server_name, size, "%.*s", EGX_FMT(store->settings->server_name));
    }
}

static void make_metrics(struct redis_store *store) {
    const struct eg_kv label = {EGX_STR("component"), EGX_STR("redis")};
    store->bad_records = store->host->metrics->counter(
        store->host, EGX_STR("storage_bad_records_total"),
        EGX_STR("records of the store that could not be read and were left out"), &label, 1);
    store->repairs = store->host->metrics->counter(
        store->host, EGX_STR("storage_repairs_total"),
        EGX_STR("records that the periodic comparison found changed by hand or told wrongly"),
        &label, 1);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const int32_t rc = check_settings(settings, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    struct redis_store *store = host->mem->alloc(host, sizeof *store);
    store->magic = STORE_MAGIC;
    store->host = host;
    store->settings = settings;
    make_keys(store);
    make_metrics(store);
    redis_audit_create(store);
    *ret_instance = store;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    struct redis_store *store = instance;
    const struct redis_settings *settings = store->settings;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t rc = EG_OK;
    store->control = store->host->loop->current(store->host);
    redis_scripts_prepare();
    if (settings->tls != 0) {
        rc = redis_tls_create(store->host, settings->ca_file, settings->cert_file,
                              settings->key_file, &store->tls, &why);
    }
    if (rc != EG_OK) {
        egx_done_error(op, rc, "%.*s", (int)why.len, why.text);
        return EG_OK;
    }
    store->start = op;
    redis_session_begin(store);
    return EG_OK;
}

static void drain(void *instance) {
    struct redis_store *store = instance;
    store->is_draining = true;
    redis_audit_stop(store);
    redis_session_drain(store);
}

static void destroy(void *instance) {
    struct redis_store *store = instance;
    if (store == NULL || store->session.is_lookup_running) {
        return; /* a pool thread is stuck in it: better to leak than to free under its feet */
    }
    const struct eg_host *host = store->host;
    store->is_draining = true;
    redis_audit_stop(store);
    redis_session_end(store);
    redis_watches_free(store);
    redis_audit_free(store);
    redis_tls_free(store->tls);
    for (size_t i = 0; i < EGX_COUNT(store->keys); i++) {
        host->mem->free(host, store->keys[i]);
    }
    host->mem->free(host, store->server_name);
    store->magic = 0;
    host->mem->free(host, store);
}

/* ---- the plugin ---- */

EGX_SETTING_LIST(redis_settings, address, "(\"127.0.0.1:6379\")",
                 "Servers, host:port or the path of a socket; the first that is a master is used.");
EGX_SETTING_STRING(redis_settings, username, NULL, "User of the ACL; empty = the default user.");
EGX_SETTING_SECRET(redis_settings, password, "Password of that user; empty = none.");
EGX_SETTING_INT(redis_settings, database, 0, 65535, "0", "Number of the database.");
EGX_SETTING_STRING(redis_settings, prefix, "{eventgateway}:",
                   "Begin of all Redis keys; what is in braces keeps them in one slot.");
EGX_SETTING_BOOL(redis_settings, tls, "false", "Speak TLS, with the Sentinels too.");
EGX_SETTING_STRING(redis_settings, ca_file, NULL,
                   "PEM file of the authorities to trust; empty = the system's.");
EGX_SETTING_STRING(redis_settings, cert_file, NULL, "PEM file of the gateway's own certificate.");
EGX_SETTING_STRING(redis_settings, key_file, NULL, "PEM file of its private key.");
EGX_SETTING_STRING(redis_settings, server_name, NULL,
                   "Name that the server's certificate has to carry; empty = that of address.");
EGX_SETTING_LIST(redis_settings, sentinels, "()",
                 "Sentinels, host:port; they are asked for the master instead of address.");
EGX_SETTING_STRING(redis_settings, sentinel_master, NULL, "Name of the master at the Sentinels.");
EGX_SETTING_STRING(redis_settings, sentinel_username, NULL,
                   "User at the Sentinels; empty = the default user.");
EGX_SETTING_SECRET(redis_settings, sentinel_password, "Password at the Sentinels; empty = none.");
EGX_SETTING_INT(redis_settings, history, 1, 1000000, "10000",
                "Changes kept for watches that come back (at most 64 MiB of them).");
EGX_SETTING_DURATION(redis_settings, reconcile, 100 * MILLISECOND, 86400 * SECOND, "60s",
                     "About how often all is compared, to find what was changed by hand.");
EGX_SETTING_DURATION(redis_settings, timeout, 10 * MILLISECOND, 60 * SECOND, "3s",
                     "How long connecting to a server may take.");
EGX_SETTING_DURATION(redis_settings, dead_after, 300 * MILLISECOND, 300 * SECOND, "15s",
                     "A connection that says nothing for so long is dead.");
EGX_SETTING_INT(redis_settings, wait_replicas, 0, 100, "0",
                "A write is answered when so many replicas have it; 0 = not waited for.");
EGX_SETTING_DURATION(redis_settings, wait_timeout, 10 * MILLISECOND, 60 * SECOND, "1s",
                     "How long to wait for the replicas.");
static const struct eg_setting *const settings[] = {
    EGX_ROW(redis_settings, address),
    EGX_ROW(redis_settings, username),
    EGX_ROW(redis_settings, password),
    EGX_ROW(redis_settings, database),
    EGX_ROW(redis_settings, prefix),
    EGX_ROW(redis_settings, tls),
    EGX_ROW(redis_settings, ca_file),
    EGX_ROW(redis_settings, cert_file),
    EGX_ROW(redis_settings, key_file),
    EGX_ROW(redis_settings, server_name),
    EGX_ROW(redis_settings, sentinels),
    EGX_ROW(redis_settings, sentinel_master),
    EGX_ROW(redis_settings, sentinel_username),
    EGX_ROW(redis_settings, sentinel_password),
    EGX_ROW(redis_settings, history),
    EGX_ROW(redis_settings, reconcile),
    EGX_ROW(redis_settings, timeout),
    EGX_ROW(redis_settings, dead_after),
    EGX_ROW(redis_settings, wait_replicas),
    EGX_ROW(redis_settings, wait_timeout),
};

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};
static const struct eg_storage_ops ops = {
    .struct_size = sizeof ops,
    .get = redis_get,
    .list = redis_list,
    .put = redis_put,
    .remove = redis_remove,
    .watch = redis_watch_open,
    .unwatch = redis_watch_close,
    .commit = redis_commit,
};
EGX_COMPONENT(component, EG_KIND_STORAGE, "redis", "Keeps the configuration in a Redis server.",
              redis_settings, settings, &life, &ops);

EGX_PLUGIN("storage_redis", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 2), &component)
