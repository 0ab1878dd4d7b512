/* The cache and the watch that feeds it: changes, breaks, resynchronisation, bad records. */
#include <pthread.h>

#include "state/standing.h"
#include "state_rig.h"

#define F1 RIG_KEY("functions", "default", "f1")
#define F2 RIG_KEY("functions", "default", "f2")
#define F3 RIG_KEY("functions", "default", "f3")

/* Tells the catalog something that the store does not know of. */
static void tell(uint32_t kind, uint64_t revision, const char *key, const char *value) {
    const struct eg_change change = {.struct_size = sizeof change,
                                     .kind = kind,
                                     .revision = revision,
                                     .key = gw_str_c(key),
                                     .value = gw_str_c(value),
                                     .message = gw_str_c(kind == EG_CHANGE_DOWN ? "gone" : NULL)};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &change);
}
static size_t functions(void) {
    return gw_catalog_cache(rig.catalog, GW_FUNCTION)->count;
}

static void the_present_content_is_there_when_ready_is_told(void) {
    rig_up();
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    fake_storage_set(GW_STORE_ROOT "functions/", "");
    fake_storage_set("/somebody/else", "?");
    rig_watch();
    CU_ASSERT_EQUAL(rig.ready_status, EG_OK);
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_EQUAL(rig_cached(GW_FUNCTION, F1)->revision, 1);
    CU_ASSERT_TRUE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 3);
    CU_ASSERT_EQUAL(rig.changes, 0);
    rig_down();
}

static void many_changes_of_one_turn_are_one_call(void) {
    rig_up();
    rig_watch();
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    fake_storage_set(F1, NULL);
    CU_ASSERT_EQUAL(rig.changes, 0);
    rig_turn(3);
    CU_ASSERT_EQUAL(rig.changes, 1);
    CU_ASSERT_EQUAL(functions(), 1);
    rig_down();
}

static void an_update_replaces_the_object_and_keeps_its_age(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    rig_set(F2, RIG_FUNCTION("f2"));
    rig_set(F1, RIG_FUNCTION("changed"));
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_EQUAL(rig_cached(GW_FUNCTION, F1)->revision, 3);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F1)), 1);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F2)), 2);
    rig_set(F1, NULL);
    rig_set(F1, RIG_FUNCTION("f1"));
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F1)), 5);
    rig_down();
}

static void a_reset_leaves_no_ghosts_and_misses_nothing(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    rig_set(F2, RIG_FUNCTION("f2"));
    struct gw_object *kept = rig_cached(GW_FUNCTION, F1);
    const unsigned changes = rig.changes;
    tell(EG_CHANGE_DOWN, 0, "", NULL);
    rig_turn(2);
    CU_ASSERT_FALSE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(functions(), 2); /* routing goes on with what is known */
    tell(EG_CHANGE_RESET, 9, "", NULL);
    tell(EG_CHANGE_PUT, 1, F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_PUT, 9, F3, RIG_FUNCTION("f3"));
    rig_turn(2);
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_PTR_NOT_NULL(rig_cached(GW_FUNCTION, F2));
    CU_ASSERT_EQUAL(rig.changes, changes); /* nothing half done is shown */
    tell(EG_CHANGE_SYNCED, 9, "", NULL);
    rig_turn(2);
    CU_ASSERT_EQUAL(rig.changes, changes + 1);
    CU_ASSERT_TRUE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_PTR_NULL(rig_cached(GW_FUNCTION, F2));
    CU_ASSERT_PTR_NOT_NULL(rig_cached(GW_FUNCTION, F3));
    CU_ASSERT_PTR_EQUAL(rig_cached(GW_FUNCTION, F1), kept); /* the same object */
    rig_down();
}

