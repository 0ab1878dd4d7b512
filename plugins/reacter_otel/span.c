/* span.c - see span.h. */
#include "span.h"

#include <eventgw-sdk/egx_http.h>

/* enum SpanKind, enum StatusCode and SpanFlags of trace.proto. */
#define KIND_INTERNAL 1
#define KIND_SERVER 2
#define KIND_CLIENT 3
#define STATUS_ERROR 2
#define FLAG_HAS_IS_REMOTE 0x100
#define FLAG_IS_REMOTE 0x200

/* Attributes that are no strings in the semantic conventions (opentelemetry.io/docs/specs/semconv),
 * and the gateway's own. */
static const char *const numbers[] = {
    "client.port",
    "http.request.body.size",
    "http.request.resend_count",
    "http.request.size",
    "http.response.body.size",
    "http.response.size",
    "http.response.status_code",
    "network.local.port",
    "network.peer.port",
    "server.port",
};
static const char *const booleans[] = {
    "eventgateway.async",
    "faas.coldstart",
};

static int is_in(const char *const *names, size_t count, struct eg_str name) {
    size_t i = 0;
    while (i < count && !egx_str_eq(name, egx_str_c(names[i]))) {
        i++;
    }
    return i < count;
}

static int is_number(struct eg_str name, struct eg_str value) {
    return is_in(numbers, EGX_COUNT(numbers), name) && egx_digits(value) >= 0;
}

static int is_boolean(struct eg_str name, struct eg_str value) {
    return is_in(booleans, EGX_COUNT(booleans), name) &&
           (egx_str_eq(value, EGX_STR("true")) || egx_str_eq(value, EGX_STR("false")));
}

static void begin_attribute(struct egx_json *out, struct eg_str name, struct eg_str type) {
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("key"));
    egx_json_string(out, name);
    egx_json_key(out, EGX_STR("value"));
    egx_json_open(out, '{');
    egx_json_key(out, type);
}

static void end_attribute(struct egx_json *out) {
    egx_json_close(out, '}');
    egx_json_close(out, '}');
}

static void put_number(struct egx_json *out, struct eg_str name, uint64_t value) {
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    begin_attribute(out, name, EGX_STR("intValue"));
    egx_json_string(out, egx_str_c(text));
    end_attribute(out);
}

void otel_put_attribute(struct egx_json *out, struct eg_str name, struct eg_str value) {
    if (is_number(name, value)) {
        put_number(out, name, (uint64_t)egx_digits(value));
        return;
    }
    const int is_bool = is_boolean(name, value);
    begin_attribute(out, name, is_bool ? EGX_STR("boolValue") : EGX_STR("stringValue"));
    if (is_bool) {
        egx_json_value(out, value);
    } else {
        egx_json_string(out, value);
    }
    end_attribute(out);
}

static void put_hex(struct egx_json *out, struct eg_str key, const uint8_t *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    char text[32];
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15u];
    }
    egx_json_key(out, key);
    egx_json_string(out, egx_str_n(text, 2 * count));
}

static void put_time(struct egx_json *out, struct eg_str key, uint64_t unix_ns) {
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)unix_ns);
    egx_json_key(out, key);
    egx_json_string(out, egx_str_c(text));
}

static int is_zero(const uint8_t *bytes, size_t count) {
    size_t i = 0;
    while (i < count && bytes[i] == 0) {
        i++;
    }
    return i == count;
}

static int has_attribute(const struct eg_span *span, struct eg_str name) {
    size_t i = 0;
    while (i < span->attribute_count && !egx_str_eq(span->attributes[i].name, name)) {
        i++;
    }
    return i < span->attribute_count;
}

/* "HTTP spans", Status: an answer 4xx is an error of the client that asked, so of the spans of
 * calls and not of the span of the request; 5xx is one of both. */
static int is_error(const struct eg_span *span) {
    const uint32_t least = span->kind == EG_SPAN_REQUEST ? 500 : 400;
    return span->status < 0 || span->message.len > 0 || span->http_status >= least;
}

