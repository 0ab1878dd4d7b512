/*
 * key.c - a service-account key: the JSON file that Google's console hands out, and the request for
 * an ID token that is signed with it. Any thread; the key's texts live in the parsed JSON.
 *
 * Other files that the variable GOOGLE_APPLICATION_CREDENTIALS may name (authorized_user,
 * external_account, impersonated_service_account) cannot sign for an audience and are refused.
 */
#include "provider_gcf.h"

#define TOKEN_URI "https://oauth2.googleapis.com/token"
#define LIFETIME_S 3600

static int32_t need(struct eg_str value, const char *name, struct eg_why *ret_why) {
    return value.len > 0 ? EG_OK : egx_why(ret_why, EG_E_INVAL, "%s is missing", name);
}

static int32_t check(const struct gcf_key *key, struct eg_str type, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    if (!egx_str_eq(type, EGX_STR("service_account"))) {
        return egx_why(ret_why, EG_E_INVAL, "type is not \"service_account\"");
    }
    rc = need(key->email, "client_email", ret_why);
    rc = rc < 0 ? rc : need(key->pem, "private_key", ret_why);
    return rc < 0 ? rc : gcf_rsa_check(key->pem, ret_why);
}

int32_t gcf_key_read(const struct eg_host *host, struct eg_str json, struct gcf_key *ret_key,
                     struct eg_why *ret_why) {
    const struct eg_json_api *api = host->json;
    struct gcf_key key = {0};
    /* The parser's text could show a piece of the key. */
    if (api->parse(host, json, &key.root, NULL) < 0 || api->kind(key.root) != EG_JSON_OBJECT) {
        gcf_key_free(host, &key);
        return egx_why(ret_why, EG_E_INVAL, "it is no JSON object");
    }
    key.email = api->string(api->member(key.root, EGX_STR("client_email")));
    key.key_id = api->string(api->member(key.root, EGX_STR("private_key_id")));
    key.pem = api->string(api->member(key.root, EGX_STR("private_key")));
    key.token_uri = api->string(api->member(key.root, EGX_STR("token_uri")));
    if (key.token_uri.len == 0) {
        key.token_uri = EGX_STR(TOKEN_URI);
    }
    const int32_t rc = check(&key, api->string(api->member(key.root, EGX_STR("type"))), ret_why);
    if (rc < 0) {
        gcf_key_free(host, &key);
        return rc;
    }
    *ret_key = key;
    return EG_OK;
}

void gcf_key_free(const struct eg_host *host, struct gcf_key *key) {
    if (key->root != NULL) {
        host->json->free(host, key->root);
    }
    memset(key, 0, sizeof *key);
}

int32_t gcf_key_endpoint(const struct gcf_settings *settings, const struct gcf_key *key,
                         struct eg_str *ret_uri, struct eg_why *ret_why) {
    struct eg_str host = {0};
    int is_secure = 0;
    if (settings->token_uri.len > 0) { /* the operator knows */
        *ret_uri = settings->token_uri;
        return EG_OK;
    }
    if (!egx_is_http_url(key->token_uri, &host, &is_secure) ||
        (!is_secure && !egx_is_loopback(host) && !settings->allow_http)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "token_uri has to be an https url (or the gateway's setting allow_http)");
    }
    *ret_uri = key->token_uri;
    return EG_OK;
}

static void add_part(struct egx_json *out, struct egx_json *json) {
    gcf_base64url(out, egx_json_text(json));
    egx_json_free(json);
}

static void add_member(struct egx_json *json, struct eg_str name, struct eg_str value) {
    egx_json_key(json, name);
    egx_json_string(json, value);
}

/* Header and claims of the assertion (RFC 7519 3.1). */
static void add_claims(struct egx_json *out, const struct gcf_key *key, struct eg_str token_uri,
                       struct eg_str audience, int64_t now_s) {
    struct egx_json json = egx_json_begin();
    egx_json_open(&json, '{');
    add_member(&json, EGX_STR("alg"), EGX_STR("RS256"));
    add_member(&json, EGX_STR("typ"), EGX_STR("JWT"));
    if (key->key_id.len > 0) {
        add_member(&json, EGX_STR("kid"), key->key_id);
    }
    egx_json_close(&json, '}');
    add_part(out, &json);
    egx_json_raw(out, EGX_STR("."));
    egx_json_open(&json, '{');
    add_member(&json, EGX_STR("iss"), key->email);
    add_member(&json, EGX_STR("aud"), token_uri);
    egx_json_key(&json, EGX_STR("iat"));
    egx_json_int(&json, now_s);
    egx_json_key(&json, EGX_STR("exp"));
    egx_json_int(&json, now_s + LIFETIME_S);
    add_member(&json, EGX_STR("target_audience"), audience);
    egx_json_close(&json, '}');
    add_part(out, &json);
}

int32_t gcf_key_form(const struct gcf_key *key, struct eg_str token_uri, struct eg_str audience,
                     int64_t now_s, struct egx_json *ret_form, struct eg_why *ret_why) {
    static const struct eg_str grant =
        EGX_STR_INIT("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    unsigned char signature[GCF_SIGNATURE_MAX];
    size_t len = 0;
    struct egx_json form = egx_json_begin();
    egx_json_raw(&form, grant);
    add_claims(&form, key, token_uri, audience, now_s);
    const int32_t rc = gcf_rsa_sign(key->pem, egx_str_cut(egx_json_text(&form), grant.len),
                                    signature, &len, ret_why);
    if (rc < 0) {
        egx_json_free(&form);
        return rc;
    }
    egx_json_raw(&form, EGX_STR("."));
    gcf_base64url(&form, egx_str_n((const char *)signature, len));
    *ret_form = form;
    return EG_OK;
}
