/*
 * jwt.c - an ID token as it came from Google: when it ends, and the header that carries it. The
 * signature is checked by whoever is called; here the token is a sealed letter with a date on it.
 * Loop thread.
 */
#include "provider_gcf.h"

#define JWT_MAX 16384u
/* google-auth's threshold: 3 min 45 s before a token ends, the next one is fetched. Of tokens that
 * live shorter than an hour, in proportion. */
#define REFRESH_NS (INT64_C(225) * GCF_SECOND_NS)
#define REFRESH_PART 16

static int is_jwt_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The middle one of three parts; empty when it is none of RFC 7515's compact form. */
static struct eg_str claims_of(struct eg_str jwt) {
    size_t dots[2] = {0, 0};
    size_t count = 0;
    for (size_t i = 0; i < jwt.len; i++) {
        if (jwt.ptr[i] == '.' && count < 2) {
            dots[count++] = i;
        } else if (!is_jwt_char(jwt.ptr[i])) {
            return egx_str_n(NULL, 0);
        }
    }
    if (count != 2 || dots[0] == 0 || dots[1] + 1 == jwt.len) {
        return egx_str_n(NULL, 0);
    }
    return egx_str_n(jwt.ptr + dots[0] + 1, dots[1] - dots[0] - 1);
}

/* exp in seconds (RFC 7519 4.1.4), 0 = there is none. */
static int64_t expiry_of(const struct eg_host *host, struct eg_str claims) {
    struct eg_json *root = NULL;
    int64_t expires_s = 0;
    char *json = host->mem->alloc(host, claims.len + 3);
    const size_t len = gcf_base64_decode(claims, json);
    if (len != SIZE_MAX && host->json->parse(host, egx_str_n(json, len), &root, NULL) >= 0) {
        const struct eg_json *exp = host->json->member(root, EGX_STR("exp"));
        expires_s = host->json->kind(exp) == EG_JSON_INT ? host->json->integer(exp) : 0;
        host->json->free(host, root);
    }
    host->mem->free(host, json);
    return expires_s > 0 && expires_s < INT64_MAX / GCF_SECOND_NS ? expires_s : 0;
}

int32_t gcf_jwt_read(const struct eg_host *host, struct eg_str jwt, int64_t now_ns,
                     struct gcf_token **ret_token, struct eg_why *ret_why) {
    static const struct eg_str bearer = EGX_STR_INIT("Bearer ");
    const struct eg_str claims = claims_of(jwt);
    if (jwt.len > JWT_MAX || claims.len == 0) {
        return egx_why(ret_why, EG_E_PROTO, "the answer holds no ID token");
    }
    const int64_t expires_ns = expiry_of(host, claims) * GCF_SECOND_NS;
    if (expires_ns == 0) {
        return egx_why(ret_why, EG_E_PROTO, "the ID token does not say when it ends");
    }
    if (expires_ns <= now_ns) {
        return egx_why(ret_why, EG_E_PROTO, "the ID token has ended already; is the clock right?");
    }
    const int64_t part_ns = (expires_ns - now_ns) / REFRESH_PART;
    struct gcf_token *token = host->mem->alloc(host, sizeof *token + bearer.len + jwt.len);
    atomic_init(&token->refs, 1);
    token->expires_ns = expires_ns;
    token->refresh_ns = expires_ns - (part_ns < REFRESH_NS ? part_ns : REFRESH_NS);
    token->header_len = bearer.len + jwt.len;
    memcpy(token->header, bearer.ptr, bearer.len);
    memcpy(token->header + bearer.len, jwt.ptr, jwt.len);
    *ret_token = token;
    return EG_OK;
}
