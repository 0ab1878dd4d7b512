/*
 * flow/reactions.h - how many asynchronous reactions of one reacter are under way on one loop.
 * Nobody waits for them, but each keeps its request in memory until the reacter has ended it: so
 * they are bounded, and past the bound the reacter is not told. Loop thread.
 */
#ifndef GW_FLOW_REACTIONS_H
#define GW_FLOW_REACTIONS_H

#include "flow/wait.h"

/* May it be told one more? When not, that is counted and, once a second, logged. */
bool gw_reactions_admit(struct eg_exchange *exchange, struct gw_instance *reacter);
/* It was told and has not ended it yet: counts until its done, also past the deadline. */
void gw_reactions_hold(struct gw_wait *wait, struct gw_instance *reacter);

#endif
