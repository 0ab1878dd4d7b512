/* Metrics: values from many threads, and a text that the Prometheus tools accept. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/slice.h"
#include "unit.h"

static const struct gw_metric_family requests = {
    .name = "test_requests_total", .help = "Requests.\nBack\\slash.", .type = GW_COUNTER};
static const struct gw_metric_family queue = {
    .name = "test_queue", .help = "Queued.", .type = GW_GAUGE};
static const struct gw_metric_family things = {
    .name = "test_things_total", .help = "Things that come and go.", .type = GW_UNTYPED};
static const struct gw_metric_family latency = {.name = "test_latency_seconds",
                                                .help = "Latency.",
                                                .type = GW_HISTOGRAM,
                                                .bucket_first = 0.0005,
                                                .bucket_factor = 2,
                                                .bucket_count = 4};
static const struct gw_metric_family tiny = {.name = "test_tiny_seconds",
                                             .help = "From ten microseconds.",
                                             .type = GW_HISTOGRAM,
                                             .bucket_first = 0.00001,
                                             .bucket_factor = 2,
                                             .bucket_count = 20};

static const struct gw_metric_family age = {
    .name = "test_age_seconds", .help = "Age.", .type = GW_GAUGE_SECONDS};

static struct gw_bytes out;

/* The text without the process_* families, whose values change. */
static struct eg_str own_text(void) {
    struct gw_bytes all;
    gw_bytes_init(&all, 0);
    gw_bytes_free(&out);
    gw_metrics_write(&all);
    struct eg_str rest = gw_bytes_str(&all);
    struct eg_str line;
    while (gw_str_next(&rest, '\n', &line)) {
        const bool is_process = gw_str_starts(line, GW_STR("process_")) ||
                                gw_str_starts(line, GW_STR("# HELP process_")) ||
                                gw_str_starts(line, GW_STR("# TYPE process_"));
        if (!is_process && line.len > 0) {
            gw_bytes_add(&out, line);
            gw_bytes_add_char(&out, '\n');
        }
    }
    gw_bytes_free(&all);
    return gw_bytes_str(&out);
}

static void the_same_labels_in_any_order_are_the_same_metric(void) {
    const struct eg_kv ab[] = {{GW_STR("a"), GW_STR("1")}, {GW_STR("b"), GW_STR("2")}};
    const struct eg_kv ba[] = {ab[1], ab[0]};
    const struct eg_kv other[] = {ab[0], {GW_STR("b"), GW_STR("3")}};
    gw_metrics_reset();
    CU_ASSERT_PTR_EQUAL(gw_metric(&requests, ab, 2), gw_metric(&requests, ba, 2));
    CU_ASSERT_PTR_NOT_EQUAL(gw_metric(&requests, ab, 2), gw_metric(&requests, other, 2));
    CU_ASSERT_PTR_NOT_EQUAL(gw_metric(&requests, NULL, 0), gw_metric(&requests, ab, 2));
}

static void the_text_is_sorted_and_labels_are_escaped(void) {
    const struct eg_kv z = {GW_STR("space"), GW_STR("z")};
    const struct eg_kv evil = {GW_STR("space"), GW_STR("a\"b\\c\nd\xff")};
    gw_metrics_reset();
    gw_metric_add(gw_metric(&things, &z, 1), -2);
    gw_metric_add(gw_metric(&requests, &z, 1), 3);
    gw_metric_add(gw_metric(&requests, &evil, 1), 1);
    gw_metric_set(gw_metric(&queue, NULL, 0), 17);
    ASSERT_STR(own_text(), "# HELP test_queue Queued.\n"
                           "# TYPE test_queue gauge\n"
                           "test_queue 17\n"
                           "# HELP test_requests_total Requests.\\nBack\\\\slash.\n"
                           "# TYPE test_requests_total counter\n"
                           "test_requests_total{space=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 1\n"
                           "test_requests_total{space=\"z\"} 3\n"
                           "# HELP test_things_total Things that come and go.\n"
                           "# TYPE test_things_total untyped\n"
                           "test_things_total{space=\"z\"} -2\n");
    gw_bytes_free(&out);
}

static void a_histogram_is_cumulative_and_bounds_are_inclusive(void) {
    const struct eg_kv label = {GW_STR("op"), GW_STR("get")};
    gw_metrics_reset();
    struct eg_metric *m = gw_metric(&latency, &label, 1);
    gw_metric_observe_ns(m, 0);
    gw_metric_observe_ns(m, 500000);
    gw_metric_observe_ns(m, 500001);
    gw_metric_observe_ns(m, 4000000);
    gw_metric_observe_ns(m, 4000001);
    CU_ASSERT_EQUAL(gw_metric_value(m), 5);
    ASSERT_STR(own_text(), "# HELP test_latency_seconds Latency.\n"
                           "# TYPE test_latency_seconds histogram\n"
                           "test_latency_seconds_bucket{op=\"get\",le=\"0.0005\"} 2\n"
                           "test_latency_seconds_bucket{op=\"get\",le=\"0.001\"} 3\n"
                           "test_latency_seconds_bucket{op=\"get\",le=\"0.002\"} 3\n"
                           "test_latency_seconds_bucket{op=\"get\",le=\"0.004\"} 4\n"
                           "test_latency_seconds_bucket{op=\"get\",le=\"+Inf\"} 5\n"
                           "test_latency_seconds_sum{op=\"get\"} 0.009000002\n"
                           "test_latency_seconds_count{op=\"get\"} 5\n");
    gw_bytes_free(&out);
}

