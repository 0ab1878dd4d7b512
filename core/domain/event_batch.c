/*
 * domain/event_batch.c - application/cloudevents-batch+json: one JSON array, each item an event of
 * its own (JSON format 1.0, chapter 4). All or none: the first bad item refuses the batch and is
 * named by its index. An empty array is a valid batch of no events (HTTP binding 3.3.2).
 */
#include "domain/event_internal.h"

struct batch {
    struct eg_event **events;
    size_t count;
    size_t room;
};

static void push(struct gw_arena *arena, struct batch *batch, struct eg_event *event) {
    if (batch->count == batch->room) {
        const size_t room = batch->room == 0 ? 16 : batch->room * 2;
        struct eg_event **grown = gw_arena_alloc(arena, room * sizeof(struct eg_event *));
        if (batch->count > 0) {
            memcpy(grown, batch->events, batch->count * sizeof(struct eg_event *));
        }
        batch->events = grown;
        batch->room = room;
    }
    batch->events[batch->count++] = event;
}

static int32_t read_items(struct gw_arena *arena, struct gw_jval array, struct batch *batch,
                          struct eg_why *ret_why) {
    size_t cursor = 0;
    struct gw_jval item;
    struct eg_event *event = NULL;
    struct eg_why why = {0};
    while (gw_jarr_next(array, &cursor, &item)) {
        if (gw_event_read_value(arena, item, &event, &why) < 0) {
            return gw_why(ret_why, EG_E_INVAL, "event %zu of the batch: %.*s", batch->count,
                          GW_FMT(gw_why_str(&why)));
        }
        push(arena, batch, event);
    }
    return EG_OK;
}

int32_t gw_event_read_batch(struct gw_arena *arena, struct eg_str json, uint32_t json_depth,
                            struct eg_event ***ret_events, size_t *ret_count,
                            struct eg_why *ret_why) {
    struct batch batch = {0};
    struct gw_jval array;
    struct gw_jerror error;
    const int32_t rc = gw_json_check(json, json_depth, &array, &error);
    if (rc < 0) {
        return gw_event_refuse_json(ret_why, rc, json, &error);
    }
    if (array.type != GW_J_ARRAY) {
        return gw_why(ret_why, EG_E_INVAL, "a batch of CloudEvents has to be a JSON array");
    }
    if (read_items(arena, array, &batch, ret_why) < 0) {
        return EG_E_INVAL;
    }
    *ret_events = batch.events;
    *ret_count = batch.count;
    return EG_OK;
}
