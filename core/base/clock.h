/*
 * base/clock.h - the only source of time. Tests replace it, so that nobody has to sleep.
 */
#ifndef GW_BASE_CLOCK_H
#define GW_BASE_CLOCK_H

#include "base/arena.h"

#define GW_NS_PER_US 1000ull
#define GW_NS_PER_MS 1000000ull
#define GW_NS_PER_S 1000000000ull

uint64_t gw_monotonic_ns(void);
/* The same as the kernel's last tick knew it: up to 10 ms late, never ahead, a fifth of the price.
 */
uint64_t gw_monotonic_coarse_ns(void);
int64_t gw_unix_ns(void);
/* What the calling thread has worked: time in which others had its core does not count. */
uint64_t gw_thread_cpu_ns(void);

/* Tests: from now on the clock stands still at these values; gw_clock_advance moves both. Loops of
 * the process see it through their next turn (they never sleep longer than 1 ms while it is held).
 */
void gw_clock_hold(uint64_t monotonic_ns, int64_t unix_ns);
void gw_clock_advance(uint64_t ns);
void gw_clock_release(void);
int gw_clock_is_held(void);

/* RFC 3339 in UTC, nanoseconds with trailing zeros cut: 2018-05-01T12:00:00.5Z. out >= 36 bytes;
 * returns the length. */
size_t gw_rfc3339(int64_t unix_ns, char *out);
/* RFC 9110 5.6.7, "Sun, 06 Nov 1994 08:49:37 GMT"; out >= 30 bytes. */
size_t gw_http_date(int64_t unix_ns, char *out);

#endif
