/*
 * domain/v2017_texts.c - the errors of the API of 2017 (compatibility chapter 15.1). Clients print
 * the field `error` (15.7), so the texts are theirs. Pure.
 */
#include "base/jwrite.h"
#include "base/slice.h"
#include "domain/quote.h"
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

int32_t gw_v2017_refuse_invalid(struct gw_refusal *ret_refusal, enum gw_kind kind,
                                struct eg_str detail) {
    struct gw_bytes quoted;
    gw_bytes_init(&quoted, 0);
    gw_quote(&quoted, detail);
    (void)gw_refuse(ret_refusal, 400, "%s%.*s", gw_kind_words[kind].prefix,
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
