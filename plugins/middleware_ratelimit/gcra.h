/*
 * gcra.h - the arithmetic of a token bucket, kept as one number: the time at which the bucket will
 * be full again (the theoretical arrival time of the Generic Cell Rate Algorithm, ITU-T I.371 Annex
 * A). How far that lies in the future is the debt; each request adds one interval, and no debt may
 * be more than the bucket holds. Pure.
 */
#ifndef RATELIMIT_GCRA_H
#define RATELIMIT_GCRA_H

#include <stdint.h>

struct ratelimit_bucket {
    uint64_t interval_ns; /* what one request costs */
    uint64_t capacity_ns; /* burst times interval */
};

struct ratelimit_state {
    uint64_t remaining;    /* requests that would be admitted now */
    uint64_t next_unit_ns; /* until one more than these; 0 = the bucket is full */
};

/* Is there room for one more request? */
int ratelimit_has_room(const struct ratelimit_bucket *bucket, uint64_t debt_ns);
/* Until there is; at least 1. */
uint64_t ratelimit_wait_ns(const struct ratelimit_bucket *bucket, uint64_t debt_ns);
/* What a debt means, once the request was counted or refused. */
struct ratelimit_state ratelimit_state_of(const struct ratelimit_bucket *bucket, uint64_t debt_ns);

#endif
