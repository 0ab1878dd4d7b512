/*
 * plugin/life_stop.c - down: drain of every instance, then the ledgers are counted on their loops
 * until nothing is in flight or the deadline passed, then detach on every loop and destroy, each in
 * reverse order. What a plugin never ended stays allocated: calling into it, or freeing what it may
 * still write to, would be worse than the leak of a process that ends.
 *
 * Counting is event-driven: a loop whose ledger moves while draining asks for a recount, so that
 * nothing polls and tests may hold the clock.
 */
#include "base/check.h"
#include "base/log.h"
#include "plugin/host.h"
#include "plugin/manager_parts.h"

#define EACH_IN_REVERSE(manager, n)                                                                \
    (struct gw_node *n = (manager)->instances.prev; n != &(manager)->instances; n = n->prev)

static void count_visit(struct gw_manager *manager, uint32_t loop_index);
static void count_end(struct gw_manager *manager);

/* ---- detach and destroy ---- */

static void detach_visit(struct gw_manager *manager, uint32_t loop_index) {
    struct eg_loop *loop = manager->config.loops[loop_index];
    for
        EACH_IN_REVERSE(manager, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            const struct eg_life_ops *ops = instance->component->life;
            if (instance->ops_seen > 0 || !instance->is_attached[loop_index]) {
                continue;
            }
            instance->is_attached[loop_index] = 0;
            if (ops->detach != NULL) {
                const char *former = gw_loop_blame(loop, instance->name);
                ops->detach(instance->self, instance->slots[loop_index]);
                (void)gw_loop_blame(loop, former);
            }
            instance->slots[loop_index] = NULL;
            if (instance->ledger[loop_index].watches > 0) {
                gw_logf(EG_LOG_ERROR, "component '%s' left %u timers or watches on loop '%s'",
                        instance->name, instance->ledger[loop_index].watches, gw_loop_name(loop));
            }
        }
}

static void detach_end(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    struct gw_node *n = manager->instances.prev;
    gw_manager_forget_chains(manager);
    while (n != &manager->instances) {
        struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
        n = n->prev;
        if (instance->ops_seen > 0) {
            gw_logf(EG_LOG_ERROR, "component '%s' did not end %u calls; it is left as it is",
                    instance->name, instance->ops_seen);
        } else {
            gw_instance_end(instance);
        }
    }
    life->state = GW_LIFE_ENDED;
    life->on_stopped(life->stop_arg, life->ops_left);
}

static void detach(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    gw_timer_stop(manager->config.control, &life->timer);
    __atomic_store_n(&life->is_draining, 0, __ATOMIC_SEQ_CST);
    life->state = GW_LIFE_DETACHING;
    gw_life_walk(manager, detach_visit, detach_end);
}

/* ---- counting ---- */

static void count(struct gw_manager *manager) {
    manager->life.is_recheck_wanted = false;
    for
        EACH_IN_REVERSE(manager, n) {
            GW_CONTAINER(n, struct gw_instance, node)->ops_seen = 0;
        }
    gw_life_walk(manager, count_visit, count_end);
}

static void count_visit(struct gw_manager *manager, uint32_t loop_index) {
    for
        EACH_IN_REVERSE(manager, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            const struct gw_ledger *ledger = &instance->ledger[loop_index];
            /* May wrap for now: the jobs that were begun are added last, so that none is missed. */
            instance->ops_seen += ledger->in_flight - ledger->jobs_ended;
        }
}

static void count_end(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    life->ops_left = 0;
    for
        EACH_IN_REVERSE(manager, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            instance->ops_seen += __atomic_load_n(&instance->jobs_begun, __ATOMIC_RELAXED);
            life->ops_left += instance->ops_seen;
        }
    if (life->ops_left == 0 || life->is_late) {
        detach(manager);
    } else if (life->is_recheck_wanted) {
        count(manager);
    }
}

static void recheck(void *arg) {
    struct gw_manager *manager = arg;
    if (manager->life.state != GW_LIFE_DRAINING) {
        return;
    }
    if (manager->life.is_walking) {
        manager->life.is_recheck_wanted = true;
    } else {
        count(manager);
    }
}

void gw_life_ledger_moved(struct gw_manager *manager) {
    if (__atomic_load_n(&manager->life.is_draining, __ATOMIC_SEQ_CST) != 0) {
        gw_loop_post_fn(manager->config.control, recheck, manager);
    }
}

/* ---- the beginning of the end ---- */

static void on_deadline(struct gw_timer *timer) {
    struct gw_manager *manager = GW_CONTAINER(timer, struct gw_manager, life.timer);
    manager->life.is_late = true;
    recheck(manager);
}

static void drain(struct gw_manager *manager) {
    for
        EACH_IN_REVERSE(manager, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            const struct eg_life_ops *ops = instance->component->life;
            if (instance->is_started && ops->drain != NULL) {
                const char *former = gw_loop_blame(manager->config.control, instance->name);
                ops->drain(instance->self);
                (void)gw_loop_blame(manager->config.control, former);
            }
        }
}

void gw_life_stop(struct gw_manager *manager) {
    struct gw_life *life = &manager->life;
    life->state = GW_LIFE_DRAINING;
    __atomic_store_n(&life->is_draining, 1, __ATOMIC_SEQ_CST);
    drain(manager);
    gw_timer_start(manager->config.control, &life->timer, life->stop_timeout_ns, on_deadline);
    count(manager);
}

void gw_manager_stop(struct gw_manager *manager, uint64_t timeout_ns,
                     void (*on_stopped)(void *arg, uint32_t ops_left), void *arg) {
    struct gw_life *life = &manager->life;
    GW_ASSERT(life->on_stopped == NULL);
    life->stop_timeout_ns = timeout_ns;
    life->on_stopped = on_stopped;
    life->stop_arg = arg;
    if (life->state == GW_LIFE_STARTING || life->state == GW_LIFE_ATTACHING) {
        life->is_stop_wanted = true;
    } else {
        gw_life_stop(manager);
    }
}
