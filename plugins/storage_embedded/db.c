/*
 * db.c - see db.h. Three tables: `entry` is the content, `change` the log that watches read,
 * `state` one row with the counter of revisions. The counter grows with every write in the same
 * transaction, so revisions never repeat, also not after removals and restarts, and the log has no
 * gaps.
 *
 * Durability: WAL with synchronous=FULL, so a commit that was answered survives kill -9 and power
 * loss (https://www.sqlite.org/pragma.html#pragma_synchronous). The file is opened with suspicion:
 * it may be corrupt, of another program or of a later version; then it is refused and not touched.
 *
 * Thread: pool threads, one at a time. Ownership: rows get copies; the host is borrowed.
 */
#include "db.h"

#include <sched.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

#define APPLICATION_ID 0x65677731 /* "egw1" */
#define SCHEMA_VERSION 2          /* 2: created */
#define MAX_LOG_BYTES (64ll * 1024 * 1024)
#define CHANGES_AT_ONCE 1000
#define MAX_ROW_BYTES (2 * (int)EMBEDDED_MAX_BYTES + 65536)
#define OPEN_TRIES 100
#define BUSY_EVERY_MS 2
/* What a list of 10,000 objects reads stays in memory: the 2 MiB that SQLite takes by itself are
 * read anew each time. */
#define CACHE_KIB "16384"
/* Rows after which the core is offered to a loop of the gateway that may want it: a tenth of a
 * millisecond or so. */
#define STEP_ASIDE_EACH 256u

static const char schema_sql[] =
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL,"
    " pruned INTEGER NOT NULL, log_bytes INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 0, 0, 0);"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL,"
    " revision INTEGER NOT NULL, created INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE change (revision INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL,"
    " value BLOB NOT NULL, created INTEGER NOT NULL DEFAULT 0);"
    "PRAGMA user_version = 2;"
    "PRAGMA application_id = 1701279537;"; /* APPLICATION_ID */

/* The age of what was there before is not known better than its last change. */
static const char upgrade_sql[] =
    "ALTER TABLE entry ADD COLUMN created INTEGER NOT NULL DEFAULT 0;"
    "UPDATE entry SET created = revision;"
    "ALTER TABLE change ADD COLUMN created INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 2;";

#define IN_PREFIX "key >= ?1 AND (?2 IS NULL OR key < ?2)"
/* X(name, text) */
#define STATEMENTS(X)                                                                              \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(VERSION, "PRAGMA data_version")                                                              \
    X(STATE, "SELECT revision, pruned FROM state")                                                 \
    X(GET, "SELECT revision, key, value, created FROM entry WHERE key = ?1")                       \
    X(REVISION, "SELECT revision FROM entry WHERE key = ?1")                                       \
    X(LIST, "SELECT revision, key, value, created FROM entry WHERE " IN_PREFIX " ORDER BY key")    \
    X(NEXT, "UPDATE state SET revision = revision + 1, log_bytes = log_bytes + ?1"                 \
            " RETURNING revision, log_bytes")                                                      \
    X(PUT, "INSERT INTO entry (key, value, revision, created) VALUES (?1, ?2, ?3, ?3)"             \
           " ON CONFLICT (key)"                                                                    \
           " DO UPDATE SET value = excluded.value, revision = excluded.revision")                  \
    X(REMOVE, "DELETE FROM entry WHERE key = ?1")                                                  \
    X(LOG, "INSERT INTO change (key, value, revision, kind, created) VALUES (?1, ?2, ?3, ?4,"      \
           " coalesce((SELECT created FROM entry WHERE key = ?1), 0))")                            \
    X(OLDEST,                                                                                      \
      "SELECT revision, length(key) + length(value) FROM change ORDER BY revision LIMIT 1")        \
    X(FORGET, "DELETE FROM change WHERE revision = ?1")                                            \
    X(PRUNED, "UPDATE state SET pruned = ?1, log_bytes = log_bytes - ?2")                          \
    X(NEWEST, "SELECT coalesce(max(revision), 0) FROM entry WHERE " IN_PREFIX)                     \
    X(PUT_SINCE, "SELECT coalesce(max(c.revision), 0) FROM change AS c WHERE c.revision > ?3"      \
                 " AND c.key >= ?1 AND (?2 IS NULL OR c.key < ?2) AND EXISTS (SELECT 1 FROM entry" \
                 " AS e WHERE e.key = c.key AND e.revision = c.revision)")                         \
    X(CHANGES, "SELECT revision, key, value, created, kind FROM change"                            \
               " WHERE revision > ?3 AND " IN_PREFIX " ORDER BY revision LIMIT ?4")

