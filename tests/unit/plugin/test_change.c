/*
 * Batches of instances beside those at work, and chain sets that say who is still wanted
 * (plugin/change.c, chains.c, manager_life.c), the clock held.
 */
#include "base/log.h"
#include "bench_plugin.h"
#include "plugin/change.h"
#include "plugin/host.h"

static struct gw_instance *former;
static char log_text[2048];

static void on_line(void *arg, struct eg_str line) {
    const size_t len = strlen(log_text);
    (void)arg;
    (void)snprintf(log_text + len, sizeof log_text - len, "%.*s\n", GW_FMT(line));
}

static void open_serving(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    log_text[0] = '\0';
    gw_log_capture(on_line, NULL);
    former = bench_serve();
}
static void close_serving(void) {
    bench_stop();
    gw_log_capture(NULL, NULL);
    gw_clock_release();
}

static struct gw_instance *present(void) {
    size_t count = 0;
    struct gw_instance *const *chain = gw_manager_chain(manager, EG_KIND_PROVIDER, &count);
    return count == 1 ? chain[0] : NULL;
}

/* A change that replaces the provider, up to the answer of its start. */
static struct gw_change *replace(struct gw_instance **ret_instance) {
    struct gw_change *change = gw_change_begin(manager);
    CU_ASSERT_EQUAL_FATAL(gw_change_add(change, &bench_provider, NULL, 0, ret_instance, NULL),
                          EG_OK);
    gw_change_start(change, 2 * GW_NS_PER_S, on_started, NULL);
    turn();
    return change;
}
static void commit(struct gw_change *change) {
    gw_change_commit(change, 3 * GW_NS_PER_S, 10 * GW_NS_PER_S);
}

static void new_instances_go_up_beside_the_old_and_the_old_go_down_after_the_swap(void) {
    struct gw_instance *made = NULL;
    open_serving();
    struct gw_change *change = replace(&made);
    ASSERT_STORY("create start attach0 attach1 started");
    CU_ASSERT_PTR_EQUAL(present(), former);
    commit(change);
    CU_ASSERT_PTR_EQUAL(present(), made);
    turn();
    ASSERT_STORY("drain detach0 detach1 destroy");
    close_serving();
}

static void a_set_that_somebody_holds_keeps_its_instances_at_work(void) {
    struct gw_instance *made = NULL;
    open_serving();
    struct gw_chains *held = gw_chains_ref(gw_manager_chains(manager));
    commit(replace(&made));
    turn();
    ASSERT_STORY("create start attach0 attach1 started");
    CU_ASSERT_PTR_EQUAL(gw_chains_provider(held, GW_STR("bench")), former);
    CU_ASSERT_PTR_EQUAL(gw_instance_slot(former, 1), loops[1]);
    gw_chains_unref(held);
    turn();
    ASSERT_STORY("drain detach0 detach1 destroy");
    close_serving();
}

static void a_set_that_is_held_for_long_is_told_with_the_names(void) {
    struct gw_instance *made = NULL;
    open_serving();
    struct gw_chains *held = gw_chains_ref(gw_manager_chains(manager));
    commit(replace(&made));
    gw_clock_advance(9 * GW_NS_PER_S);
    turn();
    CU_ASSERT_PTR_NULL(strstr(log_text, "former settings"));
    gw_clock_advance(GW_NS_PER_S);
    turn();
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "requests of 10000 ms ago still use the former "
                                            "settings of component 'bench'"));
    gw_chains_unref(held);
    turn();
    close_serving();
}

static void what_is_kept_is_left_alone_and_goes_with_the_last_set_that_has_it(void) {
    open_serving();
    struct gw_chains *held = gw_chains_ref(gw_manager_chains(manager));
    struct gw_change *change = gw_change_begin(manager);
    gw_change_keep(change, former);
    gw_change_start(change, GW_NS_PER_S, on_started, NULL);
    turn();
    commit(change);
    CU_ASSERT_PTR_EQUAL(present(), former);
    gw_chains_unref(held);
    turn();
    ASSERT_STORY("started");
    change = gw_change_begin(manager); /* without it */
    gw_change_start(change, GW_NS_PER_S, on_started, NULL);
    turn();
    commit(change);
    turn();
    CU_ASSERT_PTR_NULL(present());
    ASSERT_STORY("started drain detach0 detach1 destroy");
    close_serving();
}

