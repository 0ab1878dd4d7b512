/*
 * check_value.c - keywords that look at one value alone: type, enum, const, those of numbers and
 * of strings. Built by the compiling thread, run by any.
 */
#include "inner.h"

/* ---- type ---- */

/* 0: it is none, and what is said of numbers does not concern it; or the work is over. */
static int read_number(struct check_run *run, const struct frame *frame,
                       struct decimal *ret_number) {
    if (frame->value->kind != NODE_NUMBER || !work_spend(&run->work, frame->value->len / 16)) {
        return 0;
    }
    *ret_number = schema_decimal_read(node_text(frame->value));
    return 1;
}

#define TYPE_INTEGER (1u << 16) /* beside the bits of kinds */

static const struct {
    struct eg_str name;
    unsigned bits;
} types[] = {
    {EGX_STR_INIT("null"), KINDS(NODE_NULL)},     {EGX_STR_INIT("boolean"), KINDS_BOOL},
    {EGX_STR_INIT("number"), KINDS(NODE_NUMBER)}, {EGX_STR_INIT("integer"), TYPE_INTEGER},
    {EGX_STR_INIT("string"), KINDS(NODE_STRING)}, {EGX_STR_INIT("array"), KINDS(NODE_ARRAY)},
    {EGX_STR_INIT("object"), KINDS(NODE_OBJECT)}};

static int check_type(struct check_run *run, const struct check *check, const struct frame *frame) {
    const struct node *value = frame->value;
    if ((KINDS(value->kind) & check->least) != 0) {
        return 1;
    }
    struct decimal d;
    if ((check->least & TYPE_INTEGER) != 0 && read_number(run, frame, &d) &&
        decimal_is_integer(&d)) {
        return 1;
    }
    const int is_one = check->value->kind == NODE_STRING;
    const struct eg_str name = is_one ? node_text(check->value) : EGX_STR("one of several types");
    return schema_mismatch(
        run, frame, is_one ? "the value has to be of type %.*s" : "the value has to be of %.*s",
        EGX_FMT(name));
}

static unsigned type_bits(struct compile *c, const struct node *name) {
    for (size_t i = 0; name->kind == NODE_STRING && i < EGX_COUNT(types); i++) {
        if (egx_str_eq(node_text(name), types[i].name)) {
            return types[i].bits;
        }
    }
    schema_compile_fail(c, EG_E_INVAL, name,
                        "a type is null, boolean, number, integer, string, array or object");
    return 0;
}

static void build_type(struct compile *c, struct subschema *s) {
    const struct node *value = schema_keyword_of(
        c, s, "type", KINDS(NODE_STRING) | KINDS(NODE_ARRAY), "the name of a type, or a list,");
    if (value == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, check_type, value);
    if (value->kind == NODE_STRING) {
        check->least = type_bits(c, value);
        return;
    }
    const struct node *at = node_first(value);
    for (uint32_t i = 0; i < value->count; i++, at += at->span) {
        check->least |= type_bits(c, at);
    }
}

/* ---- enum, const ---- */

static int check_enum(struct check_run *run, const struct check *check, const struct frame *frame) {
    const struct node *at = node_first(check->value);
    for (uint32_t i = 0; i < check->value->count; i++, at += at->span) {
        if (schema_node_equal(frame->value, at, &run->work)) {
            return 1;
        }
    }
    return schema_mismatch(run, frame, "the value is none of those that enum lists");
}

static int check_const(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    return schema_node_equal(frame->value, check->value, &run->work) ||
           schema_mismatch(run, frame, "the value is not the one that const names");
}

static void build_equals(struct compile *c, struct subschema *s) {
    const struct node *list = schema_keyword_of(c, s, "enum", KINDS(NODE_ARRAY), "a list");
    const struct node *one = schema_keyword(s, "const");
    if (list != NULL) {
        (void)schema_add_check(c, s, check_enum, list);
    }
    if (one != NULL) {
        (void)schema_add_check(c, s, check_const, one);
    }
}

/* ---- numbers ---- */

static int check_maximum(struct check_run *run, const struct check *check,
                         const struct frame *frame) {
    struct decimal d;
    return !read_number(run, frame, &d) || schema_decimal_compare(&d, &check->number) <= 0 ||
           schema_mismatch(run, frame, "the number is greater than %.*s",
                           NAME_FMT(node_text(check->value)));
}

static int check_minimum(struct check_run *run, const struct check *check,
                         const struct frame *frame) {
    struct decimal d;
    return !read_number(run, frame, &d) || schema_decimal_compare(&d, &check->number) >= 0 ||
           schema_mismatch(run, frame, "the number is less than %.*s",
                           NAME_FMT(node_text(check->value)));
}

