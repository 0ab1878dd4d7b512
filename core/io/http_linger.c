/*
 * io/http_linger.c - see http_linger.h.
 */
#include "io/http_linger.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

#define LINGER_NS GW_NS_PER_S
#define LINGER_BYTES ((size_t)4 << 20)
#define SOCKETS_MAX 256u /* more are closed at once: a flood must not hold descriptors */

struct drain {
    struct gw_lingers *lingers;
    struct gw_node node;
    struct gw_fd fd;
    struct gw_timer timer;
    size_t drained;
};

void gw_lingers_init(struct gw_lingers *lingers, struct eg_loop *loop) {
    lingers->loop = loop;
    gw_list_init(&lingers->sockets);
}

static void end(struct drain *drain) {
    struct gw_lingers *lingers = drain->lingers;
    const int fd = drain->fd.fd;
    gw_fd_unwatch(lingers->loop, &drain->fd);
    gw_timer_stop(lingers->loop, &drain->timer);
    gw_list_remove(&drain->node);
    lingers->count--;
    gw_free(drain);
    close(fd);
}

void gw_lingers_close(struct gw_lingers *lingers) {
    while (!gw_list_empty(&lingers->sockets)) {
        end(GW_CONTAINER(lingers->sockets.next, struct drain, node));
    }
}

static void on_timer(struct gw_timer *timer) {
    end(GW_CONTAINER(timer, struct drain, timer));
}

static void on_readable(struct gw_fd *fd, uint32_t events) {
    struct drain *drain = GW_CONTAINER(fd, struct drain, fd);
    char scrap[16384];
    (void)events;
    const ssize_t got = recv(fd->fd, scrap, sizeof scrap, MSG_DONTWAIT);
    const bool is_over = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    drain->drained += got > 0 ? (size_t)got : 0;
    if (is_over || drain->drained > LINGER_BYTES) {
        end(drain);
    }
}

void gw_linger(struct gw_lingers *lingers, int fd) {
    (void)shutdown(fd, SHUT_WR);
    if (lingers->count >= SOCKETS_MAX) {
        close(fd);
        return;
    }
    struct drain *drain = gw_alloc(sizeof *drain);
    drain->lingers = lingers;
    if (gw_fd_watch(lingers->loop, &drain->fd, fd, EG_FD_READ, on_readable) != EG_OK) {
        gw_free(drain);
        close(fd);
        return;
    }
    gw_list_push(&lingers->sockets, &drain->node);
    lingers->count++;
    gw_timer_start(lingers->loop, &drain->timer, LINGER_NS, on_timer);
}
