/* Servers that are slow, broken or evil, against both engines of the HTTP client. */
#include "hand_server.h"

/* One exchange on a new connection: the server says `text` and then, when `how` is not NULL, does
 * that to the connection. */
static void exchange(struct ask *ask, const char *text, void (*how)(int fd)) {
    ask_post(ask);
    const int fd = accept_and_hear(0);
    say(fd, text);
    if (how != NULL) {
        turns(3);
        how(fd);
    }
    wait_done(ask);
    if (how == NULL) {
        close(fd);
    }
}
static void close_it(int fd) {
    close(fd);
}
static void half_close(int fd) {
    (void)shutdown(fd, SHUT_WR);
}

/* ---- slow ---- */

static void an_answer_that_drips_byte_by_byte_is_put_together(void) {
    static const char *const texts[] = {
        "HTTP/1.1 100 Continue\r\n\r\n" OK "X-A: b\r\nContent-Length: 5\r\n\r\nhello", OK
        "X-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct ask ask;
        hand_begin();
        ask_post(&ask);
        const int fd = accept_and_hear(0);
        for (const char *at = texts[i]; *at != '\0'; at++) {
            CU_ASSERT_EQUAL(ask.calls, 0);
            CU_ASSERT_EQUAL(send(fd, at, 1, MSG_NOSIGNAL), 1);
            turns(2);
        }
        wait_done(&ask);
        CU_ASSERT_EQUAL(ask.status, 200);
        CU_ASSERT_STRING_EQUAL(ask.body, "hello");
        CU_ASSERT_PTR_NOT_NULL(strstr(ask.headers, "X-A=b|"));
        close(fd);
        hand_end();
    }
}

static void a_big_request_reaches_a_slow_reader_whole(void) {
    const size_t bytes = (size_t)8 << 20;
    char *body = malloc(bytes);
    char *got = malloc(bytes + 4096);
    size_t len = 0;
    struct ask ask;
    CU_ASSERT_TRUE_FATAL(body != NULL && got != NULL);
    for (size_t i = 0; i < bytes; i++) {
        body[i] = (char)(i * 7 + (i >> 11));
    }
    hand_begin();
    ask_server(&ask, 0, "PUT", gw_str(body, bytes));
    const int fd = accept_one(0);
    for (int i = 0; i < 100000 && len < bytes; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        const ssize_t more = recv(fd, got + len, bytes + 4096 - len, 0);
        len += more > 0 ? (size_t)more : 0;
    }
    while (len < bytes + 4 || memcmp(got + len - bytes - 4, "\r\n\r\n", 4) != 0) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        const ssize_t more = recv(fd, got + len, bytes + 4096 - len, 0);
        len += more > 0 ? (size_t)more : 0;
        CU_ASSERT_TRUE_FATAL(len < bytes + 4096);
    }
    CU_ASSERT_EQUAL(memcmp(got + len - bytes, body, bytes), 0);
    say(fd, OK_2);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.status, 200);
    close(fd);
    hand_end();
    free(body);
    free(got);
}

/* A request that the server reads nothing of: too big to be under way as a whole. */
static int ask_much(struct ask *ask) {
    static char body[16 << 20];
    hand_begin();
    ask_server(ask, 0, "POST", gw_str(body, sizeof body));
    const int fd = accept_one(0);
    turns(20);
    return fd;
}

/* RFC 9112 9.5: the rest of the request is not sent, and its connection serves nobody else. */
static void an_answer_before_the_end_of_the_request_counts(void) {
    struct ask ask;
    const int fd = ask_much(&ask);
    say(fd, "HTTP/1.1 413 Too big\r\nContent-Length: 2\r\n\r\nno");
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.status, 413);
    CU_ASSERT_STRING_EQUAL(ask.body, "no");
    ask_post(&ask);
    const int second = accept_and_hear(0);
    say(second, OK_2);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.status, 200);
    close(fd);
    close(second);
    hand_end();
}

/* The reset is told to whoever asks the socket first, and that is the write: the end that the read
 * then finds is none that the server has meant. */
static void an_answer_that_is_cut_by_a_reset_while_the_request_goes_out_is_an_error(void) {
    struct ask ask;
    const int fd = ask_much(&ask);
    say(fd, OK "\r\nthe first half and");
    turns(3);
    reset(fd);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_IO);
    hand_end();
}

