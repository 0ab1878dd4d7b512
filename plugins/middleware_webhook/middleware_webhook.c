/*
 * middleware_webhook - signatures of incoming webhooks, and the handshake that goes before them.
 *
 *   rules = ( { path = "/hooks/github"; scheme = "github"; secrets = ( "..." ); } );
 *
 * What is refused, in this order: no signature (401), headers that are not what the scheme writes
 * (400), a time outside the tolerance (401), a signature that is wrong (401), a delivery that was
 * accepted already (409). The time is looked at before the signature, so its sentence tells nothing
 * about the signature.
 *
 * Thread: hooks run on any loop; rules are only read, the memory of deliveries has its lock.
 * Ownership: a delivery is kept with its request and released with it.
 */
#include "handshake.h"
#include "replay.h"
#include "rules.h"
#include "verify.h"

#define SECOND 1000000000ll
/* What has no time is good for ever: it is known until it has to give way. */
#define FOREVER (100ull * 365 * 86400 * SECOND)

struct webhook_settings {
    struct eg_str rules;
    uint64_t tolerance;
    int64_t replay_cache;
    uint32_t principal;
    struct eg_str extension;
    struct eg_str_list allowed_origins;
    int64_t allowed_rate;
    struct eg_str_list callback_hosts;
    struct eg_str ca_file;
};
EGX_SETTING_JSON(webhook_settings, rules, NULL,
                 "List of { path, scheme, secrets, ... }; the longest path wins.");
EGX_SETTING_DURATION(webhook_settings, tolerance, 1 * SECOND, 86400 * SECOND, "5m",
                     "How far a signed time may be from the gateway's.");
EGX_SETTING_INT(webhook_settings, replay_cache, 16, 10000000, "65536",
                "Deliveries remembered, so that nobody repeats them.");
EGX_SETTING_BOOL(webhook_settings, principal, "false",
                 "Make the rule's name the principal of what was verified.");
EGX_SETTING_STRING(webhook_settings, extension, NULL,
                   "Event extension for the rule's name; with 'id' added, for the delivery's id.");
EGX_SETTING_LIST(webhook_settings, allowed_origins, "()",
                 "Who may send, by the handshake of CloudEvents: names, *.names, or *.");
EGX_SETTING_INT(webhook_settings, allowed_rate, 0, 1000000000, "0",
                "Requests per minute that the handshake grants; 0 = no limit.");
EGX_SETTING_LIST(webhook_settings, callback_hosts, "()",
                 "Hosts (host or host:port) whose WebHook-Request-Callback is called, by https.");
EGX_SETTING_STRING(webhook_settings, ca_file, NULL,
                   "PEM file of the authorities that callbacks trust; empty = the system's.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(webhook_settings, rules),        EGX_ROW(webhook_settings, tolerance),
    EGX_ROW(webhook_settings, replay_cache), EGX_ROW(webhook_settings, principal),
    EGX_ROW(webhook_settings, extension),    EGX_ROW(webhook_settings, allowed_origins),
    EGX_ROW(webhook_settings, allowed_rate), EGX_ROW(webhook_settings, callback_hosts),
    EGX_ROW(webhook_settings, ca_file)};

struct webhook {
    const struct eg_host *host;
    const struct webhook_settings *settings;
    struct webhook_rules rules;
    struct webhook_replay *replays[2]; /* of rules without a time, with one; NULL: none wants it */
    struct webhook_handshake *handshake;
    char id_extension[64];
};

/* What was verified; kept with the request. The id is copied. */
struct delivery {
    struct webhook *webhook;
    const struct webhook_rule *rule;
    int is_remembered;
    struct webhook_seen seen;
    struct eg_str id;
};

/* ---- life ---- */

/* A CloudEvents attribute name (1.0, "Naming conventions") with room for "id", which is none of the
 * event's own attributes, nor where the principal stands. */
static int is_extension(struct eg_str name) {
    static const char *const taken[] = {"specversion", "id",      "source",          "type",
                                        "time",        "subject", "datacontenttype", "dataschema",
                                        "schemaurl",   "data",    "eventgateway"};
    for (size_t i = 0; i < EGX_COUNT(taken); i++) {
        if (egx_str_eq(name, egx_str_c(taken[i]))) {
            return 0;
        }
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!(name.ptr[i] >= 'a' && name.ptr[i] <= 'z') &&
            !(name.ptr[i] >= '0' && name.ptr[i] <= '9')) {
            return 0;
        }
    }
    return name.len <= 18;
}

