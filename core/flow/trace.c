/*
 * flow/trace.c - see trace.h: whose trace it is, what is passed on, and the telling.
 *
 * The caller's is that of the header traceparent, else of the CloudEvents extension of the same
 * name (distributed tracing extension) where the request is one event. Until the event is made
 * nobody can know, so spans are made until then and forgotten when the trace turns out not to be
 * sampled.
 */
#include "flow/trace.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "flow/trace_parts.h"

#define TRACEPARENT GW_STR("traceparent")
#define TRACESTATE GW_STR("tracestate")

/* ---- the caller's ---- */

static struct eg_str joined_state(struct eg_exchange *x) {
    struct gw_bytes all;
    gw_bytes_init_arena(&all, x->arena, 64);
    struct eg_str value = gw_http_header(x->request, TRACESTATE, 0);
    for (size_t i = 1; value.ptr != NULL; i++) {
        gw_bytes_add(&all, value);
        gw_bytes_add_char(&all, ',');
        value = gw_http_header(x->request, TRACESTATE, i);
    }
    return gw_tracestate_read(x->arena, gw_bytes_str(&all));
}

/* Two headers are none: it cannot be told whose is right. */
static bool read_headers(struct eg_exchange *x, struct gw_trace_context *ret_context,
                         struct eg_str *ret_parent, struct eg_str *ret_state) {
    const struct eg_str parent = gw_http_header(x->request, TRACEPARENT, 0);
    if (parent.ptr == NULL || gw_http_header(x->request, TRACEPARENT, 1).ptr != NULL ||
        !gw_traceparent_read(parent, ret_context)) {
        return false;
    }
    *ret_parent = gw_str_trim(parent);
    *ret_state = joined_state(x);
    return true;
}

static struct eg_str extension_text(struct eg_exchange *x, const struct eg_event *event,
                                    struct eg_str name) {
    const struct eg_str json = gw_event_extension(event, name);
    return json.len > 0 && json.ptr[0] == '"' ? gw_jstr_decode(x->arena, json) : (struct eg_str){0};
}

/* ---- the decision ---- */

static bool roll(uint32_t percent) {
    uint32_t number = 0;
    if (percent == 0 || percent >= 100) {
        return percent != 0;
    }
    gw_random(&number, sizeof number);
    return number % 100 < percent;
}

static void drop_spans(struct gw_trace *trace) {
    trace->first = NULL;
    trace->last = NULL;
}

/* caller NULL: it begins here. */
static void decide(struct eg_exchange *x, const struct gw_trace_context *caller,
                   struct eg_str tracestate) {
    struct gw_trace *trace = x->trace;
    trace->is_decided = true;
    if (caller == NULL) {
        trace->context.flags = roll(x->flow->config.trace_percent) ? GW_TRACE_SAMPLED : 0;
    } else {
        memcpy(trace->context.trace_id, caller->trace_id, sizeof caller->trace_id);
        memcpy(trace->first->pub.parent_id, caller->span_id, sizeof caller->span_id);
        trace->context.flags = caller->flags;
        trace->tracestate = tracestate;
    }
    if ((trace->context.flags & GW_TRACE_SAMPLED) == 0) {
        drop_spans(trace);
    }
}

void gw_trace_begin(struct eg_exchange *exchange) {
    struct gw_trace *trace = gw_arena_zalloc(exchange->arena, sizeof *trace);
    struct gw_trace_context caller;
    struct eg_str parent;
    struct eg_str state;
    exchange->trace = trace;
    gw_random(trace->context.trace_id, sizeof trace->context.trace_id);
    trace->begun_unix_ns = gw_unix_ns();
    trace->begun_ns = gw_monotonic_ns();
    struct gw_span *request = gw_span_begin(exchange, EG_SPAN_REQUEST, (struct eg_str){0});
    memcpy(trace->context.span_id, request->pub.id, sizeof request->pub.id);
    if (read_headers(exchange, &caller, &parent, &state)) {
        decide(exchange, &caller, state);
    }
}

/* ---- the events ---- */

static void mark_event(struct eg_exchange *x, struct eg_event *event) {
    const struct gw_trace *trace = x->trace;
    char text[GW_TRACEPARENT_LEN + 2];
    struct gw_bytes state;
    if (gw_event_extension(event, TRACEPARENT).len > 0) {
        return; /* it tells where the event comes from, and stays */
    }
    text[0] = text[sizeof text - 1] = '"';
    gw_traceparent_write(&trace->context, text + 1);
    gw_event_set_extension(event, TRACEPARENT, gw_str(text, sizeof text));
    gw_bytes_init_arena(&state, x->arena, trace->tracestate.len + 2);
    if (trace->tracestate.len > 0) {
        gw_jw_string(&state, trace->tracestate);
    }
    gw_event_set_extension(event, TRACESTATE, gw_bytes_str(&state));
}

void gw_trace_events(struct eg_exchange *exchange) {
    struct gw_trace_context caller;
    if (!exchange->trace->is_decided) {
        const struct eg_event *event = exchange->item_count == 1 ? exchange->items[0].event : NULL;
        const bool has_caller =
            event != NULL &&
            gw_traceparent_read(extension_text(exchange, event, TRACEPARENT), &caller);
        const struct eg_str state =
            has_caller
                ? gw_tracestate_read(exchange->arena, extension_text(exchange, event, TRACESTATE))
                : (struct eg_str){0};
        decide(exchange, has_caller ? &caller : NULL, state);
    }
    for (size_t i = 0; i < exchange->item_count; i++) {
        mark_event(exchange, exchange->items[i].event);
    }
}

