/*
 * session.c - the way to the server: names are looked up, a Sentinel (if there are any) is asked
 * for the master, and two connections are set up to the first server that says it is a master. One
 * takes the commands; the other waits for changes (feed.c). They live and die together: when one of
 * them fails, both are closed and the search begins anew, so after a failover nothing keeps talking
 * to the former master.
 *
 * Thread: control. Ownership: the store owns the session; links are closed here only.
 */
#include "greeting.h"
#include "resolve.h"

#include <hiredis/hiredis.h>

#define MS 1000000u
#define SECOND 1000000000u
#define START_NS (3ull * SECOND)
#define FIRST_PAUSE_NS (100ull * MS)
#define LAST_PAUSE_NS (2ull * SECOND)
#define DRAIN_NS (3ull * SECOND) /* before the gateway gives the plugin up, after 5 s */

static void try_peer(struct redis_store *store);
static void begin_round(struct redis_store *store);

bool redis_session_is_up(const struct redis_store *store) {
    return store->session.phase == REDIS_PHASE_UP;
}

/* ---- start ---- */

static void stop_timer(struct redis_store *store, struct eg_timer **timer) {
    store->host->loop->timer_stop(store->host, *timer);
    *timer = NULL;
}

/* Not found yet is no failure: it is tried on. */
static void end_start(struct redis_store *store, int32_t rc, const struct eg_why *why) {
    struct eg_op *op = store->start;
    if (op == NULL) {
        return;
    }
    const bool is_hopeless = rc == EG_E_DENIED || rc == EG_E_UNSUPPORTED || rc == EG_E_INVAL;
    store->start = NULL;
    stop_timer(store, &store->start_limit);
    if (is_hopeless) {
        redis_session_end(store);
        egx_done_error(op, rc, "%.*s", (int)why->len, why->text);
        return;
    }
    if (rc != EG_OK) {
        egx_log(store->host, EG_LOG_WARN, "%.*s; it is tried on", (int)why->len, why->text);
    }
    egx_done_ok(op);
}

static void on_start_limit(void *arg) {
    struct redis_store *store = arg;
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_UNAVAILABLE, "redis has not answered within 3 s");
    end_start(store, EG_E_UNAVAILABLE, &why);
}

/* ---- ends of a session ---- */

static const char *peer_name(const struct redis_store *store) {
    const struct redis_session *session = &store->session;
    return session->peer_count == 0
               ? "?"
               : session->peers[(session->offset + session->tried) % session->peer_count].name;
}

static void close_links(struct redis_session *session) {
    struct redis_link *links[] = {session->commands, session->feed, session->sentinel};
    session->commands = NULL;
    session->feed = NULL;
    session->sentinel = NULL;
    session->greeted = NULL;
    session->is_role_asked = false;
    for (size_t i = 0; i < EGX_COUNT(links); i++) {
        redis_link_close(links[i]);
    }
}

static void on_pause_over(void *arg) {
    struct redis_store *store = arg;
    stop_timer(store, &store->session.pause);
    begin_round(store);
}

/* Down, until the pause is over. */
static void rest(struct redis_store *store, int32_t rc, const struct eg_why *why) {
    struct redis_session *session = &store->session;
    session->phase = REDIS_PHASE_RESTING;
    session->rc = rc;
    session->why = *why;
    stop_timer(store, &session->limit);
    redis_feed_stop(store);
    redis_audit_stop(store);
    close_links(session);
    redis_watches_down(store, &session->why);
    if (!store->is_draining && session->pause == NULL) {
        session->pause = store->host->loop->timer_start(store->host, store->control,
                                                        egx_backoff_next(&session->backoff), 0,
                                                        on_pause_over, store);
    }
}

void redis_session_fail(struct redis_store *store, int32_t rc, const struct eg_why *why) {
    struct eg_why text = {.struct_size = sizeof text};
    if (store->session.phase != REDIS_PHASE_UP) {
        return;
    }
    (void)egx_why(&text, rc, "redis at %s is lost: %.*s", peer_name(store), (int)why->len,
                  why->text);
    egx_log(store->host, EG_LOG_WARN, "%.*s", (int)text.len, text.text);
    rest(store, rc, &text);
}

static void end_round(struct redis_store *store) {
    struct redis_session *session = &store->session;
    const int32_t rc = session->round_rc;
    const struct eg_why why = session->round_why;
    session->offset++;
    rest(store, rc, &why);
    end_start(store, rc, &why);
}

static void note(struct redis_store *store, int32_t rc, const char *what,
                 const struct eg_why *why) {
    struct redis_session *session = &store->session;
    if (session->round_rc == EG_OK || session->round_rc == EG_E_UNAVAILABLE) {
        session->round_rc = rc;
        (void)egx_why(&session->round_why, rc, "redis at %s %s: %.*s", peer_name(store), what,
                      (int)why->len, why->text);
    }
}

