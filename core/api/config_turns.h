/*
 * api/config_turns.h - operations that decide on more objects than the one they write (is the
 * function there, is it still in use, is the path free) go one after the other in each space. Two
 * of them at once could both be right on their own and wrong together: a subscription to a function
 * that is being deleted, two sync paths that exclude each other (Q47). Gateways that share a store
 * are kept apart by its commit (state/catalog.h), if it has one; this line keeps the operations of
 * one gateway from losing races against each other, and from being wrong with a store without.
 *
 * Inside api/ only; control thread.
 */
#ifndef GW_API_CONFIG_TURNS_H
#define GW_API_CONFIG_TURNS_H

#include "io/http_server.h"

/* A place in the line of a space; embedded in the operation. Zeroed = in no line. */
struct gw_config_turn {
    struct gw_node node;
    struct gw_http_request *request; /* held: the name of the space lives in its arena */
    struct eg_str space;
    struct eg_loop *loop;
    struct gw_timer timer; /* armed while it waits */
    void (*on_turn)(struct gw_config_turn *turn, bool is_late);
};

/* Takes a place. on_turn is called once: inside the call when nobody is before it, else later, with
 * is_late when the deadline (monotonic) is there. Each place is given back by gw_config_turn_end.
 */
void gw_config_turn_begin(struct gw_node *turns, struct gw_config_turn *turn,
                          struct gw_http_request *request, struct eg_str space,
                          uint64_t deadline_ns,
                          void (*on_turn)(struct gw_config_turn *turn, bool is_late));
/* Gives the place back and calls the next of the space. Nothing happens when it has none. */
void gw_config_turn_end(struct gw_node *turns, struct gw_config_turn *turn);

#endif
