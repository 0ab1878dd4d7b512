/*
 * domain/plan.c - see the header. The order of writes: what is referred to comes before what refers
 * to it, removals the other way round and last. So at no moment a reference leads nowhere, and a
 * path that moves from one subscription to another has an owner all the time (two that conflict for
 * that moment are what routing knows how to live with). Pure.
 */
#include "domain/plan.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/jscan.h"
#include "base/slice.h"
#include "domain/plan_inner.h"

#include <eventgw/storage.h>

const char *const gw_plan_words[GW_PLAN_OPS] = {
    [GW_PLAN_CREATE] = "create", [GW_PLAN_UPDATE] = "update", [GW_PLAN_DELETE] = "delete"};

/* The place of a kind among the writes. */
static const unsigned order_of_kind[GW_KINDS] = {
    [GW_FUNCTION] = 0, [GW_EVENTTYPE] = 1, [GW_SUBSCRIPTION] = 2, [GW_CORS] = 3};

unsigned gw_plan_order(enum gw_kind kind) {
    GW_ASSERT(kind < GW_KINDS);
    return order_of_kind[kind];
}

/* ---- the table ---- */

static struct eg_str key_of(struct gw_arena *arena, enum gw_kind kind, struct eg_str space,
                            struct eg_str id) {
    struct gw_bytes key;
    gw_bytes_init_arena(&key, arena, space.len + id.len + 64);
    gw_store_key(&key, kind, space, id);
    return gw_bytes_str(&key);
}

static struct gw_plan_entry *entry_at(struct gw_plan_table *table, enum gw_kind kind,
                                      struct eg_str space, struct eg_str id) {
    const struct eg_str key = key_of(table->arena, kind, space, id);
    struct gw_plan_entry *entry = gw_map_get(&table->entries, key);
    if (entry == NULL) {
        entry = gw_arena_zalloc(table->arena, sizeof *entry);
        *entry = (struct gw_plan_entry){.kind = kind, .space = space, .id = id};
        (void)gw_map_put(&table->entries, key, entry);
    }
    return entry;
}

void gw_plan_add_stored(struct gw_plan_table *table, enum gw_kind kind, struct eg_str space,
                        struct eg_str id, uint64_t revision, struct gw_object *object) {
    struct gw_plan_entry *entry = entry_at(table, kind, space, id);
    entry->revision = revision;
    entry->stored = object;
}

struct gw_plan_entry *gw_plan_find(const struct gw_plan_table *table, enum gw_kind kind,
                                   struct eg_str space, struct eg_str id) {
    struct gw_bytes key;
    gw_bytes_init(&key, 0);
    gw_store_key(&key, kind, space, id);
    struct gw_plan_entry *entry = gw_map_get(&table->entries, gw_bytes_str(&key));
    gw_bytes_free(&key);
    return entry;
}

int32_t gw_plan_add_wanted(struct gw_plan_table *table, struct gw_object *sent,
                           struct gw_object *wanted, size_t line, struct eg_why *ret_why) {
    struct gw_plan_entry *entry = entry_at(table, wanted->kind, wanted->space, wanted->id);
    if (entry->wanted != NULL) {
        struct gw_bytes name;
        gw_bytes_init_arena(&name, table->arena, 64);
        gw_plan_name(&name, entry);
        return gw_why(ret_why, EG_E_EXISTS, "%.*s is in the file already, on line %zu",
                      GW_FMT(gw_bytes_str(&name)), entry->line);
    }
    entry->sent = sent;
    entry->wanted = wanted;
    entry->line = line;
    return EG_OK;
}

void gw_plan_table_free(struct gw_plan_table *table) {
    gw_map_free(&table->entries);
}

/* ---- the plan ---- */

static int by_order(const void *a, const void *b) {
    const struct gw_plan_entry *x = *(struct gw_plan_entry *const *)a;
    const struct gw_plan_entry *y = *(struct gw_plan_entry *const *)b;
    if (x->kind != y->kind) {
        return order_of_kind[x->kind] < order_of_kind[y->kind] ? -1 : 1;
    }
    const int by_space = gw_str_cmp(x->space, y->space);
    return by_space != 0 ? by_space : gw_str_cmp(x->id, y->id);
}

static struct gw_plan_list list_entries(const struct gw_plan_table *table) {
    struct gw_plan_list list = {
        .items = gw_arena_alloc(
            table->arena, gw_size_mul(table->entries.count + 1, sizeof(struct gw_plan_entry *)))};
    const struct gw_map_slot *slot;
    for (size_t i = 0; (slot = gw_map_next(&table->entries, &i)) != NULL;) {
        list.items[list.count++] = slot->value;
    }
    qsort(list.items, list.count, sizeof list.items[0], by_order);
    return list;
}

static bool is_same(const struct gw_object *a, const struct gw_object *b) {
    struct gw_bytes x;
    struct gw_bytes y;
    gw_bytes_init(&x, 0);
    gw_bytes_init(&y, 0);
    gw_object_write(&x, a, (struct eg_str){0});
    gw_object_write(&y, b, (struct eg_str){0});
    const bool is_equal = gw_str_eq(gw_bytes_str(&x), gw_bytes_str(&y));
    gw_bytes_free(&x);
    gw_bytes_free(&y);
    return is_equal;
}

static bool is_in_scope(const struct gw_plan_rules *rules, const struct gw_plan_entry *entry) {
    return (rules->kinds & 1u << entry->kind) != 0 && entry->revision <= rules->until &&
           (rules->space.len == 0 || gw_str_eq(rules->space, entry->space));
}

/* A value from before its provider had a normal form is as good as the normalised one. Records that
 * cannot be read are not pruned: somebody may still want to look at them. */
