/* How many objects there are, by space. */
#include "snapshot_rig.h"
#include "state/gauges.h"

static struct gw_gauges gauges;

static bool is_written(const char *line) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_metrics_write(&text);
    gw_bytes_add_char(&text, '\0');
    const bool is_there = strstr(text.ptr, line) != NULL;
    gw_bytes_free(&text);
    return is_there;
}
static void update(void) {
    rig_turn(3);
    gw_gauges_update(&gauges, rig.catalog);
}
static void gauges_up(void) {
    snapshot_up();
    memset(&gauges, 0, sizeof gauges);
}
static void gauges_down(void) {
    gw_gauges_free(&gauges);
    snapshot_down();
}

static void gauges_count_what_the_store_holds(void) {
    gauges_up();
    set_function("spa", "f1");
    set_function("spa", "f2");
    set_cors("spb", "c1", "/x", "*");
    update();
    CU_ASSERT_TRUE(is_written("eventgateway_functions_total{space=\"spa\"} 2\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_cors_total{space=\"spa\"} 0\n"));
    CU_ASSERT_TRUE(is_written("eventgateway_cors_total{space=\"spb\"} 1\n"));
    set_function("spa", "f2"); /* an update is no second one */
    set_kind("functions", "spa", "f1", NULL);
    update();
    CU_ASSERT_TRUE(is_written("eventgateway_functions_total{space=\"spa\"} 1\n"));
    gauges_down();
}

static void a_space_that_is_gone_is_not_written_and_comes_back(void) {
    gauges_up();
    set_function("spa", "f1");
    update();
    set_kind("functions", "spa", "f1", NULL);
    update();
    CU_ASSERT_FALSE(is_written("space=\"spa\""));
    set_function("spa", "f1");
    update();
    CU_ASSERT_TRUE(is_written("eventgateway_functions_total{space=\"spa\"} 1\n"));
    gauges_down();
    CU_ASSERT_FALSE(is_written("space=\"spa\""));
}

UNIT_MAIN(UNIT(gauges_count_what_the_store_holds),
          UNIT(a_space_that_is_gone_is_not_written_and_comes_back))
