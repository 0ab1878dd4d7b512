/*
 * plugin/settings_value.c - what each EG_SET_* type accepts, and where it puts it. A value comes as
 * JSON, whatever the source of the configuration was; a default comes as the text an author writes
 * into the row. Texts are copied into the arena of whoever owns the struct. Control thread.
 */
#include "plugin/settings_value.h"

#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"

static int32_t store_text(const struct eg_json *value, struct gw_arena *arena, void *field) {
    if (gw_json_kind(value) != EG_JSON_STRING) {
        return EG_E_SYNTAX;
    }
    *(struct eg_str *)field = gw_arena_dup(arena, gw_json_string(value));
    return EG_OK;
}

static int32_t store_int(const struct eg_json *value, struct gw_arena *arena, void *field) {
    (void)arena;
    if (gw_json_kind(value) != EG_JSON_INT) {
        return EG_E_SYNTAX;
    }
    *(int64_t *)field = gw_json_integer(value);
    return EG_OK;
}

static int32_t store_bool(const struct eg_json *value, struct gw_arena *arena, void *field) {
    (void)arena;
    if (gw_json_kind(value) != EG_JSON_BOOL) {
        return EG_E_SYNTAX;
    }
    *(uint32_t *)field = gw_json_integer(value) != 0;
    return EG_OK;
}

/* A duration or size: text with a unit, or a number of the bare unit. */
static int32_t store_unit(const struct eg_json *value, void *field, uint64_t bare_factor,
                          int32_t (*parse)(struct eg_str text, uint64_t *ret_value)) {
    uint64_t number = 0;
    if (gw_json_kind(value) == EG_JSON_STRING) {
        const int32_t rc = parse(gw_json_string(value), &number);
        if (rc < 0) {
            return rc;
        }
    } else if (gw_json_kind(value) == EG_JSON_INT && gw_json_integer(value) >= 0) {
        number = (uint64_t)gw_json_integer(value);
        if (number > INT64_MAX / bare_factor) {
            return EG_E_TOOBIG;
        }
        number *= bare_factor;
    } else {
        return EG_E_SYNTAX;
    }
    if (number > INT64_MAX) {
        return EG_E_TOOBIG;
    }
    *(uint64_t *)field = number;
    return EG_OK;
}

static int32_t store_duration(const struct eg_json *value, struct gw_arena *arena, void *field) {
    (void)arena;
    return store_unit(value, field, 1000000000u, gw_duration_parse);
}

static int32_t store_size(const struct eg_json *value, struct gw_arena *arena, void *field) {
    (void)arena;
    return store_unit(value, field, 1, gw_size_parse);
}

static int32_t store_list(const struct eg_json *value, struct gw_arena *arena, void *field) {
    if (gw_json_kind(value) != EG_JSON_ARRAY) {
        return EG_E_SYNTAX;
    }
    const size_t count = gw_json_count(value);
    struct eg_str *items = gw_arena_zalloc(arena, gw_size_mul(count + 1, sizeof *items));
    for (size_t i = 0; i < count; i++) {
        const int32_t rc = store_text(gw_json_at(value, i, NULL), arena, &items[i]);
        if (rc < 0) {
            return rc;
        }
    }
    *(struct eg_str_list *)field = (struct eg_str_list){.items = items, .count = count};
    return EG_OK;
}

static int32_t store_json(const struct eg_json *value, struct gw_arena *arena, void *field) {
    const uint32_t kind = gw_json_kind(value);
    if (kind != EG_JSON_ARRAY && kind != EG_JSON_OBJECT) {
        return EG_E_SYNTAX;
    }
    struct gw_bytes text;
    gw_bytes_init_arena(&text, arena, 128);
    gw_json_write(&text, value);
    *(struct eg_str *)field = gw_arena_dup(arena, gw_bytes_str(&text));
    return EG_OK;
}

static int32_t fallback_text(struct eg_str text, struct gw_arena *arena, void *field) {
    (void)arena;
    *(struct eg_str *)field = text; /* of the plugin's constant */
    return EG_OK;
}

