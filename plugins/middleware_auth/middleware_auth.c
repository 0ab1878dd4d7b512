/*
 * middleware_auth - who may call what: rules per path prefix and method, opened by API keys, bearer
 * tokens, JSON Web Tokens, names and passwords, client certificates, and closed to addresses.
 *
 *   rules = ( { path = "/admin"; methods = ( "POST" ); api_keys = ( "..." ); tokens = ( "..." ); }
 * );
 *
 * docs/plugins/auth.md has all of it. Nothing shown: 401 with WWW-Authenticate (RFC 9110 15.5.2);
 * something wrong: 403, or 401 where RFC 6750 and RFC 7617 say so. Who the caller is goes to the
 * functions as the principal.
 *
 * Hooks run on any loop; the instance is only read, what changes is in the slot of the loop.
 */
#include <eventgw-sdk/egx_http.h>

#include "auth.h"
#include "keyset.h"
#include "subject.h"

EGX_SETTING(auth_settings, rules, "rules", EG_SET_JSON, EG_SET_REQUIRED, 0, 0, NULL, NULL,
            "List of { path, methods, public, api_keys, tokens, consumers, issuers, scopes, "
            "certificates, allow_ips, deny_ips }; the longest path wins.");
EGX_SETTING_JSON(auth_settings, consumers, NULL,
                 "List of { name, metadata, api_keys, tokens, password, certificates }.");
EGX_SETTING_JSON(auth_settings, issuers, NULL,
                 "List of { name, issuer, audiences, algorithms, keys_url or keys_file or "
                 "public_key or secret, ... }: who may issue JSON Web Tokens.");
EGX_SETTING_STRING(auth_settings, realm, "event-gateway", "Realm told with a 401.");
EGX_SETTING_STRING(auth_settings, key_header, "x-api-key", "Request header with the API key.");
EGX_SETTING_CHOICE(auth_settings, certificate_principal, "subject|common_name|fingerprint",
                   "subject", "What of a certificate is the principal, where a rule names it.");
EGX_SETTING_LIST(auth_settings, trusted_proxies, NULL,
                 "Networks of proxies whose X-Forwarded-For is believed.");
EGX_SETTING_LIST(auth_settings, allow_ips, NULL, "Networks that may call; empty = all.");
EGX_SETTING_LIST(auth_settings, deny_ips, NULL, "Networks that may not call.");
EGX_SETTING_INT(auth_settings, cache_size, 0, 1000000, "1024",
                "Verified tokens and passwords remembered by each loop; 0 = none.");
EGX_SETTING_INT(auth_settings, password_checks, 1, 64, "2",
                "Passwords that each loop has checked at the same time; more are answered 503.");
EGX_SETTING_BOOL(
    auth_settings, hide_credentials, "false",
    "Take the credential that opened out of the request, so that functions never see it.");
static const struct eg_setting *const rows[] = {
    EGX_ROW(auth_settings, rules),           EGX_ROW(auth_settings, consumers),
    EGX_ROW(auth_settings, issuers),         EGX_ROW(auth_settings, realm),
    EGX_ROW(auth_settings, key_header),      EGX_ROW(auth_settings, certificate_principal),
    EGX_ROW(auth_settings, trusted_proxies), EGX_ROW(auth_settings, allow_ips),
    EGX_ROW(auth_settings, deny_ips),        EGX_ROW(auth_settings, cache_size),
    EGX_ROW(auth_settings, password_checks), EGX_ROW(auth_settings, hide_credentials)};

/* ---- life ---- */

/* The realm is a quoted string (RFC 9110 5.6.4): no quotes, backslashes or control bytes in it. */
static int is_realm(struct eg_str realm) {
    for (size_t i = 0; i < realm.len; i++) {
        const char c = realm.ptr[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            return 0;
        }
    }
    return realm.len <= 200;
}

static void destroy(void *instance) {
    struct auth *auth = instance;
    const struct eg_host *host = auth->host;
    auth_rules_free(&auth->rules);
    auth_consumers_free(&auth->consumers);
    auth_issuers_free(&auth->issuers);
    auth_credentials_free(&auth->credentials);
    host->mem->free(host, auth->proxies.items);
    host->mem->free(host, auth->allowed.items);
    host->mem->free(host, auth->denied.items);
    (void)pthread_mutex_destroy(&auth->lock);
    host->mem->free(host, auth);
}

