/* Unit tests of api/v2017_events.c on the rig of the flow; the routes of the space are its list. */
#include "api/v2017_events.h"
#include "flow/rig.h"
#include "state/space_routes.h"

#define FAILED "Function call failed. Error: "

static struct rig rig;
static struct gw_direct direct;

/* ---- the index of the space ---- */

const struct gw_subscriber *gw_space_sync(const struct gw_snapshot *snapshot, struct eg_str method,
                                          struct eg_str path, struct eg_str event_type) {
    return gw_snapshot_sync(snapshot, method, path, event_type, NULL);
}

const struct gw_subscriber *const *gw_space_async(const struct gw_snapshot *snapshot,
                                                  struct eg_str event_type, size_t *ret_count) {
    return gw_snapshot_async(snapshot, GW_STR("POST"), GW_STR("/"), event_type, ret_count);
}

const struct gw_callee *gw_space_callee(const struct gw_snapshot *snapshot, struct eg_str id,
                                        const struct gw_direct **ret_direct) {
    const struct gw_callee *callee = gw_snapshot_callee(snapshot, GW_STR("default"), id);
    *ret_direct = callee == NULL ? NULL : &direct;
    return callee;
}

/* ---- a request ---- */

static struct rig_function *begin(const char *answer) {
    rig_init(&rig);
    rig.setup.face = &gw_face_v2017;
    rig.setup.config.event_version = GW_CE_2017;
    direct = (struct gw_direct){rig_metric("d", "received"), rig_metric("d", "processed")};
    return rig_fn(&rig, "f", RIG_ANSWER, answer);
}

static void start(void) {
    rig_start(&rig);
    rig_offer(&rig, "f", rig_target(&rig, "f"));
}

static struct rig_request *send_event(const char *method, const char *path, const char *name,
                                      const char *function_id, const char *body) {
    static struct eg_kv headers[3];
    size_t count = 0;
    headers[count++] = (struct eg_kv){GW_STR("Content-Type"), GW_STR("application/json")};
    if (name != NULL) {
        headers[count++] = (struct eg_kv){GW_STR("event"), gw_str_c(name)};
    }
    if (function_id != NULL) {
        headers[count++] = (struct eg_kv){GW_STR("function-id"), gw_str_c(function_id)};
    }
    return rig_send(&rig, method, path, headers, count, body);
}

/* The answer is this one; an error (from 400 on) is plain text. */
static void check(struct rig_request *r, uint32_t status, const char *body) {
    CU_ASSERT_EQUAL(r->status, status);
    CU_ASSERT_STRING_EQUAL(r->body, body);
    if (status >= 400) {
        CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: text/plain; charset=utf-8\n"));
        CU_ASSERT_TRUE(rig_has(r->headers, "X-Content-Type-Options: nosniff\n"));
    } else {
        CU_ASSERT_PTR_NULL(strstr(r->headers, "nosniff"));
    }
    rig_request_free(r);
}

static void invoke_answers_what_the_function_said(void) { /* O17-27, O17-30 */
    struct rig_function *f = begin("{\"statusCode\":201,\"body\":\"x\"}");
    f->http_status = 404;
    start();
    struct rig_request *r = send_event("DELETE", "/any", "invoke", "f", "[1]");
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: text/plain; charset=utf-8\n"));
    check(r, 200, f->answer);
    CU_ASSERT_TRUE(rig_has(f->payload, "{\"event\":\"invoke\",\"id\":\""));
    CU_ASSERT_TRUE(rig_has(f->payload, "\"data\":[1],\"dataType\":\"application/json\"}"));
    rig_stop(&rig);
}

