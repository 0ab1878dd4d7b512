/*
 * io/http_server_inner.h - what the front of the HTTP server (http_server.c) and its two engines
 * have in common. The front accepts, times, guards, refuses and counts; an engine moves bytes: it
 * makes requests of them, and answers into them. Inside io/ only; loop thread.
 *
 * A connection: engine's take -> gw_server_connect -> for each request: a request object is
 * attached, gw_server_head_done, gw_server_add_body, gw_server_hand_over, then the handler's reply
 * or a refusal -> engine's send -> gw_server_detach -> at last gw_server_end.
 */
#ifndef GW_IO_HTTP_SERVER_INNER_H
#define GW_IO_HTTP_SERVER_INNER_H

#include "io/http_accept.h"
#include "io/http_linger.h"
#include "io/http_request.h"
#include "io/http_stage.h"

struct gw_library_server; /* http_server_library.c */
struct gw_plain_server;   /* http_server_plain.c */

/* Called on the loop's thread. */
struct gw_http_engine {
    int32_t (*start)(struct gw_http_server *server, struct eg_why *ret_why);
    /* Every connection has been cut: ends them, and what start has made. */
    void (*stop)(struct gw_http_server *server);
    /* give fd: a new connection, accepted and counted. */
    void (*take)(struct gw_http_server *server, int fd, const struct gw_peer *peer);
    /* Bytes that the answer's head may have. */
    size_t (*head_room)(const struct gw_request *request);
    /* Sends the reply, whose body is given. The connection is there and not cut. */
    void (*send)(struct gw_request *request, struct gw_http_reply *reply);
    /* Ends the connection soon, whatever its state. Once. */
    void (*cut)(struct gw_connection *connection);
};

extern const struct gw_http_engine gw_library_engine;
extern const struct gw_http_engine gw_plain_engine;

struct gw_http_server {
    struct eg_loop *loop;
    struct gw_http_server_config config;
    const struct gw_http_engine *engine;
    struct gw_library_server *library; /* the engine's own, either */
    struct gw_plain_server *plain;
    struct gw_acceptor acceptor;
    struct gw_stages stages;
    struct gw_lingers lingers;
    struct gw_request_pool requests;
    struct gw_node connections;
    uint32_t in_flight;
    bool is_tls;
    bool is_quiescing;
};

/* The beginning of an engine's own struct, which is freed by gw_server_end. */
struct gw_connection {
    struct gw_http_server *server;
    struct gw_node node;
    struct gw_stage_entry stage;
    struct gw_peer peer;
    int fd;
    struct gw_request *request; /* NULL between requests */
    bool is_receiving;          /* a head that is not whole yet */
    bool must_linger;
    bool is_cut;
    bool is_ended; /* the client's side: nothing more can come */
};

/* A new connection, zeroed by the engine: it is told of from now on. */
void gw_server_connect(struct gw_http_server *server, struct gw_connection *connection, int fd,
                       const struct gw_peer *peer);
/* The connection is over, and freed. owns_fd: its socket is the connection's to close. */
void gw_server_end(struct gw_connection *connection, bool owns_fd);

/* A new request of the connection. Borrow. */
struct gw_request *gw_server_attach(struct gw_connection *connection);
/* The guard's judgement, once a request. True: it is let in, and its body is to come if it has one.
 * False: it has been refused. is_own: the head lives in the request's arena, and need not be
 * copied. */
bool gw_server_head_done(struct gw_request *request, struct gw_http_head *head, bool is_own);
/* The next piece of the body. False: too much came, the connection has been cut. */
bool gw_server_add_body(struct gw_request *request, struct eg_str piece);
/* The request is whole: to the handler, which may have answered when this returns. */
void gw_server_hand_over(struct gw_request *request);
/* The connection lets go of its request. */
void gw_server_detach(struct gw_connection *connection);

/* Answers what cannot be handed over; the connection closes, so that no byte behind the refused
 * request is taken for a new one. */
void gw_server_refuse(struct gw_request *request, uint32_t status, const char *reason);
/* Ends a connection in whatever state. */
void gw_server_cut(struct gw_connection *connection);
/* The same with an answer past the engine, if the socket takes it. */
void gw_server_cut_with(struct gw_connection *connection, uint32_t status, const char *message);
/* The client has gone before the reply: the handler is told, once. */
void gw_server_lose_client(struct gw_request *request);

#endif
