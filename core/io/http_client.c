/*
 * io/http_client.c - see http_client.h. libcurl's multi interface, driven by our loop: curl names
 * the sockets and the next time-out, we call curl_multi_socket_action.
 *
 * What keeps it cheap: easy handles live in a pool, only what differs is set again, and the parsed
 * URL stays with its handle; header lists are built in the call's arena; a socket stays in epoll
 * when curl lets go of it after an exchange (connections are mostly used again at once) and leaves
 * on its first event while idle or when it is closed. Deadlines are our timers, so that they follow
 * base/clock.h; curl's own are off. Redirects are followed here and not by curl, which would keep a
 * custom method.
 *
 * Thread: the loop's. Ownership: a call borrows its request; what it answers lives in its arena.
 */
#include "io/http_client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "io/http_answer.h"
#include "io/http_outgoing.h"
#include "io/http_sockets.h"
#include "io/kept_memory.h"

#define CALL_MAGIC 0x4c4c4143u /* "CALL" */
#define REDIRECTS_MAX 10u
#define POOLED_CALLS_MAX 512u
#define POOLED_CALLS_SEEN 8   /* in search of one that has asked the same URL */
#define EXPECT_BODY_MIN 1000u /* from some size on curl adds Expect: to requests */
#define CACHED_CONNECTIONS 1024L

struct gw_http_client {
    struct eg_loop *loop;
    struct gw_http_client_config config;
    CURLM *multi;
    struct gw_timer timer; /* curl's */
    struct gw_task kick;   /* curl's time-out of 0 */
    struct gw_http_sockets sockets;
    struct gw_node active;
    struct gw_node pooled;
    uint32_t pooled_count;
    uint32_t active_count;
    bool is_telling; /* inside on_data of some call: curl takes no calls of ours */
    struct eg_metric *dropped_headers;
};

struct eg_http_call {
    uint32_t magic;
    struct gw_http_client *client;
    struct gw_node node;
    CURL *easy;
    CURLU *parsed;  /* of url_text, so that curl need not parse it for each exchange */
    char *url_text; /* what easy and parsed are set to; NULL = nothing */
    size_t url_len;
    const struct eg_http_request *request;
    void (*on_done)(void *arg, const struct eg_http_response *response);
    void *arg;
    struct gw_timer deadline;
    uint64_t ends_at_ns;
    struct gw_task done; /* of calls that end outside curl */
    struct gw_arena arena;

    struct gw_timer silence;      /* idle_timeout_ns of the request */
    struct gw_http_answer answer; /* its error is ours, and wins over curl's */
    uint32_t redirects;
    bool is_connecting; /* and no longer waiting for one of the connections there may be */
    bool is_connected;
    bool has_become_get; /* by a redirect */
    bool is_added;       /* to the multi handle */
    bool has_tls_files;  /* the handle must be reset before its next use */
    char curl_error[CURL_ERROR_SIZE];
};

/* ---- the loop side of curl ---- */

static void take_results(struct gw_http_client *client);
static void on_deadline(struct gw_timer *timer);

static void act(struct gw_http_client *client, curl_socket_t fd, int events) {
    int running = 0;
    (void)curl_multi_socket_action(client->multi, fd, events, &running);
    take_results(client);
}

/* Closed by the peer while idle, or it talks without being asked (RFC 9112 9.3): what it says must
 * not answer the next request, maybe one of another function. curl finds the connection dead when
 * it wants to use it again. */
