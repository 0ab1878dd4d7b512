/*
 * state/standing.c - see standing.h. Nothing is kept here: catalog and publisher note the times,
 * and whoever wants to know asks. Control thread.
 */
#include "state/standing.h"

#include "base/clock.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/catalog_inner.h"

static const struct gw_metric_family revision_family = {
    .name = "eventgateway_config_revision",
    .help = "Revision of the store by which every loop routes.",
    .type = GW_GAUGE,
};
static const struct gw_metric_family lag_family = {
    .name = "eventgateway_config_lag_seconds",
    .help = "How long the routed configuration has possibly been behind the store; 0 = it is not.",
    .type = GW_GAUGE_SECONDS,
};
static const struct gw_metric_family up_family = {
    .name = "eventgateway_store_up",
    .help = "1 while the storage of the configuration can be reached.",
    .type = GW_GAUGE,
};

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t lag_since(const struct gw_catalog *catalog, const struct gw_publisher *publisher) {
    uint64_t since_ns = earlier(catalog->behind_ns, catalog->awaited.since_ns);
    return publisher == NULL ? since_ns : earlier(since_ns, gw_publisher_unrouted_since(publisher));
}

void gw_standing_read(const struct gw_catalog *catalog, const struct gw_publisher *publisher,
                      struct gw_standing *ret_standing) {
    const uint64_t since_ns = lag_since(catalog, publisher);
    *ret_standing = (struct gw_standing){
        .known_revision = gw_catalog_known_revision(catalog),
        .routed_revision = publisher == NULL ? gw_catalog_revision(catalog)
                                             : gw_publisher_routed_revision(publisher),
        .lag_ns = since_ns == 0 ? 0 : gw_monotonic_ns() - since_ns,
        .is_up = gw_catalog_is_up(catalog),
        .is_from_copy = catalog->copy.is_used,
        .down_ns = catalog->down_ns,
        .down_why = gw_why_str(&catalog->down_why),
    };
}

void gw_standing_show(const struct gw_standing *standing) {
    gw_metric_set(gw_metric(&revision_family, NULL, 0), (int64_t)standing->routed_revision);
    gw_metric_set(gw_metric(&lag_family, NULL, 0), (int64_t)standing->lag_ns);
    gw_metric_set(gw_metric(&up_family, NULL, 0), standing->is_up ? 1 : 0);
}
