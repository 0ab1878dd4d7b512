/* The HTTP client against an upstream that says what the script says, however hostile. */
#include "engines.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_client.h"
#include "io/http_server.h"

#define CONNECTIONS_MAX 64
#define TURNS_MAX 3000

/* ---- the upstream ---- */

struct upstream;
struct upstream_connection {
    struct gw_fd fd;
    struct upstream *upstream;
};
struct upstream {
    struct eg_loop *loop;
    struct gw_fd fd;
    uint16_t port;
    struct upstream_connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    const char *const *script; /* one answer a request; "" = silence; NULL = close at once */
    bool closes;               /* after each answer */
    size_t requests;
    char seen[65536];
};

static void on_request_bytes(struct gw_fd *fd, uint32_t events) {
    struct upstream_connection *connection = GW_CONTAINER(fd, struct upstream_connection, fd);
    struct upstream *up = connection->upstream;
    char *at = up->seen + strlen(up->seen);
    (void)events;
    const ssize_t got = recv(fd->fd, at, sizeof up->seen - 1 - strlen(up->seen), MSG_DONTWAIT);
    if (got > 0) {
        at[got] = '\0';
    }
    const bool is_whole = got > 0 && strstr(at, "\r\n\r\n") != NULL;
    const char *answer = is_whole ? up->script[up->requests] : "";
    up->requests += is_whole;
    if (answer != NULL && answer[0] != '\0') {
        CU_ASSERT_TRUE(send(fd->fd, answer, strlen(answer), MSG_NOSIGNAL) > 0);
    }
    if (got <= 0 || answer == NULL || (is_whole && up->closes)) {
        gw_fd_unwatch(up->loop, fd);
        close(fd->fd);
        fd->fd = -1;
    }
}

