/*
 * eventgw-sdk/egx_http.h - what plugins that talk to HTTP services need besides host->http: headers
 * of an answer, what it means for a call, Retry-After, dates, percent-encoding, base64, a first
 * look at a URL. Text is put into a struct egx_json, which is a growing buffer.
 */
#ifndef EVENTGW_SDK_HTTP_H
#define EVENTGW_SDK_HTTP_H

#include <eventgw/host.h>
#include <eventgw/provider.h>

#include "egx_json.h"
#include "egx_result.h"
#include "egx_str.h"
#include "egx_text.h"

/* The first header of that name, without regard to case; ptr NULL when there is none. */
static inline struct eg_str egx_http_header(const struct eg_http_response *response,
                                            struct eg_str name) {
    for (size_t i = 0; i < response->header_count; i++) {
        if (egx_str_eq_nocase(response->headers[i].name, name)) {
            return response->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

/* The headers by which a function's own trace goes on (W3C Trace Context); put into headers, which
 * has room for EGX_TRACE_HEADERS. Returns how many: 0 when there is no trace, or the host is older
 * than ABI 0.3. Borrowed from the invocation. */
#define EGX_TRACE_HEADERS 2u
static inline size_t egx_trace_headers(const struct eg_invocation *invocation,
                                       struct eg_kv *headers) {
    size_t count = 0;
    if (!EG_HAS(invocation, tracestate) || invocation->traceparent.len == 0) {
        return 0;
    }
    headers[count].name = EGX_STR("traceparent");
    headers[count++].value = invocation->traceparent;
    if (invocation->tracestate.len > 0) {
        headers[count].name = EGX_STR("tracestate");
        headers[count++].value = invocation->tracestate;
    }
    return count;
}

/* The Content-Type of the payload. Borrowed from the invocation, or static. */
static inline struct eg_str egx_content_type(const struct eg_invocation *invocation) {
    return EG_HAS(invocation, content_type) && invocation->content_type.len > 0
               ? invocation->content_type
               : EGX_STR("application/cloudevents+json");
}

/* How long a call may take that has to be done before the op's deadline: with a second more, since
 * the host itself ends the op. 0 = the gateway's own limit. */
static inline uint64_t egx_http_timeout(const struct eg_host *host, const struct eg_op *op) {
    if (op->deadline_ns == 0) {
        return 0;
    }
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    return (op->deadline_ns > now_ns ? op->deadline_ns - now_ns : 0) + 1000000000u;
}

/* ---- the end of a call ---- */

/* Is it a failure of the function? 500 is; the other 5xx are unless is_500_only. What else there is
 * is an answer, also 404. */
static inline int egx_http_is_failure(int32_t status, int is_500_only) {
    return status == 500 || (status > 500 && status <= 599 && !is_500_only);
}

/* Ends a call by what an HTTP server answered or did not: by its body, or as failed. Takes the
 * body. */
static inline void egx_http_done(struct eg_op *op, const struct eg_http_response *response,
                                 int is_500_only) {
    const int32_t status = response->status;
    struct eg_buf body = response->body;
    if (response->error == 0 && !egx_http_is_failure(status, is_500_only)) {
        egx_done_call(op, (uint32_t)status, body);
        return;
    }
    if (response->error != 0) {
        egx_done_call_failed(op, response->error, EG_CALL_TRANSIENT, "%.*s",
                             EGX_FMT(response->message));
    } else {
        char text[64];
        struct eg_result result = egx_result();
        const int len = snprintf(text, sizeof text, "HTTP status code: %d", (int)status);
        result.call_class = status >= 502 && status <= 504 ? EG_CALL_TRANSIENT : EG_CALL_FUNCTION;
        result.http_status = (uint32_t)status;
        result.message = egx_str_n(text, len > 0 ? (size_t)len : 0);
        op->done(op, EG_OK, &result);
    }
    egx_buf_release(&body);
}

/* ---- numbers and dates ---- */

/* Decimal digits and nothing else, below 10^12; -1 otherwise. */
static inline int64_t egx_digits(struct eg_str text) {
    int64_t number = 0;
    if (text.len == 0 || text.len > 12) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static inline int64_t egx_days(int64_t year, int64_t month, int64_t day) {
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, the form that senders have to use) in seconds
 * since 1970; -1 for everything else. */
static inline int64_t egx_http_date(struct eg_str text) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.len != 29 || memcmp(text.ptr + 25, " GMT", 4) != 0 || text.ptr[3] != ',' ||
        text.ptr[19] != ':' || text.ptr[22] != ':') {
        return -1;
    }
    int64_t month = 0;
    while (month < 12 && memcmp(months + 3 * month, text.ptr + 8, 3) != 0) {
        month++;
    }
    const int64_t day = egx_digits(egx_str_n(text.ptr + 5, 2));
    const int64_t year = egx_digits(egx_str_n(text.ptr + 12, 4));
    const int64_t hour = egx_digits(egx_str_n(text.ptr + 17, 2));
    const int64_t minute = egx_digits(egx_str_n(text.ptr + 20, 2));
    const int64_t second = egx_digits(egx_str_n(text.ptr + 23, 2));
    if (month == 12 || day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60) {
        return -1;
    }
    return egx_days(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* Retry-After (RFC 9110 10.2.3), seconds or a date, as a delay; 0 = none, or no such thing. At most
 * a day. */
static inline uint64_t egx_http_retry_after(const struct eg_host *host,
                                            const struct eg_http_response *response) {
    const struct eg_str text = egx_http_header(response, EGX_STR("Retry-After"));
    int64_t seconds = egx_digits(text);
    if (seconds < 0) {
        const int64_t at = egx_http_date(text);
        seconds = at < 0 ? 0 : at - host->clock->unix_ns(host) / 1000000000;
    }
    if (seconds <= 0) {
        return 0;
    }
    return (uint64_t)(seconds > 86400 ? 86400 : seconds) * 1000000000u;
}

/* ---- encodings ---- */

static inline int egx_is_unreserved(char c) { /* RFC 3986 2.3 */
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Percent-encoded but for unreserved characters and those in keep ("" or "/"). */
static inline void egx_put_percent(struct egx_json *out, struct eg_str text, const char *keep) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const char escape[3] = {'%', digits[c >> 4], digits[c & 15u]};
        const int is_kept = egx_is_unreserved((char)c) || (c != 0 && strchr(keep, c) != NULL);
        egx_json_raw(out, is_kept ? egx_str_n(text.ptr + i, 1) : egx_str_n(escape, 3));
    }
}

/* Base64 with padding (RFC 4648 4). */
static inline void egx_put_base64(struct egx_json *out, struct eg_str bytes) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        const unsigned char *s = (const unsigned char *)bytes.ptr + i;
        const size_t left = bytes.len - i;
        const uint32_t bits = ((uint32_t)s[0] << 16) | (left > 1 ? (uint32_t)s[1] << 8 : 0) |
                              (left > 2 ? (uint32_t)s[2] : 0);
        const char four[4] = {letters[bits >> 18], letters[(bits >> 12) & 63u],
                              left > 1 ? letters[(bits >> 6) & 63u] : '=',
                              left > 2 ? letters[bits & 63u] : '='};
        egx_json_raw(out, egx_str_n(four, 4));
    }
}

/* ---- what may be sent ---- */

/* May it be (part of) the value of a header? Visible ASCII and single spaces inside. */
static inline int egx_is_header_text(struct eg_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const int is_edge = i == 0 || i + 1 == text.len;
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e || (text.ptr[i] == ' ' && is_edge)) {
            return 0;
        }
    }
    return 1;
}

