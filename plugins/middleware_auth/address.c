/* address.c - see address.h. */
#include "address.h"

int32_t auth_networks_read(struct auth_networks *networks, const struct eg_host *host,
                           const struct eg_str_list *texts, const char *name,
                           struct eg_why *ret_why) {
    networks->items = host->mem->alloc(host, (texts->count + 1) * sizeof *networks->items);
    for (size_t i = 0; i < texts->count; i++) {
        if (!egx_network_parse(texts->items[i], &networks->items[i])) {
            return egx_why(ret_why, EG_E_INVAL,
                           "'%s': '%.*s' is neither an address nor a network such as 10.0.0.0/8",
                           name, EGX_FMT(texts->items[i]));
        }
        networks->count++;
    }
    return EG_OK;
}

/* The last item of the list off *list. */
static struct eg_str last_item(struct eg_str *list) {
    size_t from = list->len;
    while (from > 0 && list->ptr[from - 1] != ',') {
        from--;
    }
    const struct eg_str item = egx_str_cut(*list, from);
    list->len = from > 0 ? from - 1 : 0;
    return item;
}

/* Every header is visited once, however many the client sent. */
int auth_address_of_client(const struct eg_host *host, const struct eg_exchange *exchange,
                           const struct auth_networks *proxies, struct egx_address *ret_address) {
    const struct eg_exchange_api *api = host->exchange;
    struct eg_str name = {0};
    size_t at = 0;
    if (!egx_address_parse(api->peer(exchange), ret_address)) {
        return 0;
    }
    if (!auth_networks_have(proxies, ret_address)) {
        return 1;
    }
    do {
        (void)api->header_at(exchange, at++, &name);
    } while (name.ptr != NULL);
    while (at-- > 0) { /* several are one list (RFC 9110 5.3), the last was added last */
        struct eg_str list = api->header_at(exchange, at, &name);
        while (egx_str_eq_nocase(name, EGX_STR("x-forwarded-for")) && list.len > 0) {
            if (!egx_forwarded_parse(last_item(&list), ret_address)) {
                return 0;
            }
            if (!auth_networks_have(proxies, ret_address)) {
                return 1;
            }
        }
    }
    return 1; /* all of them are ours: the one farthest away */
}
