/*
 * domain/trace_context.h - W3C Trace Context (https://www.w3.org/TR/trace-context/): the headers
 * traceparent and tracestate, read and written. Pure.
 *
 * What is not valid is nothing: a trace is begun anew then, as the recommendation says.
 */
#ifndef GW_DOMAIN_TRACE_CONTEXT_H
#define GW_DOMAIN_TRACE_CONTEXT_H

#include <stdbool.h>

#include "base/arena.h"

#define GW_TRACE_ID_BYTES 16u
#define GW_SPAN_ID_BYTES 8u
#define GW_TRACE_SAMPLED 0x01u
#define GW_TRACEPARENT_LEN 55u

struct gw_trace_context {
    uint8_t trace_id[GW_TRACE_ID_BYTES];
    uint8_t span_id[GW_SPAN_ID_BYTES];
    uint8_t flags; /* GW_TRACE_SAMPLED; all others are unknown to version 00 and dropped */
};

/* One value of traceparent, of version 00 or as far as a later one has to read like it. */
bool gw_traceparent_read(struct eg_str text, struct gw_trace_context *ret_context);
/* Writes version 00, GW_TRACEPARENT_LEN bytes. */
void gw_traceparent_write(const struct gw_trace_context *context, char *out);

/* The values of all tracestate headers, in order, joined by commas. Returns it in normal form, cut
 * to 512 bytes by whole entries (chapter 3.3.1.5); empty when anything of it is not valid. In the
 * arena. */
struct eg_str gw_tracestate_read(struct gw_arena *arena, struct eg_str text);

#endif
