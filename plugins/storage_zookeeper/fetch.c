/*
 * fetch.c - many items at once: so many requests are under way that the time to the server and back
 * is paid a few times only, and so few that others on the connection do not wait long.
 *
 * Thread: control. Ownership: a fetch is embedded in its owner, who keeps it until done.
 */
#include <string.h>

#include "store.h"

#define WINDOW 256u

struct fetch_one {
    struct zk_fetch *fetch;
    struct eg_str key; /* in fetch->keys */
};

static void send_more(struct zk_fetch *fetch);

static void end(struct zk_fetch *fetch) {
    egx_rows_free(fetch->store->host, &fetch->keys);
    if (fetch->status != EG_OK) {
        egx_rows_free(fetch->store->host, &fetch->rows);
    }
    fetch->done(fetch->arg, fetch->status);
}

static void on_item(void *arg, const struct zk_reply *reply) {
    struct fetch_one *one = arg;
    struct zk_fetch *fetch = one->fetch;
    struct zk_store *store = fetch->store;
    if (reply->code == ZK_OK || reply->code == ZK_NONODE) {
        egx_rows_add(store->host, &fetch->rows,
                     reply->code == ZK_OK ? EG_CHANGE_PUT : EG_CHANGE_REMOVE, reply->stat.zxid,
                     one->key, reply->data);
        fetch->rows.items[fetch->rows.count - 1]->created = reply->stat.made_zxid;
    } else if (fetch->status == EG_OK) {
        char *path = zk_path(store->host, store->items, one->key);
        fetch->status = zk_session_failed(store, reply, path, &fetch->why);
        store->host->mem->free(store->host, path);
    }
    fetch->under_way--;
    store->host->mem->free(store->host, one);
    send_more(fetch);
}

static void send_more(struct zk_fetch *fetch) {
    struct zk_store *store = fetch->store;
    const struct eg_host *host = store->host;
    if (store->session.client == NULL && fetch->status == EG_OK) {
        fetch->status = EG_E_UNAVAILABLE;
    }
    while (fetch->status == EG_OK && fetch->next < fetch->keys.count && fetch->under_way < WINDOW) {
        struct fetch_one *one = host->mem->alloc(host, sizeof *one);
        *one = (struct fetch_one){fetch, fetch->keys.items[fetch->next++]->key};
        fetch->under_way++;
        char *path = zk_path(host, store->items, one->key);
        const struct zk_ask ask = {on_item, one};
        if (fetch->stat_only) {
            zk_exists(store->session.client, path, ask);
        } else {
            zk_get(store->session.client, path, false, ask);
        }
        host->mem->free(host, path);
    }
    if (fetch->under_way == 0) {
        end(fetch);
    }
}

void zk_fetch_begin(struct zk_fetch *fetch) {
    fetch->next = 0;
    fetch->under_way = 0;
    fetch->status = EG_OK;
    fetch->why = (struct eg_why){.struct_size = sizeof fetch->why};
    send_more(fetch);
}
