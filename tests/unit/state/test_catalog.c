/* Writes of the catalog, their deadlines, and its end. */
#include "state_rig.h"

static struct gw_object *make(const char *id) {
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    gw_bytes_addf(&text, "{\"type\":\"http\",\"provider\":{\"url\":\"http://a/%s\"}}", id);
    rig_must(gw_object_load(GW_FUNCTION, GW_STR("default"), gw_str_c(id), 0, gw_bytes_str(&text),
                            &object, &why) == EG_OK,
             "the object is not read");
    gw_bytes_free(&text);
    return object;
}

static void put(struct gw_object *object, uint64_t expect) {
    gw_catalog_put(rig.catalog, object, expect, rig_on_end, NULL);
}

static void a_put_writes_the_value_of_the_api_and_sets_the_revision(void) {
    rig_up();
    struct gw_object *object = make("f1");
    rig.ends = 0;
    put(object, EG_REV_ABSENT);
    CU_ASSERT_EQUAL(rig.ends, 0); /* never inside the call */
    rig_wait(&rig.ends, 1, "no answer");
    CU_ASSERT_EQUAL(rig.status, EG_OK);
    CU_ASSERT_EQUAL(object->revision, 1);
    const char *stored = fake_storage_get(RIG_KEY("functions", "default", "f1"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(stored);
    ASSERT_STR(gw_str_c(stored), "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
                                 "\"provider\":{\"url\":\"http://a/f1\"}}");
    gw_object_unref(object);
    rig_down();
}

static void a_create_of_what_exists_and_a_lost_update_are_told_apart(void) {
    rig_up();
    struct gw_object *object = make("f1");
    put(object, EG_REV_ABSENT);
    rig_wait(&rig.ends, 2, "no answer");
    put(object, EG_REV_ABSENT);
    rig_wait(&rig.ends, 3, "no answer");
    CU_ASSERT_EQUAL(rig.status, EG_E_EXISTS);
    put(object, 77);
    rig_wait(&rig.ends, 4, "no answer");
    CU_ASSERT_EQUAL(rig.status, EG_E_CONFLICT);
    CU_ASSERT_TRUE(rig.why.len > 0);
    gw_object_unref(object);
    rig_down();
}

static void the_text_of_the_store_comes_through(void) {
    rig_up();
    fake_storage_fail(EG_E_IO, "database or disk is full");
    rig.ends = 0;
    gw_catalog_remove(rig.catalog, GW_CORS, GW_STR("default"), GW_STR("x"), EG_REV_ANY, rig_on_end,
                      NULL);
    rig_wait(&rig.ends, 1, "no answer");
    CU_ASSERT_EQUAL(rig.status, EG_E_IO);
    ASSERT_STR(gw_bytes_str(&rig.why), "database or disk is full");
    rig_down();
}

static void removing_what_is_missing_says_so(void) {
    rig_up();
    rig.ends = 0;
    gw_catalog_remove(rig.catalog, GW_CORS, GW_STR("default"), GW_STR("x"), EG_REV_ANY, rig_on_end,
                      NULL);
    rig_wait(&rig.ends, 1, "no answer");
    CU_ASSERT_EQUAL(rig.status, EG_E_NOTFOUND);
    rig_down();
}

static void a_store_that_is_too_slow_is_answered_for_and_may_answer_later(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    rig_up();
    struct gw_object *object = make("slow");
    fake_storage_hold(true);
    rig.ends = 0;
    put(object, EG_REV_ABSENT);
    gw_object_unref(object); /* the catalog holds what it needs */
    rig_turn(3);
    CU_ASSERT_EQUAL(rig.ends, 0);
    gw_clock_advance(RIG_TIMEOUT_NS + 1);
    rig_wait(&rig.ends, 1, "the deadline does not answer");
    CU_ASSERT_EQUAL(rig.status, EG_E_TIMEOUT);
    fake_storage_release(1);
    rig_turn(5);
    CU_ASSERT_EQUAL(rig.ends, 1); /* told once */
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(RIG_KEY("functions", "default", "slow")));
    rig_down();
    gw_clock_release();
}

static void stop_waits_for_operations(void) {
    rig_up();
    rig_watch();
    struct gw_object *object = make("f1");
    fake_storage_hold(true);
    rig.ends = 0;
    put(object, EG_REV_ABSENT);
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_turn(5);
    CU_ASSERT_EQUAL(rig.ends, 0);
    fake_storage_release(1);
    rig_wait(&rig.ends, 2, "stop does not come");
    gw_object_unref(object);
    rig_down(); /* stopping what is stopped is answered too */
}

static void an_unknown_catalog_has_no_revision(void) {
    rig_up();
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 0);
    CU_ASSERT_FALSE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR("nobody")), 0);
    gw_catalog_destroy(NULL);
    rig_down();
}

UNIT_MAIN(UNIT(a_put_writes_the_value_of_the_api_and_sets_the_revision),
          UNIT(a_create_of_what_exists_and_a_lost_update_are_told_apart),
          UNIT(the_text_of_the_store_comes_through), UNIT(removing_what_is_missing_says_so),
          UNIT(a_store_that_is_too_slow_is_answered_for_and_may_answer_later),
          UNIT(stop_waits_for_operations), UNIT(an_unknown_catalog_has_no_revision))
