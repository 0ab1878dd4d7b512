/*
 * The rules of a descriptor. Each case breaks one rule of a good plugin and names the sentence that
 * has to follow.
 */
#include <eventgw-sdk/egx.h>

#include "plugin/loader.h"
#include "unit.h"

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_instance;
    (void)ret_why;
    return EG_OK;
}
static void destroy(void *instance) {
    (void)instance;
}

/* A good plugin of two components, fresh for every case. */
static struct eg_life_ops life;
static struct eg_middleware_ops ops;
static struct eg_reacter_ops reacter_ops;
static struct eg_provider_ops provider_ops;
static struct eg_storage_ops storage_ops;
static struct eg_component first;
static struct eg_component second;
static const struct eg_component *components[2];
static struct eg_plugin plugin;
static struct eg_why why;

static void make_good(void) {
    life = (struct eg_life_ops){.struct_size = sizeof life, .create = create, .destroy = destroy};
    ops = (struct eg_middleware_ops){.struct_size = sizeof ops};
    reacter_ops = (struct eg_reacter_ops){.struct_size = sizeof reacter_ops};
    provider_ops = (struct eg_provider_ops){.struct_size = sizeof provider_ops};
    storage_ops = (struct eg_storage_ops){.struct_size = sizeof storage_ops};
    first = (struct eg_component){.struct_size = sizeof first,
                                  .kind = EG_KIND_MIDDLEWARE,
                                  .name = "first",
                                  .summary = "One.",
                                  .life = &life,
                                  .ops = &ops};
    second = first;
    second.name = "second_2";
    components[0] = &first;
    components[1] = &second;
    plugin = (struct eg_plugin){.magic = EG_PLUGIN_MAGIC,
                                .struct_size = sizeof plugin,
                                .abi_built = EG_ABI,
                                .abi_needs = EG_ABI_MAKE(0, 1),
                                .name = "good-plugin",
                                .version = "1.0",
                                .licence = "MIT",
                                .components = components,
                                .component_count = 2};
    why = (struct eg_why){.struct_size = sizeof why};
}

static int32_t check(void) {
    return gw_plugin_check(&plugin, "x.so", &why);
}

#define ASSERT_REFUSED(break_it, sentence)                                                         \
    do {                                                                                           \
        make_good();                                                                               \
        break_it;                                                                                  \
        CU_ASSERT_EQUAL(check(), EG_E_INVAL);                                                      \
        ASSERT_STR(((struct eg_str){why.text, why.len}), "plugin 'x.so'" sentence);                \
    } while (0)

static void a_good_plugin_passes(void) {
    make_good();
    CU_ASSERT_EQUAL(check(), EG_OK);
    CU_ASSERT_EQUAL(why.len, 0);
}

static void the_head_is_checked_before_anything_else(void) {
    ASSERT_REFUSED(plugin.magic = 0x7f454c46, ": wrong magic 7f454c46, expected 45475031");
    ASSERT_REFUSED(plugin.struct_size = 16,
                   ": struct_size 16 of the descriptor is too small, at least 56");
    ASSERT_REFUSED(plugin.struct_size = 0,
                   ": struct_size 0 of the descriptor is too small, at least 56");
}

static void another_major_is_refused_with_both_versions(void) {
    ASSERT_REFUSED(plugin.abi_needs = EG_ABI_MAKE(1, 0),
                   ": it was built for ABI 0 and needs ABI 1.0, this gateway has 0.4");
    ASSERT_REFUSED(plugin.abi_built = EG_ABI_MAKE(1, 0),
                   ": it was built for ABI 1 and needs ABI 0.1, this gateway has 0.4");
}

static void a_newer_minor_may_be_built_with_but_not_needed(void) {
    ASSERT_REFUSED(plugin.abi_needs = EG_ABI_MAKE(0, 5),
                   ": it needs ABI 0.5 or newer, this gateway has 0.4");
    make_good();
    plugin.abi_built = EG_ABI_MAKE(0, 7);
    plugin.struct_size += 64;
    first.struct_size += 64;
    life.struct_size += 64;
    ops.struct_size += 64;
    CU_ASSERT_EQUAL(check(), EG_OK);
}

