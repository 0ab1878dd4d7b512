/*
 * fuzz_match_path.c - is a path below another one? Against a naive reference that builds the stack
 * of segments of each reading and looks at it after every step.
 *
 * The input is two paths, each byte one of / . % 2 f e a b, so that escapes and steps are frequent.
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

/* Cuts and decodes; with resolves_* applies what they say. Calls look after every step. */
static bool walk(const char *path, unsigned reading, const struct segments *base,
                 struct segments *out) {
    const bool splits = (reading & 1) != 0;
    const bool merges = (reading & 2) != 0;
    const bool resolves = (reading & 4) != 0;
    char segment[PATH_MAX_BYTES] = "";
    size_t len = 0;
    size_t i = 1;
    out->count = 0;
    for (;;) {
        const bool is_escape = path[i] == '%' && digit(path[i + 1]) >= 0 && digit(path[i + 2]) >= 0;
        const char c = is_escape ? (char)(digit(path[i + 1]) * 16 + digit(path[i + 2])) : path[i];
        const bool is_end = path[i] == '\0';
        if (!is_end && (c != '/' || (is_escape && !splits))) {
            segment[len++] = c;
            i += is_escape ? 3 : 1;
            continue;
        }
        segment[len] = '\0';
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
        i += is_escape ? 3 : 1;
    }
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
    (void)walk(base, reading & 1, NULL, ret_base); /* the base is cut only */
}

static size_t take(const uint8_t **data, size_t *size, char *path) {
    static const char alphabet[] = "/.%2feab";
    size_t len = 0;
    path[len++] = '/';
    while (*size > 0 && **data < 0xf0 && len < PATH_MAX_BYTES - 2) {
        path[len++] = alphabet[**data % 8];
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
    for (unsigned reading = 0; reading < 8 && !expected; reading++) {
        reference_base(base, reading, &base_segments);
        expected = base_segments.count == 0 || walk(path, reading, &base_segments, &scratch);
    }
    GW_ASSERT(got == expected);
    return 0;
}
