/*
 * middleware_ratelimit - how many requests whoever may send.
 *
 *   rules = ( { name = "per-address"; limit = 100; per = "1m"; key = "address"; } );
 *
 * All rules that apply to a request are asked at once, and it is charged to all of them or, when
 * one has no room, to none. Rules by space are asked when there is an event, the others before.
 *
 * Thread: hooks run on any loop; rules are only read, the table has its locks, a session to Redis
 * is its loop's. Ownership: a question to Redis belongs to itself until it is answered; how the
 * rules stand is kept with the request.
 */
#include "headers.h"
#include "key.h"
#include "rules.h"
#include "shared.h"
#include "table.h"

#define SECOND 1000000000ll
#define MILLISECOND 1000000ll

struct ratelimit_settings {
    struct eg_str rules;
    int64_t entries;
    uint32_t headers;
    struct eg_str_list trusted_proxies;
    struct eg_str_list address;
    struct eg_str username;
    struct eg_str password;
    int64_t database;
    struct eg_str prefix;
    uint32_t tls;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
    struct eg_str server_name;
    uint64_t timeout;
    uint64_t answer_timeout;
    struct eg_str on_store_failure;
};
EGX_SETTING(ratelimit_settings, rules, "rules", EG_SET_JSON, EG_SET_REQUIRED, 0, 0, NULL, NULL,
            "List of { name, limit, per, burst, key, path, methods }; all that apply count.");
EGX_SETTING_INT(ratelimit_settings, entries, 16, 100000000, "65536",
                "Buckets that are remembered here; each rule has an equal part.");
EGX_SETTING_BOOL(ratelimit_settings, headers, "true",
                 "Tell how the limits stand with every reply; false = only with 429.");
EGX_SETTING_LIST(ratelimit_settings, trusted_proxies, "()",
                 "Networks of proxies whose X-Forwarded-For is believed.");
EGX_SETTING_LIST(ratelimit_settings, address, "()",
                 "Redis that shares the limits, host:port or the path of a socket; empty = none.");
EGX_SETTING_STRING(ratelimit_settings, username, NULL,
                   "User of the ACL; empty = the default user.");
EGX_SETTING_SECRET(ratelimit_settings, password, "Password of that user; empty = none.");
EGX_SETTING_INT(ratelimit_settings, database, 0, 65535, "0", "Number of the database.");
EGX_SETTING_STRING(ratelimit_settings, prefix, "{eventgateway}:ratelimit:",
                   "Begin of all Redis keys; what is in braces keeps them in one slot.");
EGX_SETTING_BOOL(ratelimit_settings, tls, "false", "Speak TLS with Redis.");
EGX_SETTING_STRING(ratelimit_settings, ca_file, NULL,
                   "PEM file of the authorities to trust; empty = the system's.");
EGX_SETTING_STRING(ratelimit_settings, cert_file, NULL,
                   "PEM file of the gateway's own certificate.");
EGX_SETTING_STRING(ratelimit_settings, key_file, NULL, "PEM file of its private key.");
EGX_SETTING_STRING(ratelimit_settings, server_name, NULL,
                   "Name that the server's certificate has to carry; empty = that of address.");
EGX_SETTING_DURATION(ratelimit_settings, timeout, 10 * MILLISECOND, 60 * SECOND, "3s",
                     "How long connecting to Redis may take.");
EGX_SETTING_DURATION(ratelimit_settings, answer_timeout, 5 * MILLISECOND, 10 * SECOND, "100ms",
                     "How long Redis may say nothing while requests wait for it.");
EGX_SETTING_CHOICE(ratelimit_settings, on_store_failure, "local|allow|refuse", "local",
                   "Without Redis: count here, let everything in, or answer 503.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(ratelimit_settings, rules),           EGX_ROW(ratelimit_settings, entries),
    EGX_ROW(ratelimit_settings, headers),         EGX_ROW(ratelimit_settings, trusted_proxies),
    EGX_ROW(ratelimit_settings, address),         EGX_ROW(ratelimit_settings, username),
    EGX_ROW(ratelimit_settings, password),        EGX_ROW(ratelimit_settings, database),
    EGX_ROW(ratelimit_settings, prefix),          EGX_ROW(ratelimit_settings, tls),
    EGX_ROW(ratelimit_settings, ca_file),         EGX_ROW(ratelimit_settings, cert_file),
    EGX_ROW(ratelimit_settings, key_file),        EGX_ROW(ratelimit_settings, server_name),
    EGX_ROW(ratelimit_settings, timeout),         EGX_ROW(ratelimit_settings, answer_timeout),
    EGX_ROW(ratelimit_settings, on_store_failure)};

