/*
 * state/snapshot_over.c - a snapshot made of an earlier one and the few changes since: it holds
 * what differs, and is asked first (snapshot_lookup.c). It costs as much as the changes and what
 * they touch, where the whole costs as much as the configuration.
 *
 * The one below is always a whole, and what lies over it is made anew out of all changes since,
 * so there are never more than two. What would need a look at the whole makes a new whole: more
 * changes than the catalog keeps, event types, CORS, another chain set, and every question of who
 * wins a path - a path that is not free, or one that somebody had lost (Q27).
 *
 * Thread: control. Ownership: it holds the one below, the objects and targets that differ; all else
 * lies in its arena.
 */
#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/snapshot_inner.h"

#define FIRST_CHUNK_BYTES 4096u
#define MAX_EDITS 512u

/* A function that differs. */
struct replaced {
    const struct gw_object *named; /* one that has its space and id */
    const struct gw_callee *was;   /* NULL: there was none */
    struct gw_callee *is;          /* NULL: there is none any more */
};

/* A subscription that differs, or whose function does. */
struct edit {
    const struct gw_subscriber *was; /* NULL: there was none */
    struct gw_subscriber *is;        /* NULL: there is none any more */
    bool is_placed;
};

struct over {
    struct gw_snapshot *snapshot;
    const struct gw_snapshot *below;
    const struct gw_snapshot *before;
    struct gw_manager *manager;
    struct gw_catalog *catalog;
    struct gw_arena scratch;
    struct replaced *replaced;
    size_t replaced_count;
    struct edit *edits;
    size_t edit_count;
};

static struct gw_object *hold(struct over *over, struct gw_object *object) {
    over->snapshot->objects[over->snapshot->object_count++] = gw_object_ref(object);
    return object;
}

/* The object of a key as it is now; NULL: there is none that can be read. */
static const struct gw_record *readable(const struct over *over, struct eg_str key) {
    const struct gw_record *record = gw_catalog_record(over->catalog, key);
    return record == NULL || record->object == NULL ? NULL : record;
}

/* ---- functions ---- */

/* An authorizer is known to the subscriptions of its event type: those are not looked for. */
static bool is_authorizer(const struct over *over, const struct replaced *replaced) {
    for (size_t i = 0; i < over->below->type_count; i++) {
        const struct gw_object *type = over->below->type_list[i].object;
        if (replaced->was != NULL
                ? over->below->type_list[i].authorizer == replaced->was
                : gw_str_eq(type->space, replaced->named->space) &&
                      gw_str_eq(type->as.eventtype.authorizer_id, replaced->named->id)) {
            return true;
        }
    }
    return false;
}

static bool put_function(struct over *over, const struct gw_changed *changed,
                         struct gw_route_key name) {
    struct gw_snapshot *snapshot = over->snapshot;
    const struct gw_record *record = readable(over, changed->key);
    const struct gw_callee *was = gw_route_table_get(&over->below->callees, name);
    struct gw_callee *callee = NULL;
    if (record == NULL && was == NULL) {
        return true;
    }
    if (record != NULL) {
        callee = &snapshot->callee_list[snapshot->callee_count++];
        callee->object = hold(over, record->object);
    }
    const struct replaced replaced = {
        .named = record != NULL ? record->object : was->object, .was = was, .is = callee};
    *gw_route_table_place(&snapshot->callees, gw_route_key_of(replaced.named, GW_REF_SELF)) =
        callee;
    over->replaced[over->replaced_count++] = replaced;
    return !is_authorizer(over, &replaced);
}

/* When nothing can go wrong any more: a whole would bind them once more, and tell the log again of
 * those that cannot be called. */
static void bind_functions(struct over *over) {
    const struct gw_snapshot *snapshot = over->snapshot;
    for (size_t i = 0; i < snapshot->callee_count; i++) {
        struct gw_callee *callee = &snapshot->callee_list[i];
        struct gw_instance *provider =
            gw_chains_provider(snapshot->chains, callee->object->as.function.type);
        callee->provider = provider;
        callee->target = gw_snapshot_bind(over->manager, over->before, callee->object, provider);
    }
}

/* ---- which subscriptions differ ---- */

static bool add_edit(struct over *over, const struct gw_subscriber *was, struct gw_subscriber *is) {
    if (over->edit_count == MAX_EDITS) {
        return false;
    }
    over->edits[over->edit_count++] = (struct edit){.was = was, .is = is};
    return true;
}

/* Those below lie by age. */
static const struct gw_subscriber *find_below(const struct gw_snapshot *below, uint64_t born,
                                              struct gw_route_key name) {
    const struct gw_subscriber *list = below->subscriber_list;
    size_t from = 0;
    size_t to = below->subscriber_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (list[middle].born < born) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    for (; from < below->subscriber_count && list[from].born == born; from++) {
        if (gw_str_eq(list[from].object->space, name.a) &&
            gw_str_eq(list[from].object->id, name.b)) {
            return &list[from];
        }
    }
    return NULL;
}

