/* names.c - see names.h. Any thread. */
#include "names.h"

#include <stdbool.h>
#include <string.h>

size_t zk_name_room(size_t key_len) {
    return key_len * 3 + 1;
}

static bool is_plain(unsigned char c, size_t at) {
    return c > 0x20 && c < 0x7f && c != '%' && c != '/' && (c != '.' || at > 0);
}

size_t zk_name_put(struct eg_str key, char *out) {
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        const unsigned char c = (unsigned char)key.ptr[i];
        if (is_plain(c, i)) {
            out[len++] = (char)c;
        } else {
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15u];
        }
    }
    if (len == 0) {
        out[len++] = '%';
    }
    return len;
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int32_t zk_name_key(struct eg_str name, char *out, size_t *ret_len) {
    size_t len = 0;
    if (egx_str_eq(name, EGX_STR("%"))) {
        *ret_len = 0;
        return EG_OK;
    }
    for (size_t i = 0; i < name.len; i++) {
        const bool is_escape = name.ptr[i] == '%';
        const int high = is_escape && i + 2 < name.len ? digit_of(name.ptr[i + 1]) : -1;
        const int low = is_escape && i + 2 < name.len ? digit_of(name.ptr[i + 2]) : -1;
        const int c = is_escape ? high * 16 + low : (unsigned char)name.ptr[i];
        /* What could have stayed as it is must not be escaped: one key would have two names. */
        if ((is_escape && (high < 0 || low < 0)) || is_plain((unsigned char)c, len) == is_escape) {
            return EG_E_SYNTAX;
        }
        out[len++] = (char)c;
        i += is_escape ? 2 : 0;
    }
    *ret_len = len;
    return name.len == 0 ? EG_E_SYNTAX : EG_OK;
}

char *zk_path(const struct eg_host *host, const char *parent, struct eg_str key) {
    const size_t parent_len = strlen(parent);
    char *path = host->mem->alloc(host, parent_len + 1 + zk_name_room(key.len) + 1);
    memcpy(path, parent, parent_len);
    path[parent_len] = '/';
    const size_t len = zk_name_put(key, path + parent_len + 1);
    path[parent_len + 1 + len] = '\0';
    return path;
}
