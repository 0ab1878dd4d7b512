/*
 * domain/refusal.c - writing refusals. The sentence may carry names sent by strangers: base/why.h
 * bounds it, and cuts between characters. Pure.
 */
#include "domain/refusal.h"

int32_t gw_refuse(struct gw_refusal *ret_refusal, uint32_t status, const char *format, ...) {
    va_list args;
    ret_refusal->status = status;
    ret_refusal->why.struct_size = sizeof ret_refusal->why;
    va_start(args, format);
    (void)gw_why_v(&ret_refusal->why, EG_E_INVAL, format, args);
    va_end(args);
    return EG_E_INVAL;
}
