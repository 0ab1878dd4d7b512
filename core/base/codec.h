/* base/codec.h - base64, percent-encoding, UTF-8 and UUIDs. */
#ifndef GW_BASE_CODEC_H
#define GW_BASE_CODEC_H

#include <stdbool.h>

#include "base/bytes.h"

/* Standard alphabet with padding (RFC 4648 4). */
void gw_base64_encode(struct gw_bytes *out, struct eg_str bytes);
/* Strict: padding required, no white space, unused bits zero. EG_E_SYNTAX; out is as before then.
 * EG_E_TOOBIG when out is full. The same holds for the other decoders. */
int32_t gw_base64_decode(struct gw_bytes *out, struct eg_str text);
/* URL alphabet without padding (RFC 4648 5). */
void gw_base64url_encode(struct gw_bytes *out, struct eg_str bytes);
int32_t gw_base64url_decode(struct gw_bytes *out, struct eg_str text);

/* Decodes %XX once; plus_is_space for query strings. EG_E_SYNTAX for a bad escape. */
int32_t gw_percent_decode(struct gw_bytes *out, struct eg_str s, bool plus_is_space);
/* Path-segment escape of the configuration ids: leaves A-Z a-z 0-9 - _ . ~ $ & + : = @, writes all
 * else as %XX upper case. */
void gw_percent_encode_segment(struct gw_bytes *out, struct eg_str s);
/* Escapes only what may not stand in a request path as it is (controls, space, non-ASCII, and
 * " # < > ? [backslash] ^ ` { | }, as Go's URL.EscapedPath does); existing escapes stay, a % that
 * begins none becomes %25. */
void gw_percent_encode_path(struct gw_bytes *out, struct eg_str s);

bool gw_utf8_valid(struct eg_str s);
/* The length (1..4) of the UTF-8 character at p, left > 0 bytes long; 0 when it is none. */
static inline size_t gw_utf8_step(const char *p, size_t left) {
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) {
        return 1;
    }
    /* Unicode, table 3-7: the second byte has a narrower range after E0, ED, F0 and F4, which keeps
     * out overlong forms, surrogates and what lies past U+10FFFF. */
    if (u[0] >= 0xc2 && u[0] <= 0xdf) {
        return left >= 2 && (u[1] & 0xc0) == 0x80 ? 2 : 0;
    }
    if ((u[0] & 0xf0) == 0xe0) {
        const unsigned char low = u[0] == 0xe0 ? 0xa0 : 0x80;
        const unsigned char high = u[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && u[1] >= low && u[1] <= high && (u[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (u[0] >= 0xf0 && u[0] <= 0xf4) {
        const unsigned char low = u[0] == 0xf0 ? 0x90 : 0x80;
        const unsigned char high = u[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && u[1] >= low && u[1] <= high && (u[2] & 0xc0) == 0x80 &&
                       (u[3] & 0xc0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}
/* Writes code point c (not above U+10FFFF; surrogates become U+FFFD) to out, which has 4 bytes;
 * returns the length. */
size_t gw_utf8_encode(uint32_t c, char *out);
/* Appends s with each invalid byte run replaced by U+FFFD. */
void gw_utf8_repair(struct gw_bytes *out, struct eg_str s);

/* Random version-4 UUID, 36 characters; out is not NUL-terminated. */
void gw_uuid4(char out[36]);
/* Cryptographically secure random bytes (getrandom, buffered per thread). */
void gw_random(void *out, size_t len);

#endif
