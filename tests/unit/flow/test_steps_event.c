/* Unit tests of flow/steps_event.c: routing, mapping of answers, batches. */
#include "rig.h"

#define EVENT(id, type)                                                                            \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/x\",\"type\":\"" type "\"}"

static struct rig rig;
static const struct eg_kv batch_type[] = {
    {{"Content-Type", 12}, {"application/cloudevents-batch+json", 34}}};

static struct rig_request *send_batch(const char *body) {
    return rig_send(&rig, "POST", "/", batch_type, 1, body);
}

static void a_malformed_answer_is_a_500_with_its_text(void) {
    static const char *const answers[] = {
        "not JSON", "\"x\"", "", "[]", "{\"headers\":{\"a\":1}}", "{\"statusCode\":99}"};
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, NULL);
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        f->answer = answers[i];
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, 500);
        CU_ASSERT_TRUE(rig_has(r->body, "HTTP response object malformed"));
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static void a_failed_call_is_a_500_with_the_default_or_the_given_text(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"statusCode\":200}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    const int64_t before = gw_metric_value(rig_metric("f", "processed"));
    f->call_class = EG_CALL_FUNCTION;
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_STRING_EQUAL(
        r->body, "{\"errors\":[{\"message\":\"Function call failed. Please check logs.\"}]}\n");
    rig_request_free(r);
    f->call_class = EG_CALL_AUTH;
    f->client_text = "The credentials are invalid.";
    r = rig_emit(&rig, "e", "/");
    CU_ASSERT_TRUE(rig_has(r->body, "The credentials are invalid."));
    rig_request_free(r);
    CU_ASSERT_EQUAL(gw_metric_value(rig_metric("f", "processed")) - before, 2);
    rig_stop(&rig);
}

