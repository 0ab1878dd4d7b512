/*
 * io/http_server_plain.c - the engine of the HTTP server for plain HTTP/1.x. One socket, one
 * connection, one request at a time: what is read goes into the server's one buffer, and from there
 * a head with a small body goes into the request's arena in one piece, where it is taken apart
 * without being copied again; a big body is received where it will stay. A connection between
 * requests holds no memory but its struct.
 *
 * - Reading: while a request waits for its answer nothing is read. When its connection becomes
 *   readable all the same (a pipelined request, or the client's end), that is remembered until the
 *   answer is gone. So a client that ends its side early is noticed by the front, which looks every
 *   half second, and one that resets at once. What is held is used up before more is read: it stays
 *   small, and the client's end is not seen before the requests in front of it.
 * - Writing: an answer is one write to the socket if that takes it; what is left waits for room.
 *   The answers of a turn are written together, at its end: code and data of the one work stay in
 *   the processor's cache, and so do those of the other (measured: 2.6 % of a request).
 * - One request a turn: pipelined ones do not keep others waiting.
 *
 * Ending: a connection is freed by its task and nowhere else, so that no caller up the stack has
 * one that is gone.
 *
 * Thread: the loop's. Ownership: the connection owns the socket, bytes that have come early, and an
 * answer until it is gone.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_body.h"
#include "io/http_head.h"
#include "io/http_refusal.h"
#include "io/http_server_inner.h"
#include "io/http_status.h"

#define READ_BYTES ((size_t)64 * 1024)
#define INLINE_BODY_BYTES ((size_t)4096) /* of bodies that travel with their head, both ways */
#define METHOD_LINE_BYTES 64u            /* method, blanks and version beside the target */
#define DATE_FOR_NS (GW_NS_PER_S / 4)
#define OUT_PIECES 2

struct gw_plain_server {
    struct gw_turn_hook turn_end;
    struct gw_node unsent; /* plain_connection.unsent: answers of this turn */
    uint64_t date_ns;      /* when date was written, by gw_loop_now */
    size_t date_len;
    char date[32];
    char input[READ_BYTES];
};

struct plain_connection {
    struct gw_connection base;
    struct gw_fd watch;
    struct gw_node unsent;
    struct gw_task task;  /* ends it, or goes on with what is held */
    struct gw_bytes held; /* input that came early, or is not whole yet */
    bool has_more;        /* held may begin with a whole request */
    bool has_input;       /* the socket may hold some that was told already */
    bool sees_end;        /* the client's end has been told: behind what the socket holds */
    uint8_t skipped;      /* bytes of an empty line before the request */
    bool is_feeding;      /* further up the stack */
    bool keeps_alive;     /* after this request */
    struct gw_head_scan scan;
    struct gw_http_body body;
    struct gw_http_lines lines;
    struct eg_str out[OUT_PIECES]; /* what is left of an answer; in the request's arena, and body */
    struct eg_buf out_body;
};

static struct plain_connection *of(struct gw_connection *connection) {
    return GW_CONTAINER(connection, struct plain_connection, base);
}

static struct gw_http_server *server_of(const struct plain_connection *c) {
    return c->base.server;
}

/* A request that is the handler's, or whose answer is on its way. */
static bool is_busy(const struct plain_connection *c) {
    const struct gw_request *request = c->base.request;
    return request != NULL && (request->is_handed || request->is_answered);
}

/* ---- the end ---- */

/* The front has marked it as cut. */
static void cut(struct gw_connection *base) {
    struct plain_connection *c = of(base);
    gw_fd_unwatch(base->server->loop, &c->watch);
    gw_loop_defer(base->server->loop, &c->task);
}

static void end(struct plain_connection *c) {
    gw_list_remove(&c->unsent);
    gw_buf_release(&c->out_body);
    gw_bytes_free(&c->held);
    gw_http_lines_free(&c->lines);
    gw_loop_undefer(&c->task);
    gw_server_end(&c->base, true);
}

/* The connection is broken: nobody reads an answer. */
static void lose(struct plain_connection *c) {
    if (c->base.request != NULL) {
        gw_server_lose_client(c->base.request);
    }
    c->base.is_ended = true;
    gw_server_cut(&c->base);
}

