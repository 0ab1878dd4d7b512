/* Unit tests of flow/scope.c: middleware that takes part in some requests and events only. */
#include "rig.h"

static struct rig rig;
static char trail[256];

static void note(const char *word) {
    strncat(trail, word, sizeof trail - strlen(trail) - 1);
}

/* first: 1 (on_request), e (on_event), r (on_reply); second: 2, E, R. */
#define HOOKS(request, event, reply)                                                               \
    static int32_t request##_request(struct eg_exchange *x, struct eg_op *op) {                    \
        (void)x;                                                                                   \
        (void)op;                                                                                  \
        note(&#request[1]);                                                                        \
        return EG_NEXT;                                                                            \
    }                                                                                              \
    static int32_t event##_event(struct eg_exchange *x, struct eg_event *e, struct eg_op *op) {    \
        (void)x;                                                                                   \
        (void)e;                                                                                   \
        (void)op;                                                                                  \
        note(&#event[1]);                                                                          \
        return EG_NEXT;                                                                            \
    }                                                                                              \
    static int32_t reply##_reply(struct eg_exchange *x, struct eg_op *op) {                        \
        (void)x;                                                                                   \
        (void)op;                                                                                  \
        note(&#reply[1]);                                                                          \
        return EG_NEXT;                                                                            \
    }
HOOKS(n1, ne, nr)
HOOKS(n2, nE, nR)

static void begin(const char *first, const char *second) {
    trail[0] = '\0';
    rig_init(&rig);
    rig.first_match = first;
    rig.second_match = second;
    rig_first =
        (struct rig_hooks){.on_request = n1_request, .on_event = ne_event, .on_reply = nr_reply};
    rig_second =
        (struct rig_hooks){.on_request = n2_request, .on_event = nE_event, .on_reply = nR_reply};
    rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
}

static void subscribe(bool is_sync, const char *type, const char *space) {
    rig_subscribe(&rig, is_sync, type, "POST", "/", "f", NULL)->object.space = gw_str_c(space);
}

#define EVENT(type) "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"" type "\"}"

static struct rig_request *send_batch(const char *body) {
    static const struct eg_kv type[] = {
        {{"Content-Type", 12}, {"application/cloudevents-batch+json", 34}}};
    return rig_send(&rig, "POST", "/", type, 1, body);
}

static void check_get(const char *path, const char *expected) {
    trail[0] = '\0';
    struct rig_request *r = rig_send(&rig, "GET", path, NULL, 0, "");
    CU_ASSERT_STRING_EQUAL(trail, expected);
    rig_request_free(r);
}

static void check_host(const char *host, const char *path, const char *expected) {
    trail[0] = '\0';
    struct rig_request *r = rig_request("GET", path, NULL, 0, (struct eg_str){0});
    r->request.host = gw_str_c(host);
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    CU_ASSERT_STRING_EQUAL(trail, expected);
    rig_request_free(r);
}

static void check_emit(const char *type, const char *expected) {
    trail[0] = '\0';
    struct rig_request *r = rig_emit(&rig, type, "/");
    CU_ASSERT_STRING_EQUAL(trail, expected);
    rig_request_free(r);
}

static void paths_and_methods_are_judged_by_the_request(void) {
    begin("{\"paths\":[\"/a\"],\"methods\":[\"GET\"]}", NULL);
    check_get("/a/x", "12eERr");
    check_get("/b", "2ER");
    check_get("/%61", "12eERr");
    check_emit("t", "2ER"); /* POST / */
    rig_stop(&rig);
}

/* The function is told the path without the space, so that one counts as well: else whoever sends
 * the host name of some space would be past the guard of a path. */
static void a_hosted_path_counts_with_and_without_its_space(void) {
    rig_init(&rig);
    rig.setup.config.is_hosted = true;
    rig.first_match = "{\"paths\":[\"/admin\"]}";
    rig.second_match = "{\"paths\":[\"/blue/admin\"]}";
    rig_first = (struct rig_hooks){.on_request = n1_request};
    rig_second = (struct rig_hooks){.on_request = n2_request};
    rig_start(&rig);
    check_host("blue.slsgateway.com", "/admin/x", "12");
    check_host("red.slsgateway.com", "/admin", "1");
    check_host("red.slsgateway.com", "/x", "");
    check_host("red.slsgateway.com", "/../blue/admin", "2");
    check_host("localhost", "/admin", "1");
    rig_stop(&rig);
}

static void event_types_are_asked_late_and_before_their_on_event(void) {
    begin(NULL, "{\"event_types\":[\"user.*\"]}");
    check_emit("user.created", "1e2ERr");
    check_emit("order.created", "1er");
    check_get("/", "1er");
    rig_stop(&rig);
}

static void spaces_are_those_of_all_subscriptions_the_event_is_routed_to(void) {
    begin("{\"spaces\":[\"one\"]}", "{\"spaces\":[\"two\", \"three\"]}");
    subscribe(true, "both", "one");
    subscribe(false, "both", "two");
    subscribe(false, "second", "zero");
    subscribe(false, "second", "three");
    check_emit("both", "1e2ERr");
    check_emit("second", "2ER");
    check_emit("unrouted", "");
    rig_stop(&rig);
}

static void all_of_the_four_have_to_hold(void) {
    begin("{\"spaces\":[\"one\"],\"paths\":[\"/\"],\"methods\":[\"post\"],\"event_types\":[\"t\"]}",
          "{\"spaces\":[\"one\"],\"methods\":[\"PUT\"]}");
    subscribe(true, "t", "one");
    subscribe(true, "u", "one");
    check_emit("t", "1er");
    check_emit("u", "");
    rig_stop(&rig);
}

