/*
 * rsa.c - the one file that knows OpenSSL: signatures with a private key in PEM. The key is read
 * anew each time, once an hour: nothing secret is kept here. Any thread.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "provider_gcf.h"

/* A key with a passphrase: no, and above all do not ask the terminal for it. */
static int no_passphrase(char *out, int size, int is_writing, void *arg) {
    (void)out;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1;
}

static int32_t read_key(struct eg_str pem, EVP_PKEY **ret_key, struct eg_why *ret_why) {
    EVP_PKEY *key = NULL;
    if (pem.len > 0 && pem.len <= 65536) {
        BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
        key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        (void)BIO_free(bio);
    }
    ERR_clear_error();
    if (key == NULL) {
        return egx_why(ret_why, EG_E_INVAL, "private_key is no private key in PEM");
    }
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || bits < 2048 || bits > 8192) {
        EVP_PKEY_free(key);
        return egx_why(ret_why, EG_E_INVAL, "private_key is no RSA key of 2048 to 8192 bits");
    }
    *ret_key = key;
    return EG_OK;
}

int32_t gcf_rsa_check(struct eg_str pem, struct eg_why *ret_why) {
    EVP_PKEY *key = NULL;
    const int32_t rc = read_key(pem, &key, ret_why);
    EVP_PKEY_free(key);
    return rc;
}

int32_t gcf_rsa_sign(struct eg_str pem, struct eg_str text, unsigned char *ret_signature,
                     size_t *ret_len, struct eg_why *ret_why) {
    EVP_PKEY *key = NULL;
    size_t len = GCF_SIGNATURE_MAX;
    const int32_t rc = read_key(pem, &key, ret_why);
    if (rc < 0) {
        return rc;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const int is_signed =
        context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, ret_signature, &len, (const unsigned char *)text.ptr, text.len) ==
            1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!is_signed) {
        return egx_why(ret_why, EG_E_INTERNAL, "OpenSSL cannot sign with private_key");
    }
    *ret_len = len;
    return EG_OK;
}
