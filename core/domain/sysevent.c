/*
 * domain/sysevent.c - the four events that the gateway tells about itself (chapter 9.1), their data
 * written straight as JSON. `result` is the function's answer and `error` has its message, which
 * the original mixed up or left empty (Q13). Arena memory; one thread.
 */
#include "domain/sysevent.h"

#include "base/check.h"
#include "base/jwrite.h"
#include "domain/event_internal.h"

const char *const gw_sysevent_types[GW_SYS_EVENTS] = {
    [GW_SYS_RECEIVED] = "eventgateway.event.received",
    [GW_SYS_INVOKING] = "eventgateway.function.invoking",
    [GW_SYS_INVOKED] = "eventgateway.function.invoked",
    [GW_SYS_FAILED] = "eventgateway.function.invocationFailed",
};

enum gw_sysevent gw_sysevent_of(struct eg_str type) {
    unsigned i = 0;
    while (i < GW_SYS_EVENTS && !gw_str_eq(type, gw_str_c(gw_sysevent_types[i]))) {
        i++;
    }
    return (enum gw_sysevent)i;
}

static void write_received(struct gw_arena *arena, struct gw_bytes *out,
                           const struct gw_sysevent_data *data) {
    gw_bytes_add(out, GW_STR("{\"path\":"));
    gw_jw_string(out, data->path);
    gw_bytes_add(out, GW_STR(",\"event\":"));
    gw_bytes_add(out, gw_event_json(data->event, EG_CE_AS_RECEIVED));
    gw_bytes_add(out, GW_STR(",\"headers\":"));
    gw_event_write_headers(arena, out, data->headers, data->header_count);
    gw_bytes_add_char(out, '}');
}

static void write_function(struct gw_bytes *out, enum gw_sysevent which,
                           const struct gw_sysevent_data *data) {
    gw_bytes_add(out, GW_STR("{\"space\":"));
    gw_jw_string(out, data->space);
    gw_bytes_add(out, GW_STR(",\"functionId\":"));
    gw_jw_string(out, data->function_id);
    gw_bytes_add(out, GW_STR(",\"event\":"));
    gw_bytes_add(out, gw_event_json(data->event, EG_CE_AS_RECEIVED));
    if (which == GW_SYS_INVOKED) {
        gw_bytes_add(out, GW_STR(",\"result\":"));
        gw_jw_base64(out, data->result);
    }
    if (which == GW_SYS_FAILED) {
        gw_bytes_add(out, GW_STR(",\"error\":{\"message\":"));
        gw_jw_string(out, data->error);
        gw_bytes_add_char(out, '}');
    }
    gw_bytes_add_char(out, '}');
}

struct eg_event *gw_sysevent_make(struct gw_arena *arena, const struct gw_event_seed *seed,
                                  enum gw_sysevent which, const struct gw_sysevent_data *data) {
    GW_ASSERT(which < GW_SYS_EVENTS);
    const size_t event_len = gw_event_json(data->event, EG_CE_AS_RECEIVED).len;
    struct gw_bytes out;
    gw_bytes_init_arena(&out, arena, event_len + data->result.len / 3 * 4 + 1024);
    if (which == GW_SYS_RECEIVED) {
        write_received(arena, &out, data);
    } else {
        write_function(&out, which, data);
    }
    return gw_event_make(arena, seed, gw_str_c(gw_sysevent_types[which]),
                         GW_STR("application/json"), gw_bytes_str(&out));
}