static void a_start_that_fails_leaves_everything_as_it_was(void) {
    struct gw_instance *made = NULL;
    open_serving();
    plan.start_status = EG_E_IO;
    struct gw_change *change = replace(&made);
    CU_ASSERT_STRING_EQUAL(started_why, "component 'bench' did not start: disk is gone");
    gw_change_abort(change, GW_NS_PER_S);
    turn();
    ASSERT_STORY("create start failed destroy");
    CU_ASSERT_PTR_EQUAL(present(), former);
    plan.start_status = EG_OK;
    plan.attach_rc = EG_E_TOOBIG;
    gw_change_abort(replace(&made), GW_NS_PER_S);
    turn();
    ASSERT_STORY("create start attach0 failed drain destroy");
    CU_ASSERT_PTR_EQUAL(present(), former);
    close_serving();
}

static void a_create_that_fails_leaves_everything_as_it_was(void) {
    struct gw_instance *made = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    open_serving();
    struct gw_change *change = gw_change_begin(manager);
    CU_ASSERT_EQUAL(gw_change_add(change, &bench_provider, NULL, 0, &made, &why), EG_OK);
    plan.create_rc = EG_E_INVAL;
    CU_ASSERT_EQUAL(gw_change_add(change, &bench_provider, NULL, 0, &made, &why), EG_E_INVAL);
    gw_change_abort(change, GW_NS_PER_S);
    turn();
    ASSERT_STORY("create create destroy");
    CU_ASSERT_PTR_EQUAL(present(), former);
    close_serving();
}

