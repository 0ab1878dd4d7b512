/*
 * flow/wait.c - see wait.h. Loop thread. The wait's memory is the exchange's, which the wait itself
 * holds while the op is out.
 */
#include "flow/wait.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "flow/exchange.h"

#define CALL_MAGIC 0x47574341u /* "GWCA" */

struct gw_wait *gw_wait_take(struct eg_exchange *exchange) {
    struct gw_wait *wait = exchange->spare_wait;
    exchange->spare_wait = NULL;
    if (wait == NULL) {
        wait = gw_arena_zalloc(exchange->arena, sizeof *wait);
        wait->exchange = exchange;
    }
    return wait;
}

static void on_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    struct gw_wait *wait = GW_CONTAINER(op, struct gw_wait, op);
    struct eg_exchange *exchange = wait->exchange;
    if (!wait->is_over) {
        wait->is_over = true;
        wait->then(wait, status, result);
    }
    if (wait->pending != NULL) {
        (*wait->pending)--;
    }
    gw_buf_release(&wait->held);
    gw_list_remove(&wait->node);
    if (wait->gone != NULL) {
        wait->gone(wait);
    }
    gw_exchange_unref(exchange);
}

static void on_deadline(struct gw_op *op) {
    struct gw_wait *wait = GW_CONTAINER(op, struct gw_wait, op);
    if (wait->is_over) {
        return;
    }
    wait->is_over = true;
    wait->then(wait, EG_E_TIMEOUT, NULL);
}

static void join(struct gw_wait *wait, gw_wait_then *then, void *arg) {
    wait->then = then;
    wait->arg = arg;
    wait->is_over = false;
    gw_list_push(&wait->exchange->flow->waits, &wait->node);
    gw_exchange_ref(wait->exchange);
}

/* The loop reads the clock to know whose time this is: once before the call, once after it. */
void gw_wait_begin(struct gw_wait *wait, struct gw_instance *instance, uint64_t timeout_ns,
                   gw_wait_then *then, void *arg) {
    struct eg_loop *loop = wait->exchange->flow->loop;
    wait->former_blamed = gw_loop_blame(loop, instance->name);
    const uint64_t now_ns = gw_loop_blamed_since(loop);
    join(wait, then, arg);
    gw_op_begin_verdict(&wait->op, instance, loop, now_ns,
                        timeout_ns == 0 ? 0 : now_ns + timeout_ns, on_done, on_deadline);
}

void gw_wait_called(struct gw_wait *wait, int32_t verdict) {
    struct eg_exchange *exchange = wait->exchange;
    struct eg_loop *loop = exchange->flow->loop;
    (void)gw_loop_blame(loop, wait->former_blamed);
    gw_op_verdict(&wait->op, verdict, gw_loop_blamed_since(loop));
    if (verdict != EG_PENDING) {
        gw_list_remove(&wait->node);
        exchange->spare_wait = wait;
        gw_exchange_unref(exchange); /* the caller holds it too, so this is never the last */
    }
}

void gw_wait_invoke(struct gw_wait *wait, struct gw_target *target,
                    const struct eg_invocation *invocation, uint64_t timeout_ns, gw_wait_then *then,
                    void *arg) {
    join(wait, then, arg);
    gw_target_invoke(target, invocation, timeout_ns, wait->until_ns, &wait->op, on_done,
                     on_deadline);
}

const struct eg_call *gw_wait_call(struct gw_wait *wait) {
    wait->call.magic = CALL_MAGIC;
    return &wait->call;
}

/* Only what is known of the call is read through it, so const is kept in meaning. */
struct gw_wait *gw_wait_of_call(const struct eg_call *call) {
    if (call == NULL) {
        return NULL;
    }
    GW_MAGIC_CHECK(call, CALL_MAGIC);
    return GW_CONTAINER((struct eg_call *)(uintptr_t)call, struct gw_wait, call);
}

void gw_wait_cancel_all(struct gw_flow *flow) {
    for (struct gw_node *n = flow->waits.next; n != &flow->waits; n = n->next) {
        gw_op_cancel(&GW_CONTAINER(n, struct gw_wait, node)->op);
    }
}
