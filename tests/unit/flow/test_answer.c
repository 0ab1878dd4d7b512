/* Unit tests of flow/answer.c: joining headers, sniffing, bodies that are kept and given back. */
#include "rig.h"

static struct rig rig;
static struct rig_request *request;
static struct eg_exchange *x;
static unsigned released;

static void begin(void) {
    released = 0;
    rig_init(&rig);
    rig_start(&rig);
    request = rig_request("GET", "/", NULL, 0, (struct eg_str){0});
    x = gw_exchange_create(rig.flow, &request->request);
}

static void end(void) {
    gw_exchange_unref(x);
    rig_request_free(request);
    rig_stop(&rig);
}

static void count_release(void *owner) {
    (void)owner;
    released++;
}

static struct eg_buf counted(const char *text) {
    return (struct eg_buf){text, strlen(text), count_release, &released};
}

static void an_own_header_replaces_cors_and_not_what_middleware_added(void) {
    begin();
    gw_answer_set(x, 200);
    gw_headers_add(x->arena, &x->answer.cors, GW_STR("Vary"), GW_STR("Origin"));
    gw_headers_add(x->arena, &x->answer.cors, GW_STR("Access-Control-Allow-Origin"), GW_STR("*"));
    gw_headers_add(x->arena, &x->answer.own, GW_STR("vary"), GW_STR("Accept"));
    gw_headers_add(x->arena, &x->answer.added, GW_STR("X-A"), GW_STR("1"));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers,
                           "Access-Control-Allow-Origin: *\nvary: Accept\nX-A: 1\n");
    end();
}

static void a_body_without_a_type_is_sniffed_and_an_empty_one_has_none(void) {
    begin();
    gw_answer_set(x, 200);
    gw_answer_body(x, (struct eg_str){0}, gw_buf_static(GW_STR("{\"a\":1}")));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers, "Content-Type: text/plain; charset=utf-8\n");
    end();
    begin();
    gw_answer_set(x, 204);
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers, "");
    end();
}

static void a_type_that_middleware_added_wins(void) {
    begin();
    gw_answer_error(x, 400, GW_STR("no"));
    gw_headers_add(x->arena, &x->answer.added, GW_STR("content-type"),
                   GW_STR("application/problem+json"));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers, "content-type: application/problem+json\n");
    end();
}

static void the_revision_is_told_when_it_is_asked_for_and_by_nobody_else(void) {
    begin();
    gw_answer_set(x, 202);
    gw_headers_add(x->arena, &x->answer.own, GW_STR("Eg-Config-Revision"), GW_STR("7"));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers, "Eg-Config-Revision: 7\n"); /* a function's own */
    end();
    begin();
    rig.subscription_count = 2; /* the revision of the rig's snapshot */
    rig.flow->config.exposes_revision = true;
    gw_answer_set(x, 202);
    gw_headers_add(x->arena, &x->answer.own, GW_STR("Eg-Config-Revision"), GW_STR("7"));
    gw_headers_add(x->arena, &x->answer.own, GW_STR("X-A"), GW_STR("1"));
    gw_headers_add(x->arena, &x->answer.added, GW_STR("eg-config-revision"), GW_STR("8"));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->headers, "X-A: 1\neg-config-revision: 2\n");
    rig.subscription_count = 0;
    end();
}

static void an_error_is_an_envelope_and_forgets_the_former_reply(void) {
    begin();
    gw_answer_set(x, 201);
    gw_headers_add(x->arena, &x->answer.own, GW_STR("X-Function"), GW_STR("1"));
    gw_answer_error(x, 500, GW_STR("it \"broke\"\n"));
    gw_answer_send(x);
    CU_ASSERT_EQUAL(request->status, 500);
    CU_ASSERT_STRING_EQUAL(request->headers, "Content-Type: application/json\n");
    CU_ASSERT_STRING_EQUAL(request->body, "{\"errors\":[{\"message\":\"it \\\"broke\\\"\\n\"}]}\n");
    end();
}

static void every_body_is_released_once_at_the_end(void) {
    begin();
    gw_answer_set(x, 200);
    gw_answer_body(x, GW_STR("text/plain"), counted("one"));
    gw_answer_body(x, GW_STR("text/plain"), counted("two"));
    gw_answer_send(x);
    CU_ASSERT_STRING_EQUAL(request->body, "two");
    CU_ASSERT_EQUAL(released, 0); /* readers of reply_body may still hold the first */
    end();
    CU_ASSERT_EQUAL(released, 2);
}

static void a_hundred_headers_are_kept_in_order(void) {
    begin();
    gw_answer_set(x, 200);
    for (int i = 0; i < 100; i++) {
        gw_headers_add(x->arena, &x->answer.own, gw_arena_printf(x->arena, "X-%d", i), GW_STR("v"));
    }
    CU_ASSERT_EQUAL(x->answer.own.count, 100);
    ASSERT_STR(x->answer.own.items[0].name, "X-0");
    ASSERT_STR(x->answer.own.items[99].name, "X-99");
    gw_answer_send(x);
    end();
}

UNIT_MAIN(UNIT(an_own_header_replaces_cors_and_not_what_middleware_added),
          UNIT(a_body_without_a_type_is_sniffed_and_an_empty_one_has_none),
          UNIT(a_type_that_middleware_added_wins),
          UNIT(the_revision_is_told_when_it_is_asked_for_and_by_nobody_else),
          UNIT(an_error_is_an_envelope_and_forgets_the_former_reply),
          UNIT(every_body_is_released_once_at_the_end), UNIT(a_hundred_headers_are_kept_in_order))
