/*
 * flow/trace_span.c - the spans of a trace and what they tell. Loop thread; arena of the exchange.
 *
 * Names have few values, so that whoever counts by them can: the path of the subscription and not
 * of the request, and no method that a client has made up (OpenTelemetry, HTTP spans). Attributes
 * have the names of OpenTelemetry's semantic conventions; those without one begin with
 * eventgateway. The query of a request is left out: it may hold secrets.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/slice.h"
#include "base/why.h"
#include "flow/trace_parts.h"

#define VALUE_BYTES_MAX 1024u

static struct eg_str cut_text(struct eg_str s) {
    if (s.len <= VALUE_BYTES_MAX) {
        return s;
    }
    size_t len = VALUE_BYTES_MAX;
    while (len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80) {
        len--; /* not inside of a character */
    }
    return gw_str(s.ptr, len);
}

struct gw_span *gw_span_begin(struct eg_exchange *exchange, uint32_t kind, struct eg_str name) {
    struct gw_trace *trace = exchange->trace;
    if (trace->is_decided && (trace->context.flags & GW_TRACE_SAMPLED) == 0) {
        return NULL;
    }
    if (trace->count == GW_SPANS_MAX) {
        trace->dropped++;
        return NULL;
    }
    struct gw_span *span = gw_arena_zalloc(exchange->arena, sizeof *span);
    span->begun_ns = gw_monotonic_ns();
    span->pub.struct_size = sizeof span->pub;
    span->pub.kind = kind;
    span->pub.name = cut_text(name);
    span->pub.attributes = span->attributes;
    /* by the monotonic clock, so that spans fit together when the time of day is set */
    span->pub.start_unix_ns = trace->begun_unix_ns + (int64_t)(span->begun_ns - trace->begun_ns);
    gw_random(span->pub.id, sizeof span->pub.id);
    memcpy(span->pub.parent_id, trace->context.span_id, sizeof span->pub.parent_id);
    if (trace->last == NULL) {
        trace->first = span;
    } else {
        trace->last->next = span;
    }
    trace->last = span;
    trace->count++;
    return span;
}

void gw_span_end(struct gw_span *span) {
    span->pub.duration_ns = gw_monotonic_ns() - span->begun_ns;
}

void gw_span_set(struct gw_span *span, const char *name, struct eg_str value) {
    if (value.len > 0 && span->pub.attribute_count < GW_ATTRIBUTES_MAX) {
        span->attributes[span->pub.attribute_count++] =
            (struct eg_kv){gw_str_c(name), cut_text(value)};
    }
}

static void set_status_code(struct eg_exchange *x, struct gw_span *span, uint32_t http_status) {
    span->pub.http_status = http_status;
    if (http_status != 0) {
        gw_span_set(span, "http.response.status_code",
                    gw_arena_printf(x->arena, "%u", http_status));
    }
}

/* https://opentelemetry.io/docs/specs/semconv/cloudevents/cloudevents-spans/ */
void gw_span_set_event(struct gw_span *span, const struct eg_event *event) {
    gw_span_set(span, "cloudevents.event_id", event->id);
    gw_span_set(span, "cloudevents.event_source", event->source);
    gw_span_set(span, "cloudevents.event_spec_version", event->spec_version);
    gw_span_set(span, "cloudevents.event_type", event->type);
}

static void fail(struct eg_exchange *x, struct gw_span *span, int32_t status,
                 struct eg_str message) {
    const char *text = gw_error_text(status);
    span->pub.status = status;
    span->pub.message =
        gw_arena_dup(x->arena, cut_text(message.len > 0 ? message : gw_str_c(text)));
    gw_span_set(span, "error.type", gw_str_c(text));
}

/* ---- the request ---- */

/* https://opentelemetry.io/docs/specs/semconv/http/http-spans/: others are _OTHER, and HTTP in the
 * name. */
static struct eg_str known_method(struct eg_str method) {
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < GW_COUNT(known); i++) {
        if (gw_str_eq(method, gw_str_c(known[i]))) {
            return method;
        }
    }
    return (struct eg_str){0};
}