static int32_t read_networks(struct auth *auth, struct eg_why *ret_why) {
    const struct auth_settings *s = auth->settings;
    const struct {
        const char *name;
        const struct eg_str_list *texts;
        struct auth_networks *networks;
    } lists[] = {{"trusted_proxies", &s->trusted_proxies, &auth->proxies},
                 {"allow_ips", &s->allow_ips, &auth->allowed},
                 {"deny_ips", &s->deny_ips, &auth->denied}};
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < EGX_COUNT(lists); i++) {
        rc = auth_networks_read(lists[i].networks, auth->host, lists[i].texts, lists[i].name,
                                ret_why);
    }
    return rc;
}

static int32_t read_settings(struct auth *auth, struct eg_why *ret_why) {
    const struct eg_host *host = auth->host;
    const struct auth_settings *s = auth->settings;
    const struct auth_known known = {&auth->consumers, &auth->issuers, &auth->credentials};
    int32_t rc = read_networks(auth, ret_why);
    rc = rc < 0 ? rc : auth_issuers_read(&auth->issuers, host, s->issuers, ret_why);
    rc = rc < 0 ? rc
                : auth_consumers_read(&auth->consumers, host, s->consumers, &auth->credentials,
                                      ret_why);
    rc = rc < 0 ? rc : auth_rules_read(&auth->rules, host, s->rules, &known, ret_why);
    rc = rc < 0 ? rc : auth_credentials_close(&auth->credentials, ret_why);
    if (rc >= 0 && !auth_random(auth->cache_key, sizeof auth->cache_key)) {
        rc = egx_why(ret_why, EG_E_INTERNAL, "OpenSSL has no random bytes");
    }
    return rc;
}

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct auth_settings *s = settings;
    if (!is_realm(s->realm)) {
        return egx_why(ret_why, EG_E_INVAL, "'realm' has to be plain ASCII without quotes");
    }
    if (s->key_header.len == 0 || !egx_is_header_text(s->key_header) ||
        memchr(s->key_header.ptr, ' ', s->key_header.len) != NULL ||
        memchr(s->key_header.ptr, ':', s->key_header.len) != NULL) {
        return egx_why(ret_why, EG_E_INVAL, "'key_header' has to be the name of a header");
    }
    struct auth *auth = host->mem->alloc(host, sizeof *auth);
    auth->host = host;
    auth->settings = s;
    (void)pthread_mutex_init(&auth->lock, NULL);
    auth_credentials_init(&auth->credentials, host);
    const int32_t rc = read_settings(auth, ret_why);
    if (rc < 0) {
        destroy(auth);
        return rc;
    }
    auth_refuse_metrics(auth);
    *ret_instance = auth;
    return EG_OK;
}

/* Files of keys have to be there and right, while somebody looks. */
static int32_t try_file(const struct auth_issuer *issuer, struct eg_why *ret_why) {
    struct auth_keys keys = {0};
    char *text = NULL;
    size_t len = 0;
    int32_t rc = auth_read_file(issuer->keys_file, &text, &len, ret_why);
    if (rc >= 0) {
        rc = auth_keys_parse(&keys, issuer->host, egx_str_n(text, len), 1, ret_why);
    }
    auth_keys_free(&keys);
    free(text);
    return rc;
}

static int32_t start(void *instance, struct eg_op *op) {
    const struct auth *auth = instance;
    for (size_t i = 0; i < auth->issuers.count; i++) {
        const struct auth_issuer *issuer = &auth->issuers.items[i];
        struct eg_why why = {.struct_size = sizeof why};
        if (issuer->keys_file.len > 0 && try_file(issuer, &why) < 0) {
            egx_done_error(op, EG_E_INVAL, "issuer '%.*s', keys_file: %.*s", EGX_FMT(issuer->name),
                           (int)why.len, why.text);
            return EG_OK;
        }
    }
    egx_done_ok(op);
    return EG_OK;
}

/* ---- what needs no waiting ---- */

