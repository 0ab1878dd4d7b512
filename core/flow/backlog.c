/*
 * flow/backlog.c - see backlog.h. Loop thread. Deliveries hold their exchange; the pump never
 * recurses: a call that makes new deliveries while it is started only queues them.
 *
 * While deliveries are queued the loop takes in less that is new. Or else a loop that has more to
 * do than it can would fill the backlog, and then refuse for most of its time.
 */
#include "flow/backlog.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "flow/exchange.h"

void gw_backlog_init(struct gw_backlog *backlog, uint32_t workers, uint32_t length) {
    *backlog = (struct gw_backlog){.workers = workers, .length = length};
    gw_turns_init(&backlog->turns);
}

void gw_backlog_free(struct gw_backlog *backlog) {
    gw_turns_free(&backlog->turns);
}

size_t gw_backlog_reserve(struct gw_flow *flow, size_t wanted, bool partly) {
    struct gw_backlog *b = &flow->backlog;
    const uint64_t used = (uint64_t)b->running + b->queued + b->reserved;
    const uint64_t all = (uint64_t)b->workers + b->length;
    const size_t room = b->is_closed || used >= all ? 0 : (size_t)(all - used);
    if (wanted > room && !partly) {
        return 0;
    }
    const size_t granted = wanted < room ? wanted : room;
    b->reserved += (uint32_t)granted;
    return granted;
}

void gw_backlog_lost(struct eg_exchange *exchange, size_t count) {
    struct gw_flow *flow = exchange->flow;
    struct gw_backlog *b = &flow->backlog;
    const uint64_t now_ns = gw_monotonic_ns();
    gw_metric_add(flow->counters.dropped, (int64_t)count);
    b->lost += count;
    if (b->told_ns != 0 && now_ns - b->told_ns < GW_NS_PER_S) {
        return;
    }
    gw_exchange_log(exchange, EG_LOG_WARN, "the backlog is full", "dropped",
                    gw_arena_printf(exchange->arena, "%llu", (unsigned long long)b->lost));
    b->lost = 0;
    b->told_ns = now_ns;
}

void gw_backlog_give_back(struct gw_flow *flow, size_t count) {
    GW_ASSERT(count <= flow->backlog.reserved);
    flow->backlog.reserved -= (uint32_t)count;
}

bool gw_backlog_offer(struct eg_exchange *exchange, const struct gw_subscriber *subscriber) {
    gw_metric_add(subscriber->received, 1);
    if (gw_backlog_reserve(exchange->flow, 1, false) == 1) {
        return true;
    }
    gw_backlog_lost(exchange, 1);
    return false;
}

/* The exchange may go with this, and the delivery with it. */
static void finish(struct gw_flow *flow, struct gw_delivery *d) {
    gw_buf_release(&d->call.body);
    gw_metric_add(d->subscriber->processed, 1);
    flow->backlog.running--;
    gw_turns_done(&flow->backlog.turns, d->share);
    gw_exchange_unref(d->call.exchange);
}

/* It has left the queue. */
static struct gw_delivery *delivery_of(struct gw_flow *flow, struct gw_node *node) {
    flow->backlog.queued--;
    gw_metric_add(flow->counters.backlog, -1);
    return GW_CONTAINER(node, struct gw_delivery, node);
}

static void pump(struct gw_flow *flow) {
    struct gw_backlog *b = &flow->backlog;
    if (b->is_pumping) {
        return;
    }
    b->is_pumping = true;
    struct gw_node *node = NULL;
    while ((node = gw_turns_take(&b->turns, b->workers - b->running)) != NULL) {
        struct gw_delivery *d = delivery_of(flow, node);
        gw_metric_observe_ns(flow->counters.queue_time, gw_loop_now(flow->loop) - d->queued_ns);
        b->running++;
        if (gw_call_start(&d->call)) {
            finish(flow, d);
        }
    }
    b->is_pumping = false;
    gw_loop_behind(flow->loop, b->queued > 0);
}

static void on_called(struct gw_call *call) {
    struct gw_flow *flow = call->exchange->flow;
    finish(flow, call->arg);
    pump(flow);
}

/* One object per function, which the exchange's view keeps; a changed function has another one, and
 * is another one here. Who is not there has the subscription's. */
static const void *function_of(const struct gw_subscriber *subscriber) {
    return subscriber->callee == NULL ? subscriber->object : subscriber->callee->object;
}

void gw_backlog_deliver(struct eg_exchange *exchange, const struct gw_subscriber *subscriber,
                        struct eg_event *event, bool is_system) {
    struct gw_flow *flow = exchange->flow;
    gw_backlog_give_back(flow, 1);
    if (flow->backlog.is_closed) {
        gw_metric_add(flow->counters.dropped, 1);
        gw_exchange_log(exchange, EG_LOG_WARN, "delivery dropped: shutting down", NULL,
                        (struct eg_str){0});
        return;
    }
    struct gw_delivery *d = gw_arena_zalloc(exchange->arena, sizeof *d);
    d->queued_ns = gw_loop_now(flow->loop);
    d->subscriber = subscriber;
    d->call.exchange = exchange;
    gw_call_to(&d->call, subscriber);
    d->call.event = event;
    d->call.is_async = true;
    d->call.is_system = is_system;
    d->call.then = on_called;
    d->call.arg = d;
    gw_exchange_ref(exchange);
    d->share = gw_turns_push(&flow->backlog.turns, function_of(subscriber), &d->node);
    flow->backlog.queued++;
    gw_metric_add(flow->counters.backlog, 1);
    pump(flow);
}

void gw_backlog_close(struct gw_flow *flow) {
    uint32_t dropped = 0;
    flow->backlog.is_closed = true;
    struct gw_node *node = NULL;
    while ((node = gw_turns_drop(&flow->backlog.turns)) != NULL) {
        struct gw_delivery *d = delivery_of(flow, node);
        gw_exchange_log(d->call.exchange, EG_LOG_WARN, "delivery dropped: shutting down", NULL,
                        (struct eg_str){0});
        gw_exchange_unref(d->call.exchange);
        dropped++;
    }
    gw_loop_behind(flow->loop, false);
    gw_metric_add(flow->counters.dropped, dropped);
    if (dropped > 0) {
        gw_logf(EG_LOG_WARN, "%u queued deliveries were dropped", dropped);
    }
}
