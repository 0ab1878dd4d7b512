/*
 * address.h - addresses of clients, and networks in CIDR notation (RFC 4632, RFC 4291 2.3). IPv4 is
 * kept as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so that both forms of an address are one.
 */
#ifndef MIDDLEWARE_AUTH_ADDRESS_H
#define MIDDLEWARE_AUTH_ADDRESS_H

#include <eventgw-sdk/egx.h>

struct auth_address {
    unsigned char bytes[16];
};
struct auth_network {
    struct auth_address address;
    uint32_t bits;
};
struct auth_networks {
    struct auth_network *items;
    size_t count;
};

/* "10.0.0.0/8", "2001:db8::/32", one address. name: of the setting, for ret_why. take: free items
 * with host->mem. */
int32_t auth_networks_read(struct auth_networks *networks, const struct eg_host *host,
                           const struct eg_str_list *texts, const char *name,
                           struct eg_why *ret_why);
int auth_networks_have(const struct auth_networks *networks, const struct auth_address *address);

/* 0 when it is no address. Also with a port, and in brackets, as proxies write them. */
int auth_address_read(struct eg_str text, struct auth_address *ret_address);

/* Where the request comes from: the peer, or, when that is a trusted proxy, what the proxies wrote
 * into X-Forwarded-For, read from the right up to the first address that is no trusted proxy. 0
 * when a proxy wrote no address there. */
int auth_address_of_client(const struct eg_host *host, const struct eg_exchange *exchange,
                           const struct auth_networks *proxies, struct auth_address *ret_address);

#endif