static struct gw_subscriber *make_subscriber(struct over *over, const struct gw_record *record) {
    struct gw_subscriber *subscriber = gw_arena_zalloc(&over->snapshot->arena, sizeof *subscriber);
    const struct gw_route_key label = gw_route_key_of(record->object, GW_REF_LABEL);
    const struct gw_subscription *s = &record->object->as.subscription;
    subscriber->object = hold(over, record->object);
    subscriber->born = record->born;
    subscriber->callee =
        gw_snapshot_find_callee(over->snapshot, record->object->space, s->function_id);
    gw_snapshot_meters(label.a, label.b, &subscriber->received, &subscriber->processed);
    gw_snapshot_set_event_type(over->below, record, subscriber);
    return subscriber;
}

static bool put_subscription(struct over *over, const struct gw_changed *changed,
                             struct gw_route_key name) {
    const struct gw_record *record = readable(over, changed->key);
    const struct gw_subscriber *was =
        changed->born == 0 ? NULL : find_below(over->below, changed->born, name);
    if (changed->born != 0 && was == NULL) {
        return false;
    }
    return add_edit(over, was, record == NULL ? NULL : make_subscriber(over, record));
}

static bool is_edited(const struct over *over, size_t edit_count,
                      const struct gw_subscriber *subscriber) {
    for (size_t i = 0; i < edit_count; i++) {
        if (over->edits[i].was == subscriber) {
            return true;
        }
    }
    return false;
}

static bool calls(const struct gw_subscriber *subscriber, const struct replaced *replaced) {
    if (replaced->was != NULL || subscriber->callee != NULL) {
        return subscriber->callee == replaced->was;
    }
    return gw_str_eq(subscriber->object->as.subscription.function_id, replaced->named->id) &&
           gw_str_eq(subscriber->object->space, replaced->named->space);
}

/* The subscriptions of a function that differs, but for those that differ themselves. */
static bool add_users(struct over *over, const struct replaced *replaced, size_t own_edits) {
    const struct gw_snapshot *below = over->below;
    for (size_t i = 0; i < below->subscriber_count; i++) {
        const struct gw_subscriber *was = &below->subscriber_list[i];
        if (!calls(was, replaced) || is_edited(over, own_edits, was)) {
            continue;
        }
        struct gw_subscriber *is = gw_arena_alloc(&over->snapshot->arena, sizeof *is);
        *is = *was;
        is->callee = replaced->is;
        if (!add_edit(over, was, is)) {
            return false;
        }
    }
    return true;
}

/* ---- sync: paths ---- */

static struct gw_path_tree *own_tree(struct over *over, const struct gw_object *object) {
    const struct gw_route_key key = gw_route_key_of(object, GW_REF_ROUTE);
    struct gw_arena *arena = &over->snapshot->arena;
    void **place = gw_route_table_place(&over->snapshot->sync, key);
    if (*place == NULL) {
        const struct gw_path_tree *below = gw_route_table_get(&over->below->sync, key);
        *place = below == NULL ? gw_path_tree_create(arena) : gw_path_tree_over(arena, below);
    }
    return *place;
}

static bool is_sync(const struct gw_subscriber *subscriber) {
    return subscriber != NULL && subscriber->object->as.subscription.is_sync;
}

static bool is_same_route(const struct gw_subscriber *a, const struct gw_subscriber *b) {
    const struct gw_subscription *x = &a->object->as.subscription;
    const struct gw_subscription *y = &b->object->as.subscription;
    return x->is_sync == y->is_sync && gw_str_eq(x->path, y->path) &&
           gw_str_eq(x->method, y->method) && gw_str_eq(x->event_type, y->event_type);
}

/* What is gone makes room first. */
static bool edit_paths(struct over *over) {
    for (size_t i = 0; i < over->edit_count; i++) {
        struct edit *edit = &over->edits[i];
        if (!is_sync(edit->was)) {
            continue;
        }
        edit->is_placed = edit->is != NULL && is_same_route(edit->was, edit->is);
        gw_path_tree_set(own_tree(over, edit->was->object), edit->was->object->as.subscription.path,
                         edit->is_placed ? edit->is : NULL);
    }
    for (size_t i = 0; i < over->edit_count; i++) {
        struct edit *edit = &over->edits[i];
        if (is_sync(edit->is) && !edit->is_placed &&
            gw_path_tree_add(own_tree(over, edit->is->object),
                             edit->is->object->as.subscription.path, edit->is, NULL) < 0) {
            return false;
        }
    }
    return true;
}

/* ---- async: lists ---- */

static struct gw_subscriber_list *own_list(struct over *over, const struct gw_object *object) {
    const struct gw_route_key key = gw_route_key_of(object, GW_REF_ROUTE);
    struct gw_arena *arena = &over->snapshot->arena;
    void **place = gw_route_table_place(&over->snapshot->async, key);
    if (*place == NULL) {
        const struct gw_subscriber_list *below = gw_route_table_get(&over->below->async, key);
        struct gw_subscriber_list *list = gw_arena_zalloc(arena, sizeof *list);
        for (size_t i = 0; below != NULL && i < below->count; i++) {
            gw_subscriber_list_add(arena, list, below->items[i]);
        }
        *place = list;
    }
    return *place;
}

