/*
 * io/http_request.h - request objects of one server: counted by reference, recycled with their
 * arenas. Everything of a request is copied into it, so it may outlive its connection and even its
 * server. Pure but for the pool; loop thread only.
 */
#ifndef GW_IO_HTTP_REQUEST_H
#define GW_IO_HTTP_REQUEST_H

#include "base/bytes.h"
#include "base/list.h"
#include "io/http_guard.h"
#include "io/http_server.h"

struct gw_connection;
struct MHD_Response;

/* How an unanswered request waits, see http_server_library.c. */
enum gw_wait { GW_WAIT_NOT, GW_WAIT_SPINNING, GW_WAIT_SUSPENDED };

struct gw_request {
    struct gw_http_request pub; /* first: what the handler sees */
    uint32_t magic;
    uint32_t references;
    struct gw_node node; /* in the pool */
    struct gw_request_pool *pool;
    struct gw_connection *connection; /* NULL when it has ended */
    struct gw_bytes body;             /* heap; kept when small */
    uint64_t body_max;
    uint64_t discarded_bytes; /* of a body past body_max */
    bool is_head_done;
    bool is_chunked;
    bool is_handed; /* the handler has it */
    bool is_answered;
    bool is_http_1_0;
    /* of libmicrohttpd's engine */
    enum gw_wait wait;
    uint32_t spins;
    struct MHD_Response *stored; /* to be queued by the next call of the library */
    uint32_t stored_status;
    bool must_close; /* the connection, after the answer */
};

struct gw_request_pool {
    struct gw_node idle;
    uint32_t idle_count;
    uint32_t alive; /* taken and not given back */
    /* The last request was given back after close. */
    void (*on_empty)(struct gw_request_pool *pool);
    bool is_closed;
};

void gw_request_pool_init(struct gw_request_pool *pool);
/* Frees what is idle; what is alive is freed when given back, then on_empty is called (at once when
 * there is none). */
void gw_request_pool_close(struct gw_request_pool *pool);
/* With one reference. */
struct gw_request *gw_request_take(struct gw_request_pool *pool);
struct gw_request *gw_request_of(struct gw_http_request *request);

/* Copies what the guard has let in and is not in the request's arena yet: all but the target. */
void gw_request_copy_head(struct gw_request *request, struct gw_http_head *head);
/* From now on the request is told by this head, which lives in its arena. */
void gw_request_set_head(struct gw_request *request, const struct gw_http_head *head);
/* Room for the body that was announced. */
void gw_request_expect_body(struct gw_request *request, uint64_t bytes);
/* A request that is refused before its head is believed has an id all the same. */
void gw_request_need_id(struct gw_request *request);
/* Appends to the body; false when body_max is exceeded: the piece is dropped and counted. */
bool gw_request_add_body(struct gw_request *request, struct eg_str piece);

#endif
