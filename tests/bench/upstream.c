/*
 * tests/bench/upstream.c - the function server of the benchmark: one epoll loop that answers every
 * request at once with the same reply object, so that it is never what limits. It reads no more of
 * a request than where it ends: Content-Length or chunked bodies, keep-alive, pipelining.
 *
 * Prints its port. `GET /count` answers how many other requests were answered so far: deliveries
 * that nobody waits for are counted there. `POST /load/...` makes it a load generator as well, see
 * closed_loop.h; the answer comes when the load is over.
 *
 * Thread: one. Ownership: a connection is freed when its socket is closed.
 */
#include "closed_loop.h"
#include "message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 65536u
#define EVENTS 256

/* A reply object of about 100 bytes. */
static const char reply[] = "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},"
                            "\"body\":\"Hello, this is what the function says.\"}";

enum kind { CALL, COUNT, LOAD };

struct connection {
    struct watch watch; /* first */
    int fd;
    size_t len;
    char bytes[ROOM + 1]; /* always ends with NUL */
};

static int epoll;
static uint64_t answered;
static char answer[512];
static size_t answer_len;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static enum kind kind_of(const char *head) {
    return strncmp(head, "GET /count ", 11) == 0   ? COUNT
           : strncmp(head, "POST /load/", 11) == 0 ? LOAD
                                                   : CALL;
}

/* Bytes of the first request, 0 when it is not complete. */
static size_t request_bytes(struct connection *c, size_t *ret_head) {
    struct message message;
    if (!message_read(c->bytes, "\ntransfer-encoding:", &message)) {
        return 0;
    }
    *ret_head = message.head;
    if (message.has_more) {
        const char *last = strstr(c->bytes + message.head - 4, "\r\n0\r\n\r\n");
        return last == NULL ? 0 : (size_t)(last - c->bytes) + 7;
    }
    const size_t bytes = message.head + message.length;
    return bytes <= c->len ? bytes : 0;
}

static bool send_count(int fd) {
    char text[256];
    char number[32];
    const int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)answered);
    const int len = snprintf(text, sizeof text,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: %d\r\n\r\n%s",
                             digits, number);
    return send(fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

static bool answer_call(int fd) {
    answered++;
    const bool is_sent = send(fd, answer, answer_len, MSG_NOSIGNAL) == (ssize_t)answer_len;
    closed_loop_delivered();
    return is_sent;
}

/* False: the connection is over. */
static bool answer_first(const struct connection *c, size_t head, size_t bytes) {
    switch (kind_of(c->bytes)) {
    case COUNT:
        return send_count(c->fd);
    case LOAD:
        return closed_loop_start(epoll, c->bytes + strlen("POST /load/"), c->bytes + head,
                                 bytes - head, c->fd);
    case CALL:
        break;
    }
    return answer_call(c->fd);
}

static bool answer_all(struct connection *c) {
    size_t head = 0;
    for (size_t bytes; (bytes = request_bytes(c, &head)) > 0;) {
        if (!answer_first(c, head, bytes)) {
            return false;
        }
        memmove(c->bytes, c->bytes + bytes, c->len - bytes);
        c->len -= bytes;
        c->bytes[c->len] = '\0';
    }
    return c->len < ROOM;
}

static void on_readable(struct watch *watch) {
    struct connection *c = (struct connection *)watch;
    const ssize_t got = recv(c->fd, c->bytes + c->len, ROOM - c->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got > 0) {
        c->len += (size_t)got;
        c->bytes[c->len] = '\0';
    }
    if (got <= 0 || !answer_all(c)) {
        close(c->fd);
        free(c);
    }
}

static int listener;

static void on_accept(struct watch *watch) {
    (void)watch;
    const int one = 1;
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct connection *c = malloc(sizeof *c);
    if (c == NULL) {
        fail("malloc");
    }
    c->watch.on_ready = on_readable;
    c->fd = fd;
    c->len = 0;
    c->bytes[0] = '\0';
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static int listen_somewhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        fail("listen");
    }
    printf("%u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(void) {
    struct epoll_event ready[EVENTS];
    struct watch accepting = {on_accept};
    listener = listen_somewhere();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &accepting}};
    answer_len = (size_t)snprintf(answer, sizeof answer,
                                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu\r\n\r\n%s",
                                  sizeof reply - 1, reply);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
        fail("epoll");
    }
    for (;;) {
        const int count = epoll_wait(epoll, ready, EVENTS, CLOSED_LOOP_TICK_MS);
        for (int i = 0; i < count; i++) {
            struct watch *watch = ready[i].data.ptr;
            watch->on_ready(watch);
        }
        closed_loop_tick();
    }
}
