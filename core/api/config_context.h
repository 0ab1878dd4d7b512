/*
 * api/config_context.h - what every part of the Config API needs to know: where the configuration
 * lies, who knows the providers, and how to behave. Owned by config_api.c, borrowed by calls.
 * Inside api/ only; control thread.
 */
#ifndef GW_API_CONFIG_CONTEXT_H
#define GW_API_CONFIG_CONTEXT_H

#include "api/config_router.h"
#include "base/list.h"
#include "state/snapshot.h"

/* Distinct values of the label `space` of eventgateway_config_requests_total: spaces come from
 * strangers, so what comes later (and what can be no space name) is counted under GW_OTHER_SPACES.
 */
#define GW_MAX_COUNTED_SPACES 1000u
#define GW_MAX_COUNTED_SPACE_BYTES 128u
#define GW_OTHER_SPACES "(other)"

struct gw_http_request;

struct gw_config_context {
    struct gw_catalog *catalog;
    const struct gw_publisher *publisher;
    struct gw_manager *manager;
    /* NULL: cannot be asked for */
    void (*on_reload)(void *arg, struct gw_http_request *request, struct eg_str replace);
    void *reload_arg;
    bool mask_secrets;
    bool refuse_cross_space_conflicts;
    uint32_t busy;        /* calls that have not been answered */
    uint64_t heard_ns;    /* when the store has last answered a call in time, monotonic */
    struct gw_node turns; /* see config_turns.h */
    struct gw_node waits; /* see status_wait.h */
    uint32_t wait_count;
    bool is_draining;    /* who waits is answered */
    uint64_t started_ns; /* monotonic */
    struct eg_metric *duration;
    struct gw_map counted_spaces; /* struct counted_space, by name */
};

/* eventgateway_config_requests_total and eventgateway_config_request_duration_seconds. */
void gw_config_metrics_init(struct gw_config_context *context);
void gw_config_metrics_free(struct gw_config_context *context);
void gw_config_metrics_count(struct gw_config_context *context, struct eg_str space,
                             enum gw_kind kind, enum gw_config_op op);

#endif
