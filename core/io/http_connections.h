/*
 * io/http_connections.h - the connections of one loop to the targets (host and port) of plain HTTP:
 * those in use, those that are kept for the next request, those that are being made, and who waits
 * for one. Knows nothing of what is said on them. Inside io/ only; loop thread.
 *
 * A kept connection stays watched: one that the peer closes, or talks on without being asked (RFC
 * 9112 9.3), is closed at once.
 */
#ifndef GW_IO_HTTP_CONNECTIONS_H
#define GW_IO_HTTP_CONNECTIONS_H

#include "base/map.h"
#include "io/http_call.h"
#include "io/http_resolver.h"

#define GW_HTTP_RECENT 16u

struct gw_http_target {
    struct eg_str key; /* "host:port"; the host as in the URL, in lower case */
    struct eg_str host;
    uint16_t port;
    uint32_t connections; /* kept, in use and being made */
    struct gw_node kept;  /* the one that was used last first */
    struct gw_node waiting;
    struct gw_node hungry; /* in the pool's list while somebody waits */
};

struct gw_http_connection {
    struct gw_fd fd;
    struct gw_http_connections *pool;
    struct gw_http_target *target;
    struct gw_http_waiter *user; /* NULL = kept */
    struct gw_node node;         /* in kept of the target */
    struct gw_node age;          /* in kept of the pool */
    uint64_t kept_since_ns;
    bool has_been_used; /* by a former exchange */
};

/* All of them are called from the loop, never inside get. */
struct gw_http_connection_events {
    /* The waiter has a connection: it is its user now. */
    void (*on_ready)(struct gw_http_waiter *waiter, struct gw_http_connection *connection);
    /* It will have none. error EG_E_UNAVAILABLE; reason is borrowed. */
    void (*on_failed)(struct gw_http_waiter *waiter, int32_t error, const char *reason);
    /* A name is looked up or a socket made for it. */
    void (*on_connecting)(struct gw_http_waiter *waiter);
    /* EG_FD_* of a connection in use. */
    void (*on_socket)(struct gw_http_connection *connection, uint32_t events);
};

struct gw_http_connections {
    struct eg_loop *loop;
    const struct gw_http_client_config *config;
    const struct gw_http_connection_events *events;
    struct gw_http_resolver *resolver;
    struct gw_map targets;                         /* by key */
    struct gw_http_target *recent[GW_HTTP_RECENT]; /* of them, found without hashing */
    struct gw_node kept;                           /* oldest first */
    uint32_t kept_count;
    uint32_t connections;
    struct gw_node hungry; /* targets, by turns */
    struct gw_timer timer; /* ends what has been kept too long: one for all */
};

void gw_http_connections_init(struct gw_http_connections *pool, struct eg_loop *loop,
                              const struct gw_http_client_config *config,
                              const struct gw_http_connection_events *events);
/* Nobody may use a connection or wait for one any more. */
void gw_http_connections_free(struct gw_http_connections *pool);

/* A kept connection (then the waiter is its user), or NULL: on_ready or on_failed comes. now_ns:
 * the monotonic time, a tenth of a millisecond ago at most or so. */
struct gw_http_connection *gw_http_connections_get(struct gw_http_connections *pool,
                                                   struct gw_http_waiter *waiter,
                                                   struct eg_str host, uint16_t port,
                                                   uint64_t now_ns);
/* Waits no longer. */
void gw_http_connections_leave(struct gw_http_connections *pool, struct gw_http_waiter *waiter);
/* A new connection in place of one in use, which is closed; the user waits for it. */
void gw_http_connection_replace(struct gw_http_connection *connection);
/* Back: it goes to who waits, or is kept. Only when nothing is left to be said on it. */
void gw_http_connection_keep(struct gw_http_connection *connection);
void gw_http_connection_close(struct gw_http_connection *connection);

/* ---- for http_dial.c ---- */

/* fd is connected; the waiter has it. The place that the dial held is the connection's. */
void gw_http_connections_dialed(struct gw_http_connections *pool, struct gw_http_waiter *waiter,
                                int fd);
/* The waiter has none, and the place is free again. */
void gw_http_connections_not_dialed(struct gw_http_connections *pool, struct gw_http_waiter *waiter,
                                    const char *reason);

#endif
