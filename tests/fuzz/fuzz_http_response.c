/*
 * fuzz_http_response.c - bytes that a server might answer. However they are cut, our parser says
 * the same of them. And it is held against libcurl, which reads them from a socket:
 * what our parser takes, libcurl takes, with the same status, the same headers and the same body.
 *
 * The other way round it is not so, by intention: ours refuses much that libcurl takes, all that
 * can be read in two ways (http_response.c names it). Of what both take there is one difference:
 * after a Content-Length or Transfer-Encoding in an interim answer libcurl may go wrong, ours
 * refuses it.
 *
 * The first byte of the input: bit 0, the request was HEAD; the others, how the rest is cut.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/check.h"
#include "base/slice.h"
#include "io/http_answer.h"
#include "io/http_response.h"

#define BODY_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    bool is_whole;
    long status;
    struct gw_arena arena;
    struct gw_http_answer answer;
};

static void begin(struct outcome *outcome) {
    static const struct gw_metric_family dropped = {
        .name = "dropped_total", .help = "x", .type = GW_COUNTER};
    *outcome = (struct outcome){.answer = {.arena = &outcome->arena, .body_max = BODY_MAX}};
    outcome->answer.dropped_headers = gw_metric(&dropped, NULL, 0);
    gw_arena_init(&outcome->arena, 1024);
    gw_bytes_init(&outcome->answer.body, 0);
    gw_http_answer_begin(&outcome->answer);
}
static void end(struct outcome *outcome) {
    gw_bytes_free(&outcome->answer.body);
    gw_arena_free(&outcome->arena);
}

/* ---- ours ---- */

static void take(struct outcome *outcome, const struct gw_http_response *response,
                 enum gw_response_event event) {
    if (event == GW_RESPONSE_FIELD) {
        GW_ASSERT(gw_is_token(response->name) && gw_is_field_value(response->value));
        gw_http_answer_add(&outcome->answer, response->name, response->value);
    } else if (event == GW_RESPONSE_INTERIM) {
        outcome->answer.header_count = 0;
    } else if (event == GW_RESPONSE_HEAD) {
        outcome->status = response->status;
    } else if (event == GW_RESPONSE_BODY) {
        GW_ASSERT(response->value.len > 0 && response->has_body);
        GW_ASSERT(gw_http_answer_body(&outcome->answer, response->value, 0));
    }
}

static enum gw_response_event feed(struct outcome *outcome, struct gw_http_response *response,
                                   struct eg_str piece) {
    for (;;) {
        const enum gw_response_event event = gw_http_response_next(response, &piece);
        if (event == GW_RESPONSE_MORE || event == GW_RESPONSE_END || event == GW_RESPONSE_BAD) {
            GW_ASSERT(event != GW_RESPONSE_MORE || piece.len == 0);
            return event;
        }
        take(outcome, response, event);
    }
}

static void read_ours(struct outcome *outcome, struct eg_str text, bool is_head, size_t step) {
    struct gw_http_response response = {0};
    enum gw_response_event event = GW_RESPONSE_MORE;
    gw_http_response_begin(&response, is_head);
    for (size_t at = 0; at < text.len && event == GW_RESPONSE_MORE; at += step) {
        event = feed(outcome, &response, gw_str_sub(text, at, step));
    }
    if (event == GW_RESPONSE_MORE) {
        event = gw_http_response_eof(&response);
    }
    outcome->is_whole = event == GW_RESPONSE_END;
    GW_ASSERT(outcome->is_whole || (response.error < 0 && response.message != NULL));
    gw_http_response_free(&response);
}

/* ---- libcurl's ---- */

/* An abstract Unix socket: connecting to it needs nobody who accepts. */
struct server {
    int listener;
    char name[32];
    int fd;
    struct eg_str text;
};

static void start_server(struct server *server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int len = snprintf(server->name, sizeof server->name, "fuzz-answers-%d", (int)getpid());
    memcpy(address.sun_path + 1, server->name, (size_t)len);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    GW_ASSERT(server->listener >= 0);
    const size_t bytes = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len;
    GW_ASSERT(bind(server->listener, (struct sockaddr *)&address, (socklen_t)bytes) == 0);
    GW_ASSERT(listen(server->listener, 8) == 0);
}

/* CURLOPT_PREREQFUNCTION: connected. All of the answer, and the end. */
static int answer(void *arg, char *peer, char *local, int peer_port, int local_port) {
    struct server *server = arg;
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    server->fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    GW_ASSERT(server->fd >= 0);
    GW_ASSERT(server->text.len == 0 || send(server->fd, server->text.ptr, server->text.len,
                                            MSG_NOSIGNAL) == (ssize_t)server->text.len);
    GW_ASSERT(shutdown(server->fd, SHUT_WR) == 0);
    return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *ptr, size_t size, size_t count, void *arg) {
    struct outcome *outcome = arg;
    return gw_http_answer_line(&outcome->answer, gw_str(ptr, size * count)) ? size * count : 0;
}
static size_t on_body(char *ptr, size_t size, size_t count, void *arg) {
    struct outcome *outcome = arg;
    return gw_http_answer_body(&outcome->answer, gw_str(ptr, size * count), 0) ? size * count : 0;
}

#define SET(option, value) GW_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)
static void read_curls(struct outcome *outcome, struct eg_str text, bool is_head) {
    static struct server server;
    static CURL *easy;
    if (easy == NULL) {
        easy = curl_easy_init();
        GW_ASSERT(easy != NULL);
        start_server(&server);
    }
    server.text = text;
    curl_easy_reset(easy);
    SET(CURLOPT_URL, "http://127.0.0.1/");
    SET(CURLOPT_ABSTRACT_UNIX_SOCKET, server.name);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOBODY, is_head ? 1L : 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_TIMEOUT_MS, 5000L);
    SET(CURLOPT_PREREQFUNCTION, answer);
    SET(CURLOPT_PREREQDATA, &server);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, outcome);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, outcome);
    outcome->is_whole = curl_easy_perform(easy) == CURLE_OK;
    GW_ASSERT(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &outcome->status) == CURLE_OK);
    close(server.fd);
}

/* ---- both ---- */

static void compare(const struct outcome *a, const struct outcome *b) {
    GW_ASSERT(a->is_whole && b->is_whole);
    GW_ASSERT(a->status == b->status);
    GW_ASSERT(a->answer.header_count == b->answer.header_count);
    for (size_t i = 0; i < a->answer.header_count; i++) {
        GW_ASSERT(gw_str_eq(a->answer.headers[i].name, b->answer.headers[i].name));
        GW_ASSERT(gw_str_eq(a->answer.headers[i].value, b->answer.headers[i].value));
    }
    GW_ASSERT(gw_str_eq(gw_bytes_str(&a->answer.body), gw_bytes_str(&b->answer.body)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > BODY_MAX) {
        return 0;
    }
    const struct eg_str text = gw_str((const char *)data + 1, size - 1);
    const bool is_head = (data[0] & 1) != 0;
    struct outcome whole;
    struct outcome cut;
    struct outcome curls;
    begin(&whole);
    begin(&cut);
    begin(&curls);
    read_ours(&whole, text, is_head, text.len + 1);
    read_ours(&cut, text, is_head, (size_t)(data[0] >> 1) % 17 + 1);
    GW_ASSERT(whole.is_whole == cut.is_whole);
    if (whole.is_whole) {
        compare(&whole, &cut);
        read_curls(&curls, text, is_head);
        compare(&whole, &curls);
    }
    end(&whole);
    end(&cut);
    end(&curls);
    return 0;
}
