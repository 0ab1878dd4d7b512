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

static int32_t call_request(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                            struct eg_op *op) {
    const struct eg_middleware_ops *ops = m->component->ops;
    return ops->on_request == NULL ? EG_NEXT : ops->on_request(m->self, slot, x, op);
}

static int32_t call_event(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                          struct eg_op *op) {
    const struct eg_middleware_ops *ops = m->component->ops;
    return ops->on_event == NULL ? EG_NEXT : ops->on_event(m->self, slot, x, x->item->event, op);
}

static int32_t call_reply(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                          struct eg_op *op) {
    const struct eg_middleware_ops *ops = m->component->ops;
    return ops->on_reply == NULL ? EG_NEXT : ops->on_reply(m->self, slot, x, op);
}

struct hook_row {
    const char *name;
    bool is_reverse;
    int32_t (*call)(const struct gw_instance *m, void *slot, struct eg_exchange *x,
                    struct eg_op *op);
};
static const struct hook_row hooks[GW_HOOKS] = {
    [GW_HOOK_REQUEST] = {"on_request", false, call_request},
    [GW_HOOK_EVENT] = {"on_event", false, call_event},
    [GW_HOOK_REPLY] = {"on_reply", true, call_reply},
};

static struct gw_instance *instance_at(const struct eg_exchange *x, size_t done) {
    const size_t count = x->flow->middleware_count;
    return x->flow->middleware[hooks[x->chain.hook].is_reverse ? count - 1 - done : done];
}

static void fail(struct eg_exchange *x, const struct gw_instance *m, int32_t status,
                 struct eg_str reason) {
    const struct eg_kv fields[] = {
        {GW_STR("request_id"), x->request->request_id},
        {GW_STR("middleware"), gw_str_c(m->name)},
        {GW_STR("hook"), gw_str_c(hooks[x->chain.hook].name)},
        {GW_STR("reason"), reason.len > 0 ? reason : gw_str_c(gw_error_text(status))},
    };
    gw_log_write(EG_LOG_ERROR, (struct eg_str){0}, GW_STR("middleware failed"), fields,
                 sizeof fields / sizeof fields[0]);
    gw_counters_plugin_error(m->name);
    gw_answer_error(x, 500, GW_STR("Internal Server Error"));
}

/* true: the chain goes on. */
static bool judge(struct eg_exchange *x, int32_t verdict, struct eg_str reason) {
    const struct gw_instance *m = instance_at(x, x->chain.done);
    x->chain.done++;
    if (verdict == EG_NEXT) {
        return true;
    }
    x->chain.is_stopped = true;
    if (verdict != EG_STOP) {
        fail(x, m, verdict, reason);
    } else if (x->answer.status == 0) {
        fail(x, m, EG_E_PROTO, GW_STR("stopped without a reply"));
    }
    return false;
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

/* true: the chain has ended; false: it waits for an op. */
static bool walk(struct eg_exchange *x) {
    const struct gw_flow *flow = x->flow;
    while (x->chain.done < flow->middleware_count) {
        struct gw_instance *m = instance_at(x, x->chain.done);
        struct gw_wait *wait = gw_wait_take(x);
        gw_wait_begin(wait, m, flow->config.middleware_timeout_ns, on_verdict, NULL);
        const char *former = gw_loop_blame(flow->loop, m->name);
        const int32_t verdict =
            hooks[x->chain.hook].call(m, gw_instance_slot(m, flow->loop_index), x, &wait->op.pub);
        gw_loop_blame(flow->loop, former);
        if (verdict == EG_PENDING) {
            return false;
        }
        gw_wait_unused(wait);
        if (!judge(x, verdict, (struct eg_str){0})) {
            return true;
        }
    }
    return true;
}

bool gw_chain_start(struct eg_exchange *exchange, enum gw_hook hook) {
    exchange->chain = (struct gw_chain_run){.hook = hook};
    return !exchange->flow->has_hook[hook] || walk(exchange);
}
