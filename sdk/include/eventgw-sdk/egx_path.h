/*
 * eventgw-sdk/egx_path.h - rules per path: is a request's path the rule's, or below it? Escapes are
 * undone on the way (RFC 3986 2.1), so /%61dmin is /admin.
 */
#ifndef EVENTGW_SDK_PATH_H
#define EVENTGW_SDK_PATH_H

#include "egx_str.h"

/* Does an escaped slash separate segments? Routing takes %2F for a byte of a segment, yet a
 * function behind a wildcard gets the path decoded: so it does for rules that protect
 * (EGX_PATH_STRICT), and does not for rules that open (EGX_PATH_OPEN). */
#define EGX_PATH_STRICT 0
#define EGX_PATH_OPEN 1

static inline int egx_path_hex(char c) {
    const char low = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The next byte of *path with its escape undone; -1 at the end. An escaped slash is 0x100 with
 * EGX_PATH_OPEN. */
static inline int egx_path_next(struct eg_str *path, int mode) {
    if (path->len == 0) {
        return -1;
    }
    int byte = (unsigned char)path->ptr[0];
    size_t used = 1;
    if (byte == '%' && path->len >= 3 && egx_path_hex(path->ptr[1]) >= 0 &&
        egx_path_hex(path->ptr[2]) >= 0) {
        byte = egx_path_hex(path->ptr[1]) * 16 + egx_path_hex(path->ptr[2]);
        byte = byte == '/' && mode == EGX_PATH_OPEN ? 0x100 : byte;
        used = 3;
    }
    *path = egx_str_cut(*path, used);
    return byte;
}

/* prefix "/a" holds /a and /a/b, not /ab; "/" and "" hold everything. A slash at the end of prefix
 * does not count. */
static inline int egx_path_is_below(struct eg_str path, struct eg_str prefix, int mode) {
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    while (prefix.len > 0) {
        const int want = egx_path_next(&prefix, mode);
        if (egx_path_next(&path, mode) != want) {
            return 0;
        }
    }
    const int next = egx_path_next(&path, mode);
    return next < 0 || next == '/';
}

#endif