static void what_a_connector_acknowledges_is_answered_as_it_is(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"messageId\":\"m1\"}");
    f->call_class = EG_CALL_ACCEPTED;
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_STRING_EQUAL(r->body, "{\"messageId\":\"m1\"}");
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: application/json\n"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_overdue_function_is_a_500_and_its_late_answer_is_dropped(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "{\"statusCode\":201}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(r->body, "Function call failed. Please check logs."));
    CU_ASSERT_EQUAL(f->canceled, 1);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(r->replies, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_missing_or_refusing_function_is_a_500(void) {
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_REFUSE, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/missing", "nobody", NULL);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/missing");
    CU_ASSERT_EQUAL(r->status, 500);
    rig_request_free(r);
    r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_client_sent_http_request_event_is_delivered_like_any_other(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "http.request", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"data\":{\"foo\":\"bar\"}"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_function_gets_the_version_it_asks_for(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "{}");
    f->version = EG_CE_1_0;
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "g", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_TRUE(rig_has(f->payload, "\"specversion\":\"1.0\""));
    CU_ASSERT_TRUE(rig_has(g->payload, "\"cloudEventsVersion\":\"0.1\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_batch_is_accepted_when_all_are(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"body\":\"ignored\"}");
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "s", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "a", "POST", "/", "g", NULL);
    struct rig_request *r = send_batch(
        "[" EVENT("1", "s") "," EVENT("2", "a") "," EVENT("3", "a") "," EVENT("4", "nobody") "]");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(r->body_len, 0);
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(g->calls, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_bad_or_system_event_refuses_the_whole_batch(void) {
    rig_init(&rig);
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "a", "POST", "/", "g", NULL);
    struct rig_request *r = send_batch("[" EVENT("1", "a") ",{\"specversion\":\"1.0\"}]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "event 1 of the batch"));
    rig_request_free(r);
    r = send_batch("[" EVENT("1", "a") "," EVENT("2", "eventgateway.x") "]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "event 1 of the batch: "));
    CU_ASSERT_EQUAL(g->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_failing_event_of_a_batch_is_named_and_the_others_go_on(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "");
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "x");
    f->call_class = EG_CALL_FUNCTION;
    rig_start(&rig);
    rig_subscribe(&rig, true, "s", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "a", "POST", "/", "g", NULL);
    struct rig_request *r =
        send_batch("[" EVENT("1", "a") "," EVENT("2", "s") "," EVENT("3", "a") "]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(
        rig_has(r->body, "event 1 of the batch: Function call failed. Please check logs."));
    CU_ASSERT_EQUAL(g->calls, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_batch_that_overflows_names_the_first_refused(void) {
    rig_init(&rig);
    rig.setup.workers = rig.setup.backlog = 1;
    rig_fn(&rig, "g", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "a", "POST", "/", "g", NULL);
    struct rig_request *r =
        send_batch("[" EVENT("1", "a") "," EVENT("2", "a") "," EVENT("3", "a") "]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "event 2 of the batch: Service Unavailable"));
    rig_release(&rig, "g");
    rig_release(&rig, "g");
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_long_batch_is_worked_off_one_by_one(void) {
    enum { COUNT = 500 };
    struct gw_bytes body;
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "{\"body\":\"x\"}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "s", "POST", "/", "f", NULL);
    gw_bytes_init(&body, 0);
    for (int i = 0; i < COUNT; i++) {
        gw_bytes_add_c(&body, i == 0 ? "[" EVENT("0", "s") : "," EVENT("1", "s"));
    }
    gw_bytes_add(&body, gw_str("]", 2)); /* with its NUL */
    struct rig_request *r = send_batch(body.ptr);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL_FATAL(f->held_count, 1);
        CU_ASSERT_EQUAL(r->replies, 0);
        rig_release(&rig, "f");
    }
    CU_ASSERT_EQUAL(f->calls, COUNT);
    CU_ASSERT_EQUAL(r->status, 202);
    rig_request_free(r);
    gw_bytes_free(&body);
    rig_stop(&rig);
}

static int32_t look(const struct eg_event *event, struct eg_op *op) {
    (void)event;
    (void)op;
    return EG_NEXT;
}

/* event.received repeats the headers: 10000 times 30 KB. */
static void a_batch_that_outgrows_its_memory_is_refused_from_there_on(void) {
    enum { COUNT = 10000, HEADER = 30000 };
    static char text[HEADER];
    static const struct eg_interest received = {.struct_size = sizeof received,
                                                .mode = EG_INTEREST_SYNC,
                                                .event_type = "eventgateway.event.received"};
    static const struct eg_interest *const interests[] = {&received};
    const struct eg_kv headers[] = {batch_type[0], {GW_STR("x"), {text, sizeof text}}};
    struct gw_bytes body;
    rig_init(&rig);
    rig_watcher = (struct rig_reacter){interests, 1, look};
    (void)rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "a", "POST", "/", "f", NULL);
    memset(text, 'v', sizeof text);
    gw_bytes_init(&body, 0);
    for (int i = 0; i < COUNT; i++) {
        gw_bytes_add_c(&body, i == 0 ? "[" EVENT("0", "z") : "," EVENT("1", "z"));
    }
    gw_bytes_add(&body, gw_str("]", 2)); /* with its NUL */
    struct rig_request *r = rig_send(&rig, "POST", "/", headers, 2, body.ptr);
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, " of the batch: the batch takes too much memory"));
    CU_ASSERT_TRUE(r->request.arena.used_bytes < 60u << 20);
    rig_request_free(r);
    gw_bytes_free(&body);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_long_batch_is_worked_off_one_by_one),
          UNIT(a_malformed_answer_is_a_500_with_its_text),
          UNIT(a_failed_call_is_a_500_with_the_default_or_the_given_text),
          UNIT(what_a_connector_acknowledges_is_answered_as_it_is),
          UNIT(an_overdue_function_is_a_500_and_its_late_answer_is_dropped),
          UNIT(a_missing_or_refusing_function_is_a_500),
          UNIT(a_client_sent_http_request_event_is_delivered_like_any_other),
          UNIT(a_function_gets_the_version_it_asks_for), UNIT(a_batch_is_accepted_when_all_are),
          UNIT(a_bad_or_system_event_refuses_the_whole_batch),
          UNIT(a_failing_event_of_a_batch_is_named_and_the_others_go_on),
          UNIT(a_batch_that_overflows_names_the_first_refused),
          UNIT(a_batch_that_outgrows_its_memory_is_refused_from_there_on))
