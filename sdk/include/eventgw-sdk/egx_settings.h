/*
 * eventgw-sdk/egx_settings.h - rows of a settings table, the component and the plugin, one line
 * each.
 *
 *   struct hello_settings { struct eg_str text; int64_t times; };
 *   EGX_SETTING_STRING(hello_settings, text, "hello", "What to say.");
 *   EGX_SETTING_INT(hello_settings, times, 1, 10, "1", "How often.");
 *   static const struct eg_setting *const rows[] = {EGX_ROW(hello_settings, text),
 *                                                   EGX_ROW(hello_settings, times)};
 *   EGX_COMPONENT(hello, EG_KIND_MIDDLEWARE, "hello", "Says hello.", hello_settings, rows, &life,
 * &ops); EGX_PLUGIN("hello", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &hello)
 *
 * The first argument is the struct's tag. fallback is spelled as in the configuration file, or
 * NULL.
 */
#ifndef EVENTGW_SDK_SETTINGS_H
#define EVENTGW_SDK_SETTINGS_H

#include <eventgw/plugin.h>

#include "egx_str.h"

/* The row of a field, for the array of rows. */
#define EGX_ROW(strct, field) &egx_row_##strct##_##field

/* The whole row; name may differ from the field (target settings carry their JSON name). */
#define EGX_SETTING(strct, field, name, type, flags, min, max, fallback, choices, help)            \
    static const struct eg_setting egx_row_##strct##_##field = {                                   \
        (uint32_t)sizeof(struct eg_setting),                                                       \
        (type),                                                                                    \
        (flags),                                                                                   \
        (uint32_t)offsetof(struct strct, field),                                                   \
        (min),                                                                                     \
        (max),                                                                                     \
        (name),                                                                                    \
        (fallback),                                                                                \
        (choices),                                                                                 \
        (help)}

/* Rows whose name is that of the field, by type. */
#define EGX_SETTING_STRING(strct, field, fallback, help)                                           \
    EGX_SETTING(strct, field, #field, EG_SET_STRING, 0, 0, 0, fallback, NULL, help)
#define EGX_SETTING_REQUIRED(strct, field, help)                                                   \
    EGX_SETTING(strct, field, #field, EG_SET_STRING, EG_SET_REQUIRED, 0, 0, NULL, NULL, help)
#define EGX_SETTING_CHOICE(strct, field, choices, fallback, help)                                  \
    EGX_SETTING(strct, field, #field, EG_SET_STRING, 0, 0, 0, fallback, choices, help)
#define EGX_SETTING_SECRET(strct, field, help)                                                     \
    EGX_SETTING(strct, field, #field, EG_SET_SECRET, 0, 0, 0, NULL, NULL, help)
#define EGX_SETTING_INT(strct, field, min, max, fallback, help)                                    \
    EGX_SETTING(strct, field, #field, EG_SET_INT, 0, min, max, fallback, NULL, help)
#define EGX_SETTING_BOOL(strct, field, fallback, help)                                             \
    EGX_SETTING(strct, field, #field, EG_SET_BOOL, 0, 0, 0, fallback, NULL, help)
#define EGX_SETTING_DURATION(strct, field, min_ns, max_ns, fallback, help)                         \
    EGX_SETTING(strct, field, #field, EG_SET_DURATION, 0, min_ns, max_ns, fallback, NULL, help)
#define EGX_SETTING_SIZE(strct, field, min, max, fallback, help)                                   \
    EGX_SETTING(strct, field, #field, EG_SET_SIZE, 0, min, max, fallback, NULL, help)
#define EGX_SETTING_LIST(strct, field, fallback, help)                                             \
    EGX_SETTING(strct, field, #field, EG_SET_LIST, 0, 0, 0, fallback, NULL, help)
#define EGX_SETTING_JSON(strct, field, fallback, help)                                             \
    EGX_SETTING(strct, field, #field, EG_SET_JSON, 0, 0, 0, fallback, NULL, help)

/* A component with settings, and one without. life and ops are pointers to their tables. */
#define EGX_COMPONENT(var, kind, name, summary, strct, rows, life, ops)                            \
    static const struct eg_component var = {(uint32_t)sizeof(struct eg_component),                 \
                                            (kind),                                                \
                                            0,                                                     \
                                            (name),                                                \
                                            (summary),                                             \
                                            (rows),                                                \
                                            EGX_COUNT(rows),                                       \
                                            sizeof(struct strct),                                  \
                                            NULL,                                                  \
                                            0,                                                     \
                                            0,                                                     \
                                            (life),                                                \
                                            (ops)}
#define EGX_COMPONENT_BARE(var, kind, name, summary, life, ops)                                    \
    static const struct eg_component var = {(uint32_t)sizeof(struct eg_component),                 \
                                            (kind),                                                \
                                            0,                                                     \
                                            (name),                                                \
                                            (summary),                                             \
                                            NULL,                                                  \
                                            0,                                                     \
                                            0,                                                     \
                                            NULL,                                                  \
                                            0,                                                     \
                                            0,                                                     \
                                            (life),                                                \
                                            (ops)}
/* A provider: settings of its own and of every function. */
#define EGX_PROVIDER(var, name, summary, strct, rows, target_strct, target_rows, life, ops)        \
    static const struct eg_component var = {(uint32_t)sizeof(struct eg_component),                 \
                                            EG_KIND_PROVIDER,                                      \
                                            0,                                                     \
                                            (name),                                                \
                                            (summary),                                             \
                                            (rows),                                                \
                                            EGX_COUNT(rows),                                       \
                                            sizeof(struct strct),                                  \
                                            (target_rows),                                         \
                                            EGX_COUNT(target_rows),                                \
                                            sizeof(struct target_strct),                           \
                                            (life),                                                \
                                            (ops)}

/* The one exported constant. needs: EG_ABI_MAKE(major, minor), a literal: the oldest gateway that
 * will do. Then pointers to the components. */
#define EGX_PLUGIN(name, version, licence, needs, ...)                                             \
    static const struct eg_component *const egx_components[] = {__VA_ARGS__};                      \
    EG_PLUGIN_EXPORT const struct eg_plugin eg_plugin_constant = {                                 \
        EG_PLUGIN_MAGIC,                                                                           \
        (uint32_t)sizeof(struct eg_plugin),                                                        \
        EG_ABI,                                                                                    \
        (needs),                                                                                   \
        (name),                                                                                    \
        (version),                                                                                 \
        (licence),                                                                                 \
        egx_components,                                                                            \
        EGX_COUNT(egx_components)};

#endif
