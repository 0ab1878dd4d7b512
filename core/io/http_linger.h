/*
 * io/http_linger.h - the late ends of refused connections. Closing a socket with unread bytes
 * resets it, and the reset may destroy the refusal before the client has read it. So the socket is
 * shut for writing and drained for a while (RFC 9112 9.6). Loop thread only.
 */
#ifndef GW_IO_HTTP_LINGER_H
#define GW_IO_HTTP_LINGER_H

#include "io/loop.h"

struct gw_lingers {
    struct eg_loop *loop;
    struct gw_node sockets;
    uint32_t count;
};

void gw_lingers_init(struct gw_lingers *lingers, struct eg_loop *loop);
/* Closes all that are left. */
void gw_lingers_close(struct gw_lingers *lingers);
/* give fd: shut for writing now, closed when the client is done, after a second or 4 MiB. */
void gw_linger(struct gw_lingers *lingers, int fd);

#endif
