/*
 * snapshot.c - all items of a prefix as they were at one moment, without stopping the writers.
 *
 * Read the guard, the names, the items, and the guard again. If it has not moved, no write came
 * between, and what was read is what was there. If it has, its ring says which keys the writes in
 * between were about: only those are read again, and then the guard once more. That takes less and
 * less time, so a quiet moment is found soon; and when the ring does not reach back, it begins
 * anew.
 *
 * Thread: control. Ownership: a snapshot is embedded in its owner, who keeps it until done.
 */
#include <string.h>

#include "store.h"

#define MAX_ROUNDS 200u

static void end(struct zk_snapshot *snapshot, int32_t status) {
    snapshot->done(snapshot->arg, status, &snapshot->why);
}

void zk_snapshot_free(struct zk_snapshot *snapshot) {
    egx_rows_free(snapshot->store->host, &snapshot->rows);
    egx_rows_free(snapshot->store->host, &snapshot->fetch.keys);
    egx_rows_free(snapshot->store->host, &snapshot->fetch.rows);
    zk_guard_drop(snapshot->store, snapshot->guard);
    snapshot->guard = NULL;
}

void zk_ring_changed(const struct eg_host *host, const struct zk_ring *ring, struct eg_str prefix,
                     uint64_t after, struct egx_rows *out) {
    for (size_t i = ring->changes.count; i-- > 0;) {
        const struct egx_row *change = ring->changes.items[i];
        bool is_told = change->revision <= after || !egx_str_starts(change->key, prefix);
        for (size_t k = 0; k < out->count && !is_told; k++) {
            is_told = egx_str_eq(out->items[k]->key, change->key);
        }
        if (!is_told) {
            egx_rows_add(host, out, change->kind, change->revision, change->key,
                         (struct eg_str){0});
        }
    }
}

/* ---- reading again what has changed ---- */

static void read_guard_again(struct zk_snapshot *snapshot);
static void begin_anew(struct zk_snapshot *snapshot);

/* Rows that were read again replace those of the same key; both may be absent. */
static void merge(struct zk_snapshot *snapshot) {
    const struct eg_host *host = snapshot->store->host;
    struct egx_rows *rows = &snapshot->rows;
    struct egx_rows *fresh = &snapshot->fetch.rows;
    size_t added = 0;
    for (size_t i = 0; i < fresh->count; i++) {
        bool is_there = false;
        const size_t at = zk_rows_find(rows, fresh->items[i]->key, &is_there);
        if (is_there) {
            host->mem->free(host, rows->items[at]);
            rows->items[at] = fresh->items[i];
        } else {
            fresh->items[added++] = fresh->items[i];
        }
    }
    fresh->count = added;
    zk_rows_merge(host, rows, fresh);
}

static void on_read_again(void *arg, int32_t status) {
    struct zk_snapshot *snapshot = arg;
    if (status != EG_OK) {
        snapshot->why = snapshot->fetch.why;
        end(snapshot, status);
        return;
    }
    merge(snapshot);
    read_guard_again(snapshot);
}

static void drop_absent(struct zk_snapshot *snapshot) {
    struct egx_rows *rows = &snapshot->rows;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i]->kind == EG_CHANGE_PUT) {
            rows->items[kept++] = rows->items[i];
        } else {
            snapshot->store->host->mem->free(snapshot->store->host, rows->items[i]);
        }
    }
    rows->count = kept;
}

static void on_guard_again(void *arg, int32_t status) {
    struct zk_snapshot *snapshot = arg;
    struct zk_store *store = snapshot->store;
    if (status != EG_OK) {
        end(snapshot, status);
        return;
    }
    struct zk_guard *before = snapshot->guard;
    snapshot->guard = zk_guard_hold(store->session.guard);
    const uint64_t since = before->ring.newest;
    zk_guard_drop(store, before);
    if (snapshot->guard->ring.newest == since) {
        drop_absent(snapshot);
        end(snapshot, EG_OK);
        return;
    }
    if (++snapshot->rounds > MAX_ROUNDS) {
        end(snapshot,
            egx_why(&snapshot->why, EG_E_BUSY, "the store changes faster than it can be read"));
        return;
    }
    if (!zk_ring_reaches(&snapshot->guard->ring, since, true)) {
        begin_anew(snapshot);
        return;
    }
    zk_ring_changed(store->host, &snapshot->guard->ring, snapshot->prefix, since,
                    &snapshot->fetch.keys);
    snapshot->fetch.done = on_read_again;
    zk_fetch_begin(&snapshot->fetch);
}

