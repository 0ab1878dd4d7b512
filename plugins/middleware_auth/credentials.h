/*
 * credentials.h - every credential that can be looked up by a hash: API keys and tokens by their
 * SHA-256, consumers by that of their name, certificates by their fingerprint. One table, filled
 * while the settings are read, then only read, by any loop.
 *
 * API keys are long and random, so a fast hash without salt keeps them as safe as a slow one would
 * (there is nothing to guess), and a thousand of them cost one look-up. Passwords are not: those
 * are in password.h.
 */
#ifndef MIDDLEWARE_AUTH_CREDENTIALS_H
#define MIDDLEWARE_AUTH_CREDENTIALS_H

#include "crypto.h"

struct auth_consumer;
struct auth_rule;

enum auth_kind {
    AUTH_BY_KEY,
    AUTH_BY_TOKEN,
    AUTH_BY_JWT,
    AUTH_BY_BASIC, /* in the table: the name of a consumer */
    AUTH_BY_CERTIFICATE,
    AUTH_KINDS
};

struct auth_credential {
    struct auth_digest digest;
    enum auth_kind kind;
    const struct auth_rule *rule;         /* the one that opens, or */
    const struct auth_consumer *consumer; /* whose */
    struct eg_str name;                   /* of a credential in a rule; may be empty */
};

struct auth_credentials {
    const struct eg_host *host;
    struct auth_hasher *hasher;
    struct auth_credential *items;
    size_t count;
    size_t room;
    uint32_t *slots; /* index + 1; after close */
    size_t slot_mask;
};

void auth_credentials_init(struct auth_credentials *credentials, const struct eg_host *host);
void auth_credentials_free(struct auth_credentials *credentials);
/* One more; its digest is of the secret, or what follows "sha256:" in it. EG_E_INVAL for what looks
 * like a hash and is none. */
int32_t auth_credentials_add(struct auth_credentials *credentials, struct auth_credential which,
                             struct eg_str secret, struct eg_why *ret_why);
/* No more are added. EG_E_EXISTS when two consumers share one: then one could be the other. */
int32_t auth_credentials_close(struct auth_credentials *credentials, struct eg_why *ret_why);
/* The next of that kind and digest; start with *cursor = 0. NULL = no more. How long it takes does
 * not tell which was nearly right. */
const struct auth_credential *auth_credentials_next(const struct auth_credentials *credentials,
                                                    enum auth_kind kind,
                                                    const struct auth_digest *digest,
                                                    size_t *cursor);
/* "sha256:" and 64 hex digits; 0 for everything else. */
int auth_read_digest(struct eg_str text, struct auth_digest *ret_digest);
int auth_read_hex(struct eg_str hex, struct auth_digest *ret_digest);

#endif
