/* rows.c - see rows.h. Any thread. */
#include "rows.h"

#include <string.h>

size_t zk_rows_find(const struct egx_rows *rows, struct eg_str key, bool *ret_is_there) {
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (egx_str_cmp(rows->items[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_is_there = low < rows->count && egx_str_eq(rows->items[low]->key, key);
    return low;
}

static void make_room(const struct eg_host *host, struct egx_rows *rows, size_t room) {
    if (rows->room >= room) {
        return;
    }
    room = room < rows->room * 2 ? rows->room * 2 : room;
    struct egx_row **items = host->mem->alloc(host, room * sizeof *items);
    if (rows->count > 0) {
        memcpy(items, rows->items, rows->count * sizeof *items);
    }
    host->mem->free(host, rows->items);
    rows->items = items;
    rows->room = room;
}

/* From the end, so that each row is moved at most once. */
void zk_rows_merge(const struct eg_host *host, struct egx_rows *rows, struct egx_rows *added) {
    const size_t count = rows->count + added->count;
    size_t end = rows->count;
    bool is_there = false;
    egx_rows_sort_by_key(added);
    make_room(host, rows, count);
    for (size_t left = added->count; left > 0; left--) {
        struct egx_row *row = added->items[left - 1];
        const size_t at = zk_rows_find(rows, row->key, &is_there);
        memmove(rows->items + at + left, rows->items + at, (end - at) * sizeof *rows->items);
        rows->items[at + left - 1] = row;
        rows->count = at; /* what is behind is in its place */
        end = at;
    }
    rows->count = count;
    added->count = 0; /* the rows themselves are elsewhere now */
    egx_rows_free(host, added);
}
