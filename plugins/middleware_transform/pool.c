/*
 * pool.c - jobs and time of a pool, see pool.h. One timer serves all workers, and is not touched
 * when a job ends: it finds nothing to do then, so a job costs no timer.
 */
#include "pool_parts.h"

#define DOWN_FAILURES 6u /* after so many, nobody is kept waiting */

static void on_timer(void *arg);

/* ---- time ---- */

void tr_pool_schedule(struct tr_pool *pool) {
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        const uint64_t due_ns = pool->workers[i].due_ns;
        next_ns = due_ns != 0 && due_ns < next_ns ? due_ns : next_ns;
    }
    if (next_ns == UINT64_MAX || (pool->timer != NULL && pool->timer_ns <= next_ns)) {
        return;
    }
    const uint64_t now = tr_pool_now_ns(pool);
    pool->host->loop->timer_stop(pool->host, pool->timer);
    pool->timer_ns = next_ns;
    pool->timer = pool->host->loop->timer_start(
        pool->host, pool->loop, next_ns > now ? next_ns - now : 0, 0, on_timer, pool);
}

/* ---- jobs ---- */

static void push_back(struct tr_pool *pool, struct tr_job *job) {
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pool->waiting++;
}

void tr_pool_push_front(struct tr_pool *pool, struct tr_job *job) {
    job->next = pool->first;
    pool->last = pool->first == NULL ? &job->next : pool->last;
    pool->first = job;
    pool->waiting++;
}

static struct tr_job *take_at(struct tr_pool *pool, struct tr_job **link) {
    struct tr_job *job = *link;
    *link = job->next;
    pool->last = job->next == NULL ? link : pool->last;
    pool->waiting--;
    return job;
}

void tr_job_end(struct tr_job *job, uint32_t kind, const char *message) {
    const struct tr_outcome outcome = {.kind = kind, .message = egx_str_c(message)};
    job->ended(job, &outcome);
}

uint32_t tr_pool_alive(const struct tr_pool *pool) {
    uint32_t alive = 0;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        alive += pool->workers[i].state == STARTING || pool->workers[i].state == IDLE ||
                 pool->workers[i].state == BUSY;
    }
    return alive;
}

int32_t tr_pool_is_down(const struct tr_pool *pool) {
    return pool->failures >= DOWN_FAILURES && tr_pool_alive(pool) == 0;
}

void tr_pool_refuse_waiting(struct tr_pool *pool) {
    while (pool->first != NULL) {
        tr_job_end(take_at(pool, &pool->first), TR_UNAVAILABLE, "no worker stays alive");
    }
}

/* ---- jobs find workers ---- */

static void send_job(struct tr_worker *worker, struct tr_job **ret_job) {
    *ret_job = take_at(worker->pool, &worker->pool->first);
    tr_worker_send(worker, *ret_job);
}

static void dispatch(struct tr_worker *worker) {
    if (worker->state == IDLE && worker->pool->first != NULL) {
        tr_worker_begin_run(worker);
        send_job(worker, &worker->job);
        tr_pool_schedule(worker->pool);
    }
}

/* When all are at work, each gets one ahead. */
static void dispatch_ahead(struct tr_pool *pool) {
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->workers[i].state != BUSY) {
            return;
        }
    }
    for (uint32_t i = 0; i < pool->config->workers && pool->first != NULL; i++) {
        struct tr_worker *worker = &pool->workers[i];
        if (worker->next == NULL && worker->out.len == 0) {
            send_job(worker, &worker->next);
        }
    }
}

/* One more, when somebody has to wait; the next one when that is ready and somebody still waits. */
static void grow(struct tr_pool *pool) {
    struct tr_worker *spare = NULL;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        struct tr_worker *worker = &pool->workers[i];
        if (worker->state == STARTING || (worker->state == GONE && worker->due_ns != 0)) {
            return;
        }
        spare = spare == NULL && worker->state == GONE ? worker : spare;
    }
    if (spare != NULL) {
        tr_worker_spawn(spare);
        tr_pool_schedule(pool);
    }
}

