/*
 * io/loop.c - see loop.h. One turn: wait (epoll, at most until the head of the timer heap), then
 * file descriptors, due timers, inbox, deferred tasks, turn hooks.
 *
 * The inbox is a stack that any thread pushes to with one compare-and-swap and the loop takes whole
 * with one exchange; turned round it is in order of posting. A poster writes the eventfd only when
 * the loop has said that it is about to sleep, so a busy loop is never woken by a system call.
 *
 * The crowd (gw_fd_watch_crowd) has an epoll set of its own, which the loop's set watches: the
 * kernel keeps what is left of it for the next turns, and gives the others their turn first.
 *
 * Thread: see loop.h. Ownership: everything queued is borrowed, but the tasks of gw_loop_post_fn.
 */
#include "io/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "io/timer_heap.h"

#define EVENTS_PER_TURN 256
#define SLOW_TURN_NS (50 * GW_NS_PER_MS)
#define NO_LIMIT UINT64_MAX

struct eg_loop {
    int epoll_fd;
    int wake_fd;
    struct gw_fd crowd; /* the epoll set of the crowd */
    bool is_crowd_ready;
    bool is_behind;
    const char *name;
    uint32_t index;
    struct gw_timer_heap timers;
    struct gw_node deferred;
    struct gw_node hooks;
    struct epoll_event ready[EVENTS_PER_TURN];
    int ready_count;
    bool is_all_ready; /* no more than these have something to tell */
    bool is_busy;
    bool has_told_all; /* gw_loop_has_told_all */
    uint64_t now_ns;   /* end of the former turn or of the wait */

    bool may_be_slow;
    const char *blamed; /* who runs now, and the longest run of this turn */
    uint64_t blamed_since_ns;
    const char *worst;
    uint64_t worst_ns;

    _Alignas(64) _Atomic(struct gw_node *) inbox;
    atomic_bool is_asleep;
    atomic_bool is_stopping;
};

static _Thread_local struct eg_loop *current_loop;

/* ---- life ---- */

static void on_crowd(struct gw_fd *fd, uint32_t events) {
    (void)events;
    GW_CONTAINER(fd, struct eg_loop, crowd)->is_crowd_ready = true;
}

