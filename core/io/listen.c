/*
 * io/listen.c - listening sockets. SO_REUSEPORT lets every loop have its own, so that the kernel
 * spreads connections and no accept is contended. Any thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/why.h"
#include "io/http_server.h"

#define BACKLOG 1024

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool is_any(struct eg_str address) {
    return address.len == 0 || gw_str_eq(address, GW_STR("*"));
}

/* Numeric addresses only: names may mean several, and resolving blocks. "localhost" is 127.0.0.1.
 */
static int32_t parse_address(struct eg_str address, uint16_t port, union address *ret_address,
                             socklen_t *ret_len) {
    char text[INET6_ADDRSTRLEN];
    union address parsed = {0};
    if (gw_str_eq(address, GW_STR("localhost"))) {
        address = GW_STR("127.0.0.1");
    }
    if (address.len > 2 && address.ptr[0] == '[' && gw_str_ends(address, GW_STR("]"))) {
        address = gw_str_sub(address, 1, address.len - 2);
    }
    if (address.len >= sizeof text || memchr(address.ptr, '\0', address.len) != NULL) {
        return EG_E_INVAL;
    }
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET, text, &parsed.v4.sin_addr) == 1) {
        parsed.v4.sin_family = AF_INET;
        parsed.v4.sin_port = htons(port);
        *ret_len = sizeof parsed.v4;
    } else if (inet_pton(AF_INET6, text, &parsed.v6.sin6_addr) == 1) {
        parsed.v6.sin6_family = AF_INET6;
        parsed.v6.sin6_port = htons(port);
        *ret_len = sizeof parsed.v6;
    } else {
        return EG_E_INVAL;
    }
    *ret_address = parsed;
    return EG_OK;
}

/* A bound and listening socket, or -1 with errno. */
static int open_listener(const union address *address, socklen_t len, bool is_dual,
                         bool is_shared) {
    const int on = 1;
    const int off = 0;
    const int fd =
        socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, is_shared ? &on : &off, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (address->any.sa_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_dual ? &off : &on, sizeof on);
    }
    if (bind(fd, &address->any, len) != 0 || listen(fd, BACKLOG) != 0) {
        const int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* All interfaces: one socket for IPv6 and IPv4, or IPv4 alone where the system has no IPv6. */
static int open_any(uint16_t port, bool is_shared) {
    union address address = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    const int fd = open_listener(&address, sizeof address.v6, true, is_shared);
    if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)) {
        return fd;
    }
    address = (union address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    return open_listener(&address, sizeof address.v4, false, is_shared);
}

static uint16_t bound_port(int fd) {
    union address address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static int32_t listen_on(struct eg_str address, uint16_t port, bool is_shared, int *ret_fd,
                         uint16_t *ret_port, struct eg_why *ret_why) {
    union address parsed;
    socklen_t len = 0;
    int fd = -1;
    if (is_any(address)) {
        fd = open_any(port, is_shared);
    } else if (parse_address(address, port, &parsed, &len) == EG_OK) {
        fd = open_listener(&parsed, len, false, is_shared);
    } else {
        return gw_why(ret_why, EG_E_INVAL, "cannot listen on \"%.*s\": not an IP address",
                      GW_FMT(address));
    }
    if (fd < 0) {
        const int error = errno;
        const struct eg_str shown = is_any(address) ? GW_STR("*") : address;
        return gw_why(ret_why, EG_E_IO, "cannot listen on %.*s:%u: %s", GW_FMT(shown), port,
                      strerror(error));
    }
    *ret_fd = fd;
    *ret_port = bound_port(fd);
    return EG_OK;
}

/* Port 0: a second socket takes the free port by its number. Linux forgets a port that it chose
 * itself when the socket is shut down (SOCK_BINDPORT_LOCK), as http_accept.c does. */
int32_t gw_listen(struct eg_str address, uint16_t port, int *ret_fd, uint16_t *ret_port,
                  struct eg_why *ret_why) {
    int first = -1;
    uint16_t bound = port;
    int32_t rc = EG_OK;
    if (port == 0) {
        rc = listen_on(address, 0, true, &first, &bound, ret_why);
    }
    if (rc == EG_OK) {
        rc = listen_on(address, bound, true, ret_fd, ret_port, ret_why);
    }
    if (first >= 0) {
        close(first);
    }
    return rc;
}

int32_t gw_listen_again(int fd) {
    return listen(fd, BACKLOG) == 0 ? EG_OK : EG_E_IO;
}

int32_t gw_listen_check(struct eg_str address, uint16_t port, struct eg_why *ret_why) {
    int fd = -1;
    uint16_t ignored = 0;
    const int32_t rc = listen_on(address, port, false, &fd, &ignored, ret_why);
    if (rc == EG_OK) {
        close(fd);
    }
    return rc;
}
