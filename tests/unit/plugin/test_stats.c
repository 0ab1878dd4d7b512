/* What components have done (plugin/stats.c, stats_write.c, and the counting of op.c). */
#include "base/metrics.h"
#include "bench_plugin.h"
#include "plugin/change.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "plugin/stats.h"

static struct gw_instance *instance;
static struct gw_op op;

static void on_done(struct gw_op *ended, int32_t status, struct eg_result *result) {
    (void)ended;
    (void)status;
    (void)result;
}
static void on_deadline(struct gw_op *late) {
    (void)late;
}

static void open_serving(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    instance = bench_serve();
}
static void close_serving(void) {
    bench_stop();
    gw_clock_release();
}

#define ASSERT_STATS(calls_, errors_, ms_, in_flight_)                                             \
    do {                                                                                           \
        const struct gw_stats stats = gw_instance_stats(instance);                                 \
        CU_ASSERT_EQUAL(stats.calls, calls_);                                                      \
        CU_ASSERT_EQUAL(stats.errors, errors_);                                                    \
        CU_ASSERT_EQUAL(stats.time_ns, (ms_)*GW_NS_PER_MS);                                        \
        CU_ASSERT_EQUAL(stats.in_flight, in_flight_);                                              \
    } while (0)

static void the_start_is_no_call(void) {
    open_serving();
    ASSERT_STATS(0, 0, 0, 0);
    close_serving();
}

static void an_op_is_in_flight_until_its_end_and_counted_with_its_time(void) {
    open_serving();
    gw_op_begin(&op, instance, loops[0], 0, on_done, NULL);
    ASSERT_STATS(1, 0, 0, 1);
    gw_clock_advance(7 * GW_NS_PER_MS);
    op.pub.done(&op.pub, EG_OK, NULL);
    turn();
    ASSERT_STATS(1, 0, 7, 0);
    close_serving();
}

static void an_op_that_fails_and_one_that_is_refused_are_errors(void) {
    open_serving();
    gw_op_begin(&op, instance, loops[0], 0, on_done, NULL);
    op.pub.done(&op.pub, EG_E_IO, NULL);
    turn();
    gw_op_begin(&op, instance, loops[1], 0, on_done, NULL);
    gw_op_refused(&op);
    ASSERT_STATS(2, 2, 0, 0);
    close_serving();
}

static void an_op_past_its_deadline_is_one_error_however_it_ends(void) {
    open_serving();
    gw_op_begin(&op, instance, loops[0], gw_monotonic_ns() + GW_NS_PER_MS, on_done, on_deadline);
    held_op = &op.pub;
    gw_clock_advance(2 * GW_NS_PER_MS);
    turn();
    ASSERT_STATS(1, 1, 0, 1);
    op.pub.done(&op.pub, EG_E_CANCELED, NULL);
    turn();
    ASSERT_STATS(1, 1, 2, 0);
    close_serving();
}

static void a_verdict_takes_from_the_given_begin_to_the_given_end(void) {
    open_serving();
    gw_op_begin_verdict(&op, instance, loops[0], 1000, 0, on_done, NULL);
    gw_op_verdict(&op, EG_NEXT, 1000 + 3 * GW_NS_PER_MS);
    ASSERT_STATS(1, 0, 3, 0);
    gw_op_begin_verdict(&op, instance, loops[0], 1000, 0, on_done, NULL);
    gw_op_verdict(&op, EG_E_IO, 1000);
    ASSERT_STATS(2, 1, 3, 0);
    close_serving();
}

static void a_verdict_to_come_has_its_deadline_from_the_pending_on(void) {
    open_serving();
    const uint64_t now_ns = gw_monotonic_ns();
    gw_op_begin_verdict(&op, instance, loops[0], now_ns, now_ns + 5 * GW_NS_PER_MS, on_done,
                        on_deadline);
    held_op = &op.pub;
    gw_op_verdict(&op, EG_PENDING, now_ns);
    gw_clock_advance(4 * GW_NS_PER_MS);
    turn();
    CU_ASSERT_FALSE(op.is_overdue);
    gw_clock_advance(GW_NS_PER_MS);
    turn();
    CU_ASSERT_TRUE(op.is_overdue);
    op.pub.done(&op.pub, EG_OK, NULL);
    turn();
    ASSERT_STATS(1, 1, 5, 0);
    close_serving();
}

/* ---- metrics ---- */

