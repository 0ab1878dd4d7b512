/*
 * eventgw-sdk/egx_path.h - rules per path: is a request's path the rule's, or below it?
 *
 * Routing takes a path as it is written, escapes undone. A function behind a wildcard gets it, too,
 * and may read more into it: %2F as a slash, `//` as one or as the beginning of a host name, `..`
 * as a step up (RFC 3986 4.2, 5.2.4, 6.2.2), a backslash as a slash (WHATWG URL), `;x` as a
 * parameter that servlet containers cut off (RFC 3986 3.3), and what is an escape once escapes are
 * undone. So a path that is not plain has several readings, and a guard has to look at all of them.
 * They are those of the setting `match` of the gateway.
 */
#ifndef EVENTGW_SDK_PATH_H
#define EVENTGW_SDK_PATH_H

#include <eventgw/host.h>

#include "egx_str.h"

/* What a reading does; all combinations are readings. */
#define EGX_PATH_SPLIT 1u       /* %2F is a slash */
#define EGX_PATH_MERGE 2u       /* several slashes are one */
#define EGX_PATH_DOTS 4u        /* . and .. are steps */
#define EGX_PATH_BACKSLASHES 8u /* a backslash is a slash */
#define EGX_PATH_PARAMETERS 16u /* a segment ends where a ; is */
#define EGX_PATH_TWICE 32u      /* %2561 is an a */
#define EGX_PATH_HOST 64u       /* behind two slashes is a host, and then the path */
#define EGX_PATH_READINGS 128u
#define EGX_PATH_RARE (EGX_PATH_BACKSLASHES | EGX_PATH_PARAMETERS | EGX_PATH_TWICE)
/* With those there are so many readings that a longer path would cost milliseconds: nobody judges
 * it. */
#define EGX_PATH_RARE_MAX 512u

/* Value of a hexadecimal digit; -1 = none. */
static inline int egx_path_hex(char c) {
    const char low = egx_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that path begins with, its escape undone once, and how long it is written. path is not
 * empty. */
static inline unsigned char egx_path_undo(struct eg_str path, size_t *ret_used) {
    const int is_escape = path.ptr[0] == '%' && path.len >= 3 && egx_path_hex(path.ptr[1]) >= 0 &&
                          egx_path_hex(path.ptr[2]) >= 0;
    *ret_used = is_escape ? 3 : 1;
    return is_escape ? (unsigned char)(egx_path_hex(path.ptr[1]) * 16 + egx_path_hex(path.ptr[2]))
                     : (unsigned char)path.ptr[0];
}

/* The same, undone once more when it is another escape then. */
static inline unsigned char egx_path_undo_twice(struct eg_str path, size_t *ret_used) {
    const unsigned char c = egx_path_undo(path, ret_used);
    size_t used = *ret_used;
    int value = 0;
    for (size_t i = 0; i < 2 && c == '%'; i++) {
        size_t more = 0;
        const struct eg_str rest = egx_str_cut(path, used);
        const int digit = rest.len == 0 ? -1 : egx_path_hex((char)egx_path_undo(rest, &more));
        if (digit < 0) {
            return c;
        }
        value = value * 16 + digit;
        used += more;
    }
    if (c != '%') {
        return c;
    }
    *ret_used = used;
    return (unsigned char)value;
}

/* The next byte of *path in a reading: '/' for what divides segments there, 0x12f for a slash that
 * is only a letter, -1 at the end. */
static inline int egx_path_take(struct eg_str *path, unsigned flags) {
    int is_cut = 0;
    while (path->len > 0) {
        size_t used = 0;
        is_cut |= (flags & EGX_PATH_PARAMETERS) != 0 && path->ptr[0] == ';';
        const unsigned char c = (flags & EGX_PATH_TWICE) != 0 ? egx_path_undo_twice(*path, &used)
                                                              : egx_path_undo(*path, &used);
        *path = egx_str_cut(*path, used);
        if ((c == '/' || (c == '\\' && (flags & EGX_PATH_BACKSLASHES) != 0)) &&
            (used == 1 || (flags & EGX_PATH_SPLIT) != 0)) {
            return '/';
        }
        if (!is_cut) {
            return c == '/' ? 0x100 | '/' : c;
        }
    }
    return -1;
}

/* The next byte of *path with its escape undone; 0x12f for %2F, -1 at the end. */
static inline int egx_path_next(struct eg_str *path) {
    return egx_path_take(path, 0);
}

/* Is it read as a letter, whatever else may be a slash, a parameter, or another escape? */
static inline int egx_path_is_letter(struct eg_str path) {
    size_t once = 0;
    size_t twice = 0;
    const unsigned char c = egx_path_undo(path, &once);
    (void)egx_path_undo_twice(path, &twice);
    return once == twice && c != '/' && c != '\\' && path.ptr[0] != ';';
}

/* 1 = all readings are the same. */
static inline int egx_path_is_plain(struct eg_str path) {
    size_t segments = 0;
    size_t len = 0;
    size_t dots = 0;
    for (;;) {
        const int is_letter = path.len > 0 && egx_path_is_letter(path);
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
        if (!is_letter) {
            return 0;
        }
        len++;
        dots += byte == '.';
    }
}

/* What may change something about a path, more rather than less. */
static inline unsigned egx_path_changes(struct eg_str path) {
    unsigned changes = path.len > 1 && memchr("/\\%;", path.ptr[1], 4) != NULL ? EGX_PATH_HOST : 0u;
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.ptr[i];
        const char next = i + 1 < path.len ? path.ptr[i + 1] : '\0';
        if (c == '%') {
            size_t used = 0;
            const unsigned char byte = egx_path_undo(egx_str_cut(path, i), &used);
            changes |= EGX_PATH_SPLIT | EGX_PATH_MERGE | EGX_PATH_DOTS |
                       (byte == '%' ? EGX_PATH_TWICE | EGX_PATH_BACKSLASHES : 0u) |
                       (byte == '\\' ? EGX_PATH_BACKSLASHES : 0u);
        } else if (c == '\\') {
            changes |= EGX_PATH_BACKSLASHES | EGX_PATH_MERGE | EGX_PATH_DOTS;
        } else if (c == ';') {
            changes |= EGX_PATH_PARAMETERS | EGX_PATH_MERGE | EGX_PATH_DOTS;
        } else if (c == '/' && (next == '/' || next == '.')) {
            changes |= next == '/' ? EGX_PATH_MERGE : EGX_PATH_DOTS;
        }
    }
    return changes;
}

