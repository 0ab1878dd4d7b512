/*
 * eventgw-sdk/egx_path.h - rules per path: is a request's path the rule's, or below it?
 *
 * Routing takes a path as it is written, escapes undone. A function behind a wildcard gets it, too,
 * and may read more into it: %2F as a slash, `//` as one, `..` as a step up (RFC
 * 3986 5.2.4, 6.2.2). So a path that is not plain has several readings, and a guard has to look at
 * all of them.
 */
#ifndef EVENTGW_SDK_PATH_H
#define EVENTGW_SDK_PATH_H

#include "egx_str.h"

/* What a reading does; all combinations are readings. */
#define EGX_PATH_SPLIT 1u /* %2F is a slash */
#define EGX_PATH_MERGE 2u /* several slashes are one */
#define EGX_PATH_DOTS 4u  /* . and .. are steps */
#define EGX_PATH_READINGS 8u

/* Value of a hexadecimal digit; -1 = none. */
static inline int egx_path_hex(char c) {
    const char low = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The next byte of *path with its escape undone; 0x12f for %2F, -1 at the end. */
static inline int egx_path_next(struct eg_str *path) {
    if (path->len == 0) {
        return -1;
    }
    int byte = (unsigned char)path->ptr[0];
    size_t used = 1;
    if (byte == '%' && path->len >= 3 && egx_path_hex(path->ptr[1]) >= 0 &&
        egx_path_hex(path->ptr[2]) >= 0) {
        byte = egx_path_hex(path->ptr[1]) * 16 + egx_path_hex(path->ptr[2]);
        byte = byte == '/' ? 0x100 | '/' : byte;
        used = 3;
    }
    *path = egx_str_cut(*path, used);
    return byte;
}

/* 1 = all readings are the same. */
static inline int egx_path_is_plain(struct eg_str path) {
    size_t segments = 0;
    size_t len = 0;
    size_t dots = 0;
    for (;;) {
        const int byte = egx_path_next(&path);
        if (byte == '/' || byte < 0) {
            const int is_empty = len == 0 && segments > 0 && byte == '/';
            if (is_empty || (len > 0 && len <= 2 && dots == len)) {
                return 0;
            }
            if (byte < 0) {
                return 1;
            }
            segments++;
            len = dots = 0;
            continue;
        }
        if (byte > 0xff) {
            return 0;
        }
        len++;
        dots += byte == '.';
    }
}

/* The segment that ends at len, when it is . or .. : goes away, with the one before for `..`. The
 * new end, behind a slash. */
static inline size_t egx_path_step(const char *out, size_t segment, size_t len) {
    const size_t size = len - segment;
    if (size == 0 || size > 2 || out[segment] != '.' || out[len - 1] != '.') {
        return len;
    }
    size_t end = segment;
    if (size == 2 && end > 0) {
        end--;
        while (end > 0 && out[end - 1] != '/') {
            end--;
        }
    }
    return end;
}

/* One reading, escapes undone; what is escaped and no slash in it stays %2F. out has room for as
 * many bytes as the path. Its length. */
static inline size_t egx_path_read(struct eg_str path, unsigned flags, char *out) {
    size_t len = 0;
    size_t segment = 0;
    for (;;) {
        int byte = egx_path_next(&path);
        byte = byte == (0x100 | '/') && (flags & EGX_PATH_SPLIT) != 0 ? '/' : byte;
        if (byte > 0xff) {
            memcpy(out + len, "%2F", 3);
            len += 3;
        } else if (byte >= 0 && byte != '/') {
            out[len++] = (char)byte;
        } else {
            const size_t end =
                (flags & EGX_PATH_DOTS) != 0 ? egx_path_step(out, segment, len) : len;
            const int is_step = end != len;
            len = end;
            if (byte < 0) {
                return len;
            }
            if (len == 0 || out[len - 1] != '/' || (!is_step && (flags & EGX_PATH_MERGE) == 0)) {
                out[len++] = '/';
            }
            segment = len;
        }
    }
}

/* prefix "/a" holds /a and /a/b, not /ab; "/" and "" hold everything. Slashes at its end do not
 * count; its escapes are undone, and those of path unless it is a reading. */
static inline int egx_path_is_below(struct eg_str path, int is_reading, struct eg_str prefix) {
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    while (prefix.len > 0) {
        const int want = egx_path_next(&prefix) & 0xff;
        int got = -1;
        if (is_reading && path.len > 0) {
            got = (unsigned char)path.ptr[0];
            path = egx_str_cut(path, 1);
        } else if (!is_reading) {
            got = egx_path_next(&path);
        }
        if (got != want) {
            return 0;
        }
    }
    return path.len == 0 || path.ptr[0] == '/';
}

/* What egx_path_is_rule asks for, as a sentence for who wrote another. */
#define EGX_PATH_RULE_TOLD                                                                         \
    "'path' has to begin with /, without //, . and .. as segments, escaped slashes, ?, #, and "    \
    "wildcards: what is below it is in it"

/* Can it be the path of a rule? One that no request can have, or that each could read otherwise,
 * would leave open what it was meant to guard. Segments that begin with ':' or '*' are the
 * wildcards of routes; who means these letters writes %3A and %2A. */
static inline int egx_path_is_rule(struct eg_str path) {
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.ptr[i];
        const int is_first = i == 0 || path.ptr[i - 1] == '/';
        if (c == '?' || c == '#' || (is_first && (c == ':' || c == '*'))) {
            return 0;
        }
    }
    return path.len > 0 && path.ptr[0] == '/' && egx_path_is_plain(path);
}

#endif
