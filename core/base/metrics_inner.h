/* base/metrics_inner.h - what registry and text of the metrics share. Not for other floors. */
#ifndef GW_BASE_METRICS_INNER_H
#define GW_BASE_METRICS_INNER_H

#include <stdatomic.h>

#include "base/metrics.h"

#define GW_METRIC_MAGIC 0x4d455452u
#define GW_BUCKETS_MAX 32u

struct eg_metric {
    uint32_t magic;
    bool is_hidden; /* under the registry's lock */
    const struct gw_metric_family *family;
    struct eg_str key;    /* name{labels} */
    struct eg_str labels; /* {a="1",b="2"} or empty, escaped; borrows key */
    _Atomic int64_t value;
    _Atomic uint64_t sum_ns;
    uint64_t bounds_ns[GW_BUCKETS_MAX];
    _Atomic uint64_t buckets[GW_BUCKETS_MAX + 1]; /* not cumulative; the last is +Inf */
};

/* All that are not hidden, by name and labels. gw_free the array. */
const struct eg_metric **gw_metrics_sorted(size_t *ret_count);

/* The process_* families (process.c). Sorted by name. */
struct gw_process_value {
    const char *name;
    const char *help;
    const char *type;
    double value;
};
#define GW_PROCESS_VALUES 6u
/* Fills values; returns how many could be read. */
size_t gw_process_read(struct gw_process_value values[GW_PROCESS_VALUES]);

#endif
