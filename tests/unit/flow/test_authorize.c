/* Unit tests of flow/authorize.c and of its use for sync and async subscribers. */
#include "rig.h"

#define YES "{\"authorization\":{\"principalId\":\"u1\",\"context\":{\"a\":\"b\"}}}"

static struct rig rig;

static void an_allowed_event_carries_the_authorization(void) {
    rig_init(&rig);
    struct rig_function *a = rig_fn(&rig, "auth", RIG_ANSWER, YES);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/ok", "f", "auth");
    struct rig_request *r = rig_emit(&rig, "e", "/ok");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(a->calls, 1);
    CU_ASSERT_TRUE(rig_has(a->payload, "{\"event\":{\"eventType\":\"e\""));
    CU_ASSERT_TRUE(rig_has(a->payload, "\"request\":{\"headers\":"));
    CU_ASSERT_TRUE(rig_has(a->payload, "\"params\":null"));
    CU_ASSERT_TRUE(rig_has(f->payload,
                           "\"authorization\":{\"principalId\":\"u1\",\"context\":{\"a\":\"b\"}}"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void whatever_is_no_clear_yes_is_a_403(void) {
    static const char *const answers[] = {
        "{}",
        "null",
        "",
        "[]",
        "{\"error\":{}}",
        "{\"error\":{\"message\":\"denied\"}}",
        "{\"authorization\":{\"principalId\":\"\"}}",
        "{\"authorization\":{\"principalId\":\"u\",\"context\":{\"a\":1}}}",
        "{\"authorization\":{\"principalId\":\"u\"},\"error\":{}}",
        "not json",
    };
    rig_init(&rig);
    struct rig_function *a = rig_fn(&rig, "auth", RIG_ANSWER, NULL);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", "auth");
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        a->answer = answers[i];
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, 403);
        CU_ASSERT_STRING_EQUAL(r->body, "{\"errors\":[{\"message\":\"Forbidden\"}]}\n");
        rig_request_free(r);
    }
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_stop(&rig);
}

static void a_failed_refused_missing_or_overdue_authorizer_is_a_403(void) {
    rig_init(&rig);
    struct rig_function *a = rig_fn(&rig, "auth", RIG_ANSWER, YES);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", "auth");
    rig_subscribe(&rig, true, "e", "POST", "/missing", "f", "nobody");
    a->call_class = EG_CALL_FUNCTION;
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 403);
    rig_request_free(r);
    a->mode = RIG_REFUSE;
    r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 403);
    rig_request_free(r);
    r = rig_emit(&rig, "e", "/missing");
    CU_ASSERT_EQUAL(r->status, 403);
    rig_request_free(r);
    a->mode = RIG_HOLD;
    a->call_class = EG_CALL_OK;
    r = rig_emit(&rig, "e", "/");
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 403);
    rig_release(&rig, "auth"); /* says yes, too late */
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void async_subscribers_are_authorized_one_by_one_after_the_answer(void) {
    rig_init(&rig);
    rig_fn(&rig, "auth", RIG_HOLD, YES);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", "auth");
    rig_subscribe(&rig, false, "e", "POST", "/", "f", "auth");
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(rig.flow->backlog.reserved, 2);
    rig_release(&rig, "auth");
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_release(&rig, "auth");
    CU_ASSERT_EQUAL(f->calls, 2);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"principalId\":\"u1\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_refused_sync_call_still_asks_for_the_async_subscriber(void) {
    rig_init(&rig);
    struct rig_function *a = rig_fn(&rig, "auth", RIG_ANSWER, "{\"error\":{}}");
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", "auth");
    rig_subscribe(&rig, false, "e", "POST", "/", "f", "auth");
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 403);
    CU_ASSERT_EQUAL(a->calls, 2);
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_EQUAL(rig.flow->backlog.reserved, 0); /* the room was given back */
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_authorization_of_one_subscriber_is_not_seen_by_another(void) {
    rig_init(&rig);
    rig_fn(&rig, "auth", RIG_ANSWER, YES);
    rig_fn(&rig, "s", RIG_ANSWER, "{}");
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", "auth");
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(rig_function("s")->payload, "principalId"));
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_PTR_NULL(strstr(f->payload, "principalId"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_client_cannot_forge_an_authorization(void) {
    static const struct eg_kv headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents+json", 28}}};
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_send(
        &rig, "POST", "/", headers, 1,
        "{\"eventType\":\"e\",\"eventID\":\"1\",\"cloudEventsVersion\":\"0.1\",\"source\":\"/x\","
        "\"extensions\":{\"k\":1,\"eventgateway\":{\"authorization\":{\"principalId\":\"root\"}}}"
        "}");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"k\":1"));
    CU_ASSERT_PTR_NULL(strstr(f->payload, "root"));
    rig_request_free(r);
    rig_stop(&rig);
}

/* An authorizer is told the whole request: 200 times 60 KB if all were kept to the end. */
static void a_batch_keeps_one_payload_of_the_authorizer_at_a_time(void) {
    enum { COUNT = 200, PADDING = 60000 };
    static const struct eg_kv batch[] = {
        {{"Content-Type", 12}, {"application/cloudevents-batch+json", 34}}};
    struct gw_bytes body;
    rig_init(&rig);
    struct rig_function *a = rig_fn(&rig, "auth", RIG_HOLD, YES);
    (void)rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", "auth");
    gw_bytes_init(&body, 0);
    for (int i = 0; i < COUNT; i++) {
        gw_bytes_add_c(&body, i == 0 ? "[" : ",");
        gw_bytes_add_c(&body,
                       "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"e\"}");
    }
    memset(gw_bytes_grow(&body, PADDING), ' ', PADDING);
    body.len += PADDING;
    gw_bytes_add(&body, gw_str("]", 2)); /* with its NUL */
    struct rig_request *r = rig_send(&rig, "POST", "/", batch, 1, body.ptr);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL_FATAL(a->held_count, 1);
        rig_release(&rig, "auth");
    }
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_TRUE(r->request.arena.used_bytes < 4u << 20);
    rig_request_free(r);
    gw_bytes_free(&body);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(an_allowed_event_carries_the_authorization), UNIT(whatever_is_no_clear_yes_is_a_403),
          UNIT(a_failed_refused_missing_or_overdue_authorizer_is_a_403),
          UNIT(async_subscribers_are_authorized_one_by_one_after_the_answer),
          UNIT(a_refused_sync_call_still_asks_for_the_async_subscriber),
          UNIT(the_authorization_of_one_subscriber_is_not_seen_by_another),
          UNIT(a_client_cannot_forge_an_authorization),
          UNIT(a_batch_keeps_one_payload_of_the_authorizer_at_a_time))
