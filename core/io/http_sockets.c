/*
 * io/http_sockets.c - see http_sockets.h. A table by descriptor, since descriptors are small
 * numbers; entries stay where they are while the table grows, for epoll points at them.
 *
 * Thread: the loop's. Ownership: the table owns its entries, not the descriptors.
 */
#include "io/http_sockets.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct gw_http_socket *gw_http_socket_of(struct gw_http_sockets *sockets, void *owner, int fd) {
    const size_t index = (size_t)fd;
    if (index >= sockets->room) {
        const size_t room = gw_size_mul(gw_size_add(index, 16), 2);
        sockets->items = gw_realloc(sockets->items, gw_size_mul(room, sizeof *sockets->items));
        memset(sockets->items + sockets->room, 0, (room - sockets->room) * sizeof *sockets->items);
        sockets->room = room;
    }
    if (sockets->items[index] == NULL) {
        sockets->items[index] = gw_alloc(sizeof **sockets->items);
        sockets->items[index]->owner = owner;
    }
    return sockets->items[index];
}

void gw_http_socket_forget(struct gw_http_sockets *sockets, struct eg_loop *loop, int fd) {
    if ((size_t)fd < sockets->room && sockets->items[fd] != NULL) {
        gw_fd_unwatch(loop, &sockets->items[fd]->fd);
        gw_free(sockets->items[fd]);
        sockets->items[fd] = NULL;
    }
}

void gw_http_sockets_free(struct gw_http_sockets *sockets, struct eg_loop *loop) {
    for (size_t i = 0; i < sockets->room; i++) {
        gw_http_socket_forget(sockets, loop, (int)i);
    }
    gw_free(sockets->items);
    *sockets = (struct gw_http_sockets){0};
}
