/*
 * plugin/check_settings.h - the loader's checks of settings tables, and the words they share with
 * check.c. Not for other floors.
 */
#ifndef GW_PLUGIN_CHECK_SETTINGS_H
#define GW_PLUGIN_CHECK_SETTINGS_H

#include "plugin/settings.h"

/* Size of a struct up to the last field it had in ABI 0.1. */
#define GW_BASELINE(type, last)                                                                    \
    (offsetof(struct type, last) + sizeof(((const struct type *)NULL)->last))

/* Where the checks are; component is NULL until its name is known to be one. */
struct gw_check_place {
    const char *label;
    const char *component;
    struct eg_why *ret_why;
};
int32_t gw_check_refuse(const struct gw_check_place *place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* is_target: names are those of JSON members. */
int32_t gw_check_settings(const struct gw_settings_table *table, bool is_target,
                          const struct gw_check_place *place);

#endif
