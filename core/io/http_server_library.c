/*
 * io/http_server_library.c - the engine of the HTTP server that TLS needs, and that may be asked
 * for: the door to libmicrohttpd, which parses and writes HTTP/1.x for us in its external epoll
 * mode (http_library.c): its epoll descriptor is watched by our loop, and MHD_run does what is due.
 * It owns no thread, no listening socket and no time-outs. Its unescaping is switched off: the
 * guard decides on the raw target, which is read before the library cuts it.
 *
 * One request: uri callback (request object, target) -> first handler call (head: guard, early
 * refusal) -> calls with body pieces -> last call (handed to on_request). Not answered on return:
 * the library calls again with each MHD_run, which is cheap as long as few wait and answers come
 * fast, and saves the epoll bookkeeping of suspending. After SPINS_MAX such calls, or when the loop
 * has nothing else to do, the connection is suspended: waiting then costs nothing. gw_http_reply
 * queues the response, resumes where needed, and defers one MHD_run for all replies of this turn.
 * Pipelined requests wait in both cases.
 *
 * Heads that libmicrohttpd itself cannot parse get its own answer, with a body in HTML. Version
 * 1.0.1 also answers 400 to chunk extensions, which nobody sends: it takes the LF of their line for
 * the first byte of the chunk (and a chunk whose size is one too big for a good one). To an empty
 * line before a request it is silent.
 *
 * Thread: the loop's. Ownership: a connection is freed when libmicrohttpd says that it is closed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "io/http_library.h"
#include "io/http_refusal.h"
#include "io/http_server_inner.h"
#include "io/http_tls.h"

#define RUNS_PER_TURN 4
#define SPINS_MAX 16u
#define SPARE_CONNECTIONS 16u
#define POOL_SPARE_BYTES ((size_t)2 * 1024) /* no more: it may be cleared with each request */

struct gw_library_server {
    struct gw_http_server *front;
    struct MHD_Daemon *daemon;
    struct gw_fd epoll;
    struct gw_task run;
    struct gw_turn_hook turn_end;
    struct library_connection *accepting; /* until libmicrohttpd has taken it */
    size_t pool_bytes;
    uint32_t spinning; /* requests that wait without being suspended */
    bool must_park;    /* suspend them now */
    bool is_running;   /* inside MHD_run */
    bool wants_run;    /* in the next turn */
    char trouble[256]; /* the library's last words, for ret_why */
};

struct library_connection {
    struct gw_connection base;
    struct MHD_Connection *mhd;
    struct gw_client_cert *cert; /* read when first asked for */
    bool is_cert_read;
};

static struct library_connection *of(const struct gw_request *request) {
    return GW_CONTAINER(request->connection, struct library_connection, base);
}

static struct gw_library_server *server_of(const struct gw_request *request) {
    return request->pub.server->library;
}

/* ---- running the library ---- */

static void run(struct gw_library_server *library) {
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    bool is_over = false;
    library->is_running = true;
    for (int i = 0; i < RUNS_PER_TURN && !is_over; i++) {
        (void)MHD_run(library->daemon);
        is_over = MHD_get_timeout(library->daemon, &timeout_ms) != MHD_YES || timeout_ms != 0;
        if (library->spinning > 0) {
            break; /* these count as work for ever: go on in the next turn */
        }
    }
    library->is_running = false;
    library->wants_run = !is_over;
}

static void on_epoll(struct gw_fd *fd, uint32_t events) {
    (void)events;
    run(GW_CONTAINER(fd, struct gw_library_server, epoll));
}

static void on_run(struct gw_task *task) {
    struct gw_library_server *library = GW_CONTAINER(task, struct gw_library_server, run);
    library->must_park = !gw_loop_is_busy(library->front->loop);
    run(library);
    library->must_park = false;
}

/* A task that is deferred here keeps the loop from sleeping and runs in the next turn. */
static void on_turn_end(struct gw_turn_hook *hook) {
    struct gw_library_server *library = GW_CONTAINER(hook, struct gw_library_server, turn_end);
    if (library->wants_run) {
        gw_loop_defer(library->front->loop, &library->run);
    }
}

/* ---- waiting ---- */

static void set_wait(struct gw_request *request, enum gw_wait to) {
    struct gw_library_server *library = server_of(request);
    const enum gw_wait from = request->wait;
    request->wait = to;
    library->spinning += to == GW_WAIT_SPINNING ? 1 : 0;
    library->spinning -= from == GW_WAIT_SPINNING ? 1 : 0;
    if (to == GW_WAIT_SUSPENDED) {
        MHD_suspend_connection(of(request)->mhd);
    } else if (from == GW_WAIT_SUSPENDED) {
        MHD_resume_connection(of(request)->mhd);
    }
    if (to == GW_WAIT_NOT) {
        gw_loop_defer(library->front->loop, &library->run);
    }
}

