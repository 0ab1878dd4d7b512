/*
 * session.c - the connection to ZooKeeper. A session holds nothing that we would need again (no
 * ephemeral nodes, and the guard tells what was missed), so a lost connection is not resumed: the
 * client is closed, and after a pause with full jitter there is a new one. A session that has
 * expired is the same thing.
 *
 *   IDLE -> CONNECTING -> SETUP -> READY
 *              ^  |         |        |
 *              |  v         v        v
 *              PAUSE <---------------
 *
 * SETUP makes the nodes that are missing, one after the other, and reads the guard and the node
 * that the items are below: READY means that both may be read. It looks before it creates:
 * ZooKeeper refuses to create what is there already, but asks for the right to create first, which
 * need not be ours.
 *
 * Thread: control.
 */
#include <stdarg.h>
#include <string.h>

#include "store.h"

#define MILLISECOND 1000000ull
#define SECOND 1000000000ull
#define TICK_NS (100 * MILLISECOND)
#define PROBE_NS (5 * SECOND)
#define DOUBT_NS (500 * MILLISECOND)
#define MAX_CLOSING 1u
#define LATE_NS SECOND /* the host gives all that it stops 5 s */

static uint64_t now_ns(const struct zk_store *store) {
    return store->host->clock->monotonic_ns(store->host);
}

bool zk_session_is_ready(const struct zk_store *store) {
    return store->session.state == ZK_SESSION_READY;
}

/* ---- the guard ---- */

struct zk_guard *zk_guard_hold(struct zk_guard *guard) {
    guard->holds++;
    return guard;
}

void zk_guard_drop(struct zk_store *store, struct zk_guard *guard) {
    if (guard != NULL && --guard->holds == 0) {
        zk_ring_free(store->host, &guard->ring);
        store->host->mem->free(store->host, guard);
    }
}

/* What is seen later may be older: an answer that was on its way while we wrote. */
void zk_guard_written(struct zk_store *store, int32_t version, uint64_t made_zxid, uint64_t zxid,
                      struct eg_str data) {
    struct zk_guard *former = store->session.guard;
    if (former != NULL && former->ring.newest >= zxid) {
        return;
    }
    struct zk_guard *guard = store->host->mem->alloc(store->host, sizeof *guard);
    guard->holds = 1;
    guard->version = version;
    zk_ring_decode(store->host, data, made_zxid, zxid, &guard->ring);
    store->session.guard = guard;
    zk_guard_drop(store, former);
    zk_watches_wake(store);
}

struct guard_read {
    struct zk_store *store;
    void (*done)(void *arg, int32_t status);
    void *arg;
};

static void on_guard(void *arg, const struct zk_reply *reply) {
    struct guard_read *read = arg;
    struct zk_store *store = read->store;
    int32_t status = EG_OK;
    if (reply->code == ZK_OK) {
        zk_guard_written(store, reply->stat.version, reply->stat.made_zxid, reply->stat.zxid,
                         reply->data);
    } else if (reply->code == ZK_NONODE) {
        zk_session_lose(store, EG_E_UNAVAILABLE, "%s was removed", store->guard);
        status = EG_E_UNAVAILABLE;
    } else {
        struct eg_why why = {.struct_size = sizeof why};
        status = zk_session_failed(store, reply, store->guard, &why);
        if (status != EG_E_UNAVAILABLE) { /* without the guard nothing goes on */
            zk_session_lose(store, status, "%.*s", (int)why.len, why.text);
        }
    }
    if (read->done != NULL) {
        read->done(read->arg, status);
    }
    store->host->mem->free(store->host, read);
}

void zk_guard_read(struct zk_store *store, void (*done)(void *arg, int32_t status), void *arg) {
    struct guard_read *read = store->host->mem->alloc(store->host, sizeof *read);
    *read = (struct guard_read){store, done, arg};
    zk_get(store->session.client, store->guard, true, (struct zk_ask){on_guard, read});
}

static void on_watched(void *arg, bool is_gone) {
    struct zk_store *store = arg;
    if (store->session.state == ZK_SESSION_READY && !is_gone) {
        zk_guard_read(store, NULL, NULL);
    } else if (store->session.state == ZK_SESSION_READY) {
        zk_session_lose(store, EG_E_UNAVAILABLE, "%s was removed", store->guard);
    }
}

