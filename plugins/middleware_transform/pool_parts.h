/*
 * pool_parts.h - between pool.c (jobs, time) and pool_worker.c (one worker process). The state of a
 * worker is one word; `due_ns` is when somebody has to look at it again.
 *
 *   GONE --spawn--> STARTING --READY--> IDLE --RUN--> BUSY --DONE--> IDLE
 *                      any of them --end of file, or too late--> ENDING --reaped--> GONE
 */
#ifndef MIDDLEWARE_TRANSFORM_POOL_PARTS_H
#define MIDDLEWARE_TRANSFORM_POOL_PARTS_H

#include "child.h"
#include "pool.h"

#define TR_READ_BYTES 65536u
#define TR_MS UINT64_C(1000000)
#define TR_UNKNOWN TR_OUTCOMES

enum tr_state { GONE, STARTING, IDLE, BUSY, ENDING };

struct tr_worker {
    struct tr_pool *pool;
    enum tr_state state;
    pid_t pid;
    clockid_t clock; /* of its processor time */
    int32_t fd;
    struct eg_fd_watch *watch;
    int32_t is_writing; /* the watch asks for room, too */
    struct eg_str out;  /* what is not sent yet */
    struct egx_json in;
    struct tr_job *job;  /* the one it is at */
    struct tr_job *next; /* sent already, so that it need not sleep between two */
    uint32_t cause;      /* ENDING: what its job ends with; TR_UNKNOWN = how it ended will tell */
    uint64_t runs;       /* that it began */
    uint64_t due_ns;
    uint64_t began_ns; /* of the job */
    uint64_t began_cpu_ns;
};

struct tr_pool {
    const struct tr_pool_config *config;
    const struct eg_host *host;
    struct eg_loop *loop;
    struct tr_worker *workers;
    struct tr_job *first;
    struct tr_job **last;
    uint32_t waiting;
    uint32_t failures; /* workers that ended without a run, since one was done */
    struct eg_timer *timer;
    uint64_t timer_ns;
    int32_t is_closing;
    struct tr_pool *next;      /* of those that are closed */
    char piece[TR_READ_BYTES]; /* of what is received */
};

/* ---- pool.c ---- */

void tr_pool_schedule(struct tr_pool *pool);
void tr_pool_dispatch(struct tr_pool *pool);
void tr_pool_push_front(struct tr_pool *pool, struct tr_job *job);
void tr_pool_refuse_waiting(struct tr_pool *pool);
uint32_t tr_pool_alive(const struct tr_pool *pool);
int32_t tr_pool_is_down(const struct tr_pool *pool);
void tr_job_end(struct tr_job *job, uint32_t kind, const char *message);

static inline uint64_t tr_pool_now_ns(const struct tr_pool *pool) {
    return pool->host->clock->monotonic_ns(pool->host);
}

/* ---- pool_worker.c ---- */

void tr_worker_spawn(struct tr_worker *worker);
/* Kills it; its job ends with the cause (TR_UNKNOWN: how it ended will tell) when it is gone. */
void tr_worker_end(struct tr_worker *worker, uint32_t cause);
void tr_worker_reap(struct tr_worker *worker);
void tr_worker_send(struct tr_worker *worker, const struct tr_job *job);
void tr_worker_begin_run(struct tr_worker *worker); /* its job is the one it is at, from now on */
void tr_worker_look_at(struct tr_worker *worker, uint64_t now); /* it is due */

#endif
