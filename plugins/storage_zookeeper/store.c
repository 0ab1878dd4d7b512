/*
 * store.c - the plugin `storage_zookeeper`: settings, life, get and list.
 *
 * Thread: control. Ownership: an op's inputs are borrowed until done, as the ABI says.
 */
#include "store.h"

#include <string.h>

#define STORE_MAGIC 0x7a6f6f6bu /* zook */
#define SECOND 1000000000ll
#define MILLISECOND 1000000ll
#define MAX_BAD_NAMES 1000u

/* ---- the life of an op ---- */

void zk_op_begun(struct zk_store *store) {
    store->ops_under_way++;
}

void zk_op_ended(struct zk_store *store) {
    store->ops_under_way--;
    if (store->is_draining) {
        zk_session_drain(store);
    }
}

void zk_started(struct zk_store *store, int32_t status) {
    struct eg_op *op = store->start_op;
    store->start_op = NULL;
    if (op != NULL && status == EG_OK) {
        egx_done_ok(op);
    } else if (op != NULL) {
        egx_done_error(op, status, "%s", store->session.trouble_text);
    }
}

void zk_bad_record(struct zk_store *store, struct eg_str name) {
    for (size_t i = 0; i < store->bad_names.count; i++) {
        if (egx_str_eq(store->bad_names.items[i]->key, name)) {
            return;
        }
    }
    if (store->bad_records != NULL) {
        store->host->metrics->add(store->bad_records, 1);
    }
    egx_log(store->host, EG_LOG_ERROR, "%s/%.*s is left out: its name is no key", store->items,
            EGX_FMT(name));
    if (store->bad_names.count < MAX_BAD_NAMES) {
        egx_rows_add(store->host, &store->bad_names, EG_CHANGE_PUT, 0, name, (struct eg_str){0});
    }
}

/* True when the op has been ended because the store is away. */
static bool end_unready(struct zk_store *store, struct eg_op *op) {
    if (zk_session_is_ready(store)) {
        return false;
    }
    egx_done_error(op, store->session.trouble == EG_OK ? EG_E_UNAVAILABLE : store->session.trouble,
                   "%s", store->session.trouble_text);
    return true;
}

/* ---- get ---- */

struct get_call {
    struct zk_store *store;
    char *path;
    struct eg_op *op;
};

static void on_got(void *arg, const struct zk_reply *reply) {
    struct get_call *call = arg;
    struct zk_store *store = call->store;
    struct eg_why why = {.struct_size = sizeof why};
    if (reply->code == ZK_OK) {
        egx_done_value(store->host, call->op, reply->stat.zxid, reply->data);
    } else if (reply->code == ZK_NONODE) {
        egx_done_error(call->op, EG_E_NOTFOUND, "there is no such key");
    } else {
        const int32_t status = zk_session_failed(store, reply, call->path, &why);
        egx_done_error(call->op, status, "%.*s", (int)why.len, why.text);
    }
    store->host->mem->free(store->host, call->path);
    store->host->mem->free(store->host, call);
    zk_op_ended(store);
}

