/*
 * flow/turns.h - whose delivery gets the next free worker: each function has a queue of its own,
 * and functions that hold few workers come before those that hold many.
 *
 * A function that never answers would otherwise take all workers, and stop the deliveries of all
 * others. So a function may take one more only while it holds about as many as are free (a dynamic
 * threshold, as switches have for shared buffers): some are left for whoever comes next, half as
 * many after each function that is stuck. Both numbers are compared by their lengths in bits, which
 * keeps waiting functions in a few lists, and finding the next one independent of how many there
 * are. Alone, a function gets about half of the workers to two thirds; of 1 or 2 workers all.
 */
#ifndef GW_FLOW_TURNS_H
#define GW_FLOW_TURNS_H

#include "base/list.h"
#include "base/map.h"

/* A count has 0 to 32 bits. */
#define GW_TURNS_LEVELS 33
#define GW_TURNS_RECENT 64 /* a power of two */

/* What one function has of one loop. */
struct gw_share {
    const void *function; /* told apart by its address, never followed */
    struct gw_node turn;  /* among those that wait, or that are idle */
    struct gw_node queue; /* its deliveries, oldest first */
    uint32_t running;
};

/* On its loop's thread. Shares are kept a while when they are idle, so that a function with one
 * delivery after the other costs no allocation. */
struct gw_turns {
    struct gw_map shares;
    struct gw_share *recent[GW_TURNS_RECENT]; /* of shares, by address: most are found here */
    struct gw_node waiting[GW_TURNS_LEVELS];  /* by the bits of running */
    uint64_t levels;                          /* bit n: somebody is in waiting[n] */
    struct gw_node idle;                      /* longest idle first */
    uint32_t idle_count;
};

void gw_turns_init(struct gw_turns *turns);
/* Nobody waits or runs. */
void gw_turns_free(struct gw_turns *turns);
/* The function's address must not be given to another one before its last delivery has ended. */
struct gw_share *gw_turns_push(struct gw_turns *turns, const void *function, struct gw_node *node);
/* The next delivery; its function holds one of the free workers from now on. NULL: nobody waits, or
 * all who wait hold enough. Never NULL while somebody waits and nobody holds a worker. */
struct gw_node *gw_turns_take(struct gw_turns *turns, uint32_t free_workers);
/* A worker is given back; the share may go with it. */
void gw_turns_done(struct gw_turns *turns, struct gw_share *share);
/* A delivery that will not be called; NULL: nobody waits. */
struct gw_node *gw_turns_drop(struct gw_turns *turns);

#endif
