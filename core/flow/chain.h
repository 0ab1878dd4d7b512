/*
 * flow/chain.h - runs one middleware hook over the chain: in order, on_reply in reverse order.
 */
#ifndef GW_FLOW_CHAIN_H
#define GW_FLOW_CHAIN_H

#include <stdbool.h>

#include "flow/wait.h"

struct gw_span;

struct gw_chain_run {
    enum gw_hook hook;
    enum gw_hook now; /* what the instance at work is asked: hook, or a late on_request (scope.h) */
    size_t done;      /* instances that have answered */
    struct gw_span *span; /* of the one at work */
    bool is_stopped;      /* the result: EG_STOP, or an error (then the reply is a 500) */
};

/* true: ended at once, exchange->chain.is_stopped tells how. false: gw_exchange_resume follows. */
bool gw_chain_start(struct eg_exchange *exchange, enum gw_hook hook);

#endif
