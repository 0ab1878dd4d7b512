/*
 * plugin/settings.h - reads settings tables (struct eg_setting): of components, of functions, and
 * of the gateway itself, which describes its own configuration with the same rows.
 */
#ifndef GW_PLUGIN_SETTINGS_H
#define GW_PLUGIN_SETTINGS_H

#include <stdbool.h>

#include <eventgw/settings.h>

#include "base/bytes.h"

/* One key of a section as the configuration source gave it. */
struct gw_setting_input {
    struct eg_str key;
    struct eg_str json;  /* the value as JSON text: "text", 42, true, [..], {..} */
    struct eg_str where; /* "event-gateway.conf:12" or "--set"; for messages */
};
struct gw_settings_table {
    const struct eg_setting *const *rows;
    size_t count;
    size_t struct_bytes;
};

/*
 * Fills ret_struct (struct_bytes, zeroed first) from defaults and inputs; later inputs of a key
 * win. Texts live in the arena. Refusals: "<where>: unknown key 'x'; did you mean 'y'?",
 * "<where>: 'x' has to be ...". section ("limits", "provider_http") is for messages, may be empty.
 */
int32_t gw_settings_read(const struct gw_settings_table *table, const char *section,
                         const struct gw_setting_input *inputs, size_t input_count,
                         struct gw_arena *arena, void *ret_struct, struct eg_why *ret_why);

/* The struct as a JSON object in its normal form: every row in table order, numbers of durations
 * and sizes with their biggest unit. GW_MASK_SECRETS writes what is or may hold a secret as
 * "*****": secrets, and the texts inside of JSON values, of which only the component knows what
 * they are. */
#define GW_SETTING_OPEN 0x80000000u /* flag of a row of the host: its JSON holds no secrets */
enum gw_secrets { GW_SHOW_SECRETS, GW_MASK_SECRETS };
void gw_settings_write(struct gw_bytes *out, const struct gw_settings_table *table,
                       const void *settings, enum gw_secrets secrets);

/* The `provider` object of a function: names without regard to case, unknown keys dropped, null =
 * unset, wrong type = EG_E_SYNTAX `unable to load function provider config: ...`. ret_normal:
 * compact JSON of the keys that are not empty, in table order, secrets in clear. REQUIRED is not
 * checked here: bind does, with its own words. */
int32_t gw_target_settings_read(const struct gw_settings_table *table, struct eg_str provider_json,
                                struct gw_arena *arena, void *ret_struct, struct eg_str *ret_normal,
                                struct eg_why *ret_why);
/* A normalised provider text with every non-empty secret written as "*****". */
void gw_target_settings_mask(const struct gw_settings_table *table, struct eg_str normal_json,
                             struct gw_bytes *out);
/* new_json with every secret that is sent as "*****" replaced by the one of stored_json. In arena.
 */
struct eg_str gw_target_settings_unmask(const struct gw_settings_table *table,
                                        struct eg_str new_json, struct eg_str stored_json,
                                        struct gw_arena *arena);

/* "250ms" "30s" "5m" "1h" or digits (seconds); "64KiB" "1MiB" "1GiB" or digits (bytes). */
int32_t gw_duration_parse(struct eg_str text, uint64_t *ret_ns);
int32_t gw_size_parse(struct eg_str text, uint64_t *ret_bytes);

/* The rows as a table for people: name, type, default, range, help. */
void gw_settings_help(struct gw_bytes *out, const struct gw_settings_table *table);
/* The same as a JSON array, for programs. */
void gw_settings_json(struct gw_bytes *out, const struct gw_settings_table *table);

#endif
