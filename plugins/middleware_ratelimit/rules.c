/*
 * rules.c - see rules.h. Strict, with a sentence for each mistake: a limit that does not hold is
 * noticed when it is too late.
 */
#include "rules.h"

#include <eventgw-sdk/egx_group.h>
#include <eventgw-sdk/egx_path.h>

#define SECOND 1000000000ull
#define DAY (24 * 3600 * SECOND)
#define YEAR (365 * DAY)
#define COUNT_MAX 1000000
/* Redis tells the time in microseconds, and a debt has to be more than a rounding error. */
#define INTERVAL_MIN_NS 10000u

/* ---- key ---- */

static int32_t read_part(struct eg_str text, struct ratelimit_part *part, struct eg_why *ret_why) {
    static const struct {
        const char *word;
        uint32_t kind;
    } words[] = {{"all", RATELIMIT_BY_ALL},
                 {"address", RATELIMIT_BY_ADDRESS},
                 {"principal", RATELIMIT_BY_PRINCIPAL},
                 {"path", RATELIMIT_BY_PATH},
                 {"space", RATELIMIT_BY_SPACE}};
    for (size_t i = 0; i < EGX_COUNT(words); i++) {
        if (egx_str_eq(text, egx_str_c(words[i].word))) {
            part->kind = words[i].kind;
            return EG_OK;
        }
    }
    if (egx_str_starts(text, EGX_STR("header:")) &&
        egx_group_is_header(egx_str_cut(text, strlen("header:")))) {
        part->kind = RATELIMIT_BY_HEADER;
        part->header = egx_str_cut(text, strlen("header:"));
        return EG_OK;
    }
    return egx_why(ret_why, EG_E_INVAL,
                   "'key' has to be all, address, principal, path, space or header:NAME");
}

/* A text, or a list of them: a bucket for each combination. */
static int32_t read_key(const struct ratelimit_rules *rules, const struct eg_json *group,
                        struct ratelimit_rule *rule, struct eg_why *ret_why) {
    const struct eg_json_api *json = rules->host->json;
    const struct eg_json *key = json->member(group, EGX_STR("key"));
    const struct eg_json *list = NULL;
    size_t count = 1;
    int32_t rc = EG_OK;
    if (json->kind(key) == EG_JSON_ARRAY) {
        rc = egx_group_list(rules->host, group, "key", RATELIMIT_KEY_PARTS, &list, &count, ret_why);
    }
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        const struct eg_json *item = list == NULL ? key : json->at(list, i, NULL);
        rc = read_part(json->string(item), &rule->parts[i], ret_why);
        rule->is_of_event |= rule->parts[i].kind == RATELIMIT_BY_SPACE;
        rule->part_count++;
    }
    return rc;
}

/* ---- what is allowed ---- */

static int32_t read_limit(const struct ratelimit_rules *rules, const struct eg_json *group,
                          struct ratelimit_rule *rule, struct eg_why *ret_why) {
    const struct eg_host *host = rules->host;
    int32_t rc = egx_group_int(host, group, "limit", 1, COUNT_MAX, &rule->limit, ret_why);
    rc = rc < 0 ? rc
                : egx_group_duration(host, group, "per", SECOND / 1000, 31 * DAY, &rule->per_ns,
                                     ret_why);
    if (rc >= 0 && (rule->limit == 0 || rule->per_ns == 0)) {
        return egx_why(ret_why, EG_E_INVAL, "it needs 'limit' and 'per'");
    }
    rule->burst = rule->limit;
    rc = rc < 0 ? rc : egx_group_int(host, group, "burst", 1, COUNT_MAX, &rule->burst, ret_why);
    if (rc < 0) {
        return rc;
    }
    const uint64_t interval = rule->per_ns / (uint64_t)rule->limit;
    if (interval < INTERVAL_MIN_NS) {
        return egx_why(ret_why, EG_E_INVAL, "more than 100000 in a second cannot be counted");
    }
    if ((uint64_t)rule->burst > YEAR / interval) {
        return egx_why(ret_why, EG_E_INVAL, "'burst' is more than the limit of a year");
    }
    rule->bucket.interval_ns = interval;
    rule->bucket.capacity_ns = interval * (uint64_t)rule->burst;
    return EG_OK;
}

static int32_t read_where(const struct ratelimit_rules *rules, const struct eg_json *group,
                          struct ratelimit_rule *rule, struct eg_why *ret_why) {
    const struct eg_host *host = rules->host;
    rule->path = EGX_STR("/");
    int32_t rc = egx_group_text(host, group, "path", &rule->path, ret_why);
    if (rc >= 0 && !egx_path_is_rule(rule->path)) {
        return egx_why(ret_why, EG_E_INVAL, EGX_PATH_RULE_TOLD);
    }
    rc = rc < 0 ? rc
                : egx_group_list(host, group, "methods", 32, &rule->methods, &rule->method_count,
                                 ret_why);
    for (size_t i = 0; rc >= 0 && i < rule->method_count; i++) {
        if (host->json->string(host->json->at(rule->methods, i, NULL)).len == 0) {
            return egx_why(ret_why, EG_E_INVAL, "'methods' has to be a list of texts");
        }
    }
    return rc;
}

