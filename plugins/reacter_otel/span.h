/*
 * span.h - spans in the JSON form of OTLP (opentelemetry.io/docs/specs/otlp, "JSON Protobuf
 * Encoding"): ids in lower-case hex, enums as numbers, 64-bit numbers as decimal strings. Any
 * thread; nothing is kept.
 */
#ifndef REACTER_OTEL_SPAN_H
#define REACTER_OTEL_SPAN_H

#include <eventgw-sdk/egx.h>

/* All spans of a trace, commas between them. */
void otel_put_trace(struct egx_json *out, const struct eg_trace *trace);

/* {"key":...,"value":{...}} with its comma. A number or a boolean when the semantic
 * conventions say that this attribute is one and the value looks like one, a string otherwise. */
void otel_put_attribute(struct egx_json *out, struct eg_str name, struct eg_str value);

#endif
