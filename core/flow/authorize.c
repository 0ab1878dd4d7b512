/*
 * flow/authorize.c - see authorize.h. The payload is {"event":...,"request":...} with the body
 * filled in (Q12). Whatever is not a clear yes is a no (Q10): missing function, failed call, odd
 * answer.
 */
#include "flow/authorize.h"

#include "base/jwrite.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/refusal.h"
#include "domain/reply.h"
#include "flow/exchange.h"

/* On the heap and not in the arena: it has the whole body, and a batch may ask for each event. */
struct eg_buf gw_authorize_payload(struct eg_exchange *x, const struct gw_target *target) {
    const struct eg_str json = gw_event_json(x->authorize.event, target->traits.event_version);
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    (void)gw_bytes_grow(&out, json.len + x->request->body.len * 2 + 512);
    gw_bytes_add_c(&out, "{\"event\":");
    gw_bytes_add(&out, json);
    gw_bytes_add_c(&out, ",\"request\":");
    gw_event_write_request(&out, &x->view_of_request, NULL, x->flow->config.json_depth);
    gw_bytes_add_char(&out, '}');
    return gw_bytes_take(&out);
}

static void refuse(struct eg_exchange *x, struct eg_str reason) {
    x->authorize.is_allowed = false;
    gw_metric_add(x->flow->counters.forbidden, 1);
    gw_exchange_log(x, EG_LOG_INFO, "event refused by its authorizer", "reason", reason);
}

static void on_answer(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct eg_exchange *x = wait->exchange;
    struct eg_why why = {.struct_size = sizeof why};
    gw_trace_call_end(x, x->authorize.span, status, result);
    if (status < 0 || result->call_class != EG_CALL_OK) {
        const bool has_text = result != NULL && result->message.len > 0;
        refuse(x, has_text ? result->message : gw_str_c(gw_error_text(status)));
    } else if (gw_authorizer_map(x->arena, gw_str(result->body.ptr, result->body.len),
                                 x->flow->config.json_depth, &x->authorize.json, &why) < 0) {
        refuse(x, gw_why_str(&why));
    } else {
        x->authorize.is_allowed = true;
    }
    gw_exchange_resume(x);
}

bool gw_authorize_start(struct eg_exchange *exchange, const struct gw_subscriber *subscriber,
                        struct eg_event *event) {
    const struct gw_callee *callee = subscriber->authorizer;
    exchange->authorize = (struct gw_authorize){.event = event};
    if (callee == NULL || callee->target == NULL) {
        refuse(exchange, GW_STR("the authorizer function is missing"));
        return true;
    }
    struct gw_wait *wait = gw_wait_take(exchange);
    wait->held = gw_authorize_payload(exchange, callee->target);
    struct eg_invocation *invocation = gw_arena_zalloc(exchange->arena, sizeof *invocation);
    invocation->struct_size = sizeof *invocation;
    invocation->space = callee->object->space;
    invocation->function_id = callee->object->id;
    invocation->payload = gw_str(wait->held.ptr, wait->held.len);
    invocation->request_id = exchange->request->request_id;
    invocation->call = gw_wait_call(wait);
    exchange->authorize.span =
        gw_trace_call(exchange, EG_SPAN_AUTHORIZER, callee, event, invocation);
    gw_wait_invoke(wait, callee->target, invocation, exchange->flow->config.function_timeout_ns,
                   on_answer, NULL);
    return false;
}
