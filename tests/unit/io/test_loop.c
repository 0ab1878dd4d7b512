/* The event loop: timers on a held clock, the inbox under many threads, tasks, hooks, descriptors.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/loop.h"

static struct eg_loop *new_loop(void) {
    struct eg_loop *loop = NULL;
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    return loop;
}

static char trace[64];
static void note(char c) {
    const size_t len = strlen(trace);
    if (len + 1 < sizeof trace) {
        trace[len] = c;
        trace[len + 1] = '\0';
    }
}

/* ---- timers ---- */

struct named_timer {
    struct gw_timer timer;
    char name;
    struct eg_loop *loop;
};
static void timer_notes(struct gw_timer *timer) {
    note(GW_CONTAINER(timer, struct named_timer, timer)->name);
}
static void timer_rearms_without_delay(struct gw_timer *timer) {
    struct named_timer *named = GW_CONTAINER(timer, struct named_timer, timer);
    note(named->name);
    gw_timer_start(named->loop, timer, 0, timer_rearms_without_delay);
}

static void timers_fire_in_order_of_their_time(void) {
    struct eg_loop *loop = new_loop();
    struct named_timer timers[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
    trace[0] = '\0';
    gw_clock_hold(1000, 0);
    gw_timer_start(loop, &timers[0].timer, 30, timer_notes);
    gw_timer_start(loop, &timers[1].timer, 10, timer_notes);
    gw_timer_start(loop, &timers[2].timer, 20, timer_notes);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "");
    gw_clock_advance(10);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "b");
    CU_ASSERT_FALSE(gw_timer_armed(&timers[1].timer));
    gw_clock_advance(100);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "bca");
    gw_clock_release();
    gw_loop_destroy(loop);
}

static void a_timer_may_be_given_its_time_itself_which_may_be_over(void) {
    struct eg_loop *loop = new_loop();
    struct named_timer late = {.name = 'l'};
    struct named_timer over = {.name = 'o'};
    trace[0] = '\0';
    gw_clock_hold(1000, 0);
    gw_timer_start_at(loop, &late.timer, 1030, timer_notes);
    gw_timer_start_at(loop, &over.timer, 5, timer_notes);
    CU_ASSERT_STRING_EQUAL(trace, "");
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "o");
    gw_clock_advance(29);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "o");
    gw_clock_advance(1);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "ol");
    gw_clock_release();
    gw_loop_destroy(loop);
}

static void a_stopped_timer_never_fires_and_a_restarted_one_fires_late(void) {
    struct eg_loop *loop = new_loop();
    struct named_timer a = {.name = 'a'};
    struct named_timer b = {.name = 'b'};
    trace[0] = '\0';
    gw_clock_hold(0, 0);
    gw_timer_start(loop, &a.timer, 10, timer_notes);
    gw_timer_start(loop, &b.timer, 10, timer_notes);
    gw_timer_stop(loop, &a.timer);
    gw_timer_stop(loop, &a.timer);
    gw_timer_start(loop, &b.timer, 50, timer_notes);
    gw_clock_advance(20);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "");
    gw_clock_advance(30);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "b");
    gw_clock_release();
    gw_loop_destroy(loop);
}

static void a_timer_that_rearms_itself_without_delay_does_not_hold_the_turn(void) {
    struct eg_loop *loop = new_loop();
    struct named_timer a = {.name = 'a', .loop = loop};
    trace[0] = '\0';
    gw_clock_hold(0, 0);
    gw_timer_start(loop, &a.timer, 0, timer_rearms_without_delay);
    gw_loop_turn(loop, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "aa");
    gw_clock_release();
    gw_loop_destroy(loop);
}

static uint64_t last_fired_at;
static size_t fired_count;
static void timer_checks_order(struct gw_timer *timer) {
    CU_ASSERT_TRUE(timer->at_ns >= last_fired_at);
    last_fired_at = timer->at_ns;
    fired_count++;
}

static void thousands_of_timers_with_random_stops_stay_in_order(void) {
    enum { COUNT = 5000 };
    static struct gw_timer timers[COUNT];
    struct eg_loop *loop = new_loop();
    uint32_t random = 12345;
    size_t stopped = 0;
    last_fired_at = fired_count = 0;
    gw_clock_hold(0, 0);
    for (size_t i = 0; i < COUNT; i++) {
        random = random * 1664525u + 1013904223u;
        gw_timer_start(loop, &timers[i], random >> 12, timer_checks_order);
    }
    for (size_t i = 0; i < COUNT; i += 3) {
        gw_timer_stop(loop, &timers[i]);
        stopped++;
    }
    gw_clock_advance(UINT32_MAX);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(fired_count, COUNT - stopped);
    gw_clock_release();
    gw_loop_destroy(loop);
}

