/*
 * middleware_hello - adds a header to every reply. The setting `text` is its value:
 *
 *   plugins = { middleware = ( "hello" ); hello = { text = "good morning"; }; };
 */
#include <eventgw-sdk/egx.h>

struct hello_settings {
    struct eg_str text;
};
EGX_SETTING_STRING(hello_settings, text, "hello", "Value of the header x-hello.");
static const struct eg_setting *const rows[] = {EGX_ROW(hello_settings, text)};

struct hello {
    const struct eg_host *host;
    const struct hello_settings *settings; /* borrowed until destroy */
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct hello *hello = host->mem->alloc(host, sizeof *hello);
    (void)ret_why;
    hello->host = host;
    hello->settings = settings;
    *ret_instance = hello;
    return EG_OK;
}

static void destroy(void *instance) {
    struct hello *hello = instance;
    hello->host->mem->free(hello->host, hello);
}

/* Called on the request's loop when the reply is complete. */
static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    const struct hello *hello = instance;
    (void)slot;
    (void)op; /* only for EG_PENDING */
    const int32_t rc =
        hello->host->exchange->reply_header(exchange, EGX_STR("x-hello"), hello->settings->text);
    if (rc < 0) {
        egx_log(hello->host, EG_LOG_WARN, "the text is no header value");
    }
    return EG_NEXT;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops, .on_reply = on_reply};

EGX_COMPONENT(hello_component, EG_KIND_MIDDLEWARE, "hello", "Adds a header to every reply.",
              hello_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_hello", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &hello_component)
