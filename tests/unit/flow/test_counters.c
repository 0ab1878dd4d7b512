/* Unit tests of flow/counters.c: names and labels of the data path's metrics. */
#include "rig.h"

static int64_t value_of(const char *space, const char *type) {
    static const struct gw_metric_family family = {
        .name = "eventgateway_events_received_total", .help = "", .type = GW_COUNTER};
    const struct eg_kv labels[] = {{GW_STR("space"), gw_str_c(space)},
                                   {GW_STR("type"), gw_str_c(type)}};
    return gw_metric_value(gw_metric(&family, labels, 2));
}

static void system_events_are_counted_by_space_and_type(void) {
    struct gw_counters c = {0};
    gw_counters_init(&c);
    const int64_t before = value_of("b", "eventgateway.function.invoked");
    gw_counters_sysevent(&c, GW_STR("a"), GW_SYS_INVOKING);
    gw_counters_sysevent(&c, GW_STR("b"), GW_SYS_INVOKED);
    gw_counters_sysevent(&c, GW_STR("a"), GW_SYS_INVOKING);
    gw_counters_sysevent(&c, GW_STR("b"), GW_SYS_INVOKED);
    gw_counters_sysevent(&c, GW_STR(""), GW_SYS_FAILED);
    CU_ASSERT_EQUAL(value_of("a", "eventgateway.function.invoking"), 2);
    CU_ASSERT_EQUAL(value_of("b", "eventgateway.function.invoked") - before, 2);
    CU_ASSERT_EQUAL(value_of("", "eventgateway.function.invocationFailed"), 1);
    CU_ASSERT_EQUAL(c.spaces.count, 3);
    gw_counters_free(&c);
}

static void two_loops_share_the_metrics_and_not_the_map(void) {
    struct gw_counters c = {0};
    struct gw_counters d = {0};
    gw_counters_init(&c);
    gw_counters_init(&d);
    CU_ASSERT_PTR_EQUAL(c.dropped, d.dropped);
    gw_counters_sysevent(&c, GW_STR("two"), GW_SYS_INVOKED);
    gw_counters_sysevent(&d, GW_STR("two"), GW_SYS_INVOKED);
    CU_ASSERT_EQUAL(value_of("two", "eventgateway.function.invoked"), 2);
    gw_counters_free(&c);
    gw_counters_free(&d);
}

static void the_names_are_those_that_dashboards_know(void) {
    static const char *const lines[] = {
        "eventgateway_events_dropped_total{space=\"\",type=\"custom\"}",
        "\neventgateway_events_backlog ",
        "eventgateway_events_custom_processing_seconds_bucket{le=",
        "\neventgateway_events_unrouted_total ",
    };
    struct gw_counters c = {0};
    struct gw_bytes out;
    gw_counters_init(&c);
    gw_bytes_init(&out, 0);
    gw_metrics_write(&out);
    gw_bytes_add_char(&out, '\0');
    for (size_t i = 0; i < GW_COUNT(lines); i++) {
        CU_ASSERT_TRUE(rig_has(out.ptr, lines[i]));
    }
    gw_bytes_free(&out);
    gw_counters_free(&c);
}

UNIT_MAIN(UNIT(system_events_are_counted_by_space_and_type),
          UNIT(two_loops_share_the_metrics_and_not_the_map),
          UNIT(the_names_are_those_that_dashboards_know))
