/*
 * list.c - all keys of a prefix, page by page, so that a huge store does not become one answer. The
 * first page is a linearizable read and tells a revision; the others are read at that revision, so
 * that together they are what was there at one moment. When the revision is compacted meanwhile the
 * list begins anew. A page that is too big is asked for again with fewer keys.
 *
 * Thread: control. Ownership: see struct etcd_list.
 */
#include <stddef.h>

#include "storage_etcd.h"

#define FIRST_LIMIT 128u
#define LAST_LIMIT 1024u
#define PAGE_BYTES (4u << 20)
#define ONE_VALUE_BYTES (64u << 20) /* what a page of one key may be */
#define ROUNDS 4u

static struct etcd_list *as_list(struct etcd_call *call) {
    return (struct etcd_list *)(void *)((char *)call - offsetof(struct etcd_list, call));
}

static void on_page(struct etcd_call *call, int32_t status, const struct eg_json *root);

static void ask(struct etcd_list *list) {
    struct etcd_call *call = &list->call;
    const bool is_first = list->next_key == NULL;
    call->store = list->store;
    call->path = "/v3/kv/range";
    call->flags = ETCD_REPEAT | ETCD_PAGE;
    call->max_bytes = list->limit == 1 ? ONE_VALUE_BYTES : PAGE_BYTES;
    call->on_end = on_page;
    call->body = egx_json_begin();
    etcd_body_range(&call->body,
                    is_first ? list->range.first : egx_str_n(list->next_key, list->next_key_len),
                    list->range.end, list->limit, is_first ? 0 : list->header.revision);
    etcd_call_send(call);
}

static void forget(struct etcd_list *list) {
    const struct eg_host *host = list->store->host;
    egx_rows_free(host, &list->rows);
    host->mem->free(host, list->next_key);
    list->next_key = NULL;
}

void etcd_list_begin(struct etcd_list *list) {
    forget(list);
    list->limit = list->begun++ == 0 ? FIRST_LIMIT : list->limit;
    ask(list);
}

void etcd_list_free(struct etcd_list *list) {
    forget(list);
    etcd_range_free(list->store->host, &list->range);
}

/* The next page begins right behind the last key: with it and a zero byte. */
static void set_next(struct etcd_list *list, struct eg_str key) {
    const struct eg_host *host = list->store->host;
    char *next = host->mem->alloc(host, key.len + 1);
    memcpy(next, key.ptr, key.len);
    next[key.len] = '\0';
    host->mem->free(host, list->next_key);
    list->next_key = next;
    list->next_key_len = key.len + 1;
}

/* EG_E_PROTO when it cannot go on from what came. */
static int32_t take_rows(struct etcd_list *list, const struct eg_json *kvs, bool has_more) {
    const struct eg_host *host = list->store->host;
    const size_t count = host->json->count(kvs);
    int32_t rc = has_more ? EG_E_PROTO : EG_OK; /* of the last key */
    for (size_t i = 0; i < count; i++) {
        const struct eg_json *item = host->json->at(kvs, i, NULL);
        struct etcd_kv kv;
        if (etcd_kv_read(host, item, &kv) < 0) {
            etcd_bad_record(list->store, item);
            continue;
        }
        egx_rows_add(host, &list->rows, EG_CHANGE_PUT, kv.revision, kv.key, kv.value);
        list->rows.items[list->rows.count - 1]->created = kv.created;
        if (has_more && i + 1 == count) {
            set_next(list, kv.key);
            rc = EG_OK;
        }
        etcd_kv_free(host, &kv);
    }
    return rc;
}

static void take_page(struct etcd_list *list, const struct eg_json *root) {
    const struct eg_host *host = list->store->host;
    const bool has_more = etcd_is_true(host, root, EGX_STR("more"));
    struct etcd_header header;
    int32_t rc = etcd_header_read(host, root, &header);
    if (rc == EG_OK) {
        list->header = list->next_key == NULL ? header : list->header;
        rc = take_rows(list, host->json->member(root, EGX_STR("kvs")), has_more);
    }
    if (rc < 0) {
        list->on_end(list, egx_why(&list->call.why, rc,
                                   "etcd at %.*s answers with a list that cannot be read",
                                   EGX_FMT(list->store->endpoints[list->call.endpoint].name)));
    } else if (has_more) {
        list->limit = list->limit * 2 > LAST_LIMIT ? LAST_LIMIT : list->limit * 2;
        ask(list);
    } else {
        list->on_end(list, EG_OK);
    }
}

static void on_page(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_list *list = as_list(call);
    if (status == EG_OK) {
        take_page(list, root);
    } else if (status == EG_E_TOOBIG && list->limit > 1) {
        list->limit = list->limit / 8 > 0 ? list->limit / 8 : 1;
        ask(list);
    } else if (status == EG_E_CONFLICT && list->begun < ROUNDS) {
        etcd_list_begin(list); /* compacted */
    } else {
        list->on_end(list, status == EG_E_CONFLICT ? EG_E_UNAVAILABLE : status);
    }
}
