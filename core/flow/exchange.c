/*
 * flow/exchange.c - life of an exchange and the walk over its steps.
 *
 * The step table is GW_STEPS of exchange.h. A step that waits has started something whose end comes
 * from the loop later, never inside the step; so the walk cannot be re-entered and needs no guard.
 */
#include "flow/exchange.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/slice.h"

struct step_row {
    enum gw_move (*run)(struct eg_exchange *x);
    enum gw_step next;
    enum gw_step other;
};

static const struct step_row steps[] = {
#define STEP_ROW(name, function, next, other)                                                      \
    [GW_STEP_##name] = {gw_step_##function, GW_STEP_##next, GW_STEP_##other},
    GW_STEPS(STEP_ROW)
#undef STEP_ROW
};

struct eg_exchange *gw_exchange_create(struct gw_flow *flow, struct gw_http_request *request) {
    struct eg_exchange *x = gw_arena_alloc(&request->arena, sizeof *x);
    memset(x, 0, offsetof(struct eg_exchange, params));
    x->params.is_null = true;
    x->params.count = 0;
    x->magic = GW_EXCHANGE_MAGIC;
    x->refs = 1;
    x->flow = flow;
    x->request = request;
    x->arena = &request->arena;
    x->view = gw_view_acquire(flow->reader);
    x->chains = gw_snapshot_chains(x->view->snapshot);
    x->path = request->path;
    request->user = x;
    flow->exchanges++;
    if (x->chains->has_trace) {
        gw_trace_begin(x);
    }
    return x;
}

void gw_exchange_ref(struct eg_exchange *exchange) {
    exchange->refs++;
}

void gw_keepsake_release(struct gw_keepsake *keepsake) {
    if (keepsake->release != NULL) {
        keepsake->release(keepsake->ptr);
    }
    keepsake->ptr = NULL;
    keepsake->release = NULL;
}

void gw_exchange_unref(struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    GW_ASSERT(exchange->refs > 0);
    if (--exchange->refs > 0) {
        return;
    }
    struct gw_http_request *request = exchange->request;
    if (exchange->trace != NULL) {
        gw_trace_end(exchange);
    }
    for (struct gw_keepsake *k = exchange->keepsakes; k != NULL; k = k->next) {
        gw_keepsake_release(k);
    }
    gw_view_release(exchange->view);
    gw_answer_free(&exchange->answer);
    exchange->flow->exchanges--;
    exchange->magic = 0;
    request->user = NULL;
    gw_http_request_unref(request);
}

void gw_exchange_run(struct eg_exchange *exchange) {
    while (exchange->step != GW_STEP_END) {
        const struct step_row *row = &steps[exchange->step];
        const enum gw_move move = row->run(exchange);
        exchange->step = move == GW_MOVE_OTHER ? row->other : row->next;
        if (move == GW_MOVE_WAIT) {
            return;
        }
    }
    gw_exchange_unref(exchange);
}

void gw_exchange_resume(struct eg_exchange *exchange) {
    GW_MAGIC_CHECK(exchange, GW_EXCHANGE_MAGIC);
    gw_exchange_run(exchange);
}

void gw_exchange_log(const struct eg_exchange *exchange, uint32_t level, const char *text,
                     const char *name, struct eg_str value) {
    if (!gw_log_enabled(level)) {
        return;
    }
    const struct eg_kv fields[] = {
        {GW_STR("request_id"), exchange->request->request_id},
        {gw_str_c(name), value},
    };
    gw_log_write(level, (struct eg_str){0}, gw_str_c(text), fields, name == NULL ? 1 : 2);
}

void gw_exchange_seed(const struct eg_exchange *exchange, struct gw_event_seed *ret_seed) {
    gw_uuid4(ret_seed->uuid);
    ret_seed->unix_ns = gw_unix_ns();
    ret_seed->version = exchange->flow->config.event_version;
    ret_seed->json_depth = exchange->flow->config.json_depth;
}

struct eg_event *gw_event_fork(struct gw_arena *arena, const struct eg_event *event) {
    struct eg_event *fork = gw_arena_alloc(arena, sizeof *fork);
    *fork = *event;
    memset(fork->written, 0, sizeof fork->written);
    struct gw_extension **end = &fork->extensions;
    for (const struct gw_extension *e = event->extensions; e != NULL; e = e->next) {
        struct gw_extension *copy = gw_arena_alloc(arena, sizeof *copy);
        *copy = *e;
        *end = copy;
        end = &copy->next;
    }
    *end = NULL;
    return fork;
}
