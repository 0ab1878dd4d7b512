/*
 * base/metrics.h - counters, gauges and histograms, written out in the Prometheus text format
 * 0.0.4.
 *
 * Look-up (gw_metric_*) takes a lock and is done when configuration changes or at start; the handle
 * lives as long as the process. Updates are relaxed atomics, any thread, no lock.
 */
#ifndef GW_BASE_METRICS_H
#define GW_BASE_METRICS_H

#include "base/bytes.h"

struct eg_metric;

/* GW_UNTYPED is a gauge that is written as untyped: for inherited names that end in _total and
 * still go down, which a gauge must not (promtool check metrics). GW_GAUGE_SECONDS is a gauge whose
 * value is nanoseconds (not below 0) and is written as seconds; GW_COUNTER_SECONDS a counter of
 * this kind. */
enum gw_metric_type {
    GW_COUNTER,
    GW_GAUGE,
    GW_HISTOGRAM,
    GW_UNTYPED,
    GW_GAUGE_SECONDS,
    GW_COUNTER_SECONDS
};

/* Describes one family, static. name without prefix is written as given. */
struct gw_metric_family {
    const char *name;
    const char *help;
    enum gw_metric_type type;
    double bucket_first;   /* histograms: first upper bound in seconds */
    double bucket_factor;  /* each next bound = previous * factor */
    uint32_t bucket_count; /* without +Inf, <= 32 */
};

/* The metric of the family with these labels (copied; at most 16). Same name and labels, in any
 * order = same handle. */
struct eg_metric *gw_metric(const struct gw_metric_family *family, const struct eg_kv *labels,
                            size_t label_count);
void gw_metric_add(struct eg_metric *m, int64_t delta);
void gw_metric_set(struct eg_metric *m, int64_t value);
void gw_metric_observe_ns(struct eg_metric *m, uint64_t ns);
int64_t gw_metric_value(const struct eg_metric *m); /* count of a histogram */
/* Forgets a metric so that it is no longer written (gauges of a space that is gone). The handle
 * stays valid; looking it up again brings it back. */
void gw_metric_hide(struct eg_metric *m);

/* Everything, families sorted by name, labels sorted; plus process_* (CPU, RSS, fds, start time).
 */
void gw_metrics_write(struct gw_bytes *out);
/* Tests: forget all. Handles stay valid, with value 0, but are not written until looked up again.
 */
void gw_metrics_reset(void);

#endif
