/*
 * match.c - which rule counts for a request: see rules.h. Any thread.
 *
 * A function behind a wildcard gets the path decoded and may resolve it further, so a path that is
 * not plain has several readings (egx_path.h). When these lead to different rules nobody can say
 * which one was meant, and whatever was chosen could be the one that lets in.
 */
#include <eventgw-sdk/egx_path.h>

#include "rules.h"

int auth_rule_has_method(const struct auth_rule *rule, struct eg_str method) {
    size_t i = 0;
    while (i < rule->methods.count && !egx_str_eq_nocase(rule->methods.items[i], method)) {
        i++;
    }
    return rule->methods.count == 0 || i < rule->methods.count;
}

static int is_better(const struct auth_rule *rule, const struct auth_rule *best) {
    if (best == NULL || rule->path_len != best->path_len) {
        return best == NULL || rule->path_len > best->path_len;
    }
    return rule->methods.count > 0 && best->methods.count == 0;
}

struct search {
    const struct auth_rules *rules;
    struct eg_str method;
};

static const void *find(const void *of, struct eg_str path, int is_reading) {
    const struct search *search = of;
    const struct auth_rules *rules = search->rules;
    const struct auth_rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct auth_rule *rule = &rules->items[i];
        if (is_better(rule, best) && auth_rule_has_method(rule, search->method) &&
            egx_path_is_below(path, is_reading, rule->path)) {
            best = rule;
        }
    }
    return best;
}

int auth_rules_find(const struct auth_rules *rules, struct eg_str method, struct eg_str path,
                    const struct auth_rule **ret_rule) {
    const struct search search = {rules, method};
    const void *rule = NULL;
    path = egx_str_eq(path, EGX_STR("*")) ? EGX_STR("/") : path; /* OPTIONS *, RFC 9112 3.2.4 */
    const int is_one = egx_path_find(rules->host, path, find, &search, &rule);
    *ret_rule = is_one ? rule : NULL;
    return is_one;
}