static void who_does_not_exist_cannot_be_invoked(void) { /* O17-28 */
    struct rig_function *told;
    begin("x");
    told = rig_fn(&rig, "told", RIG_ANSWER, "");
    start();
    rig_offer(&rig, "unbound", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoking", "POST", "/", "told", NULL);
    check(send_event("POST", "/", "invoke", "nope", ""), 500,
          "unable to look up registered function");
    check(send_event("POST", "/", "invoke", "", ""), 500, "unable to look up registered function");
    check(send_event("POST", "/", "invoke", NULL, ""), 500,
          "unable to look up registered function");
    CU_ASSERT_EQUAL(told->calls, 0); /* nobody is being invoked */
    check(send_event("POST", "/", "invoke", "unbound", ""), 500,
          "unable to look up registered function");
    CU_ASSERT_EQUAL(told->calls, 1);
    rig_stop(&rig);
}

static void http_events_go_by_upper_case_method_and_path(void) { /* O17-25 */
    struct rig_function *f = begin("<html>");
    start();
    rig_subscribe(&rig, true, "http.request", "GET", "/users", "f", NULL);
    struct rig_request *r = send_event("get", "/users", NULL, NULL, "");
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: text/html; charset=utf-8\n"));
    check(r, 200, "<html>");
    CU_ASSERT_TRUE(rig_has(f->payload, "\"path\":\"/users\",\"method\":\"get\"}"));
    check(send_event("GET", "/users", "http", NULL, ""), 200, "<html>");
    check(send_event("POST", "/users", NULL, NULL, ""), 404, "Resource not found");
    check(send_event("GETGETGETGETGETGETGETGETGETGETGET", "/users", NULL, NULL, ""), 404,
          "Resource not found");
    rig_stop(&rig);
}

static void a_subscribed_function_that_is_gone_is_a_500(void) {
    begin("x");
    start();
    rig_subscribe(&rig, true, "http.request", "GET", "/gone", "nobody", NULL);
    check(send_event("GET", "/gone", NULL, NULL, ""), 500, "unable to look up registered function");
    rig_stop(&rig);
}

static void other_events_are_delivered_from_the_root_only(void) { /* O17-21, O17-24 */
    struct rig_function *f = begin("x");
    start();
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    check(send_event("POST", "/foo", "e", NULL, "1"), 200, "");
    check(send_event("GET", "/", "e", NULL, "1"), 200, "");
    CU_ASSERT_EQUAL(f->calls, 0);
    check(send_event("POST", "/", "e", NULL, "1"), 202, "");
    CU_ASSERT_EQUAL(f->calls, 1);
    check(send_event("POST", "/", "nobody", NULL, "1"), 202, "");
    check(send_event("POST", "/", "e", NULL, "{"), 500, "unexpected end of JSON input");
    rig_stop(&rig);
}

static void a_hosted_host_keeps_its_events(void) {
    struct rig_function *f = begin("x");
    rig.setup.config.is_hosted = true;
    start();
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, true, "http.request", "GET", "/default/users", "f", NULL);
    struct rig_request *r = rig_request("POST", "/", NULL, 0, GW_STR("1"));
    static const struct eg_kv name[] = {{{"Event", 5}, {"e", 1}}};
    r->request.host = GW_STR("default.eventgateway.io");
    r->request.headers = name;
    r->request.header_count = 1;
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    check(r, 202, "");
    CU_ASSERT_EQUAL(f->calls, 1);
    r = rig_request("GET", "/users", NULL, 0, GW_STR(""));
    r->request.host = GW_STR("default.eventgateway.io");
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    check(r, 200, "x");
    rig_stop(&rig);
}

static void failures_are_told_in_full_by_their_class(void) {
    static const struct {
        uint32_t call_class;
        const char *text;
    } rows[] = {
        {EG_CALL_FUNCTION, "Function call failed because of runtime error. Error: "},
        {EG_CALL_AUTH, "Function access denied. Error: "},
        {EG_CALL_THROTTLED, "Function call failed because of provider error. Error: "},
        {EG_CALL_TRANSIENT, FAILED},
        {EG_CALL_PERMANENT, FAILED},
    };
    struct rig_function *f = begin(NULL);
    f->message = "HTTP status \"500\"\n";
    f->client_text = "not for these clients";
    start();
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char expected[128];
        f->call_class = rows[i].call_class;
        (void)snprintf(expected, sizeof expected, "%s\"HTTP status \\\"500\\\"\\n\"", rows[i].text);
        check(send_event("POST", "/", "invoke", "f", ""), 500, expected);
    }
    rig_stop(&rig);
}

