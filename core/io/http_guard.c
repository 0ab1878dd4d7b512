/*
 * io/http_guard.c - see http_guard.h. A list of checks, each one rule; the first that refuses wins.
 */
#include "io/http_guard.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/slice.h"

/* A length this many times over the limit is no big upload but a probe; Http11Probe wants it
 * refused as malformed. */
#define ABSURD_FACTOR 512u

struct refusal {
    uint32_t status;
    const char *reason;
};
static const struct refusal fine = {0, NULL};

/* ---- request line ---- */

static const struct eg_str served_methods[] = {
    {"GET", 3}, {"HEAD", 4}, {"POST", 4}, {"PUT", 3}, {"PATCH", 5}, {"DELETE", 6}, {"OPTIONS", 7}};

/* Methods are case-sensitive (RFC 9110 9.1), yet `get` is passed on as sent: it matches nothing. */
bool gw_http_method_known(struct eg_str method) {
    for (size_t i = 0; i < GW_COUNT(served_methods); i++) {
        if (gw_str_eq_nocase(method, served_methods[i])) {
            return true;
        }
    }
    return false;
}

static struct refusal check_method(struct gw_http_head *head) {
    if (!gw_is_token(head->method)) {
        return (struct refusal){400, "the method is no token"};
    }
    if (gw_str_eq_nocase(head->method, GW_STR("TRACE")) ||
        gw_str_eq_nocase(head->method, GW_STR("CONNECT"))) {
        return (struct refusal){405, "method not allowed"};
    }
    if (!gw_http_method_known(head->method)) {
        return (struct refusal){501, "method not implemented"};
    }
    return fine;
}

bool gw_http_head_is_1_0(const struct gw_http_head *head) {
    return gw_str_eq(head->version, GW_STR("HTTP/1.0"));
}

static struct refusal check_version(struct gw_http_head *head) {
    if (!gw_http_head_is_1_0(head) && !gw_str_eq(head->version, GW_STR("HTTP/1.1"))) {
        return (struct refusal){505, "only HTTP/1.0 and HTTP/1.1 are served"};
    }
    return fine;
}

/* The escape at s.ptr[at]: its byte, or -1. */
static int escaped_byte(struct eg_str s, size_t at) {
    if (s.len - at < 3) {
        return -1;
    }
    const int high = gw_hex_value(s.ptr[at + 1]);
    const int low = gw_hex_value(s.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static struct refusal check_target_bytes(struct gw_http_head *head) {
    const struct eg_str target = head->target;
    for (size_t i = 0; i < target.len; i++) {
        const unsigned char c = (unsigned char)target.ptr[i];
        if (c <= 0x20 || c == 0x7f) {
            return (struct refusal){400, "the request target has a control byte or a space"};
        }
        if (c == '#') {
            return (struct refusal){400, "the request target has a fragment"};
        }
        if (c != '%') {
            continue;
        }
        const int byte = escaped_byte(target, i);
        if (byte < 0) {
            return (struct refusal){400, "the request target has an invalid escape"};
        }
        if (byte < 0x20 || byte == 0x7f) {
            return (struct refusal){400, "the request target has an escaped control byte"};
        }
    }
    if (!gw_utf8_valid(target)) {
        return (struct refusal){400, "the request target is no valid UTF-8"};
    }
    return fine;
}

/* "http://host/path" to its host; the rest is the origin form. Empty when it is no such target. */
static struct eg_str take_authority(struct eg_str *target) {
    static const struct eg_str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < GW_COUNT(schemes); i++) {
        if (!gw_str_starts_nocase(*target, schemes[i])) {
            continue;
        }
        const struct eg_str rest = gw_str_cut(*target, schemes[i].len);
        size_t len = gw_str_find(rest, '/');
        const size_t query = gw_str_find(rest, '?');
        len = query < len ? query : len;
        *target = gw_str_cut(rest, len);
        return gw_str_sub(rest, 0, len);
    }
    return (struct eg_str){0};
}

/* The forms of RFC 9112 3.2 but the authority form, which only CONNECT has. */
static struct refusal split_target(struct gw_http_head *head) {
    struct eg_str rest = head->target;
    if (gw_str_eq(rest, GW_STR("*"))) {
        head->path = rest;
        return gw_str_eq(head->method, GW_STR("OPTIONS"))
                   ? fine
                   : (struct refusal){400, "the target * is for OPTIONS only"};
    }
    const bool is_origin = rest.len > 0 && rest.ptr[0] == '/';
    if (!is_origin) {
        head->host = take_authority(&rest);
        if (head->host.len == 0) {
            return (struct refusal){400, "the request target is neither a path nor a URL"};
        }
    }
    const size_t question = gw_str_find(rest, '?');
    head->path = question == 0 || rest.len == 0 ? GW_STR("/") : gw_str_sub(rest, 0, question);
    head->query = gw_str_cut(rest, question < rest.len ? question + 1 : rest.len);
    return fine;
}

/* ---- headers ---- */

static struct refusal check_header_bytes(struct gw_http_head *head) {
    for (size_t i = 0; i < head->header_count; i++) {
        if (!gw_is_token(head->headers[i].name)) {
            return (struct refusal){400, "a header name is no token"};
        }
        if (!gw_is_field_value(head->headers[i].value)) {
            return (struct refusal){400, "a header value has a control byte"};
        }
    }
    return fine;
}

/* How many headers of this name there are; the value of the last. */
static size_t count_headers(const struct gw_http_head *head, struct eg_str name,
                            struct eg_str *ret_value) {
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (gw_str_eq_nocase(head->headers[i].name, name)) {
            *ret_value = head->headers[i].value;
            count++;
        }
    }
    return count;
}

