/*
 * eventgw-sdk/egx_client.h - where a request came from: addresses, networks, and the client behind
 * proxies that are trusted (X-Forwarded-For, read from the right, since everything left of what a
 * trusted proxy wrote is the client's own word).
 */
#ifndef EVENTGW_SDK_CLIENT_H
#define EVENTGW_SDK_CLIENT_H

#include <arpa/inet.h>
#include <stdint.h>

#include <eventgw/host.h>

#include "egx_str.h"

/* Network order. IPv4 stands in the first four bytes; ::ffff:a.b.c.d counts as IPv4. */
struct egx_address {
    uint8_t bytes[16];
    uint32_t is_v4;
};

/* An address with how many of its bits count. */
struct egx_network {
    struct egx_address address;
    uint32_t bits;
};

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; without anything behind. 1 = it is one. */
static inline int egx_address_parse(struct eg_str text, struct egx_address *ret_address) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct egx_address address;
    char copy[INET6_ADDRSTRLEN];
    memset(&address, 0, sizeof address);
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        text = egx_str_n(text.ptr + 1, text.len - 2);
    }
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, 0, text.len) != NULL) {
        return 0;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, address.bytes) == 1) {
        address.is_v4 = 1;
    } else if (inet_pton(AF_INET6, copy, address.bytes) != 1) {
        return 0;
    } else if (memcmp(address.bytes, mapped, sizeof mapped) == 0) {
        memmove(address.bytes, address.bytes + 12, 4);
        memset(address.bytes + 4, 0, 12);
        address.is_v4 = 1;
    }
    *ret_address = address;
    return 1;
}

/* "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix have to be 0. */
static inline int egx_network_parse(struct eg_str text, struct egx_network *ret_network) {
    struct egx_network network;
    const char *slash = text.len == 0 ? NULL : (const char *)memchr(text.ptr, '/', text.len);
    const size_t len = slash == NULL ? text.len : (size_t)(slash - text.ptr);
    const struct eg_str digits = slash == NULL ? egx_str_n(NULL, 0) : egx_str_cut(text, len + 1);
    if (!egx_address_parse(egx_str_n(text.ptr, len), &network.address)) {
        return 0;
    }
    const uint32_t most = network.address.is_v4 ? 32 : 128;
    network.bits = slash == NULL ? most : 0;
    if (digits.len > 3 || (slash != NULL && digits.len == 0)) {
        return 0;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return 0;
        }
        network.bits = network.bits * 10 + (uint32_t)(digits.ptr[i] - '0');
    }
    if (network.bits > most) {
        return 0;
    }
    for (uint32_t bit = network.bits; bit < most; bit++) {
        if ((network.address.bytes[bit / 8] & (0x80u >> (bit % 8))) != 0) {
            return 0;
        }
    }
    *ret_network = network;
    return 1;
}

/* Is the address in the network? */
static inline int egx_network_has(const struct egx_network *network,
                                  const struct egx_address *address) {
    const uint32_t whole = network->bits / 8;
    const uint32_t rest = network->bits % 8;
    if (network->address.is_v4 != address->is_v4 ||
        memcmp(network->address.bytes, address->bytes, whole) != 0) {
        return 0;
    }
    const unsigned mask = rest == 0 ? 0 : 0xffu << (8 - rest) & 0xffu;
    return rest == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

/* Is it in one of them? */
static inline int egx_networks_have(const struct egx_network *networks, size_t count,
                                    const struct egx_address *address) {
    size_t i = 0;
    while (i < count && !egx_network_has(&networks[i], address)) {
        i++;
    }
    return i < count;
}

/* One word of X-Forwarded-For, also with a port ("192.0.2.1:80", "[::1]:80"), as some proxies write
 * it. */
static inline int egx_forwarded_parse(struct eg_str word, struct egx_address *ret_address) {
    while (word.len > 0 && (word.ptr[0] == ' ' || word.ptr[0] == '\t')) {
        word = egx_str_cut(word, 1);
    }
    while (word.len > 0 && (word.ptr[word.len - 1] == ' ' || word.ptr[word.len - 1] == '\t')) {
        word.len--;
    }
    if (egx_address_parse(word, ret_address)) {
        return 1;
    }
    size_t digits = 0;
    while (digits < word.len && word.ptr[word.len - 1 - digits] >= '0' &&
           word.ptr[word.len - 1 - digits] <= '9') {
        digits++;
    }
    if (digits == 0 || digits > 5 || digits + 1 >= word.len ||
        word.ptr[word.len - 1 - digits] != ':') {
        return 0;
    }
    word.len -= digits + 1;
    return egx_address_parse(word, ret_address);
}

/* The client of a request: the peer, or when that is a trusted proxy whoever it says it got the
 * request from, and so on. A word that is no address ends the walk at the proxy that wrote it.
 * 0 = the peer has no address. */
static inline int egx_client_address(const struct eg_host *host, const struct eg_exchange *exchange,
                                     const struct egx_network *trusted, size_t trusted_count,
                                     struct egx_address *ret_address) {
    struct egx_address address;
    size_t lines = 0;
    if (!egx_address_parse(host->exchange->peer(exchange), &address)) {
        return 0;
    }
    /* Lines are counted for who is believed only: each takes a pass over all headers. */
    const int is_proxy = egx_networks_have(trusted, trusted_count, &address);
    while (is_proxy &&
           host->exchange->header(exchange, EGX_STR("X-Forwarded-For"), lines).ptr != NULL) {
        lines++;
    }
    for (size_t line = lines; line-- > 0;) {
        struct eg_str rest = host->exchange->header(exchange, EGX_STR("X-Forwarded-For"), line);
        int has_more = rest.len > 0;
        while (has_more) {
            size_t begin = rest.len;
            while (begin > 0 && rest.ptr[begin - 1] != ',') {
                begin--;
            }
            struct egx_address next;
            if (!egx_networks_have(trusted, trusted_count, &address) ||
                !egx_forwarded_parse(egx_str_cut(rest, begin), &next)) {
                *ret_address = address;
                return 1;
            }
            address = next;
            has_more = begin > 0;
            rest.len = begin == 0 ? 0 : begin - 1;
        }
    }
    *ret_address = address;
    return 1;
}

#endif
