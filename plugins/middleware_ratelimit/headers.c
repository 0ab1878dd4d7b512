/*
 * headers.c - see headers.h. The draft's "t" is the time within which a client can use no more than
 * "r": of a bucket that is the time until the next unit comes. So what follows from Retry-After is
 * never earlier than the end of that window (section 6).
 */
#include "headers.h"

uint64_t ratelimit_seconds(uint64_t ns) {
    return ns / 1000000000u + (ns % 1000000000u != 0);
}

void ratelimit_standing_set(struct ratelimit_standing *standing, const struct ratelimit_rule *rule,
                            uint64_t debt_ns, int is_refused) {
    size_t i = 0;
    while (i < standing->count && standing->items[i].rule != rule) {
        i++;
    }
    standing->items[i].rule = rule;
    standing->items[i].debt_ns = debt_ns;
    standing->items[i].is_refused = is_refused;
    standing->count = i == standing->count ? i + 1 : standing->count;
}

int ratelimit_standing_is_refused(const struct ratelimit_standing *standing) {
    size_t i = 0;
    while (i < standing->count && !standing->items[i].is_refused) {
        i++;
    }
    return i < standing->count;
}

void ratelimit_headers_put(const struct ratelimit_standing *standing,
                           struct eg_exchange *exchange) {
    const struct eg_exchange_api *api = standing->host->exchange;
    struct egx_json policies = egx_json_begin();
    struct egx_json limits = egx_json_begin();
    for (size_t i = 0; i < standing->count; i++) {
        const struct ratelimit_rule *rule = standing->items[i].rule;
        const uint64_t debt_ns = standing->items[i].debt_ns;
        const struct ratelimit_state state =
            standing->items[i].is_refused
                ? (struct ratelimit_state){0, ratelimit_wait_ns(&rule->bucket, debt_ns)}
                : ratelimit_state_of(&rule->bucket, debt_ns);
        char item[128];
        (void)snprintf(item, sizeof item, "%s\"%.*s\";r=%llu;t=%llu", i == 0 ? "" : ", ",
                       EGX_FMT(rule->name), (unsigned long long)state.remaining,
                       (unsigned long long)ratelimit_seconds(state.next_unit_ns));
        egx_json_raw(&limits, egx_str_c(item));
        egx_json_raw(&policies, egx_str_c(i == 0 ? "" : ", "));
        egx_json_raw(&policies, egx_str_c(rule->policy));
    }
    (void)api->reply_header(exchange, EGX_STR("RateLimit-Policy"), egx_json_text(&policies));
    (void)api->reply_header(exchange, EGX_STR("RateLimit"), egx_json_text(&limits));
    egx_json_free(&policies);
    egx_json_free(&limits);
}