/* ---- what is passed on ---- */

static void pass_callers(struct eg_exchange *x, struct eg_invocation *invocation) {
    struct gw_carried *carried = &x->carried;
    struct gw_trace_context unused;
    if (!carried->is_read) {
        carried->is_read = true;
        (void)read_headers(x, &unused, &carried->traceparent, &carried->tracestate);
    }
    invocation->traceparent = carried->traceparent;
    invocation->tracestate = carried->tracestate;
}

static void pass_own(struct eg_exchange *x, const struct gw_span *span,
                     struct eg_invocation *invocation) {
    struct gw_trace_context context = x->trace->context;
    char *text = gw_arena_alloc(x->arena, GW_TRACEPARENT_LEN);
    if (span != NULL) {
        memcpy(context.span_id, span->pub.id, sizeof context.span_id);
    }
    gw_traceparent_write(&context, text);
    invocation->traceparent = gw_str(text, GW_TRACEPARENT_LEN);
    invocation->tracestate = x->trace->tracestate;
}

/* ---- calls ---- */

/* OpenTelemetry's values for faas.invoked_provider, by the beginning of the provider's name; all
 * others are told by their own name. */
static struct eg_str faas_provider(const char *component) {
    static const char *const known[][2] = {
        {"aws", "aws"}, {"azure", "azure"}, {"google", "gcp"}, {"gcf", "gcp"}};
    for (size_t i = 0; i < GW_COUNT(known); i++) {
        if (gw_str_starts(gw_str_c(component), gw_str_c(known[i][0]))) {
            return gw_str_c(known[i][1]);
        }
    }
    return gw_str_c(component);
}

struct gw_span *gw_trace_call(struct eg_exchange *exchange, uint32_t kind,
                              const struct gw_callee *callee, const struct eg_event *event,
                              struct eg_invocation *invocation) {
    if (exchange->trace == NULL) {
        pass_callers(exchange, invocation);
        return NULL;
    }
    const struct gw_object *function = callee->object;
    struct gw_span *span =
        gw_span_begin(exchange, kind,
                      gw_arena_printf(exchange->arena, "%.*s/%.*s", GW_FMT(function->space),
                                      GW_FMT(function->id)));
    pass_own(exchange, span, invocation);
    if (span != NULL) {
        gw_span_set(span, "faas.invoked_name", function->id);
        gw_span_set(span, "faas.invoked_provider", faas_provider(callee->target->instance->name));
        gw_span_set(span, "eventgateway.space", function->space);
        gw_span_set(span, "eventgateway.async",
                    invocation->is_async ? GW_STR("true") : GW_STR("false"));
    }
    if (span != NULL && event != NULL) {
        gw_span_set_event(span, event);
    }
    return span;
}

/* What outer passes on names its span. */
struct gw_span *gw_trace_inner_call(struct eg_exchange *exchange, const struct gw_callee *callee,
                                    const struct eg_invocation *outer,
                                    struct eg_invocation *invocation) {
    const uint32_t kind = outer->event == NULL ? EG_SPAN_AUTHORIZER : EG_SPAN_FUNCTION;
    struct gw_span *span = gw_trace_call(exchange, kind, callee, outer->event, invocation);
    struct gw_trace_context parent;
    if (span != NULL && gw_traceparent_read(outer->traceparent, &parent)) {
        memcpy(span->pub.parent_id, parent.span_id, sizeof span->pub.parent_id);
    }
    return span;
}

/* ---- the end ---- */

void gw_trace_answered(struct eg_exchange *exchange) {
    struct gw_trace *trace = exchange->trace;
    if (trace->first != NULL) {
        gw_span_describe_request(exchange, trace->first);
        gw_span_end(trace->first);
    }
}

static void tell(const struct eg_exchange *x, struct gw_instance *reacter,
                 const struct eg_trace *told) {
    const struct eg_reacter_ops *ops = reacter->component->ops;
    const char *former = gw_loop_blame(x->flow->loop, reacter->name);
    ops->trace(reacter->self, gw_instance_slot(reacter, x->flow->loop_index), told);
    gw_loop_blame(x->flow->loop, former);
}

static const struct eg_span *const *list_spans(struct eg_exchange *x) {
    const struct eg_span **list = gw_arena_alloc(x->arena, x->trace->count * sizeof *list);
    size_t count = 0;
    for (struct gw_span *span = x->trace->first; span != NULL; span = span->next) {
        list[count++] = &span->pub;
    }
    return list;
}

void gw_trace_end(struct eg_exchange *exchange) {
    struct gw_trace *trace = exchange->trace;
    const struct gw_chain_of_kind *reacters = &exchange->chains->of_kind[EG_KIND_REACTER];
    if (!trace->is_decided) {
        decide(exchange, NULL, (struct eg_str){0}); /* was refused before there was an event */
    }
    if (trace->first == NULL) {
        return;
    }
    struct eg_trace told = {
        .struct_size = sizeof told,
        .flags = trace->context.flags,
        .tracestate = trace->tracestate,
        .request_id = exchange->request->request_id,
        .spans = list_spans(exchange),
        .span_count = trace->count,
        .spans_dropped = trace->dropped,
    };
    memcpy(told.id, trace->context.trace_id, sizeof told.id);
    for (size_t i = 0; i < reacters->count; i++) {
        if (gw_reacter_has_trace(reacters->items[i])) {
            tell(exchange, reacters->items[i], &told);
        }
    }
}
