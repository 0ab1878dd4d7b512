/*
 * io/http_server.c - see http_server.h. The door to libmicrohttpd, which parses and writes
 * HTTP/1.x for us in its external epoll mode (http_library.c): its epoll descriptor is watched by
 * our loop, and MHD_run does what is due. It owns no thread, no listening socket and no time-outs;
 * these are in http_accept.c and http_stage.c. Its unescaping is switched off: the guard decides on
 * the raw target, which is read before the library cuts it.
 *
 * One request: uri callback (request object, target) -> first handler call (head: guard, early
 * refusal) -> calls with body pieces -> last call (handed to on_request). Not answered on return:
 * the library calls again with each MHD_run, which is cheap as long as few wait and answers come
 * fast, and saves the epoll bookkeeping of suspending. After SPINS_MAX such calls, or when the loop
 * has nothing else to do, the connection is suspended: waiting then costs nothing. gw_http_reply
 * queues the response, resumes where needed, and defers one MHD_run for all replies of this turn.
 * Pipelined requests wait in both cases. A waiting connection does not notice that its client goes
 * away: it is polled every half second (GW_STAGE_WAIT), and gone once its sending side is closed.
 *
 * Heads that libmicrohttpd itself cannot parse get its own answer, with a body in HTML. Version
 * 1.0.1 also answers 400 to chunk extensions (it miscounts their line), which nobody sends.
 *
 * Thread: the loop's. Ownership: a connection is freed when libmicrohttpd says that it is closed;
 * requests are counted (http_request.h) and may outlive both.
 */
#include "io/http_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "io/http_accept.h"
#include "io/http_guard.h"
#include "io/http_library.h"
#include "io/http_linger.h"
#include "io/http_refusal.h"
#include "io/http_request.h"
#include "io/http_stage.h"
#include "io/http_tls.h"

#define RUNS_PER_TURN 4
#define SPINS_MAX 16u
#define SPARE_CONNECTIONS 16u
#define SMALL_HEAD_BYTES ((size_t)1024)     /* of an answer: there is always room */
#define POOL_SPARE_BYTES ((size_t)2 * 1024) /* no more: it may be cleared with each request */
#define GONE_CHECK_NS (500 * GW_NS_PER_MS)
#define SEND_TIMEOUT_FACTOR 10u /* of the body's: slow readers are many, and answers bigger */
#define DISCARD_MAX ((uint64_t)8 << 20)

struct gw_http_server {
    struct eg_loop *loop;
    struct gw_http_server_config config;
    struct MHD_Daemon *daemon;
    struct gw_fd epoll;
    struct gw_task run;
    struct gw_turn_hook turn_end;
    struct gw_acceptor acceptor;
    struct gw_stages stages;
    struct gw_lingers lingers;
    struct gw_request_pool requests;
    struct gw_node connections;
    struct gw_connection *accepting; /* until libmicrohttpd has taken it */
    size_t pool_bytes;
    uint32_t in_flight;
    uint32_t spinning; /* requests that wait without being suspended */
    bool must_park;    /* suspend them now */
    bool is_running;   /* inside MHD_run */
    bool wants_run;    /* in the next turn */
    bool is_tls;
    bool is_quiescing;
    char trouble[256]; /* the library's last words, for ret_why */
};

struct gw_connection {
    struct gw_http_server *server;
    struct MHD_Connection *mhd;
    struct gw_node node;
    struct gw_stage_entry stage;
    struct gw_peer peer;
    int fd;
    struct gw_request *request;
    struct gw_client_cert *cert; /* read when first asked for */
    bool is_cert_read;
    bool must_linger;
    bool is_cut;
};

/* ---- running the library ---- */

static void run(struct gw_http_server *server) {
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    bool is_over = false;
    server->is_running = true;
    for (int i = 0; i < RUNS_PER_TURN && !is_over; i++) {
        (void)MHD_run(server->daemon);
        is_over = MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES || timeout_ms != 0;
        if (server->spinning > 0) {
            break; /* these count as work for ever: go on in the next turn */
        }
    }
    server->is_running = false;
    server->wants_run = !is_over;
}

static void on_epoll(struct gw_fd *fd, uint32_t events) {
    (void)events;
    run(GW_CONTAINER(fd, struct gw_http_server, epoll));
}

