/* How a node stands to its store: revisions, lag, reasons, and the metrics of them. */
#include "state/standing.h"

#include "state_rig.h"

#define F1 RIG_KEY("functions", "default", "f1")
#define F2 RIG_KEY("functions", "default", "f2")

static struct gw_publisher *publisher;
static unsigned routed; /* calls of on_routed */

static void on_routed(void *arg) {
    (void)arg;
    routed++;
}

static void standing_up(void) {
    gw_clock_hold(1000 * GW_NS_PER_S, 1700000000 * (int64_t)GW_NS_PER_S);
    rig_up();
    publisher = gw_publisher_create(rig.manager, rig.loop, &rig.loop, 1);
    gw_publisher_on_routed(publisher, on_routed, NULL);
    routed = 0;
}

static void standing_down(void) {
    rig.ends = 0;
    gw_publisher_stop(publisher, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the publisher does not stop");
    gw_publisher_destroy(publisher);
    rig_down();
    gw_clock_release();
}

static struct gw_standing now(void) {
    struct gw_standing standing;
    gw_standing_read(rig.catalog, publisher, &standing);
    return standing;
}

static void publish(void) {
    gw_publisher_publish(publisher, rig.catalog, NULL, NULL);
}

static void a_node_in_step_has_no_lag(void) {
    standing_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    publish();
    rig_turn(3);
    gw_clock_advance(60 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(now().lag_ns, 0);
    CU_ASSERT_EQUAL(now().known_revision, 1);
    CU_ASSERT_EQUAL(now().routed_revision, 1);
    CU_ASSERT_TRUE(now().is_up);
    CU_ASSERT_FALSE(now().is_from_copy);
    CU_ASSERT_EQUAL(now().down_ns, 0);
    standing_down();
}

static void before_the_first_content_it_is_behind(void) {
    standing_up();
    fake_storage_silent(true);
    gw_catalog_start(rig.catalog, rig_on_ready, NULL);
    gw_clock_advance(2 * GW_NS_PER_S);
    rig_turn(3);
    CU_ASSERT_EQUAL(now().lag_ns, 2 * GW_NS_PER_S);
    CU_ASSERT_FALSE(now().is_up);
    CU_ASSERT_EQUAL(now().down_ns, 1000 * GW_NS_PER_S);
    fake_storage_silent(false);
    standing_down();
}

static void lag_counts_from_the_moment_the_store_went_away(void) {
    standing_up();
    rig_watch();
    publish();
    rig_turn(3);
    gw_clock_advance(10 * GW_NS_PER_S);
    fake_storage_away("no route");
    rig_turn(3);
    gw_clock_advance(7 * GW_NS_PER_S);
    fake_storage_watch_down("still none"); /* counts from the first */
    rig_turn(3);
    CU_ASSERT_EQUAL(now().lag_ns, 7 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(now().down_ns, 1010 * GW_NS_PER_S);
    ASSERT_STR(now().down_why, "still none");
    CU_ASSERT_FALSE(now().is_up);
    fake_storage_away(NULL);
    rig_turn(3);
    CU_ASSERT_EQUAL(now().lag_ns, 0);
    CU_ASSERT_TRUE(now().is_up);
    CU_ASSERT_EQUAL(now().down_ns, 0);
    CU_ASSERT_EQUAL(rig_logged("can be reached again, after 7 s"), 1);
    standing_down();
}

static void lag_counts_from_the_oldest_change_that_is_not_routed(void) {
    standing_up();
    rig_watch();
    publish();
    rig_turn(3);
    rig_set(F1, RIG_FUNCTION("f1"));
    CU_ASSERT_EQUAL(gw_publisher_unrouted_since(publisher), 0); /* nobody published it */
    publish(); /* built, not yet taken by the loop */
    gw_clock_advance(GW_NS_PER_S / 2);
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    CU_ASSERT_EQUAL(now().lag_ns, GW_NS_PER_S / 2);
    CU_ASSERT_EQUAL(now().routed_revision, 0);
    rig_turn(3);
    CU_ASSERT_EQUAL(now().lag_ns, 0);
    CU_ASSERT_EQUAL(now().routed_revision, 1);
    publish();
    rig_turn(3);
    CU_ASSERT_EQUAL(now().routed_revision, 2);
    CU_ASSERT_EQUAL(routed, 3);
    standing_down();
}

/* A watch that says nothing any more is noticed by the plugin only later. */
static void an_own_write_that_the_watch_does_not_tell_is_lag(void) {
    standing_up();
    rig_watch();
    publish();
    rig_turn(3);
    fake_storage_silent(true);
    gw_catalog_note_written(rig.catalog, 5);
    gw_clock_advance(GW_NS_PER_S);
    gw_catalog_note_written(rig.catalog, 6);
    gw_clock_advance(GW_NS_PER_S);
    CU_ASSERT_EQUAL(now().lag_ns, 2 * GW_NS_PER_S);
    CU_ASSERT_EQUAL(now().known_revision, 6);
    const struct eg_change change = {.struct_size = sizeof change,
                                     .kind = EG_CHANGE_PUT,
                                     .revision = 5,
                                     .key = GW_STR(F1),
                                     .value = GW_STR("{}")};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &change);
    rig_turn(3);
    gw_clock_advance(GW_NS_PER_S / 2);
    CU_ASSERT_EQUAL(now().lag_ns, GW_NS_PER_S / 2); /* 6 is missing still */
    const struct eg_change synced = {
        .struct_size = sizeof synced, .kind = EG_CHANGE_SYNCED, .revision = 6};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &synced);
    rig_turn(3);
    CU_ASSERT_EQUAL(now().lag_ns, 0);
    fake_storage_silent(false);
    standing_down();
}

static void without_a_publisher_the_catalog_counts(void) {
    struct gw_standing standing;
    standing_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    gw_standing_read(rig.catalog, NULL, &standing);
    CU_ASSERT_EQUAL(standing.routed_revision, 1);
    CU_ASSERT_EQUAL(standing.lag_ns, 0);
    standing_down();
}

static void the_metrics_say_the_same(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_standing_show(&(struct gw_standing){
        .routed_revision = 42, .lag_ns = 2 * GW_NS_PER_S + 500 * GW_NS_PER_MS, .is_up = true});
    gw_metrics_write(&out);
    gw_bytes_add_char(&out, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "# TYPE eventgateway_config_revision gauge\n"
                                           "eventgateway_config_revision 42\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "# TYPE eventgateway_config_lag_seconds gauge\n"
                                           "eventgateway_config_lag_seconds 2.5\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(out.ptr, "# TYPE eventgateway_store_up gauge\neventgateway_store_up 1\n"));
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(a_node_in_step_has_no_lag), UNIT(before_the_first_content_it_is_behind),
          UNIT(lag_counts_from_the_moment_the_store_went_away),
          UNIT(lag_counts_from_the_oldest_change_that_is_not_routed),
          UNIT(an_own_write_that_the_watch_does_not_tell_is_lag),
          UNIT(without_a_publisher_the_catalog_counts), UNIT(the_metrics_say_the_same))