static int32_t fallback_json(struct eg_str text, struct gw_arena *arena, void *field,
                             int32_t (*store)(const struct eg_json *, struct gw_arena *, void *)) {
    struct eg_json *root = NULL;
    int32_t rc = gw_json_parse(text, false, &root, NULL);
    if (rc < 0) {
        return EG_E_SYNTAX;
    }
    rc = store(root, arena, field);
    gw_json_free(root);
    return rc;
}

static int32_t fallback_int(struct eg_str text, struct gw_arena *arena, void *field) {
    (void)arena;
    return gw_str_i64(text, field);
}

static int32_t fallback_bool(struct eg_str text, struct gw_arena *arena, void *field) {
    return fallback_json(text, arena, field, store_bool);
}

static int32_t fallback_duration(struct eg_str text, struct gw_arena *arena, void *field) {
    (void)arena;
    return gw_duration_parse(text, field);
}

static int32_t fallback_size(struct eg_str text, struct gw_arena *arena, void *field) {
    (void)arena;
    return gw_size_parse(text, field);
}

/* ("a", "b") of the configuration file, or ["a", "b"]. */
static int32_t fallback_list(struct eg_str text, struct gw_arena *arena, void *field) {
    struct eg_str copy = gw_arena_dup(arena, text);
    if (copy.len >= 2 && copy.ptr[0] == '(' && copy.ptr[copy.len - 1] == ')') {
        copy = gw_arena_printf(arena, "[%.*s]", (int)(copy.len - 2), copy.ptr + 1);
    }
    return fallback_json(copy, arena, field, store_list);
}

static int32_t fallback_any(struct eg_str text, struct gw_arena *arena, void *field) {
    return fallback_json(text, arena, field, store_json);
}

static void print_int(struct gw_bytes *out, uint64_t value) {
    gw_bytes_add_i64(out, (int64_t)value);
}

static const struct gw_setting_type types[] = {
    [EG_SET_STRING] = {"text", "a text", sizeof(struct eg_str), _Alignof(struct eg_str), store_text,
                       fallback_text, NULL},
    [EG_SET_SECRET] = {"secret", "a text", sizeof(struct eg_str), _Alignof(struct eg_str),
                       store_text, fallback_text, NULL},
    [EG_SET_INT] = {"number", "a whole number", sizeof(int64_t), _Alignof(int64_t), store_int,
                    fallback_int, print_int},
    [EG_SET_BOOL] = {"bool", "true or false", sizeof(uint32_t), _Alignof(uint32_t), store_bool,
                     fallback_bool, NULL},
    [EG_SET_DURATION] =
        {"duration", "a duration like \"250ms\", \"30s\", \"5m\", \"1h\" or a number of seconds",
         sizeof(uint64_t), _Alignof(uint64_t), store_duration, fallback_duration,
         gw_duration_print},
    [EG_SET_SIZE] = {"size", "a size like \"64KiB\", \"1MiB\" or a number of bytes",
                     sizeof(uint64_t), _Alignof(uint64_t), store_size, fallback_size,
                     gw_size_print},
    [EG_SET_LIST] = {"list", "a list of texts", sizeof(struct eg_str_list),
                     _Alignof(struct eg_str_list), store_list, fallback_list, NULL},
    [EG_SET_JSON] = {"json", "a group or a list", sizeof(struct eg_str), _Alignof(struct eg_str),
                     store_json, fallback_any, NULL},
};

const struct gw_setting_type *gw_setting_type(uint32_t type) {
    return type < GW_COUNT(types) && types[type].store != NULL ? &types[type] : NULL;
}

static void *field_of(const struct eg_setting *row, void *base) {
    return (char *)base + row->offset;
}

