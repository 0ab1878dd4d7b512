/* A section of the configuration into a component's struct. */
#include "settings_fixture.h"

static struct gw_arena arena;
static struct sample sample;
static struct eg_why why;

#define INPUT(name, text)                                                                          \
    { GW_STR(name), GW_STR(text), GW_STR("gw.conf:12") }

static int32_t read_inputs(const struct gw_setting_input *inputs, size_t count) {
    gw_arena_free(&arena);
    gw_arena_init(&arena, 256);
    memset(&sample, 0xa5, sizeof sample);
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_settings_read(&sample_table, "plugins.demo", inputs, count, &arena, &sample, &why);
}

/* The required key and one more. */
static int32_t read_one(const char *key, const char *json) {
    const struct gw_setting_input inputs[] = {
        INPUT("url", "\"http://a\""), {gw_str_c(key), gw_str_c(json), GW_STR("gw.conf:12")}};
    return read_inputs(inputs, 2);
}

#define ASSERT_REFUSED(key, json, sentence)                                                        \
    do {                                                                                           \
        CU_ASSERT_TRUE(read_one(key, json) < 0);                                                   \
        ASSERT_STR(((struct eg_str){why.text, why.len}), sentence);                                \
    } while (0)

static void what_is_not_set_has_its_default(void) {
    const struct gw_setting_input inputs[] = {INPUT("url", "\"http://a\"")};
    CU_ASSERT_EQUAL_FATAL(read_inputs(inputs, 1), EG_OK);
    ASSERT_STR(sample.url, "http://a");
    ASSERT_STR(sample.mode, "safe");
    ASSERT_STR(sample.password, "");
    CU_ASSERT_EQUAL(sample.count, 3);
    CU_ASSERT_EQUAL(sample.is_fast, 1);
    CU_ASSERT_EQUAL(sample.timeout, 250000000u);
    CU_ASSERT_EQUAL(sample.body, 65536);
    CU_ASSERT_EQUAL(sample.tags.count, 2);
    ASSERT_STR(sample.tags.items[1], "b");
    ASSERT_STR(sample.rules, "");
}

static void every_type_is_read_from_json(void) {
    const struct gw_setting_input inputs[] = {
        INPUT("url", "\"caf\\u00e9\""), INPUT("mode", "\"fast\""), INPUT("password", "\"s\""),
        INPUT("count", "10"),           INPUT("is_fast", "false"), INPUT("timeout", "2"),
        INPUT("body", "\"1MiB\""),      INPUT("tags", "[]"),       INPUT("rules", "[{\"a\": 1}]")};
    CU_ASSERT_EQUAL_FATAL(read_inputs(inputs, sizeof inputs / sizeof inputs[0]), EG_OK);
    ASSERT_STR(sample.url, "caf\xc3\xa9");
    ASSERT_STR(sample.mode, "fast");
    ASSERT_STR(sample.password, "s");
    CU_ASSERT_EQUAL(sample.count, 10);
    CU_ASSERT_EQUAL(sample.is_fast, 0);
    CU_ASSERT_EQUAL(sample.timeout, 2000000000u);
    CU_ASSERT_EQUAL(sample.body, 1048576);
    CU_ASSERT_EQUAL(sample.tags.count, 0);
    ASSERT_STR(sample.rules, "[{\"a\":1}]");
}

static void the_later_input_of_a_key_wins(void) {
    const struct gw_setting_input inputs[] = {INPUT("url", "\"a\""), INPUT("count", "4"),
                                              INPUT("count", "5"), INPUT("url", "\"b\"")};
    CU_ASSERT_EQUAL_FATAL(read_inputs(inputs, 4), EG_OK);
    ASSERT_STR(sample.url, "b");
    CU_ASSERT_EQUAL(sample.count, 5);
}

static void an_unknown_key_is_refused_with_the_nearest_known_one(void) {
    ASSERT_REFUSED("timout", "1",
                   "gw.conf:12: unknown key 'plugins.demo.timout'; did you mean "
                   "'plugins.demo.timeout'?");
    ASSERT_REFUSED("zzzzzzzz", "1", "gw.conf:12: unknown key 'plugins.demo.zzzzzzzz'");
    ASSERT_REFUSED("", "1", "gw.conf:12: unknown key 'plugins.demo.'");
}

