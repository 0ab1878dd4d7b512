/*
 * issuers.c - see issuers.h. Issuer, audience and algorithms have to be told: a token that was made
 * for somebody else, or signed in a way that nobody expects, opens nothing (RFC
 * 8725 3.1, 3.8, 3.9). Control thread.
 */
#include "issuers.h"

#include <eventgw-sdk/egx_http.h>

#define YEAR_S 31536000

static int32_t read_sources(struct auth_issuer *issuer, const struct eg_json *group,
                            struct eg_why *ret_why) {
    const struct eg_host *host = issuer->host;
    const struct {
        const char *name;
        struct eg_str *text;
    } rows[] = {{"keys_url", &issuer->keys_url},
                {"keys_file", &issuer->keys_file},
                {"public_key", &issuer->public_key},
                {"secret", &issuer->secret}};
    int32_t rc = EG_OK;
    size_t given = 0;
    for (size_t i = 0; rc >= 0 && i < EGX_COUNT(rows); i++) {
        rc = auth_read_text(host, group, rows[i].name, rows[i].text, ret_why);
        given += rows[i].text->len > 0;
    }
    if (rc >= 0 && given != 1) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it needs one of 'keys_url', 'keys_file', 'public_key' and 'secret'");
    }
    return rc;
}

static int32_t read_url(struct auth_issuer *issuer, const struct eg_json *group,
                        struct eg_why *ret_why) {
    struct eg_str host_name = {0};
    int is_secure = 0;
    int32_t allows_http = 0;
    int32_t rc = auth_read_text(issuer->host, group, "ca_file", &issuer->ca_file, ret_why);
    rc = rc < 0 ? rc : auth_read_bool(issuer->host, group, "allow_http", &allows_http, ret_why);
    if (rc >= 0 && issuer->keys_url.len == 0 && (issuer->ca_file.len > 0 || allows_http)) {
        return egx_why(ret_why, EG_E_INVAL, "'ca_file' and 'allow_http' go with 'keys_url' only");
    }
    if (rc < 0 || issuer->keys_url.len == 0) {
        return rc;
    }
    if (!egx_is_http_url(issuer->keys_url, &host_name, &is_secure) ||
        (!is_secure && !egx_is_loopback(host_name) && !allows_http)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'keys_url' has to be an https url (or set 'allow_http': whoever can change "
                       "the answer can issue tokens)");
    }
    return EG_OK;
}

static int32_t read_algorithms(struct auth_issuer *issuer, const struct eg_json *group,
                               struct eg_why *ret_why) {
    struct eg_str_list names = {0};
    size_t secrets = 0;
    int32_t rc = auth_read_texts(issuer->host, group, "algorithms", &names, ret_why);
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        const struct auth_algorithm *algorithm = auth_algorithm_find(names.items[i]);
        if (algorithm == NULL) {
            rc =
                egx_why(ret_why, EG_E_INVAL,
                        "'algorithms': '%.*s' is none of HS256, HS384, HS512, RS256, RS384, RS512, "
                        "PS256, PS384, PS512, ES256, ES384, ES512, EdDSA",
                        EGX_FMT(names.items[i]));
        } else {
            issuer->algorithms |= 1u << auth_algorithm_index(algorithm);
            secrets += algorithm->kind == AUTH_KEY_SECRET;
        }
    }
    if (rc >= 0 && names.count == 0) {
        rc = egx_why(ret_why, EG_E_INVAL, "'algorithms' has to name what tokens are signed with");
    } else if (rc >= 0 && secrets != 0 && secrets != names.count) {
        rc = egx_why(ret_why, EG_E_INVAL, "'algorithms' mixes secrets (HS...) with public keys");
    } else if (rc >= 0 && secrets == 0 && issuer->secret.len > 0) {
        rc = egx_why(ret_why, EG_E_INVAL, "'secret' goes with HS256, HS384 and HS512 only");
    } else if (rc >= 0 && secrets > 0 && (issuer->keys_url.len > 0 || issuer->public_key.len > 0)) {
        rc =
            egx_why(ret_why, EG_E_INVAL,
                    "HS256, HS384 and HS512 need 'secret', or a 'keys_file' with keys of type oct");
    }
    issuer->host->mem->free(issuer->host, (void *)(uintptr_t)names.items);
    return rc;
}

static int is_comparable(const struct eg_json_api *json, const struct eg_json *value) {
    const uint32_t kind = json->kind(value);
    return kind == EG_JSON_STRING || kind == EG_JSON_INT || kind == EG_JSON_BOOL;
}

/* Others would never be equal to a claim: has_value in claims.c. */
static int is_value(const struct eg_json_api *json, const struct eg_json *value) {
    if (json->kind(value) != EG_JSON_ARRAY) {
        return is_comparable(json, value);
    }
    size_t i = 0;
    while (i < json->count(value) && is_comparable(json, json->at(value, i, NULL))) {
        i++;
    }
    return i > 0 && i == json->count(value);
}

