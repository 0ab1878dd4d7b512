/*
 * session.c - a loop's connection to Redis, and the script. Names are looked up on the pool, then
 * the servers are tried one after the other: AUTH, SELECT, SCRIPT LOAD, whose answer is the name of
 * the script for EVALSHA. What fails is tried anew after a pause; meanwhile questions are refused
 * at once, and the middleware does what on_store_failure says.
 *
 * The time is that of the Redis server: one clock for all gateways, so that none with a fast clock
 * gets more. A debt is a number of microseconds, which doubles (all numbers of Lua) hold exactly to
 * a quarter; the keys end by themselves when their bucket is full again.
 *
 * Thread: the loop of the session. Ownership: a session owns its link and timers; questions belong
 * to who asks.
 */
#include <hiredis/hiredis.h>

#include <eventgw-sdk/egx_storage.h>

#include "../storage_redis/answers.h"
#include "../storage_redis/resolve.h"
#include "shared.h"

#define MS 1000000u
#define FIRST_PAUSE_NS (100ull * MS)
#define LAST_PAUSE_NS (2000ull * MS)
#define SHA1_LEN 40u
/* So many times answer_timeout may one answer take, of a server that goes on saying something. */
#define SILENCES_MAX 10u

/* KEYS: the buckets. ARGV: of each the interval and what it holds, in microseconds. Answers which
 * have no room, as bits, and the debts. The one microsecond more is for what rounding adds; a clock
 * that was set back makes no debt greater than the bucket. */
static const char script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local full, refused = {}, 0\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local interval, capacity = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])\n"
    "  local at = tonumber(redis.call('GET', key) or '') or now\n"
    "  full[i] = math.min(math.max(at, now), now + capacity)\n"
    "  if full[i] + interval > now + capacity + 1 then refused = refused + 2 ^ (i - 1) end\n"
    "end\n"
    "local answer = {refused}\n"
    "for i, key in ipairs(KEYS) do\n"
    "  if refused == 0 then\n"
    "    full[i] = full[i] + tonumber(ARGV[2 * i - 1])\n"
    "    redis.call('SET', key, string.format('%.2f', full[i]), 'PX',\n"
    "               math.ceil((full[i] - now) / 1000))\n"
    "  end\n"
    "  answer[i + 1] = math.floor(full[i] - now)\n"
    "end\n"
    "return answer\n";

enum phase { PHASE_DOWN, PHASE_LOOKUP, PHASE_GREETING, PHASE_UP };

struct ratelimit_session {
    struct ratelimit_shared *shared;
    const struct eg_host *host;
    struct eg_loop *loop;
    enum phase phase;
    struct redis_peer peers[RATELIMIT_PEERS];
    size_t peer_count;
    size_t tried;  /* in this round */
    size_t offset; /* of the first one: a server that was lost is tried last */
    struct redis_link *link;
    struct redis_call greeting;
    size_t step;
    char sha1[SHA1_LEN];
    struct eg_timer *pause;
    struct eg_timer *limit;
    struct eg_timer *silence;
    struct egx_backoff backoff;
    struct ratelimit_ask *asks; /* that wait */
    int is_lookup_running;
    int is_closed;
};

static void begin_round(struct ratelimit_session *session);
static void try_peers(struct ratelimit_session *session);

static void stop_timer(struct ratelimit_session *session, struct eg_timer **timer) {
    session->host->loop->timer_stop(session->host, *timer);
    *timer = NULL;
}

/* ---- ends ---- */

static void on_pause_over(void *arg) {
    struct ratelimit_session *session = arg;
    stop_timer(session, &session->pause);
    begin_round(session);
}

static void close_link(struct ratelimit_session *session) {
    struct redis_link *link = session->link;
    session->link = NULL;
    redis_link_close(link);
}

/* One line when it is lost, whatever many loops and requests notice. */
static void tell_lost(struct ratelimit_session *session, const struct eg_why *why) {
    if (atomic_exchange(&session->shared->is_lost, 1u) == 0) {
        egx_log(session->host, EG_LOG_WARN, "limits are not shared, redis is away: %.*s",
                (int)why->len, why->text);
    }
}

static void tell_back(struct ratelimit_session *session) {
    if (atomic_load(&session->shared->is_lost) != 0 &&
        atomic_exchange(&session->shared->is_lost, 0u) != 0) {
        egx_log(session->host, EG_LOG_INFO, "limits are shared again, redis is back");
    }
}

