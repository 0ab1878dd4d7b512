/*
 * plugin/settings_read.c - a section of the configuration into a component's struct. Everything a
 * user can get wrong is answered with the place, the key, and what would be right. Control thread;
 * texts go to the caller's arena.
 */
#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/settings_value.h"

struct reading {
    const struct gw_settings_table *table;
    struct eg_str section;
    struct gw_arena *arena;
    void *base;
    bool *is_given; /* by row */
    struct eg_why *ret_why;
};

/* "file:12: " or nothing. */
static struct eg_str place(const struct reading *reading, const struct gw_setting_input *input) {
    return input->where.len == 0 ? GW_STR("")
                                 : gw_arena_printf(reading->arena, "%.*s: ", GW_FMT(input->where));
}

/* The key as it is reached from the top of the configuration: "limits.body". */
static struct eg_str full_key(const struct reading *reading, struct eg_str key) {
    return gw_arena_printf(reading->arena, "%.*s%s%.*s", GW_FMT(reading->section),
                           reading->section.len == 0 ? "" : ".", GW_FMT(key));
}

static int32_t refuse_unknown(const struct reading *reading, const struct gw_setting_input *input) {
    const struct gw_settings_table *table = reading->table;
    const struct eg_str where = place(reading, input);
    const struct eg_str key = full_key(reading, input->key);
    const char **names =
        gw_arena_alloc(reading->arena, gw_size_mul(table->count + 1, sizeof *names));
    for (size_t i = 0; i < table->count; i++) {
        names[i] = table->rows[i]->name;
    }
    const char *nearest = gw_str_nearest(input->key, names, table->count);
    if (nearest == NULL) {
        return gw_why(reading->ret_why, EG_E_SYNTAX, "%.*sunknown key '%.*s'", GW_FMT(where),
                      GW_FMT(key));
    }
    const struct eg_str hint = full_key(reading, gw_str_c(nearest));
    return gw_why(reading->ret_why, EG_E_SYNTAX, "%.*sunknown key '%.*s'; did you mean '%.*s'?",
                  GW_FMT(where), GW_FMT(key), GW_FMT(hint));
}

static int32_t read_input(struct reading *reading, const struct gw_setting_input *input) {
    const struct eg_setting *row = gw_setting_find(reading->table, input->key, false);
    if (row == NULL) {
        return refuse_unknown(reading, input);
    }
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_json *value = NULL;
    int32_t rc = gw_json_parse(input->json, false, &value, &why);
    if (rc < 0) {
        const struct gw_setting_type *type = gw_setting_type(row->type);
        (void)gw_why(&why, EG_E_INVAL, "has to be %s", type == NULL ? "a value" : type->wanted);
    } else {
        rc = gw_setting_store(row, value, reading->arena, reading->base, &why);
    }
    gw_json_free(value);
    if (rc < 0) {
        const struct eg_str where = place(reading, input);
        const struct eg_str key = full_key(reading, input->key);
        const struct eg_str reason = gw_why_str(&why);
        return gw_why(reading->ret_why, rc, "%.*s'%.*s' %.*s", GW_FMT(where), GW_FMT(key),
                      GW_FMT(reason));
    }
    for (size_t i = 0; i < reading->table->count; i++) {
        reading->is_given[i] = reading->is_given[i] || reading->table->rows[i] == row;
    }
    return EG_OK;
}

static int32_t check_required(const struct reading *reading) {
    for (size_t i = 0; i < reading->table->count; i++) {
        const struct eg_setting *row = reading->table->rows[i];
        const bool is_missing = !reading->is_given[i] || gw_setting_is_empty(row, reading->base);
        if ((row->flags & EG_SET_REQUIRED) != 0 && is_missing) {
            const struct eg_str key = full_key(reading, gw_str_c(row->name));
            return gw_why(reading->ret_why, EG_E_INVAL, "'%.*s' has to be set", GW_FMT(key));
        }
    }
    return EG_OK;
}

int32_t gw_settings_read(const struct gw_settings_table *table, const char *section,
                         const struct gw_setting_input *inputs, size_t input_count,
                         struct gw_arena *arena, void *ret_struct, struct eg_why *ret_why) {
    struct reading reading = {
        .table = table,
        .section = gw_str_c(section),
        .arena = arena,
        .base = ret_struct,
        .is_given = gw_arena_zalloc(arena, gw_size_mul(table->count + 1, sizeof(bool))),
        .ret_why = ret_why,
    };
    if (table->struct_bytes > 0) {
        memset(ret_struct, 0, table->struct_bytes);
    }
    int32_t rc = gw_settings_defaults(table, arena, ret_struct, ret_why);
    for (size_t i = 0; rc >= 0 && i < input_count; i++) {
        rc = read_input(&reading, &inputs[i]);
    }
    return rc < 0 ? rc : check_required(&reading);
}
