/* The HTTP server: answers at once and later, pipelining, limits, slow and vanished clients. */
#include "base/bytes.h"
#include "io_test.h"

static struct client a;
static struct client b;

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

static void a_request_is_answered_with_its_id_and_the_connection_is_kept(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST /p?q HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\n"
                           "Content-Length: 5\r\n\r\nhello"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nhello"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "HTTP/1.1 200 OK\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "x-request-id: my-id.1\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Content-Length: 5\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Date: "));
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 2));
    CU_ASSERT_STRING_EQUAL(bench.seen, "POST /p hello|GET /x |");
    client_close(&a);
    bench_stop(&bench);
}

static void a_chunked_body_is_put_together_and_its_trailers_are_ignored(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "5\r\nhello\r\n6\r\n world\r\n0\r\nHost: evil\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nhello world"));
    client_close(&a);
    bench_stop(&bench);
}

static void a_deferred_answer_arrives_and_pipelined_requests_wait_their_turn(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
    bench_turns(&bench, 20);
    CU_ASSERT_EQUAL(bench.requests, 1);
    CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
    answer(bench.held[0], 201, GW_STR("one"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\none"));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 2));
    answer(bench.held[1], 202, GW_STR("two"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\ntwo"));
    CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 0);
    CU_ASSERT_STRING_EQUAL(bench.seen, "GET /1 |GET /2 |");
    client_close(&a);
    bench_stop(&bench);
}

/* Early: the first connection is still called with each run; late: it has been suspended. */
static void a_request_may_be_answered_inside_the_handler_of_another(void) {
    const int turns[] = {0, 30};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        bench.is_holding = bench.answers_former = true;
        client_open(&a, bench.port);
        client_open(&b, bench.port);
        client_send(&a, GW_STR(GET));
        CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
        bench_turns(&bench, turns[i]);
        client_send(&b, GW_STR(GET));
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nformer"));
        CU_ASSERT_EQUAL(bench.held_count, 1);
        client_close(&a);
        bench_turns(&bench, turns[i]);
        answer(bench.held[0], 200, GW_STR("last"));
        CU_ASSERT_TRUE(bench_turn_until(&bench, &b, "\r\n\r\nlast"));
        client_close(&b);
        bench_stop(&bench);
    }
}

static void a_client_that_resets_while_waiting_is_survived(void) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    const int turns[] = {0, 30};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        bench.is_holding = true;
        client_open(&a, bench.port);
        client_send(&a, GW_STR(GET));
        CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
        bench_turns(&bench, turns[i]);
        setsockopt(a.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        client_close(&a);
        bench_turns(&bench, 5);
        answer(bench.held[0], 200, GW_STR("late"));
        bench_turns(&bench, 5);
        CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 0);
        bench_stop(&bench);
    }
}

static void a_waiting_connection_does_not_spin_the_loop(void) {
    struct bench bench;
    struct timespec before;
    struct timespec after;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
    bench_turns(&bench, 10);
    clock_gettime(CLOCK_MONOTONIC, &before);
    bench_turns(&bench, 20); /* sleeps the whole time, or returns at once when it spins */
    clock_gettime(CLOCK_MONOTONIC, &after);
    const int64_t ns =
        (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec);
    CU_ASSERT_TRUE(ns >= 15000000);
    answer(bench.held[0], 200, GW_STR("x"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nx"));
    client_close(&a);
    bench_stop(&bench);
}

static void a_client_that_goes_away_while_waiting_is_noticed(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_open(&b, bench.port);
    client_send(&a, GW_STR(GET));
    client_send(&b, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 2));
    client_close(&a);
    bench_turns(&bench, 5);
    CU_ASSERT_EQUAL(bench.gone, 0);
    gw_clock_advance(600 * GW_NS_PER_MS);
    bench_turns(&bench, 5);
    CU_ASSERT_EQUAL(bench.gone, 1);
    CU_ASSERT_TRUE(bench.held[0]->is_gone != bench.held[1]->is_gone);
    for (size_t i = 0; i < 2; i++) {
        answer(bench.held[i], 200, GW_STR("late"));
    }
    CU_ASSERT_TRUE(bench_turn_until(&bench, &b, "late"));
    client_close(&b);
    bench_stop(&bench);
    gw_clock_release();
}

static void a_reply_after_the_connection_is_lost_is_dropped(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
    gw_http_server_destroy(bench.server);
    bench.server = NULL;
    CU_ASSERT_TRUE(bench.held[0]->is_gone);
    ASSERT_STR(bench.held[0]->path, "/x");
    answer(bench.held[0], 200, GW_STR("late"));
    client_close(&a);
    bench_stop(&bench);
}

static void a_body_over_the_limit_is_refused_before_it_is_sent(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n"
                           "Expect: 100-continue\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "HTTP/1.1 413 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Content-Type: application/json\r\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(a.in, "{\"errors\":[{\"message\":\"the request body is too big\"}]}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Connection: close"));
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&a);
    bench_stop(&bench);
}