static void in_a_batch_on_request_is_asked_once_and_on_event_for_each_that_matches(void) {
    begin("{\"event_types\":[\"b\"]}", NULL);
    struct rig_request *r =
        send_batch("[" EVENT("a") "," EVENT("b") "," EVENT("a") "," EVENT("b") "]");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_STRING_EQUAL(trail, "2E1eEEeERr");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t refuse(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    note("!");
    rig_host->exchange->reply_error(x, 401, GW_STR("who are you?"));
    return EG_STOP;
}

/* A guard that is asked once must not let the second event in. */
static void a_refusal_holds_for_all_matching_events_of_a_batch(void) {
    begin("{\"event_types\":[\"b\"]}", NULL);
    struct rig_function *f = rig_function("f");
    rig_first.on_request = refuse;
    subscribe(false, "a", "one");
    subscribe(false, "b", "one");
    struct rig_request *r =
        send_batch("[" EVENT("a") "," EVENT("b") "," EVENT("b") "," EVENT("a") "]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "event 1 of the batch: who are you?"));
    CU_ASSERT_STRING_EQUAL(trail, "2E!ERr"); /* a asked, b refused, b refused, a asked */
    CU_ASSERT_EQUAL(f->calls, 2);            /* those of type a */
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t failing(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    (void)op;
    note("F");
    return EG_E_IO;
}

static void so_does_a_failure(void) {
    begin("{\"event_types\":[\"b\"]}", NULL);
    struct rig_function *f = rig_function("f");
    rig_first.on_request = failing;
    subscribe(false, "b", "one");
    struct rig_request *r = send_batch("[" EVENT("b") "," EVENT("b") "]");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_STRING_EQUAL(trail, "2FRr");
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_late_refusal_answers_its_reply_and_calls_nothing(void) {
    begin("{\"spaces\":[\"one\"]}", NULL);
    struct rig_function *f = rig_function("f");
    rig_first.on_request = refuse;
    subscribe(true, "t", "one");
    struct rig_request *r = rig_emit(&rig, "t", "/");
    CU_ASSERT_EQUAL(r->status, 401);
    CU_ASSERT_STRING_EQUAL(r->body, "{\"errors\":[{\"message\":\"who are you?\"}]}\n");
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_STRING_EQUAL(trail, "2!Rr");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t pending(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    note("p");
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

static void a_late_on_request_may_answer_later(void) {
    begin("{\"event_types\":[\"t\"]}", NULL);
    rig_first.on_request = pending;
    struct rig_request *r = rig_emit(&rig, "t", "/");
    CU_ASSERT_STRING_EQUAL(trail, "2p");
    finish_op(EG_OK, EG_NEXT);
    CU_ASSERT_STRING_EQUAL(trail, "2peERr");
    CU_ASSERT_EQUAL(r->status, 202);
    rig_request_free(r);
    r = rig_emit(&rig, "t", "/");
    gw_clock_advance(3 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    finish_op(EG_OK, EG_NEXT);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t reply_without_stop(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    rig_host->exchange->reply_error(x, 418, GW_STR("tea"));
    return EG_NEXT;
}

static int32_t silent_stop(struct eg_exchange *x, struct eg_event *e, struct eg_op *op) {
    (void)x;
    (void)e;
    (void)op;
    return EG_STOP;
}

static void a_late_reply_without_a_stop_is_no_reply(void) {
    begin("{\"event_types\":[\"t\"]}", NULL);
    rig_first.on_request = reply_without_stop;
    rig_first.on_event = silent_stop;
    struct rig_request *r = rig_emit(&rig, "t", "/");
    CU_ASSERT_EQUAL(r->status, 500); /* stopped without a reply */
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t rename_event(struct eg_exchange *x, struct eg_event *e, struct eg_op *op) {
    (void)x;
    (void)op;
    note("e");
    return rig_host->event->set_attribute(e, GW_STR("type"), GW_STR("renamed"));
}

static void later_middleware_is_judged_by_the_type_as_it_is_then(void) {
    begin(NULL, "{\"event_types\":[\"renamed\"]}");
    rig_first.on_event = rename_event;
    check_emit("original", "1e2ERr");
    rig_stop(&rig);
}

static void a_request_that_becomes_no_event_asks_nobody_late(void) {
    static const struct eg_kv headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents+json", 28}}};
    begin("{\"event_types\":[\"*\"]}", NULL);
    struct rig_request *r = rig_send(&rig, "POST", "/", headers, 1, "{");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_STRING_EQUAL(trail, "2R");
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(paths_and_methods_are_judged_by_the_request),
          UNIT(a_hosted_path_counts_with_and_without_its_space),
          UNIT(event_types_are_asked_late_and_before_their_on_event),
          UNIT(spaces_are_those_of_all_subscriptions_the_event_is_routed_to),
          UNIT(all_of_the_four_have_to_hold),
          UNIT(in_a_batch_on_request_is_asked_once_and_on_event_for_each_that_matches),
          UNIT(a_refusal_holds_for_all_matching_events_of_a_batch), UNIT(so_does_a_failure),
          UNIT(a_late_refusal_answers_its_reply_and_calls_nothing),
          UNIT(a_late_on_request_may_answer_later), UNIT(a_late_reply_without_a_stop_is_no_reply),
          UNIT(later_middleware_is_judged_by_the_type_as_it_is_then),
          UNIT(a_request_that_becomes_no_event_asks_nobody_late))