static void next_peer(struct redis_store *store) {
    stop_timer(store, &store->session.limit);
    close_links(&store->session);
    store->session.tried++;
    try_peer(store);
}

/* ---- up ---- */

static void come_up(struct redis_store *store) {
    struct redis_session *session = &store->session;
    stop_timer(store, &session->limit);
    session->phase = REDIS_PHASE_UP;
    egx_log(store->host, EG_LOG_INFO, "connected to redis at %s", peer_name(store));
    redis_feed_start(store);
    redis_audit_start(store);
    redis_watches_wake(store);
    end_start(store, EG_OK, NULL);
}

/* ---- setting up ---- */

static void greet(struct redis_store *store);
static void after_greeting(struct redis_store *store);

static void on_greeted(struct redis_call *call, const struct redisReply *reply) {
    struct redis_store *store =
        (struct redis_store *)(void *)((char *)call -
                                       offsetof(struct redis_store, session.greeting));
    struct redis_session *session = &store->session;
    struct eg_why why = {.struct_size = sizeof why};
    if (reply == NULL) {
        return; /* closed, by somebody who knows what comes next */
    }
    const int32_t rc = reply->type == REDIS_REPLY_ERROR
                           ? redis_refusal_of(egx_str_n(reply->str, reply->len), &why).rc
                           : session->steps->items[session->step].take(store, reply, &why);
    if (rc != EG_OK) {
        note(store, rc, "cannot be used", &why);
        next_peer(store);
        return;
    }
    session->step++;
    greet(store);
}

/* The next command that is needed, or on. */
static void greet(struct redis_store *store) {
    struct redis_session *session = &store->session;
    struct redis_command command;
    bool is_asked = false;
    redis_command_init(&command, store->host);
    while (!is_asked && session->step < session->steps->count) {
        is_asked = session->steps->items[session->step].ask(store, &command);
        session->step += is_asked ? 0 : 1;
    }
    if (is_asked) {
        session->greeting.answered = on_greeted;
        redis_link_send(session->greeted, &command, &session->greeting);
    }
    redis_command_free(&command);
    if (!is_asked) {
        after_greeting(store);
    }
}

static void on_broken(void *arg, int32_t rc, const struct eg_why *why) {
    struct redis_store *store = arg;
    if (store->session.phase == REDIS_PHASE_UP) {
        redis_session_fail(store, rc, why);
        return;
    }
    note(store, rc, rc == EG_E_UNAVAILABLE ? "cannot be reached" : "cannot be used", why);
    next_peer(store);
}

static void on_limit(void *arg) {
    struct redis_store *store = arg;
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_UNAVAILABLE, "no answer within %llu ms",
                  (unsigned long long)(store->settings->timeout / MS));
    note(store, EG_E_UNAVAILABLE, "cannot be reached", &why);
    next_peer(store);
}

/* Connects to the present peer. */
static int32_t open_link(struct redis_store *store, struct redis_link **ret_link,
                         struct eg_why *ret_why) {
    struct redis_session *session = &store->session;
    const struct redis_peer *peer =
        &session->peers[(session->offset + session->tried) % session->peer_count];
    const struct redis_link_config config = {
        .host = store->host,
        .loop = store->control,
        .peer = peer,
        .tls = store->tls,
        .server_name = store->server_name != NULL ? store->server_name : peer->host,
        .broken = on_broken,
        .arg = store,
    };
    return redis_link_open(&config, ret_link, ret_why);
}

/* EG_OK: the peer is spoken to. */
static int32_t open_and_greet(struct redis_store *store, struct redis_link **link,
                              const struct redis_steps *steps, struct eg_why *ret_why) {
    struct redis_session *session = &store->session;
    const int32_t rc = open_link(store, link, ret_why);
    if (rc != EG_OK) {
        note(store, rc, "cannot be reached", ret_why);
        return rc;
    }
    session->greeted = *link;
    session->steps = steps;
    session->step = 0;
    return EG_OK;
}

static void try_peer(struct redis_store *store) {
    struct redis_session *session = &store->session;
    struct eg_why why = {.struct_size = sizeof why};
    const bool is_sentinel = session->phase == REDIS_PHASE_SENTINEL;
    if (!is_sentinel) {
        session->phase = REDIS_PHASE_COMMANDS; /* also of a peer after one that failed later */
    }
    for (; session->tried < session->peer_count; session->tried++) {
        const int32_t rc =
            is_sentinel ? open_and_greet(store, &session->sentinel, &redis_steps_sentinel, &why)
                        : open_and_greet(store, &session->commands, &redis_steps_commands, &why);
        if (rc == EG_OK) {
            session->limit = store->host->loop->timer_start(
                store->host, store->control, store->settings->timeout, 0, on_limit, store);
            greet(store);
            return;
        }
    }
    end_round(store);
}

static void look_up(struct redis_store *store, const struct eg_str_list *addresses);

