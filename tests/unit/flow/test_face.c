/* Unit tests of flow/face.h: a face of the test's own in the place of the native one. */
#include "rig.h"

static struct rig rig;
static struct gw_direct direct;
static unsigned failed;       /* calls of call_failed */
static char failed_text[256]; /* "function class error" of the last */
static struct eg_str seen_space;

static void error(struct eg_exchange *x) {
    x->answer.body = gw_arena_printf(x->arena, "oh: %.*s", GW_FMT(x->answer.message));
    x->answer.content_type = GW_STR("text/x-oh");
}

static void refuse(struct gw_http_request *request, const char *reason,
                   struct gw_http_reply *reply) {
    reply->status = 777;
    reply->body = gw_buf_static(gw_arena_printf(&request->arena, "no: %s", reason));
}

static bool cors(struct eg_exchange *x, const struct gw_cors_request *request,
                 struct gw_cors_answer *ret_answer) {
    (void)x;
    ret_answer->headers[ret_answer->count++] =
        (struct eg_kv){GW_STR("X-Cors"), request->origin.len > 0 ? request->origin : GW_STR("-")};
    return gw_str_eq(request->method, GW_STR("OPTIONS"));
}

/* The path is the type. */
static bool events(struct eg_exchange *x, const struct gw_event_seed *seed,
                   struct eg_event ***ret_events, size_t *ret_count) {
    if (gw_str_eq(x->path, GW_STR("/bad"))) {
        gw_answer_error(x, 499, GW_STR("bad"));
        return false;
    }
    *ret_events = gw_arena_alloc(x->arena, sizeof(struct eg_event *));
    (*ret_events)[0] = gw_event_make(x->arena, seed, gw_str_cut(x->path, 1), GW_STR("a/b"),
                                     GW_STR("{\"own\":true}"));
    *ret_count = 1;
    return true;
}

/* `call`: the first offered function; all else: every async subscriber of the type. */
static void route(const struct eg_exchange *x, struct eg_str type, struct gw_path_params *params,
                  struct gw_route *ret_route) {
    (void)params;
    if (gw_str_eq(type, GW_STR("call"))) {
        ret_route->callee = rig.offer_count == 0 ? NULL : &rig.offers[0].callee;
        ret_route->direct = &direct;
    } else {
        ret_route->async = gw_snapshot_async(gw_exchange_snapshot(x), GW_STR("POST"), GW_STR("/"),
                                             type, &ret_route->async_count);
    }
}

static const struct gw_eventtype *schema(const struct eg_exchange *x, struct eg_str type,
                                         size_t index) {
    static const struct gw_eventtype own = {.schema = {"{\"own\":1}", 9}};
    (void)x;
    return index == 0 && gw_str_eq(type, GW_STR("call")) ? &own : NULL;
}

static void outcome(struct eg_exchange *x, const struct gw_call *call, struct eg_str body) {
    if (!call->is_ok) {
        gw_answer_error(x, 555, call->is_lost ? GW_STR("lost") : call->error);
        return;
    }
    gw_answer_set(x, 222);
    x->answer.body = body;
}

static void accepted(struct eg_exchange *x) {
    gw_answer_set(x, 233);
}

static void call_failed(struct gw_call *call) {
    failed++;
    (void)snprintf(failed_text, sizeof failed_text, "%.*s %u %.*s", GW_FMT(call->function_id),
                   call->call_class, GW_FMT(call->error));
}

static const struct gw_face face = {
    .refuse = refuse,
    .error = error,
    .cors = cors,
    .events = events,
    .route = route,
    .schema = schema,
    .outcome = outcome,
    .accepted = accepted,
    .call_failed = call_failed,
};

static struct rig_function *begin(enum rig_mode mode, const char *answer) {
    rig_init(&rig);
    rig.setup.face = &face;
    failed = 0;
    failed_text[0] = '\0';
    direct =
        (struct gw_direct){rig_metric("direct", "received"), rig_metric("direct", "processed")};
    return rig_fn(&rig, "f", mode, answer);
}

static void offer(void) {
    rig_offer(&rig, "f", rig_target(&rig, "f"));
}

