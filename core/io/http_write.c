/*
 * io/http_write.c - see http_write.h. Measured first, so that it is one piece of the arena. Nothing
 * is added but what framing needs: Host, and Content-Length where there is a body or the method
 * would have one (RFC 9110 8.6). Never Expect: functions are near, and a second round trip is not.
 */
#include "io/http_write.h"

#include "base/check.h"
#include "base/slice.h"

#define PORT_BYTES 6u    /* :65535 */
#define LENGTH_BYTES 40u /* Content-Length: and 20 digits */
#define FIXED_BYTES 32u  /* spaces, version, Host, line ends */

static bool has_length(const struct eg_http_call *call) {
    static const struct eg_str methods[] = {{"POST", 4}, {"PUT", 3}, {"PATCH", 5}};
    for (size_t i = 0; i < GW_COUNT(methods); i++) {
        if (gw_str_eq(call->method, methods[i])) {
            return true;
        }
    }
    return call->body.len > 0;
}

static size_t measure(const struct eg_http_call *call) {
    size_t bytes = FIXED_BYTES + PORT_BYTES + LENGTH_BYTES;
    bytes = gw_size_add(bytes, call->method.len);
    bytes = gw_size_add(bytes, call->url.len); /* host and path */
    for (size_t i = 0; i < call->request->header_count; i++) {
        const struct eg_kv *h = &call->request->headers[i];
        bytes = gw_size_add(bytes, gw_size_add(h->name.len, gw_size_add(h->value.len, 4)));
    }
    return bytes;
}

static char *put(char *at, struct eg_str text) {
    if (text.len > 0) {
        memcpy(at, text.ptr, text.len);
    }
    return at + text.len;
}

static char *put_number(char *at, uint64_t n) {
    char digits[20];
    size_t from = sizeof digits;
    do {
        digits[--from] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(at, gw_str(digits + from, sizeof digits - from));
}

static char *put_start(char *at, const struct eg_http_call *call) {
    const struct gw_url *target = &call->target;
    at = put(at, call->method);
    at = put(at, GW_STR(" "));
    if (target->path.len == 0 || target->path.ptr[0] != '/') {
        at = put(at, GW_STR("/"));
    }
    at = put(at, target->path);
    at = put(at, GW_STR(" HTTP/1.1\r\nHost: "));
    at = put(at, target->host);
    if (target->port != 0 && target->port != 80) {
        at = put(at, GW_STR(":"));
        at = put_number(at, target->port);
    }
    return put(at, GW_STR("\r\n"));
}

static char *put_header(char *at, const struct eg_kv *header) {
    at = put(at, header->name);
    at = put(at, header->value.len == 0 ? GW_STR(":") : GW_STR(": "));
    at = put(at, header->value);
    return put(at, GW_STR("\r\n"));
}

struct eg_str gw_http_write_head(struct eg_http_call *call) {
    const size_t room = measure(call);
    char *head = gw_arena_alloc(&call->arena, room);
    char *at = put_start(head, call);
    for (size_t i = 0; i < call->request->header_count; i++) {
        if (gw_http_call_sends(call, &call->request->headers[i])) {
            at = put_header(at, &call->request->headers[i]);
        }
    }
    if (has_length(call)) {
        at = put(at, GW_STR("Content-Length: "));
        at = put_number(at, call->body.len);
        at = put(at, GW_STR("\r\n"));
    }
    at = put(at, GW_STR("\r\n"));
    GW_ASSERT((size_t)(at - head) <= room);
    return gw_str(head, (size_t)(at - head));
}
