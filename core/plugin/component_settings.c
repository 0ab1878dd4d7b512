/*
 * plugin/component_settings.c - see component_settings.h. The host's fields lie behind the
 * component's struct, so that one table describes both: messages, help and the nearest known key
 * need not know whose a row is.
 */
#include "plugin/component_settings.h"

#include "base/check.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/settings_value.h"

#define HOST_ALIGN 16u

/* Behind the component's struct. */
struct host_fields {
    struct eg_str match;
};
static const struct eg_setting match_row = {
    .struct_size = sizeof match_row,
    .type = EG_SET_JSON,
    .flags = GW_SETTING_OPEN,
    .offset = offsetof(struct host_fields, match),
    .name = "match",
    .help = "Only for these: a group of lists spaces, paths, methods, event_types.",
};

static size_t host_offset(const struct eg_component *component) {
    return (component->settings_size + HOST_ALIGN - 1) / HOST_ALIGN * HOST_ALIGN;
}

static bool has_host_row(const struct eg_component *component) {
    const struct gw_settings_table own = gw_component_own_table(component);
    return component->kind == EG_KIND_MIDDLEWARE &&
           gw_setting_find(&own, gw_str_c(match_row.name), false) == NULL;
}

struct gw_settings_table gw_component_table(const struct eg_component *component,
                                            struct gw_arena *arena) {
    const struct gw_settings_table own = gw_component_own_table(component);
    if (!has_host_row(component)) {
        return own;
    }
    const struct eg_setting **rows =
        gw_arena_alloc(arena, gw_size_mul(own.count + 1, sizeof(const struct eg_setting *)));
    struct eg_setting *row = gw_arena_alloc(arena, sizeof *row);
    for (size_t i = 0; i < own.count; i++) {
        rows[i] = own.rows[i];
    }
    *row = match_row;
    row->offset += (uint32_t)host_offset(component);
    rows[own.count] = row;
    return (struct gw_settings_table){rows, own.count + 1,
                                      host_offset(component) + sizeof(struct host_fields)};
}

struct gw_settings_table gw_component_host_table(const struct eg_component *component) {
    static const struct eg_setting *const rows[] = {&match_row};
    return has_host_row(component)
               ? (struct gw_settings_table){rows, GW_COUNT(rows), sizeof(struct host_fields)}
               : (struct gw_settings_table){0};
}

/* The place of the last input of a key, as "file:12: ", or nothing. */
static struct eg_str place_of(const struct gw_setting_input *inputs, size_t count,
                              struct eg_str key, struct gw_arena *arena) {
    for (size_t i = count; i > 0; i--) {
        if (gw_str_eq(inputs[i - 1].key, key) && inputs[i - 1].where.len > 0) {
            return gw_arena_printf(arena, "%.*s: ", GW_FMT(inputs[i - 1].where));
        }
    }
    return (struct eg_str){0};
}

int32_t gw_component_settings_read(const struct eg_component *component,
                                   const struct gw_setting_input *inputs, size_t input_count,
                                   struct gw_arena *arena, void **ret_settings,
                                   const struct gw_match **ret_match, struct eg_why *ret_why) {
    const struct gw_settings_table table = gw_component_table(component, arena);
    const struct eg_str section = gw_arena_printf(arena, "plugins.%s", component->name);
    const struct gw_match *match = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    char *base = gw_arena_zalloc(arena, table.struct_bytes + 1);
    int32_t rc = gw_settings_read(&table, section.ptr, inputs, input_count, arena, base, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct host_fields host = {0};
    if (has_host_row(component)) {
        memcpy(&host, base + host_offset(component), sizeof host);
    }
    if (host.match.len > 0) {
        rc = gw_match_read(arena, section, host.match, &match, &why);
    }
    if (rc < 0) {
        const struct eg_str place = place_of(inputs, input_count, gw_str_c(match_row.name), arena);
        return gw_why(ret_why, rc, "%.*s%.*s", GW_FMT(place), GW_FMT(gw_why_str(&why)));
    }
    *ret_settings = base;
    *ret_match = match;
    return EG_OK;
}
