/*
 * flow/steps_event.c - the steps of one event of a request: told, checked by middleware, routed,
 * room reserved, who answers authorized and called, outcome noted. Loop thread.
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "domain/hosted.h"
#include "flow/exchange.h"

/* A batch is one request with one arena: what its events make of themselves (system events repeat
 * all headers) may be a thousand times its size. A single event is bounded by the limits of
 * ingress.
 */
#define BATCH_BYTES_MAX ((size_t)32 << 20)
#define BATCH_BYTES_FACTOR 32u /* and this many times the request's body */
#define BATCH_TOO_BIG "the batch takes too much memory, send smaller ones"

static bool has_outgrown(const struct eg_exchange *x) {
    const size_t body_bytes = x->request->body.len;
    return x->arena->used_bytes > BATCH_BYTES_MAX &&
           (x->arena->used_bytes - BATCH_BYTES_MAX) / BATCH_BYTES_FACTOR > body_bytes;
}

static void refuse_rest(struct eg_exchange *x) {
    if (x->batch_refusal.len == 0) {
        x->batch_refusal = gw_arena_printf(x->arena, GW_BATCH_REFUSAL, x->item_index,
                                           GW_FMT(GW_STR(BATCH_TOO_BIG)));
    }
}

enum gw_move gw_step_take(struct eg_exchange *x) {
    if (x->item_index == x->item_count) {
        return GW_MOVE_OTHER;
    }
    if (x->item_index > 0 && has_outgrown(x)) {
        refuse_rest(x);
        return GW_MOVE_OTHER;
    }
    x->item = &x->items[x->item_index++];
    return GW_MOVE_NEXT;
}

/* ---- event.received ---- */

static void on_received(struct gw_notify *notify) {
    gw_exchange_resume(notify->exchange);
}

enum gw_move gw_step_received(struct eg_exchange *x) {
    const struct gw_http_request *r = x->request;
    const struct gw_sysevent_data data = {
        .event = x->item->event,
        .path = x->path,
        .headers = r->headers,
        .header_count = r->header_count,
    };
    const struct eg_str to =
        x->is_hosted ? gw_hosted_received_path(x->arena, r->host, x->path) : GW_STR("/");
    x->received.then = on_received;
    return gw_notify_start(&x->received, x, GW_SYS_RECEIVED, to, &data) ? GW_MOVE_NEXT
                                                                        : GW_MOVE_WAIT;
}

enum gw_move gw_step_received_verdict(struct eg_exchange *x) {
    if (!x->received.is_vetoed) {
        return GW_MOVE_NEXT;
    }
    gw_answer_error(x, 403, x->received.veto_text);
    return GW_MOVE_OTHER;
}