struct ratelimit {
    const struct eg_host *host;
    const struct ratelimit_settings *settings;
    struct ratelimit_rules rules;
    struct ratelimit_proxies proxies;
    struct ratelimit_table *table;
    struct ratelimit_shared shared; /* host NULL: nothing is shared */
    struct eg_metric *failures;
    struct eg_loop *control; /* which serves no requests, and needs no connection */
};

/* What one request asks of the rules at one hook. */
struct question {
    struct ratelimit *limiter;
    struct eg_exchange *exchange;
    struct eg_op *op;
    int is_canceled;
    size_t count;
    const struct ratelimit_rule *rules[RATELIMIT_RULES_MAX];
    struct ratelimit_draw draws[RATELIMIT_RULES_MAX];
    struct egx_json keys; /* of all draws, one behind the other */
    struct ratelimit_ask ask;
};

/* ---- life ---- */

static int32_t read_proxies(struct ratelimit *limiter, struct eg_why *ret_why) {
    const struct eg_str_list *list = &limiter->settings->trusted_proxies;
    struct ratelimit_proxies *proxies = &limiter->proxies;
    proxies->items =
        limiter->host->mem->alloc(limiter->host, (list->count + 1) * sizeof *proxies->items);
    for (size_t i = 0; i < list->count; i++) {
        if (!egx_network_parse(list->items[i], &proxies->items[i])) {
            return egx_why(ret_why, EG_E_INVAL,
                           "trusted_proxies: '%.*s' is no network like 10.0.0.0/8",
                           EGX_FMT(list->items[i]));
        }
        proxies->count++;
    }
    return EG_OK;
}

static void destroy(void *instance) {
    struct ratelimit *limiter = instance;
    const struct eg_host *host = limiter->host;
    ratelimit_shared_end(&limiter->shared);
    ratelimit_table_free(limiter->table);
    ratelimit_rules_free(&limiter->rules);
    host->mem->free(host, limiter->proxies.items);
    host->mem->free(host, limiter);
}

static struct ratelimit_redis_config redis_config(const struct ratelimit_settings *s) {
    return (struct ratelimit_redis_config){.address = s->address,
                                           .username = s->username,
                                           .password = s->password,
                                           .database = s->database,
                                           .prefix = s->prefix,
                                           .tls = s->tls,
                                           .ca_file = s->ca_file,
                                           .cert_file = s->cert_file,
                                           .key_file = s->key_file,
                                           .server_name = s->server_name,
                                           .timeout_ns = s->timeout,
                                           .answer_timeout_ns = s->answer_timeout};
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct ratelimit *limiter = host->mem->alloc(host, sizeof *limiter);
    limiter->host = host;
    limiter->settings = settings;
    const struct ratelimit_redis_config config = redis_config(limiter->settings);
    int32_t rc = ratelimit_rules_read(&limiter->rules, host, limiter->settings->rules, ret_why);
    rc = rc < 0 ? rc : read_proxies(limiter, ret_why);
    rc = rc < 0 ? rc : ratelimit_shared_check(&config, ret_why);
    if (rc < 0) {
        destroy(limiter);
        return rc;
    }
    limiter->table =
        ratelimit_table_new(host, (size_t)limiter->settings->entries, limiter->rules.count);
    if (config.address.count > 0) {
        ratelimit_shared_init(&limiter->shared, host, &config);
        limiter->failures = host->metrics->counter(
            host, EGX_STR("ratelimit_store_failures_total"),
            EGX_STR("Requests that were decided without the Redis of shared limits."), NULL, 0);
    }
    *ret_instance = limiter;
    return EG_OK;
}

static int is_shared(const struct ratelimit *limiter) {
    return limiter->shared.host != NULL;
}

