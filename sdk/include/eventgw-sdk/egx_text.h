/* eventgw-sdk/egx_text.h - sentences: reasons of refusals, lines of the log, bytes that change
 * owner. */
#ifndef EVENTGW_SDK_TEXT_H
#define EVENTGW_SDK_TEXT_H

#include <stdarg.h>
#include <stdio.h>

#include <eventgw/host.h>

#include "egx_str.h"

#ifdef __GNUC__
/* Compilers check the arguments against the format. */
#define EGX_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
/* Compilers check the arguments against the format. */
#define EGX_PRINTF(format_at, args_at)
#endif

/* printf into out; the length of what is there, cut at size. */
EGX_PRINTF(3, 0)
static inline size_t egx_vprint(char *out, size_t size, const char *format, va_list args) {
    const int wanted = vsnprintf(out, size, format, args);
    if (wanted < 0) {
        return 0;
    }
    return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

/* Says why (NULL is fine) and returns code: return egx_why(ret_why, EG_E_INVAL, "...", ...); */
EGX_PRINTF(3, 4)
static inline int32_t egx_why(struct eg_why *ret_why, int32_t code, const char *format, ...) {
    if (ret_why != NULL) {
        va_list args;
        va_start(args, format);
        ret_why->len = (uint32_t)egx_vprint(ret_why->text, sizeof ret_why->text, format, args);
        va_end(args);
    }
    return code;
}

/* One line of the gateway's log without fields, at most 1 KiB. Never pass secrets. */
EGX_PRINTF(3, 4)
static inline void egx_log(const struct eg_host *host, uint32_t level, const char *format, ...) {
    char text[1024];
    va_list args;
    if (!host->log->enabled(host, level)) {
        return;
    }
    va_start(args, format);
    const size_t len = egx_vprint(text, sizeof text, format, args);
    va_end(args);
    host->log->write(host, level, egx_str_n(text, len), NULL, 0);
}

/* Bytes that live for ever. */
static inline struct eg_buf egx_buf_static(struct eg_str bytes) {
    struct eg_buf buf;
    buf.ptr = bytes.ptr;
    buf.len = bytes.len;
    buf.release = NULL;
    buf.owner = NULL;
    return buf;
}

/* A copy, to be given away. */
static inline struct eg_buf egx_buf_copy(const struct eg_host *host, struct eg_str bytes) {
    return host->mem->copy(host, bytes);
}

/* Releases what was given to you; the buffer is empty afterwards. */
static inline void egx_buf_release(struct eg_buf *buf) {
    if (buf->release != NULL) {
        buf->release(buf->owner);
    }
    *buf = egx_buf_static(egx_str_n(NULL, 0));
}

/* "not found", ... of an EG_E_*. */
static inline const char *egx_error_text(int32_t code) {
    switch (code) {
#define EGX_ERROR_CASE(name, value, text)                                                          \
    case name:                                                                                     \
        return text;
        EG_ERRORS(EGX_ERROR_CASE)
#undef EGX_ERROR_CASE
    default:
        return code >= 0 ? "ok" : "unknown error";
    }
}

#endif
