/*
 * pool.c - see pool.h. The state of a worker process is one word; `due_ns` is when somebody has to
 * look at it again, and one timer serves them all. The timer is not touched when a job ends: it
 * finds nothing to do then, so a job costs no timer.
 *
 *   GONE --spawn--> STARTING --READY--> IDLE --RUN--> BUSY --DONE--> IDLE
 *                      any of them --end of file, or too late--> ENDING --reaped--> GONE
 */
#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define READ_BYTES 65536u
#define MS UINT64_C(1000000)
#define READY_WITHIN_NS (30000 * MS)
#define REAP_EVERY_NS (1 * MS)
#define FREE_FAILURES 2u /* so many in a row are followed by a new worker at once */
#define DOWN_FAILURES 6u /* after so many, nobody is kept waiting */
#define PAUSE_NS (10 * MS)
#define PAUSE_MAX_NS (1000 * MS)
#define UNKNOWN TR_OUTCOMES
#define IS_OVER 1 /* that process is no more, nothing of what it sent counts */

enum state { GONE, STARTING, IDLE, BUSY, ENDING };

struct child {
    struct tr_pool *pool;
    enum state state;
    pid_t pid;
    clockid_t clock; /* of its processor time */
    int32_t fd;
    struct eg_fd_watch *watch;
    int32_t is_writing; /* the watch asks for room, too */
    struct eg_str out;  /* what is not sent yet */
    struct egx_json in;
    struct tr_job *job;  /* the one it is at */
    struct tr_job *next; /* sent already, so that it need not sleep between two */
    uint32_t cause;      /* ENDING: what its job ends with; UNKNOWN = how it ended will tell */
    uint64_t jobs_done;
    uint64_t due_ns;
    uint64_t began_ns; /* of the job */
    uint64_t began_cpu_ns;
};

struct tr_pool {
    const struct tr_pool_config *config;
    const struct eg_host *host;
    struct eg_loop *loop;
    struct child *children;
    struct tr_job *first;
    struct tr_job **last;
    uint32_t waiting;
    uint32_t failures; /* workers that ended in a row without a job done */
    struct eg_timer *timer;
    uint64_t timer_ns;
    int32_t is_closing;
    char piece[READ_BYTES]; /* of what is received */
};

static void on_timer(void *arg);
static void end_child(struct child *child, uint32_t cause);
static void spawn(struct child *child);

static uint64_t now_ns(const struct tr_pool *pool) {
    return pool->host->clock->monotonic_ns(pool->host);
}

/* ---- the timer ---- */

static void schedule(struct tr_pool *pool) {
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        const uint64_t due_ns = pool->children[i].due_ns;
        next_ns = due_ns != 0 && due_ns < next_ns ? due_ns : next_ns;
    }
    if (next_ns == UINT64_MAX || (pool->timer != NULL && pool->timer_ns <= next_ns)) {
        return;
    }
    const uint64_t now = now_ns(pool);
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

static void push_front(struct tr_pool *pool, struct tr_job *job) {
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

static void end_job(struct tr_job *job, uint32_t kind, const char *message) {
    const struct tr_outcome outcome = {.kind = kind, .message = egx_str_c(message)};
    job->ended(job, &outcome);
}

static uint32_t count_alive(const struct tr_pool *pool) {
    uint32_t alive = 0;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        alive += pool->children[i].state == STARTING || pool->children[i].state == IDLE ||
                 pool->children[i].state == BUSY;
    }
    return alive;
}

static int is_down(const struct tr_pool *pool) {
    return pool->failures >= DOWN_FAILURES && count_alive(pool) == 0;
}

static void refuse_waiting(struct tr_pool *pool) {
    while (pool->first != NULL) {
        end_job(take_at(pool, &pool->first), TR_UNAVAILABLE, "no worker stays alive");
    }
}

/* ---- bytes to a worker ---- */

static void write_on(struct child *child) {
    const struct tr_pool *pool = child->pool;
    while (child->out.len > 0) {
        const ssize_t n =
            send(child->fd, child->out.ptr, child->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) { /* full, or it hung up: then the end of file follows */
            break;
        }
        child->out = egx_str_cut(child->out, (size_t)n);
    }
    const int32_t is_writing = child->out.len > 0;
    if (is_writing != child->is_writing) {
        child->is_writing = is_writing;
        pool->host->loop->fd_change(pool->host, child->watch,
                                    EG_FD_READ | (is_writing ? EG_FD_WRITE : 0u));
    }
}