static void destroy(void *instance) {
    struct webhook *webhook = instance;
    webhook_handshake_free(webhook->handshake);
    webhook_replay_free(webhook->replays[0]);
    webhook_replay_free(webhook->replays[1]);
    webhook_rules_free(&webhook->rules);
    webhook->host->mem->free(webhook->host, webhook);
}

static int32_t fill(struct webhook *webhook, struct eg_why *ret_why) {
    const struct webhook_settings *s = webhook->settings;
    const struct webhook_handshake_config config = {.origins = s->allowed_origins,
                                                    .callback_hosts = s->callback_hosts,
                                                    .ca_file = s->ca_file,
                                                    .rate = s->allowed_rate};
    int32_t rc =
        webhook_rules_read(&webhook->rules, webhook->host, s->rules, s->tolerance, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (webhook->rules.count == 0 && s->allowed_origins.count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "it needs 'rules' or 'allowed_origins'");
    }
    if (s->callback_hosts.count > 0 && s->allowed_origins.count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'callback_hosts' needs 'allowed_origins'");
    }
    if (!is_extension(s->extension)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'extension' has to be up to 18 lower-case letters and digits, and no "
                       "attribute that events have already");
    }
    (void)snprintf(webhook->id_extension, sizeof webhook->id_extension, "%.*sid",
                   EGX_FMT(s->extension));
    /* A time may lie as far in the future as in the past. */
    const uint64_t lifetimes[2] = {FOREVER, 2 * webhook->rules.tolerance_ns + SECOND};
    for (size_t i = 0; i < EGX_COUNT(lifetimes); i++) {
        if (webhook->rules.has_replay[i]) {
            webhook->replays[i] =
                webhook_replay_new(webhook->host, (size_t)s->replay_cache, lifetimes[i]);
        }
    }
    return webhook_handshake_new(webhook->host, &config, &webhook->handshake, ret_why);
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct webhook *webhook = host->mem->alloc(host, sizeof *webhook);
    webhook->host = host;
    webhook->settings = settings;
    const int32_t rc = fill(webhook, ret_why);
    if (rc < 0) {
        destroy(webhook);
        return rc;
    }
    *ret_instance = webhook;
    return EG_OK;
}

/* ---- refusals ---- */

static int32_t refuse(const struct webhook *webhook, const struct webhook_rule *rule,
                      struct eg_exchange *exchange, uint32_t reason, uint32_t status,
                      const char *message) {
    const struct eg_exchange_api *api = webhook->host->exchange;
    char challenge[64];
    webhook->host->metrics->add(rule->refused[reason], 1);
    if (status == 401) { /* RFC 9110 15.5.2: it goes with a challenge */
        (void)snprintf(challenge, sizeof challenge, "Webhook scheme=\"%s\"", rule->scheme.name);
        (void)api->reply_header(exchange, EGX_STR("WWW-Authenticate"), egx_str_c(challenge));
    }
    api->reply_error(exchange, status, egx_str_c(message));
    return EG_STOP;
}

static int32_t refuse_header(const struct webhook *webhook, const struct webhook_rule *rule,
                             struct eg_exchange *exchange, struct eg_str name, int is_missing) {
    const int is_twice = webhook->host->exchange->header(exchange, name, 1).ptr != NULL;
    char message[400];
    (void)snprintf(message, sizeof message,
                   is_missing ? "This path takes signed requests only: there is no header '%.*s'."
                   : is_twice ? "The header '%.*s' may be there once only."
                              : "The header '%.*s' cannot be read.",
                   EGX_FMT(name));
    return refuse(webhook, rule, exchange, is_missing ? WEBHOOK_BY_SIGNATURE : WEBHOOK_BY_SYNTAX,
                  is_missing ? 401 : 400, message);
}

/* ---- on_request ---- */