/* The rest of an Authorization header of this scheme; empty when it is another. */
static struct eg_str rest_of(struct eg_str header, struct eg_str scheme) {
    if (header.len <= scheme.len || !egx_str_eq_nocase(egx_str_n(header.ptr, scheme.len), scheme)) {
        return egx_str_n(NULL, 0);
    }
    struct eg_str rest = egx_str_cut(header, scheme.len);
    while (rest.len > 0 && rest.ptr[0] == ' ') {
        rest = egx_str_cut(rest, 1);
    }
    return rest;
}

/* The last one of the rule itself or of a consumer who may. */
static const struct auth_credential *find(const struct auth_call *call, enum auth_kind kind,
                                          const struct auth_digest *digest) {
    const struct auth_credential *found = NULL;
    const struct auth_credential *next = NULL;
    size_t cursor = 0;
    while ((next = auth_credentials_next(&call->auth->credentials, kind, digest, &cursor)) !=
           NULL) {
        if (next->rule == call->rule ||
            (next->consumer != NULL && auth_rule_has_consumer(call->rule, next->consumer))) {
            found = next;
        }
    }
    return found;
}

static const struct auth_credential *find_secret(const struct auth_call *call, enum auth_kind kind,
                                                 struct eg_str secret) {
    struct auth_digest digest;
    if (secret.len == 0 || (call->rule->kinds & 1u << kind) == 0 ||
        !auth_hash(call->auth->credentials.hasher, &secret, 1, &digest)) {
        return NULL;
    }
    return find(call, kind, &digest);
}

static int32_t accept_consumer(const struct auth_call *call, enum auth_kind kind,
                               const struct auth_consumer *consumer) {
    return auth_accept(call, kind, consumer->name, egx_json_text(&consumer->context));
}

static int32_t accept_credential(const struct auth_call *call,
                                 const struct auth_credential *found) {
    return found->consumer != NULL
               ? accept_consumer(call, found->kind, found->consumer)
               : auth_accept(call, found->kind, found->name, egx_str_n(NULL, 0));
}

/* ---- certificates ---- */

static int has_subject(const struct eg_str_list *patterns, struct eg_str subject) {
    size_t i = 0;
    while (i < patterns->count && !auth_subject_matches(patterns->items[i], subject)) {
        i++;
    }
    return i < patterns->count;
}

static const struct auth_consumer *consumer_of_subject(const struct auth_call *call,
                                                       struct eg_str subject) {
    const struct auth_consumers *consumers = &call->auth->consumers;
    for (size_t i = 0; call->rule->consumers != NULL && i < consumers->count; i++) {
        if (auth_rule_has_consumer(call->rule, &consumers->items[i]) &&
            has_subject(&consumers->items[i].subjects, subject)) {
            return &consumers->items[i];
        }
    }
    return NULL;
}

static int32_t accept_certificate(const struct auth_call *call, struct eg_str subject,
                                  struct eg_str fingerprint) {
    const struct eg_exchange_api *api = call->auth->host->exchange;
    const struct eg_str wanted = call->auth->settings->certificate_principal;
    const struct eg_str name = auth_subject_common_name(subject);
    struct eg_str principal = subject;
    if (egx_str_eq(wanted, EGX_STR("fingerprint")) || subject.len == 0) {
        principal = fingerprint;
    } else if (egx_str_eq(wanted, EGX_STR("common_name")) && name.len > 0) {
        principal = name;
    }
    struct egx_json context = egx_json_begin();
    egx_json_open(&context, '{');
    egx_json_key(&context, EGX_STR("subject"));
    egx_json_string(&context, subject);
    egx_json_key(&context, EGX_STR("issuer"));
    egx_json_string(&context, api->client_cert(call->exchange, EG_CERT_ISSUER));
    egx_json_key(&context, EGX_STR("fingerprint"));
    egx_json_string(&context, fingerprint);
    egx_json_close(&context, '}');
    const int32_t verdict =
        auth_accept(call, AUTH_BY_CERTIFICATE, principal, egx_json_text(&context));
    egx_json_free(&context);
    return verdict;
}

