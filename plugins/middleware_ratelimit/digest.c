/* digest.c - see digest.h. Any thread. */
#include "digest.h"

#include <openssl/evp.h>

int32_t ratelimit_digest(struct eg_str bytes, char ret_hex[RATELIMIT_DIGEST_LEN]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    const void *data = bytes.len == 0 ? "" : bytes.ptr;
    if (EVP_Digest(data, bytes.len, hash, &len, EVP_sha256(), NULL) != 1) {
        return EG_E_INTERNAL;
    }
    for (size_t i = 0; i < RATELIMIT_DIGEST_LEN / 2; i++) {
        ret_hex[i * 2] = digits[hash[i] >> 4];
        ret_hex[i * 2 + 1] = digits[hash[i] & 15];
    }
    return EG_OK;
}
