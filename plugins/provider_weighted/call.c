/*
 * call.c - one of the functions is chosen, called by the gateway in place of the weighted one, and
 * its result handed on as it is. Loop thread. The slot has the calls in flight, and the numbers.
 */
#include <eventgw-sdk/egx_calls.h>
#include <sys/random.h>

#include "provider_weighted.h"
#include "sticky.h"

struct call {
    struct egx_call head;
    struct eg_function_call *handle;
};

struct slot {
    struct egx_calls calls;
    struct dice dice;
};

int32_t weighted_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct weighted_instance *i = instance;
    struct dice dice;
    if (getrandom(&dice, sizeof dice, 0) != (ssize_t)sizeof dice) {
        return EG_E_IO;
    }
    struct slot *slot = i->host->mem->alloc(i->host, sizeof *slot);
    egx_calls_init(&slot->calls, i->host, instance, loop, sizeof(struct call));
    slot->dice = dice;
    *ret_slot = slot;
    return EG_OK;
}

/* Nothing is in flight any more. */
void weighted_detach(void *instance, void *slot) {
    const struct weighted_instance *i = instance;
    struct slot *s = slot;
    if (s != NULL) {
        egx_calls_clear(&s->calls);
        i->host->mem->free(i->host, s);
    }
}

/* ---- the choice ---- */

/* The name is in the hash, so that whoever is in the small half of one experiment need not be in
 * that of the next. What an authorizer is sent is no event, and has nothing to go by. */
static uint64_t number_of(struct slot *slot, const struct weighted_target *target,
                          const struct eg_invocation *invocation) {
    uint64_t hash = PICK_HASH_BEGIN;
    if (target->sticky_by.len > 0 && invocation->event != NULL) {
        const struct eg_str event = slot->calls.host->event->json(invocation->event, EG_CE_1_0);
        for (size_t i = 0; i < invocation->function_id.len; i++) {
            hash = pick_hash_byte(hash, (unsigned char)invocation->function_id.ptr[i]);
        }
        hash = pick_hash_byte(hash, 0);
        if (sticky_hash(event, target->sticky_by, &hash)) {
            return pick_below(pick_hash_end(hash), target->total);
        }
    }
    return dice_below(&slot->dice, target->total);
}

/* ---- the call ---- */

static void on_done(void *arg, int32_t status, const struct eg_result *result) {
    struct call *call = arg;
    struct eg_op *op = call->head.op;
    egx_call_put(call);
    op->done(op, status, result);
}

static void log_missing(const struct eg_host *host, const struct eg_invocation *invocation,
                        struct eg_str function_id) {
    const struct eg_kv fields[] = {
        {EGX_STR("request_id"), invocation->request_id},
        {EGX_STR("space"), invocation->space},
        {EGX_STR("functionId"), invocation->function_id},
        {EGX_STR("chosen"), function_id},
    };
    host->log->write(host, EG_LOG_ERROR, EGX_STR("the function that was chosen cannot be called"),
                     fields, EGX_COUNT(fields));
}

/* The gateway does not make this call. */
static void end_refused(struct eg_op *op, int32_t status) {
    static const struct {
        int32_t status;
        uint32_t call_class;
        const char *message;
    } rows[] = {
        {EG_E_NOTFOUND, EG_CALL_PERMANENT, "unable to look up registered function"},
        {EG_E_UNAVAILABLE, EG_CALL_PERMANENT, "the function's provider is not available"},
        {EG_E_UNSUPPORTED, EG_CALL_PERMANENT,
         "a weighted function cannot choose another weighted function"},
        {EG_E_CANCELED, EG_CALL_TRANSIENT, "canceled"},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        if (rows[i].status == status) {
            egx_done_call_failed(op, status, rows[i].call_class, "%s", rows[i].message);
            return;
        }
    }
    egx_done_call_failed(op, status, EG_CALL_PERMANENT, "%s", egx_error_text(status));
}

int32_t weighted_invoke(void *instance, void *slot, void *target,
                        const struct eg_invocation *invocation, struct eg_op *op) {
    const struct weighted_instance *i = instance;
    const struct weighted_target *t = target;
    struct slot *s = slot;
    const struct choice *choice = pick_choice(t->choices, t->count, number_of(s, t, invocation));
    struct call *call = egx_call_take(&s->calls, op);
    const int32_t rc = i->host->function->call(i->host, invocation->call, choice->function_id, 0,
                                               on_done, call, &call->handle);
    if (rc < 0) {
        egx_call_put(call);
        log_missing(i->host, invocation, choice->function_id);
        end_refused(op, rc);
    }
    return EG_OK;
}

void weighted_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct weighted_instance *i = instance;
    const struct slot *s = slot;
    const struct call *call = egx_call_find(&s->calls, op);
    if (call != NULL) {
        i->host->function->cancel(i->host, call->handle);
    }
}
