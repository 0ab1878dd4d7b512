/*
 * drivers.h - what the contract kit has to know of a storage plugin: which component of which file,
 * how to bring its server up (if it has one), and the settings that lead to it. A new backend is
 * one row in drivers.c.
 */
#ifndef CONTRACT_STORAGE_DRIVERS_H
#define CONTRACT_STORAGE_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/settings.h"

#define DRIVER_MAX_SETTINGS 8u

struct storage_driver {
    const char *component; /* also the name of the driver */
    const char *plugin;    /* file in the plugin directory */
    /* Starts a server of its own on an empty directory; 0 or -1. NULL: there is no server. */
    int (*start)(const char *directory);
    void (*stop)(void);
    /* The settings as JSON texts; text is memory for them. Returns how many. */
    size_t (*settings)(const char *directory, bool has_short_history,
                       struct gw_setting_input out[DRIVER_MAX_SETTINGS], char *text, size_t size);
    bool has_short_history; /* can be told to forget old changes soon */
    bool is_shared;         /* two gateways may use one store */
};

const struct storage_driver *driver_find(const char *name); /* or NULL */

#endif
