/*
 * test_source.c - the list of settings that were given: --set, and words turned into JSON by the
 * type of their row.
 */
#include "app/settings.h"
#include "app/source.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static struct eg_why why = {.struct_size = sizeof why};

/* The JSON that `key=value` becomes in its section. */
static struct eg_str json_of(struct gw_source *source, const char *section,
                             const char *assignment) {
    size_t count = 0;
    CU_ASSERT_EQUAL(gw_source_add_set(source, assignment, &why), EG_OK);
    const struct gw_settings_group *group = gw_settings_group(gw_str_c(section));
    CU_ASSERT_PTR_NOT_NULL_FATAL(group);
    const struct gw_setting_input *inputs =
        gw_source_section(source, gw_str_c(section), &group->table, &count);
    CU_ASSERT_FATAL(count > 0);
    return inputs[count - 1].json;
}

static void words_become_json_by_the_type_of_their_row(void) {
    struct gw_source source = {0};
    ASSERT_STR(json_of(&source, "", "workers=5"), "5");
    ASSERT_STR(json_of(&source, "", "drain_timeout=5"), "\"5\"");
    ASSERT_STR(json_of(&source, "events", "events.hosted=true"), "true");
    ASSERT_STR(json_of(&source, "config", "config.token=123"), "\"123\"");
    ASSERT_STR(json_of(&source, "config", "config.token=a=b\"c"), "\"a=b\\\"c\"");
    ASSERT_STR(json_of(&source, "config", "config.token="), "\"\"");
    ASSERT_STR(json_of(&source, "plugins", "plugins.middleware=auth, mine"), "[\"auth\",\"mine\"]");
    ASSERT_STR(json_of(&source, "plugins", "plugins.middleware="), "[]");
    ASSERT_STR(json_of(&source, "plugins", "plugins.load=[\"x\"]"), "[\"x\"]");
    gw_source_free(&source);
}

static void an_assignment_without_key_or_value_is_refused(void) {
    static const char *const bad[] = {"", "workers", "=5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gw_source source = {0};
        CU_ASSERT_EQUAL(gw_source_add_set(&source, bad[i], &why), EG_E_INVAL);
        CU_ASSERT(why.len > 0);
        CU_ASSERT_EQUAL(source.count, 0);
        gw_source_free(&source);
    }
}

static void the_section_ends_at_the_last_dot(void) {
    struct gw_source source = {0};
    CU_ASSERT_EQUAL(gw_source_add_set(&source, "plugins.auth.rules=[]", &why), EG_OK);
    ASSERT_STR(source.items[0].section, "plugins.auth");
    ASSERT_STR(source.items[0].input.key, "rules");
    ASSERT_STR(source.items[0].input.where, "--set");
    gw_source_free(&source);
}

static void sections_do_not_mix(void) {
    struct gw_source source = {0};
    size_t count = 0;
    CU_ASSERT_EQUAL(gw_source_add_set(&source, "events.port=1", &why), EG_OK);
    CU_ASSERT_EQUAL(gw_source_add_set(&source, "config.port=2", &why), EG_OK);
    const struct gw_settings_group *group = gw_settings_group(GW_STR("config"));
    const struct gw_setting_input *inputs =
        gw_source_section(&source, GW_STR("config"), &group->table, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    ASSERT_STR(inputs[0].json, "2");
    gw_source_free(&source);
}

UNIT_MAIN(UNIT(words_become_json_by_the_type_of_their_row),
          UNIT(an_assignment_without_key_or_value_is_refused),
          UNIT(the_section_ends_at_the_last_dot), UNIT(sections_do_not_mix))
