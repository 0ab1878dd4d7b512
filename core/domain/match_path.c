/*
 * domain/match_path.c - see match_path.h.
 *
 * Routing takes the bytes of a path as they are; a function behind a wildcard, or a server behind
 * that, may read more into them: %2F as a slash, `//` as one slash or as the beginning of a host
 * name (RFC 3986 4.2: `new URL(path, base)` of JavaScript reads it so), `..` as one step up
 * (5.2.4), a backslash as a slash (WHATWG URL), `;x` as a parameter that servlet containers cut off
 * (3.3). Each such reading is a walk over the segments that keeps two numbers: how deep it is, and
 * how many segments from the top are those of the base. So a walk costs no memory, and one step up
 * is undone by the next step down.
 */
#include "domain/match_path.h"

#include "base/slice.h"

/* What a reading does. All combinations of those that change anything are tried. */
#define SPLITS_ESCAPED 1u     /* %2F is a slash */
#define MERGES_SLASHES 2u     /* empty segments are nothing */
#define RESOLVES_DOTS 4u      /* `.` is nothing, `..` a step up */
#define SPLITS_BACKSLASHES 8u /* a backslash is a slash */
#define CUTS_PARAMETERS 16u   /* a segment ends where a `;` is */
#define UNDOES_TWICE 32u      /* %2561 is an a: functions get paths with escapes undone already */
#define READINGS 64u
#define RARE_READINGS (SPLITS_BACKSLASHES | CUTS_PARAMETERS | UNDOES_TWICE)
/* With those there are so many readings that a long path would cost milliseconds; nobody writes
 * such paths, and to ask in vain is safe. */
#define RARE_PATH_MAX 512u

static int hex_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that s begins with, its escape undone once. s is not empty. */
static unsigned char undo_once(struct eg_str s, size_t *ret_used) {
    if (s.ptr[0] == '%' && s.len >= 3 && hex_of(s.ptr[1]) >= 0 && hex_of(s.ptr[2]) >= 0) {
        *ret_used = 3;
        return (unsigned char)(hex_of(s.ptr[1]) * 16 + hex_of(s.ptr[2]));
    }
    *ret_used = 1;
    return (unsigned char)s.ptr[0];
}

/* As the reading has it. s is not empty. */
static unsigned char first_byte(struct eg_str s, unsigned reading, size_t *ret_used) {
    const unsigned char c = undo_once(s, ret_used);
    char digits[2] = {0};
    size_t used = *ret_used;
    if (c != '%' || (reading & UNDOES_TWICE) == 0) {
        return c;
    }
    for (size_t i = 0; i < 2 && used < s.len; i++) {
        size_t more = 0;
        digits[i] = (char)undo_once(gw_str(s.ptr + used, s.len - used), &more);
        used += more;
    }
    if (hex_of(digits[0]) < 0 || hex_of(digits[1]) < 0) {
        return c;
    }
    *ret_used = used;
    return (unsigned char)(hex_of(digits[0]) * 16 + hex_of(digits[1]));
}

/* Is the byte c, which took `used` bytes to write, a slash? */
static bool is_slash(unsigned char c, size_t used, unsigned reading) {
    return (c == '/' || (c == '\\' && (reading & SPLITS_BACKSLASHES) != 0)) &&
           (used == 1 || (reading & SPLITS_ESCAPED) != 0);
}

/* Cuts "/segment" off *rest; false when nothing is left. */
static bool next_segment(struct eg_str *rest, unsigned reading, struct eg_str *ret_segment) {
    size_t used = 0;
    size_t used_here = 0;
    if (rest->len == 0) {
        return false;
    }
    (void)first_byte(*rest, reading, &used); /* the slash */
    size_t end = used;
    while (end < rest->len) {
        const unsigned char c =
            first_byte(gw_str(rest->ptr + end, rest->len - end), reading, &used_here);
        if (is_slash(c, used_here, reading)) {
            break;
        }
        end += used_here;
    }
    *ret_segment = gw_str(rest->ptr + used, end - used);
    *rest = gw_str(rest->ptr + end, rest->len - end);
    if ((reading & CUTS_PARAMETERS) != 0) {
        ret_segment->len = gw_str_find(*ret_segment, ';');
    }
    return true;
}