static void on_run(struct gw_task *task) {
    struct gw_http_server *server = GW_CONTAINER(task, struct gw_http_server, run);
    server->must_park = !gw_loop_is_busy(server->loop);
    run(server);
    server->must_park = false;
}

/* A task that is deferred here keeps the loop from sleeping and runs in the next turn. */
static void on_turn_end(struct gw_turn_hook *hook) {
    struct gw_http_server *server = GW_CONTAINER(hook, struct gw_http_server, turn_end);
    if (server->wants_run) {
        gw_loop_defer(server->loop, &server->run);
    }
}

/* ---- waiting ---- */

static void set_wait(struct gw_request *request, enum gw_wait to) {
    struct gw_http_server *server = request->pub.server;
    const enum gw_wait from = request->wait;
    request->wait = to;
    server->spinning += to == GW_WAIT_SPINNING ? 1 : 0;
    server->spinning -= from == GW_WAIT_SPINNING ? 1 : 0;
    if (to == GW_WAIT_SUSPENDED) {
        MHD_suspend_connection(request->connection->mhd);
    } else if (from == GW_WAIT_SUSPENDED) {
        MHD_resume_connection(request->connection->mhd);
    }
    if (to == GW_WAIT_NOT) {
        gw_loop_defer(server->loop, &server->run);
    }
}

/* ---- refusals ---- */

/* Past libmicrohttpd, which can answer complete heads only. Not inside TLS. */
static void write_refusal(const struct gw_http_server *server, int fd, uint32_t status,
                          const char *message) {
    if (!server->is_tls) {
        gw_http_write_refusal(fd, status, message);
    }
}

/* Ends a connection in whatever state: the library finds the socket shut, and lets go of it. */
static void cut(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    gw_stage_leave(&connection->stage);
    if (connection->is_cut) {
        return;
    }
    connection->is_cut = true;
    (void)shutdown(connection->fd, SHUT_RDWR);
    if (request != NULL) {
        set_wait(request, GW_WAIT_NOT);
    }
}

static void cut_with(struct gw_connection *connection, uint32_t status, const char *message) {
    gw_http_count_refusal(connection->server->config.name, status);
    write_refusal(connection->server, connection->fd, status, message);
    connection->must_linger = true;
    cut(connection);
}

/* The client has gone before the reply: tell the handler once. */
static void lose_client(struct gw_request *request) {
    struct gw_http_server *server = request->pub.server;
    if (request->pub.is_gone) {
        return;
    }
    request->pub.is_gone = true;
    if (request->is_handed && !request->is_answered && server->config.on_gone != NULL) {
        server->config.on_gone(server->config.arg, &request->pub);
    }
}

static void on_late(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage) {
    struct gw_connection *connection = GW_CONTAINER(entry, struct gw_connection, stage);
    if ((stage == GW_STAGE_WAIT || stage == GW_STAGE_PAUSE) && !gw_peer_has_left(connection->fd)) {
        gw_stage_go_on(stages, entry, stage == GW_STAGE_WAIT ? stage : GW_STAGE_IDLE);
        return;
    }
    if (stage == GW_STAGE_WAIT) {
        lose_client(connection->request);
    } else if (stage == GW_STAGE_HEAD && connection->request != NULL) {
        cut_with(connection, 408, "the request head did not arrive in time");
        return;
    } else if (stage == GW_STAGE_BODY) {
        cut_with(connection, 408, "the request body did not arrive in time");
        return;
    }
    cut(connection);
}

/* ---- connections ---- */

static void on_accept(struct gw_acceptor *acceptor, int fd, const struct gw_peer *peer,
                      bool is_refused) {
    struct gw_http_server *server = GW_CONTAINER(acceptor, struct gw_http_server, acceptor);
    if (is_refused) {
        gw_http_count_refusal(server->config.name, 503);
        write_refusal(server, fd, 503, "too many connections");
        gw_linger(&server->lingers, fd);
        return;
    }
    struct gw_connection *connection = gw_alloc(sizeof *connection);
    connection->server = server;
    connection->fd = fd;
    connection->peer = *peer;
    gw_list_push(&server->connections, &connection->node);
    server->accepting = connection;
    const enum MHD_Result added = MHD_add_connection(
        server->daemon, fd, (const struct sockaddr *)&peer->address, peer->address_len);
    if (server->accepting != NULL) { /* it was refused, and the socket closed */
        server->accepting = NULL;
        gw_list_remove(&connection->node);
        gw_acceptor_release(acceptor, &connection->peer);
        gw_free(connection);
    }
    if (added == MHD_YES) {
        gw_loop_defer(server->loop, &server->run);
    }
}

