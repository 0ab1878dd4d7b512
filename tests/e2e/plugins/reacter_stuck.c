/*
 * reacter_stuck - of the end-to-end tests: is told of every event and never comes to an end with
 * it, until it is canceled.
 */
#include <eventgw-sdk/egx.h>

struct stuck {
    const struct eg_host *host;
};

static const struct eg_interest received = {
    .struct_size = sizeof received,
    .mode = EG_INTEREST_ASYNC,
    .event_type = "eventgateway.event.received",
};
static const struct eg_interest *const all[] = {&received};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct stuck *stuck = host->mem->alloc(host, sizeof *stuck);
    (void)settings;
    (void)ret_why;
    stuck->host = host;
    *ret_instance = stuck;
    return EG_OK;
}

static void destroy(void *instance) {
    struct stuck *stuck = instance;
    stuck->host->mem->free(stuck->host, stuck);
}

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = EGX_COUNT(all);
    return all;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)event;
    (void)op;
    return EG_PENDING;
}

static void cancel(void *instance, void *slot, struct eg_op *op) {
    (void)instance;
    (void)slot;
    op->done(op, EG_E_CANCELED, NULL);
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react, .cancel = cancel};
static const struct eg_component stuck_component = {
    .struct_size = sizeof stuck_component,
    .kind = EG_KIND_REACTER,
    .name = "stuck",
    .summary = "Never ends.",
    .life = &life,
    .ops = &ops,
};
EGX_PLUGIN("reacter_stuck", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &stuck_component)
