/*
 * store.h - an instance of the ZooKeeper store, and the parts that it is made of. All on the
 * control thread; the threads of the library end in client.c.
 *
 *   ROOT/items/NAME   one znode per key (names.h); its data are the value, its mzxid the revision
 *   ROOT/guard        goes with every write, so that the zxid of the guard is the revision of the
 *                     store; its data name the last changes (ring.h)
 *
 *   session.c   the connection: one client after the other; the guard as it was last seen
 *   fetch.c     many items at once
 *   snapshot.c  all items of a prefix as they were at one moment
 *   write.c     a write with its checks
 *   watches.c   what has changed since
 *   store.c     settings, life, get and list
 */
#ifndef STORAGE_ZOOKEEPER_STORE_H
#define STORAGE_ZOOKEEPER_STORE_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_storage.h>

#include "client.h"
#include "names.h"
#include "ring.h"
#include "rows.h"

struct zk_settings {
    struct eg_str_list servers;
    struct eg_str root;
    struct eg_str username;
    struct eg_str password;
    uint64_t session_timeout;
    uint64_t timeout;
    uint64_t reconcile;
    int64_t history;
    uint64_t max_packet;
};

#define ZK_SESSION_IDLE 0u       /* not begun, refused or drained */
#define ZK_SESSION_CONNECTING 1u /* until the server has given a session */
#define ZK_SESSION_SETUP 2u      /* the nodes of ours are made and read */
#define ZK_SESSION_READY 3u
#define ZK_SESSION_PAUSE 4u

/* The guard as it was last seen. Replaced, never changed: who goes on with it later holds it. */
struct zk_guard {
    uint32_t holds;
    int32_t version;
    struct zk_ring ring;
};

struct zk_session {
    uint32_t state;
    struct zk_client *client; /* in CONNECTING, SETUP, READY */
    size_t closing;           /* clients whose threads are not gone yet */
    struct zk_guard *guard;   /* the latest seen, or NULL */
    struct egx_backoff backoff;
    struct eg_timer *pause;
    struct eg_timer *ticker;
    struct eg_timer *late;        /* from the first drain that found operations under way */
    bool is_open;                 /* the client, in CONNECTING: until then it looks names up */
    uint64_t connecting_since_ns; /* or looking names up */
    uint64_t probed_ns;
    size_t failures; /* of this client */
    size_t setup_at; /* which node is being looked at */
    bool is_probing;
    bool is_doubted; /* something was denied: look soon whether everything is */
    bool is_down_logged;
    int32_t trouble; /* why it is not READY: EG_E_UNAVAILABLE, _DENIED, _PROTO */
    char trouble_text[480];
};

struct zk_watch;
struct zk_write;

struct zk_store {
    uint32_t magic;
    const struct eg_host *host;
    const struct zk_settings *settings;
    struct eg_loop *control;
    char *servers; /* as the library wants them */
    char *digest;  /* user:password or NULL */
    char *root;
    char *items;
    char *guard;
    struct eg_op *start_op; /* not yet answered */
    uint64_t started_ns;
    int32_t start_status; /* what it will be answered with once the client is closed */
    bool is_draining;
    size_t ops_under_way;
    struct zk_session session;
    struct zk_watch *watches;
    struct zk_write *writes; /* the first one is at work */
    struct zk_write *last_write;
    bool is_running_writes;
    struct egx_rows bad_names; /* already in the log */
    struct eg_metric *bad_records;
};

/* ---- session.c ---- */

void zk_session_start(struct zk_store *store);
void zk_session_drain(struct zk_store *store);
void zk_session_free(struct zk_store *store);
bool zk_session_is_ready(const struct zk_store *store);
/* Gives this connection up and says why; the next one is tried after a pause. */
EGX_PRINTF(3, 4)
void zk_session_lose(struct zk_store *store, int32_t status, const char *format, ...);
/* An answer that is no success and nothing that was to be expected: returns the status for who
 * asked for path, with its text in ret_why. The session goes on; ACLs are those of single nodes. */
int32_t zk_session_failed(struct zk_store *store, const struct zk_reply *reply, const char *path,
                          struct eg_why *ret_why);
/* Asks for the guard; what was read is session.guard when done runs (with EG_OK). */
void zk_guard_read(struct zk_store *store, void (*done)(void *arg, int32_t status), void *arg);
/* After a write of our own: the state it has led to. */
void zk_guard_written(struct zk_store *store, int32_t version, uint64_t made_zxid, uint64_t zxid,
                      struct eg_str data);
struct zk_guard *zk_guard_hold(struct zk_guard *guard);
void zk_guard_drop(struct zk_store *store, struct zk_guard *guard); /* NULL is fine */

/* ---- fetch.c ---- */

/* Reads the items of many keys, not all at once. Rows of the result, in no order: PUT with the
 * revisions (and the value, unless stat_only), or REMOVE with revision 0 for what is not there. */
struct zk_fetch {
    struct zk_store *store;
    struct egx_rows keys; /* ours from begin on; only keys count */
    bool stat_only;
    void (*done)(void *arg, int32_t status);
    void *arg;
    struct egx_rows rows; /* the caller's in the end */
    size_t next;
    size_t under_way;
    int32_t status;
    struct eg_why why;
};
/* done may run inside only when there are no keys. */
void zk_fetch_begin(struct zk_fetch *fetch);

/* ---- snapshot.c ---- */

/* All items whose key begins with the prefix, as they were when the guard was `guard`. */
struct zk_snapshot {
    struct zk_store *store;
    struct eg_str prefix; /* borrowed */
    bool stat_only;
    void (*done)(void *arg, int32_t status, struct eg_why *why);
    void *arg;
    struct egx_rows rows; /* ascending by key */
    uint64_t children_zxid;
    struct zk_guard *guard; /* held */
    struct zk_fetch fetch;
    uint32_t rounds;
    struct eg_why why;
};
void zk_snapshot_begin(struct zk_snapshot *snapshot);
/* Frees rows and guard. */
void zk_snapshot_free(struct zk_snapshot *snapshot);
/* The last change of each key with the prefix after a zxid. */
void zk_ring_changed(const struct eg_host *host, const struct zk_ring *ring, struct eg_str prefix,
                     uint64_t after, struct egx_rows *out);

/* ---- write.c ---- */

int32_t zk_write_begin(struct zk_store *store, const struct eg_commit *commit, struct eg_op *op);

/* ---- watches.c ---- */

int32_t zk_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                      struct eg_watch *told);
void zk_watch_close(void *instance, struct eg_watch *told);
void zk_watches_wake(struct zk_store *store);
void zk_watches_down(struct zk_store *store);
void zk_watches_tick(struct zk_store *store);
void zk_watches_free(struct zk_store *store);

/* ---- store.c ---- */

/* Every op of the storage ends through one of these. */
void zk_op_begun(struct zk_store *store);
void zk_op_ended(struct zk_store *store);
void zk_bad_record(struct zk_store *store, struct eg_str name);
/* Answers start, if it waits. */
void zk_started(struct zk_store *store, int32_t status);

#endif
