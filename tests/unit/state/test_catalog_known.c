/* What the catalog knows without asking the store, and when it knows that it does. */
#include "state_rig.h"

#define SPACE GW_STR("default")
#define SYNC(id, type, function, method, path)                                                     \
    "{\"space\":\"default\",\"subscriptionId\":\"" id "\",\"type\":\"sync\",\"eventType\":\"" type \
    "\",\"functionId\":\"" function "\",\"path\":\"" path "\",\"method\":\"" method "\"}"
#define ASYNC_B                                                                                    \
    "{\"subscriptionId\":\"s2\",\"type\":\"async\",\"eventType\":\"t\",\"functionId\":\"f2\","     \
    "\"path\":\"/b\",\"method\":\"POST\"}"

static uint64_t settled(void) {
    return gw_catalog_settled(rig.catalog);
}

static struct gw_object *load(enum gw_kind kind, const char *space, const char *id,
                              const char *text) {
    struct gw_object *object = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    rig_must(gw_object_load(kind, gw_str_c(space), gw_str_c(id), 0, gw_str_c(text), &object,
                            &why) == EG_OK,
             "the object is not read");
    return object;
}

static void on_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    (void)revision;
    rig_on_end(arg, status, why);
}

/* A write of this node. */
static void put_function(const char *id) {
    struct gw_object *object = load(GW_FUNCTION, "default", id, RIG_FUNCTION("x"));
    const unsigned ends = rig.ends;
    gw_catalog_write(rig.catalog, &(struct gw_catalog_write){
                                      .object = object,
                                      .expect_revision = EG_REV_ANY,
                                      .deadline_ns = gw_catalog_deadline(rig.catalog),
                                      .on_written = on_written,
                                  });
    rig_wait(&rig.ends, ends + 1, "no answer");
    rig_turn(3);
    gw_object_unref(object);
}

static void nothing_is_known_before_the_watch_has_told_all(void) {
    rig_up();
    fake_storage_set(RIG_KEY("functions", "default", "f"), RIG_FUNCTION("f"));
    fake_storage_set(RIG_KEY("functions", "default", "g"), RIG_FUNCTION("g"));
    CU_ASSERT_EQUAL(settled(), 0);
    rig_watch();
    CU_ASSERT_EQUAL(settled(), 2);
    rig_down();
}

/* A store may write several keys at one revision, and tell them one by one. */
static void of_what_others_write_the_last_revision_may_not_be_told_whole(void) {
    rig_up();
    rig_watch();
    rig_set(RIG_KEY("functions", "default", "f"), RIG_FUNCTION("f"));
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 1);
    CU_ASSERT_EQUAL(settled(), 0);
    rig_set(RIG_KEY("functions", "default", "g"), RIG_FUNCTION("g"));
    CU_ASSERT_EQUAL(settled(), 1);
    rig_set(RIG_KEY("functions", "default", "g"), NULL);
    CU_ASSERT_EQUAL(settled(), 2);
    put_function("h"); /* this node's own is of one key */
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 4);
    CU_ASSERT_EQUAL(settled(), 4);
    rig_set("/serverless-event-gateway/strange", "x"); /* of somebody else: nothing of ours */
    CU_ASSERT_EQUAL(settled(), 4);
    rig_down();
}

static void a_write_that_is_not_told_yet_leaves_nothing_known(void) {
    rig_up();
    rig_watch();
    put_function("f");
    CU_ASSERT_EQUAL(settled(), 1);
    fake_storage_silent(true);
    put_function("g");
    CU_ASSERT_EQUAL(settled(), 0);
    fake_storage_silent(false);
    fake_storage_watch_reset();
    rig_turn(5);
    CU_ASSERT_EQUAL(settled(), 2);
    rig_down();
}

static void a_store_that_is_away_or_has_lost_its_history_is_asked(void) {
    rig_up();
    rig_watch();
    put_function("f");
    fake_storage_watch_down("gone");
    rig_turn(3);
    CU_ASSERT_EQUAL(settled(), 0);
    put_function("g"); /* told, so it is back */
    CU_ASSERT_EQUAL(settled(), 2);
    rig.catalog->is_resyncing = true; /* RESET was told, and the content not yet */
    CU_ASSERT_EQUAL(settled(), 0);
    rig.catalog->is_resyncing = false;
    CU_ASSERT_EQUAL(settled(), 2);
    rig_down();
}

