/*
 * flow/backlog.h - the bounded queue of async deliveries of one loop and the pump that calls with
 * bounded concurrency.
 *
 * running + queued + reserved <= workers + length. A delivery that has a worker has left the queue,
 * so 1 worker and length 2 take 3 deliveries. Counts drops and the time in the queue. Whose turn it
 * is when a worker is free: turns.h. Places in the queue are for whoever comes first.
 */
#ifndef GW_FLOW_BACKLOG_H
#define GW_FLOW_BACKLOG_H

#include "flow/call.h"
#include "flow/turns.h"

struct gw_backlog {
    struct eg_loop *loop;
    struct gw_turns turns;
    struct gw_task start; /* of what the turn has queued */
    uint32_t workers;
    uint32_t length;
    uint32_t running;
    uint32_t queued;
    uint32_t reserved;
    bool is_pumping;
    uint64_t lost;    /* deliveries since the last line about them */
    uint64_t told_ns; /* when that was */
    bool is_closed;   /* abandoned: nothing is taken any more */
};

void gw_backlog_init(struct gw_backlog *backlog, struct eg_loop *loop, uint32_t workers,
                     uint32_t length);
void gw_backlog_free(struct gw_backlog *backlog); /* nothing is queued, nothing runs */
/* Room for all wanted, or (partly) for as many as there is room. Returns what was granted. */
size_t gw_backlog_reserve(struct gw_flow *flow, size_t wanted, bool partly);
/* Counts deliveries there was no room for; one log line a second, since an overload must not be
 * made worse by its log. */
void gw_backlog_lost(struct eg_exchange *exchange, size_t count);
void gw_backlog_give_back(struct gw_flow *flow, size_t count);
/* The gateway's own word to one subscriber: counts it as received and reserves room. false: there
 * is none, which is counted too. */
bool gw_backlog_offer(struct eg_exchange *exchange, const struct gw_subscriber *subscriber);
/* Uses up one reservation. event is what is delivered; it stays unchanged from now on. It is called
 * in this turn when there is a worker, but not before the loop has told all descriptors. */
void gw_backlog_deliver(struct eg_exchange *exchange, const struct gw_subscriber *subscriber,
                        struct eg_event *event, bool is_system);
/* Drops the queue (counted, one log line) and takes nothing any more. */
void gw_backlog_close(struct gw_flow *flow);

#endif
