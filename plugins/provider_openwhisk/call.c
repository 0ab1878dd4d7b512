/*
 * call.c - one call: the event is posted to the action or trigger, the answer sorted. Loop thread;
 * a call belongs to the slot of its loop, which is the list of its calls.
 *
 *   200                     activation record: response.result is the function's answer
 *   202, blocking           it goes on running: poll.c
 *   202, 204 else           acknowledged, with the activation's id where there is one
 *   502                     the action failed, when a record or {"error"} says so; else a proxy
 *
 * The whole record is asked for (result=false): only it tells an application error, which is the
 * action's own word, from a failure of the platform.
 */
#include "provider_openwhisk.h"

int32_t whisk_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct whisk_instance *i = instance;
    return egx_calls_attach(i->host, instance, loop, sizeof(struct whisk_call), ret_slot);
}

void whisk_detach(void *instance, void *slot) {
    (void)instance;
    egx_calls_detach(slot);
}

static void call_put(struct whisk_call *call) {
    const struct eg_host *host = call->head.calls->host;
    host->loop->timer_stop(host, call->timer);
    egx_json_free(&call->url);
    egx_call_put(call);
}

/* ---- the ends ---- */

/* done copies the texts, which may be the call's; so the call goes last. */
static void end(struct whisk_call *call, int32_t status, const struct eg_result *result) {
    struct eg_op *op = call->head.op;
    op->done(op, status, result);
    call_put(call);
}

void whisk_end_failed(struct whisk_call *call, int32_t status, uint32_t call_class,
                      const char *format, ...) {
    struct eg_result result = egx_result();
    char text[512];
    va_list args;
    va_start(args, format);
    result.message = egx_str_n(text, egx_vprint(text, sizeof text, format, args));
    va_end(args);
    result.call_class = call_class;
    end(call, status, &result);
}

static const struct {
    int32_t status;
    uint32_t call_class;
} classes[] = {
    {401, EG_CALL_AUTH},      {403, EG_CALL_AUTH},      {408, EG_CALL_TRANSIENT},
    {429, EG_CALL_THROTTLED}, {501, EG_CALL_PERMANENT}, {505, EG_CALL_PERMANENT},
};

uint32_t whisk_class_of(int32_t status) {
    for (size_t i = 0; i < EGX_COUNT(classes); i++) {
        if (classes[i].status == status) {
            return classes[i].call_class;
        }
    }
    return status >= 500 ? EG_CALL_TRANSIENT : EG_CALL_PERMANENT;
}

void whisk_end_status(struct whisk_call *call, const struct eg_http_response *response) {
    struct eg_result result = egx_result();
    char text[64];
    const int len = snprintf(text, sizeof text, "HTTP status code: %d", (int)response->status);
    result.call_class = whisk_class_of(response->status);
    result.message = egx_str_n(text, len > 0 ? (size_t)len : 0);
    if (response->status == 429 || response->status == 503) {
        result.retry_after_ns = egx_http_retry_after(call->head.calls->host, response);
    }
    if (response->status == 503 && result.retry_after_ns > 0) {
        result.call_class = EG_CALL_THROTTLED; /* it says when, so it is not broken but full */
    }
    end(call, EG_OK, &result);
}

/* The part of the body that is the result takes the body's place: same owner, other borders. */
static void end_answered(struct whisk_call *call, const struct record *record, struct eg_buf body) {
    struct eg_result result = egx_result();
    result.call_class = EG_CALL_OK;
    result.http_status = 200;
    result.body = body;
    result.body.ptr = record->result.len > 0 ? record->result.ptr : "{}";
    result.body.len = record->result.len > 0 ? record->result.len : 2;
    end(call, EG_OK, &result);
}

void whisk_end_record(struct whisk_call *call, const struct record *record, struct eg_buf body) {
    const struct eg_str id = record->activation_id;
    const struct eg_str error =
        egx_str_n(record->error.ptr, record->error.len > 200 ? 200 : record->error.len);
    if (record->call_class == EG_CALL_OK) {
        end_answered(call, record, body);
        return;
    }
    const struct eg_str status =
        egx_str_n(record->status.ptr, record->status.len > 64 ? 64 : record->status.len);
    whisk_end_failed(call, EG_OK, record->call_class, "%.*s%s%.*s%s%.*s", EGX_FMT(status),
                     error.len > 0 ? ": " : "", EGX_FMT(error), id.len > 0 ? ", activation " : "",
                     EGX_FMT(id));
    egx_buf_release(&body);
}

/* ---- answers ---- */

static void end_accepted(struct whisk_call *call, const struct record *record, struct eg_buf body) {
    struct eg_result result = egx_result();
    result.call_class = EG_CALL_ACCEPTED;
    result.body = body;
    if (record->activation_id.len == 0) {
        egx_buf_release(&body);
        result.body = egx_buf_static(EGX_STR("{}"));
    }
    end(call, EG_OK, &result);
}

