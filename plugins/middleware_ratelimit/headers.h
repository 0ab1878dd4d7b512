/*
 * headers.h - what a client is told: RateLimit-Policy and RateLimit of
 * draft-ietf-httpapi-ratelimit-headers-11, and Retry-After.
 */
#ifndef RATELIMIT_HEADERS_H
#define RATELIMIT_HEADERS_H

#include "rules.h"

/* How the rules stood when a request was counted or refused; kept with it. */
struct ratelimit_standing {
    const struct eg_host *host;
    size_t count;
    struct {
        const struct ratelimit_rule *rule;
        uint64_t debt_ns;
        int is_refused; /* by this one */
    } items[RATELIMIT_RULES_MAX];
};

void ratelimit_standing_set(struct ratelimit_standing *standing, const struct ratelimit_rule *rule,
                            uint64_t debt_ns, int is_refused);
/* Has one of them refused? */
int ratelimit_standing_is_refused(const struct ratelimit_standing *standing);
/* Adds the two headers. */
void ratelimit_headers_put(const struct ratelimit_standing *standing, struct eg_exchange *exchange);
/* Whole seconds, rounded up: nobody comes too early. */
uint64_t ratelimit_seconds(uint64_t ns);

#endif
