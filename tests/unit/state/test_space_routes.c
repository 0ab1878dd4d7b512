/* state/space_routes.c: the routes of one space by themselves. */
#include "snapshot_rig.h"
#include "state/space_routes.h"

#define HOME GW_STR("default")

static void index_home(void) {
    rebuild();
    gw_space_routes_build(now, HOME);
}

static const struct gw_subscriber *sync_at(const char *method, const char *path, const char *type) {
    return gw_space_sync(now, gw_str_c(method), gw_str_c(path), gw_str_c(type));
}

/* "f1 f2 " of an event type. */
static const char *async_in(const char *type) {
    static char names[512];
    size_t count = 0;
    const struct gw_subscriber *const *list = gw_space_async(now, gw_str_c(type), &count);
    names[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t at = strlen(names);
        (void)snprintf(names + at, sizeof names - at, "%.*s ",
                       GW_FMT(list[i]->object->as.subscription.function_id));
    }
    return names;
}

static void without_the_index_nothing_is_found(void) {
    size_t count = 7;
    const struct gw_direct *direct = NULL;
    snapshot_up();
    set_function("default", "f");
    set_subscription("default", "s1", "sync", "t", "f", "/");
    set_subscription("default", "s2", "async", "t", "f", "/");
    rebuild();
    CU_ASSERT_PTR_NOT_NULL(sync_of("t", "/"));
    CU_ASSERT_PTR_NULL(sync_at("POST", "/", "t"));
    CU_ASSERT_PTR_NULL(gw_space_async(now, GW_STR("t"), &count));
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_PTR_NULL(gw_space_callee(now, GW_STR("f"), &direct));
    CU_ASSERT_PTR_NULL(direct);
    snapshot_down();
}

static void an_empty_space_has_no_routes(void) {
    size_t count = 7;
    snapshot_up();
    index_home();
    CU_ASSERT_PTR_NULL(sync_at("POST", "/", "t"));
    CU_ASSERT_PTR_NULL(gw_space_async(now, GW_STR("t"), &count));
    CU_ASSERT_EQUAL(count, 0);
    snapshot_down();
}

static void paths_are_found_as_they_are_written_only(void) {
    snapshot_up();
    set_subscription("default", "s1", "sync", "t", "f", "/users/:id");
    set_subscription("default", "s2", "sync", "t", "f", "/a%20b");
    set_subscription("default", "s3", "sync", "other", "g", "/a%20b");
    set_subscription("default", "s4", "async", "t", "f", "/async");
    index_home();
    CU_ASSERT_PTR_NOT_NULL(sync_at("POST", "/users/:id", "t"));
    CU_ASSERT_PTR_NULL(sync_at("POST", "/users/1", "t"));
    CU_ASSERT_PTR_NULL(sync_at("GET", "/users/:id", "t"));
    CU_ASSERT_PTR_NULL(sync_at("POST", "/users/:id/", "t"));
    CU_ASSERT_PTR_NULL(sync_at("POST", "/async", "t"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_at("POST", "/a%20b", "other"));
    ASSERT_STR(sync_at("POST", "/a%20b", "other")->object->as.subscription.function_id, "g");
    snapshot_down();
}

static void a_path_that_was_lost_to_another_space_is_found(void) {
    snapshot_up();
    set_subscription("zzz", "s1", "sync", "t", "theirs", "/*all");
    set_subscription("default", "s1", "sync", "t", "mine", "/x/y");
    index_home();
    ASSERT_STR(sync_of("t", "/x/y")->object->space, "zzz");
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_at("POST", "/x/y", "t"));
    ASSERT_STR(sync_at("POST", "/x/y", "t")->object->as.subscription.function_id, "mine");
    CU_ASSERT_PTR_NULL(sync_at("POST", "/*all", "t"));
    snapshot_down();
}

static void the_older_of_two_equal_ones_is_found(void) {
    snapshot_up();
    set_subscription("default", "b", "sync", "t", "old", "/x");
    set_subscription("default", "a", "sync", "t", "young", "/x");
    index_home();
    CU_ASSERT_PTR_NOT_NULL_FATAL(sync_at("POST", "/x", "t"));
    ASSERT_STR(sync_at("POST", "/x", "t")->object->as.subscription.function_id, "old");
    snapshot_down();
}

static void each_function_of_a_type_is_there_once_oldest_first(void) {
    snapshot_up();
    set_subscription("default", "z1", "async", "t", "f2", "/");
    set_subscription("default", "y1", "async", "t", "f1", "/a");
    set_subscription("default", "x1", "async", "t", "f2", "/b");
    set_subscription("default", "w1", "async", "u", "f2", "/");
    set_subscription("zzz", "v1", "async", "t", "f3", "/");
    set_subscription("default", "u1", "sync", "t", "f4", "/");
    for (int i = 0; i < 20; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "m%d", i);
        set_subscription("default", id, "async", "many", id, "/");
    }
    index_home();
    CU_ASSERT_STRING_EQUAL(async_in("t"), "f2 f1 ");
    CU_ASSERT_STRING_EQUAL(async_in("u"), "f2 ");
    CU_ASSERT_STRING_EQUAL(async_in(""), "");
    CU_ASSERT_EQUAL(strncmp(async_in("many"), "m0 m1 m2 ", 9), 0);
    size_t count = 0;
    (void)gw_space_async(now, GW_STR("many"), &count);
    CU_ASSERT_EQUAL(count, 20);
    snapshot_down();
}

static void functions_of_the_space_are_found_by_their_ids(void) {
    const struct gw_direct *direct = NULL;
    snapshot_up();
    set_function("default", "f");
    set_function("zzz", "g");
    index_home();
    const struct gw_callee *callee = gw_space_callee(now, GW_STR("f"), &direct);
    CU_ASSERT_PTR_NOT_NULL_FATAL(callee);
    ASSERT_STR(callee->object->id, "f");
    CU_ASSERT_PTR_NOT_NULL_FATAL(direct);
    CU_ASSERT_PTR_NOT_NULL(direct->received);
    CU_ASSERT_PTR_NOT_EQUAL(direct->received, direct->processed);
    CU_ASSERT_PTR_NULL(gw_space_callee(now, GW_STR("g"), &direct));
    CU_ASSERT_PTR_NULL(direct);
    CU_ASSERT_PTR_NULL(gw_space_callee(now, (struct eg_str){0}, &direct));
    snapshot_down();
}

UNIT_MAIN(UNIT(without_the_index_nothing_is_found), UNIT(an_empty_space_has_no_routes),
          UNIT(paths_are_found_as_they_are_written_only),
          UNIT(a_path_that_was_lost_to_another_space_is_found),
          UNIT(the_older_of_two_equal_ones_is_found),
          UNIT(each_function_of_a_type_is_there_once_oldest_first),
          UNIT(functions_of_the_space_are_found_by_their_ids))
