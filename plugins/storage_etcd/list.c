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
    list->bytes = 0;
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

/* Keys ascend, and from page to page they go on. */
static bool is_next(const struct etcd_list *list, const struct egx_row *former, struct eg_str key) {
    if (former != NULL) {
        return egx_str_cmp(key, former->key) > 0;
    }
    return list->next_key == NULL ||
           egx_str_cmp(key, egx_str_n(list->next_key, list->next_key_len)) >= 0;
}

/* A record that cannot be read ends the page: it can be gone on from behind its key. */
static int32_t pass_bad_record(struct etcd_list *list, const struct egx_row *former,
                               const struct eg_json *item) {
    struct eg_str key;
    char *memory = etcd_key_read(list->store->host, item, &key);
    const bool is_good = memory != NULL && is_next(list, former, key);
    if (is_good) {
        set_next(list, key);
    }
    list->store->host->mem->free(list->store->host, memory);
    return is_good ? EG_OK : EG_E_PROTO;
}

/* EG_E_PROTO when it cannot go on from what came, or what came does not go on: a server that tells
 * the same keys again would be listed for ever. */
static int32_t take_rows(struct etcd_list *list, const struct eg_json *kvs, bool has_more) {
    const struct eg_host *host = list->store->host;
    const size_t count = host->json->count(kvs);
    const struct egx_row *former = NULL; /* of this page */
    bool is_last_bad = count == 0;
    for (size_t i = 0; i < count; i++) {
        const struct eg_json *item = host->json->at(kvs, i, NULL);
        struct etcd_kv kv;
        is_last_bad = etcd_kv_read(host, item, &kv) < 0;
        if (is_last_bad) {
            etcd_bad_record(list->store, item);
            continue;
        }
        const bool is_good = is_next(list, former, kv.key);
        if (is_good) {
            egx_rows_add(host, &list->rows, EG_CHANGE_PUT, kv.revision, kv.key, kv.value);
            struct egx_row *row = list->rows.items[list->rows.count - 1];
            row->created = kv.created;
            list->bytes += sizeof *row + kv.key.len + kv.value.len;
            former = row;
        }
        etcd_kv_free(host, &kv);
        if (!is_good || list->bytes > ETCD_LIST_BYTES) {
            return is_good ? EG_E_TOOBIG : EG_E_PROTO;
        }
    }
    if (has_more && is_last_bad) {
        return count == 0 ? EG_E_PROTO
                          : pass_bad_record(list, former, host->json->at(kvs, count - 1, NULL));
    }
    if (has_more) {
        set_next(list, former->key);
    }
    return EG_OK;
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
    if (rc == EG_E_TOOBIG) {
        list->on_end(list,
                     egx_why(&list->call.why, rc, "the list of etcd at %.*s has more than %zu MiB",
                             EGX_FMT(list->store->endpoints[list->call.endpoint].name),
                             ETCD_LIST_BYTES >> 20));
    } else if (rc < 0) {
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
