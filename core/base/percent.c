/*
 * base/percent.c - percent-encoding of codec.h (RFC 3986 2.1). Two ways out: a whole segment, where
 * all but a few bytes are escaped, and a path as it came, where only what may not stand there is.
 */
#include "base/codec.h"
#include "base/slice.h"

static const char hex_upper[] = "0123456789ABCDEF";

static bool is_escape(struct eg_str s, size_t at) {
    return s.len - at >= 3 && gw_hex_value(s.ptr[at + 1]) >= 0 && gw_hex_value(s.ptr[at + 2]) >= 0;
}

int32_t gw_percent_decode(struct gw_bytes *out, struct eg_str s, bool plus_is_space) {
    const size_t before = out->len;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            if (!is_escape(s, i)) {
                out->len = before;
                return EG_E_SYNTAX;
            }
            c = (char)(gw_hex_value(s.ptr[i + 1]) << 4 | gw_hex_value(s.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        gw_bytes_add_char(out, c);
    }
    if (out->is_full) {
        out->len = before;
        return EG_E_TOOBIG;
    }
    return EG_OK;
}

static void add_escaped(struct gw_bytes *out, char c) {
    const unsigned char u = (unsigned char)c;
    const char text[3] = {'%', hex_upper[u >> 4], hex_upper[u & 15]};
    gw_bytes_add(out, (struct eg_str){.ptr = text, .len = sizeof text});
}

/* Bytes that a segment of a configuration id keeps (Go's url.PathEscape of the 0.9 line). */
static const bool segment_keeps[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['_'] = true,
    ['.'] = true,         ['~'] = true,         ['$'] = true,         ['&'] = true, ['+'] = true,
    [':'] = true,         ['='] = true,         ['@'] = true,
};

/* Bytes that may not stand in a path (RFC 3986 3.3), less [ and ], which browsers leave alone. */
static const bool path_escapes[256] = {
    [0 ... 0x20] = true, [0x7f ... 0xff] = true, ['"'] = true,  ['#'] = true, ['<'] = true,
    ['>'] = true,        ['?'] = true,           ['\\'] = true, ['^'] = true, ['`'] = true,
    ['{'] = true,        ['|'] = true,           ['}'] = true,
};

void gw_percent_encode_segment(struct gw_bytes *out, struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (segment_keeps[(unsigned char)s.ptr[i]]) {
            gw_bytes_add_char(out, s.ptr[i]);
        } else {
            add_escaped(out, s.ptr[i]);
        }
    }
}

void gw_percent_encode_path(struct gw_bytes *out, struct eg_str s) {
    size_t begin = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        if (c == '%' ? is_escape(s, i) : !path_escapes[(unsigned char)c]) {
            continue;
        }
        gw_bytes_add(out, (struct eg_str){.ptr = s.ptr + begin, .len = i - begin});
        add_escaped(out, c);
        begin = i + 1;
    }
    if (begin < s.len) {
        gw_bytes_add(out, (struct eg_str){.ptr = s.ptr + begin, .len = s.len - begin});
    }
}
