/*
 * flow/authorize.h - asks the authorizer of a subscriber (chapter 6.5). No system events.
 */
#ifndef GW_FLOW_AUTHORIZE_H
#define GW_FLOW_AUTHORIZE_H

#include "flow/wait.h"
#include "state/snapshot.h"

struct gw_span;

struct gw_authorize {
    bool is_allowed; /* the result */
    struct gw_span *span;
    struct eg_str json; /* allowed: {"principalId":...,"context":...}, in the arena */
};

/* The result is exchange->authorize. true: ended at once; false: gw_exchange_resume follows. */
bool gw_authorize_start(struct eg_exchange *exchange, const struct gw_subscriber *subscriber,
                        struct eg_event *event);

#endif
