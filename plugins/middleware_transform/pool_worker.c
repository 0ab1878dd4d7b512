/*
 * pool_worker.c - one worker process of a pool, from its start to its end: what it is sent, what it
 * says, how long it may take, and what its end means for the job that it had.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool_parts.h"

#define READY_WITHIN_NS (30000 * TR_MS)
#define REAP_EVERY_NS (1 * TR_MS)
#define FREE_FAILURES 2u /* so many in a row are followed by a new worker at once */
#define PAUSE_NS (10 * TR_MS)
#define PAUSE_MAX_NS (1000 * TR_MS)
#define IS_OVER 1 /* that process is no more, nothing of what it sent counts */

/* ---- to the worker ---- */

static void write_on(struct tr_worker *worker) {
    const struct tr_pool *pool = worker->pool;
    while (worker->out.len > 0) {
        const ssize_t n =
            send(worker->fd, worker->out.ptr, worker->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) { /* full, or it hung up: then the end of file follows */
            break;
        }
        worker->out = egx_str_cut(worker->out, (size_t)n);
    }
    const int32_t is_writing = worker->out.len > 0;
    if (is_writing != worker->is_writing) {
        worker->is_writing = is_writing;
        pool->host->loop->fd_change(pool->host, worker->watch,
                                    EG_FD_READ | (is_writing ? EG_FD_WRITE : 0u));
    }
}

void tr_worker_send(struct tr_worker *worker, const struct tr_job *job) {
    worker->out = egx_json_text(&job->frame);
    write_on(worker);
}

void tr_worker_begin_run(struct tr_worker *worker) {
    worker->state = BUSY;
    worker->runs++;
    worker->began_ns = tr_pool_now_ns(worker->pool);
    worker->began_cpu_ns = tr_child_cpu_ns(worker->clock);
    worker->due_ns = worker->began_ns + worker->pool->config->timeout_ns;
}

/* ---- from the worker ---- */

static int32_t on_ready(struct tr_worker *worker, struct eg_str payload) {
    (void)payload;
    if (worker->state != STARTING) {
        return EG_E_PROTO;
    }
    worker->state = IDLE;
    worker->due_ns = 0;
    return EG_OK;
}

static int32_t on_done(struct tr_worker *worker, struct eg_str payload) {
    struct tr_job *job = worker->job;
    struct tr_outcome outcome;
    if (worker->state != BUSY || (worker->out.len > 0 && worker->next == NULL) ||
        tr_outcome_read(payload, &outcome) < 0) {
        return EG_E_PROTO;
    }
    worker->job = worker->next;
    worker->next = NULL;
    worker->state = IDLE;
    worker->due_ns = 0;
    if (worker->job != NULL) {
        tr_worker_begin_run(worker);
    }
    worker->pool->failures = 0;
    job->ended(job, &outcome);
    return EG_OK;
}

/* It ends itself; "memory" is the one thing that says something about its job. */
static int32_t on_failed(struct tr_worker *worker, struct eg_str payload) {
    struct tr_reader in = {payload, 0};
    const struct eg_str text = tr_get_text(&in);
    const int is_memory = egx_str_eq(text, EGX_STR("memory"));
    if (worker->state == STARTING || !is_memory) {
        egx_log(worker->pool->host, EG_LOG_ERROR, "a transform worker cannot work: %.*s",
                (int)(text.len < 400 ? text.len : 400), text.len == 0 ? "" : text.ptr);
    }
    tr_worker_end(worker, is_memory ? TR_NO_MEMORY : TR_CRASHED);
    return IS_OVER;
}

static int32_t on_frame(struct tr_worker *worker, uint32_t kind, struct eg_str payload) {
    switch (kind) {
    case TR_READY:
        return on_ready(worker, payload);
    case TR_DONE:
        return on_done(worker, payload);
    case TR_FAILED:
        return on_failed(worker, payload);
    default:
        return EG_E_PROTO;
    }
}

