/*
 * io/http_client_curl.c - the HTTP client's engine for https and whatever else is not plain; the
 * one door to libcurl. Its multi interface, driven by our loop: curl names the sockets and the next
 * time-out, we call curl_multi_socket_action.
 *
 * What keeps it cheap: easy handles live in a pool, only what differs is set again, and the parsed
 * URL stays with its handle; header lists are built in the call's arena; a socket stays in epoll
 * when curl lets go of it after an exchange (connections are mostly used again at once) and leaves
 * on its first event while idle or when it is closed. Deadlines are the front's, curl's own are
 * off. Redirects are followed there too and not by curl, which would keep a custom method.
 *
 * Thread: the loop's. Ownership: the pool owns the handles, a call borrows one for an exchange.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_call.h"
#include "io/http_outgoing.h"
#include "io/http_sockets.h"
#include "io/kept_memory.h"

#define POOLED_HANDLES_MAX 512u
#define POOLED_HANDLES_SEEN 8 /* in search of one that has asked the same URL */
#define EXPECT_BODY_MIN 1000u /* from some size on curl adds Expect: to requests */
#define CACHED_CONNECTIONS 1024L

struct curl_engine {
    struct gw_http_engine engine;
    struct eg_loop *loop;
    const struct gw_http_client_config *config;
    CURLM *multi;
    struct gw_timer timer; /* curl's */
    struct gw_task kick;   /* curl's time-out of 0 */
    struct gw_http_sockets sockets;
    struct gw_node pooled;
    uint32_t pooled_count;
};

struct gw_curl_exchange {
    struct curl_engine *engine;
    struct eg_http_call *call; /* whose exchange it is, NULL in the pool */
    struct gw_node node;
    CURL *easy;
    CURLU *parsed;  /* of url_text, so that curl need not parse it for each exchange */
    char *url_text; /* what easy and parsed are set to; NULL = nothing */
    size_t url_len;
    bool is_added;      /* to the multi handle */
    bool has_tls_files; /* the handle must be reset before its next use */
    char curl_error[CURL_ERROR_SIZE];
};

/* ---- the loop side of curl ---- */

static void take_results(struct curl_engine *engine);

static void act(struct curl_engine *engine, curl_socket_t fd, int events) {
    int running = 0;
    (void)curl_multi_socket_action(engine->multi, fd, events, &running);
    take_results(engine);
}

/* Closed by the peer while idle, or it talks without being asked (RFC 9112 9.3): what it says must
 * not answer the next request, maybe one of another function. curl finds the connection dead when
 * it wants to use it again. */
