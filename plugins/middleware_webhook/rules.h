/*
 * rules.h - which requests have to be signed how. Made by create, read by every loop.
 */
#ifndef WEBHOOK_RULES_H
#define WEBHOOK_RULES_H

#include "crypto.h"
#include "schemes.h"

#define WEBHOOK_REPLAY_OFF 0u
#define WEBHOOK_REPLAY_SIGNATURE 1u
#define WEBHOOK_REPLAY_ID 2u

/* Why a request was refused: labels of webhook_refused_total. */
#define WEBHOOK_BY_SYNTAX 0u
#define WEBHOOK_BY_SIGNATURE 1u
#define WEBHOOK_BY_TIME 2u
#define WEBHOOK_BY_REPLAY 3u
#define WEBHOOK_REASONS 4u

struct webhook_rule {
    struct eg_str path;
    struct eg_str name; /* what the principal is called */
    struct webhook_scheme scheme;
    struct webhook_content content;
    struct webhook_key **keys;
    size_t key_count;
    uint64_t tolerance_ns;
    size_t replay; /* WEBHOOK_REPLAY_* */
    int has_time;  /* 1: the scheme signs a timestamp */
    uint32_t index;
    struct eg_metric *verified;
    struct eg_metric *refused[WEBHOOK_REASONS];
};

struct webhook_rules {
    const struct eg_host *host;
    struct eg_json *root; /* lends all texts */
    struct webhook_rule *items;
    size_t count;
    uint64_t tolerance_ns; /* of rules that do not say; then the longest of all */
    int has_replay[2];     /* some rule without a time, with one, looks for replays */
};

/* json may be empty: no rules. ret_rules has to be freed in any case. */
int32_t webhook_rules_read(struct webhook_rules *ret_rules, const struct eg_host *host,
                           struct eg_str json, uint64_t tolerance_ns, struct eg_why *ret_why);
void webhook_rules_free(struct webhook_rules *rules);
/* The rule with the longest path; NULL when there is none. 0: the path can be read in several ways,
 * and they lead to different rules, one of which is told. */
int webhook_rules_find(const struct webhook_rules *rules, struct eg_str path,
                       const struct webhook_rule **ret_rule);

#endif
