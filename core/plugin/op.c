/*
 * plugin/op.c - the seven rules of an op. One atomic word decides who ends it: a plugin may call
 * done from any thread, and only the first may win; a second one is a fault that would corrupt
 * memory sooner or later, so it ends the process with the plugin's name.
 *
 * done copies what the plugin lends (texts, items) and takes what it gives (the body), then sends
 * the op to its loop: without any lock when it is on that loop already, through the inbox else.
 */
#include "plugin/op.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "plugin/check_settings.h"
#include "plugin/host.h"

#define OP_MAGIC 0x45474f50u /* "EGOP" */

enum op_state { OP_IDLE, OP_RUNNING, OP_DONE };

static _Noreturn void abort_for(const struct gw_op *op, const char *what) {
    gw_logf(EG_LOG_ERROR, "component '%s' %s: the gateway cannot go on", op->instance->name, what);
    abort();
}

/* ---- the result ---- */

static char *copy_text(char *at, struct eg_str *text) {
    if (text->len > 0) {
        memcpy(at, text->ptr, text->len);
    }
    text->ptr = at;
    return at + text->len;
}

static size_t items_bytes(const struct eg_result *result) {
    size_t bytes =
        gw_size_mul(result->item_count, sizeof(struct eg_item) + sizeof(const struct eg_item *));
    for (size_t i = 0; i < result->item_count; i++) {
        bytes = gw_size_add(bytes, result->items[i]->key.len);
        bytes = gw_size_add(bytes, result->items[i]->value.len);
    }
    return bytes;
}

/* One piece of memory: items, pointers to them, then all texts. */
static void copy_borrowed(struct gw_op *op) {
    struct eg_result *result = &op->result;
    size_t bytes = gw_size_add(result->message.len, result->client_text.len);
    bytes = gw_size_add(bytes, items_bytes(result));
    if (bytes == 0) {
        return;
    }
    const size_t count = result->item_count;
    struct eg_item *items = gw_alloc(bytes);
    const struct eg_item **pointers = (const struct eg_item **)(void *)(items + count);
    char *at = (char *)(pointers + count);
    op->copies = items;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct eg_item){.struct_size = sizeof items[i],
                                    .revision = result->items[i]->revision,
                                    .key = result->items[i]->key,
                                    .value = result->items[i]->value};
        at = copy_text(at, &items[i].key);
        at = copy_text(at, &items[i].value);
        pointers[i] = &items[i];
    }
    result->items = count == 0 ? NULL : (const struct eg_item *const *)pointers;
    at = copy_text(at, &result->message);
    (void)copy_text(at, &result->client_text);
}

static void take_result(struct gw_op *op, int32_t status, const struct eg_result *result) {
    op->status = status > 0 ? EG_E_PROTO : status;
    if (result != NULL && result->struct_size < GW_BASELINE(eg_result, item_count)) {
        abort_for(op, "ended an op with a result whose struct_size is too small");
    }
    if (result != NULL) {
        memcpy(&op->result, result,
               result->struct_size < sizeof op->result ? result->struct_size : sizeof op->result);
        copy_borrowed(op);
    }
    op->result.struct_size = sizeof op->result;
}

/* ---- the end ---- */

void gw_op_count_error(struct gw_instance *instance, uint32_t loop_index) {
    gw_ledger_add(&instance->ledger[loop_index].errors, 1);
}

static struct gw_ledger *ledger_of(const struct gw_op *op) {
    return &op->instance->ledger[gw_loop_index(op->loop)];
}

/* Takes the op off the ledger. An overdue one was counted as an error at its deadline. */
static void leave(struct gw_op *op, int32_t status, uint64_t now_ns) {
    struct gw_ledger *ledger = ledger_of(op);
    __atomic_store_n(&op->state, OP_IDLE, __ATOMIC_RELEASE);
    if (!op->is_life) {
        gw_ledger_add(&ledger->time_ns, now_ns - op->begun_ns);
        if (status < 0 && !op->is_overdue) {
            gw_ledger_add(&ledger->errors, 1);
        }
    }
    gw_ledger_leave(op->instance, gw_loop_index(op->loop));
}

static void deliver(struct gw_task *task) {
    struct gw_op *op = GW_CONTAINER(task, struct gw_op, task);
    /* Taken off the op: on_done may free it or begin it anew. */
    struct eg_result result = op->result;
    void *copies = op->copies;
    op->copies = NULL;
    gw_timer_stop(op->loop, &op->timer);
    leave(op, op->status, gw_monotonic_ns());
    op->on_done(op, op->status, &result);
    gw_buf_release(&result.body);
    gw_free(copies);
}

static void end(struct gw_op *op, int32_t status, const struct eg_result *result) {
    if (__atomic_exchange_n(&op->state, OP_DONE, __ATOMIC_ACQ_REL) != OP_RUNNING) {
        abort_for(op, "ended an op twice (or one that it had refused)");
    }
    take_result(op, status, result);
    op->task.fn = deliver;
    if (gw_loop_current() == op->loop) {
        gw_loop_defer(op->loop, &op->task);
    } else {
        gw_loop_post(op->loop, &op->task);
    }
}

static void on_pub_done(struct eg_op *pub, int32_t status, const struct eg_result *result) {
    struct gw_op *op = GW_CONTAINER(pub, struct gw_op, pub);
    GW_MAGIC_CHECK(op, OP_MAGIC);
    end(op, status, result);
}

