/* Every broken plugin is refused with its sentence; the good ones, old and new, are loaded. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/slice.h"
#include "plugin/loader.h"
#include "plugin/manager.h"
#include "unit.h"

static struct eg_why why;

static int32_t load(const char *path, const struct eg_plugin **ret_plugin) {
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_plugin_open(path, ret_plugin, &why);
}

/* The sentence names the file and the rule, and nothing is handed out. */
static void assert_refused(const char *name, const char *rule) {
    char path[1024];
    char want[1200];
    const struct eg_plugin *plugin = NULL;
    (void)snprintf(path, sizeof path, "%s/%s.so", ZOO_DIR, name);
    (void)snprintf(want, sizeof want, "plugin '%s'%s", path, rule);
    CU_ASSERT_TRUE(load(path, &plugin) < 0);
    CU_ASSERT_PTR_NULL(plugin);
    ASSERT_STR(((struct eg_str){why.text, why.len}), want);
}

static void each_broken_plugin_is_refused_with_its_sentence(void) {
    static const struct {
        const char *name;
        const char *rule;
    } animals[] = {
        {"zoo_no_symbol", " has no symbol eg_plugin"},
        {"zoo_function", ": the symbol eg_plugin is not a constant"},
        {"zoo_tiny", ": the symbol eg_plugin is too small for a descriptor"},
        {"zoo_magic", ": wrong magic 12345678, expected 45475031"},
        {"zoo_small_plugin", ": struct_size 24 of the descriptor is too small, at least 56"},
        {"zoo_size_lies", ": struct_size says 4096 bytes, the constant has 56"},
        {"zoo_major", ": it was built for ABI 0 and needs ABI 7.0, this gateway has 0.4"},
        {"zoo_newer_minor", ": it needs ABI 0.9 or newer, this gateway has 0.4"},
        {"zoo_no_components", ": it has no components"},
        {"zoo_bad_name", ": the plugin's name has to match [a-z][a-z0-9_-]*"},
        {"zoo_bad_component_name", ": a component's name has to match [a-z][a-z0-9_]*"},
        {"zoo_twins", ", component 'zoo': the name is there twice"},
        {"zoo_unknown_kind", ", component 'zoo': unknown kind 77"},
        {"zoo_no_ops", ", component 'zoo': the ops table is missing"},
        {"zoo_small_ops",
         ", component 'zoo': struct_size 16 of the ops table is too small, at least 40"},
        {"zoo_no_create", ", component 'zoo': the life table has no create"},
        {"zoo_no_destroy", ", component 'zoo': the life table has no destroy"},
        {"zoo_provider_without_bind", ", component 'zoo': the ops table has no bind"},
        {"zoo_setting_outside",
         ", component 'zoo': setting 'outside' at offset 1048576 lies outside of its struct of 24 "
         "bytes"},
        {"zoo_setting_type", ", component 'zoo': setting 'number' has the unknown type 42"},
        {"zoo_setting_default",
         ", component 'zoo': the default '6' of 'number' has to be between 1 and 5"},
    };
    for (size_t i = 0; i < sizeof animals / sizeof animals[0]; i++) {
        assert_refused(animals[i].name, animals[i].rule);
    }
}

static void a_plugin_with_a_missing_symbol_is_refused_at_load(void) {
    const struct eg_plugin *plugin = NULL;
    CU_ASSERT_TRUE(load(ZOO_DIR "/zoo_unresolved.so", &plugin) < 0);
    why.text[why.len] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "cannot be loaded"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "zoo_symbol_that_nobody_has"));
}

static void what_is_no_shared_object_is_refused(void) {
    const struct eg_plugin *plugin = NULL;
    CU_ASSERT_EQUAL(load("/nowhere/x.so", &plugin), EG_E_NOTFOUND);
    ASSERT_STR(((struct eg_str){why.text, why.len}),
               "plugin '/nowhere/x.so' cannot be opened: No such file or directory");
    CU_ASSERT_TRUE(load("/tmp", &plugin) < 0);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "plugin '/tmp' is not a file");
    CU_ASSERT_TRUE(load("/dev/null", &plugin) < 0);
    CU_ASSERT_TRUE(load("", &plugin) < 0);
    char path[] = "/tmp/eventgw-zoo-XXXXXX";
    const int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_TRUE(load(path, &plugin) < 0); /* empty */
    CU_ASSERT_EQUAL(write(fd,
                          "\x7f"
                          "ELF and no more",
                          16),
                    16);
    CU_ASSERT_TRUE(load(path, &plugin) < 0);
    (void)close(fd);
    (void)unlink(path);
    CU_ASSERT_PTR_NULL(plugin);
}

/* Loaded, and its component can be made with its settings. */
static void assert_works(const char *path, const char *name) {
    const struct gw_manager_config config = {.version = "test"};
    const struct gw_setting_input input = {GW_STR("number"), GW_STR("3"), GW_STR("test")};
    struct gw_manager *manager = gw_manager_create(&config);
    why = (struct eg_why){.struct_size = sizeof why};
    CU_ASSERT_EQUAL(gw_manager_load(manager, path, &why), EG_OK);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "");
    const struct eg_component *component = gw_manager_component(manager, 0, gw_str_c(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(component);
    CU_ASSERT_EQUAL(gw_manager_add(manager, component, &input, 1, NULL, &why), EG_OK);
    gw_manager_destroy(manager);
}

static void a_plugin_of_the_next_minor_is_loaded(void) {
    assert_works(ZOO_DIR "/zoo_next_minor.so", "next");
}

static void a_plugin_built_with_the_headers_of_0_1_is_loaded(void) {
    assert_works(ZOO_DIR "/frozen_0_1.so", "frozen");
}

static void a_good_animal_is_loaded_also_by_a_name_without_a_slash(void) {
    const struct eg_plugin *plugin = NULL;
    assert_works(ZOO_DIR "/zoo_good.so", "zoo");
    CU_ASSERT_EQUAL_FATAL(chdir(ZOO_DIR), 0);
    CU_ASSERT_EQUAL(load("zoo_good.so", &plugin), EG_OK);
    CU_ASSERT_PTR_NOT_NULL(plugin);
}

static void a_component_of_another_plugin_with_the_same_name_is_refused(void) {
    const struct gw_manager_config config = {.version = "test"};
    struct gw_manager *manager = gw_manager_create(&config);
    CU_ASSERT_EQUAL(gw_manager_load(manager, ZOO_DIR "/zoo_good.so", &why), EG_OK);
    CU_ASSERT_EQUAL(gw_manager_load(manager, ZOO_DIR "/zoo_twin.so", &why), EG_E_EXISTS);
    ASSERT_STR(((struct eg_str){why.text, why.len}),
               "plugin '" ZOO_DIR
               "/zoo_twin.so': component 'zoo' is there already, from plugin 'zoo'");
    CU_ASSERT_TRUE(gw_manager_load_directory(manager, ZOO_DIR, &why) < 0);
    gw_manager_destroy(manager);
}

UNIT_MAIN(UNIT(each_broken_plugin_is_refused_with_its_sentence),
          UNIT(a_plugin_with_a_missing_symbol_is_refused_at_load),
          UNIT(what_is_no_shared_object_is_refused), UNIT(a_plugin_of_the_next_minor_is_loaded),
          UNIT(a_plugin_built_with_the_headers_of_0_1_is_loaded),
          UNIT(a_component_of_another_plugin_with_the_same_name_is_refused),
          UNIT(a_good_animal_is_loaded_also_by_a_name_without_a_slash))