enum statement {
#define STATEMENT_NAME(name, text) S_##name,
    STATEMENTS(STATEMENT_NAME) STATEMENT_COUNT
};
static const char *const statement_texts[] = {
#define STATEMENT_TEXT(name, text) text,
    STATEMENTS(STATEMENT_TEXT)};

struct embedded_db {
    const struct eg_host *host;
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int64_t history;
    uint64_t busy_timeout_ns;
    char file[PATH_MAX];
    struct stat identity; /* of the file that was opened */
};

/* ---- errors and statements ---- */

static int32_t error_code(int sqlite_code) {
    static const struct {
        int sqlite_code;
        int32_t code;
    } codes[] = {
        {SQLITE_BUSY, EG_E_BUSY},
        {SQLITE_LOCKED, EG_E_BUSY},
        {SQLITE_NOMEM, EG_E_INTERNAL},
        {SQLITE_MISUSE, EG_E_INTERNAL},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].sqlite_code == (sqlite_code & 0xff)) {
            return codes[i].code;
        }
    }
    return EG_E_IO;
}

static int32_t failed(struct embedded_db *db, struct eg_why *ret_why) {
    const int code = sqlite3_extended_errcode(db->sqlite);
    const int system = (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db->sqlite) : 0;
    return egx_why(ret_why, error_code(code), "%s%s%s", sqlite3_errmsg(db->sqlite),
                   system == 0 ? "" : ": ", system == 0 ? "" : strerror(system));
}

/* 1 = a row is there, 0 = ended (and ready for its next use), negative = failed. */
static int32_t step(struct embedded_db *db, sqlite3_stmt *statement, struct eg_why *ret_why) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return 1;
    }
    const int32_t rc = code == SQLITE_DONE ? EG_OK : failed(db, ret_why);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return rc;
}

/* Runs a statement that has no rows, or only one that was read already. */
static int32_t finish(struct embedded_db *db, sqlite3_stmt *statement, struct eg_why *ret_why) {
    int32_t rc = 1;
    while (rc == 1) {
        rc = step(db, statement, ret_why);
    }
    return rc;
}

/* Borrows the bytes until the statement is reset. A NULL pointer would bind NULL. */
static void bind_bytes(sqlite3_stmt *statement, int place, struct eg_str bytes) {
    (void)sqlite3_bind_blob64(statement, place, bytes.len == 0 ? "" : bytes.ptr, bytes.len,
                              SQLITE_STATIC);
}

static struct eg_str column_bytes(sqlite3_stmt *statement, int column) {
    const char *ptr = sqlite3_column_blob(statement, column);
    return (struct eg_str){.ptr = ptr, .len = (size_t)sqlite3_column_bytes(statement, column)};
}

/* Two integers of the only row of a statement whose parameters are bound. EG_E_NOTFOUND. */
static int32_t read_numbers(struct embedded_db *db, enum statement which, int64_t ret_numbers[2],
                            struct eg_why *ret_why) {
    sqlite3_stmt *statement = db->statements[which];
    int32_t rc = step(db, statement, ret_why);
    if (rc <= 0) {
        return rc == 0 ? egx_why(ret_why, EG_E_NOTFOUND, "key not found") : rc;
    }
    ret_numbers[0] = sqlite3_column_int64(statement, 0);
    ret_numbers[1] = sqlite3_column_count(statement) > 1 ? sqlite3_column_int64(statement, 1) : 0;
    return finish(db, statement, ret_why);
}

