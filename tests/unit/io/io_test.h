/*
 * io_test.h - a server under test and raw clients, all on one thread and one loop: the test writes
 * bytes, turns the loop until something has happened, and reads bytes.
 */
#ifndef TESTS_IO_TEST_H
#define TESTS_IO_TEST_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_server.h"

#define TURNS_MAX 3000

struct client {
    int fd;
    char in[1 << 18];
    size_t len;
    bool is_closed;
};

struct bench {
    struct eg_loop *loop;
    struct gw_http_server *server;
    uint16_t port;
    struct gw_http_request *held[64]; /* not answered at once */
    size_t held_count;
    size_t requests;
    size_t gone;
    bool is_holding;     /* the handler keeps requests instead of answering */
    bool answers_former; /* inside the handler of the next one */
    char seen[4096];     /* "METHOD target body|" of each request */
};

/* By which engine servers are made: SERVERS_MAIN runs a table of tests with each. */
static enum gw_http_server_engine server_engine;

#define SERVERS_MAIN(...)                                                                          \
    UNIT_MAIN_BOTH(server_engine, GW_HTTP_SERVER_AUTO, "plain", GW_HTTP_SERVER_LIBRARY, "library", \
                   __VA_ARGS__)

static inline struct gw_http_server_config test_config(void) {
    return (struct gw_http_server_config){.name = "test",
                                          .engine = server_engine,
                                          .limits = {.body_bytes = 100000,
                                                     .head_bytes = 32768,
                                                     .target_bytes = 8192,
                                                     .connections = 32,
                                                     .head_timeout_ns = 10 * GW_NS_PER_S,
                                                     .body_timeout_ns = 20 * GW_NS_PER_S,
                                                     .idle_timeout_ns = 60 * GW_NS_PER_S}};
}

static inline void answer(struct gw_http_request *request, uint32_t status, struct eg_str body) {
    struct gw_http_reply reply = {.status = status, .body = gw_buf_copy(body)};
    gw_http_reply(request, &reply);
    gw_http_request_unref(request);
}

/* Answers with what it has seen, or keeps the request. */
static inline void bench_on_request(void *arg, struct gw_http_request *request) {
    struct bench *bench = arg;
    const size_t len = strlen(bench->seen);
    snprintf(bench->seen + len, sizeof bench->seen - len, "%.*s %.*s %.*s|",
             GW_FMT(request->method), GW_FMT(request->path), (int)(request->body.len & 0xff),
             request->body.len == 0 ? "" : request->body.ptr);
    bench->requests++;
    if (bench->answers_former && bench->held_count > 0) {
        bench->held_count--;
        answer(bench->held[bench->held_count], 200, GW_STR("former"));
    }
    if (bench->is_holding) {
        bench->held[bench->held_count++] = request;
        return;
    }
    answer(request, 200, request->body);
}
static inline void bench_on_gone(void *arg, struct gw_http_request *request) {
    struct bench *bench = arg;
    CU_ASSERT_TRUE(request->is_gone);
    bench->gone++;
}

static inline void bench_start(struct bench *bench, struct gw_http_server_config config) {
    struct eg_why why = {.struct_size = sizeof why};
    int fd = -1;
    *bench = (struct bench){0};
    config.on_request = bench_on_request;
    config.on_gone = bench_on_gone;
    config.arg = bench;
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &bench->loop), 0);
    CU_ASSERT_EQUAL_FATAL(gw_listen(GW_STR("127.0.0.1"), 0, &fd, &bench->port, &why), 0);
    CU_ASSERT_EQUAL_FATAL(gw_http_server_start(bench->loop, fd, &config, &bench->server, &why), 0);
}
static inline void bench_stop(struct bench *bench) {
    gw_http_server_destroy(bench->server);
    gw_loop_destroy(bench->loop);
}

static inline void client_open(struct client *client, uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->len = 0;
    client->is_closed = false;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
}
static inline void client_close(struct client *client) {
    close(client->fd);
}
/* What the socket does not take is lost: only for what fits its buffer, or for hostile streams. */
static inline ssize_t client_send(struct client *client, struct eg_str bytes) {
    return send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}
static inline void client_read(struct client *client) {
    while (!client->is_closed && client->len < sizeof client->in - 1) {
        const ssize_t got = recv(client->fd, client->in + client->len,
                                 sizeof client->in - 1 - client->len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        client->is_closed = got <= 0;
        client->len += got > 0 ? (size_t)got : 0;
    }
    client->in[client->len] = '\0';
}

/* Turns the loop until the client has received text, or is closed when text is NULL. */
static inline bool bench_turn_until(struct bench *bench, struct client *client, const char *text) {
    for (int i = 0; i < TURNS_MAX; i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
        client_read(client);
        if (text == NULL ? client->is_closed : strstr(client->in, text) != NULL) {
            return true;
        }
    }
    printf("  expected %s, got: %.400s\n", text == NULL ? "the end" : text, client->in);
    return false;
}
static inline void bench_turns(struct bench *bench, int turns) {
    for (int i = 0; i < turns; i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
    }
}
static inline bool bench_turn_until_requests(struct bench *bench, size_t requests) {
    for (int i = 0; i < TURNS_MAX && bench->requests < requests; i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
    }
    return bench->requests >= requests;
}

static inline size_t count_text(const char *text, const char *piece) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, piece)) != NULL; at += strlen(piece)) {
        count++;
    }
    return count;
}

#endif
