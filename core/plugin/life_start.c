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

struct gw_start_call {
    struct gw_op op;
    struct gw_life *life;
    bool is_late;
};

static void start_next(struct gw_life *life);

/* ---- the batch ---- */

struct gw_life *gw_life_create(struct gw_manager *manager) {
    struct gw_life *life = gw_alloc(sizeof *life);
    life->manager = manager;
    gw_list_init(&life->instances);
    gw_list_push(&manager->lives, &life->node);
    return life;
}

void gw_life_take(struct gw_life *life, struct gw_instance *instance) {
    gw_list_remove(&instance->node);
    gw_list_push(&life->instances, &instance->node);
    instance->life = life;
}

void gw_life_serve(struct gw_life *life) {
    GW_ASSERT(life->state == GW_LIFE_SERVING);
    for (struct gw_node *node; (node = gw_list_shift(&life->instances)) != NULL;) {
        struct gw_instance *instance = GW_CONTAINER(node, struct gw_instance, node);
        gw_list_push(&life->manager->instances, node);
        instance->life = NULL;
    }
    gw_list_remove(&life->node);
    gw_free(life);
}

/* ---- the walk over the loops ---- */

static void on_control(struct gw_task *task) {
    struct gw_life *life = GW_CONTAINER(task, struct gw_life, task);
    life->is_walking = false;
    life->walk_end(life);
}

static void on_loop(struct gw_task *task);

static void walk_on(struct gw_life *life) {
    const struct gw_manager_config *config = &life->manager->config;
    const bool is_over = life->walk_loop == config->loop_count;
    life->task.fn = is_over ? on_control : on_loop;
    gw_loop_post(is_over ? config->control : config->loops[life->walk_loop], &life->task);
}

static void on_loop(struct gw_task *task) {
    struct gw_life *life = GW_CONTAINER(task, struct gw_life, task);
    life->walk_visit(life, life->walk_loop);
    life->walk_loop++;
    walk_on(life);
}

void gw_life_walk(struct gw_life *life, void (*visit)(struct gw_life *life, uint32_t loop_index),
                  void (*end)(struct gw_life *life)) {
    GW_ASSERT(!life->is_walking);
    life->is_walking = true;
    life->walk_loop = 0;
    life->walk_visit = visit;
    life->walk_end = end;
    walk_on(life);
}

/* ---- the end of the start ---- */

/* The answer may end the batch, unless somebody waits for its end already. */
static void finish(struct gw_life *life) {
    const bool is_stop_wanted = life->is_stop_wanted;
    life->state = life->status < 0 ? GW_LIFE_FAILED : GW_LIFE_SERVING;
    if (life->on_started != NULL) {
        life->on_started(life->start_arg, life->status, gw_why_str(&life->why));
    }
    if (is_stop_wanted) {
        gw_life_go_down(life);
    }
}

/* ---- attach, on each loop ---- */

static void attach_visit(struct gw_life *life, uint32_t loop_index) {
    struct eg_loop *loop = life->manager->config.loops[loop_index];
    for (struct gw_node *n = life->instances.next; n != &life->instances; n = n->next) {
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
    struct gw_start_call *call = GW_CONTAINER(op, struct gw_start_call, op);
    struct gw_life *life = call->life; /* may be gone, if it is late */
    struct gw_instance *instance = op->instance;
    const bool is_late = call->is_late;
    const struct eg_str text =
        result->message.len > 0 ? result->message : gw_str_c(gw_error_text(status));
    gw_free(call);
    instance->is_started = status >= 0;
    if (is_late) {
        gw_life_drain_late(instance);
        return;
    }
    life->call = NULL;
    if (status < 0) {
        life->status = gw_why(&life->why, status, "component '%s' did not start: %.*s",
                              instance->name, GW_FMT(text));
    }
    start_next(life);
}

static void on_start_deadline(struct gw_op *op) {
    struct gw_start_call *call = GW_CONTAINER(op, struct gw_start_call, op);
    struct gw_life *life = call->life;
    call->is_late = true;
    life->call = NULL;
    life->status =
        gw_why(&life->why, EG_E_TIMEOUT, "component '%s' did not start within %llu ms",
               op->instance->name, (unsigned long long)(life->start_timeout_ns / GW_NS_PER_MS));
    start_next(life);
}

/* true: it will come back. */
static bool start_one(struct gw_life *life, struct gw_instance *instance) {
    struct eg_loop *control = life->manager->config.control;
    const struct eg_life_ops *ops = instance->component->life;
    if (ops->start == NULL) {
        instance->is_started = true;
        return false;
    }
    const uint64_t deadline_ns =
        life->start_timeout_ns == 0 ? 0 : gw_monotonic_ns() + life->start_timeout_ns;
    struct gw_start_call *call = gw_alloc(sizeof *call);
    call->life = life;
    life->call = call;
    gw_op_begin_life(&call->op, instance, control, deadline_ns, on_start_done, on_start_deadline);
    const char *former = gw_loop_blame(control, instance->name);
    const int32_t rc = ops->start(instance->self, &call->op.pub);
    (void)gw_loop_blame(control, former);
    if (rc >= 0) {
        return true;
    }
    gw_op_refused(&call->op);
    gw_free(call);
    life->call = NULL;
    life->status = gw_why(&life->why, rc, "component '%s' did not start: %s", instance->name,
                          gw_error_text(rc));
    return false;
}

static void start_next(struct gw_life *life) {
    while (life->status >= 0 && life->next != &life->instances) {
        struct gw_instance *instance = GW_CONTAINER(life->next, struct gw_instance, node);
        life->next = life->next->next;
        if (start_one(life, instance)) {
            return;
        }
    }
    if (life->status < 0) {
        finish(life);
        return;
    }
    life->state = GW_LIFE_ATTACHING;
    gw_life_walk(life, attach_visit, finish);
}

void gw_life_forget(struct gw_life *life) {
    if (life->state > GW_LIFE_ATTACHING) {
        return;
    }
    life->on_started = NULL;
    if (life->state != GW_LIFE_ATTACHING) { /* a loop may be writing it */
        life->status = EG_E_CANCELED;
    }
    if (life->call != NULL) {
        gw_timer_stop(life->manager->config.control, &life->call->op.timer);
        life->call->is_late = true;
        life->call = NULL;
        start_next(life);
    }
}

static void on_first_step(struct gw_task *task) {
    start_next(GW_CONTAINER(task, struct gw_life, task));
}

void gw_life_start(struct gw_life *life, uint64_t timeout_ns,
                   void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg) {
    GW_ASSERT(life->state == GW_LIFE_NEW);
    life->state = GW_LIFE_STARTING;
    life->start_timeout_ns = timeout_ns;
    life->on_started = on_started;
    life->start_arg = arg;
    life->next = life->instances.next;
    life->task.fn = on_first_step;
    gw_loop_post(life->manager->config.control, &life->task);
}
