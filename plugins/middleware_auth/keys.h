/*
 * keys.h - the keys of one issuer: a JSON Web Key Set (RFC 7517), a public key or certificate in
 * PEM, or a secret. A set never changes once it is made.
 */
#ifndef MIDDLEWARE_AUTH_KEYS_H
#define MIDDLEWARE_AUTH_KEYS_H

#include "crypto.h"

struct auth_named_key {
    struct eg_str id;    /* kid; empty = none: goes with every token */
    uint32_t algorithms; /* bit set of those it may be used with */
    struct auth_key *key;
};
struct auth_keys {
    const struct eg_host *host;
    struct eg_json *root; /* ids live here; NULL of PEM and secrets */
    struct auth_named_key *items;
    size_t count;
};

#define AUTH_KEYS_MAX 100u
#define AUTH_KEYS_BYTES_MAX ((size_t)256 * 1024)

/* A key set, or PEM. may_be_secret: keys of type oct are taken as well. Keys that nobody here
 * understands are left out (RFC 7517 5); none left is EG_E_INVAL. take: auth_keys_free. */
int32_t auth_keys_parse(struct auth_keys *keys, const struct eg_host *host, struct eg_str text,
                        int may_be_secret, struct eg_why *ret_why);
int32_t auth_keys_secret(struct auth_keys *keys, const struct eg_host *host, struct eg_str secret,
                         struct eg_why *ret_why);
void auth_keys_free(struct auth_keys *keys); /* all zero is fine */

/* The next key from *cursor on that this token may have been signed with, or NULL. */
struct auth_key *auth_keys_next(const struct auth_keys *keys, struct eg_str key_id,
                                const struct auth_algorithm *algorithm, size_t *cursor);

#endif