/* ---- opening ---- */

static int32_t execute(struct embedded_db *db, const char *sql, struct eg_why *ret_why) {
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? EG_OK
                                                                        : failed(db, ret_why);
}

/* The first column of the first row as a number, and as text when wanted. */
static int32_t ask(struct embedded_db *db, const char *sql, int64_t *ret_number, char *ret_text,
                   size_t text_size, struct eg_why *ret_why) {
    sqlite3_stmt *statement = NULL;
    int32_t rc = EG_OK;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        rc = failed(db, ret_why);
        goto out;
    }
    *ret_number = sqlite3_column_int64(statement, 0);
    if (ret_text != NULL) {
        (void)sqlite3_snprintf((int)text_size, ret_text, "%s", sqlite3_column_text(statement, 0));
    }
out:
    (void)sqlite3_finalize(statement);
    return rc;
}

/* Is it ours, new, of a later version, or of somebody else? Nothing is written yet. */
static int32_t check_owner(struct embedded_db *db, int64_t *ret_version, struct eg_why *ret_why) {
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;
    int32_t rc = ask(db, "PRAGMA application_id", &application, NULL, 0, ret_why);
    if (rc == EG_OK) {
        rc = ask(db, "PRAGMA user_version", &version, NULL, 0, ret_why);
    }
    if (rc == EG_OK) {
        rc = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, NULL, 0, ret_why);
    }
    if (rc != EG_OK) {
        return rc;
    }
    const bool is_new = application == 0 && version == 0 && tables == 0;
    if (!is_new && application != APPLICATION_ID) {
        return egx_why(ret_why, EG_E_UNSUPPORTED, "it is a database of another program");
    }
    if (version > SCHEMA_VERSION) {
        return egx_why(ret_why, EG_E_UNSUPPORTED,
                       "it has schema version %lld of a later event gateway; this one "
                       "knows versions up to %d",
                       (long long)version, SCHEMA_VERSION);
    }
    *ret_version = version;
    return EG_OK;
}

/* Pages that are damaged should be found before serving, not by the request that needs them. */
static int32_t check_health(struct embedded_db *db, struct eg_why *ret_why) {
    char text[256] = "";
    int64_t unused = 0;
    const int32_t rc = ask(db, "PRAGMA quick_check(1)", &unused, text, sizeof text, ret_why);
    if (rc != EG_OK || strcmp(text, "ok") == 0) {
        return rc;
    }
    return egx_why(ret_why, EG_E_IO, "the database is damaged: %s", text);
}

/* Two processes may meet here; turning to WAL does not wait for locks by itself in every case. */
static int32_t use_wal(struct embedded_db *db, struct eg_why *ret_why) {
    char mode[16] = "";
    int64_t unused = 0;
    int32_t rc = EG_E_BUSY;
    for (int i = 0; i < OPEN_TRIES && rc == EG_E_BUSY; i++) {
        if (i > 0) {
            (void)sqlite3_sleep(10);
        }
        rc = ask(db, "PRAGMA journal_mode = WAL", &unused, mode, sizeof mode, ret_why);
    }
    if (rc == EG_OK && strcmp(mode, "wal") != 0) {
        rc = egx_why(ret_why, EG_E_UNSUPPORTED,
                     "the file system does not support shared memory files");
    }
    return rc;
}

static int32_t create_schema(struct embedded_db *db, struct eg_why *ret_why) {
    int64_t version = 0;
    int32_t rc = execute(db, "BEGIN IMMEDIATE", ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    /* Asked again: another process may have made it while we waited. */
    rc = check_owner(db, &version, ret_why);
    if (rc == EG_OK && version < SCHEMA_VERSION) {
        rc = execute(db, version == 0 ? schema_sql : upgrade_sql, ret_why);
    }
    if (rc == EG_OK) {
        rc = execute(db, "COMMIT", ret_why);
    }
    if (rc != EG_OK) {
        embedded_db_rollback(db);
    }
    return rc;
}

static int32_t prepare_statements(struct embedded_db *db, struct eg_why *ret_why) {
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(db->sqlite, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK) {
            return failed(db, ret_why);
        }
    }
    int64_t state[2];
    if (read_numbers(db, S_STATE, state, ret_why) != EG_OK) {
        return egx_why(ret_why, EG_E_IO, "the database is damaged: its counter is missing");
    }
    return EG_OK;
}

