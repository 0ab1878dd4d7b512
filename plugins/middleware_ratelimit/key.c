/*
 * key.c - see key.h. Of IPv6 the first 64 bits count: that is the least a customer gets (RFC 6177),
 * and who has them has 2^64 addresses to send from. A request without the header or principal that
 * a rule asks for is told apart by its address, so leaving it out opens nothing.
 */
#include "key.h"

#include <eventgw-sdk/egx_path.h>

static void put(struct egx_json *text, uint32_t kind, struct eg_str bytes) {
    char head[40];
    const int len = snprintf(head, sizeof head, "%u:%zu:", kind, bytes.len);
    egx_json_raw(text, egx_str_n(head, len > 0 ? (size_t)len : 0));
    egx_json_raw(text, bytes);
}

static void put_address(const struct eg_host *host, const struct ratelimit_proxies *proxies,
                        const struct eg_exchange *exchange, struct egx_json *text) {
    struct egx_address address;
    if (!egx_client_address(host, exchange, proxies->items, proxies->count, &address)) {
        put(text, RATELIMIT_BY_ADDRESS, host->exchange->peer(exchange));
        return;
    }
    put(text, RATELIMIT_BY_ADDRESS, egx_str_n((const char *)address.bytes, address.is_v4 ? 4 : 8));
}

static void put_or_address(const struct eg_host *host, const struct ratelimit_proxies *proxies,
                           const struct eg_exchange *exchange, uint32_t kind, struct eg_str value,
                           struct egx_json *text) {
    if (value.len > 0) {
        put(text, kind, value);
    } else {
        put_address(host, proxies, exchange, text);
    }
}

/* In the reading that makes most paths the same, so that each spelling is one bucket; all that
 * nobody can judge are one. */
static void put_path(const struct eg_host *host, const struct eg_exchange *exchange,
                     struct egx_json *text) {
    const struct eg_str path = host->exchange->path(exchange);
    char *reading = host->mem->alloc(host, path.len + 1);
    const size_t len =
        egx_path_is_unclear(path) ? 0 : egx_path_read(path, EGX_PATH_READINGS - 1, reading);
    put(text, RATELIMIT_BY_PATH, egx_str_n(reading, len));
    host->mem->free(host, reading);
}

void ratelimit_key(const struct eg_host *host, const struct ratelimit_proxies *proxies,
                   const struct ratelimit_rule *rule, const struct eg_exchange *exchange,
                   struct egx_json *text) {
    const struct eg_exchange_api *api = host->exchange;
    for (size_t i = 0; i < rule->part_count; i++) {
        const struct ratelimit_part *part = &rule->parts[i];
        switch (part->kind) {
        case RATELIMIT_BY_ADDRESS:
            put_address(host, proxies, exchange, text);
            break;
        case RATELIMIT_BY_PRINCIPAL:
            put_or_address(host, proxies, exchange, part->kind, api->principal(exchange), text);
            break;
        case RATELIMIT_BY_PATH:
            put_path(host, exchange, text);
            break;
        case RATELIMIT_BY_SPACE:
            put(text, part->kind, api->space(exchange));
            break;
        case RATELIMIT_BY_HEADER:
            put_or_address(host, proxies, exchange, part->kind,
                           api->header(exchange, part->header, 0), text);
            break;
        default:
            put(text, RATELIMIT_BY_ALL, egx_str_n(NULL, 0));
            break;
        }
    }
}