/* 1 = it has readings, and too many for its length. */
static inline int egx_path_is_unclear(struct eg_str path) {
    return path.len > EGX_PATH_RARE_MAX && (egx_path_changes(path) & EGX_PATH_RARE) != 0 &&
           !egx_path_is_plain(path);
}

/* What follows the host, where the path begins with two slashes or more; else the path. */
static inline struct eg_str egx_path_behind_host(struct eg_str path, unsigned flags) {
    struct eg_str rest = path;
    size_t slashes = 0;
    int byte = egx_path_take(&rest, flags);
    while (byte == '/') {
        slashes++;
        byte = egx_path_take(&rest, flags);
    }
    struct eg_str slash = rest;
    while (byte >= 0 && byte != '/') {
        slash = rest;
        byte = egx_path_take(&rest, flags);
    }
    return slashes < 2 ? path : byte < 0 ? egx_str_n(NULL, 0) : slash;
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

/* One reading, escapes undone; what is escaped and no slash in it is %2F. out has room for as many
 * bytes as the path. Its length. */
static inline size_t egx_path_read(struct eg_str path, unsigned flags, char *out) {
    size_t len = 0;
    size_t segment = 0;
    path = (flags & EGX_PATH_HOST) != 0 ? egx_path_behind_host(path, flags) : path;
    for (;;) {
        const int byte = egx_path_take(&path, flags);
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

/* Looks for the rule of a path that is plain, or of one reading; NULL = there is none. */
typedef const void *(*egx_path_find_fn)(const void *rules, struct eg_str path, int is_reading);

/* 1: all readings of path lead to the same rule, or all to none. 0: they do not, or nobody can say;
 * *ret_rule is a rule that was found then, if there was one. */
static inline int egx_path_find(const struct eg_host *host, struct eg_str path,
                                egx_path_find_fn find, const void *rules, const void **ret_rule) {
    const void *rule = find(rules, path, 0);
    int is_one = !egx_path_is_unclear(path);
    if (is_one && !egx_path_is_plain(path)) {
        const unsigned changes = egx_path_changes(path);
        char *reading = (char *)host->mem->alloc(host, path.len + 1);
        for (unsigned flags = 0; flags < EGX_PATH_READINGS && is_one; flags++) {
            if ((flags & ~changes) == 0) {
                const size_t len = egx_path_read(path, flags, reading);
                const void *other = find(rules, egx_str_n(reading, len), 1);
                is_one = other == rule;
                rule = rule != NULL ? rule : other;
            }
        }
        host->mem->free(host, reading);
    }
    *ret_rule = rule;
    return is_one;
}

/* What egx_path_is_rule asks for, as a sentence for who wrote another. */
#define EGX_PATH_RULE_TOLD                                                                         \
    "'path' has to begin with /, without //, . and .. as segments, escaped slashes, backslashes, " \
    ";, double escapes, ?, #, and wildcards: what is below it is in it"

/* Does it begin with a slash, and is it no pattern? Segments that begin with ':' or '*' are the
 * wildcards of routes; who means these letters writes %3A and %2A. A query is no part of a path. */
static inline int egx_path_is_literal(struct eg_str path) {
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.ptr[i];
        const int is_first = i == 0 || path.ptr[i - 1] == '/';
        if (c == '?' || c == '#' || (is_first && (c == ':' || c == '*'))) {
            return 0;
        }
    }
    return path.len > 0 && path.ptr[0] == '/';
}

/* Can it be the path of a rule? One that no request can have, or that each could read otherwise,
 * would leave open what it was meant to guard. */
static inline int egx_path_is_rule(struct eg_str path) {
    return egx_path_is_literal(path) && egx_path_is_plain(path);
}

#endif
