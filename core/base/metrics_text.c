/*
 * base/metrics_text.c - the metrics in the Prometheus text format 0.0.4, sorted, so that two
 * outputs can be compared. Any thread. The buckets of a histogram are read once and summed here, so
 * +Inf and _count agree even while others observe.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/metrics_inner.h"
#include "base/slice.h"

static const char *const type_words[] = {
    [GW_COUNTER] = "counter", [GW_GAUGE] = "gauge",         [GW_HISTOGRAM] = "histogram",
    [GW_UNTYPED] = "untyped", [GW_GAUGE_SECONDS] = "gauge", [GW_COUNTER_SECONDS] = "counter"};

/* The shortest decimal that reads back as the same double. */
static void add_double(struct gw_bytes *out, double value) {
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    gw_bytes_add_c(out, text);
}

/* Nanoseconds as seconds, exactly. */
static void add_seconds(struct gw_bytes *out, uint64_t ns) {
    char digits[16];
    gw_bytes_add_u64(out, ns / 1000000000u);
    if (ns % 1000000000u == 0) {
        return;
    }
    const int len = snprintf(digits, sizeof digits, ".%09u", (unsigned)(ns % 1000000000u));
    size_t end = (size_t)len;
    while (digits[end - 1] == '0') {
        end--;
    }
    gw_bytes_add(out, gw_str(digits, end));
}

static void add_head(struct gw_bytes *out, const char *name, const char *help, const char *type) {
    gw_bytes_addf(out, "# HELP %s ", name);
    for (; *help != '\0'; help++) {
        if (*help == '\n' || *help == '\\') {
            gw_bytes_add_char(out, '\\');
        }
        gw_bytes_add_char(out, *help == '\n' ? 'n' : *help);
    }
    gw_bytes_addf(out, "\n# TYPE %s %s\n", name, type);
}

static void add_bucket(struct gw_bytes *out, const struct eg_metric *m, const double *bound,
                       uint64_t count) {
    gw_bytes_add_c(out, m->family->name);
    gw_bytes_add(out, GW_STR("_bucket"));
    if (m->labels.len > 0) {
        gw_bytes_add(out, gw_str(m->labels.ptr, m->labels.len - 1));
        gw_bytes_add_char(out, ',');
    } else {
        gw_bytes_add_char(out, '{');
    }
    gw_bytes_add(out, GW_STR("le=\""));
    if (bound == NULL) {
        gw_bytes_add(out, GW_STR("+Inf"));
    } else {
        add_double(out, *bound);
    }
    gw_bytes_add(out, GW_STR("\"} "));
    gw_bytes_add_u64(out, count);
    gw_bytes_add_char(out, '\n');
}

static void add_histogram(struct gw_bytes *out, const struct eg_metric *m) {
    uint64_t count = 0;
    double bound = m->family->bucket_first;
    for (uint32_t i = 0; i < m->family->bucket_count; i++) {
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        add_bucket(out, m, &bound, count);
        bound *= m->family->bucket_factor;
    }
    count += atomic_load_explicit(&m->buckets[m->family->bucket_count], memory_order_relaxed);
    add_bucket(out, m, NULL, count);
    gw_bytes_addf(out, "%s_sum%.*s ", m->family->name, GW_FMT(m->labels));
    add_seconds(out, atomic_load_explicit(&m->sum_ns, memory_order_relaxed));
    gw_bytes_addf(out, "\n%s_count%.*s ", m->family->name, GW_FMT(m->labels));
    gw_bytes_add_u64(out, count);
    gw_bytes_add_char(out, '\n');
}

static void add_metric(struct gw_bytes *out, const struct eg_metric *m) {
    if (m->family->type == GW_HISTOGRAM) {
        add_histogram(out, m);
        return;
    }
    gw_bytes_add(out, m->key);
    gw_bytes_add_char(out, ' ');
    if (m->family->type == GW_GAUGE_SECONDS || m->family->type == GW_COUNTER_SECONDS) {
        add_seconds(out, (uint64_t)gw_metric_value(m));
    } else {
        gw_bytes_add_i64(out, gw_metric_value(m));
    }
    gw_bytes_add_char(out, '\n');
}

/* Those of the process whose name sorts before `before` (NULL: all the rest). */
static size_t add_process(struct gw_bytes *out, const struct gw_process_value *values, size_t at,
                          size_t count, const char *before) {
    for (; at < count; at++) {
        const struct gw_process_value *v = &values[at];
        if (before != NULL && strcmp(v->name, before) > 0) {
            break;
        }
        add_head(out, v->name, v->help, v->type);
        gw_bytes_add_c(out, v->name);
        gw_bytes_add_char(out, ' ');
        add_double(out, v->value);
        gw_bytes_add_char(out, '\n');
    }
    return at;
}

void gw_metrics_write(struct gw_bytes *out) {
    struct gw_process_value process[GW_PROCESS_VALUES];
    const size_t process_count = gw_process_read(process);
    size_t process_at = 0;
    size_t count = 0;
    const struct eg_metric **all = gw_metrics_sorted(&count);
    for (size_t i = 0; i < count; i++) {
        const struct gw_metric_family *family = all[i]->family;
        if (i == 0 || strcmp(family->name, all[i - 1]->family->name) != 0) {
            process_at = add_process(out, process, process_at, process_count, family->name);
            add_head(out, family->name, family->help, type_words[family->type]);
        }
        add_metric(out, all[i]);
    }
    (void)add_process(out, process, process_at, process_count, NULL);
    gw_free((void *)all);
}