static void say_otherwise(void *arg, struct gw_http_request *request, const char *reason,
                          struct gw_http_reply *reply) {
    (void)arg;
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    gw_bytes_addf(&body, "%.*s: %s, %u", GW_FMT(request->target), reason, reply->status);
    gw_buf_release(&reply->body);
    reply->body = gw_bytes_take(&body);
}

static void a_refusal_is_said_as_the_handler_wants_it(void) {
    struct bench bench;
    struct gw_http_server_config config = test_config();
    config.on_refuse = say_otherwise;
    bench_start(&bench, config);
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST /a%20b?c HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "/a%20b?c: the request body is too big, 413"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Connection: close"));
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&a);
    bench_stop(&bench);
}

static void a_client_that_sends_its_too_big_body_at_once_still_reads_the_413(void) {
    static char big[200000];
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n"));
    client_send(&a, gw_str(big, sizeof big));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "too big"));
    client_close(&a);
    bench_stop(&bench);
}

static void a_chunked_body_over_the_limit_is_discarded_and_refused(void) {
    static char piece[0x4000 + 16];
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    memcpy(piece, "4000\r\n", 6);
    memset(piece + 6, 'x', 0x4000);
    memcpy(piece + 6 + 0x4000, "\r\n", 2);
    for (int i = 0; i < 8; i++) {
        client_send(&a, gw_str(piece, 0x4000 + 8));
        bench_turns(&bench, 3);
    }
    client_send(&a, GW_STR("0\r\n\r\n" GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "HTTP/1.1 413 "));
    CU_ASSERT_EQUAL(count_text(a.in, "HTTP/1.1 "), 1);
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&a);
    bench_stop(&bench);
}

static void expect_100_continue_is_answered_and_then_the_body_is_read(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                           "Expect: 100-continue\r\n\r\n"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send(&a, GW_STR("ok"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nok"));
    client_close(&a);
    bench_stop(&bench);
}

/* One refused head: its status, one answer only, closed, and the handler has seen nothing. */
static void assert_refused(const char *text, size_t len, const char *status) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, gw_str(text, len));
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    if (strncmp(a.in, line, strlen(line)) != 0) {
        printf("  %.60s: expected %s, got %.80s\n", text, status, a.in);
    }
    CU_ASSERT_EQUAL(strncmp(a.in, line, strlen(line)), 0);
    CU_ASSERT_EQUAL(count_text(a.in, "Content-Length: "), 1);
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&a);
    bench_stop(&bench);
}
#define ASSERT_REFUSED(text, status) assert_refused(text, sizeof(text) - 1, status)

static void hostile_heads_are_refused_and_nothing_behind_them_is_parsed(void) {
    ASSERT_REFUSED("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400");
    ASSERT_REFUSED("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", "400");
    ASSERT_REFUSED("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400");
    ASSERT_REFUSED("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "405");
    ASSERT_REFUSED("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "501");
    ASSERT_REFUSED("GET / HTTP/1.5\r\nHost: h\r\n\r\n", "505");
    ASSERT_REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                   "400");
    ASSERT_REFUSED("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   "400");
    ASSERT_REFUSED("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   "400");
    ASSERT_REFUSED("GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", "400");
    bool is_old = false;
    (void)gw_http_server_library(&is_old);
    if (!is_old) { /* before 1.0 the library cuts values at a NUL and does not tell */
        ASSERT_REFUSED("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", "400");
    }
}

static void heads_over_the_limits_are_refused(void) {
    static char text[60000];
    int len = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: h\r\n\r\n", 9000, 0);
    assert_refused(text, (size_t)len, "414");
    len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n", 33000, 0);
    assert_refused(text, (size_t)len, "431");
}

static void a_head_just_below_the_limit_is_served_and_the_next_request_too(void) {
    static char text[40000];
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    const int len = snprintf(
        text, sizeof text,
        "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nX: %0*d\r\n\r\nbody" GET, 32500, 0);
    client_send(&a, gw_str(text, (size_t)len));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 2));
    CU_ASSERT_STRING_EQUAL(bench.seen, "POST /p body|GET /x |");
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nbody"));
    client_close(&a);
    bench_stop(&bench);
}

static void a_head_that_drips_in_is_cut_at_the_deadline(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("GET / HTTP/1.1\r\n"));
    for (int i = 0; i < 9; i++) {
        client_send(&a, GW_STR("X: y\r\n"));
        bench_turns(&bench, 2);
        gw_clock_advance(GW_NS_PER_S);
    }
    client_read(&a);
    CU_ASSERT_FALSE(a.is_closed);
    gw_clock_advance(2 * GW_NS_PER_S);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "HTTP/1.1 408 "));
    client_close(&a);
    bench_stop(&bench);
    gw_clock_release();
}