static void retire(struct gw_http_client *client, struct gw_fd *fd) {
    char scrap[4096];
    gw_fd_unwatch(client->loop, fd);
    (void)shutdown(fd->fd, SHUT_RDWR);
    while (recv(fd->fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0) {
    }
}

static void on_socket(struct gw_fd *fd, uint32_t events) {
    struct gw_http_socket *watch = GW_CONTAINER(fd, struct gw_http_socket, fd);
    struct gw_http_client *client = watch->owner;
    if (watch->wanted == 0) {
        retire(client, fd);
        return;
    }
    act(client, fd->fd,
        ((events & EG_FD_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((events & EG_FD_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct gw_timer *timer) {
    act(GW_CONTAINER(timer, struct gw_http_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void on_kick(struct gw_task *task) {
    act(GW_CONTAINER(task, struct gw_http_client, kick), CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION. A millisecond more: curl does not ask again when we come too early. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg) {
    struct gw_http_client *client = arg;
    (void)multi;
    gw_timer_stop(client->loop, &client->timer);
    if (timeout_ms == 0) {
        gw_loop_defer(client->loop, &client->kick);
    } else if (timeout_ms > 0) {
        gw_timer_start(client->loop, &client->timer, ((uint64_t)timeout_ms + 1) * GW_NS_PER_MS,
                       on_timer);
    }
    return 0;
}

/* CURLMOPT_SOCKETFUNCTION */
static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *ignored) {
    static const uint32_t events[] = {[CURL_POLL_NONE] = 0,
                                      [CURL_POLL_IN] = EG_FD_READ,
                                      [CURL_POLL_OUT] = EG_FD_WRITE,
                                      [CURL_POLL_INOUT] = EG_FD_READ | EG_FD_WRITE,
                                      [CURL_POLL_REMOVE] = 0};
    struct gw_http_client *client = arg;
    struct gw_http_socket *watch = gw_http_socket_of(&client->sockets, client, fd);
    (void)easy;
    (void)ignored;
    watch->wanted = events[what];
    if (watch->wanted == 0 && !watch->is_connection) {
        /* curl closes these without telling */
        gw_http_socket_forget(&client->sockets, client->loop, fd);
        return 0;
    }
    if (watch->fd.is_watched) {
        gw_fd_change(client->loop, &watch->fd, watch->wanted == 0 ? EG_FD_READ : watch->wanted);
        return 0;
    }
    if (watch->wanted == 0) {
        return 0;
    }
    return gw_fd_watch(client->loop, &watch->fd, fd, watch->wanted, on_socket) == EG_OK ? 0 : -1;
}

/* Name lookup or the first socket, whichever is first: only now the connection's time runs. A call
 * that waits for its turn (max_connections) has all of its own time for that. */
static void begin_connecting(struct eg_http_call *call) {
    if (call->is_connecting) {
        return;
    }
    call->is_connecting = true;
    const uint64_t now = gw_monotonic_ns();
    const uint64_t left_ns = call->ends_at_ns > now ? call->ends_at_ns - now : 0;
    const uint64_t connect_ns = call->client->config.connect_timeout_ns;
    gw_timer_start(call->client->loop, &call->deadline, left_ns < connect_ns ? left_ns : connect_ns,
                   on_deadline);
}

/* CURLOPT_RESOLVER_START_FUNCTION */
static int on_resolving(void *resolver, void *reserved, void *arg) {
    (void)resolver;
    (void)reserved;
    begin_connecting(arg);
    return 0;
}

/* CURLOPT_OPENSOCKETFUNCTION */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct eg_http_call *call = arg;
    (void)purpose;
    begin_connecting(call);
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          address->protocol);
    if (fd >= 0) {
        gw_http_socket_of(&call->client->sockets, call->client, fd)->is_connection = true;
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION: the only place where a connection's watch ends for good. */
static int close_socket(void *arg, curl_socket_t fd) {
    struct gw_http_client *client = arg;
    gw_http_socket_forget(&client->sockets, client->loop, fd);
    return close(fd);
}

/* ---- what curl tells of one exchange ---- */

static void on_silence(struct gw_timer *timer);

/* Something came (or the request goes out): the time of silence begins anew. */
static void note_life(struct eg_http_call *call) {
    if (call->request->idle_timeout_ns != 0) {
        gw_timer_start(call->client->loop, &call->silence, call->request->idle_timeout_ns,
                       on_silence);
    }
}

/* CURLOPT_HEADERFUNCTION. Fewer bytes than given end the exchange, here and below. */
static size_t on_header(char *ptr, size_t size, size_t count, void *arg) {
    struct eg_http_call *call = arg;
    note_life(call);
    return call->answer.error == EG_OK &&
                   gw_http_answer_line(&call->answer, gw_str(ptr, size * count))
               ? size * count
               : 0;
}

/* Is this the body that the request wants piece by piece? */
static bool is_streamed(const struct eg_http_call *call) {
    long status = 0;
    if (call->request->on_data == NULL) {
        return false;
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 299;
}

static bool tell_piece(struct eg_http_call *call, struct eg_str piece) {
    call->client->is_telling = true;
    call->request->on_data(call->arg, piece);
    call->client->is_telling = false;
    return call->answer.error == EG_OK; /* else it was cancelled in there */
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *ptr, size_t size, size_t count, void *arg) {
    struct eg_http_call *call = arg;
    const struct eg_str piece = gw_str(ptr, size * count);
    curl_off_t announced = -1;
    note_life(call);
    if (call->answer.error != EG_OK) {
        return 0; /* cancelled, but curl does not know yet */
    }
    if (is_streamed(call)) {
        return tell_piece(call, piece) ? piece.len : 0;
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    const uint64_t length = announced > 0 ? (uint64_t)announced : 0;
    return gw_http_answer_body(&call->answer, piece, length) ? piece.len : 0;
}

/* CURLOPT_PREREQFUNCTION: connected, about to send. */
static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port) {
    struct eg_http_call *call = arg;
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    call->is_connected = true;
    note_life(call);
    return CURL_PREREQFUNC_OK;
}

/* ---- handles ---- */

#define SET(option, value) (void)curl_easy_setopt(easy, option, value)

/* What is the same for all exchanges. */
static void set_basics(struct eg_http_call *call) {
    CURL *easy = call->easy;
    struct gw_http_client *client = call->client;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a call that ends while its name is looked up leaves the
                                    resolver's thread alone: joining it would hold up the loop */
    SET(CURLOPT_PRIVATE, call);
    SET(CURLOPT_CURLU, call->parsed);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, (long)(client->config.idle_timeout_ns / GW_NS_PER_S) + 1L);
    SET(CURLOPT_ERRORBUFFER, call->curl_error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, call);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, call);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, call);
    SET(CURLOPT_RESOLVER_START_FUNCTION, on_resolving);
    SET(CURLOPT_RESOLVER_START_DATA, call);
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, client);
}

static bool has_url(const struct eg_http_call *call, struct eg_str url) {
    return call->url_text != NULL && gw_str_eq(gw_str(call->url_text, call->url_len), url);
}

static void forget_url(struct eg_http_call *call) {
    gw_free(call->url_text);
    call->url_text = NULL;
}

/* As text too: curl 7 keeps it for its own repetition of a request on a connection that has died.
 */
static bool set_url(struct eg_http_call *call, struct eg_str url) {
    CURL *easy = call->easy;
    if (has_url(call, url)) {
        return true;
    }
    forget_url(call);
    char *text = gw_dup_cstr(url);
    if (curl_url_set(call->parsed, CURLUPART_URL, text, CURLU_PATH_AS_IS) != CURLUE_OK) {
        gw_free(text);
        return false;
    }
    SET(CURLOPT_URL, text);
    call->url_text = text;
    call->url_len = url.len;
    return true;
}

static void set_tls_file(struct eg_http_call *call, CURLoption option, struct eg_str path) {
    if (path.len > 0) {
        CURL *easy = call->easy;
        SET(option, gw_arena_dup(&call->arena, path).ptr);
        call->has_tls_files = true;
    }
}

/* A ca_file is instead of the system's authorities, but CURLOPT_CAINFO alone is beside those of the
 * directory that curl was built with (CURLOPT_CAPATH(3)). And it is read for each new connection,
 * so that a renewed one counts: curl would keep it for a day (CURLOPT_CA_CACHE_TIMEOUT(3)). */
static void set_tls_files(struct eg_http_call *call, const struct eg_http_request *request) {
    CURL *easy = call->easy;
    set_tls_file(call, CURLOPT_CAINFO, request->ca_file);
    set_tls_file(call, CURLOPT_SSLCERT, request->cert_file);
    set_tls_file(call, CURLOPT_SSLKEY, request->key_file);
    if (request->ca_file.len > 0) {
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
}

/* POST keeps its own verb in curl; every other method is a custom name on a GET or a POST. */
static void set_method(struct eg_http_call *call, struct eg_str method, struct eg_str body) {
    CURL *easy = call->easy;
    const bool is_post = gw_str_eq(method, GW_STR("POST"));
    const bool is_head = gw_str_eq(method, GW_STR("HEAD"));
    const bool is_get = gw_str_eq(method, GW_STR("GET"));
    if (is_post || body.len > 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, body.len == 0 ? "" : body.ptr);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    } else if (is_head) {
        SET(CURLOPT_NOBODY, 1L);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    const bool is_plain = is_post || (body.len == 0 && (is_get || is_head));
    SET(CURLOPT_CUSTOMREQUEST, is_plain ? NULL : gw_arena_dup(&call->arena, method).ptr);
}

static struct curl_slist *push_line(struct eg_http_call *call, struct curl_slist *tail,
                                    struct eg_str line) {
    struct curl_slist *item = gw_arena_zalloc(&call->arena, sizeof *item);
    item->data = (char *)(uintptr_t)line.ptr; /* curl only reads it */
    tail->next = item;
    return item;
}

/* The list lives in the arena; curl borrows it. `Name:` keeps curl from adding its own. A repeated
 * request of a redirect to another host goes without credentials. */
static void set_headers(struct eg_http_call *call, bool is_bodyless, bool is_foreign) {
    const struct eg_http_request *request = call->request;
    struct curl_slist head = {0};
    struct curl_slist *tail = &head;
    bool has_type = false;
    bool has_accept = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct eg_kv *h = &request->headers[i];
        const bool is_type = gw_str_eq_nocase(h->name, GW_STR("Content-Type"));
        const bool is_secret = gw_str_eq_nocase(h->name, GW_STR("Authorization")) ||
                               gw_str_eq_nocase(h->name, GW_STR("Cookie"));
        if ((is_type && is_bodyless) || (is_secret && is_foreign)) {
            continue;
        }
        has_type = has_type || is_type;
        has_accept = has_accept || gw_str_eq_nocase(h->name, GW_STR("Accept"));
        tail = push_line(call, tail, gw_http_header_line(&call->arena, h));
    }
    tail = has_type ? tail : push_line(call, tail, GW_STR("Content-Type:"));
    tail = has_accept ? tail : push_line(call, tail, GW_STR("Accept:"));
    if (request->body.len >= EXPECT_BODY_MIN) {
        (void)push_line(call, tail, GW_STR("Expect:"));
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, head.next);
}

/* ---- calls ---- */

static void free_call(struct eg_http_call *call) {
    curl_easy_cleanup(call->easy);
    curl_url_cleanup(call->parsed);
    forget_url(call);
    gw_arena_free(&call->arena);
    gw_bytes_free(&call->answer.body);
    gw_free(call);
}

static struct eg_http_call *make_call(struct gw_http_client *client) {
    struct eg_http_call *call = gw_alloc(sizeof *call);
    call->client = client;
    gw_arena_init(&call->arena, 2048);
    call->answer.arena = &call->arena;
    call->answer.dropped_headers = client->dropped_headers;
    gw_bytes_init(&call->answer.body, 0);
    call->easy = curl_easy_init();
    call->parsed = curl_url();
    if (call->easy == NULL || call->parsed == NULL) {
        free_call(call);
        return NULL;
    }
    set_basics(call);
    return call;
}

/* One that has asked the same URL when it is found soon, else the warmest. */
static struct eg_http_call *take_call(struct gw_http_client *client, struct eg_str url) {
    struct gw_node *node = client->pooled.next;
    if (gw_list_empty(&client->pooled)) {
        return make_call(client);
    }
    for (int i = 0; i < POOLED_CALLS_SEEN && node != &client->pooled; i++, node = node->next) {
        if (has_url(GW_CONTAINER(node, struct eg_http_call, node), url)) {
            break;
        }
    }
    if (node == &client->pooled || !has_url(GW_CONTAINER(node, struct eg_http_call, node), url)) {
        node = client->pooled.next;
    }
    gw_list_remove(node);
    client->pooled_count--;
    return GW_CONTAINER(node, struct eg_http_call, node);
}

/* Back to the pool, last in first out: the warm one is used next. */
static void recycle_call(struct eg_http_call *call) {
    struct gw_http_client *client = call->client;
    call->magic = 0;
    gw_bytes_free(&call->answer.body);
    if (client->pooled_count >= POOLED_CALLS_MAX) {
        free_call(call);
        return;
    }
    if (call->has_tls_files) {
        curl_easy_reset(call->easy);
        forget_url(call);
        set_basics(call);
        call->has_tls_files = false;
    }
    gw_arena_reset(&call->arena);
    gw_list_push(client->pooled.next, &call->node);
    client->pooled_count++;
}

static void leave_curl(struct eg_http_call *call) {
    if (call->is_added) {
        (void)curl_multi_remove_handle(call->client->multi, call->easy);
        call->is_added = false;
    }
}

static void finish(struct eg_http_call *call, int32_t error, const char *message) {
    struct gw_http_client *client = call->client;
    struct eg_http_response response = {.struct_size = sizeof response, .error = error};
    leave_curl(call);
    gw_timer_stop(client->loop, &call->deadline);
    gw_timer_stop(client->loop, &call->silence);
    gw_loop_undefer(&call->done);
    gw_list_remove(&call->node);
    client->active_count--;
    if (error == EG_OK) {
        long status = 0;
        (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        response.status = (int32_t)status;
        response.headers = call->answer.headers;
        response.header_count = call->answer.header_count;
        response.body = gw_bytes_take(&call->answer.body);
    } else {
        response.message = gw_str_c(message);
    }
    call->on_done(call->arg, &response);
    recycle_call(call);
}

static void on_canceled(struct gw_task *task) {
    finish(GW_CONTAINER(task, struct eg_http_call, done), EG_E_CANCELED, "canceled");
}

static void on_refused(struct gw_task *task) {
    finish(GW_CONTAINER(task, struct eg_http_call, done), EG_E_INTERNAL,
           "libcurl has refused the request");
}

static void on_deadline(struct gw_timer *timer) {
    struct eg_http_call *call = GW_CONTAINER(timer, struct eg_http_call, deadline);
    const uint64_t now = gw_monotonic_ns();
    if (call->is_connected && now < call->ends_at_ns) {
        gw_timer_start(call->client->loop, timer, call->ends_at_ns - now, on_deadline);
        return;
    }
    const char *what = call->is_connecting ? "connecting timed out" : "no connection became free";
    finish(call, EG_E_TIMEOUT, call->is_connected ? "timed out" : what);
}

static void on_silence(struct gw_timer *timer) {
    finish(GW_CONTAINER(timer, struct eg_http_call, silence), EG_E_TIMEOUT,
           "nothing came for too long");
}

static void hand_over(struct eg_http_call *call) {
    struct gw_http_client *client = call->client;
    call->is_added = curl_multi_add_handle(client->multi, call->easy) == CURLM_OK;
    if (!call->is_added) {
        call->done.fn = on_refused;
        gw_loop_defer(client->loop, &call->done);
    }
}

/* Of a call that was begun inside on_data. */
static void on_turn(struct gw_task *task) {
    hand_over(GW_CONTAINER(task, struct eg_http_call, done));
}

/* libcurl sends a request again when a connection that it has used before ends without an answer,
 * also a POST; on a new one it never does. Kept afterwards, these would pile up unused: servers
 * count connections. */
static void set_connection(struct eg_http_call *call) {
    const bool is_once = (call->request->flags & EG_HTTP_ONCE) != 0;
    (void)curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, is_once ? 1L : 0L);
    (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, is_once ? 1L : 0L);
}

/* One exchange: the first or one of a redirect. */
static void start(struct eg_http_call *call, struct eg_str url, struct eg_str method,
                  struct eg_str body, bool is_foreign) {
    struct gw_http_client *client = call->client;
    const uint64_t now = gw_loop_now(client->loop);
    const uint64_t left_ns = call->ends_at_ns > now ? call->ends_at_ns - now : 0;
    gw_http_answer_begin(&call->answer);
    call->is_connecting = call->is_connected = false;
    call->curl_error[0] = '\0';
    const bool is_url_good = set_url(call, url);
    set_method(call, method, body);
    set_connection(call);
    set_headers(call, body.len == 0 && !gw_str_eq(method, GW_STR("POST")), is_foreign);
    gw_timer_start(client->loop, &call->deadline, left_ns, on_deadline);
    if (is_url_good && !client->is_telling) {
        hand_over(call);
        return;
    }
    call->done.fn = is_url_good ? on_turn : on_refused;
    gw_loop_defer(client->loop, &call->done);
}

/* ---- results ---- */

/* RFC 9110 15.4. True when the answer was a redirect that has been followed or has failed. */
static bool follow_redirect(struct eg_http_call *call) {
    const struct eg_http_request *request = call->request;
    struct gw_url parsed;
    long status = 0;
    char *location = NULL;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    const bool turns_into_get = status == 301 || status == 302 || status == 303;
    if ((request->flags & EG_HTTP_NO_REDIRECT) != 0 ||
        (!turns_into_get && status != 307 && status != 308)) {
        return false;
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
    if (location == NULL) {
        return false;
    }
    if (call->redirects == REDIRECTS_MAX) {
        finish(call, EG_E_PROTO, "stopped after 10 redirects");
        return true;
    }
    const struct eg_str url = gw_arena_dup(&call->arena, gw_str_c(location));
    if (gw_url_parse(url, &parsed) != EG_OK) {
        finish(call, EG_E_PROTO, "redirected to what is no http or https URL");
        return true;
    }
    call->redirects++;
    call->has_become_get = call->has_become_get || turns_into_get;
    leave_curl(call);
    const bool is_head = gw_str_eq(request->method, GW_STR("HEAD"));
    const struct eg_str get = is_head ? request->method : GW_STR("GET");
    start(call, url, call->has_become_get ? get : request->method,
          call->has_become_get ? (struct eg_str){0} : request->body,
          !gw_url_same_origin(request->url, url));
    return true;
}

static int32_t error_of(CURLcode code) {
    static const struct {
        CURLcode code;
        int32_t error;
    } errors[] = {
        {CURLE_COULDNT_RESOLVE_HOST, EG_E_UNAVAILABLE},
        {CURLE_COULDNT_CONNECT, EG_E_UNAVAILABLE},
        {CURLE_OPERATION_TIMEDOUT, EG_E_TIMEOUT},
        {CURLE_UNSUPPORTED_PROTOCOL, EG_E_PROTO},
        {CURLE_URL_MALFORMAT, EG_E_PROTO},
        {CURLE_WEIRD_SERVER_REPLY, EG_E_PROTO},
        {CURLE_HTTP2, EG_E_PROTO},
        {CURLE_BAD_CONTENT_ENCODING, EG_E_PROTO},
        {CURLE_FILESIZE_EXCEEDED, EG_E_TOOBIG},
        {CURLE_TOO_MANY_REDIRECTS, EG_E_PROTO},
        {CURLE_OUT_OF_MEMORY, EG_E_TOOBIG},
    };
    for (size_t i = 0; i < GW_COUNT(errors); i++) {
        if (errors[i].code == code) {
            return errors[i].error;
        }
    }
    return EG_E_IO;
}

static void end_of_exchange(struct eg_http_call *call, CURLcode code) {
    if (call->answer.error != EG_OK) {
        finish(call, call->answer.error, call->answer.message);
    } else if (code != CURLE_OK) {
        finish(call, error_of(code),
               call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(code));
    } else if (!follow_redirect(call)) {
        finish(call, EG_OK, NULL);
    }
}

static void take_results(struct gw_http_client *client) {
    int left = 0;
    for (CURLMsg *msg; (msg = curl_multi_info_read(client->multi, &left)) != NULL;) {
        struct eg_http_call *call = NULL;
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        const CURLcode code = msg->data.result;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        GW_MAGIC_CHECK(call, CALL_MAGIC);
        end_of_exchange(call, code);
    }
}

/* ---- the front ---- */

int32_t gw_http_send(struct gw_http_client *client, const struct eg_http_request *request,
                     void (*on_done)(void *arg, const struct eg_http_response *response), void *arg,
                     struct eg_http_call **ret_call) {
    if (gw_http_check_request(request) != EG_OK) {
        return EG_E_INVAL;
    }
    struct eg_http_call *call = take_call(client, request->url);
    if (call == NULL) {
        return EG_E_BUSY;
    }
    const uint64_t now = gw_loop_now(client->loop);
    const uint64_t timeout_ns =
        request->timeout_ns != 0 ? request->timeout_ns : client->config.timeout_ns;
    call->magic = CALL_MAGIC;
    call->request = request;
    call->on_done = on_done;
    call->arg = arg;
    call->ends_at_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
    call->answer.body_max = request->max_response_bytes != 0 ? request->max_response_bytes
                                                             : client->config.max_response_bytes;
    call->answer.error = EG_OK;
    call->redirects = 0;
    call->has_become_get = false;
    set_tls_files(call, request);
    gw_list_push(&client->active, &call->node);
    client->active_count++;
    start(call, request->url, request->method, request->body, false);
    if (ret_call != NULL) {
        *ret_call = call;
    }
    return EG_OK;
}

void gw_http_cancel(struct eg_http_call *call) {
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    if (call->client->is_telling) { /* curl lets go of no handle while it calls us */
        (void)gw_http_answer_refuse(&call->answer, EG_E_CANCELED, "canceled");
    } else {
        leave_curl(call);
    }
    gw_timer_stop(call->client->loop, &call->deadline);
    gw_timer_stop(call->client->loop, &call->silence);
    call->done.fn = on_canceled;
    gw_loop_defer(call->client->loop, &call->done);
}

uint32_t gw_http_client_in_flight(const struct gw_http_client *client) {
    return client->active_count;
}

/* ---- life ---- */

static void init_library(void) {
    (void)curl_global_init_mem(CURL_GLOBAL_DEFAULT, gw_kept_malloc, gw_kept_free, gw_kept_realloc,
                               gw_kept_strdup, gw_kept_calloc);
}

static struct gw_http_client_config with_defaults(const struct gw_http_client_config *config) {
    struct gw_http_client_config c = *config;
    c.timeout_ns = c.timeout_ns != 0 ? c.timeout_ns : 30 * GW_NS_PER_S;
    c.connect_timeout_ns = c.connect_timeout_ns != 0 ? c.connect_timeout_ns : 5 * GW_NS_PER_S;
    c.max_response_bytes = c.max_response_bytes != 0 ? c.max_response_bytes : 6u << 20;
    c.idle_timeout_ns = c.idle_timeout_ns != 0 ? c.idle_timeout_ns : 60 * GW_NS_PER_S;
    return c;
}

int32_t gw_http_client_create(struct eg_loop *loop, const struct gw_http_client_config *config,
                              struct gw_http_client **ret_client) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const struct gw_metric_family dropped = {
        .name = "eventgateway_http_client_dropped_headers_total",
        .help = "Header lines of function answers that were no valid header and were dropped.",
        .type = GW_COUNTER};
    pthread_once(&once, init_library);
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return EG_E_INTERNAL;
    }
    struct gw_http_client *client = gw_alloc(sizeof *client);
    client->loop = loop;
    client->config = with_defaults(config);
    client->multi = multi;
    client->kick.fn = on_kick;
    client->dropped_headers = gw_metric(&dropped, NULL, 0);
    gw_list_init(&client->active);
    gw_list_init(&client->pooled);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CACHED_CONNECTIONS);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)config->max_connections);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                            (long)config->max_connections_per_host);
    *ret_client = client;
    return EG_OK;
}

void gw_http_client_destroy(struct gw_http_client *client) {
    if (client == NULL) {
        return;
    }
    while (!gw_list_empty(&client->active)) {
        finish(GW_CONTAINER(client->active.next, struct eg_http_call, node), EG_E_CANCELED,
               "canceled: the gateway ends");
    }
    for (struct gw_node *node; (node = gw_list_shift(&client->pooled)) != NULL;) {
        free_call(GW_CONTAINER(node, struct eg_http_call, node));
    }
    (void)curl_multi_cleanup(client->multi); /* closes the connections through close_socket */
    gw_http_sockets_free(&client->sockets, client->loop);
    gw_timer_stop(client->loop, &client->timer);
    gw_loop_undefer(&client->kick);
    gw_free(client);
}