static int32_t start(void *instance, struct eg_op *op) {
    struct ratelimit *limiter = instance;
    struct eg_why why = {.struct_size = sizeof why};
    limiter->control = limiter->host->loop->current(limiter->host);
    const int32_t rc = is_shared(limiter) ? ratelimit_shared_start(&limiter->shared, &why) : EG_OK;
    if (rc < 0) {
        egx_done_error(op, rc, "%.*s", (int)why.len, why.text);
    } else {
        egx_done_ok(op);
    }
    return EG_OK;
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct ratelimit *limiter = instance;
    *ret_slot = is_shared(limiter) && loop != limiter->control
                    ? ratelimit_session_open(&limiter->shared, loop)
                    : NULL;
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    (void)instance;
    ratelimit_session_close(slot);
}

/* Questions that wait are answered, or given up after answer_timeout. */
static void drain(void *instance) {
    struct ratelimit *limiter = instance;
    atomic_store(&limiter->shared.is_draining, 1u);
}

/* ---- answers ---- */

static void release_standing(void *ptr) {
    struct ratelimit_standing *standing = ptr;
    standing->host->mem->free(standing->host, standing);
}

/* Keeps how the rules stand, for on_reply. */
static void keep_standing(const struct question *question, uint32_t refused) {
    const struct eg_host *host = question->limiter->host;
    struct ratelimit_standing *standing = host->exchange->kept(question->exchange, host);
    if (refused == 0 && !question->limiter->settings->headers) {
        return;
    }
    if (standing == NULL) {
        standing = host->mem->alloc(host, sizeof *standing);
        standing->host = host;
        host->exchange->keep(question->exchange, host, standing, release_standing);
    }
    for (size_t i = 0; i < question->count; i++) {
        ratelimit_standing_set(standing, question->rules[i], question->draws[i].debt_ns,
                               (refused >> i & 1u) != 0);
    }
}

static int32_t refuse(const struct question *question, uint32_t refused) {
    const struct eg_host *host = question->limiter->host;
    uint64_t wait_ns = 1;
    char seconds[24];
    char message[96];
    for (size_t i = 0; i < question->count; i++) {
        if ((refused >> i & 1u) != 0) {
            const uint64_t wait =
                ratelimit_wait_ns(&question->rules[i]->bucket, question->draws[i].debt_ns);
            wait_ns = wait > wait_ns ? wait : wait_ns;
            host->metrics->add(question->rules[i]->refused, 1);
        }
    }
    (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)ratelimit_seconds(wait_ns));
    (void)snprintf(message, sizeof message, "Too many requests. Try again in %s s.", seconds);
    (void)host->exchange->reply_header(question->exchange, EGX_STR("Retry-After"),
                                       egx_str_c(seconds));
    host->exchange->reply_error(question->exchange, 429, egx_str_c(message));
    return EG_STOP;
}

static int32_t decide(const struct question *question, uint32_t refused) {
    keep_standing(question, refused);
    return refused == 0 ? EG_NEXT : refuse(question, refused);
}

static int32_t decide_here(struct question *question) {
    struct ratelimit *limiter = question->limiter;
    return decide(question,
                  ratelimit_table_take(limiter->table, question->draws, question->count,
                                       limiter->host->clock->monotonic_ns(limiter->host)));
}

static int32_t decide_without_store(struct question *question) {
    struct ratelimit *limiter = question->limiter;
    const struct eg_exchange_api *api = limiter->host->exchange;
    limiter->host->metrics->add(limiter->failures, 1);
    if (egx_str_eq(limiter->settings->on_store_failure, EGX_STR("local"))) {
        return decide_here(question);
    }
    if (egx_str_eq(limiter->settings->on_store_failure, EGX_STR("allow"))) {
        return EG_NEXT;
    }
    (void)api->reply_header(question->exchange, EGX_STR("Retry-After"), EGX_STR("1"));
    api->reply_error(question->exchange, 503,
                     EGX_STR("The limits of requests cannot be checked now."));
    return EG_STOP;
}

/* ---- questions ---- */

static struct question *question_of(struct ratelimit_ask *ask) {
    return (struct question *)(void *)((char *)ask - offsetof(struct question, ask));
}

static void free_question(struct question *question) {
    egx_json_free(&question->keys);
    question->limiter->host->mem->free(question->limiter->host, question);
}

