/*
 * io/http_refusal.c - see http_refusal.h.
 */
#include "io/http_refusal.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "io/http_status.h"

#define OWN_HEAD_BYTES 256u /* status line, Date, Connection, Content-Length, x-request-id */

struct eg_buf gw_http_envelope(const char *message) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_jw_error_envelope(&out, gw_str_c(message));
    return gw_bytes_take(&out);
}

void gw_http_count_refusal(const char *listener, uint32_t status) {
    static const struct gw_metric_family family = {
        .name = "eventgateway_http_refused_total",
        .help = "Requests and connections that were refused before they reached a handler.",
        .type = GW_COUNTER};
    char code[16];
    const int len = snprintf(code, sizeof code, "%u", status);
    const struct eg_kv labels[] = {{GW_STR("listener"), gw_str_c(listener)},
                                   {GW_STR("status"), gw_str(code, (size_t)len)}};
    gw_metric_add(gw_metric(&family, labels, GW_COUNT(labels)), 1);
}

void gw_http_write_refusal(int fd, uint32_t status, const char *message) {
    char date[32];
    struct gw_bytes body;
    struct gw_bytes out;
    const size_t date_len = gw_http_date(gw_unix_ns(), date);
    gw_bytes_init(&body, 0);
    gw_bytes_init(&out, 0);
    gw_jw_error_envelope(&body, gw_str_c(message));
    gw_bytes_addf(&out,
                  "HTTP/1.1 %u %.*s\r\nDate: %.*s\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
                  status, GW_FMT(gw_http_phrase(status)), (int)date_len, date, body.len,
                  status == 503 ? "Retry-After: 1\r\n" : "");
    gw_bytes_add(&out, gw_bytes_str(&body));
    (void)send(fd, out.ptr, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    gw_bytes_free(&out);
    gw_bytes_free(&body);
}

bool gw_http_is_servers_own(struct eg_str name) {
    static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                        "Date",           "Keep-Alive",        "Upgrade",
                                        "Trailer",        "x-request-id",      "Proxy-Connection"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_eq_nocase(name, gw_str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

size_t gw_http_reply_head_bytes(const struct gw_http_reply *reply) {
    size_t bytes = OWN_HEAD_BYTES;
    for (size_t i = 0; i < reply->header_count; i++) {
        bytes += reply->headers[i].name.len + reply->headers[i].value.len + 4;
    }
    return bytes;
}
