/*
 * api/config_turns.c - see the header. One list in order of arrival holds the operations of all
 * spaces: the first of a space has its turn, the others have a timer that runs. The list is walked,
 * for it is as short as the number of changes under way. Control thread.
 */
#include "api/config_turns.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"

/* The first of the space in the list; NULL when there is none. */
static struct gw_config_turn *first_of(const struct gw_node *turns, struct eg_str space) {
    for (struct gw_node *node = turns->next; node != turns; node = node->next) {
        struct gw_config_turn *turn = GW_CONTAINER(node, struct gw_config_turn, node);
        if (gw_str_eq(turn->space, space)) {
            return turn;
        }
    }
    return NULL;
}

static void on_late(struct gw_timer *timer) {
    struct gw_config_turn *turn = GW_CONTAINER(timer, struct gw_config_turn, timer);
    turn->on_turn(turn, true);
}

void gw_config_turn_begin(struct gw_node *turns, struct gw_config_turn *turn,
                          struct gw_http_request *request, struct eg_str space,
                          uint64_t deadline_ns,
                          void (*on_turn)(struct gw_config_turn *turn, bool is_late)) {
    const bool is_free = first_of(turns, space) == NULL;
    gw_http_request_ref(request);
    turn->request = request;
    turn->space = space;
    turn->loop = gw_loop_current();
    turn->on_turn = on_turn;
    gw_list_push(turns, &turn->node);
    if (is_free) {
        on_turn(turn, false);
        return;
    }
    const uint64_t now_ns = gw_monotonic_ns();
    gw_timer_start(turn->loop, &turn->timer, deadline_ns > now_ns ? deadline_ns - now_ns : 0,
                   on_late);
}

void gw_config_turn_end(struct gw_node *turns, struct gw_config_turn *turn) {
    if (turn->request == NULL) {
        return;
    }
    gw_timer_stop(turn->loop, &turn->timer);
    gw_list_remove(&turn->node);
    struct gw_config_turn *next = first_of(turns, turn->space);
    gw_http_request_unref(turn->request);
    turn->request = NULL;
    if (next != NULL && gw_timer_armed(&next->timer)) {
        gw_timer_stop(next->loop, &next->timer);
        next->on_turn(next, false);
    }
}
