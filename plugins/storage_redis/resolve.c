/*
 * resolve.c - see resolve.h. getaddrinfo blocks, so it runs on a thread of the gateway's pool.
 *
 * Thread: work on a pool thread, the rest on the loop. Ownership: a look-up owns copies of all it
 * needs and frees itself after done.
 */
#include "resolve.h"

#include <netdb.h>
#include <stddef.h>
#include <sys/un.h>

struct lookup {
    const struct eg_host *host;
    void (*done)(void *arg, const struct redis_found *found);
    void *arg;
    struct eg_str *addresses;
    size_t address_count;
    char default_port[8];
    struct redis_peer *peers;
    size_t count;
    size_t max;
    struct eg_why why;
};

/* ---- spelling ---- */

static bool is_port(struct eg_str text) {
    unsigned number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i > 4) {
            return false;
        }
        number = number * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return number > 0 && number < 65536;
}

/* Host without brackets, port empty when there is none. False: no address. */
static bool split(struct eg_str address, struct eg_str *ret_host, struct eg_str *ret_port) {
    struct eg_str host = address;
    struct eg_str rest = egx_str_n(NULL, 0);
    const char *colon = NULL;
    if (address.len > 0 && address.ptr[0] == '[') {
        const char *end = memchr(address.ptr, ']', address.len);
        if (end == NULL) {
            return false;
        }
        host = egx_str_n(address.ptr + 1, (size_t)(end - address.ptr) - 1);
        rest = egx_str_cut(address, (size_t)(end - address.ptr) + 1);
    } else if (address.len > 0 && (colon = memchr(address.ptr, ':', address.len)) != NULL) {
        host = egx_str_n(address.ptr, (size_t)(colon - address.ptr));
        rest = egx_str_cut(address, host.len);
    }
    if (rest.len > 0 && (rest.ptr[0] != ':' || !is_port(egx_str_cut(rest, 1)))) {
        return false;
    }
    *ret_host = host;
    *ret_port = egx_str_cut(rest, 1);
    return host.len > 0 && host.len < REDIS_NAME_BYTES && memchr(host.ptr, 0, host.len) == NULL;
}

static bool is_path(struct eg_str address) {
    return address.len > 0 && address.ptr[0] == '/';
}

int32_t redis_address_check(struct eg_str address, struct eg_why *ret_why) {
    struct eg_str host;
    struct eg_str port;
    if (is_path(address)) {
        return address.len < sizeof((struct sockaddr_un *)0)->sun_path
                   ? EG_OK
                   : egx_why(ret_why, EG_E_INVAL, "the path of a socket is too long: '%.*s'",
                             EGX_FMT(address));
    }
    return split(address, &host, &port)
               ? EG_OK
               : egx_why(ret_why, EG_E_INVAL,
                         "'%.*s' is no address: write host:port, [address]:port, or the path of a "
                         "socket",
                         EGX_FMT(address));
}

/* ---- looking up ---- */

static struct redis_peer *add_peer(struct lookup *lookup, struct eg_str address,
                                   struct eg_str host) {
    if (lookup->count == lookup->max) {
        return NULL;
    }
    struct redis_peer *peer = &lookup->peers[lookup->count++];
    (void)snprintf(peer->name, sizeof peer->name, "%.*s", EGX_FMT(address));
    (void)snprintf(peer->host, sizeof peer->host, "%.*s", EGX_FMT(host));
    return peer;
}

static void add_path(struct lookup *lookup, struct eg_str address) {
    struct redis_peer *peer = add_peer(lookup, address, EGX_STR("localhost"));
    struct sockaddr_un socket_address = {.sun_family = AF_UNIX};
    if (peer != NULL && address.len < sizeof socket_address.sun_path) {
        memcpy(socket_address.sun_path, address.ptr, address.len);
        memcpy(&peer->address, &socket_address, sizeof socket_address);
        peer->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address.len + 1);
    }
}

static void look_up(struct lookup *lookup, struct eg_str address) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char name[REDIS_NAME_BYTES];
    char service[8];
    struct eg_str host;
    struct eg_str port;
    if (is_path(address)) {
        add_path(lookup, address);
        return;
    }
    if (!split(address, &host, &port)) {
        (void)egx_why(&lookup->why, EG_E_INVAL, "'%.*s' is no address", EGX_FMT(address));
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", EGX_FMT(host));
    (void)snprintf(service, sizeof service, "%.*s",
                   EGX_FMT(port.len > 0 ? port : egx_str_c(lookup->default_port)));
    const int failed = getaddrinfo(name, service, &hints, &found);
    if (failed != 0) {
        (void)egx_why(&lookup->why, EG_E_UNAVAILABLE, "the name '%s' cannot be looked up: %s", name,
                      gai_strerror(failed));
        return;
    }
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        struct redis_peer *peer = add_peer(lookup, address, host);
        if (peer != NULL && one->ai_addrlen <= sizeof peer->address) {
            memcpy(&peer->address, one->ai_addr, one->ai_addrlen);
            peer->address_len = one->ai_addrlen;
        }
    }
    freeaddrinfo(found);
}

static void work(void *arg) {
    struct lookup *lookup = arg;
    for (size_t i = 0; i < lookup->address_count; i++) {
        look_up(lookup, lookup->addresses[i]);
    }
}

static void free_lookup(struct lookup *lookup) {
    lookup->host->mem->free(lookup->host, lookup->addresses);
    lookup->host->mem->free(lookup->host, lookup->peers);
    lookup->host->mem->free(lookup->host, lookup);
}

static void worked(void *arg) {
    struct lookup *lookup = arg;
    const struct redis_found found = {lookup->peers, lookup->count, &lookup->why};
    lookup->done(lookup->arg, &found);
    free_lookup(lookup);
}

/* The slices and, behind them, their bytes. */
static void copy_addresses(struct lookup *lookup, const struct eg_str_list *addresses) {
    size_t bytes = 1;
    for (size_t i = 0; i < addresses->count; i++) {
        bytes += addresses->items[i].len;
    }
    lookup->addresses =
        lookup->host->mem->alloc(lookup->host, addresses->count * sizeof(struct eg_str) + bytes);
    char *at = (char *)(lookup->addresses + addresses->count);
    for (size_t i = 0; i < addresses->count; i++) {
        const struct eg_str from = addresses->items[i];
        if (from.len > 0) {
            memcpy(at, from.ptr, from.len);
        }
        lookup->addresses[i] = egx_str_n(at, from.len);
        at += from.len;
    }
    lookup->address_count = addresses->count;
}

int32_t redis_resolve(const struct eg_host *host, struct eg_loop *loop,
                      const struct eg_str_list *addresses, const char *default_port,
                      size_t max_peers, void (*done)(void *arg, const struct redis_found *found),
                      void *arg) {
    struct lookup *lookup = host->mem->alloc(host, sizeof *lookup);
    lookup->host = host;
    lookup->done = done;
    lookup->arg = arg;
    lookup->why.struct_size = sizeof lookup->why;
    lookup->max = max_peers;
    lookup->peers = host->mem->alloc(host, max_peers * sizeof *lookup->peers);
    (void)snprintf(lookup->default_port, sizeof lookup->default_port, "%s", default_port);
    copy_addresses(lookup, addresses);
    const int32_t rc = host->loop->run_blocking(host, loop, work, worked, lookup);
    if (rc < 0) {
        free_lookup(lookup);
    }
    return rc;
}
