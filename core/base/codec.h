/* base/codec.h - base64, percent-encoding, UTF-8 and UUIDs. */
#ifndef GW_BASE_CODEC_H
#define GW_BASE_CODEC_H

#include <stdbool.h>

#include "base/bytes.h"

/* Standard alphabet with padding (RFC 4648 4). */
void gw_base64_encode(struct gw_bytes *out, struct eg_str bytes);
/* Strict: padding required, no white space. EG_E_SYNTAX. */
int32_t gw_base64_decode(struct gw_bytes *out, struct eg_str text);
/* URL alphabet without padding (RFC 4648 5). */
void gw_base64url_encode(struct gw_bytes *out, struct eg_str bytes);
int32_t gw_base64url_decode(struct gw_bytes *out, struct eg_str text);

/* Decodes %XX once; plus_is_space for query strings. EG_E_SYNTAX for a bad escape. */
int32_t gw_percent_decode(struct gw_bytes *out, struct eg_str s, bool plus_is_space);
/* Path-segment escape of the configuration ids: leaves A-Z a-z 0-9 - _ . ~ $ & + : = @, writes all
 * else as %XX upper case. */
void gw_percent_encode_segment(struct gw_bytes *out, struct eg_str s);
/* Escapes only what may not stand in a request path as it is (controls, space, non-ASCII, " < > etc.
 * as Go's URL.EscapedPath does); existing escapes stay. */
void gw_percent_encode_path(struct gw_bytes *out, struct eg_str s);

bool gw_utf8_valid(struct eg_str s);
/* Appends s with each invalid byte run replaced by U+FFFD. */
void gw_utf8_repair(struct gw_bytes *out, struct eg_str s);

/* Random version-4 UUID, 36 characters; out is not NUL-terminated. */
void gw_uuid4(char out[36]);
/* Cryptographically secure random bytes (getrandom, buffered per thread). */
void gw_random(void *out, size_t len);

#endif
