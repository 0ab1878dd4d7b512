/* Calls of the catalog, their deadline and their reasons, and its end. */
#include "state_rig.h"

static void on_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    (void)revision;
    rig_on_end(arg, status, why);
}

static void remove_x(void) {
    gw_catalog_write(rig.catalog, &(struct gw_catalog_write){
                                      .kind = GW_CORS,
                                      .space = GW_STR("default"),
                                      .id = GW_STR("x"),
                                      .expect_revision = EG_REV_ANY,
                                      .deadline_ns = gw_catalog_deadline(rig.catalog),
                                      .on_written = on_written,
                                  });
}

static void a_store_without_a_reason_is_told_with_what_the_watch_knows(void) {
    rig_up();
    rig_watch();
    fake_storage_fail(EG_E_UNAVAILABLE, NULL);
    rig.ends = 0;
    remove_x();
    rig_wait(&rig.ends, 1, "no answer");
    ASSERT_STR(gw_bytes_str(&rig.why), "unavailable");
    fake_storage_watch_down("the cable is cut");
    rig_turn(3);
    remove_x();
    rig_wait(&rig.ends, 2, "no answer");
    ASSERT_STR(gw_bytes_str(&rig.why), "the cable is cut");
    fake_storage_fail(EG_E_IO, NULL);
    remove_x();
    rig_wait(&rig.ends, 3, "no answer");
    ASSERT_STR(gw_bytes_str(&rig.why), "input/output error");
    rig_down();
}

static void the_deadline_is_that_of_the_settings(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    CU_ASSERT_EQUAL(gw_catalog_deadline(rig.catalog), GW_NS_PER_S + RIG_TIMEOUT_NS);
    gw_clock_advance(7);
    CU_ASSERT_EQUAL(gw_catalog_deadline(rig.catalog), GW_NS_PER_S + RIG_TIMEOUT_NS + 7);
    rig_down();
    gw_clock_release();
}

static void stop_waits_for_operations(void) {
    rig_up();
    rig_watch();
    fake_storage_hold(true);
    rig.ends = 0;
    remove_x();
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_turn(5);
    CU_ASSERT_EQUAL(rig.ends, 0);
    fake_storage_release(1);
    rig_wait(&rig.ends, 2, "stop does not come");
    rig_down(); /* stopping what is stopped is answered too */
}

static void a_store_that_hangs_does_not_keep_it_from_ending(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    rig_watch();
    fake_storage_hold(true);
    rig.ends = 0;
    remove_x();
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    gw_clock_advance(RIG_TIMEOUT_NS + 1);
    rig_wait(&rig.ends, 1, "the call is not given up");
    gw_clock_advance(GW_CATALOG_STOP_NS);
    rig_wait(&rig.ends, 2, "stop does not come");
    CU_ASSERT_EQUAL(rig_logged("did not end its calls in time"), 1);
    rig_down();
    gw_clock_release();
}

static void an_unknown_catalog_has_no_revision(void) {
    rig_up();
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 0);
    CU_ASSERT_FALSE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR("nobody")), 0);
    gw_catalog_destroy(NULL);
    rig_down();
}

UNIT_MAIN(UNIT(a_store_without_a_reason_is_told_with_what_the_watch_knows),
          UNIT(the_deadline_is_that_of_the_settings), UNIT(stop_waits_for_operations),
          UNIT(a_store_that_hangs_does_not_keep_it_from_ending),
          UNIT(an_unknown_catalog_has_no_revision))