/* Closing would reset the connection under the client's answer when bytes are there that nobody has
 * read, or still to come: the library ends what it refuses in the middle of a request. */
static bool needs_linger(const struct gw_connection *connection) {
    const enum gw_stage stage = connection->stage.stage;
    int unread = 0;
    if (connection->server->is_tls) { /* only for the alert of a client without good certificate */
        return connection->server->config.tls.client_auth != GW_CLIENT_AUTH_NONE &&
               stage == GW_STAGE_HEAD && connection->request == NULL;
    }
    return connection->must_linger || stage == GW_STAGE_HEAD || stage == GW_STAGE_BODY ||
           (ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0);
}

/* The connection lets go of its request. */
static void detach(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    if (request->wait != GW_WAIT_NOT) {
        GW_ASSERT(request->wait == GW_WAIT_SPINNING);
        set_wait(request, GW_WAIT_NOT);
    }
    if (request->stored != NULL) {
        MHD_destroy_response(request->stored);
        request->stored = NULL;
    }
    connection->request = NULL;
    request->connection = NULL;
    gw_http_request_unref(&request->pub);
}

/* A request that the library has not told to be completed: it gave up in the middle, unanswered. */
static void drop_unfinished(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    if (request == NULL) {
        return;
    }
    if (!request->is_answered && !connection->is_cut) {
        gw_http_count_refusal(connection->server->config.name, 400);
        write_refusal(connection->server, connection->fd, 400, "the request body cannot be read");
    }
    lose_client(request);
    detach(connection);
}

static void end_connection(struct gw_connection *connection) {
    struct gw_http_server *server = connection->server;
    const bool must_linger = needs_linger(connection);
    drop_unfinished(connection);
    gw_stage_leave(&connection->stage);
    gw_list_remove(&connection->node);
    if (must_linger) {
        const int fd = dup(connection->fd);
        if (fd >= 0) {
            gw_linger(&server->lingers, fd);
        }
    }
    gw_acceptor_release(&server->acceptor, &connection->peer);
    gw_client_cert_free(connection->cert);
    gw_free(connection);
}

static void *tls_session_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

/* MHD_OPTION_NOTIFY_CONNECTION */
static void on_notify(void *arg, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code) {
    struct gw_http_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct gw_connection *connection = server->accepting;
        GW_ASSERT(connection != NULL);
        server->accepting = NULL;
        connection->mhd = mhd;
        *socket_context = connection;
        gw_stage_enter(&server->stages, &connection->stage, GW_STAGE_HEAD);
        if (server->config.tls.client_auth != GW_CLIENT_AUTH_NONE) {
            gw_tls_ask_client(tls_session_of(mhd), server->config.tls.client_auth);
        }
    } else if (*socket_context != NULL) {
        end_connection(*socket_context);
        *socket_context = NULL;
    }
}

static struct gw_connection *connection_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

struct eg_str gw_http_client_cert(const struct gw_http_request *pub, uint32_t field) {
    struct gw_request *request = GW_CONTAINER(pub, struct gw_request, pub);
    struct gw_connection *connection = request->connection;
    if (connection == NULL || connection->server->config.tls.client_auth == GW_CLIENT_AUTH_NONE) {
        return (struct eg_str){0};
    }
    if (!connection->is_cert_read) {
        connection->is_cert_read = true;
        connection->cert = gw_client_cert_read(tls_session_of(connection->mhd));
    }
    const struct eg_str value = gw_client_cert_field(connection->cert, field);
    return value.len == 0 ? value : gw_arena_dup(&request->pub.arena, value);
}

/* ---- replies ---- */

static void add_header(struct MHD_Response *response, struct gw_arena *arena, struct eg_str name,
                       struct eg_str value) {
    /* libmicrohttpd refuses an empty value; white space around a value is not part of it (RFC 9110
     * 5.5), so a blank says the same. */
    if (gw_is_token(name) && gw_is_field_value(value)) {
        (void)MHD_add_response_header(response, gw_arena_dup(arena, name).ptr,
                                      value.len == 0 ? " " : gw_arena_dup(arena, value).ptr);
    }
}

