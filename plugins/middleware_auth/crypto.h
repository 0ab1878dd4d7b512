/*
 * crypto.h - hashes, keys and signatures, on OpenSSL (crypto.c is the only file that knows it). Any
 * thread; keys are counted and never change.
 */
#ifndef MIDDLEWARE_AUTH_CRYPTO_H
#define MIDDLEWARE_AUTH_CRYPTO_H

#include <eventgw-sdk/egx.h>

#define AUTH_DIGEST_BYTES 32u
struct auth_digest {
    unsigned char bytes[AUTH_DIGEST_BYTES];
};

/* What a key is, and an algorithm needs: one of these, never more (RFC 8725 3.1). */
enum auth_key_kind { AUTH_KEY_SECRET, AUTH_KEY_RSA, AUTH_KEY_EC, AUTH_KEY_ED };

/* A signature algorithm of RFC 7518 3.1 or RFC 8037. */
struct auth_algorithm {
    const char *name;
    enum auth_key_kind kind;
    const char *hash;  /* OpenSSL's name; NULL = the algorithm has its own */
    const char *curve; /* as in a JWK; NULL = no curve, or any of the kind */
    size_t size;       /* of the hash, for EC of a coordinate, in bytes */
    int32_t is_pss;
    int32_t is_slow; /* verifying takes longer than a loop should be kept: see auth.md */
};
#define AUTH_ALGORITHMS_MAX 16u
/* NULL for all others, "none" among them. */
const struct auth_algorithm *auth_algorithm_find(struct eg_str name);
/* Place in the table, for bit sets: below AUTH_ALGORITHMS_MAX. */
uint32_t auth_algorithm_index(const struct auth_algorithm *algorithm);

struct auth_hasher; /* SHA-256, looked up once */
struct auth_hasher *auth_hasher_new(const struct eg_host *host);
void auth_hasher_free(struct auth_hasher *hasher);
/* Of the pieces one after the other. 0 when OpenSSL fails: then nothing may be believed. */
int auth_hash(const struct auth_hasher *hasher, const struct eg_str *pieces, size_t count,
              struct auth_digest *ret_digest);
/* 0 when there is no randomness. */
int auth_random(unsigned char *out, size_t len);
/* Constant time. */
int auth_digest_eq(const struct auth_digest *a, const struct auth_digest *b);

struct auth_key; /* one reference each; NULL = it cannot be used, ret_why says why */
struct auth_key *auth_key_secret(const struct eg_host *host, struct eg_str bytes,
                                 struct eg_why *ret_why);
/* Public keys, as big-endian bytes (RFC 7518 6, RFC 8037 2). */
struct auth_key *auth_key_rsa(const struct eg_host *host, struct eg_str modulus,
                              struct eg_str exponent, struct eg_why *ret_why);
struct auth_key *auth_key_ec(const struct eg_host *host, struct eg_str curve, struct eg_str x,
                             struct eg_str y, struct eg_why *ret_why);
struct auth_key *auth_key_ed(const struct eg_host *host, struct eg_str curve, struct eg_str x,
                             struct eg_why *ret_why);
/* PUBLIC KEY or CERTIFICATE. */
struct auth_key *auth_key_pem(const struct eg_host *host, struct eg_str pem,
                              struct eg_why *ret_why);
struct auth_key *auth_key_ref(struct auth_key *key);
void auth_key_unref(struct auth_key *key); /* NULL is fine */

/* May this key be used with this algorithm at all? */
int auth_key_fits(const struct auth_key *key, const struct auth_algorithm *algorithm);
/* 1 when the signature is right; a key that does not fit never is. */
int auth_verify(const struct auth_key *key, const struct auth_algorithm *algorithm,
                struct eg_str text, struct eg_str signature);

#endif
