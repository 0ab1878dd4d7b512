/*
 * rows.h - rows that ascend by key: looking for one, taking many in. Pure.
 */
#ifndef STORAGE_ZOOKEEPER_ROWS_H
#define STORAGE_ZOOKEEPER_ROWS_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_storage.h>

/* Where the key is in rows that ascend by key, or where it would be. */
size_t zk_rows_find(const struct egx_rows *rows, struct eg_str key, bool *ret_is_there);
/* Moves rows of other keys, in any order, into rows that ascend by key; `added` is empty then. */
void zk_rows_merge(const struct eg_host *host, struct egx_rows *rows, struct egx_rows *added);

#endif