static void a_value_that_cannot_be_read_is_the_stores_to_tell(void) {
    rig_up();
    rig_watch();
    rig_set(RIG_KEY("functions", "default", "bad"), "{");
    put_function("f");
    CU_ASSERT_EQUAL(settled(), 0);
    rig_set(RIG_KEY("functions", "default", "bad"), NULL);
    CU_ASSERT_EQUAL(settled(), 2);
    rig_down();
}

static void a_store_without_commit_is_asked(void) {
    rig_store = "fake_0_1";
    rig_up();
    rig_watch();
    put_function("f");
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 1);
    CU_ASSERT_EQUAL(settled(), 0);
    rig_down();
    rig_store = "fake";
}

static void set_content(void) {
    rig_set(RIG_KEY("subscriptions", "default", "s1"), SYNC("s1", "t", "f", "POST", "/a/:x"));
    rig_set(RIG_KEY("subscriptions", "default", "s2"), ASYNC_B);
    rig_set(RIG_KEY("eventtypes", "default", "u"), "{\"name\":\"u\",\"authorizerId\":\"g\"}");
    rig_set(RIG_KEY("eventtypes", "default", "v"), "{\"name\":\"v\"}");
}

static void users_of_functions_and_event_types_are_known(void) {
    rig_up();
    rig_watch();
    set_content();
    CU_ASSERT_TRUE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, SPACE, GW_STR("f")));
    CU_ASSERT_TRUE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, SPACE, GW_STR("f2")));
    CU_ASSERT_TRUE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, SPACE, GW_STR("g")));
    CU_ASSERT_FALSE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, SPACE, GW_STR("t")));
    CU_ASSERT_FALSE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, GW_STR("other"), GW_STR("f")));
    CU_ASSERT_TRUE(gw_catalog_is_used(rig.catalog, GW_EVENTTYPE, SPACE, GW_STR("t")));
    CU_ASSERT_FALSE(gw_catalog_is_used(rig.catalog, GW_EVENTTYPE, SPACE, GW_STR("u")));
    CU_ASSERT_FALSE(gw_catalog_is_used(rig.catalog, GW_EVENTTYPE, GW_STR("other"), GW_STR("t")));
    rig_set(RIG_KEY("subscriptions", "default", "s1"), NULL);
    CU_ASSERT_FALSE(gw_catalog_is_used(rig.catalog, GW_FUNCTION, SPACE, GW_STR("f")));
    rig_down();
}

static bool has_rival(const char *space, const char *text) {
    struct gw_object *wanted = load(GW_SUBSCRIPTION, space, "w", text);
    const bool has = gw_catalog_has_rival(rig.catalog, wanted);
    gw_object_unref(wanted);
    return has;
}

static void rivals_are_sync_and_of_one_space_method_and_event_type(void) {
    rig_up();
    rig_watch();
    set_content();
    CU_ASSERT_TRUE(has_rival("default", SYNC("w", "t", "f", "POST", "/a/:y")));
    CU_ASSERT_TRUE(has_rival("default", SYNC("w", "t", "f", "POST", "/a/b")));
    CU_ASSERT_TRUE(has_rival("default", SYNC("w", "t", "f", "POST", "/a/:x")));
    CU_ASSERT_FALSE(has_rival("default", SYNC("w", "t", "f", "POST", "/a/:x/b")));
    CU_ASSERT_FALSE(has_rival("default", SYNC("w", "t", "f", "POST", "/b"))); /* async */
    CU_ASSERT_FALSE(has_rival("default", SYNC("w", "t", "f", "GET", "/a/:y")));
    CU_ASSERT_FALSE(has_rival("default", SYNC("w", "t2", "f", "POST", "/a/:y")));
    CU_ASSERT_FALSE(has_rival("other", SYNC("w", "t", "f", "POST", "/a/:y")));
    rig_set(RIG_KEY("subscriptions", "default", "s1"), NULL);
    CU_ASSERT_FALSE(has_rival("default", SYNC("w", "t", "f", "POST", "/a/:y")));
    rig_down();
}

UNIT_MAIN(UNIT(nothing_is_known_before_the_watch_has_told_all),
          UNIT(of_what_others_write_the_last_revision_may_not_be_told_whole),
          UNIT(a_write_that_is_not_told_yet_leaves_nothing_known),
          UNIT(a_store_that_is_away_or_has_lost_its_history_is_asked),
          UNIT(a_value_that_cannot_be_read_is_the_stores_to_tell),
          UNIT(a_store_without_commit_is_asked), UNIT(users_of_functions_and_event_types_are_known),
          UNIT(rivals_are_sync_and_of_one_space_method_and_event_type))