static void rest(struct ratelimit_session *session, const struct eg_why *why) {
    if (session->phase == PHASE_UP) {
        session->host->metrics->add(session->shared->up, -1);
    }
    session->phase = PHASE_DOWN;
    stop_timer(session, &session->limit);
    stop_timer(session, &session->silence);
    tell_lost(session, why);
    close_link(session);
    if (!session->is_closed && session->pause == NULL) {
        session->pause = session->host->loop->timer_start(session->host, session->loop,
                                                          egx_backoff_next(&session->backoff), 0,
                                                          on_pause_over, session);
    }
}

/* The present server will not do. */
static void give_up_peer(struct ratelimit_session *session, const struct eg_why *why) {
    const int is_last = session->tried + 1 >= session->peer_count;
    if (session->phase == PHASE_UP || is_last) {
        session->offset++;
        rest(session, why);
        return;
    }
    stop_timer(session, &session->limit);
    close_link(session);
    session->tried++;
    try_peers(session);
}

static void on_broken(void *arg, int32_t rc, const struct eg_why *why) {
    (void)rc;
    give_up_peer(arg, why);
}

static void on_limit(void *arg) {
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_TIMEOUT, "no answer to the first commands");
    give_up_peer(arg, &why);
}

/* ---- greeting ---- */

static int ask_auth(const struct ratelimit_redis_config *c, struct redis_command *command) {
    if (c->password.len == 0) {
        return 0;
    }
    redis_command_add_c(command, "AUTH");
    if (c->username.len > 0) {
        redis_command_add(command, c->username);
    }
    redis_command_add(command, c->password);
    return 1;
}

static int ask_database(const struct ratelimit_redis_config *c, struct redis_command *command) {
    if (c->database == 0) {
        return 0;
    }
    redis_command_add_c(command, "SELECT");
    redis_command_add_number(command, (uint64_t)c->database);
    return 1;
}

static int ask_script(const struct ratelimit_redis_config *c, struct redis_command *command) {
    (void)c;
    redis_command_add_c(command, "SCRIPT");
    redis_command_add_c(command, "LOAD");
    redis_command_add_c(command, script);
    return 1;
}

static int (*const steps[])(const struct ratelimit_redis_config *c,
                            struct redis_command *command) = {ask_auth, ask_database, ask_script};

static void come_up(struct ratelimit_session *session) {
    stop_timer(session, &session->limit);
    session->phase = PHASE_UP;
    session->host->metrics->add(session->shared->up, 1);
    tell_back(session);
}

static void greet(struct ratelimit_session *session);

static void on_greeted(struct redis_call *call, const struct redisReply *reply) {
    struct ratelimit_session *session =
        (struct ratelimit_session *)(void *)((char *)call -
                                             offsetof(struct ratelimit_session, greeting));
    struct eg_why why = {.struct_size = sizeof why};
    if (reply == NULL) {
        return; /* closed, by somebody who knows what comes next */
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        (void)redis_refusal_of(egx_str_n(reply->str, reply->len), &why);
        give_up_peer(session, &why);
        return;
    }
    if (++session->step < EGX_COUNT(steps)) {
        greet(session);
        return;
    }
    if (reply->type != REDIS_REPLY_STRING || reply->len != SHA1_LEN) {
        (void)egx_why(&why, EG_E_PROTO, "the answer to SCRIPT LOAD is not understood");
        give_up_peer(session, &why);
        return;
    }
    memcpy(session->sha1, reply->str, SHA1_LEN);
    come_up(session);
}

static void greet(struct ratelimit_session *session) {
    struct redis_command command;
    redis_command_init(&command, session->host);
    while (!steps[session->step](&session->shared->config, &command)) {
        session->step++; /* the last one is always needed */
    }
    session->greeting.answered = on_greeted;
    redis_link_send(session->link, &command, &session->greeting);
    redis_command_free(&command);
}

/* ---- connecting ---- */

static void try_peers(struct ratelimit_session *session) {
    struct ratelimit_shared *shared = session->shared;
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_UNAVAILABLE, "no server is known");
    for (; session->tried < session->peer_count; session->tried++) {
        const struct redis_peer *peer =
            &session->peers[(session->offset + session->tried) % session->peer_count];
        const struct redis_link_config config = {
            .host = session->host,
            .loop = session->loop,
            .peer = peer,
            .tls = shared->tls,
            .server_name = shared->server_name != NULL ? shared->server_name : peer->host,
            .broken = on_broken,
            .arg = session,
        };
        if (redis_link_open(&config, &session->link, &why) == EG_OK) {
            session->phase = PHASE_GREETING;
            session->step = 0;
            session->limit = session->host->loop->timer_start(
                session->host, session->loop, shared->config.timeout_ns, 0, on_limit, session);
            greet(session);
            return;
        }
    }
    session->offset++;
    rest(session, &why);
}