static void a_body_that_drips_in_is_cut_at_the_deadline(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"));
    for (int i = 0; i < 19; i++) {
        bench_turns(&bench, 2);
        client_send(&a, GW_STR("x"));
        gw_clock_advance(GW_NS_PER_S);
    }
    client_read(&a);
    CU_ASSERT_FALSE(a.is_closed);
    gw_clock_advance(2 * GW_NS_PER_S);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "HTTP/1.1 408 "));
    CU_ASSERT_EQUAL(bench.requests, 0);
    client_close(&a);
    bench_stop(&bench);
    gw_clock_release();
}

static void silent_and_idle_connections_are_closed_without_a_word(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_open(&b, bench.port);
    client_send(&b, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &b, "200 OK"));
    const size_t before = b.len;
    gw_clock_advance(11 * GW_NS_PER_S);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_EQUAL(a.len, 0);
    client_read(&b);
    CU_ASSERT_FALSE(b.is_closed);
    gw_clock_advance(50 * GW_NS_PER_S);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &b, NULL));
    CU_ASSERT_EQUAL(b.len, before);
    client_close(&a);
    client_close(&b);
    bench_stop(&bench);
    gw_clock_release();
}

static void a_client_that_ends_its_stream_with_the_request_is_answered_and_let_go(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    (void)shutdown(a.fd, SHUT_WR);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "200 OK"));
    gw_clock_advance(600 * GW_NS_PER_MS);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    client_close(&a);
    bench_stop(&bench);
    gw_clock_release();
}

static void connections_over_a_limit_are_told_so(void) {
    static struct client many[4];
    struct gw_http_server_config config = test_config();
    struct bench bench;
    config.limits.connections_per_ip = 3;
    bench_start(&bench, config);
    for (size_t i = 0; i < 4; i++) {
        client_open(&many[i], bench.port);
        bench_turns(&bench, 3);
    }
    CU_ASSERT_TRUE(bench_turn_until(&bench, &many[3], NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(many[3].in, "HTTP/1.1 503 "));
    client_close(&many[0]);
    client_close(&many[3]);
    bench_turns(&bench, 5);
    client_open(&many[3], bench.port);
    client_send(&many[3], GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &many[3], "200 OK"));
    for (size_t i = 1; i < 4; i++) {
        client_close(&many[i]);
    }
    bench_stop(&bench);
}

static void head_204_and_304_have_no_body_and_framing_headers_are_the_servers(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" GET GET GET));
    const uint32_t statuses[] = {200, 204, 304, 200};
    const struct eg_kv headers[] = {
        {GW_STR("Content-Length"), GW_STR("999")}, {GW_STR("Transfer-Encoding"), GW_STR("chunked")},
        {GW_STR("bad name"), GW_STR("x")},         {GW_STR("X-Bad"), GW_STR("a\r\nInjected: 1")},
        {GW_STR("Set-Cookie"), GW_STR("a=1")},     {GW_STR("Set-Cookie"), GW_STR("b=2")}};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(bench_turn_until_requests(&bench, i + 1));
        struct gw_http_reply reply = {.status = statuses[i],
                                      .headers = headers,
                                      .header_count = 6,
                                      .body = gw_buf_copy(GW_STR("BODY"))};
        gw_http_reply(bench.held[i], &reply);
        gw_http_request_unref(bench.held[i]);
    }
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "BODY"));
    CU_ASSERT_EQUAL(count_text(a.in, "BODY"), 1);
    CU_ASSERT_EQUAL(count_text(a.in, "Content-Length: 999"), 0);
    CU_ASSERT_EQUAL(count_text(a.in, "Content-Length: 4\r\n"), 3); /* not of 204 */
    CU_ASSERT_EQUAL(count_text(a.in, "chunked"), 0);
    CU_ASSERT_EQUAL(count_text(a.in, "Injected"), 0);
    CU_ASSERT_EQUAL(count_text(a.in, "Set-Cookie: a=1\r\n"), 4);
    CU_ASSERT_EQUAL(count_text(a.in, "Set-Cookie: b=2\r\n"), 4);
    client_close(&a);
    bench_stop(&bench);
}

