/*
 * address.h - networks of the settings, and where a request comes from. Stricter than
 * egx_client_address: a list of addresses is a door, so who cannot be told does not get through it.
 */
#ifndef MIDDLEWARE_AUTH_ADDRESS_H
#define MIDDLEWARE_AUTH_ADDRESS_H

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_client.h>

struct auth_networks {
    struct egx_network *items;
    size_t count;
};

/* "10.0.0.0/8", "2001:db8::/32", one address. name: of the setting, for ret_why. take: free items
 * with host->mem. */
int32_t auth_networks_read(struct auth_networks *networks, const struct eg_host *host,
                           const struct eg_str_list *texts, const char *name,
                           struct eg_why *ret_why);
static inline int auth_networks_have(const struct auth_networks *networks,
                                     const struct egx_address *address) {
    return egx_networks_have(networks->items, networks->count, address);
}

/* The peer, or, when that is a trusted proxy, what the proxies wrote into X-Forwarded-For, read
 * from the right up to the first address that is no trusted proxy. 0 when a proxy wrote no address
 * there. Loop thread. */
int auth_address_of_client(const struct eg_host *host, const struct eg_exchange *exchange,
                           const struct auth_networks *proxies, struct egx_address *ret_address);

#endif
