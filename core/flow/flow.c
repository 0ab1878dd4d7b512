/*
 * flow/flow.c - life of a flow: made with its loop, configured while serving, drained, abandoned,
 * destroyed when nothing of it is left. Loop thread, but create and destroy, which need the loop to
 * stand still or to be this thread.
 */
#include "flow/flow.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "flow/exchange.h"

struct gw_flow *gw_flow_create(const struct gw_flow_setup *setup) {
    GW_ASSERT(setup->workers > 0 && setup->backlog > 0);
    struct gw_flow *flow = gw_alloc(sizeof *flow);
    flow->loop = setup->loop;
    flow->loop_index = gw_loop_index(setup->loop);
    flow->reader = setup->reader;
    flow->face = setup->face == NULL ? &gw_face_native : setup->face;
    flow->config = setup->config;
    gw_list_init(&flow->waits);
    gw_counters_init(&flow->counters);
    gw_backlog_init(&flow->backlog, setup->loop, setup->workers, setup->backlog);
    return flow;
}

void gw_flow_configure(struct gw_flow *flow, const struct gw_flow_config *config) {
    flow->config = *config;
}

void gw_flow_drain(struct gw_flow *flow) {
    flow->is_draining = true;
}

uint32_t gw_flow_busy(const struct gw_flow *flow) {
    return flow->exchanges + flow->backlog.queued + flow->backlog.running;
}

void gw_flow_abandon(struct gw_flow *flow) {
    flow->is_draining = true;
    gw_backlog_close(flow);
    gw_wait_cancel_all(flow);
}

void gw_flow_destroy(struct gw_flow *flow) {
    if (flow == NULL) {
        return;
    }
    GW_ASSERT(gw_flow_busy(flow) == 0);
    gw_counters_free(&flow->counters);
    gw_backlog_free(&flow->backlog);
    gw_free(flow);
}

void gw_flow_request(struct gw_flow *flow, struct gw_http_request *request) {
    gw_exchange_run(gw_exchange_create(flow, request));
}

void gw_flow_refuse(struct gw_flow *flow, struct gw_http_request *request, const char *reason,
                    struct gw_http_reply *reply) {
    flow->face->refuse(request, reason, reply);
}

/* Functions are called at most once and what was accepted is done, so a client that goes away
 * changes nothing: the server drops the reply. */
void gw_flow_gone(struct gw_flow *flow, struct gw_http_request *request) {
    (void)flow;
    GW_LOG(EG_LOG_DEBUG, "client went away before the reply",
           {GW_STR("request_id"), request->request_id});
}
