/*
 * domain/refusal.c - writing refusals. The sentence may carry names sent by strangers, so it
 * is bounded, and cut between characters: the answer stays valid UTF-8. Pure.
 */
#include "domain/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

/* How many of the first len bytes end with a whole UTF-8 character. */
static size_t whole_characters(const char *text, size_t len) {
    size_t start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return len;
    }
    const unsigned char lead = (unsigned char)text[start - 1];
    const size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return len - start + 1 < want ? start - 1 : len;
}

int32_t gw_refuse(struct gw_refusal *ret_refusal, uint32_t status, const char *format, ...) {
    struct eg_why *why = &ret_refusal->why;
    va_list args;
    va_start(args, format);
    const int wanted = vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    GW_ASSERT(wanted >= 0);
    size_t len = (size_t)wanted;
    if (len >= sizeof why->text) {
        len = whole_characters(why->text, sizeof why->text - 1);
    }
    why->struct_size = sizeof *why;
    why->len = (uint32_t)len;
    ret_refusal->status = status;
    return EG_E_INVAL;
}
