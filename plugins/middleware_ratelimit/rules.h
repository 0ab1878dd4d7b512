/* rules.h - which requests are limited by what. Made by create, read by every loop. */
#ifndef RATELIMIT_RULES_H
#define RATELIMIT_RULES_H

#include "table.h"

#define RATELIMIT_KEY_PARTS 4u

/* What requests are told apart by. */
#define RATELIMIT_BY_ALL 0u
#define RATELIMIT_BY_ADDRESS 1u
#define RATELIMIT_BY_PRINCIPAL 2u
#define RATELIMIT_BY_PATH 3u
#define RATELIMIT_BY_SPACE 4u
#define RATELIMIT_BY_HEADER 5u

struct ratelimit_part {
    uint32_t kind;
    struct eg_str header;
};

struct ratelimit_rule {
    struct eg_str name;
    int64_t limit;
    uint64_t per_ns;
    int64_t burst;
    struct ratelimit_bucket bucket;
    struct ratelimit_part parts[RATELIMIT_KEY_PARTS];
    size_t part_count;
    int is_of_event; /* the space is known once there is an event */
    struct eg_str path;
    const struct eg_json *methods; /* NULL = all */
    size_t method_count;
    char policy[160]; /* its item of RateLimit-Policy */
    struct eg_metric *refused;
};

struct ratelimit_rules {
    const struct eg_host *host;
    struct eg_json *root; /* lends all texts */
    struct ratelimit_rule items[RATELIMIT_RULES_MAX];
    size_t count;
    size_t count_of_event;
};

/* ret_rules has to be freed in any case. */
int32_t ratelimit_rules_read(struct ratelimit_rules *ret_rules, const struct eg_host *host,
                             struct eg_str json, struct eg_why *ret_why);
void ratelimit_rules_free(struct ratelimit_rules *rules);
int ratelimit_rule_applies(const struct ratelimit_rules *rules, const struct ratelimit_rule *rule,
                           struct eg_str method, struct eg_str path);

#endif
