/*
 * api/v2017_events.c - see v2017_events.h. All of it is table work on what the flow hands over; the
 * routes come from the index of one space. Loop thread; everything lives in the exchange's arena.
 *
 * Three kinds of events: `invoke` calls a function by its id, `http` the one that is subscribed to
 * exactly this method and path, and all others go to their subscribers when they are posted to `/`.
 */
#include "api/v2017_events.h"

#include "api/v2017_cors.h"
#include "base/check.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/quote.h"
#include "flow/exchange.h"
#include "state/space_routes.h"

#define HTTP GW_STR("http")
#define INVOKE GW_STR("invoke")
/* What native subscriptions call it. */
#define NATIVE_HTTP GW_STR("http.request")
#define LOST "unable to look up registered function"
#define FUNCTION_ERROR GW_STR("gateway.info.functionError")

/* ---- errors ---- */

#define TEXT GW_STR("text/plain; charset=utf-8")
#define NO_SNIFF GW_STR("X-Content-Type-Options"), GW_STR("nosniff")

static void error(struct eg_exchange *x) {
    x->answer.body = x->answer.message;
    x->answer.content_type = TEXT;
    gw_headers_add(x->arena, &x->answer.own, NO_SNIFF);
}

/* Keeps headers like Allow. */
static void refuse(struct gw_http_request *request, const char *reason,
                   struct gw_http_reply *reply) {
    struct gw_headers headers = {0};
    gw_headers_add(&request->arena, &headers, GW_STR("Content-Type"), TEXT);
    gw_headers_add(&request->arena, &headers, NO_SNIFF);
    for (size_t i = 0; i < reply->header_count; i++) {
        if (!gw_str_eq_nocase(reply->headers[i].name, GW_STR("Content-Type"))) {
            gw_headers_add(&request->arena, &headers, reply->headers[i].name,
                           reply->headers[i].value);
        }
    }
    reply->headers = headers.items;
    reply->header_count = headers.count;
    gw_buf_release(&reply->body);
    reply->body = gw_buf_static(gw_str_c(reason));
}

/* ---- CORS: everything is allowed (chapter 15.6) ---- */

static bool cors(struct eg_exchange *x, const struct gw_cors_request *request,
                 struct gw_cors_answer *ret_answer) {
    bool is_preflight = false;
    (void)gw_cors_lookup_method(request, &is_preflight);
    if (is_preflight) {
        gw_cors_preflight(x->arena, &gw_v2017_cors, request, ret_answer);
    } else {
        gw_cors_actual(x->arena, &gw_v2017_cors, request, ret_answer);
    }
    return is_preflight;
}

/* ---- events and where they go ---- */

static bool events(struct eg_exchange *x, const struct gw_event_seed *seed,
                   struct eg_event ***ret_events, size_t *ret_count) {
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_event *event = NULL;
    if (gw_event_from_request_2017(x->arena, &x->view_of_request, seed, &event, &why) < 0) {
        gw_answer_error(x, 500, gw_why_str(&why));
        return false;
    }
    *ret_events = gw_arena_alloc(x->arena, sizeof event);
    (*ret_events)[0] = event;
    *ret_count = 1;
    return true;
}