/* ---- answers that are no good ---- */

struct row {
    const char *text;
    void (*how)(int fd);
    int32_t plain; /* error of our own engine; 0 = it is answered */
    int32_t curl;
};

static void check_row(const struct row *row) {
    const int32_t expected = engines == GW_HTTP_AUTO ? row->plain : row->curl;
    struct ask ask;
    hand_begin();
    exchange(&ask, row->text, row->how);
    if (ask.error != expected) {
        printf("  %s\n  status %d, error %d, %s\n", row->text, ask.status, ask.error, ask.message);
    }
    CU_ASSERT_EQUAL(ask.error, expected);
    CU_ASSERT_EQUAL(expected == 0, ask.status == 200);
    CU_ASSERT_EQUAL(expected == 0, ask.message[0] == '\0');
    hand_end();
}

/* Ours refuses more than libcurl, and nothing that libcurl refuses is taken. */
static void what_can_be_read_in_two_ways_is_refused(void) {
    static const struct row rows[] = {
        {OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", NULL,
         EG_E_PROTO, 0},
        {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", NULL, EG_E_PROTO, 0},
        {OK "Content-Length: 2, 2\r\n\r\nhi", close_it, EG_E_PROTO, 0},
        {OK "Content-Length: +2\r\n\r\nhi", close_it, EG_E_PROTO, 0},
        {OK "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", close_it, EG_E_PROTO,
         EG_E_PROTO},
        {OK "X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", NULL, EG_E_PROTO, 0},
        {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", NULL, EG_E_PROTO, 0},
        {OK "X: a\rb\r\nContent-Length: 2\r\n\r\nhi", NULL, EG_E_PROTO, 0},
        {OK "Content-Length : 2\r\n\r\nhi", close_it, EG_E_PROTO, 0},
        {OK "no colon\r\nContent-Length: 2\r\n\r\nhi", NULL, EG_E_PROTO, EG_E_PROTO},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", NULL,
         EG_E_PROTO, 0},
        {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", close_it, EG_E_PROTO, EG_E_IO},
        {OK "Transfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n", NULL, EG_E_PROTO, 0},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        check_row(&rows[i]);
    }
}

static void truncated_half_closed_and_reset_answers_are_errors(void) {
    static const struct row rows[] = {
        {OK "Content-Length: 10\r\n\r\nhello", close_it, EG_E_IO, EG_E_IO},
        {OK "Content-Length: 10\r\n\r\nhello", half_close, EG_E_IO, EG_E_IO},
        {OK "Content-Length: 10\r\n\r\nhello", reset, EG_E_IO, EG_E_IO},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", half_close, EG_E_IO, EG_E_IO},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", reset, EG_E_IO, EG_E_IO},
        {OK "\r\nwithout an end", reset, EG_E_IO, EG_E_IO},
        {OK "\r\nwith one", half_close, 0, 0},
        {OK "X: ", close_it, EG_E_IO, 0},
        {"", half_close, EG_E_IO, EG_E_IO},
        {"", reset, EG_E_IO, EG_E_IO},
        {"HTTP/1", reset, EG_E_IO, EG_E_IO},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        check_row(&rows[i]);
    }
}

static void two_thousand_interim_answers_are_too_many(void) {
    static const char interim[] = "HTTP/1.1 102 Wait\r\n\r\n";
    static char text[2000 * (sizeof interim - 1) + sizeof OK_2];
    for (size_t i = 0; i < 2000; i++) {
        memcpy(text + i * (sizeof interim - 1), interim, sizeof interim - 1);
    }
    memcpy(text + 2000 * (sizeof interim - 1), OK_2, sizeof OK_2);
    check_row(&(const struct row){text, NULL, EG_E_PROTO, 0});
}

/* What never ends is refused, not collected; the server is still talking. */
static void check_endless(const char *begin, const char *more, int32_t error) {
    struct ask ask;
    hand_config.max_response_bytes = 100000;
    hand_begin();
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, begin);
    for (int i = 0; i < 200000 && ask.calls == 0; i++) {
        say(fd, more);
        if (i % 64 == 0) {
            gw_loop_turn(loop, GW_NS_PER_MS);
        }
    }
    CU_ASSERT_EQUAL(ask.calls, 1);
    CU_ASSERT_EQUAL(ask.error, error);
    CU_ASSERT_TRUE(is_closed_by_client(fd));
    close(fd);
    hand_end();
}

