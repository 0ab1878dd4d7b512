/*
 * io/blocking.c - see blocking.h. A queue, a mutex, and a few threads that take from it.
 * Control-plane work only (stores, name resolution), so a lock is fine here.
 *
 * Thread: gw_pool_run from any loop thread; create and destroy on one thread. The pool borrows
 * jobs.
 */
#include "io/blocking.h"

#include <pthread.h>
#include <signal.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread_slice.h"

struct gw_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct gw_node queue; /* struct gw_job, by node */
    uint32_t queued;
    uint32_t queue_length;
    uint32_t thread_count;
    bool is_closing;
    pthread_t threads[];
};

static void post_done(struct gw_task *task) {
    struct gw_job *job = GW_CONTAINER(task, struct gw_job, task);
    job->done(job);
}

/* The next job, or NULL when the pool closes and nothing is left. */
static struct gw_job *take_job(struct gw_pool *pool) {
    struct gw_node *node = NULL;
    pthread_mutex_lock(&pool->lock);
    while (gw_list_empty(&pool->queue) && !pool->is_closing) {
        pthread_cond_wait(&pool->has_work, &pool->lock);
    }
    node = gw_list_shift(&pool->queue);
    pool->queued -= node != NULL ? 1 : 0;
    pthread_mutex_unlock(&pool->lock);
    return node == NULL ? NULL : GW_CONTAINER(node, struct gw_job, node);
}

static void *run_thread(void *arg) {
    struct gw_pool *pool = arg;
    gw_thread_slice(GW_SLICE_ASIDE_NS);
    for (struct gw_job *job; (job = take_job(pool)) != NULL;) {
        job->work(job);
        job->task.fn = post_done;
        gw_loop_post(job->loop, &job->task);
    }
    return NULL;
}

/* Signals are the main thread's: pool threads start with all of them blocked. */
static int32_t start_threads(struct gw_pool *pool, uint32_t threads) {
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, run_thread, pool) == 0) {
        pool->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return pool->thread_count == threads ? EG_OK : EG_E_IO;
}

int32_t gw_pool_create(uint32_t threads, uint32_t queue_length, struct gw_pool **ret_pool) {
    if (threads == 0 || queue_length == 0) {
        return EG_E_INVAL;
    }
    struct gw_pool *pool =
        gw_alloc(gw_size_add(sizeof *pool, gw_size_mul(threads, sizeof(pthread_t))));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    gw_list_init(&pool->queue);
    pool->queue_length = queue_length;
    if (start_threads(pool, threads) != EG_OK) {
        gw_logf(EG_LOG_ERROR, "only %u of %u pool threads could be started", pool->thread_count,
                threads);
        gw_pool_destroy(pool);
        return EG_E_IO;
    }
    *ret_pool = pool;
    return EG_OK;
}

void gw_pool_destroy(struct gw_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->is_closing = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->lock);
    gw_free(pool);
}

int32_t gw_pool_run(struct gw_pool *pool, struct eg_loop *loop, struct gw_job *job,
                    void (*work)(struct gw_job *job), void (*done)(struct gw_job *job)) {
    int32_t rc = EG_E_BUSY;
    pthread_mutex_lock(&pool->lock);
    if (pool->queued < pool->queue_length && !pool->is_closing) {
        job->node = (struct gw_node){0};
        job->loop = loop;
        job->work = work;
        job->done = done;
        gw_list_push(&pool->queue, &job->node);
        pool->queued++;
        pthread_cond_signal(&pool->has_work);
        rc = EG_OK;
    }
    pthread_mutex_unlock(&pool->lock);
    return rc;
}