/* Another process has the lock, and nobody is told when it is let go. SQLite's own handler
 * (sqlite3_busy_timeout) looks again after pauses that grow to 100 ms: beside a process that writes
 * without a pause it looks ten times a second, and misses the moments between two writes. */
static int on_busy(void *arg, int times) {
    const struct embedded_db *db = arg;
    if ((uint64_t)times * BUSY_EVERY_MS * 1000000u >= db->busy_timeout_ns) {
        return 0;
    }
    (void)sqlite3_sleep(BUSY_EVERY_MS);
    return 1;
}

static int32_t open_sqlite(struct embedded_db *db, struct eg_why *ret_why) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(db->file, &db->sqlite, flags, NULL) != SQLITE_OK) {
        return failed(db, ret_why);
    }
    (void)sqlite3_busy_handler(db->sqlite, on_busy, db);
    (void)sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES);
    /* The file's own schema is not to be trusted (https://www.sqlite.org/security.html). */
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sqlite3_db_readonly(db->sqlite, "main") == 1) {
        return egx_why(ret_why, EG_E_IO, "it is not writable");
    }
    return stat(db->file, &db->identity) == 0 ? EG_OK : egx_why(ret_why, EG_E_IO, "it was removed");
}

static int32_t open_checked(struct embedded_db *db, struct eg_why *ret_why) {
    int64_t version = 0;
    int32_t rc = open_sqlite(db, ret_why);
    if (rc == EG_OK) {
        rc = check_owner(db, &version, ret_why);
    }
    if (rc == EG_OK) {
        rc = check_health(db, ret_why);
    }
    if (rc == EG_OK) {
        rc = use_wal(db, ret_why);
    }
    if (rc == EG_OK) {
        rc = execute(db,
                     "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
                     "PRAGMA cache_size = -" CACHE_KIB,
                     ret_why);
    }
    if (rc == EG_OK) {
        rc = create_schema(db, ret_why);
    }
    return rc == EG_OK ? prepare_statements(db, ret_why) : rc;
}

int32_t embedded_db_open(const struct embedded_db_config *config, struct embedded_db **ret_db,
                         struct eg_why *ret_why) {
    struct eg_why reason = {.struct_size = sizeof reason};
    struct embedded_db *db = config->host->mem->alloc(config->host, sizeof *db);
    db->host = config->host;
    db->history = (int64_t)config->history;
    db->busy_timeout_ns = config->busy_timeout_ns;
    int32_t rc = embedded_files_prepare(config->host, config->path, db->file, ret_why);
    if (rc == EG_OK) {
        rc = open_checked(db, &reason);
        if (rc != EG_OK) {
            (void)egx_why(ret_why, rc, "cannot use %s: %.*s", db->file, (int)reason.len,
                          reason.text);
        }
    }
    if (rc != EG_OK) {
        embedded_db_close(db);
        return rc;
    }
    *ret_db = db;
    return EG_OK;
}

void embedded_db_close(struct embedded_db *db) {
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(db->statements[i]);
    }
    (void)sqlite3_close(db->sqlite);
    db->host->mem->free(db->host, db);
}

/* ---- transactions ---- */

/* A file that was moved away or deleted still takes writes, and nobody would find them after a
 * restart (https://www.sqlite.org/howtocorrupt.html#unlink). */
static int32_t check_in_place(const struct embedded_db *db, struct eg_why *ret_why) {
    struct stat now;
    if (stat(db->file, &now) == 0 && now.st_ino == db->identity.st_ino &&
        now.st_dev == db->identity.st_dev) {
        return EG_OK;
    }
    return egx_why(ret_why, EG_E_UNAVAILABLE,
                   "%s was removed or replaced while in use: put it back, or restart the gateway",
                   db->file);
}

