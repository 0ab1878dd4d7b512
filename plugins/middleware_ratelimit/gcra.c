/* gcra.c - see gcra.h. No state, any thread. Capacities are below a year, so nothing overflows. */
#include "gcra.h"

int ratelimit_has_room(const struct ratelimit_bucket *bucket, uint64_t debt_ns) {
    return debt_ns <= bucket->capacity_ns && bucket->capacity_ns - debt_ns >= bucket->interval_ns;
}

struct ratelimit_state ratelimit_state_of(const struct ratelimit_bucket *bucket, uint64_t debt_ns) {
    const uint64_t debt = debt_ns > bucket->capacity_ns ? bucket->capacity_ns : debt_ns;
    const uint64_t remaining = (bucket->capacity_ns - debt) / bucket->interval_ns;
    const uint64_t one_more_ns = (remaining + 1) * bucket->interval_ns;
    /* One more fits when the debt is down to what the bucket holds besides it. */
    const int is_full = one_more_ns > bucket->capacity_ns;
    return (struct ratelimit_state){.remaining = remaining,
                                    .next_unit_ns =
                                        is_full ? 0 : debt - (bucket->capacity_ns - one_more_ns)};
}

uint64_t ratelimit_wait_ns(const struct ratelimit_bucket *bucket, uint64_t debt_ns) {
    const uint64_t most = bucket->capacity_ns - bucket->interval_ns;
    return debt_ns > most ? debt_ns - most : 1;
}
