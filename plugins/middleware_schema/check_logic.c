/*
 * check_logic.c - keywords that apply other schemas to the same value: $ref, allOf, anyOf, oneOf,
 * not, if; and unevaluated*, which asks what those have left over. Built by the compiling thread,
 * run by any.
 */
#include "inner.h"

/* ---- references ---- */

static int check_ref(struct check_run *run, const struct check *check, const struct frame *frame) {
    return schema_apply(run, check->schema, frame);
}

/* 2020-12 core 8.2.3.2: the outermost schema on the way here whose resource has that name. */
static int check_dynamic(struct check_run *run, const struct check *check,
                         const struct frame *frame) {
    const struct subschema *target = check->schema;
    const struct resource *asked = NULL;
    for (const struct frame *f = frame; f != NULL; f = f->up) {
        if (f->schema->resource == asked) {
            continue;
        }
        asked = f->schema->resource;
        if (!work_spend(&run->work, 1)) {
            return 0;
        }
        const struct anchor *a = schema_find_anchor(run->schema, asked, check->anchor);
        if (a != NULL && a->is_dynamic) {
            target = a->schema;
        }
    }
    return schema_apply(run, target, frame);
}

void schema_build_refs(struct compile *c, struct subschema *s) {
    const struct node *ref = schema_keyword_of(c, s, "$ref", KINDS(NODE_STRING), "a string");
    if (ref != NULL) {
        struct check *check = schema_add_check(c, s, check_ref, ref);
        check->schema = schema_resolve_ref(c, s, node_text(ref), NULL);
    }
    const struct node *dynamic =
        c->draft == DRAFT_2020
            ? schema_keyword_of(c, s, "$dynamicRef", KINDS(NODE_STRING), "a string")
            : NULL;
    if (dynamic != NULL) {
        struct eg_str anchor = {0};
        struct subschema *target = schema_resolve_ref(c, s, node_text(dynamic), &anchor);
        struct check *check =
            schema_add_check(c, s, anchor.len > 0 ? check_dynamic : check_ref, dynamic);
        check->schema = target;
        check->anchor = anchor;
    }
}

/* ---- allOf, anyOf, oneOf, not, if ---- */

static int check_all(struct check_run *run, const struct check *check, const struct frame *frame) {
    for (size_t i = 0; i < check->list_count; i++) {
        if (!schema_apply(run, check->list[i], frame)) {
            return 0;
        }
    }
    return 1;
}

/* All are tried where somebody wants to know what they evaluate. */
static int check_any(struct check_run *run, const struct check *check, const struct frame *frame) {
    int fits = 0;
    for (size_t i = 0; i < check->list_count && !run->work.is_over; i++) {
        fits |= schema_apply_quietly(run, check->list[i], frame);
        if (fits && frame->evaluated == NULL) {
            return 1;
        }
    }
    return fits || schema_mismatch(run, frame, "the value fits none of the schemas of anyOf");
}

static int check_one(struct check_run *run, const struct check *check, const struct frame *frame) {
    size_t count = 0;
    for (size_t i = 0; i < check->list_count && count < 2 && !run->work.is_over; i++) {
        count += (size_t)schema_apply_quietly(run, check->list[i], frame);
    }
    if (count == 1) {
        return 1;
    }
    return schema_mismatch(run, frame,
                           count == 0 ? "the value fits none of the schemas of oneOf"
                                      : "the value fits more than one of the schemas of oneOf");
}

static int check_not(struct check_run *run, const struct check *check, const struct frame *frame) {
    const struct frame apart = {.up = frame->up,
                                .schema = frame->schema,
                                .value = frame->value,
                                .name = frame->name,
                                .index = frame->index,
                                .step = frame->step,
                                .depth = frame->depth};
    return !schema_apply_quietly(run, check->schema, &apart) ||
           schema_mismatch(run, frame, "the value fits the schema of not");
}

static int check_if(struct check_run *run, const struct check *check, const struct frame *frame) {
    const int holds = schema_apply_quietly(run, check->schema, frame);
    const struct subschema *next = holds ? check->then : check->otherwise;
    return run->work.is_over ? 0 : next == NULL || schema_apply(run, next, frame);
}

static void build_list(struct compile *c, struct subschema *s, const char *name, check_fn *run) {
    const struct node *list = schema_keyword(s, name);
    if (list == NULL) {
        return;
    }
    schema_read_list(c, s, schema_add_check(c, s, run, list), list);
}

static struct subschema *schema_of(struct compile *c, const struct subschema *s, const char *name) {
    const struct node *value = schema_keyword(s, name);
    return value == NULL ? NULL : schema_compile_at(c, value, s->resource);
}

void schema_build_logic(struct compile *c, struct subschema *s) {
    build_list(c, s, "allOf", check_all);
    build_list(c, s, "anyOf", check_any);
    build_list(c, s, "oneOf", check_one);
    struct subschema *not = schema_of(c, s, "not");
    if (not != NULL) {
        schema_add_check(c, s, check_not, not ->at)->schema = not ;
    }
    struct subschema *condition = schema_of(c, s, "if");
    if (condition != NULL) {
        struct check *check = schema_add_check(c, s, check_if, condition->at);
        check->schema = condition;
        check->then = schema_of(c, s, "then");
        check->otherwise = schema_of(c, s, "else");
    }
}

/* ---- what is left over ---- */

static int check_unevaluated_items(struct check_run *run, const struct check *check,
                                   const struct frame *frame) {
    const struct node *at = node_first(frame->value);
    if (frame->value->kind != NODE_ARRAY) {
        return 1;
    }
    for (uint32_t i = 0; i < frame->value->count; i++, at += at->span) {
        if (frame->evaluated[i]) {
            continue;
        }
        if (!schema_apply_item(run, check->schema, frame, at, i)) {
            return 0;
        }
        frame->evaluated[i] = 1;
    }
    return 1;
}

static int check_unevaluated_members(struct check_run *run, const struct check *check,
                                     const struct frame *frame) {
    const struct node *at = node_first(frame->value);
    if (frame->value->kind != NODE_OBJECT) {
        return 1;
    }
    for (uint32_t i = 0; i < frame->value->count; i++, at += 1 + at[1].span) {
        if (frame->evaluated[i]) {
            continue;
        }
        if (!schema_apply_member(run, check->schema, frame, at)) {
            return 0;
        }
        frame->evaluated[i] = 1;
    }
    return 1;
}

void schema_build_unevaluated(struct compile *c, struct subschema *s) {
    struct subschema *items = c->draft == DRAFT_2020 ? schema_of(c, s, "unevaluatedItems") : NULL;
    struct subschema *members =
        c->draft == DRAFT_2020 ? schema_of(c, s, "unevaluatedProperties") : NULL;
    if (items != NULL) {
        schema_add_check(c, s, check_unevaluated_items, items->at)->schema = items;
    }
    if (members != NULL) {
        schema_add_check(c, s, check_unevaluated_members, members->at)->schema = members;
    }
    c->schema->tracks_evaluated |= items != NULL || members != NULL;
}