int32_t embedded_db_begin(struct embedded_db *db, bool is_write, struct eg_why *ret_why) {
    const int32_t rc = check_in_place(db, ret_why);
    return rc < 0 ? rc
                  : finish(db, db->statements[is_write ? S_BEGIN_WRITE : S_BEGIN_READ], ret_why);
}

int32_t embedded_db_commit(struct embedded_db *db, struct eg_why *ret_why) {
    return finish(db, db->statements[S_COMMIT], ret_why);
}

/* Some faults have rolled back already (https://www.sqlite.org/lang_transaction.html). */
void embedded_db_rollback(struct embedded_db *db) {
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (db->statements[i] != NULL) {
            (void)sqlite3_reset(db->statements[i]);
        }
    }
    if (sqlite3_get_autocommit(db->sqlite) == 0) {
        (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    }
}

/* ---- reads ---- */

static int32_t read_rows(struct embedded_db *db, enum statement which, struct egx_rows *rows,
                         struct eg_why *ret_why) {
    sqlite3_stmt *statement = db->statements[which];
    const bool has_kind = sqlite3_column_count(statement) > 4;
    int32_t rc = EG_OK;
    while ((rc = step(db, statement, ret_why)) == 1) {
        const uint32_t kind =
            has_kind ? (uint32_t)sqlite3_column_int64(statement, 4) : EG_CHANGE_PUT;
        if (rows->count % STEP_ASIDE_EACH == STEP_ASIDE_EACH - 1) {
            (void)sched_yield();
        }
        egx_rows_add(db->host, rows, kind, (uint64_t)sqlite3_column_int64(statement, 0),
                     column_bytes(statement, 1), column_bytes(statement, 2));
        rows->items[rows->count - 1]->created = (uint64_t)sqlite3_column_int64(statement, 3);
    }
    return rc;
}

int32_t embedded_db_get(struct embedded_db *db, struct eg_str key, struct egx_rows *rows,
                        struct eg_why *ret_why) {
    const size_t before = rows->count;
    bind_bytes(db->statements[S_GET], 1, key);
    const int32_t rc = read_rows(db, S_GET, rows, ret_why);
    if (rc == EG_OK && rows->count == before) {
        return egx_why(ret_why, EG_E_NOTFOUND, "key not found");
    }
    return rc;
}

/* Binds the range of keys that begin with prefix: from prefix to before the first key that is
 * behind them all, which is the prefix with its last byte that is not 0xFF grown by one; none = no
 * end. ret_end: to be freed after the statement ran. */
static void bind_prefix(struct embedded_db *db, sqlite3_stmt *statement, struct eg_str prefix,
                        char **ret_end) {
    size_t len = prefix.len;
    char *end = NULL;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xff) {
        len--;
    }
    bind_bytes(statement, 1, prefix);
    if (len > 0) {
        end = db->host->mem->alloc(db->host, len);
        memcpy(end, prefix.ptr, len);
        end[len - 1] = (char)((unsigned char)end[len - 1] + 1);
        bind_bytes(statement, 2, (struct eg_str){.ptr = end, .len = len});
    }
    *ret_end = end;
}

int32_t embedded_db_list(struct embedded_db *db, struct eg_str prefix, struct egx_rows *rows,
                         uint64_t *ret_revision, struct eg_why *ret_why) {
    int64_t state[2];
    char *end = NULL;
    int32_t rc = read_numbers(db, S_STATE, state, ret_why);
    if (rc == EG_OK) {
        bind_prefix(db, db->statements[S_LIST], prefix, &end);
        rc = read_rows(db, S_LIST, rows, ret_why);
        db->host->mem->free(db->host, end);
        *ret_revision = (uint64_t)state[0];
    }
    return rc;
}

