/*
 * A plugin as it was written against ABI 0.1, with the headers of 0.1 in this directory and no SDK.
 * Neither may ever change: it stands for every plugin binary out there.
 */
#include <eventgw/plugin.h>

struct settings {
    int64_t number;
};
static const struct eg_setting number = {
    sizeof(struct eg_setting), EG_SET_INT, 0, 0, 1, 10, "number", "2", 0, "A number."};
static const struct eg_setting *const rows[] = {&number};

struct instance {
    const struct eg_host *host;
    int64_t number;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct settings *s = settings;
    if (host->abi < EG_ABI_MAKE(0, 1) || !EG_HAS(host, clock)) {
        ret_why->len = 0;
        return EG_E_UNSUPPORTED;
    }
    struct instance *self = host->mem->alloc(host, sizeof *self);
    self->host = host;
    self->number = s->number;
    *ret_instance = self;
    return EG_OK;
}

static void destroy(void *instance) {
    struct instance *self = instance;
    self->host->mem->free(self->host, self);
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)exchange;
    (void)op;
    return EG_NEXT;
}

static const struct eg_life_ops life = {sizeof life, 0, create, 0, 0, 0, 0, destroy};
static const struct eg_middleware_ops ops = {sizeof ops, 0, on_request, 0, 0, 0};
static const struct eg_component component = {sizeof component,
                                              EG_KIND_MIDDLEWARE,
                                              0,
                                              "frozen",
                                              "Of 0.1.",
                                              rows,
                                              1,
                                              sizeof(struct settings),
                                              0,
                                              0,
                                              0,
                                              &life,
                                              &ops};
static const struct eg_component *const components[] = {&component};
EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant = {EG_PLUGIN_MAGIC,
                                                              sizeof(struct eg_plugin),
                                                              EG_ABI,
                                                              EG_ABI_MAKE(0, 1),
                                                              "frozen",
                                                              "1.0",
                                                              "MIT",
                                                              components,
                                                              1};
