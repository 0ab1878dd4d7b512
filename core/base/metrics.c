/*
 * base/metrics.c - the registry of counters, gauges and histograms. The text is made in
 * metrics_text.c.
 *
 * A metric is found by "name{labels}", which is also the order of the output. It is never freed, so
 * a handle can be kept anywhere; hiding only takes it out of the text. Look-ups and the walk over
 * all take the lock; values are relaxed atomics, one cell each.
 */
#include "base/metrics_inner.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/slice.h"

#define LABELS_MAX 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gw_map registry;

static int by_name(const void *a, const void *b) {
    const struct eg_kv *left = a;
    const struct eg_kv *right = b;
    return gw_str_cmp(left->name, right->name);
}

/* Label values of the text format escape backslash, quote and newline, and nothing else. */
static void add_label_value(struct gw_bytes *out, struct eg_str value) {
    struct gw_bytes clean;
    gw_bytes_init(&clean, 0);
    gw_utf8_repair(&clean, value);
    for (size_t i = 0; i < clean.len; i++) {
        const char c = clean.ptr[i];
        if (c == '\n') {
            gw_bytes_add(out, GW_STR("\\n"));
            continue;
        }
        if (c == '\\' || c == '"') {
            gw_bytes_add_char(out, '\\');
        }
        gw_bytes_add_char(out, c);
    }
    gw_bytes_free(&clean);
}

/* name{a="1",b="2"} of the labels, sorted. */
static void add_key(struct gw_bytes *out, const char *name, const struct eg_kv *labels,
                    size_t label_count) {
    struct eg_kv sorted[LABELS_MAX];
    GW_ASSERT(label_count <= LABELS_MAX);
    gw_bytes_add_c(out, name);
    if (label_count == 0) {
        return;
    }
    memcpy(sorted, labels, label_count * sizeof *labels);
    qsort(sorted, label_count, sizeof *sorted, by_name);
    for (size_t i = 0; i < label_count; i++) {
        gw_bytes_add_char(out, i == 0 ? '{' : ',');
        gw_bytes_add(out, sorted[i].name);
        gw_bytes_add(out, GW_STR("=\""));
        add_label_value(out, sorted[i].value);
        gw_bytes_add_char(out, '"');
    }
    gw_bytes_add_char(out, '}');
}

static void set_bounds(struct eg_metric *m) {
    const struct gw_metric_family *family = m->family;
    double bound = family->bucket_first;
    GW_ASSERT(family->bucket_count <= GW_BUCKETS_MAX);
    for (uint32_t i = 0; i < family->bucket_count; i++) {
        m->bounds_ns[i] = (uint64_t)(bound * (double)1000000000 + 0.5);
        bound *= family->bucket_factor;
    }
}

static struct eg_metric *metric_new(const struct gw_metric_family *family, struct eg_str key) {
    struct eg_metric *m = gw_alloc(sizeof *m);
    const size_t name_len = strlen(family->name);
    m->magic = GW_METRIC_MAGIC;
    m->family = family;
    m->key = gw_str(gw_dup_cstr(key), key.len);
    m->labels = gw_str_cut(m->key, name_len);
    if (family->type == GW_HISTOGRAM) {
        set_bounds(m);
    }
    return m;
}

struct eg_metric *gw_metric(const struct gw_metric_family *family, const struct eg_kv *labels,
                            size_t label_count) {
    struct gw_bytes key;
    gw_bytes_init(&key, 0);
    add_key(&key, family->name, labels, label_count);
    pthread_mutex_lock(&lock);
    struct eg_metric *m = gw_map_get(&registry, gw_bytes_str(&key));
    if (m == NULL) {
        m = metric_new(family, gw_bytes_str(&key));
        (void)gw_map_put(&registry, m->key, m);
    }
    GW_ASSERT(m->family->type == family->type);
    m->is_hidden = false;
    pthread_mutex_unlock(&lock);
    gw_bytes_free(&key);
    return m;
}

void gw_metric_add(struct eg_metric *m, int64_t delta) {
    GW_MAGIC_CHECK(m, GW_METRIC_MAGIC);
    atomic_fetch_add_explicit(&m->value, delta, memory_order_relaxed);
}

void gw_metric_set(struct eg_metric *m, int64_t value) {
    GW_MAGIC_CHECK(m, GW_METRIC_MAGIC);
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void gw_metric_observe_ns(struct eg_metric *m, uint64_t ns) {
    GW_MAGIC_CHECK(m, GW_METRIC_MAGIC);
    uint32_t bucket = 0;
    while (bucket < m->family->bucket_count && ns > m->bounds_ns[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&m->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sum_ns, ns, memory_order_relaxed);
}

int64_t gw_metric_value(const struct eg_metric *m) {
    GW_MAGIC_CHECK(m, GW_METRIC_MAGIC);
    if (m->family->type != GW_HISTOGRAM) {
        return atomic_load_explicit(&m->value, memory_order_relaxed);
    }
    uint64_t count = 0;
    for (uint32_t i = 0; i <= m->family->bucket_count; i++) {
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
    }
    return (int64_t)count;
}

void gw_metric_hide(struct eg_metric *m) {
    GW_MAGIC_CHECK(m, GW_METRIC_MAGIC);
    pthread_mutex_lock(&lock);
    m->is_hidden = true;
    pthread_mutex_unlock(&lock);
}

/* name first and labels second: as one text, "a_b" would come between "a" and "a{". */
static int by_name_and_labels(const void *a, const void *b) {
    const struct eg_metric *const *left = a;
    const struct eg_metric *const *right = b;
    const int order = strcmp((*left)->family->name, (*right)->family->name);
    return order != 0 ? order : gw_str_cmp((*left)->labels, (*right)->labels);
}

const struct eg_metric **gw_metrics_sorted(size_t *ret_count) {
    const struct gw_map_slot *slot;
    size_t count = 0;
    pthread_mutex_lock(&lock);
    const struct eg_metric **all = gw_alloc(gw_size_mul(registry.count + 1, sizeof *all));
    for (size_t i = 0; (slot = gw_map_next(&registry, &i)) != NULL;) {
        const struct eg_metric *m = slot->value;
        if (!m->is_hidden) {
            all[count++] = m;
        }
    }
    pthread_mutex_unlock(&lock);
    qsort(all, count, sizeof *all, by_name_and_labels);
    *ret_count = count;
    return all;
}

static void forget(struct eg_metric *m) {
    m->is_hidden = true;
    atomic_store(&m->value, 0);
    atomic_store(&m->sum_ns, 0);
    for (size_t i = 0; i < GW_COUNT(m->buckets); i++) {
        atomic_store(&m->buckets[i], 0);
    }
}

void gw_metrics_reset(void) {
    const struct gw_map_slot *slot;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; (slot = gw_map_next(&registry, &i)) != NULL;) {
        forget(slot->value);
    }
    pthread_mutex_unlock(&lock);
}
