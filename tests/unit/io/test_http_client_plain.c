/* What the HTTP client's own engine does, and what it leaves to libcurl. */
#include "base/clock.h"
#include "hand_server.h"

#include "io/http_call.h"

static void ask_url(struct ask *ask, const char *before, uint16_t port, const char *after) {
    *ask = (struct ask){0};
    snprintf(ask->url, sizeof ask->url, "%s:%u%s", before, port, after);
    ask->request = (struct eg_http_request){.struct_size = sizeof ask->request,
                                            .method = GW_STR("POST"),
                                            .url = gw_str_c(ask->url),
                                            .body = GW_STR("{}")};
    CU_ASSERT_EQUAL_FATAL(gw_http_send(client, &ask->request, on_hand_done, ask, &ask->call), 0);
}

static void expect_request(struct ask *ask, const char *wanted) {
    const int fd = accept_and_hear(0);
    if (strstr(heard, wanted) == NULL) {
        printf("  %s\n", heard);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, wanted));
    say(fd, OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi");
    wait_done(ask);
    CU_ASSERT_EQUAL(ask->status, 200);
    close(fd);
}

/* libcurl says it in other words: so one sees who was it. */
static void expect_engine(const char *before, const char *after, const char *wanted,
                          bool is_plain) {
    struct ask ask;
    hand_begin();
    ask_url(&ask, before, ports[0], after);
    expect_request(&ask, wanted);
    ask_url(&ask, before, ports[0], after);
    const int fd = accept_and_hear(0);
    say(fd, OK "Content-Length: 5\r\n\r\nx");
    close(fd);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_IO);
    CU_ASSERT_EQUAL(strcmp(ask.message, "the connection was closed in the middle of the answer") ==
                        0,
                    is_plain);
    hand_end();
}

static void what_is_not_plain_is_left_to_libcurl(void) {
    expect_engine("http://127.0.0.1", "/a?b", "POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:", true);
    expect_engine("HTTP://LocalHost", "", "POST / HTTP/1.1\r\nHost: LocalHost:", true);
    expect_engine("http://a.localhost", "/", "Host: a.localhost:", true);
    expect_engine("http://u:p@127.0.0.1", "/", "Authorization: Basic dTpw\r\n", false);
    expect_engine("http://127.0.0.1", "/\xc3\xa4", "POST /", false);
    hand_config.engines = engines = GW_HTTP_CURL_ONLY;
    expect_engine("http://127.0.0.1", "/", "POST / HTTP/1.1\r\n", false);
    engines = GW_HTTP_AUTO;
}

static void an_ipv6_literal_is_a_host(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof address;
    char wanted[64];
    struct ask ask;
    hand_begin();
    close(listeners[0]);
    listeners[0] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listeners[0], (struct sockaddr *)&address, len) == 0) { /* else there is no IPv6 */
        CU_ASSERT_EQUAL_FATAL(listen(listeners[0], 8), 0);
        CU_ASSERT_EQUAL(getsockname(listeners[0], (struct sockaddr *)&address, &len), 0);
        ask_url(&ask, "http://[::1]", ntohs(address.sin6_port), "/");
        snprintf(wanted, sizeof wanted, "Host: [::1]:%u\r\n", ntohs(address.sin6_port));
        expect_request(&ask, wanted);
    }
    hand_end();
}

/* Not Expect, not Accept, no name of a program: nothing uninvited. */
static void the_request_is_what_was_asked_and_nothing_else(void) {
    static char body[4096];
    char expected[160];
    struct ask ask;
    memset(body, 'b', sizeof body);
    hand_begin();
    ask_server(&ask, 0, "PATCH", gw_str(body, sizeof body));
    const int fd = accept_one(0);
    hear(fd, sizeof body);
    snprintf(expected, sizeof expected,
             "PATCH / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 4096\r\n\r\nbbb", ports[0]);
    CU_ASSERT_EQUAL(strncmp(heard, expected, strlen(expected)), 0);
    say(fd, OK_2);
    wait_done(&ask);
    close(fd);
    hand_end();
}

static void head_has_no_body_and_keeps_its_connection(void) {
    struct ask ask;
    hand_begin();
    ask_server(&ask, 0, "HEAD", GW_STR(""));
    const int fd = accept_one(0);
    for (unsigned i = 0; i < 2; i++) {
        hear(fd, 0);
        CU_ASSERT_PTR_NULL(strstr(heard, "Content-Length"));
        say(fd, OK "Content-Length: 500000000\r\n\r\n");
        wait_done(&ask);
        CU_ASSERT_EQUAL(ask.status, 200);
        CU_ASSERT_EQUAL(ask.body_bytes, 0);
        ask_server(&ask, 0, "HEAD", GW_STR(""));
    }
    hand_end();
    close(fd);
}

