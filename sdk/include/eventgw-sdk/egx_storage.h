/*
 * eventgw-sdk/egx_storage.h - what every storage plugin needs: rows (keys with values and
 * revisions), the answer of list, the words of a watch, base64 both ways. Pauses between tries are
 * in egx_backoff.h. Not part of egx.h; include it where it is needed.
 *
 * Nothing here has a thread of its own: rows may be filled on one thread and told on another, one
 * at a time.
 */
#ifndef EVENTGW_SDK_STORAGE_H
#define EVENTGW_SDK_STORAGE_H

#include <stdlib.h>

#include "egx.h"
#include "egx_backoff.h"
#include "egx_http.h"

/* ---- rows ---- */

/* A key with its value, as a store has it. */
struct egx_row {
    uint64_t revision;
    uint64_t created; /* see struct eg_change; 0 unless set after egx_rows_add */
    uint32_t kind;    /* EG_CHANGE_PUT or EG_CHANGE_REMOVE; of lists: EG_CHANGE_PUT */
    uint32_t reserved;
    struct eg_str key; /* behind the row, in the same block */
    struct eg_str value;
};
/* All zero is empty. */
struct egx_rows {
    struct egx_row **items;
    size_t count;
    size_t room;
};

/* Appends copies of key and value. */
static inline void egx_rows_add(const struct eg_host *host, struct egx_rows *rows, uint32_t kind,
                                uint64_t revision, struct eg_str key, struct eg_str value) {
    if (rows->count == rows->room) {
        const size_t room = rows->room == 0 ? 16 : rows->room * 2;
        struct egx_row **items =
            (struct egx_row **)host->mem->alloc(host, room * sizeof(struct egx_row *));
        if (rows->count > 0) {
            memcpy(items, rows->items, rows->count * sizeof(struct egx_row *));
        }
        host->mem->free(host, rows->items);
        rows->items = items;
        rows->room = room;
    }
    struct egx_row *row =
        (struct egx_row *)host->mem->alloc(host, sizeof(struct egx_row) + key.len + value.len);
    char *bytes = (char *)(row + 1);
    row->kind = kind;
    row->revision = revision;
    row->key = egx_str_n(bytes, key.len);
    row->value = egx_str_n(bytes + key.len, value.len);
    if (key.len > 0) {
        memcpy(bytes, key.ptr, key.len);
    }
    if (value.len > 0) {
        memcpy(bytes + key.len, value.ptr, value.len);
    }
    rows->items[rows->count++] = row;
}

/* Empty afterwards. */
static inline void egx_rows_free(const struct eg_host *host, struct egx_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        host->mem->free(host, rows->items[i]);
    }
    host->mem->free(host, rows->items);
    memset(rows, 0, sizeof *rows);
}

/* Bytewise, the shorter one first. */
static inline int egx_str_cmp(struct eg_str a, struct eg_str b) {
    const size_t least = a.len < b.len ? a.len : b.len;
    const int order = least == 0 ? 0 : memcmp(a.ptr, b.ptr, least);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* For qsort: by key. */
static inline int egx_rows_key_order(const void *a, const void *b) {
    const struct egx_row *const *x = (const struct egx_row *const *)a;
    const struct egx_row *const *y = (const struct egx_row *const *)b;
    return egx_str_cmp((*x)->key, (*y)->key);
}

/* For qsort: by revision. */
static inline int egx_rows_revision_order(const void *a, const void *b) {
    const struct egx_row *const *x = (const struct egx_row *const *)a;
    const struct egx_row *const *y = (const struct egx_row *const *)b;
    return (*x)->revision < (*y)->revision ? -1 : (*x)->revision > (*y)->revision;
}

/* Ascending by key, bytewise: the order of list. */
static inline void egx_rows_sort_by_key(struct egx_rows *rows) {
    if (rows->count > 1) {
        qsort(rows->items, rows->count, sizeof(struct egx_row *), egx_rows_key_order);
    }
}

/* Ascending by revision: the order in which changes are told. */
static inline void egx_rows_sort_by_revision(struct egx_rows *rows) {
    if (rows->count > 1) {
        qsort(rows->items, rows->count, sizeof(struct egx_row *), egx_rows_revision_order);
    }
}

/* Ends a list with these rows (ascending by key); they stay the caller's. */
static inline void egx_done_list(const struct eg_host *host, struct eg_op *op,
                                 const struct egx_rows *rows, uint64_t revision) {
    struct eg_result result = egx_result();
    struct eg_item *items =
        (struct eg_item *)host->mem->alloc(host, (rows->count + 1) * sizeof(struct eg_item));
    const struct eg_item **list = (const struct eg_item **)host->mem->alloc(
        host, (rows->count + 1) * sizeof(const struct eg_item *));
    for (size_t i = 0; i < rows->count; i++) {
        items[i].struct_size = (uint32_t)sizeof items[i];
        items[i].revision = rows->items[i]->revision;
        items[i].key = rows->items[i]->key;
        items[i].value = rows->items[i]->value;
        list[i] = &items[i];
    }
    result.revision = revision;
    result.items = list;
    result.item_count = rows->count;
    op->done(op, EG_OK, &result);
    host->mem->free(host, list);
    host->mem->free(host, items);
}

/* Ends a get with this value. */
static inline void egx_done_value(const struct eg_host *host, struct eg_op *op, uint64_t revision,
                                  struct eg_str value) {
    struct eg_result result = egx_result();
    result.revision = revision;
    result.body = egx_buf_copy(host, value);
    op->done(op, EG_OK, &result);
}

/* Ends a write that has happened. */
static inline void egx_done_revision(struct eg_op *op, uint64_t revision) {
    struct eg_result result = egx_result();
    result.revision = revision;
    op->done(op, EG_OK, &result);
}

/* ---- the words of a watch ---- */

/* SYNCED, RESET, DOWN, CLOSED. message: why, of DOWN. */
static inline void egx_tell(struct eg_watch *watch, uint32_t kind, uint64_t revision,
                            struct eg_str message) {
    struct eg_change change;
    memset(&change, 0, sizeof change);
    change.struct_size = (uint32_t)sizeof change;
    change.kind = kind;
    change.revision = revision;
    change.message = message;
    watch->changed(watch, &change);
}

/* PUT or REMOVE. */
static inline void egx_tell_row(struct eg_watch *watch, const struct egx_row *row) {
    struct eg_change change;
    memset(&change, 0, sizeof change);
    change.struct_size = (uint32_t)sizeof change;
    change.kind = row->kind;
    change.revision = row->revision;
    change.key = row->key;
    change.value = row->value;
    change.created = row->created;
    watch->changed(watch, &change);
}

/* All rows as they stand. */
static inline void egx_tell_rows(struct eg_watch *watch, const struct egx_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        egx_tell_row(watch, rows->items[i]);
    }
}

