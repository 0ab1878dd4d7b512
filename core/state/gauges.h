/*
 * state/gauges.h - eventgateway_{eventtypes,functions,subscriptions,cors}_total{space}: how many
 * objects there are, counted from the cache (Q35). Control thread.
 */
#ifndef GW_STATE_GAUGES_H
#define GW_STATE_GAUGES_H

#include "base/map.h"
#include "state/catalog.h"

struct gw_gauges {
    struct gw_map spaces; /* space -> its gauges */
};

void gw_gauges_update(struct gw_gauges *gauges, const struct gw_catalog *catalog);
/* Forgets what was counted and hides the gauges. */
void gw_gauges_free(struct gw_gauges *gauges);

#endif