static struct MHD_Response *make_body(uint32_t status, struct eg_buf *body) {
    if (body->len == 0 || status == 204) {
        gw_buf_release(body);
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response =
        body->release == NULL
            ? MHD_create_response_from_buffer(body->len, (void *)(uintptr_t)body->ptr,
                                              MHD_RESPMEM_PERSISTENT)
            : MHD_create_response_from_buffer_with_free_callback_cls(
                  body->len, (void *)(uintptr_t)body->ptr, body->release, body->owner);
    *body = (struct eg_buf){0};
    return response;
}

/* What is left for the answer's head in the connection's memory, beside the request's. */
static size_t head_room_of(const struct gw_request *request) {
    struct MHD_Connection *mhd = request->connection->mhd;
    const size_t pool = request->pub.server->pool_bytes;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const int values = MHD_get_connection_values_n(
        mhd, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);
    const size_t cookies = gw_http_header(&request->pub, GW_STR("Cookie"), 0).len; /* copied */
    const size_t used = (info == NULL ? 0 : info->header_size) + cookies + (size_t)values * 80;
    return used < pool ? pool - used : 0;
}

static bool has_room(const struct gw_request *request, const struct gw_http_reply *reply) {
    const size_t bytes = gw_http_reply_head_bytes(reply);
    return bytes < SMALL_HEAD_BYTES || bytes < head_room_of(request);
}

static void queue(struct gw_request *request, uint32_t status, struct MHD_Response *response) {
    const enum MHD_Result queued = MHD_queue_response(request->connection->mhd, status, response);
    MHD_destroy_response(response);
    if (queued != MHD_YES) {
        gw_logf(EG_LOG_ERROR, "%s: libmicrohttpd has refused an answer with status %u",
                request->pub.server->config.name, status);
        cut(request->connection);
    }
}

/* Inside MHD_run the library may be in the middle of its list of connections: one that is not
 * suspended gets its response when it is called next. */
static void send_reply(struct gw_request *request, struct gw_http_reply *reply) {
    struct gw_http_server *server = request->pub.server;
    struct gw_arena *arena = &request->pub.arena;
    struct MHD_Response *response = make_body(reply->status, &reply->body);
    GW_ASSERT(response != NULL);
    for (size_t i = 0; i < reply->header_count; i++) {
        if (!gw_http_is_servers_own(reply->headers[i].name)) {
            add_header(response, arena, reply->headers[i].name, reply->headers[i].value);
        }
    }
    add_header(response, arena, GW_STR("x-request-id"), request->pub.request_id);
    if (server->is_quiescing || request->must_close) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    gw_stage_enter(&server->stages, &request->connection->stage, GW_STAGE_SEND);
    if (request->wait == GW_WAIT_SPINNING && server->is_running) {
        request->stored = response;
        request->stored_status = reply->status;
        server->wants_run = true;
    } else {
        queue(request, reply->status, response);
    }
}

/* Answers what cannot be handed over; the connection closes, so no byte behind the refused request
 * is taken for a new one. */
static void refuse(struct gw_request *request, uint32_t status, const char *reason) {
    const struct eg_kv headers[] = {
        {GW_STR("Content-Type"), GW_STR("application/json")},
        {GW_STR("Allow"), GW_STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")}};
    struct gw_http_reply reply = {.status = status,
                                  .headers = headers,
                                  .header_count = status == 405 || status == 501 ? 2 : 1,
                                  .body = gw_http_envelope(reason)};
    const struct gw_http_server_config *config = &request->pub.server->config;
    gw_http_count_refusal(config->name, status);
    if (config->on_refuse != NULL) {
        config->on_refuse(config->arg, &request->pub, reason, &reply);
    }
    request->is_answered = true;
    request->connection->must_linger = true;
    request->must_close = true;
    send_reply(request, &reply);
}

/* What no client could be sent becomes an error the operator can find. */
static void send_500(struct gw_request *request, struct gw_http_reply *instead_of,
                     const char *message) {
    const struct eg_kv json = {GW_STR("Content-Type"), GW_STR("application/json")};
    struct gw_http_reply reply = {
        .status = 500, .headers = &json, .header_count = 1, .body = gw_http_envelope(message)};
    gw_buf_release(&instead_of->body);
    send_reply(request, &reply);
}

void gw_http_reply(struct gw_http_request *pub, struct gw_http_reply *reply) {
    struct gw_request *request = gw_request_of(pub);
    GW_ASSERT(request->is_handed && !request->is_answered);
    request->is_answered = true;
    struct gw_connection *connection = request->connection;
    if (pub->server != NULL) {
        pub->server->in_flight--;
    }
    if (connection == NULL || connection->is_cut) {
        gw_buf_release(&reply->body);
        return;
    }
    if (reply->status < 200 || reply->status > 999) {
        send_500(request, reply, "the reply's status is no final status");
    } else if (!has_room(request, reply)) {
        send_500(request, reply, "the reply's headers are too big");
    } else {
        send_reply(request, reply);
    }
    if (request->wait != GW_WAIT_NOT && request->stored == NULL) {
        set_wait(request, GW_WAIT_NOT);
    }
}

/* ---- requests ---- */

/* MHD_OPTION_URI_LOG_CALLBACK: the raw target, before the library cuts it. What it returns comes as
 * *request_context to the others. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd) {
    struct gw_http_server *server = arg;
    struct gw_connection *connection = connection_of(mhd);
    struct gw_request *request = gw_request_take(&server->requests);
    GW_ASSERT(connection->request == NULL);
    request->pub.server = server;
    request->connection = connection;
    request->body_max = server->config.limits.body_bytes;
    request->pub.target = gw_arena_dup(&request->pub.arena, gw_str_c(target));
    connection->request = request;
    if (connection->stage.stage != GW_STAGE_HEAD) {
        gw_stage_enter(&server->stages, &connection->stage, GW_STAGE_HEAD);
    }
    return request;
}

struct header_sink {
    struct eg_kv *next;
    struct eg_kv *end;
};

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len) {
    struct header_sink *sink = arg;
    (void)kind;
    if (sink->next == sink->end) {
        return MHD_NO;
    }
    *sink->next++ =
        (struct eg_kv){.name = gw_str(name, name_len), .value = gw_str(value, value_len)};
    return MHD_YES;
}

/* libmicrohttpd 1.0.1 loses a connection whose chunk-size line outgrows its memory: it is marked as
 * closed, but in epoll mode nothing is due for it. Connections with a time-out of their own are
 * looked at with each MHD_run, so chunked uploads get one (which never fires; ours is earlier). */
static void watch_closely(struct MHD_Connection *mhd, bool is_on) {
    (void)MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, is_on ? 86400u : 0u);
}

/* The first call: the head is complete, nothing of the body has been read. */
static enum MHD_Result head_done(struct gw_request *request, const char *method,
                                 const char *version) {
    struct gw_http_server *server = request->pub.server;
    struct MHD_Connection *mhd = request->connection->mhd;
    const char *reason = NULL;
    const int count = MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, NULL, NULL);
    struct eg_kv *headers =
        gw_arena_alloc(&request->pub.arena, (size_t)(count + 1) * sizeof *headers);
    struct header_sink sink = {.next = headers, .end = headers + count};
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, take_header, &sink);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct gw_http_head head = {.method = gw_str_c(method),
                                .target = request->pub.target,
                                .version = gw_str_c(version),
                                .headers = headers,
                                .header_count = (size_t)(sink.next - headers),
                                .head_bytes = info == NULL ? 0 : info->header_size};
    const uint32_t status = gw_http_guard(&head, &server->config.limits, &reason);
    request->is_head_done = true;
    if (status != 0) {
        request->pub.request_id = gw_request_new_id(&request->pub.arena);
        refuse(request, status, reason);
        return MHD_YES;
    }
    gw_request_set_head(request, &head);
    request->pub.peer =
        gw_arena_dup(&request->pub.arena,
                     gw_str(request->connection->peer.text, request->connection->peer.text_len));
    if (head.is_chunked) {
        request->is_chunked = true;
        watch_closely(mhd, true);
    }
    if (head.is_chunked || head.announced_bytes > 0) {
        gw_stage_enter(&server->stages, &request->connection->stage, GW_STAGE_BODY);
    }
    return MHD_YES;
}

