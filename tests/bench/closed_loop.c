/*
 * tests/bench/closed_loop.c - see closed_loop.h. Each connection sends a request, waits for the
 * answer and rests until an event is finished; it is then the turn of the one that rests longest.
 * After the time given nothing more is sent, but everything sent has to be finished within
 * the patience given.
 *
 * Deliveries are counted, and not told apart: `DELIVERIES` of them finish an event.
 *
 * Thread: one. Ownership: connections and times are freed when the load is over.
 */
#include "closed_loop.h"
#include "message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096u
#define ROOM 8192u /* of an answer */
#define NS_PER_MS 1000000u

struct client {
    struct watch watch; /* first */
    int fd;
    uint64_t sent_ns;
    struct client *next; /* that rests, too */
    size_t len;
    char bytes[ROOM + 1]; /* always ends with NUL */
};

static struct {
    bool is_running;
    int reply_fd;
    unsigned port, connections, milliseconds, deliveries, patience_ms;
    char *request;
    size_t request_bytes;
    struct client *clients;
    struct client *resting, **resting_end; /* the one that rests longest is first */
    uint64_t sent, answered, delivered, bad_status, broken;
    uint64_t begin_ns, end_ns, finished_ns;
    uint32_t *took_us; /* of each answer */
    size_t took_room;
} load;

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void rest(struct client *c) {
    c->next = NULL;
    *load.resting_end = c;
    load.resting_end = &c->next;
}

/* A connection that broke sends no more; its request stays unanswered, and is reported. */
static void give_up(struct client *c) {
    load.broken++;
    close(c->fd);
    c->fd = -1;
}

static void send_request(struct client *c) {
    c->sent_ns = now_ns();
    load.sent++;
    if (send(c->fd, load.request, load.request_bytes, MSG_NOSIGNAL) !=
        (ssize_t)load.request_bytes) {
        give_up(c);
    }
}

/* Keeps as many events unfinished as there are connections. */
static void send_due(void) {
    const uint64_t finished = load.delivered / load.deliveries;
    while (load.resting != NULL && load.sent < finished + load.connections &&
           now_ns() < load.end_ns) {
        struct client *c = load.resting;
        load.resting = c->next;
        if (load.resting == NULL) {
            load.resting_end = &load.resting;
        }
        send_request(c);
    }
}

static void note_time(const struct client *c) {
    if (load.answered == load.took_room) {
        load.took_room = load.took_room == 0 ? 65536 : load.took_room * 2;
        load.took_us = realloc(load.took_us, load.took_room * sizeof *load.took_us);
        if (load.took_us == NULL) {
            perror("realloc");
            exit(1);
        }
    }
    load.took_us[load.answered++] = (uint32_t)((now_ns() - c->sent_ns) / 1000);
}

/* Bytes of the answer, 0 when it is not complete. */
static size_t answer_bytes(struct client *c) {
    struct message message;
    if (!message_read(c->bytes, NULL, &message) || !message.has_length) { /* nothing chunked */
        return 0;
    }
    const size_t bytes = message.head + message.length;
    return bytes <= c->len ? bytes : 0;
}

static void on_answer(struct client *c) {
    load.bad_status += strncmp(c->bytes, "HTTP/1.1 2", 10) != 0;
    c->len = 0;
    note_time(c);
    rest(c);
    send_due();
}

static void on_client_ready(struct watch *watch) {
    struct client *c = (struct client *)watch;
    if (c->fd < 0) { /* given up while this was already reported */
        return;
    }
    const ssize_t got = recv(c->fd, c->bytes + c->len, ROOM - c->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got > 0) {
        c->len += (size_t)got;
        c->bytes[c->len] = '\0';
        const size_t bytes = answer_bytes(c);
        if (bytes == c->len) {
            on_answer(c);
            return;
        }
    }
    if (got <= 0 || c->len == ROOM) {
        give_up(c);
    }
}

