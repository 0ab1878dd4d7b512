/* The clock: real, held, advanced by one thread while others read; and its dates. */
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/slice.h"
#include "unit.h"

static void the_real_clocks_run(void) {
    gw_clock_release();
    const uint64_t before = gw_monotonic_ns();
    CU_ASSERT_TRUE(gw_monotonic_ns() >= before);
    const int64_t now_s = (int64_t)time(NULL);
    const int64_t ours_s = gw_unix_ns() / (int64_t)GW_NS_PER_S;
    CU_ASSERT_TRUE(ours_s >= now_s && ours_s <= now_s + 5);
    CU_ASSERT_FALSE(gw_clock_is_held());
}

static void a_held_clock_stands_until_it_is_advanced(void) {
    gw_clock_hold(100, 1000);
    CU_ASSERT_TRUE(gw_clock_is_held());
    CU_ASSERT_EQUAL(gw_monotonic_ns(), 100);
    CU_ASSERT_EQUAL(gw_monotonic_ns(), 100);
    CU_ASSERT_EQUAL(gw_unix_ns(), 1000);
    gw_clock_advance(GW_NS_PER_S);
    CU_ASSERT_EQUAL(gw_monotonic_ns(), 100 + GW_NS_PER_S);
    CU_ASSERT_EQUAL(gw_unix_ns(), 1000 + (int64_t)GW_NS_PER_S);
    gw_clock_release();
    CU_ASSERT_TRUE(gw_unix_ns() > 1000 + (int64_t)GW_NS_PER_S);
}

/* Of two threads that work at the same time, each is told its own work only. */
static void *work(void *arg) {
    uint64_t *taken = arg;
    const uint64_t begin = gw_thread_cpu_ns();
    while (gw_thread_cpu_ns() - begin < 10 * GW_NS_PER_MS) {
    }
    *taken = gw_thread_cpu_ns();
    return NULL;
}

static void the_work_of_a_thread_is_its_own(void) {
    pthread_t thread;
    uint64_t taken = 0;
    const uint64_t before = gw_thread_cpu_ns();
    pthread_create(&thread, NULL, work, &taken);
    pthread_join(thread, NULL);
    const uint64_t after = gw_thread_cpu_ns();
    CU_ASSERT_TRUE(after >= before && after - before < 10 * GW_NS_PER_MS);
    CU_ASSERT_TRUE(taken >= 10 * GW_NS_PER_MS);
    gw_clock_hold(7, 0);
    CU_ASSERT_EQUAL(gw_thread_cpu_ns(), 7);
    gw_clock_release();
}

static void *read_until_end(void *arg) {
    size_t *backwards = arg;
    uint64_t last = 0;
    while (last < 10000) {
        const uint64_t now = gw_monotonic_ns();
        *backwards += now < last;
        last = now;
    }
    return NULL;
}

static void readers_see_an_advancing_clock_go_forward_only(void) {
    pthread_t thread;
    size_t backwards = 0;
    gw_clock_hold(0, 0);
    pthread_create(&thread, NULL, read_until_end, &backwards);
    for (int i = 0; i < 10000; i++) {
        gw_clock_advance(1);
    }
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(backwards, 0);
    gw_clock_release();
}

static void rfc3339_cuts_trailing_zeros(void) {
    static const struct {
        int64_t unix_ns;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1525176000500000000, "2018-05-01T12:00:00.5Z"},
        {1525176000000000001, "2018-05-01T12:00:00.000000001Z"},
        {951782400000000000, "2000-02-29T00:00:00Z"},
        {951868799999999999, "2000-02-29T23:59:59.999999999Z"},
        {4107542400000000000, "2100-03-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[36];
        const size_t len = gw_rfc3339(rows[i].unix_ns, text);
        ASSERT_STR(gw_str(text, len), rows[i].text);
        CU_ASSERT_EQUAL(text[len], '\0');
    }
}

static void http_dates_agree_with_the_c_library_for_every_day(void) {
    char text[30];
    ASSERT_STR(gw_str(text, gw_http_date(784111777 * (int64_t)GW_NS_PER_S, text)),
               "Sun, 06 Nov 1994 08:49:37 GMT");
    size_t wrong = 0;
    for (int64_t day = -80000; day < 80000; day++) {
        const time_t seconds = (time_t)(day * 86400 + day % 86400);
        char want[40];
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        gw_http_date((int64_t)seconds * (int64_t)GW_NS_PER_S, text);
        wrong += strcmp(text, want) != 0;
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
        gw_rfc3339((int64_t)seconds * (int64_t)GW_NS_PER_S, text);
        wrong += strcmp(text, want) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

UNIT_MAIN(UNIT(the_real_clocks_run), UNIT(the_work_of_a_thread_is_its_own),
          UNIT(a_held_clock_stands_until_it_is_advanced),
          UNIT(readers_see_an_advancing_clock_go_forward_only), UNIT(rfc3339_cuts_trailing_zeros),
          UNIT(http_dates_agree_with_the_c_library_for_every_day))
