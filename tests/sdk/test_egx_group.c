/*
 * Unit tests of egx_group.h and egx_path.h: rules read strictly, paths matched without loopholes.
 */
#include <eventgw-sdk/egx_group.h>
#include <eventgw-sdk/egx_path.h>
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

static void a_path_holds_itself_and_what_is_below(void) {
    static const struct {
        const char *path;
        const char *prefix;
        int is_below;
    } rows[] = {
        {"/a", "/a", 1},
        {"/a/b", "/a", 1},
        {"/ab", "/a", 0},
        {"/", "/a", 0},
        {"", "/a", 0},
        {"/a", "/a/", 1},
        {"/a/", "/a", 1},
        {"/x", "/", 1},
        {"", "", 1},
        {"/%61/b", "/a", 1},
        {"/%41", "/a", 0},
        {"/a%2Fb", "/a", 0},
        {"/a%2fb", "/a/b", 0},
        {"/a%", "/a%", 1},
        {"/a%zz", "/a%zz", 1},
        {"/b/a", "/a", 0},
        {"/caf%C3%A9", "/caf\xc3\xa9", 1},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(egx_path_is_below(egx_str_c(rows[i].path), 0, egx_str_c(rows[i].prefix)),
                        rows[i].is_below);
    }
    CU_ASSERT_TRUE(egx_path_is_below(EGX_STR("/%61"), 1, EGX_STR("/%2561"))); /* not twice */
    CU_ASSERT_FALSE(egx_path_is_below(EGX_STR("/%61"), 1, EGX_STR("/a")));
}

static void a_path_is_plain_or_has_readings(void) {
    static const struct {
        const char *path;
        unsigned flags;
        const char *reading;
    } rows[] = {
        {"/a%2Fb", 0, "/a%2Fb"},
        {"/a%2Fb", EGX_PATH_SPLIT, "/a/b"},
        {"//a///b/", 0, "//a///b/"},
        {"//a///b/", EGX_PATH_MERGE, "/a/b/"},
        {"/a/../b", 0, "/a/../b"},
        {"/a/../b", EGX_PATH_DOTS, "/b"},
        {"/a/%2e%2E/b", EGX_PATH_DOTS, "/b"},
        {"/a/./b/.", EGX_PATH_DOTS, "/a/b/"},
        {"/a/b/..", EGX_PATH_DOTS, "/a/"},
        {"/../../a", EGX_PATH_DOTS, "/a"},
        {"/..", EGX_PATH_DOTS, ""},
        {"/a//../b", EGX_PATH_DOTS, "/a/b"},
        {"/a//../b", EGX_PATH_DOTS | EGX_PATH_MERGE, "/b"},
        {"/a%2F..%2Fb", EGX_PATH_DOTS, "/a%2F..%2Fb"},
        {"/a%2F..%2Fb", EGX_PATH_SPLIT | EGX_PATH_DOTS, "/b"},
    };
    static const char *const plain[] = {"/",   "/a",   "/a/",     "/a/b", "",     "/...",
                                        "/.a", "/a..", "/%61%25", "/a.b", "/..a", "*"};
    char out[64];
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        CU_ASSERT_FALSE(egx_path_is_plain(egx_str_c(rows[i].path)));
        const size_t len = egx_path_read(egx_str_c(rows[i].path), rows[i].flags, out);
        ASSERT_STR(egx_str_n(out, len), rows[i].reading);
    }
    for (size_t i = 0; i < EGX_COUNT(plain); i++) {
        char other[64];
        CU_ASSERT_TRUE(egx_path_is_plain(egx_str_c(plain[i])));
        const size_t len = egx_path_read(egx_str_c(plain[i]), 0, out);
        for (unsigned flags = 1; flags < EGX_PATH_READINGS; flags++) {
            CU_ASSERT_EQUAL(egx_path_read(egx_str_c(plain[i]), flags, other), len);
            CU_ASSERT_EQUAL(memcmp(out, other, len), 0);
        }
    }
}

static void a_path_that_no_request_could_have_is_none_of_a_rule(void) {
    static const char *const fine[] = {"/", "/a", "/a/", "/a.b/c", "/%61", "/%3Aid", "/a:b", "/a*"};
    static const char *const bad[] = {"",     "a",    "*",        "//",     "/a//b",
                                      "/a//", "/./a", "/a/..",    "/a%2Fb", "/a?b=c",
                                      "/a#b", "/:id", "/a/:id/b", "/*",     "/a/*rest"};
    for (size_t i = 0; i < EGX_COUNT(fine); i++) {
        CU_ASSERT_TRUE(egx_path_is_rule(egx_str_c(fine[i])));
    }
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(egx_path_is_rule(egx_str_c(bad[i])));
    }
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
          UNIT(a_path_holds_itself_and_what_is_below), UNIT(a_path_is_plain_or_has_readings),
          UNIT(a_path_that_no_request_could_have_is_none_of_a_rule), UNIT(a_header_has_a_name))