/* libmicrohttpd finds the socket shut, and lets go of it. */
static void cut(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    (void)shutdown(connection->fd, SHUT_RDWR);
    if (request != NULL) {
        set_wait(request, GW_WAIT_NOT);
    }
}

/* ---- connections ---- */

static void take(struct gw_http_server *server, int fd, const struct gw_peer *peer) {
    struct gw_library_server *library = server->library;
    struct library_connection *connection = gw_alloc(sizeof *connection);
    gw_server_connect(server, &connection->base, fd, peer);
    library->accepting = connection;
    const enum MHD_Result added = MHD_add_connection(
        library->daemon, fd, (const struct sockaddr *)&peer->address, peer->address_len);
    if (library->accepting != NULL) { /* it was refused, and the socket closed */
        library->accepting = NULL;
        connection->base.is_ended = true;
        gw_server_end(&connection->base, false);
    }
    if (added == MHD_YES) {
        gw_loop_defer(server->loop, &library->run);
    }
}

/* What the library keeps for a request. */
static void settle(struct gw_request *request) {
    if (request->wait != GW_WAIT_NOT) {
        GW_ASSERT(request->wait == GW_WAIT_SPINNING);
        set_wait(request, GW_WAIT_NOT);
    }
    if (request->stored != NULL) {
        MHD_destroy_response(request->stored);
        request->stored = NULL;
    }
}

static void end_connection(struct library_connection *connection) {
    if (connection->base.request != NULL) {
        settle(connection->base.request);
    }
    gw_client_cert_free(connection->cert);
    gw_server_end(&connection->base, false);
}

static void *tls_session_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

/* MHD_OPTION_NOTIFY_CONNECTION */
static void on_notify(void *arg, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code) {
    struct gw_library_server *library = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct library_connection *connection = library->accepting;
        GW_ASSERT(connection != NULL);
        library->accepting = NULL;
        connection->mhd = mhd;
        *socket_context = connection;
        const enum gw_client_auth auth = library->front->config.tls.client_auth;
        if (auth != GW_CLIENT_AUTH_NONE) {
            gw_tls_ask_client(tls_session_of(mhd), auth);
        }
    } else if (*socket_context != NULL) {
        end_connection(*socket_context);
        *socket_context = NULL;
    }
}

static struct library_connection *connection_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

struct eg_str gw_http_client_cert(const struct gw_http_request *pub, uint32_t field) {
    struct gw_request *request = GW_CONTAINER(pub, struct gw_request, pub);
    if (request->connection == NULL ||
        request->connection->server->config.tls.client_auth == GW_CLIENT_AUTH_NONE) {
        return (struct eg_str){0};
    }
    struct library_connection *connection = of(request); /* TLS is this engine's */
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
static size_t head_room(const struct gw_request *request) {
    struct MHD_Connection *mhd = of(request)->mhd;
    const size_t pool = server_of(request)->pool_bytes;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const int values = MHD_get_connection_values_n(
        mhd, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);
    const size_t cookies = gw_http_header(&request->pub, GW_STR("Cookie"), 0).len; /* copied */
    const size_t used = (info == NULL ? 0 : info->header_size) + cookies + (size_t)values * 80;
    return used < pool ? pool - used : 0;
}

static void queue(struct gw_request *request, uint32_t status, struct MHD_Response *response) {
    const enum MHD_Result queued = MHD_queue_response(of(request)->mhd, status, response);
    MHD_destroy_response(response);
    if (queued != MHD_YES) {
        gw_logf(EG_LOG_ERROR, "%s: libmicrohttpd has refused an answer with status %u",
                request->pub.server->config.name, status);
        gw_server_cut(request->connection);
    }
}

/* Inside MHD_run the library may be in the middle of its list of connections: one that is not
 * suspended gets its response when it is called next. */
static void send_reply(struct gw_request *request, struct gw_http_reply *reply) {
    struct gw_http_server *server = request->pub.server;
    struct gw_library_server *library = server->library;
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
    if (request->wait == GW_WAIT_SPINNING && library->is_running) {
        request->stored = response;
        request->stored_status = reply->status;
        library->wants_run = true;
    } else {
        queue(request, reply->status, response);
    }
    if (request->wait != GW_WAIT_NOT && request->stored == NULL) {
        set_wait(request, GW_WAIT_NOT);
    }
}

/* ---- requests ---- */

/* MHD_OPTION_URI_LOG_CALLBACK: the raw target, before the library cuts it. What it returns comes as
 * *request_context to the others. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd) {
    struct gw_http_server *server = ((struct gw_library_server *)arg)->front;
    struct gw_connection *connection = &connection_of(mhd)->base;
    struct gw_request *request = gw_server_attach(connection);
    request->pub.target = gw_arena_dup(&request->pub.arena, gw_str_c(target));
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
    struct MHD_Connection *mhd = of(request)->mhd;
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
    if (!gw_server_head_done(request, &head, false)) {
        return MHD_YES;
    }
    if (head.is_chunked) {
        request->is_chunked = true;
        watch_closely(mhd, true);
    }
    gw_request_expect_body(request, head.announced_bytes);
    if (head.is_chunked || head.announced_bytes > 0) {
        gw_stage_enter(&server->stages, &request->connection->stage, GW_STAGE_BODY);
    }
    return MHD_YES;
}

/* The last call. */
static enum MHD_Result hand_over(struct gw_request *request) {
    if (request->is_chunked) {
        watch_closely(of(request)->mhd, false);
    }
    gw_server_hand_over(request);
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
               (++request->spins >= SPINS_MAX || server_of(request)->must_park)) {
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
        return gw_server_add_body(request, piece) ? MHD_YES : MHD_NO;
    }
    return request->is_answered ? MHD_YES : hand_over(request);
}