static void a_loop_under_a_held_clock_never_sleeps_longer_than_a_millisecond(void) {
    struct eg_loop *loop = new_loop();
    struct timespec before;
    struct timespec after;
    gw_clock_hold(0, 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    gw_loop_turn(loop, 3600 * GW_NS_PER_S);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CU_ASSERT_TRUE(after.tv_sec - before.tv_sec < 60);
    gw_clock_release();
    gw_loop_destroy(loop);
}

/* ---- tasks ---- */

struct named_task {
    struct gw_task task;
    char name;
    struct eg_loop *loop;
    struct named_task *other;
};
static void task_notes(struct gw_task *task) {
    note(GW_CONTAINER(task, struct named_task, task)->name);
}
static void task_defers_itself(struct gw_task *task) {
    struct named_task *named = GW_CONTAINER(task, struct named_task, task);
    note(named->name);
    gw_loop_defer(named->loop, task);
}
static void task_undefers_the_other(struct gw_task *task) {
    struct named_task *named = GW_CONTAINER(task, struct named_task, task);
    note(named->name);
    gw_loop_undefer(&named->other->task);
}

static void a_deferred_task_never_runs_inside_defer_and_runs_once(void) {
    struct eg_loop *loop = new_loop();
    struct named_task a = {.task.fn = task_notes, .name = 'a'};
    struct named_task b = {.task.fn = task_notes, .name = 'b'};
    trace[0] = '\0';
    gw_loop_defer(loop, &a.task);
    gw_loop_defer(loop, &b.task);
    gw_loop_defer(loop, &a.task);
    CU_ASSERT_STRING_EQUAL(trace, "");
    gw_loop_turn(loop, GW_NS_PER_S * 100);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "ab");
    gw_loop_destroy(loop);
}

static void a_task_that_defers_itself_runs_once_a_turn(void) {
    struct eg_loop *loop = new_loop();
    struct named_task a = {.task.fn = task_defers_itself, .name = 'a', .loop = loop};
    trace[0] = '\0';
    gw_loop_defer(loop, &a.task);
    gw_loop_turn(loop, GW_NS_PER_S * 100);
    CU_ASSERT_STRING_EQUAL(trace, "a");
    gw_loop_turn(loop, GW_NS_PER_S * 100);
    CU_ASSERT_STRING_EQUAL(trace, "aa");
    gw_loop_undefer(&a.task);
    gw_loop_destroy(loop);
}

static void a_task_may_take_back_the_one_behind_it(void) {
    struct eg_loop *loop = new_loop();
    struct named_task b = {.task.fn = task_notes, .name = 'b'};
    struct named_task a = {.task.fn = task_undefers_the_other, .name = 'a', .other = &b};
    trace[0] = '\0';
    gw_loop_defer(loop, &a.task);
    gw_loop_defer(loop, &b.task);
    gw_loop_turn(loop, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "a");
    gw_loop_destroy(loop);
}

static struct gw_turn_hook hook_one;
static void hook_unhooks_itself(struct gw_turn_hook *hook) {
    note('h');
    gw_loop_unhook(hook);
}

static void a_hook_runs_after_the_tasks_and_may_unhook_itself(void) {
    struct eg_loop *loop = new_loop();
    struct named_task a = {.task.fn = task_notes, .name = 'a'};
    trace[0] = '\0';
    hook_one.fn = hook_unhooks_itself;
    gw_loop_hook(loop, &hook_one);
    gw_loop_defer(loop, &a.task);
    gw_loop_turn(loop, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "ah");
    gw_loop_destroy(loop);
}

/* ---- inbox ---- */

enum { POSTERS = 4, POSTS = 20000 };
struct poster {
    pthread_t thread;
    struct eg_loop *loop;
    struct posted {
        struct gw_task task;
        struct poster *poster;
        size_t number;
    } * posts;
    size_t seen;
};
static size_t posts_seen;
static struct eg_loop *inbox_loop;
static void count_post(struct gw_task *task) {
    struct posted *posted = GW_CONTAINER(task, struct posted, task);
    CU_ASSERT_EQUAL(posted->number, posted->poster->seen);
    CU_ASSERT_PTR_EQUAL(gw_loop_current(), inbox_loop);
    posted->poster->seen++;
    if (++posts_seen == POSTERS * POSTS) {
        gw_loop_stop(inbox_loop);
    }
}
static void *post_all(void *arg) {
    struct poster *poster = arg;
    for (size_t i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct posted){.task.fn = count_post, .poster = poster, .number = i};
        gw_loop_post(poster->loop, &poster->posts[i].task);
    }
    return NULL;
}

