/*
 * api/status_page.c - `GET /v1/status`: 200 and nothing else, for load balancers; with `?verbose=1`
 * a few facts as JSON. It tells that this process serves, not that the store does: a gateway whose
 * store is away goes on routing. Control thread; no state.
 */
#include "api/pages.h"

#include "api/config_answer.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/slice.h"

bool gw_status_is_verbose(struct eg_str query) {
    struct eg_str pair;
    while (gw_str_next(&query, '&', &pair)) {
        if (gw_str_eq(pair, GW_STR("verbose=1")) || gw_str_eq(pair, GW_STR("verbose=true"))) {
            return true;
        }
    }
    return false;
}

static void write_status(const struct gw_config_context *context, struct gw_bytes *out) {
    const struct gw_instance *storage = gw_manager_storage(context->manager);
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    gw_jw_name(out, &is_first, "version");
    gw_jw_string(out, storage == NULL ? (struct eg_str){0} : storage->host.gateway_version);
    gw_jw_name(out, &is_first, "uptime");
    gw_bytes_add_u64(out, (gw_monotonic_ns() - context->started_ns) / GW_NS_PER_S);
    /* A change is in effect when routedRevision has reached the storeRevision it was told after. */
    gw_jw_name(out, &is_first, "storeRevision");
    gw_bytes_add_u64(out, gw_catalog_known_revision(context->catalog));
    if (context->publisher != NULL) {
        gw_jw_name(out, &is_first, "routedRevision");
        gw_bytes_add_u64(out, gw_publisher_routed_revision(context->publisher));
    }
    gw_jw_name(out, &is_first, "store");
    gw_bytes_add_c(out, "{\"name\":");
    gw_jw_string(out, gw_str_c(storage == NULL ? NULL : storage->name));
    gw_bytes_addf(out, ",\"up\":%s}}\n", gw_catalog_is_up(context->catalog) ? "true" : "false");
}

void gw_status_page(struct gw_config_context *context, struct gw_http_request *request) {
    if (!gw_status_is_verbose(request->query)) {
        gw_config_answer_empty(context, request, 200);
        return;
    }
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    write_status(context, &body);
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}
