/*
 * io/http_accept.h - accepts the connections of one server, within its limits. Loop thread only.
 */
#ifndef GW_IO_HTTP_ACCEPT_H
#define GW_IO_HTTP_ACCEPT_H

#include <sys/socket.h>

#include "base/map.h"
#include "io/loop.h"

#define GW_PEER_TEXT 48u

/* Where a connection comes from. IPv6 clients count by their /64. */
struct gw_peer {
    struct sockaddr_storage address;
    socklen_t address_len;
    char text[GW_PEER_TEXT]; /* without port */
    uint8_t text_len;
    struct gw_peer_count *count;
};

struct gw_spread; /* http_spread.h */

struct gw_acceptor {
    struct eg_loop *loop;
    struct gw_fd fd;
    bool is_shut;             /* the socket is there, and does not listen */
    struct gw_timer pause;    /* when descriptors have run out, or while it is shut */
    uint64_t told_ns;         /* when the log was last told of that */
    struct gw_map counts;     /* struct gw_peer_count, by address */
    struct gw_spread *spread; /* the loops that share the port; NULL = it is alone */
    uint32_t connections;
    uint32_t connections_max;
    uint32_t refused; /* for want of a place, since then */
    uint64_t refused_since_ns;
    uint32_t per_peer_max; /* 0 = none */
    /* give fd (non-blocking). is_refused: over a limit; then it is not counted. */
    void (*on_accept)(struct gw_acceptor *acceptor, int fd, const struct gw_peer *peer,
                      bool is_refused);
};

/* give listen_fd. Limits, spread and on_accept are set before. EG_E_IO. */
int32_t gw_acceptor_start(struct gw_acceptor *acceptor, struct eg_loop *loop, int listen_fd);
/* Closes the listening socket; counts go on. */
void gw_acceptor_stop(struct gw_acceptor *acceptor);
/* After the last connection has been released. */
void gw_acceptor_free(struct gw_acceptor *acceptor);
/* One accepted and not refused connection has ended. */
void gw_acceptor_release(struct gw_acceptor *acceptor, struct gw_peer *peer);
/* Has the client closed its side, or the connection broken? Asks the socket. */
bool gw_peer_has_left(int fd);

#endif
