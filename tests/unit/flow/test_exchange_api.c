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

static int32_t read_schemas(struct eg_exchange *x, struct eg_event *event, struct eg_op *op) {
    uint64_t marks[3] = {0};
    (void)op;
    const struct eg_str first = api->event_schema(x, event, 0, &marks[0]);
    const struct eg_str second = api->event_schema(x, event, 1, &marks[1]);
    const struct eg_str third = api->event_schema(x, event, 2, &marks[2]);
    (void)snprintf(seen, sizeof seen, "%.*s/%d %.*s/%d %zu/%d", GW_FMT(first), (int)marks[0],
                   GW_FMT(second), (int)marks[1], third.len, (int)marks[2]);
    ASSERT_STR(api->event_schema(x, event, 0, NULL), "true");
    return EG_NEXT;
}

static void the_schemas_of_an_event_are_those_of_the_spaces_it_is_routed_to(void) {
    struct gw_object types[2] = {{.kind = GW_EVENTTYPE}, {.kind = GW_EVENTTYPE}};
    types[0].as.eventtype = (struct gw_eventtype){.schema = GW_STR("true"), .schema_mark = 7};
    types[1].as.eventtype = (struct gw_eventtype){.schema = GW_STR("{}"), .schema_mark = 8};
    begin();
    rig_first.on_event = read_schemas;
    rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL)->subscriber.event_type = &types[0];
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL)->subscriber.event_type = &types[1];
    rig_subscribe(&rig, false, "other", "POST", "/", "f", NULL)->subscriber.event_type = &types[1];
    rig_request_free(rig_emit(&rig, "e", "/"));
    CU_ASSERT_STRING_EQUAL(seen, "true/7 {}/8 0/0");
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

/* ---- headers one by one ---- */

static int32_t change_request(struct eg_exchange *x, struct eg_op *op) {
    struct eg_str name;
    (void)op;
    ASSERT_STR(api->header_at(x, 1, &name), "2");
    ASSERT_STR(name, "x-a");
    CU_ASSERT_EQUAL(api->header_at(x, 2, &name).len, 0);
    CU_ASSERT_PTR_NULL(name.ptr);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("X-A"), GW_STR("both")), EG_OK);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("X-N"), GW_STR("new")), EG_OK);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("X-N"), (struct eg_str){0}), EG_OK);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("X-I"), GW_STR("a\r\nb: c")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("Host"), GW_STR("other")), EG_E_INVAL);
    CU_ASSERT_EQUAL(api->set_header(x, GW_STR("Content-Length"), GW_STR("0")), EG_E_INVAL);
    return EG_NEXT;
}

static void headers_of_the_request_are_replaced_before_the_event_is_made(void) {
    static const struct eg_kv headers[] = {{{"X-A", 3}, {"1", 1}}, {{"x-a", 3}, {"2", 1}}};
    begin();
    rig_first.on_request = change_request;
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", headers, 2, "");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"headers\":{\"X-A\":\"both\"}"));
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t change_reply(struct eg_exchange *x, struct eg_op *op) {
    struct eg_str name;
    (void)op;
    ASSERT_STR(api->reply_header_at(x, 0, &name), "text/css");
    ASSERT_STR(name, "Content-Type");
    ASSERT_STR(api->reply_header_at(x, 1, &name), "1");
    ASSERT_STR(name, "X-F");
    CU_ASSERT_EQUAL(api->set_reply_header(x, GW_STR("x-f"), GW_STR("2")), EG_OK);
    CU_ASSERT_EQUAL(api->set_reply_header(x, GW_STR("content-type"), GW_STR("a/b")), EG_OK);
    ASSERT_STR(api->reply_header_at(x, 1, &name), "a/b");
    CU_ASSERT_EQUAL(api->reply_header_at(x, 2, &name).len, 0);
    CU_ASSERT_PTR_NULL(name.ptr);
    CU_ASSERT_EQUAL(api->reply_header(x, GW_STR("X-G"), GW_STR("1")), EG_OK);
    CU_ASSERT_EQUAL(api->set_reply_header(x, GW_STR("X-G"), (struct eg_str){0}), EG_OK);
    CU_ASSERT_EQUAL(api->set_reply_header(x, GW_STR("Date"), GW_STR("1")), EG_E_INVAL);
    return EG_NEXT;
}

