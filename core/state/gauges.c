/*
 * state/gauges.c - see gauges.h. The names end in _total although the values go down; they are
 * inherited, so they are written as untyped, which no checker objects to. A space without objects
 * is no longer written.
 */
#include "state/gauges.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"

static const struct gw_metric_family families[GW_KINDS] = {
    [GW_EVENTTYPE] = {.name = "eventgateway_eventtypes_total",
                      .help = "Event types that are there.",
                      .type = GW_UNTYPED},
    [GW_FUNCTION] = {.name = "eventgateway_functions_total",
                     .help = "Functions that are there.",
                     .type = GW_UNTYPED},
    [GW_SUBSCRIPTION] = {.name = "eventgateway_subscriptions_total",
                         .help = "Subscriptions that are there.",
                         .type = GW_UNTYPED},
    [GW_CORS] = {.name = "eventgateway_cors_total",
                 .help = "CORS configurations that are there.",
                 .type = GW_UNTYPED},
};

struct space {
    struct eg_str name; /* behind the struct, in the same block */
    int64_t counts[GW_KINDS];
    struct eg_metric *gauges[GW_KINDS]; /* NULL: not written */
};

static struct space *space_of(struct gw_gauges *gauges, struct eg_str name) {
    struct space *space = gw_map_get(&gauges->spaces, name);
    if (space == NULL) {
        space = gw_alloc(gw_size_add(sizeof *space, name.len));
        char *bytes = (char *)(space + 1);
        if (name.len > 0) {
            memcpy(bytes, name.ptr, name.len);
        }
        space->name = gw_str(bytes, name.len);
        (void)gw_map_put(&gauges->spaces, space->name, space);
    }
    return space;
}

static void show(struct space *space) {
    const struct eg_kv label = {GW_STR("space"), space->name};
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        if (space->gauges[kind] == NULL) {
            space->gauges[kind] = gw_metric(&families[kind], &label, 1);
        }
        gw_metric_set(space->gauges[kind], space->counts[kind]);
    }
}

static void hide(struct space *space) {
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        if (space->gauges[kind] != NULL) {
            gw_metric_set(space->gauges[kind], 0);
            gw_metric_hide(space->gauges[kind]);
            space->gauges[kind] = NULL;
        }
    }
}

static void count(struct gw_gauges *gauges, const struct gw_catalog *catalog) {
    const struct gw_map *spaces = gw_catalog_spaces(catalog);
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(spaces, &i)) != NULL;) {
        const struct gw_space_count *counted = slot->value;
        struct space *space = space_of(gauges, counted->name);
        for (size_t kind = 0; kind < GW_KINDS; kind++) {
            space->counts[kind] = (int64_t)counted->counts[kind];
        }
    }
}

static bool is_empty(const struct space *space) {
    int64_t sum = 0;
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        sum += space->counts[kind];
    }
    return sum == 0;
}

void gw_gauges_update(struct gw_gauges *gauges, const struct gw_catalog *catalog) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&gauges->spaces, &i)) != NULL;) {
        struct space *space = slot->value;
        memset(space->counts, 0, sizeof space->counts);
    }
    count(gauges, catalog);
    for (size_t i = 0; (slot = gw_map_next(&gauges->spaces, &i)) != NULL;) {
        struct space *space = slot->value;
        if (is_empty(space)) {
            hide(space);
        } else {
            show(space);
        }
    }
}

void gw_gauges_free(struct gw_gauges *gauges) {
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(&gauges->spaces, &i)) != NULL;) {
        hide(slot->value);
        gw_free(slot->value);
    }
    gw_map_free(&gauges->spaces);
}
