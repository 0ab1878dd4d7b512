/*
 * io/http_accept.c - see http_accept.h. We accept and not libmicrohttpd, so that a client over a
 * limit is told so instead of being dropped, and a shortage of descriptors cannot spin the loop.
 *
 * Telling costs as much as serving, or more. So when all places are taken and connections keep
 * coming, a few are told and then the socket stops listening: the system refuses the others, at no
 * cost for the loop, until places are free or a tenth of a second has passed. Linux: a listening
 * socket that is shut down for reading keeps its port (if it was bound to a number: gw_listen sees
 * to that) and may listen again; what waited to be accepted is reset.
 */
#include "io/http_accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "io/http_server.h"
#include "io/http_spread.h"

#define ACCEPTS_PER_TURN 64
#define TELL_AGAIN_NS GW_NS_PER_S
#define PAUSE_NS (100 * GW_NS_PER_MS)
#define REFUSALS_MAX 16u /* told in a tenth of a second */
#define ROOM_SHARE 8u    /* of the places are free: listen again */

struct gw_peer_count {
    uint32_t connections;
    uint8_t key_len;
    char key[8];
};

static void on_connection(struct gw_fd *fd, uint32_t events);
static void listen_again(struct gw_acceptor *acceptor);

/* ---- who ---- */

/* IPv4 by address, also when it comes through an IPv6 socket; IPv6 by its /64. */
static struct eg_str key_of(const struct gw_peer *peer, bool *ret_is_mapped) {
    *ret_is_mapped = false;
    if (peer->address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&peer->address;
        return gw_str((const char *)&v4->sin_addr, 4);
    }
    const struct sockaddr_in6 *v6 = (const void *)&peer->address;
    *ret_is_mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) != 0;
    const char *bytes = (const char *)&v6->sin6_addr;
    return *ret_is_mapped ? gw_str(bytes + 12, 4) : gw_str(bytes, 8);
}

static void set_text(struct gw_peer *peer, struct eg_str key, bool is_mapped) {
    const bool is_v4 = peer->address.ss_family == AF_INET || is_mapped;
    const struct sockaddr_in6 *v6 = (const void *)&peer->address;
    const void *bytes = is_v4 ? (const void *)key.ptr : (const void *)&v6->sin6_addr;
    if (inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, peer->text, sizeof peer->text) == NULL) {
        peer->text[0] = '\0';
    }
    peer->text_len = (uint8_t)strlen(peer->text);
}

static struct gw_peer_count *count_of(struct gw_acceptor *acceptor, struct eg_str key) {
    struct gw_peer_count *count = gw_map_get(&acceptor->counts, key);
    if (count == NULL) {
        count = gw_alloc(sizeof *count);
        memcpy(count->key, key.ptr, key.len);
        count->key_len = (uint8_t)key.len;
        (void)gw_map_put(&acceptor->counts, gw_str(count->key, key.len), count);
    }
    return count;
}

static void drop_count_if_unused(struct gw_acceptor *acceptor, struct gw_peer_count *count) {
    if (count->connections == 0) {
        (void)gw_map_remove(&acceptor->counts, gw_str(count->key, count->key_len));
        gw_free(count);
    }
}

/* The loop has a place for one more again. */
static void give_place_back(const struct gw_acceptor *acceptor) {
    if (acceptor->spread != NULL) {
        gw_spread_release(acceptor->spread, gw_loop_index(acceptor->loop));
    }
}

void gw_acceptor_release(struct gw_acceptor *acceptor, struct gw_peer *peer) {
    give_place_back(acceptor);
    acceptor->connections--;
    peer->count->connections--;
    drop_count_if_unused(acceptor, peer->count);
    peer->count = NULL;
    if (acceptor->is_shut && acceptor->connections_max - acceptor->connections >
                                 acceptor->connections_max / ROOM_SHARE) {
        listen_again(acceptor);
    }
}

