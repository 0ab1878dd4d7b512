/*
 * state/standing.h - how this node stands to its store: may what it routes by be old, since when,
 * and why. For /v1/status and the metrics. Control thread.
 */
#ifndef GW_STATE_STANDING_H
#define GW_STATE_STANDING_H

#include "state/snapshot.h"

struct gw_standing {
    uint64_t known_revision;  /* the newest of the store that is known here */
    uint64_t routed_revision; /* that all loops route by */
    /* 0: the watch is healthy and all that is known is routed. Else how long that has not been so:
     * since the store was last known to be in step, or since the oldest change that is known and
     * not routed. */
    uint64_t lag_ns;
    bool is_up;
    bool is_from_copy;      /* routed is the cached copy that was on disk at the start */
    uint64_t down_ns;       /* monotonic, since when; 0 = up */
    struct eg_str down_why; /* borrows from the catalog */
};

/* publisher NULL: nobody routes, what the catalog has counts as routed. */
void gw_standing_read(const struct gw_catalog *catalog, const struct gw_publisher *publisher,
                      struct gw_standing *ret_standing);
/* Sets eventgateway_config_revision, eventgateway_config_lag_seconds, eventgateway_store_up. */
void gw_standing_show(const struct gw_standing *standing);

#endif
