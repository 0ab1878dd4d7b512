/*
 * flow/steps_event.c - the steps of one event of a request: told, checked by middleware, routed,
 * room reserved, sync subscriber authorized and called, outcome noted. Loop thread.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "domain/hosted.h"
#include "domain/refusal.h"
#include "domain/reply.h"
#include "flow/exchange.h"

#define CALL_FAILED "Function call failed. Please check logs."
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

static void count_received(const struct gw_item *item) {
    if (item->sync != NULL) {
        gw_metric_add(item->sync->received, 1);
    }
    for (size_t i = 0; i < item->async_count; i++) {
        gw_metric_add(item->async[i]->received, 1);
    }
}

/* Room for all async subscribers, before anything is called (Q23). */
static bool reserve(struct eg_exchange *x) {
    struct gw_flow *flow = x->flow;
    struct gw_item *item = x->item;
    const bool partly = flow->config.overflow == GW_OVERFLOW_DROP;
    const size_t wanted = item->async_count;
    item->async_count = gw_backlog_reserve(flow, wanted, partly);
    if (item->async_count < wanted) {
        gw_backlog_lost(x, wanted - item->async_count);
    }
    return item->async_count == wanted || partly;
}

static enum gw_move answer_full(struct eg_exchange *x) {
    gw_answer_error(x, 503, GW_STR("Service Unavailable: the backlog of events is full"));
    gw_headers_add(
        x->arena, &x->answer.own, GW_STR("Retry-After"),
        gw_arena_printf(x->arena, "%llu", (unsigned long long)x->flow->config.retry_after_s));
    return GW_MOVE_OTHER;
}

enum gw_move gw_step_route(struct eg_exchange *x) {
    struct gw_item *item = x->item;
    const struct gw_snapshot *snapshot = gw_exchange_snapshot(x);
    const struct eg_str method = x->request->method;
    if (x->principal_json.len > 0) {
        gw_event_set_authorization(item->event, x->principal_json);
    }
    item->sync = gw_snapshot_sync(snapshot, method, x->path, item->event->type, &x->params);
    item->async =
        gw_snapshot_async(snapshot, method, x->path, item->event->type, &item->async_count);
    if (item->sync == NULL && item->async_count == 0) {
        gw_metric_add(x->flow->counters.unrouted, 1);
        return GW_MOVE_OTHER;
    }
    count_received(item);
    if (item->async_count > 0 && !reserve(x)) {
        return answer_full(x);
    }
    return item->sync == NULL ? GW_MOVE_OTHER : GW_MOVE_NEXT;
}

/* ---- the sync subscriber ---- */

enum gw_move gw_step_authorize(struct eg_exchange *x) {
    if (!x->item->sync->needs_authorizer) {
        x->authorize.json = (struct eg_str){0};
        return GW_MOVE_OTHER;
    }
    return gw_authorize_start(x, x->item->sync, x->item->event) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
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

/* The authorizer saw the event without params (5.4), the subscribers see them. */
enum gw_move gw_step_invoke(struct eg_exchange *x) {
    struct eg_event *event = x->item->event;
    gw_event_set_params(event, &x->params);
    if (x->authorize.json.len > 0) {
        event = gw_event_fork(x->arena, event);
        gw_event_set_authorization(event, x->authorize.json);
    }
    x->call = gw_arena_zalloc(x->arena, sizeof *x->call);
    x->call->exchange = x;
    x->call->subscriber = x->item->sync;
    x->call->event = event;
    x->call->then = on_called;
    return gw_call_start(x->call) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

/* ---- the function's answer becomes the reply ---- */

static void take_headers(struct eg_exchange *x, const struct gw_reply *reply) {
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct eg_kv *h = &reply->headers[i];
        if (gw_str_eq_nocase(h->name, GW_STR("Content-Type"))) {
            x->answer.content_type = h->value;
        } else {
            gw_headers_add(x->arena, &x->answer.own, h->name, h->value);
        }
    }
}

static void map_answer(struct eg_exchange *x, struct eg_str answer) {
    struct gw_reply reply = {0};
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_reply_map(x->arena, answer, x->flow->config.json_depth, &reply, &why) < 0) {
        gw_exchange_log(x, EG_LOG_WARN, "HTTP response object malformed", "reason",
                        gw_why_str(&why));
        gw_answer_error(x, 500, GW_STR("HTTP response object malformed"));
        return;
    }
    gw_answer_set(x, reply.status);
    x->answer.body = reply.body;
    take_headers(x, &reply);
}

/* What a connector's service acknowledged is answered as it is (Q41). */
static void acknowledge(struct eg_exchange *x, struct eg_str body) {
    gw_answer_set(x, 200);
    x->answer.body = body;
    x->answer.content_type = GW_STR("application/json");
}

enum gw_move gw_step_invoke_verdict(struct eg_exchange *x) {
    struct gw_call *call = x->call;
    const struct eg_str body = {call->body.ptr, call->body.len};
    gw_metric_add(x->item->sync->processed, 1);
    gw_answer_keep(x, call->body);
    call->body = (struct eg_buf){0};
    if (!call->is_ok) {
        gw_answer_error(x, 500,
                        call->client_text.len > 0 ? call->client_text : GW_STR(CALL_FAILED));
    } else if (call->call_class == EG_CALL_ACCEPTED) {
        acknowledge(x, body);
    } else {
        map_answer(x, body);
    }
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
