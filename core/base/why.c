/*
 * base/why.c - refusal sentences and the texts of error codes. Pure; any thread.
 */
#include "base/why.h"

#include <stdio.h>

int32_t gw_why(struct eg_why *ret_why, int32_t code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int32_t rc = gw_why_v(ret_why, code, format, args);
    va_end(args);
    return rc;
}

int32_t gw_why_v(struct eg_why *ret_why, int32_t code, const char *format, va_list args) {
    if (ret_why == NULL) {
        return code;
    }
    /* One byte more than fits, to see whether the cut goes through a UTF-8 character. */
    char text[sizeof ret_why->text + 2];
    const int written = vsnprintf(text, sizeof text, format, args);
    size_t len = written < 0 ? 0 : (size_t)written;
    if (len > sizeof ret_why->text) {
        len = sizeof ret_why->text;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    ret_why->len = (uint32_t)len;
    for (uint32_t i = 0; i < ret_why->len; i++) {
        ret_why->text[i] = text[i];
    }
    return code;
}

const char *gw_error_text(int32_t code) {
    static const struct {
        int32_t code;
        const char *text;
    } texts[] = {
#define ROW(name, value, text) {name, text},
        EG_ERRORS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return code == EG_OK ? "ok" : "unknown error";
}