static void decide(struct gw_plan_entry *entry, const struct gw_plan_rules *rules) {
    if (entry->wanted == NULL) {
        entry->is_removed = rules->is_pruning && entry->stored != NULL && is_in_scope(rules, entry);
        return;
    }
    entry->is_changed = entry->stored == NULL || (!is_same(entry->stored, entry->wanted) &&
                                                  !is_same(entry->stored, entry->sent));
}

static void add_step(struct gw_plan *plan, struct gw_plan_step *steps, enum gw_plan_op op,
                     const struct gw_plan_entry *entry) {
    const unsigned order = order_of_kind[entry->kind];
    steps[plan->step_count++] = (struct gw_plan_step){
        .op = op, .phase = op == GW_PLAN_DELETE ? 2 * GW_KINDS - 1 - order : order, .entry = entry};
    plan->counts[op]++;
}

static void list_steps(const struct gw_plan_table *table, const struct gw_plan_list *list,
                       struct gw_plan *plan) {
    struct gw_plan_step *steps =
        gw_arena_alloc(table->arena, gw_size_mul(list->count + 1, sizeof *steps));
    for (size_t i = 0; i < list->count; i++) {
        const struct gw_plan_entry *entry = list->items[i];
        if (entry->wanted != NULL && entry->is_changed) {
            add_step(plan, steps,
                     entry->revision == EG_REV_ABSENT ? GW_PLAN_CREATE : GW_PLAN_UPDATE, entry);
        } else if (entry->wanted != NULL) {
            plan->unchanged++;
        }
    }
    /* Backwards, so that the kinds come in the other order. */
    for (unsigned phase = GW_KINDS; phase < 2 * GW_KINDS; phase++) {
        for (size_t i = 0; i < list->count; i++) {
            const struct gw_plan_entry *entry = list->items[i];
            if (entry->is_removed && 2 * GW_KINDS - 1 - order_of_kind[entry->kind] == phase) {
                add_step(plan, steps, GW_PLAN_DELETE, entry);
            }
        }
    }
    plan->steps = steps;
}

void gw_plan_make(struct gw_plan_table *table, const struct gw_plan_rules *rules,
                  struct gw_plan *ret_plan, struct gw_remarks *errors) {
    const struct gw_plan_list list = list_entries(table);
    for (size_t i = 0; i < list.count; i++) {
        decide(list.items[i], rules);
    }
    gw_plan_check(table, &list, rules, errors);
    *ret_plan = (struct gw_plan){0};
    list_steps(table, &list, ret_plan);
}

/* ---- for people ---- */

void gw_plan_name(struct gw_bytes *out, const struct gw_plan_entry *entry) {
    gw_bytes_addf(out, "%s %.*s/%.*s", gw_kind_words[entry->kind].metric, GW_FMT(entry->space),
                  GW_FMT(gw_str_sub(entry->id, 0, 200)));
}

/* Its identifier tells a person nothing. */
static void describe_subscription(struct gw_bytes *out, const struct gw_object *object) {
    const struct gw_subscription *s = &object->as.subscription;
    gw_bytes_addf(out, " (%.*s %.*s %.*s %.*s -> %.*s)", GW_FMT(s->type), GW_FMT(s->event_type),
                  GW_FMT(s->method), GW_FMT(gw_str_sub(s->path, 0, 200)), GW_FMT(s->function_id));
}

static struct eg_str member(struct gw_jval object, struct eg_str raw_name) {
    struct gw_jval value;
    struct eg_str name;
    size_t cursor = 0;
    while (gw_jobj_next(object, &cursor, &name, &value)) {
        if (gw_str_eq(name, raw_name)) {
            return value.raw;
        }
    }
    return (struct eg_str){0};
}

/* The members of a that b has not, or has otherwise; of those that both have only if is_first. */
static void add_differences(struct gw_bytes *out, const char **before, struct gw_jval a,
                            struct gw_jval b, bool is_first) {
    struct gw_jval value;
    struct eg_str name;
    size_t cursor = 0;
    while (gw_jobj_next(a, &cursor, &name, &value)) {
        const struct eg_str other = member(b, name);
        if (other.len == 0 || (is_first && !gw_str_eq(other, value.raw))) {
            gw_bytes_addf(out, "%s%.*s", *before, GW_FMT(name));
            *before = ", ";
        }
    }
}

static void describe_changes(struct gw_bytes *out, const struct gw_plan_entry *entry) {
    struct gw_bytes texts[2];
    struct gw_jval values[2];
    const struct gw_object *objects[2] = {entry->stored, entry->wanted};
    const char *before = ": ";
    if (entry->stored == NULL) {
        gw_bytes_add_c(out, ": what is stored cannot be read");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        gw_bytes_init(&texts[i], 0);
        gw_object_write(&texts[i], objects[i], (struct eg_str){0});
        values[i] = (struct gw_jval){.type = GW_J_OBJECT, .raw = gw_bytes_str(&texts[i])};
    }
    add_differences(out, &before, values[1], values[0], true);
    add_differences(out, &before, values[0], values[1], false);
    gw_bytes_free(&texts[0]);
    gw_bytes_free(&texts[1]);
}

void gw_plan_describe(struct gw_bytes *out, const struct gw_plan_step *step) {
    const struct gw_plan_entry *entry = step->entry;
    const struct gw_object *object = step->op == GW_PLAN_DELETE ? entry->stored : entry->wanted;
    gw_bytes_addf(out, "%s ", gw_plan_words[step->op]);
    gw_plan_name(out, entry);
    if (entry->kind == GW_SUBSCRIPTION) {
        describe_subscription(out, object);
    }
    if (step->op == GW_PLAN_UPDATE) {
        describe_changes(out, entry);
    }
}
