/*
 * table.h - the buckets of one gateway. Bounded; shared by all loops, exact whatever they do at the
 * same time: buckets of one request are looked at and charged under their locks, all or none.
 */
#ifndef RATELIMIT_TABLE_H
#define RATELIMIT_TABLE_H

#include <eventgw-sdk/egx.h>

#include "gcra.h"

#define RATELIMIT_RULES_MAX 16u

struct ratelimit_table;

/* One bucket that a request draws from. */
struct ratelimit_draw {
    const struct ratelimit_bucket *bucket;
    uint32_t rule;      /* its index, below the number of rules, */
    struct eg_str name; /* and what it is called where gateways share it */
    struct eg_str key;
    uint64_t debt_ns; /* out: after the request */
};

/* Each rule has an equal part of the entries, and at least one. */
struct ratelimit_table *ratelimit_table_new(const struct eg_host *host, size_t entries,
                                            size_t rules);
void ratelimit_table_free(struct ratelimit_table *table); /* NULL is fine */
/* 0: there was room in all, and all were charged. Otherwise those without room, as bits, and none
 * was. At most RATELIMIT_RULES_MAX draws, of different rules. */
uint32_t ratelimit_table_take(struct ratelimit_table *table, struct ratelimit_draw *draws,
                              size_t count, uint64_t now_ns);

/* SipHash-2-4 (Aumasson, Bernstein), for the tests. */
uint64_t ratelimit_siphash(const uint64_t key[2], struct eg_str bytes);

#endif
