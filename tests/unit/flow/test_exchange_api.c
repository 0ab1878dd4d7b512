/* Unit tests of flow/exchange_api.c: what middleware sees and may do. */
#include "rig.h"

static struct rig rig;
static const struct eg_exchange_api *api;
static char seen[512];
static struct eg_exchange *left_over;

static void begin(void) {
    rig_init(&rig);
    api = gw_flow_exchange_api();
    seen[0] = '\0';
}

static int32_t look(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    (void)snprintf(
        seen, sizeof seen, "%.*s %.*s ?%.*s <%.*s> %.*s %.*s %.*s,%.*s,%d", GW_FMT(api->method(x)),
        GW_FMT(api->path(x)), GW_FMT(api->query(x)), GW_FMT(api->body(x)), GW_FMT(api->peer(x)),
        GW_FMT(api->request_id(x)), GW_FMT(api->header(x, GW_STR("x-a"), 0)),
        GW_FMT(api->header(x, GW_STR("X-A"), 1)), api->header(x, GW_STR("X-A"), 2).ptr == NULL);
    return EG_NEXT;
}

static void middleware_sees_the_request(void) {
    static const struct eg_kv headers[] = {{{"X-A", 3}, {"1", 1}}, {{"x-a", 3}, {"2", 1}}};
    begin();
    rig_first.on_request = look;
    rig_start(&rig);
    struct rig_request *r = rig_request("POST", "/p", headers, 2, GW_STR("body"));
    r->request.query = GW_STR("q=1");
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    CU_ASSERT_STRING_EQUAL(seen, "POST /p ?q=1 <body> 127.0.0.1 rid-1 1,2,1");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t answer(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("X-M"), GW_STR("yes")), EG_OK);
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("bad name"), GW_STR("v")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("X-Inject"), GW_STR("a\r\nb: c")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("Content-Length"), GW_STR("9")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("Transfer-Encoding"), GW_STR("chunked")),
                    EG_E_INVAL);
    api->reply(x, 203, GW_STR("text/css"), gw_buf_copy(GW_STR("p {}")));
    return EG_STOP;
}

static void middleware_may_answer_itself(void) {
    begin();
    rig_first.on_request = answer;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 203);
    CU_ASSERT_STRING_EQUAL(r->body, "p {}");
    CU_ASSERT_STRING_EQUAL(r->headers, "X-M: yes\nContent-Type: text/css\n");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t impossible(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    api->reply(x, 7, GW_STR("text/css\r\nX: y"), gw_buf_copy(GW_STR("p {}")));
    return EG_STOP;
}

static void an_impossible_reply_is_a_500(void) {
    begin();
    rig_first.on_request = impossible;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t rewrite(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    const struct eg_str was = api->reply_body(x);
    char text[64];
    const int n = snprintf(text, sizeof text, "%u:%.*s", api->reply_status(x), GW_FMT(was));
    api->reply(x, 202, GW_STR("text/plain"), gw_buf_copy(gw_str(text, (size_t)n)));
    ASSERT_STR(was, "hello");
    return EG_NEXT;
}

static void on_reply_may_rewrite_and_keeps_the_other_headers(void) {
    begin();
    rig_first.on_reply = rewrite;
    rig_fn(&rig, "f", RIG_ANSWER,
           "{\"statusCode\":201,\"headers\":{\"x-f\":\"1\"},\"body\":\"hello\"}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_STRING_EQUAL(r->body, "201:hello");
    CU_ASSERT_TRUE(rig_has(r->headers, "X-F: 1\n"));
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t name_principal(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    CU_ASSERT_EQUAL(api->set_principal(x, GW_STR(""), GW_STR("")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->set_principal(x, GW_STR("u"), GW_STR("{\"a\":1}")), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(api->set_principal(x, GW_STR("u"), GW_STR("[]")), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(api->set_principal(x, GW_STR("u"), GW_STR("{")), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(api->set_principal(x, GW_STR("k\"ey"), GW_STR("{\"a\":\"b\"}")), EG_OK);
    return EG_NEXT;
}

static void a_principal_reaches_the_functions(void) {
    begin();
    rig_first.on_request = name_principal;
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    struct rig_function *g = rig_fn(&rig, "g", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "g", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"authorization\":{\"principalId\":\"k\\\"ey\","
                                       "\"context\":{\"a\":\"b\"}}"));
    CU_ASSERT_STRING_EQUAL(f->payload, g->payload);
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t keep(struct eg_exchange *x, struct eg_op *op) {
    left_over = x;
    rig_op = op;
    return EG_PENDING;
}

static void nothing_changes_a_reply_that_was_sent(void) {
    begin();
    rig_first.on_request = keep;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    gw_clock_advance(3 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 500);
    api->reply(left_over, 200, GW_STR(""), gw_buf_copy(GW_STR("late")));
    api->reply_error(left_over, 404, GW_STR("late"));
    CU_ASSERT_EQUAL(api->reply_header(left_over, GW_STR("X-L"), GW_STR("1")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->reply_status(left_over), 500);
    rig_op->done(rig_op, EG_OK, NULL);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->replies, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(middleware_sees_the_request), UNIT(middleware_may_answer_itself),
          UNIT(an_impossible_reply_is_a_500),
          UNIT(on_reply_may_rewrite_and_keeps_the_other_headers),
          UNIT(a_principal_reaches_the_functions), UNIT(nothing_changes_a_reply_that_was_sent))
