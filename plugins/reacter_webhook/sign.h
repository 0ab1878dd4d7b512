/*
 * sign.h - signatures of Standard Webhooks 1.0 (www.standardwebhooks.com), symmetric: HMAC-SHA256
 * over "id.timestamp.body", in base64, behind "v1,". Any thread; keys are read-only after parse.
 */
#ifndef REACTER_WEBHOOK_SIGN_H
#define REACTER_WEBHOOK_SIGN_H

#include <eventgw-sdk/egx.h>

#define SIGNING_KEYS 4u       /* while secrets are changed, the old one and the new one sign */
#define SIGNING_KEY_BYTES 64u /* at most; at least 24, says the standard */

struct signing_keys {
    size_t count;
    size_t len[SIGNING_KEYS];
    char bytes[SIGNING_KEYS][SIGNING_KEY_BYTES];
};

/* Secrets as services hand them out, "whsec_" and base64 (the prefix may be missing), spaces
 * between them. EG_E_INVAL; the sentence does not tell the secret. */
int32_t webhook_events_keys(struct eg_str text, struct signing_keys *ret_keys,
                            struct eg_why *ret_why);

/* The value of webhook-signature: a signature for each key, spaces between them. */
int32_t webhook_events_sign(const struct signing_keys *keys, struct eg_str id, int64_t unix_seconds,
                            struct eg_str body, struct egx_json *out);

#endif
