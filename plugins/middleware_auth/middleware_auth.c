/*
 * middleware_auth - API keys and static bearer tokens per path prefix and method.
 *
 *   rules = ( { path = "/admin"; methods = ( "POST" ); api_keys = ( "..." ); tokens = ( "..." ); }
 * );
 *
 * A request under a rule needs `x-api-key: <key>` or `Authorization: Bearer <token>` (RFC
 * 6750 2.1). Nothing given: 401 with WWW-Authenticate (RFC 9110 15.5.2); wrong: 403. The name of a
 * consumer goes to the functions as the principal. Hooks run on any loop and only read.
 */
#include "rules.h"

struct auth_settings {
    struct eg_str rules;
    struct eg_str realm;
};
EGX_SETTING(auth_settings, rules, "rules", EG_SET_JSON, EG_SET_REQUIRED, 0, 0, NULL, NULL,
            "List of { path, methods, api_keys, tokens, public }; the longest path wins.");
EGX_SETTING_STRING(auth_settings, realm, "event-gateway", "Realm told with a 401.");
static const struct eg_setting *const rows[] = {EGX_ROW(auth_settings, rules),
                                                EGX_ROW(auth_settings, realm)};

struct auth {
    const struct eg_host *host;
    struct auth_rules rules;
    char challenge[256];
};

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
    auth_rules_free(&auth->rules);
    auth->host->mem->free(auth->host, auth);
}

static int32_t create(const struct eg_host *host, const void *settings_void, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct auth_settings *settings = settings_void;
    if (!is_realm(settings->realm)) {
        return egx_why(ret_why, EG_E_INVAL, "'realm' has to be plain ASCII without quotes");
    }
    struct auth *auth = host->mem->alloc(host, sizeof *auth);
    auth->host = host;
    (void)snprintf(auth->challenge, sizeof auth->challenge, "Bearer realm=\"%.*s\"",
                   EGX_FMT(settings->realm));
    const int32_t rc = auth_rules_read(&auth->rules, host, settings->rules, ret_why);
    if (rc < 0) {
        destroy(auth);
        return rc;
    }
    *ret_instance = auth;
    return EG_OK;
}

/* The token of `Authorization: Bearer <token>`; empty when there is none. */
static struct eg_str bearer_of(struct eg_str header) {
    const struct eg_str scheme = EGX_STR("Bearer ");
    if (header.len <= scheme.len || !egx_str_eq_nocase(egx_str_n(header.ptr, scheme.len), scheme)) {
        return egx_str_n(NULL, 0);
    }
    struct eg_str token = egx_str_cut(header, scheme.len);
    while (token.len > 0 && token.ptr[0] == ' ') {
        token = egx_str_cut(token, 1);
    }
    return token;
}

static int32_t refuse(const struct auth *auth, struct eg_exchange *exchange, int is_given) {
    const struct eg_exchange_api *api = auth->host->exchange;
    if (!is_given) {
        (void)api->reply_header(exchange, EGX_STR("WWW-Authenticate"), egx_str_c(auth->challenge));
        api->reply_error(exchange, 401, EGX_STR("Authentication required."));
    } else {
        api->reply_error(exchange, 403, EGX_STR("Access denied."));
    }
    return EG_STOP;
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    const struct auth *auth = instance;
    const struct eg_exchange_api *api = auth->host->exchange;
    const struct auth_rule *rule =
        auth_rules_find(&auth->rules, api->method(exchange), api->path(exchange));
    (void)slot;
    (void)op;
    if (rule == NULL || rule->is_public) {
        return EG_NEXT;
    }
    const struct eg_str key = api->header(exchange, EGX_STR("x-api-key"), 0);
    const struct eg_str token = bearer_of(api->header(exchange, EGX_STR("authorization"), 0));
    const struct auth_credential *by_key = auth_find_credential(&rule->api_keys, key);
    const struct auth_credential *by_token = auth_find_credential(&rule->tokens, token);
    const struct auth_credential *found = by_key != NULL ? by_key : by_token;
    if (found == NULL) {
        return refuse(auth, exchange, key.len > 0 || token.len > 0);
    }
    if (found->name.len > 0) {
        return api->set_principal(exchange, found->name, egx_str_n(NULL, 0));
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops, .on_request = on_request};
EGX_COMPONENT(auth_component, EG_KIND_MIDDLEWARE, "auth",
              "API keys and bearer tokens per path and method.", auth_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_auth", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &auth_component)