/* All frames that are whole. */
static void read_frames(struct tr_worker *worker) {
    const uint64_t max_bytes = worker->pool->config->max_output + TR_FRAME_SLACK;
    for (;;) {
        uint32_t kind = 0;
        struct eg_str payload;
        size_t used = 0;
        int32_t rc = tr_frame_find(egx_str_n(worker->in.ptr, worker->in.len), max_bytes, &kind,
                                   &payload, &used);
        if (rc == EG_OK && used == 0) {
            return;
        }
        rc = rc < 0 ? rc : on_frame(worker, kind, payload);
        if (rc < 0) {
            egx_log(worker->pool->host, EG_LOG_ERROR, "a transform worker spoke nonsense");
            tr_worker_end(worker, TR_CRASHED);
        }
        if (rc != EG_OK) {
            return;
        }
        worker->in.len -= used;
        memmove(worker->in.ptr, worker->in.ptr + used, worker->in.len);
    }
}

static void on_fd(void *arg, uint32_t events) {
    struct tr_worker *worker = arg;
    struct tr_pool *pool = worker->pool;
    if ((events & EG_FD_WRITE) != 0) {
        write_on(worker);
    }
    const ssize_t n = recv(worker->fd, pool->piece, sizeof pool->piece, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        tr_worker_end(worker, TR_UNKNOWN);
    } else if (n > 0) {
        egx_json_raw(&worker->in, egx_str_n(pool->piece, (size_t)n));
        if (worker->in.is_failed) {
            tr_worker_end(worker, TR_CRASHED);
        }
        read_frames(worker);
    }
    tr_pool_dispatch(pool);
    tr_pool_schedule(pool);
}

/* ---- beginning and end ---- */

static uint64_t pause_ns(const struct tr_pool *pool) {
    uint64_t pause = PAUSE_NS;
    if (pool->failures <= FREE_FAILURES) {
        return 0;
    }
    for (uint32_t i = FREE_FAILURES + 1; i < pool->failures && pause < PAUSE_MAX_NS; i++) {
        pause *= 2;
    }
    return pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
}

/* It is gone; the next one comes when it is wanted, or after a pause. */
static void replace(struct tr_worker *worker) {
    struct tr_pool *pool = worker->pool;
    worker->state = GONE;
    pool->failures += worker->runs == 0; /* else it may be the run that ended it */
    worker->due_ns = 0;
    pool->host->metrics->add(pool->config->restarts, 1);
    const uint64_t pause = pause_ns(pool);
    if (pause == 0) {
        if (pool->first != NULL || tr_pool_alive(pool) == 0) {
            tr_worker_spawn(worker);
        }
        return;
    }
    worker->due_ns = tr_pool_now_ns(pool) + pause;
    if (tr_pool_is_down(pool)) {
        tr_pool_refuse_waiting(pool);
    }
}

void tr_worker_spawn(struct tr_worker *worker) {
    struct tr_pool *pool = worker->pool;
    struct eg_why why = {.struct_size = sizeof why};
    worker->runs = 0;
    if (tr_child_spawn(pool->config->worker_path, &worker->pid, &worker->fd, &why) < 0) {
        egx_log(pool->host, EG_LOG_ERROR, "%.*s", (int)why.len, why.text);
        replace(worker);
        return;
    }
    worker->watch =
        pool->host->loop->fd_watch(pool->host, pool->loop, worker->fd, EG_FD_READ, on_fd, worker);
    worker->clock = tr_child_clock(worker->pid);
    worker->is_writing = 0;
    worker->state = STARTING;
    worker->due_ns = tr_pool_now_ns(pool) + READY_WITHIN_NS;
    worker->out = pool->config->setup;
    if (worker->watch == NULL) {
        tr_worker_end(worker, TR_CRASHED);
        return;
    }
    write_on(worker);
}

/* What its end says of the job that it had. */
static uint32_t cause_of(int32_t wait_status) {
    if (WIFSIGNALED(wait_status)) {
        return WTERMSIG(wait_status) == SIGKILL ? TR_UNKNOWN : TR_CRASHED;
    }
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 2 ? TR_TIMEOUT : TR_CRASHED;
}

