/* Unit tests of flow/steps_request.c: draining, CORS, hosted paths, refusals of events. */
#include "rig.h"

static struct rig rig;

static const struct eg_str star[] = {{"*", 1}};
static const struct eg_str methods[] = {{"GET", 3}, {"POST", 4}};
static const struct gw_cors cors = {
    .method = {"GET", 3},
    .path = {"/s", 2},
    .allowed_origins = {star, 1},
    .allowed_methods = {methods, 2},
    .allowed_headers = {star, 1},
};
static const struct eg_kv origin[] = {{{"Origin", 6}, {"http://a", 8}}};
static const struct eg_kv preflight[] = {{{"Origin", 6}, {"http://a", 8}},
                                         {{"Access-Control-Request-Method", 29}, {"GET", 3}}};

static void a_draining_gateway_answers_503(void) {
    rig_init(&rig);
    rig_start(&rig);
    gw_flow_drain(rig.flow);
    struct rig_request *r = rig_send(&rig, "POST", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 503);
    CU_ASSERT_STRING_EQUAL(r->body, "{\"errors\":[{\"message\":\"Service Unavailable\"}]}\n");
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: application/json\n"));
    rig_request_free(r);
    rig_stop(&rig);
}

static int32_t count_request(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    (void)op;
    rig_middleware_cancels++;
    return EG_NEXT;
}

static void a_preflight_reaches_neither_middleware_nor_functions(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_first = (struct rig_hooks){.on_request = count_request, .on_reply = count_request};
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "OPTIONS", "/s", "f", NULL);
    rig.cors = &cors;
    rig.cors_path = "/s";
    struct rig_request *r = rig_send(&rig, "OPTIONS", "/s", preflight, 2, "");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_EQUAL(r->body_len, 0);
    CU_ASSERT_TRUE(rig_has(r->headers, "Access-Control-Allow-Origin: *\n"));
    CU_ASSERT_TRUE(rig_has(r->headers, "Access-Control-Allow-Methods: GET\n"));
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_EQUAL(rig_middleware_cancels, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void answers_and_errors_carry_the_cors_headers(void) {
    static const struct eg_kv bad[] = {{{"Origin", 6}, {"http://a", 8}},
                                       {{"Content-Type", 12}, {"foo bar", 7}}};
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_ANSWER, "{\"headers\":{\"Vary\":\"Accept\"}}");
    rig_start(&rig);
    rig.cors = &cors;
    rig.cors_path = "/s";
    struct rig_request *r = rig_send(&rig, "GET", "/s", origin, 1, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_TRUE(rig_has(r->headers, "Vary: Origin\n"));
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/s", bad, 2, "");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->headers, "Access-Control-Allow-Origin: *\n"));
    CU_ASSERT_TRUE(rig_has(r->headers, "Content-Type: application/json\n"));
    rig_request_free(r);
    rig_subscribe(&rig, true, "http.request", "GET", "/s", "f", NULL);
    r = rig_send(&rig, "GET", "/s", origin, 1, "");
    CU_ASSERT_TRUE(rig_has(r->headers, "Vary: Accept\n"));
    CU_ASSERT_PTR_NULL(strstr(r->headers, "Vary: Origin"));
    CU_ASSERT_TRUE(rig_has(r->headers, "Access-Control-Allow-Origin: *\n"));
    rig_request_free(r);
    rig_stop(&rig);
}

static void system_event_types_are_refused_with_an_envelope(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, false, "eventgateway.event.received", "POST", "/", "f", NULL);
    struct rig_request *r = rig_emit(&rig, "eventgateway.foo", "/");
    CU_ASSERT_EQUAL(r->status, 400);
    CU_ASSERT_TRUE(rig_has(r->body, "{\"errors\":[{\"message\":"));
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    r = rig_emit(&rig, "eventgateway", "/");
    CU_ASSERT_EQUAL(r->status, 202);
    rig_request_free(r);
    rig_stop(&rig);
}

static void hosted_hosts_route_below_their_space(void) {
    rig_init(&rig);
    rig.setup.config.is_hosted = true;
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    struct rig_function *got = rig_fn(&rig, "received", RIG_ANSWER, "x");
    struct rig_function *invoked = rig_fn(&rig, "invoked", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/custom/test", "f", NULL);
    rig_subscribe(&rig, false, "eventgateway.event.received", "POST", "/custom/", "received", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/default/", "invoked",
                  NULL);
    struct rig_request *r = rig_request("GET", "/test", NULL, 0, (struct eg_str){0});
    r->request.host = GW_STR("custom.slsgateway.com:4000");
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_TRUE(rig_has(f->payload, "\"path\":\"/test\""));
    CU_ASSERT_EQUAL(got->calls, 1);
    CU_ASSERT_TRUE(rig_has(got->payload, "\"path\":\"/custom/test\""));
    CU_ASSERT_EQUAL(invoked->calls, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

static void with_hosted_off_the_host_does_not_matter(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/test", "f", NULL);
    struct rig_request *r = rig_request("GET", "/test", NULL, 0, (struct eg_str){0});
    r->request.host = GW_STR("custom.slsgateway.com");
    gw_loop_post_fn(rig.loop, rig_hand_over, r);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_draining_gateway_answers_503),
          UNIT(a_preflight_reaches_neither_middleware_nor_functions),
          UNIT(answers_and_errors_carry_the_cors_headers),
          UNIT(system_event_types_are_refused_with_an_envelope),
          UNIT(hosted_hosts_route_below_their_space),
          UNIT(with_hosted_off_the_host_does_not_matter))
