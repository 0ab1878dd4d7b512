/* sign.c - see sign.h. The one door to OpenSSL. */
#include "sign.h"

#include <eventgw-sdk/egx_storage.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define KEY_MIN 24u
#define PREFIX "whsec_"

static int32_t add_key(struct signing_keys *keys, struct eg_str word) {
    const struct eg_str text =
        egx_str_starts(word, EGX_STR(PREFIX)) ? egx_str_cut(word, sizeof PREFIX - 1) : word;
    char key[SIGNING_KEY_BYTES + 3];
    size_t len = 0;
    if (keys->count == SIGNING_KEYS || text.len / 4 * 3 > sizeof key ||
        egx_base64_decode(text, key, &len) < 0 || len < KEY_MIN || len > SIGNING_KEY_BYTES) {
        return EG_E_INVAL;
    }
    memcpy(keys->bytes[keys->count], key, len);
    keys->len[keys->count++] = len;
    return EG_OK;
}

int32_t webhook_events_keys(struct eg_str text, struct signing_keys *ret_keys,
                            struct eg_why *ret_why) {
    struct signing_keys keys = {0};
    while (text.len > 0) {
        const char *space = memchr(text.ptr, ' ', text.len);
        const size_t len = space == NULL ? text.len : (size_t)(space - text.ptr);
        if (len > 0 && add_key(&keys, egx_str_n(text.ptr, len)) < 0) {
            return egx_why(ret_why, EG_E_INVAL,
                           "'secret' has to be \"whsec_\" and the base64 form of 24 to 64 bytes; "
                           "up to four of them, with spaces between them");
        }
        text = egx_str_cut(text, len + 1);
    }
    *ret_keys = keys;
    return EG_OK;
}

static int32_t hmac(const struct signing_keys *keys, size_t index, const struct eg_str *parts,
                    size_t count, unsigned char out[32]) {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    size_t len = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    int is_ok = context != NULL && EVP_MAC_init(context, (const unsigned char *)keys->bytes[index],
                                                keys->len[index], params) == 1;
    for (size_t i = 0; is_ok && i < count; i++) {
        is_ok = EVP_MAC_update(context, (const unsigned char *)parts[i].ptr, parts[i].len) == 1;
    }
    is_ok = is_ok && EVP_MAC_final(context, out, &len, 32) == 1 && len == 32;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return is_ok ? EG_OK : EG_E_INTERNAL;
}

int32_t webhook_events_sign(const struct signing_keys *keys, struct eg_str id, int64_t unix_seconds,
                            struct eg_str body, struct egx_json *out) {
    char middle[32];
    const int len = snprintf(middle, sizeof middle, ".%lld.", (long long)unix_seconds);
    const struct eg_str parts[] = {id, egx_str_n(middle, (size_t)len), body};
    for (size_t i = 0; i < keys->count; i++) {
        unsigned char digest[32];
        if (hmac(keys, i, parts, EGX_COUNT(parts), digest) < 0) {
            return EG_E_INTERNAL;
        }
        egx_json_raw(out, i == 0 ? EGX_STR("v1,") : EGX_STR(" v1,"));
        egx_put_base64(out, egx_str_n((const char *)digest, sizeof digest));
    }
    return out->is_failed ? EG_E_INTERNAL : EG_OK;
}