/* ---- cancel and deadline ---- */

static void send_cancel(struct gw_op *op) {
    const struct gw_instance *instance = op->instance;
    void *slot = gw_instance_slot(instance, gw_loop_index(op->loop));
    void (*cancel)(void *, void *, struct eg_op *) = NULL;
    switch (op->is_life ? 0 : instance->component->kind) {
    case EG_KIND_PROVIDER:
        cancel = ((const struct eg_provider_ops *)instance->component->ops)->cancel;
        break;
    case EG_KIND_MIDDLEWARE:
        cancel = ((const struct eg_middleware_ops *)instance->component->ops)->cancel;
        break;
    case EG_KIND_REACTER:
        cancel = ((const struct eg_reacter_ops *)instance->component->ops)->cancel;
        break;
    default: /* life and storage calls end by themselves */
        break;
    }
    op->is_canceled = true;
    if (cancel != NULL) {
        const char *former = gw_loop_blame(op->loop, instance->name);
        cancel(instance->self, slot, &op->pub);
        (void)gw_loop_blame(op->loop, former);
    }
}

bool gw_op_is_wanted(const struct gw_op *op) {
    GW_MAGIC_CHECK(op, OP_MAGIC);
    return !op->is_canceled && __atomic_load_n(&op->state, __ATOMIC_ACQUIRE) == OP_RUNNING;
}

void gw_op_cancel(struct gw_op *op) {
    if (gw_op_is_wanted(op)) {
        send_cancel(op);
    }
}

static void on_timer(struct gw_timer *timer) {
    struct gw_op *op = GW_CONTAINER(timer, struct gw_op, timer);
    if (__atomic_load_n(&op->state, __ATOMIC_ACQUIRE) != OP_RUNNING) {
        return; /* done is on its way */
    }
    op->is_overdue = true;
    if (!op->is_life) {
        gw_ledger_add(&ledger_of(op)->errors, 1);
    }
    gw_op_cancel(op);
    if (op->on_deadline != NULL) {
        op->on_deadline(op);
    }
}

/* ---- the beginning ---- */

static void begin(struct gw_op *op) {
    op->pub.struct_size = sizeof op->pub;
    op->pub.done = on_pub_done;
    op->magic = OP_MAGIC;
    op->state = OP_RUNNING;
    if (!op->is_life) {
        gw_ledger_add(&ledger_of(op)->calls, 1);
    }
    gw_ledger_enter(op->instance, gw_loop_index(op->loop));
}

static void arm(struct gw_op *op) {
    if (op->pub.deadline_ns != 0) {
        gw_timer_start_at(op->loop, &op->timer, op->pub.deadline_ns, on_timer);
    }
}

void gw_op_begin_verdict(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                         uint64_t now_ns, uint64_t deadline_ns,
                         void (*on_done)(struct gw_op *op, int32_t status,
                                         struct eg_result *result),
                         void (*on_deadline)(struct gw_op *op)) {
    *op = (struct gw_op){.pub.deadline_ns = deadline_ns,
                         .instance = instance,
                         .loop = loop,
                         .begun_ns = now_ns,
                         .on_done = on_done,
                         .on_deadline = on_deadline};
    begin(op);
}

void gw_op_begin(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                 uint64_t deadline_ns,
                 void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                 void (*on_deadline)(struct gw_op *op)) {
    gw_op_begin_at(op, instance, loop, gw_monotonic_ns(), deadline_ns, on_done, on_deadline);
}

void gw_op_begin_at(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                    uint64_t now_ns, uint64_t deadline_ns,
                    void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                    void (*on_deadline)(struct gw_op *op)) {
    gw_op_begin_verdict(op, instance, loop, now_ns, deadline_ns, on_done, on_deadline);
    arm(op);
}

void gw_op_begin_life(struct gw_op *op, struct gw_instance *instance, struct eg_loop *loop,
                      uint64_t deadline_ns,
                      void (*on_done)(struct gw_op *op, int32_t status, struct eg_result *result),
                      void (*on_deadline)(struct gw_op *op)) {
    *op = (struct gw_op){.pub.deadline_ns = deadline_ns,
                         .instance = instance,
                         .loop = loop,
                         .is_life = true,
                         .on_done = on_done,
                         .on_deadline = on_deadline};
    begin(op);
    arm(op);
}

static void leave_at_once(struct gw_op *op, int32_t status, uint64_t now_ns) {
    if (__atomic_load_n(&op->state, __ATOMIC_ACQUIRE) != OP_RUNNING) {
        abort_for(op, "ended an op and also answered its call at once");
    }
    leave(op, status, now_ns);
}

void gw_op_verdict(struct gw_op *op, int32_t verdict, uint64_t now_ns) {
    GW_MAGIC_CHECK(op, OP_MAGIC);
    if (verdict != EG_PENDING) {
        leave_at_once(op, verdict, now_ns);
    } else if (__atomic_load_n(&op->state, __ATOMIC_ACQUIRE) == OP_RUNNING) {
        arm(op);
    }
}

void gw_op_refused(struct gw_op *op) {
    GW_MAGIC_CHECK(op, OP_MAGIC);
    gw_timer_stop(op->loop, &op->timer);
    leave_at_once(op, EG_E_INTERNAL, gw_monotonic_ns());
}

void gw_op_refused_later(struct gw_op *op, int32_t status) {
    GW_MAGIC_CHECK(op, OP_MAGIC);
    end(op, status, NULL);
}
