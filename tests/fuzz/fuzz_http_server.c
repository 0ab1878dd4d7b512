/*
 * fuzz_http_server.c - bytes that a client might send, against the HTTP server: its own engine and
 * libmicrohttpd's, over a socket, with a handler that answers at once, later, little and much.
 *
 * Of the own engine: however the bytes are cut, the handler sees the same requests and the client
 * the same answers, all of them well-formed, one for each request and at most one refusal, which is
 * the last; no two requests of a connection at a time, none inside the handler of another; nothing
 * that has come is left unread; and the connection is gone when the client is, without any time
 * passing.
 *
 * Of both: the k-th request is the same for both, what one refuses the other refuses, but for what
 * is_known_difference and is_known_mistake name, and behind a refused request nothing is handed
 * over.
 *
 * Input: byte 0, how it is answered and read (MODE_*); byte 1, how it is cut; then the text, in
 * which the byte 1 and a byte n stand for n * 100 letters, so that short inputs reach long limits.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_head.h"
#include "io/http_response.h"
#include "io/http_server_inner.h"

#define TEXT_MAX ((size_t)60000) /* a socket takes it in one piece */
#define REQUESTS_MAX 2500u
#define SMALL_PIECES_MAX 100u
#define TURNS_MAX 200000u
#define HEADERS_ENOUGH 20u
#define BIG_BODY_BYTES ((size_t)300000) /* more than a socket takes */