static void what_was_made_anew_while_nobody_looked_is_young(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    rig_set(F2, RIG_FUNCTION("f2"));
    fake_storage_silent(true);
    rig_set(F2, RIG_FUNCTION("changed"));
    rig_set(F1, NULL);
    rig_set(F1, RIG_FUNCTION("f1"));
    fake_storage_silent(false);
    fake_storage_watch_reset();
    rig_turn(3);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 5);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F1)), 5);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F2)), 2);
    rig_down();
}

/* A plugin of ABI 0.1 has a shorter struct. */
static void what_lies_behind_the_struct_of_an_older_plugin_is_no_age(void) {
    rig_up();
    rig_watch();
    const struct eg_change change = {.struct_size = offsetof(struct eg_change, created),
                                     .kind = EG_CHANGE_PUT,
                                     .revision = 9,
                                     .key = GW_STR(F1),
                                     .value = GW_STR(RIG_FUNCTION("f1")),
                                     .created = 4};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &change);
    rig_turn(3);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F1)), 9);
    rig_down();
}

static void a_reset_that_breaks_off_begins_again(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_RESET, 5, "", NULL);
    tell(EG_CHANGE_PUT, 2, F2, RIG_FUNCTION("f2"));
    tell(EG_CHANGE_DOWN, 0, "", NULL);
    tell(EG_CHANGE_RESET, 6, "", NULL);
    tell(EG_CHANGE_PUT, 6, F3, RIG_FUNCTION("f3"));
    tell(EG_CHANGE_REMOVE, 7, F3, NULL);
    tell(EG_CHANGE_PUT, 1, F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_SYNCED, 7, "", NULL);
    rig_turn(3);
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_PTR_NOT_NULL(rig_cached(GW_FUNCTION, F1));
    rig_down();
}

static void a_bad_record_is_left_out_counted_and_named_once(void) {
    rig_up();
    fake_storage_set(F1, "{\"functionId\":");
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    rig_watch();
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_EQUAL(gw_metric_value(rig.catalog->bad_records), 1);
    CU_ASSERT_EQUAL(rig_logged(F1), 1);
    fake_storage_watch_reset();
    rig_turn(3);
    CU_ASSERT_EQUAL(rig_logged(F1), 1); /* known already */
    CU_ASSERT_EQUAL(gw_metric_value(rig.catalog->bad_records), 1);
    rig_set(F1, RIG_FUNCTION("f1")); /* mended */
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_EQUAL(gw_metric_value(rig.catalog->bad_records), 0);
    rig_set(F2, "[]"); /* spoiled */
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_EQUAL(gw_metric_value(rig.catalog->bad_records), 1);
    rig_set(F2, NULL);
    CU_ASSERT_EQUAL(gw_metric_value(rig.catalog->bad_records), 0);
    rig_down();
}

static void a_watch_that_ends_is_begun_anew_after_a_pause(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_CLOSED, 0, "", NULL);
    rig_turn(3);
    CU_ASSERT_FALSE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_FALSE(rig.catalog->feed.is_open);
    gw_clock_advance(GW_NS_PER_S);
    rig_turn(5);
    CU_ASSERT_TRUE(rig.catalog->feed.is_open);
    CU_ASSERT_TRUE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_EQUAL(rig.readies, 1);
    rig_down();
    gw_clock_release();
}

static void a_store_that_never_tells_its_content_is_given_up_with_its_own_text(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    gw_catalog_start(rig.catalog, rig_on_ready, NULL);
    gw_catalog_unwatch(rig.catalog); /* so that its SYNCED is dropped */
    rig.catalog->is_stopping = true;
    rig_turn(3);
    rig.catalog->is_stopping = false;
    gw_catalog_watch(rig.catalog);
    rig.catalog->is_stopping = true;
    rig_turn(3);
    rig.catalog->is_stopping = false;
    tell(EG_CHANGE_DOWN, 0, "", NULL);
    rig_turn(3);
    CU_ASSERT_EQUAL(rig.readies, 0);
    gw_clock_advance(GW_CATALOG_START_NS + 1);
    rig_wait(&rig.readies, 1, "never given up");
    CU_ASSERT_EQUAL(rig.ready_status, EG_E_UNAVAILABLE);
    ASSERT_STR(gw_bytes_str(&rig.why), "gone");
    rig_down();
    gw_clock_release();
}

