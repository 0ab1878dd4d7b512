/*
 * ops.c - the two reads, get and list. Thread: control. Each belongs to itself until its op is
 * done.
 */
#include "consul.h"

/* ---- get ---- */

struct get {
    struct consul_call call;
    struct eg_op *op;
    struct eg_str key;
};

static void end_get(struct consul_store *store, struct get *get) {
    struct consul_entry entry = {0};
    const struct consul_call *call = &get->call;
    size_t len = 0;
    if (!consul_scan_one(egx_str_n(call->answer.ptr, call->answer.len), &entry)) {
        struct eg_why why = {.struct_size = sizeof why};
        (void)consul_garbage(store, &why);
        egx_done_error(get->op, EG_E_PROTO, "%.*s", (int)why.len, why.text);
        return;
    }
    const struct consul_row row = {get->key, entry.value, entry.revision, entry.created};
    char *value = consul_row_value(store, &row, &len);
    if (value == NULL) {
        egx_done_error(get->op, EG_E_PROTO, "the value in Consul is no base64");
        return;
    }
    egx_done_value(store->host, get->op, entry.revision, egx_str_n(value, len));
    store->host->mem->free(store->host, value);
}

static void on_got(struct consul_call *call) {
    struct get *get = call->owner;
    struct consul_store *store = call->store;
    if (call->status == EG_OK) {
        end_get(store, get);
    } else if (call->status == EG_E_NOTFOUND) {
        egx_done_error(get->op, EG_E_NOTFOUND, "key not found");
    } else if (call->status == EG_E_CONFLICT) {
        (void)consul_garbage(store, &call->why);
        egx_done_error(get->op, EG_E_PROTO, "%.*s", (int)call->why.len, call->why.text);
    } else {
        egx_done_error(get->op, call->status, "%.*s", (int)call->why.len, call->why.text);
    }
    consul_call_free(call);
    store->host->mem->free(store->host, get);
}

int32_t consul_get(void *instance, struct eg_str key, struct eg_op *op) {
    struct consul_store *store = instance;
    struct egx_json name = egx_json_begin();
    if (store->is_draining || store->control == NULL) {
        return EG_E_UNAVAILABLE;
    }
    if (consul_name_len(key) > CONSUL_NAME_MAX) {
        egx_done_error(op, EG_E_NOTFOUND, "no key in Consul can be this long");
        return EG_OK;
    }
    struct get *get = store->host->mem->alloc(store->host, sizeof *get);
    get->op = op;
    get->key = key;
    consul_put_name(&name, key);
    consul_call_begin(store, &get->call, EGX_STR("/v1/kv/"));
    consul_call_name(&get->call, egx_json_text(&name));
    consul_call_query(&get->call, EGX_STR("consistent"), EGX_STR(""));
    egx_json_free(&name);
    consul_call_send(&get->call, consul_op_timeout(store, op), store->settings->timeout, on_got,
                     get);
    return EG_OK;
}

/* ---- list ---- */

struct list {
    struct consul_read read;
    struct eg_op *op;
    struct egx_rows rows;
};

static void begin_list(struct consul_read *read) {
    struct list *list = read->owner;
    egx_rows_free(read->store->host, &list->rows);
}

static void add_to_list(struct consul_read *read, const struct consul_row *row) {
    struct list *list = read->owner;
    const struct eg_host *host = read->store->host;
    size_t len = 0;
    char *value = consul_row_value(read->store, row, &len);
    if (value != NULL) {
        egx_rows_add(host, &list->rows, EG_CHANGE_PUT, row->revision, row->key,
                     egx_str_n(value, len));
        host->mem->free(host, value);
    }
}

static void end_list(struct consul_read *read) {
    struct list *list = read->owner;
    const struct eg_host *host = read->store->host;
    if (read->status == EG_OK) {
        egx_rows_sort_by_key(&list->rows);
        egx_done_list(host, list->op, &list->rows, read->revision);
    } else {
        egx_done_error(list->op, read->status, "%.*s", (int)read->why.len, read->why.text);
    }
    egx_rows_free(host, &list->rows);
    consul_read_free(read);
    host->mem->free(host, list);
}

int32_t consul_list(void *instance, struct eg_str prefix, struct eg_op *op) {
    struct consul_store *store = instance;
    if (store->is_draining || store->control == NULL) {
        return EG_E_UNAVAILABLE;
    }
    struct list *list = store->host->mem->alloc(store->host, sizeof *list);
    list->op = op;
    list->read.begin = begin_list;
    list->read.row = add_to_list;
    list->read.ended = end_list;
    list->read.owner = list;
    list->read.op = op;
    consul_read_start(store, &list->read, &prefix, 1);
    return EG_OK;
}
