/*
 * plugin/op.h - the host's side of an op (eventgw/op.h): ledger, deadline, delivery on the right
 * loop.
 *
 * The op is embedded in whatever asks (an exchange, a delivery, a catalog call); its owner keeps
 * it, and everything the call borrows, until on_done ran. All on the op's loop, only pub.done may
 * come from any thread.
 *
 *   gw_op_begin(&x->op, instance, loop, deadline_ns, on_done, on_deadline);
 *   rc = ops->invoke(..., &x->op.pub);
 *   if (rc < 0) gw_op_refused(&x->op);     // no on_done follows
 */
#ifndef GW_PLUGIN_OP_H
#define GW_PLUGIN_OP_H

#include "io/loop.h"
#include "plugin/instance.h"

struct gw_target;

struct gw_op {
    struct eg_op pub;
    uint32_t magic;
    uint32_t state;               /* atomic */
    struct gw_instance *instance; /* borrow; counted on its ledger */
    struct eg_loop *loop;
    struct gw_task task;
    struct gw_timer timer;
    bool is_canceled; /* the plugin was told */
    bool is_overdue;  /* the deadline came before done */
    bool is_life;     /* start of a component: its kind has no cancel for it, and it is no call */
    uint64_t begun_ns;
    int32_t status;
    struct eg_result result; /* owned: texts and items copied, body taken */
    void *copies;            /* holds the copied texts and items */
    /* Exactly once, on the loop, never inside done. result is valid during the call; a body that is
     * wanted is taken by zeroing result->body, else it is released. */
    void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result);
    /* Optional: the deadline passed; cancel was sent to the plugin already. on_done still comes. */
    void (*on_deadline)(struct gw_op *op);
    /* Of gw_target_invoke: what is counted and logged before the caller's on_done. */
    struct gw_target *target;
    const struct eg_invocation *invocation;
    void (*relay)(struct gw_op *op, int32_t status, struct eg_result *result);
};

/* deadline_ns is absolute on gw_monotonic_ns; 0 = none. The op may be uninitialised memory. */
void gw_op_begin(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                 uint64_t deadline_ns,
                 void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                 void (*on_deadline)(struct gw_op *op));
/* The same with a clock that was read already. */
void gw_op_begin_at(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                    uint64_t now_ns, uint64_t deadline_ns,
                    void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                    void (*on_deadline)(struct gw_op *op));
/* The same for the start of a component. */
void gw_op_begin_life(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                      uint64_t deadline_ns,
                      void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                      void (*on_deadline)(struct gw_op *op));
/* The plugin refused the call (negative return): nothing follows. */
void gw_op_refused(struct gw_op *op);

/* The same for calls that mostly answer at once (verdicts), without a clock read or a timer of
 * their own: the caller says when the call begins and when it has come back. */
void gw_op_begin_verdict(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                         uint64_t now_ns, uint64_t deadline_ns,
                         void (*on_done)(struct gw_op *op, int32_t status,
                                         struct eg_result *result),
                         void (*on_deadline)(struct gw_op *op));
/* EG_PENDING: on_done follows, and the deadline counts from now on. All else: nothing follows. */
void gw_op_verdict(struct gw_op *op, int32_t verdict, uint64_t now_ns);

/* The plugin refused the call, and the caller wants to hear it like any other end: on_done follows
 * with the status, later, never inside this call. */
void gw_op_refused_later(struct gw_op *op, int32_t status);
/* An error that the op does not show: a verdict that cannot be. On the loop of the index. */
void gw_op_count_error(struct gw_instance *instance, uint32_t loop_index);
/* Is its end still to come, and somebody waiting for it? */
bool gw_op_is_wanted(const struct gw_op *op);
/* The answer is not wanted any more: sends the plugin's cancel once. on_done still comes. */
void gw_op_cancel(struct gw_op *op);

#endif
