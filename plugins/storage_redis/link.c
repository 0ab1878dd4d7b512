/*
 * link.c - see link.h. hiredis has the protocol and TLS, the loop of the gateway has the rest: its
 * non-blocking context is driven by hand (redisBufferWrite, redisBufferRead,
 * redisGetReplyFromReader), as its README describes for clients that bring their own event loop.
 * Its asynchronous layer is not used: an unasked reply, which a confused server may send, ends the
 * process there (an assert of redisProcessCallbacks in async.c); here it ends the connection.
 *
 * The socket is made and connected here too, since hiredis looks names up while it connects.
 *
 * Ownership: a link is freed by close; when that is called from inside one of its callbacks, by the
 * outermost of them as it ends.
 */
#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>

#define READS_AT_ONCE 32
/* An answer of more elements than any of ours is garbage; hiredis would allocate room for all. */
#define MAX_ELEMENTS (1024ll * 1024)
/* So is one that is longer than any of ours: a page of 2 MiB that ends with a key and a value of 16
 * MiB each, and the key once more. hiredis would keep whatever comes. */
#define MAX_ANSWER (128u * 1024u * 1024u)

struct redis_link {
    struct redis_link_config config;
    struct redis_peer peer;
    struct eg_fd_watch *watch;
    uint32_t events; /* that are watched */
    int fd;          /* until hiredis has it */
    redisContext *context;
    struct ssl_st *ssl; /* the context's */
    struct redis_call *first;
    struct redis_call *last;
    size_t waiting;
    size_t unfinished; /* bytes that came since the last whole reply */
    uint64_t heard_ns; /* when something came, or the first of those that wait was sent */
    uint32_t depth;    /* callbacks that are running */
    bool is_connected;
    bool is_broken;
    bool is_closed;
};

/* ---- ends ---- */

static void free_link(struct redis_link *link) {
    const struct eg_host *host = link->config.host;
    host->loop->fd_unwatch(host, link->watch);
    if (link->context != NULL) {
        redisFree(link->context);
    } else if (link->fd >= 0) {
        (void)close(link->fd);
    }
    host->mem->free(host, link);
}

static void enter(struct redis_link *link) {
    link->depth++;
}

/* The link may be gone afterwards. */
static void leave(struct redis_link *link) {
    if (--link->depth == 0 && link->is_closed) {
        free_link(link);
    }
}

static struct redis_call *shift(struct redis_link *link) {
    struct redis_call *call = link->first;
    if (call != NULL) {
        link->first = call->next;
        link->last = link->first == NULL ? NULL : link->last;
        link->waiting--;
        call->next = NULL;
    }
    return call;
}

void redis_link_close(struct redis_link *link) {
    if (link == NULL || link->is_closed) {
        return;
    }
    enter(link);
    link->is_closed = true;
    for (struct redis_call *call; (call = shift(link)) != NULL;) {
        call->answered(call, NULL);
    }
    leave(link);
}

static void stop_watching(struct redis_link *link) {
    link->config.host->loop->fd_unwatch(link->config.host, link->watch);
    link->watch = NULL;
}

EGX_PRINTF(3, 4)
static void break_link(struct redis_link *link, int32_t rc, const char *format, ...) {
    struct eg_why why = {.struct_size = sizeof why};
    va_list args;
    if (link->is_broken || link->is_closed) {
        return;
    }
    va_start(args, format);
    why.len = (uint32_t)egx_vprint(why.text, sizeof why.text, format, args);
    va_end(args);
    link->is_broken = true;
    stop_watching(link);
    link->config.broken(link->config.arg, rc, &why);
}

/* What hiredis says, or what TLS says, which knows more. */
static void break_by_context(struct redis_link *link) {
    char text[512] = "";
    int32_t rc = link->context->err == REDIS_ERR_PROTOCOL ? EG_E_PROTO : EG_E_UNAVAILABLE;
    if (link->ssl != NULL && redis_tls_reason(link->ssl, text, sizeof text) != 0) {
        rc = EG_E_DENIED;
    }
    break_link(link, rc, "%s", text[0] != '\0' ? text : link->context->errstr);
}

