/* Unit tests of flow/chain.c: order, stops, errors, pending and overdue middleware. */
#include "rig.h"

static struct rig rig;
static char trail[128];

static int32_t note(const char *word, int32_t verdict) {
    strncat(trail, word, sizeof trail - strlen(trail) - 1);
    return verdict;
}

static void start(void) {
    trail[0] = '\0';
    rig_start(&rig);
}

#define NOTER(name, word, verdict)                                                                 \
    static int32_t name(struct eg_exchange *x, struct eg_op *op) {                                 \
        (void)x;                                                                                   \
        (void)op;                                                                                  \
        return note(word, verdict);                                                                \
    }
NOTER(note_a, "A", EG_NEXT)
NOTER(note_b, "B", EG_NEXT)
NOTER(note_ar, "a", EG_NEXT)
NOTER(note_br, "b", EG_NEXT)
NOTER(note_br_stop, "b", EG_STOP)
NOTER(failing, "F", EG_E_IO)
NOTER(silent_stop, "S", EG_STOP)

static void requests_go_forwards_and_replies_backwards(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = note_a, .on_reply = note_ar};
    rig_second = (struct rig_hooks){.on_request = note_b, .on_reply = note_br};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_STRING_EQUAL(trail, "ABba");
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_stop_in_on_reply_ends_the_chain_only(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_reply = note_ar};
    rig_second = (struct rig_hooks){.on_reply = note_br_stop};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_STRING_EQUAL(trail, "b");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t deny(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    rig_host->exchange->reply_error(x, 401, GW_STR("who are you?"));
    return EG_STOP;
}

static void a_stop_in_on_request_answers_its_reply_and_calls_nothing(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_first = (struct rig_hooks){.on_request = deny};
    rig_second = (struct rig_hooks){.on_request = note_b, .on_reply = note_br};
    start();
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 401);
    CU_ASSERT_STRING_EQUAL(r->body, "{\"errors\":[{\"message\":\"who are you?\"}]}\n");
    CU_ASSERT_STRING_EQUAL(trail, "b");
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_stop_without_a_reply_is_a_500(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = silent_stop};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(r->body, "Internal Server Error"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_error_of_middleware_is_a_500_and_is_counted_by_name(void) {
    size_t count = 0;
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = failing};
    rig_second = (struct rig_hooks){.on_request = note_b};
    start();
    struct gw_instance *const *m = gw_manager_chain(rig.manager, EG_KIND_MIDDLEWARE, &count);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_STRING_EQUAL(trail, "F");
    CU_ASSERT_EQUAL(gw_instance_stats(m[0]).errors, 1);
    CU_ASSERT_EQUAL(gw_instance_stats(m[1]).errors, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t keep_op(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    rig_op = op;
    return EG_PENDING;
}

static void finish_op(int32_t status, int32_t verdict) {
    const struct eg_result result = {.struct_size = sizeof result, .verdict = verdict};
    struct eg_op *op = rig_op;
    rig_op = NULL;
    op->done(op, status, &result);
    rig_turn(&rig);
}

static void a_pending_verdict_is_waited_for(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = keep_op};
    rig_second = (struct rig_hooks){.on_request = note_b};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->replies, 0);
    CU_ASSERT_STRING_EQUAL(trail, "");
    finish_op(EG_OK, EG_NEXT);
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_STRING_EQUAL(trail, "B");
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_overdue_middleware_is_a_500_and_its_late_answer_is_dropped(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = keep_op};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    gw_clock_advance(3 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(rig_middleware_cancels, 1);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 1);
    finish_op(EG_OK, EG_NEXT);
    CU_ASSERT_EQUAL(r->replies, 1);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_verdict_that_is_none_is_an_error(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = keep_op};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    finish_op(EG_OK, 99);
    CU_ASSERT_EQUAL(r->status, 500);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t reply_without_stop(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    rig_host->exchange->reply_error(x, 418, GW_STR("tea"));
    return EG_NEXT;
}

static void a_reply_without_a_stop_is_no_reply(void) {
    rig_init(&rig);
    rig_first = (struct rig_hooks){.on_request = reply_without_stop};
    start();
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(r->body_len, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t event_done(struct eg_exchange *x, struct eg_event *event, struct eg_op *op) {
    (void)x;
    (void)event;
    rig_op = op;
    return EG_PENDING;
}

static void an_error_in_on_event_keeps_the_event_from_its_subscribers(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_second = (struct rig_hooks){.on_event = event_done};
    start();
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    finish_op(EG_E_IO, EG_NEXT);
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(requests_go_forwards_and_replies_backwards),
          UNIT(a_stop_in_on_reply_ends_the_chain_only),
          UNIT(a_stop_in_on_request_answers_its_reply_and_calls_nothing),
          UNIT(a_stop_without_a_reply_is_a_500),
          UNIT(an_error_of_middleware_is_a_500_and_is_counted_by_name),
          UNIT(a_pending_verdict_is_waited_for),
          UNIT(an_overdue_middleware_is_a_500_and_its_late_answer_is_dropped),
          UNIT(a_verdict_that_is_none_is_an_error), UNIT(a_reply_without_a_stop_is_no_reply),
          UNIT(an_error_in_on_event_keeps_the_event_from_its_subscribers))
