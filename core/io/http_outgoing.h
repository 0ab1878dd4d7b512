/*
 * io/http_outgoing.h - what a request has to be before it is sent to a function. Pure.
 */
#ifndef GW_IO_HTTP_OUTGOING_H
#define GW_IO_HTTP_OUTGOING_H

#include "eventgw/host.h"

/* EG_E_INVAL, with the reason in the log, for a URL that is not http or https, a method that is no
 * token, a body with HEAD, header names that are no tokens, values with control bytes, and headers
 * that are the host's own. */
int32_t gw_http_check_request(const struct eg_http_request *request);

#endif
