/*
 * base/utf8.c - UTF-8 of codec.h. ASCII is passed over eight bytes at a time; the rest goes through
 * gw_utf8_step, which knows the valid ranges.
 */
#include "base/codec.h"

#define HIGH_BITS 0x8080808080808080u
#define REPLACEMENT ((struct eg_str){.ptr = "\xef\xbf\xbd", .len = 3})

/* How many bytes of s from `at` on are valid. */
static size_t valid_run(struct eg_str s, size_t at) {
    const size_t begin = at;
    while (at < s.len) {
        uint64_t word;
        if (s.len - at >= sizeof word) {
            memcpy(&word, s.ptr + at, sizeof word);
            if ((word & HIGH_BITS) == 0) {
                at += sizeof word;
                continue;
            }
        }
        const size_t step = gw_utf8_step(s.ptr + at, s.len - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at - begin;
}

bool gw_utf8_valid(struct eg_str s) {
    return valid_run(s, 0) == s.len;
}

void gw_utf8_repair(struct gw_bytes *out, struct eg_str s) {
    size_t at = 0;
    while (at < s.len) {
        const size_t run = valid_run(s, at);
        gw_bytes_add(out, (struct eg_str){.ptr = s.ptr + at, .len = run});
        at += run;
        if (at < s.len) {
            gw_bytes_add(out, REPLACEMENT);
        }
        while (at < s.len && gw_utf8_step(s.ptr + at, s.len - at) == 0) {
            at++;
        }
    }
}

size_t gw_utf8_encode(uint32_t c, char *out) {
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        c = 0xfffd;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}
