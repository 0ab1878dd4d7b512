/* eventgw-sdk/egx_backoff.h - pauses between tries. */
#ifndef EVENTGW_SDK_BACKOFF_H
#define EVENTGW_SDK_BACKOFF_H

#include <stdint.h>
#include <sys/random.h>

/* Full jitter: each pause is random between 0 and a bound that doubles from first_ns to last_ns, so
 * that many gateways do not come back at the same moment. Reset by tries = 0. */
struct egx_backoff {
    uint64_t first_ns;
    uint64_t last_ns;
    uint32_t tries;
};

static inline uint64_t egx_backoff_next(struct egx_backoff *backoff) {
    uint64_t bound = backoff->first_ns;
    uint64_t random = 0;
    for (uint32_t i = 0; i < backoff->tries && bound < backoff->last_ns; i++) {
        bound *= 2;
    }
    bound = bound < backoff->last_ns ? bound : backoff->last_ns;
    backoff->tries++;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = bound; /* without entropy, at early boot: the longest */
    }
    return bound == 0 ? 0 : random % (bound + 1);
}

#endif