enum {                   /* of byte 0 */
       MODE_ANSWERS = 3, /* AT_ONCE and so on */
       MODE_BIG = 4,     /* the first answer is */
       MODE_READS_LATE = 8,
       MODE_ENDS_EARLY = 16, /* the end of the stream comes with the last bytes; own engine only */
       MODE_CUTS_BOTH = 32,  /* libmicrohttpd gets it in pieces, too */
       MODE_GOES = 64, /* once more, with a client that closes in the middle; own engine only */
};
enum { AT_ONCE, NEXT_TURN, WHEN_QUIET, BY_TURNS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char big_body[BIG_BODY_BYTES];

struct peer_server {
    struct gw_http_server *server;
    struct sockaddr_un address;
    socklen_t address_len;
};

static struct eg_loop *loop;
static struct peer_server plain;
static struct peer_server library;

/* One connection and what went over it. */
struct run {
    const struct peer_server *peer;
    unsigned mode;
    int fd;
    struct gw_bytes requests[REQUESTS_MAX]; /* each as text */
    bool is_head[REQUESTS_MAX];
    bool is_chunked[REQUESTS_MAX];
    size_t count;
    bool is_inside; /* the handler */
    bool is_refused;
    struct gw_http_request *held;
    struct gw_bytes in;
    bool is_over; /* the server has ended the stream */
    /* of in */
    struct gw_bytes answers; /* without what differs from run to run */
    size_t answer_count;
    uint32_t last_status;
    bool has_strange; /* an answer without our id: libmicrohttpd's own refusal */
};

static struct run *current;

/* ---- the handler ---- */

static void add_part(struct gw_bytes *out, const char *name, struct eg_str value) {
    gw_bytes_addf(out, "%s %zu ", name, value.len);
    gw_bytes_add(out, value);
    gw_bytes_add_char(out, '\n');
}

static void describe(struct gw_bytes *out, const struct gw_http_request *request) {
    gw_bytes_init(out, 0);
    add_part(out, "method", request->method);
    add_part(out, "target", request->target);
    add_part(out, "path", request->path);
    add_part(out, "query", request->query);
    add_part(out, "host", request->host);
    for (size_t i = 0; i < request->header_count; i++) {
        add_part(out, "name", request->headers[i].name);
        add_part(out, "value", request->headers[i].value);
    }
    add_part(out, "body", request->body);
}

static void answer(struct run *run, struct gw_http_request *request) {
    static const uint32_t statuses[] = {200, 404, 204, 304, 503};
    static const struct eg_kv headers[] = {{GW_STR("X-Kept"), GW_STR("a b")},
                                           {GW_STR("Content-Length"), GW_STR("7")}};
    const size_t index = run->count - 1;
    struct gw_http_reply reply = {.status = statuses[index % GW_COUNT(statuses)],
                                  .headers = headers,
                                  .header_count = index % (GW_COUNT(headers) + 1),
                                  .body = gw_buf_copy(GW_STR("said"))};
    if (index == 0 && (run->mode & MODE_BIG) != 0) {
        gw_buf_release(&reply.body);
        reply.body = (struct eg_buf){.ptr = big_body, .len = sizeof big_body};
    }
    gw_http_reply(request, &reply);
    gw_http_request_unref(request);
}

static void answer_held(struct run *run) {
    struct gw_http_request *request = run->held;
    run->held = NULL;
    answer(run, request);
}

static void on_request(void *arg, struct gw_http_request *request) {
    struct run *run = current;
    (void)arg;
    GW_ASSERT(run->held == NULL && !run->is_inside && !run->is_refused);
    GW_ASSERT(run->count < REQUESTS_MAX);
    run->is_head[run->count] = gw_str_eq_nocase(request->method, GW_STR("HEAD"));
    run->is_chunked[run->count] =
        gw_http_header(request, GW_STR("Transfer-Encoding"), 0).ptr != NULL;
    describe(&run->requests[run->count], request);
    run->count++;
    const unsigned answers = run->mode & MODE_ANSWERS;
    if (answers == AT_ONCE || (answers == BY_TURNS && run->count % 2 == 0)) {
        run->is_inside = true;
        answer(run, request);
        run->is_inside = false;
    } else {
        run->held = request;
    }
}

static void on_refuse(void *arg, struct gw_http_request *request, const char *reason,
                      struct gw_http_reply *reply) {
    (void)arg;
    (void)request;
    GW_ASSERT(reason != NULL && reply->status >= 400);
    GW_ASSERT(!current->is_refused && current->held == NULL);
    current->is_refused = true;
}

/* ---- servers ---- */

static void start(struct peer_server *peer, enum gw_http_server_engine engine) {
    const struct gw_http_server_config config = {.name = "fuzz",
                                                 .engine = engine,
                                                 .limits = {.body_bytes = 20000,
                                                            .head_bytes = 4096,
                                                            .target_bytes = 1000,
                                                            .connections = 32,
                                                            .head_timeout_ns = GW_NS_PER_S,
                                                            .body_timeout_ns = GW_NS_PER_S,
                                                            .idle_timeout_ns = GW_NS_PER_S},
                                                 .on_request = on_request,
                                                 .on_refuse = on_refuse};
    struct eg_why why = {.struct_size = sizeof why};
    peer->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    const int len = snprintf(peer->address.sun_path + 1, sizeof peer->address.sun_path - 1,
                             "fuzz-server-%d-%d", (int)getpid(), (int)engine);
    peer->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    GW_ASSERT(fd >= 0);
    GW_ASSERT(bind(fd, (struct sockaddr *)&peer->address, peer->address_len) == 0);
    GW_ASSERT(listen(fd, 8) == 0);
    GW_ASSERT(gw_http_server_start(loop, fd, &config, &peer->server, &why) == EG_OK);
}

static void start_once(void) {
    if (loop == NULL) {
        memset(big_body, 'b', sizeof big_body);
        gw_clock_hold(GW_NS_PER_S, 0);
        GW_ASSERT(gw_loop_create("fuzz", &loop) == EG_OK);
        start(&plain, GW_HTTP_SERVER_AUTO);
        start(&library, GW_HTTP_SERVER_LIBRARY);
        GW_ASSERT(plain.server->engine != library.server->engine);
    }
}

/* ---- the client ---- */

static bool read_some(struct run *run) {
    const size_t before = run->in.len;
    while (!run->is_over) {
        const size_t room = 65536;
        const ssize_t got = recv(run->fd, gw_bytes_room(&run->in, room), room, MSG_DONTWAIT);
        if (got < 0) {
            run->is_over = errno != EAGAIN;
            break;
        }
        run->is_over = got == 0;
        run->in.len += (size_t)got;
    }
    return run->in.len > before;
}

/* What the server has not read yet. */
static int unread_bytes(const struct run *run) {
    int bytes = 0;
    const struct gw_node *connections = &run->peer->server->connections;
    if (!gw_list_empty(connections)) {
        (void)ioctl(GW_CONTAINER(connections->next, struct gw_connection, node)->fd, FIONREAD,
                    &bytes);
    }
    return bytes;
}

/* Turns, none of which sleeps, until nothing happens any more; some of what libmicrohttpd does is
 * to be seen turns later. */
static void turn_until_quiet(struct run *run, unsigned quiet_turns) {
    unsigned turns = 0;
    for (unsigned quiet = 0; quiet < quiet_turns;) {
        const size_t count = run->count;
        const int unread = unread_bytes(run);
        gw_loop_turn(loop, 0);
        bool is_busy = gw_loop_is_busy(loop) || run->count > count || unread != unread_bytes(run);
        if (run->held != NULL && (run->mode & MODE_ANSWERS) == NEXT_TURN) {
            answer_held(run);
            is_busy = true;
        }
        if ((run->mode & MODE_READS_LATE) == 0) {
            is_busy = read_some(run) || is_busy;
        }
        quiet = is_busy ? 0 : quiet + 1;
        GW_ASSERT(turns++ < TURNS_MAX);
    }
}

static void settle(struct run *run, unsigned quiet_turns) {
    for (bool goes_on = true; goes_on;) {
        turn_until_quiet(run, quiet_turns);
        goes_on = read_some(run);
        if (run->held != NULL) {
            answer_held(run);
            goes_on = true;
        }
    }
}

/* What the server does not take any more is lost, as it should. */
static void say(struct run *run, struct eg_str piece) {
    while (piece.len > 0) {
        const ssize_t sent = send(run->fd, piece.ptr, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            piece = gw_str_cut(piece, (size_t)sent);
        } else if (errno == EAGAIN) {
            settle(run, 2);
        } else {
            return;
        }
    }
}

static size_t next_piece(uint32_t *seed, unsigned style) {
    static const uint32_t most[] = {1, 7, 90, 3000};
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % most[style] + 1;
}

static void say_all(struct run *run, struct eg_str text, const uint8_t *cuts, unsigned quiet) {
    uint32_t seed = cuts == NULL ? 0 : *cuts;
    const unsigned style = seed & 3;
    for (unsigned i = 0; cuts != NULL && i < SMALL_PIECES_MAX && text.len > 0; i++) {
        const size_t len = next_piece(&seed, style);
        const struct eg_str piece = gw_str_sub(text, 0, len);
        say(run, piece);
        text = gw_str_cut(text, piece.len);
        turn_until_quiet(run, quiet);
    }
    if (text.len > 0) {
        say(run, text);
    }
}

static void open_run(struct run *run, const struct peer_server *peer, unsigned mode) {
    *run = (struct run){.peer = peer, .mode = mode};
    current = run;
    run->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    GW_ASSERT(run->fd >= 0);
    GW_ASSERT(connect(run->fd, (const struct sockaddr *)&peer->address, peer->address_len) == 0);
}

static bool is_gone(const struct peer_server *peer) {
    return gw_list_empty(&peer->server->connections) && peer->server->lingers.count == 0;
}

/* libmicrohttpd may miss the client's end: the front looks every half second. */
static void close_run(struct run *run) {
    const struct peer_server *peer = run->peer;
    close(run->fd);
    for (unsigned turns = 0; !is_gone(peer); turns++) {
        GW_ASSERT(turns < 100);
        if (peer == &library && turns % 8 == 7) {
            gw_clock_advance(600 * GW_NS_PER_MS);
        }
        gw_loop_turn(loop, 0);
        if (run->held != NULL) {
            answer_held(run);
        }
    }
    GW_ASSERT(run->held == NULL && gw_http_server_in_flight(peer->server) == 0);
}

static void free_run(struct run *run) {
    for (size_t i = 0; i < run->count; i++) {
        gw_bytes_free(&run->requests[i]);
    }
    gw_bytes_free(&run->in);
    gw_bytes_free(&run->answers);
}

static void talk(struct run *run, const struct peer_server *peer, struct eg_str text, unsigned mode,
                 const uint8_t *cuts) {
    const unsigned quiet = peer == &library ? 5 : 2;
    open_run(run, peer, mode);
    say_all(run, text, cuts, quiet);
    if ((mode & MODE_ENDS_EARLY) != 0) {
        (void)shutdown(run->fd, SHUT_WR);
    }
    settle(run, quiet);
    GW_ASSERT(peer == &library || unread_bytes(run) == 0);
    GW_ASSERT(peer == &library || run->is_over || (mode & MODE_ENDS_EARLY) == 0);
    (void)shutdown(run->fd, SHUT_WR);
    settle(run, quiet);
    close_run(run);
}

/* ---- answers ---- */

static bool differs_each_time(struct eg_str name) {
    return gw_str_eq_nocase(name, GW_STR("Date")) || gw_str_eq_nocase(name, GW_STR("x-request-id"));
}

/* One answer off the text; false when there is no whole one. */
static bool take_answer(struct run *run, struct eg_str *text, bool is_head) {
    struct gw_http_response response = {0};
    enum gw_response_event event;
    struct eg_str rest = *text;
    const size_t begin = run->answers.len;
    bool has_id = false;
    gw_http_response_begin(&response, is_head);
    do {
        event = gw_http_response_next(&response, &rest);
        has_id = has_id || (event == GW_RESPONSE_FIELD &&
                            gw_str_eq_nocase(response.name, GW_STR("x-request-id")));
        if (event == GW_RESPONSE_FIELD && !differs_each_time(response.name)) {
            add_part(&run->answers, "name", response.name);
            add_part(&run->answers, "value", response.value);
        } else if (event == GW_RESPONSE_HEAD) {
            run->last_status = (uint32_t)response.status;
            gw_bytes_addf(&run->answers, "status %d\n", response.status);
        } else if (event == GW_RESPONSE_BODY) {
            gw_bytes_add(&run->answers, response.value);
        }
    } while (event != GW_RESPONSE_MORE && event != GW_RESPONSE_END && event != GW_RESPONSE_BAD);
    gw_http_response_free(&response);
    if (event == GW_RESPONSE_END) {
        GW_ASSERT(!run->has_strange);
        run->has_strange = !has_id;
        *text = rest;
    } else {
        run->answers.len = begin;
    }
    return event == GW_RESPONSE_END;
}

/* All of them; false when there is more than answers. The refusal of a HEAD has no body. */
static bool take_answers(struct run *run) {
    struct eg_str text = gw_bytes_str(&run->in);
    while (text.len > 0) {
        const bool is_last = run->answer_count >= run->count;
        const bool is_head = !is_last && run->is_head[run->answer_count];
        if (!take_answer(run, &text, is_head) && !(is_last && take_answer(run, &text, true))) {
            return false;
        }
        run->answer_count++;
    }
    return true;
}

static void check_answers(struct run *run) {
    GW_ASSERT(take_answers(run));
    GW_ASSERT(run->is_over);
    GW_ASSERT(run->answer_count >= run->count && run->answer_count <= run->count + 1);
    GW_ASSERT(run->answer_count == run->count || run->last_status >= 400);
    GW_ASSERT(!run->is_refused || run->answer_count > run->count);
}

/* ---- judging ---- */

static void show(const char *what, struct eg_str text) {
    fprintf(stderr, "---- %s:\n%.*s\n", what, GW_FMT(gw_str_sub(text, 0, 6000)));
}

static void check_same(const char *what, struct eg_str a, struct eg_str b) {
    if (!gw_str_eq(a, b)) {
        show(what, a);
        show("and", b);
        GW_ASSERT(gw_str_eq(a, b));
    }
}

static void compare_requests(const struct run *a, const struct run *b) {
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        check_same("requests", gw_bytes_str(&a->requests[i]), gw_bytes_str(&b->requests[i]));
    }
}

