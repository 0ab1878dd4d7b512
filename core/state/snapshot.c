/*
 * state/snapshot.c - builds the routing view out of the catalog's cache.
 *
 * Order decides who wins where paths of two spaces meet (Q27), so subscriptions and CORS are put in
 * by age: the revision that made them, then the key. Who does not get in is told in the log
 * once, and gets its turn in the next build: a removal of the winner needs nothing else.
 *
 * Thread: control. Ownership: a snapshot holds its objects and targets; all else lies in its arena.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "state/snapshot_inner.h"

#define FIRST_CHUNK_BYTES 16384u

static const struct gw_metric_family received_family = {
    .name = "eventgateway_events_received_total",
    .help = "Total of events received.",
    .type = GW_COUNTER,
};
static const struct gw_metric_family processed_family = {
    .name = "eventgateway_events_processed_total",
    .help = "Total of processed events.",
    .type = GW_COUNTER,
};

struct counters {
    struct eg_metric *received;
    struct eg_metric *processed;
};

/* An object with its age. */
struct aged {
    struct gw_object *object;
    struct eg_str key;
    uint64_t born;
};

struct build {
    struct gw_snapshot *snapshot;
    struct gw_manager *manager;
    const struct gw_catalog *catalog;
    const struct gw_snapshot *before;
    struct gw_arena scratch;
    struct gw_route_table event_types; /* (space, name) -> struct gw_object */
    struct gw_route_table counters;    /* (space, type) -> struct counters */
};

/* ---- the cache in order ---- */

static int by_age(const void *a, const void *b) {
    const struct aged *left = a;
    const struct aged *right = b;
    if (left->born != right->born) {
        return left->born < right->born ? -1 : 1;
    }
    return gw_str_cmp(left->key, right->key);
}

/* All objects of a kind, oldest first, held by the snapshot. */
static const struct aged *take_kind(struct build *build, enum gw_kind kind, size_t *ret_count) {
    struct gw_snapshot *snapshot = build->snapshot;
    const struct gw_map *cache = gw_catalog_cache(build->catalog, kind);
    const struct gw_map_slot *slot = NULL;
    size_t count = 0;
    struct aged *all = gw_arena_alloc(&build->scratch, gw_size_mul(cache->count + 1, sizeof *all));
    for (size_t i = 0; (slot = gw_map_next(cache, &i)) != NULL;) {
        all[count++] = (struct aged){.object = slot->value,
                                     .key = slot->key,
                                     .born = gw_catalog_born(build->catalog, slot->key)};
        snapshot->objects[snapshot->object_count++] = gw_object_ref(slot->value);
    }
    qsort(all, count, sizeof *all, by_age);
    *ret_count = count;
    return all;
}

/* ---- functions ---- */

/* The target of the build before, when function and provider are the same; else a new one. */
static struct gw_target *bind(const struct build *build, const struct gw_object *object,
                              struct gw_instance *provider) {
    const struct gw_route_key key = {.a = object->space, .b = object->id};
    const struct gw_callee *known =
        build->before == NULL ? NULL : gw_route_table_get(&build->before->callees, key);
    struct gw_target *target = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    if (known != NULL && known->object == object && known->provider == provider) {
        return known->target == NULL ? NULL : gw_target_ref(known->target);
    }
    if (gw_target_bind(build->manager, object->as.function.type, object->as.function.provider_json,
                       &target, NULL, &why) < 0) {
        GW_LOG(EG_LOG_ERROR, "a function cannot be called", {GW_STR("space"), object->space},
               {GW_STR("functionId"), object->id}, {GW_STR("reason"), gw_why_str(&why)});
        return NULL;
    }
    return target;
}

