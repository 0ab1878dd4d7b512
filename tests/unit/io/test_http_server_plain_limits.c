/*
 * The own engine of the HTTP server: slow readers, limits to the byte, what a connection holds, and
 * when it ends.
 */
#include <malloc.h>

#include "plain_test.h"

/* ---- slow readers ---- */

static void a_slow_reader_gets_all_of_a_big_answer(void) {
    const size_t bytes = BIG_BYTES;
    struct bench bench;
    size_t got = 0;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    open_at_once(&bench);
    client_send(&a, GW_STR(GET GET));
    CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, 1));
    answer_big(&bench, 0);
    bench_turns(&bench, 3);
    CU_ASSERT_EQUAL(bench.requests, 1); /* the second one waits until the answer is gone */
    for (int i = 0; i < TURNS_MAX && got < bytes; i++) {
        a.len = 0;
        client_read(&a);
        got += a.len;
        gw_loop_turn(bench.loop, 0);
    }
    CU_ASSERT_TRUE(got > bytes && got < bytes + 300);
    CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, 2));
    answer(bench.held[1], 200, GW_STR("second"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\nsecond"));
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

/* Ten times the time that a body has. */
static void a_client_that_does_not_read_is_cut_at_the_deadline(void) {
    struct bench bench;
    gw_clock_hold(GW_NS_PER_S, 0);
    bench_start(&bench, test_config());
    bench.is_holding = true;
    open_at_once(&bench);
    client_send(&a, GW_STR(GET));
    CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, 1));
    answer_big(&bench, 0);
    bench_turns(&bench, 3);
    gw_clock_advance(199 * GW_NS_PER_S);
    bench_turns(&bench, 3);
    CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
    gw_clock_advance(2 * GW_NS_PER_S);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    client_close(&a);
    bench_stop(&bench);
    gw_clock_release();
}

/* ---- 100-continue ---- */

static void a_body_that_is_there_is_not_asked_for(void) {
    const char *const texts[] = {
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        ("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
         "2\r\nok\r\n0\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: x\r\n\r\n"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        open_at_once(&bench);
        client_send(&a, gw_str_c(texts[i]));
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\nDate: "));
        CU_ASSERT_EQUAL(count_text(a.in, "HTTP/1.1 100"), 0);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
    }
}

static void a_client_of_1_0_is_not_told_to_continue(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    open_at_once(&bench);
    client_send(&a, GW_STR("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    bench_turns(&bench, 5);
    client_read(&a);
    CU_ASSERT_EQUAL(a.len, 0);
    client_send(&a, GW_STR("ok"));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "\r\n\r\nok"));
    client_close(&a);
    bench_stop(&bench);
}

/* ---- limits ---- */

/* One request on a connection of its own; its status. */
static int status_of(struct bench *bench, struct eg_str text, size_t first) {
    int status = 0;
    send_cut(bench, text, first);
    CU_ASSERT_TRUE(bench_turn_until(bench, &a, "\nDate: "));
    CU_ASSERT_EQUAL(sscanf(a.in, "HTTP/1.1 %3d", &status), 1);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(bench));
    return status;
}

/* before, as many zeros as fit and then more, after. */
static void check_limit(struct bench *bench, const char *before, const char *after, size_t fits,
                        int refusal) {
    const size_t firsts[] = {1, 100, 30000, 50000};
    for (size_t zeros = fits; zeros < fits + 3; zeros++) {
        struct gw_bytes text;
        gw_bytes_init(&text, 0);
        gw_bytes_addf(&text, "%s%0*d%s", before, (int)zeros, 0, after);
        for (size_t i = 0; i < GW_COUNT(firsts); i++) {
            const int status = status_of(bench, gw_bytes_str(&text), firsts[i]);
            CU_ASSERT_EQUAL(status, zeros == fits ? 200 : refusal);
        }
        gw_bytes_free(&text);
    }
}

static void the_limits_are_kept_to_the_byte(void) {
    static const char before[] = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    struct bench bench;
    bench_start(&bench, test_config());
    check_limit(&bench, before, "\r\n\r\n", 32768 - (sizeof before - 1) - 4, 431);
    check_limit(&bench, "GET /", " HTTP/1.1\r\nHost: h\r\n\r\n", 8191, 414);
    check_limit(&bench, "OPTIONS /", " HTTP/1.1\r\nHost: h\r\n\r\n", 8191, 414);
    bench_stop(&bench);
}

