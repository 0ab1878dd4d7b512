/*
 * check_object.c - keywords of objects. A name that comes twice in an object is looked at each
 * time: which of them a function takes is not known. Built by the compiling thread, run by any.
 */
#include "inner.h"

#include <stdlib.h>

static int check_count(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    if (frame->value->kind != NODE_OBJECT) {
        return 1;
    }
    if (frame->value->count < check->least) {
        return schema_mismatch(run, frame, "the object has less than %llu properties",
                               (unsigned long long)check->least);
    }
    return frame->value->count <= check->most ||
           schema_mismatch(run, frame, "the object has more than %llu properties",
                           (unsigned long long)check->most);
}

static int has_member(struct check_run *run, const struct node *object, struct eg_str name) {
    return work_spend(&run->work, 1 + object->count / 8) &&
           schema_node_member(object, name) != NULL;
}

/* list: an array of names. */
static int has_all(struct check_run *run, const struct frame *frame, const struct node *list) {
    const struct node *at = node_first(list);
    for (uint32_t i = 0; i < list->count; i++, at += at->span) {
        if (!has_member(run, frame->value, node_text(at))) {
            return schema_mismatch(run, frame, "the property '%.*s' is missing",
                                   NAME_FMT(node_text(at)));
        }
    }
    return 1;
}

static int check_required(struct check_run *run, const struct check *check,
                          const struct frame *frame) {
    return frame->value->kind != NODE_OBJECT || has_all(run, frame, check->value);
}

static int are_names(struct compile *c, const struct node *list) {
    const struct node *at = node_first(list);
    for (uint32_t i = 0; i < list->count; i++, at += at->span) {
        if (at->kind != NODE_STRING) {
            schema_compile_fail(c, EG_E_INVAL, at, "the name of a property is needed");
            return 0;
        }
    }
    return 1;
}

/* ---- properties, patternProperties, additionalProperties ---- */