static void add_functions(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    const struct aged *all = take_kind(build, GW_FUNCTION, &count);
    struct gw_callee *callees =
        gw_arena_zalloc(&snapshot->arena, gw_size_mul(count + 1, sizeof *callees));
    gw_route_table_init(&snapshot->callees, &snapshot->arena, count);
    for (size_t i = 0; i < count; i++) {
        struct gw_object *object = all[i].object;
        struct gw_instance *provider =
            gw_chains_provider(snapshot->chains, object->as.function.type);
        callees[i] = (struct gw_callee){
            .object = object, .provider = provider, .target = bind(build, object, provider)};
        *gw_route_table_place(&snapshot->callees,
                              (struct gw_route_key){.a = object->space, .b = object->id}) =
            &callees[i];
    }
    snapshot->callee_list = callees;
    snapshot->callee_count = count;
}

static struct gw_callee *find_callee(const struct build *build, struct eg_str space,
                                     struct eg_str id) {
    return gw_route_table_get(&build->snapshot->callees,
                              (struct gw_route_key){.a = space, .b = id});
}

/* ---- event types ---- */

static void add_event_types(struct build *build) {
    size_t count = 0;
    const struct aged *all = take_kind(build, GW_EVENTTYPE, &count);
    gw_route_table_init(&build->event_types, &build->scratch, count);
    for (size_t i = 0; i < count; i++) {
        *gw_route_table_place(&build->event_types, (struct gw_route_key){.a = all[i].object->space,
                                                                         .b = all[i].object->id}) =
            all[i].object;
        build->snapshot->has_schema |= all[i].object->as.eventtype.schema.len > 0;
    }
}

/* System events are the gateway's own word and are never authorized (Q12b) nor validated. */
static void set_event_type(const struct build *build, struct gw_subscriber *subscriber) {
    const struct gw_object *object = subscriber->object;
    const struct eg_str type = object->as.subscription.event_type;
    const struct gw_object *event_type = gw_route_table_get(
        &build->event_types, (struct gw_route_key){.a = object->space, .b = type});
    if (event_type == NULL || gw_is_system_type(type)) {
        return;
    }
    subscriber->event_type = event_type;
    if (event_type->as.eventtype.authorizer_id.len == 0) {
        return;
    }
    subscriber->needs_authorizer = true;
    subscriber->authorizer =
        find_callee(build, object->space, event_type->as.eventtype.authorizer_id);
}

/* ---- subscriptions ---- */

void gw_snapshot_meters(struct eg_str space, struct eg_str type, struct eg_metric **ret_received,
                        struct eg_metric **ret_processed) {
    const struct eg_kv labels[] = {{GW_STR("space"), space}, {GW_STR("type"), type}};
    *ret_received = gw_metric(&received_family, labels, GW_COUNT(labels));
    *ret_processed = gw_metric(&processed_family, labels, GW_COUNT(labels));
}

/* Looked up once for each (space, type), since the look-up takes a lock. */
static const struct counters *counters_of(struct build *build, struct eg_str space,
                                          struct eg_str type) {
    void **place =
        gw_route_table_place(&build->counters, (struct gw_route_key){.a = space, .b = type});
    if (*place == NULL) {
        struct counters *counters = gw_arena_alloc(&build->scratch, sizeof *counters);
        gw_snapshot_meters(space, type, &counters->received, &counters->processed);
        *place = counters;
    }
    return *place;
}

/* Told once: the build before has told it when it had the same loser. */
static void add_loser(struct build *build, struct gw_object *object, struct eg_str path,
                      const struct eg_why *why) {
    const struct gw_route_key key = {
        .a = gw_str_c(gw_kind_words[object->kind].route), .b = object->space, .c = object->id};
    const bool is_known =
        build->before != NULL && gw_route_table_get(&build->before->losers, key) != NULL;
    *gw_route_table_place(&build->snapshot->losers, key) = object;
    if (!is_known) {
        GW_LOG(EG_LOG_WARN, "a path is not in the path tree: another was first",
               {GW_STR("kind"), key.a}, {GW_STR("space"), object->space},
               {GW_STR("id"), object->id}, {GW_STR("path"), path},
               {GW_STR("reason"), gw_why_str(why)});
    }
}

