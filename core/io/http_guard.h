/*
 * io/http_guard.h - the rules a request head must keep before anybody sees it. Pure: no I/O, no
 * allocation, no libmicrohttpd; any thread. Everything borrows the head.
 *
 * What two parsers may read differently is refused, not repaired (RFC 9112 11.2): the gateway often
 * stands behind another proxy.
 */
#ifndef GW_IO_HTTP_GUARD_H
#define GW_IO_HTTP_GUARD_H

#include <stdbool.h>

#include "io/http_server.h"

struct gw_http_head {
    /* in */
    struct eg_str method;
    struct eg_str target;
    struct eg_str version; /* "HTTP/1.1" */
    const struct eg_kv *headers;
    size_t header_count;
    size_t head_bytes; /* of request line and headers */
    /* out */
    struct eg_str host;       /* of an absolute target, else the Host header; may be empty */
    struct eg_str path;       /* raw; "*" for OPTIONS * */
    struct eg_str query;      /* raw, without '?' */
    uint64_t announced_bytes; /* Content-Length, 0 when there is none */
    bool is_chunked;
};

/* 0, or the status to refuse with and the sentence for the client (static text). */
uint32_t gw_http_guard(struct gw_http_head *head, const struct gw_http_limits *limits,
                       const char **ret_reason);

/* Is the request of HTTP/1.0? Of any head whose version is set. */
bool gw_http_head_is_1_0(const struct gw_http_head *head);
/* One of the methods served, without regard to case? */
bool gw_http_method_known(struct eg_str method);
/* May the value stand as a Host (RFC 9110 4.2, RFC 3986 3.2.2): name or address, optional port. */
bool gw_http_host_valid(struct eg_str host);

#endif
