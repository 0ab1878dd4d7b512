/*
 * flow/exchange.h - one request on its way, and struct gw_flow itself: what all files of this floor
 * share. See docs/internals/flow.md.
 *
 * The exchange lives in the arena of its request and is counted (loop thread only); the last
 * reference gives back the view, the answer of the function and the request.
 */
#ifndef GW_FLOW_EXCHANGE_H
#define GW_FLOW_EXCHANGE_H

#include "domain/event.h"
#include "flow/answer.h"
#include "flow/authorize.h"
#include "flow/backlog.h"
#include "flow/call.h"
#include "flow/chain.h"
#include "flow/counters.h"
#include "flow/face.h"
#include "flow/flow.h"
#include "flow/scope.h"
#include "flow/trace.h"

/* Which system events nobody subscribed to at `/`, of one snapshot: most gateways have no such
 * subscription, and then a system event costs one comparison. */
struct gw_quiet {
    const struct gw_snapshot *snapshot;
    uint64_t revision;
    bool is_quiet[GW_SYS_EVENTS];
};

struct gw_flow {
    struct eg_loop *loop;
    uint32_t loop_index;
    struct gw_reader *reader;
    const struct gw_face *face;
    struct gw_flow_config config;
    struct gw_counters counters;
    struct gw_backlog backlog;
    struct gw_node waits; /* ops that are out */
    uint32_t exchanges;   /* alive */
    bool is_draining;
    struct gw_quiet quiet;
};

/* The first refusal of a batch: index from 0, reason. */
#define GW_BATCH_REFUSAL "event %zu of the batch: %.*s"

/* One event of the request. */
struct gw_item {
    struct eg_event *event;
    struct gw_route route; /* room is reserved for the async ones */
    size_t async_done;     /* of them: queued, refused or dropped already */
};

/* What a component keeps with the request from one hook to the next. */
struct gw_keepsake {
    const struct eg_host *host; /* whose */
    void *ptr;
    void (*release)(void *ptr); /* may be NULL */
    struct gw_keepsake *next;
};

#define GW_EXCHANGE_MAGIC 0x47574558u /* "GWEX" */

struct eg_exchange {
    uint32_t magic;
    uint32_t refs;
    struct gw_flow *flow;
    struct gw_http_request *request; /* held */
    struct gw_arena *arena;          /* the request's */
    struct gw_view *view;            /* held */
    const struct gw_chains *chains;  /* of the view */
    uint32_t step;                   /* enum gw_step */
    bool is_batch;
    bool is_hosted;                          /* the host name is a hosted one */
    struct eg_str path;                      /* as routed */
    struct gw_event_request view_of_request; /* for the codecs */
    struct gw_item *items;
    size_t item_count;
    size_t item_index;            /* the next one to take */
    struct gw_item *item;         /* the one at work */
    struct eg_str batch_refusal;  /* the first, empty = none */
    struct eg_str principal_json; /* set_principal */
    struct eg_str principal;
    struct gw_keepsake *keepsakes;
    struct gw_answer answer;
    struct gw_chain_run chain;
    struct gw_scope *scopes;   /* by place in the chain; NULL until one is needed */
    struct gw_trace *trace;    /* NULL: nobody wants it */
    struct gw_carried carried; /* then */
    struct gw_notify received; /* of the event at work */
    struct gw_authorize authorize;
    struct gw_call *call; /* of the one who answers */
    struct gw_wait *spare_wait;
    struct gw_path_params params; /* last: is not zeroed */
};

/* ---- exchange.c ---- */
struct eg_exchange *gw_exchange_create(struct gw_flow *flow, struct gw_http_request *request);
void gw_exchange_ref(struct eg_exchange *exchange);
void gw_exchange_unref(struct eg_exchange *exchange);
/* Walks the step table until it has to wait or has ended. */
void gw_exchange_run(struct eg_exchange *exchange);
/* What a sub-machine calls when it has ended later. */
void gw_exchange_resume(struct eg_exchange *exchange);
void gw_keepsake_release(struct gw_keepsake *keepsake);
/* One log line with the request id and one more field (name NULL = none). */
void gw_exchange_log(const struct eg_exchange *exchange, uint32_t level, const char *text,
                     const char *name, struct eg_str value);
