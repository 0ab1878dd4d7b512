/*
 * io/http_status.h - the reason phrases of HTTP's status codes. Pure; any thread.
 */
#ifndef GW_IO_HTTP_STATUS_H
#define GW_IO_HTTP_STATUS_H

#include <eventgw/types.h>

/* As registered with IANA (RFC 9110 16.2.1); empty for a status that is not: a phrase may be left
 * out (RFC 9112 4). Static text. */
struct eg_str gw_http_phrase(uint32_t status);

#endif
