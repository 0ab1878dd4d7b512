/*
 * io/http_spread.h - loops that share a port take connections in turns: each new one goes to the
 * loop with the fewest, whichever has accepted it. The kernel spreads by a hash (SO_REUSEPORT), so
 * of few connections one loop easily has half as many again as another, and a loop with many can be
 * full while others are not.
 *
 * Threads: members of a spread are loops; each joins, leaves, picks and releases on its own thread.
 */
#ifndef GW_IO_HTTP_SPREAD_H
#define GW_IO_HTTP_SPREAD_H

#include "io/http_accept.h"

struct gw_spread;

/* For members 0 to count - 1: the indices of their loops. */
struct gw_spread *gw_spread_create(uint32_t count);
/* When no member's loop runs any more. NULL is fine. */
void gw_spread_free(struct gw_spread *spread);

/* From now on take is called with connections that others have accepted for this loop. give fd */
void gw_spread_join(struct gw_spread *spread, struct eg_loop *loop,
                    void (*take)(void *arg, int fd, struct gw_peer *peer), void *arg);
/* Does the member want connections of others? After join it does. Those on their way still come. */
void gw_spread_want(struct gw_spread *spread, const struct eg_loop *loop, bool wants);
/* No more of them; those on their way are closed. */
void gw_spread_leave(struct gw_spread *spread, const struct eg_loop *loop);
/* Which member takes one more connection? It is counted there; own wins a tie. */
uint32_t gw_spread_pick(struct gw_spread *spread, uint32_t own);
/* give fd, to another member than the caller: one that was picked. */
void gw_spread_send(struct gw_spread *spread, uint32_t member, int fd, const struct gw_peer *peer);
/* A connection of the member has ended, or was refused. */
void gw_spread_release(struct gw_spread *spread, uint32_t member);

#endif