static void posts_of_many_threads_all_arrive_each_thread_in_order(void) {
    static struct posted room[POSTERS][POSTS];
    struct poster posters[POSTERS] = {0};
    inbox_loop = new_loop();
    posts_seen = 0;
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i].loop = inbox_loop;
        posters[i].posts = room[i];
        CU_ASSERT_EQUAL_FATAL(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    gw_loop_run(inbox_loop);
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        CU_ASSERT_EQUAL(posters[i].seen, POSTS);
    }
    gw_loop_destroy(inbox_loop);
}

static void count_call(void *arg) {
    (*(int *)arg)++;
}
static void posted_functions_run_and_what_is_left_at_destroy_is_freed(void) {
    struct eg_loop *loop = new_loop();
    int calls = 0;
    gw_loop_post_fn(loop, count_call, &calls);
    CU_ASSERT_EQUAL(calls, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(calls, 1);
    gw_loop_post_fn(loop, count_call, &calls);
    gw_loop_destroy(loop);
    CU_ASSERT_EQUAL(calls, 1);
}

/* ---- file descriptors ---- */

struct test_fd {
    struct gw_fd watch;
    struct test_fd *other;
    struct eg_loop *loop;
    uint32_t seen;
    int calls;
};
static void fd_notes(struct gw_fd *watch, uint32_t events) {
    struct test_fd *test = GW_CONTAINER(watch, struct test_fd, watch);
    test->seen |= events;
    test->calls++;
}
static void fd_unwatches_the_other(struct gw_fd *watch, uint32_t events) {
    struct test_fd *test = GW_CONTAINER(watch, struct test_fd, watch);
    fd_notes(watch, events);
    gw_fd_unwatch(test->loop, &test->other->watch);
}

static void a_descriptor_is_told_what_it_is_ready_for_and_hang_up_as_what_it_asked(void) {
    struct eg_loop *loop = new_loop();
    int pair[2];
    struct test_fd a = {0};
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(gw_fd_watch(loop, &a.watch, pair[0], EG_FD_READ, fd_notes), 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.calls, 0);
    gw_fd_change(loop, &a.watch, EG_FD_WRITE);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.seen, EG_FD_WRITE);
    a.seen = 0;
    gw_fd_change(loop, &a.watch, EG_FD_READ);
    close(pair[1]);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.seen, EG_FD_READ);
    gw_fd_unwatch(loop, &a.watch);
    gw_fd_unwatch(loop, &a.watch);
    close(pair[0]);
    gw_loop_destroy(loop);
}

static void end_pair(struct eg_loop *loop, struct gw_fd *a, struct gw_fd *b, int pair[2]) {
    gw_fd_unwatch(loop, a);
    gw_fd_unwatch(loop, b);
    close(pair[0]);
    close(pair[1]);
    gw_loop_destroy(loop);
}

static void a_watch_dropped_by_a_callback_of_the_same_turn_is_not_told(void) {
    struct eg_loop *loop = new_loop();
    int pair[2];
    struct test_fd a = {.loop = loop};
    struct test_fd b = {.loop = loop};
    a.other = &b;
    b.other = &a;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    gw_fd_watch(loop, &a.watch, pair[0], EG_FD_WRITE, fd_unwatches_the_other);
    gw_fd_watch(loop, &b.watch, pair[1], EG_FD_WRITE, fd_unwatches_the_other);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.calls + b.calls, 1);
    end_pair(loop, &a.watch, &b.watch, pair);
}

/* One turn; what the descriptor is told in it. */
static uint32_t told_in_a_turn(struct eg_loop *loop, struct test_fd *fd) {
    fd->seen = 0;
    gw_loop_turn(loop, 0);
    return fd->seen;
}