static void retire(struct curl_engine *engine, struct gw_fd *fd) {
    char scrap[4096];
    gw_fd_unwatch(engine->loop, fd);
    (void)shutdown(fd->fd, SHUT_RDWR);
    while (recv(fd->fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0) {
    }
}

static void on_socket(struct gw_fd *fd, uint32_t events) {
    struct gw_http_socket *watch = GW_CONTAINER(fd, struct gw_http_socket, fd);
    struct curl_engine *engine = watch->owner;
    if (watch->wanted == 0) {
        retire(engine, fd);
        return;
    }
    act(engine, fd->fd,
        ((events & EG_FD_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((events & EG_FD_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct gw_timer *timer) {
    act(GW_CONTAINER(timer, struct curl_engine, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void on_kick(struct gw_task *task) {
    act(GW_CONTAINER(task, struct curl_engine, kick), CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION. A millisecond more: curl does not ask again when we come too early. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg) {
    struct curl_engine *engine = arg;
    (void)multi;
    gw_timer_stop(engine->loop, &engine->timer);
    if (timeout_ms == 0) {
        gw_loop_defer(engine->loop, &engine->kick);
    } else if (timeout_ms > 0) {
        gw_timer_start(engine->loop, &engine->timer, ((uint64_t)timeout_ms + 1) * GW_NS_PER_MS,
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
    struct curl_engine *engine = arg;
    struct gw_http_socket *watch = gw_http_socket_of(&engine->sockets, engine, fd);
    (void)easy;
    (void)ignored;
    watch->wanted = events[what];
    if (watch->wanted == 0 && !watch->is_connection) {
        /* curl closes these without telling */
        gw_http_socket_forget(&engine->sockets, engine->loop, fd);
        return 0;
    }
    if (watch->fd.is_watched) {
        gw_fd_change(engine->loop, &watch->fd, watch->wanted == 0 ? EG_FD_READ : watch->wanted);
        return 0;
    }
    if (watch->wanted == 0) {
        return 0;
    }
    return gw_fd_watch(engine->loop, &watch->fd, fd, watch->wanted, on_socket) == EG_OK ? 0 : -1;
}

/* CURLOPT_RESOLVER_START_FUNCTION */
static int on_resolving(void *resolver, void *reserved, void *arg) {
    struct gw_curl_exchange *exchange = arg;
    (void)resolver;
    (void)reserved;
    gw_http_call_is_connecting(exchange->call);
    return 0;
}

/* CURLOPT_OPENSOCKETFUNCTION */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct gw_curl_exchange *exchange = arg;
    struct curl_engine *engine = exchange->engine;
    (void)purpose;
    gw_http_call_is_connecting(exchange->call);
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          address->protocol);
    if (fd >= 0) {
        /* curl 7.88 closes a socket that never got connected without telling: what is known of a
         * former one of this number is not known of this one */
        gw_http_socket_forget(&engine->sockets, engine->loop, fd);
        gw_http_socket_of(&engine->sockets, engine, fd)->is_connection = true;
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION: the only place where a connection's watch ends for good. */
static int close_socket(void *arg, curl_socket_t fd) {
    struct curl_engine *engine = arg;
    gw_http_socket_forget(&engine->sockets, engine->loop, fd);
    return close(fd);
}

/* ---- what curl tells of one exchange ---- */

/* CURLOPT_HEADERFUNCTION. Fewer bytes than given end the exchange, here and below. */
static size_t on_header(char *ptr, size_t size, size_t count, void *arg) {
    struct gw_curl_exchange *exchange = arg;
    struct eg_http_call *call = exchange->call;
    gw_http_call_is_alive(call);
    return call->answer.error == EG_OK &&
                   gw_http_answer_line(&call->answer, gw_str(ptr, size * count))
               ? size * count
               : 0;
}

static void note_status(struct gw_curl_exchange *exchange) {
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    exchange->call->status = (int32_t)status;
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *ptr, size_t size, size_t count, void *arg) {
    struct gw_curl_exchange *exchange = arg;
    const struct eg_str piece = gw_str(ptr, size * count);
    curl_off_t announced = -1;
    gw_http_call_is_alive(exchange->call);
    note_status(exchange);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    const uint64_t length = announced > 0 ? (uint64_t)announced : 0;
    return gw_http_call_body(exchange->call, piece, length) ? piece.len : 0;
}

/* CURLOPT_PREREQFUNCTION: connected, about to send. */
static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port) {
    struct gw_curl_exchange *exchange = arg;
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    gw_http_call_is_connected(exchange->call);
    return CURL_PREREQFUNC_OK;
}

/* ---- handles ---- */

#define SET(option, value) (void)curl_easy_setopt(easy, option, value)

/* What is the same for all exchanges. */
static void set_basics(struct gw_curl_exchange *exchange) {
    CURL *easy = exchange->easy;
    struct curl_engine *engine = exchange->engine;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a call that ends while its name is looked up leaves the
                                    resolver's thread alone: joining it would hold up the loop */
    SET(CURLOPT_PRIVATE, exchange);
    SET(CURLOPT_CURLU, exchange->parsed);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, (long)(engine->config->idle_timeout_ns / GW_NS_PER_S) + 1L);
    SET(CURLOPT_ERRORBUFFER, exchange->curl_error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, exchange);
    SET(CURLOPT_RESOLVER_START_FUNCTION, on_resolving);
    SET(CURLOPT_RESOLVER_START_DATA, exchange);
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, engine);
}

static bool has_url(const struct gw_curl_exchange *exchange, struct eg_str url) {
    return exchange->url_text != NULL &&
           gw_str_eq(gw_str(exchange->url_text, exchange->url_len), url);
}

static void forget_url(struct gw_curl_exchange *exchange) {
    gw_free(exchange->url_text);
    exchange->url_text = NULL;
}

/* As text too: curl 7 keeps it for its own repetition of a request on a connection that has died.
 */
static bool set_url(struct gw_curl_exchange *exchange, struct eg_str url) {
    CURL *easy = exchange->easy;
    if (has_url(exchange, url)) {
        return true;
    }
    forget_url(exchange);
    char *text = gw_dup_cstr(url);
    if (curl_url_set(exchange->parsed, CURLUPART_URL, text, CURLU_PATH_AS_IS) != CURLUE_OK) {
        gw_free(text);
        return false;
    }
    SET(CURLOPT_URL, text);
    exchange->url_text = text;
    exchange->url_len = url.len;
    return true;
}

static void set_tls_file(struct gw_curl_exchange *exchange, CURLoption option, struct eg_str path) {
    if (path.len > 0) {
        CURL *easy = exchange->easy;
        SET(option, gw_arena_dup(&exchange->call->arena, path).ptr);
        exchange->has_tls_files = true;
    }
}

/* A ca_file is instead of the system's authorities, but CURLOPT_CAINFO alone is beside those of the
 * directory that curl was built with (CURLOPT_CAPATH(3)). And it is read for each new connection,
 * so that a renewed one counts: curl would keep it for a day (CURLOPT_CA_CACHE_TIMEOUT(3)). */
static void set_tls_files(struct gw_curl_exchange *exchange) {
    const struct eg_http_request *request = exchange->call->request;
    CURL *easy = exchange->easy;
    set_tls_file(exchange, CURLOPT_CAINFO, request->ca_file);
    set_tls_file(exchange, CURLOPT_SSLCERT, request->cert_file);
    set_tls_file(exchange, CURLOPT_SSLKEY, request->key_file);
    if (request->ca_file.len > 0) {
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
}

/* POST keeps its own verb in curl; every other method is a custom name on a GET or a POST. */
static void set_method(struct gw_curl_exchange *exchange) {
    CURL *easy = exchange->easy;
    const struct eg_str method = exchange->call->method;
    const struct eg_str body = exchange->call->body;
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
    SET(CURLOPT_CUSTOMREQUEST, is_plain ? NULL : gw_arena_dup(&exchange->call->arena, method).ptr);
}

static struct curl_slist *push_line(struct eg_http_call *call, struct curl_slist *tail,
                                    struct eg_str line) {
    struct curl_slist *item = gw_arena_zalloc(&call->arena, sizeof *item);
    item->data = (char *)(uintptr_t)line.ptr; /* curl only reads it */
    tail->next = item;
    return item;
}

/* The list lives in the arena; curl borrows it. `Name:` keeps curl from adding its own. */
static void set_headers(struct gw_curl_exchange *exchange) {
    struct eg_http_call *call = exchange->call;
    struct curl_slist head = {0};
    struct curl_slist *tail = &head;
    bool has_type = false;
    bool has_accept = false;
    for (size_t i = 0; i < call->request->header_count; i++) {
        const struct eg_kv *h = &call->request->headers[i];
        if (!gw_http_call_sends(call, h)) {
            continue;
        }
        has_type = has_type || gw_str_eq_nocase(h->name, GW_STR("Content-Type"));
        has_accept = has_accept || gw_str_eq_nocase(h->name, GW_STR("Accept"));
        tail = push_line(call, tail, gw_http_header_line(&call->arena, h));
    }
    tail = has_type ? tail : push_line(call, tail, GW_STR("Content-Type:"));
    tail = has_accept ? tail : push_line(call, tail, GW_STR("Accept:"));
    if (call->body.len >= EXPECT_BODY_MIN) {
        (void)push_line(call, tail, GW_STR("Expect:"));
    }
    (void)curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, head.next);
}

/* libcurl sends a request again when a connection that it has used before ends without an answer,
 * also a POST; on a new one it never does. Kept afterwards, these would pile up unused: servers
 * count connections. */
static void set_connection(struct gw_curl_exchange *exchange) {
    CURL *easy = exchange->easy;
    const bool is_once = (exchange->call->request->flags & EG_HTTP_ONCE) != 0;
    SET(CURLOPT_FRESH_CONNECT, is_once ? 1L : 0L);
    SET(CURLOPT_FORBID_REUSE, is_once ? 1L : 0L);
}

/* ---- the pool of handles ---- */

static void free_exchange(struct gw_curl_exchange *exchange) {
    curl_easy_cleanup(exchange->easy);
    curl_url_cleanup(exchange->parsed);
    forget_url(exchange);
    gw_free(exchange);
}

static struct gw_curl_exchange *make_exchange(struct curl_engine *engine) {
    struct gw_curl_exchange *exchange = gw_alloc(sizeof *exchange);
    exchange->engine = engine;
    exchange->easy = curl_easy_init();
    exchange->parsed = curl_url();
    if (exchange->easy == NULL || exchange->parsed == NULL) {
        free_exchange(exchange);
        return NULL;
    }
    set_basics(exchange);
    return exchange;
}

/* One that has asked the same URL when it is found soon, else the warmest. */
static struct gw_curl_exchange *take_exchange(struct curl_engine *engine, struct eg_str url) {
    struct gw_node *node = engine->pooled.next;
    if (gw_list_empty(&engine->pooled)) {
        return make_exchange(engine);
    }
    for (int i = 0; i < POOLED_HANDLES_SEEN && node != &engine->pooled; i++, node = node->next) {
        if (has_url(GW_CONTAINER(node, struct gw_curl_exchange, node), url)) {
            break;
        }
    }
    if (node == &engine->pooled ||
        !has_url(GW_CONTAINER(node, struct gw_curl_exchange, node), url)) {
        node = engine->pooled.next;
    }
    gw_list_remove(node);
    engine->pooled_count--;
    return GW_CONTAINER(node, struct gw_curl_exchange, node);
}

/* Back to the pool, last in first out: the warm one is used next. */
static void recycle_exchange(struct gw_curl_exchange *exchange) {
    struct curl_engine *engine = exchange->engine;
    exchange->call = NULL;
    if (engine->pooled_count >= POOLED_HANDLES_MAX) {
        free_exchange(exchange);
        return;
    }
    if (exchange->has_tls_files) {
        curl_easy_reset(exchange->easy);
        forget_url(exchange);
        set_basics(exchange);
        exchange->has_tls_files = false;
    }
    gw_list_push(engine->pooled.next, &exchange->node);
    engine->pooled_count++;
}

/* ---- the engine ---- */

static void begin(struct gw_http_engine *base, struct eg_http_call *call) {
    struct curl_engine *engine = GW_CONTAINER(base, struct curl_engine, engine);
    struct gw_curl_exchange *exchange = take_exchange(engine, call->url);
    if (exchange == NULL) {
        gw_http_call_end_later(call, EG_E_INTERNAL, "libcurl has no memory for the request");
        return;
    }
    exchange->call = call;
    call->curl = exchange;
    exchange->curl_error[0] = '\0';
    const bool is_url_good = set_url(exchange, call->url);
    set_tls_files(exchange);
    set_method(exchange);
    set_connection(exchange);
    set_headers(exchange);
    exchange->is_added =
        is_url_good && curl_multi_add_handle(engine->multi, exchange->easy) == CURLM_OK;
    if (!exchange->is_added) {
        gw_http_call_end_later(call, EG_E_INTERNAL, "libcurl has refused the request");
    }
}

static void leave(struct gw_http_engine *base, struct eg_http_call *call) {
    struct gw_curl_exchange *exchange = call->curl;
    (void)base;
    if (exchange == NULL) {
        return;
    }
    call->curl = NULL;
    if (exchange->is_added) {
        exchange->is_added = false;
        (void)curl_multi_remove_handle(exchange->engine->multi, exchange->easy);
    }
    recycle_exchange(exchange);
}

static int32_t error_of(CURLcode code) {
    static const struct {
        CURLcode code;
        int32_t error;
    } errors[] = {
        {CURLE_OK, EG_OK},
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

static void end_exchange(struct gw_curl_exchange *exchange, CURLcode code) {
    struct eg_http_call *call = exchange->call;
    note_status(exchange);
    const char *message =
        exchange->curl_error[0] != '\0' ? exchange->curl_error : curl_easy_strerror(code);
    /* the handle goes back to the pool, and may be used again, before the message is read */
    message = code == CURLE_OK ? NULL : gw_arena_dup(&call->arena, gw_str_c(message)).ptr;
    gw_http_call_end(call, error_of(code), message);
}

static void take_results(struct curl_engine *engine) {
    int left = 0;
    for (CURLMsg *msg; (msg = curl_multi_info_read(engine->multi, &left)) != NULL;) {
        struct gw_curl_exchange *exchange = NULL;
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        const CURLcode code = msg->data.result;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        GW_ASSERT(exchange != NULL && exchange->call != NULL);
        end_exchange(exchange, code);
    }
}

struct eg_str gw_http_curl_resolve(struct gw_arena *arena, struct eg_str base,
                                   struct eg_str location) {
    CURLU *parsed = curl_url();
    char *text = NULL;
    struct eg_str url = gw_arena_dup(arena, location);
    if (parsed != NULL &&
        curl_url_set(parsed, CURLUPART_URL, gw_arena_dup(arena, base).ptr, CURLU_PATH_AS_IS) ==
            CURLUE_OK &&
        curl_url_set(parsed, CURLUPART_URL, url.ptr, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_URL, &text, 0) == CURLUE_OK) {
        url = gw_arena_dup(arena, gw_str_c(text));
    }
    curl_free(text);
    curl_url_cleanup(parsed);
    return url;
}

/* ---- life ---- */

static void destroy(struct gw_http_engine *base) {
    struct curl_engine *engine = GW_CONTAINER(base, struct curl_engine, engine);
    for (struct gw_node *node; (node = gw_list_shift(&engine->pooled)) != NULL;) {
        free_exchange(GW_CONTAINER(node, struct gw_curl_exchange, node));
    }
    (void)curl_multi_cleanup(engine->multi); /* closes the connections through close_socket */
    gw_http_sockets_free(&engine->sockets, engine->loop);
    gw_timer_stop(engine->loop, &engine->timer);
    gw_loop_undefer(&engine->kick);
    gw_free(engine);
}

static void init_library(void) {
    (void)curl_global_init_mem(CURL_GLOBAL_DEFAULT, gw_kept_malloc, gw_kept_free, gw_kept_realloc,
                               gw_kept_strdup, gw_kept_calloc);
}

static void set_multi(struct curl_engine *engine) {
    const struct gw_http_client_config *config = engine->config;
    CURLM *multi = engine->multi;
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CACHED_CONNECTIONS);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)config->max_connections);
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                            (long)config->max_connections_per_host);
}

int32_t gw_http_curl_create(struct eg_loop *loop, const struct gw_http_client_config *config,
                            struct gw_http_engine **ret_engine) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return EG_E_INTERNAL;
    }
    struct curl_engine *engine = gw_alloc(sizeof *engine);
    engine->engine = (struct gw_http_engine){begin, leave, destroy};
    engine->loop = loop;
    engine->config = config;
    engine->multi = multi;
    engine->kick.fn = on_kick;
    gw_list_init(&engine->pooled);
    set_multi(engine);
    *ret_engine = &engine->engine;
    return EG_OK;
}
