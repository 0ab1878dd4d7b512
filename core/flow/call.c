/*
 * flow/call.c - see call.h. A small machine of stages; each either ends (true: go on with the next)
 * or waits (false: resumed from the loop).
 *
 * Quirks kept: invoking is told also when the function is missing, invocationFailed is not then,
 * nor after a veto (9.1). A verdict at invoked or invocationFailed is ignored.
 */
#include "flow/call.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "flow/exchange.h"

enum call_stage { STAGE_INVOKING, STAGE_INVOKE, STAGE_OUTCOME, STAGE_END };

static bool run(struct gw_call *call);

static void resume(struct gw_call *call) {
    if (run(call)) {
        call->then(call);
    }
}

static void on_notified(struct gw_notify *notify) {
    resume(notify->arg);
}

/* Chapter 12: in hosted mode the function events go to the space's own path. */
static struct eg_str notify_path(const struct gw_call *call) {
    if (!call->exchange->flow->config.is_hosted) {
        return GW_STR("/");
    }
    return gw_arena_printf(call->exchange->arena, "/%.*s/", GW_FMT(call->space));
}

static bool tell(struct gw_call *call, struct gw_notify *notify, enum gw_sysevent which) {
    notify->is_vetoed = false;
    if (call->is_system) {
        return true;
    }
    gw_counters_sysevent(&call->exchange->flow->counters, call->space, which);
    const struct eg_str path = notify_path(call);
    if (!gw_notify_is_wanted(call->exchange, which, path)) {
        return true;
    }
    const struct gw_sysevent_data data = {
        .event = call->event,
        .space = call->space,
        .function_id = call->function_id,
        .result = {call->body.ptr, call->body.len},
        .error = call->error,
    };
    notify->then = on_notified;
    notify->arg = call;
    return gw_notify_start(notify, call->exchange, which, path, &data);
}

static void lose(struct gw_call *call) {
    const struct eg_kv fields[] = {
        {GW_STR("request_id"), call->exchange->request->request_id},
        {GW_STR("space"), call->space},
        {GW_STR("functionId"), call->function_id},
    };
    gw_log_write(EG_LOG_ERROR, (struct eg_str){0}, GW_STR("unable to look up registered function"),
                 fields, sizeof fields / sizeof fields[0]);
    call->is_lost = true;
}

static void on_result(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct gw_call *call = wait->arg;
    struct gw_arena *arena = call->exchange->arena;
    gw_trace_call_end(call->exchange, call->span, status, result);
    call->call_class = result == NULL ? EG_CALL_TRANSIENT : result->call_class; /* a deadline */
    if (status >= 0 && (call->call_class == EG_CALL_OK || call->call_class == EG_CALL_ACCEPTED)) {
        call->is_ok = true;
        call->body = result->body;
        result->body = (struct eg_buf){0};
    } else {
        const bool has_text = result != NULL && result->message.len > 0;
        call->error = has_text ? gw_arena_dup(arena, result->message)
                               : gw_str_c(gw_error_text(status < 0 ? status : EG_E_INTERNAL));
        call->client_text =
            result == NULL ? (struct eg_str){0} : gw_arena_dup(arena, result->client_text);
    }
    resume(call);
}

static bool stage_invoking(struct gw_call *call) {
    call->stage = STAGE_INVOKE;
    return tell(call, &call->invoking, GW_SYS_INVOKING);
}

static bool stage_invoke(struct gw_call *call) {
    struct eg_exchange *x = call->exchange;
    const struct gw_callee *callee = call->callee;
    call->stage = STAGE_END;
    if (call->invoking.is_vetoed) {
        return true;
    }
    if (callee == NULL) {
        lose(call);
        return true;
    }
    call->stage = STAGE_OUTCOME;
    if (callee->target == NULL) {
        lose(call);
        call->error = GW_STR("the function's provider is not available");
        return true;
    }
    call->invocation = (struct eg_invocation){
        .struct_size = sizeof call->invocation,
        .is_async = call->is_async,
        .space = call->space,
        .function_id = call->function_id,
        .payload = gw_event_json(call->event, callee->target->traits.event_version),
        .request_id = x->request->request_id,
        .event = call->event,
        .call = gw_wait_call(&call->wait),
        .content_type = gw_event_media_type(call->event, callee->target->traits.event_version),
    };
    call->span = gw_trace_call(x, EG_SPAN_FUNCTION, callee, call->event, &call->invocation);
    gw_wait_invoke(&call->wait, callee->target, &call->invocation,
                   x->flow->config.function_timeout_ns, on_result, call);
    return false;
}

static bool stage_outcome(struct gw_call *call) {
    call->stage = STAGE_END;
    if (!call->is_ok && !call->is_system) {
        call->exchange->flow->face->call_failed(call);
    }
    return tell(call, &call->ended, call->is_ok ? GW_SYS_INVOKED : GW_SYS_FAILED);
}

static bool (*const stages[])(struct gw_call *call) = {
    [STAGE_INVOKING] = stage_invoking,
    [STAGE_INVOKE] = stage_invoke,
    [STAGE_OUTCOME] = stage_outcome,
};

static bool run(struct gw_call *call) {
    while (call->stage != STAGE_END) {
        if (!stages[call->stage](call)) {
            return false;
        }
    }
    return true;
}

bool gw_call_start(struct gw_call *call) {
    call->stage = STAGE_INVOKING;
    call->span = NULL;
    return run(call);
}