static void reply_headers_too_big_for_any_client_become_a_500(void) {
    static char big[60000];
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
    memset(big, 'x', sizeof big);
    const struct eg_kv header = {GW_STR("X-Big"), {big, sizeof big}};
    struct gw_http_reply reply = {.status = 200, .headers = &header, .header_count = 1};
    gw_http_reply(bench.held[0], &reply);
    gw_http_request_unref(bench.held[0]);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "the reply's headers are too big"));
    client_close(&a);
    bench_stop(&bench);
}

static void quiesce_closes_idle_connections_and_answers_the_rest_with_close(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "200 OK"));
    bench_turns(&bench, 3);
    bench.is_holding = true;
    client_open(&b, bench.port);
    client_send(&b, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 2));
    gw_http_server_quiesce(bench.server);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    answer(bench.held[0], 200, GW_STR("bye"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &b, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in, "Connection: close"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in, "bye"));
    client_close(&a);
    client_close(&b);
    bench_stop(&bench);
}

static void a_big_answer_reaches_a_client_that_reads_late(void) {
    static char big[200000];
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    client_open(&a, bench.port);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until_requests(&bench, 1));
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '!';
    answer(bench.held[0], 200, gw_str(big, sizeof big));
    bench_turns(&bench, 20);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "x!"));
    client_close(&a);
    bench_stop(&bench);
}

static void tls_with_a_bad_certificate_is_refused_with_a_reason(void) {
    struct gw_http_server_config config = test_config();
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_http_server *server = NULL;
    struct eg_loop *loop = NULL;
    uint16_t port;
    int fd = -1;
    config.tls =
        (struct gw_tls_files){.cert_pem = GW_STR("no certificate"), .key_pem = GW_STR("no key")};
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    CU_ASSERT_EQUAL_FATAL(gw_listen(GW_STR("127.0.0.1"), 0, &fd, &port, &why), 0);
    CU_ASSERT_TRUE(gw_http_server_start(loop, fd, &config, &server, &why) < 0);
    CU_ASSERT_PTR_NULL(server);
    CU_ASSERT_TRUE(why.len > 0);
    gw_loop_destroy(loop);
}

SERVERS_MAIN(UNIT(a_request_is_answered_with_its_id_and_the_connection_is_kept),
             UNIT(a_chunked_body_is_put_together_and_its_trailers_are_ignored),
             UNIT(a_deferred_answer_arrives_and_pipelined_requests_wait_their_turn),
             UNIT(a_request_may_be_answered_inside_the_handler_of_another),
             UNIT(a_client_that_resets_while_waiting_is_survived),
             UNIT(a_waiting_connection_does_not_spin_the_loop),
             UNIT(a_client_that_goes_away_while_waiting_is_noticed),
             UNIT(a_reply_after_the_connection_is_lost_is_dropped),
             UNIT(a_body_over_the_limit_is_refused_before_it_is_sent),
             UNIT(a_refusal_is_said_as_the_handler_wants_it),
             UNIT(a_client_that_sends_its_too_big_body_at_once_still_reads_the_413),
             UNIT(a_chunked_body_over_the_limit_is_discarded_and_refused),
             UNIT(expect_100_continue_is_answered_and_then_the_body_is_read),
             UNIT(hostile_heads_are_refused_and_nothing_behind_them_is_parsed),
             UNIT(heads_over_the_limits_are_refused),
             UNIT(a_head_just_below_the_limit_is_served_and_the_next_request_too),
             UNIT(a_head_that_drips_in_is_cut_at_the_deadline),
             UNIT(a_body_that_drips_in_is_cut_at_the_deadline),
             UNIT(silent_and_idle_connections_are_closed_without_a_word),
             UNIT(a_client_that_ends_its_stream_with_the_request_is_answered_and_let_go),
             UNIT(connections_over_a_limit_are_told_so),
             UNIT(head_204_and_304_have_no_body_and_framing_headers_are_the_servers),
             UNIT(reply_headers_too_big_for_any_client_become_a_500),
             UNIT(quiesce_closes_idle_connections_and_answers_the_rest_with_close),
             UNIT(a_big_answer_reaches_a_client_that_reads_late),
             UNIT(tls_with_a_bad_certificate_is_refused_with_a_reason))