void gw_exchange_seed(const struct eg_exchange *exchange, struct gw_event_seed *ret_seed);
/* A copy that can be authorized without touching the original. */
struct eg_event *gw_event_fork(struct gw_arena *arena, const struct eg_event *event);

static inline const struct gw_snapshot *gw_exchange_snapshot(const struct eg_exchange *exchange) {
    return exchange->view->snapshot;
}

/* ---- steps ---- */
enum gw_move { GW_MOVE_NEXT, GW_MOVE_OTHER, GW_MOVE_WAIT };
/* X(enum name, function, next, other) */
#define GW_STEPS(X)                                                                                \
    X(ADMIT, admit, CORS, ANSWER)                                                                  \
    X(CORS, cors, REQUEST_CHAIN, ANSWER)                                                           \
    X(REQUEST_CHAIN, request_chain, REQUEST_VERDICT, REQUEST_VERDICT)                              \
    X(REQUEST_VERDICT, chain_verdict, BUILD, REPLY_CHAIN)                                          \
    X(BUILD, build, TAKE, REPLY_CHAIN)                                                             \
    X(TAKE, take, RECEIVED, CLOSE)                                                                 \
    X(RECEIVED, received, RECEIVED_VERDICT, EVENT_CHAIN)                                           \
    X(RECEIVED_VERDICT, received_verdict, EVENT_CHAIN, COLLECT)                                    \
    X(EVENT_CHAIN, event_chain, EVENT_VERDICT, EVENT_VERDICT)                                      \
    X(EVENT_VERDICT, chain_verdict, ROUTE, COLLECT)                                                \
    X(ROUTE, route, AUTHORIZE, COLLECT)                                                            \
    X(AUTHORIZE, authorize, AUTHORIZE_VERDICT, INVOKE)                                             \
    X(AUTHORIZE_VERDICT, authorize_verdict, INVOKE, COLLECT)                                       \
    X(INVOKE, invoke, INVOKE_VERDICT, INVOKE_VERDICT)                                              \
    X(INVOKE_VERDICT, invoke_verdict, COLLECT, COLLECT)                                            \
    X(COLLECT, collect, TAKE, TAKE)                                                                \
    X(CLOSE, close, REPLY_CHAIN, REPLY_CHAIN)                                                      \
    X(REPLY_CHAIN, reply_chain, REPLY_VERDICT, REPLY_VERDICT)                                      \
    X(REPLY_VERDICT, reply_verdict, ANSWER, ANSWER)                                                \
    X(ANSWER, answer, FANOUT, FANOUT)                                                              \
    X(FANOUT, fanout, FANOUT_VERDICT, END)                                                         \
    X(FANOUT_VERDICT, fanout_verdict, FANOUT, FANOUT)

enum gw_step {
#define GW_STEP_ENUM(name, function, next, other) GW_STEP_##name,
    GW_STEPS(GW_STEP_ENUM)
#undef GW_STEP_ENUM
        GW_STEP_END
};

enum gw_move gw_step_admit(struct eg_exchange *x);
enum gw_move gw_step_cors(struct eg_exchange *x);
enum gw_move gw_step_request_chain(struct eg_exchange *x);
enum gw_move gw_step_chain_verdict(struct eg_exchange *x);
enum gw_move gw_step_build(struct eg_exchange *x);
enum gw_move gw_step_take(struct eg_exchange *x);
enum gw_move gw_step_received(struct eg_exchange *x);
enum gw_move gw_step_received_verdict(struct eg_exchange *x);
enum gw_move gw_step_event_chain(struct eg_exchange *x);
enum gw_move gw_step_route(struct eg_exchange *x);
enum gw_move gw_step_authorize(struct eg_exchange *x);
enum gw_move gw_step_authorize_verdict(struct eg_exchange *x);
enum gw_move gw_step_invoke(struct eg_exchange *x);
enum gw_move gw_step_invoke_verdict(struct eg_exchange *x);
enum gw_move gw_step_collect(struct eg_exchange *x);
enum gw_move gw_step_close(struct eg_exchange *x);
enum gw_move gw_step_reply_chain(struct eg_exchange *x);
enum gw_move gw_step_reply_verdict(struct eg_exchange *x);
enum gw_move gw_step_answer(struct eg_exchange *x);
enum gw_move gw_step_fanout(struct eg_exchange *x);
enum gw_move gw_step_fanout_verdict(struct eg_exchange *x);

#endif