static void headers_of_the_reply_are_listed_replaced_and_removed(void) {
    begin();
    rig_first.on_reply = change_reply;
    rig_fn(&rig, "f", RIG_ANSWER,
           "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/css\",\"x-f\":\"1\"},"
           "\"body\":\"p\"}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_STRING_EQUAL(r->headers, "x-f: 2\ncontent-type: a/b\n");
    rig_request_free(r);
    rig_stop(&rig);
}

/* ---- event, space, principal ---- */

static void note(struct eg_exchange *x, const char *hook) {
    const struct eg_event *event = api->event(x);
    const struct eg_str type =
        event == NULL ? GW_STR("-") : gw_flow_event_api()->attribute(event, GW_STR("type"));
    const size_t at = strlen(seen);
    (void)snprintf(seen + at, sizeof seen - at, "%s:%.*s,%.*s,%.*s;", hook, GW_FMT(type),
                   GW_FMT(api->space(x)), GW_FMT(api->principal(x)));
}

static int32_t note_request(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    note(x, "request");
    return api->set_principal(x, GW_STR("who"), (struct eg_str){0});
}
static int32_t note_event(struct eg_exchange *x, struct eg_event *event, struct eg_op *op) {
    (void)op;
    CU_ASSERT_PTR_EQUAL(event, api->event(x));
    note(x, "event");
    return EG_NEXT;
}
static int32_t note_reply(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    note(x, "reply");
    return EG_NEXT;
}

static void event_space_and_principal_are_told_once_there_are_some(void) {
    begin();
    rig_first.on_request = note_request;
    rig_first.on_event = note_event;
    rig_first.on_reply = note_reply;
    rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_STRING_EQUAL(seen, "request:-,,;event:e,default,who;reply:e,default,who;");
    rig_request_free(r);
    seen[0] = '\0';
    r = rig_emit(&rig, "nobody", "/");
    CU_ASSERT_STRING_EQUAL(seen, "request:-,,;event:nobody,,who;reply:nobody,,who;");
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t read_certificate(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    ASSERT_STR(api->client_cert(x, EG_CERT_SUBJECT), "CN=rig");
    ASSERT_STR(api->client_cert(x, EG_CERT_PEM), "");
    return EG_NEXT;
}

static void the_certificate_of_the_client_is_told(void) {
    begin();
    rig_first.on_request = read_certificate;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    rig_request_free(r);
    rig_stop(&rig);
}

/* ---- what is kept ---- */

static int releases;
static char kept_text[8];
static const struct eg_host *const first_host = (const void *)&releases;
static const struct eg_host *const other_host = (const void *)kept_text;

static void count_release(void *ptr) {
    CU_ASSERT_PTR_EQUAL(ptr, kept_text);
    releases++;
}

static int32_t keep_twice(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    CU_ASSERT_PTR_NULL(api->kept(x, first_host));
    api->keep(x, first_host, kept_text, count_release);
    api->keep(x, first_host, kept_text, count_release);
    api->keep(x, other_host, &releases, NULL);
    CU_ASSERT_EQUAL(releases, 1); /* the former */
    return EG_NEXT;
}

static int32_t find_kept(struct eg_exchange *x, struct eg_op *op) {
    (void)op;
    CU_ASSERT_PTR_EQUAL(api->kept(x, first_host), kept_text);
    CU_ASSERT_PTR_EQUAL(api->kept(x, other_host), &releases);
    return EG_NEXT;
}

static void what_is_kept_is_found_later_and_released_at_the_end(void) {
    begin();
    releases = 0;
    rig_first.on_request = keep_twice;
    rig_first.on_reply = find_kept;
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    rig_request_free(r);
    CU_ASSERT_EQUAL(releases, 2);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(middleware_sees_the_request), UNIT(middleware_may_answer_itself),
          UNIT(an_impossible_reply_is_a_500),
          UNIT(on_reply_may_rewrite_and_keeps_the_other_headers),
          UNIT(a_principal_reaches_the_functions),
          UNIT(the_schemas_of_an_event_are_those_of_the_spaces_it_is_routed_to),
          UNIT(nothing_changes_a_reply_that_was_sent),
          UNIT(headers_of_the_request_are_replaced_before_the_event_is_made),
          UNIT(headers_of_the_reply_are_listed_replaced_and_removed),
          UNIT(event_space_and_principal_are_told_once_there_are_some),
          UNIT(the_certificate_of_the_client_is_told),
          UNIT(what_is_kept_is_found_later_and_released_at_the_end))
