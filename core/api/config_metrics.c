/*
 * api/config_metrics.c - counts the requests of the Config API (chapter 11). Handles are looked up
 * once per space, resource and operation; the number of spaces is bounded, see config_context.h.
 * Control thread; names of counted spaces are owned here.
 */
#include "api/config_context.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"

static const struct gw_metric_family requests_family = {
    .name = "eventgateway_config_requests_total",
    .help = "Handled requests of the Config API, whatever their result.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family duration_family = {
    .name = "eventgateway_config_request_duration_seconds",
    .help = "Time from a request's head to its answer, for every request of the listener.",
    .type = GW_HISTOGRAM,
    .bucket_first = 0.0005,
    .bucket_factor = 2.0,
    .bucket_count = 16,
};

struct counted_space {
    char *name;
    struct eg_metric *requests[GW_KINDS][GW_CONFIG_OPS];
};

void gw_config_metrics_init(struct gw_config_context *context) {
    context->duration = gw_metric(&duration_family, NULL, 0);
}

void gw_config_metrics_free(struct gw_config_context *context) {
    const struct gw_map_slot *slot;
    for (size_t i = 0; (slot = gw_map_next(&context->counted_spaces, &i)) != NULL;) {
        struct counted_space *counted = slot->value;
        gw_free(counted->name);
        gw_free(counted);
    }
    gw_map_free(&context->counted_spaces);
}

static struct counted_space *find_space(struct gw_config_context *context, struct eg_str space) {
    struct counted_space *counted = gw_map_get(&context->counted_spaces, space);
    if (counted != NULL) {
        return counted;
    }
    if (context->counted_spaces.count >= GW_MAX_COUNTED_SPACES) {
        space = GW_STR(GW_OTHER_SPACES);
        counted = gw_map_get(&context->counted_spaces, space);
    }
    if (counted == NULL) {
        counted = gw_alloc(sizeof *counted);
        counted->name = gw_dup_cstr(space);
        (void)gw_map_put(&context->counted_spaces, gw_str_c(counted->name), counted);
    }
    return counted;
}

void gw_config_metrics_count(struct gw_config_context *context, struct eg_str space,
                             enum gw_kind kind, enum gw_config_op op) {
    GW_ASSERT(kind < GW_KINDS && op < GW_CONFIG_OPS);
    if (space.len > GW_MAX_COUNTED_SPACE_BYTES || !gw_is_space_name(space)) {
        space = GW_STR(GW_OTHER_SPACES);
    }
    struct counted_space *counted = find_space(context, space);
    struct eg_metric **metric = &counted->requests[kind][op];
    if (*metric == NULL) {
        const struct eg_kv labels[] = {{GW_STR("space"), gw_str_c(counted->name)},
                                       {GW_STR("resource"), gw_str_c(gw_kind_words[kind].metric)},
                                       {GW_STR("operation"), gw_str_c(gw_config_op_names[op])}};
        *metric = gw_metric(&requests_family, labels, GW_COUNT(labels));
    }
    gw_metric_add(*metric, 1);
}
