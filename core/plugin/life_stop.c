/*
 * plugin/life_stop.c - down: drain of every instance of the batch, then the ledgers are counted on
 * their loops until nothing is in flight or the deadline passed, then detach on every loop and
 * destroy, each in reverse order. What a plugin never ended stays allocated: calling into it, or
 * freeing what it may still write to, would be worse than the leak.
 *
 * Counting is event-driven: a loop whose ledger moves while draining asks for a recount, so that
 * nothing polls and tests may hold the clock. Instances at work ask for none.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "plugin/host.h"
#include "plugin/manager_parts.h"

#define EACH_IN_REVERSE(life, n)                                                                   \
    (struct gw_node *n = (life)->instances.prev; n != &(life)->instances; n = n->prev)

static void count_visit(struct gw_life *life, uint32_t loop_index);
static void count_end(struct gw_life *life);

/* ---- detach and destroy ---- */

static void detach_visit(struct gw_life *life, uint32_t loop_index) {
    struct eg_loop *loop = life->manager->config.loops[loop_index];
    for
        EACH_IN_REVERSE(life, n) {
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

static void end_or_leave(struct gw_manager *manager, struct gw_instance *instance) {
    instance->life = NULL;
    if (instance->ops_seen == 0) {
        gw_instance_end(instance);
        return;
    }
    gw_logf(EG_LOG_ERROR, "component '%s' did not end %u calls; it is left as it is",
            instance->name, instance->ops_seen);
    gw_list_push(&manager->left, &instance->node);
}

static void detach_end(struct gw_life *life) {
    void (*on_stopped)(void *arg, uint32_t ops_left) = life->on_stopped;
    void *arg = life->stop_arg;
    const uint32_t ops_left = life->ops_left;
    while (!gw_list_empty(&life->instances)) {
        struct gw_node *last = life->instances.prev;
        gw_list_remove(last);
        end_or_leave(life->manager, GW_CONTAINER(last, struct gw_instance, node));
    }
    gw_list_remove(&life->node);
    gw_free(life);
    if (on_stopped != NULL) {
        on_stopped(arg, ops_left);
    }
}

static void set_draining(struct gw_life *life, uint32_t is_draining) {
    for
        EACH_IN_REVERSE(life, n) {
            __atomic_store_n(&GW_CONTAINER(n, struct gw_instance, node)->is_draining, is_draining,
                             __ATOMIC_SEQ_CST);
        }
}

static void detach(struct gw_life *life) {
    gw_timer_stop(life->manager->config.control, &life->timer);
    set_draining(life, 0);
    life->state = GW_LIFE_DETACHING;
    gw_life_walk(life, detach_visit, detach_end);
}

/* ---- counting ---- */

static void count(struct gw_life *life) {
    life->is_recheck_wanted = false;
    for
        EACH_IN_REVERSE(life, n) {
            GW_CONTAINER(n, struct gw_instance, node)->ops_seen = 0;
        }
    gw_life_walk(life, count_visit, count_end);
}

static void count_visit(struct gw_life *life, uint32_t loop_index) {
    for
        EACH_IN_REVERSE(life, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            const struct gw_ledger *ledger = &instance->ledger[loop_index];
            /* May wrap for now: the jobs that were begun are added last, so that none is missed. */
            instance->ops_seen += ledger->in_flight - ledger->jobs_ended;
        }
}

static void count_end(struct gw_life *life) {
    life->ops_left = 0;
    for
        EACH_IN_REVERSE(life, n) {
            struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
            instance->ops_seen += __atomic_load_n(&instance->jobs_begun, __ATOMIC_RELAXED);
            life->ops_left += instance->ops_seen;
        }
    if (life->ops_left == 0 || life->is_late) {
        detach(life);
    } else if (life->is_recheck_wanted) {
        count(life);
    }
}

static void recheck(struct gw_life *life) {
    if (life->is_walking) {
        life->is_recheck_wanted = true;
    } else {
        count(life);
    }
}

/* Which batch it was is not asked: it may have ended while this was under way. */
static void recheck_all(void *arg) {
    struct gw_manager *manager = arg;
    for (struct gw_node *n = manager->lives.next; n != &manager->lives; n = n->next) {
        struct gw_life *life = GW_CONTAINER(n, struct gw_life, node);
        if (life->state == GW_LIFE_DRAINING) {
            recheck(life);
        }
    }
}

void gw_life_ledger_moved(struct gw_instance *instance) {
    if (__atomic_load_n(&instance->is_draining, __ATOMIC_SEQ_CST) != 0) {
        gw_loop_post_fn(instance->manager->config.control, recheck_all, instance->manager);
    }
}

/* ---- the beginning of the end ---- */

static void on_deadline(struct gw_timer *timer) {
    struct gw_life *life = GW_CONTAINER(timer, struct gw_life, timer);
    life->is_late = true;
    recheck(life);
}

static void drain_one(struct gw_instance *instance) {
    struct eg_loop *control = instance->manager->config.control;
    const struct eg_life_ops *ops = instance->component->life;
    if (instance->is_started && !instance->is_drained && ops->drain != NULL) {
        instance->is_drained = true;
        const char *former = gw_loop_blame(control, instance->name);
        ops->drain(instance->self);
        (void)gw_loop_blame(control, former);
    }
}

static void drain(struct gw_life *life) {
    for
        EACH_IN_REVERSE(life, n) {
            drain_one(GW_CONTAINER(n, struct gw_instance, node));
        }
}

void gw_life_drain_late(struct gw_instance *instance) {
    if (instance->life != NULL && instance->life->state == GW_LIFE_DRAINING) {
        drain_one(instance);
    }
}

void gw_life_go_down(struct gw_life *life) {
    life->state = GW_LIFE_DRAINING;
    set_draining(life, 1);
    drain(life);
    gw_timer_start(life->manager->config.control, &life->timer, life->stop_timeout_ns, on_deadline);
    count(life);
}

void gw_life_stop(struct gw_life *life, uint64_t timeout_ns,
                  void (*on_stopped)(void *arg, uint32_t ops_left), void *arg) {
    GW_ASSERT(life->state < GW_LIFE_DRAINING && !life->is_stop_wanted);
    life->stop_timeout_ns = timeout_ns;
    life->on_stopped = on_stopped;
    life->stop_arg = arg;
    if (life->state == GW_LIFE_STARTING || life->state == GW_LIFE_ATTACHING) {
        life->is_stop_wanted = true;
    } else {
        gw_life_go_down(life);
    }
}
