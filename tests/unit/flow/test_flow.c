/* Unit tests of flow/flow.c: busy, configure, drain and abandon. */
#include "rig.h"

static struct rig rig;

static void busy_counts_until_everything_has_ended(void) {
    rig_init(&rig);
    rig.setup.workers = 1;
    rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    struct rig_request *a = rig_emit(&rig, "e", "/");
    struct rig_request *b = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 4); /* two exchanges, one running, one queued */
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    rig_request_free(a);
    rig_request_free(b);
    rig_stop(&rig);
}

static void a_drained_flow_still_works_off_its_backlog(void) {
    rig_init(&rig);
    rig.setup.workers = 1;
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    struct rig_request *r[4];
    for (int i = 0; i < 4; i++) {
        r[i] = rig_emit(&rig, "e", "/");
    }
    gw_flow_drain(rig.flow);
    for (int i = 0; i < 4; i++) {
        rig_release(&rig, "f");
    }
    CU_ASSERT_EQUAL(f->calls, 4);
    for (int i = 0; i < 4; i++) {
        rig_request_free(r[i]);
    }
    rig_stop(&rig);
}

static void an_abandoned_flow_drops_the_queue_and_cancels_calls(void) {
    rig_init(&rig);
    rig.setup.workers = 1;
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    struct rig_function *s = rig_fn(&rig, "s", RIG_HOLD, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, true, "s", "POST", "/", "s", NULL);
    rig_subscribe(&rig, false, "s", "POST", "/", "f", NULL);
    const int64_t before = gw_metric_value(rig.flow->counters.dropped);
    struct rig_request *r[3];
    for (int i = 0; i < 3; i++) {
        r[i] = rig_emit(&rig, "e", "/");
    }
    struct rig_request *waiting = rig_emit(&rig, "s", "/");
    gw_flow_abandon(rig.flow);
    CU_ASSERT_EQUAL(f->canceled, 1);
    CU_ASSERT_EQUAL(s->canceled, 1);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.dropped) - before, 2);
    rig_release(&rig, "s"); /* its async subscriber is not queued any more */
    CU_ASSERT_EQUAL(waiting->status, 200);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.dropped) - before, 3);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(f->calls, 1);
    for (int i = 0; i < 3; i++) {
        rig_request_free(r[i]);
    }
    rig_request_free(waiting);
    rig_stop(&rig);
}

static void a_new_configuration_counts_from_the_next_call(void) {
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_HOLD, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    struct gw_flow_config config = rig.setup.config;
    config.function_timeout_ns = 60 * GW_NS_PER_S;
    gw_flow_configure(rig.flow, &config);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_clock_advance(30 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->replies, 0);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(r->status, 200);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(busy_counts_until_everything_has_ended),
          UNIT(a_drained_flow_still_works_off_its_backlog),
          UNIT(an_abandoned_flow_drops_the_queue_and_cancels_calls),
          UNIT(a_new_configuration_counts_from_the_next_call))
