/*
 * io/http_connections.c - see http_connections.h. Limits count what is kept, in use and being made.
 * A place that becomes free goes to the targets that have somebody waiting, by turns; a kept
 * connection to another target gives its place up to them, the oldest first. So does one that
 * comes free while its own target has others waiting, to a target that has far less.
 *
 * Thread: the loop's. Ownership: the pool owns targets and connections; a target lives as long as
 * it has a connection or somebody who waits.
 */
#include "io/http_connections.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_dial.h"

#define KEPT_MAX 1024u
#define SEEN_FOR_NS GW_NS_PER_MS /* a look at a connection that is older is taken again */

/* ---- targets ---- */

/* The name and two bytes of port: on the stack for names as there are, each time a request is sent.
 */
static struct eg_str write_key(char *room, struct eg_str host, uint16_t port) {
    for (size_t i = 0; i < host.len; i++) {
        room[i] = gw_lower(host.ptr[i]);
    }
    room[host.len] = (char)(port >> 8);
    room[host.len + 1] = (char)(port & 0xff);
    return gw_str(room, host.len + 2);
}

static struct gw_http_target *make_target(struct gw_http_connections *pool, struct eg_str key,
                                          size_t host_len, uint16_t port) {
    struct gw_http_target *target = gw_alloc(sizeof *target);
    target->key = gw_str(gw_dup_cstr(key), key.len);
    target->host = gw_str_sub(target->key, 0, host_len);
    target->port = port;
    gw_list_init(&target->kept);
    gw_list_init(&target->waiting);
    (void)gw_map_put(&pool->targets, target->key, target);
    return target;
}

/* Where a target is found again that was used of late. A host is never empty. */
static struct gw_http_target **recent_of(struct gw_http_connections *pool, struct eg_str host,
                                         uint16_t port) {
    const size_t mixed = port + host.len + (unsigned char)gw_lower(host.ptr[host.len - 1]);
    return &pool->recent[mixed % GW_HTTP_RECENT];
}

static struct gw_http_target *look_up_target(struct gw_http_connections *pool, struct eg_str host,
                                             uint16_t port) {
    char room[512];
    char *text = host.len + 2 <= sizeof room ? room : gw_alloc(host.len + 2);
    const struct eg_str key = write_key(text, host, port);
    struct gw_http_target *target = gw_map_get(&pool->targets, key);
    if (target == NULL) {
        target = make_target(pool, key, host.len, port);
    }
    if (text != room) {
        gw_free(text);
    }
    return target;
}

static struct gw_http_target *get_target(struct gw_http_connections *pool, struct eg_str host,
                                         uint16_t port) {
    struct gw_http_target **recent = recent_of(pool, host, port);
    if (*recent == NULL || (*recent)->port != port || !gw_str_eq_nocase((*recent)->host, host)) {
        *recent = look_up_target(pool, host, port);
    }
    return *recent;
}

static void end_target(struct gw_http_connections *pool, struct gw_http_target *target) {
    if (target->connections > 0 || !gw_list_empty(&target->waiting)) {
        return;
    }
    struct gw_http_target **recent = recent_of(pool, target->host, target->port);
    *recent = *recent == target ? NULL : *recent;
    gw_list_remove(&target->hungry);
    (void)gw_map_remove(&pool->targets, target->key);
    gw_free((void *)(uintptr_t)target->key.ptr);
    gw_free(target);
}

/* ---- places ---- */

static bool is_at(uint32_t count, uint32_t limit) {
    return limit != 0 && count >= limit;
}

static struct gw_http_connection *oldest_of(const struct gw_http_target *target) {
    return gw_list_empty(&target->kept)
               ? NULL
               : GW_CONTAINER(target->kept.prev, struct gw_http_connection, node);
}

static void unlist(struct gw_http_connection *connection) {
    if (gw_node_linked(&connection->age)) {
        connection->pool->kept_count--;
        gw_list_remove(&connection->age);
        gw_list_remove(&connection->node);
    }
}

/* Without a look at who waits. */
static void end_connection(struct gw_http_connection *connection) {
    struct gw_http_connections *pool = connection->pool;
    unlist(connection);
    gw_fd_unwatch(pool->loop, &connection->fd);
    close(connection->fd.fd);
    connection->target->connections--;
    pool->connections--;
    end_target(pool, connection->target);
    gw_free(connection);
}

/* Is there a place for one more connection, maybe that of a kept one? A target that somebody waits
 * for does not end meanwhile. */
static bool make_room(struct gw_http_connections *pool, struct gw_http_target *target) {
    const struct gw_http_client_config *config = pool->config;
    if (is_at(target->connections, config->max_connections_per_host)) {
        struct gw_http_connection *oldest = oldest_of(target);
        if (oldest == NULL) {
            return false;
        }
        end_connection(oldest);
    }
    if (!is_at(pool->connections, config->max_connections)) {
        return true;
    }
    if (gw_list_empty(&pool->kept)) {
        return false;
    }
    end_connection(GW_CONTAINER(pool->kept.next, struct gw_http_connection, age));
    return true;
}

