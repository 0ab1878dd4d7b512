/*
 * flow/trace_parts.h - the inside of a trace, shared by trace.c (its life) and trace_span.c (its
 * spans). Not for other files.
 */
#ifndef GW_FLOW_TRACE_PARTS_H
#define GW_FLOW_TRACE_PARTS_H

#include "domain/trace_context.h"
#include "flow/exchange.h"

#define GW_SPANS_MAX 256u     /* of one trace; the rest is counted */
#define GW_ATTRIBUTES_MAX 12u /* of one span */

struct gw_span {
    struct eg_span pub;
    struct eg_kv attributes[GW_ATTRIBUTES_MAX];
    uint64_t begun_ns; /* monotonic */
    struct gw_span *next;
};

struct gw_trace {
    struct gw_trace_context context; /* span_id: that of the request */
    struct eg_str tracestate;
    bool is_decided; /* whose trace it is, and whether it is sampled */
    int64_t begun_unix_ns;
    uint64_t begun_ns;
    struct gw_span *first; /* that of the request */
    struct gw_span *last;
    size_t count;
    uint64_t dropped;
};

/* NULL when none is to be made. name in the arena or static. */
struct gw_span *gw_span_begin(struct eg_exchange *exchange, uint32_t kind, struct eg_str name);
void gw_span_end(struct gw_span *span);
/* Values are cut, so that what strangers send does not fill the exporter's memory; empty ones are
 * left out. Borrowed, as long as the exchange. */
void gw_span_set(struct gw_span *span, const char *name, struct eg_str value);
/* id, source, type and version of an event. */
void gw_span_set_event(struct gw_span *span, const struct eg_event *event);
/* What of the request its span tells, when the reply is known. */
void gw_span_describe_request(struct eg_exchange *exchange, struct gw_span *span);

#endif