static int by_name(const void *a, const void *b) {
    const struct eg_str x = ((const struct member *)a)->name;
    const struct eg_str y = ((const struct member *)b)->name;
    const size_t shared = x.len < y.len ? x.len : y.len;
    const int order = shared == 0 ? 0 : memcmp(x.ptr, y.ptr, shared);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static const struct member *find_member(const struct check *check, struct eg_str name) {
    const struct member key = {.name = name};
    return check->member_count == 0
               ? NULL
               : bsearch(&key, check->members, check->member_count, sizeof key, by_name);
}

/* 1: it fits all that speak of it; *ret_is_known: somebody does. */
static int check_member(struct check_run *run, const struct check *check, const struct frame *frame,
                        const struct node *name, int *ret_is_known) {
    const struct member *named = find_member(check, node_text(name));
    *ret_is_known = named != NULL;
    if (named != NULL && !schema_apply_member(run, named->schema, frame, name)) {
        return 0;
    }
    for (size_t i = 0; i < check->pattern_count; i++) {
        if (!schema_pattern_matches(&run->patterns, check->patterns[i].pattern, node_text(name))) {
            if (run->work.is_over) {
                return 0;
            }
            continue;
        }
        *ret_is_known = 1;
        if (!schema_apply_member(run, check->patterns[i].schema, frame, name)) {
            return 0;
        }
    }
    return 1;
}

static int check_properties(struct check_run *run, const struct check *check,
                            const struct frame *frame) {
    const struct node *value = frame->value;
    const struct node *at = node_first(value);
    if (value->kind != NODE_OBJECT) {
        return 1;
    }
    for (uint32_t i = 0; i < value->count; i++, at += 1 + at[1].span) {
        int is_known = 0;
        if (!work_spend(&run->work, 1) || !check_member(run, check, frame, at, &is_known)) {
            return 0;
        }
        if (!is_known && check->then != NULL) {
            if (check->then->never) {
                return schema_mismatch(run, frame, "the property '%.*s' is not allowed",
                                       NAME_FMT(node_text(at)));
            }
            if (!schema_apply_member(run, check->then, frame, at)) {
                return 0;
            }
            is_known = 1;
        }
        if (is_known) {
            schema_mark_evaluated(frame, i);
        }
    }
    return 1;
}

static struct member *read_members(struct compile *c, const struct subschema *s,
                                   const struct node *object) {
    struct member *members =
        schema_arena_alloc(&c->schema->arena, (object->count + 1) * sizeof *members);
    const struct node *at = node_first(object);
    for (uint32_t i = 0; i < object->count; i++, at += 1 + at[1].span) {
        members[i].name = node_text(at);
        if (at[1].kind == NODE_ARRAY) {
            members[i].strings = are_names(c, at + 1) ? at + 1 : NULL;
        } else {
            members[i].schema = schema_compile_at(c, at + 1, s->resource);
        }
    }
    return members;
}

static void read_patterns(struct compile *c, const struct node *object, struct member *members) {
    const struct node *at = node_first(object);
    for (uint32_t i = 0; i < object->count; i++, at += 1 + at[1].span) {
        struct eg_why why = {.struct_size = sizeof why};
        if (schema_pattern_compile(&c->schema->arena, node_text(at), &c->schema->patterns,
                                   &members[i].pattern, &why) < 0) {
            schema_compile_fail(c, EG_E_INVAL, at + 1, "no regular expression: %.*s", (int)why.len,
                                why.text);
        }
    }
}

static void build_properties(struct compile *c, struct subschema *s) {
    const struct node *named = schema_keyword(s, "properties");
    const struct node *matched = schema_keyword(s, "patternProperties");
    const struct node *rest = schema_keyword(s, "additionalProperties");
    if (named == NULL && matched == NULL && rest == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, check_properties, named);
    if (named != NULL) {
        check->members = read_members(c, s, named);
        check->member_count = named->count;
        qsort(check->members, check->member_count, sizeof *check->members, by_name);
    }
    if (matched != NULL) {
        check->patterns = read_members(c, s, matched);
        check->pattern_count = matched->count;
        read_patterns(c, matched, check->patterns);
    }
    if (rest != NULL) {
        check->then = schema_compile_at(c, rest, s->resource);
    }
}

/* ---- names, and what one property asks of others ---- */

/* The name is the value here; the node of a name is a string. */
static int check_names(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    const struct node *at = node_first(frame->value);
    if (frame->value->kind != NODE_OBJECT) {
        return 1;
    }
    for (uint32_t i = 0; i < frame->value->count; i++, at += 1 + at[1].span) {
        const struct frame named = {.up = frame->up,
                                    .schema = frame->schema,
                                    .value = at,
                                    .name = frame->name,
                                    .index = frame->index,
                                    .step = frame->step,
                                    .depth = frame->depth};
        if (!schema_apply_quietly(run, check->schema, &named)) {
            return schema_mismatch(run, frame, "the name '%.*s' is not allowed",
                                   NAME_FMT(node_text(at)));
        }
    }
    return 1;
}

static int check_dependencies(struct check_run *run, const struct check *check,
                              const struct frame *frame) {
    if (frame->value->kind != NODE_OBJECT) {
        return 1;
    }
    for (size_t i = 0; i < check->member_count; i++) {
        const struct member *m = &check->members[i];
        if (!has_member(run, frame->value, m->name)) {
            continue;
        }
        if (m->strings != NULL && !has_all(run, frame, m->strings)) {
            return 0;
        }
        if (m->schema != NULL && !schema_apply(run, m->schema, frame)) {
            return 0;
        }
    }
    return 1;
}

static void build_dependencies(struct compile *c, struct subschema *s) {
    static const struct {
        const char *name;
        unsigned drafts;
    } rows[] = {{"dependencies", DRAFT_7 | DRAFT_2020}, /* 2020-12 validation, appendix A */
                {"dependentRequired", DRAFT_2020},
                {"dependentSchemas", DRAFT_2020}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const struct node *value =
            (rows[i].drafts & c->draft) != 0
                ? schema_keyword_of(c, s, rows[i].name, KINDS(NODE_OBJECT), "an object")
                : NULL;
        if (value == NULL) {
            continue;
        }
        const struct node *at = node_first(value);
        for (uint32_t k = 0; i == 1 && k < value->count; k++, at += 1 + at[1].span) {
            if (at[1].kind != NODE_ARRAY) {
                schema_compile_fail(c, EG_E_INVAL, at + 1, "a list of names is needed");
                return;
            }
        }
        struct check *check = schema_add_check(c, s, check_dependencies, value);
        check->members = read_members(c, s, value);
        check->member_count = value->count;
    }
}

void schema_build_objects(struct compile *c, struct subschema *s) {
    schema_build_limits(c, s, "minProperties", "maxProperties", check_count);
    const struct node *required = schema_keyword_of(c, s, "required", KINDS(NODE_ARRAY), "a list");
    if (required != NULL && are_names(c, required)) {
        (void)schema_add_check(c, s, check_required, required);
    }
    build_properties(c, s);
    const struct node *names = schema_keyword(s, "propertyNames");
    if (names != NULL) {
        schema_add_check(c, s, check_names, names)->schema =
            schema_compile_at(c, names, s->resource);
    }
    build_dependencies(c, s);
}