/* ---- reading and writing ---- */

static void want(struct redis_link *link, uint32_t events) {
    if (link->watch != NULL && link->events != events) {
        link->events = events;
        link->config.host->loop->fd_change(link->config.host, link->watch, events);
    }
}

static bool write_some(struct redis_link *link) {
    int is_done = 0;
    redis_tls_forget_errors();
    if (redisBufferWrite(link->context, &is_done) != REDIS_OK) {
        break_by_context(link);
        return false;
    }
    /* Always writable and never done would keep the loop turning. */
    const bool is_idle =
        is_done != 0 || (link->ssl != NULL && redis_tls_waits_for_peer(link->ssl) != 0);
    want(link, EG_FD_READ | (is_idle ? 0u : EG_FD_WRITE));
    return true;
}

static void give(struct redis_link *link, redisReply *reply) {
    struct redis_call *call = shift(link);
    if (call == NULL) {
        /* A server that is full, or in protected mode, says so before it hangs up. */
        if (reply->type == REDIS_REPLY_ERROR) {
            break_link(link, EG_E_UNAVAILABLE, "%s", reply->str);
        } else {
            break_link(link, EG_E_PROTO, "it has sent a reply that nobody has asked for");
        }
        return;
    }
    call->answered(call, reply);
}

/* False when the link has ended. */
static bool give_replies(struct redis_link *link) {
    void *reply = NULL;
    while (!link->is_closed && !link->is_broken) {
        if (redisGetReplyFromReader(link->context, &reply) != REDIS_OK) {
            break_by_context(link);
            return false;
        }
        if (reply == NULL) {
            return true;
        }
        link->unfinished = link->context->reader->len - link->context->reader->pos;
        give(link, reply);
        freeReplyObject(reply);
    }
    return false;
}

/* hiredis reads 16 KiB at a time. With TLS that is a whole record at most (RFC 8446 5.1), so that
 * nothing stays behind in OpenSSL, of which the descriptor would not tell. */
static void read_some(struct redis_link *link) {
    for (int i = 0; i < READS_AT_ONCE; i++) {
        const size_t before = link->context->reader->len;
        redis_tls_forget_errors();
        if (redisBufferRead(link->context) != REDIS_OK) {
            break_by_context(link);
            return;
        }
        if (link->context->reader->len == before) {
            return;
        }
        link->heard_ns = link->config.host->clock->monotonic_ns(link->config.host);
        link->unfinished += link->context->reader->len - before;
        if (link->unfinished > MAX_ANSWER) {
            break_link(link, EG_E_PROTO, "it has sent an answer of more than %u MiB",
                       MAX_ANSWER / 1024u / 1024u);
            return;
        }
        if (!give_replies(link)) {
            return;
        }
    }
}

/* ---- connecting ---- */

/* The first round of the handshake; when the server is quick, all of it. */
static bool begin_tls(struct redis_link *link) {
    char text[512] = "";
    struct ssl_st *ssl = NULL;
    if (redis_tls_connection(link->config.tls, link->config.server_name, &ssl) != EG_OK) {
        break_link(link, EG_E_INVAL, "'%s' is no name for TLS", link->config.server_name);
        return false;
    }
    if (redisInitiateSSL(link->context, ssl) == REDIS_OK) {
        link->ssl = ssl;
        return true;
    }
    const bool is_refused = redis_tls_reason(ssl, text, sizeof text) != 0;
    redis_tls_free_connection(ssl); /* hiredis has not taken it */
    break_link(link, is_refused ? EG_E_DENIED : EG_E_UNAVAILABLE, "%s",
               text[0] != '\0' ? text : link->context->errstr);
    return false;
}

