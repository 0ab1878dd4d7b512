/*
 * io/http_call.h - one call of the HTTP client, and what its front (http_client.c) and its two
 * engines (http_client_curl.c, http_client_plain.c) want of each other. Inside io/ only.
 *
 * The front owns the call: its deadlines, its redirects, its answer and its end. An engine is given
 * one exchange at a time, tells how it goes, and forgets the call when it says `end` or is told to
 * leave. Loop thread.
 */
#ifndef GW_IO_HTTP_CALL_H
#define GW_IO_HTTP_CALL_H

#include "io/http_answer.h"
#include "io/http_client.h"
#include "io/http_response.h"

struct gw_curl_exchange;
struct gw_http_connection;

/* What waits for a connection: http_connections.h. */
struct gw_http_waiter {
    struct gw_node node;
    struct gw_http_target *target;
    struct gw_http_dial *dial; /* connecting for it */
    bool needs_new;            /* no connection that was used before */
};

/* The plain engine's part of a call. */
struct gw_plain_exchange {
    struct gw_http_waiter waiter;
    struct gw_node node;                   /* begun: until it asks for a connection */
    struct gw_http_connection *connection; /* NULL = waits for one */
    struct gw_http_response response;      /* the parser */
    struct eg_str head;                    /* of the request, in the call's arena */
    size_t sent;                           /* bytes of head and body together */
    bool is_unwritable;                    /* the peer takes no more; it may still answer */
    bool is_reset;                         /* found by a write: no read tells it again */
    bool may_have_more;                    /* the last read was a full one */
    bool is_second_try;
};

struct eg_http_call {
    uint32_t magic;
    struct gw_http_client *client;
    struct gw_node node;
    struct gw_arena arena; /* of all exchanges; recycled with the call */
    const struct eg_http_request *request;
    void (*on_done)(void *arg, const struct eg_http_response *response);
    void *arg;
    struct gw_timer deadline; /* due_ns, or armed for an earlier time */
    uint64_t due_ns;          /* UINT64_MAX = there is none */
    uint64_t ends_at_ns;
    struct gw_timer silence; /* idle_timeout_ns of the request */
    struct gw_task later;    /* what may not be done at once */
    int32_t later_error;
    const char *later_message;
    uint32_t redirects;
    bool has_become_get; /* by a redirect */

    /* The exchange: the first, or one of a redirect. */
    struct eg_str url;
    struct gw_url target; /* url, split */
    struct eg_str method;
    struct eg_str body;
    bool is_foreign;    /* another origin than that of the request: no credentials */
    bool is_connecting; /* and no longer waiting for one of the connections there may be */
    bool is_connected;  /* the request goes out */
    int32_t status;     /* of the answer, told by the engine before its body */
    struct gw_http_answer answer;  /* its error is the first, and wins */
    struct gw_http_engine *engine; /* that works on the exchange, NULL = none */

    struct gw_curl_exchange *curl;
    struct gw_plain_exchange plain;
};

struct gw_http_engine {
    /* Begins the exchange. Never ends it inside: gw_http_call_end_later. */
    void (*begin)(struct gw_http_engine *engine, struct eg_http_call *call);
    /* Forgets the call, whatever it waits for, and the memory that it holds for its exchange. */
    void (*leave)(struct gw_http_engine *engine, struct eg_http_call *call);
    void (*destroy)(struct gw_http_engine *engine);
};

/* The config has its defaults in place, and outlives the engine. */
int32_t gw_http_curl_create(struct eg_loop *loop, const struct gw_http_client_config *config,
                            struct gw_http_engine **ret_engine);
struct gw_http_engine *gw_http_plain_create(struct eg_loop *loop,
                                            const struct gw_http_client_config *config);
/* Where a Location leads (RFC 3986 5); in the arena. What cannot be resolved stays as it is. */
struct eg_str gw_http_curl_resolve(struct gw_arena *arena, struct eg_str base,
                                   struct eg_str location);

/* ---- what engines tell of a call ---- */

/* Name lookup or the first socket, whichever is first: only now the connection's time runs. */
void gw_http_call_is_connecting(struct eg_http_call *call);
/* There is a connection, and the request is about to go out. */
void gw_http_call_is_connected(struct eg_http_call *call);
/* Something came (or the request goes out): the time of silence begins anew. */
void gw_http_call_is_alive(struct eg_http_call *call);
/* The next piece of the body; announced: the Content-Length, 0 = unknown. False: no more of it,
 * the call has an error. */
bool gw_http_call_body(struct eg_http_call *call, struct eg_str piece, uint64_t announced);
/* The exchange has ended; the call may be gone, or in its next exchange, when it returns. message:
 * why it failed. */
void gw_http_call_end(struct eg_http_call *call, int32_t error, const char *message);
/* The same for errors, soon: for begin. message is static text or lives in the call's arena. */
void gw_http_call_end_later(struct eg_http_call *call, int32_t error, const char *message);

/* ---- of the request, the same for both engines ---- */

/* Is this header sent with this exchange? Not Content-Type without a body, nor credentials to
 * another origin. */
bool gw_http_call_sends(const struct eg_http_call *call, const struct eg_kv *header);

#endif
