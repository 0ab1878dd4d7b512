/*
 * plugin/component_settings.h - the settings of a component as the configuration sees them: its own
 * rows, and behind them those that the host adds for its kind and handles itself (middleware:
 * `match`). Control thread.
 */
#ifndef GW_PLUGIN_COMPONENT_SETTINGS_H
#define GW_PLUGIN_COMPONENT_SETTINGS_H

#include <eventgw/plugin.h>

#include "domain/match.h"
#include "plugin/settings.h"

/* The component's own rows. */
static inline struct gw_settings_table
gw_component_own_table(const struct eg_component *component) {
    return (struct gw_settings_table){component->settings, component->setting_count,
                                      component->settings_size};
}
/* The rows of its functions; of providers only. */
static inline struct gw_settings_table
gw_component_target_table(const struct eg_component *component) {
    return (struct gw_settings_table){component->target_settings, component->target_setting_count,
                                      component->target_settings_size};
}
/* In the arena. The component's struct is the beginning of struct_bytes. A component that has a row
 * of the same name of its own keeps it, and the host's is not there. */
struct gw_settings_table gw_component_table(const struct eg_component *component,
                                            struct gw_arena *arena);
/* The host's rows alone, for help; count 0 = there are none. */
struct gw_settings_table gw_component_host_table(const struct eg_component *component);

/* Reads the section plugins.NAME. *ret_settings: the component's struct; *ret_match: NULL = takes
 * part in everything. Both in the arena. */
int32_t gw_component_settings_read(const struct eg_component *component,
                                   const struct gw_setting_input *inputs, size_t input_count,
                                   struct gw_arena *arena, void **ret_settings,
                                   const struct gw_match **ret_match, struct eg_why *ret_why);

#endif
