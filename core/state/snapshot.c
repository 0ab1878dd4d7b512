/*
 * state/snapshot.c - builds the routing view out of the catalog's cache.
 *
 * Order decides who wins where paths of two spaces meet (Q27), so subscriptions and CORS are put in
 * by age: the revision that made them, then the key. Who does not get in is told in the log
 * once, and gets its turn in the next build: a removal of the winner needs nothing else.
 *
 * A build looks at every object, so it is kept to a few look-ups for each: the catalog keeps them
 * in order and their keys hashed.
 *
 * Thread: control. Ownership: a snapshot holds its objects and targets; all else lies in its arena.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/step_aside.h"
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

struct build {
    struct gw_snapshot *snapshot;
    struct gw_manager *manager;
    struct gw_catalog *catalog;
    const struct gw_snapshot *before;
    struct gw_arena scratch;
    struct gw_route_table counters; /* (space, type) -> struct counters */
};

/* All of a kind, oldest first, held by the snapshot. */
static struct gw_record *const *take_kind(struct build *build, enum gw_kind kind,
                                          size_t *ret_count) {
    struct gw_snapshot *snapshot = build->snapshot;
    struct gw_record *const *all = gw_catalog_by_age(build->catalog, kind, ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        snapshot->objects[snapshot->object_count++] = gw_object_ref(all[i]->object);
    }
    return all;
}

static struct gw_callee *find_callee(const struct build *build, const struct gw_object *object,
                                     uint64_t hash) {
    return gw_route_table_get_hashed(&build->snapshot->callees,
                                     gw_route_key_of(object, GW_REF_FUNCTION), hash);
}

/* ---- functions ---- */