static int32_t get(void *instance, struct eg_str key, struct eg_op *op) {
    struct zk_store *store = instance;
    if (store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    if (end_unready(store, op)) {
        return EG_OK;
    }
    struct get_call *call = store->host->mem->alloc(store->host, sizeof *call);
    *call = (struct get_call){store, zk_path(store->host, store->items, key), op};
    zk_op_begun(store);
    /* Answered in order: the read sees at least what was acknowledged before the sync. */
    zk_sync(store->session.client, store->root, (struct zk_ask){NULL, NULL});
    zk_get(store->session.client, call->path, false, (struct zk_ask){on_got, call});
    return EG_OK;
}

/* ---- list ---- */

struct list_call {
    struct zk_snapshot snapshot;
    struct eg_op *op;
};

static void on_listed(void *arg, int32_t status, struct eg_why *why) {
    struct list_call *call = arg;
    struct zk_store *store = call->snapshot.store;
    const struct egx_rows *rows = &call->snapshot.rows;
    if (status == EG_OK) {
        uint64_t revision = call->snapshot.guard->ring.newest;
        for (size_t i = 0; i < rows->count; i++) {
            revision = rows->items[i]->revision > revision ? rows->items[i]->revision : revision;
        }
        egx_done_list(store->host, call->op, rows, revision);
    } else if (why->len > 0) {
        egx_done_error(call->op, status, "%.*s", (int)why->len, why->text);
    } else {
        egx_done_error(call->op, status, "%s", store->session.trouble_text);
    }
    zk_snapshot_free(&call->snapshot);
    store->host->mem->free(store->host, call);
    zk_op_ended(store);
}

static int32_t list(void *instance, struct eg_str prefix, struct eg_op *op) {
    struct zk_store *store = instance;
    if (store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    if (end_unready(store, op)) {
        return EG_OK;
    }
    struct list_call *call = store->host->mem->alloc(store->host, sizeof *call);
    call->op = op;
    call->snapshot.store = store;
    call->snapshot.prefix = prefix;
    call->snapshot.done = on_listed;
    call->snapshot.arg = call;
    zk_op_begun(store);
    zk_snapshot_begin(&call->snapshot);
    return EG_OK;
}

/* ---- writes ---- */

static int32_t commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    struct zk_store *store = instance;
    if (store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    return end_unready(store, op) ? EG_OK : zk_write_begin(store, commit, op);
}

static int32_t put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op) {
    return commit(
        instance,
        &(struct eg_commit){.key = key, .value = value, .expect_revision = expect_revision}, op);
}

static int32_t remove_key(void *instance, struct eg_str key, uint64_t expect_revision,
                          struct eg_op *op) {
    return commit(
        instance,
        &(struct eg_commit){.is_removal = 1, .key = key, .expect_revision = expect_revision}, op);
}

/* ---- life ---- */

/* "host:port": the library takes anything apart at its last colon, and numbers in any base. */
static bool is_server(struct eg_str server) {
    const char *colon = server.len == 0 ? NULL : memrchr(server.ptr, ':', server.len);
    if (colon == NULL || colon == server.ptr) {
        return false;
    }
    const struct eg_str port = egx_str_cut(server, (size_t)(colon - server.ptr) + 1);
    const int64_t number = egx_digits(port);
    for (size_t i = 0; i < server.len; i++) {
        if (server.ptr[i] <= ' ' || server.ptr[i] == ',' || server.ptr[i] == '/' ||
            server.ptr[i] == 0x7f) {
            return false; /* '/' would begin a chroot */
        }
    }
    return number > 0 && number <= 65535 && port.ptr[0] != '0';
}

static int32_t check_root(struct eg_str root, struct eg_why *ret_why) {
    bool is_good = root.len > 1 && root.ptr[0] == '/' && root.ptr[root.len - 1] != '/';
    struct eg_str rest = root;
    while (is_good && rest.len > 0) {
        const char *slash = memchr(rest.ptr + 1, '/', rest.len - 1);
        const size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
        const struct eg_str part = egx_str_n(rest.ptr + 1, len - 1);
        is_good =
            part.len > 0 && !egx_str_eq(part, EGX_STR(".")) && !egx_str_eq(part, EGX_STR(".."));
        for (size_t i = 0; i < part.len; i++) {
            is_good = is_good && part.ptr[i] > ' ' && part.ptr[i] < 0x7f;
        }
        rest = egx_str_cut(rest, len);
    }
    return is_good ? EG_OK
                   : egx_why(ret_why, EG_E_INVAL,
                             "root has to be an absolute path of ZooKeeper like /event-gateway, "
                             "not '%.*s'",
                             EGX_FMT(root));
}

static int32_t check_settings(const struct zk_settings *settings, struct eg_why *ret_why) {
    if (settings->servers.count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "servers needs at least one host:port");
    }
    for (size_t i = 0; i < settings->servers.count; i++) {
        if (!is_server(settings->servers.items[i])) {
            return egx_why(ret_why, EG_E_INVAL, "servers: '%.*s' is not host:port",
                           EGX_FMT(settings->servers.items[i]));
        }
    }
    if ((settings->username.len == 0) != (settings->password.len == 0)) {
        return egx_why(ret_why, EG_E_INVAL, "username and password go together");
    }
    if (settings->username.len > 0 &&
        (memchr(settings->username.ptr, ':', settings->username.len) != NULL ||
         memchr(settings->username.ptr, '\0', settings->username.len) != NULL ||
         memchr(settings->password.ptr, '\0', settings->password.len) != NULL)) {
        return egx_why(ret_why, EG_E_INVAL, "username must not contain a colon");
    }
    return check_root(settings->root, ret_why);
}

EGX_PRINTF(2, 3)
static char *text_of(const struct eg_host *host, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    const size_t size = (size_t)(len < 0 ? 0 : len) + 1;
    char *text = host->mem->alloc(host, size);
    (void)vsnprintf(text, size, format, again);
    va_end(again);
    va_end(args);
    return text;
}

