/* Unit tests of flow/function_api.c: a function has another called in its place. */
#include <pthread.h>

#include "rig.h"

static struct rig rig;
static struct rig_function *outer;
static struct rig_function *inner;

/* `outer` is subscribed to e at POST /, and has `inner` called, which does what the mode says. */
static void begin(enum rig_mode mode, const char *answer) {
    rig_init(&rig);
    outer = rig_fn(&rig, "outer", RIG_FORWARD, NULL);
    inner = rig_fn(&rig, "inner", mode, answer);
    outer->forward = "inner";
}
static void start(bool is_sync) {
    rig_start(&rig);
    rig_offer(&rig, "inner", rig_target(&rig, "inner"));
    rig_subscribe(&rig, is_sync, "e", "POST", "/", "outer", NULL);
}

static struct gw_instance *provider(void) {
    size_t count = 0;
    return gw_manager_chain(rig.manager, EG_KIND_PROVIDER, &count)[0];
}

static int64_t calls_of(uint32_t call_class) {
    return gw_metric_value(provider()->calls[call_class]);
}

/* ---- what comes back ---- */

static void the_answer_of_the_inner_function_is_the_reply(void) {
    begin(RIG_ANSWER, "{\"statusCode\":201,\"body\":\"inner\"}");
    start(true);
    const int64_t before = calls_of(EG_CALL_OK);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 201);
    CU_ASSERT_STRING_EQUAL(r->body, "inner");
    CU_ASSERT_EQUAL(outer->calls, 1);
    CU_ASSERT_EQUAL(inner->calls, 1);
    CU_ASSERT_EQUAL(inner->is_async, 0);
    CU_ASSERT_EQUAL(calls_of(EG_CALL_OK) - before, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_delivery_says_that_nobody_waits_to_the_inner_function_too(void) {
    begin(RIG_ANSWER, "{}");
    start(false);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(inner->calls, 1);
    CU_ASSERT_EQUAL(inner->is_async, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_event_comes_in_the_version_that_the_inner_function_wants(void) {
    begin(RIG_ANSWER, "{}");
    inner->version = EG_CE_1_0;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_TRUE(rig_has(outer->payload, "\"cloudEventsVersion\":\"0.1\""));
    CU_ASSERT_TRUE(rig_has(inner->payload, "\"specversion\":\"1.0\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void class_texts_and_status_come_back_as_they_are(void) {
    begin(RIG_ANSWER, NULL);
    inner->call_class = EG_CALL_FUNCTION;
    inner->message = "it broke";
    inner->client_text = "Sorry.";
    start(true);
    const int64_t before = calls_of(EG_CALL_FUNCTION);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(r->body, "Sorry."));
    CU_ASSERT_EQUAL(outer->forward_rc, EG_E_INTERNAL);
    CU_ASSERT_STRING_EQUAL(outer->forward_message, "it broke");
    CU_ASSERT_EQUAL(calls_of(EG_CALL_FUNCTION) - before, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_inner_provider_that_refuses_is_a_failure_with_a_message(void) {
    begin(RIG_REFUSE, NULL);
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(outer->forward_rc, EG_E_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(outer->forward_message, "unavailable");
    rig_request_free(r);
    rig_stop(&rig);
}

/* ---- what is refused ---- */

static void a_function_that_is_not_there_or_has_no_provider_is_refused(void) {
    begin(RIG_ANSWER, "{}");
    start(true);
    rig_offer(&rig, "orphan", NULL);
    static const struct {
        const char *name;
        int32_t rc;
    } rows[] = {{"nobody", EG_E_NOTFOUND}, {"orphan", EG_E_UNAVAILABLE}, {"", EG_E_NOTFOUND}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        outer->forward = rows[i].name;
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, 500);
        CU_ASSERT_EQUAL(outer->forward_rc, rows[i].rc);
        rig_request_free(r);
    }
    CU_ASSERT_EQUAL(outer->forwarded, 0);
    CU_ASSERT_EQUAL(gw_instance_stats(provider()).in_flight, 0);
    rig_stop(&rig);
}

static void a_function_of_another_space_is_not_there(void) {
    begin(RIG_ANSWER, "{}");
    start(true);
    rig.offers[0].function.space = GW_STR("other");
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(outer->forward_rc, EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(inner->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_function_that_was_called_by_another_cannot_call_a_third(void) {
    begin(RIG_FORWARD, NULL);
    inner->forward = "outer";
    start(true);
    rig_offer(&rig, "outer", rig_target(&rig, "outer"));
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(outer->calls, 1);
    CU_ASSERT_EQUAL(inner->calls, 1);
    CU_ASSERT_PTR_NULL(inner->invocation->call);
    CU_ASSERT_EQUAL(inner->forward_rc, EG_E_UNSUPPORTED);
    rig_request_free(r);
    rig_stop(&rig);
}

static void never(void *arg, int32_t status, const struct eg_result *result) {
    (void)arg;
    (void)status;
    (void)result;
    CU_FAIL("it was refused, and ended all the same");
}

struct attempt {
    const struct eg_call *from;
    int32_t rc;
};
static void *call_from_here(void *arg) {
    struct attempt *attempt = arg;
    struct eg_function_call *call = NULL;
    attempt->rc = rig_provider_host->function->call(rig_provider_host, attempt->from,
                                                    GW_STR("inner"), 0, never, NULL, &call);
    return NULL;
}

static void wrong_uses_are_refused(void) {
    pthread_t thread;
    struct eg_function_call *call = NULL;
    begin(RIG_ANSWER, "{}");
    outer->mode = RIG_HOLD;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    const struct eg_function_api *api = rig_provider_host->function;
    struct attempt attempt = {.from = outer->invocation->call};
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_from_here, &attempt), 0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(attempt.rc, EG_E_INVAL);
    (void)call_from_here(&attempt); /* nor is this thread the loop, outside of its turns */
    CU_ASSERT_EQUAL(attempt.rc, EG_E_INVAL);
    CU_ASSERT_EQUAL(api->call(rig_host, attempt.from, GW_STR("inner"), 0, never, NULL, &call),
                    EG_E_INVAL);
    CU_ASSERT_EQUAL(api->call(rig_provider_host, NULL, GW_STR("inner"), 0, never, NULL, &call),
                    EG_E_UNSUPPORTED);
    api->cancel(rig_provider_host, NULL);
    CU_ASSERT_EQUAL(inner->calls, 0);
    rig_release(&rig, "outer");
    rig_request_free(r);
    rig_stop(&rig);
}

/* In a turn of the loop, for what has to be said on it. */
static void on_loop(void *arg) {
    struct attempt *attempt = arg;
    struct eg_op *op = outer->held[0];
    struct eg_function_call *call = NULL;
    const struct eg_function_api *api = rig_provider_host->function;
    CU_ASSERT_EQUAL(api->call(rig_host, attempt->from, GW_STR("inner"), 0, never, NULL, &call),
                    EG_E_INVAL);
    CU_ASSERT_EQUAL(
        api->call(rig_provider_host, attempt->from, GW_STR("inner"), 0, NULL, NULL, &call),
        EG_E_INVAL);
    outer->held_count = 0;
    op->done(op, EG_OK, NULL);
    (void)call_from_here(attempt);
}

static void an_op_that_has_ended_calls_nobody(void) {
    begin(RIG_ANSWER, "{}");
    outer->mode = RIG_HOLD;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    struct attempt attempt = {.from = outer->invocation->call};
    gw_loop_post_fn(rig.loop, on_loop, &attempt);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(attempt.rc, EG_E_CANCELED);
    CU_ASSERT_EQUAL(inner->calls, 0);
    CU_ASSERT_EQUAL(r->replies, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void late(void *arg) {
    (void)call_from_here(arg);
}

static void an_op_that_is_overdue_calls_nobody(void) {
    begin(RIG_ANSWER, "{}");
    outer->mode = RIG_HOLD;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    struct attempt attempt = {.from = outer->invocation->call};
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    gw_loop_post_fn(rig.loop, late, &attempt);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(attempt.rc, EG_E_CANCELED);
    CU_ASSERT_EQUAL(inner->calls, 0);
    rig_release(&rig, "outer");
    rig_request_free(r);
    rig_stop(&rig);
}

/* ---- time ---- */

static void the_deadline_is_the_earlier_one(void) {
    const uint64_t now_ns = 1000 * GW_NS_PER_S; /* of rig_init */
    const uint64_t given[] = {0, now_ns + GW_NS_PER_S, now_ns + 60 * GW_NS_PER_S, now_ns - 1};
    const uint64_t wanted[] = {now_ns + 5 * GW_NS_PER_S, now_ns + GW_NS_PER_S,
                               now_ns + 5 * GW_NS_PER_S, now_ns - 1};
    begin(RIG_HOLD, "{}");
    start(true);
    for (size_t i = 0; i < GW_COUNT(given); i++) {
        outer->forward_deadline_ns = given[i];
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(inner->held[0]->deadline_ns, wanted[i]);
        rig_release(&rig, "inner");
        CU_ASSERT_EQUAL(r->status, given[i] == now_ns - 1 ? 500 : 200);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static void an_inner_deadline_leaves_the_outer_call_its_time(void) {
    begin(RIG_HOLD, "{}");
    outer->forward_deadline_ns = 1001 * GW_NS_PER_S;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_clock_advance(2 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(outer->canceled, 0);
    CU_ASSERT_EQUAL(inner->canceled, 1);
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(outer->forward_rc, EG_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(outer->forward_message, "timed out");
    CU_ASSERT_EQUAL(r->status, 500);
    rig_release(&rig, "inner");
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_overdue_call_cancels_the_inner_one_and_ends_once(void) {
    begin(RIG_HOLD, "{}");
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(gw_instance_stats(provider()).in_flight, 3); /* two ops, and who asked */
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(outer->canceled, 1);
    CU_ASSERT_EQUAL(inner->canceled, 1);
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(gw_instance_stats(provider()).in_flight, 1);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 1); /* the exchange stays for the inner call */
    rig_release(&rig, "inner");
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(r->replies, 1);
    CU_ASSERT_EQUAL(gw_instance_stats(provider()).in_flight, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_outer_op_may_end_while_the_inner_call_is_out(void) {
    begin(RIG_HOLD, "{\"late\":true}");
    outer->is_careless = true;
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_flow_abandon(rig.flow);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(outer->forwarded, 0);
    CU_ASSERT_EQUAL(gw_instance_stats(provider()).in_flight, 2);
    CU_ASSERT_EQUAL(inner->invocation->event->data_json.len, 13); /* {"foo":"bar"} */
    rig_release(&rig, "inner");
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(outer->forward_rc, EG_OK);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void giving_up_cancels_both_calls(void) {
    begin(RIG_HOLD, "{}");
    start(false);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_flow_abandon(rig.flow);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(outer->canceled, 1);
    CU_ASSERT_EQUAL(inner->canceled, 1);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 2); /* the delivery, and its exchange */
    rig_release(&rig, "inner");
    CU_ASSERT_EQUAL(outer->forwarded, 1);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_answer_that_is_there_already_is_not_lost_by_a_cancel(void) {
    begin(RIG_HOLD, "{\"statusCode\":204}");
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    rig_finish(inner, inner->held[0]); /* done, and not delivered yet */
    inner->held_count = 0;
    gw_flow_abandon(rig.flow);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(inner->canceled, 0);
    CU_ASSERT_EQUAL(outer->forward_rc, EG_OK);
    CU_ASSERT_EQUAL(r->status, 204);
    rig_request_free(r);
    rig_stop(&rig);
}

static void *finish_elsewhere(void *arg) {
    rig_finish(inner, arg);
    return NULL;
}

static void an_answer_of_another_thread_comes_back_on_the_loop(void) {
    pthread_t thread;
    begin(RIG_HOLD, "{\"statusCode\":203}");
    start(true);
    for (int round = 0; round < 20; round++) {
        struct rig_request *r = rig_emit(&rig, "e", "/");
        const bool is_race = round % 2 == 1;
        inner->held_count = 0;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, finish_elsewhere, inner->held[0]), 0);
        if (is_race) {
            gw_clock_advance(6 * GW_NS_PER_S);
            rig_turn(&rig);
        }
        for (int i = 0; i < 1000 && gw_flow_busy(rig.flow) > 0; i++) {
            gw_loop_turn(rig.loop, GW_NS_PER_MS);
        }
        (void)pthread_join(thread, NULL);
        CU_ASSERT_EQUAL(r->replies, 1);
        CU_ASSERT_TRUE(r->status == 203 || (is_race && r->status == 500));
        CU_ASSERT_EQUAL(outer->forwarded, (unsigned)round + 1);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

/* ---- authorizers ---- */

#define YES "{\"authorization\":{\"principalId\":\"u1\"}}"

static void begin_authorizer(enum rig_mode mode, uint32_t version) {
    begin(mode, YES);
    inner->version = version;
    rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_offer(&rig, "inner", rig_target(&rig, "inner"));
    rig_subscribe(&rig, true, "e", "POST", "/", "f", "outer");
}

static void an_authorizer_may_have_another_decide(void) {
    begin_authorizer(RIG_ANSWER, EG_CE_AS_RECEIVED);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(inner->calls, 1);
    CU_ASSERT_STRING_EQUAL(inner->payload, outer->payload);
    CU_ASSERT_TRUE(rig_has(inner->payload, "\"request\":{\"headers\":"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void
the_event_in_the_payload_of_an_authorizer_is_in_the_version_that_the_inner_one_wants(void) {
    begin_authorizer(RIG_ANSWER, EG_CE_1_0);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(outer->payload, "{\"event\":{\"eventType\":\"e\""));
    CU_ASSERT_TRUE(rig_has(inner->payload, "{\"event\":{\"specversion\":\"1.0\""));
    CU_ASSERT_TRUE(rig_has(inner->payload, "\"request\":{\"headers\":"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_payload_of_an_authorizer_stays_until_the_inner_call_has_ended(void) {
    begin_authorizer(RIG_HOLD, EG_CE_AS_RECEIVED);
    outer->is_careless = true;
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_clock_advance(6 * GW_NS_PER_S);
    gw_flow_abandon(rig.flow);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 403);
    const struct eg_str payload = inner->invocation->payload; /* the outer one is gone */
    CU_ASSERT_TRUE(gw_str_eq(payload, gw_str_c(inner->payload)));
    rig_release(&rig, "inner");
    rig_request_free(r);
    rig_stop(&rig);
}

/* ---- traces ---- */

static char names[256];
static uint8_t ids[8][8];
static uint8_t parents[8][8];
static char message[64];

static void keep_trace(const struct eg_trace *trace) {
    size_t at = 0;
    size_t count = 0;
    for (size_t i = 0; i < trace->span_count; i++) {
        const struct eg_span *span = trace->spans[i];
        if (span->kind == EG_SPAN_MIDDLEWARE || count == 8) {
            continue;
        }
        memcpy(ids[count], span->id, 8);
        memcpy(parents[count++], span->parent_id, 8);
        at += (size_t)snprintf(names + at, sizeof names - at, "%u %.*s|", span->kind,
                               GW_FMT(span->name));
        (void)snprintf(message, sizeof message, "%.*s", GW_FMT(span->message));
    }
}

static void the_inner_call_has_a_span_below_the_outer_one(void) {
    begin(RIG_ANSWER, "{}");
    rig.guard_traces = true;
    rig_trace = keep_trace;
    inner->call_class = EG_CALL_FUNCTION;
    inner->message = "it broke";
    start(true);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_STRING_EQUAL(names, "1 POST /|4 default/outer|4 default/inner|");
    CU_ASSERT_EQUAL(memcmp(parents[1], ids[0], 8), 0);
    CU_ASSERT_EQUAL(memcmp(parents[2], ids[1], 8), 0);
    CU_ASSERT_STRING_EQUAL(message, "it broke");
    char id[17];
    for (int i = 0; i < 8; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", ids[2][i]);
    }
    CU_ASSERT_TRUE(rig_has(inner->traceparent, id));
    CU_ASSERT_EQUAL(memcmp(inner->traceparent, outer->traceparent, 36), 0);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(
    UNIT(the_answer_of_the_inner_function_is_the_reply),
    UNIT(a_delivery_says_that_nobody_waits_to_the_inner_function_too),
    UNIT(the_event_comes_in_the_version_that_the_inner_function_wants),
    UNIT(class_texts_and_status_come_back_as_they_are),
    UNIT(an_inner_provider_that_refuses_is_a_failure_with_a_message),
    UNIT(a_function_that_is_not_there_or_has_no_provider_is_refused),
    UNIT(a_function_of_another_space_is_not_there),
    UNIT(a_function_that_was_called_by_another_cannot_call_a_third), UNIT(wrong_uses_are_refused),
    UNIT(an_op_that_has_ended_calls_nobody), UNIT(an_op_that_is_overdue_calls_nobody),
    UNIT(the_deadline_is_the_earlier_one), UNIT(an_inner_deadline_leaves_the_outer_call_its_time),
    UNIT(an_overdue_call_cancels_the_inner_one_and_ends_once),
    UNIT(an_outer_op_may_end_while_the_inner_call_is_out), UNIT(giving_up_cancels_both_calls),
    UNIT(an_answer_that_is_there_already_is_not_lost_by_a_cancel),
    UNIT(an_answer_of_another_thread_comes_back_on_the_loop),
    UNIT(an_authorizer_may_have_another_decide),
    UNIT(the_event_in_the_payload_of_an_authorizer_is_in_the_version_that_the_inner_one_wants),
    UNIT(the_payload_of_an_authorizer_stays_until_the_inner_call_has_ended),
    UNIT(the_inner_call_has_a_span_below_the_outer_one))
