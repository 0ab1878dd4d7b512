/*
 * hmac.c - the one file of this plugin's foundation that knows libcrypto. Any thread: the one-shot
 * calls keep no state of ours.
 */
#include "hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int32_t aws_sha256(struct eg_str bytes, unsigned char ret_hash[AWS_SHA256_BYTES]) {
    unsigned int len = 0;
    const void *data = bytes.len == 0 ? "" : bytes.ptr;
    const int ok = EVP_Digest(data, bytes.len, ret_hash, &len, EVP_sha256(), NULL);
    return ok == 1 && len == AWS_SHA256_BYTES ? EG_OK : EG_E_INTERNAL;
}

int32_t aws_hmac(struct eg_str key, struct eg_str bytes, unsigned char ret_mac[AWS_SHA256_BYTES]) {
    unsigned int len = 0;
    if (key.len > INT32_MAX) {
        return EG_E_INTERNAL;
    }
    const unsigned char *data = (const unsigned char *)(bytes.len == 0 ? "" : bytes.ptr);
    const void *secret = key.len == 0 ? "" : key.ptr;
    const void *mac = HMAC(EVP_sha256(), secret, (int)key.len, data, bytes.len, ret_mac, &len);
    return mac != NULL && len == AWS_SHA256_BYTES ? EG_OK : EG_E_INTERNAL;
}

void aws_hex(const unsigned char hash[AWS_SHA256_BYTES], char ret_hex[AWS_SHA256_HEX + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < AWS_SHA256_BYTES; i++) {
        ret_hex[i * 2] = digits[hash[i] >> 4];
        ret_hex[i * 2 + 1] = digits[hash[i] & 15];
    }
    ret_hex[AWS_SHA256_HEX] = '\0';
}

void aws_wipe(void *secret, size_t size) {
    if (size > 0) {
        OPENSSL_cleanse(secret, size);
    }
}
