/*
 * flow/wait.h - one op of an exchange that may be out. It joins the ledger (plugin/op.h), holds the
 * exchange until the plugin's done, and runs one continuation: at done or at the deadline,
 * whichever is first. What comes after the deadline only lets go of the exchange.
 */
#ifndef GW_FLOW_WAIT_H
#define GW_FLOW_WAIT_H

#include <string.h>

#include "plugin/target.h"

struct eg_exchange;
struct gw_flow;

/* What a provider gets with an invocation, and hands back to call other functions in place of it
 * (function_api.c). */
struct eg_call {
    uint32_t magic;
};

struct gw_wait {
    struct gw_op op;
    struct eg_call call;
    struct gw_node node;          /* in the flow's ring while the op is out */
    struct eg_exchange *exchange; /* counted while the op is out */
    bool is_over;                 /* the continuation ran */
    const char *former_blamed;    /* who ran before the call */
    void (*then)(struct gw_wait *wait, int32_t status, struct eg_result *result);
    void *arg;          /* of the one who waits */
    uint32_t *pending;  /* counts those that are out; NULL = nobody does. One less with its done */
    struct eg_buf held; /* what the op borrows besides the arena; given back with its done */
    void (*gone)(struct gw_wait *wait); /* after its done the wait may be freed; may be NULL */
    uint64_t until_ns; /* of gw_wait_invoke: the deadline is not later; 0 = whatever it is */
};
/* What runs after: status 0 or EG_E_*; result is NULL after a deadline. A body that is wanted is
 * taken by zeroing result->body; all other texts are borrowed during the call. */
typedef void gw_wait_then(struct gw_wait *wait, int32_t status, struct eg_result *result);

/* A wait out of the exchange's arena; one that came back unused is used again. */
struct gw_wait *gw_wait_take(struct eg_exchange *exchange);
/* One that lives elsewhere, of memory that holds anything. The op clears itself when it begins. */
static inline void gw_wait_clear(struct gw_wait *wait, struct eg_exchange *exchange) {
    memset((char *)wait + sizeof wait->op, 0, sizeof *wait - sizeof wait->op);
    wait->exchange = exchange;
}
/* Is the op out? Until its done has come, also when the continuation ran at the deadline. */
static inline bool gw_wait_is_out(const struct gw_wait *wait) {
    return gw_node_linked(&wait->node);
}

/* Before a call that may answer at once (middleware, reacter). What runs until gw_wait_called is on
 * the account of the component. */
void gw_wait_begin(struct gw_wait *wait, struct gw_instance *instance, uint64_t timeout_ns,
                   gw_wait_then *then, void *arg);
/* ... and after it. EG_PENDING: then follows, at the deadline at the latest. All else: nothing
 * follows, the wait is free again. */
void gw_wait_called(struct gw_wait *wait, int32_t verdict);

/* Calls a function; then always follows, never inside. */
void gw_wait_invoke(struct gw_wait *wait, struct gw_target *target,
                    const struct eg_invocation *invocation, uint64_t timeout_ns, gw_wait_then *then,
                    void *arg);

/* For the invocation of gw_wait_invoke: the function may call others in its place. */
const struct eg_call *gw_wait_call(struct gw_wait *wait);
/* The wait behind what a plugin handed in; NULL is NULL. */
struct gw_wait *gw_wait_of_call(const struct eg_call *call);

/* Wishes the end of all ops that are out. */
void gw_wait_cancel_all(struct gw_flow *flow);

#endif