static void a_wrong_type_is_refused_with_the_right_one(void) {
    ASSERT_REFUSED("count", "\"4\"", "gw.conf:12: 'plugins.demo.count' has to be a whole number");
    ASSERT_REFUSED("count", "4.0", "gw.conf:12: 'plugins.demo.count' has to be a whole number");
    ASSERT_REFUSED("is_fast", "1", "gw.conf:12: 'plugins.demo.is_fast' has to be true or false");
    ASSERT_REFUSED("url", "null", "gw.conf:12: 'plugins.demo.url' has to be a text");
    ASSERT_REFUSED("tags", "[\"a\", 1]",
                   "gw.conf:12: 'plugins.demo.tags' has to be a list of texts");
    ASSERT_REFUSED("rules", "1", "gw.conf:12: 'plugins.demo.rules' has to be a group or a list");
    ASSERT_REFUSED("body", "-1",
                   "gw.conf:12: 'plugins.demo.body' has to be a size like \"64KiB\", \"1MiB\" or a "
                   "number of bytes");
    ASSERT_REFUSED("count", "{", "gw.conf:12: 'plugins.demo.count' has to be a whole number");
    ASSERT_REFUSED("count", "", "gw.conf:12: 'plugins.demo.count' has to be a whole number");
}

static void a_value_out_of_range_is_refused_with_the_range(void) {
    ASSERT_REFUSED("count", "11", "gw.conf:12: 'plugins.demo.count' has to be between 1 and 10");
    ASSERT_REFUSED("timeout", "0", "gw.conf:12: 'plugins.demo.timeout' has to be at least 1ms");
    ASSERT_REFUSED("body", "\"2MiB\"",
                   "gw.conf:12: 'plugins.demo.body' has to be between 0 and 1MiB");
    ASSERT_REFUSED("mode", "\"turbo\"",
                   "gw.conf:12: 'plugins.demo.mode' has to be one of fast|safe");
    ASSERT_REFUSED("timeout", "\"9223372036854775807h\"",
                   "gw.conf:12: 'plugins.demo.timeout' has to be a duration like \"250ms\", "
                   "\"30s\", \"5m\", \"1h\" or a number of seconds that is not so big");
}

static void a_required_key_has_to_be_there_and_not_empty(void) {
    CU_ASSERT_EQUAL(read_inputs(NULL, 0), EG_E_INVAL);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "'plugins.demo.url' has to be set");
    CU_ASSERT_TRUE(read_one("url", "\"\"") < 0);
}

static void a_place_and_a_section_may_be_missing(void) {
    const struct gw_setting_input input = {GW_STR("nope"), GW_STR("1"), {0}};
    CU_ASSERT_TRUE(gw_settings_read(&sample_table, "", &input, 1, &arena, &sample, &why) < 0);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "unknown key 'nope'");
    CU_ASSERT_TRUE(gw_settings_read(&sample_table, NULL, &input, 1, &arena, &sample, NULL) < 0);
}

static void a_huge_key_is_cut_in_the_message(void) {
    static char key[100000];
    memset(key, 'k', sizeof key - 1);
    CU_ASSERT_TRUE(read_one(key, "1") < 0);
    CU_ASSERT_TRUE(why.len > 100 && why.len <= sizeof why.text);
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(what_is_not_set_has_its_default), UNIT(every_type_is_read_from_json),
          UNIT(the_later_input_of_a_key_wins),
          UNIT(an_unknown_key_is_refused_with_the_nearest_known_one),
          UNIT(a_wrong_type_is_refused_with_the_right_one),
          UNIT(a_value_out_of_range_is_refused_with_the_range),
          UNIT(a_required_key_has_to_be_there_and_not_empty),
          UNIT(a_place_and_a_section_may_be_missing), UNIT(a_huge_key_is_cut_in_the_message))