/* ---- down ---- */

static void try_again(void *arg);

static void pause_session(struct zk_store *store) {
    struct zk_session *session = &store->session;
    session->state = ZK_SESSION_PAUSE;
    session->pause = store->host->loop->timer_start(
        store->host, store->control, egx_backoff_next(&session->backoff), 0, try_again, store);
}

static void on_closed(void *arg) {
    struct zk_store *store = arg;
    store->session.closing--;
    if (store->session.closing == 0 && store->start_op != NULL && store->start_status != EG_OK) {
        zk_started(store, store->start_status);
    }
}

/* Takes up to seconds, as the library says goodbye to the server; the next one does not wait. */
static void close_client(struct zk_store *store) {
    struct zk_session *session = &store->session;
    struct zk_client *client = session->client;
    store->host->loop->timer_stop(store->host, session->late);
    session->late = NULL;
    session->client = NULL;
    session->is_probing = false;
    session->state = ZK_SESSION_IDLE;
    session->closing++;
    zk_client_close(client, store->is_draining, on_closed, store);
}

EGX_PRINTF(3, 0)
static void set_trouble(struct zk_store *store, int32_t status, const char *format, va_list args) {
    struct zk_session *session = &store->session;
    (void)egx_vprint(session->trouble_text, sizeof session->trouble_text, format, args);
    session->trouble = status;
    if (!session->is_down_logged && !store->is_draining) {
        session->is_down_logged = true;
        egx_log(store->host, EG_LOG_WARN, "%s; trying on", session->trouble_text);
    }
}

/* Says what takes so long, and goes on with it. */
EGX_PRINTF(2, 3)
static void tell_trouble(struct zk_store *store, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_trouble(store, EG_E_UNAVAILABLE, format, args);
    va_end(args);
    zk_watches_down(store);
}

void zk_session_lose(struct zk_store *store, int32_t status, const char *format, ...) {
    struct zk_session *session = &store->session;
    va_list args;
    if (session->client == NULL) {
        return;
    }
    va_start(args, format);
    set_trouble(store, status, format, args);
    va_end(args);
    if (store->start_op != NULL && status == EG_E_DENIED) {
        store->start_status = status;
    }
    close_client(store);
    zk_watches_down(store);
    if (store->start_op != NULL && store->start_status != EG_OK) {
        return; /* start is answered, and ends here, when the threads are gone */
    }
    zk_started(store, EG_OK); /* a store that is away is no reason not to start */
    if (!store->is_draining) {
        pause_session(store);
    }
}

int32_t zk_session_failed(struct zk_store *store, const struct zk_reply *reply, const char *path,
                          struct eg_why *ret_why) {
    if (reply->code == ZK_NOAUTH) {
        store->session.is_doubted = true;
        return egx_why(ret_why, EG_E_DENIED,
                       "zookeeper at %s denies access to %s: check username and password, and "
                       "the ACLs of the nodes there",
                       store->servers, path);
    }
    if (reply->code == ZK_LOST) {
        /* The library says it before it tells that the session is gone. */
        return egx_why(ret_why, EG_E_UNAVAILABLE, "%s",
                       zk_session_is_ready(store) ? "the connection to zookeeper was lost"
                                                  : store->session.trouble_text);
    }
    return egx_why(ret_why, EG_E_PROTO, "zookeeper at %s answers: %s", store->servers,
                   zk_client_text(reply->raw));
}

/* ---- setting up ---- */

static void setup_failed(struct zk_store *store, const struct zk_reply *reply) {
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t status = zk_session_failed(store, reply, store->root, &why);
    zk_session_lose(store, status, "%.*s", (int)why.len, why.text);
}

/* Only now it is sure that there is something to work with. A session that ends here again and
 * again, since the items are somebody else's, has longer and longer pauses. */
static void on_first_probe(void *arg, const struct zk_reply *reply) {
    struct zk_store *store = arg;
    struct zk_session *session = &store->session;
    if (session->client == NULL) {
        return;
    }
    if (reply->code != ZK_OK) {
        setup_failed(store, reply);
        return;
    }
    session->state = ZK_SESSION_READY;
    session->backoff.tries = 0;
    session->trouble = EG_OK;
    session->probed_ns = now_ns(store);
    session->is_doubted = false;
    if (session->is_down_logged) {
        session->is_down_logged = false;
        egx_log(store->host, EG_LOG_INFO, "zookeeper at %s is there", store->servers);
    }
    zk_started(store, EG_OK);
    zk_watches_wake(store);
}

