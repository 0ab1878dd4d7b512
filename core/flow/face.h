/*
 * flow/face.h - what clients of the events listener see of the gateway: how requests become events,
 * where those go, and what is answered. One table of functions, handed down when a flow is made.
 *
 * Everything else (middleware, system events, authorizers, backlog, traces, metrics) is the same
 * behind every face. A face keeps nothing of its own: what it knows of a request is in the
 * exchange. Loop thread.
 */
#ifndef GW_FLOW_FACE_H
#define GW_FLOW_FACE_H

#include "domain/cors_rules.h"
#include "domain/event.h"
#include "state/snapshot.h"

struct gw_call;
struct gw_http_reply;
struct gw_http_request;

/* Where an event goes. Zeroed: nowhere. Not both sync and callee. */
struct gw_route {
    const struct gw_subscriber *sync; /* is called, and answers */
    const struct gw_callee *callee;   /* the same without a subscription */
    const struct gw_direct *direct;   /* with callee: counts it */
    const struct gw_subscriber *const *async;
    size_t async_count;
};

struct gw_face {
    /* The server refuses what is no request yet, and reply is how the present API says it. May give
     * it other headers, in the request's arena, and another body, for which the old one is
     * released. */
    void (*refuse)(struct gw_http_request *request, const char *reason,
                   struct gw_http_reply *reply);
    /* The answer has its status and message, and nothing else yet: gives it a body. */
    void (*error)(struct eg_exchange *exchange);
    /* The headers of CORS for this request. true: it is a preflight, answered with 200 and these.
     */
    bool (*cors)(struct eg_exchange *exchange, const struct gw_cors_request *request,
                 struct gw_cors_answer *ret_answer);
    /* The events of the request, exchange->is_batch with them. false: it is refused and answered.
     */
    bool (*events)(struct eg_exchange *exchange, const struct gw_event_seed *seed,
                   struct eg_event ***ret_events, size_t *ret_count);
    /* Where an event of this type goes that came with this request; asked for by middleware too, so
     * it decides only. params may be NULL. */
    void (*route)(const struct eg_exchange *exchange, struct eg_str type,
                  struct gw_path_params *params, struct gw_route *ret_route);
    /* The index-th event type with a schema among those of that route; NULL: not so many. */
    const struct gw_eventtype *(*schema)(const struct eg_exchange *exchange, struct eg_str type,
                                         size_t index);
    /* The answer, by what became of the sync call. body: of the function, kept with the answer. */
    void (*outcome)(struct eg_exchange *exchange, const struct gw_call *call, struct eg_str body);
    /* The answer when nothing else has given one: everything was accepted. */
    void (*accepted)(struct eg_exchange *exchange);
    /* A call has failed, sync or not; not told of calls that deliver the gateway's own word. */
    void (*call_failed)(struct gw_call *call);
};

/* That of the present API (face_native.c). */
extern const struct gw_face gw_face_native;

#endif
