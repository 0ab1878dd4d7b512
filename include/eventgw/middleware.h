/*
 * eventgw/middleware.h - a component that takes part in every request (kind EG_KIND_MIDDLEWARE).
 *
 * Called in the order of the configuration file (on_reply in reverse order), on the request's loop.
 * Each call returns EG_NEXT, EG_STOP (set the reply first with exchange->reply), EG_PENDING (the
 * verdict comes through the op: status 0 and result->verdict), or a negative EG_E_*: the client
 * gets 500 and the reason is logged. Any hook may be NULL.
 */
#ifndef EVENTGW_MIDDLEWARE_H
#define EVENTGW_MIDDLEWARE_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eg_event;
struct eg_exchange;

/* What middleware does. */
struct eg_middleware_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* The request is complete, no event has been made of it yet. Not called for preflights. */
    int32_t (*on_request)(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op);
    /* Once per event (a batch has several), before it is routed. The event may be changed. */
    int32_t (*on_event)(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op);
    /* The reply is complete, nothing was sent yet; it may be changed. EG_STOP ends the chain. */
    int32_t (*on_reply)(void *instance, void *slot, struct eg_exchange *exchange, struct eg_op *op);
    /* Optional, the client or the deadline does not wait any longer. */
    void (*cancel)(void *instance, void *slot, struct eg_op *op);
};

#ifdef __cplusplus
}
#endif
#endif
