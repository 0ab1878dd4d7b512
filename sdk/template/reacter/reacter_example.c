/*
 * reacter_example - counts the functions that failed, and logs each when the setting `log` is on:
 *
 *   plugins = { reacters = ( "example" ); example = { log = true; }; };
 */
#include <eventgw-sdk/egx.h>

struct example_settings {
    uint32_t log;
};
EGX_SETTING_BOOL(example_settings, log, "false", "Log every failed call of a function.");
static const struct eg_setting *const rows[] = {EGX_ROW(example_settings, log)};

struct example_self {
    const struct eg_host *host;
    const struct example_settings *settings; /* borrowed until destroy */
    struct eg_metric *failed;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct example_self *self = host->mem->alloc(host, sizeof *self);
    (void)ret_why;
    self->host = host;
    self->settings = settings;
    self->failed = host->metrics->counter(host, EGX_STR("example_failed_total"),
                                          EGX_STR("Calls of functions that failed."), NULL, 0);
    *ret_instance = self;
    return EG_OK;
}

static void destroy(void *instance) {
    struct example_self *self = instance;
    self->host->mem->free(self->host, self);
}

/* Asynchronous: the event does not wait for it. EG_INTEREST_SYNC may refuse with EG_STOP. */
static const struct eg_interest failures = {.struct_size = sizeof failures,
                                            .mode = EG_INTEREST_ASYNC,
                                            .event_type = "eventgateway.function.invocationFailed"};
static const struct eg_interest *const all[] = {&failures};

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = EGX_COUNT(all);
    return all;
}

/* Called on the event's loop, so it must not block. */
static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    const struct example_self *self = instance;
    uint32_t is_base64 = 0;
    (void)slot;
    (void)op; /* only for EG_PENDING */
    self->host->metrics->add(self->failed, 1);
    if (self->settings->log) {
        const struct eg_str data = self->host->event->data(event, &is_base64);
        egx_log(self->host, EG_LOG_WARN, "a function failed: %.*s", (int)data.len, data.ptr);
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react};

EGX_COMPONENT(example_component, EG_KIND_REACTER, "example", "Counts functions that failed.",
              example_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_example", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &example_component)