/* The path of the first subscription that an event was routed to. */
static struct eg_str route_of(const struct eg_exchange *x) {
    for (size_t i = 0; i < x->item_count; i++) {
        const struct gw_route *route = &x->items[i].route;
        const struct gw_subscriber *first = route->sync != NULL      ? route->sync
                                            : route->async_count > 0 ? route->async[0]
                                                                     : NULL;
        if (first != NULL) {
            return first->object->as.subscription.path;
        }
    }
    return (struct eg_str){0};
}

static void set_method(struct gw_span *span, struct eg_str method) {
    const struct eg_str known = known_method(method);
    gw_span_set(span, "http.request.method", known.len > 0 ? known : GW_STR("_OTHER"));
    if (known.len == 0) {
        gw_span_set(span, "http.request.method_original", method);
    }
}

void gw_span_describe_request(struct eg_exchange *exchange, struct gw_span *span) {
    const struct gw_http_request *r = exchange->request;
    const struct gw_answer *answer = &exchange->answer;
    const struct eg_str route = route_of(exchange);
    const struct eg_str known = known_method(r->method);
    const struct eg_str method = known.len > 0 ? known : GW_STR("HTTP");
    span->pub.name = cut_text(gw_arena_printf(exchange->arena, "%.*s%s%.*s", GW_FMT(method),
                                              route.len > 0 ? " " : "", GW_FMT(route)));
    set_method(span, r->method);
    gw_span_set(span, "url.path", exchange->path);
    gw_span_set(span, "url.scheme",
                exchange->flow->config.is_tls ? GW_STR("https") : GW_STR("http"));
    gw_span_set(span, "http.route", route);
    gw_span_set(span, "client.address", r->peer);
    set_status_code(exchange, span, answer->status);
    if (exchange->item_count == 1) {
        gw_span_set_event(span, exchange->items[0].event);
    }
    if (answer->status >= 500) { /* what a client did wrong is no error of the server */
        span->pub.status = EG_E_INTERNAL;
        span->pub.message =
            answer->message.len > 0
                ? cut_text(answer->message)
                : gw_arena_printf(exchange->arena, "answered with status %u", answer->status);
        gw_span_set(span, "error.type", gw_arena_printf(exchange->arena, "%u", answer->status));
    }
}

/* ---- middleware ---- */

struct gw_span *gw_trace_hook(struct eg_exchange *exchange, const struct gw_instance *middleware,
                              const char *hook) {
    if (exchange->trace == NULL) {
        return NULL;
    }
    struct gw_span *span =
        gw_span_begin(exchange, EG_SPAN_MIDDLEWARE,
                      gw_arena_printf(exchange->arena, "%s %s", middleware->name, hook));
    if (span != NULL) {
        gw_span_set(span, "eventgateway.middleware", gw_str_c(middleware->name));
        gw_span_set(span, "eventgateway.hook", gw_str_c(hook));
    }
    return span;
}

void gw_trace_hook_end(struct eg_exchange *exchange, struct gw_span *span, int32_t verdict,
                       struct eg_str reason) {
    if (span == NULL) {
        return;
    }
    gw_span_end(span);
    if (verdict == EG_NEXT || verdict == EG_STOP) {
        gw_span_set(span, "eventgateway.verdict",
                    verdict == EG_NEXT ? GW_STR("next") : GW_STR("stop"));
    } else {
        fail(exchange, span, verdict < 0 ? verdict : EG_E_PROTO, reason);
    }
}

/* ---- calls ---- */

void gw_trace_call_end(struct eg_exchange *exchange, struct gw_span *span, int32_t status,
                       const struct eg_result *result) {
    if (span == NULL) {
        return;
    }
    gw_span_end(span);
    set_status_code(exchange, span, result == NULL ? 0 : result->http_status);
    if (status < 0) {
        fail(exchange, span, status, result == NULL ? (struct eg_str){0} : result->message);
    }
}