static void names_version_and_licence_are_needed(void) {
    static char endless[200];
    memset(endless, 'a', sizeof endless - 1);
    ASSERT_REFUSED(plugin.name = NULL, ": the plugin's name has to match [a-z][a-z0-9_-]*");
    ASSERT_REFUSED(plugin.name = "Good", ": the plugin's name has to match [a-z][a-z0-9_-]*");
    ASSERT_REFUSED(plugin.name = endless, ": the plugin's name has to match [a-z][a-z0-9_-]*");
    ASSERT_REFUSED(plugin.version = NULL, ": version and licence have to be given");
    ASSERT_REFUSED(plugin.licence = "", ": version and licence have to be given");
}

static void there_has_to_be_a_sane_number_of_components(void) {
    ASSERT_REFUSED(plugin.component_count = 0, ": it has no components");
    ASSERT_REFUSED(plugin.components = NULL, ": it has no components");
    ASSERT_REFUSED(plugin.component_count = 257, ": it has 257 components, more than 256");
    ASSERT_REFUSED(components[1] = NULL, ": component 1 is NULL");
}

static void a_component_has_a_size_a_name_a_kind_and_a_summary(void) {
    ASSERT_REFUSED(first.struct_size = 8,
                   ": struct_size 8 of a component is too small, at least 96");
    ASSERT_REFUSED(first.name = "", ": a component's name has to match [a-z][a-z0-9_]*");
    ASSERT_REFUSED(first.name = "9x", ": a component's name has to match [a-z][a-z0-9_]*");
    ASSERT_REFUSED(first.name = "a-b", ": a component's name has to match [a-z][a-z0-9_]*");
    ASSERT_REFUSED(first.kind = 0, ", component 'first': unknown kind 0");
    ASSERT_REFUSED(second.kind = 99, ", component 'second_2': unknown kind 99");
    ASSERT_REFUSED(first.summary = NULL, ", component 'first': a summary has to be given");
    ASSERT_REFUSED(second.name = "first", ", component 'first': the name is there twice");
}

static void life_and_ops_have_to_be_there_and_big_enough(void) {
    ASSERT_REFUSED(first.life = NULL, ", component 'first': the life table is missing");
    ASSERT_REFUSED(first.ops = NULL, ", component 'first': the ops table is missing");
    ASSERT_REFUSED(
        life.struct_size = 24,
        ", component 'first': struct_size 24 of the life table is too small, at least 56");
    ASSERT_REFUSED(ops.struct_size = 8,
                   ", component 'first': struct_size 8 of the ops table is too small, at least 40");
    ASSERT_REFUSED(life.create = NULL, ", component 'first': the life table has no create");
    ASSERT_REFUSED(life.destroy = NULL, ", component 'first': the life table has no destroy");
}

static void each_kind_has_functions_it_cannot_do_without(void) {
    ASSERT_REFUSED((first.kind = EG_KIND_REACTER, first.ops = &reacter_ops),
                   ", component 'first': the ops table has no interests");
    ASSERT_REFUSED((first.kind = EG_KIND_PROVIDER, first.ops = &provider_ops),
                   ", component 'first': the ops table has no bind");
    ASSERT_REFUSED((first.kind = EG_KIND_STORAGE, first.ops = &storage_ops),
                   ", component 'first': the ops table has no get");
}

UNIT_MAIN(UNIT(a_good_plugin_passes), UNIT(the_head_is_checked_before_anything_else),
          UNIT(another_major_is_refused_with_both_versions),
          UNIT(a_newer_minor_may_be_built_with_but_not_needed),
          UNIT(names_version_and_licence_are_needed),
          UNIT(there_has_to_be_a_sane_number_of_components),
          UNIT(a_component_has_a_size_a_name_a_kind_and_a_summary),
          UNIT(life_and_ops_have_to_be_there_and_big_enough),
          UNIT(each_kind_has_functions_it_cannot_do_without))
