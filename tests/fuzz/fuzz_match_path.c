/*
 * fuzz_match_path.c - is a path below another one? Against a naive reference that builds the stack
 * of segments of each reading and looks at it after every step.
 *
 * The input is two paths, each byte one of a few, so that escapes and steps are frequent.
 */
#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "domain/match_path.h"

#define PATH_MAX_BYTES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct segments {
    char items[PATH_MAX_BYTES][PATH_MAX_BYTES]; /* decoded */
    size_t count;
};

static int digit(char c) {
    const char *at = c == '\0' ? NULL : strchr("0123456789abcdef", c | 0x20);
    return at == NULL ? -1 : (int)(at - "0123456789abcdef");
}

static size_t escape(const char *text,
                     char *out) { /* undone once; returns its length, 0 at the end */
    const bool is_escape = text[0] == '%' && digit(text[1]) >= 0 && digit(text[2]) >= 0;
    *out = is_escape ? (char)(digit(text[1]) * 16 + digit(text[2])) : text[0];
    return text[0] == '\0' ? 0 : is_escape ? 3 : 1;
}

/* The byte that the text begins with in this reading; returns how long it is. */
static size_t byte_of(const char *text, unsigned reading, char *out) {
    char a = 0;
    char b = 0;
    const size_t first = escape(text, out);
    if (*out != '%' || (reading & 32) == 0) {
        return first;
    }
    const size_t second = escape(text + first, &a);
    const size_t third = second == 0 ? 0 : escape(text + first + second, &b);
    if (second == 0 || third == 0 || digit(a) < 0 || digit(b) < 0) {
        return first;
    }
    *out = (char)(digit(a) * 16 + digit(b));
    return first + second + third;
}

/* Cuts and decodes; with resolves_* applies what they say. Calls look after every step. */
static bool walk(const char *path, unsigned reading, const struct segments *base,
                 struct segments *out) {
    const bool splits = (reading & 1) != 0;
    const bool merges = (reading & 2) != 0;
    const bool resolves = (reading & 4) != 0;
    const bool splits_backslashes = (reading & 8) != 0;
    const bool cuts = (reading & 16) != 0;
    char segment[PATH_MAX_BYTES] = "";
    bool is_cut = false;
    size_t len = 0;
    size_t i = 1;
    out->count = 0;
    for (;;) {
        char c = 0;
        const size_t used = byte_of(path + i, reading, &c);
        const bool is_escape = used > 1;
        const bool is_end = path[i] == '\0';
        const bool is_slash = c == '/' || (c == '\\' && splits_backslashes);
        if (!is_end && (!is_slash || (is_escape && !splits))) {
            is_cut = is_cut || (cuts && path[i] == ';');
            segment[len] = c;
            len += !is_cut;
            i += used;
            continue;
        }
        segment[len] = '\0';
        is_cut = false;
        if (resolves && strcmp(segment, "..") == 0) {
            out->count -= out->count > 0;
        } else if (!(merges && len == 0) && !(resolves && strcmp(segment, ".") == 0)) {
            memcpy(out->items[out->count++], segment, len + 1);
        }
        bool is_below = base != NULL && out->count >= base->count;
        for (size_t k = 0; is_below && k < base->count; k++) {
            is_below = strcmp(out->items[k], base->items[k]) == 0;
        }
        if (is_below || is_end) {
            return is_below;
        }
        len = 0;
        i += used;
    }
}

/* How long the slash at the beginning of the text is; 0 = there is none. */
static size_t slash(const char *text, unsigned reading) {
    char c = 0;
    const size_t used = byte_of(text, reading, &c);
    const bool is_slash = c == '/' || (c == '\\' && (reading & 8) != 0);
    return is_slash && (used == 1 || (reading & 1) != 0) ? used : 0;
}

/* Two slashes, with parameters between them cut maybe, and a host; then a path like any other. */
static bool walk_behind_host(const char *path, unsigned reading, const struct segments *base,
                             struct segments *out) {
    char rest[PATH_MAX_BYTES] = "/";
    size_t len = 0;
    size_t count = 0;
    while (slash(path, reading) > 0 && (count == 0 || len == 0)) {
        path += slash(path, reading);
        bool is_cut = false;
        char c = 0;
        for (len = 0; *path != '\0' && slash(path, reading) == 0;
             path += byte_of(path, reading, &c)) {
            is_cut = is_cut || ((reading & 16) != 0 && *path == ';');
            len += !is_cut;
        }
        if (count++ == 0 && len > 0) {
            return false;
        }
    }
    if (slash(path, reading) == 0) {
        return false;
    }
    (void)strcpy(rest + 1, path + slash(path, reading)); /* fits: it is no longer than path */
    return walk(rest, reading, base, out);
}

static void reference_base(char *base, unsigned reading, struct segments *ret_base) {
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        base[--len] = '\0';
    }
    if (len == 0) {
        ret_base->count = 0;
        return;
    }
    (void)walk(base, reading & (1 | 8 | 16 | 32), NULL, ret_base); /* the base is cut only */
}

static size_t take(const uint8_t **data, size_t *size, char *path) {
    static const char alphabet[] = "/.%2f5c\\;eab/.%";
    size_t len = 0;
    path[len++] = '/';
    while (*size > 0 && **data < 0xf0 && len < PATH_MAX_BYTES - 2) {
        path[len++] = alphabet[**data % 15];
        (*data)++;
        (*size)--;
    }
    *data += *size > 0;
    *size -= *size > 0;
    path[len] = '\0';
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct segments base_segments;
    static struct segments scratch;
    char base[PATH_MAX_BYTES];
    char path[PATH_MAX_BYTES];
    const size_t base_len = take(&data, &size, base);
    const size_t path_len = take(&data, &size, path);
    const bool got = gw_match_path_below(gw_str(base, base_len), gw_str(path, path_len));
    bool expected = false;
    for (unsigned reading = 0; reading < 64 && !expected; reading++) {
        reference_base(base, reading, &base_segments);
        expected = base_segments.count == 0 || walk(path, reading, &base_segments, &scratch) ||
                   walk_behind_host(path, reading, &base_segments, &scratch);
    }
    GW_ASSERT(got == expected);
    return 0;
}
