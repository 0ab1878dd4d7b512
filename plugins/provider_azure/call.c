/*
 * call.c - one call: get a token where the function wants one, POST the event, sort the answer.
 * Loop thread; a call belongs to the slot of its loop, which is the list of its calls.
 *
 *   invoke -> token at hand ------------> send -> answer -> done
 *          -> wait (tokens.c) -> token -> send
 *   401 with a token: that token is given up, another one is got and the event sent again, once
 *
 * Redirects are not followed: x-functions-key would go along, and App Service redirects who has no
 * token to a login page.
 */
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/egx_http.h>

#include "provider_azure.h"

struct azure_call {
    struct egx_call head;
    uint32_t was_refused; /* a 401 was answered by another token already */
    uint32_t is_canceled;
    uint32_t is_waiting; /* for a token */
    const struct azure_target *target;
    const struct eg_invocation *invocation; /* borrowed until done */
    struct token *token;
    struct token_want want;
    struct eg_http_call *handle;
    struct eg_kv headers[3 + EGX_TRACE_HEADERS];
    struct eg_http_request request;
};

static const struct azure_instance *instance_of(const struct azure_call *call) {
    return call->head.calls->instance;
}

int32_t azure_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct azure_instance *i = instance;
    return egx_calls_attach(i->host, instance, loop, sizeof(struct azure_call), ret_slot);
}

void azure_detach(void *instance, void *slot) {
    (void)instance;
    egx_calls_detach(slot);
}

static void call_put(struct azure_call *call) {
    if (call->token != NULL) {
        token_unref(call->target->source, call->token);
    }
    egx_call_put(call);
}

/* ---- the ends; each puts the call ---- */

static void end(struct azure_call *call, int32_t status, const struct eg_result *result) {
    struct eg_op *op = call->head.op;
    op->done(op, status, result); /* copies the texts, which may be the call's */
    call_put(call);
}

static void end_failed(struct azure_call *call, int32_t status, uint32_t call_class,
                       uint64_t retry_after_ns, struct eg_str message) {
    struct eg_result result = egx_result();
    result.call_class = call_class;
    result.retry_after_ns = retry_after_ns;
    result.message = message;
    end(call, status, &result);
}

/* ---- answers ---- */

static const struct {
    int32_t status;
    uint32_t call_class;
    const char *hint;
} classes[] = {
    {401, EG_CALL_AUTH, " (key or token missing or wrong)"},
    {403, EG_CALL_PERMANENT, " (not allowed, the app is stopped, or this address is not let in)"},
    {404, EG_CALL_PERMANENT, " (no such function, or the app is still starting)"},
    {408, EG_CALL_TRANSIENT, ""},
    {429, EG_CALL_THROTTLED, ""},
    {501, EG_CALL_PERMANENT, ""},
    {505, EG_CALL_PERMANENT, ""},
};

/* 0..6 of EG_CALL_* for a status that is no success. What is not listed: 5xx may pass by, 4xx will
 * not, 3xx is not followed. */
static uint32_t class_of(int32_t status, const char **ret_hint) {
    *ret_hint = status < 400 ? " (redirects are not followed)" : "";
    for (size_t i = 0; i < EGX_COUNT(classes); i++) {
        if (classes[i].status == status) {
            *ret_hint = classes[i].hint;
            return classes[i].call_class;
        }
    }
    return status >= 500 ? EG_CALL_TRANSIENT : EG_CALL_PERMANENT;
}

static void refused(struct azure_call *call, const struct eg_http_response *response) {
    const struct eg_host *host = call->head.calls->host;
    const char *hint = "";
    char text[160];
    uint32_t call_class = class_of(response->status, &hint);
    uint64_t retry_after_ns = 0;
    if (response->status == 429 || response->status == 503) {
        retry_after_ns = egx_http_retry_after(host, response);
    }
    if (response->status == 503 && retry_after_ns > 0) {
        call_class = EG_CALL_THROTTLED; /* it says when, so it is not broken but full */
    }
    const int len =
        snprintf(text, sizeof text, "HTTP status code: %d%s", (int)response->status, hint);
    end_failed(call, EG_OK, call_class, retry_after_ns, egx_str_n(text, len > 0 ? (size_t)len : 0));
}

/* The function's answer. 202 with Location is one that goes on working and will never answer here
 * (Durable Functions): what it said is passed on as an acknowledgement. */
static void answered(struct azure_call *call, const struct eg_http_response *response) {
    const int is_accepted =
        response->status == 202 && egx_http_header(response, EGX_STR("Location")).len > 0;
    struct eg_result result = egx_result();
    struct eg_buf body = response->body;
    result.call_class = is_accepted ? EG_CALL_ACCEPTED : EG_CALL_OK;
    result.http_status = (uint32_t)response->status;
    if (is_accepted && body.len == 0) {
        egx_buf_release(&body);
        body = egx_buf_static(EGX_STR("{}"));
    }
    result.body = body;
    end(call, EG_OK, &result);
}

