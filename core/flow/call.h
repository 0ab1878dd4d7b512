/*
 * flow/call.h - one function call with its system events: invoking -> function -> invoked or
 * invocationFailed. Used for sync subscribers and for deliveries. Lives in the exchange's arena.
 */
#ifndef GW_FLOW_CALL_H
#define GW_FLOW_CALL_H

#include "flow/notify.h"
#include "state/snapshot.h"

struct gw_span;

struct gw_call {
    /* set by the caller */
    struct eg_exchange *exchange;
    const struct gw_callee *callee; /* NULL: there is no such function */
    struct eg_str space;            /* of the function */
    struct eg_str function_id;
    struct eg_event *event;
    bool is_async;
    bool is_system; /* delivers a system event: emits none itself (9.2) */
    void (*then)(struct gw_call *call);
    void *arg;
    /* the result */
    bool is_ok;
    bool is_lost;        /* failed: there is no such function, or nobody who could call it */
    uint32_t call_class; /* EG_CALL_*; of a call that was never made EG_CALL_OK, and not is_ok */
    struct eg_str error; /* failed: why, for the log, invocationFailed and faces */
    struct eg_str client_text; /* failed: what the client may be told; empty = the default */
    struct eg_buf body;        /* owned; the caller takes it or releases it */
    /* inside */
    uint32_t stage;
    struct eg_invocation invocation;
    struct gw_span *span;
    struct gw_wait wait; /* may be out when the call has ended at its deadline */
    struct gw_notify invoking;
    struct gw_notify ended; /* invoked or invocationFailed */
};

/* Who is called, of a subscriber. */
static inline void gw_call_to(struct gw_call *call, const struct gw_subscriber *subscriber) {
    call->callee = subscriber->callee;
    call->space = subscriber->object->space;
    call->function_id = subscriber->object->as.subscription.function_id;
}

/* Of memory that holds anything; the caller's part follows. */
static inline void gw_call_clear(struct gw_call *call, struct eg_exchange *exchange) {
    memset(call, 0, offsetof(struct gw_call, invocation));
    call->exchange = exchange;
    gw_wait_clear(&call->wait, exchange);
}

/* true: ended at once; false: then follows. */
bool gw_call_start(struct gw_call *call);

#endif
