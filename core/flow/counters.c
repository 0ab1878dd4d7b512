/*
 * flow/counters.c - see counters.h. The names and labels are those of chapter 11; the rest are
 * additions.
 */
#include "flow/counters.h"

#include "base/mem.h"
#include "base/slice.h"

static const struct gw_metric_family family_received = {
    .name = "eventgateway_events_received_total",
    .help = "Total of events received.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family family_dropped = {
    .name = "eventgateway_events_dropped_total",
    .help = "Total of events dropped due to insufficient processing power.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family family_backlog = {
    .name = "eventgateway_events_backlog",
    .help = "Number of asynchronous events waiting to be processed.",
    .type = GW_GAUGE,
};
static const struct gw_metric_family family_queue_time = {
    .name = "eventgateway_events_custom_processing_seconds",
    .help = "Time an asynchronous event waited in the backlog.",
    .type = GW_HISTOGRAM,
    .bucket_first = 0.00001,
    .bucket_factor = 2,
    .bucket_count = 20,
};
static const struct gw_metric_family family_unrouted = {
    .name = "eventgateway_events_unrouted_total",
    .help = "Total of accepted events that nobody subscribed to.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family family_forbidden = {
    .name = "eventgateway_events_forbidden_total",
    .help = "Total of calls and deliveries refused by an authorizer.",
    .type = GW_COUNTER,
};
struct gw_space_counters {
    struct eg_str space;
    struct eg_metric *sysevents[GW_SYS_EVENTS];
    char text[];
};

void gw_counters_init(struct gw_counters *counters) {
    const struct eg_kv dropped[] = {
        {GW_STR("space"), GW_STR("")},
        {GW_STR("type"), GW_STR("custom")},
    };
    counters->dropped = gw_metric(&family_dropped, dropped, 2);
    counters->backlog = gw_metric(&family_backlog, NULL, 0);
    counters->queue_time = gw_metric(&family_queue_time, NULL, 0);
    counters->unrouted = gw_metric(&family_unrouted, NULL, 0);
    counters->forbidden = gw_metric(&family_forbidden, NULL, 0);
}

void gw_counters_free(struct gw_counters *counters) {
    const struct gw_map_slot *slot;
    for (size_t i = 0; (slot = gw_map_next(&counters->spaces, &i)) != NULL;) {
        gw_free(slot->value);
    }
    gw_map_free(&counters->spaces);
    counters->last = NULL;
}

static struct gw_space_counters *space_create(struct gw_counters *counters, struct eg_str space) {
    struct gw_space_counters *c = gw_alloc(sizeof *c + space.len + 1);
    if (space.len > 0) {
        memcpy(c->text, space.ptr, space.len);
    }
    c->space = gw_str(c->text, space.len);
    gw_map_put(&counters->spaces, c->space, c);
    return c;
}

static struct gw_space_counters *space_of(struct gw_counters *counters, struct eg_str space) {
    struct gw_space_counters *c = counters->last;
    if (c != NULL && gw_str_eq(c->space, space)) {
        return c;
    }
    c = gw_map_get(&counters->spaces, space);
    if (c == NULL) {
        c = space_create(counters, space);
    }
    counters->last = c;
    return c;
}

void gw_counters_sysevent(struct gw_counters *counters, struct eg_str space,
                          enum gw_sysevent which) {
    struct gw_space_counters *c = space_of(counters, space);
    if (c->sysevents[which] == NULL) {
        const struct eg_kv labels[] = {
            {GW_STR("space"), c->space},
            {GW_STR("type"), gw_str_c(gw_sysevent_types[which])},
        };
        c->sysevents[which] = gw_metric(&family_received, labels, 2);
    }
    gw_metric_add(c->sysevents[which], 1);
}