static void on_first_guard(void *arg, int32_t status) {
    struct zk_store *store = arg;
    if (status != EG_OK) {
        zk_session_lose(store, status, "%s cannot be read", store->guard);
        return;
    }
    zk_get(store->session.client, store->items, false, (struct zk_ask){on_first_probe, store});
}

/* The path of the setup_at-th node: each part of root, then items, guard. False at the end. */
static bool setup_path(const struct zk_store *store, char *out, const char **ret_path) {
    size_t slashes = 0;
    for (size_t i = 1;; i++) {
        if (store->root[i] != '/' && store->root[i] != '\0') {
            continue;
        }
        if (slashes++ == store->session.setup_at) {
            memcpy(out, store->root, i);
            out[i] = '\0';
            *ret_path = out;
            return true;
        }
        if (store->root[i] == '\0') {
            break;
        }
    }
    *ret_path = store->session.setup_at == slashes ? store->items : store->guard;
    return store->session.setup_at <= slashes + 1;
}

static void setup_next(struct zk_store *store);

static void on_made(void *arg, const struct zk_reply *reply) {
    struct zk_store *store = arg;
    if (store->session.client == NULL) {
        return;
    }
    if (reply->code != ZK_OK && reply->code != ZK_EXISTS) {
        setup_failed(store, reply);
        return;
    }
    store->session.setup_at++;
    setup_next(store);
}

static void on_looked(void *arg, const struct zk_reply *reply) {
    struct zk_store *store = arg;
    const char *path = NULL;
    if (reply->code != ZK_NONODE) {
        on_made(arg, reply);
        return;
    }
    char *text = store->host->mem->alloc(store->host, strlen(store->root) + 1);
    (void)setup_path(store, text, &path);
    zk_create(store->session.client, path,
              path == store->guard ? EGX_STR("EGZ1\0\0\0\0\0\0\0\0") : EGX_STR(""),
              (struct zk_ask){on_made, store});
    store->host->mem->free(store->host, text);
}

static void setup_next(struct zk_store *store) {
    const char *path = NULL;
    char *text = store->host->mem->alloc(store->host, strlen(store->root) + 1);
    if (setup_path(store, text, &path)) {
        zk_exists(store->session.client, path, (struct zk_ask){on_looked, store});
    } else {
        zk_guard_read(store, on_first_guard, store);
    }
    store->host->mem->free(store->host, text);
}

static void on_connected(void *arg) {
    struct zk_store *store = arg;
    store->session.state = ZK_SESSION_SETUP;
    store->session.setup_at = 0;
    /* A store that was restored from a backup begins with an older one. */
    zk_guard_drop(store, store->session.guard);
    store->session.guard = NULL;
    zk_sync(store->session.client, store->root, (struct zk_ask){NULL, NULL});
    setup_next(store);
}

/* ---- connecting ---- */

static void on_open(void *arg) {
    struct zk_store *store = arg;
    store->session.is_open = true;
    store->session.connecting_since_ns = now_ns(store);
}

/* The library tries its servers one after the other, for ever; each failure is told. */
static void on_trouble(void *arg, bool was_connected, struct eg_str why) {
    struct zk_store *store = arg;
    struct zk_session *session = &store->session;
    if (session->state == ZK_SESSION_CONNECTING && !was_connected &&
        ++session->failures < store->settings->servers.count) {
        return;
    }
    zk_session_lose(store, EG_E_UNAVAILABLE, "zookeeper at %s cannot be reached: %.*s",
                    store->servers, EGX_FMT(why));
}

static void try_again(void *arg) {
    struct zk_store *store = arg;
    struct zk_session *session = &store->session;
    const struct zk_client_config config = {
        .host = store->host,
        .loop = store->control,
        .servers = store->servers,
        .digest = store->digest,
        .session_ms = (int32_t)(store->settings->session_timeout / MILLISECOND),
        .arg = store,
        .on_open = on_open,
        .on_connected = on_connected,
        .on_trouble = on_trouble,
        .on_watched = on_watched,
    };
    store->host->loop->timer_stop(store->host, session->pause);
    session->pause = NULL;
    session->failures = 0;
    session->is_open = false;
    session->connecting_since_ns = now_ns(store);
    /* One that looks up names for long has a thread of the pool, and others need some too. */
    if (session->closing <= MAX_CLOSING && zk_client_open(&config, &session->client) == EG_OK) {
        session->state = ZK_SESSION_CONNECTING;
        return;
    }
    pause_session(store);
}

