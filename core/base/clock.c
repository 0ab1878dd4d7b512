/*
 * base/clock.c - the only source of time. While a test holds the clock both times come from
 * atomics, so that any thread may read while the test advances. Dates are computed here and not by
 * gmtime_r, which takes the C library's time-zone lock on every call.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

static atomic_int is_held;
static atomic_uint_fast64_t held_monotonic_ns;
static atomic_int_fast64_t held_unix_ns;

static uint64_t read_ns(clockid_t id) {
    struct timespec now;
    GW_ASSERT(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * GW_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t gw_monotonic_ns(void) {
    if (atomic_load_explicit(&is_held, memory_order_acquire) != 0) {
        return atomic_load(&held_monotonic_ns);
    }
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t gw_monotonic_coarse_ns(void) {
    if (atomic_load_explicit(&is_held, memory_order_acquire) != 0) {
        return atomic_load(&held_monotonic_ns);
    }
    return read_ns(CLOCK_MONOTONIC_COARSE);
}

/* By a clock that stands still nothing takes time. */
uint64_t gw_thread_cpu_ns(void) {
    if (atomic_load_explicit(&is_held, memory_order_acquire) != 0) {
        return atomic_load(&held_monotonic_ns);
    }
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t gw_unix_ns(void) {
    if (atomic_load_explicit(&is_held, memory_order_acquire) != 0) {
        return atomic_load(&held_unix_ns);
    }
    return (int64_t)read_ns(CLOCK_REALTIME);
}

void gw_clock_hold(uint64_t monotonic_ns, int64_t unix_ns) {
    atomic_store(&held_monotonic_ns, monotonic_ns);
    atomic_store(&held_unix_ns, unix_ns);
    atomic_store(&is_held, 1);
}

void gw_clock_advance(uint64_t ns) {
    GW_ASSERT(atomic_load(&is_held) != 0);
    atomic_fetch_add(&held_monotonic_ns, ns);
    atomic_fetch_add(&held_unix_ns, (int64_t)ns);
}

void gw_clock_release(void) {
    atomic_store(&is_held, 0);
}

int gw_clock_is_held(void) {
    return atomic_load(&is_held);
}

struct date {
    unsigned year, month, day, weekday; /* 1-12, 1-31, 0 = Sunday */
    unsigned hour, minute, second;
};

/* Days of the proleptic Gregorian calendar are counted in eras of 400 years that begin on a first
 * of March, so that the leap day is the last of its year. int64_t nanoseconds reach from 1677 to
 * 2262. */
static void set_day(struct date *d, int64_t days_since_1970) {
    const uint32_t days = (uint32_t)(days_since_1970 + 719468); /* since 0000-03-01 */
    const uint32_t era = days / 146097;
    const uint32_t day_of_era = days % 146097;
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    d->day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    d->month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    d->year = year_of_era + era * 400 + (d->month <= 2);
    d->weekday = (days + 3) % 7; /* 0000-03-01 was a Wednesday */
}

/* Rounded down, also before 1970. */
static int64_t second_of(int64_t unix_ns) {
    const int64_t s = unix_ns / (int64_t)GW_NS_PER_S;
    return unix_ns % (int64_t)GW_NS_PER_S < 0 ? s - 1 : s;
}

static unsigned part_of_second(int64_t unix_ns) {
    const int64_t ns = unix_ns % (int64_t)GW_NS_PER_S;
    return (unsigned)(ns < 0 ? ns + (int64_t)GW_NS_PER_S : ns);
}

static struct date to_date(int64_t unix_s) {
    int64_t days = unix_s / 86400;
    int64_t rest = unix_s % 86400;
    if (rest < 0) {
        days--;
        rest += 86400;
    }
    const uint32_t seconds = (uint32_t)rest;
    struct date d = {
        .hour = seconds / 3600,
        .minute = seconds / 60 % 60,
        .second = seconds % 60,
    };
    set_day(&d, days);
    return d;
}

static char *put_digits(char *out, unsigned value, unsigned width) {
    for (unsigned i = width; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

static char *put_time(char *out, const struct date *d) {
    out = put_digits(out, d->hour, 2);
    *out++ = ':';
    out = put_digits(out, d->minute, 2);
    *out++ = ':';
    return put_digits(out, d->second, 2);
}

#define SECOND_BYTES (sizeof "2018-05-01T12:00:00" - 1)

/* The text up to the second. Most callers want the time now, so the last one is kept. */
static const char *second_text(int64_t unix_s) {
    static _Thread_local struct {
        bool is_made;
        int64_t unix_s;
        char text[SECOND_BYTES];
    } last;
    if (last.is_made && last.unix_s == unix_s) {
        return last.text;
    }
    const struct date d = to_date(unix_s);
    char *at = put_digits(last.text, d.year, 4);
    *at++ = '-';
    at = put_digits(at, d.month, 2);
    *at++ = '-';
    at = put_digits(at, d.day, 2);
    *at++ = 'T';
    (void)put_time(at, &d);
    last.unix_s = unix_s;
    last.is_made = true;
    return last.text;
}

size_t gw_rfc3339(int64_t unix_ns, char *out) {
    const unsigned ns = part_of_second(unix_ns);
    memcpy(out, second_text(second_of(unix_ns)), SECOND_BYTES);
    char *at = out + SECOND_BYTES;
    if (ns > 0) {
        *at++ = '.';
        at = put_digits(at, ns, 9);
        while (at[-1] == '0') {
            at--;
        }
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

size_t gw_http_date(int64_t unix_ns, char *out) {
    static const char days[] = "Sun, Mon, Tue, Wed, Thu, Fri, Sat, ";
    static const char months[] = " Jan  Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec ";
    const struct date d = to_date(second_of(unix_ns));
    char *at = out;
    memcpy(at, days + (size_t)d.weekday * 5, 5);
    at = put_digits(at + 5, d.day, 2);
    memcpy(at, months + (size_t)(d.month - 1) * 5, 5);
    at = put_digits(at + 5, d.year, 4);
    *at++ = ' ';
    at = put_time(at, &d);
    memcpy(at, " GMT", 5);
    return (size_t)(at + 4 - out);
}
