/*
 * io/http_sockets.h - the sockets of the HTTP client in our epoll, by file descriptor. Inside io/
 * only; loop thread.
 */
#ifndef GW_IO_HTTP_SOCKETS_H
#define GW_IO_HTTP_SOCKETS_H

#include "io/loop.h"

struct gw_http_socket {
    struct gw_fd fd;
    void *owner;
    uint32_t wanted;    /* what was asked for last, EG_FD_*; 0 = nothing, it is idle */
    bool is_connection; /* opened and closed through us; else one of a resolver */
};
/* All zero is empty. */
struct gw_http_sockets {
    struct gw_http_socket **items;
    size_t room;
};

/* The entry of the descriptor, made when there is none. Borrow until it is forgotten. */
struct gw_http_socket *gw_http_socket_of(struct gw_http_sockets *sockets, void *owner, int fd);
/* No longer watched, no entry any more. Nothing when there is none. */
void gw_http_socket_forget(struct gw_http_sockets *sockets, struct eg_loop *loop, int fd);
/* Forgets all, and frees the table. */
void gw_http_sockets_free(struct gw_http_sockets *sockets, struct eg_loop *loop);

#endif