static void who_asks_for_news_is_told_once_again_on_demand_and_of_the_end(void) {
    struct eg_loop *loop = new_loop();
    int pair[2];
    struct test_fd a = {0};
    char byte;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(gw_fd_watch(loop, &a.watch, pair[0], EG_FD_READ | GW_FD_NEWS, fd_notes), 0);
    CU_ASSERT_EQUAL(send(pair[1], "x", 1, 0), 1);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), EG_FD_READ);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), 0); /* nothing was read, and nothing is new */
    gw_fd_again(loop, &a.watch);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), EG_FD_READ);
    CU_ASSERT_EQUAL(shutdown(pair[1], SHUT_WR), 0);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), EG_FD_READ | GW_FD_ENDED);
    CU_ASSERT_EQUAL(recv(pair[0], &byte, 1, 0), 1); /* what came before the end is still there */
    gw_fd_again(loop, &a.watch);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), EG_FD_READ | GW_FD_ENDED);
    close(pair[1]);
    CU_ASSERT_EQUAL(told_in_a_turn(loop, &a), EG_FD_READ | GW_FD_ENDED | GW_FD_BROKEN);
    gw_fd_unwatch(loop, &a.watch);
    close(pair[0]);
    gw_loop_destroy(loop);
}

/* ---- the crowd ---- */

#define CROWD (GW_CROWD_PER_TURN * 2 + GW_CROWD_PER_TURN / 2)

/* Descriptors that can be written, and so have always something to tell. */
static void watch_crowd(struct eg_loop *loop, struct test_fd *crowd, int pairs[][2]) {
    for (int i = 0; i < CROWD; i++) {
        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        CU_ASSERT_EQUAL(
            gw_fd_watch_crowd(loop, &crowd[i].watch, pairs[i][0], EG_FD_WRITE, fd_notes), 0);
    }
}

