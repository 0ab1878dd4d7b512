/* clock_skew.h - how far this machine's clock is off, learned from the Date of answers. */
#ifndef AWS_CLOCK_SKEW_H
#define AWS_CLOCK_SKEW_H

#include <stdatomic.h>

#include <eventgw-sdk/egx.h>

/* Seconds to add to the clock; shared by all loops. */
struct aws_clock {
    _Atomic int64_t skew_s;
};

int64_t aws_clock_now_s(const struct aws_clock *clock, const struct eg_host *host);
/* Learns from an answer's headers. 1 when the clock was moved by more than a minute. */
int32_t aws_clock_learn(struct aws_clock *clock, const struct eg_host *host,
                        const struct eg_kv *headers, size_t header_count);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). EG_E_SYNTAX otherwise. */
int32_t aws_http_date(struct eg_str text, int64_t *ret_unix_s);

#endif