static void acquire(struct azure_call *call);

/* 401 with a token of ours: maybe it is the token. */
static int may_try_again(const struct azure_call *call, const struct eg_http_response *response) {
    return response->error == 0 && response->status == 401 && call->token != NULL &&
           !call->was_refused && !call->is_canceled &&
           token_refused(call->target->source, call->token);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct azure_call *call = arg;
    struct eg_buf body = response->body;
    call->handle = NULL;
    if (response->error == 0 && response->status >= 200 && response->status <= 299) {
        answered(call, response);
        return;
    }
    egx_buf_release(&body);
    if (response->error != 0) {
        end_failed(call, response->error, EG_CALL_TRANSIENT, 0, response->message);
    } else if (may_try_again(call, response)) {
        call->was_refused = 1;
        token_unref(call->target->source, call->token);
        call->token = NULL;
        acquire(call);
    } else {
        refused(call, response);
    }
}

/* ---- the request ---- */

static void add_header(struct azure_call *call, struct eg_str name, struct eg_str value) {
    if (value.len > 0) {
        call->headers[call->request.header_count++] = (struct eg_kv){name, value};
    }
}

/* 0, or why it was refused. */
static int32_t send(struct azure_call *call) {
    const struct azure_instance *i = instance_of(call);
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = EGX_STR("POST"),
        .url = call->target->url,
        .headers = call->headers,
        .body = call->invocation->payload,
        .timeout_ns = egx_http_timeout(i->host, call->head.op),
        .max_response_bytes = i->settings->max_response,
        .ca_file = i->settings->ca_file,
    };
    add_header(call, EGX_STR("Content-Type"), call->target->content_type);
    add_header(call, EGX_STR("x-functions-key"), call->target->key);
    add_header(call, EGX_STR("Authorization"),
               call->token == NULL ? egx_str_n(NULL, 0) : call->token->text);
    call->request.header_count +=
        egx_trace_headers(call->invocation, call->headers + call->request.header_count);
    return i->host->http->send(i->host, call->head.calls->loop, &call->request, on_response, call,
                               &call->handle);
}

static void send_or_end(struct azure_call *call) {
    const int32_t status = send(call);
    if (status == EG_E_INVAL) {
        end_failed(call, status, EG_CALL_PERMANENT, 0, EGX_STR("the url cannot be called by HTTP"));
    } else if (status < 0) {
        end_failed(call, status, EG_CALL_TRANSIENT, 0, egx_str_c(egx_error_text(status)));
    }
}

/* ---- the token ---- */

static void on_token(struct token_want *want, struct token *token) {
    struct azure_call *call =
        (struct azure_call *)(void *)((char *)want - offsetof(struct azure_call, want));
    call->is_waiting = 0;
    call->token = token;
    if (call->is_canceled) {
        end_failed(call, EG_E_CANCELED, EG_CALL_TRANSIENT, 0, EGX_STR("canceled"));
    } else if (token == NULL) {
        end_failed(call, want->status, want->call_class, want->retry_after_ns,
                   egx_str_c(want->message));
    } else {
        send_or_end(call);
    }
}

/* Goes on with a token now, or when there is one. */
static void acquire(struct azure_call *call) {
    struct token_source *source = call->target->source;
    call->want.loop = call->head.calls->loop;
    call->want.on_token = on_token;
    call->is_waiting = 1;
    struct token *token = token_get(source, &call->want);
    if (token != NULL) {
        call->is_waiting = 0;
        call->token = token;
        send_or_end(call);
    }
}

int32_t azure_invoke(void *instance, void *slot, void *target,
                     const struct eg_invocation *invocation, struct eg_op *op) {
    struct azure_call *call = egx_call_take(slot, op);
    (void)instance;
    call->target = target;
    call->invocation = invocation;
    if (call->target->source != NULL) {
        acquire(call);
    } else {
        send_or_end(call);
    }
    return EG_OK;
}

void azure_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct azure_instance *i = instance;
    struct azure_call *call = egx_call_find(slot, op);
    if (call == NULL) {
        return;
    }
    call->is_canceled = 1;
    if (call->handle != NULL) {
        i->host->http->cancel(i->host, call->handle);
    } else if (call->is_waiting && token_forget(&call->want)) {
        end_failed(call, EG_E_CANCELED, EG_CALL_TRANSIENT, 0, EGX_STR("canceled"));
    }
}
