/*
 * fuzz_trace_context.c - headers of W3C Trace Context from strangers: what is read can be written
 * and read again, and a tracestate in normal form stays as it is and is within its limits.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/slice.h"
#include "domain/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parent(struct eg_str text) {
    struct gw_trace_context context;
    struct gw_trace_context again;
    char out[GW_TRACEPARENT_LEN];
    if (!gw_traceparent_read(text, &context)) {
        return;
    }
    gw_traceparent_write(&context, out);
    GW_ASSERT(gw_traceparent_read(gw_str(out, sizeof out), &again));
    GW_ASSERT(memcmp(&context, &again, sizeof context) == 0);
}

static void check_state(struct eg_str text) {
    struct gw_arena arena;
    gw_arena_init(&arena, 1024);
    const struct eg_str state = gw_tracestate_read(&arena, text);
    GW_ASSERT(state.len <= 512 && gw_is_field_value(state));
    GW_ASSERT(gw_str_eq(gw_tracestate_read(&arena, state), state));
    gw_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str text = {(const char *)data, size};
    check_parent(text);
    check_state(text);
    return 0;
}
