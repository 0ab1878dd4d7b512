/*
 * rules.c - see rules.h. A mistake in a rule could open a door, so everything is strict: unknown
 * keys, empty secrets, rules without credentials (unless `public = true`) and two rules for the
 * same path and method are refused with a sentence. Control thread.
 */
#include <eventgw-sdk/egx_path.h>

#include "rules.h"

#define RULES_MAX 10000u

struct rule_reader {
    const struct eg_host *host;
    const struct auth_known *known;
    const struct eg_json *group;
    struct auth_rule *rule;
};

/* "secret", or { name = "who"; key = "secret" }. */
static int32_t read_credential(const struct rule_reader *r, const struct eg_json *item,
                               const char *key, enum auth_kind kind, struct eg_why *ret_why) {
    const char *const known[] = {"name", key};
    const struct eg_json_api *json = r->host->json;
    struct auth_credential credential = {.kind = kind, .rule = r->rule};
    struct eg_str secret = json->string(item);
    if (json->kind(item) == EG_JSON_OBJECT) {
        int32_t rc = auth_check_keys(r->host, item, known, EGX_COUNT(known), ret_why);
        rc = rc < 0 ? rc : auth_read_text(r->host, item, "name", &credential.name, ret_why);
        if (rc < 0) {
            return rc;
        }
        secret = json->string(json->member(item, egx_str_c(key)));
    }
    if (secret.len == 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a credential has to be a text or { name = \"...\"; %s = \"...\" }", key);
    }
    r->rule->kinds |= 1u << kind;
    return auth_credentials_add(r->known->credentials, credential, secret, ret_why);
}

static int32_t read_credentials(const struct rule_reader *r, const char *list_name, const char *key,
                                enum auth_kind kind, struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    int32_t rc = auth_read_list(r->host, r->group, list_name, &list, &count, ret_why);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = read_credential(r, r->host->json->at(list, i, NULL), key, kind, ret_why);
    }
    return rc;
}

static int32_t read_path(const struct rule_reader *r, struct eg_why *ret_why) {
    struct eg_str path = r->host->json->string(r->host->json->member(r->group, EGX_STR("path")));
    if (!egx_path_is_rule(path)) {
        return egx_why(ret_why, EG_E_INVAL, EGX_PATH_RULE_TOLD);
    }
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    r->rule->path = path;
    while (egx_path_next(&path) >= 0) {
        r->rule->path_len++;
    }
    return EG_OK;
}

/* RFC 9110 5.6.2; one that no request can have would open what was to be protected. */
static int is_token(struct eg_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' ||
            strchr("()<>@,;:\\\"/[]?={}", text.ptr[i]) != NULL) {
            return 0;
        }
    }
    return 1;
}

static int32_t read_methods(const struct rule_reader *r, struct eg_why *ret_why) {
    const struct eg_str_list *methods = &r->rule->methods;
    const int32_t rc = auth_read_texts(r->host, r->group, "methods", &r->rule->methods, ret_why);
    for (size_t i = 0; rc >= 0 && i < methods->count; i++) {
        if (!is_token(methods->items[i])) {
            return egx_why(ret_why, EG_E_INVAL, "'methods': '%.*s' is no HTTP method",
                           EGX_FMT(methods->items[i]));
        }
    }
    return rc;
}

/* ---- what they refer to ---- */

static void admit(const struct rule_reader *r, const struct auth_consumer *consumer) {
    r->rule->consumers[consumer->index] = 1;
    r->rule->kinds |= consumer->kinds;
}

