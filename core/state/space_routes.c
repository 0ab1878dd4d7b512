/*
 * state/space_routes.c - see space_routes.h. Built on the control thread out of the snapshot's
 * subscribers, in its arena; then read by all loops.
 */
#include "state/space_routes.h"

#include "base/check.h"
#include "base/slice.h"
#include "state/snapshot_inner.h"

#define SCRATCH_BYTES 4096u

struct gw_space_routes {
    struct eg_str space;
    struct gw_direct direct;
    struct gw_route_table sync;  /* (method, path, type) -> struct gw_subscriber */
    struct gw_route_table async; /* (type) -> struct gw_subscriber_list */
};

struct build {
    struct gw_snapshot *snapshot;
    struct gw_space_routes *routes;
    struct gw_arena scratch;
    struct gw_route_table seen; /* (type, function) of async subscribers */
};

static void add_sync(struct build *build, const struct gw_subscriber *subscriber) {
    const struct gw_subscription *s = &subscriber->object->as.subscription;
    void **place = gw_route_table_place(
        &build->routes->sync,
        (struct gw_route_key){.a = s->method, .b = s->path, .c = s->event_type});
    if (*place == NULL) { /* else an older one has it */
        *place = (void *)(uintptr_t)subscriber;
    }
}

static void add_async(struct build *build, const struct gw_subscriber *subscriber) {
    const struct gw_subscription *s = &subscriber->object->as.subscription;
    void **seen = gw_route_table_place(
        &build->seen, (struct gw_route_key){.a = s->event_type, .b = s->function_id});
    if (*seen != NULL) {
        return;
    }
    *seen = (void *)(uintptr_t)subscriber;
    void **place =
        gw_route_table_place(&build->routes->async, (struct gw_route_key){.a = s->event_type});
    if (*place == NULL) {
        *place = gw_arena_zalloc(&build->snapshot->arena, sizeof(struct gw_subscriber_list));
    }
    gw_subscriber_list_add(&build->snapshot->arena, *place, subscriber);
}

/* How many of the space there are, so that a small space among large ones costs little. */
static size_t count_of(const struct gw_snapshot *snapshot, struct eg_str space) {
    size_t count = 0;
    for (size_t i = 0; i < snapshot->subscriber_count; i++) {
        count += gw_str_eq(snapshot->subscriber_list[i].object->space, space);
    }
    return count;
}

void gw_space_routes_build(struct gw_snapshot *snapshot, struct eg_str space) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    struct gw_space_routes *routes = gw_arena_zalloc(&snapshot->arena, sizeof *routes);
    struct build build = {.snapshot = snapshot, .routes = routes};
    const size_t count = count_of(snapshot, space);
    routes->space = space;
    gw_snapshot_meters(space, GW_STR("invoke"), &routes->direct.received,
                       &routes->direct.processed);
    gw_arena_init(&build.scratch, SCRATCH_BYTES);
    gw_route_table_init(&routes->sync, &snapshot->arena, count);
    gw_route_table_init(&routes->async, &snapshot->arena, count);
    gw_route_table_init(&build.seen, &build.scratch, count);
    for (size_t i = 0; i < snapshot->subscriber_count; i++) {
        const struct gw_subscriber *subscriber = &snapshot->subscriber_list[i];
        if (!gw_str_eq(subscriber->object->space, space)) {
            continue;
        }
        if (subscriber->object->as.subscription.is_sync) {
            add_sync(&build, subscriber);
        } else {
            add_async(&build, subscriber);
        }
    }
    gw_arena_free(&build.scratch);
    snapshot->space_routes = routes;
}

/* ---- reads ---- */

static const struct gw_space_routes *routes_of(const struct gw_snapshot *snapshot) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    return snapshot->space_routes;
}

const struct gw_subscriber *gw_space_sync(const struct gw_snapshot *snapshot, struct eg_str method,
                                          struct eg_str path, struct eg_str event_type) {
    const struct gw_space_routes *routes = routes_of(snapshot);
    return routes == NULL
               ? NULL
               : gw_route_table_get(&routes->sync,
                                    (struct gw_route_key){.a = method, .b = path, .c = event_type});
}

const struct gw_subscriber *const *gw_space_async(const struct gw_snapshot *snapshot,
                                                  struct eg_str event_type, size_t *ret_count) {
    const struct gw_space_routes *routes = routes_of(snapshot);
    const struct gw_subscriber_list *list =
        routes == NULL ? NULL
                       : gw_route_table_get(&routes->async, (struct gw_route_key){.a = event_type});
    *ret_count = list == NULL ? 0 : list->count;
    return list == NULL ? NULL : list->items;
}

const struct gw_callee *gw_space_callee(const struct gw_snapshot *snapshot, struct eg_str id,
                                        const struct gw_direct **ret_direct) {
    const struct gw_space_routes *routes = routes_of(snapshot);
    const struct gw_callee *callee =
        routes == NULL ? NULL : gw_snapshot_callee(snapshot, routes->space, id);
    *ret_direct = callee == NULL ? NULL : &routes->direct;
    return callee;
}
