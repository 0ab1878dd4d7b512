/*
 * call.c - one POST per call: {"functionId": ..., "payload": the event}. Loop thread; the slot is
 * the list of the loop's calls, and a call owns its body until it ends.
 *
 * The emulator answers with what the function returned, as it is. Which answers are failures:
 * those that egx_http_done says, with the setting fail_on.
 */
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/egx_http.h>

#include "provider_emulator.h"

struct emulator_call {
    struct egx_call head;
    struct eg_http_call *handle;
    struct egx_json body;
    struct eg_http_request request;
    struct eg_kv headers[1 + EGX_TRACE_HEADERS];
};

int32_t emulator_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct emulator_instance *i = instance;
    return egx_calls_attach(i->host, instance, loop, sizeof(struct emulator_call), ret_slot);
}

void emulator_detach(void *instance, void *slot) {
    (void)instance;
    egx_calls_detach(slot);
}

static void call_put(struct emulator_call *call) {
    egx_json_free(&call->body);
    egx_call_put(call);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct emulator_call *call = arg;
    struct eg_op *op = call->head.op;
    const struct emulator_instance *instance = call->head.calls->instance;
    call_put(call);
    egx_http_done(op, response, instance->is_500_only != 0);
}

static void put_body(const struct eg_invocation *invocation, struct egx_json *out) {
    egx_json_open(out, '{');
    egx_json_key(out, EGX_STR("functionId"));
    egx_json_string(out, invocation->function_id);
    egx_json_key(out, EGX_STR("payload"));
    egx_json_value(out, invocation->payload);
    egx_json_close(out, '}');
}

/* 0, or why it was refused. */
static int32_t send(struct emulator_call *call, const struct emulator_target *target,
                    const struct eg_invocation *invocation) {
    const struct emulator_instance *i = call->head.calls->instance;
    put_body(invocation, &call->body);
    if (call->body.is_failed || target->url.is_failed) {
        return EG_E_INTERNAL; /* out of memory */
    }
    call->headers[0] = (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/json")};
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = i->settings->redirects ? 0 : EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("POST"),
        .url = egx_json_text(&target->url),
        .headers = call->headers,
        .header_count = 1 + egx_trace_headers(invocation, call->headers + 1),
        .body = egx_json_text(&call->body),
        .timeout_ns = egx_http_timeout(i->host, call->head.op),
        .max_response_bytes = i->settings->max_response,
    };
    return i->host->http->send(i->host, call->head.calls->loop, &call->request, on_response, call,
                               &call->handle);
}

int32_t emulator_invoke(void *instance, void *slot, void *target,
                        const struct eg_invocation *invocation, struct eg_op *op) {
    const struct emulator_target *t = target;
    (void)instance;
    if (t->defect != NULL) {
        egx_done_call_failed(op, EG_E_INVAL, EG_CALL_PERMANENT, "%s", t->defect);
        return EG_OK;
    }
    struct emulator_call *call = egx_call_take(slot, op);
    const int32_t status = send(call, t, invocation);
    if (status < 0) {
        call_put(call);
    }
    if (status == EG_E_INVAL) { /* mailto:x and the like: it will never work */
        egx_done_call_failed(op, status, EG_CALL_PERMANENT,
                             "the emulatorUrl cannot be called by HTTP");
        return EG_OK;
    }
    return status;
}

void emulator_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct emulator_instance *i = instance;
    const struct emulator_call *call = egx_call_find(slot, op);
    if (call != NULL) {
        i->host->http->cancel(i->host, call->handle);
    }
}
