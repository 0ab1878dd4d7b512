/*
 * The own engine of the HTTP server: requests in pieces, pipelining, clients that go away at any
 * stage. Its limits are in test_http_server_plain_limits.c, and what both engines have in common is
 * in test_http_server.c.
 */
#include "plain_test.h"

/* ---- cuts ---- */

struct shape {
    const char *text;
    const char *seen;
    size_t answers;
    bool is_refused; /* the last one */
};

static const struct shape shapes[] = {
    {GET, "GET /x |", 1, false},
    {"POST /l HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "POST /l hello|", 1, false},
    {CHUNKED "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n", "POST /c hello|", 1, false},
    {"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhe" GET CHUNKED "1\r\nx\r\n0\r\n\r\n",
     "POST /1 he|GET /x |POST /c x|", 3, false},
    {"\r\n" GET "\r\n" GET "\r\n" GET, "GET /x |GET /x |GET /x |", 3, false},
    {GET "\r\n\r\n" GET, "GET /x |", 2, true},
    {"\r\r\n" GET, "", 1, true},
    {"\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", "", 1, true},
    {GET "GET / HTTP/1.1\nHost: h\n\n" GET, "GET /x |", 2, true},
    {GET CHUNKED "2\r\nabc\r\n0\r\n\r\n" GET, "GET /x |", 2, true},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n"
     "Host: h\r\n\r\n" GET,
     "", 1, true},
};

static void check_shape(struct bench *bench, const struct shape *shape, size_t first,
                        char *ret_last) {
    bench->seen[0] = '\0';
    send_cut(bench, gw_str_c(shape->text), first);
    for (int i = 0; i < TURNS_MAX && count_text(a.in, "HTTP/1.1 ") < shape->answers; i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
        client_read(&a);
    }
    if (count_text(a.in, "\nDate: ") != shape->answers) {
        printf("  %s\n  cut at %zu, said: %s\n", shape->text, first, a.in);
    }
    CU_ASSERT_STRING_EQUAL(bench->seen, shape->seen);
    CU_ASSERT_EQUAL(count_text(a.in, "\nDate: "), shape->answers);
    CU_ASSERT_EQUAL(count_text(a.in, "HTTP/1.1 4"), shape->is_refused ? 1 : 0);
    const char *refusal = strstr(a.in, "HTTP/1.1 4");
    const char *reason = refusal == NULL ? NULL : strstr(refusal, "{\"errors\"");
    if (ret_last[0] == '\0' && reason != NULL) {
        snprintf(ret_last, 200, "%s", reason);
    }
    CU_ASSERT_STRING_EQUAL(reason == NULL ? "" : reason, ret_last);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(bench));
}

static void requests_are_the_same_wherever_they_are_cut(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    for (size_t i = 0; i < GW_COUNT(shapes); i++) {
        char reason[200] = "";
        for (size_t first = 0; first <= strlen(shapes[i].text); first++) {
            check_shape(&bench, &shapes[i], first, reason);
        }
    }
    bench_stop(&bench);
}

/* ---- pipelining ---- */

static void what_is_pipelined_waits_while_the_handler_holds(void) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    open_at_once(&bench);
    for (int i = 0; i < 4; i++) { /* more than once becomes readable while it waits */
        client_send(&a, GW_STR(GET));
        bench_turns(&bench, 3);
    }
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, i + 1));
        bench_turns(&bench, 3);
        CU_ASSERT_EQUAL(bench.requests, i + 1);
        CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
        answer(bench.held[i], 200, GW_STR("ok"));
    }
    bench_turns(&bench, 3);
    client_read(&a);
    CU_ASSERT_EQUAL(count_text(a.in, "\r\n\r\nok"), 4);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

static void one_request_a_turn_is_answered_and_never_inside_another(void) {
    enum { COUNT = 50 };
    struct bench bench;
    size_t most = 0;
    bench_start(&bench, test_config());
    open_at_once(&bench);
    for (int i = 0; i < COUNT; i++) {
        client_send(&a, GW_STR(GET));
    }
    for (int turn = 0; turn < TURNS_MAX && bench.requests < COUNT; turn++) {
        const size_t before = bench.requests;
        gw_loop_turn(bench.loop, GW_NS_PER_MS);
        most = bench.requests - before > most ? bench.requests - before : most;
    }
    CU_ASSERT_EQUAL(bench.requests, COUNT);
    CU_ASSERT_TRUE(most <= 2); /* the one that was read, and the first of what is held */
    client_read(&a);
    CU_ASSERT_EQUAL(count_text(a.in, "200 OK"), COUNT);
    client_close(&a);
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    bench_stop(&bench);
}

