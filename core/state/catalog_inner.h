/*
 * state/catalog_inner.h - what the files of the catalog share. Control thread.
 */
#ifndef GW_STATE_CATALOG_INNER_H
#define GW_STATE_CATALOG_INNER_H

#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/op.h"
#include "state/catalog.h"
#include "state/content.h"

#define GW_CATALOG_MAGIC 0x63617431u /* cat1 */
/* How long start waits for the first content, and stop for the end of what is under way. */
#define GW_CATALOG_START_NS (10 * GW_NS_PER_S)
#define GW_CATALOG_STOP_NS (10 * GW_NS_PER_S)

struct gw_feed {
    struct eg_watch pub; /* first */
    struct gw_catalog *catalog;
    bool is_open; /* the plugin borrows it */
};

/* The cached copy on disk: see catalog_copy.c. */
struct gw_copy_job;
struct gw_copy {
    char *file;               /* NULL: none is kept */
    struct gw_copy_job *job;  /* with the pool */
    struct gw_timer pause;    /* until the next writing */
    struct gw_timer patience; /* at the start: how long the store may be silent */
    uint64_t next_ns;         /* no writing before */
    bool is_stale;            /* the content is not in the file yet */
    bool is_failing;          /* told in the log */
    bool is_asked;            /* whether it can be started from */
    bool is_used;             /* the content came from it */
};

/* The oldest write of this node that the watch has not told yet; revision 0 = none. */
struct gw_awaited {
    uint64_t revision;
    uint64_t since_ns;
};

struct gw_catalog {
    uint32_t magic;
    struct gw_catalog_config config;
    const struct eg_storage_ops *ops;
    struct gw_content content;
    struct gw_content fresh; /* while resynchronising */
    struct gw_feed feed;
    uint64_t revision;
    uint64_t settled; /* all that was put up to this revision and is still there has been told */
    uint64_t written; /* the newest revision that a write of this node made */
    struct gw_awaited awaited;
    uint64_t down_ns;   /* since when the store is away, monotonic; 0 = it is not */
    uint64_t behind_ns; /* since when the content may be old; 0 = it is not */
    bool is_resyncing;
    bool is_ready; /* the content was there once */
    bool is_up;
    bool is_stopping;
    bool is_heard_out; /* stopping, and the watch still has to tell what this node has written */
    uint32_t ops_pending;
    uint64_t back_off_ns; /* bound of the last pause */
    struct gw_copy copy;
    struct gw_timer back_off;
    struct gw_timer ready_timer;
    struct gw_timer stop_timer;
    struct gw_task change_task; /* deferred on_change */
    struct gw_task stop_task;
    struct eg_metric *bad_records;
    struct eg_why down_why;
    void (*on_ready)(void *arg, int32_t status, struct eg_str why);
    void *ready_arg;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

/* Makes a refusal of watch known without a watch: starts anew later. */
void gw_catalog_watch(struct gw_catalog *catalog);
void gw_catalog_unwatch(struct gw_catalog *catalog);
/* The first content is there, or will not come; what on_ready is told. */
void gw_catalog_become_ready(struct gw_catalog *catalog, int32_t status, struct eg_str why);
/* A write of this node made the revision. */
void gw_catalog_note_written(struct gw_catalog *catalog, uint64_t revision);
/* A store that can check, in one step with a write, what the write rests on. */
bool gw_catalog_has_commit(const struct gw_catalog *catalog);
/* Something was told: goes on with a stop that waits for it. */
void gw_catalog_check_heard(struct gw_catalog *catalog);
/* Answers stop when nothing is under way any more. */
void gw_catalog_check_stopped(struct gw_catalog *catalog);

/* ---- catalog_copy.c ---- */
void gw_copy_init(struct gw_catalog *catalog);
/* The store is waited for: after a while the copy is asked. */
void gw_copy_start(struct gw_catalog *catalog);
/* The store is away and no content is there yet: become ready with the copy, if it can be used. */
void gw_copy_ask(struct gw_catalog *catalog);
/* The content changed, and came from the store; gw_copy_refresh follows, or the stop. */
void gw_copy_mark(struct gw_catalog *catalog);
void gw_copy_refresh(struct gw_catalog *catalog);
/* Would a copy of the present content lack what this node has written, and will that be told? */
bool gw_copy_is_early(const struct gw_catalog *catalog);
/* on_over when a store that was waited for is silent for too long; gw_copy_stop ends it, too. */
void gw_copy_wait(struct gw_catalog *catalog, void (*on_over)(struct gw_timer *timer));
/* Writes what is not in the file yet; gw_catalog_check_stopped when nothing is under way. */
void gw_copy_stop(struct gw_catalog *catalog);
bool gw_copy_is_busy(const struct gw_catalog *catalog);
void gw_copy_free(struct gw_catalog *catalog);

/* ---- one storage operation ---- */
struct gw_store_call {
    struct gw_op op;
    struct gw_task task; /* delivers a refusal */
    struct gw_catalog *catalog;
    struct gw_bytes key;
    struct gw_bytes value;
    struct gw_arena arena; /* for more that the storage borrows */
    int32_t refused;
    bool is_answered; /* the deadline has answered */
    /* Exactly once. result is NULL after a deadline or refusal. */
    void (*on_answer)(struct gw_store_call *call, int32_t status, struct eg_str why,
                      struct eg_result *result);
    void *owner;
    size_t place;
};
struct gw_store_call *gw_store_call_create(struct gw_catalog *catalog);
/* before and after the call of the storage's function. rc is what it returned. */
void gw_store_call_begin(struct gw_store_call *call, uint64_t deadline_ns);
void gw_store_call_sent(struct gw_store_call *call, int32_t rc);

#endif