static void what_never_ends_is_refused(void) {
    check_endless(OK, "X-Y: 0123456789012345678901234567890123456789012345678\r\n", EG_E_TOOBIG);
    check_endless(OK "\r\n", "0123456789012345678901234567890123456789", EG_E_TOOBIG);
    check_endless(OK "Transfer-Encoding: chunked\r\n\r\n", "8\r\n01234567\r\n", EG_E_TOOBIG);
    if (engines == GW_HTTP_AUTO) { /* libcurl goes on until the call's time is over */
        check_endless(OK "X: ", "01234567890123456789012345678901234567890", EG_E_TOOBIG);
        check_endless("HTTP/1.1 200 ", "01234567890123456789012345678901234567", EG_E_TOOBIG);
        check_endless(OK "Transfer-Encoding: chunked\r\n\r\n1;", "0123456789012", EG_E_TOOBIG);
        check_endless(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "Trailer: 01234567890\r\n",
                      EG_E_TOOBIG);
        check_endless("x", "yz", EG_E_PROTO);
    }
}

/* ---- connections that are not clean ---- */

/* After a first exchange that ends well, is the second request on the same connection? */
static bool is_used_again(const char *first, void (*how)(int fd)) {
    struct ask ask;
    hand_begin();
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, first);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, 0);
    if (how != NULL) {
        how(fd);
        turns(3);
    }
    ask_post(&ask);
    const int second = try_accept(0, 20);
    const int used = second >= 0 ? second : fd;
    hear(used, 2);
    say(used, OK_2);
    wait_done(&ask);
    CU_ASSERT_STRING_EQUAL(ask.body, "hi"); /* its own answer */
    CU_ASSERT_EQUAL(ask.error, 0);
    if (second >= 0) {
        CU_ASSERT_TRUE(is_closed_by_client(fd));
        close(second);
    }
    close(fd);
    hand_end();
    return second < 0;
}

static void talk(int fd) {
    say(fd, OK "Content-Length: 6\r\n\r\npoison");
}

/* An answer whose last read is a full one (64 KiB): what lies behind it has not been seen yet.
 * libcurl takes it for the next answer. */
static void what_comes_behind_an_answer_of_full_reads_is_nobodys_answer(void) {
    static char text[1 << 20];
    const size_t read_bytes = 65536;
    const char *const poison = OK "Content-Length: 6\r\n\r\npoison";
    struct ask asks[3];
    if (engines == GW_HTTP_CURL_ONLY) {
        return;
    }
    hand_config.max_connections_per_host = 1;
    hand_begin();
    for (size_t i = 0; i < 3; i++) {
        ask_post(&asks[i]);
    }
    const int fd = accept_and_hear(0);
    memset(text, 'b', sizeof text - 1);
    size_t head = (size_t)snprintf(text, sizeof text, OK "Content-Length: 500000\r\n\r\n");
    text[head] = 'b';
    for (size_t sent = 0; sent < head + 500000;) { /* the window grows */
        const ssize_t more = send(fd, text + sent, head + 500000 - sent, MSG_NOSIGNAL);
        sent += more > 0 ? (size_t)more : 0;
        turns(1);
    }
    wait_done(&asks[0]);
    hear(fd, 2);
    head = (size_t)snprintf(text, sizeof text, OK "Content-Length: %zu\r\n\r\n", read_bytes - 42);
    CU_ASSERT_EQUAL_FATAL(head, 42);
    text[head] = 'b';
    memcpy(text + read_bytes, poison, strlen(poison) + 1);
    CU_ASSERT_EQUAL(send(fd, text, read_bytes + strlen(poison), MSG_NOSIGNAL),
                    (ssize_t)(read_bytes + strlen(poison)));
    wait_done(&asks[1]);
    CU_ASSERT_EQUAL(asks[1].body_bytes, read_bytes - 42);
    const int second = try_accept(0, 200);
    CU_ASSERT_TRUE(second >= 0);
    if (second >= 0) {
        hear(second, 2);
        say(second, OK_2);
        close(second);
    }
    wait_done(&asks[2]);
    CU_ASSERT_STRING_EQUAL(asks[2].body, "hi");
    close(fd);
    hand_end();
}

