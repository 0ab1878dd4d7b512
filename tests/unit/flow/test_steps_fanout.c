/* Unit tests of flow/steps_fanout.c: who is served after the answer, and when. */
#include "rig.h"

static struct rig rig;

static void sync_and_async_subscribers_are_called_once_each(void) {
    rig_init(&rig);
    struct rig_function *s = rig_fn(&rig, "s", RIG_ANSWER, "{\"statusCode\":201}");
    struct rig_function *f = rig_fn(&rig, "f1", RIG_ANSWER, "x");
    struct rig_function *g = rig_fn(&rig, "f2", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f1", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f2", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 201);
    CU_ASSERT_EQUAL(s->calls, 1);
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(g->calls, 1);
    CU_ASSERT_STRING_EQUAL(f->payload, g->payload);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_failed_sync_call_does_not_keep_the_async_ones_back(void) {
    rig_init(&rig);
    rig_fn(&rig, "s", RIG_ANSWER, NULL)->call_class = EG_CALL_TRANSIENT;
    struct rig_function *f = rig_fn(&rig, "f1", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f1", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void async_subscribers_wait_for_the_sync_answer(void) {
    rig_init(&rig);
    rig_fn(&rig, "s", RIG_HOLD, "{}");
    struct rig_function *f = rig_fn(&rig, "f1", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f1", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_release(&rig, "s");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void each_subscriber_counts_received_and_processed(void) {
    rig_init(&rig);
    rig_fn(&rig, "f1", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f1", NULL);
    const int64_t received = gw_metric_value(rig_metric("f1", "received"));
    const int64_t processed = gw_metric_value(rig_metric("f1", "processed"));
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(gw_metric_value(rig_metric("f1", "received")) - received, 1);
    CU_ASSERT_EQUAL(gw_metric_value(rig_metric("f1", "processed")) - processed, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(sync_and_async_subscribers_are_called_once_each),
          UNIT(a_failed_sync_call_does_not_keep_the_async_ones_back),
          UNIT(async_subscribers_wait_for_the_sync_answer),
          UNIT(each_subscriber_counts_received_and_processed))
