/*
 * plugin/manager_parts.h - the inside of the manager, shared by manager.c, manager_add.c, life_*.c.
 * Not for other floors.
 */
#ifndef GW_PLUGIN_MANAGER_PARTS_H
#define GW_PLUGIN_MANAGER_PARTS_H

#include "plugin/life.h"
#include "plugin/manager.h"

#define GW_KINDS (EG_KIND_REACTER + 1u)

struct gw_chain_of_kind {
    struct gw_instance **items;
    size_t count;
};
struct gw_manager {
    uint32_t magic;
    struct gw_manager_config config; /* loops and clients are copies */
    const struct eg_plugin **plugins;
    size_t plugin_count;
    const struct eg_component **components;
    size_t component_count;
    struct gw_node instances; /* in order of gw_manager_add */
    struct gw_chain_of_kind chains[GW_KINDS];
    struct gw_reaction *reactions;
    size_t reaction_count;
    struct gw_life life;
};

/* Ends an instance that is on no loop: unbinds what is left, destroys, frees. Control thread. */
void gw_instance_end(struct gw_instance *instance);
/* Takes the instances out of the chains; nobody may read these any more. */
void gw_manager_forget_chains(struct gw_manager *manager);
/* In target.c: unbinds all targets of an instance that is about to end. */
void gw_target_unbind_all(struct gw_instance *instance);

#endif
