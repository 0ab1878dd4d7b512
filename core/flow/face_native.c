/*
 * flow/face_native.c - the face of the present API: CloudEvents and http.request in, error
 * envelopes and response objects out, routes and CORS of all spaces. See face.h. Loop thread.
 */
#include "base/jwrite.h"
#include "base/log.h"
#include "base/slice.h"
#include "domain/refusal.h"
#include "domain/reply.h"
#include "flow/exchange.h"

#define CALL_FAILED "Function call failed. Please check logs."

static void refuse(struct gw_http_request *request, const char *reason,
                   struct gw_http_reply *reply) {
    (void)request; /* the envelope it is already */
    (void)reason;
    (void)reply;
}

static void error(struct eg_exchange *x) {
    struct gw_answer *a = &x->answer;
    struct gw_bytes body;
    gw_bytes_init_arena(&body, x->arena, a->message.len + 64);
    gw_jw_error_envelope(&body, a->message);
    a->body = gw_bytes_str(&body);
    a->content_type = GW_STR("application/json");
}

static bool cors(struct eg_exchange *x, const struct gw_cors_request *request,
                 struct gw_cors_answer *ret_answer) {
    bool is_preflight = false;
    const struct eg_str method = gw_cors_lookup_method(request, &is_preflight);
    const struct gw_cors *rule = gw_snapshot_cors(gw_exchange_snapshot(x), method, x->path);
    if (rule == NULL) {
        return false;
    }
    if (is_preflight) {
        gw_cors_preflight(x->arena, rule, request, ret_answer);
    } else {
        gw_cors_actual(x->arena, rule, request, ret_answer);
    }
    return is_preflight;
}

static bool events(struct eg_exchange *x, const struct gw_event_seed *seed,
                   struct eg_event ***ret_events, size_t *ret_count) {
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_events_from_request(x->arena, &x->view_of_request, seed, ret_events, ret_count,
                               &x->is_batch, &why) < 0) {
        gw_answer_error(x, 400, gw_why_str(&why));
        return false;
    }
    return true;
}

static void route(const struct eg_exchange *x, struct eg_str type, struct gw_path_params *params,
                  struct gw_route *ret_route) {
    const struct gw_snapshot *snapshot = gw_exchange_snapshot(x);
    const struct eg_str method = x->request->method;
    ret_route->sync = gw_snapshot_sync(snapshot, method, x->path, type, params);
    ret_route->async = gw_snapshot_async(snapshot, method, x->path, type, &ret_route->async_count);
}

static const struct gw_eventtype *schema(const struct eg_exchange *x, struct eg_str type,
                                         size_t index) {
    return gw_snapshot_schema(gw_exchange_snapshot(x), x->request->method, x->path, type, index);
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
    struct eg_why why; /* its text is large, and there seldom is one */
    why.struct_size = sizeof why;
    why.len = 0;
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

static void outcome(struct eg_exchange *x, const struct gw_call *call, struct eg_str body) {
    if (!call->is_ok) {
        gw_answer_error(x, 500,
                        call->client_text.len > 0 ? call->client_text : GW_STR(CALL_FAILED));
    } else if (call->call_class == EG_CALL_ACCEPTED) {
        acknowledge(x, body);
    } else {
        map_answer(x, body);
    }
}

static void accepted(struct eg_exchange *x) {
    gw_answer_set(x, 202);
}

static void call_failed(struct gw_call *call) {
    (void)call; /* invocationFailed has told it */
}

const struct gw_face gw_face_native = {
    .refuse = refuse,
    .error = error,
    .cors = cors,
    .events = events,
    .route = route,
    .schema = schema,
    .outcome = outcome,
    .accepted = accepted,
    .call_failed = call_failed,
};