static void requests_in_front_of_the_clients_end_are_answered(void) {
    for (int is_holding = 0; is_holding < 2; is_holding++) {
        struct bench bench;
        bench_start(&bench, test_config());
        bench.is_holding = is_holding == 1;
        open_at_once(&bench);
        client_send(&a, GW_STR(GET GET GET GET GET));
        (void)shutdown(a.fd, SHUT_WR);
        for (size_t i = 0; i < 5 && is_holding == 1; i++) {
            CU_ASSERT_TRUE_FATAL(bench_turn_until_requests(&bench, i + 1));
            answer(bench.held[i], 200, GW_STR(""));
        }
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
        CU_ASSERT_EQUAL(count_text(a.in, "200 OK"), 5);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
    }
}

/* ---- clients that go away ---- */

enum how { RESETS, CLOSES, ENDS };

struct stage {
    const char *text;
    bool is_waiting;    /* the handler holds it */
    bool is_being_sent; /* a big answer that nobody reads */
};

static const struct stage stages[] = {
    {"", false, false},
    {"\r", false, false},
    {"GET / HT", false, false},
    {"GET / HTTP/1.1\r\nHost: h\r\n", false, false},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab", false, false},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nab", false, false},
    {CHUNKED "5\r\nab", false, false},
    {CHUNKED "5", false, false},
    {CHUNKED "0\r\nT: x", false, false},
    {GET, true, false},
    {GET GET "GET / HT", true, false},
    {GET, true, true},
    {GET GET "GET / HT", true, true},
};

static void go(struct bench *bench, enum how how) {
    if (how == RESETS) {
        reset(&a);
    } else if (how == CLOSES) {
        client_close(&a);
    } else {
        (void)shutdown(a.fd, SHUT_WR);
        bench_turns(bench, 3);
    }
}

static void go_away(const struct stage *stage, enum how how) {
    struct bench bench;
    bench_start(&bench, test_config());
    bench.is_holding = true;
    open_at_once(&bench);
    client_send(&a, gw_str_c(stage->text));
    bench_turns(&bench, 3);
    CU_ASSERT_EQUAL(bench.requests, stage->is_waiting ? 1 : 0);
    if (stage->is_being_sent) {
        answer_big(&bench, 0);
        bench_turns(&bench, 3);
        CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
    }
    go(&bench, how);
    bench_turns(&bench, 3);
    if (how == ENDS && stage->is_being_sent) {
        reset(&a); /* it has said that it has ended, and reads nothing either */
    }
    if (stage->is_waiting && !stage->is_being_sent) {
        CU_ASSERT_EQUAL(gw_http_server_in_flight(bench.server), 1);
        answer(bench.held[0], 200, GW_STR("late"));
    }
    CU_ASSERT_TRUE(turn_until_gone(&bench));
    if (how == ENDS && !stage->is_being_sent) {
        client_close(&a);
    }
    bench_stop(&bench);
}

static void a_client_may_go_away_at_any_stage(void) {
    for (size_t i = 0; i < GW_COUNT(stages); i++) {
        go_away(&stages[i], RESETS);
        go_away(&stages[i], CLOSES);
        go_away(&stages[i], ENDS);
    }
}

static void the_server_may_be_destroyed_at_any_stage(void) {
    for (size_t i = 0; i < GW_COUNT(stages); i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        bench.is_holding = true;
        open_at_once(&bench);
        client_send(&a, gw_str_c(stages[i].text));
        bench_turns(&bench, 3);
        if (stages[i].is_being_sent) {
            answer_big(&bench, 0);
            bench_turns(&bench, 3);
        }
        gw_http_server_destroy(bench.server);
        bench.server = NULL;
        if (stages[i].is_waiting && !stages[i].is_being_sent) {
            CU_ASSERT_TRUE(bench.held[0]->is_gone);
            answer(bench.held[0], 200, GW_STR("late"));
        }
        CU_ASSERT_EQUAL(bench.gone, 0);
        client_close(&a);
        bench_stop(&bench);
    }
}

static void a_client_that_ends_in_the_middle_is_told_400(void) {
    const char *const texts[] = {"GET / HT", CHUNKED "5\r\nab",
                                 "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\nab"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct bench bench;
        bench_start(&bench, test_config());
        open_at_once(&bench);
        client_send(&a, gw_str_c(texts[i]));
        bench_turns(&bench, 3);
        (void)shutdown(a.fd, SHUT_WR);
        CU_ASSERT_TRUE(bench_turn_until(&bench, &a, NULL));
        CU_ASSERT_EQUAL(strncmp(a.in, "HTTP/1.1 400 ", 13), 0);
        CU_ASSERT_EQUAL(bench.requests, 0);
        client_close(&a);
        CU_ASSERT_TRUE(turn_until_gone(&bench));
        bench_stop(&bench);
    }
}

UNIT_MAIN(UNIT(requests_are_the_same_wherever_they_are_cut),
          UNIT(what_is_pipelined_waits_while_the_handler_holds),
          UNIT(one_request_a_turn_is_answered_and_never_inside_another),
          UNIT(requests_in_front_of_the_clients_end_are_answered),
          UNIT(a_client_may_go_away_at_any_stage), UNIT(the_server_may_be_destroyed_at_any_stage),
          UNIT(a_client_that_ends_in_the_middle_is_told_400))