static void only_clean_connections_are_used_again(void) {
    CU_ASSERT_TRUE(is_used_again(OK_2, NULL));
    CU_ASSERT_TRUE(is_used_again(OK "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", NULL));
    CU_ASSERT_TRUE(is_used_again("HTTP/1.1 204 No\r\n\r\n", NULL));
    CU_ASSERT_FALSE(is_used_again(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", NULL));
    CU_ASSERT_FALSE(is_used_again("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", NULL));
    CU_ASSERT_FALSE(is_used_again(OK_2, half_close));
    CU_ASSERT_FALSE(is_used_again(OK_2, talk));
    CU_ASSERT_FALSE(is_used_again(OK_2 OK "Content-Length: 6\r\n\r\npoison", NULL));
    if (engines == GW_HTTP_AUTO) {
        CU_ASSERT_FALSE(is_used_again("HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n", NULL));
        CU_ASSERT_FALSE(is_used_again(OK "Bad Name: x\r\nContent-Length: 0\r\n\r\n", NULL));
    }
}

/* ---- asking again ---- */

static const int *cut_connections(int first, struct ask *ask, void (*how)(int fd)) {
    static int fds[2];
    hear(first, 2);
    how(first);
    fds[0] = try_accept(0, 50);
    if (fds[0] >= 0) {
        hear(fds[0], 2);
        how(fds[0]);
    }
    wait_done(ask);
    fds[1] = try_accept(0, 20);
    return fds;
}

static void a_request_is_sent_at_most_twice(void) {
    void (*const hows[])(int fd) = {close_it, reset};
    for (size_t i = 0; i < GW_COUNT(hows); i++) {
        struct ask ask;
        hand_begin();
        ask_post(&ask);
        const int fd = accept_and_hear(0);
        say(fd, OK_2);
        wait_done(&ask);
        ask_post(&ask);
        const int *fds = cut_connections(fd, &ask, hows[i]);
        CU_ASSERT_EQUAL(ask.error, EG_E_IO);
        CU_ASSERT_TRUE(fds[0] >= 0);
        CU_ASSERT_EQUAL(fds[1], -1);
        hand_end();
    }
}

static void a_request_is_not_sent_again_after_the_first_byte_of_an_answer(void) {
    const bool is_curl = engines == GW_HTTP_CURL_ONLY; /* it counts whole lines */
    struct ask ask;
    hand_begin();
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, OK_2);
    wait_done(&ask);
    ask_post(&ask);
    hear(fd, 2);
    say(fd, is_curl ? OK "Content-Length: 9\r\n\r\nH" : "H");
    turns(3);
    close(fd);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_IO);
    CU_ASSERT_EQUAL(try_accept(0, 20), -1);
    hand_end();
}

static void a_request_is_sent_again_although_there_may_be_one_connection_only(void) {
    struct ask ask;
    struct ask other;
    hand_config.max_connections = hand_config.max_connections_per_host = 1;
    hand_begin();
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, OK_2);
    wait_done(&ask);
    ask_post(&ask);
    ask_post(&other);
    hear(fd, 2);
    close(fd);
    const int second = accept_and_hear(0);
    say(second, OK_2);
    hear(second, 2);
    say(second, OK_2);
    wait_done(&ask);
    wait_done(&other);
    CU_ASSERT_EQUAL(ask.status + other.status, 400);
    close(second);
    hand_end();
}

ENGINES_MAIN(UNIT(an_answer_that_drips_byte_by_byte_is_put_together),
             UNIT(a_big_request_reaches_a_slow_reader_whole),
             UNIT(an_answer_before_the_end_of_the_request_counts),
             UNIT(an_answer_that_is_cut_by_a_reset_while_the_request_goes_out_is_an_error),
             UNIT(what_can_be_read_in_two_ways_is_refused),
             UNIT(truncated_half_closed_and_reset_answers_are_errors),
             UNIT(two_thousand_interim_answers_are_too_many), UNIT(what_never_ends_is_refused),
             UNIT(what_comes_behind_an_answer_of_full_reads_is_nobodys_answer),
             UNIT(only_clean_connections_are_used_again), UNIT(a_request_is_sent_at_most_twice),
             UNIT(a_request_is_not_sent_again_after_the_first_byte_of_an_answer),
             UNIT(a_request_is_sent_again_although_there_may_be_one_connection_only))
