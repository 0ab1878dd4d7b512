/*
 * check_array.c - keywords of arrays. Built by the compiling thread, run by any.
 */
#include "inner.h"

#include <stdlib.h>

static int check_count(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    if (frame->value->kind != NODE_ARRAY) {
        return 1;
    }
    if (frame->value->count < check->least) {
        return schema_mismatch(run, frame, "the array has less than %llu items",
                               (unsigned long long)check->least);
    }
    return frame->value->count <= check->most ||
           schema_mismatch(run, frame, "the array has more than %llu items",
                           (unsigned long long)check->most);
}

/* ---- uniqueItems: equal items have equal hashes, so only neighbours by hash are compared ---- */

struct hashed {
    uint64_t hash;
    const struct node *item;
};

static int by_hash(const void *a, const void *b) {
    const struct hashed *x = a;
    const struct hashed *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int has_twins(struct check_run *run, const struct hashed *all, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 1; k < count && all[k].hash == all[i].hash; k++) {
            if (schema_node_equal(all[i].item, all[k].item, &run->work) || run->work.is_over) {
                return 1;
            }
        }
    }
    return 0;
}

static int check_unique(struct check_run *run, const struct check *check,
                        const struct frame *frame) {
    const struct node *value = frame->value;
    const struct eg_host *host = run->schema->host;
    (void)check;
    if (value->kind != NODE_ARRAY || value->count < 2) {
        return 1;
    }
    if (!work_spend(&run->work, 2 * (uint64_t)value->count)) {
        return 0;
    }
    struct hashed *all = host->mem->alloc(host, value->count * sizeof *all);
    const struct node *at = node_first(value);
    for (uint32_t i = 0; i < value->count; i++, at += at->span) {
        all[i] = (struct hashed){schema_node_hash(at, &run->work), at};
    }
    qsort(all, value->count, sizeof *all, by_hash);
    const int is_double = has_twins(run, all, value->count);
    host->mem->free(host, all);
    return !is_double || schema_mismatch(run, frame, "two items of the array are equal");
}

/* ---- items: a schema for each of the first, one for all behind them ---- */

static int check_items(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    const struct node *value = frame->value;
    const struct node *at = node_first(value);
    if (value->kind != NODE_ARRAY) {
        return 1;
    }
    for (uint32_t i = 0; i < value->count; i++, at += at->span) {
        const struct subschema *s = i < check->list_count ? check->list[i] : check->then;
        if (s == NULL) {
            return 1;
        }
        if (!schema_apply_item(run, s, frame, at, i) || run->work.is_over) {
            return 0;
        }
        schema_mark_evaluated(frame, i);
    }
    return 1;
}

void schema_read_list(struct compile *c, struct subschema *s, struct check *check,
                      const struct node *list) {
    const struct node *at = node_first(list);
    check->list =
        schema_arena_alloc(&c->schema->arena, (list->count + 1) * sizeof(struct subschema *));
    check->list_count = list->count;
    for (uint32_t i = 0; i < list->count; i++, at += at->span) {
        check->list[i] = schema_compile_at(c, at, s->resource);
    }
}

static void build_items(struct compile *c, struct subschema *s) {
    const int is_old = c->draft == DRAFT_7;
    const struct node *items = schema_keyword(s, "items");
    const struct node *list = is_old ? items : schema_keyword(s, "prefixItems");
    const int has_list = list != NULL && list->kind == NODE_ARRAY;
    const struct node *rest = is_old && has_list ? schema_keyword(s, "additionalItems") : items;
    if (list == NULL && rest == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, check_items, list);
    if (has_list) {
        schema_read_list(c, s, check, list);
    }
    if (rest != NULL) {
        check->then = schema_compile_at(c, rest, s->resource);
    }
}

/* ---- contains ---- */

static int check_contains(struct check_run *run, const struct check *check,
                          const struct frame *frame) {
    const struct node *value = frame->value;
    const struct node *at = node_first(value);
    uint64_t found = 0;
    if (value->kind != NODE_ARRAY) {
        return 1;
    }
    run->quiet++;
    for (uint32_t i = 0; i < value->count && !run->work.is_over; i++, at += at->span) {
        if (schema_apply_item(run, check->schema, frame, at, i)) {
            schema_mark_evaluated(frame, i);
            found++;
        }
    }
    run->quiet--;
    if (found < check->least) {
        return schema_mismatch(run, frame, "%llu items fit the schema of contains, less than %llu",
                               (unsigned long long)found, (unsigned long long)check->least);
    }
    return found <= check->most ||
           schema_mismatch(run, frame, "%llu items fit the schema of contains, more than %llu",
                           (unsigned long long)found, (unsigned long long)check->most);
}

static void build_contains(struct compile *c, struct subschema *s) {
    const struct node *value = schema_keyword(s, "contains");
    const int has_limits = c->draft == DRAFT_2020;
    if (value == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, check_contains, value);
    check->schema = schema_compile_at(c, value, s->resource);
    check->least = has_limits ? (uint64_t)schema_read_limit(c, s, "minContains", 1) : 1;
    check->most =
        has_limits ? (uint64_t)schema_read_limit(c, s, "maxContains", INT64_MAX) : INT64_MAX;
}

void schema_build_arrays(struct compile *c, struct subschema *s) {
    schema_build_limits(c, s, "minItems", "maxItems", check_count);
    const struct node *unique = schema_keyword_of(c, s, "uniqueItems", KINDS_BOOL, "true or false");
    if (unique != NULL && unique->kind == NODE_TRUE) {
        (void)schema_add_check(c, s, check_unique, unique);
    }
    build_items(c, s);
    build_contains(c, s);
}
