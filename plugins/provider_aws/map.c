/*
 * map.c - failed calls of the services as the gateway's classes and texts. Loop thread.
 */
#include "provider_aws.h"

#define GRACE_NS 1000000000u

/* The sentences that clients of the original know (chapter 6.4). */
static const struct {
    struct eg_str code;
    struct eg_str text;
} client_rows[] = {
    {EGX_STR_INIT("AccessDeniedException"),
     EGX_STR_INIT(
         "Function call failed with AccessDeniedException. The provided credentials do not "
         "have the required IAM permissions to invoke this function. Please attach the "
         "lambda:invokeFunction permission to these credentials.")},
    {EGX_STR_INIT("UnrecognizedClientException"),
     EGX_STR_INIT("Function call failed with UnrecognizedClientException. The provided credentials "
                  "are invalid. Please provide valid credentials.")},
    {EGX_STR_INIT("ExpiredTokenException"),
     EGX_STR_INIT(
         "Function call failed with ExpiredTokenException. The provided security token for "
         "the function has expired. Please provide an updated security token or provide "
         "permanent credentials.")},
};

static struct eg_str client_text(struct eg_str code) {
    for (size_t i = 0; i < EGX_COUNT(client_rows); i++) {
        if (egx_str_eq(code, client_rows[i].code)) {
            return client_rows[i].text;
        }
    }
    return egx_str_n(NULL, 0);
}

uint32_t aws_code_class(struct eg_str code, uint32_t status) {
    return egx_str_starts(code, EGX_STR("AccessDenied")) ? EG_CALL_AUTH
                                                         : aws_error_class(code, status);
}

/* "Code: message (request id ...)": by the id AWS finds the call again. */
static struct eg_str told(const struct aws_call_reply *reply, char text[1024]) {
    const int has_code = reply->code.len > 0 && !egx_str_starts(reply->message, reply->code);
    const struct eg_str code = has_code ? reply->code : egx_str_n(NULL, 0);
    const struct eg_str message =
        egx_str_n(reply->message.ptr, reply->message.len < 700 ? reply->message.len : 700);
    const int has_id = reply->request_id.len > 0;
    const int len = snprintf(text, 1024, "%.*s%s%.*s%s%.*s%s", EGX_FMT(code), has_code ? ": " : "",
                             EGX_FMT(message), has_id ? " (request id " : "",
                             EGX_FMT(reply->request_id), has_id ? ")" : "");
    return egx_str_n(text, len < 0 ? 0 : len < 1024 ? (size_t)len : 1023);
}

void aws_done_failed(struct eg_op *op, const struct aws_call_reply *reply, int32_t client_texts) {
    struct eg_result result = egx_result();
    char text[1024];
    result.call_class =
        reply->code.len == 0 ? reply->call_class : aws_code_class(reply->code, reply->status);
    result.retry_after_ns = result.call_class == EG_CALL_THROTTLED ? reply->retry_after_ns : 0;
    result.message = told(reply, text);
    result.client_text = client_texts ? client_text(reply->code) : egx_str_n(NULL, 0);
    op->done(op, reply->error, &result);
}

void aws_done_accepted(struct eg_op *op, uint32_t status, struct egx_json *json) {
    struct eg_result result = egx_result();
    result.call_class = EG_CALL_ACCEPTED;
    result.http_status = status;
    result.body = egx_json_take(json);
    op->done(op, EG_OK, &result);
}

uint64_t aws_timeout_of(const struct eg_host *host, const struct eg_op *op) {
    if (op->deadline_ns == 0) {
        return 0;
    }
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    return (op->deadline_ns > now_ns ? op->deadline_ns - now_ns : 0) + GRACE_NS;
}
