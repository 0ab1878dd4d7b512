/* Writes of the catalog: what the store is asked, and what their checks forbid. */
#include "state_rig.h"

#define SPACE GW_STR("default")
#define KEY_F1 RIG_KEY("functions", "default", "f1")

static uint64_t written; /* revision of the last write that was answered */

static void on_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    written = revision;
    rig_on_end(arg, status, why);
}

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

static void put_on(struct gw_object *object, uint64_t expect, const struct gw_basis *bases,
                   size_t count) {
    gw_catalog_write(rig.catalog, &(struct gw_catalog_write){
                                      .object = object,
                                      .expect_revision = expect,
                                      .bases = bases,
                                      .basis_count = count,
                                      .deadline_ns = gw_catalog_deadline(rig.catalog),
                                      .on_written = on_written,
                                  });
}

static void put(struct gw_object *object, uint64_t expect) {
    put_on(object, expect, NULL, 0);
}

static void remove_on(const char *id, uint64_t expect, const struct gw_basis *bases, size_t count) {
    gw_catalog_write(rig.catalog, &(struct gw_catalog_write){
                                      .kind = GW_FUNCTION,
                                      .space = SPACE,
                                      .id = gw_str_c(id),
                                      .expect_revision = expect,
                                      .bases = bases,
                                      .basis_count = count,
                                      .deadline_ns = gw_catalog_deadline(rig.catalog),
                                      .on_written = on_written,
                                  });
}

/* The answer to the write that was just begun. */
static int32_t answer(void) {
    const unsigned ends = rig.ends;
    rig_wait(&rig.ends, ends + 1, "no answer");
    return rig.status;
}

static void a_put_writes_the_value_of_the_api_and_tells_the_revision(void) {
    rig_up();
    struct gw_object *object = make("f1");
    rig.ends = 0;
    put(object, EG_REV_ABSENT);
    CU_ASSERT_EQUAL(rig.ends, 0); /* never inside the call */
    CU_ASSERT_EQUAL(answer(), EG_OK);
    CU_ASSERT_EQUAL(written, 1);
    CU_ASSERT_EQUAL(object->revision, 1);
    CU_ASSERT_EQUAL(gw_catalog_known_revision(rig.catalog), 1);
    const char *stored = fake_storage_get(KEY_F1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stored);
    ASSERT_STR(gw_str_c(stored), "{\"space\":\"default\",\"functionId\":\"f1\",\"type\":\"http\","
                                 "\"provider\":{\"url\":\"http://a/f1\"}}");
    remove_on("f1", 1, NULL, 0);
    CU_ASSERT_EQUAL(answer(), EG_OK);
    CU_ASSERT_EQUAL(written, 2);
    CU_ASSERT_PTR_NULL(fake_storage_get(KEY_F1));
    gw_object_unref(object);
    rig_down();
}

static void a_create_of_what_exists_and_a_lost_update_are_told_apart(void) {
    rig_up();
    struct gw_object *object = make("f1");
    put(object, EG_REV_ABSENT);
    CU_ASSERT_EQUAL(answer(), EG_OK);
    put(object, EG_REV_ABSENT);
    CU_ASSERT_EQUAL(answer(), EG_E_EXISTS);
    put(object, 77);
    CU_ASSERT_EQUAL(answer(), EG_E_CONFLICT);
    CU_ASSERT_TRUE(rig.why.len > 0);
    CU_ASSERT_EQUAL(written, 0);
    remove_on("f1", 77, NULL, 0);
    CU_ASSERT_EQUAL(answer(), EG_E_CONFLICT);
    remove_on("f2", EG_REV_ANY, NULL, 0);
    CU_ASSERT_EQUAL(answer(), EG_E_NOTFOUND);
    gw_object_unref(object);
    rig_down();
}