/* The only value of a header. EG_NEXT, or it was refused. */
static int32_t one_header(const struct webhook *webhook, const struct webhook_rule *rule,
                          struct eg_exchange *exchange, struct eg_str name,
                          struct eg_str *ret_value) {
    const struct eg_exchange_api *api = webhook->host->exchange;
    *ret_value = api->header(exchange, name, 0);
    if (ret_value->len == 0 || api->header(exchange, name, 1).ptr != NULL) {
        return refuse_header(webhook, rule, exchange, name, ret_value->len == 0);
    }
    return EG_NEXT;
}

static int32_t read_claim(const struct webhook *webhook, const struct webhook_rule *rule,
                          struct eg_exchange *exchange, struct webhook_claim *claim) {
    const struct webhook_scheme *scheme = &rule->scheme;
    struct eg_str value = egx_str_n(NULL, 0);
    int32_t verdict = one_header(webhook, rule, exchange, scheme->header, &value);
    if (verdict == EG_NEXT && webhook_signatures_read(scheme, value, claim) < 0) {
        verdict = refuse_header(webhook, rule, exchange, scheme->header, 0);
    }
    if (verdict == EG_NEXT && scheme->timestamp_header.len > 0) {
        verdict = one_header(webhook, rule, exchange, scheme->timestamp_header, &value);
        if (verdict == EG_NEXT && webhook_timestamp_read(value, claim) < 0) {
            verdict = refuse_header(webhook, rule, exchange, scheme->timestamp_header, 0);
        }
    }
    if (verdict == EG_NEXT && webhook_content_has(&rule->content, WEBHOOK_ID)) {
        return one_header(webhook, rule, exchange, scheme->id_header, &claim->id);
    }
    if (verdict == EG_NEXT && scheme->id_header.len > 0) {
        claim->id = webhook->host->exchange->header(exchange, scheme->id_header, 0);
    }
    return verdict;
}

static void release(void *ptr) {
    struct delivery *delivery = ptr;
    delivery->webhook->host->mem->free(delivery->webhook->host, delivery);
}

/* 1 = it was not seen before. */
static int remember(struct webhook *webhook, const struct webhook_rule *rule,
                    const struct webhook_claim *claim, struct webhook_seen *seen) {
    seen->rule = rule->index;
    if (rule->replay == WEBHOOK_REPLAY_ID && webhook_mark(&claim->id, 1, seen->mark) < 0) {
        return 0;
    }
    return rule->replay == WEBHOOK_REPLAY_OFF ||
           webhook_replay_take(webhook->replays[rule->has_time], seen,
                               webhook->host->clock->monotonic_ns(webhook->host));
}

/* For the later hooks, where they have something to do. */
static void keep(struct webhook *webhook, const struct webhook_rule *rule,
                 const struct webhook_claim *claim, const struct webhook_seen *seen,
                 struct eg_exchange *exchange) {
    const struct eg_host *host = webhook->host;
    const int is_remembered = rule->replay != WEBHOOK_REPLAY_OFF;
    if (!is_remembered && webhook->settings->extension.len == 0) {
        return;
    }
    struct delivery *delivery = host->mem->alloc(host, sizeof *delivery + claim->id.len);
    *delivery = (struct delivery){.webhook = webhook,
                                  .rule = rule,
                                  .is_remembered = is_remembered,
                                  .seen = *seen,
                                  .id = {(const char *)(delivery + 1), claim->id.len}};
    if (claim->id.len > 0) {
        memcpy(delivery + 1, claim->id.ptr, claim->id.len);
    }
    host->exchange->keep(exchange, host, delivery, release);
}

static int32_t tell_principal(const struct webhook *webhook, const struct webhook_rule *rule,
                              const struct webhook_claim *claim, struct eg_exchange *exchange) {
    struct egx_json context = egx_json_begin();
    egx_json_open(&context, '{');
    egx_json_key(&context, EGX_STR("scheme"));
    egx_json_string(&context, egx_str_c(rule->scheme.name));
    if (claim->id.len > 0) {
        egx_json_key(&context, EGX_STR("id"));
        egx_json_string(&context, claim->id);
    }
    egx_json_close(&context, '}');
    const int32_t rc =
        webhook->host->exchange->set_principal(exchange, rule->name, egx_json_text(&context));
    egx_json_free(&context);
    return rc;
}