int32_t embedded_db_changes(struct embedded_db *db, struct eg_str prefix, uint64_t after,
                            struct egx_rows *rows, uint64_t *ret_seen, bool *ret_is_all,
                            struct eg_why *ret_why) {
    sqlite3_stmt *statement = db->statements[S_CHANGES];
    const size_t before = rows->count;
    int64_t state[2];
    char *end = NULL;
    int32_t rc = read_numbers(db, S_STATE, state, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    /* A revision we never had: the file was replaced by an older one. */
    if (after < (uint64_t)state[1] || after > (uint64_t)state[0]) {
        return egx_why(ret_why, EG_E_NOTFOUND, "the history is gone");
    }
    bind_prefix(db, statement, prefix, &end);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)after);
    (void)sqlite3_bind_int64(statement, 4, CHANGES_AT_ONCE);
    rc = read_rows(db, S_CHANGES, rows, ret_why);
    db->host->mem->free(db->host, end);
    if (rc == EG_OK) {
        *ret_is_all = rows->count - before < CHANGES_AT_ONCE;
        *ret_seen = *ret_is_all ? (uint64_t)state[0] : rows->items[rows->count - 1]->revision;
    }
    return rc;
}

int32_t embedded_db_version(struct embedded_db *db, int64_t *ret_version, struct eg_why *ret_why) {
    int64_t numbers[2];
    int32_t rc = check_in_place(db, ret_why);
    if (rc == EG_OK) {
        rc = read_numbers(db, S_VERSION, numbers, ret_why);
    }
    if (rc == EG_OK) {
        *ret_version = numbers[0];
    }
    return rc;
}

/* ---- writes ---- */

/* The revision of the key; 0 and EG_OK when it is not there. */
static int32_t read_revision(struct embedded_db *db, struct eg_str key, uint64_t *ret_revision,
                             struct eg_why *ret_why) {
    int64_t present[2] = {0, 0};
    bind_bytes(db->statements[S_REVISION], 1, key);
    const int32_t rc = read_numbers(db, S_REVISION, present, ret_why);
    if (rc == EG_OK || rc == EG_E_NOTFOUND) {
        *ret_revision = (uint64_t)present[0];
        return EG_OK;
    }
    return rc;
}