static void a_head_that_never_ends_is_refused_at_its_limit(void) {
    static const struct {
        const char *begin;
        char more;
        const char *status;
    } rows[] = {{"", 'A', "HTTP/1.1 400 "},
                {"GET /", 'x', "HTTP/1.1 414 "},
                {"GET / HTTP/1.1\r\nX: ", 'x', "HTTP/1.1 431 "}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct bench bench;
        char piece[512];
        memset(piece, rows[i].more, sizeof piece);
        bench_start(&bench, test_config());
        open_at_once(&bench);
        client_send(&a, gw_str_c(rows[i].begin));
        for (int k = 0; k < 80 && a.len == 0; k++) {
            client_send(&a, gw_str(piece, sizeof piece));
            bench_turns(&bench, 1);
            client_read(&a);
        }
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
        CU_ASSERT_EQUAL(strncmp(a.in, rows[i].status, 13), 0);
        CU_ASSERT_EQUAL(bench.requests, 0);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
    }
}

static void count_headers(void *arg, struct gw_http_request *request) {
    *(size_t *)arg = request->header_count;
    answer(request, 200, gw_http_header(request, GW_STR("last"), 0));
}

static void many_tiny_headers_are_served(void) {
    enum { COUNT = 5000 };
    struct bench bench;
    struct gw_bytes text;
    size_t count = 0;
    bench_start(&bench, test_config());
    bench.server->config.on_request = count_headers;
    bench.server->config.arg = &count;
    gw_bytes_init(&text, 0);
    gw_bytes_add_c(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < COUNT; i++) {
        gw_bytes_add_c(&text, "a:b\r\n");
    }
    gw_bytes_add_c(&text, "last: one\r\n\r\n");
    open_at_once(&bench);
    client_send(&a, gw_bytes_str(&text));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "\r\n\r\none"));
    CU_ASSERT_EQUAL(count, COUNT + 2);
    gw_bytes_free(&text);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

/* ---- memory ---- */

extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_bytes(void) {
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return __sanitizer_get_current_allocated_bytes();
    }
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void converse(struct bench *bench, const char *text, size_t first) {
    const size_t requests = bench->requests;
    client_send(&a, gw_str_sub(gw_str_c(text), 0, first));
    bench_turns(bench, 3);
    client_send(&a, gw_str_cut(gw_str_c(text), first));
    CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(bench, requests + 1));
    bench_turns(bench, 3);
    client_read(&a);
}

