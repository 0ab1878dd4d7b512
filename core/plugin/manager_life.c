/*
 * plugin/manager_life.c - the life of all instances together: the first batch goes up, batches that
 * no chain set refers to any more go down, and in the end everything does. Control thread.
 */
#include "base/check.h"
#include "base/mem.h"
#include "plugin/manager_parts.h"

/* ---- up ---- */

static void on_first_started(void *arg, int32_t status, struct eg_str why) {
    struct gw_manager *manager = arg;
    struct gw_life *first = manager->first;
    if (status >= 0 && !manager->is_stopping) {
        manager->first = NULL;
        gw_life_serve(first);
    }
    manager->on_started(manager->start_arg, status, why);
}

void gw_manager_start(struct gw_manager *manager, uint64_t timeout_ns,
                      void (*on_started)(void *arg, int32_t status, struct eg_str why), void *arg) {
    GW_ASSERT(manager->first != NULL);
    manager->on_started = on_started;
    manager->start_arg = arg;
    gw_life_start(manager->first, timeout_ns, on_first_started, manager);
}

/* ---- down ---- */

static uint32_t count_left(const struct gw_manager *manager) {
    uint32_t count = 0;
    for (struct gw_node *n = manager->left.next; n != &manager->left; n = n->next) {
        count += GW_CONTAINER(n, struct gw_instance, node)->ops_seen;
    }
    return count;
}

/* Of every batch that went down: whoever waits for all of them to be gone is told after the last.
 */
static void on_batch_stopped(void *arg, uint32_t ops_left) {
    struct gw_manager *manager = arg;
    (void)ops_left;
    if (!manager->is_stopping || manager->is_ended || !gw_list_empty(&manager->lives)) {
        return;
    }
    manager->is_ended = true;
    manager->ops_left = count_left(manager);
    manager->on_stopped(manager->stop_arg, manager->ops_left);
}

void gw_manager_retire(struct gw_manager *manager) {
    struct gw_life *life = NULL;
    for (struct gw_node *n = manager->instances.next; n != &manager->instances;) {
        struct gw_instance *instance = GW_CONTAINER(n, struct gw_instance, node);
        n = n->next;
        if (instance->set_refs > 0) {
            continue;
        }
        if (life == NULL) {
            life = gw_life_create(manager);
        }
        gw_life_take(life, instance);
    }
    if (life != NULL) {
        gw_life_stop(life, manager->stop_timeout_ns, on_batch_stopped, manager);
    }
}

void gw_manager_give_up(struct gw_manager *manager, struct gw_life *life, uint64_t timeout_ns) {
    gw_life_stop(life, timeout_ns, on_batch_stopped, manager);
}

static void take_all(struct gw_life *life, struct gw_node *ring) {
    while (!gw_list_empty(ring)) {
        gw_life_take(life, GW_CONTAINER(ring->next, struct gw_instance, node));
    }
}

/* What was given up gets another chance: it may have ended its calls meanwhile. */
void gw_manager_stop(struct gw_manager *manager, uint64_t timeout_ns,
                     void (*on_stopped)(void *arg, uint32_t ops_left), void *arg) {
    GW_ASSERT(manager->on_stopped == NULL);
    struct gw_life *last = manager->first == NULL ? gw_life_create(manager) : manager->first;
    manager->on_stopped = on_stopped;
    manager->stop_arg = arg;
    manager->is_stopping = true;
    manager->first = NULL;
    take_all(last, &manager->left);
    take_all(last, &manager->instances);
    gw_chains_unref(manager->chains);
    manager->chains = NULL;
    gw_life_stop(last, timeout_ns, on_batch_stopped, manager);
}