static int32_t veto(const struct eg_event *event, struct eg_op *op) {
    (void)event;
    struct eg_result result = {.struct_size = sizeof result, .verdict = EG_STOP};
    result.message = GW_STR("not now");
    op->done(op, EG_OK, &result);
    return EG_PENDING;
}

static void a_veto_is_a_failed_call(void) {
    static const struct eg_interest invoking = {.struct_size = sizeof invoking,
                                                .mode = EG_INTEREST_SYNC,
                                                .event_type = "eventgateway.function.invoking"};
    static const struct eg_interest *const interests[] = {&invoking};
    struct rig_function *f = begin("x");
    rig_guard = (struct rig_reacter){interests, 1, veto};
    start();
    check(send_event("POST", "/", "invoke", "f", ""), 500, FAILED "\"not now\"");
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_stop(&rig);
}

static void a_function_error_is_told_to_its_subscribers(void) {
    struct rig_function *f = begin(NULL);
    struct rig_function *told = rig_fn(&rig, "told", RIG_ANSWER, "x");
    f->call_class = EG_CALL_FUNCTION;
    start();
    rig_subscribe(&rig, false, "gateway.info.functionError", "POST", "/", "told", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_request_free(send_event("POST", "/", "invoke", "f", ""));
    CU_ASSERT_EQUAL(told->calls, 1);
    CU_ASSERT_EQUAL(told->is_async, 1);
    CU_ASSERT_TRUE(rig_has(told->payload, "{\"event\":\"gateway.info.functionError\",\"id\":\""));
    CU_ASSERT_TRUE(rig_has(told->payload,
                           "\"data\":{\"functionId\":\"f\"},\"dataType\":\"application/json\"}"));
    rig_request_free(send_event("POST", "/", "e", NULL, "")); /* a delivery fails */
    CU_ASSERT_EQUAL(told->calls, 2);
    f->call_class = EG_CALL_TRANSIENT;
    rig_request_free(send_event("POST", "/", "invoke", "f", ""));
    rig_request_free(send_event("POST", "/", "invoke", "nope", ""));
    CU_ASSERT_EQUAL(told->calls, 2);
    rig_stop(&rig);
}

static void a_function_error_does_not_go_round_for_ever(void) {
    struct rig_function *f = begin(NULL);
    f->call_class = EG_CALL_FUNCTION;
    start();
    rig_subscribe(&rig, false, "gateway.info.functionError", "POST", "/", "f", NULL);
    rig_request_free(send_event("POST", "/", "invoke", "f", ""));
    CU_ASSERT_EQUAL(f->calls, 2); /* the call, and what is told of it */
    rig_stop(&rig);
}

static void a_function_error_without_room_is_dropped(void) {
    struct rig_function *f = begin(NULL);
    struct rig_function *told = rig_fn(&rig, "told", RIG_HOLD, "x");
    f->call_class = EG_CALL_FUNCTION;
    rig.setup.workers = 1;
    rig.setup.backlog = 1;
    start();
    rig_subscribe(&rig, false, "gateway.info.functionError", "POST", "/", "told", NULL);
    for (int i = 0; i < 4; i++) {
        rig_request_free_later(&rig, send_event("POST", "/", "invoke", "f", ""));
    }
    CU_ASSERT_EQUAL(told->calls, 1);
    rig_release(&rig, "told");
    rig_turn(&rig);
    CU_ASSERT_EQUAL(told->calls, 2);
    rig_release(&rig, "told");
    rig_turn(&rig);
    CU_ASSERT_EQUAL(told->calls, 2);
    rig_stop(&rig);
}

static void reserved_types_stay_the_gateways(void) {
    begin("x");
    start();
    check(send_event("POST", "/", "eventgateway.x", NULL, "1"), 400,
          "Event type \"eventgateway.x\" is reserved for system events.");
    rig_stop(&rig);
}

static unsigned released;

static void count_release(void *owner) {
    (void)owner;
    released++;
}

static void what_is_no_request_is_refused_as_text_and_keeps_its_headers(void) {
    static const struct eg_kv headers[] = {{{"content-type", 12}, {"application/json", 16}},
                                           {{"Allow", 5}, {"GET", 3}}};
    begin("x");
    start();
    struct rig_request *r = rig_request("BREW", "/", NULL, 0, GW_STR(""));
    struct gw_http_reply reply = {.status = 501,
                                  .headers = headers,
                                  .header_count = 2,
                                  .body = {"{}", 2, count_release, NULL}};
    released = 0;
    gw_flow_refuse(rig.flow, &r->request, "method not implemented", &reply);
    CU_ASSERT_EQUAL(released, 1);
    CU_ASSERT_EQUAL(reply.status, 501);
    gw_http_reply(&r->request, &reply);
    CU_ASSERT_STRING_EQUAL(r->headers, "Content-Type: text/plain; charset=utf-8\n"
                                       "X-Content-Type-Options: nosniff\nAllow: GET\n");
    r->refs = 1;
    check(r, 501, "method not implemented");
    rig_stop(&rig);
}

static void every_origin_is_allowed_with_credentials(void) { /* O17-31 */
    static const struct eg_kv headers[] = {
        {{"Origin", 6}, {"https://a.example", 17}},
        {{"Access-Control-Request-Method", 29}, {"patch", 5}},
        {{"Access-Control-Request-Headers", 30}, {"event,X-a", 9}},
    };
    begin("x");
    start();
    struct rig_request *r = rig_send(&rig, "OPTIONS", "/", headers, 3, "");
    CU_ASSERT_TRUE(rig_has(r->headers, "Access-Control-Allow-Origin: https://a.example\n"
                                       "Access-Control-Allow-Credentials: true\n"
                                       "Access-Control-Allow-Methods: PATCH\n"
                                       "Access-Control-Allow-Headers: Event, X-A\n"));
    check(r, 200, "");
    r = rig_send(&rig, "GET", "/nowhere", headers, 1, "");
    CU_ASSERT_TRUE(rig_has(r->headers, "Vary: Origin\n"
                                       "Access-Control-Allow-Origin: https://a.example\n"
                                       "Access-Control-Allow-Credentials: true\n"));
    check(r, 404, "Resource not found");
    r = rig_send(&rig, "OPTIONS", "/nowhere", headers, 1, "");
    check(r, 404, "Resource not found"); /* no preflight without Access-Control-Request-Method */
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(invoke_answers_what_the_function_said), UNIT(who_does_not_exist_cannot_be_invoked),
          UNIT(http_events_go_by_upper_case_method_and_path),
          UNIT(a_subscribed_function_that_is_gone_is_a_500),
          UNIT(other_events_are_delivered_from_the_root_only), UNIT(a_hosted_host_keeps_its_events),
          UNIT(failures_are_told_in_full_by_their_class), UNIT(a_veto_is_a_failed_call),
          UNIT(a_function_error_is_told_to_its_subscribers),
          UNIT(a_function_error_does_not_go_round_for_ever),
          UNIT(a_function_error_without_room_is_dropped), UNIT(reserved_types_stay_the_gateways),
          UNIT(what_is_no_request_is_refused_as_text_and_keeps_its_headers),
          UNIT(every_origin_is_allowed_with_credentials))
