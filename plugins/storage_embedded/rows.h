/*
 * rows.h - what a read of the database brings up: rows that own their bytes, filled on a pool
 * thread, told on the control thread, then freed.
 */
#ifndef STORAGE_EMBEDDED_ROWS_H
#define STORAGE_EMBEDDED_ROWS_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>

struct embedded_row {
    uint32_t kind; /* EG_CHANGE_PUT or EG_CHANGE_REMOVE */
    uint64_t revision;
    struct eg_str key; /* behind the row, in the same block */
    struct eg_str value;
};
struct embedded_rows {
    struct embedded_row **items;
    size_t count;
    size_t room;
};

/* Copies key and value. */
void embedded_rows_add(const struct eg_host *host, struct embedded_rows *rows, uint32_t kind,
                       uint64_t revision, struct eg_str key, struct eg_str value);
void embedded_rows_free(const struct eg_host *host, struct embedded_rows *rows);

#endif
