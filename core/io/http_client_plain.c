/*
 * io/http_client_plain.c - the HTTP client's engine for plain http: HTTP/1.1 with kept connections
 * on the loop's own epoll. One exchange is one write (head and body together), one or few reads,
 * and no other system call while connections are kept; a tenth of what libcurl needs for the same.
 *
 *   begin -> (later in the turn) a connection (http_connections.c) -> send_request -> receive ->
 *   the parser (http_response.c) -> the call -> the connection is kept, or closed when not clean
 *
 * A request is sent a second time only when the connection had been used before, and has ended
 * before the first byte of an answer (RFC 9110 9.2.2, RFC 9112 9.3.1): a peer that gives up an idle
 * connection does not see what is under way to it. Then on a new connection; EG_HTTP_ONCE never.
 *
 * Thread: the loop's. Ownership: a call holds its connection from on_ready to the end of its
 * exchange.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_call.h"
#include "io/http_connections.h"
#include "io/http_write.h"

#define READ_BYTES ((size_t)65536)
#define SMALL_BYTES ((size_t)4096) /* of a request: copying it costs less than a second piece */
#define SENT_BY_ONE_TIME 8         /* requests, then the clock is read again */
#define READS_MAX 4                /* in one go, then others have their turn */

struct plain_engine {
    struct gw_http_engine engine;
    struct gw_http_connections pool;
    struct gw_node begun; /* exchanges of this turn: their requests go out together */
    struct gw_task send;
    char room[READ_BYTES]; /* of one read: all is used up before the next */
};

static struct eg_http_call *call_of(struct gw_http_waiter *waiter) {
    return GW_CONTAINER(waiter, struct eg_http_call, plain.waiter);
}

static struct plain_engine *engine_of(struct gw_http_connections *pool) {
    return GW_CONTAINER(pool, struct plain_engine, pool);
}

static bool is_once(const struct eg_http_call *call) {
    return (call->request->flags & EG_HTTP_ONCE) != 0;
}

/* ---- sending ---- */

static size_t request_bytes(const struct eg_http_call *call) {
    return call->plain.head.len + call->body.len;
}

static bool is_sent(const struct eg_http_call *call) {
    return call->plain.sent == request_bytes(call);
}