static void begin_dial(struct gw_http_connections *pool, struct gw_http_waiter *waiter) {
    waiter->target->connections++;
    pool->connections++;
    gw_http_dial_begin(pool, waiter);
}

static void stop_waiting(struct gw_http_waiter *waiter) {
    gw_list_remove(&waiter->node);
    if (gw_list_empty(&waiter->target->waiting)) {
        gw_list_remove(&waiter->target->hungry);
    }
}

/* One of those who wait, if there is a place. Then the target is behind the others. */
static bool feed(struct gw_http_connections *pool, struct gw_http_target *target) {
    struct gw_http_waiter *waiter = GW_CONTAINER(target->waiting.next, struct gw_http_waiter, node);
    if (!make_room(pool, target)) {
        return false;
    }
    gw_list_remove(&target->hungry);
    gw_list_push(&pool->hungry, &target->hungry);
    stop_waiting(waiter);
    begin_dial(pool, waiter);
    return true;
}

static bool has_place(const struct gw_http_connections *pool) {
    return !is_at(pool->connections, pool->config->max_connections) || !gw_list_empty(&pool->kept);
}

/* There may be a place: each target that waits has one go. Who has none keeps its turn. What is
 * fed goes behind the marker; nobody else leaves the list, for who waits does not end. */
static void feed_hungry(struct gw_http_connections *pool) {
    const struct gw_node *last = pool->hungry.prev; /* of now: who is fed goes behind it */
    for (struct gw_node *next, *node = pool->hungry.next; node != &pool->hungry && has_place(pool);
         node = next) {
        next = node == last ? &pool->hungry : node->next;
        (void)feed(pool, GW_CONTAINER(node, struct gw_http_target, hungry));
    }
}

/* ---- connections ---- */

/* An end that comes with an answer is told again, when that has been read. */
static void on_socket(struct gw_fd *fd, uint32_t events) {
    struct gw_http_connection *connection = GW_CONTAINER(fd, struct gw_http_connection, fd);
    if (connection->user == NULL) {
        gw_http_connection_close(connection);
        return;
    }
    if ((events & GW_FD_ENDED) != 0) {
        gw_fd_again(connection->pool->loop, fd);
    }
    connection->pool->events->on_socket(connection, events);
}

void gw_http_connections_dialed(struct gw_http_connections *pool, struct gw_http_waiter *waiter,
                                int fd) {
    struct gw_http_connection *connection = gw_alloc(sizeof *connection);
    connection->pool = pool;
    connection->target = waiter->target;
    connection->user = waiter;
    if (gw_fd_watch(pool->loop, &connection->fd, fd, EG_FD_READ | GW_FD_NEWS, on_socket) != EG_OK) {
        const int error = errno;
        close(fd);
        gw_free(connection);
        gw_http_connections_not_dialed(pool, waiter, strerror(error));
        return;
    }
    pool->events->on_ready(waiter, connection);
}

void gw_http_connections_not_dialed(struct gw_http_connections *pool, struct gw_http_waiter *waiter,
                                    const char *reason) {
    struct gw_http_target *target = waiter->target;
    waiter->target = NULL;
    target->connections--;
    pool->connections--;
    end_target(pool, target);
    feed_hungry(pool);
    pool->events->on_failed(waiter, EG_E_UNAVAILABLE, reason);
}

void gw_http_connection_close(struct gw_http_connection *connection) {
    struct gw_http_connections *pool = connection->pool;
    end_connection(connection);
    feed_hungry(pool);
}

static void on_too_old(struct gw_timer *timer) {
    struct gw_http_connections *pool = GW_CONTAINER(timer, struct gw_http_connections, timer);
    const uint64_t now = gw_monotonic_ns();
    while (!gw_list_empty(&pool->kept)) {
        struct gw_http_connection *oldest =
            GW_CONTAINER(pool->kept.next, struct gw_http_connection, age);
        const uint64_t age_ns = now - oldest->kept_since_ns;
        if (now > oldest->kept_since_ns && age_ns >= pool->config->idle_timeout_ns) {
            end_connection(oldest);
            continue;
        }
        gw_timer_start(pool->loop, timer, pool->config->idle_timeout_ns - age_ns, on_too_old);
        return;
    }
}

static void keep(struct gw_http_connection *connection) {
    struct gw_http_connections *pool = connection->pool;
    if (pool->kept_count >= KEPT_MAX) {
        end_connection(GW_CONTAINER(pool->kept.next, struct gw_http_connection, age));
    }
    connection->user = NULL;
    connection->kept_since_ns = gw_loop_now(pool->loop);
    gw_list_push(connection->target->kept.next, &connection->node); /* the first */
    gw_list_push(&pool->kept, &connection->age);
    pool->kept_count++;
    if (!gw_timer_armed(&pool->timer)) {
        gw_timer_start(pool->loop, &pool->timer, pool->config->idle_timeout_ns, on_too_old);
    }
}

static void use(struct gw_http_connection *connection, struct gw_http_waiter *waiter) {
    unlist(connection);
    connection->user = waiter;
    connection->has_been_used = true;
}

