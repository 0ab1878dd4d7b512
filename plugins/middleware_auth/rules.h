/*
 * rules.h - who may do what: path prefixes with methods, and the credentials that open them. Read
 * once from the settings, then only read, by any loop.
 */
#ifndef MIDDLEWARE_AUTH_RULES_H
#define MIDDLEWARE_AUTH_RULES_H

#include "address.h"
#include "consumers.h"
#include "issuers.h"

struct auth_rule {
    struct eg_str path;         /* without a slash at its end; "" = everything */
    size_t path_len;            /* with its escapes undone */
    struct eg_str_list methods; /* none = all */
    int32_t is_public;
    uint32_t kinds;              /* bit set of enum auth_kind: what may open it */
    uint32_t issuers;            /* bit set, by index */
    uint8_t *consumers;          /* 1 by index of those who may; NULL = none */
    struct eg_str_list scopes;   /* of tokens of issuers: all of them */
    struct eg_str_list subjects; /* patterns for certificates */
    struct auth_networks allowed;
    struct auth_networks denied;
};
struct auth_rules {
    const struct eg_host *host;
    struct eg_json *root; /* all texts live here */
    struct auth_rule *items;
    size_t count;
};

/* What rules refer to, and the table for the credentials that they name themselves. */
struct auth_known {
    const struct auth_consumers *consumers;
    const struct auth_issuers *issuers;
    struct auth_credentials *credentials;
};

/* The JSON list of the setting `rules`. take: auth_rules_free, also after a refusal. */
int32_t auth_rules_read(struct auth_rules *rules, const struct eg_host *host, struct eg_str json,
                        const struct auth_known *known, struct eg_why *ret_why);
void auth_rules_free(struct auth_rules *rules);

/* ---- match.c ---- */

/* The rule that counts: of those for the method and a prefix of the path the longest path, and of
 * these the one that names its methods. NULL = no rule. 0 = the path can be read in several ways,
 * which lead to different rules. */
int auth_rules_find(const struct auth_rules *rules, struct eg_str method, struct eg_str path,
                    const struct auth_rule **ret_rule);
int auth_rule_has_method(const struct auth_rule *rule, struct eg_str method);
/* Does this consumer open the rule? */
static inline int auth_rule_has_consumer(const struct auth_rule *rule,
                                         const struct auth_consumer *consumer) {
    return rule->consumers != NULL && rule->consumers[consumer->index] != 0;
}

#endif