static bool same(struct eg_str a, struct eg_str b, unsigned reading) {
    size_t used_a = 0;
    size_t used_b = 0;
    while (a.len > 0 && b.len > 0) {
        if (first_byte(a, reading, &used_a) != first_byte(b, reading, &used_b)) {
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
                            : (reading & RESOLVES_DOTS) != 0 && same(segment, GW_STR("."), reading);
}

static bool is_up(struct eg_str segment, unsigned reading) {
    return (reading & RESOLVES_DOTS) != 0 && same(segment, GW_STR(".."), reading);
}

/* A path that was below the base on its way counts too, whatever steps up follow. */
static bool is_below(struct eg_str base, struct eg_str path, unsigned reading) {
    struct eg_str segment;
    struct eg_str wanted;
    size_t depth = 0;
    size_t shared = 0;
    bool is_left = base_segment(base, reading, 0, &wanted);
    while (is_left) {
        const size_t before = shared;
        if (!next_segment(&path, reading, &segment)) {
            return false;
        }
        if (is_nothing(segment, reading)) {
            continue;
        }
        if (is_up(segment, reading)) {
            depth -= depth > 0;
            shared = shared < depth ? shared : depth;
        } else {
            shared += shared == depth && same(segment, wanted, reading);
            depth++;
        }
        if (shared != before) {
            is_left = base_segment(base, reading, shared, &wanted);
        }
    }
    return true;
}

/* What follows the host, where the path begins with two slashes or more; else nothing. */
static struct eg_str behind_host(struct eg_str path, unsigned reading) {
    struct eg_str segment;
    if (!next_segment(&path, reading, &segment) || segment.len > 0) {
        return (struct eg_str){0};
    }
    while (segment.len == 0 && next_segment(&path, reading, &segment)) {
    }
    return path;
}

/* What readings may change something about it; 0: it can be read in one way only. */
static unsigned readings_of(struct eg_str path) {
    unsigned readings = 0;
    size_t used = 0;
    for (size_t i = 0; i < path.len; i++) {
        const char next = i + 1 < path.len ? path.ptr[i + 1] : 0;
        const char c = path.ptr[i];
        if (c == '%') {
            /* A % that begins no escape may begin one when others are undone: %%361 is %61 then. */
            const unsigned char byte = undo_once(gw_str_cut(path, i), &used);
            readings |= SPLITS_ESCAPED | MERGES_SLASHES | RESOLVES_DOTS |
                        (byte == '%' ? UNDOES_TWICE | SPLITS_BACKSLASHES : 0u) |
                        (byte == '\\' ? SPLITS_BACKSLASHES : 0u);
        } else if (c == '\\') {
            readings |= SPLITS_BACKSLASHES | MERGES_SLASHES | RESOLVES_DOTS;
        } else if (c == ';') {
            readings |= CUTS_PARAMETERS | MERGES_SLASHES | RESOLVES_DOTS;
        } else if (c == '/' && (next == '/' || next == '.')) {
            readings |= next == '/' ? MERGES_SLASHES : RESOLVES_DOTS;
        }
    }
    return readings;
}

/* Neither can be read in more than one way. */
static bool is_plainly_below(struct eg_str base, struct eg_str path) {
    return gw_str_starts(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

bool gw_match_path_below(struct eg_str base, struct eg_str path) {
    while (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    const unsigned readings = readings_of(path) | readings_of(base);
    if (readings == 0) {
        return is_plainly_below(base, path);
    }
    if (path.len > RARE_PATH_MAX && (readings & RARE_READINGS) != 0) {
        return true;
    }
    for (unsigned reading = 0; reading < READINGS; reading++) {
        const bool changes = (reading & ~readings) == 0;
        if (changes && (is_below(base, path, reading) ||
                        is_below(base, behind_host(path, reading), reading))) {
            return true;
        }
    }
    return false;
}