static void end_job_of(struct tr_worker *worker, uint32_t cause) {
    struct tr_pool *pool = worker->pool;
    struct tr_job *job = worker->job;
    static const char *const messages[TR_OUTCOMES] = {[TR_TIMEOUT] = "it took longer than timeout",
                                                      [TR_NO_MEMORY] =
                                                          "it needed more memory than max_memory",
                                                      [TR_CRASHED] = "its worker crashed",
                                                      [TR_UNAVAILABLE] = "its worker was ended"};
    struct tr_job *next = worker->next;
    worker->job = NULL;
    worker->next = NULL;
    if (next != NULL && next->is_abandoned) {
        tr_job_end(next, TR_UNAVAILABLE, messages[TR_UNAVAILABLE]);
    } else if (next != NULL) {
        tr_pool_push_front(pool, next); /* it was not its turn yet */
    }
    if (job == NULL) {
        return;
    }
    if (cause == TR_UNKNOWN && job->lost == 0 && !job->is_abandoned && !pool->is_closing) {
        job->lost++;
        tr_pool_push_front(pool, job);
        return;
    }
    cause = cause == TR_UNKNOWN ? (pool->is_closing ? TR_UNAVAILABLE : TR_CRASHED) : cause;
    tr_job_end(job, cause, messages[cause]);
}

void tr_worker_reap(struct tr_worker *worker) {
    int32_t wait_status = 0;
    if (worker->pool->is_closing) { /* tr_pool_free waits for it */
        end_job_of(worker, worker->cause);
        return;
    }
    if (!tr_child_reap(worker->pid, 0, &wait_status)) {
        worker->due_ns = tr_pool_now_ns(worker->pool) + REAP_EVERY_NS;
        return;
    }
    const uint32_t cause = worker->cause == TR_UNKNOWN ? cause_of(wait_status) : worker->cause;
    if (worker->state == ENDING) {
        end_job_of(worker, cause);
        replace(worker);
    }
}

/* Ends it; its job follows when the process is gone. */
void tr_worker_end(struct tr_worker *worker, uint32_t cause) {
    const struct tr_pool *pool = worker->pool;
    tr_child_kill(worker->pid);
    pool->host->loop->fd_unwatch(pool->host, worker->watch);
    (void)close(worker->fd);
    worker->watch = NULL;
    worker->out = egx_str_n(NULL, 0);
    egx_json_free(&worker->in);
    worker->state = ENDING;
    worker->cause = cause;
    tr_worker_reap(worker);
}

/* ---- time ---- */

/* Its own processor time counts: a machine that is busy with others does not make a run longer. Ten
 * times as long by the clock is too long in any case, for a worker that is stopped. */
static void check_time(struct tr_worker *worker, uint64_t now) {
    const uint64_t timeout_ns = worker->pool->config->timeout_ns;
    const uint64_t cpu_ns = tr_child_cpu_ns(worker->clock);
    const uint64_t used_ns = cpu_ns > worker->began_cpu_ns ? cpu_ns - worker->began_cpu_ns : 0;
    if (used_ns >= timeout_ns || now - worker->began_ns >= 10 * timeout_ns + 1000 * TR_MS) {
        tr_worker_end(worker, TR_TIMEOUT);
        return;
    }
    worker->due_ns = now + (timeout_ns - used_ns < TR_MS ? TR_MS : timeout_ns - used_ns);
}

void tr_worker_look_at(struct tr_worker *worker, uint64_t now) {
    switch (worker->state) {
    case GONE:
        tr_worker_spawn(worker);
        break;
    case STARTING:
        egx_log(worker->pool->host, EG_LOG_ERROR, "a transform worker does not get ready");
        tr_worker_end(worker, TR_CRASHED);
        break;
    case BUSY:
        check_time(worker, now);
        break;
    case ENDING:
        tr_worker_reap(worker);
        break;
    default:
        worker->due_ns = 0;
        break;
    }
}
