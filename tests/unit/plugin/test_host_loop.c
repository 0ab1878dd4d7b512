/* The loop service: what a plugin asks for runs on the right loop and is on the ledger. */
#include <unistd.h>

#include "bench_plugin.h"
#include "plugin/host.h"

static struct gw_instance *instance;
static const struct eg_loop_api *api;
static struct eg_timer *timer;
static int ticks;
static struct gw_pool *pool;

static void open_host(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    instance = bench_serve();
    api = bench_host->loop;
    ticks = 0;
}
static void close_host(void) {
    bench_stop();
    gw_clock_release();
}

static void on_one(void *arg) {
    CU_ASSERT_PTR_EQUAL(api->current(bench_host), arg);
    tell("ran");
}

static void a_post_runs_later_on_its_loop(void) {
    open_host();
    api->post(bench_host, loops[1], on_one, loops[1]);
    ASSERT_STORY("");
    gw_loop_turn(loops[0], 0);
    ASSERT_STORY("");
    gw_loop_turn(loops[1], 0);
    ASSERT_STORY("ran");
    CU_ASSERT_PTR_NULL(api->current(bench_host));
    close_host();
}

static void on_tick(void *arg) {
    (void)arg;
    if (++ticks == 3) {
        api->timer_stop(bench_host, timer); /* inside its own callback */
        timer = NULL;
    }
}
static void start_timer(void *arg) {
    const uint64_t *period_ns = arg;
    timer = api->timer_start(bench_host, loops[1], GW_NS_PER_MS, *period_ns, on_tick, NULL);
}

static void a_periodic_timer_may_stop_itself(void) {
    uint64_t period_ns = GW_NS_PER_MS;
    open_host();
    gw_loop_post_fn(loops[1], start_timer, &period_ns);
    turn();
    CU_ASSERT_EQUAL(ticks, 0);
    CU_ASSERT_EQUAL(instance->ledger[1].watches, 1);
    for (int i = 0; i < 10; i++) {
        gw_clock_advance(GW_NS_PER_MS);
        turn();
    }
    CU_ASSERT_EQUAL(ticks, 3);
    CU_ASSERT_EQUAL(instance->ledger[1].watches, 0);
    close_host();
}

static void a_one_shot_timer_is_kept_until_it_is_stopped(void) {
    uint64_t period_ns = 0;
    open_host();
    gw_loop_post_fn(loops[1], start_timer, &period_ns);
    turn();
    for (int i = 0; i < 5; i++) {
        gw_clock_advance(GW_NS_PER_MS);
        turn();
    }
    CU_ASSERT_EQUAL(ticks, 1);
    CU_ASSERT_EQUAL(instance->ledger[1].watches, 1);
    api->timer_stop(bench_host, timer);
    api->timer_stop(bench_host, NULL);
    CU_ASSERT_EQUAL(instance->ledger[1].watches, 0);
    close_host();
}

static struct eg_fd_watch *watch;
static void on_readable(void *arg, uint32_t events) {
    (void)arg;
    CU_ASSERT_EQUAL(events & EG_FD_READ, EG_FD_READ);
    api->fd_unwatch(bench_host, watch); /* inside its own callback */
    watch = NULL;
    tell("readable");
}
static void start_watch(void *arg) {
    const int *ends = arg;
    watch = api->fd_watch(bench_host, loops[1], ends[0], EG_FD_READ, on_readable, NULL);
}

static void a_watch_tells_and_may_be_given_back_inside(void) {
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    open_host();
    gw_loop_post_fn(loops[1], start_watch, ends);
    turn();
    ASSERT_STORY("");
    CU_ASSERT_EQUAL(write(ends[1], "x", 1), 1);
    turn();
    ASSERT_STORY("readable");
    CU_ASSERT_PTR_NULL(watch);
    CU_ASSERT_PTR_NULL(api->fd_watch(bench_host, loops[1], -1, EG_FD_READ, on_readable, NULL));
    CU_ASSERT_EQUAL(instance->ledger[1].watches, 0);
    close_host();
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void on_work(void *arg) {
    *(int *)arg += 1;
}
static void on_worked(void *arg) {
    CU_ASSERT_EQUAL(*(int *)arg, 1);
    tell("worked");
}

static void blocking_work_ends_on_the_loop(void) {
    int number = 0;
    open_host();
    CU_ASSERT_EQUAL(api->run_blocking(bench_host, loops[1], on_work, on_worked, &number),
                    EG_E_UNAVAILABLE); /* no pool */
    CU_ASSERT_EQUAL_FATAL(gw_pool_create(1, 4, &pool), EG_OK);
    manager->config.pool = pool;
    CU_ASSERT_EQUAL(api->run_blocking(bench_host, loops[1], NULL, on_worked, &number), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->run_blocking(bench_host, loops[1], on_work, on_worked, &number), EG_OK);
    gw_pool_destroy(pool); /* waits for the work */
    turn();
    ASSERT_STORY("worked");
    close_host();
}

UNIT_MAIN(UNIT(a_post_runs_later_on_its_loop), UNIT(a_periodic_timer_may_stop_itself),
          UNIT(a_one_shot_timer_is_kept_until_it_is_stopped),
          UNIT(a_watch_tells_and_may_be_given_back_inside), UNIT(blocking_work_ends_on_the_loop))