struct gw_target *gw_snapshot_bind(struct gw_manager *manager, const struct gw_snapshot *before,
                                   const struct gw_object *object, struct gw_instance *provider) {
    const struct gw_callee *known =
        before == NULL ? NULL : gw_snapshot_find_callee(before, object->space, object->id);
    struct gw_target *target = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    if (known != NULL && known->object == object && known->provider == provider) {
        return known->target == NULL ? NULL : gw_target_ref(known->target);
    }
    if (gw_target_bind(manager, object->as.function.type, object->as.function.provider_json,
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
    struct gw_record *const *all = take_kind(build, GW_FUNCTION, &count);
    struct gw_callee *callees =
        gw_arena_zalloc(&snapshot->arena, gw_size_mul(count + 1, sizeof *callees));
    gw_route_table_init(&snapshot->callees, &snapshot->arena, count);
    for (size_t i = 0; i < count; i++) {
        struct gw_object *object = all[i]->object;
        struct gw_instance *provider =
            gw_chains_provider(snapshot->chains, object->as.function.type);
        callees[i] = (struct gw_callee){
            .object = object,
            .provider = provider,
            .target = gw_snapshot_bind(build->manager, build->before, object, provider)};
        *gw_route_table_place_hashed(&snapshot->callees, gw_route_key_of(object, GW_REF_SELF),
                                     all[i]->hashes[GW_REF_SELF]) = &callees[i];
    }
    snapshot->callee_list = callees;
    snapshot->callee_count = count;
}

/* ---- event types ---- */

static void add_event_types(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    struct gw_record *const *all = take_kind(build, GW_EVENTTYPE, &count);
    struct gw_typed *types =
        gw_arena_alloc(&snapshot->arena, gw_size_mul(count + 1, sizeof *types));
    gw_route_table_init(&snapshot->types, &snapshot->arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct gw_object *object = all[i]->object;
        types[i] = (struct gw_typed){
            .object = object,
            .authorizer = find_callee(build, object, all[i]->hashes[GW_REF_FUNCTION])};
        *gw_route_table_place_hashed(&snapshot->types, gw_route_key_of(object, GW_REF_SELF),
                                     all[i]->hashes[GW_REF_SELF]) = &types[i];
        snapshot->has_schema |= object->as.eventtype.schema.len > 0;
    }
    snapshot->type_list = types;
    snapshot->type_count = count;
}

/* System events are the gateway's own word and are never authorized (Q12b) nor validated. */
void gw_snapshot_set_event_type(const struct gw_snapshot *snapshot, const struct gw_record *record,
                                struct gw_subscriber *subscriber) {
    const struct gw_object *object = record->object;
    const struct gw_typed *type = gw_route_table_get_hashed(
        &snapshot->types, gw_route_key_of(object, GW_REF_TYPE), record->hashes[GW_REF_TYPE]);
    if (type == NULL || gw_is_system_type(object->as.subscription.event_type)) {
        return;
    }
    subscriber->event_type = type->object;
    if (type->object->as.eventtype.authorizer_id.len == 0) {
        return;
    }
    subscriber->needs_authorizer = true;
    subscriber->authorizer = type->authorizer;
}

/* ---- subscriptions ---- */

void gw_snapshot_meters(struct eg_str space, struct eg_str type, struct eg_metric **ret_received,
                        struct eg_metric **ret_processed) {
    const struct eg_kv labels[] = {{GW_STR("space"), space}, {GW_STR("type"), type}};
    *ret_received = gw_metric(&received_family, labels, GW_COUNT(labels));
    *ret_processed = gw_metric(&processed_family, labels, GW_COUNT(labels));
}

/* Looked up once for each (space, type), since the look-up takes a lock. */
static const struct counters *counters_of(struct build *build, const struct gw_record *record) {
    const struct gw_route_key key = gw_route_key_of(record->object, GW_REF_LABEL);
    void **place = gw_route_table_place_hashed(&build->counters, key, record->hashes[GW_REF_LABEL]);
    if (*place == NULL) {
        struct counters *counters = gw_arena_alloc(&build->scratch, sizeof *counters);
        gw_snapshot_meters(key.a, key.b, &counters->received, &counters->processed);
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

static void add_path(struct build *build, struct gw_route_table *table,
                     const struct gw_record *record, struct eg_str path, void *value) {
    struct eg_why why = {.struct_size = sizeof why};
    void **tree = gw_route_table_place_hashed(table, gw_route_key_of(record->object, GW_REF_ROUTE),
                                              record->hashes[GW_REF_ROUTE]);
    if (*tree == NULL) {
        *tree = gw_path_tree_create(&build->snapshot->arena);
    }
    if (gw_path_tree_add(*tree, path, value, &why) < 0) {
        add_loser(build, record->object, path, &why);
    }
}

void gw_subscriber_list_add_schema(struct gw_arena *arena, struct gw_subscriber_list *list,
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

static void add_async(struct build *build, const struct gw_record *record,
                      struct gw_subscriber *subscriber) {
    struct gw_arena *arena = &build->snapshot->arena;
    void **place = gw_route_table_place_hashed(&build->snapshot->async,
                                               gw_route_key_of(record->object, GW_REF_ROUTE),
                                               record->hashes[GW_REF_ROUTE]);
    if (*place == NULL) {
        *place = gw_arena_zalloc(arena, sizeof(struct gw_subscriber_list));
    }
    gw_subscriber_list_add(arena, *place, subscriber);
    gw_subscriber_list_add_schema(arena, *place, subscriber->event_type);
}

static void add_subscription(struct build *build, struct gw_subscriber *subscriber,
                             const struct gw_record *record) {
    const struct gw_subscription *subscription = &record->object->as.subscription;
    const struct counters *counters = counters_of(build, record);
    *subscriber = (struct gw_subscriber){
        .object = record->object,
        .born = record->born,
        .callee = find_callee(build, record->object, record->hashes[GW_REF_FUNCTION]),
        .received = counters->received,
        .processed = counters->processed,
    };
    gw_snapshot_set_event_type(build->snapshot, record, subscriber);
    if (subscription->is_sync) {
        add_path(build, &build->snapshot->sync, record, subscription->path, subscriber);
    } else {
        add_async(build, record, subscriber);
    }
}

static void add_subscriptions(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    struct gw_record *const *all = take_kind(build, GW_SUBSCRIPTION, &count);
    struct gw_subscriber *subscribers =
        gw_arena_zalloc(&snapshot->arena, gw_size_mul(count + 1, sizeof *subscribers));
    gw_route_table_init(&build->counters, &build->scratch, 0);
    for (size_t i = 0; i < count; i++) {
        gw_step_aside(i, GW_STEP_ASIDE_LONG);
        add_subscription(build, &subscribers[i], all[i]);
    }
    snapshot->subscriber_list = subscribers;
    snapshot->subscriber_count = count;
}

static void add_cors(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    size_t count = 0;
    struct gw_record *const *all = take_kind(build, GW_CORS, &count);
    for (size_t i = 0; i < count; i++) {
        struct gw_object *object = all[i]->object;
        add_path(build, &snapshot->cors, all[i], object->as.cors.path, &object->as.cors);
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

struct gw_snapshot *gw_snapshot_create(struct gw_chains *chains) {
    struct gw_snapshot *snapshot = gw_alloc(sizeof *snapshot);
    struct gw_arena *arena = &snapshot->arena;
    snapshot->magic = GW_SNAPSHOT_MAGIC;
    snapshot->refs = 1;
    snapshot->chains = gw_chains_ref(chains);
    gw_arena_init(arena, FIRST_CHUNK_BYTES);
    gw_route_table_init(&snapshot->callees, arena, 0);
    gw_route_table_init(&snapshot->sync, arena, 0);
    gw_route_table_init(&snapshot->async, arena, 0);
    gw_route_table_init(&snapshot->cors, arena, 0);
    gw_route_table_init(&snapshot->types, arena, 0);
    gw_route_table_init(&snapshot->losers, arena, 0);
    return snapshot;
}

struct gw_snapshot *gw_snapshot_ref(struct gw_snapshot *snapshot) {
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    snapshot->refs++;
    return snapshot;
}

static void make_full(struct build *build) {
    struct gw_snapshot *snapshot = build->snapshot;
    const size_t count = count_objects(build->catalog);
    snapshot->revision = gw_catalog_revision(build->catalog);
    snapshot->objects =
        gw_arena_alloc(&snapshot->arena, gw_size_mul(count + 1, sizeof(struct gw_object *)));
    gw_arena_init(&build->scratch, FIRST_CHUNK_BYTES);
    add_functions(build);
    add_event_types(build);
    add_subscriptions(build);
    add_cors(build);
    gw_arena_free(&build->scratch);
}

struct gw_snapshot *gw_snapshot_build(struct gw_manager *manager, struct gw_catalog *catalog,
                                      struct gw_snapshot *before) {
    struct gw_snapshot *snapshot = NULL;
    if (catalog == NULL) {
        return gw_snapshot_create(gw_manager_chains(manager));
    }
    if (before != NULL && (snapshot = gw_snapshot_over(manager, catalog, before)) != NULL) {
        return snapshot;
    }
    snapshot = gw_snapshot_create(gw_manager_chains(manager));
    struct build build = {
        .snapshot = snapshot, .manager = manager, .catalog = catalog, .before = before};
    make_full(&build);
    snapshot->since = gw_changes_begin(gw_catalog_changes(catalog));
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

static int32_t check_callees(const struct gw_snapshot *of, const struct gw_snapshot *before,
                             const struct gw_chains *next, struct eg_why *ret_why) {
    int32_t rc = EG_OK;
    for (size_t i = 0; i < of->callee_count && rc == EG_OK; i++) {
        const struct gw_callee *callee = &of->callee_list[i];
        const struct gw_object *object = callee->object;
        struct gw_instance *provider = gw_chains_provider(next, object->as.function.type);
        if (callee->target != NULL && provider != NULL && provider != callee->provider &&
            gw_snapshot_callee(before, object->space, object->id) == callee) {
            rc = check_callee(callee, provider, ret_why);
        }
    }
    return rc;
}

int32_t gw_snapshot_check(const struct gw_snapshot *before, const struct gw_chains *next,
                          struct eg_why *ret_why) {
    const int32_t rc =
        before->below == NULL ? EG_OK : check_callees(before->below, before, next, ret_why);
    return rc == EG_OK ? check_callees(before, before, next, ret_why) : rc;
}

void gw_snapshot_destroy(struct gw_snapshot *snapshot) {
    if (snapshot == NULL) {
        return;
    }
    GW_MAGIC_CHECK(snapshot, GW_SNAPSHOT_MAGIC);
    if (--snapshot->refs > 0) {
        return;
    }
    for (size_t i = 0; i < snapshot->callee_count; i++) {
        gw_target_unref(snapshot->callee_list[i].target);
    }
    for (size_t i = 0; i < snapshot->object_count; i++) {
        gw_object_unref(snapshot->objects[i]);
    }
    struct gw_snapshot *below = snapshot->below;
    gw_chains_unref(snapshot->chains); /* behind the targets: their unbinding is posted before */
    snapshot->magic = 0;
    gw_arena_free(&snapshot->arena);
    gw_free(snapshot);
    if (below != NULL) {
        gw_snapshot_destroy(below); /* a whole: it has none below */
    }
}
