/*
 * eventgw/settings.h - how a component says what can be configured.
 *
 * A row describes one key. The host parses the configuration into the component's own struct at
 * `offset`, applies defaults and ranges, refuses unknown keys with the nearest known one, masks
 * secrets wherever it prints them, and writes `event-gateway --help-plugin NAME` from the table.
 *
 *   type                C type at offset      written in the configuration as
 *   EG_SET_STRING       struct eg_str         "text"
 *   EG_SET_SECRET       struct eg_str         "text"; never printed
 *   EG_SET_INT          int64_t               42
 *   EG_SET_BOOL         uint32_t (0 or 1)     true
 *   EG_SET_DURATION     uint64_t nanoseconds  "250ms", "30s", "5m", "1h", or a number of seconds
 *   EG_SET_SIZE         uint64_t bytes        "64KiB", "1MiB", or a number of bytes
 *   EG_SET_LIST         struct eg_str_list    ("a", "b")
 *   EG_SET_JSON         struct eg_str         any group or list; handed over as JSON text
 *
 * Strings, lists and JSON are borrowed by the component until its destroy (settings of a component)
 * or until unbind (settings of a function, struct eg_component.target_settings).
 */
#ifndef EVENTGW_SETTINGS_H
#define EVENTGW_SETTINGS_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of settings: see the table above. */
#define EG_SET_STRING 1u
#define EG_SET_SECRET 2u
#define EG_SET_INT 3u
#define EG_SET_BOOL 4u
#define EG_SET_DURATION 5u
#define EG_SET_SIZE 6u
#define EG_SET_LIST 7u
#define EG_SET_JSON 8u

#define EG_SET_REQUIRED 0x1u /* the key has to be given and must not be empty */

/* The value of an EG_SET_LIST. */
struct eg_str_list {
    const struct eg_str *items;
    size_t count;
};

/* One key that can be configured. */
struct eg_setting {
    uint32_t struct_size;
    uint32_t type;   /* EG_SET_* */
    uint32_t flags;  /* EG_SET_REQUIRED */
    uint32_t offset; /* offsetof(the component's struct, field) */
    int64_t min;     /* INT, DURATION (ns), SIZE: inclusive range; both 0 = unbounded */
    int64_t max;
    const char *name;     /* [a-z][a-z0-9_]* for settings; the JSON name for target settings */
    const char *fallback; /* default, spelled as in the configuration; NULL = empty or zero */
    const char *choices;  /* STRING: "a|b|c", else NULL */
    const char *help;     /* one line, printed by --help-plugin */
};

#ifdef __cplusplus
}
#endif
#endif
