/*
 * flow/chain.c - one middleware hook over the chain. Hooks are rows of a table, so that the walk is
 * written once.
 *
 * A hook that fails or passes its deadline ends the chain with a 500; a stop without a reply too,
 * since the client has to be answered something.
 */
#include "flow/chain.h"

#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"
#include "flow/exchange.h"

static const struct eg_middleware_ops *ops_of(const struct gw_instance *m) {
    return m->component->ops;
}

static int32_t call_request(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                            struct eg_op *op) {
    return ops_of(m)->on_request(m->self, slot, x, op);
}

static int32_t call_event(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                          struct eg_op *op) {
    return ops_of(m)->on_event(m->self, slot, x, x->item->event, op);
}

static int32_t call_reply(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                          struct eg_op *op) {
    return ops_of(m)->on_reply(m->self, slot, x, op);
}

struct hook_row {
    const char *name;
    bool is_reverse;
    size_t offset; /* in the ops */
    int32_t (*call)(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                    struct eg_op *op);
};
#define HOOK(name, is_reverse, call)                                                               \
    { #name, is_reverse, offsetof(struct eg_middleware_ops, name), call }
static const struct hook_row hooks[GW_HOOKS] = {
    [GW_HOOK_REQUEST] = HOOK(on_request, false, call_request),
    [GW_HOOK_EVENT] = HOOK(on_event, false, call_event),
    [GW_HOOK_REPLY] = HOOK(on_reply, true, call_reply),
};

static bool has_hook(const struct gw_instance *m, enum gw_hook hook) {
    void (*function)(void) = NULL;
    memcpy(&function, (const char *)ops_of(m) + hooks[hook].offset, sizeof function);
    return function != NULL;
}

static size_t place_at(const struct eg_exchange *x, size_t done) {
    const size_t count = x->chains->of_kind[EG_KIND_MIDDLEWARE].count;
    return hooks[x->chain.hook].is_reverse ? count - 1 - done : done;
}

static struct gw_instance *instance_at(const struct eg_exchange *x, size_t done) {
    return x->chains->of_kind[EG_KIND_MIDDLEWARE].items[place_at(x, done)];
}

static void fail(struct eg_exchange *x, const struct gw_instance *m, int32_t status,
                 struct eg_str reason) {
    const struct eg_kv fields[] = {
        {GW_STR("request_id"), x->request->request_id},
        {GW_STR("middleware"), gw_str_c(m->name)},
        {GW_STR("hook"), gw_str_c(hooks[x->chain.now].name)},
        {GW_STR("reason"), reason.len > 0 ? reason : gw_str_c(gw_error_text(status))},
    };
    gw_log_write(EG_LOG_ERROR, (struct eg_str){0}, GW_STR("middleware failed"), fields,
                 sizeof fields / sizeof fields[0]);
    gw_answer_error(x, 500, GW_STR("Internal Server Error"));
}

/* true: the chain goes on; after a late on_request with the same instance. */
static bool judge(struct eg_exchange *x, int32_t verdict, struct eg_str reason) {
    struct gw_instance *m = instance_at(x, x->chain.done);
    const size_t place = place_at(x, x->chain.done);
    const bool is_late = x->chain.now != x->chain.hook;
    const bool is_silent = verdict == EG_STOP && x->answer.status == 0;
    x->chain.is_stopped = verdict != EG_NEXT;
    gw_trace_hook_end(x, x->chain.span, verdict, reason);
    x->chain.span = NULL;
    if (is_silent || verdict > EG_STOP) { /* its op knows of no error */
        gw_op_count_error(m, x->flow->loop_index);
    }
    if (verdict < 0 || verdict > EG_STOP) {
        fail(x, m, verdict, reason);
    } else if (is_silent) {
        fail(x, m, EG_E_PROTO, GW_STR("stopped without a reply"));
    }
    if (is_late) {
        gw_scope_note(x, place, x->chain.is_stopped);
    }
    x->chain.done += !is_late || x->chain.is_stopped;
    return !x->chain.is_stopped;
}

static bool walk(struct eg_exchange *x);

static void on_verdict(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct eg_exchange *x = wait->exchange;
    const int32_t verdict = status < 0 ? status : result->verdict;
    const struct eg_str reason = result == NULL ? (struct eg_str){0} : result->message;
    if (!judge(x, verdict, reason) || walk(x)) {
        gw_exchange_resume(x);
    }
}

/* Is the instance to be asked now, and what? Else it is passed over, or has refused before. */
static bool choose(struct eg_exchange *x, const struct gw_instance *m) {
    x->chain.now = x->chain.hook;
    if (m->match == NULL) {
        return true;
    }
    const enum gw_scope_part part = gw_scope_judge(x, m, place_at(x, x->chain.done), x->chain.hook);
    x->chain.now = part == GW_PART_LATE ? GW_HOOK_REQUEST : x->chain.hook;
    x->chain.is_stopped = part == GW_PART_REFUSED;
    return part == GW_PART_ASK || part == GW_PART_LATE;
}

/* What the instance says; EG_PENDING: it will be told later. */
static int32_t ask(struct eg_exchange *x, struct gw_instance *m) {
    const struct gw_flow *flow = x->flow;
    struct gw_wait *wait = gw_wait_take(x);
    x->chain.span = gw_trace_hook(x, m, hooks[x->chain.now].name);
    gw_wait_begin(wait, m, flow->config.middleware_timeout_ns, on_verdict, NULL);
    const int32_t verdict =
        hooks[x->chain.now].call(m, gw_instance_slot(m, flow->loop_index), x, &wait->op.pub);
    gw_wait_called(wait, verdict);
    return verdict;
}

/* true: the chain has ended; false: it waits for an op. */
static bool walk(struct eg_exchange *x) {
    const size_t count = x->chains->of_kind[EG_KIND_MIDDLEWARE].count;
    while (x->chain.done < count && !x->chain.is_stopped) {
        struct gw_instance *m = instance_at(x, x->chain.done);
        if (!choose(x, m)) {
            x->chain.done++;
            continue;
        }
        const int32_t verdict = has_hook(m, x->chain.now) ? ask(x, m) : EG_NEXT;
        if (verdict == EG_PENDING) {
            return false;
        }
        (void)judge(x, verdict, (struct eg_str){0});
    }
    return true;
}

bool gw_chain_start(struct eg_exchange *exchange, enum gw_hook hook) {
    exchange->chain = (struct gw_chain_run){.hook = hook};
    return !exchange->chains->has_hook[hook] || walk(exchange);
}
