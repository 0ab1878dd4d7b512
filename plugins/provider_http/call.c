/*
 * call.c - one POST per call. Loop thread; the request given to the http service lives in a struct
 * that is used again by later calls of the same loop, so that a call allocates nothing. The slot is
 * the list of these calls.
 *
 * Which answers are failures: those that egx_http_done says, with the setting fail_on (chapter
 * 8.2).
 */
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/egx_http.h>

#include "provider_http.h"

struct http_call {
    struct egx_call head;
    struct eg_http_call *handle;
    struct eg_http_request request;
    struct eg_kv headers[1 + EGX_TRACE_HEADERS];
};

int32_t provider_http_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct http_instance *i = instance;
    return egx_calls_attach(i->host, instance, loop, sizeof(struct http_call), ret_slot);
}

void provider_http_detach(void *instance, void *slot) {
    (void)instance;
    egx_calls_detach(slot);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct http_call *call = arg;
    struct eg_op *op = call->head.op;
    const struct http_instance *instance = call->head.calls->instance;
    egx_call_put(call);
    egx_http_done(op, response, instance->is_500_only != 0);
}

int32_t provider_http_invoke(void *instance, void *slot, void *target,
                             const struct eg_invocation *invocation, struct eg_op *op) {
    const struct http_instance *i = instance;
    const struct http_target_settings *settings = target;
    struct http_call *call = egx_call_take(slot, op);
    call->headers[0] = (struct eg_kv){EGX_STR("Content-Type"), egx_content_type(invocation)};
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = i->settings->redirects ? 0 : EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("POST"),
        .url = settings->url,
        .headers = call->headers,
        .header_count = 1 + egx_trace_headers(invocation, call->headers + 1),
        .body = invocation->payload,
        .timeout_ns = egx_http_timeout(i->host, op),
        .max_response_bytes = i->settings->max_response,
    };
    const int32_t status = i->host->http->send(i->host, call->head.calls->loop, &call->request,
                                               on_response, call, &call->handle);
    if (status < 0) {
        egx_call_put(call);
    }
    if (status == EG_E_INVAL) { /* mailto:x and the like: it will never work */
        egx_done_call_failed(op, status, EG_CALL_PERMANENT, "the url cannot be called by HTTP");
        return EG_OK;
    }
    return status;
}

void provider_http_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct http_instance *i = instance;
    const struct http_call *call = egx_call_find(slot, op);
    if (call != NULL) {
        i->host->http->cancel(i->host, call->handle);
    }
}
