/*
 * io/http_dial.c - see http_dial.h. One non-blocking socket for each address that is being tried;
 * a timer begins the next one beside it. How long all of it may take is the caller's deadline.
 *
 * Thread: the loop's. Ownership: a dial owns its sockets until one is handed to the pool; it ends
 * itself when it tells the pool.
 */
#include "io/http_dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"

#define NEXT_ADDRESS_AFTER_NS (250 * GW_NS_PER_MS) /* RFC 8305 5 */

struct attempt {
    struct gw_fd fd;
    struct gw_http_dial *dial;
};

struct gw_http_dial {
    struct gw_http_connections *pool;
    struct gw_http_waiter *waiter;
    struct gw_http_lookup lookup;
    struct gw_http_addresses addresses;
    size_t next; /* address */
    struct attempt attempts[GW_HTTP_ADDRESSES_MAX];
    size_t open; /* attempts that may still succeed */
    struct gw_timer timer;
    struct gw_task failed;
    int last_error;
};

static void try_addresses(struct gw_http_dial *dial);

static void close_attempt(struct attempt *attempt) {
    struct gw_http_dial *dial = attempt->dial;
    gw_fd_unwatch(dial->pool->loop, &attempt->fd);
    close(attempt->fd.fd);
    attempt->dial = NULL;
    dial->open--;
}

void gw_http_dial_end(struct gw_http_dial *dial) {
    gw_http_resolver_forget(dial->pool->resolver, &dial->lookup);
    gw_timer_stop(dial->pool->loop, &dial->timer);
    gw_loop_undefer(&dial->failed);
    for (size_t i = 0; i < dial->next; i++) {
        if (dial->attempts[i].dial != NULL) {
            close_attempt(&dial->attempts[i]);
        }
    }
    dial->waiter->dial = NULL;
    gw_free(dial);
}

/* ---- how it ends ---- */

/* The words are those of libcurl, which operators know. */
static void on_all_failed(struct gw_task *task) {
    struct gw_http_dial *dial = GW_CONTAINER(task, struct gw_http_dial, failed);
    struct gw_http_connections *pool = dial->pool;
    struct gw_http_waiter *waiter = dial->waiter;
    const struct gw_http_target *target = waiter->target;
    char reason[512];
    if (dial->addresses.count == 0) {
        (void)snprintf(reason, sizeof reason, "Could not resolve host: %.*s: %s",
                       GW_FMT(gw_str_sub(target->host, 0, 255)), dial->addresses.reason);
    } else {
        (void)snprintf(reason, sizeof reason, "Failed to connect to %.*s port %u: %s",
                       GW_FMT(gw_str_sub(target->host, 0, 255)), target->port,
                       strerror(dial->last_error));
        gw_http_resolver_drop(pool->resolver, target->host); /* it may have moved */
    }
    gw_http_dial_end(dial);
    gw_http_connections_not_dialed(pool, waiter, reason);
}

static void succeed(struct attempt *attempt) {
    struct gw_http_dial *dial = attempt->dial;
    struct gw_http_connections *pool = dial->pool;
    struct gw_http_waiter *waiter = dial->waiter;
    const int fd = attempt->fd.fd;
    gw_fd_unwatch(pool->loop, &attempt->fd);
    attempt->dial = NULL;
    dial->open--;
    gw_http_dial_end(dial);
    gw_http_connections_dialed(pool, waiter, fd);
}

/* ---- attempts ---- */

static void fail_attempt(struct attempt *attempt, int error) {
    struct gw_http_dial *dial = attempt->dial;
    dial->last_error = error;
    close_attempt(attempt);
    try_addresses(dial);
}

static void on_attempt(struct gw_fd *fd, uint32_t events) {
    struct attempt *attempt = GW_CONTAINER(fd, struct attempt, fd);
    int error = 0;
    socklen_t len = sizeof error;
    (void)events;
    if (getsockopt(fd->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error != 0) {
        fail_attempt(attempt, error);
    } else {
        succeed(attempt);
    }
}

static socklen_t address_len(const union gw_http_address *address) {
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static void set_port(union gw_http_address *address, uint16_t port) {
    if (address->any.sa_family == AF_INET6) {
        address->v6.sin6_port = htons(port);
    } else {
        address->v4.sin_port = htons(port);
    }
}

static int open_socket(int family) {
    const int on = 1;
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    return fd;
}

/* False: this address cannot be reached, last_error says why. */
static bool begin_attempt(struct gw_http_dial *dial) {
    union gw_http_address *address = &dial->addresses.items[dial->next];
    struct attempt *attempt = &dial->attempts[dial->next++];
    const int fd = open_socket(address->any.sa_family);
    if (fd < 0) {
        dial->last_error = errno;
        return false;
    }
    set_port(address, dial->waiter->target->port);
    if ((connect(fd, &address->any, address_len(address)) != 0 && errno != EINPROGRESS) ||
        gw_fd_watch(dial->pool->loop, &attempt->fd, fd, EG_FD_WRITE, on_attempt) != EG_OK) {
        dial->last_error = errno;
        close(fd);
        return false;
    }
    attempt->dial = dial;
    dial->open++;
    return true;
}

static void on_slow(struct gw_timer *timer) {
    try_addresses(GW_CONTAINER(timer, struct gw_http_dial, timer));
}

/* Begins one more attempt; when there is none left to begin or to wait for, all have failed. */
static void try_addresses(struct gw_http_dial *dial) {
    bool has_begun = false;
    while (!has_begun && dial->next < dial->addresses.count) {
        has_begun = begin_attempt(dial);
    }
    if (has_begun && dial->next < dial->addresses.count) {
        gw_timer_start(dial->pool->loop, &dial->timer, NEXT_ADDRESS_AFTER_NS, on_slow);
    } else {
        gw_timer_stop(dial->pool->loop, &dial->timer);
    }
    if (dial->open == 0) {
        gw_loop_defer(dial->pool->loop, &dial->failed);
    }
}

/* ---- the name ---- */

static void on_looked_up(struct gw_http_lookup *lookup, const struct gw_http_addresses *addresses) {
    struct gw_http_dial *dial = GW_CONTAINER(lookup, struct gw_http_dial, lookup);
    dial->addresses = *addresses;
    try_addresses(dial);
}

void gw_http_dial_begin(struct gw_http_connections *pool, struct gw_http_waiter *waiter) {
    struct gw_http_dial *dial = gw_alloc(sizeof *dial);
    dial->pool = pool;
    dial->waiter = waiter;
    dial->lookup.on_done = on_looked_up;
    dial->failed.fn = on_all_failed;
    waiter->dial = dial;
    pool->events->on_connecting(waiter);
    if (gw_http_resolver_ask(pool->resolver, waiter->target->host, &dial->lookup,
                             &dial->addresses)) {
        try_addresses(dial);
    }
}
