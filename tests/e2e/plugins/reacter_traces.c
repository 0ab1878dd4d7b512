/*
 * reacter_traces - of the end-to-end tests: appends each trace to a file, one JSON object a line.
 * Writes on the loop, which only a test may do; one write(2) a line, so loops do not mix.
 */
#include <eventgw-sdk/egx.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct traces_settings {
    struct eg_str file;
};
EGX_SETTING_REQUIRED(traces_settings, file, "Where to.");
static const struct eg_setting *const rows[] = {EGX_ROW(traces_settings, file)};

struct traces {
    const struct eg_host *host;
    int fd;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct traces_settings *s = settings;
    char path[512];
    (void)snprintf(path, sizeof path, "%.*s", EGX_FMT(s->file));
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return egx_why(ret_why, EG_E_IO, "%s cannot be opened", path);
    }
    struct traces *traces = host->mem->alloc(host, sizeof *traces);
    *traces = (struct traces){.host = host, .fd = fd};
    *ret_instance = traces;
    return EG_OK;
}

static void destroy(void *instance) {
    struct traces *traces = instance;
    (void)close(traces->fd);
    traces->host->mem->free(traces->host, traces);
}

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = 0;
    return NULL;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)event;
    (void)op;
    return EG_NEXT;
}

static void put_text(struct egx_json *json, const char *name, struct eg_str value) {
    egx_json_key(json, egx_str_c(name));
    egx_json_string(json, value);
}

static void put_number(struct egx_json *json, const char *name, int64_t value) {
    egx_json_key(json, egx_str_c(name));
    egx_json_int(json, value);
}

static void put_id(struct egx_json *json, const char *name, const uint8_t *id, size_t bytes) {
    char text[33];
    for (size_t i = 0; i < bytes; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
    put_text(json, name, egx_str_n(text, 2 * bytes));
}

static void put_span(struct egx_json *json, const struct eg_span *span) {
    egx_json_open(json, '{');
    put_text(json, "name", span->name);
    put_number(json, "kind", span->kind);
    put_id(json, "id", span->id, sizeof span->id);
    put_id(json, "parent", span->parent_id, sizeof span->parent_id);
    put_number(json, "start", span->start_unix_ns);
    put_number(json, "duration", (int64_t)span->duration_ns);
    put_number(json, "status", span->status);
    put_number(json, "http_status", span->http_status);
    put_text(json, "message", span->message);
    egx_json_key(json, EGX_STR("attributes"));
    egx_json_open(json, '{');
    for (size_t i = 0; i < span->attribute_count; i++) {
        egx_json_key(json, span->attributes[i].name);
        egx_json_string(json, span->attributes[i].value);
    }
    egx_json_close(json, '}');
    egx_json_close(json, '}');
}

static void put_trace(struct egx_json *json, const struct eg_trace *trace) {
    egx_json_open(json, '{');
    put_text(json, "request_id", trace->request_id);
    put_id(json, "id", trace->id, sizeof trace->id);
    put_number(json, "flags", trace->flags);
    put_text(json, "tracestate", trace->tracestate);
    put_number(json, "dropped", (int64_t)trace->spans_dropped);
    egx_json_key(json, EGX_STR("spans"));
    egx_json_open(json, '[');
    for (size_t i = 0; i < trace->span_count; i++) {
        put_span(json, trace->spans[i]);
    }
    egx_json_close(json, ']');
    egx_json_close(json, '}');
}

static void on_trace(void *instance, void *slot, const struct eg_trace *trace) {
    const struct traces *traces = instance;
    struct egx_json json = egx_json_begin();
    (void)slot;
    put_trace(&json, trace);
    egx_json_raw(&json, EGX_STR("\n"));
    const struct eg_str text = egx_json_text(&json);
    if (write(traces->fd, text.ptr, text.len) != (ssize_t)text.len) {
        egx_log(traces->host, EG_LOG_ERROR, "a trace could not be written");
    }
    egx_json_free(&json);
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react, .trace = on_trace};
EGX_COMPONENT(traces_component, EG_KIND_REACTER, "traces", "Writes traces to a file.",
              traces_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_traces", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 3), &traces_component)
