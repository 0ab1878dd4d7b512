/*
 * claims.c - see claims.h. RFC 7519 4.1 has the registered claims; a claim of the wrong type is
 * never taken for one that is not there.
 */
#include "claims.h"

#define PRINCIPAL_MAX 1024u
#define TIME_MAX ((int64_t)1 << 53) /* of a JSON number: 285 million years */

void auth_identity_free(struct auth_identity *identity) {
    egx_json_free(&identity->principal);
    egx_json_free(&identity->context);
    egx_json_free(&identity->scopes);
}

static const struct eg_json *claim(const struct auth_jws *jws, const char *name) {
    return jws->host->json->member(jws->claims, egx_str_c(name));
}

/* NumericDate: seconds, perhaps with a fraction, which is cut. 0 when it is none. */
static int read_time(const struct auth_jws *jws, const char *name, int64_t *ret_s) {
    const struct eg_json *value = claim(jws, name);
    const uint32_t kind = jws->host->json->kind(value);
    if (kind == EG_JSON_INT) {
        *ret_s = jws->host->json->integer(value);
        return *ret_s >= 0 && *ret_s <= TIME_MAX;
    }
    const double real = kind == EG_JSON_REAL ? jws->host->json->real(value) : -1;
    if (!(real >= 0 && real <= (double)TIME_MAX)) {
        return 0;
    }
    *ret_s = (int64_t)real;
    return 1;
}

static const char *check_times(const struct auth_issuer *issuer, const struct auth_jws *jws,
                               int64_t now_s) {
    int64_t at_s = 0;
    if (!read_time(jws, "exp", &at_s)) {
        return "its exp is no time";
    }
    if (now_s - issuer->leeway_s >= at_s) {
        return "it has expired";
    }
    if (issuer->lifetime_max_s > 0 && at_s - now_s > issuer->lifetime_max_s + issuer->leeway_s) {
        return "it would be good for too long";
    }
    if (claim(jws, "nbf") != NULL &&
        (!read_time(jws, "nbf", &at_s) || at_s > now_s + issuer->leeway_s)) {
        return "it is not good yet";
    }
    if (claim(jws, "iat") != NULL &&
        (!read_time(jws, "iat", &at_s) || at_s > now_s + issuer->leeway_s)) {
        return "it was issued in the future";
    }
    return NULL;
}

/* One text, or a list of texts (RFC 7519 4.1.3). */
static int is_audience(const struct auth_issuer *issuer, const struct auth_jws *jws) {
    const struct eg_json_api *json = jws->host->json;
    const struct eg_json *value = claim(jws, "aud");
    if (json->kind(value) == EG_JSON_STRING) {
        return auth_has_text(&issuer->audiences, json->string(value));
    }
    for (size_t i = 0; json->kind(value) == EG_JSON_ARRAY && i < json->count(value); i++) {
        const struct eg_json *item = json->at(value, i, NULL);
        if (json->kind(item) == EG_JSON_STRING &&
            auth_has_text(&issuer->audiences, json->string(item))) {
            return 1;
        }
    }
    return 0;
}

/* "application/" may be left out (RFC 7515 4.1.9). No typ at all is a JWT of old. */
static int is_type(const struct auth_issuer *issuer, struct eg_str type) {
    static const struct eg_str common[] = {EGX_STR_INIT("JWT"), EGX_STR_INIT("at+jwt")};
    const struct eg_str_list usual = {common, EGX_COUNT(common)};
    const struct eg_str_list *types = issuer->types.count > 0 ? &issuer->types : &usual;
    const struct eg_str prefix = EGX_STR("application/");
    if (type.len == 0) {
        return issuer->types.count == 0;
    }
    if (type.len > prefix.len && egx_str_eq_nocase(egx_str_n(type.ptr, prefix.len), prefix)) {
        type = egx_str_cut(type, prefix.len);
    }
    for (size_t i = 0; i < types->count; i++) {
        if (egx_str_eq_nocase(types->items[i], type)) {
            return 1;
        }
    }
    return 0;
}

/* ---- required claims ---- */

static int is_same_value(const struct eg_json_api *json, const struct eg_json *a,
                         const struct eg_json *b) {
    if (json->kind(a) != json->kind(b)) {
        return 0;
    }
    switch (json->kind(a)) {
    case EG_JSON_STRING:
        return egx_str_eq(json->string(a), json->string(b));
    case EG_JSON_INT:
    case EG_JSON_BOOL:
        return json->integer(a) == json->integer(b);
    default:
        return 0;
    }
}