/* A chunked body that grows past the limit is read on, without keeping it, so that the client is
 * there for the 413; past DISCARD_MAX it is cut. */
static enum MHD_Result body_piece(struct gw_request *request, struct eg_str piece) {
    if (!gw_request_add_body(request, piece) && request->discarded_bytes > DISCARD_MAX) {
        cut_with(request->connection, 413, "the request body is too big");
        return MHD_NO;
    }
    return MHD_YES;
}

/* The last call. */
static enum MHD_Result hand_over(struct gw_request *request) {
    struct gw_http_server *server = request->pub.server;
    if (request->discarded_bytes > 0) {
        refuse(request, 413, "the request body is too big");
        return MHD_YES;
    }
    if (request->is_chunked) {
        watch_closely(request->connection->mhd, false);
    }
    request->pub.body = gw_bytes_str(&request->body);
    request->is_handed = true;
    request->references++; /* the handler's */
    server->in_flight++;
    gw_stage_enter(&server->stages, &request->connection->stage, GW_STAGE_WAIT);
    server->config.on_request(server->config.arg, &request->pub);
    if (!request->is_answered) {
        set_wait(request, GW_WAIT_SPINNING);
    }
    return MHD_YES;
}

/* Called again for a request that the handler has. */
static enum MHD_Result spin(struct gw_request *request) {
    if (request->stored != NULL) {
        struct MHD_Response *response = request->stored;
        request->stored = NULL;
        set_wait(request, GW_WAIT_NOT);
        queue(request, request->stored_status, response);
    } else if (!request->is_answered &&
               (++request->spins >= SPINS_MAX || request->pub.server->must_park)) {
        set_wait(request, GW_WAIT_SUSPENDED);
    }
    return MHD_YES;
}

