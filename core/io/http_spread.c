/*
 * io/http_spread.c - see http_spread.h. Counts are atomic and are claimed by compare-and-swap, so
 * two loops that accept at the same time do not both find the same place; a connection itself
 * crosses as a message to its loop's inbox.
 *
 * Ownership: a message owns the socket until it is taken; the spread outlives its messages, since a
 * loop that has left still runs when the last of them arrives (app/stop.c: all leave before any
 * ends).
 */
#include "io/http_spread.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

struct member {
    atomic_uint connections;
    atomic_bool is_open;
    struct eg_loop *loop;                                  /* written before is_open */
    void (*take)(void *arg, int fd, struct gw_peer *peer); /* its own thread's, as arg */
    void *arg;
};

struct gw_spread {
    uint32_t count;
    struct member *members;
};

struct message {
    struct gw_task task;
    struct gw_spread *spread;
    uint32_t member;
    int fd;
    struct gw_peer peer;
};

struct gw_spread *gw_spread_create(uint32_t count) {
    struct gw_spread *spread = gw_alloc(sizeof *spread);
    spread->count = count;
    spread->members = gw_alloc(gw_size_mul(count, sizeof *spread->members));
    return spread;
}

void gw_spread_free(struct gw_spread *spread) {
    if (spread != NULL) {
        gw_free(spread->members);
        gw_free(spread);
    }
}

void gw_spread_join(struct gw_spread *spread, struct eg_loop *loop,
                    void (*take)(void *arg, int fd, struct gw_peer *peer), void *arg) {
    struct member *member = &spread->members[gw_loop_index(loop)];
    member->loop = loop;
    member->take = take;
    member->arg = arg;
    atomic_store_explicit(&member->is_open, true, memory_order_release);
}

void gw_spread_want(struct gw_spread *spread, const struct eg_loop *loop, bool wants) {
    struct member *member = &spread->members[gw_loop_index(loop)];
    atomic_store_explicit(&member->is_open, wants, memory_order_release);
}

void gw_spread_leave(struct gw_spread *spread, const struct eg_loop *loop) {
    gw_spread_want(spread, loop, false);
    spread->members[gw_loop_index(loop)].take = NULL;
}

static uint32_t least_of(const struct gw_spread *spread, uint32_t own, uint32_t *ret_connections) {
    uint32_t best = own;
    uint32_t least = atomic_load(&spread->members[own].connections);
    for (uint32_t i = 0; i < spread->count; i++) {
        const struct member *member = &spread->members[i];
        const uint32_t connections = atomic_load(&member->connections);
        if (connections < least && atomic_load_explicit(&member->is_open, memory_order_acquire)) {
            best = i;
            least = connections;
        }
    }
    *ret_connections = least;
    return best;
}

uint32_t gw_spread_pick(struct gw_spread *spread, uint32_t own) {
    for (;;) {
        uint32_t connections;
        const uint32_t best = least_of(spread, own, &connections);
        if (atomic_compare_exchange_strong(&spread->members[best].connections, &connections,
                                           connections + 1)) {
            return best;
        }
    }
}

static void on_message(struct gw_task *task) {
    struct message *message = GW_CONTAINER(task, struct message, task);
    const struct member *member = &message->spread->members[message->member];
    if (member->take != NULL) {
        member->take(member->arg, message->fd, &message->peer);
    } else {
        close(message->fd);
        gw_spread_release(message->spread, message->member);
    }
    gw_free(message);
}

void gw_spread_send(struct gw_spread *spread, uint32_t member, int fd, const struct gw_peer *peer) {
    struct message *message = gw_alloc(sizeof *message);
    *message = (struct message){
        .task = {.fn = on_message}, .spread = spread, .member = member, .fd = fd, .peer = *peer};
    gw_loop_post(spread->members[member].loop, &message->task);
}

void gw_spread_release(struct gw_spread *spread, uint32_t member) {
    atomic_fetch_sub(&spread->members[member].connections, 1);
}
