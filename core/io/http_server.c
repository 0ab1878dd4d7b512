/*
 * io/http_server.c - see http_server.h. The front of the server: it accepts, times, guards, refuses
 * and counts, and leaves the bytes to one of two engines (http_server_inner.h): our own for plain
 * HTTP (http_server_plain.c), and libmicrohttpd for TLS or where it is asked for
 * (http_server_library.c).
 *
 * A waiting connection is looked at every half second (GW_STAGE_WAIT): the client is gone once its
 * sending side is closed.
 *
 * Thread: the loop's. Ownership: a connection is freed when its engine says that it is over;
 * requests are counted (http_request.h) and may outlive both.
 */
#include "io/http_server.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "io/http_refusal.h"
#include "io/http_server_inner.h"

#define SMALL_HEAD_BYTES ((size_t)1024) /* of an answer: there is always room */
#define GONE_CHECK_NS (500 * GW_NS_PER_MS)
#define SEND_TIMEOUT_FACTOR 10u /* of the body's: slow readers are many, and answers bigger */
#define DISCARD_MAX ((uint64_t)8 << 20)

/* ---- refusals ---- */

/* Past the engine, which can answer complete heads only. Not inside TLS. */
static void write_refusal(const struct gw_http_server *server, int fd, uint32_t status,
                          const char *message) {
    if (!server->is_tls) {
        gw_http_write_refusal(fd, status, message);
    }
}

void gw_server_cut(struct gw_connection *connection) {
    gw_stage_leave(&connection->stage);
    if (!connection->is_cut) {
        connection->is_cut = true;
        connection->server->engine->cut(connection);
    }
}

void gw_server_cut_with(struct gw_connection *connection, uint32_t status, const char *message) {
    gw_http_count_refusal(connection->server->config.name, status);
    write_refusal(connection->server, connection->fd, status, message);
    connection->must_linger = true;
    gw_server_cut(connection);
}

void gw_server_lose_client(struct gw_request *request) {
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
        gw_server_lose_client(connection->request);
    } else if (stage == GW_STAGE_HEAD &&
               (connection->request != NULL || connection->is_receiving)) {
        gw_server_cut_with(connection, 408, "the request head did not arrive in time");
        return;
    } else if (stage == GW_STAGE_BODY) {
        gw_server_cut_with(connection, 408, "the request body did not arrive in time");
        return;
    }
    gw_server_cut(connection);
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
    server->engine->take(server, fd, peer);
}

void gw_server_connect(struct gw_http_server *server, struct gw_connection *connection, int fd,
                       const struct gw_peer *peer) {
    connection->server = server;
    connection->fd = fd;
    connection->peer = *peer;
    gw_list_push(&server->connections, &connection->node);
    gw_stage_enter(&server->stages, &connection->stage, GW_STAGE_HEAD);
}

/* Closing would reset the connection under the client's answer when bytes are there that nobody has
 * read, or still to come. */
static bool needs_linger(const struct gw_connection *connection) {
    const enum gw_stage stage = connection->stage.stage;
    int unread = 0;
    if (connection->is_ended) {
        return false;
    }
    if (connection->server->is_tls) { /* only for the alert of a client without good certificate */
        return connection->server->config.tls.client_auth != GW_CLIENT_AUTH_NONE &&
               stage == GW_STAGE_HEAD && connection->request == NULL;
    }
    return connection->must_linger || stage == GW_STAGE_HEAD || stage == GW_STAGE_BODY ||
           (ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0);
}

void gw_server_detach(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    connection->request = NULL;
    request->connection = NULL;
    gw_http_request_unref(&request->pub);
}

/* A request that the engine gave up in the middle, unanswered. */
static void drop_unfinished(struct gw_connection *connection) {
    struct gw_request *request = connection->request;
    if (request == NULL) {
        return;
    }
    if (!request->is_answered && !connection->is_cut) {
        gw_http_count_refusal(connection->server->config.name, 400);
        write_refusal(connection->server, connection->fd, 400, "the request body cannot be read");
    }
    gw_server_lose_client(request);
    gw_server_detach(connection);
}

void gw_server_end(struct gw_connection *connection, bool owns_fd) {
    struct gw_http_server *server = connection->server;
    const bool must_linger = needs_linger(connection);
    drop_unfinished(connection);
    gw_stage_leave(&connection->stage);
    gw_list_remove(&connection->node);
    if (must_linger) {
        const int fd = owns_fd ? connection->fd : dup(connection->fd);
        if (fd >= 0) {
            gw_linger(&server->lingers, fd);
        }
    } else if (owns_fd) {
        close(connection->fd);
    }
    gw_acceptor_release(&server->acceptor, &connection->peer);
    gw_free(connection);
}

/* ---- replies ---- */