static int32_t accept(struct webhook *webhook, const struct webhook_rule *rule,
                      const struct webhook_claim *claim, struct webhook_seen *seen,
                      struct eg_exchange *exchange) {
    if (!remember(webhook, rule, claim, seen)) {
        return refuse(webhook, rule, exchange, WEBHOOK_BY_REPLAY, 409,
                      "This delivery was accepted already.");
    }
    keep(webhook, rule, claim, seen, exchange);
    webhook->host->metrics->add(rule->verified, 1);
    return webhook->settings->principal ? tell_principal(webhook, rule, claim, exchange) : EG_NEXT;
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    struct webhook *webhook = instance;
    const struct eg_host *host = webhook->host;
    (void)slot;
    (void)op;
    if (webhook_handshake_is_one(webhook->handshake, exchange)) {
        webhook_handshake_answer(webhook->handshake, exchange);
        return EG_STOP;
    }
    const struct webhook_rule *rule = NULL;
    if (!webhook_rules_find(&webhook->rules, host->exchange->path(exchange), &rule)) {
        return refuse(webhook, rule, exchange, WEBHOOK_BY_SYNTAX, 400,
                      "This path can be read in several ways.");
    }
    if (rule == NULL || webhook_scheme_is_none(&rule->scheme)) {
        return EG_NEXT;
    }
    struct webhook_claim claim;
    struct webhook_seen seen = {.rule = 0};
    memset(&claim, 0, offsetof(struct webhook_claim, signatures));
    const int32_t verdict = read_claim(webhook, rule, exchange, &claim);
    if (verdict != EG_NEXT) {
        return verdict;
    }
    if (rule->has_time && !webhook_is_in_time(rule, &claim, host->clock->unix_ns(host))) {
        return refuse(webhook, rule, exchange, WEBHOOK_BY_TIME, 401,
                      "The time of this request is too far from now.");
    }
    if (webhook_verify(host, rule, &claim, host->exchange->body(exchange), seen.mark) < 0) {
        return refuse(webhook, rule, exchange, WEBHOOK_BY_SIGNATURE, 401,
                      "The signature of this request is not right.");
    }
    return accept(webhook, rule, &claim, &seen, exchange);
}

/* ---- on_event, on_reply ---- */

static int32_t set_extension(const struct webhook *webhook, struct eg_event *event,
                             struct eg_str name, struct eg_str value) {
    struct egx_json json = egx_json_begin();
    if (value.len > 0) {
        egx_json_string(&json, value);
    }
    const int32_t rc = webhook->host->event->set_extension(event, name, egx_json_text(&json));
    egx_json_free(&json);
    return rc;
}

/* What was not verified must not look so: a client's own extensions of these names are removed. */
static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    const struct webhook *webhook = instance;
    const struct eg_str nothing = egx_str_n(NULL, 0);
    (void)slot;
    (void)op;
    if (webhook->settings->extension.len == 0) {
        return EG_NEXT;
    }
    const struct delivery *delivery = webhook->host->exchange->kept(exchange, webhook->host);
    int32_t rc = set_extension(webhook, event, webhook->settings->extension,
                               delivery == NULL ? nothing : delivery->rule->name);
    rc = rc < 0 ? rc
                : set_extension(webhook, event, egx_str_c(webhook->id_extension),
                                delivery == NULL ? nothing : delivery->id);
    return rc < 0 ? rc : EG_NEXT;
}

/* What was not taken may come again: senders repeat what is not answered with 2xx. */
static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    struct webhook *webhook = instance;
    const uint32_t status = webhook->host->exchange->reply_status(exchange);
    struct delivery *delivery = webhook->host->exchange->kept(exchange, webhook->host);
    (void)slot;
    (void)op;
    if (delivery != NULL && delivery->is_remembered && (status < 200 || status > 299)) {
        webhook_replay_give_back(webhook->replays[delivery->rule->has_time], &delivery->seen);
        delivery->is_remembered = 0;
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops,
                                             .on_request = on_request,
                                             .on_event = on_event,
                                             .on_reply = on_reply};
EGX_COMPONENT(webhook_component, EG_KIND_MIDDLEWARE, "webhook",
              "Verifies signatures of webhooks, and answers the handshake of CloudEvents.",
              webhook_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_webhook", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &webhook_component)