static void drop(struct gw_subscriber_list *list, const struct gw_subscriber *subscriber) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] != subscriber) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/* False when two have one age: then their keys decide, which are not known here. */
static bool insert(struct gw_arena *arena, struct gw_subscriber_list *list,
                   const struct gw_subscriber *subscriber) {
    gw_subscriber_list_add(arena, list, subscriber);
    size_t at = list->count - 1;
    for (; at > 0 && list->items[at - 1]->born >= subscriber->born; at--) {
        if (list->items[at - 1]->born == subscriber->born) {
            return false;
        }
        list->items[at] = list->items[at - 1];
    }
    list->items[at] = subscriber;
    return true;
}

static bool edit_lists(struct over *over) {
    struct gw_arena *arena = &over->snapshot->arena;
    for (size_t i = 0; i < over->edit_count; i++) {
        const struct gw_subscriber *was = over->edits[i].was;
        if (was != NULL && !is_sync(was)) {
            drop(own_list(over, was->object), was);
        }
    }
    for (size_t i = 0; i < over->edit_count; i++) {
        const struct gw_subscriber *is = over->edits[i].is;
        if (is != NULL && !is_sync(is) && !insert(arena, own_list(over, is->object), is)) {
            return false;
        }
    }
    const struct gw_route_table *async = &over->snapshot->async;
    for (size_t i = 0; i <= async->mask; i++) {
        struct gw_subscriber_list *list = async->slots[i].value;
        for (size_t k = 0; list != NULL && k < list->count; k++) {
            gw_subscriber_list_add_schema(arena, list, list->items[k]->event_type);
        }
    }
    return true;
}

/* ---- the whole ---- */

/* Functions first: subscriptions look them up. */
static bool put_changes(struct over *over, enum gw_kind wanted,
                        bool (*put)(struct over *over, const struct gw_changed *changed,
                                    struct gw_route_key name)) {
    const struct gw_map *keys = &gw_catalog_changes(over->catalog)->keys;
    const struct gw_map_slot *slot = NULL;
    for (size_t i = 0; (slot = gw_map_next(keys, &i)) != NULL;) {
        enum gw_kind kind = GW_KINDS;
        struct gw_route_key name = {0};
        if (gw_store_key_parse(slot->key, &kind, &name.a, &name.b) < 0 ||
            (kind != GW_FUNCTION && kind != GW_SUBSCRIPTION)) {
            return false;
        }
        if (kind == wanted && !put(over, slot->value, name)) {
            return false;
        }
    }
    return true;
}

static bool fill(struct over *over) {
    if (!put_changes(over, GW_FUNCTION, put_function) ||
        !put_changes(over, GW_SUBSCRIPTION, put_subscription)) {
        return false;
    }
    const size_t own_edits = over->edit_count;
    for (size_t i = 0; i < over->replaced_count; i++) {
        if (!add_users(over, &over->replaced[i], own_edits)) {
            return false;
        }
    }
    return edit_paths(over) && edit_lists(over);
}

static struct gw_snapshot *create(struct gw_snapshot *below, const struct gw_catalog *catalog,
                                  size_t changes) {
    struct gw_snapshot *snapshot = gw_snapshot_create(below->chains);
    struct gw_arena *arena = &snapshot->arena;
    snapshot->revision = gw_catalog_revision(catalog);
    snapshot->below = gw_snapshot_ref(below);
    snapshot->has_schema = below->has_schema;
    snapshot->objects = gw_arena_alloc(arena, gw_size_mul(changes + 1, sizeof(void *)));
    snapshot->callee_list =
        gw_arena_zalloc(arena, gw_size_mul(changes + 1, sizeof(struct gw_callee)));
    return snapshot;
}

struct gw_snapshot *gw_snapshot_over(struct gw_manager *manager, struct gw_catalog *catalog,
                                     struct gw_snapshot *before) {
    struct gw_snapshot *below = before->below == NULL ? before : before->below;
    const struct gw_changes *changes = gw_catalog_changes(catalog);
    if (changes->since == 0 || changes->since != below->since || below->losers.count > 0 ||
        below->chains != gw_manager_chains(manager)) {
        return NULL;
    }
    struct over over = {.below = below, .before = before, .manager = manager, .catalog = catalog};
    const size_t count = changes->keys.count;
    over.snapshot = create(below, catalog, count);
    gw_arena_init(&over.scratch, FIRST_CHUNK_BYTES);
    over.replaced = gw_arena_zalloc(&over.scratch, gw_size_mul(count + 1, sizeof *over.replaced));
    over.edits = gw_arena_zalloc(&over.scratch, gw_size_mul(MAX_EDITS, sizeof *over.edits));
    if (fill(&over)) {
        bind_functions(&over);
    } else {
        gw_snapshot_destroy(over.snapshot);
        over.snapshot = NULL;
    }
    gw_arena_free(&over.scratch);
    return over.snapshot;
}