void gw_server_refuse(struct gw_request *request, uint32_t status, const char *reason) {
    const struct eg_kv headers[] = {
        {GW_STR("Content-Type"), GW_STR("application/json")},
        {GW_STR("Allow"), GW_STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")}};
    struct gw_http_reply reply = {.status = status,
                                  .headers = headers,
                                  .header_count = status == 405 || status == 501 ? 2 : 1,
                                  .body = gw_http_envelope(reason)};
    const struct gw_http_server_config *config = &request->pub.server->config;
    gw_request_need_id(request);
    gw_http_count_refusal(config->name, status);
    if (config->on_refuse != NULL) {
        config->on_refuse(config->arg, &request->pub, reason, &reply);
    }
    request->is_answered = true;
    request->connection->must_linger = true;
    request->must_close = true;
    request->pub.server->engine->send(request, &reply);
}

/* What no client could be sent becomes an error the operator can find. */
static void send_500(struct gw_request *request, struct gw_http_reply *instead_of,
                     const char *message) {
    const struct eg_kv json = {GW_STR("Content-Type"), GW_STR("application/json")};
    struct gw_http_reply reply = {
        .status = 500, .headers = &json, .header_count = 1, .body = gw_http_envelope(message)};
    gw_buf_release(&instead_of->body);
    request->pub.server->engine->send(request, &reply);
}

static bool has_room(const struct gw_request *request, const struct gw_http_reply *reply) {
    const size_t bytes = gw_http_reply_head_bytes(reply);
    return bytes < SMALL_HEAD_BYTES || bytes < request->pub.server->engine->head_room(request);
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
        pub->server->engine->send(request, reply);
    }
}

/* ---- requests ---- */

struct gw_request *gw_server_attach(struct gw_connection *connection) {
    struct gw_http_server *server = connection->server;
    struct gw_request *request = gw_request_take(&server->requests);
    GW_ASSERT(connection->request == NULL);
    request->pub.server = server;
    request->connection = connection;
    request->body_max = server->config.limits.body_bytes;
    connection->request = request;
    connection->is_receiving = false;
    return request;
}

bool gw_server_head_done(struct gw_request *request, struct gw_http_head *head, bool is_own) {
    struct gw_http_server *server = request->pub.server;
    const struct gw_peer *peer = &request->connection->peer;
    const char *reason = NULL;
    const uint32_t status = gw_http_guard(head, &server->config.limits, &reason);
    request->is_head_done = true;
    if (status != 0) {
        gw_server_refuse(request, status, reason);
        return false;
    }
    if (!is_own) {
        gw_request_copy_head(request, head);
    }
    gw_request_set_head(request, head);
    request->pub.peer = gw_arena_dup(&request->pub.arena, gw_str(peer->text, peer->text_len));
    return true;
}

/* A chunked body that grows past the limit is read on, without keeping it, so that the client is
 * there for the 413; past DISCARD_MAX it is cut. */
bool gw_server_add_body(struct gw_request *request, struct eg_str piece) {
    if (!gw_request_add_body(request, piece) && request->discarded_bytes > DISCARD_MAX) {
        gw_server_cut_with(request->connection, 413, "the request body is too big");
        return false;
    }
    return true;
}

void gw_server_hand_over(struct gw_request *request) {
    struct gw_http_server *server = request->pub.server;
    if (request->discarded_bytes > 0) {
        gw_server_refuse(request, 413, "the request body is too big");
        return;
    }
    if (request->body.len > 0) {
        request->pub.body = gw_bytes_str(&request->body);
    }
    request->is_handed = true;
    request->references++; /* the handler's */
    server->in_flight++;
    gw_stage_enter(&server->stages, &request->connection->stage, GW_STAGE_WAIT);
    server->config.on_request(server->config.arg, &request->pub);
}

/* ---- life ---- */

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

int32_t gw_http_server_start(struct eg_loop *loop, int fd,
                             const struct gw_http_server_config *config,
                             struct gw_http_server **ret_server, struct eg_why *ret_why) {
    struct gw_http_server *server = gw_alloc(sizeof *server);
    server->loop = loop;
    server->config = *config;
    server->is_tls = gw_tls_is_on(&config->tls);
    server->engine = server->is_tls || config->engine == GW_HTTP_SERVER_LIBRARY ? &gw_library_engine
                                                                                : &gw_plain_engine;
    gw_list_init(&server->connections);
    gw_request_pool_init(&server->requests);
    server->requests.on_empty = free_server;
    gw_lingers_init(&server->lingers, loop);
    set_stages(server);
    server->acceptor.connections_max = config->limits.connections;
    server->acceptor.per_peer_max = config->limits.connections_per_ip;
    server->acceptor.on_accept = on_accept;
    server->acceptor.spread = config->spread;
    int32_t rc = server->engine->start(server, ret_why);
    if (rc != EG_OK) {
        close(fd);
        gw_free(server);
        return rc;
    }
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
        if (connection->request == NULL && !connection->is_receiving) {
            gw_server_cut(connection);
        }
    }
}

uint32_t gw_http_server_in_flight(const struct gw_http_server *server) {
    uint32_t count = server->in_flight;
    for (struct gw_node *n = server->connections.next; n != &server->connections; n = n->next) {
        const struct gw_connection *connection = GW_CONTAINER(n, struct gw_connection, node);
        const struct gw_request *request = connection->request;
        count += request == NULL ? connection->is_receiving
                                 : !request->is_handed || request->is_answered;
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
        gw_server_cut(connection);
    }
    server->engine->stop(server);
    gw_stages_stop(&server->stages);
    gw_lingers_close(&server->lingers);
    gw_acceptor_free(&server->acceptor);
    gw_request_pool_close(&server->requests);
}
