/*
 * flow/steps_fanout.c - after the answer: each async subscriber of each event, in order, through
 * its authorizer into the backlog. Room was reserved while routing; a refusal gives it back. Loop
 * thread.
 */
#include "base/slice.h"
#include "flow/exchange.h"

/* The event that still has subscribers to serve, or NULL. */
static struct gw_item *pending_item(struct eg_exchange *x) {
    while (x->item_index < x->item_count) {
        struct gw_item *item = &x->items[x->item_index];
        if (item->async_done < item->route.async_count) {
            return item;
        }
        x->item_index++;
    }
    return NULL;
}

/* Delivers until one has to be asked for, or all are done. Starts over with the first event when
 * the answer has gone out: gw_step_answer has put item_index back. */
enum gw_move gw_step_fanout(struct eg_exchange *x) {
    while ((x->item = pending_item(x)) != NULL) {
        struct gw_item *item = x->item;
        const struct gw_subscriber *subscriber = item->route.async[item->async_done];
        if (subscriber->needs_authorizer) {
            return gw_authorize_start(x, subscriber, item->event) ? GW_MOVE_NEXT : GW_MOVE_WAIT;
        }
        item->async_done++;
        gw_backlog_deliver(x, subscriber, item->event, false);
    }
    return GW_MOVE_OTHER;
}

enum gw_move gw_step_fanout_verdict(struct eg_exchange *x) {
    struct gw_item *item = x->item;
    const struct gw_subscriber *subscriber = item->route.async[item->async_done++];
    if (!x->authorize.is_allowed) {
        gw_backlog_give_back(x->flow, 1);
        return GW_MOVE_NEXT;
    }
    struct eg_event *event = gw_event_fork(x->arena, item->event);
    gw_event_set_authorization(event, x->authorize.json);
    gw_backlog_deliver(x, subscriber, event, false);
    return GW_MOVE_NEXT;
}
