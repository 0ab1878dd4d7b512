/*
 * io/http_client.h - asynchronous HTTP egress of one loop, pooled keep-alive connections. Request
 * and response are those of the plugin ABI (struct eg_http_request, eg_http_response), so that the
 * host's http service is this file. Behind it are two engines: one of our own for http, and libcurl
 * for https and whatever else is not plain (docs/internals/io.md).
 *
 * Only http and https; no Expect, no signals, no environment proxies; redirects as in chapter 8.2
 * of the compatibility specification (up to 10; 301, 302, 303 turn into GET without body, 307 and
 * 308 repeat). Header pairs are checked on the way out and in.
 */
#ifndef GW_IO_HTTP_CLIENT_H
#define GW_IO_HTTP_CLIENT_H

#include "io/loop.h"

struct gw_http_client;

enum gw_http_engines {
    GW_HTTP_AUTO,      /* each exchange by the engine that fits */
    GW_HTTP_CURL_ONLY, /* all by libcurl */
};

struct gw_http_client_config {
    enum gw_http_engines engines;
    uint64_t timeout_ns; /* default of one exchange */
    uint64_t connect_timeout_ns;
    uint64_t max_response_bytes; /* default */
    uint32_t max_connections;    /* per loop and engine, 0 = no limit */
    uint32_t max_connections_per_host;
    uint64_t idle_timeout_ns; /* of pooled connections */
};

int32_t gw_http_client_create(struct eg_loop *loop, const struct gw_http_client_config *config,
                              struct gw_http_client **ret_client);
/* Calls in flight end with EG_E_CANCELED before it returns. NULL is fine. */
void gw_http_client_destroy(struct gw_http_client *client);

/* See struct eg_http_api.send. EG_E_INVAL (with a logged reason) for a bad url, method or header.
 */
int32_t gw_http_send(struct gw_http_client *client, const struct eg_http_request *request,
                     void (*on_done)(void *arg, const struct eg_http_response *response), void *arg,
                     struct eg_http_call **ret_call);
/* The same in two steps, for who needs memory of its own for as long as the call lives: until
 * on_done has returned, not zeroed. EG_E_INVAL: the call is gone, and the memory with it. */
struct eg_http_call *gw_http_call_new(struct gw_http_client *client);
void *gw_http_call_room(struct eg_http_call *call, size_t bytes);
int32_t gw_http_call_send(struct eg_http_call *call, const struct eg_http_request *request,
                          void (*on_done)(void *arg, const struct eg_http_response *response),
                          void *arg);
void gw_http_cancel(struct eg_http_call *call);
uint32_t gw_http_client_in_flight(const struct gw_http_client *client);

/* Splits and checks an absolute URL: scheme, host, port, path. EG_E_INVAL. Borrows url. */
struct gw_url {
    struct eg_str scheme;
    struct eg_str host;
    uint16_t port;      /* 0 = none given */
    struct eg_str path; /* with query */
    bool has_user;      /* credentials before the host */
    bool is_ascii;
};
int32_t gw_url_parse(struct eg_str url, struct gw_url *ret_url);
/* Both parse, and scheme, host and port as written are the same. */
bool gw_url_same_origin(struct eg_str a, struct eg_str b);

#endif
