/*
 * io/http_dial.h - makes one connection: looks the name up, then tries the addresses in their
 * order, the next one when the one before has failed or has not answered for a while (RFC 8305).
 * The first that answers is taken. Inside io/ only; loop thread.
 */
#ifndef GW_IO_HTTP_DIAL_H
#define GW_IO_HTTP_DIAL_H

#include "io/http_connections.h"

/* For the waiter, whose target is set; sets waiter->dial. How it ends is told to the pool by
 * gw_http_connections_dialed or _not_dialed, never inside. */
void gw_http_dial_begin(struct gw_http_connections *pool, struct gw_http_waiter *waiter);
/* Gives up; nothing is told. */
void gw_http_dial_end(struct gw_http_dial *dial);

#endif
