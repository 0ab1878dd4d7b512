/*
 * answer.c - what a function's answer means. Loop thread; nothing is kept.
 *
 * Answers of Google's front end (not signed in, not there, too busy) and of the function come over
 * one connection and differ by their status only. 2xx, and 4xx that no row names, are the
 * function's result and mapped to a reply, as for functions of type http.
 */
#include "provider_gcf.h"

static const struct {
    int32_t from;
    int32_t to;
    uint32_t call_class;
} classes[] = {
    {300, 399, EG_CALL_PERMANENT}, /* never followed: the token is for this URL */
    {401, 401, EG_CALL_AUTH},      {403, 403, EG_CALL_AUTH},      {404, 404, EG_CALL_PERMANENT},
    {408, 408, EG_CALL_TRANSIENT}, {413, 413, EG_CALL_PERMANENT}, {429, 429, EG_CALL_THROTTLED},
    {431, 431, EG_CALL_PERMANENT}, {502, 504, EG_CALL_TRANSIENT}, {500, 599, EG_CALL_FUNCTION},
};

/* The front end's 500 when nothing could be started; the function did not run. */
static int is_without_instance(const struct eg_http_response *response) {
    static const char text[] = "no available instance";
    const size_t len = sizeof text - 1;
    const struct eg_buf *body = &response->body;
    for (size_t i = 0; i + len <= body->len && i < 4096; i++) {
        if (memcmp(body->ptr + i, text, len) == 0) {
            return 1;
        }
    }
    return 0;
}

uint32_t gcf_answer_class(const struct eg_http_response *response) {
    const int32_t status = response->status;
    if (response->error != 0) { /* too big is too big the next time, too */
        return response->error == EG_E_TOOBIG ? EG_CALL_PERMANENT : EG_CALL_TRANSIENT;
    }
    if (status == 500 && is_without_instance(response)) {
        return EG_CALL_TRANSIENT;
    }
    if (status == 503 && egx_http_header(response, EGX_STR("Retry-After")).len > 0) {
        return EG_CALL_THROTTLED;
    }
    for (size_t i = 0; i < EGX_COUNT(classes); i++) {
        if (status >= classes[i].from && status <= classes[i].to) {
            return classes[i].call_class;
        }
    }
    return EG_CALL_OK;
}

static struct eg_str cut_at(struct eg_str s, size_t max) {
    s.len = s.len > max ? max : s.len;
    return s;
}

void gcf_answer_end(const struct eg_host *host, struct eg_op *op,
                    const struct eg_http_response *response) {
    char text[512];
    struct eg_buf body = response->body;
    struct eg_result result = egx_result();
    result.call_class = gcf_answer_class(response);
    if (response->error != 0) {
        result.message = response->message;
        op->done(op, response->error, &result);
        egx_buf_release(&body);
        return;
    }
    if (result.call_class == EG_CALL_OK) {
        egx_done_call(op, (uint32_t)response->status, body);
        return;
    }
    /* RFC 6750 3: says what is wrong with the token. */
    const struct eg_str hint = cut_at(egx_http_header(response, EGX_STR("WWW-Authenticate")), 256);
    const int len = snprintf(text, sizeof text, "HTTP status code: %d%s%.*s", (int)response->status,
                             hint.len > 0 ? ", " : "", EGX_FMT(hint));
    result.message = egx_str_n(text, len > 0 ? (size_t)len : 0);
    result.http_status = (uint32_t)response->status;
    if (result.call_class == EG_CALL_THROTTLED) {
        result.retry_after_ns = egx_http_retry_after(host, response);
    }
    op->done(op, EG_OK, &result);
    egx_buf_release(&body);
}
