/*
 * plugin/stats.c - sums over loops and, for the metrics, over the instances that a component has
 * had since the start: counters never go back, whatever is reloaded. Control thread; the ledgers
 * are written by their loops meanwhile, so a sum may be a call behind.
 */
#include "plugin/stats.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "plugin/manager_parts.h"

static const struct gw_metric_family calls_family = {
    .name = "eventgateway_plugin_calls_total",
    .help = "Calls of plugins: hooks, system events, functions, storage.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family errors_family = {
    .name = "eventgateway_plugin_errors_total",
    .help = "Calls of plugins that failed or passed their deadline.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family seconds_family = {
    .name = "eventgateway_plugin_seconds_total",
    .help = "Time from the begin of calls of plugins to their end.",
    .type = GW_COUNTER_SECONDS,
};
static const struct gw_metric_family in_flight_family = {
    .name = "eventgateway_plugin_in_flight",
    .help = "Calls of plugins that have not ended, and HTTP requests and blocking work of theirs.",
    .type = GW_GAUGE,
};

struct gw_stats gw_instance_stats(const struct gw_instance *instance) {
    struct gw_stats sum = {0};
    uint32_t jobs = __atomic_load_n(&instance->jobs_begun, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < instance->manager->config.loop_count; i++) {
        const struct gw_ledger *ledger = &instance->ledger[i];
        sum.calls += __atomic_load_n(&ledger->calls, __ATOMIC_RELAXED);
        sum.errors += __atomic_load_n(&ledger->errors, __ATOMIC_RELAXED);
        sum.time_ns += __atomic_load_n(&ledger->time_ns, __ATOMIC_RELAXED);
        sum.in_flight += __atomic_load_n(&ledger->in_flight, __ATOMIC_RELAXED);
        jobs -= __atomic_load_n(&ledger->jobs_ended, __ATOMIC_RELAXED);
    }
    sum.in_flight += (int32_t)jobs > 0 ? jobs : 0; /* one may have ended that was not seen begin */
    return sum;
}

static void add(struct gw_stats *sum, const struct gw_stats *more) {
    sum->calls += more->calls;
    sum->errors += more->errors;
    sum->time_ns += more->time_ns;
    sum->in_flight += more->in_flight;
}

/* ---- totals by component ---- */

static struct gw_component_totals *totals_of(struct gw_manager *manager,
                                             const struct eg_component *component) {
    for (size_t i = 0; i < manager->component_count; i++) {
        if (manager->components[i] == component) {
            return &manager->totals[i];
        }
    }
    return NULL;
}

void gw_totals_keep(const struct gw_instance *instance) {
    struct gw_component_totals *totals = totals_of(instance->manager, instance->component);
    if (totals != NULL) {
        struct gw_stats stats = gw_instance_stats(instance);
        stats.in_flight = 0;
        add(&totals->past, &stats);
        totals->was_used = true;
    }
}

/* ---- metrics ---- */

static void sum_ring(struct gw_manager *manager, const struct gw_node *ring) {
    for (const struct gw_node *n = ring->next; n != ring; n = n->next) {
        const struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
        struct gw_component_totals *totals = totals_of(manager, instance->component);
        if (totals != NULL) {
            const struct gw_stats stats = gw_instance_stats(instance);
            add(&totals->now, &stats);
            totals->was_used = true;
        }
    }
}

static void show(const struct eg_component *component, const struct gw_component_totals *totals) {
    const struct eg_kv label = {GW_STR("component"), gw_str_c(component->name)};
    const struct {
        const struct gw_metric_family *family;
        uint64_t value;
    } rows[] = {{&calls_family, totals->now.calls},
                {&errors_family, totals->now.errors},
                {&seconds_family, totals->now.time_ns},
                {&in_flight_family, totals->now.in_flight}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gw_metric_set(gw_metric(rows[i].family, &label, 1), (int64_t)rows[i].value);
    }
}

void gw_stats_show(struct gw_manager *manager) {
    for (size_t i = 0; i < manager->component_count; i++) {
        manager->totals[i].now = manager->totals[i].past;
    }
    sum_ring(manager, &manager->instances);
    sum_ring(manager, &manager->left);
    for (struct gw_node *n = manager->lives.next; n != &manager->lives; n = n->next) {
        sum_ring(manager, &GW_CONTAINER(n, struct gw_life, node)->instances);
    }
    for (size_t i = 0; i < manager->component_count; i++) {
        if (manager->totals[i].was_used) {
            show(manager->components[i], &manager->totals[i]);
        }
    }
}