/* The client has ended its side, and we were to read. */
static void on_input_end(struct plain_connection *c) {
    const bool is_in_head = c->base.is_receiving;
    c->base.is_ended = true;
    if (is_in_head || c->base.request != NULL) {
        gw_server_cut_with(&c->base, 400,
                           is_in_head ? "the connection was ended in the middle of the request head"
                                      : "the request body cannot be read");
    } else {
        gw_server_cut(&c->base);
    }
}

/* ---- writing ---- */

static void wait_for_room(struct plain_connection *c) {
    if (c->base.stage.stage != GW_STAGE_SEND) {
        gw_stage_enter(&server_of(c)->stages, &c->base.stage, GW_STAGE_SEND);
    }
    gw_fd_change(server_of(c)->loop, &c->watch, EG_FD_READ | EG_FD_WRITE | GW_FD_NEWS);
}

/* Nothing waits for an answer: what is held comes first, then what is to be read. */
static void go_on(struct plain_connection *c) {
    if (c->has_more) {
        gw_loop_defer(server_of(c)->loop, &c->task);
    } else if (c->has_input) {
        c->has_input = false;
        gw_fd_again(server_of(c)->loop, &c->watch);
    }
}

/* The answer is gone: the next request, or the end. */
static void finish_answer(struct plain_connection *c) {
    struct gw_http_server *server = server_of(c);
    gw_buf_release(&c->out_body);
    const bool is_last = !c->keeps_alive || c->base.request->must_close || server->is_quiescing;
    gw_server_detach(&c->base);
    c->scan = (struct gw_head_scan){0};
    c->skipped = 0;
    if (c->lines.kept.room > 0) { /* of a chunk's line or a trailer that came in pieces */
        gw_http_lines_free(&c->lines);
    }
    if (is_last) {
        gw_server_cut(&c->base);
        return;
    }
    gw_stage_enter(&server->stages, &c->base.stage, GW_STAGE_IDLE);
    gw_fd_change(server->loop, &c->watch, EG_FD_READ | GW_FD_NEWS);
    if (!c->is_feeding) {
        go_on(c);
    }
}

static void drop_sent(struct plain_connection *c, size_t sent) {
    for (size_t i = 0; i < OUT_PIECES; i++) {
        const size_t len = sent < c->out[i].len ? sent : c->out[i].len;
        c->out[i] = gw_str_cut(c->out[i], len);
        sent -= len;
    }
}

static ssize_t write_out(const struct plain_connection *c) {
    if (c->out[1].len == 0) {
        return send(c->base.fd, c->out[0].ptr, c->out[0].len, MSG_NOSIGNAL);
    }
    struct iovec pieces[OUT_PIECES];
    for (size_t i = 0; i < OUT_PIECES; i++) {
        pieces[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)c->out[i].ptr, .iov_len = c->out[i].len};
    }
    const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = OUT_PIECES};
    return sendmsg(c->base.fd, &message, MSG_NOSIGNAL);
}

static void transmit(struct plain_connection *c) {
    while (c->out[0].len + c->out[1].len > 0) {
        const ssize_t sent = write_out(c);
        if (sent >= 0) {
            drop_sent(c, (size_t)sent);
        } else if (errno == EAGAIN) {
            wait_for_room(c);
            return;
        } else if (errno != EINTR) {
            lose(c);
            return;
        }
    }
    finish_answer(c);
}

/* ---- answers ---- */

/* Of a client that sends big heads we do not know that it takes big ones: the limit is the same. */
static size_t head_room(const struct gw_request *request) {
    return (size_t)request->pub.server->config.limits.head_bytes;
}

static struct eg_str date_of(struct gw_http_server *server) {
    struct gw_plain_server *plain = server->plain;
    const uint64_t now_ns = gw_loop_now(server->loop);
    if (plain->date_len == 0 || now_ns - plain->date_ns >= DATE_FOR_NS) {
        plain->date_ns = now_ns;
        plain->date_len = gw_http_date(gw_unix_ns(), plain->date);
    }
    return gw_str(plain->date, plain->date_len);
}

