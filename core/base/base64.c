/*
 * base/base64.c - base64 of codec.h, both alphabets of RFC 4648. The decoder takes canonical text
 * only: one byte string has one spelling, so a text that was compared is the text that is decoded.
 */
#include "base/codec.h"

static const char standard[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value + 1 of a digit in either alphabet; 0 = none. */
static const uint8_t digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
    ['-'] = 63, ['_'] = 64,
};

/* The last one or two bytes: two or three digits. Returns how many. */
static size_t encode_tail(const unsigned char *in, size_t left, const char alphabet[64], char *to) {
    const uint32_t bits = (uint32_t)in[0] << 16 | (left > 1 ? (uint32_t)in[1] << 8 : 0);
    to[0] = alphabet[bits >> 18];
    to[1] = alphabet[bits >> 12 & 63];
    if (left == 1) {
        return 2;
    }
    to[2] = alphabet[bits >> 6 & 63];
    return 3;
}

static void encode(struct gw_bytes *out, struct eg_str bytes, const char alphabet[64], bool pads) {
    if (bytes.len == 0) {
        return;
    }
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    const size_t triples = bytes.len / 3;
    char *to = gw_bytes_grow(out, triples * 4 + 4);
    if (to == NULL) {
        return;
    }
    const char *begin = to;
    for (size_t i = 0; i < triples; i++, in += 3, to += 4) {
        const uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        to[0] = alphabet[bits >> 18];
        to[1] = alphabet[bits >> 12 & 63];
        to[2] = alphabet[bits >> 6 & 63];
        to[3] = alphabet[bits & 63];
    }
    const size_t left = bytes.len % 3;
    if (left > 0) {
        to += encode_tail(in, left, alphabet, to);
    }
    while (pads && (to - begin) % 4 != 0) {
        *to++ = '=';
    }
    out->len += (size_t)(to - begin);
}

/* Decodes digits without padding. Bytes of the other alphabet are refused by `foreign`. */
static int32_t decode(struct gw_bytes *out, struct eg_str text, const char foreign[2]) {
    const unsigned char *in = (const unsigned char *)text.ptr;
    uint32_t bits = 0;
    unsigned have = 0;
    if (text.len % 4 == 1) {
        return EG_E_SYNTAX;
    }
    char *to = gw_bytes_grow(out, text.len / 4 * 3 + 3);
    if (to == NULL) {
        return EG_E_TOOBIG;
    }
    const char *begin = to;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t digit = digits[in[i]];
        if (digit == 0 || text.ptr[i] == foreign[0] || text.ptr[i] == foreign[1]) {
            return EG_E_SYNTAX;
        }
        bits = bits << 6 | (uint32_t)(digit - 1);
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (char)(bits >> have & 0xff);
        }
    }
    if ((bits & ((1u << have) - 1)) != 0) {
        return EG_E_SYNTAX;
    }
    out->len += (size_t)(to - begin);
    return EG_OK;
}

void gw_base64_encode(struct gw_bytes *out, struct eg_str bytes) {
    encode(out, bytes, standard, true);
}

void gw_base64url_encode(struct gw_bytes *out, struct eg_str bytes) {
    encode(out, bytes, url_safe, false);
}

int32_t gw_base64_decode(struct gw_bytes *out, struct eg_str text) {
    if (text.len == 0) {
        return EG_OK;
    }
    if (text.len % 4 != 0) {
        return EG_E_SYNTAX;
    }
    for (int pads = 0; pads < 2 && text.ptr[text.len - 1] == '='; pads++) {
        text.len--;
    }
    return decode(out, text, "-_");
}

int32_t gw_base64url_decode(struct gw_bytes *out, struct eg_str text) {
    return text.len == 0 ? EG_OK : decode(out, text, "+/");
}
