/*
 * api/metrics_page.c - `GET /v1/metrics` in the Prometheus text format 0.0.4 (chapter 11). Control
 * thread; no state.
 */
#include "api/pages.h"

#include "api/config_answer.h"
#include "base/slice.h"
#include "plugin/stats.h"
#include "state/standing.h"

void gw_metrics_page(struct gw_config_context *context, struct gw_http_request *request) {
    struct gw_bytes body;
    struct gw_standing standing;
    gw_standing_read(context->catalog, context->publisher, &standing);
    gw_standing_show(&standing);
    gw_stats_show(context->manager);
    gw_bytes_init(&body, 0);
    gw_metrics_write(&body);
    gw_config_answer_bytes(context, request, GW_STR("text/plain; version=0.0.4"), &body);
}