static void add_header(struct gw_bytes *out, struct eg_str name, struct eg_str value) {
    gw_bytes_add(out, name);
    gw_bytes_add(out, GW_STR(": "));
    gw_bytes_add(out, value);
    gw_bytes_add(out, GW_STR("\r\n"));
}

static void add_handlers(struct gw_bytes *out, const struct gw_http_reply *reply) {
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct eg_kv *h = &reply->headers[i];
        if (!gw_http_is_servers_own(h->name) && gw_is_token(h->name) &&
            gw_is_field_value(h->value)) {
            add_header(out, h->name, h->value);
        }
    }
}

static void write_head(struct gw_bytes *out, const struct gw_request *request,
                       const struct gw_http_reply *reply, bool keeps_alive) {
    gw_bytes_add(out, GW_STR("HTTP/1.1 "));
    gw_bytes_add_u64(out, reply->status);
    gw_bytes_add_char(out, ' ');
    gw_bytes_add(out, gw_http_phrase(reply->status));
    gw_bytes_add(out, GW_STR("\r\nDate: "));
    gw_bytes_add(out, date_of(request->pub.server));
    gw_bytes_add(out, GW_STR("\r\n"));
    add_handlers(out, reply);
    add_header(out, GW_STR("x-request-id"), request->pub.request_id);
    if (!keeps_alive) {
        gw_bytes_add(out, GW_STR("Connection: close\r\n"));
    } else if (request->is_http_1_0) {
        gw_bytes_add(out, GW_STR("Connection: Keep-Alive\r\n"));
    }
    if (reply->status != 204) { /* RFC 9110 8.6 */
        gw_bytes_add(out, GW_STR("Content-Length: "));
        gw_bytes_add_u64(out, reply->body.len);
        gw_bytes_add(out, GW_STR("\r\n"));
    }
    gw_bytes_add(out, GW_STR("\r\n"));
}

static bool sends_body(const struct gw_request *request, const struct gw_http_reply *reply) {
    return reply->status != 204 && reply->status != 304 && reply->body.len > 0 &&
           !gw_str_eq_nocase(request->pub.method, GW_STR("HEAD"));
}

static void send_reply(struct gw_request *request, struct gw_http_reply *reply) {
    struct plain_connection *c = of(request->connection);
    struct gw_http_server *server = server_of(c);
    struct gw_bytes out;
    const size_t body_bytes = sends_body(request, reply) ? reply->body.len : 0;
    const bool is_inline = body_bytes <= INLINE_BODY_BYTES;
    const size_t head_bytes = gw_http_reply_head_bytes(reply) + request->pub.request_id.len;
    c->keeps_alive = c->keeps_alive && !request->must_close && !server->is_quiescing;
    gw_bytes_init_arena(&out, &request->pub.arena, head_bytes + (is_inline ? body_bytes : 0));
    write_head(&out, request, reply, c->keeps_alive);
    if (is_inline) {
        gw_bytes_add(&out, gw_str(reply->body.ptr, body_bytes));
        gw_buf_release(&reply->body);
    } else {
        c->out_body = reply->body;
        c->out[1] = gw_str(c->out_body.ptr, c->out_body.len);
    }
    reply->body = (struct eg_buf){0};
    c->out[0] = gw_bytes_str(&out);
    gw_list_push(&server->plain->unsent, &c->unsent);
}

static void on_turn_end(struct gw_turn_hook *hook) {
    struct gw_plain_server *plain = GW_CONTAINER(hook, struct gw_plain_server, turn_end);
    for (struct gw_node *node; (node = gw_list_shift(&plain->unsent)) != NULL;) {
        struct plain_connection *c = GW_CONTAINER(node, struct plain_connection, unsent);
        if (!c->base.is_cut) {
            transmit(c);
        }
    }
}

/* ---- heads ---- */

static void refuse_bytes(struct plain_connection *c, uint32_t status, const char *reason) {
    struct gw_request *request = gw_server_attach(&c->base);
    gw_server_refuse(request, status, reason);
}

