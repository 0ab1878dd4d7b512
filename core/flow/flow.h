/*
 * flow/flow.h - what happens to requests and events on one loop. One struct gw_flow per loop; all
 * of it on that loop's thread.
 *
 * A request: hosted path, CORS, chain on_request, event(s), then per event: notify received, chain
 * on_event, route, room in the backlog for all async subscribers at once, authorize, invoke, map
 * the reply, chain on_reply, answer, fan out. The exchange is counted; whatever is still running (a
 * call past its deadline, a queued delivery) holds it, and with it the request's arena.
 */
#ifndef GW_FLOW_FLOW_H
#define GW_FLOW_FLOW_H

#include "io/http_server.h"
#include "state/snapshot.h"

struct gw_flow;
struct gw_face;

enum gw_overflow { GW_OVERFLOW_REFUSE, GW_OVERFLOW_DROP };

/* Copied; may be replaced while serving (gw_flow_configure, on the loop). */
struct gw_flow_config {
    bool is_hosted;            /* events.hosted */
    enum gw_overflow overflow; /* events.overflow: 503, or 202 and drop (Q23) */
    uint32_t event_version;    /* EG_CE_* of events the gateway makes */
    uint32_t json_depth;
    uint64_t function_timeout_ns; /* compat.function_timeout */
    uint64_t middleware_timeout_ns;
    uint32_t reacter_pending; /* asynchronous reactions of one reacter under way on one loop */
    uint32_t trace_percent;   /* of traces that begin here: are sampled */
    bool is_tls;              /* clients come by https */
    uint64_t retry_after_s;   /* of 503 answers */
    bool exposes_revision;    /* events.expose_revision */
};
struct gw_flow_setup {
    struct eg_loop *loop;
    struct gw_reader *reader;
    uint32_t workers;           /* this loop's share, at least 1 */
    uint32_t backlog;           /* this loop's share, at least 1 */
    const struct gw_face *face; /* what clients see; NULL: that of the present API */
    struct gw_flow_config config;
};
struct gw_flow *gw_flow_create(const struct gw_flow_setup *setup);
void gw_flow_configure(struct gw_flow *flow, const struct gw_flow_config *config);
/* From now on new event requests get 503 `Service Unavailable`; the backlog goes on. */
void gw_flow_drain(struct gw_flow *flow);
/* Exchanges alive + deliveries queued or running: 0 = nothing left to do. */
uint32_t gw_flow_busy(const struct gw_flow *flow);
/* Drops what is queued (counted, logged); running calls are cancelled. */
void gw_flow_abandon(struct gw_flow *flow);
void gw_flow_destroy(struct gw_flow *flow); /* busy has to be 0; NULL is fine */

/* One complete request (give). The events listener's on_request and on_gone. */
void gw_flow_request(struct gw_flow *flow, struct gw_http_request *request);
void gw_flow_gone(struct gw_flow *flow, struct gw_http_request *request);
/* Its on_refuse: what is no request yet is refused as errors are told here. */
void gw_flow_refuse(struct gw_flow *flow, struct gw_http_request *request, const char *reason,
                    struct gw_http_reply *reply);

/* The event, exchange and function services of the plugin ABI. */
const struct eg_event_api *gw_flow_event_api(void);
const struct eg_exchange_api *gw_flow_exchange_api(void);
const struct eg_function_api *gw_flow_function_api(void);

#endif
