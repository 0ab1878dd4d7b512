/*
 * domain/v2017_texts.c - the errors of the API of 2017 (compatibility chapter 15.1). Clients print
 * the field `error` (15.7), so the texts are theirs. Pure.
 */
#include "base/codec.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "domain/v2017_objects.h"

void gw_v2017_error_write(struct gw_bytes *out, struct eg_str message) {
    gw_bytes_add_c(out, "{\"error\":");
    gw_jw_string(out, message);
    gw_bytes_add_c(out, "}\n");
}

int32_t gw_v2017_refuse_malformed(struct gw_refusal *ret_refusal, struct eg_str why) {
    (void)gw_refuse(ret_refusal, 400, "Malformed JSON payload: %.*s.", GW_FMT(why));
    return EG_E_SYNTAX;
}

/* ---- %q ---- */

/* The letter of Go's short escapes (language specification, "Rune literals"). */
static const char short_escapes[256] = {
    ['\a'] = 'a', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',  ['\r'] = 'r',
    ['\t'] = 't', ['\v'] = 'v', ['"'] = '"',  ['\\'] = '\\',
};

/* Copies or escapes the character that s begins with; returns its length. */
static size_t add_quoted(struct gw_bytes *out, struct eg_str s) {
    const unsigned char c = (unsigned char)s.ptr[0];
    const size_t step = gw_utf8_step(s.ptr, s.len);
    if (short_escapes[c] != 0) {
        gw_bytes_add_char(out, '\\');
        gw_bytes_add_char(out, short_escapes[c]);
    } else if (c < 0x20 || c == 0x7f || step == 0) {
        gw_bytes_addf(out, "\\x%02x", c);
        return 1;
    } else {
        gw_bytes_add(out, gw_str_sub(s, 0, step));
    }
    return step;
}

int32_t gw_v2017_refuse_invalid(struct gw_refusal *ret_refusal, enum gw_kind kind,
                                struct eg_str detail) {
    struct gw_bytes quoted;
    gw_bytes_init(&quoted, 0);
    for (size_t i = 0; i < detail.len;) {
        i += add_quoted(&quoted, gw_str_cut(detail, i));
    }
    (void)gw_refuse(ret_refusal, 400, "%s\"%.*s\"", gw_kind_words[kind].prefix,
                    GW_FMT(gw_bytes_str(&quoted)));
    gw_bytes_free(&quoted);
    return EG_E_INVAL;
}

void gw_v2017_refusal_convert(struct gw_refusal *refusal, enum gw_kind kind) {
    const struct eg_str prefix = gw_str_c(gw_kind_words[kind].prefix);
    const struct gw_refusal before = *refusal;
    const struct eg_str text = gw_why_str(&before.why);
    if (gw_str_starts(text, prefix)) {
        (void)gw_v2017_refuse_invalid(refusal, kind, gw_str_cut(text, prefix.len));
    }
}