/* text: from the first byte of the head. */
static void refuse_head(struct plain_connection *c, struct eg_str text, uint32_t status,
                        const char *reason) {
    const bool is_method = gw_http_head_begins_well(text) && gw_http_head_has_long_method(text);
    refuse_bytes(c, is_method ? 400 : status, is_method ? gw_http_head_long_method : reason);
}

static void enter_head(struct plain_connection *c) {
    c->base.is_receiving = true;
    if (c->base.stage.stage != GW_STAGE_HEAD) {
        gw_stage_enter(&server_of(c)->stages, &c->base.stage, GW_STAGE_HEAD);
    }
}

/* Not whole yet; text is as much of it as there may be. */
static void wait_for_head(struct plain_connection *c, struct eg_str text, bool is_full) {
    if (is_full || gw_http_head_has_long_method(text)) {
        refuse_head(c, text, 431, "the request's header block is too big");
    } else if (!c->base.is_receiving && text.len > 0) {
        enter_head(c);
    }
}

/* Twenty-five bytes that a socket does not take whole belong to a client that reads nothing. */
static void send_continue(struct plain_connection *c) {
    const struct eg_str line = GW_STR("HTTP/1.1 100 Continue\r\n\r\n");
    if (send(c->base.fd, line.ptr, line.len, MSG_NOSIGNAL) != (ssize_t)line.len) {
        lose(c);
    }
}

/* Head let in, and its body has not come with it. */
static void expect_body(struct plain_connection *c, const struct gw_http_head *head,
                        bool has_begun) {
    const enum gw_body_framing framing = head->is_chunked ? GW_FRAMED_CHUNKS : GW_FRAMED_LENGTH;
    gw_http_body_begin(&c->body, framing, head->announced_bytes,
                       (size_t)server_of(c)->config.limits.head_bytes);
    gw_http_lines_clear(&c->lines);
    gw_request_expect_body(c->base.request, head->announced_bytes);
    gw_stage_enter(&server_of(c)->stages, &c->base.stage, GW_STAGE_BODY);
    if (!has_begun && gw_http_head_expects_continue(head)) {
        send_continue(c);
    }
}

/* A whole head, and what has come behind it: both in the arena as far as a small body may reach. */
static void begin_request(struct plain_connection *c, struct eg_str *input) {
    struct gw_request *request = gw_server_attach(&c->base);
    struct gw_arena *arena = &request->pub.arena;
    struct gw_http_head head;
    const size_t len = c->scan.len;
    const struct eg_str copy = gw_arena_dup(arena, gw_str_sub(*input, 0, len + INLINE_BODY_BYTES));
    const struct eg_str behind = gw_str_cut(copy, len);
    const char *reason = gw_http_head_parse(gw_str_sub(copy, 0, len), c->scan.lines, arena, &head);
    *input = gw_str_cut(*input, len);
    request->pub.target = head.target;
    request->pub.method = head.method; /* no answer to HEAD has a body, a refusal neither */
    if (reason != NULL) {
        gw_server_refuse(request, 400, reason);
        return;
    }
    if (!gw_server_head_done(request, &head, true)) {
        return;
    }
    c->keeps_alive = gw_http_head_keeps_alive(&head);
    request->is_http_1_0 = gw_http_head_is_1_0(&head);
    if (!head.is_chunked && head.announced_bytes <= behind.len) {
        request->pub.body = gw_str_sub(behind, 0, (size_t)head.announced_bytes);
        *input = gw_str_cut(*input, request->pub.body.len);
        gw_server_hand_over(request);
    } else {
        expect_body(c, &head, behind.len > 0);
    }
}

/* One empty line before a request is skipped, for some clients end a body with one (RFC 9112 2.2);
 * its bytes may come one by one. False: half of one. */
static bool skip_empty_line(struct plain_connection *c, struct eg_str *input) {
    if (c->skipped == 0 && c->scan.seen == 0 && input->len > 0 && input->ptr[0] == '\r') {
        c->skipped = 1;
        *input = gw_str_cut(*input, 1);
    }
    if (c->skipped == 1 && input->len > 0) {
        c->skipped = 2;
        if (input->ptr[0] != '\n') {
            return false;
        }
        *input = gw_str_cut(*input, 1);
    }
    return true;
}