static int32_t read_requirement(struct auth_issuer *issuer, const struct eg_json *item,
                                struct eg_why *ret_why) {
    static const char *const known[] = {"claim", "value"};
    struct auth_requirement *requirement = &issuer->required[issuer->required_count];
    int32_t rc = auth_check_keys(issuer->host, item, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : auth_read_text(issuer->host, item, "claim", &requirement->claim, ret_why);
    if (rc >= 0 && requirement->claim.len == 0) {
        rc = egx_why(ret_why, EG_E_INVAL, "'require' has to be a list of { claim, value }");
    }
    requirement->value = rc < 0 ? NULL : issuer->host->json->member(item, EGX_STR("value"));
    if (requirement->value != NULL && !is_value(issuer->host->json, requirement->value)) {
        rc = egx_why(ret_why, EG_E_INVAL,
                     "'require': 'value' has to be a text, a whole number, true, false, or a list "
                     "of such");
    }
    issuer->required_count += rc >= 0;
    return rc;
}

static int32_t read_required(struct auth_issuer *issuer, const struct eg_json *group,
                             struct eg_why *ret_why) {
    const struct eg_json *list = NULL;
    size_t count = 0;
    int32_t rc = auth_read_list(issuer->host, group, "require", &list, &count, ret_why);
    if (rc < 0) {
        return rc;
    }
    issuer->required =
        issuer->host->mem->alloc(issuer->host, (count + 1) * sizeof *issuer->required);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = read_requirement(issuer, issuer->host->json->at(list, i, NULL), ret_why);
    }
    return rc;
}

static int32_t read_times(struct auth_issuer *issuer, const struct eg_json *group,
                          struct eg_why *ret_why) {
    const struct {
        struct auth_number number;
        int64_t *value;
    } rows[] = {{{"leeway", 0, 600, 30}, &issuer->leeway_s},
                {{"max_lifetime", 0, YEAR_S, 0}, &issuer->lifetime_max_s},
                {{"refresh", 1, 86400, issuer->keys_file.len > 0 ? 5 : 300}, &issuer->refresh_s},
                {{"cooldown", 1, 3600, 10}, &issuer->cooldown_s},
                {{"max_stale", 0, YEAR_S, 86400}, &issuer->stale_s}};
    int32_t rc = EG_OK;
    for (size_t i = 0; rc >= 0 && i < EGX_COUNT(rows); i++) {
        rc = auth_read_number(issuer->host, group, &rows[i].number, rows[i].value, ret_why);
    }
    return rc;
}

/* Tokens of an algorithm that no key fits would be refused, all of them, and nobody would know why:
 * a secret shorter than the hash (RFC 7518 3.2), a key on another curve. */
static int32_t check_fits(const struct auth_issuer *issuer, const struct eg_json *group,
                          struct eg_why *ret_why) {
    struct eg_str_list names = {0};
    int32_t rc = auth_read_texts(issuer->host, group, "algorithms", &names, ret_why);
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        size_t cursor = 0;
        if (auth_keys_next(&issuer->fixed, egx_str_n(NULL, 0), auth_algorithm_find(names.items[i]),
                           &cursor) == NULL) {
            rc = egx_why(ret_why, EG_E_INVAL, "it is no key for %.*s", EGX_FMT(names.items[i]));
        }
    }
    issuer->host->mem->free(issuer->host, (void *)(uintptr_t)names.items);
    return rc;
}

static int32_t read_fixed(struct auth_issuer *issuer, const struct eg_json *group,
                          struct eg_why *ret_why) {
    struct eg_why why = {.struct_size = sizeof why};
    const int is_secret = issuer->secret.len > 0;
    if (auth_issuer_fetches(issuer)) {
        return EG_OK;
    }
    int32_t rc = is_secret
                     ? auth_keys_secret(&issuer->fixed, issuer->host, issuer->secret, &why)
                     : auth_keys_parse(&issuer->fixed, issuer->host, issuer->public_key, 0, &why);
    rc = rc < 0 ? rc : check_fits(issuer, group, &why);
    return rc < 0 ? egx_why(ret_why, rc, "'%s': %.*s", is_secret ? "secret" : "public_key",
                            (int)why.len, why.text)
                  : rc;
}

