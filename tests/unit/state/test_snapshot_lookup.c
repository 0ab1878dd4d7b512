/* What the data path asks of a snapshot. */
#include "snapshot_rig.h"

static void an_empty_snapshot_routes_nothing(void) {
    struct gw_path_params params = {.count = 7};
    size_t count = 7;
    snapshot_up();
    now = gw_snapshot_build(rig.manager, NULL, NULL);
    CU_ASSERT_PTR_NULL(gw_snapshot_sync(now, GW_STR("POST"), GW_STR("/"), GW_STR("t"), &params));
    CU_ASSERT_TRUE(params.is_null);
    CU_ASSERT_EQUAL(params.count, 0);
    CU_ASSERT_PTR_NULL(gw_snapshot_async(now, GW_STR("POST"), GW_STR("/"), GW_STR("t"), &count));
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_PTR_NULL(gw_snapshot_cors(now, GW_STR("GET"), GW_STR("/")));
    CU_ASSERT_PTR_NULL(gw_snapshot_callee(now, GW_STR("default"), GW_STR("f")));
    CU_ASSERT_EQUAL(gw_snapshot_revision(now), 0);
    snapshot_down();
}

static void sync_paths_match_by_method_type_and_tree_and_tell_parameters(void) {
    struct gw_path_params params;
    snapshot_up();
    set_subscription("default", "s1", "sync", "t", "f", "/users/:id/*rest");
    rebuild();
    const struct gw_subscriber *found =
        gw_snapshot_sync(now, GW_STR("POST"), GW_STR("/users/7/a/b"), GW_STR("t"), &params);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_FALSE(params.is_null);
    CU_ASSERT_EQUAL_FATAL(params.count, 2);
    ASSERT_STR(params.items[0].value, "7");
    ASSERT_STR(params.items[1].value, "a/b");
    CU_ASSERT_PTR_NULL(sync_of("t", "/users/7"));
    CU_ASSERT_PTR_NULL(sync_of("u", "/users/7/a"));
    CU_ASSERT_PTR_NULL(
        gw_snapshot_sync(now, GW_STR("GET"), GW_STR("/users/7/a"), GW_STR("t"), NULL));
    CU_ASSERT_PTR_NULL(
        gw_snapshot_sync(now, GW_STR("post"), GW_STR("/users/7/a"), GW_STR("t"), NULL));
    snapshot_down();
}

static void async_paths_match_byte_for_byte(void) {
    snapshot_up();
    set_subscription("default", "s1", "async", "t", "literal", "/x/:id");
    set_subscription("default", "s2", "async", "t", "root", "/");
    rebuild();
    CU_ASSERT_STRING_EQUAL(async_of("t", "/x/:id"), "literal ");
    CU_ASSERT_STRING_EQUAL(async_of("t", "/x/1"), "");
    CU_ASSERT_STRING_EQUAL(async_of("t", "/"), "root ");
    CU_ASSERT_STRING_EQUAL(async_of("t", ""), "");
    CU_ASSERT_STRING_EQUAL(async_of("T", "/"), "");
    CU_ASSERT_PTR_NULL(sync_of("t", "/")); /* and is no sync subscriber */
    snapshot_down();
}

static void a_function_is_found_by_space_and_name(void) {
    snapshot_up();
    set_function("default", "f1");
    set_function("other", "f2");
    rebuild();
    const struct gw_callee *found = gw_snapshot_callee(now, GW_STR("default"), GW_STR("f1"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_PTR_NOT_NULL(found->target);
    ASSERT_STR(found->object->id, "f1");
    CU_ASSERT_PTR_NOT_NULL(gw_snapshot_callee(now, GW_STR("other"), GW_STR("f2")));
    CU_ASSERT_PTR_NULL(gw_snapshot_callee(now, GW_STR("default"), GW_STR("f2")));
    CU_ASSERT_PTR_NULL(gw_snapshot_callee(now, GW_STR("default"), GW_STR("F1")));
    CU_ASSERT_PTR_NULL(gw_snapshot_callee(now, GW_STR(""), GW_STR("")));
    snapshot_down();
}

static void the_revision_is_that_of_the_catalog(void) {
    snapshot_up();
    set_function("default", "f1");
    set_function("default", "f2");
    rebuild();
    CU_ASSERT_EQUAL(gw_snapshot_revision(now), 2);
    snapshot_down();
}

UNIT_MAIN(UNIT(an_empty_snapshot_routes_nothing),
          UNIT(sync_paths_match_by_method_type_and_tree_and_tell_parameters),
          UNIT(async_paths_match_byte_for_byte), UNIT(a_function_is_found_by_space_and_name),
          UNIT(the_revision_is_that_of_the_catalog))