/* Calls wait in a pool for the next request: not with a line that an evil server has made long. */
static void a_call_that_has_ended_keeps_no_long_line(void) {
    struct ask ask;
    hand_begin();
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, OK "X: ");
    for (int i = 0; i < 10000; i++) {
        say(fd, "0123456789");
        turns(i % 100 == 0 ? 1 : 0);
    }
    turns(3);
    CU_ASSERT_TRUE(ask.call->plain.response.lines.kept.room > 65536);
    close(fd);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_IO);
    CU_ASSERT_TRUE(ask.call->plain.response.lines.kept.room <= 16384);
    hand_end();
}

static int keep_one(void) {
    struct ask ask;
    ask_post(&ask);
    const int fd = accept_and_hear(0);
    say(fd, OK_2);
    wait_done(&ask);
    return fd;
}

static bool has_come(int fd) {
    char scrap[512];
    return recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0;
}

static void what_a_turn_begins_goes_out_at_its_end(void) {
    struct ask asks[2];
    hand_begin();
    ask_post(&asks[0]);
    ask_post(&asks[1]);
    const int fds[2] = {accept_and_hear(0), accept_and_hear(0)};
    for (size_t i = 0; i < 2; i++) {
        say(fds[i], OK_2);
    }
    wait_done(&asks[0]);
    wait_done(&asks[1]);
    ask_post(&asks[0]);
    ask_post(&asks[1]);
    CU_ASSERT_FALSE(has_come(fds[0]) || has_come(fds[1]));
    turns(1);
    CU_ASSERT_TRUE(has_come(fds[0]) && has_come(fds[1]));
    hand_end();
    close(fds[0]);
    close(fds[1]);
}

/* Even one that may be sent a second time is not sent to where nobody is. */
static void a_turn_looks_at_its_connections_before_it_sends(void) {
    struct ask ask;
    hand_begin();
    const int fd = keep_one();
    ask_post(&ask);
    (void)shutdown(fd, SHUT_WR);
    const int second = accept_and_hear(0);
    CU_ASSERT_FALSE(has_come(fd));
    say(second, OK_2);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.status, 200);
    hand_end();
    close(fd);
    close(second);
}

static struct {
    struct gw_task task;
    int fd;
    uint64_t takes_ns;
} hold_up;

/* Unasked, after the loop has looked. */
static void poison(struct gw_task *task) {
    (void)task;
    say(hold_up.fd, OK "Content-Length: 6\r\n\r\npoison");
    gw_clock_advance(hold_up.takes_ns);
}

static void in_a_long_turn_connections_are_looked_at_again(void) {
    struct ask ask;
    hand_begin();
    hold_up.fd = keep_one();
    hold_up.takes_ns = GW_NS_PER_MS;
    hold_up.task.fn = poison;
    gw_clock_hold(GW_NS_PER_S, 0);
    turns(1);
    gw_loop_defer(loop, &hold_up.task); /* before the request goes out */
    ask_post(&ask);
    const int second = accept_and_hear(0);
    say(second, OK_2);
    wait_done(&ask);
    CU_ASSERT_STRING_EQUAL(ask.body, "hi");
    gw_clock_release();
    hand_end();
    close(hold_up.fd);
    close(second);
}

/* Calls come and go in their own callbacks: the next is sent while the last one ends. */
static struct {
    struct ask ask;
    unsigned left;
} chain;

static void on_link_done(void *arg, const struct eg_http_response *response) {
    on_hand_done(arg, response);
    if (--chain.left > 0) {
        CU_ASSERT_EQUAL(gw_http_send(client, &chain.ask.request, on_link_done, &chain.ask, NULL),
                        0);
    }
}

static void a_call_may_be_begun_when_another_ends_on_the_same_connection(void) {
    hand_begin();
    chain.left = 5;
    ask_server(&chain.ask, 0, "POST", GW_STR("{}"));
    gw_http_cancel(chain.ask.call);
    turns(3);
    CU_ASSERT_EQUAL(chain.ask.error, EG_E_CANCELED);
    CU_ASSERT_EQUAL(gw_http_send(client, &chain.ask.request, on_link_done, &chain.ask, NULL), 0);
    int fd = accept_one(0);
    const int second = try_accept(0, 20); /* the first was canceled before it was sent */
    fd = second >= 0 ? second : fd;
    for (unsigned i = 0; i < 5; i++) {
        hear(fd, 2);
        say(fd, OK_2);
    }
    for (int i = 0; i < TURNS_MAX && chain.left > 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(chain.left, 0);
    CU_ASSERT_EQUAL(chain.ask.status, 200);
    CU_ASSERT_EQUAL(try_accept(0, 10), -1);
    hand_end();
    close(fd);
}

UNIT_MAIN(UNIT(what_is_not_plain_is_left_to_libcurl), UNIT(an_ipv6_literal_is_a_host),
          UNIT(the_request_is_what_was_asked_and_nothing_else),
          UNIT(head_has_no_body_and_keeps_its_connection),
          UNIT(a_call_that_has_ended_keeps_no_long_line),
          UNIT(what_a_turn_begins_goes_out_at_its_end),
          UNIT(a_turn_looks_at_its_connections_before_it_sends),
          UNIT(in_a_long_turn_connections_are_looked_at_again),
          UNIT(a_call_may_be_begun_when_another_ends_on_the_same_connection))
