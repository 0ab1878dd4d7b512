/*
 * store.h - an instance of the Redis store. All on the control thread, but the look-up of names.
 *
 *   session.c   finds the server and keeps two connections to it: one for commands, one that waits
 *               for changes
 *   greeting.c  what is said at the beginning of a connection
 *   feed.c      the waiting, and whether they are alive
 *   job.c       one run of a script on the first of them
 *   ops.c       get, list, put, remove, commit
 *   content.c   the whole content below a prefix, by pages
 *   watches.c   what watches are told
 *   audit.c     the periodic comparison
 */
#ifndef STORAGE_REDIS_STORE_H
#define STORAGE_REDIS_STORE_H

#include <stdbool.h>

#include <eventgw-sdk/egx_storage.h>

#include "answers.h"
#include "link.h"
#include "scripts.h"

#define REDIS_NONCE_BYTES 48u
#define REDIS_VALUE_BYTES (16u * 1024u * 1024u) /* of a key, of a value */
#define REDIS_PEERS 16u
#define REDIS_BAD_KEYS 64u

struct redis_settings {
    struct eg_str_list address;
    struct eg_str username;
    struct eg_str password;
    int64_t database;
    struct eg_str prefix;
    uint32_t tls;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
    struct eg_str server_name;
    struct eg_str_list sentinels;
    struct eg_str sentinel_master;
    struct eg_str sentinel_username;
    struct eg_str sentinel_password;
    int64_t history;
    uint64_t reconcile; /* ns, as all durations */
    uint64_t timeout;
    uint64_t dead_after;
    int64_t wait_replicas;
    uint64_t wait_timeout;
};

struct redis_store;

/* Revision and nonce of a change: a place in the history that can be recognised. */
struct redis_place {
    uint64_t revision;
    char nonce[REDIS_NONCE_BYTES]; /* "" = not known */
};

/* ---- jobs ---- */

/* One run of a script. Embedded in its owner, who keeps it until finish. */
struct redis_job {
    struct redis_call call;
    struct redis_store *store;
    enum redis_script script;
    bool is_retry; /* the whole text was sent */
    bool is_lost;  /* it was sent and never answered */
    /* Adds the arguments; maybe twice. */
    void (*build)(struct redis_job *job, struct redis_command *command);
    /* rc 0: reply is an array with a word at its beginning. Else it is NULL and why is said. */
    void (*finish)(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                   const struct eg_why *why);
};
void redis_job_run(struct redis_job *job); /* never finishes inside, unless the store is away */

/* ---- content ---- */

/* A consistent reading of what is below a prefix. */
struct redis_content {
    struct redis_job job;
    struct eg_str prefix; /* borrowed */
    struct egx_rows rows; /* the owner's, when done: ascending by key */
    struct redis_place place;
    struct redis_place begin;
    struct eg_buf after;
    bool is_begun;
    uint32_t tries;
    void (*done)(struct redis_content *content, int32_t rc, const struct eg_why *why);
};
void redis_content_read(struct redis_content *content, struct redis_store *store,
                        struct eg_str prefix);
void redis_content_free(struct redis_content *content);
/* Of rows of several moments the newest of each key; removals go. Ascending by key afterwards. */
void redis_rows_settle(const struct eg_host *host, struct egx_rows *rows);
/* Appends what a script has listed as {revision, kind, key, value, created}. False: no such list.
 */
bool redis_rows_add_changes(struct redis_store *store, struct egx_rows *rows,
                            const struct redisReply *list);

/* ---- session ---- */

enum redis_phase {
    REDIS_PHASE_RESTING, /* until the next try */
    REDIS_PHASE_LOOKUP,  /* of names, on a pool thread */
    REDIS_PHASE_SENTINEL,
    REDIS_PHASE_COMMANDS, /* the first connection is set up */
    REDIS_PHASE_FEED,     /* the second */
    REDIS_PHASE_UP
};

