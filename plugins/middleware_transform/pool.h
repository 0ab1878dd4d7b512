/*
 * pool.h - the workers of one loop and the jobs that wait for them.
 *
 * A job is one RUN frame. Each worker is at one, and has a second one when all are at work. The
 * others wait in order, and no more than max_queue of them. Every job that was taken ends with one
 * call of its `ended`, on the loop, unless tr_pool_withdraw gave it back before.
 *
 * A worker that takes too long, runs out of memory or crashes costs the job it was at; one that
 * somebody else killed does not: its job is run once more. A new worker is started at once, or
 * after a pause when several ended before they were given anything.
 */
#ifndef MIDDLEWARE_TRANSFORM_POOL_H
#define MIDDLEWARE_TRANSFORM_POOL_H

#include <stdatomic.h>

#include "wire.h"

struct tr_pool;

/* Pools that are closed and not yet free; loops close theirs in parallel. */
struct tr_closed {
    _Atomic(struct tr_pool *) first;
};

struct tr_pool_config {
    const struct eg_host *host;
    const char *worker_path;
    struct eg_str setup; /* the SETUP frame */
    uint64_t timeout_ns;
    uint64_t max_output;
    uint32_t workers;
    uint32_t max_queue;
    struct eg_metric *restarts;
};

struct tr_outcome {
    uint32_t kind;   /* TR_OK... */
    uint32_t status; /* TR_REFUSED */
    struct eg_str message;
    uint32_t change_count;
    struct tr_reader changes;
};

struct tr_job {
    struct tr_job *next;
    const void *key;       /* by which it is found */
    struct egx_json frame; /* the job's own */
    void (*ended)(struct tr_job *job, const struct tr_outcome *outcome);
    int32_t is_abandoned; /* nobody waits for it any more */
    uint32_t lost;        /* workers that were taken away while they had it */
};

/* config is borrowed until close. at_once: so many workers are started before there is work, 0 or
 * 1; the others when jobs have to wait. The loop's thread, as everything here. */
struct tr_pool *tr_pool_open(const struct tr_pool_config *config, struct eg_loop *loop,
                             uint32_t at_once);
/* give. Ends the workers, and does not wait for it: until the kernel has taken back the memory of a
 * worker, tenths of a second may pass. Jobs that are still there end with TR_UNAVAILABLE. */
void tr_pool_close(struct tr_pool *pool, struct tr_closed *closed);
/* Waits until the workers of all of them are gone. Any thread, once no loop closes another. */
void tr_pools_free(struct tr_closed *closed);

/* give. EG_E_BUSY: the queue is full. EG_E_UNAVAILABLE: no worker stays alive. Not taken then. */
int32_t tr_pool_submit(struct tr_pool *pool, struct tr_job *job);
/* Nobody waits for the job of this key any more; 0 = there is none, it has ended. take:
 * ret_waiting, when no worker had it yet; one that is running will end, and is marked. */
int32_t tr_pool_withdraw(struct tr_pool *pool, const void *key, struct tr_job **ret_waiting);

/* A DONE payload, believed nothing. EG_E_PROTO. */
int32_t tr_outcome_read(struct eg_str payload, struct tr_outcome *ret_outcome);

#endif
