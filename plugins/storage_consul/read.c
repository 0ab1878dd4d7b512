/*
 * read.c - reads all that is below some prefixes, with the guard, at one moment: a transaction of
 * `get-tree`s, which Consul answers without writing to its log, with ?consistent after its leader
 * has made sure that it still is the leader.
 *
 * ACLs: rows that the token may not read are left out, and the answer is 200 all the same. Nothing
 * tells this from an empty store but the guard: it is missing from the answer, and asking for it
 * alone is 403 then, and 404 when nothing was ever written.
 *
 * Thread: control. A read belongs to whoever started it, until ended.
 */
#include "consul.h"

#define BAD_MAX 1000u

/* ---- records that cannot be understood ---- */

void consul_bad_record(struct consul_store *store, struct eg_str name, const char *what) {
    for (size_t i = 0; i < store->bad.count; i++) {
        if (egx_str_eq(store->bad.items[i]->key, name)) {
            return;
        }
    }
    if (store->bad.count == BAD_MAX) {
        return; /* enough is known; what comes next only costs */
    }
    egx_rows_add(store->host, &store->bad, EG_CHANGE_PUT, 0, name, egx_str_n(NULL, 0));
    store->host->metrics->add(store->bad_total, 1);
    egx_log(store->host, EG_LOG_ERROR, "the record '%.*s' in Consul is left out: %s", EGX_FMT(name),
            what);
}

char *consul_row_value(struct consul_store *store, const struct consul_row *row, size_t *ret_len) {
    char *bytes = store->host->mem->alloc(store->host, row->base64.len / 4 * 3 + 1);
    if (egx_base64_decode(row->base64, bytes, ret_len) == EG_OK) {
        return bytes;
    }
    store->host->mem->free(store->host, bytes);
    struct egx_json name = egx_json_begin();
    egx_json_raw(&name, store->settings->prefix);
    consul_put_name(&name, row->key);
    consul_bad_record(store, egx_json_text(&name), "its value is no base64");
    egx_json_free(&name);
    return NULL;
}

/* ---- the answer ---- */

/* Room for len bytes. */
static char *room_for(struct consul_read *read, size_t len) {
    static const char zeros[256];
    while (read->key.room < len && !read->key.is_failed) {
        egx_json_raw(&read->key, egx_str_n(zeros, sizeof zeros));
    }
    read->key.len = 0;
    return read->key.is_failed ? NULL : read->key.ptr;
}

/* Of one tree, rows come in the order of their names, which is that of the keys. A key that does
 * not go on from the last one, or is it, makes an answer that nothing can be told from. */
static bool ascends(struct consul_read *read, struct eg_str key) {
    const bool is_first = read->last.ptr == NULL;
    if (read->is_one_tree && !is_first && egx_str_cmp(read->last, key) >= 0) {
        read->is_garbled = true;
        return false;
    }
    const struct egx_json scratch = read->former;
    read->former = read->key;
    read->key = scratch;
    read->last = key;
    return true;
}

static void on_entry(void *arg, const struct consul_entry *entry) {
    struct consul_read *read = arg;
    if (read->is_garbled) {
        return;
    }
    const struct eg_str prefix = read->store->settings->prefix;
    char *bytes = room_for(read, entry->key.len + 1);
    size_t len = 0;
    if (bytes == NULL || !consul_unescape(entry->key, bytes, &len)) {
        consul_bad_record(read->store, entry->key, "its key cannot be read");
        return;
    }
    if (!egx_str_starts(egx_str_n(bytes, len), prefix)) {
        consul_bad_record(read->store, entry->key, "it is not below the prefix");
        return;
    }
    const struct eg_str name = egx_str_n(bytes + prefix.len, len - prefix.len);
    read->revision = entry->revision > read->revision ? entry->revision : read->revision;
    if (egx_str_eq(name, CONSUL_GUARD_STR)) {
        read->guard = entry->revision;
        return;
    }
    struct consul_row row = {
        .base64 = entry->value, .revision = entry->revision, .created = entry->created};
    char *key = bytes + prefix.len; /* in its place: a key is never longer than its name */
    if (name.len > CONSUL_NAME_MAX || !consul_read_name(name, key, &row.key.len)) {
        consul_bad_record(read->store, entry->key, "its key was not written by an event gateway");
        return;
    }
    row.key.ptr = key;
    if (ascends(read, row.key) && read->row != NULL) {
        read->row(read, &row);
    }
}

