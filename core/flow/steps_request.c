/*
 * flow/steps_request.c - the steps that concern the request as a whole: admission, CORS, the chains
 * around it, making its events, closing and answering. Loop thread.
 */
#include "base/slice.h"
#include "domain/hosted.h"
#include "domain/kinds.h"
#include "flow/exchange.h"

enum gw_move gw_step_admit(struct eg_exchange *x) {
    if (!x->flow->is_draining) {
        return GW_MOVE_NEXT;
    }
    gw_answer_error(x, 503, GW_STR("Service Unavailable"));
    return GW_MOVE_OTHER;
}

/* ---- CORS and the hosted path ---- */

static void set_path(struct eg_exchange *x) {
    const struct gw_http_request *r = x->request;
    x->is_hosted = x->flow->config.is_hosted && gw_is_hosted(r->host);
    if (x->is_hosted) {
        x->path = gw_hosted_path(x->arena, r->host, r->path);
    }
}

static void keep_cors(struct eg_exchange *x, const struct gw_cors_answer *cors) {
    for (size_t i = 0; i < cors->count; i++) {
        gw_headers_add(x->arena, &x->answer.cors, cors->headers[i].name, cors->headers[i].value);
    }
}

enum gw_move gw_step_cors(struct eg_exchange *x) {
    const struct gw_http_request *r = x->request;
    const struct gw_cors_request request = {
        .method = r->method,
        .origin = gw_http_header(r, GW_STR("Origin"), 0),
        .requested_method = gw_http_header(r, GW_STR("Access-Control-Request-Method"), 0),
        .requested_headers = gw_http_header(r, GW_STR("Access-Control-Request-Headers"), 0),
    };
    struct gw_cors_answer answer;
    answer.count = 0;
    set_path(x);
    const bool is_preflight = x->flow->face->cors(x, &request, &answer);
    keep_cors(x, &answer);
    if (!is_preflight) {
        return GW_MOVE_NEXT;
    }
    gw_answer_set(x, 200);
    return GW_MOVE_OTHER;
}

/* ---- chains ---- */

enum gw_move gw_step_request_chain(struct eg_exchange *x) {
    return gw_chain_start(x, GW_HOOK_REQUEST) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

/* Of on_request and on_event. A reply without a stop is no reply. */
enum gw_move gw_step_chain_verdict(struct eg_exchange *x) {
    if (x->chain.is_stopped) {
        return GW_MOVE_OTHER;
    }
    if (x->answer.status != 0) {
        gw_answer_clear(x);
    }
    return GW_MOVE_NEXT;
}

enum gw_move gw_step_reply_chain(struct eg_exchange *x) {
    return gw_chain_start(x, GW_HOOK_REPLY) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
}

enum gw_move gw_step_reply_verdict(struct eg_exchange *x) {
    (void)x; /* a stop has ended the chain, that is all */
    return GW_MOVE_NEXT;
}

/* ---- events ---- */

static void describe_request(struct eg_exchange *x) {
    const struct gw_http_request *r = x->request;
    x->view_of_request = (struct gw_event_request){
        .method = r->method,
        .path = r->path,
        .query = r->query,
        .host = r->host,
        .headers = r->headers,
        .header_count = r->header_count,
        .body = r->body,
    };
}

/* Nothing of a batch is processed when one of its events is a system event. */
static bool has_system_type(struct eg_exchange *x, struct eg_event *const *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!gw_is_system_type(events[i]->type)) {
            continue;
        }
        const struct eg_str text =
            gw_arena_printf(x->arena, "Event type \"%.*s\" is reserved for system events.",
                            GW_FMT(events[i]->type));
        gw_answer_error(x, 400,
                        x->is_batch ? gw_arena_printf(x->arena, GW_BATCH_REFUSAL, i, GW_FMT(text))
                                    : text);
        return true;
    }
    return false;
}

static void keep_events(struct eg_exchange *x, struct eg_event *const *events, size_t count) {
    x->items = gw_arena_zalloc(x->arena, count * sizeof *x->items);
    x->item_count = count;
    for (size_t i = 0; i < count; i++) {
        x->items[i].event = events[i];
    }
}

enum gw_move gw_step_build(struct eg_exchange *x) {
    struct gw_event_seed seed;
    struct eg_event **events = NULL;
    size_t count = 0;
    describe_request(x);
    gw_exchange_seed(x, &seed);
    if (!x->flow->face->events(x, &seed, &events, &count) || has_system_type(x, events, count)) {
        return GW_MOVE_OTHER;
    }
    keep_events(x, events, count);
    if (x->trace != NULL) {
        gw_trace_events(x);
    }
    return GW_MOVE_NEXT;
}

/* ---- the end ---- */

enum gw_move gw_step_close(struct eg_exchange *x) {
    if (x->batch_refusal.len > 0) {
        gw_answer_error(x, 400, x->batch_refusal);
    } else if (x->answer.status == 0) {
        x->flow->face->accepted(x);
    }
    return GW_MOVE_NEXT;
}

enum gw_move gw_step_answer(struct eg_exchange *x) {
    if (x->trace != NULL) {
        gw_trace_answered(x);
    }
    gw_answer_send(x);
    x->item_index = 0; /* the fan-out goes over the events once more */
    return GW_MOVE_NEXT;
}