/* MHD_AccessHandlerCallback. After an answer has been queued the library does not call again. */
static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_len, void **request_context) {
    struct gw_request *request = *request_context;
    (void)arg;
    (void)mhd;
    (void)url;
    if (request == NULL || request->connection->is_cut) {
        return MHD_NO; /* closes the connection */
    }
    if (request->is_handed) {
        return spin(request);
    }
    if (!request->is_head_done) {
        return head_done(request, method, version);
    }
    if (*data_len > 0) {
        const struct eg_str piece = gw_str(data, *data_len);
        *data_len = 0;
        return body_piece(request, piece);
    }
    return request->is_answered ? MHD_YES : hand_over(request);
}

/* MHD_OPTION_NOTIFY_COMPLETED: answered and sent, or broken off. */
static void on_completed(void *arg, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode code) {
    struct gw_http_server *server = arg;
    struct gw_request *request = *request_context;
    (void)mhd;
    *request_context = NULL;
    if (request == NULL) {
        return;
    }
    struct gw_connection *connection = request->connection;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK || !request->is_answered) {
        lose_client(request);
    }
    if (!connection->is_cut) {
        gw_stage_enter(&server->stages, &connection->stage, GW_STAGE_PAUSE);
    }
    detach(connection);
}

/* ---- life ---- */

__attribute__((format(printf, 2, 0))) static void on_library_log(void *arg, const char *format,
                                                                 va_list args) {
    struct gw_http_server *server = arg;
    (void)vsnprintf(server->trouble, sizeof server->trouble, format, args);
    const struct eg_str text = gw_str_trim(gw_str_c(server->trouble));
    server->trouble[text.len] = '\0';
    gw_loop_defer(server->loop, &server->run); /* see watch_closely */
    gw_logf(EG_LOG_DEBUG, "%s: libmicrohttpd: %s", server->config.name, server->trouble);
}

static void set_stages(struct gw_http_server *server) {
    const struct gw_http_limits *limits = &server->config.limits;
    uint64_t *timeout_ns = server->stages.timeout_ns;
    gw_stages_init(&server->stages, server->loop);
    server->stages.on_late = on_late;
    timeout_ns[GW_STAGE_HEAD] = limits->head_timeout_ns;
    timeout_ns[GW_STAGE_BODY] = limits->body_timeout_ns;
    timeout_ns[GW_STAGE_WAIT] = timeout_ns[GW_STAGE_PAUSE] = GONE_CHECK_NS;
    timeout_ns[GW_STAGE_SEND] = limits->body_timeout_ns * SEND_TIMEOUT_FACTOR;
    timeout_ns[GW_STAGE_IDLE] = limits->idle_timeout_ns;
}

/* When the last request is gone after destroy. */
static void free_server(struct gw_request_pool *requests) {
    gw_free(GW_CONTAINER(requests, struct gw_http_server, requests));
}

