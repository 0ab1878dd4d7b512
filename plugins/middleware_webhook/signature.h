/*
 * signature.h - what the headers of a request claim: signatures, time and id. Hostile bytes are
 * read here and nowhere else. No state.
 */
#ifndef WEBHOOK_SIGNATURE_H
#define WEBHOOK_SIGNATURE_H

#include "crypto.h"
#include "schemes.h"

#define WEBHOOK_SIGNATURES_MAX 32u /* senders put one for each secret that is active */
/* Of these fewer: each is checked by itself, over the whole body, before anybody is known. */
#define WEBHOOK_ED25519_MAX 4u

struct webhook_signature {
    uint32_t is_ed25519;
    uint32_t len;
    unsigned char bytes[WEBHOOK_MAC_MAX];
};

struct webhook_claim {
    struct eg_str id;        /* borrowed from the request */
    struct eg_str timestamp; /* as it is written, since that is what was signed; the same */
    int64_t at;              /* seconds since 1970 */
    size_t count;
    size_t ed25519_count; /* of these */
    struct webhook_signature signatures[WEBHOOK_SIGNATURES_MAX];
};

/* Reads the header with the signatures; Stripe's has the time too. Versions that are not known are
 * left out. EG_E_SYNTAX when it is not what the scheme writes. */
int32_t webhook_signatures_read(const struct webhook_scheme *scheme, struct eg_str header,
                                struct webhook_claim *claim);
/* Reads seconds since 1970 into the claim. EG_E_SYNTAX. */
int32_t webhook_timestamp_read(struct eg_str text, struct webhook_claim *claim);

#endif
