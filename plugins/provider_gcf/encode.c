/*
 * encode.c - base64 and base64url (RFC 4648 4 and 5): data of events are read in the one, parts of
 * tokens are read and written in the other. Any thread; nothing is kept.
 */
#include "provider_gcf.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_of(char c) {
    if (c == '+') {
        return 62;
    }
    if (c == '/') {
        return 63;
    }
    const char *at = c == '\0' ? NULL : strchr(url_alphabet, c);
    return at == NULL ? -1 : (int)(at - url_alphabet);
}

size_t gcf_base64_decode(struct eg_str text, char *out) {
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    while (text.len > 0 && text.ptr[text.len - 1] == '=') {
        text.len--;
    }
    if (text.len % 4 == 1) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < text.len; i++) {
        const int digit = digit_of(text.ptr[i]);
        if (digit < 0) {
            return SIZE_MAX;
        }
        bits = (bits << 6) | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (char)(unsigned char)((bits >> have) & 0xffu);
        }
    }
    return len;
}

void gcf_base64url(struct egx_json *out, struct eg_str bytes) {
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        const size_t count = left >= 3 ? 4 : left + 1; /* no padding, RFC 7515 2 */
        uint32_t bits = 0;
        char quad[4];
        for (size_t k = 0; k < 3; k++) {
            bits = (bits << 8) | (k < left ? (unsigned char)bytes.ptr[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            quad[k] = url_alphabet[(bits >> (18 - 6 * k)) & 63u];
        }
        egx_json_raw(out, egx_str_n(quad, count));
    }
}
