/*
 * plugin/check_settings.c - is a settings table safe to read into? A row that points outside of its
 * struct would let the configuration write into foreign memory, so nothing is believed: sizes,
 * types, offsets, names, ranges and defaults are all checked once, when the plugin is loaded.
 * Control thread.
 */
#include "plugin/check_settings.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/settings_value.h"

#define NAME_MAX_BYTES 64u
#define SETTINGS_MAX 1024u
#define STRUCT_BYTES_MAX (1024u * 1024u)

static bool is_row_name(const char *name, bool is_target) {
    size_t len = 0;
    while (name != NULL && len <= NAME_MAX_BYTES && name[len] != '\0') {
        const char c = name[len];
        const bool is_letter = (c >= 'a' && c <= 'z') || (is_target && c >= 'A' && c <= 'Z');
        const bool is_later = (c >= '0' && c <= '9') || c == '_';
        if (!is_letter && (len == 0 || !is_later)) {
            return false;
        }
        len++;
    }
    return len > 0 && len <= NAME_MAX_BYTES;
}

static int32_t check_row(const struct eg_setting *row, size_t struct_bytes, bool is_target,
                         const struct gw_check_place *place) {
    if (row == NULL || row->struct_size < GW_BASELINE(eg_setting, help)) {
        return gw_check_refuse(place, "a row of the settings is NULL or its struct_size too small");
    }
    if (!is_row_name(row->name, is_target)) {
        return gw_check_refuse(place, "a setting's name has to match [a-z][a-z0-9_]*");
    }
    const struct gw_setting_type *type = gw_setting_type(row->type);
    if (type == NULL) {
        return gw_check_refuse(place, "setting '%s' has the unknown type %u", row->name, row->type);
    }
    if (row->offset > struct_bytes || type->field_bytes > struct_bytes - row->offset) {
        return gw_check_refuse(place,
                               "setting '%s' at offset %u lies outside of its struct of %zu bytes",
                               row->name, row->offset, struct_bytes);
    }
    if (row->offset % type->field_align != 0) {
        return gw_check_refuse(place, "setting '%s' at offset %u is not aligned", row->name,
                               row->offset);
    }
    if (row->min > row->max) {
        return gw_check_refuse(place, "setting '%s' has a range that holds nothing", row->name);
    }
    return EG_OK;
}

static bool overlaps(const struct eg_setting *a, const struct eg_setting *b) {
    const size_t a_bytes = gw_setting_type(a->type)->field_bytes;
    const size_t b_bytes = gw_setting_type(b->type)->field_bytes;
    return a->offset < b->offset + b_bytes && b->offset < a->offset + a_bytes;
}

static int32_t check_pair(const struct eg_setting *a, const struct eg_setting *b, bool is_target,
                          const struct gw_check_place *place) {
    const struct eg_str a_name = gw_str_c(a->name);
    const struct eg_str b_name = gw_str_c(b->name);
    if (is_target ? gw_str_eq_nocase(a_name, b_name) : gw_str_eq(a_name, b_name)) {
        return gw_check_refuse(place, "setting '%s' is there twice", a->name);
    }
    if (overlaps(a, b)) {
        return gw_check_refuse(place, "settings '%s' and '%s' share memory", a->name, b->name);
    }
    return EG_OK;
}

static int32_t check_defaults(const struct gw_settings_table *table,
                              const struct gw_check_place *place) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    void *scratch = gw_alloc(table->struct_bytes + 1);
    int32_t rc = gw_settings_defaults(table, &arena, scratch, &why);
    if (rc < 0) {
        rc = gw_check_refuse(place, "%.*s", GW_FMT(gw_why_str(&why)));
    }
    gw_free(scratch);
    gw_arena_free(&arena);
    return rc;
}

int32_t gw_check_settings(const struct gw_settings_table *table, bool is_target,
                          const struct gw_check_place *place) {
    if (table->count > SETTINGS_MAX || table->struct_bytes > STRUCT_BYTES_MAX) {
        return gw_check_refuse(place, "%zu settings in %zu bytes are too many", table->count,
                               table->struct_bytes);
    }
    if (table->count > 0 && table->rows == NULL) {
        return gw_check_refuse(place, "the settings table is missing");
    }
    for (size_t i = 0; i < table->count; i++) {
        int32_t rc = check_row(table->rows[i], table->struct_bytes, is_target, place);
        for (size_t k = 0; rc >= 0 && k < i; k++) {
            rc = check_pair(table->rows[i], table->rows[k], is_target, place);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return check_defaults(table, place);
}
