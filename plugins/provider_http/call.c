/*
 * call.c - one POST per call. Loop thread; the request given to the http service lives in a struct
 * that is used again by later calls of the same loop, so that a call allocates nothing.
 *
 * Which answers are failures: transport errors always; status 500 always; the other 5xx unless
 * fail_on = "500-only" (the original's rule). The body of any other status is the function's
 * result, also of a 404 (chapter 8.2).
 */
#include <stdio.h>

#include <eventgw-sdk/egx_http.h>

#include "provider_http.h"

#define CALL_MAGIC 0x48545043u /* "HTPC" */
/* The host ends the call at the op's deadline; the transfer's own limit only backs that up. */
#define GRACE_NS 1000000000u

struct http_slot;

struct http_call {
    uint32_t magic;
    struct http_slot *slot;
    struct http_call *next; /* in the slot's list of calls in flight, or of free ones */
    struct http_call *prev;
    struct eg_op *op;
    struct eg_http_call *handle;
    struct eg_http_request request;
    struct eg_kv headers[1 + EGX_TRACE_HEADERS];
};

struct http_slot {
    struct http_instance *instance;
    struct eg_loop *loop;
    struct http_call *active;
    struct http_call *free;
};

int32_t provider_http_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct http_instance *i = instance;
    struct http_slot *slot = i->host->mem->alloc(i->host, sizeof *slot);
    slot->instance = i;
    slot->loop = loop;
    *ret_slot = slot;
    return EG_OK;
}

/* Nothing is in flight any more: the ledger was empty or was given up. */
void provider_http_detach(void *instance, void *slot) {
    const struct http_instance *i = instance;
    struct http_slot *s = slot;
    if (s == NULL) {
        return;
    }
    while (s->free != NULL) {
        struct http_call *call = s->free;
        s->free = call->next;
        i->host->mem->free(i->host, call);
    }
    i->host->mem->free(i->host, s);
}

static struct http_call *call_take(struct http_slot *slot) {
    const struct eg_host *host = slot->instance->host;
    struct http_call *call = slot->free;
    if (call != NULL) {
        slot->free = call->next;
        memset(call, 0, sizeof *call);
    } else {
        call = host->mem->alloc(host, sizeof *call);
    }
    call->magic = CALL_MAGIC;
    call->slot = slot;
    call->next = slot->active;
    if (slot->active != NULL) {
        slot->active->prev = call;
    }
    slot->active = call;
    return call;
}

static void call_put(struct http_call *call) {
    struct http_slot *slot = call->slot;
    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        slot->active = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    call->magic = 0;
    call->prev = NULL;
    call->next = slot->free;
    slot->free = call;
}

static int is_failure(const struct http_instance *instance, int32_t status) {
    return status == 500 || (status > 500 && status <= 599 && !instance->is_500_only);
}

static void end_failed(struct eg_op *op, int32_t status) {
    char text[64];
    struct eg_result result = egx_result();
    result.call_class = status >= 502 && status <= 504 ? EG_CALL_TRANSIENT : EG_CALL_FUNCTION;
    result.http_status = (uint32_t)status;
    result.message =
        egx_str_n(text, (size_t)snprintf(text, sizeof text, "HTTP status code: %d", (int)status));
    op->done(op, EG_OK, &result);
}

static void end_transport(struct eg_op *op, const struct eg_http_response *response) {
    egx_done_call_failed(op, response->error, EG_CALL_TRANSIENT, "%.*s",
                         EGX_FMT(response->message));
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct http_call *call = arg;
    struct eg_op *op = call->op;
    const struct http_instance *instance = call->slot->instance;
    struct eg_buf body = response->body;
    call_put(call);
    if (response->error != 0) {
        end_transport(op, response);
    } else if (is_failure(instance, response->status)) {
        end_failed(op, response->status);
    } else {
        egx_done_call(op, (uint32_t)response->status, body);
        return;
    }
    egx_buf_release(&body);
}

static uint64_t timeout_of(const struct eg_host *host, const struct eg_op *op) {
    if (op->deadline_ns == 0) {
        return 0;
    }
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    return (op->deadline_ns > now_ns ? op->deadline_ns - now_ns : 0) + GRACE_NS;
}

int32_t provider_http_invoke(void *instance, void *slot, void *target,
                             const struct eg_invocation *invocation, struct eg_op *op) {
    const struct http_instance *i = instance;
    const struct http_target_settings *settings = target;
    struct http_slot *s = slot;
    struct http_call *call = call_take(s);
    call->op = op;
    call->headers[0] =
        (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/cloudevents+json")};
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = i->settings->redirects ? 0 : EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("POST"),
        .url = settings->url,
        .headers = call->headers,
        .header_count = 1 + egx_trace_headers(invocation, call->headers + 1),
        .body = invocation->payload,
        .timeout_ns = timeout_of(i->host, op),
        .max_response_bytes = i->settings->max_response,
    };
    const int32_t status =
        i->host->http->send(i->host, s->loop, &call->request, on_response, call, &call->handle);
    if (status < 0) {
        call_put(call);
    }
    if (status == EG_E_INVAL) { /* mailto:x and the like: it will never work */
        egx_done_call_failed(op, status, EG_CALL_PERMANENT, "the url cannot be called by HTTP");
        return EG_OK;
    }
    return status;
}

void provider_http_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct http_instance *i = instance;
    const struct http_slot *s = slot;
    for (struct http_call *call = s->active; call != NULL; call = call->next) {
        if (call->op == op) {
            i->host->http->cancel(i->host, call->handle);
            return;
        }
    }
}
