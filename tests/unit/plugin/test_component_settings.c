/* plugin/component_settings.c: rows that the host adds, and whose they are. */
#include "base/why.h"
#include "plugin/component_settings.h"
#include "settings_fixture.h"

static struct gw_arena arena;

static struct eg_component component_of(uint32_t kind) {
    return (struct eg_component){
        .struct_size = sizeof(struct eg_component),
        .kind = kind,
        .name = "m",
        .settings = sample_rows,
        .setting_count = sizeof sample_rows / sizeof sample_rows[0],
        .settings_size = sizeof(struct sample),
    };
}

static int32_t read_it(const struct eg_component *component, const char *json,
                       const struct sample **ret_settings, const struct gw_match **ret_match,
                       struct eg_why *ret_why) {
    const struct gw_setting_input inputs[] = {
        {GW_STR("url"), GW_STR("\"u\""), GW_STR("a.conf:1")},
        {GW_STR("match"), gw_str_c(json), GW_STR("a.conf:2")},
    };
    void *settings = NULL;
    const int32_t rc = gw_component_settings_read(component, inputs, json == NULL ? 1 : 2, &arena,
                                                  &settings, ret_match, ret_why);
    *ret_settings = settings;
    return rc;
}

static void a_middleware_s_match_is_the_host_s_and_its_struct_is_its_own(void) {
    const struct eg_component m = component_of(EG_KIND_MIDDLEWARE);
    const struct sample *settings = NULL;
    const struct gw_match *match = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL_FATAL(read_it(&m, "{\"paths\":[\"/a\"]}", &settings, &match, &why), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(match);
    CU_ASSERT_TRUE(gw_match_request(match, GW_STR("GET"), GW_STR("/a/b")));
    CU_ASSERT_FALSE(gw_match_request(match, GW_STR("GET"), GW_STR("/b")));
    ASSERT_STR(settings->url, "u");
    CU_ASSERT_EQUAL(settings->count, 3);
}

static void without_it_there_is_none(void) {
    const struct eg_component m = component_of(EG_KIND_MIDDLEWARE);
    const struct sample *settings = NULL;
    const struct gw_match *match = (const struct gw_match *)(const void *)&m;
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL_FATAL(read_it(&m, NULL, &settings, &match, &why), 0);
    CU_ASSERT_PTR_NULL(match);
    ASSERT_STR(settings->url, "u");
}

static void a_mistake_names_place_and_key(void) {
    static const char *const rows[][2] = {
        {"{\"paths\":[]}",
         "a.conf:2: 'plugins.m.match.paths' has to be a list of at least one text"},
        {"1", "a.conf:2: 'plugins.m.match' has to be a group or a list"},
        {"{\"methdos\":[\"GET\"]}",
         "a.conf:2: unknown key 'plugins.m.match.methdos'; did you mean 'methods'?"},
    };
    const struct eg_component m = component_of(EG_KIND_MIDDLEWARE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sample *settings = NULL;
        const struct gw_match *match = NULL;
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_TRUE(read_it(&m, rows[i][0], &settings, &match, &why) < 0);
        ASSERT_STR(gw_why_str(&why), rows[i][1]);
    }
}

static void other_kinds_have_no_match(void) {
    static const uint32_t kinds[] = {EG_KIND_PROVIDER, EG_KIND_STORAGE, EG_KIND_REACTER};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct eg_component c = component_of(kinds[i]);
        const struct sample *settings = NULL;
        const struct gw_match *match = NULL;
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_TRUE(read_it(&c, "{\"paths\":[\"/a\"]}", &settings, &match, &why) < 0);
        ASSERT_STR(gw_why_str(&why), "a.conf:2: unknown key 'plugins.m.match'");
        CU_ASSERT_EQUAL(gw_component_host_table(&c).count, 0);
    }
}

struct own {
    struct eg_str match;
};
EGX_SETTING_STRING(own, match, "", "Its own.");
static const struct eg_setting *const own_rows[] = {EGX_ROW(own, match)};

static void a_plugin_that_had_a_match_before_keeps_it(void) {
    const struct eg_component m = {.struct_size = sizeof m,
                                   .kind = EG_KIND_MIDDLEWARE,
                                   .name = "m",
                                   .settings = own_rows,
                                   .setting_count = 1,
                                   .settings_size = sizeof(struct own)};
    const struct gw_setting_input input = {GW_STR("match"), GW_STR("\"text\""), GW_STR("")};
    struct eg_why why = {.struct_size = sizeof why};
    void *settings = NULL;
    const struct gw_match *match = NULL;
    CU_ASSERT_EQUAL_FATAL(
        gw_component_settings_read(&m, &input, 1, &arena, &settings, &match, &why), 0);
    ASSERT_STR(((const struct own *)settings)->match, "text");
    CU_ASSERT_PTR_NULL(match);
    CU_ASSERT_EQUAL(gw_component_host_table(&m).count, 0);
}

static void a_middleware_without_settings_has_it_too(void) {
    const struct eg_component m = {
        .struct_size = sizeof m, .kind = EG_KIND_MIDDLEWARE, .name = "m"};
    const struct gw_setting_input input = {GW_STR("match"), GW_STR("{\"methods\":[\"get\"]}"),
                                           GW_STR("")};
    struct eg_why why = {.struct_size = sizeof why};
    void *settings = NULL;
    const struct gw_match *match = NULL;
    CU_ASSERT_EQUAL_FATAL(
        gw_component_settings_read(&m, &input, 1, &arena, &settings, &match, &why), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(match);
    CU_ASSERT_TRUE(gw_match_request(match, GW_STR("GET"), GW_STR("/")));
}

UNIT_MAIN(UNIT(a_middleware_s_match_is_the_host_s_and_its_struct_is_its_own),
          UNIT(without_it_there_is_none), UNIT(a_mistake_names_place_and_key),
          UNIT(other_kinds_have_no_match), UNIT(a_plugin_that_had_a_match_before_keeps_it),
          UNIT(a_middleware_without_settings_has_it_too))