/* When all places are taken: a target that waits and has none, or would still have fewer than this
 * one after taking one of its. So nobody starves, and nobody gives and takes for ever. */
static struct gw_http_target *find_poorer(struct gw_http_connections *pool,
                                          const struct gw_http_target *target) {
    if (!is_at(pool->connections, pool->config->max_connections)) {
        return NULL;
    }
    for (struct gw_node *node = pool->hungry.next; node != &pool->hungry; node = node->next) {
        struct gw_http_target *other = GW_CONTAINER(node, struct gw_http_target, hungry);
        if (other != target &&
            (other->connections == 0 || other->connections + 1 < target->connections)) {
            return other;
        }
    }
    return NULL;
}

void gw_http_connection_keep(struct gw_http_connection *connection) {
    struct gw_http_connections *pool = connection->pool;
    struct gw_http_target *poorer = find_poorer(pool, connection->target);
    if (poorer != NULL) {
        end_connection(connection);
        (void)feed(pool, poorer);
        return;
    }
    struct gw_node *first = connection->target->waiting.next;
    struct gw_http_waiter *waiter = GW_CONTAINER(first, struct gw_http_waiter, node);
    if (first != &connection->target->waiting && !waiter->needs_new) {
        stop_waiting(waiter);
        use(connection, waiter);
        pool->events->on_ready(waiter, connection);
        return;
    }
    keep(connection);
    feed_hungry(pool); /* another target may want the place */
}

/* This turn has read its answer to the end, or has heard from epoll that there is nothing to read.
 */
static bool is_just_seen(const struct gw_http_connection *connection, uint64_t now_ns) {
    const struct eg_loop *loop = connection->pool->loop;
    const uint64_t turn_ns = gw_loop_now(loop);
    return (connection->kept_since_ns == turn_ns || gw_loop_has_told_all(loop)) &&
           now_ns - turn_ns < SEEN_FOR_NS;
}

/* Bytes may have come, or its end, since the loop has looked last: then it is no longer clean. */
static bool is_clean(const struct gw_http_connection *connection, uint64_t now_ns) {
    char byte;
    if (is_just_seen(connection, now_ns)) {
        return true;
    }
    return recv(connection->fd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Not without somebody who waits for the target: it would end with its last connection. */
static struct gw_http_connection *take_kept(struct gw_http_target *target, uint64_t now_ns) {
    while (!gw_list_empty(&target->kept)) {
        struct gw_http_connection *connection =
            GW_CONTAINER(target->kept.next, struct gw_http_connection, node);
        if (is_clean(connection, now_ns)) {
            return connection;
        }
        end_connection(connection);
    }
    return NULL;
}

struct gw_http_connection *gw_http_connections_get(struct gw_http_connections *pool,
                                                   struct gw_http_waiter *waiter,
                                                   struct eg_str host, uint16_t port,
                                                   uint64_t now_ns) {
    struct gw_http_target *target = get_target(pool, host, port);
    waiter->target = target;
    gw_list_push(&target->waiting, &waiter->node);
    struct gw_http_connection *connection = waiter->needs_new ? NULL : take_kept(target, now_ns);
    if (connection != NULL) {
        stop_waiting(waiter);
        use(connection, waiter);
        return connection;
    }
    if (!gw_node_linked(&target->hungry)) {
        gw_list_push(&pool->hungry, &target->hungry);
    }
    feed_hungry(pool);
    return NULL;
}

void gw_http_connections_leave(struct gw_http_connections *pool, struct gw_http_waiter *waiter) {
    struct gw_http_target *target = waiter->target;
    if (target == NULL) {
        return;
    }
    if (waiter->dial != NULL) {
        gw_http_dial_end(waiter->dial);
        target->connections--;
        pool->connections--;
    } else {
        stop_waiting(waiter);
    }
    waiter->target = NULL;
    end_target(pool, target);
    feed_hungry(pool);
}

/* The new one takes the place of the old one before anybody else can. */
void gw_http_connection_replace(struct gw_http_connection *connection) {
    struct gw_http_connections *pool = connection->pool;
    struct gw_http_waiter *waiter = connection->user;
    waiter->needs_new = true;
    begin_dial(pool, waiter);
    end_connection(connection);
}

/* ---- life ---- */

void gw_http_connections_init(struct gw_http_connections *pool, struct eg_loop *loop,
                              const struct gw_http_client_config *config,
                              const struct gw_http_connection_events *events) {
    pool->loop = loop;
    pool->config = config;
    pool->events = events;
    pool->resolver = gw_http_resolver_create(loop);
    gw_list_init(&pool->kept);
    gw_list_init(&pool->hungry);
}

void gw_http_connections_free(struct gw_http_connections *pool) {
    while (!gw_list_empty(&pool->kept)) {
        end_connection(GW_CONTAINER(pool->kept.next, struct gw_http_connection, age));
    }
    GW_ASSERT(pool->connections == 0 && pool->targets.count == 0);
    gw_timer_stop(pool->loop, &pool->timer);
    gw_map_free(&pool->targets);
    gw_http_resolver_destroy(pool->resolver);
}