static int check_below(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    struct decimal d;
    return !read_number(run, frame, &d) || schema_decimal_compare(&d, &check->number) < 0 ||
           schema_mismatch(run, frame, "the number is not less than %.*s",
                           NAME_FMT(node_text(check->value)));
}

static int check_above(struct check_run *run, const struct check *check,
                       const struct frame *frame) {
    struct decimal d;
    return !read_number(run, frame, &d) || schema_decimal_compare(&d, &check->number) > 0 ||
           schema_mismatch(run, frame, "the number is not greater than %.*s",
                           NAME_FMT(node_text(check->value)));
}

static int check_multiple(struct check_run *run, const struct check *check,
                          const struct frame *frame) {
    struct decimal d;
    return !read_number(run, frame, &d) || !work_spend(&run->work, d.count / 2) ||
           schema_decimal_is_multiple(&d, &check->number) ||
           schema_mismatch(run, frame, "the number is not a multiple of %.*s",
                           NAME_FMT(node_text(check->value)));
}

static void build_numbers(struct compile *c, struct subschema *s) {
    static const struct {
        const char *name;
        check_fn *run;
    } rows[] = {{"maximum", check_maximum},
                {"minimum", check_minimum},
                {"exclusiveMaximum", check_below},
                {"exclusiveMinimum", check_above},
                {"multipleOf", check_multiple}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        const struct node *value =
            schema_keyword_of(c, s, rows[i].name, KINDS(NODE_NUMBER), "a number");
        if (value == NULL) {
            continue;
        }
        struct check *check = schema_add_check(c, s, rows[i].run, value);
        check->number = schema_decimal_read(node_text(value));
        const int is_divisor = rows[i].run == check_multiple;
        if (is_divisor && (check->number.count == 0 || check->number.is_negative ||
                           check->number.count > DECIMAL_DIVISOR_DIGITS)) {
            schema_compile_fail(c, EG_E_INVAL, value,
                                "a number above 0 with up to %u digits is needed",
                                DECIMAL_DIVISOR_DIGITS);
        }
    }
}

/* ---- strings ---- */

static int check_lengths(struct check_run *run, const struct check *check,
                         const struct frame *frame) {
    const struct eg_str text = node_text(frame->value);
    if (frame->value->kind != NODE_STRING) {
        return 1;
    }
    if (!work_spend(&run->work, text.len / 64)) {
        return 0;
    }
    const size_t length = schema_utf8_length(text);
    if (length < check->least) {
        return schema_mismatch(run, frame, "the text has less than %llu characters",
                               (unsigned long long)check->least);
    }
    return length <= check->most ||
           schema_mismatch(run, frame, "the text has more than %llu characters",
                           (unsigned long long)check->most);
}

static int check_pattern(struct check_run *run, const struct check *check,
                         const struct frame *frame) {
    return frame->value->kind != NODE_STRING ||
           schema_pattern_matches(&run->patterns, check->pattern, node_text(frame->value)) ||
           schema_mismatch(run, frame, "the text does not match the pattern '%.*s'",
                           NAME_FMT(node_text(check->value)));
}

int64_t schema_read_limit(struct compile *c, const struct subschema *s, const char *name,
                          int64_t fallback) {
    const struct node *value = schema_keyword_of(c, s, name, KINDS(NODE_NUMBER), "a number");
    if (value == NULL) {
        return fallback;
    }
    const struct decimal d = schema_decimal_read(node_text(value));
    const int64_t limit = schema_decimal_small(&d);
    if (limit < 0) {
        schema_compile_fail(c, EG_E_INVAL, value, "a whole number from 0 is needed");
    }
    return limit;
}

void schema_build_limits(struct compile *c, struct subschema *s, const char *least,
                         const char *most, check_fn *run) {
    if (schema_keyword(s, least) == NULL && schema_keyword(s, most) == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, run, NULL);
    check->least = (uint64_t)schema_read_limit(c, s, least, 0);
    check->most = (uint64_t)schema_read_limit(c, s, most, INT64_MAX);
}

static void build_strings(struct compile *c, struct subschema *s) {
    struct eg_why why = {.struct_size = sizeof why};
    schema_build_limits(c, s, "minLength", "maxLength", check_lengths);
    const struct node *value = schema_keyword_of(c, s, "pattern", KINDS(NODE_STRING), "a string");
    if (value == NULL) {
        return;
    }
    struct check *check = schema_add_check(c, s, check_pattern, value);
    if (schema_pattern_compile(&c->schema->arena, node_text(value), &c->schema->patterns,
                               &check->pattern, &why) < 0) {
        schema_compile_fail(c, EG_E_INVAL, value, "no regular expression: %.*s", (int)why.len,
                            why.text);
    }
}

void schema_build_values(struct compile *c, struct subschema *s) {
    build_type(c, s);
    build_equals(c, s);
    build_numbers(c, s);
    build_strings(c, s);
}