static void end(struct consul_read *read, int32_t status) {
    read->status = status;
    read->ended(read);
}

static void ask(struct consul_read *read);

static void on_verified(struct consul_call *call) {
    struct consul_read *read = call->owner;
    read->why = call->why;
    if (call->status == EG_OK && !read->is_repeated) {
        read->is_repeated = true;
        consul_call_free(call);
        ask(read); /* it has come meanwhile, with the first write */
    } else if (call->status == EG_OK || call->status == EG_E_CONFLICT) {
        end(read, consul_garbage(read->store, &read->why)); /* there, and again not there */
    } else {
        end(read, call->status == EG_E_NOTFOUND ? EG_OK : call->status);
    }
}

static void verify(struct consul_read *read) {
    struct consul_call *call = &read->call;
    consul_call_free(call);
    consul_call_begin(read->store, call, EGX_STR("/v1/kv/"));
    consul_call_name(call, CONSUL_GUARD_STR);
    consul_call_query(call, EGX_STR("consistent"), EGX_STR(""));
    consul_call_send(call, consul_op_timeout(read->store, read->op), read->store->settings->timeout,
                     on_verified, read);
}

static void on_answer(struct consul_call *call) {
    struct consul_read *read = call->owner;
    const struct consul_txn_reader reader = {.entry = on_entry, .arg = read};
    read->why = call->why;
    if (call->status != EG_OK) {
        /* A 404 is no answer to a transaction, and in this one nothing can fail. */
        const bool is_foreign = call->status == EG_E_NOTFOUND || call->status == EG_E_CONFLICT;
        end(read, is_foreign ? consul_garbage(read->store, &read->why) : call->status);
        return;
    }
    read->revision = 0;
    read->guard = 0;
    read->last = egx_str_n(NULL, 0);
    read->is_garbled = false;
    read->begin(read);
    const struct eg_str answer = egx_str_n(call->answer.ptr, call->answer.len);
    if (!consul_scan_txn(answer, &reader) || read->is_garbled) {
        end(read, consul_garbage(read->store, &read->why));
    } else if (read->guard == 0) {
        verify(read);
    } else {
        end(read, EG_OK);
    }
}

/* ---- the request ---- */

static void ask(struct consul_read *read) {
    struct consul_call *call = &read->call;
    consul_call_begin(read->store, call, EGX_STR("/v1/txn"));
    consul_call_query(call, EGX_STR("consistent"), EGX_STR(""));
    egx_json_raw(&call->body, egx_json_text(&read->request));
    consul_call_send(call, consul_op_timeout(read->store, read->op), read->store->settings->timeout,
                     on_answer, read);
}

static void add_tree(struct consul_read *read, struct eg_str name) {
    struct egx_json key = egx_json_begin();
    egx_json_raw(&key, read->store->settings->prefix);
    egx_json_raw(&key, name);
    egx_json_raw(&read->request, read->request.len == 0 ? EGX_STR("[") : EGX_STR(","));
    egx_json_raw(&read->request, EGX_STR("{\"KV\":{\"Verb\":\"get-tree\",\"Key\":"));
    egx_json_quote(&read->request, egx_json_text(&key));
    egx_json_raw(&read->request, EGX_STR("}}"));
    egx_json_free(&key);
}

void consul_read_start(struct consul_store *store, struct consul_read *read,
                       const struct eg_str *prefixes, size_t count) {
    struct egx_json name = egx_json_begin();
    read->store = store;
    read->why.struct_size = sizeof read->why;
    read->is_one_tree = count == 1;
    add_tree(read, CONSUL_GUARD_STR);
    for (size_t i = 0; i < count; i++) {
        name.len = 0;
        consul_put_name(&name, prefixes[i]);
        add_tree(read, egx_json_text(&name));
    }
    egx_json_raw(&read->request, EGX_STR("]"));
    egx_json_free(&name);
    ask(read);
}

void consul_read_free(struct consul_read *read) {
    consul_call_free(&read->call);
    egx_json_free(&read->request);
    egx_json_free(&read->key);
    egx_json_free(&read->former);
}