/* Subscriptions have upper-case methods. */
static const struct gw_subscriber *find_http(const struct eg_exchange *x) {
    const struct eg_str method = x->request->method;
    char upper[32];
    if (method.len > sizeof upper) {
        return NULL;
    }
    for (size_t i = 0; i < method.len; i++) {
        const char c = method.ptr[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    return gw_space_sync(gw_exchange_snapshot(x), gw_str(upper, method.len), x->path, NATIVE_HTTP);
}

/* By the path as it was sent: that of a hosted host has the space in front. */
static bool is_delivered(const struct eg_exchange *x) {
    return gw_str_eq(x->request->method, GW_STR("POST")) &&
           gw_str_eq(x->request->path, GW_STR("/"));
}

static void route(const struct eg_exchange *x, struct eg_str type, struct gw_path_params *params,
                  struct gw_route *ret_route) {
    const struct gw_snapshot *snapshot = gw_exchange_snapshot(x);
    (void)params; /* paths have none */
    if (gw_str_eq(type, INVOKE)) {
        const struct eg_str id = gw_http_header(x->request, GW_STR("Function-ID"), 0);
        ret_route->callee = gw_space_callee(snapshot, id, &ret_route->direct);
    } else if (gw_str_eq(type, HTTP)) {
        ret_route->sync = find_http(x);
    } else if (is_delivered(x)) {
        ret_route->async = gw_space_async(snapshot, type, &ret_route->async_count);
    }
}

/* All subscribers of an event have its one type in the one space. */
static const struct gw_eventtype *schema(const struct eg_exchange *x, struct eg_str type,
                                         size_t index) {
    struct gw_route to = {0};
    route(x, type, NULL, &to);
    const struct gw_subscriber *first = to.sync != NULL      ? to.sync
                                        : to.async_count > 0 ? to.async[0]
                                                             : NULL;
    const struct gw_object *found = first == NULL ? NULL : first->event_type;
    return index > 0 || found == NULL || found->as.eventtype.schema.len == 0 ? NULL
                                                                             : &found->as.eventtype;
}

/* ---- what became of it ---- */

/* Chapter 8.3. A service that is overloaded has not told of the function. */
static const char *const failures[EG_CALL_CLASSES] = {
    [EG_CALL_OK] = "Function call failed.",
    [EG_CALL_ACCEPTED] = "Function call failed.",
    [EG_CALL_THROTTLED] = "Function call failed because of provider error.",
    [EG_CALL_TRANSIENT] = "Function call failed.",
    [EG_CALL_FUNCTION] = "Function call failed because of runtime error.",
    [EG_CALL_PERMANENT] = "Function call failed.",
    [EG_CALL_AUTH] = "Function access denied.",
};

static void answer_failure(struct eg_exchange *x, const struct gw_call *call) {
    struct gw_bytes text;
    const struct eg_str reason = call->error.len > 0 ? call->error : call->invoking.veto_text;
    GW_ASSERT(call->call_class < EG_CALL_CLASSES);
    gw_bytes_init_arena(&text, x->arena, reason.len + 96);
    gw_bytes_addf(&text, "%s Error: ", failures[call->call_class]);
    gw_quote(&text, reason);
    gw_answer_error(x, 500, gw_bytes_str(&text));
}

/* Whatever the function said, and whatever its status was. */
static void outcome(struct eg_exchange *x, const struct gw_call *call, struct eg_str body) {
    if (call->is_lost) {
        gw_answer_error(x, 500, GW_STR(LOST));
    } else if (!call->is_ok) {
        answer_failure(x, call);
    } else {
        gw_answer_set(x, 200);
        x->answer.body = body;
    }
}

/* A request is one event, and this one has called nobody. */
static void accepted(struct eg_exchange *x) {
    const struct eg_str type = x->items[0].event->type;
    if (gw_str_eq(type, INVOKE)) {
        gw_answer_error(x, 500, GW_STR(LOST));
    } else if (gw_str_eq(type, HTTP)) {
        gw_answer_error(x, 404, GW_STR("Resource not found"));
    } else {
        gw_answer_set(x, is_delivered(x) ? 202 : 200);
    }
}

/* ---- gateway.info.functionError ---- */

static struct eg_event *make_function_error(struct eg_exchange *x, struct eg_str function_id) {
    struct gw_event_seed seed;
    struct gw_bytes data;
    gw_exchange_seed(x, &seed);
    seed.version = GW_CE_2017;
    gw_bytes_init_arena(&data, x->arena, function_id.len + 24);
    gw_bytes_add_c(&data, "{\"functionId\":");
    gw_jw_string(&data, function_id);
    gw_bytes_add_char(&data, '}');
    return gw_event_make(x->arena, &seed, FUNCTION_ERROR, GW_STR("application/json"),
                         gw_bytes_str(&data));
}

/* It is the gateway's own word: its deliveries tell of nothing in their turn, so that a function
 * that fails and is subscribed to this cannot be called for ever. */
static void call_failed(struct gw_call *call) {
    struct eg_exchange *x = call->exchange;
    struct eg_event *event = NULL;
    size_t count = 0;
    if (call->call_class != EG_CALL_FUNCTION) {
        return;
    }
    const struct gw_subscriber *const *subscribers =
        gw_space_async(gw_exchange_snapshot(x), FUNCTION_ERROR, &count);
    for (size_t i = 0; i < count; i++) {
        if (!gw_backlog_offer(x, subscribers[i])) {
            continue;
        }
        event = event == NULL ? make_function_error(x, call->function_id) : event;
        gw_backlog_deliver(x, subscribers[i], event, true);
    }
}

const struct gw_face gw_face_v2017 = {
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
