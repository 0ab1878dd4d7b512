/*
 * io/http_write.h - the head of a request as bytes (RFC 9112 3 and 5). Inside io/ only; pure.
 */
#ifndef GW_IO_HTTP_WRITE_H
#define GW_IO_HTTP_WRITE_H

#include "io/http_call.h"

/* Of the call's exchange, whose request has been checked (http_outgoing.h); in the call's arena. */
struct eg_str gw_http_write_head(struct eg_http_call *call);

#endif