static void on_found(void *arg, const struct redis_found *found) {
    struct ratelimit_session *session = arg;
    session->is_lookup_running = 0;
    if (session->is_closed) {
        session->host->mem->free(session->host, session);
        return;
    }
    session->peer_count = found->count;
    session->tried = 0;
    if (found->count == 0) {
        rest(session, found->why);
        return;
    }
    memcpy(session->peers, found->peers, found->count * sizeof session->peers[0]);
    try_peers(session);
}

static void begin_round(struct ratelimit_session *session) {
    struct eg_why why = {.struct_size = sizeof why};
    if (atomic_load(&session->shared->is_draining) != 0) {
        return; /* nothing new is begun */
    }
    session->phase = PHASE_LOOKUP;
    session->is_lookup_running = 1;
    if (redis_resolve(session->host, session->loop, &session->shared->config.address, "6379",
                      RATELIMIT_PEERS, on_found, session) < 0) {
        session->is_lookup_running = 0;
        (void)egx_why(&why, EG_E_BUSY, "too much is waiting for a thread");
        rest(session, &why);
    }
}

struct ratelimit_session *ratelimit_session_open(struct ratelimit_shared *shared,
                                                 struct eg_loop *loop) {
    struct ratelimit_session *session = shared->host->mem->alloc(shared->host, sizeof *session);
    session->shared = shared;
    session->host = shared->host;
    session->loop = loop;
    session->backoff = (struct egx_backoff){.first_ns = FIRST_PAUSE_NS, .last_ns = LAST_PAUSE_NS};
    begin_round(session);
    return session;
}

void ratelimit_session_close(struct ratelimit_session *session) {
    if (session == NULL) {
        return;
    }
    session->is_closed = 1;
    if (session->phase == PHASE_UP) {
        session->host->metrics->add(session->shared->up, -1);
    }
    session->phase = PHASE_DOWN;
    stop_timer(session, &session->pause);
    stop_timer(session, &session->limit);
    stop_timer(session, &session->silence);
    close_link(session);
    if (!session->is_lookup_running) {
        session->host->mem->free(session->host, session);
    }
}

/* ---- questions ---- */

static void note_ask(struct ratelimit_session *session, struct ratelimit_ask *ask) {
    ask->next = session->asks;
    ask->former = NULL;
    ask->asked_ns = session->host->clock->monotonic_ns(session->host);
    if (session->asks != NULL) {
        session->asks->former = ask;
    }
    session->asks = ask;
}

static void forget_ask(struct ratelimit_session *session, struct ratelimit_ask *ask) {
    if (ask->next != NULL) {
        ask->next->former = ask->former;
    }
    if (ask->former != NULL) {
        ask->former->next = ask->next;
    } else {
        session->asks = ask->next;
    }
}

static void send_ask(struct ratelimit_session *session, struct ratelimit_ask *ask);

/* A debt is told rounded down, and after rounding to a quarter: one microsecond less is never more
 * than it is, so what remains is not one too few. */
static uint64_t debt_of(long long us) {
    return us > 0 ? ((uint64_t)us - 1) * 1000u : 0;
}

static int32_t read_answer(struct ratelimit_ask *ask, const struct redisReply *reply) {
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != ask->count + 1) {
        return EG_E_PROTO;
    }
    for (size_t i = 0; i <= ask->count; i++) {
        const redisReply *part = reply->element[i];
        if (part->type != REDIS_REPLY_INTEGER || part->integer < 0 ||
            part->integer > INT64_MAX / 1000) {
            return EG_E_PROTO;
        }
        if (i > 0) {
            ask->draws[i - 1].debt_ns = debt_of(part->integer);
        }
    }
    ask->refused = (uint32_t)reply->element[0]->integer;
    return EG_OK;
}

static void on_answer(struct redis_call *call, const struct redisReply *reply) {
    struct ratelimit_ask *ask =
        (struct ratelimit_ask *)(void *)((char *)call - offsetof(struct ratelimit_ask, call));
    struct ratelimit_session *session = ask->session;
    struct eg_why why = {.struct_size = sizeof why};
    struct redis_refusal refusal = {EG_E_UNAVAILABLE, false, false};
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        refusal = redis_refusal_of(egx_str_n(reply->str, reply->len), &why);
    } else if (reply != NULL) {
        refusal.rc = read_answer(ask, reply);
        refusal.ends_session = refusal.rc < 0;
        (void)egx_why(&why, refusal.rc, "its answer is not understood");
    }
    if (refusal.is_noscript && !ask->is_whole) { /* SCRIPT FLUSH, or it was restarted */
        ask->is_whole = 1;
        send_ask(session, ask);
        return;
    }
    forget_ask(session, ask);
    ask->answered(ask, refusal.rc);
    if (reply == NULL) {
        return; /* closed, by somebody who knows what comes next */
    }
    if (refusal.ends_session) {
        give_up_peer(session, &why);
    } else if (refusal.rc < 0) {
        tell_lost(session, &why);
    } else {
        session->backoff.tries = 0; /* not before: it may be one that hangs up on every question */
        tell_back(session);
    }
}

