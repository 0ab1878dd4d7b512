/*
 * tests/bench/noop.c - a middleware with all three hooks that does nothing: what the chain itself
 * costs. Built by the benchmark.
 */
#include <eventgw-sdk/egx.h>

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_why;
    *ret_instance = NULL;
    return EG_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)exchange;
    (void)op;
    return EG_NEXT;
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    (void)event;
    return on_request(instance, slot, exchange, op);
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops,
                                             .on_request = on_request,
                                             .on_event = on_event,
                                             .on_reply = on_request};
static const struct eg_component noop = {
    .struct_size = sizeof noop,
    .kind = EG_KIND_MIDDLEWARE,
    .name = "noop",
    .summary = "Does nothing.",
    .life = &life,
    .ops = &ops,
};
EGX_PLUGIN("noop", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &noop)
