/*
 * plugin/host_metrics.c - the metrics service. A family of the gateway's registry is a static
 * thing; those of plugins are made on first use and live as long as the process, as their handles
 * do. What a plugin asks for wrongly is logged and answered with NULL, which add and set take
 * silently. Look-up: any thread, under a lock; add and set: any thread, lock-free.
 */
#include <pthread.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "plugin/host.h"

#define PREFIX "eventgateway_"
#define NAME_MAX_BYTES 120u

struct family {
    struct gw_metric_family pub;
    struct family *next;
    char name[sizeof PREFIX + NAME_MAX_BYTES];
};
static pthread_mutex_t families_lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families;

static bool is_name(struct eg_str name, bool is_counter) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '_' && (name.ptr[i] < 'a' || name.ptr[i] > 'z')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES &&
           (!is_counter || gw_str_ends(name, GW_STR("_total")));
}

static struct family *find_or_make(struct eg_str name, struct eg_str help,
                                   enum gw_metric_type type) {
    const size_t prefix = sizeof PREFIX - 1;
    for (struct family *f = families; f != NULL; f = f->next) {
        if (gw_str_eq(gw_str_c(f->name + prefix), name)) {
            return f;
        }
    }
    struct family *made = gw_alloc(sizeof *made);
    memcpy(made->name, PREFIX, prefix);
    memcpy(made->name + prefix, name.ptr, name.len);
    made->pub =
        (struct gw_metric_family){.name = made->name, .help = gw_dup_cstr(help), .type = type};
    made->next = families;
    families = made;
    return made;
}

static struct eg_metric *look_up(const struct eg_host *host, struct eg_str name, struct eg_str help,
                                 enum gw_metric_type type, const struct eg_kv *labels,
                                 size_t label_count) {
    if (!is_name(name, type == GW_COUNTER)) {
        gw_logf(EG_LOG_ERROR, "component '%.*s' asks for a metric with the bad name '%.*s'",
                GW_FMT(host->component), GW_FMT(name));
        return NULL;
    }
    (void)pthread_mutex_lock(&families_lock);
    const struct family *family = find_or_make(name, help, type);
    (void)pthread_mutex_unlock(&families_lock);
    if (family->pub.type != type) {
        gw_logf(EG_LOG_ERROR, "component '%.*s' asks for metric '%.*s' as another type",
                GW_FMT(host->component), GW_FMT(name));
        return NULL;
    }
    return gw_metric(&family->pub, labels, label_count);
}

static struct eg_metric *metrics_counter(const struct eg_host *host, struct eg_str name,
                                         struct eg_str help, const struct eg_kv *labels,
                                         size_t label_count) {
    return look_up(host, name, help, GW_COUNTER, labels, label_count);
}

static struct eg_metric *metrics_gauge(const struct eg_host *host, struct eg_str name,
                                       struct eg_str help, const struct eg_kv *labels,
                                       size_t label_count) {
    return look_up(host, name, help, GW_GAUGE, labels, label_count);
}

static void metrics_add(struct eg_metric *metric, int64_t delta) {
    if (metric != NULL) {
        gw_metric_add(metric, delta);
    }
}

static void metrics_set(struct eg_metric *metric, int64_t value) {
    if (metric != NULL) {
        gw_metric_set(metric, value);
    }
}

const struct eg_metrics_api gw_host_metrics = {
    .struct_size = sizeof gw_host_metrics,
    .counter = metrics_counter,
    .gauge = metrics_gauge,
    .add = metrics_add,
    .set = metrics_set,
};
