/*
 * io/http_resolver.h - the addresses of host names, for the HTTP client of one loop: looked up off
 * the loop, one lookup at a time for each name whoever asks, and remembered for a minute; that
 * there are none for a second (RFC 9520 3.2). IP literals and localhost (RFC 6761 6.3) need no
 * lookup. Inside io/ only; loop thread.
 */
#ifndef GW_IO_HTTP_RESOLVER_H
#define GW_IO_HTTP_RESOLVER_H

#include <netinet/in.h>

#include "io/loop.h"

#define GW_HTTP_ADDRESSES_MAX 8u

union gw_http_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};
/* In the order in which they should be tried (RFC 6724), the families by turns (RFC 8305 4); the
 * ports are 0. */
struct gw_http_addresses {
    size_t count;
    const char *reason; /* static text: why there are none */
    union gw_http_address items[GW_HTTP_ADDRESSES_MAX];
};

struct gw_http_name;
/* Of one who waits; zeroed before first use, borrowed until told or forgotten. */
struct gw_http_lookup {
    struct gw_node node;
    struct gw_http_name *name; /* the resolver's; NULL = waits for none */
    /* addresses are borrowed during the call. */
    void (*on_done)(struct gw_http_lookup *lookup, const struct gw_http_addresses *addresses);
};

struct gw_http_resolver;

struct gw_http_resolver *gw_http_resolver_create(struct eg_loop *loop);
/* Nobody may wait any more. Lookups that still run are left alone: their threads end when they end.
 */
void gw_http_resolver_destroy(struct gw_http_resolver *resolver);

/* host as in a URL. True: the addresses, or that there are none, are known already. False: on_done
 * comes, never inside. */
bool gw_http_resolver_ask(struct gw_http_resolver *resolver, struct eg_str host,
                          struct gw_http_lookup *lookup, struct gw_http_addresses *ret_addresses);
/* A name that nobody waits for any more is not looked up when its turn comes. */
void gw_http_resolver_forget(struct gw_http_resolver *resolver, struct gw_http_lookup *lookup);
/* What is remembered of the host has turned out to be wrong. */
void gw_http_resolver_drop(struct gw_http_resolver *resolver, struct eg_str host);

#endif
