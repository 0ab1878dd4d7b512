/*
 * flow/function_api.c - the function service of the plugin ABI (struct eg_function_api): a provider
 * that was asked to call one function has another do the work. Loop thread of the exchange.
 *
 * The inner call is one of the exchange's like any other: it is looked up in the snapshot of the
 * exchange, holds the exchange until its done, is on the ledger of its own provider, and has a
 * deadline, a span and a class of its own. On the ledger of the provider that asked it is too,
 * since that is called back, and may have ended its own op long before.
 *
 * What it borrows lives in the arena, but the payload of an authorizer, which goes with the outer
 * op: it has one of its own, with the event in its version. Inner calls have no `call` in their
 * invocation, so that is where it ends: functions that lead to each other would go round for ever.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "flow/exchange.h"

struct eg_function_call {
    struct gw_wait wait;
    struct eg_invocation invocation;
    struct gw_instance *caller;
    struct gw_span *span;
    void (*on_done)(void *arg, int32_t status, const struct eg_result *result);
    void *arg;
};

static void on_result(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct eg_function_call *call = wait->arg;
    struct eg_loop *loop = wait->exchange->flow->loop;
    struct eg_result given = {.struct_size = sizeof given, .call_class = EG_CALL_TRANSIENT};
    gw_trace_call_end(wait->exchange, call->span, status, result);
    if (result != NULL) {
        given = *result;
        result->body = (struct eg_buf){0};
    }
    if (status < 0 && given.message.len == 0) {
        given.message = gw_str_c(gw_error_text(status));
    }
    const char *former = gw_loop_blame(loop, call->caller->name);
    call->on_done(call->arg, status, &given);
    (void)gw_loop_blame(loop, former);
    gw_ledger_leave(call->caller, gw_loop_index(loop));
}

/* An invocation without an event is that of an authorizer. What the outer call lends is good until
 * its op is done, and this one may last longer. */
static struct eg_str payload_of(struct eg_function_call *call, const struct gw_callee *callee,
                                const struct eg_invocation *outer) {
    if (outer->event != NULL) { /* only the cache of written texts changes */
        return gw_event_json((struct eg_event *)(uintptr_t)outer->event,
                             callee->target->traits.event_version);
    }
    call->wait.held = gw_authorize_payload(call->wait.exchange, callee->target);
    return gw_str(call->wait.held.ptr, call->wait.held.len);
}

static struct eg_str type_of(const struct gw_callee *callee, const struct eg_invocation *outer) {
    return outer->event == NULL
               ? outer->content_type
               : gw_event_media_type(outer->event, callee->target->traits.event_version);
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns) {
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

static void start(struct eg_function_call *call, const struct gw_callee *callee,
                  const struct gw_op *outer, uint64_t deadline_ns) {
    struct eg_exchange *x = call->wait.exchange;
    call->wait.until_ns = earlier(outer->pub.deadline_ns, deadline_ns);
    call->invocation = (struct eg_invocation){
        .struct_size = sizeof call->invocation,
        .is_async = outer->invocation->is_async,
        .space = callee->object->space,
        .function_id = callee->object->id,
        .payload = payload_of(call, callee, outer->invocation),
        .request_id = x->request->request_id,
        .event = outer->invocation->event,
        .content_type = type_of(callee, outer->invocation),
    };
    call->span = gw_trace_inner_call(x, callee, outer->invocation, &call->invocation);
    gw_ledger_enter(call->caller, x->flow->loop_index);
    gw_wait_invoke(&call->wait, callee->target, &call->invocation,
                   x->flow->config.function_timeout_ns, on_result, call);
}

/* Of the loop first: on another thread nothing may be looked at. */
static bool is_own(const struct gw_instance *caller, const struct gw_wait *outer) {
    return outer->exchange->flow->loop == gw_loop_current() && outer->op.instance == caller;
}

static int32_t function_call(const struct eg_host *host, const struct eg_call *from,
                             struct eg_str function_id, uint64_t deadline_ns,
                             void (*on_done)(void *arg, int32_t status,
                                             const struct eg_result *result),
                             void *arg, struct eg_function_call **ret_call) {
    struct gw_instance *caller = gw_host_instance(host);
    const struct gw_wait *outer = gw_wait_of_call(from);
    if (outer == NULL) {
        return EG_E_UNSUPPORTED;
    }
    if (on_done == NULL || ret_call == NULL || !is_own(caller, outer)) {
        gw_logf(EG_LOG_ERROR,
                "component '%s' calls function->call wrongly (call, loop or callback)",
                caller->name);
        return EG_E_INVAL;
    }
    if (!gw_op_is_wanted(&outer->op)) {
        return EG_E_CANCELED;
    }
    const struct gw_callee *callee = gw_snapshot_callee(gw_exchange_snapshot(outer->exchange),
                                                        outer->op.invocation->space, function_id);
    if (callee == NULL || callee->target == NULL) {
        return callee == NULL ? EG_E_NOTFOUND : EG_E_UNAVAILABLE;
    }
    struct eg_function_call *call = gw_arena_zalloc(outer->exchange->arena, sizeof *call);
    call->wait.exchange = outer->exchange;
    call->caller = caller;
    call->on_done = on_done;
    call->arg = arg;
    start(call, callee, &outer->op, deadline_ns);
    *ret_call = call;
    return EG_OK;
}

static void function_cancel(const struct eg_host *host, struct eg_function_call *call) {
    (void)host;
    if (call != NULL) {
        gw_op_cancel(&call->wait.op);
    }
}

const struct eg_function_api *gw_flow_function_api(void) {
    static const struct eg_function_api api = {
        .struct_size = sizeof api, .call = function_call, .cancel = function_cancel};
    return &api;
}
