/*
 * rules.h - who may do what: path prefixes with methods, and the credentials that open them. Read
 * once from the settings, then only read, by any loop.
 */
#ifndef MIDDLEWARE_AUTH_RULES_H
#define MIDDLEWARE_AUTH_RULES_H

#include <eventgw-sdk/egx.h>

struct auth_credential {
    struct eg_str name; /* of the consumer; may be empty */
    struct eg_str secret;
};
struct auth_credentials {
    struct auth_credential *items;
    size_t count;
};
struct auth_rule {
    struct eg_str path; /* without a slash at its end; "" = everything */
    struct eg_str *methods;
    size_t method_count; /* 0 = all */
    struct auth_credentials api_keys;
    struct auth_credentials tokens;
    int32_t is_public;
};
struct auth_rules {
    const struct eg_host *host;
    struct eg_json *root; /* all texts live here */
    struct auth_rule *items;
    size_t count;
};

/* The JSON list of the setting `rules`. take: auth_rules_free, also after a refusal. */
int32_t auth_rules_read(struct auth_rules *rules, const struct eg_host *host, struct eg_str json,
                        struct eg_why *ret_why);
void auth_rules_free(struct auth_rules *rules);

/* The rule that counts: of those for the method and a prefix of the path the longest path, and of
 * these the one that names its methods. NULL = no rule. */
const struct auth_rule *auth_rules_find(const struct auth_rules *rules, struct eg_str method,
                                        struct eg_str path);
/* The credential with this secret, or NULL. Time does not tell which was nearly right. */
const struct auth_credential *auth_find_credential(const struct auth_credentials *credentials,
                                                   struct eg_str secret);

#endif