static void put_attributes(struct egx_json *out, const struct eg_trace *trace,
                           const struct eg_span *span) {
    const struct eg_str status_code = EGX_STR("http.response.status_code");
    char code[16];
    (void)snprintf(code, sizeof code, "%u", (unsigned)span->http_status);
    egx_json_key(out, EGX_STR("attributes"));
    egx_json_open(out, '[');
    for (size_t i = 0; i < span->attribute_count; i++) {
        otel_put_attribute(out, span->attributes[i].name, span->attributes[i].value);
    }
    if (span->http_status > 0 && !has_attribute(span, status_code)) {
        put_number(out, status_code, span->http_status);
    }
    if (is_error(span) && !has_attribute(span, EGX_STR("error.type"))) {
        const char *type = span->status < 0        ? egx_error_text(span->status)
                           : span->http_status > 0 ? code
                                                   : "_OTHER"; /* the conventions' last resort */
        otel_put_attribute(out, EGX_STR("error.type"), egx_str_c(type));
    }
    if (span->kind == EG_SPAN_REQUEST) {
        otel_put_attribute(out, EGX_STR("eventgateway.request_id"), trace->request_id);
    }
    if (span->kind == EG_SPAN_REQUEST && trace->spans_dropped > 0) {
        put_number(out, EGX_STR("eventgateway.spans_dropped"), trace->spans_dropped);
    }
    egx_json_close(out, ']');
}

static void put_status(struct egx_json *out, const struct eg_span *span) {
    if (!is_error(span)) {
        return; /* "unset", which is what the conventions ask for */
    }
    egx_json_key(out, EGX_STR("status"));
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("code"));
    egx_json_int(out, STATUS_ERROR);
    if (span->message.len > 0) {
        egx_json_key(out, EGX_STR("message"));
        egx_json_string(out, span->message);
    }
    egx_json_close(out, '}');
}

static int kind_of(const struct eg_span *span) {
    switch (span->kind) {
    case EG_SPAN_REQUEST:
        return KIND_SERVER;
    case EG_SPAN_AUTHORIZER:
    case EG_SPAN_FUNCTION:
        return KIND_CLIENT;
    default:
        return KIND_INTERNAL;
    }
}

static void put_span(struct egx_json *out, const struct eg_trace *trace,
                     const struct eg_span *span) {
    const int has_parent = !is_zero(span->parent_id, sizeof span->parent_id);
    const int is_remote = has_parent && span->kind == EG_SPAN_REQUEST;
    const uint64_t start_ns = span->start_unix_ns < 0 ? 0 : (uint64_t)span->start_unix_ns;
    egx_json_open(out, '{');
    put_hex(out, EGX_STR("traceId"), trace->id, sizeof trace->id);
    put_hex(out, EGX_STR("spanId"), span->id, sizeof span->id);
    if (has_parent) {
        put_hex(out, EGX_STR("parentSpanId"), span->parent_id, sizeof span->parent_id);
    }
    if (trace->tracestate.len > 0) {
        egx_json_key(out, EGX_STR("traceState"));
        egx_json_string(out, trace->tracestate);
    }
    egx_json_key(out, EGX_STR("flags"));
    egx_json_int(out, (int64_t)(trace->flags & 0xffu) | FLAG_HAS_IS_REMOTE |
                          (is_remote ? FLAG_IS_REMOTE : 0));
    egx_json_key(out, EGX_STR("name"));
    egx_json_string(out, span->name);
    egx_json_key(out, EGX_STR("kind"));
    egx_json_int(out, kind_of(span));
    put_time(out, EGX_STR("startTimeUnixNano"), start_ns);
    put_time(out, EGX_STR("endTimeUnixNano"), start_ns + span->duration_ns);
    put_attributes(out, trace, span);
    put_status(out, span);
    egx_json_close(out, '}');
}

void otel_put_trace(struct egx_json *out, const struct eg_trace *trace) {
    for (size_t i = 0; i < trace->span_count; i++) {
        put_span(out, trace, trace->spans[i]);
    }
}