/* What is greeted answers as it should. */
static void after_greeting(struct redis_store *store) {
    struct redis_session *session = &store->session;
    struct eg_why why = {.struct_size = sizeof why};
    if (session->phase == REDIS_PHASE_SENTINEL) {
        const struct eg_str master = egx_str_c(session->master);
        const struct eg_str_list addresses = {&master, 1};
        stop_timer(store, &session->limit);
        close_links(session);
        look_up(store, &addresses);
    } else if (session->phase == REDIS_PHASE_COMMANDS) {
        session->phase = REDIS_PHASE_FEED;
        if (open_and_greet(store, &session->feed, &redis_steps_feed, &why) != EG_OK) {
            next_peer(store);
            return;
        }
        greet(store);
    } else {
        come_up(store);
    }
}

/* ---- looking up ---- */

static void on_found(void *arg, const struct redis_found *found) {
    struct redis_store *store = arg;
    struct redis_session *session = &store->session;
    session->is_lookup_running = false;
    if (store->is_draining || session->phase == REDIS_PHASE_RESTING) {
        return;
    }
    session->peer_count = found->count;
    session->tried = 0;
    if (found->count == 0) {
        session->round_rc = EG_E_UNAVAILABLE;
        (void)egx_why(&session->round_why, EG_E_UNAVAILABLE, "redis cannot be reached: %.*s",
                      (int)found->why->len, found->why->text);
        end_round(store);
        return;
    }
    memcpy(session->peers, found->peers, found->count * sizeof session->peers[0]);
    const bool is_sentinel = store->settings->sentinels.count > 0 && session->master[0] == '\0';
    session->phase = is_sentinel ? REDIS_PHASE_SENTINEL : REDIS_PHASE_COMMANDS;
    try_peer(store);
}

static void look_up(struct redis_store *store, const struct eg_str_list *addresses) {
    struct redis_session *session = &store->session;
    const bool is_sentinel = store->settings->sentinels.count > 0 && session->master[0] == '\0';
    session->phase = REDIS_PHASE_LOOKUP;
    session->is_lookup_running = true;
    if (redis_resolve(store->host, store->control, addresses, is_sentinel ? "26379" : "6379",
                      REDIS_PEERS, on_found, store) < 0) {
        session->is_lookup_running = false;
        session->round_rc = EG_E_UNAVAILABLE;
        (void)egx_why(&session->round_why, EG_E_UNAVAILABLE,
                      "redis cannot be reached: too much is waiting for a thread");
        end_round(store);
    }
}

/* Never while names are looked up: a round ends only after that. */
static void begin_round(struct redis_store *store) {
    struct redis_session *session = &store->session;
    session->round_rc = EG_OK;
    session->round_why = (struct eg_why){.struct_size = sizeof session->round_why};
    session->master[0] = '\0';
    look_up(store, store->settings->sentinels.count > 0 ? &store->settings->sentinels
                                                        : &store->settings->address);
}

/* ---- life ---- */

void redis_session_begin(struct redis_store *store) {
    struct redis_session *session = &store->session;
    session->backoff = (struct egx_backoff){.first_ns = FIRST_PAUSE_NS, .last_ns = LAST_PAUSE_NS};
    session->rc = EG_E_UNAVAILABLE;
    session->why = (struct eg_why){.struct_size = sizeof session->why};
    (void)egx_why(&session->why, EG_E_UNAVAILABLE, "redis is not connected yet");
    store->start_limit = store->host->loop->timer_start(store->host, store->control, START_NS, 0,
                                                        on_start_limit, store);
    begin_round(store);
}

void redis_session_rest(struct redis_store *store) {
    struct redis_session *session = &store->session;
    if (store->is_draining && session->commands != NULL &&
        redis_link_waiting(session->commands) == 0) {
        redis_session_end(store);
    }
}

static void on_drain_limit(void *arg) {
    struct redis_store *store = arg;
    store->session.rc = EG_E_UNAVAILABLE;
    (void)egx_why(&store->session.why, EG_E_UNAVAILABLE,
                  "the gateway stops, and redis at %s has not answered", peer_name(store));
    redis_session_end(store);
}

/* What was asked may still be answered, for a while. */
void redis_session_drain(struct redis_store *store) {
    struct redis_session *session = &store->session;
    struct redis_link *feed = session->feed;
    if (session->phase != REDIS_PHASE_UP) {
        redis_session_end(store);
        return;
    }
    session->feed = NULL;
    redis_link_close(feed);
    session->limit = store->host->loop->timer_start(store->host, store->control, DRAIN_NS, 0,
                                                    on_drain_limit, store);
    redis_session_rest(store);
}

void redis_session_end(struct redis_store *store) {
    struct redis_session *session = &store->session;
    session->phase = REDIS_PHASE_RESTING;
    stop_timer(store, &session->limit);
    redis_feed_stop(store);
    stop_timer(store, &session->pause);
    stop_timer(store, &store->start_limit);
    close_links(session);
}
