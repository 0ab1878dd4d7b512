/*
 * plugin/manager_parts.h - the inside of the manager, shared by manager.c, manager_add.c, life_*.c.
 * Not for other floors.
 */
#ifndef GW_PLUGIN_MANAGER_PARTS_H
#define GW_PLUGIN_MANAGER_PARTS_H

#include "plugin/chains.h"
#include "plugin/life.h"
#include "plugin/manager.h"

/* What all instances of a component have done since the start. */
struct gw_component_totals {
    bool was_used;
    struct gw_stats past; /* of those that have ended */
    struct gw_stats now;  /* as last asked for */
};

/* A plugin and where it came from. */
struct gw_loaded {
    const struct eg_plugin *plugin;
    const char *file; /* NULL: linked in */
};
struct gw_manager {
    uint32_t magic;
    struct gw_manager_config config; /* loops and clients are copies */
    struct gw_loaded *plugins;
    size_t plugin_count;
    const struct eg_component **components;
    size_t component_count;
    struct gw_component_totals *totals; /* by component */
    struct gw_node instances;           /* at work, in order of their coming */
    struct gw_node left;                /* given up: calls of them never ended */
    struct gw_node lives;               /* batches under way */
    struct gw_life *first;              /* until it serves: that of gw_manager_add */
    struct gw_chains *chains;           /* the present set; NULL after the end */
    uint64_t stop_timeout_ns;
    uint32_t ops_left;
    bool is_stopping;
    bool is_ended;
    void (*on_started)(void *arg, int32_t status, struct eg_str why);
    void *start_arg;
    void (*on_stopped)(void *arg, uint32_t ops_left);
    void *stop_arg;
};

/* An instance with its settings read and created; in no ring and no chain yet. */
int32_t gw_instance_make(struct gw_manager *manager, const struct eg_component *component,
                         const struct gw_setting_input *inputs, size_t input_count,
                         struct gw_instance **ret_instance, struct eg_why *ret_why);
/* Ends an instance that is on no loop: unbinds what is left, destroys, frees. Control thread. */
void gw_instance_end(struct gw_instance *instance);
/* Takes down all instances at work that no chain set refers to. */
void gw_manager_retire(struct gw_manager *manager);
/* Takes down a batch that did not come to serve. */
void gw_manager_give_up(struct gw_manager *manager, struct gw_life *life, uint64_t timeout_ns);
/* What an instance that ends has done stays in the totals of its component. */
void gw_totals_keep(const struct gw_instance *instance);
/* In target.c: unbinds all targets of an instance that is about to end. */
void gw_target_unbind_all(struct gw_instance *instance);

#endif