static void compare_cuts(struct run *whole, struct run *cut) {
    check_answers(whole);
    check_answers(cut);
    compare_requests(whole, cut);
    check_same("answers", gw_bytes_str(&whole->answers), gw_bytes_str(&cut->answers));
    GW_ASSERT(whole->count == cut->count);
}

/* ---- differences ---- */

struct raw_request {
    bool has_empty_line;
    struct gw_http_head head;
    struct eg_str body; /* with its framing */
};

/* Takes one off the text; the own engine has handed it over. */
static void take_raw(struct eg_str *text, struct gw_arena *arena, struct raw_request *ret_raw) {
    struct gw_head_scan scan = {0};
    struct gw_http_body body;
    struct gw_http_lines lines = {0};
    const struct gw_http_limits *limits = &plain.server->config.limits;
    const char *reason = NULL;
    ret_raw->has_empty_line = gw_str_starts(*text, GW_STR("\r\n"));
    *text = gw_str_cut(*text, ret_raw->has_empty_line ? 2 : 0);
    GW_ASSERT(gw_http_head_scan(&scan, *text) == GW_HEAD_WHOLE);
    struct gw_http_head *head = &ret_raw->head;
    GW_ASSERT(gw_http_head_parse(gw_str_sub(*text, 0, scan.len), scan.lines, arena, head) == NULL);
    GW_ASSERT(gw_http_guard(head, limits, &reason) == 0);
    *text = gw_str_cut(*text, scan.len);
    ret_raw->body = *text;
    gw_http_body_begin(&body, head->is_chunked ? GW_FRAMED_CHUNKS : GW_FRAMED_LENGTH,
                       head->announced_bytes, (size_t)limits->head_bytes);
    enum gw_body_event event;
    while ((event = gw_http_body_next(&body, &lines, text)) == GW_BODY_PIECE) {
    }
    GW_ASSERT(event == GW_BODY_END);
    gw_http_lines_free(&lines);
    ret_raw->body.len -= text->len;
}

