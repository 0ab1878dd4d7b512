/* Unit tests of flow/exchange.c: the walk of a whole request, references, forks. */
#include "rig.h"

static struct rig rig;

static void an_event_without_subscriber_is_accepted(void) {
    rig_init(&rig);
    rig_start(&rig);
    const int64_t before = gw_metric_value(rig.flow->counters.unrouted);
    struct rig_request *r = rig_send(&rig, "GET", "/foo", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(r->body_len, 0);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.unrouted), before + 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_sync_function_decides_the_reply(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER,
                                    "{\"statusCode\":206,\"headers\":{\"x-custom\":\"custom "
                                    "value\"},\"body\":\"<html>\"}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/r", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/r", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 206);
    CU_ASSERT_STRING_EQUAL(r->body, "<html>");
    CU_ASSERT_TRUE(rig_has(r->headers, "X-Custom: custom value\n"));
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: text/html; charset=utf-8\n"));
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(f->is_async, 0);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"params\":{\"id\":\"7\"}"));
    CU_ASSERT_EQUAL(r->replies, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_function_that_answers_later_is_waited_for(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/r", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/r", NULL, 0, "");
    CU_ASSERT_EQUAL(r->replies, 0);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 1);
    CU_ASSERT_EQUAL(f->held_count, 1);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(r->body_len, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_client_that_goes_away_does_not_stop_the_call(void) {
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_HOLD, "{\"body\":\"late\"}");
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/r", "f", NULL);
    rig_subscribe(&rig, false, "http.request", "GET", "/r", "g", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/r", NULL, 0, "");
    r->request.is_gone = true;
    gw_flow_gone(rig.flow, &r->request);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(rig_function("f")->canceled, 0);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(r->replies, 1);
    CU_ASSERT_EQUAL(g->calls, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void many_requests_at_once_keep_apart(void) {
    enum { COUNT = 40 };
    struct rig_request *requests[COUNT];
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_HOLD, "{\"body\":\"x\"}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/r", "f", NULL);
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = rig_send(&rig, "GET", "/r", NULL, 0, "");
    }
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        rig_release(&rig, "f");
        CU_ASSERT_EQUAL(requests[i]->replies, 1);
        CU_ASSERT_EQUAL(i + 1 < COUNT ? requests[i + 1]->replies : 0, 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        rig_request_free(requests[i]);
    }
    rig_stop(&rig);
}

static void a_fork_is_authorized_without_its_original(void) {
    struct gw_arena arena = {0};
    struct eg_event *event = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    gw_arena_init(&arena, 512);
    CU_ASSERT_EQUAL_FATAL(
        gw_event_read(&arena,
                      GW_STR("{\"eventType\":\"e\",\"cloudEventsVersion\":\"0.1\",\"source\":"
                             "\"/x\",\"eventID\":\"1\",\"extensions\":{\"a\":1,\"eventgateway\":"
                             "{\"transformed\":\"true\"}}}"),
                      GW_JSON_DEPTH, &event, &why),
        0);
    struct eg_event *fork = gw_event_fork(&arena, event);
    gw_event_set_authorization(fork, GW_STR("{\"principalId\":\"u\",\"context\":null}"));
    const struct eg_str after = gw_event_json(fork, EG_CE_AS_RECEIVED);
    const struct eg_str before = gw_event_json(event, EG_CE_AS_RECEIVED);
    CU_ASSERT_TRUE(rig_has(gw_arena_dup(&arena, after).ptr, "\"principalId\":\"u\""));
    CU_ASSERT_TRUE(rig_has(gw_arena_dup(&arena, after).ptr, "\"a\":1"));
    CU_ASSERT_PTR_NULL(strstr(gw_arena_dup(&arena, before).ptr, "principalId"));
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(an_event_without_subscriber_is_accepted), UNIT(a_sync_function_decides_the_reply),
          UNIT(a_function_that_answers_later_is_waited_for),
          UNIT(a_client_that_goes_away_does_not_stop_the_call),
          UNIT(many_requests_at_once_keep_apart), UNIT(a_fork_is_authorized_without_its_original))