/* MHD_OPTION_NOTIFY_COMPLETED: answered and sent, or broken off. */
static void on_completed(void *arg, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode code) {
    struct gw_http_server *server = ((struct gw_library_server *)arg)->front;
    struct gw_request *request = *request_context;
    (void)mhd;
    *request_context = NULL;
    if (request == NULL) {
        return;
    }
    struct gw_connection *connection = request->connection;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK || !request->is_answered) {
        gw_server_lose_client(request);
    }
    if (!connection->is_cut) {
        gw_stage_enter(&server->stages, &connection->stage, GW_STAGE_PAUSE);
    }
    settle(request);
    gw_server_detach(connection);
}

/* ---- life ---- */

__attribute__((format(printf, 2, 0))) static void on_library_log(void *arg, const char *format,
                                                                 va_list args) {
    struct gw_library_server *library = arg;
    (void)vsnprintf(library->trouble, sizeof library->trouble, format, args);
    const struct eg_str text = gw_str_trim(gw_str_c(library->trouble));
    library->trouble[text.len] = '\0';
    gw_loop_defer(library->front->loop, &library->run); /* see watch_closely */
    gw_logf(EG_LOG_DEBUG, "%s: libmicrohttpd: %s", library->front->config.name, library->trouble);
}

/* NULL: trouble says why. */
static struct MHD_Daemon *start_daemon(struct gw_library_server *library) {
    const struct gw_http_server_config *config = &library->front->config;
    const struct gw_library_setup setup = {
        .arg = library,
        .on_access = on_access,
        .on_target = on_target,
        .on_completed = on_completed,
        .on_notify = on_notify,
        .on_log = on_library_log,
        .tls = &config->tls,
        .pool_bytes = library->pool_bytes,
        .connections = config->limits.connections + SPARE_CONNECTIONS,
    };
    return gw_library_start(&setup);
}

static int32_t start(struct gw_http_server *server, struct eg_why *ret_why) {
    struct gw_library_server *library = gw_alloc(sizeof *library);
    int32_t rc = EG_OK;
    library->front = server;
    library->pool_bytes = (size_t)server->config.limits.head_bytes + POOL_SPARE_BYTES;
    library->run.fn = on_run;
    library->daemon = start_daemon(library);
    if (library->daemon == NULL) {
        rc = gw_why(
            ret_why, EG_E_INVAL, "the HTTP server \"%s\" cannot start: %s", server->config.name,
            library->trouble[0] != '\0' ? library->trouble : "libmicrohttpd gives no reason");
        goto out;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(library->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (gw_fd_watch(server->loop, &library->epoll, info->epoll_fd, EG_FD_READ, on_epoll) != EG_OK) {
        MHD_stop_daemon(library->daemon);
        rc = gw_why(ret_why, EG_E_IO, "the HTTP server \"%s\" cannot be watched",
                    server->config.name);
        goto out;
    }
    library->turn_end.fn = on_turn_end;
    gw_loop_hook(server->loop, &library->turn_end);
    server->library = library;
out:
    if (rc != EG_OK) {
        gw_loop_undefer(&library->run);
        gw_free(library);
    }
    return rc;
}

static void stop(struct gw_http_server *server) {
    struct gw_library_server *library = server->library;
    gw_fd_unwatch(server->loop, &library->epoll);
    MHD_stop_daemon(library->daemon);
    gw_loop_unhook(&library->turn_end);
    gw_loop_undefer(&library->run);
    gw_free(library);
}

const struct gw_http_engine gw_library_engine = {
    .start = start,
    .stop = stop,
    .take = take,
    .head_room = head_room,
    .send = send_reply,
    .cut = cut,
};
