/*
 * reacter_log - writes system events as JSON lines to stderr or to a file. The file is opened for
 * appending and every event is one write, so lines of several loops do not mix.
 */
#include <errno.h>
#include <eventgw-sdk/egx.h>
#include <fcntl.h>
#include <unistd.h>

struct log_settings {
    struct eg_str path;
    struct eg_str_list types;
};
EGX_SETTING_STRING(log_settings, path, NULL, "File to append to; empty = stderr.");
EGX_SETTING_LIST(log_settings, types, NULL, "Types of system events to write; empty = all four.");
static const struct eg_setting *const rows[] = {EGX_ROW(log_settings, path),
                                                EGX_ROW(log_settings, types)};

#define INTEREST(type)                                                                             \
    { sizeof(struct eg_interest), EG_INTEREST_ASYNC, "eventgateway." type }
static const struct eg_interest all[] = {INTEREST("event.received"), INTEREST("function.invoking"),
                                         INTEREST("function.invoked"),
                                         INTEREST("function.invocationFailed")};
struct log {
    const struct eg_host *host;
    int fd;
    char path[4096];
    const struct eg_interest *interests[EGX_COUNT(all)];
    size_t count;
};

/* 1 when the settings ask for this type. */
static int is_wanted(const struct log_settings *settings, struct eg_str type) {
    size_t i = 0;
    while (i < settings->types.count && !egx_str_eq(settings->types.items[i], type)) {
        i++;
    }
    return settings->types.count == 0 || i < settings->types.count;
}

static int32_t create(const struct eg_host *host, const void *settings_void, void **ret_instance,
                      struct eg_why *ret_why) {
    const struct log_settings *settings = settings_void;
    struct log *log = host->mem->alloc(host, sizeof *log);
    *log = (struct log){.host = host, .fd = STDERR_FILENO};
    for (size_t i = 0; i < EGX_COUNT(all); i++) {
        if (is_wanted(settings, egx_str_c(all[i].event_type))) {
            log->interests[log->count++] = &all[i];
        }
    }
    if (settings->path.len >= sizeof log->path ||
        (settings->types.count > 0 && log->count != settings->types.count)) {
        host->mem->free(host, log);
        return egx_why(ret_why, EG_E_INVAL, "types: unknown or given twice, or path is too long");
    }
    memcpy(log->path, settings->path.ptr == NULL ? "" : settings->path.ptr, settings->path.len);
    *ret_instance = log;
    return EG_OK;
}

static int32_t start(void *instance, struct eg_op *op) {
    struct log *log = instance;
    if (log->path[0] != '\0') {
        log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    }
    if (log->fd < 0) {
        egx_done_error(op, EG_E_IO, "cannot open %s: %s", log->path, strerror(errno));
    } else {
        egx_done_ok(op);
    }
    return EG_OK;
}

static void destroy(void *instance) {
    struct log *log = instance;
    if (log->fd > STDERR_FILENO) {
        (void)close(log->fd);
    }
    log->host->mem->free(log->host, log);
}

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    struct log *log = instance;
    *ret_count = log->count;
    return log->interests;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    const struct log *log = instance;
    struct egx_json line = egx_json_begin();
    (void)slot;
    (void)op;
    egx_json_raw(&line, log->host->event->json(event, EG_CE_AS_RECEIVED));
    egx_json_raw(&line, EGX_STR("\n"));
    for (size_t i = 0; i + 1 < line.len; i++) { /* between tokens: in strings they are escaped */
        line.ptr[i] = line.ptr[i] == '\n' || line.ptr[i] == '\r' ? ' ' : line.ptr[i];
    }
    const struct eg_str text = egx_json_text(&line);
    const ssize_t written = write(log->fd, text.ptr, text.len);
    egx_json_free(&line);
    return written == (ssize_t)text.len ? EG_NEXT : EG_E_IO;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .start = start, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react};
EGX_COMPONENT(log_component, EG_KIND_REACTER, "log", "Writes system events as JSON lines.",
              log_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_log", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &log_component)
