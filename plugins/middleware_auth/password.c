/* password.c - see password.h. */
#include "password.h"

#include <crypt.h>

#define HASH_MAX 384u /* CRYPT_OUTPUT_SIZE */

int auth_password_is_hash(struct eg_str hash) {
    static const char *const methods[] = {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$", "$5$"};
    char copy[HASH_MAX];
    int is_known = 0;
    if (hash.len >= sizeof copy) {
        return 0;
    }
    for (size_t i = 0; i < EGX_COUNT(methods); i++) {
        is_known |= egx_str_starts(hash, egx_str_c(methods[i]));
    }
    memcpy(copy, hash.len == 0 ? "" : hash.ptr, hash.len);
    copy[hash.len] = '\0';
    return is_known && strlen(copy) == hash.len && crypt_checksalt(copy) == CRYPT_SALT_OK;
}

static void wipe(void *bytes, size_t len) {
    volatile unsigned char *at = bytes;
    while (len-- > 0) {
        *at++ = 0;
    }
}

int auth_password_verify(const struct eg_host *host, const char *password, const char *hash) {
    struct crypt_data *data = host->mem->alloc(host, sizeof *data); /* 32 KiB: not on the stack */
    /* Unlike crypt_r it fails with NULL, and no sanitizer intercepts it: theirs of crypt_r calls
     * nothing when libcrypt came with a plugin. */
    const char *made = crypt_rn(password, hash, data, (int)sizeof *data);
    const int is_it = made != NULL && egx_ct_eq(egx_str_c(hash), egx_str_c(made));
    wipe(data, sizeof *data);
    host->mem->free(host, data);
    return is_it;
}
