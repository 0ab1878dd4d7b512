/*
 * plugin/change.h - from one chain set to the next while serving. Instances that stay are named
 * with gw_change_keep, new ones are made with gw_change_add, both in the order of the new chains;
 * then the new ones go up as one batch beside those at work, and only when all of them are up the
 * new set becomes the present one. Until then nothing has changed for anybody, and giving up takes
 * down what was made.
 *
 * Control thread. One change at a time.
 */
#ifndef GW_PLUGIN_CHANGE_H
#define GW_PLUGIN_CHANGE_H

#include "plugin/manager.h"

struct gw_change;

/* After the manager has started. */
struct gw_change *gw_change_begin(struct gw_manager *manager);
void gw_change_keep(struct gw_change *change, struct gw_instance *instance);
int32_t gw_change_add(struct gw_change *change, const struct eg_component *component,
                      const struct gw_setting_input *inputs, size_t input_count,
                      struct gw_instance **ret_instance, struct eg_why *ret_why);
/* The set in the making, to be asked before it counts; borrowed. */
struct gw_chains *gw_change_chains(const struct gw_change *change);
/* Starts and attaches what was added, each within timeout_ns. Answers from the control loop, never
 * inside the call; after an error the change can only be given up. */
void gw_change_start(struct gw_change *change, uint64_t timeout_ns,
                     void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg);
/* The new set is the present one; whoever builds a snapshot now gets it. Instances that only the
 * former had go down when nobody holds it any more: within stop_timeout_ns of then, and after
 * late_ns without that the log names them. Frees the change. */
void gw_change_commit(struct gw_change *change, uint64_t stop_timeout_ns, uint64_t late_ns);
/* Takes down what was added, within stop_timeout_ns, by itself; while it starts too, and then there
 * is no answer. Frees the change. */
void gw_change_abort(struct gw_change *change, uint64_t stop_timeout_ns);

#endif
