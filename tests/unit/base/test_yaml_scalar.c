/*
 * test_yaml_scalar.c - what an unquoted text means. (How documents use it: test_yaml.c.)
 */
#include "base/yaml_scalar.h"

#include "base/check.h"
#include "base/slice.h"
#include "unit.h"

static void the_core_schema_of_yaml_1_2_decides(void) {
    static const struct {
        const char *text;
        enum gw_yaml_plain plain;
    } rows[] = {
        {"", GW_YAML_NULL},          {"~", GW_YAML_NULL},         {"null", GW_YAML_NULL},
        {"nULL", GW_YAML_TEXT},      {"true", GW_YAML_TRUE},      {"FALSE", GW_YAML_FALSE},
        {"tRue", GW_YAML_TEXT},      {"yes", GW_YAML_TEXT},       {"0", GW_YAML_NUMBER},
        {"-0.5e-3", GW_YAML_NUMBER}, {"00", GW_YAML_DOUBTFUL},    {"1_0", GW_YAML_DOUBTFUL},
        {"_1", GW_YAML_TEXT},        {"._", GW_YAML_TEXT},        {"0x", GW_YAML_TEXT},
        {"0xg", GW_YAML_TEXT},       {"0XfF", GW_YAML_DOUBTFUL},  {"1e", GW_YAML_TEXT},
        {"1e+", GW_YAML_TEXT},       {"+.inf", GW_YAML_DOUBTFUL}, {"1 2", GW_YAML_TEXT},
        {"--1", GW_YAML_TEXT},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(gw_yaml_plain(gw_str_c(rows[i].text)), rows[i].plain);
    }
    CU_ASSERT_EQUAL(gw_yaml_plain(GW_STR("1\0")), GW_YAML_TEXT);
}

static void only_what_is_a_text_to_every_version_goes_without_quotes(void) {
    static const char *const plain[] = {"a",
                                        "http",
                                        "user.created",
                                        "/users/:id",
                                        "GET",
                                        "a-b_c",
                                        "https://e.com:8080/x?y=z&w=1",
                                        "nothing",
                                        "a1",
                                        "yesterday"};
    static const char *const quoted[] = {"",     "y",  "No", "ON", "off", "TRUE", "null",
                                         "Null", "1",  "-a", "a:", "a b", "a\n",  "caf\xc3\xa9",
                                         "#a",   ".a", "_a", "=",  "<<"};
    for (size_t i = 0; i < GW_COUNT(plain); i++) {
        CU_ASSERT_TRUE(gw_yaml_is_plain(gw_str_c(plain[i])));
    }
    for (size_t i = 0; i < GW_COUNT(quoted); i++) {
        CU_ASSERT_FALSE(gw_yaml_is_plain(gw_str_c(quoted[i])));
    }
    CU_ASSERT_FALSE(gw_yaml_is_plain(GW_STR("a\0b")));
}

UNIT_MAIN(UNIT(the_core_schema_of_yaml_1_2_decides),
          UNIT(only_what_is_a_text_to_every_version_goes_without_quotes))
