/*
 * plugin/host_log.c - the log service: the gateway's log with the component's name on every line.
 * Any thread.
 */
#include "base/log.h"
#include "plugin/host.h"

static int32_t log_enabled(const struct eg_host *host, uint32_t level) {
    (void)host;
    return gw_log_enabled(level) ? 1 : 0;
}

static void log_write(const struct eg_host *host, uint32_t level, struct eg_str message,
                      const struct eg_kv *fields, size_t field_count) {
    const uint32_t known = level > EG_LOG_ERROR ? EG_LOG_ERROR : level;
    if (gw_log_enabled(known)) {
        gw_log_write(known, host->component, message, fields, field_count);
    }
}

const struct eg_log_api gw_host_log = {
    .struct_size = sizeof gw_host_log,
    .enabled = log_enabled,
    .write = log_write,
};