/* The service took it. The id is in the body and, always, in a header. */
static void accepted(struct whisk_call *call, const struct eg_http_response *response,
                     const struct record *record) {
    struct eg_buf body = response->body;
    struct eg_str id = record->activation_id;
    if (!call->target->is_blocking) {
        end_accepted(call, record, body);
        return;
    }
    if (id.len == 0) {
        id = egx_http_header(response, EGX_STR("x-openwhisk-activation-id"));
    }
    if (record_is_id(id)) {
        whisk_poll(call, id);
    } else {
        whisk_end_failed(call, EG_E_PROTO, EG_CALL_TRANSIENT, "accepted without an activation id");
    }
    egx_buf_release(&body);
}

static void on_answer(struct whisk_call *call, const struct eg_http_response *response) {
    const struct eg_str text = egx_str_n(response->body.ptr, response->body.len);
    struct eg_buf body = response->body;
    struct record record = {0};
    const int is_object = record_read(text, &record) >= 0;
    const int32_t status = response->status;
    if (status == 202 || status == 204) {
        accepted(call, response, &record);
        return;
    }
    if ((status == 200 || status == 502) && is_object && record.has_response) {
        whisk_end_record(call, &record, body);
        return;
    }
    if (status == 200) {
        whisk_end_failed(call, EG_E_PROTO, EG_CALL_TRANSIENT, "the answer is no activation record");
    } else if (status == 502 && is_object && record.has_error) {
        whisk_end_failed(call, EG_OK, EG_CALL_FUNCTION, "%.*s",
                         record.error.len > 200 ? 200 : (int)record.error.len,
                         record.error.len > 0 ? record.error.ptr : "");
    } else {
        whisk_end_status(call, response);
    }
    egx_buf_release(&body);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct whisk_call *call = arg;
    call->handle = NULL;
    if (response->error == 0) {
        on_answer(call, response);
        return;
    }
    struct eg_buf body = response->body;
    whisk_end_failed(call, response->error, EG_CALL_TRANSIENT, "%.*s", EGX_FMT(response->message));
    egx_buf_release(&body);
}

/* ---- the request ---- */

int32_t whisk_send(struct whisk_call *call, struct eg_str method, struct eg_str body,
                   void (*on_done)(void *arg, const struct eg_http_response *response)) {
    const struct whisk_instance *i = whisk_instance_of(call);
    call->headers[0] =
        (struct eg_kv){EGX_STR("Authorization"), egx_json_text(&call->target->authorization)};
    call->headers[1] = (struct eg_kv){EGX_STR("Content-Type"), EGX_STR("application/json")};
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = method,
        .url = egx_json_text(&call->url),
        .headers = call->headers,
        .header_count =
            body.len > 0 ? 2 + egx_trace_headers(call->invocation, call->headers + 2) : 1,
        .body = body,
        .timeout_ns = egx_http_timeout(i->host, call->head.op),
        .max_response_bytes = i->settings->max_response,
        .ca_file = i->settings->ca_file,
    };
    return i->host->http->send(i->host, call->head.calls->loop, &call->request, on_done, call,
                               &call->handle);
}

/* In milliseconds. OpenWhisk gives up waiting a little before the gateway does, so that the log
 * knows the activation; 0 = as it likes. */
static uint64_t blocking_ms(const struct whisk_call *call) {
    const struct whisk_instance *i = whisk_instance_of(call);
    uint64_t limit_ns = i->settings->blocking_timeout;
    if (call->head.op->deadline_ns != 0) {
        const uint64_t now_ns = i->host->clock->monotonic_ns(i->host);
        const uint64_t left_ns =
            call->head.op->deadline_ns > now_ns ? call->head.op->deadline_ns - now_ns : 0;
        limit_ns = left_ns / 10 * 9 < limit_ns ? left_ns / 10 * 9 : limit_ns;
    }
    return limit_ns / 1000000 > 0 ? limit_ns / 1000000 : 1;
}

int32_t whisk_invoke(void *instance, void *slot, void *target,
                     const struct eg_invocation *invocation, struct eg_op *op) {
    struct whisk_call *call = egx_call_take(slot, op);
    (void)instance;
    call->target = target;
    call->invocation = invocation;
    egx_json_raw(&call->url, egx_json_text(&call->target->invoke_url));
    if (call->target->is_blocking) {
        char text[40];
        const int len =
            snprintf(text, sizeof text, "&timeout=%llu", (unsigned long long)blocking_ms(call));
        egx_json_raw(&call->url, egx_str_n(text, len > 0 ? (size_t)len : 0));
    }
    const int32_t status = whisk_send(call, EGX_STR("POST"), invocation->payload, on_response);
    if (status < 0) {
        whisk_end_failed(call, status, status == EG_E_INVAL ? EG_CALL_PERMANENT : EG_CALL_TRANSIENT,
                         "the API host cannot be called: %s", egx_error_text(status));
    }
    return EG_OK;
}

void whisk_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct whisk_instance *i = instance;
    struct whisk_call *call = egx_call_find(slot, op);
    if (call == NULL) {
        return;
    }
    call->is_canceled = 1;
    if (call->handle != NULL) {
        i->host->http->cancel(i->host, call->handle);
    } else {
        whisk_end_failed(call, EG_E_CANCELED, EG_CALL_TRANSIENT, "activation %s had not ended",
                         call->activation_id);
    }
}
