/*
 * store.h - an instance of the embedded store: its queue of jobs and its watches. All on the
 * control thread, but what stands under `work` in a job, which runs on a pool thread.
 */
#ifndef STORAGE_EMBEDDED_STORE_H
#define STORAGE_EMBEDDED_STORE_H

#include "db.h"

struct embedded_settings {
    struct eg_str path;
    uint64_t busy_timeout; /* ns, as all durations */
    uint64_t poll;
    int64_t history;
};

struct embedded_store;

#define EMBEDDED_JOB_READ 0u
#define EMBEDDED_JOB_WRITE 1u
#define EMBEDDED_JOB_BARE 2u /* not within a transaction */

/* One piece of work with the database. Embedded in its owner, who keeps it until finish. */
struct embedded_job {
    struct embedded_job *next;
    uint32_t mode; /* EMBEDDED_JOB_* */
    /* Pool thread; may be called again after a fault, then starts anew. */
    int32_t (*work)(struct embedded_store *store, struct embedded_job *job);
    /* Control thread; status and why are those of work, or of the transaction. */
    void (*finish)(struct embedded_store *store, struct embedded_job *job);
    int32_t status;
    struct eg_why why;
};

struct embedded_queue {
    struct embedded_job *first;
    struct embedded_job *last;
    size_t count;
};

struct embedded_store {
    uint32_t magic;
    const struct eg_host *host;
    const struct embedded_settings *settings;
    struct eg_loop *control;
    struct embedded_db *db; /* pool threads use it, one at a time */
    struct embedded_queue waiting;
    struct embedded_queue batch; /* at work now */
    bool is_working;
    bool is_draining;
    struct eg_timer *retry; /* the pool was full */
    struct eg_timer *ticker;
    struct embedded_watch *watches;
    struct embedded_job poll;
    bool is_poll_queued;
    int64_t version;      /* pool thread, then control thread in finish */
    int64_t seen_version; /* what the watches know of */
};

void embedded_submit(struct embedded_store *store, struct embedded_job *job);

int32_t embedded_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                            struct eg_watch *watch);
void embedded_watch_close(void *instance, struct eg_watch *watch);
/* Reads what is new for every watch. */
void embedded_watches_wake(struct embedded_store *store);
/* Starts and stops looking for the writes of other processes. */
void embedded_watches_start(struct embedded_store *store);
void embedded_watches_stop(struct embedded_store *store);
void embedded_watches_free(struct embedded_store *store);

#endif
