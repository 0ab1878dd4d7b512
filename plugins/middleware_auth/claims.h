/*
 * claims.h - what a token says: whether that is what its issuer's settings ask for, and what of it
 * is handed on. Any thread; nothing is kept.
 */
#ifndef MIDDLEWARE_AUTH_CLAIMS_H
#define MIDDLEWARE_AUTH_CLAIMS_H

#include "issuers.h"
#include "jws.h"

/* What remains of a token that was believed. */
struct auth_identity {
    struct egx_json principal; /* its text */
    struct egx_json context;   /* JSON object of texts */
    struct egx_json scopes;    /* separated by one blank */
    int64_t until_s;           /* believed before this, with the leeway */
};
void auth_identity_free(struct auth_identity *identity);

/* NULL, or why not: a static text for the log. The signature is not looked at. */
const char *auth_claims_check(const struct auth_issuer *issuer, const struct auth_jws *jws,
                              int64_t now_s);
/* After a check. take. 0 when the principal's claim is no text. */
int auth_claims_identity(const struct auth_issuer *issuer, const struct auth_jws *jws,
                         struct auth_identity *ret_identity);
/* Is the scope one of those in the text? */
int auth_has_scope(struct eg_str scopes, struct eg_str scope);

#endif