static void changes_of_unknown_kinds_and_old_sizes_are_ignored(void) {
    rig_up();
    rig_watch();
    tell(0, 4, F1, RIG_FUNCTION("f1"));
    tell(99, 4, F1, RIG_FUNCTION("f1"));
    const struct eg_change small = {.struct_size = 8, .kind = EG_CHANGE_PUT};
    rig.catalog->feed.pub.changed(&rig.catalog->feed.pub, &small);
    tell(EG_CHANGE_REMOVE, 5, "/somebody/else", NULL);
    tell(EG_CHANGE_PUT, 6, "", "x");
    rig_turn(3);
    CU_ASSERT_EQUAL(functions(), 0);
    CU_ASSERT_EQUAL(rig.changes, 0);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 0); /* nothing that will be routed */
    rig_down();
}

static void a_removal_of_what_was_never_told_moves_the_revision(void) {
    rig_up();
    rig_watch();
    tell(EG_CHANGE_REMOVE, 7, F2, NULL); /* put and removed between two looks of the store */
    rig_turn(3);
    CU_ASSERT_EQUAL(functions(), 0);
    CU_ASSERT_EQUAL(rig.changes, 1);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 7);
    rig_down();
}

static void a_put_of_the_same_value_moves_the_revision_too(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    rig_set(F1, RIG_FUNCTION("f1"));
    CU_ASSERT_EQUAL(rig.changes, 2);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 2);
    rig_down();
}

static void the_revision_stays_that_of_the_content_while_a_reset_is_told(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_RESET, 9, "", NULL);
    tell(EG_CHANGE_PUT, 9, F3, RIG_FUNCTION("f3"));
    rig_turn(2);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 1); /* a build now would be of this one */
    tell(EG_CHANGE_SYNCED, 9, "", NULL);
    rig_turn(2);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 9);
    rig_down();
}

static void a_store_that_was_put_back_gives_a_revision_twice_and_the_new_value_counts(void) {
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    struct gw_object *former = gw_object_ref(rig_cached(GW_FUNCTION, F1));
    tell(EG_CHANGE_RESET, 0, "", NULL);
    tell(EG_CHANGE_PUT, 1, F1, RIG_FUNCTION("other"));
    tell(EG_CHANGE_SYNCED, 1, "", NULL);
    rig_turn(3);
    CU_ASSERT_PTR_NOT_EQUAL(rig_cached(GW_FUNCTION, F1), former);
    ASSERT_STR(rig_cached(GW_FUNCTION, F1)->as.function.provider_json,
               "{\"url\":\"http://a/other\"}");
    gw_object_unref(former);
    rig_down();
}

static void a_write_that_the_store_has_lost_is_not_waited_for(void) {
    struct gw_standing standing;
    rig_up();
    rig_watch();
    rig_set(F1, RIG_FUNCTION("f1"));
    gw_catalog_note_written(rig.catalog, 5);
    gw_catalog_note_written(rig.catalog, 6);
    CU_ASSERT_EQUAL(gw_catalog_known_revision(rig.catalog), 6);
    tell(EG_CHANGE_DOWN, 0, "", NULL);
    tell(EG_CHANGE_RESET, 0, "", NULL);
    tell(EG_CHANGE_PUT, 1, F1, RIG_FUNCTION("f1"));
    tell(EG_CHANGE_SYNCED, 3, "", NULL);
    rig_turn(3);
    CU_ASSERT_EQUAL(gw_catalog_known_revision(rig.catalog), 3);
    gw_standing_read(rig.catalog, NULL, &standing);
    CU_ASSERT_EQUAL(standing.lag_ns, 0);
    gw_catalog_note_written(rig.catalog, 5); /* and the next is */
    gw_standing_read(rig.catalog, NULL, &standing);
    CU_ASSERT_EQUAL(standing.known_revision, 5);
    CU_ASSERT_TRUE(standing.lag_ns > 0);
    rig_down();
}