static void on_answered(struct ratelimit_ask *ask, int32_t rc) {
    struct question *question = question_of(ask);
    struct eg_op *op = question->op;
    if (question->is_canceled) { /* the client has its answer, the request is not touched */
        free_question(question);
        egx_done_error(op, EG_E_CANCELED, "redis was too slow");
        return;
    }
    const int32_t verdict =
        rc < 0 ? decide_without_store(question) : decide(question, ask->refused);
    free_question(question);
    egx_done_verdict(op, verdict);
}

static void cancel(void *instance, void *slot, struct eg_op *op) {
    struct ratelimit_ask *ask = ratelimit_session_asks(slot);
    (void)instance;
    while (ask != NULL && question_of(ask)->op != op) {
        ask = ask->next;
    }
    if (ask != NULL) {
        question_of(ask)->is_canceled = 1;
    }
}

static void add_draw(struct question *question, const struct ratelimit_rule *rule, uint32_t index) {
    const size_t from = question->keys.len;
    struct ratelimit_draw *draw = &question->draws[question->count];
    ratelimit_key(question->limiter->host, &question->limiter->proxies, rule, question->exchange,
                  &question->keys);
    *draw = (struct ratelimit_draw){.bucket = &rule->bucket,
                                    .rule = index,
                                    .name = rule->name,
                                    .key = {NULL, question->keys.len - from}};
    question->rules[question->count++] = rule;
}

/* The rules that apply at this hook, and whose buckets they are. */
static void collect(struct question *question, int is_event) {
    const struct ratelimit *limiter = question->limiter;
    const struct eg_exchange_api *api = limiter->host->exchange;
    const struct eg_str method = api->method(question->exchange);
    const struct eg_str path = api->path(question->exchange);
    for (size_t i = 0; i < limiter->rules.count; i++) {
        const struct ratelimit_rule *rule = &limiter->rules.items[i];
        if (rule->is_of_event == is_event &&
            ratelimit_rule_applies(&limiter->rules, rule, method, path)) {
            add_draw(question, rule, (uint32_t)i);
        }
    }
    /* The buffer has come to rest. */
    for (size_t i = 0, at = 0; i < question->count; at += question->draws[i].key.len, i++) {
        question->draws[i].key.ptr = question->keys.ptr + at;
    }
}

static int32_t ask(struct question *question, struct ratelimit_session *session) {
    question->ask.draws = question->draws;
    question->ask.count = question->count;
    question->ask.answered = on_answered;
    return ratelimit_session_ask(session, &question->ask);
}

static int32_t limit(struct ratelimit *limiter, void *slot, struct eg_exchange *exchange,
                     struct eg_op *op, int is_event) {
    struct question *question = limiter->host->mem->alloc(limiter->host, sizeof *question);
    int32_t verdict = EG_NEXT;
    question->limiter = limiter;
    question->exchange = exchange;
    question->op = op;
    collect(question, is_event);
    if (question->keys.is_failed) {
        verdict = EG_E_INTERNAL;
    } else if (question->count == 0) {
        verdict = EG_NEXT;
    } else if (!is_shared(limiter)) {
        verdict = decide_here(question);
    } else if (ask(question, slot) < 0) {
        verdict = decide_without_store(question);
    } else {
        return EG_PENDING; /* the question is its own now */
    }
    free_question(question);
    return verdict;
}

/* ---- hooks ---- */

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    return limit(instance, slot, exchange, op, 0);
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    const struct ratelimit *limiter = instance;
    (void)event;
    return limiter->rules.count_of_event == 0 ? EG_NEXT : limit(instance, slot, exchange, op, 1);
}

static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    const struct ratelimit *limiter = instance;
    const struct ratelimit_standing *standing =
        limiter->host->exchange->kept(exchange, limiter->host);
    (void)slot;
    (void)op;
    if (standing != NULL &&
        (limiter->settings->headers || ratelimit_standing_is_refused(standing))) {
        ratelimit_headers_put(standing, exchange);
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .start = start,
                                        .attach = attach,
                                        .detach = detach,
                                        .drain = drain,
                                        .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops,
                                             .on_request = on_request,
                                             .on_event = on_event,
                                             .on_reply = on_reply,
                                             .cancel = cancel};
EGX_COMPONENT(ratelimit_component, EG_KIND_MIDDLEWARE, "ratelimit",
              "Limits how many requests whoever may send.", ratelimit_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_ratelimit", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &ratelimit_component)