struct redis_steps;

struct redis_session {
    enum redis_phase phase;
    struct redis_peer peers[REDIS_PEERS];
    size_t peer_count;
    size_t tried;  /* of the peers, in this round */
    size_t offset; /* the one that is tried first */
    bool is_lookup_running;
    struct redis_link *commands;
    struct redis_link *feed;
    struct redis_link *sentinel;
    struct redis_link *greeted; /* one of these */
    const struct redis_steps *steps;
    size_t step;
    struct redis_call greeting;
    struct redis_call waiting; /* for changes */
    struct redis_call role;    /* asked now and then */
    bool is_role_asked;
    char feed_id[48]; /* of the newest change that is known of */
    char master[280]; /* what a Sentinel has told, as an address */
    struct eg_timer *pause;
    struct eg_timer *limit;     /* of setting up */
    struct eg_timer *heartbeat; /* while up */
    struct egx_backoff backoff;
    int32_t rc; /* why it is not up */
    struct eg_why why;
    int32_t round_rc; /* the same of this round; a refusal counts more than an absence */
    struct eg_why round_why;
};

struct redis_audit;
struct redis_watch;

struct redis_store {
    uint32_t magic;
    const struct eg_host *host;
    const struct redis_settings *settings;
    struct eg_loop *control;
    struct redis_tls *tls;
    char *server_name; /* NULL: that of the address */
    char *keys[5];     /* with the prefix, as the scripts take them */
    char epoch[REDIS_NONCE_BYTES];
    struct redis_session session;
    struct eg_op *start;
    struct eg_timer *start_limit;
    bool is_draining;
    struct redis_watch *watches;
    struct redis_audit *audit;
    struct eg_metric *bad_records;
    struct eg_metric *repairs;
    uint64_t bad_keys[REDIS_BAD_KEYS]; /* that the log knows already */
    size_t bad_count;
};

void redis_session_begin(struct redis_store *store);
/* Ends what is up or being set up and tries anew, unless the store is draining. */
void redis_session_fail(struct redis_store *store, int32_t rc, const struct eg_why *why);
void redis_session_drain(struct redis_store *store);
/* Draining, and the last job has ended. */
void redis_session_rest(struct redis_store *store);
void redis_session_end(struct redis_store *store);
bool redis_session_is_up(const struct redis_store *store);

void redis_feed_start(struct redis_store *store); /* the session is up */
void redis_feed_stop(struct redis_store *store);

/* ---- others ---- */

void redis_fresh_nonce(char out[REDIS_NONCE_BYTES]);
/* Counts it and names it in the log, once. */
void redis_bad_record(struct redis_store *store, struct eg_str key, const char *why);
void redis_place_set(struct redis_place *place, uint64_t revision, struct eg_str nonce);

int32_t redis_get(void *instance, struct eg_str key, struct eg_op *op);
int32_t redis_list(void *instance, struct eg_str prefix, struct eg_op *op);
int32_t redis_put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                  struct eg_op *op);
int32_t redis_remove(void *instance, struct eg_str key, uint64_t expect_revision, struct eg_op *op);
int32_t redis_commit(void *instance, const struct eg_commit *commit, struct eg_op *op);

int32_t redis_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                         struct eg_watch *watch);
void redis_watch_close(void *instance, struct eg_watch *watch);
void redis_watches_wake(struct redis_store *store);
void redis_watches_down(struct redis_store *store, const struct eg_why *why);
/* Holds the rows (ascending by key) that stand at the revision against what was told. */
void redis_watches_compare(struct redis_store *store, const struct egx_rows *rows,
                           uint64_t revision);
void redis_watches_free(struct redis_store *store);

void redis_audit_create(struct redis_store *store);
void redis_audit_start(struct redis_store *store); /* the session is up */
void redis_audit_stop(struct redis_store *store);
void redis_audit_free(struct redis_store *store);

#endif
