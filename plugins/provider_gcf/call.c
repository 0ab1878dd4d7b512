/*
 * call.c - one call of one function: a token, a POST, and, when the token was refused, once more
 * with a new one. Loop thread.
 *
 *   invoke -> [wait for a token] -> send -> answer -> [401, 403: new token -> send -> answer] ->
 * done
 *
 * A call belongs to the slot of its loop, in the list of its calls, from invoke to done.
 */
#include "provider_gcf.h"

struct gcf_call {
    struct egx_call head;
    struct gcf_waiter waiter;
    const struct gcf_target *target;
    struct eg_http_call *handle; /* while the request is out */
    struct gcf_wire wire;
    struct eg_http_request request;
    uint32_t is_second;
    uint32_t is_canceled;
};

int32_t gcf_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct gcf_instance *i = instance;
    struct gcf_slot *slot = i->host->mem->alloc(i->host, sizeof *slot);
    slot->instance = i;
    slot->loop = loop;
    egx_calls_init(&slot->calls, i->host, i, loop, sizeof(struct gcf_call));
    (void)pthread_mutex_lock(&i->lock);
    slot->next = i->slots;
    i->slots = slot;
    (void)pthread_mutex_unlock(&i->lock);
    *ret_slot = slot;
    return EG_OK;
}

/* Nothing is in flight any more (the ledger was empty or was given up), but a fetch may wait for
 * its next try. */
void gcf_detach(void *instance, void *slot) {
    struct gcf_instance *i = instance;
    struct gcf_slot *s = slot;
    gcf_fetch_stop_all(s);
    (void)pthread_mutex_lock(&i->lock);
    struct gcf_slot **at = &i->slots;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    (void)pthread_mutex_unlock(&i->lock);
    egx_calls_clear(&s->calls);
    i->host->mem->free(i->host, s);
}

static void on_drain(void *slot) {
    gcf_fetch_stop_all(slot);
}

void gcf_drain(void *instance) {
    struct gcf_instance *i = instance;
    atomic_store(&i->is_draining, 1);
    (void)pthread_mutex_lock(&i->lock);
    for (struct gcf_slot *slot = i->slots; slot != NULL; slot = slot->next) {
        i->host->loop->post(i->host, slot->loop, on_drain, slot);
    }
    (void)pthread_mutex_unlock(&i->lock);
}

static const struct eg_host *host_of(const struct gcf_call *call) {
    return call->head.calls->host;
}

/* The call is no more; its op is left to be ended. */
static struct eg_op *close_call(struct gcf_call *call) {
    const struct eg_host *host = host_of(call);
    struct eg_op *op = call->head.op;
    gcf_token_drop(host, call->waiter.token);
    gcf_wire_free(host, &call->wire);
    egx_call_put(call);
    return op;
}

static void end_canceled(struct gcf_call *call) {
    egx_done_call_failed(close_call(call), EG_E_CANCELED, EG_CALL_TRANSIENT, "canceled");
}

static void get_token(struct gcf_call *call);

/* 401 and 403 with a token of ours: maybe it is the token. */
static int may_try_again(const struct gcf_call *call, const struct eg_http_response *response) {
    return call->waiter.token != NULL && !call->is_second && !call->is_canceled &&
           response->error == 0 && (response->status == 401 || response->status == 403) &&
           gcf_source_refused(call->target->source, call->waiter.token);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct gcf_call *call = arg;
    const struct eg_host *host = host_of(call);
    call->handle = NULL;
    if (may_try_again(call, response)) {
        struct eg_buf body = response->body;
        egx_buf_release(&body);
        call->is_second = 1;
        gcf_token_drop(host, call->waiter.token);
        call->waiter.token = NULL;
        get_token(call);
        return;
    }
    gcf_answer_end(host, close_call(call), response);
}

static void send_call(struct gcf_call *call) {
    const struct eg_host *host = host_of(call);
    const struct gcf_instance *instance = call->head.calls->instance;
    const struct gcf_token *token = call->waiter.token;
    const size_t skip = token == NULL ? 1 : 0; /* headers[0] is for the token */
    if (token != NULL) {
        call->wire.headers[0].name = EGX_STR("Authorization");
        call->wire.headers[0].value = egx_str_n(token->header, token->header_len);
    }
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("POST"),
        .url = call->target->settings->url,
        .headers = call->wire.headers + skip,
        .header_count = call->wire.header_count - skip,
        .body = call->wire.body,
        .timeout_ns = egx_http_timeout(host, call->head.op),
        .max_response_bytes = instance->settings->max_response,
        .ca_file = instance->settings->ca_file,
    };
    const int32_t rc = host->http->send(host, call->head.calls->loop, &call->request, on_response,
                                        call, &call->handle);
    if (rc < 0) {
        egx_done_call_failed(
            close_call(call), rc, rc == EG_E_INVAL ? EG_CALL_PERMANENT : EG_CALL_TRANSIENT, "%s",
            rc == EG_E_INVAL ? "the url cannot be called by HTTP" : egx_error_text(rc));
    }
}

/* With a token, or the reason why there is none. */
static void on_token(void *waiter) {
    struct gcf_call *call =
        (struct gcf_call *)(void *)((char *)waiter - offsetof(struct gcf_call, waiter));
    if (call->is_canceled) {
        end_canceled(call);
    } else if (call->waiter.token != NULL) {
        send_call(call);
    } else {
        const struct gcf_failure failure = call->waiter.failure;
        egx_done_call_failed(close_call(call), failure.status, failure.call_class, "%s",
                             failure.text);
    }
}

static void get_token(struct gcf_call *call) {
    if (gcf_source_token(call->target->source, &call->waiter)) {
        send_call(call);
    }
}

int32_t gcf_invoke(void *instance, void *slot, void *target, const struct eg_invocation *invocation,
                   struct eg_op *op) {
    const struct gcf_instance *i = instance;
    struct gcf_slot *s = slot;
    const struct gcf_target *t = target;
    struct eg_why why = {.struct_size = sizeof why};
    struct gcf_wire wire;
    const int32_t rc = gcf_wire_make(i->host, invocation, t->is_structured, &wire, &why);
    if (rc < 0) {
        egx_done_call_failed(op, rc, EG_CALL_PERMANENT, "%.*s", (int)why.len, why.text);
        return EG_OK;
    }
    struct gcf_call *call = egx_call_take(&s->calls, op);
    call->waiter.slot = s;
    call->waiter.resume = on_token;
    call->target = t;
    call->wire = wire;
    if (t->source == NULL) {
        send_call(call);
    } else {
        get_token(call);
    }
    return EG_OK;
}

void gcf_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct gcf_instance *i = instance;
    const struct gcf_slot *s = slot;
    struct gcf_call *call = egx_call_find(&s->calls, op);
    if (call == NULL) {
        return;
    }
    call->is_canceled = 1;
    if (call->handle != NULL) {
        i->host->http->cancel(i->host, call->handle);
    } else if (gcf_source_forget(call->target->source, &call->waiter)) {
        end_canceled(call);
    } /* else on_token is under way and ends it */
}
