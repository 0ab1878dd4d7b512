/*
 * io/http_stage.c - see http_stage.h. The timer is not moved when a connection leaves early: it
 * fires, finds nothing late, and is set to the next deadline. That is rarer than requests are.
 */
#include "io/http_stage.h"

#include "base/check.h"

static void on_timer(struct gw_timer *timer);

void gw_stages_init(struct gw_stages *stages, struct eg_loop *loop) {
    stages->loop = loop;
    for (size_t i = 0; i < GW_STAGE_COUNT; i++) {
        gw_list_init(&stages->queues[i]);
    }
}

void gw_stages_stop(struct gw_stages *stages) {
    gw_timer_stop(stages->loop, &stages->timer);
}

static struct gw_stage_entry *oldest(struct gw_stages *stages, size_t stage) {
    struct gw_node *queue = &stages->queues[stage];
    return gw_list_empty(queue) ? NULL : GW_CONTAINER(queue->next, struct gw_stage_entry, node);
}

/* Sets the timer unless it is due early enough. */
static void arm(struct gw_stages *stages, uint64_t at_ns) {
    if (gw_timer_armed(&stages->timer) && stages->timer.at_ns <= at_ns) {
        return;
    }
    const uint64_t now = gw_loop_now(stages->loop);
    gw_timer_start(stages->loop, &stages->timer, at_ns > now ? at_ns - now : 0, on_timer);
}

static void on_timer(struct gw_timer *timer) {
    struct gw_stages *stages = GW_CONTAINER(timer, struct gw_stages, timer);
    const uint64_t now = gw_loop_now(stages->loop);
    for (size_t i = 0; i < GW_STAGE_COUNT; i++) {
        const uint64_t timeout_ns = stages->timeout_ns[i];
        struct gw_stage_entry *entry = oldest(stages, i);
        while (timeout_ns != 0 && entry != NULL && now - entry->since_ns >= timeout_ns) {
            gw_stage_leave(entry);
            stages->on_late(stages, entry, (enum gw_stage)i);
            entry = oldest(stages, i);
        }
        if (timeout_ns != 0 && entry != NULL) {
            arm(stages, entry->since_ns + timeout_ns);
        }
    }
}

void gw_stage_enter(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage) {
    gw_list_remove(&entry->node);
    entry->stage = stage;
    entry->since_ns = gw_loop_now(stages->loop);
    if (stages->timeout_ns[stage] != 0) {
        gw_list_push(&stages->queues[stage], &entry->node);
        arm(stages, entry->since_ns + stages->timeout_ns[stage]);
    }
}

/* The queue stays in order of entry: those that go on come in the order of the stage before. */
void gw_stage_go_on(struct gw_stages *stages, struct gw_stage_entry *entry, enum gw_stage stage) {
    const uint64_t since_ns = entry->since_ns;
    gw_stage_enter(stages, entry, stage);
    if (entry->since_ns - since_ns < stages->timeout_ns[stage]) {
        entry->since_ns = since_ns;
    }
}

void gw_stage_leave(struct gw_stage_entry *entry) {
    gw_list_remove(&entry->node);
    entry->stage = GW_STAGE_NONE;
}