static bool is_line_too_long(const struct plain_connection *c, struct eg_str text) {
    const size_t most = (size_t)server_of(c)->config.limits.target_bytes + METHOD_LINE_BYTES;
    return c->scan.lines == 0 && text.len > most && gw_http_head_begins_well(text) &&
           gw_str_find(gw_str_sub(text, 0, most), '\n') == most;
}

static const char not_http[] =
    "the request is no HTTP/1.1, or a line of it does not end with CR LF";

/* A head over a limit is refused before it is whole. No more of it is looked at than the limits
 * allow: however it is cut, it is refused for the same reason. */
static void take_head(struct plain_connection *c, struct eg_str *input) {
    if (!skip_empty_line(c, input)) {
        refuse_bytes(c, 400, not_http);
        return;
    }
    const size_t head_max = (size_t)server_of(c)->config.limits.head_bytes;
    const struct eg_str text = gw_str_sub(*input, 0, head_max);
    if (is_line_too_long(c, text)) {
        refuse_head(c, text, 414, "the request target is too long");
        return;
    }
    const enum gw_head_end at = gw_http_head_scan(&c->scan, text);
    if (at == GW_HEAD_MORE) {
        wait_for_head(c, text, input->len > head_max);
    } else if (at == GW_HEAD_WHOLE) {
        begin_request(c, input);
    } else {
        refuse_head(c, text, 400, not_http);
    }
}

/* ---- bodies ---- */

static const char *const body_reasons[GW_BODY_FAULTS] = {
    [GW_BODY_LINE_BROKEN] =
        "a line of the request body does not end with CR LF, or holds CR or NUL",
    [GW_BODY_LINE_TOO_BIG] = "a chunk's line or the trailers are too big",
    [GW_BODY_CHUNK_MALFORMED] = "the request body has a malformed chunk",
    [GW_BODY_CHUNK_TOO_LONG] = "a chunk of the request body is longer than it says",
    [GW_BODY_TRAILER_MALFORMED] = "the request body has a malformed trailer",
};

static void take_body(struct plain_connection *c, struct eg_str *input) {
    struct gw_request *request = c->base.request;
    enum gw_body_event event;
    while ((event = gw_http_body_next(&c->body, &c->lines, input)) == GW_BODY_PIECE) {
        if (!gw_server_add_body(request, c->body.piece)) {
            return;
        }
    }
    if (event == GW_BODY_END) {
        gw_server_hand_over(request);
    } else if (event == GW_BODY_BAD) {
        gw_server_refuse(request, 400, body_reasons[c->body.fault]);
    }
}

/* ---- reading ---- */

/* Keeps what has not been used; it may be a part of what was kept. */
static void hold(struct plain_connection *c, struct eg_str rest) {
    if (rest.len == 0) {
        gw_bytes_free(&c->held);
    } else if (c->held.len > 0) {
        memmove(c->held.ptr, rest.ptr, rest.len);
        c->held.len = rest.len;
    } else {
        gw_bytes_add(&c->held, rest);
    }
}

/* Behind a refused request nothing is a request any more. */
static bool takes_more(const struct plain_connection *c) {
    return !c->base.is_cut && (c->base.request == NULL || !c->base.request->must_close);
}

static void feed(struct plain_connection *c, struct eg_str input) {
    if (c->held.len > 0) {
        gw_bytes_add(&c->held, input);
        input = gw_bytes_str(&c->held);
    }
    c->is_feeding = true;
    c->has_more = false;
    if (c->base.request == NULL) {
        take_head(c, &input);
    }
    if (c->base.request != NULL && !is_busy(c) && !c->base.is_cut) {
        take_body(c, &input);
    }
    c->is_feeding = false;
    if (!takes_more(c)) {
        gw_bytes_free(&c->held);
        return;
    }
    hold(c, input);
    c->has_more = c->held.len > 0 && (is_busy(c) || !c->base.is_receiving);
    if (!is_busy(c)) {
        go_on(c);
    }
}

/* There may be more than has been read. */
static void look_again(struct plain_connection *c) {
    if (is_busy(c) || c->has_more) {
        c->has_input = true; /* until the answer is gone, and what is held */
    } else {
        gw_fd_again(server_of(c)->loop, &c->watch);
    }
}

