/*
 * io/loop.h - one event loop = one thread: epoll, a timer heap (its head is the epoll time-out), an
 * inbox for messages of other threads, and deferred tasks of its own thread.
 *
 * Thread: everything on the loop's own thread, but gw_loop_post and gw_loop_stop, which may come
 * from any. Nodes (task, timer, fd) are embedded in their owner, zeroed before first use; the loop
 * borrows them while they are queued, armed or watched. A callback never runs inside the call that
 * asked for it. A turn of more than 50 ms is logged with the name given by gw_loop_blame.
 */
#ifndef GW_IO_LOOP_H
#define GW_IO_LOOP_H

#include <stdbool.h>

#include <eventgw/host.h>

#include "base/list.h"

/* Asked for beside EG_FD_*: news only, once each (EPOLLET of epoll(7)), which costs the kernel one
 * look at the descriptor less. Whoever has not read or written to the end, or was told of the end
 * and has not come to it yet, says gw_fd_again. */
#define GW_FD_NEWS 0x100u
/* Told beside EG_FD_READ to those who ask for news: the other side has ended its sending, and what
 * it has sent before may still be there; the connection is broken, or ended by both sides. */
#define GW_FD_ENDED 0x200u
#define GW_FD_BROKEN 0x400u

#define GW_CROWD_PER_TURN 16
#define GW_CROWD_BEHIND 4 /* while accepted work waits: gw_loop_behind */

struct gw_task {
    struct gw_node node;
    void (*fn)(struct gw_task *task);
};
struct gw_timer {
    uint64_t at_ns;
    size_t heap_index; /* 0 = not armed */
    void (*fn)(struct gw_timer *timer);
};
struct gw_fd {
    int fd;
    uint32_t events; /* EG_FD_READ | EG_FD_WRITE | GW_FD_NEWS */
    void (*fn)(struct gw_fd *watch, uint32_t events);
    bool is_watched;
    bool is_crowd; /* gw_fd_watch_crowd */
};
/* Called once a turn, after fds, timers and tasks, before sleeping. */
struct gw_turn_hook {
    struct gw_node node;
    void (*fn)(struct gw_turn_hook *hook);
};

int32_t gw_loop_create(const char *name, struct eg_loop **ret_loop);
void gw_loop_destroy(struct eg_loop *loop); /* not while it runs; NULL is fine */
void gw_loop_run(struct eg_loop *loop);     /* until stop, on this thread */
void gw_loop_stop(struct eg_loop *loop);
/* One turn that waits at most max_wait_ns; for tests. */
void gw_loop_turn(struct eg_loop *loop, uint64_t max_wait_ns);
struct eg_loop *gw_loop_current(void);
const char *gw_loop_name(const struct eg_loop *loop);
/* Monotonic time when this turn began: cheap, for deadlines of milliseconds and more. */
uint64_t gw_loop_now(const struct eg_loop *loop);
/* Has this turn begun with events of descriptors? */
bool gw_loop_is_busy(const struct eg_loop *loop);
/* Have all descriptors been told of that had something to tell when this turn began? Not before
 * they have, and not in a turn that had more of them than it could take. */
bool gw_loop_has_told_all(const struct eg_loop *loop);
/* The place of this loop in arrays of per-loop things, given once by whoever makes the loops. */
void gw_loop_set_index(struct eg_loop *loop, uint32_t index);
uint32_t gw_loop_index(const struct eg_loop *loop);

/* From any thread: task->fn runs on the loop, in order. The task is borrowed until then. */
void gw_loop_post(struct eg_loop *loop, struct gw_task *task);
/* The same for a function and its argument; allocates. */
void gw_loop_post_fn(struct eg_loop *loop, void (*fn)(void *arg), void *arg);
/* Own thread: runs later in this turn (or the next, when called from a deferred task). */
void gw_loop_defer(struct eg_loop *loop, struct gw_task *task);
void gw_loop_undefer(struct gw_task *task);

void gw_timer_start(struct eg_loop *loop, struct gw_timer *timer, uint64_t delay_ns,
                    void (*fn)(struct gw_timer *timer)); /* restarts an armed one */
/* The same at a time of gw_monotonic_ns that is known: reads no clock. */
void gw_timer_start_at(struct eg_loop *loop, struct gw_timer *timer, uint64_t at_ns,
                       void (*fn)(struct gw_timer *timer));
void gw_timer_stop(struct eg_loop *loop, struct gw_timer *timer);
bool gw_timer_armed(const struct gw_timer *timer);

int32_t gw_fd_watch(struct eg_loop *loop, struct gw_fd *watch, int fd, uint32_t events,
                    void (*fn)(struct gw_fd *watch, uint32_t events));
/* The same for the many that bring new work, clients above all: a turn tells of GW_CROWD_PER_TURN
 * of them at most, by turns, and of all others before. So what has been begun is finished before
 * more is, and what is under way stays in the processor's cache however many want something. */
int32_t gw_fd_watch_crowd(struct eg_loop *loop, struct gw_fd *watch, int fd, uint32_t events,
                          void (*fn)(struct gw_fd *watch, uint32_t events));
/* Does work that was accepted wait to be begun? Then a turn tells of GW_CROWD_BEHIND at most. */
void gw_loop_behind(struct eg_loop *loop, bool is_behind);
void gw_fd_change(struct eg_loop *loop, struct gw_fd *watch, uint32_t events);
/* Of one who asked for news: tell it once more what there is, in a later turn. */
void gw_fd_again(struct eg_loop *loop, struct gw_fd *watch);
void gw_fd_unwatch(struct eg_loop *loop, struct gw_fd *watch);

void gw_loop_hook(struct eg_loop *loop, struct gw_turn_hook *hook);
void gw_loop_unhook(struct gw_turn_hook *hook);

/* Who runs now, for the slow-turn message; returns the former. */
const char *gw_loop_blame(struct eg_loop *loop, const char *who);
/* When the last gw_loop_blame was, by gw_monotonic_coarse_ns: a clock that was read already. */
uint64_t gw_loop_blamed_since(const struct eg_loop *loop);
/* No such message: the loop of a program that does one thing, and keeps nobody waiting. */
void gw_loop_allow_slow_turns(struct eg_loop *loop);

#endif
