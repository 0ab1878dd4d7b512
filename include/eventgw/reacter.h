/*
 * eventgw/reacter.h - a component that is told system events (kind EG_KIND_REACTER).
 *
 * System events: eventgateway.event.received, eventgateway.function.invoking,
 * eventgateway.function.invoked, eventgateway.function.invocationFailed. A synchronous interest may
 * refuse (EG_STOP): at `received` the client gets 403, at `invoking` the function is not called. An
 * asynchronous interest never delays the event; its verdict is ignored and its errors are logged.
 */
#ifndef EVENTGW_REACTER_H
#define EVENTGW_REACTER_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eg_event;

#define EG_INTEREST_ASYNC 0u
#define EG_INTEREST_SYNC 1u

struct eg_interest {
    uint32_t struct_size;
    uint32_t mode;          /* EG_INTEREST_* */
    const char *event_type; /* exact type, for example "eventgateway.event.received" */
};

struct eg_reacter_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* Called once after create, control thread. The array is borrowed until destroy. */
    const struct eg_interest *const *(*interests)(void *instance, size_t *ret_count);
    /* Tells one event; it is borrowed until done (EG_PENDING) or until the return (all else).
     * Returns EG_NEXT, EG_STOP, EG_PENDING or EG_E_*, on the event's loop. result->message of a
     * refusal is shown to the client. */
    int32_t (*react)(void *instance, void *slot, const struct eg_event *event, struct eg_op *op);
    /* Optional. */
    void (*cancel)(void *instance, void *slot, struct eg_op *op);
};

#ifdef __cplusplus
}
#endif
#endif