static int32_t check_range(const struct eg_setting *row, const struct gw_setting_type *type,
                           const void *field, struct eg_why *ret_why) {
    if (type->print == NULL || (row->min == 0 && row->max == 0)) {
        return EG_OK;
    }
    int64_t value = 0;
    memcpy(&value, field, sizeof value);
    if (value >= row->min && value <= row->max) {
        return EG_OK;
    }
    struct gw_bytes range;
    gw_bytes_init(&range, 0);
    type->print(&range, (uint64_t)row->min);
    if (row->max != INT64_MAX) {
        gw_bytes_add_c(&range, " and ");
        type->print(&range, (uint64_t)row->max);
    }
    (void)gw_why(ret_why, EG_E_INVAL, "has to be %s %.*s",
                 row->max == INT64_MAX ? "at least" : "between", GW_FMT(gw_bytes_str(&range)));
    gw_bytes_free(&range);
    return EG_E_INVAL;
}

static int32_t check_choice(const struct eg_setting *row, const void *field,
                            struct eg_why *ret_why) {
    if (row->type != EG_SET_STRING || row->choices == NULL) {
        return EG_OK;
    }
    const struct eg_str value = *(const struct eg_str *)field;
    struct eg_str rest = gw_str_c(row->choices);
    struct eg_str choice;
    while (gw_str_next(&rest, '|', &choice)) {
        if (gw_str_eq(value, choice)) {
            return EG_OK;
        }
    }
    return gw_why(ret_why, EG_E_INVAL, "has to be one of %s", row->choices);
}

int32_t gw_setting_store(const struct eg_setting *row, const struct eg_json *value,
                         struct gw_arena *arena, void *base, struct eg_why *ret_why) {
    const struct gw_setting_type *type = gw_setting_type(row->type);
    GW_ASSERT(type != NULL);
    void *field = field_of(row, base);
    int32_t rc = type->store(value, arena, field);
    if (rc < 0) {
        return gw_why(ret_why, EG_E_SYNTAX, "has to be %s%s", type->wanted,
                      rc == EG_E_TOOBIG ? " that is not so big" : "");
    }
    rc = check_range(row, type, field, ret_why);
    return rc < 0 ? rc : check_choice(row, field, ret_why);
}

int32_t gw_settings_defaults(const struct gw_settings_table *table, struct gw_arena *arena,
                             void *base, struct eg_why *ret_why) {
    for (size_t i = 0; i < table->count; i++) {
        const struct eg_setting *row = table->rows[i];
        const struct gw_setting_type *type = gw_setting_type(row->type);
        GW_ASSERT(type != NULL);
        if (row->fallback == NULL) {
            continue;
        }
        void *field = field_of(row, base);
        struct eg_why why = {.struct_size = sizeof why};
        int32_t rc = type->fallback(gw_str_c(row->fallback), arena, field);
        if (rc < 0) {
            (void)gw_why(&why, EG_E_INVAL, "is not %s", type->wanted);
        } else {
            rc = check_range(row, type, field, &why);
            rc = rc < 0 ? rc : check_choice(row, field, &why);
        }
        if (rc < 0) {
            return gw_why(ret_why, EG_E_INVAL, "the default '%s' of '%s' %.*s", row->fallback,
                          row->name, GW_FMT(gw_why_str(&why)));
        }
    }
    return EG_OK;
}

bool gw_setting_is_empty(const struct eg_setting *row, const void *base) {
    const void *field = (const char *)base + row->offset;
    switch (row->type) {
    case EG_SET_STRING:
    case EG_SET_SECRET:
    case EG_SET_JSON:
        return ((const struct eg_str *)field)->len == 0;
    case EG_SET_LIST:
        return ((const struct eg_str_list *)field)->count == 0;
    default:
        return false;
    }
}

const struct eg_setting *gw_setting_find(const struct gw_settings_table *table, struct eg_str name,
                                         bool any_case) {
    for (size_t i = 0; i < table->count; i++) {
        const struct eg_str row_name = gw_str_c(table->rows[i]->name);
        if (any_case ? gw_str_eq_nocase(row_name, name) : gw_str_eq(row_name, name)) {
            return table->rows[i];
        }
    }
    return NULL;
}
