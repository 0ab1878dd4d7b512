/*
 * fuzz_webhook - headers with signatures, shaped by strangers. The first byte chooses the scheme;
 * the rest is the header, a newline, a timestamp. Asserted: what is accepted is whole (lengths that
 * fit the algorithm, no more signatures than there is room for, times that are not negative), and
 * is part of the input. The rest is also taken for a path, and for what a rule says is signed.
 */
#include "../../plugins/middleware_webhook/schemes.c"
#include "../../plugins/middleware_webhook/signature.c"

#include "base/check.h"

static void check_claim(const struct webhook_scheme *scheme, const struct webhook_claim *claim,
                        struct eg_str header) {
    GW_ASSERT(claim->count <= WEBHOOK_SIGNATURES_MAX);
    GW_ASSERT(claim->ed25519_count <= WEBHOOK_ED25519_MAX);
    for (size_t i = 0; i < claim->count; i++) {
        const struct webhook_signature *signature = &claim->signatures[i];
        GW_ASSERT(signature->len == (signature->is_ed25519 ? WEBHOOK_ED25519_SIZE
                                                           : webhook_mac_sizes[scheme->algorithm]));
        GW_ASSERT(!signature->is_ed25519 || scheme->form == WEBHOOK_FORM_LIST);
    }
    if (scheme->form == WEBHOOK_FORM_PAIRS) {
        GW_ASSERT(claim->at >= 0 && claim->timestamp.len > 0);
        GW_ASSERT(claim->timestamp.ptr >= header.ptr &&
                  claim->timestamp.ptr + claim->timestamp.len <= header.ptr + header.len);
    } else if (scheme->form == WEBHOOK_FORM_PLAIN) {
        GW_ASSERT(claim->count == 1);
    }
}

static void fuzz_content(struct eg_str text) {
    struct webhook_content content;
    size_t len = 0;
    if (webhook_content_read(text, &content, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < content.count; i++) {
        GW_ASSERT(content.pieces[i].text.len > 0);
        len += content.pieces[i].text.len;
    }
    GW_ASSERT(len == text.len);
}

/* Readings fit into the room of the path, and are all the same when it is plain. */
static void fuzz_path(struct eg_str path) {
    char *first = malloc(path.len + 1);
    char *other = malloc(path.len); /* exactly, so that the sanitizer sees one byte more */
    GW_ASSERT(first != NULL && (other != NULL || path.len == 0));
    const size_t len = egx_path_read(path, 0, first);
    const int is_plain = egx_path_is_plain(path);
    for (unsigned flags = 0; flags < EGX_PATH_READINGS; flags++) {
        const size_t other_len = egx_path_read(path, flags, other);
        GW_ASSERT(other_len <= path.len);
        GW_ASSERT(!is_plain || (other_len == len && (len == 0 || memcmp(first, other, len) == 0)));
    }
    free(first);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct webhook_claim claim;
    if (size == 0) {
        return 0;
    }
    struct webhook_scheme scheme = webhook_schemes[data[0] % (webhook_scheme_count - 1)];
    struct eg_str rest = egx_str_n((const char *)data + 1, size - 1);
    const struct eg_str header = next_part(&rest, '\n');
    scheme.algorithm = webhook_scheme_is_hmac(&scheme) ? data[0] / 16 % 3 : scheme.algorithm;
    memset(&claim, 0, offsetof(struct webhook_claim, signatures));
    if (webhook_signatures_read(&scheme, header, &claim) == EG_OK) {
        check_claim(&scheme, &claim, header);
    }
    claim.at = -7;
    GW_ASSERT((webhook_timestamp_read(rest, &claim) == EG_OK) == (claim.at >= 0));
    fuzz_content(rest);
    fuzz_path(rest);
    return 0;
}
