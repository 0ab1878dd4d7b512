/* eventgw-sdk/egx_result.h - the ends of an op. Each of these is the one call of done. */
#ifndef EVENTGW_SDK_RESULT_H
#define EVENTGW_SDK_RESULT_H

#include <eventgw/op.h>

#include "egx_text.h"

/* An empty result with its size set. */
static inline struct eg_result egx_result(void) {
    struct eg_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    return result;
}

/* Nothing more to say than that it worked. */
static inline void egx_done_ok(struct eg_op *op) {
    op->done(op, EG_OK, NULL);
}

/* It failed; the sentence is for the log (storage: also for the client of the Config API). */
EGX_PRINTF(3, 4)
static inline void egx_done_error(struct eg_op *op, int32_t status, const char *format, ...) {
    char text[1024];
    struct eg_result result = egx_result();
    va_list args;
    va_start(args, format);
    result.message = egx_str_n(text, egx_vprint(text, sizeof text, format, args));
    va_end(args);
    op->done(op, status, &result);
}

/* A verdict that was promised with EG_PENDING: EG_NEXT or EG_STOP. */
static inline void egx_done_verdict(struct eg_op *op, int32_t verdict) {
    struct eg_result result = egx_result();
    result.verdict = verdict;
    op->done(op, EG_OK, &result);
}

/* Providers: the function answered. body is given. */
static inline void egx_done_call(struct eg_op *op, uint32_t http_status, struct eg_buf body) {
    struct eg_result result = egx_result();
    result.call_class = EG_CALL_OK;
    result.http_status = http_status;
    result.body = body;
    op->done(op, EG_OK, &result);
}

/* Providers: the call failed, call_class is one of EG_CALL_THROTTLED and above. */
EGX_PRINTF(4, 5)
static inline void egx_done_call_failed(struct eg_op *op, int32_t status, uint32_t call_class,
                                        const char *format, ...) {
    char text[1024];
    struct eg_result result = egx_result();
    va_list args;
    va_start(args, format);
    result.message = egx_str_n(text, egx_vprint(text, sizeof text, format, args));
    va_end(args);
    result.call_class = call_class;
    op->done(op, status, &result);
}

#endif
