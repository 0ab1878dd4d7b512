/*
 * claim.h - what a request holds of the table while its events are processed, and what the files of
 * this plugin share. A claim lives with its exchange, on its loop.
 */
#ifndef DEDUPE_CLAIM_H
#define DEDUPE_CLAIM_H

#include "table.h"

struct dedupe_settings {
    uint64_t window;
    int64_t max_entries;
    uint64_t max_memory;
    uint64_t max_body;
    int64_t max_waiters;
    struct eg_str remember;
    struct eg_str_list key_headers;
};

enum count {
    COUNT_FIRST,     /* processed */
    COUNT_REPLAYED,  /* answered like the first, at once */
    COUNT_WAITED,    /* the same, after the first had ended */
    COUNT_REFUSED,   /* the first took too long, or too many waited */
    COUNT_UNKEPT,    /* processed, and the answer is not kept */
    COUNT_UNTRACKED, /* processed without being known */
    COUNTS
};

struct dedupe {
    const struct eg_host *host;
    const struct dedupe_settings *settings;
    struct table *table;
    struct sip_key key;
    struct eg_metric *events[COUNTS];
};

/* Of one loop. */
struct slot {
    struct eg_loop *loop;
    struct wait *waits;
};

/* A duplicate that waits; it lives until its op is done and nobody posts to it any more. */
struct wait {
    struct waiter waiter; /* first */
    struct dedupe *dedupe;
    struct slot *slot;
    struct wait *next; /* of the slot */
    struct eg_exchange *exchange;
    struct eg_op *op;
    struct eg_timer *timer;
    int is_over;
};
static inline struct wait *wait_of(struct waiter *waiter) {
    return (struct wait *)(void *)waiter;
}

/* What makes two events the same. 0: this one cannot be known. */
int dedupe_key(const struct dedupe *d, const struct eg_exchange *exchange,
               const struct eg_event *event, struct sip_hash *ret_key);
int dedupe_is_batch(const struct dedupe *d, const struct eg_exchange *exchange);

/* The request is the first with this event. */
void dedupe_claim_add(struct dedupe *d, struct eg_exchange *exchange, struct entry *entry);
/* The request has its reply. */
void dedupe_claim_finish(struct dedupe *d, struct eg_exchange *exchange);
/* Ends one entry and wakes who waits. reply is borrowed; NULL: there is none to keep. */
void dedupe_end(struct dedupe *d, struct entry *entry, struct reply *reply);
void dedupe_wake(struct dedupe *d, struct waiter *woken);

#endif
