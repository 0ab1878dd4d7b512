/*
 * domain/match_path.c - see match_path.h.
 *
 * Routing takes the bytes of a path as they are; a function behind a wildcard, or a server behind
 * that, may read more into them: %2F as a slash, `//` as one slash, `..` as one step up (RFC 3986
 * 5.2.4). Each such reading is a walk over the segments that keeps two numbers: how deep it is, and
 * how many segments from the top are those of the base. So a walk costs no memory, and one step up
 * is undone by the next step down.
 */
#include "domain/match_path.h"

#include "base/slice.h"

/* What a reading does. All combinations are tried. */
#define SPLITS_ESCAPED 1u /* %2F is a slash */
#define MERGES_SLASHES 2u /* empty segments are nothing */
#define RESOLVES_DOTS 4u  /* `.` is nothing, `..` a step up */
#define READINGS 8u

static int hex_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that s begins with, its escape undone. s is not empty. */
static unsigned char first_byte(struct eg_str s, size_t *ret_used) {
    if (s.ptr[0] == '%' && s.len >= 3 && hex_of(s.ptr[1]) >= 0 && hex_of(s.ptr[2]) >= 0) {
        *ret_used = 3;
        return (unsigned char)(hex_of(s.ptr[1]) * 16 + hex_of(s.ptr[2]));
    }
    *ret_used = 1;
    return (unsigned char)s.ptr[0];
}

/* Cuts "/segment" off *rest; false when nothing is left. */
static bool next_segment(struct eg_str *rest, unsigned reading, struct eg_str *ret_segment) {
    size_t used = 0;
    if (rest->len == 0) {
        return false;
    }
    (void)first_byte(*rest, &used); /* the slash */
    *rest = gw_str_cut(*rest, used);
    const char *from = rest->ptr;
    while (rest->len > 0) {
        const unsigned char c = first_byte(*rest, &used);
        if (c == '/' && (used == 1 || (reading & SPLITS_ESCAPED) != 0)) {
            break;
        }
        *rest = gw_str_cut(*rest, used);
    }
    *ret_segment = gw_str(from, (size_t)(rest->ptr - from));
    return true;
}

static bool same(struct eg_str a, struct eg_str b) {
    size_t used_a = 0;
    size_t used_b = 0;
    while (a.len > 0 && b.len > 0) {
        if (first_byte(a, &used_a) != first_byte(b, &used_b)) {
            return false;
        }
        a = gw_str_cut(a, used_a);
        b = gw_str_cut(b, used_b);
    }
    return a.len == b.len;
}

/* The index-th segment of the base, in the same reading as the path. */
static bool base_segment(struct eg_str base, unsigned reading, size_t index,
                         struct eg_str *ret_segment) {
    for (size_t i = 0; i <= index; i++) {
        if (!next_segment(&base, reading, ret_segment)) {
            return false;
        }
    }
    return true;
}

static bool is_nothing(struct eg_str segment, unsigned reading) {
    return segment.len == 0 ? (reading & MERGES_SLASHES) != 0
                            : (reading & RESOLVES_DOTS) != 0 && same(segment, GW_STR("."));
}

static bool is_up(struct eg_str segment, unsigned reading) {
    return (reading & RESOLVES_DOTS) != 0 && same(segment, GW_STR(".."));
}

/* A path that was below the base on its way counts too, whatever steps up follow. */
static bool is_below(struct eg_str base, struct eg_str path, unsigned reading) {
    struct eg_str segment;
    struct eg_str wanted;
    size_t depth = 0;
    size_t shared = 0;
    while (base_segment(base, reading, shared, &wanted)) {
        if (!next_segment(&path, reading, &segment)) {
            return false;
        }
        if (is_nothing(segment, reading)) {
            continue;
        }
        if (is_up(segment, reading)) {
            depth -= depth > 0;
            shared = shared < depth ? shared : depth;
            continue;
        }
        shared += shared == depth && same(segment, wanted);
        depth++;
    }
    return true;
}

/* Can it be read in more than one way? */
static bool is_odd(struct eg_str path) {
    for (size_t i = 0; i < path.len; i++) {
        const char next = i + 1 < path.len ? path.ptr[i + 1] : 0;
        if (path.ptr[i] == '%' || (path.ptr[i] == '/' && (next == '/' || next == '.'))) {
            return true;
        }
    }
    return false;
}

/* Neither can be read in more than one way. */
static bool is_plainly_below(struct eg_str base, struct eg_str path) {
    return gw_str_starts(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

bool gw_match_path_below(struct eg_str base, struct eg_str path) {
    while (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    if (!is_odd(path) && !is_odd(base)) {
        return is_plainly_below(base, path);
    }
    for (unsigned reading = 0; reading < READINGS; reading++) {
        if (is_below(base, path, reading)) {
            return true;
        }
    }
    return false;
}