void tr_pool_dispatch(struct tr_pool *pool) {
    for (uint32_t i = 0; i < pool->config->workers && pool->first != NULL; i++) {
        dispatch(&pool->workers[i]);
    }
    if (pool->first != NULL) {
        grow(pool);
        dispatch_ahead(pool);
    }
}

static void on_timer(void *arg) {
    struct tr_pool *pool = arg;
    const uint64_t now = tr_pool_now_ns(pool);
    pool->host->loop->timer_stop(pool->host, pool->timer);
    pool->timer = NULL;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->workers[i].due_ns != 0 && pool->workers[i].due_ns <= now) {
            tr_worker_look_at(&pool->workers[i], now);
        }
    }
    tr_pool_dispatch(pool);
    tr_pool_schedule(pool);
}

/* ---- from outside ---- */

struct tr_pool *tr_pool_open(const struct tr_pool_config *config, struct eg_loop *loop,
                             uint32_t at_once) {
    const struct eg_host *host = config->host;
    struct tr_pool *pool = host->mem->alloc(host, sizeof *pool);
    pool->config = config;
    pool->host = host;
    pool->loop = loop;
    pool->last = &pool->first;
    pool->workers = host->mem->alloc(host, config->workers * sizeof *pool->workers);
    for (uint32_t i = 0; i < config->workers; i++) {
        pool->workers[i].pool = pool;
    }
    for (uint32_t i = 0; i < at_once; i++) {
        tr_worker_spawn(&pool->workers[i]);
    }
    tr_pool_schedule(pool);
    return pool;
}

void tr_pool_close(struct tr_pool *pool, struct tr_closed *closed) {
    const struct eg_host *host = pool->host;
    pool->is_closing = 1;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        struct tr_worker *worker = &pool->workers[i];
        if (worker->state == ENDING) {
            tr_worker_reap(worker);
        } else if (worker->state != GONE) {
            tr_worker_end(worker, TR_UNKNOWN);
        }
    }
    tr_pool_refuse_waiting(pool);
    host->loop->timer_stop(host, pool->timer);
    pool->timer = NULL;
    pool->next = atomic_load(&closed->first);
    while (!atomic_compare_exchange_weak(&closed->first, &pool->next, pool)) {
    }
}

static void wait_and_free(struct tr_pool *pool) {
    const struct eg_host *host = pool->host;
    int32_t status = 0;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->workers[i].state == ENDING) {
            (void)tr_child_reap(pool->workers[i].pid, 1, &status);
        }
    }
    host->mem->free(host, pool->workers);
    host->mem->free(host, pool);
}

void tr_pools_free(struct tr_closed *closed) {
    struct tr_pool *pool = atomic_exchange(&closed->first, NULL);
    while (pool != NULL) {
        struct tr_pool *next = pool->next;
        wait_and_free(pool);
        pool = next;
    }
}

int32_t tr_pool_submit(struct tr_pool *pool, struct tr_job *job) {
    if (tr_pool_is_down(pool)) {
        return EG_E_UNAVAILABLE;
    }
    if (pool->waiting >= pool->config->max_queue) {
        return EG_E_BUSY;
    }
    push_back(pool, job);
    tr_pool_dispatch(pool);
    return EG_OK;
}

int32_t tr_pool_withdraw(struct tr_pool *pool, const void *key, struct tr_job **ret_waiting) {
    struct tr_job **link = &pool->first;
    *ret_waiting = NULL;
    while (*link != NULL && (*link)->key != key) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *ret_waiting = take_at(pool, link);
        return 1;
    }
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        struct tr_job *const both[] = {pool->workers[i].job, pool->workers[i].next};
        for (size_t k = 0; k < EGX_COUNT(both); k++) {
            if (both[k] != NULL && both[k]->key == key) {
                both[k]->is_abandoned = 1;
                both[k]->key = NULL;
                return 1;
            }
        }
    }
    return 0;
}
