/*
 * crypto.c - see crypto.h. The one file of the plugin that knows OpenSSL.
 *
 * A context with the key in it is made once; each request works on a copy (EVP_MAC_CTX_dup), which
 * costs less than setting the key again and leaves the original untouched by threads.
 */
#include "crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct webhook_key {
    EVP_MAC_CTX *mac;     /* HMAC */
    EVP_PKEY *public_key; /* Ed25519 */
};

int32_t webhook_key_hmac(const struct eg_host *host, const char *digest, struct eg_str secret,
                         struct webhook_key **ret_key) {
    char name[16];
    (void)snprintf(name, sizeof name, "%s", digest);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_END};
    if (secret.len == 0) {
        return EG_E_INVAL;
    }
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds it */
    if (context == NULL ||
        EVP_MAC_init(context, (const unsigned char *)secret.ptr, secret.len, params) != 1) {
        EVP_MAC_CTX_free(context);
        ERR_clear_error();
        return EG_E_INTERNAL;
    }
    struct webhook_key *key = host->mem->alloc(host, sizeof *key);
    key->mac = context;
    *ret_key = key;
    return EG_OK;
}

int32_t webhook_key_ed25519(const struct eg_host *host, struct eg_str public_key,
                            struct webhook_key **ret_key) {
    EVP_PKEY *pkey =
        public_key.len != WEBHOOK_ED25519_KEY
            ? NULL
            : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                          (const unsigned char *)public_key.ptr, public_key.len);
    ERR_clear_error();
    if (pkey == NULL) {
        return EG_E_INVAL;
    }
    struct webhook_key *key = host->mem->alloc(host, sizeof *key);
    key->public_key = pkey;
    *ret_key = key;
    return EG_OK;
}

void webhook_key_free(const struct eg_host *host, struct webhook_key *key) {
    if (key == NULL) {
        return;
    }
    EVP_MAC_CTX_free(key->mac);
    EVP_PKEY_free(key->public_key);
    host->mem->free(host, key);
}

int webhook_key_is_hmac(const struct webhook_key *key) {
    return key->mac != NULL;
}

int32_t webhook_mac(const struct webhook_key *key, const struct eg_str *pieces, size_t count,
                    unsigned char ret_mac[WEBHOOK_MAC_MAX], size_t *ret_len) {
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(key->mac);
    int is_fine = context != NULL;
    for (size_t i = 0; is_fine && i < count; i++) {
        is_fine = pieces[i].len == 0 ||
                  EVP_MAC_update(context, (const unsigned char *)pieces[i].ptr, pieces[i].len) == 1;
    }
    is_fine = is_fine && EVP_MAC_final(context, ret_mac, ret_len, WEBHOOK_MAC_MAX) == 1;
    EVP_MAC_CTX_free(context);
    if (!is_fine) {
        ERR_clear_error();
    }
    return is_fine ? EG_OK : EG_E_INTERNAL;
}

/* EVP_SIGNATURE-ED25519(7): one-shot only, so the pieces have to be in one place. */
int webhook_is_signed(const struct eg_host *host, const struct webhook_key *key,
                      const struct eg_str *pieces, size_t count, struct eg_str signature) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    unsigned char *message = host->mem->alloc(host, len + 1);
    for (size_t i = 0, at = 0; i < count; at += pieces[i].len, i++) {
        if (pieces[i].len > 0) {
            memcpy(message + at, pieces[i].ptr, pieces[i].len);
        }
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const int is_signed = context != NULL &&
                          EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->public_key) == 1 &&
                          EVP_DigestVerify(context, (const unsigned char *)signature.ptr,
                                           signature.len, message, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    host->mem->free(host, message);
    return is_signed;
}

int32_t webhook_mark(const struct eg_str *pieces, size_t count,
                     unsigned char ret_mark[WEBHOOK_MARK]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned int len = 0;
    int is_fine = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; is_fine && i < count; i++) {
        is_fine =
            pieces[i].len == 0 || EVP_DigestUpdate(context, pieces[i].ptr, pieces[i].len) == 1;
    }
    is_fine = is_fine && EVP_DigestFinal_ex(context, ret_mark, &len) == 1 && len == WEBHOOK_MARK;
    EVP_MD_CTX_free(context);
    return is_fine ? EG_OK : EG_E_INTERNAL;
}

void webhook_wipe(void *secret, size_t size) {
    OPENSSL_cleanse(secret, size);
}
