/*
 * tests/bench/open_loop.c - an open-loop load generator: requests are due at a constant rate,
 * whatever has become of those before, and the time of each counts from when it was due. So a stall
 * is seen by all requests that were due meanwhile, and not by one for each connection, as with a
 * generator that waits for an answer before it sends on (wrk).
 *
 *   open_loop PORT PATH CONNECTIONS PATIENCE_MS DEADLINE_MS RATE:MILLISECONDS...
 *
 * The phases follow each other without a gap. A request takes the connection that has rested
 * longest. When none is free it waits for one; after PATIENCE_MS it is given up unsent: the
 * client's own bound. After DEADLINE_MS the client goes away, and closes the connection. All
 * connections are made before the first request. One that has ended, or was refused, is made anew a
 * quarter of a second later at the earliest, and when no other is free.
 *
 * It shares its core with the upstream, so it sleeps while nothing can be sent: a request that is
 * due while all connections are busy is looked at when one has become free, or every millisecond.
 *
 * Writes one record for each request to standard output (struct record, in the byte order of the
 * machine), in the order in which they were due.
 *
 * Thread: one. Ownership: all memory lives as long as the process.
 */
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define ROOM 4096u /* of an answer */
#define PHASES_MAX 16
#define US_PER_S 1000000u
#define STAY_AWAY_US 250000u
#define PENDING UINT32_MAX

enum { UNSENT = 0, BROKEN = 1, ABANDONED = 2 }; /* instead of a status */

struct record {
    uint32_t due_us;
    uint32_t took_us;
    uint32_t status; /* of the answer, or one of the above */
};

enum state { CLOSED, CONNECTING, FREE, BUSY };

struct connection {
    int fd;
    enum state state;
    uint32_t stays_away_until_us; /* when closed */
    uint32_t request;             /* index of its record, or PENDING when it has none */
    struct connection *next;      /* in the list of the free, or of the busy */
    struct connection *previous;
    char *begun; /* the beginning of an answer whose rest is still to come, of ROOM bytes; mostly
                  * there is none, and thousands of connections need little of the cache */
    size_t len;  /* of it */
};

struct list {
    struct connection ends; /* next = first, previous = last */
};

static struct record *records;
static uint32_t record_count; /* all that will be due */
static uint32_t due;          /* of these, so far */
static uint32_t unsent_first; /* the oldest that waits for a connection: from here to due */
static struct connection *connections;
static uint32_t connection_count;
static struct list free_ones;
static struct list closed_ones; /* made anew when no other is free */
static struct list busy_ones;   /* in the order of sending */
static struct sockaddr_in address = {.sin_family = AF_INET};
static char request[1024];
static size_t request_len;
static char answer[ROOM + 1]; /* of the connection that is read from */
static int epoll = -1;
static uint64_t begin_us;
static uint32_t patience_us;
static uint32_t deadline_us;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t clock_us(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000;
}

static uint32_t now_us(void) {
    return (uint32_t)(clock_us() - begin_us);
}

/* ---- lists ---- */

static void list_init(struct list *list) {
    list->ends.next = list->ends.previous = &list->ends;
}

static void list_push(struct list *list, struct connection *c) {
    c->next = &list->ends;
    c->previous = list->ends.previous;
    c->previous->next = c;
    list->ends.previous = c;
}

static void list_remove(struct connection *c) {
    c->next->previous = c->previous;
    c->previous->next = c->next;
}

/* ---- connections ---- */

static void set_result(struct connection *c, uint32_t status) {
    if (c->request != PENDING) {
        struct record *record = &records[c->request];
        record->took_us = now_us() - record->due_us;
        record->status = status;
        c->request = PENDING;
    }
}

static void move(struct connection *c, struct list *to, enum state state) {
    list_remove(c);
    c->state = state;
    list_push(to, c);
}

/* Its request, if it has one, has ended with this status. */
static void end(struct connection *c, uint32_t status) {
    set_result(c, status);
    c->stays_away_until_us = begin_us == 0 ? 0 : now_us() + STAY_AWAY_US;
    close(c->fd);
    c->fd = -1;
    move(c, &closed_ones, CLOSED);
}