enum gw_move gw_step_event_chain(struct eg_exchange *x) {
    return gw_chain_start(x, GW_HOOK_EVENT) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

/* ---- route and reserve ---- */

static void count_received(const struct gw_route *route) {
    if (route->sync != NULL) {
        gw_metric_add(route->sync->received, 1);
    } else if (route->direct != NULL) {
        gw_metric_add(route->direct->received, 1);
    }
    for (size_t i = 0; i < route->async_count; i++) {
        gw_metric_add(route->async[i]->received, 1);
    }
}

static bool has_callee(const struct gw_route *route) {
    return route->sync != NULL || route->callee != NULL;
}

/* Room for all async subscribers, before anything is called (Q23). */
static bool reserve(struct eg_exchange *x) {
    struct gw_flow *flow = x->flow;
    struct gw_route *route = &x->item->route;
    const bool partly = flow->config.overflow == GW_OVERFLOW_DROP;
    const size_t wanted = route->async_count;
    route->async_count = gw_backlog_reserve(flow, wanted, partly);
    if (route->async_count < wanted) {
        gw_backlog_lost(x, wanted - route->async_count);
    }
    return route->async_count == wanted || partly;
}

static enum gw_move answer_full(struct eg_exchange *x) {
    gw_answer_error(x, 503, GW_STR("Service Unavailable: the backlog of events is full"));
    gw_headers_add(
        x->arena, &x->answer.own, GW_STR("Retry-After"),
        gw_arena_printf(x->arena, "%llu", (unsigned long long)x->flow->config.retry_after_s));
    return GW_MOVE_OTHER;
}

enum gw_move gw_step_route(struct eg_exchange *x) {
    struct eg_event *event = x->item->event;
    struct gw_route *route = &x->item->route;
    if (x->principal_json.len > 0) {
        gw_event_set_authorization(event, x->principal_json);
    }
    x->flow->face->route(x, event->type, &x->params, route);
    if (!has_callee(route) && route->async_count == 0) {
        gw_metric_add(x->flow->counters.unrouted, 1);
        return GW_MOVE_OTHER;
    }
    count_received(route);
    if (route->async_count > 0 && !reserve(x)) {
        return answer_full(x);
    }
    return has_callee(route) ? GW_MOVE_NEXT : GW_MOVE_OTHER;
}

/* ---- the one who answers ---- */

enum gw_move gw_step_authorize(struct eg_exchange *x) {
    const struct gw_subscriber *sync = x->item->route.sync;
    if (sync == NULL || !sync->needs_authorizer) {
        x->authorize.json = (struct eg_str){0};
        return GW_MOVE_OTHER;
    }
    return gw_authorize_start(x, sync, x->item->event) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

enum gw_move gw_step_authorize_verdict(struct eg_exchange *x) {
    if (x->authorize.is_allowed) {
        return GW_MOVE_NEXT;
    }
    gw_answer_error(x, 403, GW_STR("Forbidden"));
    return GW_MOVE_OTHER;
}

static void on_called(struct gw_call *call) {
    gw_exchange_resume(call->exchange);
}

static void set_callee(struct gw_call *call, const struct gw_route *route) {
    if (route->sync != NULL) {
        gw_call_to(call, route->sync);
        return;
    }
    call->callee = route->callee;
    call->space = route->callee->object->space;
    call->function_id = route->callee->object->id;
}

/* The authorizer saw the event without params (5.4), the subscribers see them. */
enum gw_move gw_step_invoke(struct eg_exchange *x) {
    struct eg_event *event = x->item->event;
    gw_event_set_params(event, &x->params);
    if (x->authorize.json.len > 0) {
        event = gw_event_fork(x->arena, event);
        gw_event_set_authorization(event, x->authorize.json);
    }
    x->call = gw_arena_alloc(x->arena, sizeof *x->call);
    gw_call_clear(x->call, x);
    set_callee(x->call, &x->item->route);
    x->call->event = event;
    x->call->then = on_called;
    return gw_call_start(x->call) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

static void count_processed(const struct gw_route *route) {
    if (route->sync != NULL) {
        gw_metric_add(route->sync->processed, 1);
    } else if (route->direct != NULL) {
        gw_metric_add(route->direct->processed, 1);
    }
}

enum gw_move gw_step_invoke_verdict(struct eg_exchange *x) {
    struct gw_call *call = x->call;
    const struct eg_str body = {call->body.ptr, call->body.len};
    count_processed(&x->item->route);
    gw_answer_keep(x, call->body);
    call->body = (struct eg_buf){0};
    x->flow->face->outcome(x, call, body);
    return GW_MOVE_NEXT;
}

/* ---- the outcome of one event ---- */

/* A batch has one answer for all: what an event answered is only a yes or a no, and the first no is
 * told. */
enum gw_move gw_step_collect(struct eg_exchange *x) {
    const struct gw_answer *a = &x->answer;
    if (!x->is_batch) {
        return GW_MOVE_NEXT;
    }
    if (a->status >= 400 && x->batch_refusal.len == 0) {
        const struct eg_str text =
            a->message.len > 0 ? a->message
                               : gw_arena_printf(x->arena, "refused with status %u", a->status);
        x->batch_refusal =
            gw_arena_printf(x->arena, GW_BATCH_REFUSAL, x->item_index - 1, GW_FMT(text));
    }
    gw_answer_clear(x);
    gw_answer_free(&x->answer); /* what functions answered, in a long batch, is not kept */
    return GW_MOVE_NEXT;
}
