/*
 * middleware_example - adds a header to every reply. The setting `text` is its value:
 *
 *   plugins = { middleware = ( "example" ); example = { text = "good morning"; }; };
 */
#include <eventgw-sdk/egx.h>

struct example_settings {
    struct eg_str text;
};
EGX_SETTING_STRING(example_settings, text, "hello", "Value of the header x-example.");
static const struct eg_setting *const rows[] = {EGX_ROW(example_settings, text)};

struct example_self {
    const struct eg_host *host;
    const struct example_settings *settings; /* borrowed until destroy */
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct example_self *self = host->mem->alloc(host, sizeof *self);
    (void)ret_why;
    self->host = host;
    self->settings = settings;
    *ret_instance = self;
    return EG_OK;
}

static void destroy(void *instance) {
    struct example_self *self = instance;
    self->host->mem->free(self->host, self);
}

/* Called on the request's loop when the reply is complete. */
static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    const struct example_self *self = instance;
    (void)slot;
    (void)op; /* only for EG_PENDING */
    const int32_t rc =
        self->host->exchange->reply_header(exchange, EGX_STR("x-example"), self->settings->text);
    if (rc < 0) {
        egx_log(self->host, EG_LOG_WARN, "the text is no header value");
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops, .on_reply = on_reply};

EGX_COMPONENT(example_component, EG_KIND_MIDDLEWARE, "example", "Adds a header to every reply.",
              example_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_example", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &example_component)