static void watch(struct connection *c, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data = {.ptr = c}};
    if (epoll_ctl(epoll, operation, c->fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void send_request(struct connection *c) {
    c->state = BUSY;
    c->len = 0;
    if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) {
        end(c, BROKEN);
    }
}

static void open_socket(struct connection *c, int flags) {
    const int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (c->fd < 0) {
        fail("socket");
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void reconnect(struct connection *c) {
    open_socket(c, SOCK_NONBLOCK);
    c->state = CONNECTING;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        end(c, BROKEN);
        return;
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void make_connections(void) {
    list_init(&free_ones);
    list_init(&closed_ones);
    list_init(&busy_ones);
    connections = calloc(connection_count, sizeof *connections);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct connection *c = &connections[i];
        open_socket(c, 0);
        c->request = PENDING;
        list_push(&free_ones, c);
        c->state = FREE;
        if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
            if (errno != ECONNREFUSED && errno != ECONNRESET) {
                fail("connect");
            }
            end(c, BROKEN);
            continue;
        }
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

/* ---- answers ---- */

/* Is the answer complete? 0 = not yet. */
static uint32_t status_of(size_t len, bool *ret_closes) {
    struct message message;
    answer[len] = '\0';
    if (len < 12 || !message_read(answer, "\nconnection: close", &message)) {
        return 0;
    }
    *ret_closes = message.has_more;
    return message.head + message.length > len ? 0 : (uint32_t)atoi(answer + 9);
}

/* The rest comes later. */
static void keep_begun(struct connection *c, size_t len) {
    if (c->begun == NULL && (c->begun = malloc(ROOM)) == NULL) {
        fail("malloc");
    }
    memcpy(c->begun, answer, len);
    c->len = len;
}

static void receive(struct connection *c) {
    bool closes = false;
    const ssize_t got = recv(c->fd, answer + c->len, ROOM - c->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (c->len > 0) {
        memcpy(answer, c->begun, c->len);
    }
    const size_t len = c->len + (got > 0 ? (size_t)got : 0);
    const uint32_t status = got > 0 ? status_of(len, &closes) : 0;
    if (got <= 0 || closes || c->state != BUSY || len == ROOM) {
        end(c, status != 0 ? status : BROKEN); /* a connection without a request ends unnoticed */
    } else if (status != 0) {
        set_result(c, status);
        move(c, &free_ones, FREE);
    } else {
        keep_begun(c, len);
    }
}

static void on_event(struct connection *c, uint32_t events) {
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t len = sizeof error;
        (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0) {
            end(c, BROKEN);
            return;
        }
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
        send_request(c);
    } else if (c->state != CLOSED && events != 0) {
        receive(c);
    }
}

/* ---- what is due ---- */

static struct connection *next_to_use(uint32_t now) {
    if (free_ones.ends.next != &free_ones.ends) {
        return free_ones.ends.next;
    }
    struct connection *closed = closed_ones.ends.next;
    return closed == &closed_ones.ends || closed->stays_away_until_us > now ? NULL : closed;
}

static void send_due(uint32_t now) {
    while (due < record_count && records[due].due_us <= now) {
        due++;
    }
    for (struct connection *c; unsent_first < due && (c = next_to_use(now)) != NULL;) {
        const bool is_closed = c->state == CLOSED;
        move(c, &busy_ones, c->state);
        c->request = unsent_first++;
        if (is_closed) {
            reconnect(c);
        } else {
            send_request(c);
        }
    }
    while (unsent_first < due && records[unsent_first].due_us + patience_us < now) {
        records[unsent_first].took_us = now - records[unsent_first].due_us;
        records[unsent_first++].status = UNSENT;
    }
}

/* Requests are sent in the order in which they are due, so the first busy one is the oldest. */
static void abandon_late(uint32_t now) {
    for (struct connection *c; (c = busy_ones.ends.next) != &busy_ones.ends;) {
        if (records[c->request].due_us + deadline_us > now) {
            return;
        }
        end(c, ABANDONED);
    }
}

static bool is_over(void) {
    return unsent_first == record_count && busy_ones.ends.next == &busy_ones.ends;
}

static struct timespec until_due(uint32_t now) {
    uint32_t wait_us = 1000; /* deadlines are looked at each millisecond */
    const bool can_send = next_to_use(now) != NULL;
    if (can_send && due < record_count && records[due].due_us < now + wait_us) {
        wait_us = records[due].due_us > now ? records[due].due_us - now : 0;
    }
    return (struct timespec){.tv_nsec = (long)wait_us * 1000};
}

static void run(void) {
    static struct epoll_event ready[EVENTS];
    begin_us = clock_us();
    while (!is_over()) {
        const uint32_t now = now_us();
        send_due(now);
        abandon_late(now);
        const struct timespec wait = until_due(now_us());
        const int count = epoll_pwait2(epoll, ready, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++) {
            on_event(ready[i].data.ptr, ready[i].events);
        }
    }
}

/* ---- the start ---- */

static uint32_t number(const char *text) {
    char *rest;
    const unsigned long value = strtoul(text, &rest, 10);
    if (*text == '\0' || (*rest != '\0' && *rest != ':') || value > UINT32_MAX / 1000) {
        fprintf(stderr, "open_loop: %s is no number that can be used\n", text);
        exit(2);
    }
    return (uint32_t)value;
}

static uint64_t phase_requests(const char *phase) {
    const char *colon = strchr(phase, ':');
    return colon == NULL ? 0 : (uint64_t)number(phase) * number(colon + 1) / 1000;
}

/* One phase: requests at equal distances. Returns its end. */
static uint64_t plan_phase(const char *phase, uint64_t from_us) {
    const uint64_t count = phase_requests(phase);
    const uint64_t length_us = (uint64_t)number(strchr(phase, ':') + 1) * 1000;
    for (uint64_t i = 0; i < count; i++) {
        records[record_count++].due_us = (uint32_t)(from_us + length_us * i / count);
    }
    return from_us + length_us;
}

static void plan(char **phases, int count) {
    uint64_t all = 0;
    uint64_t at_us = 0;
    for (int i = 0; i < count; i++) {
        all += phase_requests(phases[i]);
    }
    if (all == 0 || all > 50 * (uint64_t)US_PER_S) {
        fprintf(stderr, "open_loop: %llu requests are not to be had\n", (unsigned long long)all);
        exit(2);
    }
    records = malloc(all * sizeof *records);
    if (records == NULL) {
        fail("malloc");
    }
    memset(records, 0xff, all * sizeof *records); /* the pages are there before they are needed */
    for (int i = 0; i < count; i++) {
        at_us = plan_phase(phases[i], at_us);
    }
}

static void write_request(const char *path) {
    static const char body[] =
        "{\"user\":\"0f8fad5b-d9cb-469f-a165-70867728950e\",\"action\":\"order.created\","
        "\"amount\":1299,\"currency\":\"EUR\",\"note\":\"a bench\"}";
    const int len =
        snprintf(request, sizeof request,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 path, sizeof body - 1, body);
    if (len < 0 || (size_t)len >= sizeof request) {
        fprintf(stderr, "open_loop: the path is too long\n");
        exit(2);
    }
    request_len = (size_t)len;
}

int main(int argc, char **argv) {
    if (argc < 7 || argc - 6 > PHASES_MAX) {
        fprintf(stderr, "usage: open_loop PORT PATH CONNECTIONS PATIENCE_MS DEADLINE_MS "
                        "RATE:MILLISECONDS...\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)number(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    write_request(argv[2]);
    connection_count = number(argv[3]);
    patience_us = number(argv[4]) * 1000;
    deadline_us = number(argv[5]) * 1000;
    plan(argv + 6, argc - 6);
    (void)prctl(PR_SET_TIMERSLACK, 1);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        fail("epoll_create1");
    }
    make_connections();
    run();
    return fwrite(records, sizeof *records, record_count, stdout) == record_count ? 0 : 1;
}
