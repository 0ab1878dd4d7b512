/* rows.c - see rows.h. Any thread, one at a time for one struct. */
#include "rows.h"

#include <string.h>

#define FIRST_ROOM 16u

static void grow(const struct eg_host *host, struct embedded_rows *rows) {
    const size_t room = rows->room == 0 ? FIRST_ROOM : rows->room * 2;
    struct embedded_row **items = host->mem->alloc(host, room * sizeof *items);
    if (rows->count > 0) {
        memcpy(items, rows->items, rows->count * sizeof *items);
    }
    host->mem->free(host, rows->items);
    rows->items = items;
    rows->room = room;
}

void embedded_rows_add(const struct eg_host *host, struct embedded_rows *rows, uint32_t kind,
                       uint64_t revision, struct eg_str key, struct eg_str value) {
    if (rows->count == rows->room) {
        grow(host, rows);
    }
    struct embedded_row *row = host->mem->alloc(host, sizeof *row + key.len + value.len);
    char *bytes = (char *)(row + 1);
    row->kind = kind;
    row->revision = revision;
    row->key = (struct eg_str){.ptr = bytes, .len = key.len};
    row->value = (struct eg_str){.ptr = bytes + key.len, .len = value.len};
    if (key.len > 0) {
        memcpy(bytes, key.ptr, key.len);
    }
    if (value.len > 0) {
        memcpy(bytes + key.len, value.ptr, value.len);
    }
    rows->items[rows->count++] = row;
}

void embedded_rows_free(const struct eg_host *host, struct embedded_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        host->mem->free(host, rows->items[i]);
    }
    host->mem->free(host, rows->items);
    *rows = (struct embedded_rows){0};
}
