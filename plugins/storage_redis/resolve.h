/* resolve.h - from names of servers to where they are, without holding up the loop. */
#ifndef STORAGE_REDIS_RESOLVE_H
#define STORAGE_REDIS_RESOLVE_H

#include "link.h"

/* "host:port", "host", "[::1]:port", "/path/of/a/socket". EG_E_INVAL with a sentence. */
int32_t redis_address_check(struct eg_str address, struct eg_why *ret_why);

/* What a look-up has found; borrowed during done. count 0: nothing, why says the last reason. */
struct redis_found {
    const struct redis_peer *peers;
    size_t count;
    const struct eg_why *why;
};
/* Copies what it needs. done comes later on the loop, exactly once, unless this fails (EG_E_BUSY,
 * EG_E_UNAVAILABLE: the pool takes no work). */
int32_t redis_resolve(const struct eg_host *host, struct eg_loop *loop,
                      const struct eg_str_list *addresses, const char *default_port,
                      size_t max_peers, void (*done)(void *arg, const struct redis_found *found),
                      void *arg);

#endif
