/*
 * plugin/host_loop.c - the loop service: posts, timers, fd watches and blocking work, each with the
 * component's name on the time it takes, and each on the ledger, so that a component is not taken
 * down while something of it is still to come.
 *
 * Thread: post and run_blocking from any, the rest on the loop's own.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"

static void blamed(struct eg_loop *loop, const char *name, void (*fn)(void *arg), void *arg) {
    const char *former = gw_loop_blame(loop, name);
    fn(arg);
    (void)gw_loop_blame(loop, former);
}

static struct eg_loop *loop_current(const struct eg_host *host) {
    (void)host;
    return gw_loop_current();
}

/* ---- posts and blocking work ---- */

struct job {
    struct gw_job io; /* its task carries posts too */
    struct gw_instance *instance;
    struct eg_loop *loop;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static struct job *job_new(const struct eg_host *host, struct eg_loop *loop,
                           void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    struct job *job = gw_alloc(sizeof *job);
    job->instance = gw_host_instance(host);
    job->loop = loop;
    job->work = work;
    job->done = done;
    job->arg = arg;
    gw_ledger_job_begin(job->instance);
    return job;
}

static void job_end(struct job *job) {
    blamed(job->loop, job->instance->name, job->done, job->arg);
    gw_ledger_job_end(job->instance, gw_loop_index(job->loop));
    gw_free(job);
}

static void on_posted(struct gw_task *task) {
    job_end(GW_CONTAINER(GW_CONTAINER(task, struct gw_job, task), struct job, io));
}

static void loop_post(const struct eg_host *host, struct eg_loop *loop, void (*fn)(void *arg),
                      void *arg) {
    GW_ASSERT(loop != NULL && fn != NULL);
    struct job *job = job_new(host, loop, NULL, fn, arg);
    job->io.task.fn = on_posted;
    gw_loop_post(loop, &job->io.task);
}

static void on_work(struct gw_job *io) {
    struct job *job = GW_CONTAINER(io, struct job, io);
    job->work(job->arg);
}

static void on_worked(struct gw_job *io) {
    job_end(GW_CONTAINER(io, struct job, io));
}

static int32_t loop_run_blocking(const struct eg_host *host, struct eg_loop *loop,
                                 void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    struct gw_pool *pool = gw_host_config(gw_host_instance(host))->pool;
    if (loop == NULL || work == NULL || done == NULL) {
        return EG_E_INVAL;
    }
    if (pool == NULL) {
        return EG_E_UNAVAILABLE;
    }
    struct job *job = job_new(host, loop, work, done, arg);
    const int32_t rc = gw_pool_run(pool, loop, &job->io, on_work, on_worked);
    if (rc < 0) {
        (void)__atomic_sub_fetch(&job->instance->jobs_begun, 1, __ATOMIC_RELAXED);
        gw_free(job);
    }
    return rc;
}

/* ---- timers ---- */

struct eg_timer {
    struct gw_timer io;
    struct gw_instance *instance;
    struct eg_loop *loop;
    uint64_t period_ns;
    void (*fn)(void *arg);
    void *arg;
};

static void on_timer(struct gw_timer *io) {
    struct eg_timer *timer = GW_CONTAINER(io, struct eg_timer, io);
    if (timer->period_ns != 0) { /* before the call: it may stop, and so free, the timer */
        gw_timer_start(timer->loop, &timer->io, timer->period_ns, on_timer);
    }
    blamed(timer->loop, timer->instance->name, timer->fn, timer->arg);
}

static struct eg_timer *loop_timer_start(const struct eg_host *host, struct eg_loop *loop,
                                         uint64_t delay_ns, uint64_t period_ns,
                                         void (*fn)(void *arg), void *arg) {
    GW_ASSERT(loop != NULL && fn != NULL);
    struct eg_timer *timer = gw_alloc(sizeof *timer);
    timer->instance = gw_host_instance(host);
    timer->loop = loop;
    timer->period_ns = period_ns;
    timer->fn = fn;
    timer->arg = arg;
    timer->instance->ledger[gw_loop_index(loop)].watches++;
    gw_timer_start(loop, &timer->io, delay_ns, on_timer);
    return timer;
}

static void loop_timer_stop(const struct eg_host *host, struct eg_timer *timer) {
    (void)host;
    if (timer != NULL) {
        gw_timer_stop(timer->loop, &timer->io);
        timer->instance->ledger[gw_loop_index(timer->loop)].watches--;
        gw_free(timer);
    }
}

/* ---- file descriptors ---- */

struct eg_fd_watch {
    struct gw_fd io;
    struct gw_instance *instance;
    struct eg_loop *loop;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

static void on_fd(struct gw_fd *io, uint32_t events) {
    struct eg_fd_watch *watch = GW_CONTAINER(io, struct eg_fd_watch, io);
    struct eg_loop *loop = watch->loop; /* the call may free the watch */
    const char *former = gw_loop_blame(loop, watch->instance->name);
    watch->fn(watch->arg, events);
    (void)gw_loop_blame(loop, former);
}

static struct eg_fd_watch *loop_fd_watch(const struct eg_host *host, struct eg_loop *loop,
                                         int32_t fd, uint32_t events,
                                         void (*fn)(void *arg, uint32_t events), void *arg) {
    GW_ASSERT(loop != NULL && fn != NULL);
    struct eg_fd_watch *watch = gw_alloc(sizeof *watch);
    watch->instance = gw_host_instance(host);
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    if (gw_fd_watch(loop, &watch->io, fd, events, on_fd) < 0) {
        gw_logf(EG_LOG_ERROR, "component '%s' cannot watch fd %d", watch->instance->name, fd);
        gw_free(watch);
        return NULL;
    }
    watch->instance->ledger[gw_loop_index(loop)].watches++;
    return watch;
}

static void loop_fd_change(const struct eg_host *host, struct eg_fd_watch *watch, uint32_t events) {
    (void)host;
    gw_fd_change(watch->loop, &watch->io, events);
}

static void loop_fd_unwatch(const struct eg_host *host, struct eg_fd_watch *watch) {
    (void)host;
    if (watch != NULL) {
        gw_fd_unwatch(watch->loop, &watch->io);
        watch->instance->ledger[gw_loop_index(watch->loop)].watches--;
        gw_free(watch);
    }
}

const struct eg_loop_api gw_host_loop = {
    .struct_size = sizeof gw_host_loop,
    .current = loop_current,
    .post = loop_post,
    .timer_start = loop_timer_start,
    .timer_stop = loop_timer_stop,
    .fd_watch = loop_fd_watch,
    .fd_change = loop_fd_change,
    .fd_unwatch = loop_fd_unwatch,
    .run_blocking = loop_run_blocking,
};