bool gw_peer_has_left(int fd) {
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};
    return poll(&state, 1, 0) == 1 &&
           (state.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* ---- accepting ---- */

static void on_pause_over(struct gw_timer *timer) {
    struct gw_acceptor *acceptor = GW_CONTAINER(timer, struct gw_acceptor, pause);
    gw_fd_change(acceptor->loop, &acceptor->fd, EG_FD_READ);
}

/* Out of descriptors or memory: the listening socket stays readable, so look away for a while. */
static void pause_accepting(struct gw_acceptor *acceptor, int error) {
    const uint64_t now_ns = gw_monotonic_ns();
    if (acceptor->told_ns == 0 || now_ns - acceptor->told_ns >= TELL_AGAIN_NS) {
        acceptor->told_ns = now_ns;
        gw_logf(EG_LOG_ERROR, "connections cannot be accepted: %s", strerror(error));
    }
    gw_fd_change(acceptor->loop, &acceptor->fd, 0);
    gw_timer_start(acceptor->loop, &acceptor->pause, PAUSE_NS, on_pause_over);
}

/* ---- shut ---- */

static void want_others(const struct gw_acceptor *acceptor, bool wants) {
    if (acceptor->spread != NULL) {
        gw_spread_want(acceptor->spread, acceptor->loop, wants);
    }
}

static void on_shut_long_enough(struct gw_timer *timer) {
    listen_again(GW_CONTAINER(timer, struct gw_acceptor, pause));
}

static void listen_again(struct gw_acceptor *acceptor) {
    const int fd = acceptor->fd.fd;
    if (gw_listen_again(fd) != EG_OK ||
        gw_fd_watch(acceptor->loop, &acceptor->fd, fd, EG_FD_READ, on_connection) != EG_OK) {
        gw_timer_start(acceptor->loop, &acceptor->pause, PAUSE_NS, on_shut_long_enough);
        return;
    }
    gw_timer_stop(acceptor->loop, &acceptor->pause);
    acceptor->is_shut = false;
    acceptor->refused = 0;
    want_others(acceptor, true);
}

static void shut(struct gw_acceptor *acceptor) {
    if (!acceptor->fd.is_watched || shutdown(acceptor->fd.fd, SHUT_RD) != 0) {
        return;
    }
    want_others(acceptor, false);
    gw_fd_unwatch(acceptor->loop, &acceptor->fd);
    acceptor->is_shut = true;
    gw_timer_start(acceptor->loop, &acceptor->pause, PAUSE_NS, on_shut_long_enough);
}

/* For want of a place. */
static void count_refusal(struct gw_acceptor *acceptor) {
    const uint64_t now_ns = gw_monotonic_ns();
    if (now_ns - acceptor->refused_since_ns > PAUSE_NS) {
        acceptor->refused_since_ns = now_ns;
        acceptor->refused = 0;
    }
    if (++acceptor->refused > REFUSALS_MAX) {
        shut(acceptor);
    }
}

/* ---- admission ---- */

static void admit(struct gw_acceptor *acceptor, int fd, struct gw_peer *peer) {
    bool is_mapped;
    const struct eg_str key = key_of(peer, &is_mapped);
    set_text(peer, key, is_mapped);
    struct gw_peer_count *count = count_of(acceptor, key);
    const bool is_full = acceptor->connections >= acceptor->connections_max;
    const bool is_refused =
        is_full || (acceptor->per_peer_max != 0 && count->connections >= acceptor->per_peer_max);
    if (is_refused) {
        drop_count_if_unused(acceptor, count);
        give_place_back(acceptor);
    } else {
        acceptor->connections++;
        count->connections++;
        peer->count = count;
    }
    acceptor->on_accept(acceptor, fd, peer, is_refused);
    if (is_full) {
        count_refusal(acceptor);
    }
}

static void take(void *arg, int fd, struct gw_peer *peer) {
    admit(arg, fd, peer);
}

/* Here, or on the loop with the fewest connections. */
static void place(struct gw_acceptor *acceptor, int fd, struct gw_peer *peer) {
    const uint32_t own = gw_loop_index(acceptor->loop);
    const uint32_t member = acceptor->spread == NULL ? own : gw_spread_pick(acceptor->spread, own);
    if (member == own) {
        admit(acceptor, fd, peer);
    } else {
        gw_spread_send(acceptor->spread, member, fd, peer);
    }
}

static void on_connection(struct gw_fd *fd, uint32_t events) {
    struct gw_acceptor *acceptor = GW_CONTAINER(fd, struct gw_acceptor, fd);
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && fd->is_watched; i++) {
        struct gw_peer peer = {.address_len = sizeof peer.address};
        const int client = accept4(fd->fd, (struct sockaddr *)&peer.address, &peer.address_len,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            place(acceptor, client, &peer);
            continue;
        }
        const int error = errno;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
            pause_accepting(acceptor, error);
            return;
        }
        if (error != ECONNABORTED && error != EINTR) {
            return;
        }
    }
}

/* ---- life ---- */

int32_t gw_acceptor_start(struct gw_acceptor *acceptor, struct eg_loop *loop, int listen_fd) {
    acceptor->loop = loop;
    const int32_t rc = gw_fd_watch(loop, &acceptor->fd, listen_fd, EG_FD_READ, on_connection);
    if (rc == EG_OK && acceptor->spread != NULL) {
        gw_spread_join(acceptor->spread, loop, take, acceptor);
    }
    return rc;
}

void gw_acceptor_stop(struct gw_acceptor *acceptor) {
    if (acceptor->fd.is_watched || acceptor->is_shut) {
        if (acceptor->spread != NULL) {
            gw_spread_leave(acceptor->spread, acceptor->loop);
        }
        acceptor->is_shut = false;
        gw_fd_unwatch(acceptor->loop, &acceptor->fd);
        gw_timer_stop(acceptor->loop, &acceptor->pause);
        close(acceptor->fd.fd);
    }
}

void gw_acceptor_free(struct gw_acceptor *acceptor) {
    gw_acceptor_stop(acceptor);
    GW_ASSERT(acceptor->connections == 0);
    gw_map_free(&acceptor->counts);
}