static void a_start_past_its_deadline_is_given_up_and_taken_down_when_it_ends(void) {
    struct gw_instance *made = NULL;
    open_serving();
    plan.start_hangs = true;
    struct gw_change *change = replace(&made);
    gw_clock_advance(2 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("create start failed");
    gw_change_abort(change, 3 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("");
    egx_done_ok(held_op);
    turn();
    ASSERT_STORY("drain destroy");
    close_serving();
}

static void a_change_that_is_given_up_during_its_start_answers_nobody_and_goes_down(void) {
    struct gw_instance *made = NULL;
    open_serving();
    plan.start_hangs = true;
    struct gw_change *change = replace(&made);
    gw_change_abort(change, GW_NS_PER_S);
    turn();
    ASSERT_STORY("create start");
    gw_clock_advance(2 * GW_NS_PER_S); /* past the deadlines of start and drain */
    turn();
    ASSERT_STORY(""); /* nobody is told; it is left alone */
    egx_done_ok(held_op);
    turn();
    ASSERT_STORY("");
    CU_ASSERT_PTR_EQUAL(present(), former);
    gw_change_abort(replace(&made), GW_NS_PER_S);
    egx_done_ok(held_op);
    turn();
    ASSERT_STORY("create start drain destroy");
    close_serving();
}

static void a_change_that_is_given_up_before_its_first_step_starts_nothing(void) {
    struct gw_instance *made = NULL;
    open_serving();
    struct gw_change *change = gw_change_begin(manager);
    CU_ASSERT_EQUAL(gw_change_add(change, &bench_provider, NULL, 0, &made, NULL), EG_OK);
    gw_change_start(change, 2 * GW_NS_PER_S, on_started, NULL);
    gw_change_abort(change, GW_NS_PER_S);
    turn();
    ASSERT_STORY("create destroy");
    close_serving();
}

static void targets_of_the_old_provider_stay_bound_until_their_last_call(void) {
    struct gw_instance *made = NULL;
    struct gw_target *target = NULL;
    struct gw_target *next = NULL;
    const struct eg_str json = GW_STR("{\"url\":\"u\"}");
    open_serving();
    CU_ASSERT_EQUAL_FATAL(gw_target_bind(manager, GW_STR("bench"), json, &target, NULL, NULL),
                          EG_OK);
    struct gw_chains *held = gw_chains_ref(gw_manager_chains(manager)); /* as a snapshot does */
    commit(replace(&made));
    CU_ASSERT_EQUAL_FATAL(gw_target_bind(manager, GW_STR("bench"), json, &next, NULL, NULL), EG_OK);
    CU_ASSERT_PTR_EQUAL(target->instance, former);
    CU_ASSERT_PTR_EQUAL(next->instance, made);
    story[0] = '\0';
    gw_target_unref(target);
    gw_chains_unref(held);
    turn();
    ASSERT_STORY("drain unbind detach0 detach1 destroy");
    gw_target_unref(next);
    turn();
    close_serving();
}

/* ---- ledgers ---- */

static struct gw_op ops[2];
static void on_done(struct gw_op *ended, int32_t status, struct eg_result *result) {
    (void)ended;
    (void)status;
    (void)result;
    tell("done");
}
static void begin_first(void *arg) {
    gw_op_begin(&ops[0], arg, loops[1], 0, on_done, NULL);
}
static void begin_second(void *arg) {
    gw_op_begin(&ops[1], arg, loops[1], 0, on_done, NULL);
}

static void batches_go_down_independently_of_each_other(void) {
    struct gw_instance *made = NULL;
    struct gw_instance *last = NULL;
    open_serving();
    gw_loop_post_fn(loops[1], begin_first, former);
    turn();
    commit(replace(&made));
    gw_loop_post_fn(loops[1], begin_second, made);
    turn();
    ASSERT_STORY("create start attach0 attach1 started drain");
    commit(replace(&last));
    turn();
    ASSERT_STORY("create start attach0 attach1 started drain");
    ops[1].pub.done(&ops[1].pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done detach0 detach1 destroy");
    ops[0].pub.done(&ops[0].pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done detach0 detach1 destroy");
    CU_ASSERT_PTR_EQUAL(present(), last);
    close_serving();
}

static void what_never_ends_is_left_alone_and_taken_down_at_the_stop_if_it_has_ended(void) {
    struct gw_instance *made = NULL;
    open_serving();
    gw_loop_post_fn(loops[1], begin_first, former);
    turn();
    commit(replace(&made));
    turn();
    gw_clock_advance(3 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("create start attach0 attach1 started drain"); /* neither detach nor destroy */
    CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "'bench' did not end 1 calls; it is left as it is"));
    ops[0].pub.done(&ops[0].pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done");
    gw_manager_stop(manager, GW_NS_PER_S, on_stopped, NULL);
    turn();
    ASSERT_STORY("drain detach0 detach0 detach1 detach1 destroy destroy stopped");
    CU_ASSERT_EQUAL(stopped_left, 0);
    bench_close();
    gw_log_capture(NULL, NULL);
    gw_clock_release();
}

static void the_stop_waits_for_what_goes_down_already(void) {
    struct gw_instance *made = NULL;
    open_serving();
    gw_loop_post_fn(loops[1], begin_first, former);
    turn();
    commit(replace(&made));
    turn();
    story[0] = '\0';
    gw_manager_stop(manager, GW_NS_PER_S, on_stopped, NULL);
    turn();
    ASSERT_STORY("drain detach0 detach1 destroy");
    ops[0].pub.done(&ops[0].pub, EG_OK, NULL);
    turn();
    ASSERT_STORY("done detach0 detach1 destroy stopped");
    bench_close();
    gw_log_capture(NULL, NULL);
    gw_clock_release();
}

UNIT_MAIN(UNIT(new_instances_go_up_beside_the_old_and_the_old_go_down_after_the_swap),
          UNIT(a_set_that_somebody_holds_keeps_its_instances_at_work),
          UNIT(a_set_that_is_held_for_long_is_told_with_the_names),
          UNIT(what_is_kept_is_left_alone_and_goes_with_the_last_set_that_has_it),
          UNIT(a_start_that_fails_leaves_everything_as_it_was),
          UNIT(a_create_that_fails_leaves_everything_as_it_was),
          UNIT(a_start_past_its_deadline_is_given_up_and_taken_down_when_it_ends),
          UNIT(a_change_that_is_given_up_during_its_start_answers_nobody_and_goes_down),
          UNIT(a_change_that_is_given_up_before_its_first_step_starts_nothing),
          UNIT(targets_of_the_old_provider_stay_bound_until_their_last_call),
          UNIT(batches_go_down_independently_of_each_other),
          UNIT(what_never_ends_is_left_alone_and_taken_down_at_the_stop_if_it_has_ended),
          UNIT(the_stop_waits_for_what_goes_down_already))
