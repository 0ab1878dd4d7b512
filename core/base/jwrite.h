/* base/jwrite.h - writes JSON text straight into a buffer. */
#ifndef GW_BASE_JWRITE_H
#define GW_BASE_JWRITE_H

#include "base/bytes.h"

/* "text" with quotes and escapes. Invalid UTF-8 becomes U+FFFD. */
void gw_jw_string(struct gw_bytes *out, struct eg_str text);
/* The same for text that needs no escapes. */
static inline void gw_jw_plain(struct gw_bytes *out, struct eg_str text) {
    char *to = gw_bytes_room(out, text.len + 2);
    if (to == NULL) {
        return;
    }
    to[0] = '"';
    if (text.len > 0) {
        memcpy(to + 1, text.ptr, text.len);
    }
    to[text.len + 1] = '"';
    out->len += text.len + 2;
}
/* The same without quotes, for strings made of several pieces. */
void gw_jw_string_part(struct gw_bytes *out, struct eg_str text);
/* "name": with a comma before it unless *is_first; clears *is_first. name needs no escaping. */
void gw_jw_name(struct gw_bytes *out, bool *is_first, const char *name);
/* The same with escapes, for names that others have given. */
void gw_jw_any_name(struct gw_bytes *out, bool *is_first, struct eg_str name);
/* "base64" of bytes. */
void gw_jw_base64(struct gw_bytes *out, struct eg_str bytes);
/* {"errors":[{"message":"..."}]} and a newline. */
void gw_jw_error_envelope(struct gw_bytes *out, struct eg_str message);

#endif