/* What libmicrohttpd refuses and ours does not. */
static bool is_known_difference(struct eg_str text, size_t index) {
    struct raw_request raw = {0};
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    for (size_t i = 0; i <= index; i++) {
        take_raw(&text, &arena, &raw);
    }
    const bool is_known =
        raw.has_empty_line ||                                                 /* RFC 9112 2.2 */
        (raw.head.is_chunked && gw_str_find(raw.body, ';') < raw.body.len) || /* an extension */
        raw.head.header_count > HEADERS_ENOUGH; /* its memory may have no room for more */
    gw_arena_free(&arena);
    return is_known;
}

/* libmicrohttpd 1.0.1 takes the LF behind a chunk's extensions for the first byte of its data: it
 * refuses the chunk, unless its size is one too big. */
static bool is_known_mistake(struct eg_str text, const struct run *theirs, size_t index) {
    return theirs->is_chunked[index] && gw_str_find(text, ';') < text.len;
}

static bool is_explained(const struct run *ours, const struct run *theirs, struct eg_str text) {
    if (ours->count == theirs->count) {
        return true;
    }
    return ours->count > theirs->count ? is_known_difference(text, theirs->count)
                                       : is_known_mistake(text, theirs, ours->count);
}

static void compare_engines(const struct run *ours, struct run *theirs, struct eg_str text) {
    compare_requests(ours, theirs);
    GW_ASSERT(take_answers(theirs));
    if (!is_explained(ours, theirs, text)) {
        const bool is_ours = ours->count > theirs->count;
        show("text", text);
        show("ours said", gw_bytes_str(&ours->in));
        show("theirs said", gw_bytes_str(&theirs->in));
        show("only of one", gw_bytes_str(is_ours ? &ours->requests[theirs->count]
                                                 : &theirs->requests[ours->count]));
        GW_ASSERT(ours->count == theirs->count);
    }
}

