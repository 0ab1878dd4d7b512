/*
 * plugin/life.h - up and down of a batch of instances: those of the start, those of a reload beside
 * the ones at work, those that a reload has replaced. Any number of batches may be under way at
 * once. Not for other floors.
 *
 *   NEW -> STARTING -> ATTACHING -> SERVING
 *              \-----------\-----> FAILED -> DRAINING -> DETACHING -> ENDED
 *
 * Control thread, but for the visits of the loops. A batch owns itself: it is freed by
 * gw_life_serve, or after on_stopped.
 */
#ifndef GW_PLUGIN_LIFE_H
#define GW_PLUGIN_LIFE_H

#include "io/loop.h"
#include "plugin/instance.h"

enum gw_life_state {
    GW_LIFE_NEW,
    GW_LIFE_STARTING,
    GW_LIFE_ATTACHING,
    GW_LIFE_SERVING,
    GW_LIFE_FAILED,
    GW_LIFE_DRAINING,
    GW_LIFE_DETACHING,
};

struct gw_life {
    struct gw_manager *manager;
    struct gw_node node;      /* in the manager's ring of batches */
    struct gw_node instances; /* of this batch, in order of their coming */
    enum gw_life_state state;
    struct gw_task task; /* of the walk over the loops, and of first steps */
    uint32_t walk_loop;
    bool is_walking;
    void (*walk_visit)(struct gw_life *life, uint32_t loop_index);
    void (*walk_end)(struct gw_life *life);
    /* start */
    struct gw_node *next;       /* the instance to start next */
    struct gw_start_call *call; /* the start that is waited for */
    uint64_t start_timeout_ns;
    int32_t status;
    struct eg_why why;
    void (*on_started)(void *arg, int32_t status, struct eg_str why);
    void *start_arg;
    /* stop */
    bool is_stop_wanted; /* asked for while starting */
    bool is_late;        /* the deadline passed */
    bool is_recheck_wanted;
    uint64_t stop_timeout_ns;
    struct gw_timer timer;
    uint32_t ops_left;
    void (*on_stopped)(void *arg, uint32_t ops_left);
    void *stop_arg;
};

struct gw_life *gw_life_create(struct gw_manager *manager);
/* Moves the instance into the batch, out of whatever ring it was in. Before start or stop. */
void gw_life_take(struct gw_life *life, struct gw_instance *instance);
/* Starts the instances one after the other, each within timeout_ns (0 = no limit), then attaches
 * them to every loop. Answers from the control loop: 0, or the first error with its text; then the
 * batch has to be stopped. */
void gw_life_start(struct gw_life *life, uint64_t timeout_ns,
                   void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg);
/* Nobody waits for the answer of the start any more, and the batch does not wait for a start that
 * has not ended; gw_life_stop has to follow. */
void gw_life_forget(struct gw_life *life);
/* The instances of a batch that has started are at work from now on; frees the batch. */
void gw_life_serve(struct gw_life *life);
/* Drains, waits at most timeout_ns for the ledgers, detaches, destroys, frees the batch; a batch
 * that is starting does that first. Instances with calls left go to manager->left. Answers from the
 * control loop; on_stopped may be NULL. */
void gw_life_stop(struct gw_life *life, uint64_t timeout_ns,
                  void (*on_stopped)(void *arg, uint32_t ops_left), void *arg);

/* A call of the instance ended on this loop: does a drain wait for it? Any loop thread. */
void gw_life_ledger_moved(struct gw_instance *instance);

/* ---- between life_start.c and life_stop.c ---- */
/* Goes over all loops, visiting each on its thread, then ends on the control thread. */
void gw_life_walk(struct gw_life *life, void (*visit)(struct gw_life *life, uint32_t loop_index),
                  void (*end)(struct gw_life *life));
void gw_life_go_down(struct gw_life *life);
/* A start ended after it was given up: if its batch goes down already, the drain is made good, for
 * what has started may have timers. */
void gw_life_drain_late(struct gw_instance *instance);

#endif
