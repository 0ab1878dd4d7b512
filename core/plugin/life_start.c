/*
 * plugin/life_start.c - up: start of every instance one after the other on the control loop, each
 * with its own deadline, then attach of all of them on every loop. The first failure ends it and is
 * told with the component's name.
 *
 * An op that passed its deadline keeps its own memory: the plugin may still end it long after the
 * start was given up.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "plugin/check_settings.h"
#include "plugin/host.h"
#include "plugin/manager_parts.h"
#include "plugin/op.h"

struct start_call {
    struct gw_op op;
    struct gw_manager *manager;
    bool is_late;
};

static void start_next(struct gw_manager *manager);

/* ---- the walk over the loops ---- */

static void on_control(struct gw_task *task) {
    struct gw_manager *manager = GW_CONTAINER(task, struct gw_manager, life.task);
    manager->life.is_walking = false;
    manager->life.walk_end(manager);
}

static void on_loop(struct gw_task *task);

static void walk_on(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    const bool is_over = life->walk_loop == manager->config.loop_count;
    life->task.fn = is_over ? on_control : on_loop;
    gw_loop_post(is_over ? manager->config.control : manager->config.loops[life->walk_loop],
                 &life->task);
}

static void on_loop(struct gw_task *task) {
    struct gw_manager *manager = GW_CONTAINER(task, struct gw_manager, life.task);
    manager->life.walk_visit(manager, manager->life.walk_loop);
    manager->life.walk_loop++;
    walk_on(manager);
}

void gw_life_walk(struct gw_manager *manager,
                  void (*visit)(struct gw_manager *manager, uint32_t loop_index),
                  void (*end)(struct gw_manager *manager)) {
    struct gw_life *life = &manager->life;
    GW_ASSERT(!life->is_walking);
    life->is_walking = true;
    life->walk_loop = 0;
    life->walk_visit = visit;
    life->walk_end = end;
    walk_on(manager);
}

/* ---- the end of the start ---- */

static void finish(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    life->state = life->status < 0 ? GW_LIFE_FAILED : GW_LIFE_SERVING;
    life->on_started(life->start_arg, life->status, gw_why_str(&life->why));
    if (life->is_stop_wanted) {
        life->is_stop_wanted = false;
        gw_life_stop(manager);
    }
}

/* ---- attach, on each loop ---- */

static void attach_visit(struct gw_manager *manager, uint32_t loop_index) {
    struct gw_life *life = &manager->life;
    struct eg_loop *loop = manager->config.loops[loop_index];
    for (struct gw_node *n = manager->instances.next; n != &manager->instances; n = n->next) {
        struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
        const struct eg_life_ops *ops = instance->component->life;
        if (life->status < 0) {
            return;
        }
        if (ops->attach == NULL) {
            continue;
        }
        const char *former = gw_loop_blame(loop, instance->name);
        const int32_t rc = ops->attach(instance->self, loop, &instance->slots[loop_index]);
        (void)gw_loop_blame(loop, former);
        instance->is_attached[loop_index] = rc >= 0;
        if (rc < 0) {
            life->status = gw_why(&life->why, rc, "component '%s' cannot attach to loop '%s': %s",
                                  instance->name, gw_loop_name(loop), gw_error_text(rc));
        }
    }
}

/* ---- start, one by one ---- */

static void on_start_done(struct gw_op *op, int32_t status, struct eg_result *result) {
    struct start_call *call = GW_CONTAINER(op, struct start_call, op);
    struct gw_manager *manager = call->manager;
    struct gw_instance *instance = op->instance;
    const bool is_late = call->is_late;
    const struct eg_str text =
        result->message.len > 0 ? result->message : gw_str_c(gw_error_text(status));
    gw_free(call);
    instance->is_started = status >= 0;
    if (is_late) {
        return;
    }
    if (status < 0) {
        manager->life.status =
            gw_why(&manager->life.why, status, "component '%s' did not start: %.*s", instance->name,
                   GW_FMT(text));
    }
    start_next(manager);
}

static void on_start_deadline(struct gw_op *op) {
    struct start_call *call = GW_CONTAINER(op, struct start_call, op);
    struct gw_life *life = &call->manager->life;
    call->is_late = true;
    life->status =
        gw_why(&life->why, EG_E_TIMEOUT, "component '%s' did not start within %llu ms",
               op->instance->name, (unsigned long long)(life->start_timeout_ns / GW_NS_PER_MS));
    start_next(call->manager);
}

/* true: it will come back. */
static bool start_one(struct gw_manager *manager, struct gw_instance *instance) {
    struct gw_life *life = &manager->life;
    const struct eg_life_ops *ops = instance->component->life;
    if (ops->start == NULL) {
        instance->is_started = true;
        return false;
    }
    const uint64_t deadline_ns =
        life->start_timeout_ns == 0 ? 0 : gw_monotonic_ns() + life->start_timeout_ns;
    struct start_call *call = gw_alloc(sizeof *call);
    call->manager = manager;
    gw_op_begin(&call->op, instance, manager->config.control, deadline_ns, on_start_done,
                on_start_deadline);
    call->op.is_life = true;
    const char *former = gw_loop_blame(manager->config.control, instance->name);
    const int32_t rc = ops->start(instance->self, &call->op.pub);
    (void)gw_loop_blame(manager->config.control, former);
    if (rc >= 0) {
        return true;
    }
    gw_op_refused(&call->op);
    gw_free(call);
    life->status = gw_why(&life->why, rc, "component '%s' did not start: %s", instance->name,
                          gw_error_text(rc));
    return false;
}

static void start_next(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    while (life->status >= 0 && life->next != &manager->instances) {
        struct gw_instance *instance = GW_CONTAINER(life->next, struct gw_instance, node);
        life->next = life->next->next;
        if (start_one(manager, instance)) {
            return;
        }
    }
    if (life->status < 0) {
        finish(manager);
        return;
    }
    life->state = GW_LIFE_ATTACHING;
    gw_life_walk(manager, attach_visit, finish);
}

static void on_first_step(struct gw_task *task) {
    start_next(GW_CONTAINER(task, struct gw_manager, life.task));
}

void gw_manager_start(struct gw_manager *manager, uint64_t timeout_ns,
                      void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg) {
    struct gw_life *life = &manager->life;
    GW_ASSERT(life->state == GW_LIFE_IDLE);
    life->state = GW_LIFE_STARTING;
    life->start_timeout_ns = timeout_ns;
    life->on_started = on_started;
    life->start_arg = arg;
    life->next = manager->instances.next;
    life->task.fn = on_first_step;
    gw_loop_post(manager->config.control, &life->task);
}