static void begin_run(struct child *child) {
    child->state = BUSY;
    child->began_ns = now_ns(child->pool);
    child->began_cpu_ns = tr_child_cpu_ns(child->clock);
    child->due_ns = child->began_ns + child->pool->config->timeout_ns;
}

static void send_job(struct child *child, struct tr_job **ret_job) {
    *ret_job = take_at(child->pool, &child->pool->first);
    child->out = egx_json_text(&(*ret_job)->frame);
    write_on(child);
}

static void dispatch(struct child *child) {
    if (child->state == IDLE && child->pool->first != NULL) {
        begin_run(child);
        send_job(child, &child->job);
        schedule(child->pool);
    }
}

/* When all are at work, each gets one ahead. */
static void dispatch_ahead(struct tr_pool *pool) {
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->children[i].state != BUSY) {
            return;
        }
    }
    for (uint32_t i = 0; i < pool->config->workers && pool->first != NULL; i++) {
        struct child *child = &pool->children[i];
        if (child->next == NULL && child->out.len == 0) {
            send_job(child, &child->next);
        }
    }
}

/* One more, when somebody has to wait; the next one when that is ready and somebody still waits. */
static void grow(struct tr_pool *pool) {
    struct child *spare = NULL;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        struct child *child = &pool->children[i];
        if (child->state == STARTING || (child->state == GONE && child->due_ns != 0)) {
            return;
        }
        spare = spare == NULL && child->state == GONE ? child : spare;
    }
    if (spare != NULL) {
        spawn(spare);
        schedule(pool);
    }
}

static void dispatch_all(struct tr_pool *pool) {
    for (uint32_t i = 0; i < pool->config->workers && pool->first != NULL; i++) {
        dispatch(&pool->children[i]);
    }
    if (pool->first != NULL) {
        grow(pool);
        dispatch_ahead(pool);
    }
}

/* ---- frames from a worker ---- */

static int32_t on_ready(struct child *child, struct eg_str payload) {
    (void)payload;
    if (child->state != STARTING) {
        return EG_E_PROTO;
    }
    child->state = IDLE;
    child->due_ns = 0;
    return EG_OK;
}

static int32_t on_done(struct child *child, struct eg_str payload) {
    struct tr_job *job = child->job;
    struct tr_outcome outcome;
    if (child->state != BUSY || (child->out.len > 0 && child->next == NULL) ||
        tr_outcome_read(payload, &outcome) < 0) {
        return EG_E_PROTO;
    }
    child->job = child->next;
    child->next = NULL;
    child->state = IDLE;
    child->due_ns = 0;
    if (child->job != NULL) {
        begin_run(child);
    }
    child->jobs_done++;
    child->pool->failures = 0;
    job->ended(job, &outcome);
    return EG_OK;
}

/* It ends itself; "memory" is the one thing that says something about its job. */
static int32_t on_failed(struct child *child, struct eg_str payload) {
    struct tr_reader in = {payload, 0};
    const struct eg_str text = tr_get_text(&in);
    const int is_memory = egx_str_eq(text, EGX_STR("memory"));
    if (child->state == STARTING || !is_memory) {
        egx_log(child->pool->host, EG_LOG_ERROR, "a transform worker cannot work: %.*s",
                (int)(text.len < 400 ? text.len : 400), text.len == 0 ? "" : text.ptr);
    }
    end_child(child, is_memory ? TR_NO_MEMORY : TR_CRASHED);
    return IS_OVER;
}

static int32_t on_frame(struct child *child, uint32_t kind, struct eg_str payload) {
    switch (kind) {
    case TR_READY:
        return on_ready(child, payload);
    case TR_DONE:
        return on_done(child, payload);
    case TR_FAILED:
        return on_failed(child, payload);
    default:
        return EG_E_PROTO;
    }
}