static void pauses_before_a_new_watch_are_random_and_never_long(void) {
    uint64_t longest_ns = 0;
    unsigned repeats = 0;
    uint64_t last_ns = UINT64_MAX;
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    rig_watch();
    fake_storage_away("gone");
    for (unsigned i = 0; i < 60; i++) {
        tell(EG_CHANGE_CLOSED, 0, "", NULL);
        rig_turn(3);
        CU_ASSERT_TRUE_FATAL(gw_timer_armed(&rig.catalog->back_off));
        const uint64_t pause_ns = rig.catalog->back_off.at_ns - gw_monotonic_ns();
        repeats += pause_ns == last_ns;
        longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
        last_ns = pause_ns;
        gw_clock_advance(pause_ns);
        rig_turn(3);
        CU_ASSERT_TRUE(rig.catalog->feed.is_open);
    }
    CU_ASSERT_TRUE(longest_ns <= 2 * GW_NS_PER_S);
    CU_ASSERT_TRUE(longest_ns > GW_NS_PER_S); /* one of 60 in the upper half, surely */
    CU_ASSERT_TRUE(repeats < 5);
    fake_storage_away(NULL);
    rig_down();
    gw_clock_release();
}

static void *tell_from_a_thread(void *arg) {
    (void)arg;
    char key[128];
    for (uint64_t i = 1; i <= 1000; i++) {
        (void)snprintf(key, sizeof key, GW_STORE_ROOT "functions/default/f%u", (unsigned)(i % 7));
        tell(i % 3 == 0 ? EG_CHANGE_REMOVE : EG_CHANGE_PUT, i, key, RIG_FUNCTION("x"));
    }
    tell(EG_CHANGE_PUT, 1001, F1, RIG_FUNCTION("last"));
    return NULL;
}

static void changes_may_come_from_another_thread_and_keep_their_order(void) {
    pthread_t thread;
    rig_up();
    rig_watch();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, tell_from_a_thread, NULL), 0);
    for (unsigned i = 0; gw_catalog_revision(rig.catalog) < 1001 && i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 1001);
    CU_ASSERT_EQUAL(rig_cached(GW_FUNCTION, F1)->revision, 1001);
    rig_down();
}

UNIT_MAIN(UNIT(the_present_content_is_there_when_ready_is_told),
          UNIT(many_changes_of_one_turn_are_one_call),
          UNIT(an_update_replaces_the_object_and_keeps_its_age),
          UNIT(a_reset_leaves_no_ghosts_and_misses_nothing),
          UNIT(what_was_made_anew_while_nobody_looked_is_young),
          UNIT(what_lies_behind_the_struct_of_an_older_plugin_is_no_age),
          UNIT(a_reset_that_breaks_off_begins_again),
          UNIT(a_bad_record_is_left_out_counted_and_named_once),
          UNIT(a_watch_that_ends_is_begun_anew_after_a_pause),
          UNIT(a_store_that_never_tells_its_content_is_given_up_with_its_own_text),
          UNIT(changes_of_unknown_kinds_and_old_sizes_are_ignored),
          UNIT(a_removal_of_what_was_never_told_moves_the_revision),
          UNIT(a_put_of_the_same_value_moves_the_revision_too),
          UNIT(the_revision_stays_that_of_the_content_while_a_reset_is_told),
          UNIT(a_store_that_was_put_back_gives_a_revision_twice_and_the_new_value_counts),
          UNIT(a_write_that_the_store_has_lost_is_not_waited_for),
          UNIT(pauses_before_a_new_watch_are_random_and_never_long),
          UNIT(changes_may_come_from_another_thread_and_keep_their_order))