/* Is one of the values (or the value) among those of the claim (or the claim)? */
static int has_value(const struct eg_json_api *json, const struct eg_json *have,
                     const struct eg_json *want) {
    if (json->kind(want) == EG_JSON_ARRAY) {
        for (size_t i = 0; i < json->count(want); i++) {
            if (json->kind(json->at(want, i, NULL)) != EG_JSON_ARRAY &&
                has_value(json, have, json->at(want, i, NULL))) {
                return 1;
            }
        }
        return 0;
    }
    for (size_t i = 0; json->kind(have) == EG_JSON_ARRAY && i < json->count(have); i++) {
        if (is_same_value(json, json->at(have, i, NULL), want)) {
            return 1;
        }
    }
    return is_same_value(json, have, want);
}

static int has_required(const struct auth_issuer *issuer, const struct auth_jws *jws) {
    const struct eg_json_api *json = jws->host->json;
    for (size_t i = 0; i < issuer->required_count; i++) {
        const struct auth_requirement *r = &issuer->required[i];
        const struct eg_json *have = json->member(jws->claims, r->claim);
        if (json->kind(have) == EG_JSON_NULL ||
            (r->value != NULL && !has_value(json, have, r->value))) {
            return 0;
        }
    }
    return 1;
}

const char *auth_claims_check(const struct auth_issuer *issuer, const struct auth_jws *jws,
                              int64_t now_s) {
    if (!is_type(issuer, jws->type)) {
        return "its typ is another one";
    }
    if (!egx_str_eq(jws->host->json->string(claim(jws, "iss")), issuer->issuer)) {
        return "its iss is another one";
    }
    if (!is_audience(issuer, jws)) {
        return "its aud is another one";
    }
    const char *reason = check_times(issuer, jws, now_s);
    if (reason != NULL) {
        return reason;
    }
    return has_required(issuer, jws) ? NULL : "a claim that is required is missing or another one";
}

/* ---- what is handed on ---- */

/* Texts of a claim, separated by blanks: of one text, or of a list of texts. */
static void put_texts(const struct eg_json_api *json, const struct eg_json *value,
                      struct egx_json *out) {
    if (json->kind(value) == EG_JSON_STRING) {
        egx_json_raw(out, json->string(value));
    }
    for (size_t i = 0; json->kind(value) == EG_JSON_ARRAY && i < json->count(value); i++) {
        const struct eg_str item = json->string(json->at(value, i, NULL));
        egx_json_raw(out, out->len > 0 && item.len > 0 ? EGX_STR(" ") : EGX_STR(""));
        egx_json_raw(out, item);
    }
}

/* Texts, lists of texts, whole numbers, true and false; others are not handed on. */
static void put_claim(const struct auth_jws *jws, struct eg_str name, struct egx_json *context) {
    const struct eg_json_api *json = jws->host->json;
    const struct eg_json *value = json->member(jws->claims, name);
    const uint32_t kind = json->kind(value);
    struct egx_json text = egx_json_begin();
    char number[24];
    if (kind == EG_JSON_INT) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json->integer(value));
        egx_json_raw(&text, egx_str_c(number));
    } else if (kind == EG_JSON_BOOL) {
        egx_json_raw(&text, json->integer(value) != 0 ? EGX_STR("true") : EGX_STR("false"));
    } else {
        put_texts(json, value, &text);
    }
    if (kind == EG_JSON_INT || kind == EG_JSON_BOOL || kind == EG_JSON_STRING ||
        kind == EG_JSON_ARRAY) {
        egx_json_key(context, name);
        egx_json_string(context, egx_json_text(&text));
    }
    egx_json_free(&text);
}

int auth_claims_identity(const struct auth_issuer *issuer, const struct auth_jws *jws,
                         struct auth_identity *ret_identity) {
    const struct eg_json_api *json = jws->host->json;
    const struct eg_str principal = json->string(json->member(jws->claims, issuer->principal));
    int64_t until_s = 0;
    *ret_identity = (struct auth_identity){0};
    if (principal.len == 0 || principal.len > PRINCIPAL_MAX || !read_time(jws, "exp", &until_s)) {
        return 0;
    }
    ret_identity->until_s = until_s + issuer->leeway_s;
    egx_json_raw(&ret_identity->principal, principal);
    egx_json_open(&ret_identity->context, '{');
    for (size_t i = 0; i < issuer->claims.count; i++) {
        put_claim(jws, issuer->claims.items[i], &ret_identity->context);
    }
    egx_json_close(&ret_identity->context, '}');
    /* `scope` of RFC 9068 2.2.3 is one text; `scp` of others a text or a list. */
    const struct eg_json *scopes = claim(jws, "scope");
    put_texts(json, scopes != NULL ? scopes : claim(jws, "scp"), &ret_identity->scopes);
    return 1;
}

int auth_has_scope(struct eg_str scopes, struct eg_str scope) {
    while (scopes.len > 0) {
        const char *blank = memchr(scopes.ptr, ' ', scopes.len);
        const size_t len = blank == NULL ? scopes.len : (size_t)(blank - scopes.ptr);
        if (egx_str_eq(egx_str_n(scopes.ptr, len), scope)) {
            return 1;
        }
        scopes = egx_str_cut(scopes, len + 1);
    }
    return 0;
}
