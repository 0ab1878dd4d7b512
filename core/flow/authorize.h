/*
 * flow/authorize.h - asks the authorizer of a subscriber (chapter 6.5). No system events.
 */
#ifndef GW_FLOW_AUTHORIZE_H
#define GW_FLOW_AUTHORIZE_H

#include "flow/wait.h"
#include "state/snapshot.h"

struct gw_span;

struct gw_authorize {
    bool is_allowed;        /* the result */
    struct eg_event *event; /* that is asked about */
    struct gw_span *span;
    struct eg_str json; /* allowed: {"principalId":...,"context":...}, in the arena */
};

/* The result is exchange->authorize. true: ended at once; false: gw_exchange_resume follows. */
bool gw_authorize_start(struct eg_exchange *exchange, const struct gw_subscriber *subscriber,
                        struct eg_event *event);
/* give: what an authorizer of this target is sent, while it is asked. */
struct eg_buf gw_authorize_payload(struct eg_exchange *x, const struct gw_target *target);

#endif
