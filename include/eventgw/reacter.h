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

/* May the reacter refuse the event (SYNC), or is it only told (ASYNC)? */
#define EG_INTEREST_ASYNC 0u
#define EG_INTEREST_SYNC 1u

/* A type of system events that a reacter wants to be told. */
struct eg_interest {
    uint32_t struct_size;
    uint32_t mode;          /* EG_INTEREST_* */
    const char *event_type; /* exact type, for example "eventgateway.event.received" */
};

/* ---- traces, since 0.3 ---- */
#define EG_SPAN_REQUEST 1u    /* the whole request; the first span of a trace */
#define EG_SPAN_MIDDLEWARE 2u /* one hook of one middleware */
#define EG_SPAN_AUTHORIZER 3u /* an authorizer function */
#define EG_SPAN_FUNCTION 4u   /* one call of a function, synchronous or not */

/* One piece of work. Ids are those of W3C Trace Context. */
struct eg_span {
    uint32_t struct_size;
    uint32_t kind; /* EG_SPAN_* */
    uint8_t id[8];
    uint8_t parent_id[8]; /* of a span of this trace, or the caller's; all zero = none */
    int64_t start_unix_ns;
    uint64_t duration_ns;
    struct eg_str name;             /* "POST /users", "auth on_request", "users/get-user" */
    int32_t status;                 /* 0, or EG_E_* */
    uint32_t http_status;           /* of the reply (REQUEST) or the function's answer; 0 = none */
    struct eg_str message;          /* why it failed; empty = it did not */
    const struct eg_kv *attributes; /* names of OpenTelemetry's semantic conventions */
    size_t attribute_count;
};
/* All spans of one request. */
struct eg_trace {
    uint32_t struct_size;
    uint32_t flags; /* trace-flags of W3C Trace Context; bit 0 = sampled */
    uint8_t id[16];
    struct eg_str tracestate;
    struct eg_str request_id;
    const struct eg_span *const *spans;
    size_t span_count;
    uint64_t spans_dropped; /* there were too many */
};

/* What a reacter does. */
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
    /* Optional, since 0.3. Tells a sampled trace, borrowed until the return, when all work of the
     * request has ended, on its loop. Spans are only made when some reacter wants them. */
    void (*trace)(void *instance, void *slot, const struct eg_trace *trace);
};

#ifdef __cplusplus
}
#endif
#endif
