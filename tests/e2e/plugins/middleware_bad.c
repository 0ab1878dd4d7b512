/*
 * middleware_bad - of the end-to-end tests: does what no middleware may do, as the path of the
 * request says: /error, /never, /twice, /both, /block, /odd, /stop. All else is let pass.
 */
#include <eventgw-sdk/egx.h>

#define BLOCK_NS 120000000u

struct bad_settings {
    struct eg_str note;
};
EGX_SETTING_STRING(bad_settings, note, "none", "Not used.");
static const struct eg_setting *const rows[] = {EGX_ROW(bad_settings, note)};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)settings;
    (void)ret_why;
    *ret_instance = (void *)(uintptr_t)host;
    return EG_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

/* What a plugin does that calculates, or calls a library that waits. */
static void block(const struct eg_host *host) {
    const uint64_t end_ns = host->clock->monotonic_ns(host) + BLOCK_NS;
    while (host->clock->monotonic_ns(host) < end_ns) {
    }
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    const struct eg_host *host = instance;
    const struct eg_str path = host->exchange->path(exchange);
    (void)slot;
    if (egx_str_eq(path, EGX_STR("/error"))) {
        return EG_E_IO;
    }
    if (egx_str_eq(path, EGX_STR("/never"))) {
        return EG_PENDING;
    }
    if (egx_str_eq(path, EGX_STR("/twice"))) {
        egx_done_verdict(op, EG_NEXT);
        egx_done_verdict(op, EG_NEXT);
        return EG_PENDING;
    }
    if (egx_str_eq(path, EGX_STR("/both"))) {
        egx_done_verdict(op, EG_NEXT);
        return EG_NEXT;
    }
    if (egx_str_eq(path, EGX_STR("/block"))) {
        block(host);
    }
    if (egx_str_eq(path, EGX_STR("/odd"))) {
        return 77;
    }
    return egx_str_eq(path, EGX_STR("/stop")) ? EG_STOP : EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops, .on_request = on_request};
EGX_COMPONENT(bad_component, EG_KIND_MIDDLEWARE, "bad", "Does what no middleware may do.",
              bad_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_bad", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &bad_component)