static void small_bounds_are_written_short(void) {
    gw_metrics_reset();
    gw_metric_observe_ns(gw_metric(&tiny, NULL, 0), UINT64_MAX / 4);
    const struct eg_str text = own_text();
    char *copy = strndup(text.ptr, text.len);
    CU_ASSERT_PTR_NOT_NULL(strstr(copy, "test_tiny_seconds_bucket{le=\"1e-05\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(copy, "test_tiny_seconds_bucket{le=\"5.24288\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(copy, "test_tiny_seconds_bucket{le=\"+Inf\"} 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(copy, "test_tiny_seconds_count 1\n"));
    free(copy);
    gw_bytes_free(&out);
}

static void a_hidden_metric_is_written_again_after_a_look_up(void) {
    gw_metrics_reset();
    struct eg_metric *m = gw_metric(&queue, NULL, 0);
    gw_metric_set(m, 5);
    gw_metric_hide(m);
    CU_ASSERT_EQUAL(own_text().len, 0);
    gw_metric_add(m, 1);
    CU_ASSERT_PTR_EQUAL(gw_metric(&queue, NULL, 0), m);
    ASSERT_STR(own_text(), "# HELP test_queue Queued.\n# TYPE test_queue gauge\ntest_queue 6\n");
    gw_metrics_reset();
    CU_ASSERT_EQUAL(own_text().len, 0);
    CU_ASSERT_EQUAL(gw_metric_value(m), 0);
    gw_bytes_free(&out);
}

static void the_process_is_described(void) {
    const char *const names[] = {"process_cpu_seconds_total",  "process_max_fds",
                                 "process_open_fds",           "process_resident_memory_bytes",
                                 "process_start_time_seconds", "process_virtual_memory_bytes"};
    struct gw_bytes all;
    gw_metrics_reset();
    gw_bytes_init(&all, 0);
    gw_metrics_write(&all);
    gw_bytes_add_char(&all, '\0');
    const char *last = all.ptr;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[80];
        snprintf(line, sizeof line, "\n%s ", names[i]);
        const char *at = strstr(last, line);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        const double value = strtod(at + strlen(line), NULL);
        CU_ASSERT_TRUE(i == 0 ? value >= 0 : value > 0);
        CU_ASSERT_TRUE(i != 2 || value < 100);
        last = at;
    }
    gw_bytes_free(&all);
}

#define THREADS 4
#define ROUNDS 20000

static void *count_up(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        const struct eg_kv label = {GW_STR("n"), i % 2 == 0 ? GW_STR("even") : GW_STR("odd")};
        if (i % 100 == 0) {
            gw_metric_add(gw_metric(&requests, &label, 1), 100);
        }
        gw_metric_observe_ns(gw_metric(&latency, NULL, 0), (uint64_t)i * 1000);
    }
    return NULL;
}

static void nothing_is_lost_between_threads_while_others_read(void) {
    pthread_t threads[THREADS];
    const struct eg_kv even = {GW_STR("n"), GW_STR("even")};
    gw_metrics_reset();
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, count_up, NULL);
    }
    for (int i = 0; i < 20; i++) {
        (void)own_text();
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(gw_metric_value(gw_metric(&latency, NULL, 0)), THREADS * ROUNDS);
    CU_ASSERT_EQUAL(gw_metric_value(gw_metric(&requests, &even, 1)), THREADS * ROUNDS);
    gw_bytes_free(&out);
}

static void a_gauge_of_seconds_is_set_in_nanoseconds(void) {
    gw_metrics_reset();
    struct eg_metric *m = gw_metric(&age, NULL, 0);
    ASSERT_STR(own_text(), "# HELP test_age_seconds Age.\n# TYPE test_age_seconds gauge\n"
                           "test_age_seconds 0\n");
    gw_metric_set(m, 61500000000);
    ASSERT_STR(own_text(), "# HELP test_age_seconds Age.\n# TYPE test_age_seconds gauge\n"
                           "test_age_seconds 61.5\n");
    gw_bytes_free(&out);
}

static void promtool_finds_nothing_to_say(void) {
    const struct eg_kv label = {GW_STR("space"), GW_STR("a\"b\\c\nd")};
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        printf("  skipped: no promtool on the path\n");
        return;
    }
    gw_metrics_reset();
    gw_metric_add(gw_metric(&requests, &label, 1), 1);
    gw_metric_add(gw_metric(&things, &label, 1), -1);
    gw_metric_set(gw_metric(&queue, NULL, 0), -5);
    gw_metric_set(gw_metric(&age, NULL, 0), 1);
    gw_metric_observe_ns(gw_metric(&latency, &label, 1), 1);
    gw_metric_observe_ns(gw_metric(&tiny, NULL, 0), UINT64_MAX);
    struct gw_bytes all;
    gw_bytes_init(&all, 0);
    gw_metrics_write(&all);
    FILE *promtool = popen("promtool check metrics", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(promtool);
    CU_ASSERT_EQUAL(fwrite(all.ptr, 1, all.len, promtool), all.len);
    CU_ASSERT_EQUAL(pclose(promtool), 0);
    gw_bytes_free(&all);
}

UNIT_MAIN(UNIT(the_same_labels_in_any_order_are_the_same_metric),
          UNIT(the_text_is_sorted_and_labels_are_escaped),
          UNIT(a_histogram_is_cumulative_and_bounds_are_inclusive),
          UNIT(small_bounds_are_written_short),
          UNIT(a_hidden_metric_is_written_again_after_a_look_up), UNIT(the_process_is_described),
          UNIT(nothing_is_lost_between_threads_while_others_read),
          UNIT(a_gauge_of_seconds_is_set_in_nanoseconds), UNIT(promtool_finds_nothing_to_say))