/* All frames that are whole. */
static void read_frames(struct child *child) {
    const uint64_t max_bytes = child->pool->config->max_output + TR_FRAME_SLACK;
    for (;;) {
        uint32_t kind = 0;
        struct eg_str payload;
        size_t used = 0;
        int32_t rc = tr_frame_find(egx_str_n(child->in.ptr, child->in.len), max_bytes, &kind,
                                   &payload, &used);
        if (rc == EG_OK && used == 0) {
            return;
        }
        rc = rc < 0 ? rc : on_frame(child, kind, payload);
        if (rc < 0) {
            egx_log(child->pool->host, EG_LOG_ERROR, "a transform worker spoke nonsense");
            end_child(child, TR_CRASHED);
        }
        if (rc != EG_OK) {
            return;
        }
        child->in.len -= used;
        memmove(child->in.ptr, child->in.ptr + used, child->in.len);
    }
}

static void on_fd(void *arg, uint32_t events) {
    struct child *child = arg;
    struct tr_pool *pool = child->pool;
    if ((events & EG_FD_WRITE) != 0) {
        write_on(child);
    }
    const ssize_t n = recv(child->fd, pool->piece, sizeof pool->piece, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end_child(child, UNKNOWN);
    } else if (n > 0) {
        egx_json_raw(&child->in, egx_str_n(pool->piece, (size_t)n));
        if (child->in.is_failed) {
            end_child(child, TR_CRASHED);
        }
        read_frames(child);
    }
    dispatch_all(pool);
    schedule(pool);
}

/* ---- beginning and end of a worker ---- */

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
static void replace(struct child *child) {
    struct tr_pool *pool = child->pool;
    const uint32_t is_idle_end = child->jobs_done == 0;
    child->state = GONE;
    pool->failures += is_idle_end;
    child->due_ns = 0;
    if (pool->is_closing) {
        return;
    }
    pool->host->metrics->add(pool->config->restarts, 1);
    const uint64_t pause = pause_ns(pool);
    if (pause == 0) {
        if (pool->first != NULL || count_alive(pool) == 0) {
            spawn(child);
        }
        return;
    }
    child->due_ns = now_ns(pool) + pause;
    if (is_down(pool)) {
        refuse_waiting(pool);
    }
}

static void spawn(struct child *child) {
    struct tr_pool *pool = child->pool;
    struct eg_why why = {.struct_size = sizeof why};
    child->jobs_done = 0;
    if (tr_child_spawn(pool->config->worker_path, &child->pid, &child->fd, &why) < 0) {
        egx_log(pool->host, EG_LOG_ERROR, "%.*s", (int)why.len, why.text);
        replace(child);
        return;
    }
    child->watch =
        pool->host->loop->fd_watch(pool->host, pool->loop, child->fd, EG_FD_READ, on_fd, child);
    child->clock = tr_child_clock(child->pid);
    child->is_writing = 0;
    child->state = STARTING;
    child->due_ns = now_ns(pool) + READY_WITHIN_NS;
    child->out = pool->config->setup;
    if (child->watch == NULL) {
        end_child(child, TR_CRASHED);
        return;
    }
    write_on(child);
}

/* What its end says of the job that it had. */
static uint32_t cause_of(int32_t wait_status) {
    if (WIFSIGNALED(wait_status)) {
        return WTERMSIG(wait_status) == SIGKILL ? UNKNOWN : TR_CRASHED;
    }
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 2 ? TR_TIMEOUT : TR_CRASHED;
}

static void end_job_of(struct child *child, uint32_t cause) {
    struct tr_pool *pool = child->pool;
    struct tr_job *job = child->job;
    static const char *const messages[TR_OUTCOMES] = {[TR_TIMEOUT] = "it took longer than timeout",
                                                      [TR_NO_MEMORY] =
                                                          "it needed more memory than max_memory",
                                                      [TR_CRASHED] = "its worker crashed",
                                                      [TR_UNAVAILABLE] = "its worker was ended"};
    struct tr_job *next = child->next;
    child->job = NULL;
    child->next = NULL;
    if (next != NULL && next->is_abandoned) {
        end_job(next, TR_UNAVAILABLE, messages[TR_UNAVAILABLE]);
    } else if (next != NULL) {
        push_front(pool, next); /* it was not its turn yet */
    }
    if (job == NULL) {
        return;
    }
    if (cause == UNKNOWN && job->lost == 0 && !job->is_abandoned && !pool->is_closing) {
        job->lost++;
        push_front(pool, job);
        return;
    }
    cause = cause == UNKNOWN ? (pool->is_closing ? TR_UNAVAILABLE : TR_CRASHED) : cause;
    end_job(job, cause, messages[cause]);
}

