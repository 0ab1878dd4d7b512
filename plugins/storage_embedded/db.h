/*
 * db.h - the database as a synchronous map with revisions and a change log. The plugin's one door
 * to SQLite. Everything here may block: pool threads only, one at a time.
 *
 * Reads and writes stand between begin and commit (or rollback). A negative return other than
 * EG_E_NOTFOUND, _EXISTS, _CONFLICT and _TOOBIG is a fault of the database: roll back.
 */
#ifndef STORAGE_EMBEDDED_DB_H
#define STORAGE_EMBEDDED_DB_H

#include <stdbool.h>

#include <eventgw-sdk/egx_storage.h>

#define EMBEDDED_MAX_BYTES (16u * 1024u * 1024u) /* of a key, of a value */

struct embedded_db;

struct embedded_db_config {
    const struct eg_host *host;
    struct eg_str path;
    uint64_t busy_timeout_ns; /* how long to wait for another process */
    uint64_t history;         /* changes kept in the log */
};
int32_t embedded_db_open(const struct embedded_db_config *config, struct embedded_db **ret_db,
                         struct eg_why *ret_why);
void embedded_db_close(struct embedded_db *db); /* NULL is fine */

int32_t embedded_db_begin(struct embedded_db *db, bool is_write, struct eg_why *ret_why);
int32_t embedded_db_commit(struct embedded_db *db, struct eg_why *ret_why);
void embedded_db_rollback(struct embedded_db *db);

/* Adds the one row, or EG_E_NOTFOUND. */
int32_t embedded_db_get(struct embedded_db *db, struct eg_str key, struct egx_rows *rows,
                        struct eg_why *ret_why);
/* Adds all rows whose key begins with prefix, ascending; revision of the store. */
int32_t embedded_db_list(struct embedded_db *db, struct eg_str prefix, struct egx_rows *rows,
                         uint64_t *ret_revision, struct eg_why *ret_why);
/* The checks and the write; within begin and commit they are one step. */
int32_t embedded_db_write(struct embedded_db *db, const struct eg_commit *commit,
                          uint64_t *ret_revision, struct eg_why *ret_why);
/* Adds the next changes after `after`, not all at once. ret_seen: the revision up to which
 * everything was told; ret_is_all: nothing is left. EG_E_NOTFOUND when that history is gone. */
int32_t embedded_db_changes(struct embedded_db *db, struct eg_str prefix, uint64_t after,
                            struct egx_rows *rows, uint64_t *ret_seen, bool *ret_is_all,
                            struct eg_why *ret_why);
/* A number that differs from the last one when another connection has written. No transaction. */
int32_t embedded_db_version(struct embedded_db *db, int64_t *ret_version, struct eg_why *ret_why);

#endif
