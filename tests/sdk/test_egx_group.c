/*
 * Unit tests of egx_group.h: rules read strictly.
 */
#include <eventgw-sdk/egx_group.h>
#include <eventgw-sdk/fake_host.h>

#include "unit.h"

static struct egx_fake *fake;
static const struct eg_host *host;
static struct eg_json *group;
static struct eg_why why;

static void open_group(const char *json) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
    why = (struct eg_why){.struct_size = sizeof why};
    CU_ASSERT_EQUAL_FATAL(host->json->parse(host, egx_str_c(json), &group, &why), EG_OK);
}

static void close_group(void) {
    host->json->free(host, group);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static struct eg_str told(void) {
    return egx_str_n(why.text, why.len);
}

static void an_unknown_key_is_named(void) {
    static const char *const known[] = {"a", "b"};
    open_group("{\"a\": 1, \"bb\": 2}");
    CU_ASSERT_EQUAL(egx_group_keys(host, group, known, 2, &why), EG_E_INVAL);
    ASSERT_STR(told(), "unknown key 'bb'");
    CU_ASSERT_TRUE(egx_group_has(host, group, "a"));
    CU_ASSERT_FALSE(egx_group_has(host, group, "b"));
    close_group();
    open_group("[1]");
    CU_ASSERT_EQUAL(egx_group_keys(host, group, known, 2, &why), EG_E_INVAL);
    ASSERT_STR(told(), "it has to be a group");
    close_group();
}

static void what_is_absent_stays_as_it_was(void) {
    static const char *const words[] = {"x"};
    struct eg_str text = EGX_STR("before");
    size_t index = 7;
    int64_t number = 7;
    uint64_t ns = 7;
    const struct eg_json *list = NULL;
    size_t count = 7;
    open_group("{}");
    CU_ASSERT_EQUAL(egx_group_text(host, group, "a", &text, &why), EG_OK);
    CU_ASSERT_EQUAL(egx_group_choice(host, group, "a", words, 1, &index, &why), EG_OK);
    CU_ASSERT_EQUAL(egx_group_int(host, group, "a", 0, 9, &number, &why), EG_OK);
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "a", 1, 9, &ns, &why), EG_OK);
    CU_ASSERT_EQUAL(egx_group_list(host, group, "a", 9, &list, &count, &why), EG_OK);
    ASSERT_STR(text, "before");
    CU_ASSERT_TRUE(index == 7 && number == 7 && ns == 7 && count == 7 && list == NULL);
    close_group();
}

static void wrong_types_and_values_are_refused(void) {
    static const char *const words[] = {"x", "y"};
    struct eg_str text;
    size_t index = 0;
    int64_t number = 0;
    const struct eg_json *list = NULL;
    size_t count = 0;
    open_group("{\"text\": \"y\", \"empty\": \"\", \"number\": 5, \"real\": 5.5, \"list\": [1, 2],"
               " \"none\": []}");
    CU_ASSERT_EQUAL(egx_group_text(host, group, "empty", &text, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_text(host, group, "number", &text, &why), EG_E_INVAL);
    ASSERT_STR(told(), "'number' has to be a text that is not empty");
    CU_ASSERT_EQUAL(egx_group_choice(host, group, "text", words, 1, &index, &why), EG_E_INVAL);
    ASSERT_STR(told(), "'text' cannot be 'y'");
    CU_ASSERT_EQUAL(egx_group_choice(host, group, "text", words, 2, &index, &why), EG_OK);
    CU_ASSERT_EQUAL(index, 1);
    CU_ASSERT_EQUAL(egx_group_int(host, group, "number", 1, 4, &number, &why), EG_E_INVAL);
    ASSERT_STR(told(), "'number' has to be a whole number from 1 to 4");
    CU_ASSERT_EQUAL(egx_group_int(host, group, "real", 1, 9, &number, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_int(host, group, "number", 1, 5, &number, &why), EG_OK);
    CU_ASSERT_EQUAL(number, 5);
    CU_ASSERT_EQUAL(egx_group_list(host, group, "list", 1, &list, &count, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_list(host, group, "none", 9, &list, &count, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_list(host, group, "text", 9, &list, &count, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_list(host, group, "list", 2, &list, &count, &why), EG_OK);
    CU_ASSERT_EQUAL(count, 2);
    close_group();
}

static void durations_are_written_as_in_settings(void) {
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {{"250ms", 250000000u},
                {"30s", 30000000000u},
                {"5m", 300000000000u},
                {"1h", 3600000000000u},
                {"7", 7000000000u},
                {"", 0},
                {"s", 0},
                {"-1s", 0},
                {"1 s", 0},
                {"1d", 0},
                {"1.5s", 0},
                {"1234567890s", 0},
                {"0s", 0}};
    uint64_t ns = 0;
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(egx_duration_ns(egx_str_c(rows[i].text)), rows[i].ns);
    }
    open_group("{\"a\": \"2s\", \"b\": 2, \"c\": \"2\", \"d\": -2, \"e\": true}");
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "a", 1, 9000000000u, &ns, &why), EG_OK);
    CU_ASSERT_EQUAL(ns, 2000000000u);
    ns = 0;
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "b", 1, 9000000000u, &ns, &why), EG_OK);
    CU_ASSERT_EQUAL(ns, 2000000000u);
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "a", 1, 1000000000u, &ns, &why), EG_E_INVAL);
    ASSERT_STR(told(), "'a' has to be a duration like \"30s\", from 0 ms to 1 s");
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "d", 1, 9000000000u, &ns, &why), EG_E_INVAL);
    CU_ASSERT_EQUAL(egx_group_duration(host, group, "e", 1, 9000000000u, &ns, &why), EG_E_INVAL);
    close_group();
}

static void a_header_has_a_name(void) {
    static const char *const bad[] = {"", "x y", "x:", "x\r\n", "\xc3\xa4", "(x)"};
    CU_ASSERT_TRUE(egx_group_is_header(EGX_STR("X-Api_Key.2")));
    CU_ASSERT_FALSE(egx_group_is_header(egx_str_n("a\0", 2)));
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(egx_group_is_header(egx_str_c(bad[i])));
    }
}

UNIT_MAIN(UNIT(an_unknown_key_is_named), UNIT(what_is_absent_stays_as_it_was),
          UNIT(wrong_types_and_values_are_refused), UNIT(durations_are_written_as_in_settings),
          UNIT(a_header_has_a_name))