static int compare(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static unsigned percentile(unsigned percent) {
    return load.answered == 0 ? 0 : load.took_us[(load.answered - 1) * percent / 100];
}

static void reply(void) {
    char body[512];
    char text[768];
    const uint64_t wanted = load.sent * load.deliveries;
    qsort(load.took_us, load.answered, sizeof *load.took_us, compare);
    const int bytes =
        snprintf(body, sizeof body,
                 "{\"requests\":%llu,\"duration_us\":%llu,\"p50_us\":%u,\"p99_us\":%u,"
                 "\"bad_status\":%llu,\"broken\":%llu,\"missing\":%lld}",
                 (unsigned long long)load.answered,
                 (unsigned long long)(load.finished_ns - load.begin_ns) / 1000, percentile(50),
                 percentile(99), (unsigned long long)load.bad_status,
                 (unsigned long long)load.broken, (long long)(wanted - load.delivered));
    const int len = snprintf(text, sizeof text,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: %d\r\n\r\n%s",
                             bytes, body);
    (void)!send(load.reply_fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void end_load(void) {
    for (unsigned i = 0; i < load.connections; i++) {
        if (load.clients[i].fd >= 0) {
            close(load.clients[i].fd);
        }
    }
    close(load.reply_fd);
    free(load.clients);
    free(load.request);
    free(load.took_us);
    memset(&load, 0, sizeof load);
}

static bool is_finished(void) {
    return load.answered + load.broken == load.sent &&
           load.delivered == load.sent * load.deliveries;
}

void closed_loop_tick(void) {
    const uint64_t now = load.is_running ? now_ns() : 0;
    if (now < load.end_ns || !load.is_running) {
        return;
    }
    if (is_finished() || now > load.end_ns + (uint64_t)load.patience_ms * NS_PER_MS) {
        reply();
        end_load();
    }
}

void closed_loop_delivered(void) {
    if (!load.is_running) {
        return;
    }
    load.delivered++;
    if (load.delivered % load.deliveries == 0) {
        load.finished_ns = now_ns();
        send_due();
    }
}

static bool open_client(int epoll, struct client *c) {
    const int one = 1;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)load.port),
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    c->watch.on_ready = on_client_ready;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Blocking until it is connected: nothing is measured yet, and nobody else waits. */
    return c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
           setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

static bool open_clients(int epoll) {
    load.clients = calloc(load.connections, sizeof *load.clients);
    bool is_open = load.clients != NULL;
    for (unsigned i = 0; is_open && i < load.connections; i++) {
        load.clients[i].fd = -1;
    }
    for (unsigned i = 0; is_open && i < load.connections; i++) {
        is_open = open_client(epoll, &load.clients[i]);
        rest(&load.clients[i]);
    }
    return is_open;
}

static bool read_wanted(const char *wanted) {
    char end = '\0';
    return sscanf(wanted, "%5u/%5u/%7u/%5u/%7u%c", &load.port, &load.connections,
                  &load.milliseconds, &load.deliveries, &load.patience_ms, &end) == 6 &&
           end == ' ' && load.port <= UINT16_MAX && load.connections > 0 &&
           load.connections <= CONNECTIONS_MAX && load.deliveries > 0;
}

bool closed_loop_start(int epoll, const char *wanted, const char *request, size_t bytes,
                       int reply_fd) {
    if (load.is_running || bytes == 0 || !read_wanted(wanted)) {
        return false;
    }
    load.request = malloc(bytes);
    load.request_bytes = bytes;
    load.reply_fd = dup(reply_fd);
    load.resting_end = &load.resting;
    if (load.request == NULL || load.reply_fd < 0 || !open_clients(epoll)) {
        perror("closed loop");
        exit(1);
    }
    memcpy(load.request, request, bytes);
    load.begin_ns = load.finished_ns = now_ns();
    load.end_ns = load.begin_ns + (uint64_t)load.milliseconds * NS_PER_MS;
    load.is_running = true;
    send_due();
    return true;
}
