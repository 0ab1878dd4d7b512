/*
 * plugin/settings_help.c - a settings table for people (--help-plugin). Pure, any thread.
 */
#include "base/slice.h"
#include "plugin/settings_value.h"

static void pad(struct gw_bytes *out, struct eg_str text, size_t width) {
    gw_bytes_add(out, text);
    for (size_t i = text.len; i < width; i++) {
        gw_bytes_add_char(out, ' ');
    }
    gw_bytes_add_c(out, "  ");
}

static struct eg_str shown_default(const struct eg_setting *row) {
    if (row->fallback == NULL) {
        return (row->flags & EG_SET_REQUIRED) != 0 ? GW_STR("(required)") : GW_STR("-");
    }
    const struct eg_str fallback = gw_str_c(row->fallback);
    return row->type == EG_SET_SECRET && fallback.len > 0 ? GW_STR("*****") : fallback;
}

static void add_range(struct gw_bytes *out, const struct eg_setting *row,
                      const struct gw_setting_type *type) {
    if (row->choices != NULL) {
        gw_bytes_addf(out, " (one of %s)", row->choices);
    }
    if (type->print == NULL || (row->min == 0 && row->max == 0)) {
        return;
    }
    gw_bytes_add_c(out, row->max == INT64_MAX ? " (at least " : " (");
    type->print(out, (uint64_t)row->min);
    if (row->max != INT64_MAX) {
        gw_bytes_add_c(out, " to ");
        type->print(out, (uint64_t)row->max);
    }
    gw_bytes_add_char(out, ')');
}

void gw_settings_help(struct gw_bytes *out, const struct gw_settings_table *table) {
    size_t name_width = sizeof "NAME" - 1;
    size_t default_width = sizeof "DEFAULT" - 1;
    for (size_t i = 0; i < table->count; i++) {
        const size_t name = strlen(table->rows[i]->name);
        const size_t value = shown_default(table->rows[i]).len;
        name_width = name > name_width ? name : name_width;
        default_width = value > default_width ? value : default_width;
    }
    gw_bytes_add_c(out, "  ");
    pad(out, GW_STR("NAME"), name_width);
    pad(out, GW_STR("TYPE"), 8);
    pad(out, GW_STR("DEFAULT"), default_width);
    gw_bytes_add_c(out, "MEANING\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct eg_setting *row = table->rows[i];
        const struct gw_setting_type *type = gw_setting_type(row->type);
        gw_bytes_add_c(out, "  ");
        pad(out, gw_str_c(row->name), name_width);
        pad(out, gw_str_c(type->name), 8);
        pad(out, shown_default(row), default_width);
        gw_bytes_add_c(out, row->help == NULL ? "" : row->help);
        add_range(out, row, type);
        gw_bytes_add_char(out, '\n');
    }
}