/* For how long the oldest of the questions has been waiting. */
static uint64_t waited_ns(const struct ratelimit_session *session) {
    const struct ratelimit_ask *ask = session->asks;
    while (ask->next != NULL) {
        ask = ask->next;
    }
    return session->host->clock->monotonic_ns(session->host) - ask->asked_ns;
}

static void on_silence(void *arg) {
    struct ratelimit_session *session = arg;
    const uint64_t allowed = session->shared->config.answer_timeout_ns;
    struct eg_why why = {.struct_size = sizeof why};
    stop_timer(session, &session->silence);
    if (session->asks == NULL) {
        return;
    }
    const uint64_t silent = redis_link_silent_ns(session->link);
    const int is_endless = waited_ns(session) >= SILENCES_MAX * allowed;
    if (silent >= allowed || is_endless) {
        (void)egx_why(&why, EG_E_TIMEOUT, "no %sanswer within %llu ms", is_endless ? "whole " : "",
                      (unsigned long long)((is_endless ? SILENCES_MAX : 1) * allowed / MS));
        give_up_peer(session, &why);
        return;
    }
    session->silence = session->host->loop->timer_start(session->host, session->loop,
                                                        allowed - silent, 0, on_silence, session);
}

/* In microseconds with their fraction. */
static void add_us(struct redis_command *command, uint64_t ns) {
    char text[40];
    const int len = snprintf(text, sizeof text, "%llu.%03llu", (unsigned long long)(ns / 1000u),
                             (unsigned long long)(ns % 1000u));
    redis_command_add_joined(command, egx_str_n(text, len > 0 ? (size_t)len : 0),
                             egx_str_n(NULL, 0));
}

static void add_key(const struct ratelimit_session *session, const struct ratelimit_ask *ask,
                    size_t index, struct redis_command *command) {
    const struct eg_str prefix = session->shared->config.prefix;
    const struct eg_str name = ask->draws[index].name;
    char tail[80];
    const int len = snprintf(tail, sizeof tail, "%.*s:%.*s", EGX_FMT(name),
                             (int)RATELIMIT_DIGEST_LEN, ask->keys[index]);
    redis_command_add_joined(command, prefix, egx_str_n(tail, len > 0 ? (size_t)len : 0));
}

static void send_ask(struct ratelimit_session *session, struct ratelimit_ask *ask) {
    struct redis_command command;
    redis_command_init(&command, session->host);
    redis_command_add_c(&command, ask->is_whole ? "EVAL" : "EVALSHA");
    redis_command_add(&command,
                      ask->is_whole ? egx_str_c(script) : egx_str_n(session->sha1, SHA1_LEN));
    redis_command_add_number(&command, ask->count);
    for (size_t i = 0; i < ask->count; i++) {
        add_key(session, ask, i, &command);
    }
    for (size_t i = 0; i < ask->count; i++) {
        add_us(&command, ask->draws[i].bucket->interval_ns);
        add_us(&command, ask->draws[i].bucket->capacity_ns);
    }
    ask->call.answered = on_answer;
    redis_link_send(session->link, &command, &ask->call);
    redis_command_free(&command);
}

int32_t ratelimit_session_ask(struct ratelimit_session *session, struct ratelimit_ask *ask) {
    if (session == NULL || session->phase != PHASE_UP) {
        return EG_E_UNAVAILABLE;
    }
    for (size_t i = 0; i < ask->count; i++) {
        if (ratelimit_digest(ask->draws[i].key, ask->keys[i]) < 0) {
            return EG_E_INTERNAL;
        }
    }
    ask->session = session;
    ask->is_whole = 0;
    note_ask(session, ask);
    send_ask(session, ask);
    if (session->silence == NULL) {
        session->silence = session->host->loop->timer_start(
            session->host, session->loop, session->shared->config.answer_timeout_ns, 0, on_silence,
            session);
    }
    return EG_OK;
}

struct ratelimit_ask *ratelimit_session_asks(const struct ratelimit_session *session) {
    return session == NULL ? NULL : session->asks;
}
