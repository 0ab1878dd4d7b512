/*
 * plugin/settings_help.c - a settings table for people (--help-plugin), and for programs (plugin
 * inspect
 * --json). Pure, any thread.
 */
#include "base/jwrite.h"
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

/* ---- for programs ---- */

static void add_text(struct gw_bytes *out, bool *is_first, const char *name, const char *text) {
    gw_jw_name(out, is_first, name);
    if (text == NULL) {
        gw_bytes_add_c(out, "null");
    } else {
        gw_jw_string(out, gw_str_c(text));
    }
}

/* Spelled as in the configuration; null = none. */
static void add_bound(struct gw_bytes *out, bool *is_first, const char *name,
                      const struct eg_setting *row, int64_t bound) {
    const struct gw_setting_type *type = gw_setting_type(row->type);
    const bool is_bounded = type->print != NULL && (row->min != 0 || row->max != 0);
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_jw_name(out, is_first, name);
    if (is_bounded && bound != INT64_MAX) {
        type->print(&text, (uint64_t)bound);
    }
    if (text.len == 0) {
        gw_bytes_add_c(out, "null");
    } else {
        gw_jw_string(out, gw_bytes_str(&text));
    }
    gw_bytes_free(&text);
}

static void add_choices(struct gw_bytes *out, bool *is_first, const char *choices) {
    struct eg_str rest = gw_str_c(choices);
    struct eg_str piece;
    gw_jw_name(out, is_first, "choices");
    gw_bytes_add_char(out, '[');
    for (bool is_begun = false; choices != NULL && gw_str_next(&rest, '|', &piece);
         is_begun = true) {
        gw_bytes_add_c(out, is_begun ? "," : "");
        gw_jw_string(out, piece);
    }
    gw_bytes_add_char(out, ']');
}

void gw_settings_json(struct gw_bytes *out, const struct gw_settings_table *table) {
    gw_bytes_add_char(out, '[');
    for (size_t i = 0; i < table->count; i++) {
        const struct eg_setting *row = table->rows[i];
        const bool is_secret = row->type == EG_SET_SECRET && row->fallback != NULL;
        bool is_first = true;
        gw_bytes_add_c(out, i == 0 ? "{" : ",{");
        add_text(out, &is_first, "name", row->name);
        add_text(out, &is_first, "type", gw_setting_type(row->type)->name);
        gw_jw_name(out, &is_first, "required");
        gw_bytes_add_c(out, (row->flags & EG_SET_REQUIRED) != 0 ? "true" : "false");
        add_text(out, &is_first, "default", is_secret ? "*****" : row->fallback);
        add_bound(out, &is_first, "min", row, row->min);
        add_bound(out, &is_first, "max", row, row->max);
        add_choices(out, &is_first, row->choices);
        add_text(out, &is_first, "help", row->help == NULL ? "" : row->help);
        gw_bytes_add_char(out, '}');
    }
    gw_bytes_add_char(out, ']');
}
