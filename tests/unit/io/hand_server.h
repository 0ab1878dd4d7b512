/*
 * hand_server.h - servers that a test plays by hand, and calls of the HTTP client to them, all on
 * one thread and one loop: accept, read a request, say bytes, cut, turn the loop until something
 * has happened.
 */
#ifndef TESTS_HAND_SERVER_H
#define TESTS_HAND_SERVER_H

#include "engines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_client.h"

#define TURNS_MAX 5000
#define SERVERS 2

struct ask {
    struct eg_http_request request;
    struct eg_http_call *call;
    char url[96];
    unsigned calls;
    int32_t status;
    int32_t error;
    char message[256];
    char body[256];
    size_t body_bytes;
    char headers[256];
};

static struct eg_loop *loop;
static struct gw_http_client *client;
static struct gw_http_client_config hand_config; /* set before begin */
static int listeners[SERVERS];
static uint16_t ports[SERVERS];
static char heard[1 << 16]; /* the last request that was read */
static size_t heard_bytes;

static inline void on_hand_done(void *arg, const struct eg_http_response *response) {
    struct ask *ask = arg;
    struct eg_buf body = response->body;
    ask->calls++;
    ask->status = response->status;
    ask->error = response->error;
    ask->body_bytes = body.len;
    snprintf(ask->message, sizeof ask->message, "%.*s", GW_FMT(response->message));
    snprintf(ask->body, sizeof ask->body, "%.*s", GW_FMT(gw_str(body.ptr, body.len)));
    for (size_t i = 0; i < response->header_count; i++) {
        const size_t len = strlen(ask->headers);
        snprintf(ask->headers + len, sizeof ask->headers - len, "%.*s=%.*s|",
                 GW_FMT(response->headers[i].name), GW_FMT(response->headers[i].value));
    }
    gw_buf_release(&body);
}

static inline int hand_listen(const char *address_text, uint16_t port, int backlog,
                              uint16_t *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof address;
    const int on = 1;
    CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, address_text, &address.sin_addr), 1);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, backlog), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static inline void hand_begin(void) {
    hand_config.engines = engines;
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    for (size_t i = 0; i < SERVERS; i++) {
        listeners[i] = hand_listen("127.0.0.1", 0, 64, &ports[i]);
    }
    CU_ASSERT_EQUAL_FATAL(gw_http_client_create(loop, &hand_config, &client), 0);
}

static inline void hand_end(void) {
    gw_http_client_destroy(client);
    for (size_t i = 0; i < SERVERS; i++) {
        close(listeners[i]);
    }
    gw_loop_destroy(loop);
    hand_config = (struct gw_http_client_config){0};
}

static inline void turns(int count) {
    for (int i = 0; i < count; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
}

static inline void ask_server(struct ask *ask, size_t server, const char *method,
                              struct eg_str body) {
    *ask = (struct ask){0};
    snprintf(ask->url, sizeof ask->url, "http://127.0.0.1:%u/", ports[server]);
    ask->request = (struct eg_http_request){.struct_size = sizeof ask->request,
                                            .method = gw_str_c(method),
                                            .url = gw_str_c(ask->url),
                                            .body = body};
    CU_ASSERT_EQUAL_FATAL(gw_http_send(client, &ask->request, on_hand_done, ask, &ask->call), 0);
    CU_ASSERT_EQUAL(ask->calls, 0);
}
static inline void ask_post(struct ask *ask) {
    ask_server(ask, 0, "POST", GW_STR("{}"));
}

static inline void wait_done(const struct ask *ask) {
    for (int i = 0; i < TURNS_MAX && ask->calls == 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(ask->calls, 1);
}

/* -1 when nobody comes. */
static inline int try_accept(size_t server, int turns_max) {
    int fd = -1;
    for (int i = 0; i < turns_max && fd < 0; i++) {
        gw_loop_turn(loop, GW_NS_PER_MS);
        fd = accept4(listeners[server], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    return fd;
}
static inline int accept_one(size_t server) {
    const int fd = try_accept(server, TURNS_MAX);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    return fd;
}

/* Reads until the request's head is whole and `body` bytes have come. */
static inline void hear(int fd, size_t body) {
    heard_bytes = 0;
    heard[0] = '\0';
    for (int i = 0; i < TURNS_MAX; i++) {
        const char *end = strstr(heard, "\r\n\r\n");
        if (end != NULL && heard_bytes >= (size_t)(end - heard) + 4 + body) {
            return;
        }
        gw_loop_turn(loop, GW_NS_PER_MS);
        const ssize_t got = recv(fd, heard + heard_bytes, sizeof heard - 1 - heard_bytes, 0);
        heard_bytes += got > 0 ? (size_t)got : 0;
        heard[heard_bytes] = '\0';
    }
    CU_FAIL("no request came");
}
static inline int accept_and_hear(size_t server) {
    const int fd = accept_one(server);
    hear(fd, 2);
    return fd;
}

static inline void say(int fd, const char *text) {
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static inline bool is_closed_by_client(int fd) {
    char scrap[64];
    for (int i = 0; i < 200; i++) {
        const ssize_t got = recv(fd, scrap, sizeof scrap, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return true;
        }
        gw_loop_turn(loop, GW_NS_PER_MS);
    }
    return false;
}

static inline void reset(int fd) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_2 OK "Content-Length: 2\r\n\r\nhi"

#endif