static void what_was_read_goes_with_the_write_as_checks(void) {
    rig_up();
    struct gw_object *object = make("f1");
    const struct gw_basis bases[] = {{{GW_EVENTTYPE, GW_STR("t"), false, 0}, 4},
                                     {{GW_FUNCTION, GW_STR("g"), false, 0}, EG_REV_ABSENT},
                                     {{.kind = GW_SUBSCRIPTION}, 9}};
    put_on(object, EG_REV_ABSENT, bases, 3);
    CU_ASSERT_EQUAL(answer(), EG_E_CONFLICT);
    CU_ASSERT_STRING_EQUAL(
        fake_storage_last_commit(),
        "put " KEY_F1 " expect absent"
        "; key " RIG_KEY("eventtypes", "default",
                         "t") " is 4"
                              "; key " RIG_KEY("functions", "default",
                                               "g") " is absent"
                                                    "; prefix " RIG_KEY("subscriptions", "default",
                                                                        "") " since 9");
    remove_on("f1", EG_REV_ANY, &bases[2], 1);
    CU_ASSERT_EQUAL(answer(), EG_E_NOTFOUND);
    CU_ASSERT_STRING_EQUAL(fake_storage_last_commit(),
                           "remove " KEY_F1 " expect any"
                           "; prefix " RIG_KEY("subscriptions", "default", "") " since 9");
    gw_object_unref(object);
    rig_down();
}

static void a_space_whose_name_begins_like_this_one_is_no_matter(void) {
    rig_up();
    struct gw_object *object = make("f1");
    const struct gw_basis basis = {{.kind = GW_SUBSCRIPTION}, 0};
    fake_storage_set(RIG_KEY("subscriptions", "default2", "s"), "{}");
    fake_storage_set(RIG_KEY("subscriptions", "defaul", "s"), "{}");
    put_on(object, EG_REV_ABSENT, &basis, 1);
    CU_ASSERT_EQUAL(answer(), EG_OK);
    fake_storage_set(RIG_KEY("subscriptions", "default", "s"), "{}");
    put_on(object, EG_REV_ANY, &basis, 1);
    CU_ASSERT_EQUAL(answer(), EG_E_CONFLICT);
    gw_object_unref(object);
    rig_down();
}

static void a_store_without_commit_gets_puts_and_removes(void) {
    rig_store = "fake_0_1";
    rig_up();
    struct gw_object *object = make("f1");
    const struct gw_basis basis = {{GW_EVENTTYPE, GW_STR("t"), false, 0}, 4}; /* does not hold */
    put_on(object, EG_REV_ABSENT, &basis, 1);
    CU_ASSERT_EQUAL(answer(), EG_OK);
    CU_ASSERT_EQUAL(written, 1);
    CU_ASSERT_PTR_NOT_NULL(fake_storage_get(KEY_F1));
    remove_on("f1", 7, &basis, 1);
    CU_ASSERT_EQUAL(answer(), EG_E_CONFLICT);
    remove_on("f1", 1, &basis, 1);
    CU_ASSERT_EQUAL(answer(), EG_OK);
    CU_ASSERT_PTR_NULL(fake_storage_get(KEY_F1));
    CU_ASSERT_STRING_EQUAL(fake_storage_last_commit(), "");
    gw_object_unref(object);
    rig_down();
    rig_store = "fake";
}

static void the_text_of_the_store_comes_through(void) {
    rig_up();
    fake_storage_fail(EG_E_IO, "database or disk is full");
    remove_on("x", EG_REV_ANY, NULL, 0);
    CU_ASSERT_EQUAL(answer(), EG_E_IO);
    ASSERT_STR(gw_bytes_str(&rig.why), "database or disk is full");
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

UNIT_MAIN(UNIT(a_put_writes_the_value_of_the_api_and_tells_the_revision),
          UNIT(a_create_of_what_exists_and_a_lost_update_are_told_apart),
          UNIT(what_was_read_goes_with_the_write_as_checks),
          UNIT(a_space_whose_name_begins_like_this_one_is_no_matter),
          UNIT(a_store_without_commit_gets_puts_and_removes),
          UNIT(the_text_of_the_store_comes_through),
          UNIT(a_store_that_is_too_slow_is_answered_for_and_may_answer_later))