/* EG_STOP: it opens nothing, and nothing was answered. */
static int32_t try_certificate(const struct auth_call *call, int *ret_is_given) {
    const struct eg_exchange_api *api = call->auth->host->exchange;
    struct auth_digest digest;
    if ((call->rule->kinds & 1u << AUTH_BY_CERTIFICATE) == 0) {
        return EG_STOP;
    }
    const struct eg_str fingerprint = api->client_cert(call->exchange, EG_CERT_FINGERPRINT);
    const struct eg_str subject = api->client_cert(call->exchange, EG_CERT_SUBJECT);
    if (!auth_read_hex(fingerprint, &digest)) {
        return EG_STOP;
    }
    *ret_is_given = 1;
    const struct auth_credential *found = find(call, AUTH_BY_CERTIFICATE, &digest);
    const struct auth_consumer *consumer = found != NULL && found->consumer != NULL
                                               ? found->consumer
                                               : consumer_of_subject(call, subject);
    if (consumer != NULL) {
        return accept_consumer(call, AUTH_BY_CERTIFICATE, consumer);
    }
    return found != NULL || has_subject(&call->rule->subjects, subject)
               ? accept_certificate(call, subject, fingerprint)
               : EG_STOP;
}

/* ---- the hook ---- */

static int is_allowed(const struct auth *auth, const struct auth_rule *rule,
                      const struct eg_exchange *exchange) {
    static const struct auth_networks none = {0};
    const struct auth_networks *allowed = rule == NULL ? &none : &rule->allowed;
    const struct auth_networks *denied = rule == NULL ? &none : &rule->denied;
    struct egx_address client;
    if (auth->allowed.count + auth->denied.count + allowed->count + denied->count == 0) {
        return 1;
    }
    /* Who it is has to be known before anything can be said about them. */
    return auth_address_of_client(auth->host, exchange, &auth->proxies, &client) &&
           !auth_networks_have(&auth->denied, &client) && !auth_networks_have(denied, &client) &&
           (auth->allowed.count == 0 || auth_networks_have(&auth->allowed, &client)) &&
           (allowed->count == 0 || auth_networks_have(allowed, &client));
}

static int32_t decide(const struct auth_call *call) {
    const struct eg_exchange_api *api = call->auth->host->exchange;
    const struct eg_str header = api->header(call->exchange, EGX_STR("authorization"), 0);
    const struct eg_str key = api->header(call->exchange, call->auth->settings->key_header, 0);
    const struct eg_str token = rest_of(header, EGX_STR("Bearer "));
    const struct eg_str password = rest_of(header, EGX_STR("Basic "));
    const struct auth_credential *found = find_secret(call, AUTH_BY_KEY, key);
    int is_given = key.len > 0 || token.len > 0;
    found = found != NULL ? found : find_secret(call, AUTH_BY_TOKEN, token);
    if (found != NULL) {
        return accept_credential(call, found);
    }
    const int32_t verdict = try_certificate(call, &is_given);
    if (verdict != EG_STOP) {
        return verdict;
    }
    if (token.len > 0 && (call->rule->kinds & 1u << AUTH_BY_JWT) != 0) {
        return auth_try_token(call, token);
    }
    if (password.len > 0 && (call->rule->kinds & 1u << AUTH_BY_BASIC) != 0) {
        return auth_try_password(call, password);
    }
    return auth_refuse(call, is_given ? AUTH_WRONG : AUTH_NOTHING_GIVEN);
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    struct auth *auth = instance;
    const struct eg_exchange_api *api = auth->host->exchange;
    struct auth_call call = {.auth = auth, .slot = slot, .exchange = exchange, .op = op};
    if (!auth_rules_find(&auth->rules, api->method(exchange), api->path(exchange), &call.rule)) {
        return auth_refuse(&call, AUTH_PATH_UNCLEAR);
    }
    if (!is_allowed(auth, call.rule, exchange)) {
        return auth_refuse(&call, AUTH_ADDRESS_DENIED);
    }
    return call.rule == NULL || call.rule->is_public ? EG_NEXT : decide(&call);
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .start = start,
                                        .attach = auth_attach,
                                        .detach = auth_detach,
                                        .drain = auth_drain,
                                        .destroy = destroy};
static const struct eg_middleware_ops ops = {
    .struct_size = sizeof ops, .on_request = on_request, .cancel = auth_cancel};
EGX_COMPONENT(auth_component, EG_KIND_MIDDLEWARE, "auth",
              "Keys, tokens, passwords, certificates and addresses per path and method.",
              auth_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_auth", "0.2.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &auth_component)
