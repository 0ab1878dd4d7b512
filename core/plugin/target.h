/*
 * plugin/target.h - a function bound to its provider. Made on the control thread, invoked on any
 * loop, shared by snapshots through an atomic count; the last unref posts unbind to the control
 * thread.
 */
#ifndef GW_PLUGIN_TARGET_H
#define GW_PLUGIN_TARGET_H

#include "plugin/manager.h"
#include "plugin/op.h"

struct gw_target {
    uint32_t magic;
    struct gw_instance *instance;
    void *self; /* what bind gave */
    struct eg_target_traits traits;
    struct gw_arena arena;   /* settings of the function */
    uint32_t refs;           /* atomic */
    struct eg_loop *control; /* where it ends; NULL = at once, there are no loops */
    struct gw_node node;     /* in the instance's ring; control thread */
    /* eventgateway_provider_calls_total{provider,class}, by EG_CALL_*; shared per provider */
    struct eg_metric *const *calls;
};

/* To the present provider of the type; type unknown: EG_E_NOTFOUND `provider <type> not supported`;
 * bad configuration: the provider's own text. ret_normal (may be NULL): the normalised text, in the
 * target's arena. take. */
int32_t gw_target_bind(struct gw_manager *manager, struct eg_str type, struct eg_str provider_json,
                       struct gw_target **ret_target, struct eg_str *ret_normal,
                       struct eg_why *ret_why);
/* To this instance of a provider, which has to outlive the target or be at work. */
int32_t gw_target_bind_to(struct gw_instance *instance, struct eg_str provider_json,
                          struct gw_target **ret_target, struct eg_str *ret_normal,
                          struct eg_why *ret_why);
struct gw_target *gw_target_ref(struct gw_target *target);
void gw_target_unref(struct gw_target *target); /* any thread; NULL is fine */

/* Calls the function on the calling loop. The op, the invocation and all it points to stay with the
 * caller until on_done, which always comes: a refused call is delivered as a failed op (later,
 * never inside this call). Counts and logs the class. timeout_ns: the gateway's, used when the
 * target has none. until_ns: the deadline is not later than this (absolute); 0 = whatever it is. */
void gw_target_invoke(struct gw_target *target, const struct eg_invocation *invocation,
                      uint64_t timeout_ns, uint64_t until_ns, struct gw_op *op,
                      void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                      void (*on_deadline)(struct gw_op *op));

/* Config API: masked form of a stored provider text, and the reverse for a PUT (Q20). Unknown types
 * mask nothing they know, so every value is written as "*****". */
void gw_provider_mask(struct gw_manager *manager, struct eg_str type, struct eg_str provider_json,
                      struct gw_bytes *out);
struct eg_str gw_provider_unmask(struct gw_manager *manager, struct eg_str type,
                                 struct eg_str new_json, struct eg_str stored_json,
                                 struct gw_arena *arena);

#endif