static void reap(struct child *child) {
    int32_t wait_status = 0;
    if (!tr_child_reap(child->pid, child->pool->is_closing, &wait_status)) {
        child->due_ns = now_ns(child->pool) + REAP_EVERY_NS;
        return;
    }
    const uint32_t cause = child->cause == UNKNOWN ? cause_of(wait_status) : child->cause;
    if (child->state == ENDING) {
        end_job_of(child, cause);
        replace(child);
    }
}

/* Ends it; its job follows when the process is gone. */
static void end_child(struct child *child, uint32_t cause) {
    const struct tr_pool *pool = child->pool;
    tr_child_kill(child->pid);
    pool->host->loop->fd_unwatch(pool->host, child->watch);
    (void)close(child->fd);
    child->watch = NULL;
    child->out = egx_str_n(NULL, 0);
    egx_json_free(&child->in);
    child->state = ENDING;
    child->cause = cause;
    reap(child);
}

/* ---- time ---- */

/* Its own processor time counts: a machine that is busy with others does not make a run longer. Ten
 * times as long by the clock is too long in any case, for a worker that is stopped. */
static void check_time(struct child *child, uint64_t now) {
    const uint64_t timeout_ns = child->pool->config->timeout_ns;
    const uint64_t cpu_ns = tr_child_cpu_ns(child->clock);
    const uint64_t used_ns = cpu_ns > child->began_cpu_ns ? cpu_ns - child->began_cpu_ns : 0;
    if (used_ns >= timeout_ns || now - child->began_ns >= 10 * timeout_ns + 1000 * MS) {
        end_child(child, TR_TIMEOUT);
        return;
    }
    child->due_ns = now + (timeout_ns - used_ns < MS ? MS : timeout_ns - used_ns);
}

static void look_at(struct child *child, uint64_t now) {
    switch (child->state) {
    case GONE:
        spawn(child);
        break;
    case STARTING:
        egx_log(child->pool->host, EG_LOG_ERROR, "a transform worker does not get ready");
        end_child(child, TR_CRASHED);
        break;
    case BUSY:
        check_time(child, now);
        break;
    case ENDING:
        reap(child);
        break;
    default:
        child->due_ns = 0;
        break;
    }
}

static void on_timer(void *arg) {
    struct tr_pool *pool = arg;
    const uint64_t now = now_ns(pool);
    pool->host->loop->timer_stop(pool->host, pool->timer);
    pool->timer = NULL;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->children[i].due_ns != 0 && pool->children[i].due_ns <= now) {
            look_at(&pool->children[i], now);
        }
    }
    dispatch_all(pool);
    schedule(pool);
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
    pool->children = host->mem->alloc(host, config->workers * sizeof *pool->children);
    for (uint32_t i = 0; i < config->workers; i++) {
        pool->children[i].pool = pool;
    }
    for (uint32_t i = 0; i < at_once; i++) {
        spawn(&pool->children[i]);
    }
    schedule(pool);
    return pool;
}

void tr_pool_close(struct tr_pool *pool) {
    const struct eg_host *host = pool->host;
    pool->is_closing = 1;
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        if (pool->children[i].state != GONE && pool->children[i].state != ENDING) {
            tr_child_kill(pool->children[i].pid); /* all at once, then wait for each */
        }
    }
    for (uint32_t i = 0; i < pool->config->workers; i++) {
        struct child *child = &pool->children[i];
        if (child->state == ENDING) {
            reap(child);
        } else if (child->state != GONE) {
            end_child(child, UNKNOWN);
        }
    }
    refuse_waiting(pool);
    host->loop->timer_stop(host, pool->timer);
    host->mem->free(host, pool->children);
    host->mem->free(host, pool);
}

int32_t tr_pool_submit(struct tr_pool *pool, struct tr_job *job) {
    if (is_down(pool)) {
        return EG_E_UNAVAILABLE;
    }
    if (pool->waiting >= pool->config->max_queue) {
        return EG_E_BUSY;
    }
    push_back(pool, job);
    dispatch_all(pool);
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
        struct tr_job *const both[] = {pool->children[i].job, pool->children[i].next};
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
