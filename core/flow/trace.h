/*
 * flow/trace.h - the trace of one exchange (W3C Trace Context): taken over or begun, its spans,
 * what is passed on, and the telling when all work has ended. Loop thread; state in the exchange's
 * arena.
 *
 * exchange->trace is NULL unless some reacter in use wants traces; then the caller's headers are
 * passed on to functions as they came.
 */
#ifndef GW_FLOW_TRACE_H
#define GW_FLOW_TRACE_H

#include <stdbool.h>

#include <eventgw/provider.h>
#include <eventgw/reacter.h>

struct eg_exchange;
struct gw_callee;
struct gw_instance;
struct gw_manager;
struct gw_span; /* one piece of work; NULL = none is made */
struct gw_trace;

/* The caller's headers, as they are passed on without a trace. */
struct gw_carried {
    bool is_read;
    struct eg_str traceparent; /* empty: none, or not valid */
    struct eg_str tracestate;
};

/* The exchange was made; its events are there; its reply goes out; its last work has ended. The
 * last three only with a trace. */
void gw_trace_begin(struct eg_exchange *exchange);
void gw_trace_events(struct eg_exchange *exchange);
void gw_trace_answered(struct eg_exchange *exchange);
void gw_trace_end(struct eg_exchange *exchange);

/* One hook of one middleware. NULL without a trace; the other end takes NULL. */
struct gw_span *gw_trace_hook(struct eg_exchange *exchange, const struct gw_instance *middleware,
                              const char *hook);
void gw_trace_hook_end(struct eg_exchange *exchange, struct gw_span *span, int32_t verdict,
                       struct eg_str reason);

/* One call of a function or authorizer (EG_SPAN_*). event: what is delivered, or NULL. Fills in
 * what the invocation passes on, also without a trace. */
struct gw_span *gw_trace_call(struct eg_exchange *exchange, uint32_t kind,
                              const struct gw_callee *callee, const struct eg_event *event,
                              struct eg_invocation *invocation);
/* One that the function of `outer` makes: its span hangs below that of outer. */
struct gw_span *gw_trace_inner_call(struct eg_exchange *exchange, const struct gw_callee *callee,
                                    const struct eg_invocation *outer,
                                    struct eg_invocation *invocation);
void gw_trace_call_end(struct eg_exchange *exchange, struct gw_span *span, int32_t status,
                       const struct eg_result *result);

#endif