/* Is what is there what the writer expects? */
static int32_t check_expected(struct embedded_db *db, const struct eg_commit *commit,
                              struct eg_why *ret_why) {
    uint64_t present = 0;
    const int32_t rc = read_revision(db, commit->key, &present, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    if (commit->is_removal != 0 && present == 0) {
        return egx_why(ret_why, EG_E_NOTFOUND, "key not found");
    }
    if (commit->expect_revision == EG_REV_ANY || commit->expect_revision == present) {
        return EG_OK;
    }
    if (commit->expect_revision == EG_REV_ABSENT) {
        return egx_why(ret_why, EG_E_EXISTS,
                       "Previous K/V pair exists, cannot complete Atomic operation");
    }
    return egx_why(ret_why, EG_E_CONFLICT, "the key was changed meanwhile");
}

/* The newest revision among the keys that begin with prefix and were put after `since`; 0 when
 * there is none. The log tells it without a look at all of them, as far back as it goes. */
static int32_t read_newest(struct embedded_db *db, struct eg_str prefix, uint64_t since,
                           uint64_t *ret_revision, struct eg_why *ret_why) {
    int64_t state[2];
    int64_t newest[2] = {0, 0};
    char *end = NULL;
    int32_t rc = read_numbers(db, S_STATE, state, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    const bool is_logged = since <= INT64_MAX && (int64_t)since >= state[1];
    const enum statement which = is_logged ? S_PUT_SINCE : S_NEWEST;
    bind_prefix(db, db->statements[which], prefix, &end);
    if (is_logged) {
        (void)sqlite3_bind_int64(db->statements[which], 3, (int64_t)since);
    }
    rc = read_numbers(db, which, newest, ret_why);
    db->host->mem->free(db->host, end);
    *ret_revision = (uint64_t)newest[0];
    return rc;
}

static int32_t check_one(struct embedded_db *db, const struct eg_check *check,
                         struct eg_why *ret_why) {
    const bool is_prefix = check->kind == EG_CHECK_PREFIX;
    uint64_t present = 0;
    const int32_t rc = is_prefix ? read_newest(db, check->key, check->revision, &present, ret_why)
                                 : read_revision(db, check->key, &present, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    if (is_prefix ? present > check->revision : present != check->revision) {
        return egx_why(ret_why, EG_E_CONFLICT, "what the write rests on was changed meanwhile");
    }
    return EG_OK;
}

static int32_t check_all(struct embedded_db *db, const struct eg_commit *commit,
                         struct eg_why *ret_why) {
    int32_t rc = check_expected(db, commit, ret_why);
    for (size_t i = 0; i < commit->check_count && rc == EG_OK; i++) {
        rc = check_one(db, commit->checks[i], ret_why);
    }
    return rc;
}

/* Cuts the log to its bounds; the newest change stays whatever its size. */
static int32_t prune(struct embedded_db *db, int64_t newest, int64_t log_bytes,
                     struct eg_why *ret_why) {
    for (;;) {
        int64_t oldest[2];
        int32_t rc = read_numbers(db, S_OLDEST, oldest, ret_why);
        const bool is_over = log_bytes > MAX_LOG_BYTES || newest - oldest[0] >= db->history;
        if (rc != EG_OK || oldest[0] >= newest || !is_over) {
            return rc;
        }
        (void)sqlite3_bind_int64(db->statements[S_FORGET], 1, oldest[0]);
        rc = finish(db, db->statements[S_FORGET], ret_why);
        if (rc == EG_OK) {
            (void)sqlite3_bind_int64(db->statements[S_PRUNED], 1, oldest[0]);
            (void)sqlite3_bind_int64(db->statements[S_PRUNED], 2, oldest[1]);
            rc = finish(db, db->statements[S_PRUNED], ret_why);
        }
        if (rc != EG_OK) {
            return rc;
        }
        log_bytes -= oldest[1];
    }
}

static int32_t write_row(struct embedded_db *db, enum statement which, struct eg_str key,
                         struct eg_str value, int64_t revision, uint32_t kind,
                         struct eg_why *ret_why) {
    sqlite3_stmt *statement = db->statements[which];
    const int places = sqlite3_bind_parameter_count(statement);
    bind_bytes(statement, 1, key);
    if (places >= 3) {
        bind_bytes(statement, 2, value);
        (void)sqlite3_bind_int64(statement, 3, revision);
    }
    if (places >= 4) {
        (void)sqlite3_bind_int64(statement, 4, kind);
    }
    return finish(db, statement, ret_why);
}

int32_t embedded_db_write(struct embedded_db *db, const struct eg_commit *commit,
                          uint64_t *ret_revision, struct eg_why *ret_why) {
    int64_t next[2];
    const bool is_removal = commit->is_removal != 0;
    const struct eg_str key = commit->key;
    const struct eg_str value = is_removal ? (struct eg_str){0} : commit->value;
    if (key.len > EMBEDDED_MAX_BYTES || value.len > EMBEDDED_MAX_BYTES) {
        return egx_why(ret_why, EG_E_TOOBIG, "keys and values may have %u MiB at most",
                       EMBEDDED_MAX_BYTES / 1024u / 1024u);
    }
    int32_t rc = check_all(db, commit, ret_why);
    if (rc != EG_OK) {
        return rc;
    }
    (void)sqlite3_bind_int64(db->statements[S_NEXT], 1, (int64_t)(key.len + value.len));
    rc = read_numbers(db, S_NEXT, next, ret_why);
    if (rc == EG_OK) {
        rc = write_row(db, is_removal ? S_REMOVE : S_PUT, key, value, next[0], 0, ret_why);
    }
    if (rc == EG_OK) {
        rc = write_row(db, S_LOG, key, value, next[0],
                       is_removal ? EG_CHANGE_REMOVE : EG_CHANGE_PUT, ret_why);
    }
    if (rc == EG_OK) {
        rc = prune(db, next[0], next[1], ret_why);
    }
    if (rc == EG_OK) {
        *ret_revision = (uint64_t)next[0];
    }
    return rc;
}