static void an_idle_connection_holds_nothing_of_what_was_big(void) {
    static char big[130000];
    struct bench bench;
    bench_start(&bench, test_config());
    open_at_once(&bench);
    converse(&bench, GET, 5);
    const size_t before = allocated_bytes();
    snprintf(big, sizeof big, "GET / HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n", 30000, 0);
    converse(&bench, big, 20000);
    snprintf(big, sizeof big, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n%0*d",
             90000, 0);
    converse(&bench, big, 20000);
    snprintf(big, sizeof big, CHUNKED "15f90\r\n%0*d\r\n0\r\n\r\n", 90000, 0);
    converse(&bench, big, 20000);
    snprintf(big, sizeof big, CHUNKED "1\r\nx\r\n0\r\nT: %0*d\r\n\r\n", 30000, 0);
    converse(&bench, big, 20000);
    const size_t after = allocated_bytes();
    if (after > before + 1000) {
        printf("  %zu bytes before, %zu after\n", before, after);
    }
    CU_ASSERT_TRUE(after <= before + 1000);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

/* The handler answers at once, so that nothing else keeps the engine from reading. */
static void a_flood_of_pipelined_requests_does_not_pile_up(void) {
    static char flood[60 * sizeof GET];
    struct bench bench;
    size_t most = 0;
    bench_start(&bench, test_config());
    for (size_t i = 0; i < 60; i++) {
        memcpy(flood + i * (sizeof GET - 1), GET, sizeof GET);
    }
    open_at_once(&bench);
    converse(&bench, GET, 5);
    const size_t before = allocated_bytes();
    for (int turn = 0; turn < 300; turn++) {
        const size_t len = strlen(flood);
        for (size_t i = 0; i < 100 && client_send(&a, gw_str(flood, len)) == (ssize_t)len; i++) {
        }
        gw_loop_turn(bench.loop, 0);
        a.len = 0;
        client_read(&a);
        most = allocated_bytes() > most ? allocated_bytes() : most;
    }
    if (most > before + 300000) {
        printf("  %zu bytes before, %zu at most\n", before, most);
    }
    CU_ASSERT_TRUE(bench.requests >= 300);
    CU_ASSERT_TRUE(most <= before + 300000);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

/* ---- the end of a connection ---- */

static void quiesce_lets_a_request_arrive_that_has_begun(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    open_at_once(&bench);
    client_send(&a, GW_STR("GET /x HTTP/1.1\r\nHo"));
    bench_turns(&bench, 3);
    gw_http_server_quiesce(bench.server);
    bench_turns(&bench, 3);
    CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
    client_send(&a, GW_STR("st: h\r\n\r\n" GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "200 OK"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Connection: close\r\n"));
    CU_ASSERT_EQUAL(bench.requests, 1);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

static void the_connection_is_kept_as_the_request_says(void) {
    static const struct {
        const char *text;
        const char *says; /* NULL: no Connection */
        bool is_kept;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", NULL, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "Connection: close\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: Keep-Alive\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "Connection: close\r\n", false},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        open_at_once(&bench);
        client_send(&a, gw_str_c(rows[i].text));
        client_send(&a, GW_STR(GET));
        CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, rows[i].is_kept ? 2 : 1));
        bench_turns(&bench, 5);
        client_read(&a);
        CU_ASSERT_EQUAL(bench.requests, rows[i].is_kept ? 2 : 1);
        CU_ASSERT_EQUAL(a.is_closed, !rows[i].is_kept);
        CU_ASSERT_EQUAL(count_text(a.in, "\nConnection: "), rows[i].says == NULL ? 0 : 1);
        CU_ASSERT_TRUE(rows[i].says == NULL || strstr(a.in, rows[i].says) != NULL);
        CU_ASSERT_EQUAL(strncmp(a.in, "HTTP/1.1 200 OK\r\n", 17), 0);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
    }
}

static void no_answer_to_head_has_a_body(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    open_at_once(&bench);
    client_send(&a, GW_STR("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nHEAD /x HTTP/1.1\r\n\r\n"));
    CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, 1));
    answer_big(&bench, 0);
    CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.in, "Content-Length: 8388608\r\n\r\nHTTP/1.1 400 "));
    CU_ASSERT_STRING_EQUAL(a.in + a.len - 4, "\r\n\r\n"); /* of the refusal, too */
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

/* Some clients end a body with an empty line: that begins no request that would be late. */
static void an_empty_line_alone_is_no_request(void) {
    const char *const lines[] = {"\r", "\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        gw_clock_hold(GW_NS_PER_S, 0);
        bench_start(&bench, test_config());
        open_at_once(&bench);
        client_send(&a, GW_STR(GET));
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, "200 OK"));
        const size_t before = a.len;
        client_send(&a, gw_str_c(lines[i]));
        bench_turns(&bench, 3);
        CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 0);
        gw_clock_advance(11 * GW_NS_PER_S); /* a head would be late */
        bench_turns(&bench, 3);
        client_read(&a);
        CU_ASSERT_FALSE(a.is_closed);
        (void)shutdown(a.fd, SHUT_WR);
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
        CU_ASSERT_EQUAL(a.len, before);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
        gw_clock_release();
    }
}

UNIT_MAIN(UNIT(a_slow_reader_gets_all_of_a_big_answer),
          UNIT(a_client_that_does_not_read_is_cut_at_the_deadline),
          UNIT(a_body_that_is_there_is_not_asked_for),
          UNIT(a_client_of_1_0_is_not_told_to_continue), UNIT(the_limits_are_kept_to_the_byte),
          UNIT(a_head_that_never_ends_is_refused_at_its_limit), UNIT(many_tiny_headers_are_served),
          UNIT(an_idle_connection_holds_nothing_of_what_was_big),
          UNIT(a_flood_of_pipelined_requests_does_not_pile_up),
          UNIT(quiesce_lets_a_request_arrive_that_has_begun),
          UNIT(the_connection_is_kept_as_the_request_says), UNIT(no_answer_to_head_has_a_body),
          UNIT(an_empty_line_alone_is_no_request))
