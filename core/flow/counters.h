/*
 * flow/counters.h - metric handles of the data path, looked up once. Per loop, so that the map of
 * spaces needs no lock.
 */
#ifndef GW_FLOW_COUNTERS_H
#define GW_FLOW_COUNTERS_H

#include "base/map.h"
#include "base/metrics.h"
#include "domain/sysevent.h"

struct gw_space_counters;

struct gw_counters {
    struct eg_metric *dropped;      /* eventgateway_events_dropped_total{space="",type="custom"} */
    struct eg_metric *backlog;      /* eventgateway_events_backlog */
    struct eg_metric *queue_time;   /* eventgateway_events_custom_processing_seconds */
    struct eg_metric *unrouted;     /* eventgateway_events_unrouted_total (Q7) */
    struct eg_metric *forbidden;    /* eventgateway_events_forbidden_total */
    struct gw_map spaces;           /* space -> struct gw_space_counters */
    struct gw_space_counters *last; /* most calls are of one space */
};

void gw_counters_init(struct gw_counters *counters);
void gw_counters_free(struct gw_counters *counters);
/* eventgateway_events_received_total{space,type=<system event>}. */
void gw_counters_sysevent(struct gw_counters *counters, struct eg_str space,
                          enum gw_sysevent which);

#endif
