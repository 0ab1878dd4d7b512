/*
 * table.h - which events are being processed and what the last ones were answered, for all loops:
 * shards, each behind a lock that is held for a look and never across a call out. Bounded in
 * entries and bytes; what is oldest makes room.
 */
#ifndef DEDUPE_TABLE_H
#define DEDUPE_TABLE_H

#include <eventgw-sdk/egx.h>

#include "siphash.h"

/* An answer that is kept. Counted: whoever sends it holds it. */
struct reply {
    const struct eg_host *host;
    uint32_t refs; /* atomic */
    uint32_t status;
    struct eg_str content_type;
    struct eg_str body;
    struct eg_kv *headers;
    size_t header_count;
    size_t bytes; /* of all that */
};
struct reply *dedupe_reply_hold(struct reply *reply);
void dedupe_reply_release(struct reply *reply); /* NULL is fine */

/* A duplicate that waits for the first. Belongs to its loop; the links are the table's. */
struct waiter {
    struct waiter *next;
    struct sip_hash key;
    int is_queued;       /* the table's */
    struct entry *entry; /* woken to be the first of it, */
    struct reply *reply; /* or with what it is to answer, held */
};

struct table;
struct entry;

enum look {
    LOOK_FIRST,   /* nobody knows it; the caller has to finish the entry */
    LOOK_DONE,    /* *ret_reply is held */
    LOOK_OWN,     /* the owner has it already */
    LOOK_WAITS,   /* the waiter is in the list */
    LOOK_RUNNING, /* no waiter was given */
    LOOK_CROWDED, /* too many wait */
    LOOK_FULL     /* there is no room, nothing is known of it */
};

struct table_config {
    uint64_t max_entries;
    uint64_t max_bytes;
    uint64_t max_waiters; /* of one entry */
    uint64_t window_ns;
    struct eg_metric *evictions;
    struct eg_metric *entries; /* gauges */
    struct eg_metric *bytes;
};

struct table *dedupe_table_new(const struct eg_host *host, const struct table_config *config);
void dedupe_table_free(struct table *table); /* NULL is fine; nothing runs or waits any more */
/* waiter NULL: does not want to wait. owner: identity of who becomes the first. */
enum look dedupe_table_look(struct table *table, const struct sip_hash *key, uint64_t now_ns,
                            const void *owner, struct waiter *waiter, struct entry **ret_entry,
                            struct reply **ret_reply);
/* The first has ended. reply (borrowed) NULL: it is not kept. What comes back are the waiters to
 * wake, linked by next: all of them with the reply; or only one, that is the first from now on.
 * The entry is gone when it says NULL without a reply. */
struct waiter *dedupe_table_finish(struct table *table, struct entry *entry, uint64_t now_ns,
                                   struct reply *reply);
/* The owner from now on, after a waiter was woken to be the first. */
void dedupe_table_own(struct table *table, struct entry *entry, const void *owner);
/* 1: it does not wait any more; 0: it was woken meanwhile. */
int dedupe_table_leave(struct table *table, struct waiter *waiter);

#endif
