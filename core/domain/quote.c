/*
 * domain/quote.c - see quote.h. Pure, any thread.
 */
#include "domain/quote.h"

#include "base/codec.h"
#include "base/slice.h"

/* The letter behind the backslash, or 0. */
static char letter_of(unsigned char c) {
    static const char from[] = "\a\b\f\n\r\t\v\\\"";
    static const char to[] = "abfnrtv\\\"";
    const char *found = c == '\0' ? NULL : strchr(from, c);
    return found == NULL ? '\0' : to[found - from];
}

/* U+0080 to U+009F are control characters too (Unicode, C1). */
static bool is_c1(const char *p, size_t len) {
    return len == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0;
}

static void quote_one(struct gw_bytes *out, const char *p, size_t len) {
    const unsigned char c = (unsigned char)*p;
    const char letter = letter_of(c);
    if (letter != '\0') {
        gw_bytes_add_char(out, '\\');
        gw_bytes_add_char(out, letter);
    } else if (is_c1(p, len)) {
        gw_bytes_addf(out, "\\u%04x", (unsigned char)p[1]);
    } else if (len == 0 || c < 0x20 || c == 0x7f) {
        gw_bytes_addf(out, "\\x%02x", c);
    } else {
        gw_bytes_add(out, gw_str(p, len));
    }
}

void gw_quote(struct gw_bytes *out, struct eg_str text) {
    gw_bytes_add_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        const size_t len = gw_utf8_step(text.ptr + i, text.len - i);
        quote_one(out, text.ptr + i, len);
        i += len == 0 ? 1 : len;
    }
    gw_bytes_add_char(out, '"');
}