/* A small request as one piece: for one, the kernel does not fetch and check a list of them. */
static ssize_t write_small(const struct eg_http_call *call) {
    char room[SMALL_BYTES];
    const size_t head_bytes = call->plain.head.len;
    memcpy(room, call->plain.head.ptr, head_bytes);
    if (call->body.len > 0) {
        memcpy(room + head_bytes, call->body.ptr, call->body.len);
    }
    return send(call->plain.connection->fd.fd, room, request_bytes(call),
                MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What is left of head and body, in one system call. */
static ssize_t write_rest(const struct eg_http_call *call) {
    if (call->plain.sent == 0 && request_bytes(call) <= SMALL_BYTES) {
        return write_small(call);
    }
    const struct eg_str parts[] = {
        gw_str_cut(call->plain.head, call->plain.sent),
        gw_str_cut(call->body, call->plain.sent < call->plain.head.len
                                   ? 0
                                   : call->plain.sent - call->plain.head.len)};
    struct iovec vectors[2];
    struct msghdr message = {.msg_iov = vectors};
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        if (parts[i].len > 0) {
            vectors[message.msg_iovlen++] = (struct iovec){
                .iov_base = (void *)(uintptr_t)parts[i].ptr, .iov_len = parts[i].len};
        }
    }
    return sendmsg(call->plain.connection->fd.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A peer that takes no more may have answered already, or the connection has ended: the next read
 * finds out. */
static void send_rest(struct eg_http_call *call) {
    struct gw_plain_exchange *exchange = &call->plain;
    struct gw_http_connection *connection = exchange->connection;
    while (!is_sent(call) && !exchange->is_unwritable) {
        const ssize_t written = write_rest(call);
        if (written >= 0) {
            exchange->sent += (size_t)written;
        } else if (errno != EINTR) {
            exchange->is_unwritable = errno != EAGAIN && errno != EWOULDBLOCK;
            exchange->is_reset = errno == ECONNRESET;
            break;
        }
    }
    const bool waits = !is_sent(call) && !exchange->is_unwritable;
    gw_fd_change(connection->pool->loop, &connection->fd,
                 EG_FD_READ | GW_FD_NEWS | (waits ? EG_FD_WRITE : 0u));
}

/* Also the second time. */
static void send_request(struct eg_http_call *call, struct gw_http_connection *connection) {
    struct gw_plain_exchange *exchange = &call->plain;
    exchange->connection = connection;
    exchange->sent = 0;
    exchange->is_unwritable = exchange->is_reset = exchange->may_have_more = false;
    gw_http_call_is_connected(call);
    send_rest(call);
}

/* ---- the end ---- */

/* The exchange has no connection any more. */
static struct gw_http_connection *let_go(struct eg_http_call *call) {
    struct gw_http_connection *connection = call->plain.connection;
    call->plain.connection = NULL;
    call->plain.waiter.target = NULL;
    return connection;
}

static void fail(struct eg_http_call *call, int32_t error, const char *message) {
    gw_http_connection_close(let_go(call));
    gw_http_call_end(call, error, message);
}

/* extra: bytes have come that are none of this answer, or may have. */
static void succeed(struct eg_http_call *call, bool has_extra) {
    const bool is_kept = call->plain.response.keeps_alive && !has_extra &&
                         !call->plain.may_have_more && is_sent(call) && !is_once(call);
    struct gw_http_connection *connection = let_go(call);
    if (is_kept) {
        gw_http_connection_keep(connection);
    } else {
        gw_http_connection_close(connection);
    }
    gw_http_call_end(call, EG_OK, NULL);
}

/* ---- receiving: what the parser tells; false: the exchange has ended ---- */

static bool on_field(struct eg_http_call *call, struct eg_str rest) {
    (void)rest;
    gw_http_answer_add(&call->answer, call->plain.response.name, call->plain.response.value);
    return true;
}

static bool on_dropped(struct eg_http_call *call, struct eg_str rest) {
    (void)rest;
    gw_metric_add(call->answer.dropped_headers, 1);
    return true;
}

static bool on_interim(struct eg_http_call *call, struct eg_str rest) {
    (void)rest;
    call->answer.header_count = 0;
    return true;
}

static bool on_head(struct eg_http_call *call, struct eg_str rest) {
    (void)rest;
    call->status = call->plain.response.status;
    return true;
}

static bool on_body(struct eg_http_call *call, struct eg_str rest) {
    const struct gw_http_response *response = &call->plain.response;
    (void)rest;
    if (gw_http_call_body(call, response->value, response->length)) {
        return true;
    }
    fail(call, call->answer.error, call->answer.message);
    return false;
}

static bool on_end(struct eg_http_call *call, struct eg_str rest) {
    succeed(call, rest.len > 0);
    return false;
}

static bool on_bad(struct eg_http_call *call, struct eg_str rest) {
    (void)rest;
    fail(call, call->plain.response.error, call->plain.response.message);
    return false;
}

static bool tell(struct eg_http_call *call, enum gw_response_event event, struct eg_str rest) {
    static bool (*const tells[])(struct eg_http_call * call, struct eg_str rest) = {
        [GW_RESPONSE_FIELD] = on_field,     [GW_RESPONSE_DROPPED] = on_dropped,
        [GW_RESPONSE_INTERIM] = on_interim, [GW_RESPONSE_HEAD] = on_head,
        [GW_RESPONSE_BODY] = on_body,       [GW_RESPONSE_END] = on_end,
        [GW_RESPONSE_BAD] = on_bad,
    };
    return tells[event](call, rest);
}

static bool parse(struct eg_http_call *call, struct eg_str input) {
    for (;;) {
        const enum gw_response_event event = gw_http_response_next(&call->plain.response, &input);
        if (event == GW_RESPONSE_MORE) {
            return true;
        }
        if (!tell(call, event, input)) {
            return false;
        }
    }
}

static bool has_answered(const struct eg_http_call *call) {
    const struct gw_http_response *response = &call->plain.response;
    return response->state != GW_AT_STATUS || response->head_bytes > 0 ||
           response->lines.kept.len > 0;
}

/* The connection has ended: in order, or not (error). After a write that was told of a reset the
 * read finds an end in order: an answer that ends with its connection would pass for a whole one.
 */
static void on_connection_end(struct eg_http_call *call, int error) {
    struct gw_plain_exchange *exchange = &call->plain;
    if (!has_answered(call) && exchange->connection->has_been_used && !exchange->is_second_try &&
        !is_once(call)) {
        struct gw_http_connection *connection = exchange->connection;
        exchange->connection = NULL;
        exchange->is_second_try = true;
        call->is_connecting = call->is_connected = false;
        gw_http_connection_replace(connection);
        return;
    }
    if (error != 0 || exchange->is_reset) {
        fail(call, EG_E_IO,
             has_answered(call) ? "the connection broke in the middle of the answer"
                                : "the connection broke before an answer came");
        return;
    }
    (void)tell(call, gw_http_response_eof(&exchange->response), (struct eg_str){0});
}

/* True: go on reading, there may be more. */
static bool receive(struct eg_http_call *call) {
    struct gw_http_connection *connection = call->plain.connection;
    char *room = engine_of(connection->pool)->room;
    const ssize_t got = recv(connection->fd.fd, room, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return false;
    }
    if (got <= 0) {
        on_connection_end(call, got < 0 ? errno : 0);
        return false;
    }
    call->plain.may_have_more = (size_t)got == READ_BYTES;
    gw_http_call_is_alive(call);
    return parse(call, gw_str(room, (size_t)got)) && (size_t)got == READ_BYTES;
}

/* ---- what the pool tells ---- */

static void on_socket(struct gw_http_connection *connection, uint32_t events) {
    struct eg_http_call *call = call_of(connection->user);
    if ((events & EG_FD_WRITE) != 0) {
        send_rest(call);
    }
    bool has_more = (events & EG_FD_READ) != 0;
    for (int i = 0; has_more && i < READS_MAX; i++) {
        has_more = receive(call);
    }
    if (has_more) {
        gw_fd_again(connection->pool->loop, &connection->fd);
    }
}

static void on_ready(struct gw_http_waiter *waiter, struct gw_http_connection *connection) {
    send_request(call_of(waiter), connection);
}

static void on_failed(struct gw_http_waiter *waiter, int32_t error, const char *reason) {
    struct eg_http_call *call = call_of(waiter);
    gw_http_call_end(call, error, gw_arena_dup(&call->arena, gw_str_c(reason)).ptr);
}

static void on_connecting(struct gw_http_waiter *waiter) {
    gw_http_call_is_connecting(call_of(waiter));
}

/* ---- the engine ---- */

static void get_connection(struct plain_engine *engine, struct eg_http_call *call,
                           uint64_t now_ns) {
    const uint16_t port = call->target.port != 0 ? call->target.port : 80;
    struct gw_http_connection *connection = gw_http_connections_get(
        &engine->pool, &call->plain.waiter, call->target.host, port, now_ns);
    if (connection != NULL) {
        send_request(call, connection);
    }
}

/* All that the turn has begun, one after the other: a peer that was woken by the first request
 * finds the others there, and what the turn has given back is used again. */
static void on_begun(struct gw_task *task) {
    struct plain_engine *engine = GW_CONTAINER(task, struct plain_engine, send);
    uint64_t now_ns = 0;
    size_t count = 0;
    for (struct gw_node *node; (node = gw_list_shift(&engine->begun)) != NULL; count++) {
        now_ns = count % SENT_BY_ONE_TIME == 0 ? gw_monotonic_ns() : now_ns;
        get_connection(engine, GW_CONTAINER(node, struct eg_http_call, plain.node), now_ns);
    }
}

static void begin(struct gw_http_engine *base, struct eg_http_call *call) {
    struct plain_engine *engine = GW_CONTAINER(base, struct plain_engine, engine);
    struct gw_plain_exchange *exchange = &call->plain;
    gw_http_response_begin(&exchange->response, gw_str_eq(call->method, GW_STR("HEAD")));
    exchange->head = gw_http_write_head(call);
    exchange->is_second_try = false;
    exchange->waiter.needs_new = is_once(call);
    gw_list_push(&engine->begun, &exchange->node);
    gw_loop_defer(engine->pool.loop, &engine->send);
}

/* A connection on which an exchange was given up is not clean. */
static void leave(struct gw_http_engine *base, struct eg_http_call *call) {
    struct plain_engine *engine = GW_CONTAINER(base, struct plain_engine, engine);
    gw_http_response_rest(&call->plain.response);
    gw_list_remove(&call->plain.node);
    if (call->plain.connection != NULL) {
        gw_http_connection_close(let_go(call));
    } else {
        gw_http_connections_leave(&engine->pool, &call->plain.waiter);
    }
}

static void destroy(struct gw_http_engine *base) {
    struct plain_engine *engine = GW_CONTAINER(base, struct plain_engine, engine);
    gw_loop_undefer(&engine->send);
    gw_http_connections_free(&engine->pool);
    gw_free(engine);
}

struct gw_http_engine *gw_http_plain_create(struct eg_loop *loop,
                                            const struct gw_http_client_config *config) {
    static const struct gw_http_connection_events events = {.on_ready = on_ready,
                                                            .on_failed = on_failed,
                                                            .on_connecting = on_connecting,
                                                            .on_socket = on_socket};
    struct plain_engine *engine = gw_alloc(sizeof *engine);
    engine->engine = (struct gw_http_engine){begin, leave, destroy};
    gw_http_connections_init(&engine->pool, loop, config, &events);
    gw_list_init(&engine->begun);
    engine->send.fn = on_begun;
    return &engine->engine;
}
