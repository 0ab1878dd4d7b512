/*
 * lambda.c - Invoke of AWS Lambda: the event is the payload, the payload of the answer is the
 * function's result. Loop thread; a call in flight belongs to its slot.
 *
 * A function that fails answers status 200 and the header X-Amz-Function-Error; its payload then
 * tells why, which is for the log and not for the caller.
 */
#include "json_build.h"
#include "provider_aws.h"

#define CALL_MAGIC 0x4157534cu /* "AWSL" */
/* Quotas of Invoke: 6 MB when somebody waits, 1 MB when it is queued. */
#define MAX_SYNC_BYTES 6291556u
#define MAX_EVENT_BYTES 1048576u
#define LOG_TAIL_BYTES 4096u
#define TOLD_BYTES 900u /* of a failed function's payload */

struct aws_lambda_call {
    uint32_t magic;
    uint32_t is_event;
    struct aws_slot *slot;
    struct aws_lambda_call *next;
    struct aws_lambda_call *prev;
    struct eg_op *op;
    struct aws_call *handle;
};

static struct aws_lambda_call *call_take(struct aws_slot *slot) {
    const struct eg_host *host = slot->instance->host;
    struct aws_lambda_call *call = host->mem->alloc(host, sizeof *call);
    call->magic = CALL_MAGIC;
    call->slot = slot;
    call->next = slot->calls;
    if (slot->calls != NULL) {
        slot->calls->prev = call;
    }
    slot->calls = call;
    return call;
}

static void call_free(struct aws_lambda_call *call) {
    struct aws_slot *slot = call->slot;
    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        slot->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    call->magic = 0;
    slot->instance->host->mem->free(slot->instance->host, call);
}

/* ---- the answer ---- */

/* X-Amz-Log-Result: the last lines that the function wrote, only asked for at this level. */
static void log_tail(const struct eg_host *host, const struct aws_call_reply *reply) {
    char text[LOG_TAIL_BYTES];
    const struct eg_str tail = aws_reply_header(reply, EGX_STR("X-Amz-Log-Result"));
    if (tail.len == 0 || !host->log->enabled(host, EG_LOG_DEBUG)) {
        return;
    }
    const size_t len = aws_base64_decode(tail, text, sizeof text);
    const struct eg_kv fields[] = {
        {EGX_STR_INIT("aws_request_id"), reply->request_id},
        {EGX_STR_INIT("tail"), {text, len}},
    };
    host->log->write(host, EG_LOG_DEBUG, EGX_STR("The function's log."), fields, EGX_COUNT(fields));
}

static void end_function_error(struct eg_op *op, struct eg_str mark,
                               const struct aws_call_reply *reply) {
    const struct eg_str payload =
        egx_str_n(reply->body.ptr, reply->body.len < TOLD_BYTES ? reply->body.len : TOLD_BYTES);
    egx_done_call_failed(op, EG_OK, EG_CALL_FUNCTION, "%.*s: %.*s", EGX_FMT(mark),
                         EGX_FMT(payload));
}

static void end_queued(struct eg_op *op, const struct aws_call_reply *reply) {
    struct egx_json json = egx_json_begin();
    egx_json_open(&json, '{');
    aws_json_member(&json, EGX_STR("requestId"), reply->request_id);
    egx_json_close(&json, '}');
    aws_done_accepted(op, reply->status, &json);
}

static void on_reply(void *arg, const struct aws_call_reply *reply) {
    struct aws_lambda_call *call = arg;
    struct eg_op *op = call->op;
    const struct eg_host *host = call->slot->instance->host;
    const uint32_t is_event = call->is_event;
    struct eg_buf body = reply->body;
    call_free(call);
    log_tail(host, reply);
    const struct eg_str mark = aws_reply_header(reply, EGX_STR("X-Amz-Function-Error"));
    if (reply->error != 0 || reply->call_class != EG_CALL_OK) {
        aws_done_failed(op, reply, 1);
    } else if (mark.len > 0) {
        end_function_error(op, mark, reply);
    } else if (is_event) {
        end_queued(op, reply);
    } else {
        egx_done_call(op, reply->status, body);
        return;
    }
    egx_buf_release(&body);
}

/* ---- the call ---- */

static int32_t send_call(struct aws_lambda_call *call, const struct aws_target *target,
                         const struct eg_invocation *invocation) {
    const struct aws_slot *slot = call->slot;
    const struct eg_host *host = slot->instance->host;
    const struct eg_kv headers[] = {
        {EGX_STR_INIT("X-Amz-Invocation-Type"),
         target->is_event ? EGX_STR("Event") : EGX_STR("RequestResponse")},
        {EGX_STR_INIT("X-Amz-Log-Type"), EGX_STR("Tail")},
    };
    const int wants_tail = !target->is_event && host->log->enabled(host, EG_LOG_DEBUG);
    const struct aws_call_request request = {
        .source = target->source,
        .service = EGX_STR("lambda"),
        .region = target->settings->region,
        .endpoint = target->settings->endpoint,
        .path = egx_str_c(target->path),
        .query = target->query,
        .headers = headers,
        .header_count = wants_tail ? 2 : 1,
        .content_type = EGX_STR("application/json"),
        .body = invocation->payload,
        .timeout_ns = aws_timeout_of(host, call->op),
        .max_response_bytes = slot->instance->settings->max_response,
    };
    return aws_call_send(slot->client, &request, on_reply, call, &call->handle);
}

int32_t aws_lambda_invoke(void *instance, void *slot, void *target,
                          const struct eg_invocation *invocation, struct eg_op *op) {
    const struct aws_target *t = target;
    const size_t limit = t->is_event ? MAX_EVENT_BYTES : MAX_SYNC_BYTES;
    (void)instance;
    if (invocation->payload.len > limit) {
        egx_done_call_failed(op, EG_E_TOOBIG, EG_CALL_PERMANENT,
                             "the event has %zu bytes, Lambda takes at most %zu",
                             invocation->payload.len, limit);
        return EG_OK;
    }
    struct aws_lambda_call *call = call_take(slot);
    call->op = op;
    call->is_event = t->is_event;
    const int32_t status = send_call(call, t, invocation);
    if (status < 0) {
        call_free(call);
    }
    if (status == EG_E_INVAL) {
        egx_done_call_failed(op, status, EG_CALL_PERMANENT,
                             "the endpoint of the function cannot be called");
        return EG_OK;
    }
    return status;
}

void aws_lambda_cancel(void *instance, void *slot, struct eg_op *op) {
    const struct aws_slot *s = slot;
    (void)instance;
    for (struct aws_lambda_call *call = s->calls; call != NULL; call = call->next) {
        if (call->op == op) {
            aws_call_cancel(call->handle);
            return;
        }
    }
}
