/* Plugins that are linked in: same sources, same checks, no file. */
#include "base/slice.h"
#include "plugin/loader.h"
#include "plugin/manager.h"
#include "unit.h"

static void the_table_holds_what_the_build_chose(void) {
    size_t count = 0;
    const struct eg_plugin *const *plugins = gw_static_plugins(&count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(plugins[0]->name, "middleware_auth");
    CU_ASSERT_STRING_EQUAL(plugins[1]->name, "reacter_log");
    CU_ASSERT_PTR_NULL(plugins[2]);
}

static void a_component_that_is_linked_in_works_like_a_loaded_one(void) {
    const struct gw_manager_config config = {.version = "test"};
    const struct gw_setting_input input = {
        GW_STR("rules"), GW_STR("[{\"path\":\"/\",\"tokens\":[\"t\"]}]"), GW_STR("test")};
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_manager *manager = gw_manager_create(&config);
    CU_ASSERT_EQUAL(gw_manager_load(manager, NULL, &why), EG_OK);
    CU_ASSERT_EQUAL(gw_manager_load(manager, NULL, &why), EG_OK);
    CU_ASSERT_PTR_NOT_NULL(gw_manager_component(manager, EG_KIND_REACTER, GW_STR("log")));
    const struct eg_component *auth = gw_manager_component(manager, 0, GW_STR("auth"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(auth);
    CU_ASSERT_EQUAL(gw_manager_add(manager, auth, &input, 1, NULL, &why), EG_OK);
    CU_ASSERT_TRUE(gw_manager_load(manager, TEST_BUILD_DIR "/plugins/middleware_auth.so", &why) <
                   0); /* the shared one is another plugin of the same name */
    gw_manager_destroy(manager);
}

UNIT_MAIN(UNIT(the_table_holds_what_the_build_chose),
          UNIT(a_component_that_is_linked_in_works_like_a_loaded_one))