static void read_guard_again(struct zk_snapshot *snapshot) {
    if (snapshot->store->session.client == NULL) {
        end(snapshot, EG_E_UNAVAILABLE);
        return;
    }
    zk_guard_read(snapshot->store, on_guard_again, snapshot);
}

/* ---- the first reading ---- */

static void on_items(void *arg, int32_t status) {
    struct zk_snapshot *snapshot = arg;
    if (status != EG_OK) {
        snapshot->why = snapshot->fetch.why;
        end(snapshot, status);
        return;
    }
    snapshot->rows = snapshot->fetch.rows;
    snapshot->fetch.rows = (struct egx_rows){NULL, 0, 0};
    egx_rows_sort_by_key(&snapshot->rows);
    read_guard_again(snapshot);
}

static void add_name(struct zk_snapshot *snapshot, struct eg_str name, char *key) {
    struct zk_store *store = snapshot->store;
    size_t len = 0;
    if (zk_name_key(name, key, &len) != EG_OK) {
        zk_bad_record(store, name);
        return;
    }
    if (egx_str_starts(egx_str_n(key, len), snapshot->prefix)) {
        egx_rows_add(store->host, &snapshot->fetch.keys, EG_CHANGE_PUT, 0, egx_str_n(key, len),
                     (struct eg_str){0});
    }
}

static void on_names(void *arg, const struct zk_reply *reply) {
    struct zk_snapshot *snapshot = arg;
    struct zk_store *store = snapshot->store;
    if (reply->code != ZK_OK) {
        end(snapshot, zk_session_failed(store, reply, store->items, &snapshot->why));
        return;
    }
    snapshot->children_zxid = reply->stat.children_zxid;
    for (size_t i = 0; i < reply->name_count; i++) {
        char *key = store->host->mem->alloc(store->host, reply->names[i].len + 1);
        add_name(snapshot, reply->names[i], key);
        store->host->mem->free(store->host, key);
    }
    snapshot->fetch.done = on_items;
    zk_fetch_begin(&snapshot->fetch);
}

static void on_guard_first(void *arg, int32_t status) {
    struct zk_snapshot *snapshot = arg;
    struct zk_store *store = snapshot->store;
    if (status != EG_OK || store->session.client == NULL) {
        end(snapshot, status == EG_OK ? EG_E_UNAVAILABLE : status);
        return;
    }
    snapshot->guard = zk_guard_hold(store->session.guard);
    zk_children(store->session.client, store->items, (struct zk_ask){on_names, snapshot});
}

static void begin_anew(struct zk_snapshot *snapshot) {
    struct zk_store *store = snapshot->store;
    zk_snapshot_free(snapshot);
    if (store->session.client == NULL) {
        end(snapshot, EG_E_UNAVAILABLE);
        return;
    }
    /* A server may lag behind the others; what it answers after a sync is not older than what was
     * acknowledged before. */
    zk_sync(store->session.client, store->root, (struct zk_ask){NULL, NULL});
    zk_guard_read(store, on_guard_first, snapshot);
}

void zk_snapshot_begin(struct zk_snapshot *snapshot) {
    snapshot->why = (struct eg_why){.struct_size = sizeof snapshot->why};
    snapshot->fetch.store = snapshot->store;
    snapshot->fetch.stat_only = snapshot->stat_only;
    snapshot->fetch.arg = snapshot;
    snapshot->rounds = 0;
    begin_anew(snapshot);
}
