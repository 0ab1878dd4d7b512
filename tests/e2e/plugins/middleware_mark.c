/*
 * middleware_mark - of the end-to-end tests: two middleware, `mark` and `mark2`, which tell in the
 * reply's headers x-mark which of their hooks ran, refuse requests and rename events when told to.
 */
#include <eventgw-sdk/egx.h>

#include <stdio.h>

struct mark_settings {
    struct eg_str rename;
    uint32_t refuse;
};
EGX_SETTING_STRING(mark_settings, rename, "", "Type that events get.");
EGX_SETTING_BOOL(mark_settings, refuse, "false", "Refuse in on_request.");
static const struct eg_setting *const rows[] = {EGX_ROW(mark_settings, rename),
                                                EGX_ROW(mark_settings, refuse)};

struct mark {
    const struct eg_host *host;
    const struct mark_settings *settings;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct mark *mark = host->mem->alloc(host, sizeof *mark);
    (void)ret_why;
    *mark = (struct mark){.host = host, .settings = settings};
    *ret_instance = mark;
    return EG_OK;
}

static void destroy(void *instance) {
    struct mark *mark = instance;
    mark->host->mem->free(mark->host, mark);
}

static int32_t note(const struct mark *mark, struct eg_exchange *exchange, const char *hook) {
    char text[64];
    const int len = snprintf(text, sizeof text, "%.*s %s", (int)mark->host->component.len,
                             mark->host->component.ptr, hook);
    return mark->host->exchange->reply_header(exchange, EGX_STR("x-mark"),
                                              egx_str_n(text, (size_t)len));
}

static int32_t on_request(void *instance, void *slot, struct eg_exchange *exchange,
                          struct eg_op *op) {
    const struct mark *mark = instance;
    const int32_t rc = note(mark, exchange, "on_request");
    (void)slot;
    (void)op;
    if (rc < 0 || !mark->settings->refuse) {
        return rc;
    }
    mark->host->exchange->reply_error(exchange, 403, EGX_STR("refused by the mark"));
    return EG_STOP;
}

static int32_t on_event(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_event *event, struct eg_op *op) {
    const struct mark *mark = instance;
    const int32_t rc = note(mark, exchange, "on_event");
    (void)slot;
    (void)op;
    return rc < 0 || mark->settings->rename.len == 0
               ? rc
               : mark->host->event->set_attribute(event, EGX_STR("type"), mark->settings->rename);
}

static int32_t on_reply(void *instance, void *slot, struct eg_exchange *exchange,
                        struct eg_op *op) {
    (void)slot;
    (void)op;
    return note(instance, exchange, "on_reply");
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_middleware_ops ops = {.struct_size = sizeof ops,
                                             .on_request = on_request,
                                             .on_event = on_event,
                                             .on_reply = on_reply};
EGX_COMPONENT(mark, EG_KIND_MIDDLEWARE, "mark", "Tells its hooks.", mark_settings, rows, &life,
              &ops);
EGX_COMPONENT(mark2, EG_KIND_MIDDLEWARE, "mark2", "The same.", mark_settings, rows, &life, &ops);
EGX_PLUGIN("middleware_mark", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &mark, &mark2)
