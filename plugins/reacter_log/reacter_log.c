/*
 * reacter_log - writes system events as JSON lines to stderr or to a file. The file is opened for
 * appending and every event is one write, so lines of several loops do not mix. A pipe that is full
 * is not waited for: loops must not block.
 */
#include <errno.h>
#include <eventgw-sdk/egx_reacter.h>
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

struct log {
    struct egx_interests interests; /* first, for egx_interests_of */
    const struct eg_host *host;
    const struct log_settings *settings;
    int fd;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct log log = {.host = host, .settings = settings, .fd = STDERR_FILENO};
    const int32_t rc = egx_interests_choose(&log.settings->types, "types", &log.interests, ret_why);
    if (rc == EG_OK) {
        *ret_instance = memcpy(host->mem->alloc(host, sizeof log), &log, sizeof log);
    }
    return rc;
}

static int32_t start(void *instance, struct eg_op *op) {
    struct log *log = instance;
    char path[4200]; /* longer than PATH_MAX: what is cut is refused by open */
    (void)snprintf(path, sizeof path, "%.*s", EGX_FMT(log->settings->path));
    if (path[0] != '\0') {
        log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
    }
    if (log->fd < 0) {
        egx_done_error(op, EG_E_IO, "cannot open %s: %s", path, strerror(errno));
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

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    const struct log *log = instance;
    struct egx_json line = egx_json_begin();
    (void)slot;
    (void)op;
    egx_json_line(&line, log->host->event->json(event, EG_CE_AS_RECEIVED));
    const ssize_t written = write(log->fd, line.ptr, line.len);
    const int is_whole = written == (ssize_t)line.len;
    egx_json_free(&line);
    return is_whole ? EG_NEXT : EG_E_IO;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .start = start, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = egx_interests_of, .react = react};
EGX_COMPONENT(log_component, EG_KIND_REACTER, "log", "Writes system events as JSON lines.",
              log_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_log", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &log_component)
