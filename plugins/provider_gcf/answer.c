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

struct eg_str gcf_answer_header(const struct eg_http_response *response, struct eg_str name) {
    for (size_t i = 0; i < response->header_count; i++) {
        if (egx_str_eq_nocase(response->headers[i].name, name)) {
            return response->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

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
    if (status == 503 && gcf_answer_header(response, EGX_STR("Retry-After")).len > 0) {
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

void gcf_answer_end(struct eg_op *op, const struct eg_http_response *response, int64_t now_s) {
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
    const struct eg_str hint =
        cut_at(gcf_answer_header(response, EGX_STR("WWW-Authenticate")), 256);
    const int len = snprintf(text, sizeof text, "HTTP status code: %d%s%.*s", (int)response->status,
                             hint.len > 0 ? ", " : "", EGX_FMT(hint));
    result.message = egx_str_n(text, len > 0 ? (size_t)len : 0);
    result.http_status = (uint32_t)response->status;
    if (result.call_class == EG_CALL_THROTTLED) {
        result.retry_after_ns =
            gcf_retry_after_ns(gcf_answer_header(response, EGX_STR("Retry-After")), now_s);
    }
    op->done(op, EG_OK, &result);
    egx_buf_release(&body);
}

/* ---- Retry-After ---- */

static int64_t number(struct eg_str s, size_t at, size_t count) {
    int64_t value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= s.len || s.ptr[i] < '0' || s.ptr[i] > '9') {
            return -1;
        }
        value = value * 10 + (s.ptr[i] - '0');
    }
    return value;
}

/* Days from 1970-01-01 to a civil date (the common era's calendar counted in years from March). */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t shifted = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

/* IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); -1 = something else. */
static int64_t date_of(struct eg_str s) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (s.len != 29 || !egx_str_eq(egx_str_cut(s, 25), EGX_STR(" GMT"))) {
        return -1;
    }
    int64_t month = 0;
    while (month < 12 && memcmp(months + month * 3, s.ptr + 8, 3) != 0) {
        month++;
    }
    const int64_t day = number(s, 5, 2);
    const int64_t year = number(s, 12, 4);
    const int64_t hour = number(s, 17, 2);
    const int64_t minute = number(s, 20, 2);
    const int64_t second = number(s, 23, 2);
    if (month == 12 || day < 1 || year < 1970 || hour < 0 || minute < 0 || second < 0) {
        return -1;
    }
    return days_of(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second;
}

uint64_t gcf_retry_after_ns(struct eg_str value, int64_t now_s) {
    static const int64_t day_s = 86400; /* nobody means more */
    int64_t wait_s = value.len > 0 && value.len <= 9 ? number(value, 0, value.len) : -1;
    if (wait_s < 0) {
        wait_s = date_of(value) - now_s;
    }
    if (wait_s <= 0) {
        return 0;
    }
    return (uint64_t)(wait_s > day_s ? day_s : wait_s) * GCF_SECOND_NS;
}