/*
 * For stores that show what is there and not what has happened: what leads from the known rows to
 * the fresh ones (both ascending by key; values of known do not count). Puts in the order of their
 * revisions, then removals with the given revision, so that nothing is told before what it needs.
 */
static inline void egx_tell_difference(const struct eg_host *host, struct eg_watch *watch,
                                       const struct egx_rows *known, const struct egx_rows *fresh,
                                       uint64_t revision) {
    struct egx_rows puts = {NULL, 0, 0};
    struct egx_rows gone = {NULL, 0, 0};
    size_t k = 0;
    puts.items = (struct egx_row **)host->mem->alloc(host, (fresh->count + known->count + 1) *
                                                               sizeof(struct egx_row *));
    gone.items = puts.items + fresh->count;
    for (size_t f = 0; f < fresh->count || k < known->count;) {
        const int order = f == fresh->count ? 1
                          : k == known->count
                              ? -1
                              : egx_rows_key_order(&fresh->items[f], &known->items[k]);
        if (order > 0) {
            gone.items[gone.count++] = known->items[k++];
            continue;
        }
        if (order < 0 || fresh->items[f]->revision != known->items[k]->revision) {
            puts.items[puts.count++] = fresh->items[f];
        }
        f++;
        k += order == 0;
    }
    egx_rows_sort_by_revision(&puts);
    egx_tell_rows(watch, &puts);
    for (size_t i = 0; i < gone.count; i++) {
        const struct egx_row removal = {revision,           0,        EG_CHANGE_REMOVE, 0,
                                        gone.items[i]->key, {NULL, 0}};
        egx_tell_row(watch, &removal);
    }
    host->mem->free(host, puts.items);
}

/* ---- base64 (RFC 4648 4) ---- */

/* Bytes as a JSON string, with its comma. */
static inline void egx_json_base64(struct egx_json *json, struct eg_str bytes) {
    egx_json_comma(json);
    egx_json_raw(json, EGX_STR("\""));
    egx_put_base64(json, bytes);
    egx_json_raw(json, EGX_STR("\""));
}

/* Value of a digit of base64; -1 = none. */
static inline int egx_base64_digit(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* With padding, nothing else between. out has room for text.len / 4 * 3 bytes. EG_E_SYNTAX. */
static inline int32_t egx_base64_decode(struct eg_str text, char *out, size_t *ret_len) {
    size_t len = 0;
    if (text.len % 4 != 0) {
        return EG_E_SYNTAX;
    }
    for (size_t i = 0; i < text.len; i += 4) {
        const size_t padding = i + 4 < text.len         ? 0
                               : text.ptr[i + 3] != '=' ? 0
                               : text.ptr[i + 2] != '=' ? 1
                                                        : 2;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            const int digit = k >= 4 - padding ? 0 : egx_base64_digit(text.ptr[i + k]);
            if (digit < 0) {
                return EG_E_SYNTAX;
            }
            bits = bits << 6 | (uint32_t)digit;
        }
        if ((bits & ((1u << (8 * padding)) - 1)) != 0) {
            return EG_E_SYNTAX; /* bits that are cut off: two texts would mean the same */
        }
        for (size_t k = 0; k < 3 - padding; k++) {
            out[len++] = (char)(bits >> (16 - 8 * k) & 255u);
        }
    }
    *ret_len = len;
    return EG_OK;
}

#endif