/* ---- input ---- */

static void expand(struct gw_bytes *out, const uint8_t *data, size_t size) {
    gw_bytes_init(out, 0);
    for (size_t i = 0; i < size && out->len < TEXT_MAX - 25600; i++) {
        if (data[i] != 1 || i + 1 == size) {
            gw_bytes_add_char(out, (char)data[i]);
            continue;
        }
        i++;
        for (unsigned n = data[i] * 100u; n > 0; n--) {
            gw_bytes_add_char(out, 'x');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run whole;
    static struct run cut;
    static struct run theirs;
    struct gw_bytes bytes;
    if (size < 2) {
        return 0;
    }
    const unsigned mode = data[0];
    start_once();
    expand(&bytes, data + 2, size - 2);
    const struct eg_str text = gw_bytes_str(&bytes);
    talk(&whole, &plain, text, mode, NULL);
    talk(&cut, &plain, text, mode, &data[1]);
    compare_cuts(&whole, &cut);
    talk(&theirs, &library, text, mode & ~(unsigned)MODE_ENDS_EARLY,
         (mode & MODE_CUTS_BOTH) != 0 ? &data[1] : NULL);
    compare_engines(&whole, &theirs, text);
    if ((mode & MODE_GOES) != 0) {
        free_run(&cut);
        open_run(&cut, &plain, mode);
        say_all(&cut, gw_str_sub(text, 0, data[1] * text.len / 256), &data[1], 1);
        close_run(&cut);
    }
    free_run(&whole);
    free_run(&cut);
    free_run(&theirs);
    gw_bytes_free(&bytes);
    return 0;
}
