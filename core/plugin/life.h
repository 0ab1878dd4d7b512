/*
 * plugin/life.h - the state machine behind gw_manager_start and gw_manager_stop. Not for other
 * floors.
 *
 *   IDLE -> STARTING -> ATTACHING -> SERVING -> DRAINING -> DETACHING -> ENDED
 *                \-----------\-----> FAILED ------^
 */
#ifndef GW_PLUGIN_LIFE_H
#define GW_PLUGIN_LIFE_H

#include "io/loop.h"
#include "plugin/instance.h"

enum gw_life_state {
    GW_LIFE_IDLE,
    GW_LIFE_STARTING,
    GW_LIFE_ATTACHING,
    GW_LIFE_SERVING,
    GW_LIFE_FAILED,
    GW_LIFE_DRAINING,
    GW_LIFE_DETACHING,
    GW_LIFE_ENDED,
};

struct gw_life {
    enum gw_life_state state;
    struct gw_task task; /* of the walk over the loops, and of first steps */
    uint32_t walk_loop;
    bool is_walking;
    void (*walk_visit)(struct gw_manager *manager, uint32_t loop_index);
    void (*walk_end)(struct gw_manager *manager);
    /* start */
    struct gw_node *next; /* the instance to start next */
    uint64_t start_timeout_ns;
    int32_t status;
    struct eg_why why;
    void (*on_started)(void *arg, int32_t status, struct eg_str why);
    void *start_arg;
    /* stop */
    bool is_stop_wanted; /* asked for while starting */
    bool is_late;        /* the deadline passed */
    bool is_recheck_wanted;
    uint32_t is_draining; /* atomic: loops tell when their ledgers move */
    uint64_t stop_timeout_ns;
    struct gw_timer timer;
    uint32_t ops_left;
    void (*on_stopped)(void *arg, uint32_t ops_left);
    void *stop_arg;
};

/* A call of the instance ended on this loop: does the drain wait for it? Any loop thread. */
void gw_life_ledger_moved(struct gw_manager *manager);
/* Goes over all loops, visiting each on its thread, then ends on the control thread. */
void gw_life_walk(struct gw_manager *manager,
                  void (*visit)(struct gw_manager *manager, uint32_t loop_index),
                  void (*end)(struct gw_manager *manager));
/* The first steps of gw_manager_stop; control thread. */
void gw_life_stop(struct gw_manager *manager);

#endif
