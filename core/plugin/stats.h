/*
 * plugin/stats.h - what components have done: told by instance to operators, and by component to
 * the metrics. Control thread.
 */
#ifndef GW_PLUGIN_STATS_H
#define GW_PLUGIN_STATS_H

#include "plugin/manager.h"

/* Brings eventgateway_plugin_{calls,errors,seconds}_total and eventgateway_plugin_in_flight up to
 * date. */
void gw_stats_show(struct gw_manager *manager);

/* All plugins and instances as a JSON object: what is loaded, and what is at work, in chain order
 * where there is one; instances that a reload has replaced come last. Secrets are masked. */
void gw_stats_write(struct gw_bytes *out, const struct gw_manager *manager);

#endif