static int32_t read_names(struct auth_issuer *issuer, const struct eg_json *group,
                          struct eg_why *ret_why) {
    const struct eg_host *host = issuer->host;
    int32_t rc = auth_read_text(host, group, "name", &issuer->name, ret_why);
    rc = rc < 0 ? rc : auth_read_text(host, group, "issuer", &issuer->issuer, ret_why);
    rc = rc < 0 ? rc : auth_read_text(host, group, "principal", &issuer->principal, ret_why);
    rc = rc < 0 ? rc : auth_read_texts(host, group, "audiences", &issuer->audiences, ret_why);
    rc = rc < 0 ? rc : auth_read_texts(host, group, "types", &issuer->types, ret_why);
    rc = rc < 0 ? rc : auth_read_texts(host, group, "claims", &issuer->claims, ret_why);
    if (rc >= 0 && (issuer->name.len == 0 || issuer->issuer.len == 0)) {
        return egx_why(ret_why, EG_E_INVAL, "it needs 'name' and 'issuer'");
    }
    if (rc >= 0 && issuer->audiences.count == 0) {
        return egx_why(ret_why, EG_E_INVAL, "'audiences' has to name whom tokens are made for");
    }
    if (issuer->principal.len == 0) {
        issuer->principal = EGX_STR("sub");
    }
    return rc;
}

static int32_t read_issuer(struct auth_issuer *issuer, const struct eg_json *group,
                           struct eg_why *ret_why) {
    static const char *const known[] = {
        "name",   "issuer",   "audiences",    "algorithms", "keys_url", "keys_file", "public_key",
        "secret", "ca_file",  "allow_http",   "types",      "claims",   "principal", "require",
        "leeway", "cooldown", "max_lifetime", "refresh",    "max_stale"};
    int32_t rc = auth_check_keys(issuer->host, group, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : read_names(issuer, group, ret_why);
    rc = rc < 0 ? rc : read_sources(issuer, group, ret_why);
    rc = rc < 0 ? rc : read_url(issuer, group, ret_why);
    rc = rc < 0 ? rc : read_algorithms(issuer, group, ret_why);
    rc = rc < 0 ? rc : read_required(issuer, group, ret_why);
    rc = rc < 0 ? rc : read_times(issuer, group, ret_why);
    return rc < 0 ? rc : read_fixed(issuer, group, ret_why);
}

/* A token says `iss`, and that has to lead to one issuer. */
static int32_t check_unique(const struct auth_issuers *issuers, const struct auth_issuer *issuer,
                            struct eg_why *ret_why) {
    for (size_t i = 0; i < issuer->index; i++) {
        if (egx_str_eq(issuers->items[i].name, issuer->name) ||
            egx_str_eq(issuers->items[i].issuer, issuer->issuer)) {
            return egx_why(ret_why, EG_E_INVAL, "issuer %zu has the same 'name' or 'issuer'",
                           i + 1);
        }
    }
    return EG_OK;
}

int32_t auth_issuers_read(struct auth_issuers *issuers, const struct eg_host *host,
                          struct eg_str json, struct eg_why *ret_why) {
    size_t count = 0;
    issuers->host = host;
    int32_t rc = auth_read_groups(host, json, "issuers", &issuers->root, &count, ret_why);
    if (rc >= 0 && count > AUTH_ISSUERS_MAX) {
        rc = egx_why(ret_why, EG_E_INVAL, "'issuers' has more than %u groups", AUTH_ISSUERS_MAX);
    }
    if (rc < 0) {
        return rc;
    }
    issuers->items = host->mem->alloc(host, (count + 1) * sizeof *issuers->items);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        struct auth_issuer *issuer = &issuers->items[issuers->count++];
        issuer->host = host;
        issuer->index = i;
        rc = read_issuer(issuer, host->json->at(issuers->root, i, NULL), &why);
        rc = rc < 0 ? rc : check_unique(issuers, issuer, &why);
        if (rc < 0) {
            rc = egx_why(ret_why, rc, "issuer %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    return rc;
}

void auth_issuers_free(struct auth_issuers *issuers) {
    const struct eg_host *host = issuers->host;
    if (host == NULL) {
        return;
    }
    for (size_t i = 0; i < issuers->count; i++) {
        struct auth_issuer *issuer = &issuers->items[i];
        auth_keys_free(&issuer->fixed);
        host->mem->free(host, (void *)(uintptr_t)issuer->audiences.items);
        host->mem->free(host, (void *)(uintptr_t)issuer->types.items);
        host->mem->free(host, (void *)(uintptr_t)issuer->claims.items);
        host->mem->free(host, issuer->required);
    }
    host->mem->free(host, issuers->items);
    if (issuers->root != NULL) {
        host->json->free(host, issuers->root);
    }
    *issuers = (struct auth_issuers){0};
}

const struct auth_issuer *auth_issuer_find(const struct auth_issuers *issuers, struct eg_str name) {
    for (size_t i = 0; i < issuers->count; i++) {
        if (egx_str_eq(issuers->items[i].name, name)) {
            return &issuers->items[i];
        }
    }
    return NULL;
}
