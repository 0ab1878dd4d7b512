/*
 * base/jwrite.c - JSON text straight into a buffer: plain runs are copied, the rest is escaped. The
 * output is valid JSON and valid UTF-8 whatever the input is.
 */
#include "base/jwrite.h"

#include "base/codec.h"
#include "base/jrun.h"
#include "base/slice.h"

/* The letter of the short escapes; controls without one are written as \u00XX. */
static const char short_escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

static void add_escape(struct gw_bytes *out, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    if (short_escapes[c] != 0) {
        const char text[2] = {'\\', short_escapes[c]};
        gw_bytes_add(out, gw_str(text, sizeof text));
        return;
    }
    const char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    gw_bytes_add(out, gw_str(text, sizeof text));
}

/* How many bytes of s from `at` on are UTF-8 beyond ASCII. */
static size_t wide_run(struct eg_str s, size_t at) {
    const size_t begin = at;
    while (at < s.len && (unsigned char)s.ptr[at] >= 0x80) {
        const size_t step = gw_utf8_step(s.ptr + at, s.len - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at - begin;
}

static size_t skip_invalid(struct eg_str s, size_t at) {
    while (at < s.len && gw_utf8_step(s.ptr + at, s.len - at) == 0) {
        at++;
    }
    return at;
}

/* What is not plain from here on. */
static void add_part(struct gw_bytes *out, struct eg_str text, size_t run) {
    size_t at = 0;
    for (;; run = gw_json_plain_run(text.ptr + at, text.len - at)) {
        const size_t wide = wide_run(text, at + run);
        gw_bytes_add(out, gw_str(text.ptr + at, run + wide));
        at += run + wide;
        if (at == text.len) {
            return;
        }
        const unsigned char c = (unsigned char)text.ptr[at];
        if (c >= 0x80) {
            gw_bytes_add(out, GW_STR("\xef\xbf\xbd"));
            at = skip_invalid(text, at);
        } else if (!gw_json_plain[c]) {
            add_escape(out, c);
            at++;
        }
    }
}

#define SHORT_BYTES ((size_t)256)

/* Short and plain, as nearly all texts are, and there is room: copied in one pass. false: nothing
 * was written. */
static inline bool add_short(struct gw_bytes *out, struct eg_str text, size_t quote_bytes) {
    const size_t bytes = text.len + 2 * quote_bytes;
    if (text.len > SHORT_BYTES || bytes > out->room - out->len) {
        return false;
    }
    char *to = out->ptr + out->len;
    if (!gw_json_copy_plain(to + quote_bytes, text.ptr, text.len)) {
        return false;
    }
    if (quote_bytes > 0) {
        to[0] = to[bytes - 1] = '"';
    }
    out->len += bytes;
    return true;
}

/* The other way, kept out of the short one. */
static __attribute__((noinline)) void add_any(struct gw_bytes *out, struct eg_str text) {
    const size_t run = gw_json_plain_run(text.ptr, text.len);
    if (run == text.len) {
        gw_bytes_add(out, text);
    } else {
        add_part(out, text, run);
    }
}

static __attribute__((noinline)) void add_any_quoted(struct gw_bytes *out, struct eg_str text) {
    gw_bytes_add_char(out, '"');
    add_any(out, text);
    gw_bytes_add_char(out, '"');
}

void gw_jw_string_part(struct gw_bytes *out, struct eg_str text) {
    if (text.len > 0 && !add_short(out, text, 0)) {
        add_any(out, text);
    }
}

void gw_jw_string(struct gw_bytes *out, struct eg_str text) {
    if (!add_short(out, text, 1)) {
        add_any_quoted(out, text);
    }
}

void gw_jw_name(struct gw_bytes *out, bool *is_first, const char *name) {
    if (!*is_first) {
        gw_bytes_add_char(out, ',');
    }
    *is_first = false;
    gw_bytes_add_char(out, '"');
    gw_bytes_add_c(out, name);
    gw_bytes_add(out, GW_STR("\":"));
}

void gw_jw_any_name(struct gw_bytes *out, bool *is_first, struct eg_str name) {
    if (!*is_first) {
        gw_bytes_add_char(out, ',');
    }
    *is_first = false;
    gw_jw_string(out, name);
    gw_bytes_add_char(out, ':');
}

void gw_jw_base64(struct gw_bytes *out, struct eg_str bytes) {
    gw_bytes_add_char(out, '"');
    gw_base64_encode(out, bytes);
    gw_bytes_add_char(out, '"');
}

void gw_jw_error_envelope(struct gw_bytes *out, struct eg_str message) {
    gw_bytes_add(out, GW_STR("{\"errors\":[{\"message\":"));
    gw_jw_string(out, message);
    gw_bytes_add(out, GW_STR("}]}\n"));
}
