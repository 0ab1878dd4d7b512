/*
 * base/log.h - one line an event on stderr, text or JSON, levels, fields. Any thread; a line is one
 * write(2), so lines of threads do not mix. Secrets are never passed here. Messages and values may
 * come from strangers: controls are escaped, a message is cut at 16 KiB, a value at 4 KiB, and
 * fields past the 64th are dropped.
 */
#ifndef GW_BASE_LOG_H
#define GW_BASE_LOG_H

#include <stdbool.h>

#include <eventgw/host.h>

#include "base/slice.h"

enum gw_log_format { GW_LOG_TEXT, GW_LOG_JSON };

void gw_log_setup(uint32_t level, enum gw_log_format format); /* EG_LOG_*; may be called again */
bool gw_log_enabled(uint32_t level);
/* debug info warn error err; dpanic panic fatal, which switch the log off. EG_E_INVAL. */
int32_t gw_log_level_parse(struct eg_str name, uint32_t *ret_level);
/* The line. component may be empty. */
void gw_log_write(uint32_t level, struct eg_str component, struct eg_str message,
                  const struct eg_kv *fields, size_t field_count);
/* printf to one message without fields. */
void gw_logf(uint32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Message plus fields: GW_LOG(level, "text", {GW_STR("key"), value}, ...). */
#define GW_LOG(level, text, ...)                                                                   \
    do {                                                                                           \
        if (gw_log_enabled(level)) {                                                               \
            const struct eg_kv gw_fields_[] = {__VA_ARGS__};                                       \
            gw_log_write((level), (struct eg_str){0}, gw_str_c(text), gw_fields_,                  \
                         sizeof gw_fields_ / sizeof gw_fields_[0]);                                \
        }                                                                                          \
    } while (0)

/* Tests: lines go to fn instead of stderr, one at a time (fn must not log); NULL restores. */
void gw_log_capture(void (*fn)(void *arg, struct eg_str line), void *arg);

#endif
