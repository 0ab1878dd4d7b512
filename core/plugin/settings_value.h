/*
 * plugin/settings_value.h - one value of one row: the types as a table, shared by the readers of
 * settings, by the checks of the loader and by the help. Not for other floors.
 */
#ifndef GW_PLUGIN_SETTINGS_VALUE_H
#define GW_PLUGIN_SETTINGS_VALUE_H

#include <eventgw/host.h>

#include "base/json.h"
#include "plugin/settings.h"

struct gw_setting_type {
    const char *name;   /* for people: "text", "duration" */
    const char *wanted; /* "has to be <wanted>" */
    size_t field_bytes;
    size_t field_align;
    /* Reads the JSON value into the field; EG_E_SYNTAX = wrong type, EG_E_TOOBIG = too big. */
    int32_t (*store)(const struct eg_json *value, struct gw_arena *arena, void *field);
    /* Reads the row's fallback, spelled as in a configuration file. */
    int32_t (*fallback)(struct eg_str text, struct gw_arena *arena, void *field);
    /* Writes a bound of the range; NULL = the type has no range. */
    void (*print)(struct gw_bytes *out, uint64_t value);
};

/* NULL when EG_SET_* is unknown. */
const struct gw_setting_type *gw_setting_type(uint32_t type);

/* Stores a value of a row and checks range and choices. ret_why: "has to be ...". */
int32_t gw_setting_store(const struct eg_setting *row, const struct eg_json *value,
                         struct gw_arena *arena, void *base, struct eg_why *ret_why);
/* Stores the default of every row. ret_why: "the default of 'x' ...". */
int32_t gw_settings_defaults(const struct gw_settings_table *table, struct gw_arena *arena,
                             void *base, struct eg_why *ret_why);
/* Is there nothing in the text, list or JSON field? Numbers are never empty. */
bool gw_setting_is_empty(const struct eg_setting *row, const void *base);

/* The row of a name, or NULL. */
const struct eg_setting *gw_setting_find(const struct gw_settings_table *table, struct eg_str name,
                                         bool any_case);

void gw_duration_print(struct gw_bytes *out, uint64_t ns);
void gw_size_print(struct gw_bytes *out, uint64_t bytes);

#endif