static void add_path(struct build *build, struct gw_route_table *table, struct gw_route_key key,
                     struct gw_object *object, struct eg_str path, void *value) {
    struct eg_why why = {.struct_size = sizeof why};
    void **tree = gw_route_table_place(table, key);
    if (*tree == NULL) {
        *tree = gw_path_tree_create(&build->snapshot->arena);
    }
    if (gw_path_tree_add(*tree, path, value, &why) < 0) {
        add_loser(build, object, path, &why);
    }
}

/* Several subscriptions of one space share its event type. */
static void add_schema(struct gw_arena *arena, struct gw_subscriber_list *list,
                       const struct gw_object *event_type) {
    if (event_type == NULL || event_type->as.eventtype.schema.len == 0) {
        return;
    }
    for (size_t i = 0; i < list->schema_count; i++) {
        if (list->schemas[i] == event_type) {
            return;
        }
    }
    if (list->schema_count == list->schema_room) {
        const size_t room = list->schema_room == 0 ? 1 : gw_size_mul(list->schema_room, 2);
        const struct gw_object **schemas =
            gw_arena_alloc(arena, gw_size_mul(room, sizeof(struct gw_object *)));
        for (size_t i = 0; i < list->schema_count; i++) {
            schemas[i] = list->schemas[i];
        }
        list->schemas = schemas;
        list->schema_room = room;
    }
    list->schemas[list->schema_count++] = event_type;
}

void gw_subscriber_list_add(struct gw_arena *arena, struct gw_subscriber_list *list,
                            const struct gw_subscriber *subscriber) {
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? 1 : gw_size_mul(list->room, 2);
        const struct gw_subscriber **items =
            gw_arena_alloc(arena, gw_size_mul(room, sizeof(struct gw_subscriber *)));
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = subscriber;
}

static void add_async(struct build *build, struct gw_subscriber *subscriber) {
    struct gw_arena *arena = &build->snapshot->arena;
    const struct gw_subscription *subscription = &subscriber->object->as.subscription;
    void **place = gw_route_table_place(&build->snapshot->async,
                                        (struct gw_route_key){.a = subscription->method,
                                                              .b = subscription->path,
                                                              .c = subscription->event_type});
    if (*place == NULL) {
        *place = gw_arena_zalloc(arena, sizeof(struct gw_subscriber_list));
    }
    gw_subscriber_list_add(arena, *place, subscriber);
    add_schema(arena, *place, subscriber->event_type);
}

static void add_subscription(struct build *build, struct gw_subscriber *subscriber,
                             struct gw_object *object) {
    const struct gw_subscription *subscription = &object->as.subscription;
    const struct eg_str label = subscription->is_sync ? subscription->event_type : GW_STR("custom");
    const struct counters *counters = counters_of(build, object->space, label);
    *subscriber = (struct gw_subscriber){
        .object = object,
        .callee = find_callee(build, object->space, subscription->function_id),
        .received = counters->received,
        .processed = counters->processed,
    };
    set_event_type(build, subscriber);
    if (subscription->is_sync) {
        add_path(build, &build->snapshot->sync,
                 (struct gw_route_key){.a = subscription->method, .b = subscription->event_type},
                 object, subscription->path, subscriber);
    } else {
        add_async(build, subscriber);
    }
}

static void add_subscriptions(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    const struct aged *all = take_kind(build, GW_SUBSCRIPTION, &count);
    struct gw_subscriber *subscribers =
        gw_arena_zalloc(&snapshot->arena, gw_size_mul(count + 1, sizeof *subscribers));
    gw_route_table_init(&snapshot->sync, &snapshot->arena, count);
    gw_route_table_init(&snapshot->async, &snapshot->arena, count);
    gw_route_table_init(&build->counters, &build->scratch, count);
    for (size_t i = 0; i < count; i++) {
        add_subscription(build, &subscribers[i], all[i].object);
    }
    snapshot->subscriber_list = subscribers;
    snapshot->subscriber_count = count;
}

static void add_cors(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    const struct aged *all = take_kind(build, GW_CORS, &count);
    gw_route_table_init(&snapshot->cors, &snapshot->arena, count);
    for (size_t i = 0; i < count; i++) {
        struct gw_object *object = all[i].object;
        add_path(build, &snapshot->cors, (struct gw_route_key){.a = object->as.cors.method}, object,
                 object->as.cors.path, &object->as.cors);
    }
}

