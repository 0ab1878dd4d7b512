/*
 * flow/backlog.c - see backlog.h. Loop thread. Deliveries hold their exchange; the pump never
 * recurses: a call that makes new deliveries while it is started only queues them.
 *
 * While deliveries are queued the loop takes in less that is new. Or else a loop that has more to
 * do than it can would fill the backlog, and then refuse for most of its time.
 *
 * Deliveries are called when the loop has told all descriptors of the turn: then all answers of the
 * turn have gone out, and connections that its answers have freed are free, which is known without
 * another look at each of them (io/http_connections.c).
 */
#include "flow/backlog.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "flow/exchange.h"
#include "io/kept_memory.h"

/* In the arena of its exchange, which it holds from queueing to its end. It is small, since
 * thousands may wait. */
struct delivery {
    struct gw_node node;
    struct eg_exchange *exchange;
    const struct gw_subscriber *subscriber;
    struct eg_event *event;
    struct gw_share *share; /* of the function */
    uint64_t queued_ns;     /* the turn: most are called in the one that queued them */
    bool is_system;
};

/* One that has a worker. As many are at work as there are workers, so their memory is what the
 * thread keeps, the warmest first, and not the exchange's. It outlives the call when the provider's
 * done comes after the deadline. */
struct errand {
    struct gw_call call;
    struct delivery *delivery; /* NULL: the call has ended */
};

static void pump(struct gw_flow *flow);

static void on_start(struct gw_task *task) {
    pump(GW_CONTAINER(task, struct gw_flow, backlog.start));
}

void gw_backlog_init(struct gw_backlog *backlog, struct eg_loop *loop, uint32_t workers,
                     uint32_t length) {
    *backlog = (struct gw_backlog){
        .loop = loop, .workers = workers, .length = length, .start.fn = on_start};
    gw_turns_init(&backlog->turns);
}

void gw_backlog_free(struct gw_backlog *backlog) {
    gw_loop_undefer(&backlog->start);
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

static void on_called(struct gw_call *call);

/* As gw_alloc: there is no way to go on without memory. */
static struct errand *errand_new(struct delivery *d) {
    struct errand *errand = gw_kept_malloc(sizeof *errand);
    GW_ASSERT(errand != NULL);
    errand->delivery = d;
    gw_call_clear(&errand->call, d->exchange);
    return errand;
}

static void on_wait_gone(struct gw_wait *wait) {
    struct errand *errand = GW_CONTAINER(wait, struct errand, call.wait);
    if (errand->delivery == NULL) {
        gw_kept_free(errand);
    }
}

/* The exchange may go with this, and the delivery with it. */
static void finish(struct gw_flow *flow, struct errand *errand) {
    struct delivery *d = errand->delivery;
    gw_buf_release(&errand->call.body);
    gw_metric_add(d->subscriber->processed, 1);
    flow->backlog.running--;
    gw_turns_done(&flow->backlog.turns, d->share);
    errand->delivery = NULL;
    if (!gw_wait_is_out(&errand->call.wait)) {
        gw_kept_free(errand);
    }
    gw_exchange_unref(d->exchange);
}

/* It has left the queue. */
static struct delivery *delivery_of(struct gw_flow *flow, struct gw_node *node) {
    flow->backlog.queued--;
    gw_metric_add(flow->counters.backlog, -1);
    return GW_CONTAINER(node, struct delivery, node);
}

static void start(struct gw_flow *flow, struct delivery *d) {
    struct errand *errand = errand_new(d);
    gw_call_to(&errand->call, d->subscriber);
    errand->call.event = d->event;
    errand->call.is_async = true;
    errand->call.is_system = d->is_system;
    errand->call.then = on_called;
    errand->call.arg = errand;
    errand->call.wait.gone = on_wait_gone;
    flow->backlog.running++;
    if (gw_call_start(&errand->call)) {
        finish(flow, errand);
    }
}

static void pump(struct gw_flow *flow) {
    struct gw_backlog *b = &flow->backlog;
    if (b->is_pumping) {
        return;
    }
    b->is_pumping = true;
    struct gw_node *node = NULL;
    while ((node = gw_turns_take(&b->turns, b->workers - b->running)) != NULL) {
        struct delivery *d = delivery_of(flow, node);
        gw_metric_observe_ns(flow->counters.queue_time, gw_loop_now(flow->loop) - d->queued_ns);
        start(flow, d);
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
    struct gw_backlog *b = &flow->backlog;
    gw_backlog_give_back(flow, 1);
    if (b->is_closed) {
        gw_metric_add(flow->counters.dropped, 1);
        gw_exchange_log(exchange, EG_LOG_WARN, "delivery dropped: shutting down", NULL,
                        (struct eg_str){0});
        return;
    }
    struct delivery *d = gw_arena_alloc(exchange->arena, sizeof *d);
    *d = (struct delivery){.exchange = exchange,
                           .subscriber = subscriber,
                           .event = event,
                           .queued_ns = gw_loop_now(b->loop),
                           .is_system = is_system};
    gw_exchange_ref(exchange);
    d->share = gw_turns_push(&b->turns, function_of(subscriber), &d->node);
    b->queued++;
    gw_metric_add(flow->counters.backlog, 1);
    if (gw_loop_has_told_all(b->loop)) {
        pump(flow);
    } else {
        gw_loop_defer(b->loop, &b->start);
    }
}

void gw_backlog_close(struct gw_flow *flow) {
    uint32_t dropped = 0;
    flow->backlog.is_closed = true;
    struct gw_node *node = NULL;
    while ((node = gw_turns_drop(&flow->backlog.turns)) != NULL) {
        struct delivery *d = delivery_of(flow, node);
        gw_exchange_log(d->exchange, EG_LOG_WARN, "delivery dropped: shutting down", NULL,
                        (struct eg_str){0});
        gw_exchange_unref(d->exchange);
        dropped++;
    }
    gw_loop_behind(flow->loop, false);
    gw_metric_add(flow->counters.dropped, dropped);
    if (dropped > 0) {
        gw_logf(EG_LOG_WARN, "%u queued deliveries were dropped", dropped);
    }
}
