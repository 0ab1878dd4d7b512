/*
 * refuse.c - what clients are answered. They learn what to do, and not why what they showed was
 * wrong; that is in the log, at the level debug. Loop thread.
 */
#include "auth.h"

static const struct {
    uint32_t status;
    const char *message;
    const char *metric; /* label */
} rows[AUTH_REFUSALS] = {
    [AUTH_NOTHING_GIVEN] = {401, "Authentication required.", "missing"},
    [AUTH_WRONG] = {403, "Access denied.", "wrong"},
    [AUTH_WRONG_TOKEN] = {401, "This token is not accepted: get a new one.", "wrong"},
    [AUTH_WRONG_PASSWORD] = {401, "This name and password are not accepted.", "wrong"},
    [AUTH_SCOPE_MISSING] = {403, "This token does not cover the request.", "scope"},
    [AUTH_ADDRESS_DENIED] = {403, "Access denied.", "address"},
    [AUTH_PATH_UNCLEAR] = {400,
                           "This path can be read in several ways: write it without //, ., .., ;, "
                           "backslashes, %2F and %25.",
                           "path"},
    [AUTH_KEYS_AWAY] = {503, "Tokens cannot be checked at the moment: try again.", "unavailable"},
    [AUTH_BUSY] = {503, "Too many requests are being checked: try again.", "unavailable"},
};

static const char *const kinds[AUTH_KINDS] = {
    [AUTH_BY_KEY] = "api_key",
    [AUTH_BY_TOKEN] = "token",
    [AUTH_BY_JWT] = "jwt",
    [AUTH_BY_BASIC] = "basic",
    [AUTH_BY_CERTIFICATE] = "certificate",
};

static struct eg_metric *counter(const struct eg_host *host, const char *name, const char *help,
                                 const char *label, const char *value) {
    const struct eg_kv pair = {egx_str_c(label), egx_str_c(value)};
    return host->metrics->counter(host, egx_str_c(name), egx_str_c(help), &pair, 1);
}

void auth_refuse_metrics(struct auth *auth) {
    for (size_t i = 0; i < AUTH_KINDS; i++) {
        auth->accepted[i] = counter(auth->host, "auth_accepted_total",
                                    "Requests let in, by what they showed.", "by", kinds[i]);
    }
    for (size_t i = 0; i < AUTH_REFUSALS; i++) {
        auth->refused[i] = counter(auth->host, "auth_refused_total", "Requests refused, by reason.",
                                   "reason", rows[i].metric);
    }
    auth->fetched[0] = counter(auth->host, "auth_key_fetches_total",
                               "Attempts to get the keys of an issuer.", "outcome", "failed");
    auth->fetched[1] = counter(auth->host, "auth_key_fetches_total",
                               "Attempts to get the keys of an issuer.", "outcome", "ok");
}

/* ---- challenges ---- */

static void challenge(const struct auth_call *call, struct eg_str scheme, struct eg_str more) {
    struct egx_json text = egx_json_begin();
    egx_json_raw(&text, scheme);
    egx_json_raw(&text, EGX_STR(" realm=\""));
    egx_json_raw(&text, call->auth->settings->realm);
    egx_json_raw(&text, EGX_STR("\""));
    egx_json_raw(&text, more);
    (void)call->auth->host->exchange->reply_header(call->exchange, EGX_STR("WWW-Authenticate"),
                                                   egx_json_text(&text));
    egx_json_free(&text);
}

static void challenge_basic(const struct auth_call *call) {
    challenge(call, EGX_STR("Basic"), EGX_STR(", charset=\"UTF-8\"")); /* RFC 7617 2.1 */
}

/* A 401 has to carry a challenge (RFC 9110 15.5.2). There is no scheme for API keys: Bearer stands
 * for them. */
