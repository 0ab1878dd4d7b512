/*
 * signature.c - see signature.h. Strict where a scheme says how it is written, since a sender's
 * library writes it; what a later version may add (other versions in a list) is passed over.
 */
#include "signature.h"

#include <eventgw-sdk/egx_http.h>
#include <eventgw-sdk/egx_path.h>
#include <eventgw-sdk/egx_storage.h>

/* Off *text up to the separator, which is taken away too. */
static struct eg_str next_part(struct eg_str *text, char separator) {
    const char *end = text->len == 0 ? NULL : memchr(text->ptr, separator, text->len);
    const struct eg_str part =
        end == NULL ? *text : egx_str_n(text->ptr, (size_t)(end - text->ptr));
    *text = end == NULL ? egx_str_n(NULL, 0) : egx_str_cut(*text, part.len + 1);
    return part;
}

static int32_t read_hex(struct eg_str text, unsigned char *out, size_t *ret_len) {
    if (text.len % 2 != 0 || text.len / 2 > WEBHOOK_MAC_MAX) {
        return EG_E_SYNTAX;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        const int high = egx_path_hex(text.ptr[i]);
        const int low = egx_path_hex(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return EG_E_SYNTAX;
        }
        out[i / 2] = (unsigned char)(high * 16 + low);
    }
    *ret_len = text.len / 2;
    return EG_OK;
}

static int32_t read_base64(struct eg_str text, unsigned char *out, size_t *ret_len) {
    char bytes[WEBHOOK_MAC_MAX + 3]; /* whole groups of three */
    if (text.len > (WEBHOOK_MAC_MAX + 2) / 3 * 4 || egx_base64_decode(text, bytes, ret_len) < 0 ||
        *ret_len > WEBHOOK_MAC_MAX) {
        return EG_E_SYNTAX;
    }
    memcpy(out, bytes, *ret_len);
    return EG_OK;
}

static int32_t add(const struct webhook_scheme *scheme, struct eg_str text, uint32_t is_ed25519,
                   struct webhook_claim *claim) {
    size_t len = 0;
    if (claim->count == WEBHOOK_SIGNATURES_MAX ||
        (is_ed25519 && claim->ed25519_count == WEBHOOK_ED25519_MAX)) {
        return EG_E_SYNTAX;
    }
    struct webhook_signature *signature = &claim->signatures[claim->count];
    const int32_t rc = scheme->encoding == WEBHOOK_HEX ? read_hex(text, signature->bytes, &len)
                                                       : read_base64(text, signature->bytes, &len);
    const size_t want = is_ed25519 ? WEBHOOK_ED25519_SIZE : webhook_mac_sizes[scheme->algorithm];
    if (rc < 0 || len != want) {
        return EG_E_SYNTAX;
    }
    signature->is_ed25519 = is_ed25519;
    signature->len = (uint32_t)len;
    claim->count++;
    claim->ed25519_count += is_ed25519;
    return EG_OK;
}

/* "v1,<base64> v1a,<base64>": the version, a comma, the signature; spaces between. */
static int32_t read_list(const struct webhook_scheme *scheme, struct eg_str header,
                         struct webhook_claim *claim) {
    int32_t rc = EG_OK;
    while (rc >= 0 && header.len > 0) {
        struct eg_str rest = next_part(&header, ' ');
        const struct eg_str version = next_part(&rest, ',');
        if (egx_str_eq(version, EGX_STR("v1"))) {
            rc = add(scheme, rest, 0, claim);
        } else if (egx_str_eq(version, EGX_STR("v1a"))) {
            rc = add(scheme, rest, 1, claim);
        }
    }
    return rc;
}

/* "t=<seconds>,v1=<hex>,v0=<hex>". "To prevent downgrade attacks, ignore all schemes that aren't
 * v1." Two times would leave open which one was signed. */
static int32_t read_pairs(const struct webhook_scheme *scheme, struct eg_str header,
                          struct webhook_claim *claim) {
    int32_t rc = EG_OK;
    while (rc >= 0 && header.len > 0) {
        struct eg_str rest = next_part(&header, ',');
        const struct eg_str name = next_part(&rest, '=');
        if (egx_str_eq(name, EGX_STR("v1"))) {
            rc = add(scheme, rest, 0, claim);
        } else if (egx_str_eq(name, EGX_STR("t"))) {
            rc = claim->timestamp.len > 0 ? EG_E_SYNTAX : webhook_timestamp_read(rest, claim);
        }
    }
    return rc < 0 || claim->timestamp.len == 0 ? EG_E_SYNTAX : EG_OK;
}

int32_t webhook_signatures_read(const struct webhook_scheme *scheme, struct eg_str header,
                                struct webhook_claim *claim) {
    switch (scheme->form) {
    case WEBHOOK_FORM_LIST:
        return read_list(scheme, header, claim);
    case WEBHOOK_FORM_PAIRS:
        return read_pairs(scheme, header, claim);
    default:
        return egx_str_starts(header, scheme->prefix)
                   ? add(scheme, egx_str_cut(header, scheme->prefix.len), 0, claim)
                   : EG_E_SYNTAX;
    }
}

int32_t webhook_timestamp_read(struct eg_str text, struct webhook_claim *claim) {
    const int64_t at = egx_digits(text);
    if (at < 0) {
        return EG_E_SYNTAX;
    }
    claim->timestamp = text;
    claim->at = at;
    return EG_OK;
}
