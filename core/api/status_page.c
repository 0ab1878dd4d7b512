/*
 * api/status_page.c - `GET /v1/status`: 200 and nothing else, for load balancers; with `?verbose=1`
 * a few facts as JSON; with `?min_revision=N&timeout=5s` not before this node routes by revision N.
 * It tells that this process serves, not that the store does: a gateway whose store is away goes on
 * routing. Control thread; no state.
 */
#include "api/pages.h"

#include "api/config_answer.h"
#include "api/status_wait.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "plugin/settings.h"
#include "state/standing.h"

#define DEFAULT_TIMEOUT_NS (5 * GW_NS_PER_S)
#define MAX_TIMEOUT_NS (60 * GW_NS_PER_S)

/* What is asked for; the first of repeated parameters counts. ptr NULL: it is not there. */
struct wish {
    bool is_verbose;
    struct eg_str revision;
    struct eg_str timeout;
};

static void take_value(struct eg_str pair, struct eg_str name, struct eg_str *value) {
    if (value->ptr == NULL && gw_str_starts(pair, name)) {
        *value = gw_str(pair.ptr + name.len, pair.len - name.len);
    }
}

static struct wish read_wish(struct eg_str query) {
    struct wish wish = {0};
    struct eg_str pair;
    while (gw_str_next(&query, '&', &pair)) {
        wish.is_verbose = wish.is_verbose || gw_str_eq(pair, GW_STR("verbose=1")) ||
                          gw_str_eq(pair, GW_STR("verbose=true"));
        take_value(pair, GW_STR("min_revision="), &wish.revision);
        take_value(pair, GW_STR("timeout="), &wish.timeout);
    }
    return wish;
}

bool gw_status_is_bare(struct eg_str query) {
    const struct wish wish = read_wish(query);
    return !wish.is_verbose && wish.revision.ptr == NULL;
}

/* ---- facts ---- */

/* Milliseconds, rounded up: 0 is told only when nothing is behind. */
static void write_seconds(struct gw_bytes *out, uint64_t ns) {
    const uint64_t ms = ns / GW_NS_PER_MS + (ns % GW_NS_PER_MS == 0 ? 0 : 1);
    gw_bytes_addf(out, ms == 0 ? "%llu" : "%llu.%03llu", (unsigned long long)(ms / 1000),
                  (unsigned long long)(ms % 1000));
}

static void write_store(struct gw_bytes *out, const struct gw_instance *storage,
                        const struct gw_standing *standing) {
    bool is_first = true;
    gw_bytes_add_char(out, '{');
    gw_jw_name(out, &is_first, "name");
    gw_jw_string(out, gw_str_c(storage == NULL ? NULL : storage->name));
    gw_jw_name(out, &is_first, "up");
    gw_bytes_add_c(out, standing->is_up ? "true" : "false");
    if (!standing->is_up) {
        char since[40];
        const uint64_t down_ns = gw_monotonic_ns() - standing->down_ns;
        const int64_t since_s = (gw_unix_ns() - (int64_t)down_ns) / (int64_t)GW_NS_PER_S;
        gw_jw_name(out, &is_first, "downSince");
        gw_jw_string(out, gw_str(since, gw_rfc3339(since_s * (int64_t)GW_NS_PER_S, since)));
        gw_jw_name(out, &is_first, "reason");
        gw_jw_string(out, standing->down_why);
    }
    gw_bytes_add_char(out, '}');
}

static void write_status(const struct gw_config_context *context, struct gw_bytes *out) {
    const struct gw_instance *storage = gw_manager_storage(context->manager);
    struct gw_standing standing;
    bool is_first = true;
    gw_standing_read(context->catalog, context->publisher, &standing);
    gw_bytes_add_char(out, '{');
    gw_jw_name(out, &is_first, "version");
    gw_jw_string(out, storage == NULL ? (struct eg_str){0} : storage->host.gateway_version);
    gw_jw_name(out, &is_first, "uptime");
    gw_bytes_add_u64(out, (gw_monotonic_ns() - context->started_ns) / GW_NS_PER_S);
    /* A change is in effect when routedRevision has reached the storeRevision it was told after. */
    gw_jw_name(out, &is_first, "storeRevision");
    gw_bytes_add_u64(out, standing.known_revision);
    gw_jw_name(out, &is_first, "routedRevision");
    gw_bytes_add_u64(out, standing.routed_revision);
    gw_jw_name(out, &is_first, "lagSeconds");
    write_seconds(out, standing.lag_ns);
    gw_jw_name(out, &is_first, "source");
    gw_jw_string(out, standing.is_from_copy ? GW_STR("cache") : GW_STR("store"));
    gw_jw_name(out, &is_first, "store");
    write_store(out, storage, &standing);
    gw_bytes_add_c(out, "}\n");
}

/* ---- the page ---- */

void gw_status_answer(struct gw_config_context *context, struct gw_http_request *request) {
    if (!read_wish(request->query).is_verbose) {
        gw_config_answer_empty(context, request, 200);
        return;
    }
    struct gw_bytes body;
    gw_bytes_init(&body, 0);
    write_status(context, &body);
    gw_config_answer_bytes(context, request, GW_STR("application/json"), &body);
}

void gw_status_page(struct gw_config_context *context, struct gw_http_request *request) {
    const struct wish wish = read_wish(request->query);
    uint64_t revision = 0;
    uint64_t timeout_ns = DEFAULT_TIMEOUT_NS;
    if (wish.revision.ptr == NULL) {
        gw_status_answer(context, request);
    } else if (gw_str_u64(wish.revision, &revision) < 0) {
        gw_config_answer_error(context, &gw_config_native, request, 400,
                               GW_STR("min_revision has to be a revision, such as 42."));
    } else if (wish.timeout.ptr != NULL &&
               (gw_duration_parse(wish.timeout, &timeout_ns) < 0 || timeout_ns > MAX_TIMEOUT_NS)) {
        gw_config_answer_error(
            context, &gw_config_native, request, 400,
            GW_STR("timeout has to be a duration of at most 60s, such as 250ms or 5s."));
    } else {
        gw_status_wait(context, request, revision, timeout_ns);
    }
}