/* Names, or "*" for all. */
static int32_t read_consumers(const struct rule_reader *r, struct eg_why *ret_why) {
    const struct auth_consumers *consumers = r->known->consumers;
    struct eg_str_list names = {0};
    int32_t rc = auth_read_texts(r->host, r->group, "consumers", &names, ret_why);
    if (rc >= 0 && names.count > 0) {
        r->rule->consumers = r->host->mem->alloc(r->host, consumers->count + 1);
    }
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        const int is_all = egx_str_eq(names.items[i], EGX_STR("*"));
        size_t found = 0;
        for (size_t k = 0; k < consumers->count; k++) {
            if (is_all || egx_str_eq(consumers->items[k].name, names.items[i])) {
                admit(r, &consumers->items[k]);
                found++;
            }
        }
        if (found == 0) {
            rc = egx_why(ret_why, EG_E_INVAL, "'consumers': there is no consumer '%.*s'",
                         EGX_FMT(names.items[i]));
        }
    }
    r->host->mem->free(r->host, (void *)(uintptr_t)names.items);
    return rc;
}

static int32_t read_issuers(const struct rule_reader *r, struct eg_why *ret_why) {
    struct eg_str_list names = {0};
    int32_t rc = auth_read_texts(r->host, r->group, "issuers", &names, ret_why);
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        const struct auth_issuer *issuer = auth_issuer_find(r->known->issuers, names.items[i]);
        if (issuer == NULL) {
            rc = egx_why(ret_why, EG_E_INVAL, "'issuers': there is no issuer '%.*s'",
                         EGX_FMT(names.items[i]));
        } else {
            r->rule->issuers |= 1u << issuer->index;
            r->rule->kinds |= 1u << AUTH_BY_JWT;
        }
    }
    r->host->mem->free(r->host, (void *)(uintptr_t)names.items);
    return rc;
}

/* A scope stands in a challenge between quotes (RFC 6749 3.3, RFC 6750 3). */
static int is_scope(struct eg_str scope) {
    for (size_t i = 0; i < scope.len; i++) {
        const char c = scope.ptr[i];
        if (c <= 0x20 || c > 0x7e || c == '"' || c == '\\') {
            return 0;
        }
    }
    return scope.len <= 100;
}

static int32_t read_scopes(const struct rule_reader *r, struct eg_why *ret_why) {
    const int32_t rc = auth_read_texts(r->host, r->group, "scopes", &r->rule->scopes, ret_why);
    for (size_t i = 0; rc >= 0 && i < r->rule->scopes.count; i++) {
        if (!is_scope(r->rule->scopes.items[i]) || i >= 20) {
            return egx_why(ret_why, EG_E_INVAL,
                           "'scopes' has to be a list of at most 20 words without quotes");
        }
    }
    if (rc >= 0 && r->rule->scopes.count > 0 && r->rule->issuers == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'scopes' needs 'issuers', whose tokens have them");
    }
    return rc;
}

static int32_t read_networks(const struct rule_reader *r, const char *name,
                             struct auth_networks *networks, struct eg_why *ret_why) {
    struct eg_str_list texts = {0};
    int32_t rc = auth_read_texts(r->host, r->group, name, &texts, ret_why);
    if (rc >= 0) {
        rc = auth_networks_read(networks, r->host, &texts, name, ret_why);
    }
    r->host->mem->free(r->host, (void *)(uintptr_t)texts.items);
    return rc;
}

static int32_t read_certificates(const struct rule_reader *r, struct eg_why *ret_why) {
    const struct auth_credential whose = {.rule = r->rule};
    if (r->host->json->member(r->group, EGX_STR("certificates")) != NULL) {
        r->rule->kinds |= 1u << AUTH_BY_CERTIFICATE;
    }
    return auth_read_certificates(r->host, r->group, whose, r->known->credentials,
                                  &r->rule->subjects, ret_why);
}

/* ---- one rule, and all of them ---- */