static void challenge_all(const struct auth_call *call) {
    const uint32_t kind_set = call->rule->kinds;
    if ((kind_set & (1u << AUTH_BY_KEY | 1u << AUTH_BY_TOKEN | 1u << AUTH_BY_JWT)) != 0) {
        challenge(call, EGX_STR("Bearer"), egx_str_n(NULL, 0));
    }
    if ((kind_set & 1u << AUTH_BY_BASIC) != 0) {
        challenge_basic(call);
    }
}

/* RFC 6750 3.1 */
static void challenge_scope(const struct auth_call *call) {
    struct egx_json more = egx_json_begin();
    egx_json_raw(&more, EGX_STR(", error=\"insufficient_scope\", scope=\""));
    for (size_t i = 0; i < call->rule->scopes.count; i++) {
        egx_json_raw(&more, i > 0 ? EGX_STR(" ") : EGX_STR(""));
        egx_json_raw(&more, call->rule->scopes.items[i]);
    }
    egx_json_raw(&more, EGX_STR("\""));
    challenge(call, EGX_STR("Bearer"), egx_json_text(&more));
    egx_json_free(&more);
}

static void add_headers(const struct auth_call *call, enum auth_refusal refusal) {
    switch (refusal) {
    case AUTH_NOTHING_GIVEN:
        challenge_all(call);
        break;
    case AUTH_WRONG_TOKEN:
        challenge(call, EGX_STR("Bearer"), EGX_STR(", error=\"invalid_token\""));
        break;
    case AUTH_WRONG_PASSWORD:
        challenge_basic(call);
        break;
    case AUTH_SCOPE_MISSING:
        challenge_scope(call);
        break;
    case AUTH_KEYS_AWAY:
    case AUTH_BUSY:
        (void)call->auth->host->exchange->reply_header(call->exchange, EGX_STR("Retry-After"),
                                                       EGX_STR("1"));
        break;
    default:
        break;
    }
}

int32_t auth_refuse(const struct auth_call *call, enum auth_refusal refusal) {
    const struct auth *auth = call->auth;
    auth->host->metrics->add(auth->refused[refusal], 1);
    if (refusal == AUTH_NOTHING_GIVEN && call->rule->kinds == 1u << AUTH_BY_CERTIFICATE) {
        auth->host->exchange->reply_error(call->exchange, 403,
                                          EGX_STR("A client certificate is needed."));
        return EG_STOP;
    }
    add_headers(call, refusal);
    auth->host->exchange->reply_error(call->exchange, rows[refusal].status,
                                      egx_str_c(rows[refusal].message));
    return EG_STOP;
}

/* The header of what opened; the others are none of our business. 0 when it has to stay, as framing
 * headers do, and all of them once `match` has looked at the events: then nobody gets in, for a
 * secret that was to be hidden is worse told than a request refused. */
static int hide(const struct auth_call *call, enum auth_kind kind) {
    const struct auth *auth = call->auth;
    const struct eg_str name =
        kind == AUTH_BY_KEY ? auth->settings->key_header : EGX_STR("authorization");
    if (!auth->settings->hide_credentials || kind == AUTH_BY_CERTIFICATE ||
        auth->host->exchange->set_header(call->exchange, name, egx_str_n(NULL, 0)) >= 0) {
        return 1;
    }
    egx_log(auth->host, EG_LOG_ERROR,
            "hide_credentials: the header '%.*s' cannot be taken out of requests (is it a header "
            "of the connection, or is there a 'match' with spaces or event_types?)",
            EGX_FMT(name));
    return 0;
}

int32_t auth_accept(const struct auth_call *call, enum auth_kind kind, struct eg_str principal,
                    struct eg_str context) {
    const struct auth *auth = call->auth;
    if (!hide(call, kind)) {
        return EG_E_INTERNAL;
    }
    auth->host->metrics->add(auth->accepted[kind], 1);
    return principal.len == 0
               ? EG_NEXT
               : auth->host->exchange->set_principal(call->exchange, principal, context);
}
