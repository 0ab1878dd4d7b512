/*
 * plugin/instance.h - one configured component at work: its settings, its host table, its slot on
 * every loop, its ledger. Made and ended by the manager; others borrow it while the manager lives.
 */
#ifndef GW_PLUGIN_INSTANCE_H
#define GW_PLUGIN_INSTANCE_H

#include <stdbool.h>

#include <eventgw/plugin.h>

#include "base/arena.h"
#include "base/list.h"

struct gw_manager;

struct gw_instance {
    uint32_t magic;
    const struct eg_plugin *plugin;
    const struct eg_component *component;
    const char *name;                /* of the component */
    struct eg_host host;             /* host.self points back here */
    struct gw_manager *manager;
    struct gw_arena arena;           /* settings */
    void *settings;
    void *self;                      /* what create gave */
    void **slots;                    /* by loop index */
    uint32_t *in_flight;             /* ops not done yet, by loop index; written by that loop only */
    struct gw_node node;
};

static inline void *gw_instance_slot(const struct gw_instance *instance, uint32_t loop_index) {
    return instance->slots == NULL ? NULL : instance->slots[loop_index];
}

#endif