int32_t gw_loop_create(const char *name, struct eg_loop **ret_loop) {
    int32_t rc = EG_E_IO;
    struct eg_loop *loop = gw_alloc(sizeof *loop);
    loop->name = gw_dup_cstr(gw_str_c(name));
    gw_list_init(&loop->deferred);
    gw_list_init(&loop->hooks);
    loop->wake_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const int crowd_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->crowd.fd = crowd_fd;
    if (loop->epoll_fd < 0 || crowd_fd < 0 ||
        gw_fd_watch(loop, &loop->crowd, crowd_fd, EG_FD_READ, on_crowd) != EG_OK) {
        goto out;
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        goto out;
    }
    /* data.ptr NULL marks the wake-up; edge-triggered, so its counter need not be read. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
        goto out;
    }
    loop->now_ns = gw_monotonic_ns();
    *ret_loop = loop;
    loop = NULL;
    rc = EG_OK;
out:
    if (rc != EG_OK) {
        gw_logf(EG_LOG_ERROR, "event loop cannot be made: %s", strerror(errno));
    }
    gw_loop_destroy(loop);
    return rc;
}

struct posted_fn {
    struct gw_task task;
    void (*fn)(void *arg);
    void *arg;
};

static void run_posted_fn(struct gw_task *task) {
    struct posted_fn *posted = GW_CONTAINER(task, struct posted_fn, task);
    void (*fn)(void *arg) = posted->fn;
    void *arg = posted->arg;
    gw_free(posted);
    fn(arg);
}

/* Takes the inbox, oldest first, linked by node.next. */
static struct gw_node *take_inbox(struct eg_loop *loop) {
    if (atomic_load_explicit(&loop->inbox, memory_order_relaxed) == NULL) {
        return NULL;
    }
    struct gw_node *newest = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    struct gw_node *oldest = NULL;
    while (newest != NULL) {
        struct gw_node *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void gw_loop_destroy(struct eg_loop *loop) {
    if (loop == NULL) {
        return;
    }
    for (struct gw_node *node = take_inbox(loop); node != NULL;) {
        struct gw_task *task = GW_CONTAINER(node, struct gw_task, node);
        node = node->next;
        if (task->fn == run_posted_fn) {
            gw_free(GW_CONTAINER(task, struct posted_fn, task));
        }
    }
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    if (loop->crowd.fd >= 0) {
        close(loop->crowd.fd);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    gw_timer_heap_free(&loop->timers);
    gw_free((void *)(uintptr_t)loop->name);
    gw_free(loop);
}

struct eg_loop *gw_loop_current(void) {
    return current_loop;
}

const char *gw_loop_name(const struct eg_loop *loop) {
    return loop->name;
}

void gw_loop_set_index(struct eg_loop *loop, uint32_t index) {
    loop->index = index;
}

uint32_t gw_loop_index(const struct eg_loop *loop) {
    return loop->index;
}

bool gw_loop_has_told_all(const struct eg_loop *loop) {
    return loop->has_told_all;
}

uint64_t gw_loop_now(const struct eg_loop *loop) {
    return loop->now_ns;
}

bool gw_loop_is_busy(const struct eg_loop *loop) {
    return loop->is_busy;
}

/* ---- inbox ---- */

/* Sequentially consistent with prepare_sleep: either the poster sees is_asleep, or the loop sees
 * what was posted. */
static void wake(struct eg_loop *loop) {
    if (!atomic_load(&loop->is_asleep) || !atomic_exchange(&loop->is_asleep, false)) {
        return;
    }
    const uint64_t one = 1;
    const ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written; /* a full counter wakes as well */
}

void gw_loop_post(struct eg_loop *loop, struct gw_task *task) {
    struct gw_node *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do {
        task->node.next = head;
    } while (!atomic_compare_exchange_weak(&loop->inbox, &head, &task->node));
    wake(loop);
}

void gw_loop_post_fn(struct eg_loop *loop, void (*fn)(void *arg), void *arg) {
    struct posted_fn *posted = gw_alloc(sizeof *posted);
    posted->task.fn = run_posted_fn;
    posted->fn = fn;
    posted->arg = arg;
    gw_loop_post(loop, &posted->task);
}

void gw_loop_stop(struct eg_loop *loop) {
    atomic_store(&loop->is_stopping, true);
    wake(loop);
}

static void run_inbox(struct eg_loop *loop) {
    for (struct gw_node *node = take_inbox(loop); node != NULL;) {
        struct gw_task *task = GW_CONTAINER(node, struct gw_task, node);
        node = node->next;
        task->node.next = NULL;
        task->fn(task);
    }
}

/* ---- deferred tasks and hooks ---- */

void gw_loop_defer(struct eg_loop *loop, struct gw_task *task) {
    if (!gw_node_linked(&task->node)) {
        gw_list_push(&loop->deferred, &task->node);
    }
}

void gw_loop_undefer(struct gw_task *task) {
    gw_list_remove(&task->node);
}

/* What a deferred task defers waits for the next turn: a marker ends the round. */
static void run_deferred(struct eg_loop *loop) {
    if (gw_list_empty(&loop->deferred)) {
        return;
    }
    struct gw_node marker = {0};
    gw_list_push(&loop->deferred, &marker);
    for (struct gw_node *node; (node = gw_list_shift(&loop->deferred)) != &marker;) {
        struct gw_task *task = GW_CONTAINER(node, struct gw_task, node);
        task->fn(task);
    }
}

void gw_loop_hook(struct eg_loop *loop, struct gw_turn_hook *hook) {
    if (!gw_node_linked(&hook->node)) {
        gw_list_push(&loop->hooks, &hook->node);
    }
}

void gw_loop_unhook(struct gw_turn_hook *hook) {
    gw_list_remove(&hook->node);
}

/* Each hook is taken out and put at the end before it runs, so it may unhook itself or others. */
static void run_hooks(struct eg_loop *loop) {
    if (gw_list_empty(&loop->hooks)) {
        return;
    }
    struct gw_node marker = {0};
    gw_list_push(&loop->hooks, &marker);
    for (struct gw_node *node; (node = gw_list_shift(&loop->hooks)) != &marker;) {
        struct gw_turn_hook *hook = GW_CONTAINER(node, struct gw_turn_hook, node);
        gw_list_push(&loop->hooks, node);
        hook->fn(hook);
    }
}

/* ---- timers ---- */

void gw_timer_start(struct eg_loop *loop, struct gw_timer *timer, uint64_t delay_ns,
                    void (*fn)(struct gw_timer *timer)) {
    const uint64_t now = gw_monotonic_ns();
    gw_timer_start_at(loop, timer, delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns, fn);
}

void gw_timer_start_at(struct eg_loop *loop, struct gw_timer *timer, uint64_t at_ns,
                       void (*fn)(struct gw_timer *timer)) {
    timer->at_ns = at_ns;
    timer->fn = fn;
    gw_timer_heap_put(&loop->timers, timer);
}

void gw_timer_stop(struct eg_loop *loop, struct gw_timer *timer) {
    gw_timer_heap_remove(&loop->timers, timer);
}

bool gw_timer_armed(const struct gw_timer *timer) {
    return timer->heap_index != 0;
}

/* No more than were armed at the start: one that re-arms itself without delay cannot hold the
 * turn. */
static void run_timers(struct eg_loop *loop) {
    for (size_t left = loop->timers.armed; left > 0; left--) {
        struct gw_timer *timer = gw_timer_heap_top(&loop->timers);
        if (timer == NULL || timer->at_ns > loop->now_ns) {
            return;
        }
        gw_timer_heap_remove(&loop->timers, timer);
        timer->fn(timer);
    }
}

/* ---- file descriptors ---- */

static uint32_t epoll_events(uint32_t events) {
    return ((events & EG_FD_READ) != 0 ? (uint32_t)EPOLLIN : 0u) |
           ((events & EG_FD_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0u) |
           ((events & GW_FD_NEWS) != 0 ? (uint32_t)EPOLLET | (uint32_t)EPOLLRDHUP : 0u);
}

static int epoll_of(const struct eg_loop *loop, bool is_crowd) {
    return is_crowd ? loop->crowd.fd : loop->epoll_fd;
}

static int32_t watch_in(struct eg_loop *loop, bool is_crowd, struct gw_fd *watch,
                        const struct gw_fd *wanted) {
    GW_ASSERT(!watch->is_watched);
    struct epoll_event event = {.events = epoll_events(wanted->events), .data = {.ptr = watch}};
    if (epoll_ctl(epoll_of(loop, is_crowd), EPOLL_CTL_ADD, wanted->fd, &event) != 0) {
        return EG_E_IO;
    }
    *watch = *wanted;
    watch->is_watched = true;
    watch->is_crowd = is_crowd;
    return EG_OK;
}

int32_t gw_fd_watch(struct eg_loop *loop, struct gw_fd *watch, int fd, uint32_t events,
                    void (*fn)(struct gw_fd *watch, uint32_t events)) {
    const struct gw_fd wanted = {.fd = fd, .events = events, .fn = fn};
    return watch_in(loop, false, watch, &wanted);
}

int32_t gw_fd_watch_crowd(struct eg_loop *loop, struct gw_fd *watch, int fd, uint32_t events,
                          void (*fn)(struct gw_fd *watch, uint32_t events)) {
    const struct gw_fd wanted = {.fd = fd, .events = events, .fn = fn};
    return watch_in(loop, true, watch, &wanted);
}

void gw_loop_behind(struct eg_loop *loop, bool is_behind) {
    loop->is_behind = is_behind;
}

static void modify(const struct eg_loop *loop, struct gw_fd *watch, uint32_t events) {
    struct epoll_event event = {.events = epoll_events(events), .data = {.ptr = watch}};
    if (epoll_ctl(epoll_of(loop, watch->is_crowd), EPOLL_CTL_MOD, watch->fd, &event) == 0) {
        watch->events = events;
    }
}

void gw_fd_change(struct eg_loop *loop, struct gw_fd *watch, uint32_t events) {
    GW_ASSERT(watch->is_watched);
    if (watch->events != events) {
        modify(loop, watch, events);
    }
}

void gw_fd_again(struct eg_loop *loop, struct gw_fd *watch) {
    GW_ASSERT(watch->is_watched);
    modify(loop, watch, watch->events);
}

/* Also drops what this turn still had to tell the watch: its owner may free it at once. */
void gw_fd_unwatch(struct eg_loop *loop, struct gw_fd *watch) {
    if (!watch->is_watched) {
        return;
    }
    watch->is_watched = false;
    (void)epoll_ctl(epoll_of(loop, watch->is_crowd), EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == watch) {
            loop->ready[i].data.ptr = NULL;
        }
    }
}

/* An error or hang-up is told as whatever was asked for: the owner's read or write will find it. */
static uint32_t told_events(const struct gw_fd *watch, uint32_t got) {
    const uint32_t asked = watch->events & (EG_FD_READ | EG_FD_WRITE);
    const bool is_broken = (got & (EPOLLERR | EPOLLHUP)) != 0;
    uint32_t events = 0;
    if (is_broken) {
        events = asked == 0 ? EG_FD_READ : asked;
    }
    events |= (got & EPOLLIN) != 0 ? EG_FD_READ : 0u;
    events |= (got & EPOLLOUT) != 0 ? EG_FD_WRITE : 0u;
    if ((watch->events & GW_FD_NEWS) != 0) {
        events |= is_broken ? GW_FD_BROKEN : 0u;
        events |= is_broken || (got & EPOLLRDHUP) != 0 ? GW_FD_ENDED : 0u;
    }
    return events;
}

static void tell(struct eg_loop *loop) {
    for (int i = 0; i < loop->ready_count; i++) {
        struct gw_fd *watch = loop->ready[i].data.ptr;
        if (watch == NULL) {
            continue;
        }
        loop->ready[i].data.ptr = NULL;
        watch->fn(watch, told_events(watch, loop->ready[i].events));
    }
    loop->ready_count = 0;
}

/* In `ready`, which is free again. */
static void run_crowd(struct eg_loop *loop) {
    const int count = epoll_wait(loop->crowd.fd, loop->ready,
                                 loop->is_behind ? GW_CROWD_BEHIND : GW_CROWD_PER_TURN, 0);
    loop->is_crowd_ready = false;
    loop->ready_count = count > 0 ? count : 0;
    tell(loop);
}

static void run_fds(struct eg_loop *loop) {
    tell(loop);
    loop->has_told_all = loop->is_all_ready;
    if (loop->is_crowd_ready) {
        run_crowd(loop);
    }
}

/* ---- the turn ---- */

/* When the next timer is due. A busy loop does not clear away what was stopped: the time of such a
 * one wakes it once for nothing at most, and then it is not busy. */
static uint64_t next_timer_ns(struct eg_loop *loop) {
    if (loop->is_busy) {
        return gw_timer_heap_bound_ns(&loop->timers);
    }
    const struct gw_timer *timer = gw_timer_heap_top(&loop->timers);
    return timer == NULL ? UINT64_MAX : timer->at_ns;
}

static uint64_t sleep_ns(struct eg_loop *loop, uint64_t max_wait_ns) {
    if (!gw_list_empty(&loop->deferred)) {
        return 0;
    }
    uint64_t wait_ns = max_wait_ns;
    const uint64_t due_ns = next_timer_ns(loop);
    if (due_ns != UINT64_MAX) {
        const uint64_t now = loop->now_ns;
        const uint64_t until_ns = due_ns > now ? due_ns - now : 0;
        wait_ns = until_ns < wait_ns ? until_ns : wait_ns;
    }
    if (wait_ns > GW_NS_PER_MS && gw_clock_is_held()) {
        wait_ns = GW_NS_PER_MS;
    }
    return wait_ns;
}

/* epoll's milliseconds, rounded up: waking early would spin until the timer is due. */
static int epoll_timeout_ms(uint64_t wait_ns) {
    if (wait_ns == NO_LIMIT) {
        return -1;
    }
    const uint64_t hour_ms = 3600000;
    const uint64_t ms = wait_ns / GW_NS_PER_MS + (wait_ns % GW_NS_PER_MS != 0 ? 1 : 0);
    return (int)(ms < hour_ms ? ms : hour_ms);
}

static void wait_for_events(struct eg_loop *loop, uint64_t max_wait_ns) {
    int timeout_ms = epoll_timeout_ms(sleep_ns(loop, max_wait_ns));
    if (timeout_ms != 0) {
        atomic_store(&loop->is_asleep, true);
        if (atomic_load(&loop->inbox) != NULL || atomic_load(&loop->is_stopping)) {
            timeout_ms = 0;
        }
    }
    const int count = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_PER_TURN, timeout_ms);
    atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
    loop->ready_count = count > 0 ? count : 0; /* EINTR: an empty turn */
    loop->is_all_ready = count >= 0 && count < EVENTS_PER_TURN;
    loop->is_busy = count > 0;
}

static const struct gw_metric_family blocked_family = {
    .name = "eventgateway_loop_blocked_total",
    .help = "Turns of an event loop that took longer than 50 ms, by who ran longest in them.",
    .type = GW_COUNTER,
};

static void log_slow_turn(struct eg_loop *loop, uint64_t turn_ns) {
    /* A plugin is named when most of the time was its own, not for one call in a crowd. */
    const bool is_named = loop->worst != NULL && loop->worst_ns >= turn_ns / 2;
    const struct eg_str by = gw_str_c(is_named ? loop->worst : "gateway");
    const struct eg_kv label = {GW_STR("component"), by};
    char ms[24];
    const int len = snprintf(ms, sizeof ms, "%llu", (unsigned long long)(turn_ns / GW_NS_PER_MS));
    GW_LOG(EG_LOG_WARN, "the event loop was held up", {GW_STR("loop"), gw_str_c(loop->name)},
           {GW_STR("ms"), gw_str(ms, (size_t)len)}, {GW_STR("by"), by});
    gw_metric_add(gw_metric(&blocked_family, &label, 1), 1);
}

void gw_loop_turn(struct eg_loop *loop, uint64_t max_wait_ns) {
    struct eg_loop *former = current_loop;
    current_loop = loop;
    loop->now_ns = gw_monotonic_ns();
    wait_for_events(loop, max_wait_ns);
    const uint64_t begin_ns = gw_monotonic_ns();
    loop->now_ns = begin_ns;
    loop->worst = NULL;
    loop->worst_ns = 0;
    run_fds(loop);
    run_timers(loop);
    run_inbox(loop);
    run_deferred(loop);
    run_hooks(loop);
    loop->has_told_all = false;
    loop->now_ns = gw_monotonic_ns();
    if (!loop->may_be_slow && loop->now_ns - begin_ns > SLOW_TURN_NS && loop->now_ns > begin_ns) {
        log_slow_turn(loop, loop->now_ns - begin_ns);
    }
    current_loop = former;
}

void gw_loop_run(struct eg_loop *loop) {
    while (!atomic_load_explicit(&loop->is_stopping, memory_order_relaxed)) {
        gw_loop_turn(loop, NO_LIMIT);
    }
    atomic_store(&loop->is_stopping, false);
}

void gw_loop_allow_slow_turns(struct eg_loop *loop) {
    loop->may_be_slow = true;
}

/* By the coarse clock: it tells who held up a turn for 50 ms, and over many calls a component is
 * charged with as many ticks as it has used. */
const char *gw_loop_blame(struct eg_loop *loop, const char *who) {
    const uint64_t now = gw_monotonic_coarse_ns();
    const char *former = loop->blamed;
    const uint64_t ran_ns = now - loop->blamed_since_ns;
    if (former != NULL && ran_ns > loop->worst_ns) {
        loop->worst = former;
        loop->worst_ns = ran_ns;
    }
    loop->blamed = who;
    loop->blamed_since_ns = now;
    return former;
}

uint64_t gw_loop_blamed_since(const struct eg_loop *loop) {
    return loop->blamed_since_ns;
}