static int32_t start_daemon(struct gw_http_server *server, struct eg_why *ret_why) {
    const struct gw_library_setup setup = {
        .arg = server,
        .on_access = on_access,
        .on_target = on_target,
        .on_completed = on_completed,
        .on_notify = on_notify,
        .on_log = on_library_log,
        .tls = &server->config.tls,
        .pool_bytes = server->pool_bytes,
        .connections = server->config.limits.connections + SPARE_CONNECTIONS,
    };
    server->daemon = gw_library_start(&setup);
    if (server->daemon == NULL) {
        return gw_why(
            ret_why, EG_E_INVAL, "the HTTP server \"%s\" cannot start: %s", server->config.name,
            server->trouble[0] != '\0' ? server->trouble : "libmicrohttpd gives no reason");
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (gw_fd_watch(server->loop, &server->epoll, info->epoll_fd, EG_FD_READ, on_epoll) != EG_OK) {
        MHD_stop_daemon(server->daemon);
        return gw_why(ret_why, EG_E_IO, "the HTTP server \"%s\" cannot be watched",
                      server->config.name);
    }
    return EG_OK;
}

int32_t gw_http_server_start(struct eg_loop *loop, int fd,
                             const struct gw_http_server_config *config,
                             struct gw_http_server **ret_server, struct eg_why *ret_why) {
    struct gw_http_server *server = gw_alloc(sizeof *server);
    server->loop = loop;
    server->config = *config;
    server->is_tls = gw_tls_is_on(&config->tls);
    server->pool_bytes = (size_t)config->limits.head_bytes + POOL_SPARE_BYTES;
    server->run.fn = on_run;
    gw_list_init(&server->connections);
    gw_request_pool_init(&server->requests);
    server->requests.on_empty = free_server;
    gw_lingers_init(&server->lingers, loop);
    set_stages(server);
    server->acceptor.connections_max = config->limits.connections;
    server->acceptor.per_peer_max = config->limits.connections_per_ip;
    server->acceptor.on_accept = on_accept;
    server->acceptor.spread = config->spread;
    int32_t rc = start_daemon(server, ret_why);
    if (rc != EG_OK) {
        close(fd);
        gw_loop_undefer(&server->run);
        gw_free(server);
        return rc;
    }
    server->turn_end.fn = on_turn_end;
    gw_loop_hook(loop, &server->turn_end);
    rc = gw_acceptor_start(&server->acceptor, loop, fd);
    if (rc != EG_OK) {
        close(fd);
        gw_http_server_destroy(server);
        return gw_why(ret_why, rc, "the listening socket of \"%s\" cannot be watched",
                      config->name);
    }
    *ret_server = server;
    return EG_OK;
}

void gw_http_server_quiesce(struct gw_http_server *server) {
    server->is_quiescing = true;
    gw_acceptor_stop(&server->acceptor);
    for (struct gw_node *node = server->connections.next; node != &server->connections;) {
        struct gw_connection *connection = GW_CONTAINER(node, struct gw_connection, node);
        node = node->next;
        if (connection->request == NULL) {
            cut(connection);
        }
    }
}

uint32_t gw_http_server_in_flight(const struct gw_http_server *server) {
    uint32_t count = server->in_flight;
    for (struct gw_node *n = server->connections.next; n != &server->connections; n = n->next) {
        const struct gw_request *request = GW_CONTAINER(n, struct gw_connection, node)->request;
        count += request != NULL && (!request->is_handed || request->is_answered);
    }
    return count;
}

void gw_http_server_destroy(struct gw_http_server *server) {
    if (server == NULL) {
        return;
    }
    gw_acceptor_stop(&server->acceptor);
    for (struct gw_node *node = server->connections.next; node != &server->connections;) {
        struct gw_connection *connection = GW_CONTAINER(node, struct gw_connection, node);
        node = node->next;
        if (connection->request != NULL) {
            connection->request->pub.is_gone = true; /* the caller knows: no on_gone */
        }
        cut(connection);
    }
    gw_fd_unwatch(server->loop, &server->epoll);
    MHD_stop_daemon(server->daemon);
    gw_stages_stop(&server->stages);
    gw_loop_unhook(&server->turn_end);
    gw_loop_undefer(&server->run);
    gw_lingers_close(&server->lingers);
    gw_acceptor_free(&server->acceptor);
    gw_request_pool_close(&server->requests);
}