static char *join_servers(const struct eg_host *host, const struct eg_str_list *servers) {
    char *text = text_of(host, "%.*s", EGX_FMT(servers->items[0]));
    for (size_t i = 1; i < servers->count; i++) {
        char *longer = text_of(host, "%s,%.*s", text, EGX_FMT(servers->items[i]));
        host->mem->free(host, text);
        text = longer;
    }
    return text;
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct zk_settings *set = settings;
    const int32_t rc = check_settings(set, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    struct zk_store *store = host->mem->alloc(host, sizeof *store);
    store->magic = STORE_MAGIC;
    store->host = host;
    store->settings = set;
    store->servers = join_servers(host, &set->servers);
    store->root = text_of(host, "%.*s", EGX_FMT(set->root));
    store->items = text_of(host, "%s/items", store->root);
    store->guard = text_of(host, "%s/guard", store->root);
    if (set->username.len > 0) {
        store->digest = text_of(host, "%.*s:%.*s", EGX_FMT(set->username), EGX_FMT(set->password));
    }
    *ret_instance = store;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    struct zk_store *store = instance;
    const struct eg_host *host = store->host;
    const struct eg_kv labels[] = {{EGX_STR_INIT("component"), EGX_STR_INIT("zookeeper")}};
    store->control = host->loop->current(host);
    store->start_op = op;
    store->started_ns = host->clock->monotonic_ns(host);
    store->bad_records = host->metrics->counter(
        host, EGX_STR("storage_bad_records_total"),
        EGX_STR("Records of the store that could not be understood and were left out."), labels, 1);
    zk_session_start(store);
    return EG_OK;
}

static void drain(void *instance) {
    struct zk_store *store = instance;
    store->is_draining = true;
    zk_started(store, EG_E_CANCELED);
    zk_session_drain(store);
}

static void destroy(void *instance) {
    struct zk_store *store = instance;
    if (store == NULL || store->session.client != NULL || store->session.closing > 0) {
        return; /* threads of the library are in it: better to leak than to free under their feet */
    }
    const struct eg_host *host = store->host;
    host->loop->timer_stop(host, store->session.ticker);
    host->loop->timer_stop(host, store->session.pause);
    zk_watches_free(store);
    zk_session_free(store);
    egx_rows_free(host, &store->bad_names);
    host->mem->free(host, store->servers);
    host->mem->free(host, store->root);
    host->mem->free(host, store->items);
    host->mem->free(host, store->guard);
    host->mem->free(host, store->digest);
    store->magic = 0;
    host->mem->free(host, store);
}

/* ---- the plugin ---- */

EGX_SETTING_LIST(zk_settings, servers, "(\"127.0.0.1:2181\")",
                 "The servers of the ensemble, each as host:port.");
EGX_SETTING_STRING(zk_settings, root, "/event-gateway",
                   "Path below which everything is kept; made when it is missing.");
EGX_SETTING_STRING(zk_settings, username, NULL,
                   "User of the scheme `digest`; nodes are then made for this user alone.");
EGX_SETTING_SECRET(zk_settings, password, "Its password.");
EGX_SETTING_DURATION(zk_settings, session_timeout, SECOND, 60 * SECOND, "15s",
                     "Session timeout to ask for; a silent server is given up after two thirds.");
EGX_SETTING_DURATION(zk_settings, timeout, 100 * MILLISECOND, 60 * SECOND, "3s",
                     "How long one attempt to get a session may take.");
EGX_SETTING_DURATION(zk_settings, reconcile, 100 * MILLISECOND, 24 * 3600 * SECOND, "60s",
                     "How often to look for changes that other programs made.");
EGX_SETTING_INT(zk_settings, history, 1, 1000, "500",
                "Changes kept for watches that come back (at most 16 KiB of them).");
EGX_SETTING_SIZE(zk_settings, max_packet, 65536, 64 * 1024 * 1024, "1048575",
                 "Biggest request that the servers take: their jute.maxbuffer.");
static const struct eg_setting *const settings[] = {
    EGX_ROW(zk_settings, servers),         EGX_ROW(zk_settings, root),
    EGX_ROW(zk_settings, username),        EGX_ROW(zk_settings, password),
    EGX_ROW(zk_settings, session_timeout), EGX_ROW(zk_settings, timeout),
    EGX_ROW(zk_settings, reconcile),       EGX_ROW(zk_settings, history),
    EGX_ROW(zk_settings, max_packet)};

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};
static const struct eg_storage_ops ops = {
    .struct_size = sizeof ops,
    .get = get,
    .list = list,
    .put = put,
    .remove = remove_key,
    .watch = zk_watch_open,
    .unwatch = zk_watch_close,
    .commit = commit,
};
EGX_COMPONENT(component, EG_KIND_STORAGE, "zookeeper", "Keeps the configuration in ZooKeeper.",
              zk_settings, settings, &life, &ops);

EGX_PLUGIN("storage_zookeeper", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 2), &component)
