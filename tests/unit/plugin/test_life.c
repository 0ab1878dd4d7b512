/* Up and down of the microkernel (life_start.c and life_stop.c), the clock held. */
#include "bench_plugin.h"
#include "plugin/host.h"

static struct gw_instance *instance;

static void open_one(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_open();
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(manager, &bench_provider, NULL, 0, &instance, NULL),
                          EG_OK);
}
static void close_one(void) {
    bench_close();
    gw_clock_release();
}
static void start(void) {
    gw_manager_start(manager, 2 * GW_NS_PER_S, on_started, NULL);
}
static void stop(void) {
    gw_manager_stop(manager, 3 * GW_NS_PER_S, on_stopped, NULL);
}

static void a_component_goes_up_and_down_in_order(void) {
    open_one();
    start();
    ASSERT_STORY("create"); /* never inside the call */
    turn();
    ASSERT_STORY("start attach0 attach1 started");
    CU_ASSERT_PTR_EQUAL(gw_instance_slot(instance, 1), loops[1]);
    stop();
    turn();
    ASSERT_STORY("drain detach0 detach1 destroy stopped");
    close_one();
}

static void a_start_that_fails_tells_the_component_and_its_reason(void) {
    open_one();
    plan.start_status = EG_E_IO;
    start();
    turn();
    ASSERT_STORY("create start failed");
    CU_ASSERT_EQUAL(started_status, EG_E_IO);
    CU_ASSERT_STRING_EQUAL(started_why, "component 'bench' did not start: disk is gone");
    stop();
    turn();
    ASSERT_STORY("destroy stopped");
    close_one();
}

static void a_start_that_is_refused_is_a_failure_too(void) {
    open_one();
    plan.start_rc = EG_E_UNAVAILABLE;
    start();
    turn();
    CU_ASSERT_STRING_EQUAL(started_why, "component 'bench' did not start: unavailable");
    stop();
    turn();
    close_one();
}

static void a_start_past_its_deadline_is_given_up_and_may_still_end_later(void) {
    open_one();
    plan.start_hangs = true;
    start();
    turn();
    ASSERT_STORY("create start");
    gw_clock_advance(2 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("failed");
    CU_ASSERT_STRING_EQUAL(started_why, "component 'bench' did not start within 2000 ms");
    stop();
    turn();
    ASSERT_STORY(""); /* the drain waits for the op */
    egx_done_ok(held_op);
    turn();
    ASSERT_STORY("drain destroy stopped"); /* what started may have timers */
    CU_ASSERT_EQUAL(stopped_left, 0);
    close_one();
}

static void an_attach_that_fails_ends_the_start(void) {
    open_one();
    plan.attach_rc = EG_E_TOOBIG;
    start();
    turn();
    ASSERT_STORY("create start attach0 failed");
    CU_ASSERT_STRING_EQUAL(started_why, "component 'bench' cannot attach to loop 'zero': too big");
    stop();
    turn();
    ASSERT_STORY("drain destroy stopped"); /* what was not attached is not detached */
    close_one();
}

static void a_stop_during_the_start_waits_for_its_end(void) {
    open_one();
    plan.start_hangs = true;
    start();
    turn();
    stop();
    turn();
    ASSERT_STORY("create start");
    egx_done_ok(held_op);
    turn();
    ASSERT_STORY("attach0 attach1 started drain detach0 detach1 destroy stopped");
    close_one();
}

static void nothing_at_all_starts_and_stops(void) {
    bench_open();
    start();
    turn();
    stop();
    turn();
    ASSERT_STORY("started stopped");
    bench_close();
}

static void a_manager_that_never_started_can_be_stopped(void) {
    open_one();
    stop();
    turn();
    ASSERT_STORY("create destroy stopped");
    close_one();
}

/* ---- the ledger ---- */

static struct gw_op op;
static void on_done(struct gw_op *ended, int32_t status, struct eg_result *result) {
    (void)ended;
    (void)status;
    (void)result;
    tell("done");
}
static void begin(void *arg) {
    (void)arg;
    gw_op_begin(&op, instance, loops[1], 0, on_done, NULL);
}
static void on_posted(void *arg) {
    tell(arg);
}

static void open_serving(void) {
    open_one();
    start();
    turn();
    story[0] = '\0';
}

static void the_drain_waits_for_what_is_in_flight(void) {
    open_serving();
    gw_loop_post_fn(loops[1], begin, NULL);
    turn();
    stop();
    turn();
    ASSERT_STORY("drain");
    op.pub.done(&op.pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done detach0 detach1 destroy stopped");
    close_one();
}

static void the_drain_waits_for_what_was_posted(void) {
    static char word[] = "posted";
    open_serving();
    bench_host->loop->post(bench_host, loops[1], on_posted, word);
    stop();
    turn();
    ASSERT_STORY("drain posted detach0 detach1 destroy stopped");
    close_one();
}

static void what_never_ends_is_counted_and_left_alone(void) {
    open_serving();
    gw_loop_post_fn(loops[1], begin, NULL);
    turn();
    stop();
    turn();
    gw_clock_advance(3 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("drain stopped"); /* neither detach nor destroy */
    CU_ASSERT_EQUAL(stopped_left, 1);
    gw_manager_destroy(manager); /* does nothing: the op may come back */
    op.pub.done(&op.pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done");
    manager->ops_left = 0; /* so that the test does not leak */
    CU_ASSERT_PTR_EQUAL(manager->left.next, &instance->node);
    gw_instance_end(instance);
    close_one();
}

static void targets_that_are_still_bound_are_unbound_first(void) {
    struct gw_target *target = NULL;
    open_serving();
    CU_ASSERT_EQUAL_FATAL(
        gw_target_bind(manager, GW_STR("bench"), GW_STR("{\"url\":\"u\"}"), &target, NULL, NULL),
        EG_OK);
    stop();
    turn();
    ASSERT_STORY("bind drain detach0 detach1 unbind destroy stopped");
    gw_target_unref(target);
    turn();
    ASSERT_STORY("");
    close_one();
}

UNIT_MAIN(UNIT(a_component_goes_up_and_down_in_order),
          UNIT(a_start_that_fails_tells_the_component_and_its_reason),
          UNIT(a_start_that_is_refused_is_a_failure_too),
          UNIT(a_start_past_its_deadline_is_given_up_and_may_still_end_later),
          UNIT(an_attach_that_fails_ends_the_start),
          UNIT(a_stop_during_the_start_waits_for_its_end), UNIT(nothing_at_all_starts_and_stops),
          UNIT(a_manager_that_never_started_can_be_stopped),
          UNIT(the_drain_waits_for_what_is_in_flight), UNIT(the_drain_waits_for_what_was_posted),
          UNIT(what_never_ends_is_counted_and_left_alone),
          UNIT(targets_that_are_still_bound_are_unbound_first))
