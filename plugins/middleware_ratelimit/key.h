/* key.h - whose bucket a request draws from. Loop thread of the request. */
#ifndef RATELIMIT_KEY_H
#define RATELIMIT_KEY_H

#include <eventgw-sdk/egx_client.h>

#include "rules.h"

struct ratelimit_proxies {
    struct egx_network *items;
    size_t count;
};

/* Appends the key to text, which is a buffer of bytes. Each part carries its kind and length, so
 * that no two requests make the same bytes in different ways. */
void ratelimit_key(const struct eg_host *host, const struct ratelimit_proxies *proxies,
                   const struct ratelimit_rule *rule, const struct eg_exchange *exchange,
                   struct egx_json *text);

#endif