/* A body that has room of its own is received there. */
static bool takes_directly(const struct plain_connection *c) {
    return c->base.request != NULL && c->held.len == 0 &&
           gw_http_body_left(&c->body) > INLINE_BODY_BYTES;
}

static ssize_t receive_directly(struct plain_connection *c, size_t *ret_room) {
    struct gw_bytes *body = &c->base.request->body;
    const uint64_t left = gw_http_body_left(&c->body);
    *ret_room = left < READ_BYTES * 4 ? (size_t)left : READ_BYTES * 4;
    const ssize_t got = recv(c->base.fd, gw_bytes_room(body, *ret_room), *ret_room, 0);
    if (got > 0) {
        body->len += (size_t)got;
        gw_http_body_skip(&c->body, (size_t)got);
        feed(c, (struct eg_str){0});
    }
    return got;
}

static ssize_t receive_and_feed(struct plain_connection *c, size_t *ret_room) {
    struct gw_plain_server *plain = server_of(c)->plain;
    *ret_room = sizeof plain->input;
    const ssize_t got = recv(c->base.fd, plain->input, sizeof plain->input, 0);
    if (got > 0) {
        feed(c, gw_str(plain->input, (size_t)got));
    }
    return got;
}

/* A read that does not fill its room has read all there is, but for the end. */
static void receive(struct plain_connection *c) {
    size_t room = 0;
    const ssize_t got = takes_directly(c) ? receive_directly(c, &room) : receive_and_feed(c, &room);
    if (got == 0) {
        on_input_end(c);
    } else if (got < 0 && errno != EAGAIN && errno != EINTR) {
        lose(c);
    } else if (!c->base.is_cut && ((size_t)got == room || c->sees_end || got < 0)) {
        look_again(c);
    }
}

static void on_event(struct gw_fd *watch, uint32_t events) {
    struct plain_connection *c = GW_CONTAINER(watch, struct plain_connection, watch);
    c->sees_end = c->sees_end || (events & GW_FD_ENDED) != 0;
    if ((events & EG_FD_WRITE) != 0 && c->out[0].len + c->out[1].len > 0) {
        transmit(c);
    }
    if (c->base.is_cut || (events & EG_FD_READ) == 0) {
        return;
    }
    if (!is_busy(c) && !c->has_more) {
        receive(c);
    } else if ((events & GW_FD_BROKEN) != 0) {
        lose(c);
    } else {
        c->has_input = true;
    }
}

static void on_task(struct gw_task *task) {
    struct plain_connection *c = GW_CONTAINER(task, struct plain_connection, task);
    if (c->base.is_cut) {
        end(c);
    } else if (c->has_more && !is_busy(c)) {
        feed(c, (struct eg_str){0});
    }
}

/* ---- life ---- */

static void take(struct gw_http_server *server, int fd, const struct gw_peer *peer) {
    struct plain_connection *c = gw_alloc(sizeof *c);
    c->task.fn = on_task;
    gw_server_connect(server, &c->base, fd, peer);
    if (gw_fd_watch_crowd(server->loop, &c->watch, fd, EG_FD_READ | GW_FD_NEWS, on_event) !=
        EG_OK) {
        gw_server_cut(&c->base);
    }
}

static int32_t start(struct gw_http_server *server, struct eg_why *ret_why) {
    (void)ret_why;
    server->plain = gw_alloc(sizeof *server->plain);
    gw_list_init(&server->plain->unsent);
    server->plain->turn_end.fn = on_turn_end;
    gw_loop_hook(server->loop, &server->plain->turn_end);
    return EG_OK;
}

static void stop(struct gw_http_server *server) {
    while (!gw_list_empty(&server->connections)) {
        end(of(GW_CONTAINER(server->connections.next, struct gw_connection, node)));
    }
    gw_loop_unhook(&server->plain->turn_end);
    gw_free(server->plain);
}

const struct gw_http_engine gw_plain_engine = {
    .start = start,
    .stop = stop,
    .take = take,
    .head_room = head_room,
    .send = send_reply,
    .cut = cut,
};