static void answers_are_what_the_face_makes_of_them(void) {
    begin(RIG_ANSWER, "raw");
    rig_start(&rig);
    offer();
    struct rig_request *r = rig_send(&rig, "GET", "/call", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 222);
    CU_ASSERT_STRING_EQUAL(r->body, "raw");
    CU_ASSERT_TRUE(rig_has(r->headers, "X-Cors: -\n"));
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/nothing", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 233);
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/bad", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 499);
    CU_ASSERT_STRING_EQUAL(r->body, "oh: bad");
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: text/x-oh\n"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_preflight_gets_no_further(void) {
    struct rig_function *f = begin(RIG_ANSWER, "raw");
    rig_start(&rig);
    offer();
    struct rig_request *r = rig_send(&rig, "OPTIONS", "/call", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(r->body_len, 0);
    CU_ASSERT_TRUE(rig_has(r->headers, "X-Cors: -\n"));
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void the_flows_own_refusals_are_told_by_the_face(void) {
    begin(RIG_ANSWER, "raw");
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/eventgateway.x", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "oh: Event type"));
    rig_request_free(r);
    gw_flow_drain(rig.flow);
    r = rig_send(&rig, "GET", "/x", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 503);
    CU_ASSERT_STRING_EQUAL(r->body, "oh: Service Unavailable");
    rig_request_free(r);
    rig_stop(&rig);
}

static void what_the_server_refuses_is_told_by_the_face(void) {
    for (int is_native = 0; is_native < 2; is_native++) {
        begin(RIG_ANSWER, "raw");
        if (is_native) {
            rig.setup.face = NULL;
        }
        rig_start(&rig);
        struct rig_request *r = rig_request("GET", "/", NULL, 0, GW_STR(""));
        struct gw_http_reply reply = {.status = 400, .body = gw_buf_static(GW_STR("{}"))};
        gw_flow_refuse(rig.flow, &r->request, "bad", &reply);
        CU_ASSERT_EQUAL(reply.status, is_native ? 400 : 777);
        ASSERT_STR(gw_str(reply.body.ptr, reply.body.len), is_native ? "{}" : "no: bad");
        r->refs = 1;
        rig_request_free(r);
        rig_stop(&rig);
    }
}

static void a_function_is_called_and_counted_without_a_subscription(void) {
    struct rig_function *f = begin(RIG_ANSWER, "raw");
    struct rig_function *told = rig_fn(&rig, "told", RIG_ANSWER, "");
    rig_start(&rig);
    offer();
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/", "told", NULL);
    const int64_t received = gw_metric_value(direct.received);
    const int64_t processed = gw_metric_value(direct.processed);
    struct rig_request *r = rig_send(&rig, "GET", "/call", NULL, 0, "");
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(f->is_async, 0);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"data\":{\"own\":true}"));
    CU_ASSERT_TRUE(rig_has(told->payload, "\"space\":\"default\",\"functionId\":\"f\""));
    CU_ASSERT_EQUAL(gw_metric_value(direct.received) - received, 1);
    CU_ASSERT_EQUAL(gw_metric_value(direct.processed) - processed, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_failed_call_is_told_once_and_a_good_one_not(void) {
    struct rig_function *f = begin(RIG_ANSWER, "raw");
    rig_start(&rig);
    offer();
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_request_free(rig_send(&rig, "GET", "/call", NULL, 0, ""));
    CU_ASSERT_EQUAL(failed, 0);
    f->call_class = EG_CALL_FUNCTION;
    f->message = "broke";
    struct rig_request *r = rig_send(&rig, "GET", "/call", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 555);
    CU_ASSERT_STRING_EQUAL(r->body, "oh: broke");
    CU_ASSERT_EQUAL(failed, 1);
    CU_ASSERT_STRING_EQUAL(failed_text, "f 4 broke");
    rig_request_free(r);
    f->call_class = EG_CALL_THROTTLED;
    rig_request_free(rig_send(&rig, "GET", "/e", NULL, 0, "")); /* a delivery */
    CU_ASSERT_EQUAL(failed, 2);
    CU_ASSERT_STRING_EQUAL(failed_text, "f 2 broke");
    rig_stop(&rig);
}

static void a_deadline_is_a_failure_that_may_pass(void) {
    begin(RIG_HOLD, "raw");
    rig_start(&rig);
    offer();
    struct rig_request *r = rig_send(&rig, "GET", "/call", NULL, 0, "");
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 555);
    CU_ASSERT_STRING_EQUAL(failed_text, "f 3 timed out");
    rig_release(&rig, "f");
    rig_request_free(r);
    rig_stop(&rig);
}

static void failed_deliveries_of_the_gateways_own_word_are_not_told(void) {
    begin(RIG_ANSWER, "raw");
    struct rig_function *told = rig_fn(&rig, "told", RIG_ANSWER, "");
    told->call_class = EG_CALL_FUNCTION;
    rig_start(&rig);
    offer();
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/", "told", NULL);
    rig_request_free(rig_send(&rig, "GET", "/call", NULL, 0, ""));
    CU_ASSERT_EQUAL(told->calls, 1);
    CU_ASSERT_EQUAL(failed, 0);
    rig_stop(&rig);
}

static void a_function_without_a_provider_is_lost(void) {
    begin(RIG_ANSWER, "raw");
    rig_start(&rig);
    rig_offer(&rig, "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/call", NULL, 0, "");
    CU_ASSERT_STRING_EQUAL(r->body, "oh: lost");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t look(struct eg_exchange *x, struct eg_event *event, struct eg_op *op) {
    const struct eg_exchange_api *api = gw_flow_exchange_api();
    (void)op;
    seen_space = api->space(x);
    const bool is_call = gw_str_eq(event->type, GW_STR("call"));
    ASSERT_STR(api->event_schema(x, event, 0, NULL), is_call ? "{\"own\":1}" : "");
    CU_ASSERT_EQUAL(api->event_schema(x, event, 1, NULL).len, 0);
    return EG_NEXT;
}

static void middleware_sees_the_routes_of_the_face(void) {
    begin(RIG_ANSWER, "raw");
    rig.first_match = "{\"spaces\":[\"default\"]}";
    rig_start(&rig);
    offer();
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_first.on_event = look;
    static const char *const paths[] = {"/call", "/e", "/nobody"};
    static const char *const spaces[] = {"default", "default", "not asked"};
    for (size_t i = 0; i < 3; i++) {
        seen_space = GW_STR("not asked");
        rig_request_free(rig_send(&rig, "GET", paths[i], NULL, 0, ""));
        ASSERT_STR(seen_space, spaces[i]);
    }
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(answers_are_what_the_face_makes_of_them), UNIT(a_preflight_gets_no_further),
          UNIT(the_flows_own_refusals_are_told_by_the_face),
          UNIT(what_the_server_refuses_is_told_by_the_face),
          UNIT(a_function_is_called_and_counted_without_a_subscription),
          UNIT(a_failed_call_is_told_once_and_a_good_one_not),
          UNIT(a_deadline_is_a_failure_that_may_pass),
          UNIT(failed_deliveries_of_the_gateways_own_word_are_not_told),
          UNIT(a_function_without_a_provider_is_lost), UNIT(middleware_sees_the_routes_of_the_face))