static const struct eg_component known = {.struct_size = sizeof known,
                                          .kind = EG_KIND_PROVIDER,
                                          .name = "known",
                                          .summary = "A provider.",
                                          .life = &bench_life,
                                          .ops = &bench_provider_ops};
static const struct eg_component *const known_list[] = {&known};
static const struct eg_plugin known_plugin = {.magic = EG_PLUGIN_MAGIC,
                                              .struct_size = sizeof known_plugin,
                                              .abi_built = EG_ABI,
                                              .abi_needs = EG_ABI_MAKE(0, 1),
                                              .name = "known_plugin",
                                              .version = "3.2.1",
                                              .licence = "MIT",
                                              .components = known_list,
                                              .component_count = 1};

/* Instead of the table that CMake writes for a gateway. */
const struct eg_plugin *const *gw_static_plugins(size_t *ret_count) {
    static const struct eg_plugin *const plugins[] = {&known_plugin};
    *ret_count = 1;
    return plugins;
}

static void open_known(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    gw_metrics_reset();
    bench_open();
    CU_ASSERT_EQUAL_FATAL(gw_manager_load(manager, NULL, NULL), EG_OK);
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(manager, &known, NULL, 0, &instance, NULL), EG_OK);
    gw_manager_start(manager, GW_NS_PER_S, on_started, NULL);
    turn();
}

static bool is_written(const char *line) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_metrics_write(&out);
    gw_bytes_add_char(&out, '\0');
    const bool found = strstr(out.ptr, line) != NULL;
    gw_bytes_free(&out);
    return found;
}

static void call_once(void) {
    gw_op_begin(&op, instance, loops[0], 0, on_done, NULL);
    gw_clock_advance(250 * GW_NS_PER_MS);
    op.pub.done(&op.pub, EG_E_IO, NULL);
    turn();
}

static void counters_go_on_when_an_instance_is_replaced(void) {
    open_known();
    call_once();
    gw_stats_show(manager);
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_calls_total{component=\"known\"} 1\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_errors_total{component=\"known\"} 1\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_seconds_total{component=\"known\"} 0.25\n"));
    CU_ASSERT_TRUE(is_written("# TYPE eventgateway_plugin_seconds_total counter\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_in_flight{component=\"known\"} 0\n"));
    struct gw_change *change = gw_change_begin(manager);
    CU_ASSERT_EQUAL_FATAL(gw_change_add(change, &known, NULL, 0, &instance, NULL), EG_OK);
    gw_change_start(change, GW_NS_PER_S, on_started, NULL);
    turn();
    gw_change_commit(change, GW_NS_PER_S, 0);
    call_once();
    gw_stats_show(manager);
    CU_ASSERT_EQUAL(gw_instance_stats(instance).calls, 1);
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_calls_total{component=\"known\"} 2\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_plugin_seconds_total{component=\"known\"} 0.5\n"));
    close_serving();
}

static void the_list_tells_what_is_loaded_and_what_is_at_work(void) {
    struct gw_bytes out;
    open_known();
    gw_bytes_init(&out, 0);
    gw_stats_write(&out, manager);
    ASSERT_STR(gw_bytes_str(&out),
               "{\"plugins\":[{\"name\":\"known_plugin\",\"version\":\"3.2.1\",\"licence\":\"MIT\","
               "\"abiBuilt\":\"0.4\",\"abiNeeds\":\"0.1\",\"file\":null,\"components\":[{\"name\":"
               "\"known\",\"kind\":\"provider\",\"summary\":\"A provider.\"}]}],\"components\":["
               "{\"name\":\"known\",\"kind\":\"provider\",\"plugin\":\"known_plugin\",\"state\":"
               "\"serving\",\"settings\":{},\"calls\":0,\"errors\":0,\"inFlight\":0,\"seconds\":"
               "0.000000000}]}");
    gw_bytes_free(&out);
    close_serving();
}

UNIT_MAIN(UNIT(the_start_is_no_call),
          UNIT(an_op_is_in_flight_until_its_end_and_counted_with_its_time),
          UNIT(an_op_that_fails_and_one_that_is_refused_are_errors),
          UNIT(an_op_past_its_deadline_is_one_error_however_it_ends),
          UNIT(a_verdict_takes_from_the_given_begin_to_the_given_end),
          UNIT(a_verdict_to_come_has_its_deadline_from_the_pending_on),
          UNIT(counters_go_on_when_an_instance_is_replaced),
          UNIT(the_list_tells_what_is_loaded_and_what_is_at_work))