/* "http://" or "https://" and a host, visible ASCII only, no user:password@. ret_host is the host
 * without port and brackets; the host's client checks the rest. */
static inline int egx_is_http_url(struct eg_str url, struct eg_str *ret_host, int *ret_is_secure) {
    const int is_secure = egx_str_starts(url, EGX_STR("https://"));
    if ((!is_secure && !egx_str_starts(url, EGX_STR("http://"))) || !egx_is_header_text(url) ||
        memchr(url.ptr, ' ', url.len) != NULL) {
        return 0;
    }
    struct eg_str host = egx_str_cut(url, is_secure ? 8 : 7);
    size_t end = 0;
    while (end < host.len && strchr("/?#", host.ptr[end]) == NULL) {
        end++;
    }
    host.len = end;
    if (host.len == 0 || memchr(host.ptr, '@', host.len) != NULL) {
        return 0;
    }
    const int is_literal = host.ptr[0] == '['; /* [::1]:80 */
    host = egx_str_cut(host, is_literal ? 1 : 0);
    const char *stop =
        host.len == 0 ? NULL : (const char *)memchr(host.ptr, is_literal ? ']' : ':', host.len);
    if (stop == NULL && is_literal) {
        return 0;
    }
    *ret_host = stop == NULL ? host : egx_str_n(host.ptr, (size_t)(stop - host.ptr));
    *ret_is_secure = is_secure;
    return ret_host->len > 0;
}

/* Does it stay on this machine? 127.0.0.0/8, not 127.example.com. */
static inline int egx_is_loopback(struct eg_str host) {
    size_t dots = 0;
    for (size_t i = 0; i < host.len; i++) {
        dots += host.ptr[i] == '.';
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9')) {
            return egx_str_eq_nocase(host, EGX_STR("localhost")) ||
                   egx_str_eq(host, EGX_STR("::1"));
        }
    }
    return dots == 3 && egx_str_starts(host, EGX_STR("127."));
}

#endif