/* The first event of the descriptor: connected, or not. */
static bool finish_connect(struct redis_link *link) {
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        break_link(link, EG_E_UNAVAILABLE, "%s", strerror(error == 0 ? errno : error));
        return false;
    }
    link->is_connected = true;
    return link->config.tls == NULL || begin_tls(link);
}

static void on_event(void *arg, uint32_t events) {
    struct redis_link *link = arg;
    enter(link);
    /* With TLS, reading may have to write and the other way round: both are tried. */
    if ((link->is_connected || finish_connect(link)) && write_some(link) &&
        (events & EG_FD_READ) != 0) {
        read_some(link);
    }
    if (!link->is_broken && !link->is_closed && (link->ssl != NULL)) {
        (void)write_some(link);
    }
    leave(link);
}

static int32_t begin_connect(struct redis_link *link, struct eg_why *ret_why) {
    const int one = 1;
    const redisOptions options = {
        .type = REDIS_CONN_USERFD,
        .options = REDIS_OPT_NONBLOCK,
    };
    redisOptions with_fd = options;
    const struct sockaddr *address = (const struct sockaddr *)&link->peer.address;
    link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        return egx_why(ret_why, EG_E_UNAVAILABLE, "%s", strerror(errno));
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (connect(link->fd, address, link->peer.address_len) != 0 && errno != EINPROGRESS) {
        return egx_why(ret_why, EG_E_UNAVAILABLE, "%s", strerror(errno));
    }
    with_fd.endpoint.fd = link->fd;
    link->context = redisConnectWithOptions(&with_fd);
    if (link->context == NULL || link->context->err != 0) {
        return egx_why(ret_why, EG_E_INTERNAL, "out of memory");
    }
    link->context->reader->maxelements = MAX_ELEMENTS;
    return EG_OK;
}

int32_t redis_link_open(const struct redis_link_config *config, struct redis_link **ret_link,
                        struct eg_why *ret_why) {
    const struct eg_host *host = config->host;
    struct redis_link *link = host->mem->alloc(host, sizeof *link);
    link->config = *config;
    link->peer = *config->peer;
    link->config.peer = &link->peer;
    link->fd = -1;
    link->heard_ns = host->clock->monotonic_ns(host);
    int32_t rc = begin_connect(link, ret_why);
    if (rc == EG_OK) {
        link->events = EG_FD_WRITE;
        link->watch =
            host->loop->fd_watch(host, config->loop, link->fd, link->events, on_event, link);
        rc = link->watch == NULL
                 ? egx_why(ret_why, EG_E_INTERNAL, "the event loop does not take its socket")
                 : EG_OK;
    }
    if (rc != EG_OK) {
        free_link(link);
        return rc;
    }
    *ret_link = link;
    return EG_OK;
}

/* ---- commands ---- */

void redis_link_send(struct redis_link *link, const struct redis_command *command,
                     struct redis_call *call) {
    const char *args[REDIS_COMMAND_ARGS];
    size_t lens[REDIS_COMMAND_ARGS];
    for (size_t i = 0; i < command->count; i++) {
        args[i] = command->args[i].len == 0 ? "" : command->args[i].ptr;
        lens[i] = command->args[i].len;
    }
    call->next = NULL;
    if (link->last == NULL) {
        link->first = call;
        link->heard_ns = link->config.host->clock->monotonic_ns(link->config.host);
    } else {
        link->last->next = call;
    }
    link->last = call;
    link->waiting++;
    /* It fails for want of memory only; the call is answered when the silence is noticed. */
    (void)redisAppendCommandArgv(link->context, (int)command->count, args, lens);
    want(link, link->events | EG_FD_WRITE);
}

size_t redis_link_waiting(const struct redis_link *link) {
    return link->waiting;
}

uint64_t redis_link_silent_ns(const struct redis_link *link) {
    const uint64_t now = link->config.host->clock->monotonic_ns(link->config.host);
    return link->waiting == 0 || now < link->heard_ns ? 0 : now - link->heard_ns;
}