static void end_crowd(struct eg_loop *loop, struct test_fd *crowd, int pairs[][2]) {
    for (int i = 0; i < CROWD; i++) {
        gw_fd_unwatch(loop, &crowd[i].watch);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

static void a_turn_tells_of_a_bounded_part_of_the_crowd_and_all_have_their_turn(void) {
    struct eg_loop *loop = new_loop();
    struct test_fd crowd[CROWD] = {0};
    int pairs[CROWD][2];
    watch_crowd(loop, crowd, pairs);
    for (int turn = 1; turn <= 3; turn++) {
        int calls = 0;
        int told = 0;
        gw_loop_turn(loop, 0);
        for (int i = 0; i < CROWD; i++) {
            calls += crowd[i].calls;
            told += crowd[i].calls > 0;
        }
        CU_ASSERT_EQUAL(calls, turn * GW_CROWD_PER_TURN);
        CU_ASSERT_EQUAL(told, turn < 3 ? calls : CROWD);
    }
    end_crowd(loop, crowd, pairs);
    gw_loop_destroy(loop);
}

static void a_loop_that_is_behind_tells_of_fewer(void) {
    struct eg_loop *loop = new_loop();
    struct test_fd crowd[CROWD] = {0};
    int pairs[CROWD][2];
    int calls = 0;
    watch_crowd(loop, crowd, pairs);
    gw_loop_behind(loop, true);
    gw_loop_turn(loop, 0);
    gw_loop_behind(loop, false);
    gw_loop_turn(loop, 0);
    for (int i = 0; i < CROWD; i++) {
        calls += crowd[i].calls;
    }
    CU_ASSERT_EQUAL(calls, GW_CROWD_BEHIND + GW_CROWD_PER_TURN);
    end_crowd(loop, crowd, pairs);
    gw_loop_destroy(loop);
}

struct lettered_fd {
    struct gw_fd watch;
    char letter;
};
static void fd_notes_letter(struct gw_fd *watch, uint32_t events) {
    (void)events;
    note(GW_CONTAINER(watch, struct lettered_fd, watch)->letter);
}

static void the_crowd_is_told_after_all_others(void) {
    struct eg_loop *loop = new_loop();
    struct lettered_fd client = {.letter = 'c'};
    struct lettered_fd other = {.letter = 'o'};
    int pair[2];
    trace[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    gw_fd_watch_crowd(loop, &client.watch, pair[0], EG_FD_WRITE, fd_notes_letter);
    gw_fd_watch(loop, &other.watch, pair[1], EG_FD_WRITE, fd_notes_letter);
    gw_loop_turn(loop, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "ococ");
    end_pair(loop, &client.watch, &other.watch, pair);
}

static void one_of_the_crowd_may_change_what_it_wants_and_drop_another(void) {
    struct eg_loop *loop = new_loop();
    int pair[2];
    struct test_fd a = {.loop = loop};
    struct test_fd b = {.loop = loop};
    a.other = &b;
    b.other = &a;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    gw_fd_watch_crowd(loop, &a.watch, pair[0], EG_FD_READ, fd_unwatches_the_other);
    gw_fd_watch_crowd(loop, &b.watch, pair[1], EG_FD_READ, fd_unwatches_the_other);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.calls + b.calls, 0);
    gw_fd_change(loop, &a.watch, EG_FD_WRITE);
    gw_fd_change(loop, &b.watch, EG_FD_WRITE);
    gw_loop_turn(loop, 0);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(a.calls * b.calls, 0); /* the one that was dropped is never told */
    CU_ASSERT_EQUAL(a.calls + b.calls, 2);
    end_pair(loop, &a.watch, &b.watch, pair);
}

static void watching_no_descriptor_is_an_error(void) {
    struct eg_loop *loop = new_loop();
    struct test_fd a = {0};
    CU_ASSERT_EQUAL(gw_fd_watch(loop, &a.watch, -1, EG_FD_READ, fd_notes), EG_E_IO);
    CU_ASSERT_EQUAL(gw_fd_watch_crowd(loop, &a.watch, -1, EG_FD_READ, fd_notes), EG_E_IO);
    CU_ASSERT_FALSE(a.watch.is_watched);
    gw_loop_destroy(loop);
}

/* ---- slow turns ---- */

static char logged[512];
static void keep_line(void *arg, struct eg_str line) {
    (void)arg;
    snprintf(logged, sizeof logged, "%.*s", GW_FMT(line));
}
static void task_dawdles(struct gw_task *task) {
    struct eg_loop *loop = GW_CONTAINER(task, struct named_task, task)->loop;
    const char *former = gw_loop_blame(loop, "sluggish_plugin");
    gw_clock_advance(80 * GW_NS_PER_MS);
    gw_loop_blame(loop, former);
}

static void a_turn_of_more_than_50_ms_is_logged_with_the_name_of_the_culprit(void) {
    struct eg_loop *loop = new_loop();
    struct named_task a = {.task.fn = task_dawdles, .loop = loop};
    gw_clock_hold(0, 0);
    logged[0] = '\0';
    gw_log_capture(keep_line, NULL);
    gw_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(logged, "");
    gw_loop_defer(loop, &a.task);
    gw_loop_turn(loop, 0);
    gw_log_capture(NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "sluggish_plugin"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "80"));
    gw_clock_release();
    gw_loop_destroy(loop);
}

static void a_loop_that_keeps_nobody_waiting_may_be_slow(void) {
    struct eg_loop *loop = new_loop();
    struct named_task a = {.task.fn = task_dawdles, .loop = loop};
    gw_clock_hold(0, 0);
    logged[0] = '\0';
    gw_log_capture(keep_line, NULL);
    gw_loop_allow_slow_turns(loop);
    gw_loop_defer(loop, &a.task);
    gw_loop_turn(loop, 0);
    gw_log_capture(NULL, NULL);
    CU_ASSERT_STRING_EQUAL(logged, "");
    gw_clock_release();
    gw_loop_destroy(loop);
}

UNIT_MAIN(UNIT(timers_fire_in_order_of_their_time),
          UNIT(a_timer_may_be_given_its_time_itself_which_may_be_over),
          UNIT(a_stopped_timer_never_fires_and_a_restarted_one_fires_late),
          UNIT(a_timer_that_rearms_itself_without_delay_does_not_hold_the_turn),
          UNIT(thousands_of_timers_with_random_stops_stay_in_order),
          UNIT(a_loop_under_a_held_clock_never_sleeps_longer_than_a_millisecond),
          UNIT(a_deferred_task_never_runs_inside_defer_and_runs_once),
          UNIT(a_task_that_defers_itself_runs_once_a_turn),
          UNIT(a_task_may_take_back_the_one_behind_it),
          UNIT(a_hook_runs_after_the_tasks_and_may_unhook_itself),
          UNIT(posts_of_many_threads_all_arrive_each_thread_in_order),
          UNIT(posted_functions_run_and_what_is_left_at_destroy_is_freed),
          UNIT(a_descriptor_is_told_what_it_is_ready_for_and_hang_up_as_what_it_asked),
          UNIT(a_watch_dropped_by_a_callback_of_the_same_turn_is_not_told),
          UNIT(who_asks_for_news_is_told_once_again_on_demand_and_of_the_end),
          UNIT(a_turn_tells_of_a_bounded_part_of_the_crowd_and_all_have_their_turn),
          UNIT(a_loop_that_is_behind_tells_of_fewer), UNIT(the_crowd_is_told_after_all_others),
          UNIT(one_of_the_crowd_may_change_what_it_wants_and_drop_another),
          UNIT(watching_no_descriptor_is_an_error),
          UNIT(a_turn_of_more_than_50_ms_is_logged_with_the_name_of_the_culprit),
          UNIT(a_loop_that_keeps_nobody_waiting_may_be_slow))