static bool is_host_byte(char c, bool is_literal) {
    const bool is_alnum =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_alnum || (c != '\0' && strchr(is_literal ? ":.-_~" : "-._~!$&'()*+;=%", c) != NULL);
}

bool gw_http_host_valid(struct eg_str host) {
    const bool is_literal = host.len > 0 && host.ptr[0] == '[';
    const size_t end = gw_str_find(host, is_literal ? ']' : ':');
    if (is_literal && end == host.len) {
        return false;
    }
    for (size_t i = is_literal ? 1 : 0; i < end; i++) {
        if (!is_host_byte(host.ptr[i], is_literal)) {
            return false;
        }
    }
    const struct eg_str port = gw_str_cut(host, is_literal ? end + 1 : end);
    for (size_t i = 1; i < port.len; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9') {
            return false;
        }
    }
    return port.len <= 6 && (port.len == 0 || port.ptr[0] == ':') && (end > 0 || port.len == 0);
}

/* RFC 9112 3.2: one Host on 1.1, at most one on 1.0; an absolute target wins, but a Host that says
 * something else is an attempt at confusion. */
static struct refusal check_host(struct gw_http_head *head) {
    struct eg_str host = {0};
    const size_t count = count_headers(head, GW_STR("Host"), &host);
    if (count > 1) {
        return (struct refusal){400, "more than one Host header"};
    }
    if ((count == 0 || host.len == 0) && !gw_http_head_is_1_0(head)) {
        return (struct refusal){400, "the Host header is missing or empty"};
    }
    if (!gw_http_host_valid(host) || !gw_http_host_valid(head->host)) {
        return (struct refusal){400, "the Host is malformed"};
    }
    if (head->host.len > 0 && count == 1 && !gw_str_eq_nocase(host, head->host)) {
        return (struct refusal){400, "the Host header differs from the request target's host"};
    }
    head->host = head->host.len > 0 ? head->host : host;
    return fine;
}

/* 1*DIGIT and nothing else: no sign, no list, no space (RFC 9110 8.6). */
static bool parse_length(struct eg_str value, uint64_t *ret_bytes) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(value.ptr[i] - '0');
        bytes = bytes > (UINT64_MAX - digit) / 10 ? UINT64_MAX : bytes * 10 + digit;
    }
    *ret_bytes = bytes; /* too many digits: as big as can be, refused by the body limit */
    return value.len > 0;
}

/* Is the last coding of the list chunked? Else nobody knows where the body ends (RFC 9112 6.3). */
static bool ends_chunked(struct eg_str codings) {
    struct eg_str last = {0};
    for (struct eg_str coding; gw_str_next(&codings, ',', &coding);) {
        last = coding;
    }
    return gw_str_eq_nocase(gw_str_trim(last), GW_STR("chunked"));
}

/* RFC 9112 6: how the body ends must be beyond doubt. */
static struct refusal check_framing(struct gw_http_head *head) {
    struct eg_str length = {0};
    struct eg_str coding = {0};
    const size_t lengths = count_headers(head, GW_STR("Content-Length"), &length);
    const size_t codings = count_headers(head, GW_STR("Transfer-Encoding"), &coding);
    if (lengths > 0 && codings > 0) {
        return (struct refusal){400, "both Content-Length and Transfer-Encoding"};
    }
    if (lengths > 1 || codings > 1) {
        return (struct refusal){400, "more than one Content-Length or Transfer-Encoding"};
    }
    if (lengths == 1 && !parse_length(length, &head->announced_bytes)) {
        return (struct refusal){400, "the Content-Length is no number"};
    }
    if (codings == 1 && gw_http_head_is_1_0(head)) {
        return (struct refusal){400, "HTTP/1.0 has no Transfer-Encoding"};
    }
    if (codings == 1 && !gw_str_eq_nocase(coding, GW_STR("chunked"))) {
        return ends_chunked(coding)
                   ? (struct refusal){501, "the only Transfer-Encoding served is chunked"}
                   : (struct refusal){400, "the last Transfer-Encoding is not chunked"};
    }
    head->is_chunked = codings == 1;
    return fine;
}

static struct refusal check_sizes(const struct gw_http_head *head,
                                  const struct gw_http_limits *limits) {
    if (head->target.len > limits->target_bytes) {
        return (struct refusal){414, "the request target is too long"};
    }
    if (head->head_bytes > limits->head_bytes) {
        return (struct refusal){431, "the request's header block is too big"};
    }
    return fine;
}

uint32_t gw_http_guard(struct gw_http_head *head, const struct gw_http_limits *limits,
                       const char **ret_reason) {
    static struct refusal (*const checks[])(struct gw_http_head * head) = {
        check_version, check_method,       check_target_bytes, split_target,
        check_host,    check_header_bytes, check_framing,
    };
    struct refusal refusal = check_sizes(head, limits);
    for (size_t i = 0; i < GW_COUNT(checks) && refusal.status == 0; i++) {
        refusal = checks[i](head);
    }
    if (refusal.status == 0 && head->announced_bytes > limits->body_bytes) {
        refusal = head->announced_bytes / ABSURD_FACTOR > limits->body_bytes
                      ? (struct refusal){400, "the Content-Length is absurd"}
                      : (struct refusal){413, "the request body is too big"};
    }
    *ret_reason = refusal.reason;
    return refusal.status;
}