/* Part of a header (a string of RFC 8941 3.3.3) and of Redis keys. */
static int is_name(struct eg_str name) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = egx_lower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 32;
}

static int32_t read_name(struct ratelimit_rules *rules, const struct eg_json *group,
                         struct ratelimit_rule *rule, struct eg_why *ret_why) {
    const int32_t rc = egx_group_text(rules->host, group, "name", &rule->name, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (!is_name(rule->name)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it needs a 'name' of up to 32 letters, digits, - and _");
    }
    for (const struct ratelimit_rule *other = rules->items; other < rule; other++) {
        if (egx_str_eq(other->name, rule->name)) {
            return egx_why(ret_why, EG_E_INVAL, "there is a rule '%.*s' already",
                           EGX_FMT(rule->name));
        }
    }
    return EG_OK;
}

/* draft-ietf-httpapi-ratelimit-headers-11, 3.1: q, the quota; w, its window in whole seconds.
 * Parameters of our own carry our name. */
static void write_policy(struct ratelimit_rule *rule) {
    char window[32] = "";
    char burst[48] = "";
    if (rule->per_ns % SECOND == 0) {
        (void)snprintf(window, sizeof window, ";w=%llu",
                       (unsigned long long)(rule->per_ns / SECOND));
    }
    if (rule->burst != rule->limit) {
        (void)snprintf(burst, sizeof burst, ";eventgateway-burst=%lld", (long long)rule->burst);
    }
    (void)snprintf(rule->policy, sizeof rule->policy, "\"%.*s\";q=%lld%s%s", EGX_FMT(rule->name),
                   (long long)rule->limit, window, burst);
}

static int32_t add_rule(struct ratelimit_rules *rules, const struct eg_json *group,
                        struct eg_why *ret_why) {
    static const char *const known[] = {"name", "limit", "per", "burst", "key", "path", "methods"};
    struct ratelimit_rule *rule = &rules->items[rules->count++];
    int32_t rc = egx_group_keys(rules->host, group, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : read_name(rules, group, rule, ret_why);
    rc = rc < 0 ? rc : read_limit(rules, group, rule, ret_why);
    rc = rc < 0 ? rc : read_key(rules, group, rule, ret_why);
    rc = rc < 0 ? rc : read_where(rules, group, rule, ret_why);
    if (rc < 0) {
        return rc;
    }
    rules->count_of_event += rule->is_of_event != 0;
    const struct eg_kv label = {EGX_STR("rule"), rule->name};
    rule->refused =
        rules->host->metrics->counter(rules->host, EGX_STR("ratelimit_refused_total"),
                                      EGX_STR("Requests that a rule had no room for."), &label, 1);
    write_policy(rule);
    return EG_OK;
}

int32_t ratelimit_rules_read(struct ratelimit_rules *ret_rules, const struct eg_host *host,
                             struct eg_str json, struct eg_why *ret_why) {
    struct ratelimit_rules *rules = ret_rules;
    struct eg_why why = {.struct_size = sizeof why};
    memset(rules, 0, sizeof *rules);
    rules->host = host;
    int32_t rc = host->json->parse(host, json, &rules->root, ret_why);
    if (rc < 0) {
        return rc;
    }
    const size_t count = host->json->count(rules->root);
    if (host->json->kind(rules->root) != EG_JSON_ARRAY || count == 0 ||
        count > RATELIMIT_RULES_MAX) {
        return egx_why(ret_why, EG_E_INVAL, "'rules' has to be a list of 1 to %u groups",
                       RATELIMIT_RULES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        rc = add_rule(rules, host->json->at(rules->root, i, NULL), &why);
        if (rc < 0) {
            return egx_why(ret_why, rc, "rule %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    return EG_OK;
}

void ratelimit_rules_free(struct ratelimit_rules *rules) {
    if (rules->root != NULL) {
        rules->host->json->free(rules->host, rules->root);
    }
}

static const void *find(const void *of, struct eg_str path, int is_reading) {
    const struct ratelimit_rule *rule = of;
    return egx_path_is_below(path, is_reading, rule->path) ? rule : NULL;
}

/* In one of its readings, or who knows: a limit that is asked once too often is better than one
 * that is evaded. */
static int is_below(const struct eg_host *host, const struct ratelimit_rule *rule,
                    struct eg_str path) {
    const void *found = NULL;
    return !egx_path_find(host, path, find, rule, &found) || found != NULL;
}

int ratelimit_rule_applies(const struct ratelimit_rules *rules, const struct ratelimit_rule *rule,
                           struct eg_str method, struct eg_str path) {
    const struct eg_json_api *json = rules->host->json;
    size_t i = 0;
    while (i < rule->method_count &&
           !egx_str_eq_nocase(json->string(json->at(rule->methods, i, NULL)), method)) {
        i++;
    }
    return (rule->method_count == 0 || i < rule->method_count) && is_below(rules->host, rule, path);
}