/* ---- the whole ---- */

static size_t count_objects(const struct gw_catalog *catalog) {
    size_t count = 0;
    for (size_t kind = 0; kind < GW_KINDS; kind++) {
        count += gw_catalog_cache(catalog, (enum gw_kind)kind)->count;
    }
    return count;
}

static void make_empty(struct gw_snapshot *snapshot) {
    gw_route_table_init(&snapshot->callees, &snapshot->arena, 0);
    gw_route_table_init(&snapshot->sync, &snapshot->arena, 0);
    gw_route_table_init(&snapshot->async, &snapshot->arena, 0);
    gw_route_table_init(&snapshot->cors, &snapshot->arena, 0);
    gw_route_table_init(&snapshot->losers, &snapshot->arena, 0);
}

static void make_full(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    const size_t count = count_objects(build->catalog);
    const size_t paths = gw_catalog_cache(build->catalog, GW_SUBSCRIPTION)->count +
                         gw_catalog_cache(build->catalog, GW_CORS)->count;
    snapshot->revision = gw_catalog_revision(build->catalog);
    snapshot->objects =
        gw_arena_alloc(&snapshot->arena, gw_size_mul(count + 1, sizeof(struct gw_object *)));
    gw_route_table_init(&snapshot->losers, &snapshot->arena, paths);
    gw_arena_init(&build->scratch, FIRST_CHUNK_BYTES);
    add_functions(build);
    add_event_types(build);
    add_subscriptions(build);
    add_cors(build);
    gw_arena_free(&build->scratch);
}

struct gw_snapshot *gw_snapshot_build(struct gw_manager *manager, const struct gw_catalog *catalog,
                                      const struct gw_snapshot *before) {
    struct gw_snapshot *snapshot = gw_alloc(sizeof *snapshot);
    snapshot->magic = GW_SNAPSHOT_MAGIC;
    snapshot->chains = gw_chains_ref(gw_manager_chains(manager));
    gw_arena_init(&snapshot->arena, FIRST_CHUNK_BYTES);
    if (catalog == NULL) {
        make_empty(snapshot);
        return snapshot;
    }
    struct build build = {
        .snapshot = snapshot, .manager = manager, .catalog = catalog, .before = before};
    make_full(&build);
    return snapshot;
}

static int32_t check_callee(const struct gw_callee *callee, struct gw_instance *provider,
                            struct eg_why *ret_why) {
    const struct gw_object *object = callee->object;
    struct gw_target *target = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    const int32_t rc =
        gw_target_bind_to(provider, object->as.function.provider_json, &target, NULL, &why);
    gw_target_unref(target);
    return rc >= 0 ? EG_OK
                   : gw_why(ret_why, rc, "function '%.*s' of space '%.*s': %.*s",
                            GW_FMT(object->id), GW_FMT(object->space), GW_FMT(gw_why_str(&why)));
}

int32_t gw_snapshot_check(const struct gw_snapshot *before, const struct gw_chains *next,
                          struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < before->callee_count && rc == EG_OK; i++) {
        const struct gw_callee *callee = &before->callee_list[i];
        struct gw_instance *provider = gw_chains_provider(next, callee->object->as.function.type);
        if (callee->target != NULL && provider != NULL && provider != callee->provider) {
            rc = check_callee(callee, provider, ret_why);
        }
    }
    return rc;
}

void gw_snapshot_destroy(struct gw_snapshot *snapshot) {
    if (snapshot == NULL) {
        return;
    }
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    for (size_t i = 0; i < snapshot->callee_count; i++) {
        gw_target_unref(snapshot->callee_list[i].target);
    }
    for (size_t i = 0; i < snapshot->object_count; i++) {
        gw_object_unref(snapshot->objects[i]);
    }
    gw_chains_unref(snapshot->chains); /* behind the targets: their unbinding is posted before */
    snapshot->magic = 0;
    gw_arena_free(&snapshot->arena);
    gw_free(snapshot);
}