static int32_t read_rule(const struct rule_reader *r, struct eg_why *ret_why) {
    static const char *const known[] = {"path",         "methods",   "api_keys", "tokens",
                                        "public",       "consumers", "issuers",  "scopes",
                                        "certificates", "allow_ips", "deny_ips"};
    struct auth_rule *rule = r->rule;
    int32_t rc = auth_check_keys(r->host, r->group, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : auth_read_bool(r->host, r->group, "public", &rule->is_public, ret_why);
    rc = rc < 0 ? rc : read_path(r, ret_why);
    rc = rc < 0 ? rc : read_methods(r, ret_why);
    rc = rc < 0 ? rc : read_credentials(r, "api_keys", "key", AUTH_BY_KEY, ret_why);
    rc = rc < 0 ? rc : read_credentials(r, "tokens", "token", AUTH_BY_TOKEN, ret_why);
    rc = rc < 0 ? rc : read_consumers(r, ret_why);
    rc = rc < 0 ? rc : read_issuers(r, ret_why);
    rc = rc < 0 ? rc : read_scopes(r, ret_why);
    rc = rc < 0 ? rc : read_certificates(r, ret_why);
    rc = rc < 0 ? rc : read_networks(r, "allow_ips", &rule->allowed, ret_why);
    rc = rc < 0 ? rc : read_networks(r, "deny_ips", &rule->denied, ret_why);
    if (rc >= 0 && (rule->kinds == 0) != (rule->is_public != 0)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it needs 'api_keys' or 'tokens' (or 'consumers', 'issuers', "
                       "'certificates'), or else 'public = true'");
    }
    return rc;
}

static int is_same(const struct auth_rule *a, const struct auth_rule *b) {
    if (a->path_len != b->path_len || !egx_path_is_below(a->path, 0, b->path) ||
        (a->methods.count == 0) != (b->methods.count == 0)) {
        return 0;
    }
    for (size_t i = 0; i < a->methods.count; i++) {
        if (auth_rule_has_method(b, a->methods.items[i])) {
            return 1;
        }
    }
    return a->methods.count == 0;
}

static int32_t add_rule(struct auth_rules *rules, const struct eg_json *group,
                        const struct auth_known *known, struct eg_why *ret_why) {
    struct auth_rule *rule = &rules->items[rules->count++];
    const struct rule_reader reader = {rules->host, known, group, rule};
    const int32_t rc = read_rule(&reader, ret_why);
    for (size_t i = 0; rc >= 0 && i + 1 < rules->count; i++) {
        if (is_same(&rules->items[i], rule)) {
            return egx_why(ret_why, EG_E_INVAL, "rule %zu is for the same path and method", i + 1);
        }
    }
    return rc;
}

int32_t auth_rules_read(struct auth_rules *rules, const struct eg_host *host, struct eg_str json,
                        const struct auth_known *known, struct eg_why *ret_why) {
    size_t count = 0;
    rules->host = host;
    int32_t rc = auth_read_groups(host, json, "rules", &rules->root, &count, ret_why);
    if (rc >= 0 && count > RULES_MAX) {
        rc = egx_why(ret_why, EG_E_INVAL, "'rules' has more than %u groups", RULES_MAX);
    }
    if (rc < 0) {
        return rc;
    }
    rules->items = host->mem->alloc(host, (count + 1) * sizeof *rules->items);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        rc = add_rule(rules, host->json->at(rules->root, i, NULL), known, &why);
        if (rc < 0) {
            rc = egx_why(ret_why, rc, "rule %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    return rc;
}

void auth_rules_free(struct auth_rules *rules) {
    const struct eg_host *host = rules->host;
    if (host == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        struct auth_rule *rule = &rules->items[i];
        host->mem->free(host, (void *)(uintptr_t)rule->methods.items);
        host->mem->free(host, (void *)(uintptr_t)rule->scopes.items);
        host->mem->free(host, (void *)(uintptr_t)rule->subjects.items);
        host->mem->free(host, rule->consumers);
        host->mem->free(host, rule->allowed.items);
        host->mem->free(host, rule->denied.items);
    }
    host->mem->free(host, rules->items);
    if (rules->root != NULL) {
        host->json->free(host, rules->root);
    }
    *rules = (struct auth_rules){0};
}
