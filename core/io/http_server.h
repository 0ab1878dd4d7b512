/*
 * io/http_server.h - HTTP/1.x ingress of one loop, by an engine of our own or libmicrohttpd, with a
 * strict guard before the handler (exactly one Host on 1.1, one Content-Length or one
 * `Transfer-Encoding: chunked`, never both, token names, clean values, method allow-list,
 * decoded-once target).
 *
 * A request is handed over when its body is complete. It owns an arena that everything of the
 * request lives in; whoever holds the request (count of references, loop thread only) may use it.
 * Refusals (400, 408, 413, 414, 431, 405, 501, 505, 503 of limits) are answered here as error
 * envelope (but see on_refuse), counted, and close the connection.
 */
#ifndef GW_IO_HTTP_SERVER_H
#define GW_IO_HTTP_SERVER_H

#include "base/arena.h"
#include "io/loop.h"

struct gw_http_server; /* one listener on one loop */
struct gw_spread;      /* http_spread.h */

struct gw_http_limits {
    uint64_t body_bytes;         /* 413 */
    uint64_t head_bytes;         /* 431 */
    uint64_t target_bytes;       /* 414 */
    uint32_t connections;        /* of this server (= listener and loop) */
    uint32_t connections_per_ip; /* 0 = no limit */
    uint64_t head_timeout_ns;    /* absolute, from the first byte of a request */
    uint64_t body_timeout_ns;    /* absolute, from the end of the head */
    uint64_t idle_timeout_ns;    /* keep-alive between requests */
};

enum gw_client_auth { GW_CLIENT_AUTH_NONE, GW_CLIENT_AUTH_OPTIONAL, GW_CLIENT_AUTH_REQUIRED };

struct gw_tls_files {
    struct eg_str cert_pem; /* contents, not paths; both empty = plain HTTP */
    struct eg_str key_pem;
    struct eg_str client_ca_pem; /* who signs the certificates of clients */
    enum gw_client_auth client_auth;
};

static inline bool gw_tls_is_on(const struct gw_tls_files *tls) {
    return tls->cert_pem.len > 0 || tls->key_pem.len > 0;
}

struct gw_http_request {
    struct gw_arena arena;
    struct gw_http_server *server;
    struct eg_str method; /* as sent */
    struct eg_str target; /* as sent, whole */
    struct eg_str path;   /* escaped form as routed: query cut, bytes that must be escaped are */
    struct eg_str query;  /* raw, without '?' */
    struct eg_str host;   /* Host header or that of an absolute target; as sent */
    const struct eg_kv *headers; /* as sent, in order */
    size_t header_count;
    struct eg_str body;
    struct eg_str peer;       /* client address without port */
    struct eg_str request_id; /* taken from x-request-id when it is a clean token of at most 128
                                 bytes, else a UUID */
    uint64_t received_ns;     /* monotonic, head complete */
    bool is_gone;             /* the client has gone away; a reply will be dropped */
    void *user;               /* the handler's */
};

struct gw_http_reply;

enum gw_http_server_engine {
    GW_HTTP_SERVER_AUTO,    /* our own for plain HTTP, libmicrohttpd for TLS */
    GW_HTTP_SERVER_LIBRARY, /* libmicrohttpd for both */
};

struct gw_http_server_config {
    const char *name; /* "events", "config": in logs and metrics */
    enum gw_http_server_engine engine;
    struct gw_http_limits limits;
    struct gw_tls_files tls;
    /* Optional: the loops that serve the same port, so that each has as many connections. Borrowed.
     */
    struct gw_spread *spread;
    /* The request is complete. give: the handler holds one reference and calls gw_http_reply
     * exactly once (now or later) and gw_http_request_unref when it needs it no more. */
    void (*on_request)(void *arg, struct gw_http_request *request);
    /* Optional: the client went away before the reply. */
    void (*on_gone)(void *arg, struct gw_http_request *request);
    /* Optional: a request is refused here, and this is to be the answer. It may be said in other
     * words: another body, for which the old one is released. Of the request nothing is sure but
     * its target as it was sent, and the arena. */
    void (*on_refuse)(void *arg, struct gw_http_request *request, const char *reason,
                      struct gw_http_reply *reply);
    void *arg;
};

struct gw_http_reply {
    uint32_t status;
    const struct eg_kv *headers; /* checked with gw_is_token / gw_is_field_value again; borrowed */
    size_t header_count;         /* Content-Length, Date, Connection are the server's */
    struct eg_buf body;          /* given */
};

/* A listening socket: SO_REUSEADDR, SO_REUSEPORT, non-blocking, CLOEXEC. address "" or "*" = all
 * interfaces, IPv6 and IPv4. port 0 takes a free one. ret_why tells the address and errno's text.
 */
int32_t gw_listen(struct eg_str address, uint16_t port, int *ret_fd, uint16_t *ret_port,
                  struct eg_why *ret_why);
/* Is nobody else listening there? SO_REUSEPORT would share a port silently with another process of
 * the same user: call this once before the first gw_listen of a fixed port. */
int32_t gw_listen_check(struct eg_str address, uint16_t port, struct eg_why *ret_why);

/* A socket of gw_listen that was shut down. EG_E_IO. */
int32_t gw_listen_again(int fd);

/* Serves fd (give) on the loop. The config is copied, its strings are borrowed until destroy. */
int32_t gw_http_server_start(struct eg_loop *loop, int fd,
                             const struct gw_http_server_config *config,
                             struct gw_http_server **ret_server, struct eg_why *ret_why);
/* Closes the listening socket and idle connections; requests in flight go on, answered with
 * `Connection: close`. */
void gw_http_server_quiesce(struct gw_http_server *server);
/* Requests that are being received, were handed over, or whose answer is being sent. */
uint32_t gw_http_server_in_flight(const struct gw_http_server *server);
/* Cuts what is left. Held requests stay valid (is_gone) until unref. NULL is fine. */
void gw_http_server_destroy(struct gw_http_server *server);

/* Sends the reply. On HEAD, 204 and 304 the body is not sent; but on 204 Content-Length tells its
 * size (RFC 9110 8.6). Adds x-request-id. */
void gw_http_reply(struct gw_http_request *request, struct gw_http_reply *reply);
void gw_http_request_ref(struct gw_http_request *request);
void gw_http_request_unref(struct gw_http_request *request); /* NULL is fine */

/* The index-th value of a header, name without regard to case; ptr NULL when there is none. */
struct eg_str gw_http_header(const struct gw_http_request *request, struct eg_str name,
                             size_t index);

/* Is there a certificate in this PEM text that the library can use? EG_E_INVAL. */
int32_t gw_http_check_ca(struct eg_str pem, struct eg_why *ret_why);
/* A field (EG_CERT_*) of the certificate that the client showed and that was verified; empty
 * without one, and when the connection has ended. Lives as long as the request. */
struct eg_str gw_http_client_cert(const struct gw_http_request *request, uint32_t field);

/* Version of libmicrohttpd in use, for the start log ("1.0.1"). is_old: before 1.0. */
const char *gw_http_server_library(bool *ret_is_old);

#endif