/* ---- time ---- */

static void on_probed(void *arg, const struct zk_reply *reply) {
    struct zk_store *store = arg;
    store->session.is_probing = false;
    if (reply->code == ZK_NONODE) {
        zk_session_lose(store, EG_E_UNAVAILABLE, "%s was removed", store->items);
    } else if (reply->code == ZK_NOAUTH) {
        setup_failed(store, reply);
    }
}

/* Rights that were taken away are told to nobody; so they are tried from time to time. */
static void probe(struct zk_store *store) {
    struct zk_session *session = &store->session;
    const uint64_t pause_ns = session->is_doubted ? DOUBT_NS : PROBE_NS;
    if (session->is_probing || now_ns(store) - session->probed_ns < pause_ns) {
        return;
    }
    session->is_doubted = false;
    session->probed_ns = now_ns(store);
    session->is_probing = true;
    zk_get(session->client, store->items, false, (struct zk_ask){on_probed, store});
}

static void tick(void *arg) {
    struct zk_store *store = arg;
    const struct zk_session *session = &store->session;
    const uint64_t now = now_ns(store);
    if (session->state == ZK_SESSION_READY) {
        probe(store);
        zk_watches_tick(store);
    } else if (session->state == ZK_SESSION_CONNECTING &&
               now - session->connecting_since_ns >= store->settings->timeout &&
               !session->is_open) {
        tell_trouble(store, "zookeeper at %s cannot be reached: no name was found within %llu ms",
                     store->servers, (unsigned long long)(store->settings->timeout / MILLISECOND));
    } else if (session->state == ZK_SESSION_CONNECTING &&
               now - session->connecting_since_ns >= store->settings->timeout) {
        zk_session_lose(
            store, EG_E_UNAVAILABLE, "zookeeper at %s cannot be reached: no session within %llu ms",
            store->servers, (unsigned long long)(store->settings->timeout / MILLISECOND));
    }
    if (store->start_op != NULL && store->start_status == EG_OK &&
        now - store->started_ns >= 3 * SECOND) {
        egx_log(store->host, EG_LOG_WARN, "zookeeper at %s does not answer; trying on",
                store->servers);
        zk_started(store, EG_OK);
    }
}

void zk_session_start(struct zk_store *store) {
    struct zk_session *session = &store->session;
    session->backoff =
        (struct egx_backoff){.first_ns = 100 * MILLISECOND, .last_ns = 2 * SECOND, .tries = 0};
    session->trouble = EG_E_UNAVAILABLE;
    (void)snprintf(session->trouble_text, sizeof session->trouble_text,
                   "zookeeper at %s has not answered yet", store->servers);
    session->ticker =
        store->host->loop->timer_start(store->host, store->control, TICK_NS, TICK_NS, tick, store);
    try_again(store);
}

/* The library itself would give a silent server up only after two thirds of the session's time. */
static void on_late(void *arg) {
    struct zk_store *store = arg;
    zk_session_lose(store, EG_E_UNAVAILABLE, "zookeeper at %s did not answer in time",
                    store->servers);
}

/* Called again when an operation has ended, which gives the others no more time. */
void zk_session_drain(struct zk_store *store) {
    struct zk_session *session = &store->session;
    store->host->loop->timer_stop(store->host, session->ticker);
    store->host->loop->timer_stop(store->host, session->pause);
    session->ticker = NULL;
    session->pause = NULL;
    if (session->client == NULL) {
        return;
    }
    if (store->ops_under_way > 0) {
        if (session->late == NULL) {
            session->late = store->host->loop->timer_start(store->host, store->control, LATE_NS, 0,
                                                           on_late, store);
        }
        return;
    }
    session->trouble = EG_E_UNAVAILABLE;
    (void)snprintf(session->trouble_text, sizeof session->trouble_text,
                   "the gateway is shutting down");
    close_client(store);
}

void zk_session_free(struct zk_store *store) {
    zk_guard_drop(store, store->session.guard);
    store->session.guard = NULL;
}
