/* base/why.h - writes the one sentence that says why something was refused. */
#ifndef GW_BASE_WHY_H
#define GW_BASE_WHY_H

#include <stdarg.h>

#include <eventgw/types.h>

/* printf into ret_why (cut at its size; NULL is fine) and returns code, so that a refusal is one
 * line: return gw_why(ret_why, EG_E_INVAL, "...", ...). */
int32_t gw_why(struct eg_why *ret_why, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for functions that take a format themselves. */
int32_t gw_why_v(struct eg_why *ret_why, int32_t code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static inline struct eg_str gw_why_str(const struct eg_why *why) {
    return (struct eg_str){.ptr = why->text, .len = why->len};
}
/* "not found", ... of an EG_E_*. */
const char *gw_error_text(int32_t code);

#endif