static void on_upstream_accept(struct gw_fd *fd, uint32_t events) {
    struct upstream *up = GW_CONTAINER(fd, struct upstream, fd);
    (void)events;
    const int client = accept4(fd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CU_ASSERT_TRUE_FATAL(client >= 0 && up->connection_count < CONNECTIONS_MAX);
    struct upstream_connection *connection = &up->connections[up->connection_count++];
    connection->upstream = up;
    gw_fd_watch(up->loop, &connection->fd, client, EG_FD_READ, on_request_bytes);
}

/* ---- the frame ---- */

struct result {
    size_t calls;
    int32_t status;
    int32_t error;
    char headers[2048];
    char body[4096];
    size_t body_len;
    bool was_in_send;
};

static struct upstream up;
static struct eg_loop *loop;
static struct gw_http_client *client;
static struct result result;
static bool is_in_send;
static char url[128];

static void on_done(void *arg, const struct eg_http_response *response) {
    struct result *r = arg;
    r->calls++;
    r->was_in_send = is_in_send;
    r->status = response->status;
    r->error = response->error;
    CU_ASSERT_EQUAL(response->error != 0, response->status == 0);
    CU_ASSERT_EQUAL(response->error != 0, response->message.len > 0);
    for (size_t i = 0; i < response->header_count; i++) {
        const size_t len = strlen(r->headers);
        snprintf(r->headers + len, sizeof r->headers - len, "%.*s=%.*s|",
                 GW_FMT(response->headers[i].name), GW_FMT(response->headers[i].value));
    }
    r->body_len = response->body.len;
    snprintf(r->body, sizeof r->body, "%.*s", GW_FMT(gw_str(response->body.ptr, r->body_len)));
    struct eg_buf body = response->body;
    gw_buf_release(&body);
}

static void begin(const char *const *script) {
    const struct gw_http_client_config config = {.engines = engines,
                                                 .timeout_ns = 10 * GW_NS_PER_S,
                                                 .connect_timeout_ns = 5 * GW_NS_PER_S,
                                                 .max_response_bytes = 1000};
    struct eg_why why = {.struct_size = sizeof why};
    int fd = -1;
    memset(&up, 0, sizeof up);
    memset(&result, 0, sizeof result);
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    up.loop = loop;
    up.script = script;
    CU_ASSERT_EQUAL_FATAL(gw_listen(GW_STR("127.0.0.1"), 0, &fd, &up.port, &why), 0);
    gw_fd_watch(loop, &up.fd, fd, EG_FD_READ, on_upstream_accept);
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(loop, &config, &client), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/f?x=1", up.port);
}

static void end(void) {
    gw_http_client_destroy(client);
    for (size_t i = 0; i < up.connection_count; i++) {
        if (up.connections[i].fd.fd >= 0) {
            gw_fd_unwatch(loop, &up.connections[i].fd);
            close(up.connections[i].fd.fd);
        }
    }
    gw_fd_unwatch(loop, &up.fd);
    close(up.fd.fd);
    gw_loop_destroy(loop);
}

static struct eg_http_request new_request(const char *method, const char *body) {
    return (struct eg_http_request){.struct_size = sizeof(struct eg_http_request),
                                    .method = gw_str_c(method),
                                    .url = gw_str_c(url),
                                    .body = gw_str_c(body)};
}

static struct eg_http_call *send_call(const struct eg_http_request *request) {
    struct eg_http_call *call = NULL;
    is_in_send = true;
    CU_ASSERT_EQUAL(gw_http_send(client, request, on_done, &result, &call), 0);
    is_in_send = false;
    return call;
}

static void turn_until_done(size_t calls) {
    for (int i = 0; i < TURNS_MAX && result.calls < calls; i++) {
        gw_loop_turn(loop, 2 * GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(result.calls, calls);
}

static void turns(int count) {
    for (int i = 0; i < count; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
}

/* One exchange with the script, from begin to end. */
static void exchange(const char *const *script, const struct eg_http_request *request) {
    (void)script;
    send_call(request);
    turn_until_done(1);
    CU_ASSERT_EQUAL(gw_http_client_in_flight(client), 0);
}
#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})
#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* ---- plain exchanges ---- */

static void a_post_carries_method_headers_and_body_and_nothing_uninvited(void) {
    const struct eg_kv headers[] = {{GW_STR("Content-Type"), GW_STR("application/json")},
                                    {GW_STR("X-Empty"), GW_STR("")}};
    begin(SCRIPT("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A:  b c \r\nX-A: d\r\n\r\nhello"));
    struct eg_http_request request = new_request("POST", "{\"a\":1}");
    request.headers = headers;
    request.header_count = 2;
    exchange(NULL, &request);
    CU_ASSERT_FALSE(result.was_in_send);
    CU_ASSERT_EQUAL(result.status, 201);
    CU_ASSERT_STRING_EQUAL(result.body, "hello");
    CU_ASSERT_STRING_EQUAL(result.headers, "Content-Length=5|X-A=b c|X-A=d|");
    char expected[256];
    snprintf(expected, sizeof expected,
             "POST /f?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
             "X-Empty:\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
             up.port);
    CU_ASSERT_STRING_EQUAL(up.seen, expected);
    end();
}

static void methods_are_sent_as_given_and_bodies_only_when_there_are_some(void) {
    const char *const methods[] = {"GET", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "POST"};
    static const char *const script[] = {
        OK_5, OK_5, OK_5, OK_5, OK_5, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", OK_5};
    begin(script);
    for (size_t i = 0; i < 7; i++) {
        char line[64];
        struct eg_http_request request = new_request(methods[i], i == 2 ? "body" : "");
        send_call(&request);
        turn_until_done(i + 1);
        CU_ASSERT_EQUAL(result.status, 200);
        snprintf(line, sizeof line, "%s /f?x=1 HTTP/1.1\r\n", methods[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(up.seen, line));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(up.seen, "Content-Length: 4\r\n\r\nbody"));
    CU_ASSERT_PTR_NOT_NULL(strstr(up.seen, "Content-Length: 0\r\n"));
    CU_ASSERT_EQUAL(up.connection_count, 1);
    end();
}

static void a_chunked_answer_is_put_together_and_its_trailers_are_no_headers(void) {
    begin(SCRIPT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: evil\r\n\r\n"));
    struct eg_http_request request = new_request("GET", "");
    exchange(NULL, &request);
    CU_ASSERT_STRING_EQUAL(result.body, "abcde");
    CU_ASSERT_STRING_EQUAL(result.headers, "Transfer-Encoding=chunked|");
    end();
}

static void interim_answers_leave_no_trace(void) {
    begin(SCRIPT("HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 200 O: K\r\n"
                 "Content-Length: 0\r\n\r\n"));
    struct eg_http_request request = new_request("POST", "x");
    exchange(NULL, &request);
    CU_ASSERT_EQUAL(result.status, 200);
    CU_ASSERT_STRING_EQUAL(result.headers, "Content-Length=0|");
    end();
}

static void connections_are_used_again_and_a_closed_one_is_replaced(void) {
    begin(SCRIPT(OK_5, OK_5, OK_5));
    struct eg_http_request request = new_request("POST", "x");
    exchange(NULL, &request);
    send_call(&request);
    turn_until_done(2);
    CU_ASSERT_EQUAL(up.connection_count, 1);
    gw_fd_unwatch(loop, &up.connections[0].fd);
    close(up.connections[0].fd.fd);
    up.connections[0].fd.fd = -1;
    turns(5);
    send_call(&request);
    turn_until_done(3);
    CU_ASSERT_EQUAL(result.error, 0);
    CU_ASSERT_EQUAL(up.connection_count, 2);
    end();
}

/* The second request is read whole, and its connection closed without a word. */
static void a_lost_answer_is_asked_for_once_more_unless_it_may_not(void) {
    static const struct {
        uint32_t flags;
        size_t requests;
        int32_t error;
    } rows[] = {{0, 3, EG_OK}, {EG_HTTP_ONCE, 2, EG_E_IO}};
    for (size_t i = 0; i < 2; i++) {
        static const char *const script[] = {OK_5, NULL, OK_5, NULL};
        begin(script);
        struct eg_http_request request = new_request("POST", "x");
        exchange(NULL, &request);
        request.flags = rows[i].flags;
        send_call(&request);
        turn_until_done(2);
        turns(5);
        CU_ASSERT_EQUAL(up.requests, rows[i].requests);
        CU_ASSERT_EQUAL(result.error, rows[i].error);
        end();
    }
}

static void calls_that_may_not_be_repeated_leave_no_connections_behind(void) {
    begin(SCRIPT(OK_5, OK_5, OK_5, OK_5));
    struct eg_http_request request = new_request("POST", "x");
    request.flags = EG_HTTP_ONCE;
    for (unsigned i = 1; i <= 3; i++) {
        send_call(&request);
        turn_until_done(i);
    }
    turns(5);
    CU_ASSERT_EQUAL_FATAL(up.connection_count, 3);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(up.connections[i].fd.fd, -1);
    }
    request.flags = 0; /* the same handle of curl, and its connection is kept */
    send_call(&request);
    turn_until_done(4);
    turns(5);
    CU_ASSERT_NOT_EQUAL(up.connections[3].fd.fd, -1);
    end();
}

/* RFC 9112 9.3: it must not answer the next request, which may be one of another function. */
static void what_a_function_says_unasked_answers_nobody(void) {
    static const char unasked[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    begin(SCRIPT(OK_5, OK_5));
    struct eg_http_request request = new_request("GET", "");
    exchange(NULL, &request);
    turns(5);
    CU_ASSERT_EQUAL(up.connection_count, 1);
    const int fd = up.connections[0].fd.fd;
    CU_ASSERT_TRUE(send(fd, unasked, sizeof unasked - 1, MSG_NOSIGNAL) > 0);
    turns(5);
    result.headers[0] = '\0';
    send_call(&request);
    turn_until_done(2);
    CU_ASSERT_STRING_EQUAL(result.body, "hello");
    CU_ASSERT_EQUAL(up.connection_count, 2);
    end();
}

static void ask(const char *path, size_t calls) {
    struct eg_http_request request = new_request("POST", "x");
    char target[160];
    snprintf(target, sizeof target, "http://127.0.0.1:%u%s", up.port, path);
    request.url = gw_str_c(target);
    send_call(&request);
    turn_until_done(calls);
    CU_ASSERT_EQUAL(result.error, 0);
}

static void a_handle_that_has_asked_another_url_asks_the_new_one(void) {
    begin(SCRIPT(OK_5, OK_5, OK_5, OK_5));
    ask("/one", 1);
    ask("/two", 2);
    ask("/two", 3);
    ask("/on", 4);
    const char *at = up.seen;
    for (const char *const *wanted = SCRIPT("/one HTTP", "/two HTTP", "/two HTTP", "/on HTTP");
         *wanted != NULL; wanted++) {
        at = strstr(at, "POST ");
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        at += strlen("POST ");
        CU_ASSERT_EQUAL(strncmp(at, *wanted, strlen(*wanted)), 0);
    }
    end();
}

/* curl repeats a request itself when a connection that was used before ends without an answer. */
static void a_repeated_request_asks_what_was_asked_last(void) {
    begin(SCRIPT(OK_5, NULL, OK_5));
    ask("/one", 1);
    ask("/two", 2);
    CU_ASSERT_EQUAL(up.connection_count, 2);
    const char *second = strstr(up.seen + 1, "POST ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    const char *third = strstr(second + 1, "POST ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(third);
    CU_ASSERT_EQUAL(strncmp(second, "POST /two ", 10), 0);
    CU_ASSERT_EQUAL(strncmp(third, "POST /two ", 10), 0);
    end();
}

/* ---- redirects ---- */

static void redirects_301_to_303_turn_into_get_and_307_repeats_the_post(void) {
    const char *const codes[] = {"301", "302", "303", "307", "308"};
    for (size_t i = 0; i < 5; i++) {
        char redirect[128];
        snprintf(redirect, sizeof redirect,
                 "HTTP/1.1 %s R\r\nLocation: /next\r\nContent-Length: 3\r\n\r\nold", codes[i]);
        const char *const script[] = {redirect, OK_5, NULL};
        const struct eg_kv header = {GW_STR("Content-Type"), GW_STR("text/x")};
        begin(script);
        struct eg_http_request request = new_request("POST", "data");
        request.headers = &header;
        request.header_count = 1;
        exchange(script, &request);
        CU_ASSERT_EQUAL(result.status, 200);
        CU_ASSERT_STRING_EQUAL(result.body, "hello");
        const char *second = strstr(up.seen, i < 3 ? "GET /next HTTP" : "POST /next HTTP");
        CU_ASSERT_PTR_NOT_NULL_FATAL(second);
        CU_ASSERT_EQUAL(strstr(second, "data") == NULL, i < 3);
        CU_ASSERT_EQUAL(strstr(second, "text/x") == NULL, i < 3);
        end();
    }
}

static void a_custom_method_turns_into_get_too(void) {
    begin(SCRIPT("HTTP/1.1 302 R\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n", OK_5));
    struct eg_http_request request = new_request("PUT", "data");
    exchange(NULL, &request);
    CU_ASSERT_PTR_NOT_NULL(strstr(up.seen, "GET /next HTTP"));
    end();
}

static void the_eleventh_redirect_and_foreign_schemes_are_errors(void) {
    static const char *const loop_script[13] = {
#define R "HTTP/1.1 302 R\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
        R, R, R, R, R, R, R, R, R, R, R, R, NULL};
    begin(loop_script);
    struct eg_http_request request = new_request("GET", "");
    exchange(loop_script, &request);
    CU_ASSERT_EQUAL(result.error, EG_E_PROTO);
    CU_ASSERT_EQUAL(up.requests, 11);
    end();
    begin(SCRIPT("HTTP/1.1 302 R\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"));
    request = new_request("GET", "");
    exchange(NULL, &request);
    CU_ASSERT_EQUAL(result.error, EG_E_PROTO);
    end();
}

static void a_redirect_is_an_answer_when_asked_for_or_without_location(void) {
    begin(SCRIPT("HTTP/1.1 302 R\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
                 "HTTP/1.1 301 R\r\nContent-Length: 0\r\n\r\n"));
    struct eg_http_request request = new_request("GET", "");
    request.flags = EG_HTTP_NO_REDIRECT;
    exchange(NULL, &request);
    CU_ASSERT_EQUAL(result.status, 302);
    request.flags = 0;
    send_call(&request);
    turn_until_done(2);
    CU_ASSERT_EQUAL(result.status, 301);
    end();
}

static void credentials_do_not_follow_to_another_host(void) {
    char redirect[160];
    const struct eg_kv header = {GW_STR("Authorization"), GW_STR("Bearer s3cret")};
    const char *const script[] = {redirect, OK_5, NULL};
    begin(script);
    snprintf(redirect, sizeof redirect,
             "HTTP/1.1 307 R\r\nLocation: http://localhost:%u/x\r\nContent-Length: 0\r\n\r\n",
             up.port);
    struct eg_http_request request = new_request("GET", "");
    request.headers = &header;
    request.header_count = 1;
    exchange(script, &request);
    CU_ASSERT_EQUAL(result.status, 200);
    const char *second = strstr(up.seen, "GET /x HTTP");
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    CU_ASSERT_PTR_NULL(strstr(second, "s3cret"));
    CU_ASSERT_PTR_NOT_NULL(strstr(up.seen, "s3cret"));
    end();
}

/* ---- hostile upstreams ---- */

static void broken_answers_are_errors_and_never_hang(void) {
    static const struct {
        const char *answer;
        int32_t error;
        int32_t curl_error;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", EG_E_IO, EG_E_IO},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", EG_E_IO, EG_E_IO},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", EG_E_PROTO, EG_E_IO},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", EG_E_PROTO, EG_E_PROTO},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nx", EG_E_TOOBIG, EG_E_TOOBIG},
        {"GARBAGE\r\n\r\n", EG_E_PROTO, EG_E_PROTO},
        {NULL, EG_E_IO, EG_E_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* nothing came on a fresh connection: one try only */
        const char *const script[] = {cases[i].answer, cases[i].answer, cases[i].answer, NULL};
        begin(script);
        up.closes = true;
        struct eg_http_request request = new_request("POST", "x");
        send_call(&request);
        for (int k = 0; k < 500 && result.calls == 0; k++) {
            gw_loop_turn(loop, GW_NS_PER_MS);
        }
        CU_ASSERT_EQUAL(result.calls, 1);
        const int32_t expected = engines == GW_HTTP_AUTO ? cases[i].error : cases[i].curl_error;
        if (result.error != expected) {
            printf("  case %zu: status %d, error %d\n", i, result.status, result.error);
        }
        CU_ASSERT_EQUAL(result.error, expected);
        end();
    }
}

static void a_body_past_the_cap_is_refused_whatever_was_announced(void) {
    static char answer[4096];
    const int head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n\r\n");
    memset(answer + head, 'x', 1001);
    const char *const script[] = {answer, answer, NULL};
    begin(script);
    up.closes = true;
    struct eg_http_request request = new_request("GET", "");
    exchange(script, &request);
    CU_ASSERT_EQUAL(result.error, EG_E_TOOBIG);
    request.max_response_bytes = 1001;
    send_call(&request);
    turn_until_done(2);
    CU_ASSERT_EQUAL(result.error, 0);
    CU_ASSERT_EQUAL(result.body_len, 1001);
    end();
}

static void broken_header_lines_are_dropped_one_by_one(void) {
    begin(SCRIPT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nBad Name: 1\r\nX-Ctl: a\x01z\r\n"
                 "X-Good: yes\r\n\r\n"));
    struct eg_http_request request = new_request("GET", "");
    exchange(NULL, &request);
    CU_ASSERT_STRING_EQUAL(result.headers, "Content-Length=0|X-Good=yes|");
    end();
}

static void requests_that_would_break_the_framing_are_refused(void) {
    static const struct eg_kv bad[] = {{{"Content-Length", 14}, {"5", 1}},
                                       {{"Transfer-Encoding", 17}, {"chunked", 7}},
                                       {{"host", 4}, {"x", 1}},
                                       {{"Connection", 10}, {"close", 5}},
                                       {{"X y", 3}, {"x", 1}},
                                       {{"", 0}, {"x", 1}},
                                       {{"X", 1}, {"a\r\nInjected: 1", 14}},
                                       {{"X", 1}, {"a\0b", 3}},
                                       {{"Expect", 6}, {"100-continue", 12}}};
    begin(SCRIPT(OK_5));
    struct eg_http_request request = new_request("POST", "x");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.headers = &bad[i];
        request.header_count = 1;
        CU_ASSERT_EQUAL(gw_http_send(client, &request, on_done, &result, NULL), EG_E_INVAL);
    }
    request.header_count = 0;
    request.method = GW_STR("PO ST");
    CU_ASSERT_EQUAL(gw_http_send(client, &request, on_done, &result, NULL), EG_E_INVAL);
    request.method = GW_STR("POST");
    request.url = GW_STR("ftp://127.0.0.1/");
    CU_ASSERT_EQUAL(gw_http_send(client, &request, on_done, &result, NULL), EG_E_INVAL);
    turns(3);
    CU_ASSERT_EQUAL(result.calls, 0);
    CU_ASSERT_EQUAL(gw_http_client_in_flight(client), 0);
    end();
}

static void a_refused_connection_is_unavailable(void) {
    begin(SCRIPT(OK_5));
    gw_fd_unwatch(loop, &up.fd);
    close(up.fd.fd);
    struct eg_http_request request = new_request("GET", "");
    exchange(NULL, &request);
    CU_ASSERT_EQUAL(result.error, EG_E_UNAVAILABLE);
    up.fd.fd = dup(0);
    end();
}

/* ---- deadlines and cancelling ---- */

static void a_silent_upstream_times_out_on_our_clock(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    begin(SCRIPT("", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome"));
    struct eg_http_request request = new_request("GET", "");
    request.timeout_ns = 7 * GW_NS_PER_S;
    send_call(&request);
    for (int i = 0; i < 500 && up.requests == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    gw_clock_advance(6 * GW_NS_PER_S);
    turns(3);
    CU_ASSERT_EQUAL(result.calls, 0);
    gw_clock_advance(2 * GW_NS_PER_S);
    turn_until_done(1);
    CU_ASSERT_EQUAL(result.error, EG_E_TIMEOUT);
    request.timeout_ns = 0; /* the default of 10 s, in the middle of a body */
    send_call(&request);
    for (int i = 0; i < 500 && up.requests == 1; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    gw_clock_advance(11 * GW_NS_PER_S);
    turn_until_done(2);
    CU_ASSERT_EQUAL(result.error, EG_E_TIMEOUT);
    end();
    gw_clock_release();
}

/* Their memory is used again, and so may be what was armed for the one before. */
static void each_call_has_its_own_deadline_after_others(void) {
    static const uint64_t timeouts[] = {7 * GW_NS_PER_S, 3 * GW_NS_PER_S, 20 * GW_NS_PER_S};
    gw_clock_hold(GW_NS_PER_S, 0);
    begin(SCRIPT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "", ""));
    struct eg_http_request request = new_request("GET", "");
    send_call(&request); /* 10 s */
    turn_until_done(1);
    CU_ASSERT_EQUAL(result.status, 200);
    gw_clock_advance(5 * GW_NS_PER_S);
    turns(2); /* the loop's own time goes on */
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        request.timeout_ns = timeouts[i];
        send_call(&request);
        for (int t = 0; t < 500 && up.requests == 1 + i; t++) {
            gw_loop_turn(loop, GW_NS_PER_MS);
        }
        gw_clock_advance(timeouts[i] - 1);
        turns(3);
        CU_ASSERT_EQUAL(result.calls, 1 + i);
        gw_clock_advance(1);
        turn_until_done(2 + i);
        CU_ASSERT_EQUAL(result.error, EG_E_TIMEOUT);
    }
    gw_clock_advance(60 * GW_NS_PER_S);
    turns(3);
    CU_ASSERT_EQUAL(result.calls, 4);
    end();
    gw_clock_release();
}

static void a_canceled_call_is_done_once_and_not_inside_cancel(void) {
    begin(SCRIPT(""));
    struct eg_http_request request = new_request("GET", "");
    struct eg_http_call *call = send_call(&request);
    for (int i = 0; i < 500 && up.requests == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    gw_http_cancel(call);
    gw_http_cancel(call);
    CU_ASSERT_EQUAL(result.calls, 0);
    turn_until_done(1);
    turns(3);
    CU_ASSERT_EQUAL(result.calls, 1);
    CU_ASSERT_EQUAL(result.error, EG_E_CANCELED);
    end();
}

static void destroy_ends_calls_in_flight_as_canceled(void) {
    begin(SCRIPT("", ""));
    struct eg_http_request request = new_request("GET", "");
    send_call(&request);
    send_call(&request);
    turns(10);
    end();
    CU_ASSERT_EQUAL(result.calls, 2);
    CU_ASSERT_EQUAL(result.error, EG_E_CANCELED);
}

ENGINES_MAIN(UNIT(a_post_carries_method_headers_and_body_and_nothing_uninvited),
             UNIT(methods_are_sent_as_given_and_bodies_only_when_there_are_some),
             UNIT(a_chunked_answer_is_put_together_and_its_trailers_are_no_headers),
             UNIT(interim_answers_leave_no_trace),
             UNIT(connections_are_used_again_and_a_closed_one_is_replaced),
             UNIT(a_lost_answer_is_asked_for_once_more_unless_it_may_not),
             UNIT(calls_that_may_not_be_repeated_leave_no_connections_behind),
             UNIT(what_a_function_says_unasked_answers_nobody),
             UNIT(a_handle_that_has_asked_another_url_asks_the_new_one),
             UNIT(a_repeated_request_asks_what_was_asked_last),
             UNIT(redirects_301_to_303_turn_into_get_and_307_repeats_the_post),
             UNIT(a_custom_method_turns_into_get_too),
             UNIT(the_eleventh_redirect_and_foreign_schemes_are_errors),
             UNIT(a_redirect_is_an_answer_when_asked_for_or_without_location),
             UNIT(credentials_do_not_follow_to_another_host),
             UNIT(broken_answers_are_errors_and_never_hang),
             UNIT(a_body_past_the_cap_is_refused_whatever_was_announced),
             UNIT(broken_header_lines_are_dropped_one_by_one),
             UNIT(requests_that_would_break_the_framing_are_refused),
             UNIT(a_refused_connection_is_unavailable),
             UNIT(a_silent_upstream_times_out_on_our_clock),
             UNIT(each_call_has_its_own_deadline_after_others),
             UNIT(a_canceled_call_is_done_once_and_not_inside_cancel),
             UNIT(destroy_ends_calls_in_flight_as_canceled))
