/*
 * state/catalog_inner.h - what the files of the catalog share. Control thread.
 */
#ifndef GW_STATE_CATALOG_INNER_H
#define GW_STATE_CATALOG_INNER_H

#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/op.h"
#include "state/catalog.h"

#define GW_CATALOG_MAGIC 0x63617431u /* cat1 */
/* How long start waits for the first content, and stop for the end of what is under way. */
#define GW_CATALOG_START_NS (10 * GW_NS_PER_S)
#define GW_CATALOG_STOP_NS (10 * GW_NS_PER_S)

/* What a catalog knows of one key besides its object. */
struct gw_record {
    struct eg_str key; /* behind the record, in the same block */
    uint64_t born;     /* the first revision of the key that was seen */
    uint64_t revision;
    struct gw_object *object; /* NULL: the value cannot be read */
};

/* The content as one watch told it; a resynchronisation fills a second one. */
struct gw_content {
    struct gw_map records;           /* key -> struct gw_record */
    struct gw_map objects[GW_KINDS]; /* key -> struct gw_object */
    size_t bad_count;
};

struct gw_feed {
    struct eg_watch pub; /* first */
    struct gw_catalog *catalog;
    bool is_open; /* the plugin borrows it */
};

struct gw_catalog {
    uint32_t magic;
    struct gw_catalog_config config;
    const struct eg_storage_ops *ops;
    struct gw_content content;
    struct gw_content fresh; /* while resynchronising */
    struct gw_feed feed;
    uint64_t revision;
    uint64_t written; /* the newest revision that a write of this node made */
    bool is_resyncing;
    bool is_ready; /* the content was there once */
    bool is_up;
    bool is_stopping;
    uint32_t ops_pending;
    uint64_t back_off_ns;
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
void gw_content_free(struct gw_content *content);
/* Answers stop when nothing is under way any more. */
void gw_catalog_check_stopped(struct gw_catalog *catalog);

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
