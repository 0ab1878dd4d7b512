/*
 * cache.h - what was verified lately, on one loop: tokens and passwords, by a keyed hash of them,
 * so that the cache holds no secret. Bounded: each has two places, the one that ends sooner makes
 * room. Only what was verified gets in, so nobody without credentials can push others out.
 */
#ifndef MIDDLEWARE_AUTH_CACHE_H
#define MIDDLEWARE_AUTH_CACHE_H

#include "crypto.h"

struct auth_consumer;

struct auth_cached {
    struct auth_digest digest;
    int32_t is_used;
    uint32_t issuer;                      /* of a token */
    uint64_t version;                     /* of its issuer's keys */
    int64_t until_s;                      /* unix */
    const struct auth_consumer *consumer; /* of a password */
    char *text;                           /* principal, context and scopes of a token */
    struct eg_str principal;
    struct eg_str context;
    struct eg_str scopes;
};

struct auth_cache {
    const struct eg_host *host;
    struct auth_cached *items;
    size_t mask; /* count - 1; count is a power of two, 0 = no cache */
};

void auth_cache_init(struct auth_cache *cache, const struct eg_host *host, size_t size);
void auth_cache_free(struct auth_cache *cache);
/* NULL = not there, or not any more. */
const struct auth_cached *auth_cache_get(const struct auth_cache *cache,
                                         const struct auth_digest *digest, int64_t now_s);
/* Copies the texts. */
void auth_cache_put(struct auth_cache *cache, const struct auth_cached *fresh, int64_t now_s);

#endif
