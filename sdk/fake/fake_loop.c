/*
 * fake_loop.c - the loop of the fake: lists that egx_fake_run works off. Blocking work runs in its
 * place, since a test wants to know when.
 */
#include <poll.h>

#include "fake_parts.h"

struct post {
    void (*work)(void *arg); /* NULL = only done */
    void (*done)(void *arg);
    void *arg;
};
struct eg_timer {
    uint64_t at_ns; /* UINT64_MAX = fired */
    uint64_t period_ns;
    void (*fn)(void *arg);
    void *arg;
};
struct eg_fd_watch {
    int32_t fd;
    uint32_t events;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

static struct eg_loop *loop_current(const struct eg_host *host) {
    return &fake_of(host)->loop;
}

static void add_post(struct egx_fake *fake, void (*work)(void *arg), void (*done)(void *arg),
                     void *arg) {
    struct post *post = fake_alloc(sizeof *post);
    *post = (struct post){work, done, arg};
    (void)pthread_mutex_lock(&fake->lock);
    fake_own(fake, post);
    fake_push(&fake->posts, post);
    (void)pthread_cond_broadcast(&fake->moved);
    (void)pthread_mutex_unlock(&fake->lock);
}

static void loop_post(const struct eg_host *host, struct eg_loop *loop, void (*fn)(void *arg),
                      void *arg) {
    (void)host;
    add_post(loop->fake, NULL, fn, arg);
}

static int32_t loop_run_blocking(const struct eg_host *host, struct eg_loop *loop,
                                 void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    (void)host;
    add_post(loop->fake, work, done, arg);
    return EG_OK;
}

static struct eg_timer *loop_timer_start(const struct eg_host *host, struct eg_loop *loop,
                                         uint64_t delay_ns, uint64_t period_ns,
                                         void (*fn)(void *arg), void *arg) {
    struct egx_fake *fake = loop->fake;
    struct eg_timer *timer = fake_keep(fake, sizeof *timer);
    (void)host;
    *timer = (struct eg_timer){fake->monotonic_ns + delay_ns, period_ns, fn, arg};
    fake_push(&fake->timers, timer);
    return timer;
}

static void loop_timer_stop(const struct eg_host *host, struct eg_timer *timer) {
    if (timer != NULL) {
        fake_remove(&fake_of(host)->timers, timer);
    }
}

static struct eg_fd_watch *loop_fd_watch(const struct eg_host *host, struct eg_loop *loop,
                                         int32_t fd, uint32_t events,
                                         void (*fn)(void *arg, uint32_t events), void *arg) {
    struct eg_fd_watch *watch = fake_keep(loop->fake, sizeof *watch);
    (void)host;
    *watch = (struct eg_fd_watch){fd, events, fn, arg};
    fake_push(&loop->fake->watches, watch);
    return watch;
}

static void loop_fd_change(const struct eg_host *host, struct eg_fd_watch *watch, uint32_t events) {
    (void)host;
    watch->events = events;
}

static void loop_fd_unwatch(const struct eg_host *host, struct eg_fd_watch *watch) {
    if (watch != NULL) {
        fake_remove(&fake_of(host)->watches, watch);
    }
}

const struct eg_loop_api fake_loop_api = {
    .struct_size = sizeof fake_loop_api,
    .current = loop_current,
    .post = loop_post,
    .timer_start = loop_timer_start,
    .timer_stop = loop_timer_stop,
    .fd_watch = loop_fd_watch,
    .fd_change = loop_fd_change,
    .fd_unwatch = loop_fd_unwatch,
    .run_blocking = loop_run_blocking,
};

/* ---- running ---- */

static size_t run_posts(struct egx_fake *fake) {
    size_t ran = 0;
    for (;;) {
        (void)pthread_mutex_lock(&fake->lock);
        const struct post *post = fake_shift(&fake->posts);
        (void)pthread_mutex_unlock(&fake->lock);
        if (post == NULL) {
            return ran;
        }
        if (post->work != NULL) {
            post->work(post->arg);
        }
        const uint64_t began_ns = fake_began(fake);
        post->done(post->arg);
        fake_took(fake, began_ns);
        ran++;
    }
}

/* The due timer that comes first, or NULL. */
static struct eg_timer *next_timer(const struct egx_fake *fake) {
    struct eg_timer *next = NULL;
    for (size_t i = 0; i < fake->timers.count; i++) {
        struct eg_timer *timer = fake->timers.items[i];
        if (timer->at_ns <= fake->monotonic_ns && (next == NULL || timer->at_ns < next->at_ns)) {
            next = timer;
        }
    }
    return next;
}

static size_t run_timers(struct egx_fake *fake) {
    size_t ran = 0;
    for (struct eg_timer *timer = next_timer(fake); timer != NULL; timer = next_timer(fake)) {
        timer->at_ns = timer->period_ns == 0 ? UINT64_MAX : timer->at_ns + timer->period_ns;
        const uint64_t began_ns = fake_began(fake);
        timer->fn(timer->arg);
        fake_took(fake, began_ns);
        ran++;
    }
    return ran;
}

static size_t run_watches(struct egx_fake *fake) {
    size_t ran = 0;
    for (size_t i = 0; i < fake->watches.count; i++) {
        struct eg_fd_watch *watch = fake->watches.items[i];
        struct pollfd poll_fd = {.fd = watch->fd};
        poll_fd.events = (short)(((watch->events & EG_FD_READ) != 0 ? POLLIN : 0) |
                                 ((watch->events & EG_FD_WRITE) != 0 ? POLLOUT : 0));
        if (poll(&poll_fd, 1, 0) > 0) {
            const int is_readable = (poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
            const int is_writable = (poll_fd.revents & POLLOUT) != 0;
            const uint64_t began_ns = fake_began(fake);
            watch->fn(watch->arg,
                      (is_readable ? EG_FD_READ : 0u) | (is_writable ? EG_FD_WRITE : 0u));
            fake_took(fake, began_ns);
            ran++;
        }
    }
    return ran;
}

size_t egx_fake_run(struct egx_fake *fake) {
    size_t all = run_watches(fake);
    size_t ran = 1;
    while (ran > 0) {
        ran = run_posts(fake);
        ran += run_timers(fake);
        ran += fake_http_run(fake);
        ran += fake_function_run(fake);
        all += ran;
    }
    return all;
}

void egx_fake_advance(struct egx_fake *fake, uint64_t ns) {
    fake->monotonic_ns += ns;
    fake->unix_ns += (int64_t)ns;
}
