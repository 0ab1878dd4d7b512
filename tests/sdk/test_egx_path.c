/*
 * Unit tests of egx_path.h: paths matched without loopholes, in the readings that the gateway's own
 * `match` knows.
 */
#include <eventgw-sdk/egx_path.h>
#include <eventgw-sdk/fake_host.h>

#include "domain/match_path.h"
#include "unit.h"

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
        {"/a\\..\\b", EGX_PATH_DOTS, "/a\\..\\b"},
        {"/a\\..\\b", EGX_PATH_DOTS | EGX_PATH_BACKSLASHES, "/b"},
        {"/a%5cb", EGX_PATH_BACKSLASHES, "/a\\b"},
        {"/a%5cb", EGX_PATH_BACKSLASHES | EGX_PATH_SPLIT, "/a/b"},
        {"/a/..;x=1/b", EGX_PATH_DOTS, "/a/..;x=1/b"},
        {"/a/..;x=1/b", EGX_PATH_DOTS | EGX_PATH_PARAMETERS, "/b"},
        {"/a;x%2Fy/b;", EGX_PATH_PARAMETERS, "/a/b"},
        {"/%2561", 0, "/%61"},
        {"/%2561", EGX_PATH_TWICE, "/a"},
        {"/%252561", EGX_PATH_TWICE, "/%61"},
        {"/%%361", EGX_PATH_TWICE, "/a"},
        {"/a%252Fb", EGX_PATH_TWICE, "/a%2Fb"},
        {"/a%252Fb", EGX_PATH_TWICE | EGX_PATH_SPLIT, "/a/b"},
        {"//host/a//b", EGX_PATH_HOST, "/a//b"},
        {"///host;x/a", EGX_PATH_HOST, "/a"},
        {"/\\host\\a", EGX_PATH_HOST | EGX_PATH_BACKSLASHES, "/a"},
        {"/;x/host/a", EGX_PATH_HOST | EGX_PATH_PARAMETERS, "/a"},
        {"//host", EGX_PATH_HOST, ""},
        {"/a//b", EGX_PATH_HOST, "/a//b"},
    };
    static const char *const plain[] = {"/",    "/a",   "/a/",  "/a/b",    "",
                                        "/...", "/.a",  "/a..", "/%61%25", "/100%25/%zz%6",
                                        "/a.b", "/..a", "*"};
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
    static const char *const bad[] = {"",       "a",      "*",        "//",     "/a//b",
                                      "/a//",   "/./a",   "/a\\b",    "/a%5Cb", "/a;b",
                                      "/%2561", "/%%361", "/a/..",    "/a%2Fb", "/a?b=c",
                                      "/a#b",   "/:id",   "/a/:id/b", "/*",     "/a/*rest"};
    for (size_t i = 0; i < EGX_COUNT(fine); i++) {
        CU_ASSERT_TRUE(egx_path_is_rule(egx_str_c(fine[i])));
    }
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_FALSE(egx_path_is_rule(egx_str_c(bad[i])));
    }
}

/* ---- the rule of a path ---- */

static const void *find(const void *rules, struct eg_str path, int is_reading) {
    const char *const *rule = rules;
    while (*rule != NULL && !egx_path_is_below(path, is_reading, egx_str_c(*rule))) {
        rule++;
    }
    return *rule;
}

static void readings_with_different_rules_are_told(void) {
    static const char *const rules[] = {"/admin", "/", NULL};
    static const char *const differ[] = {"//admin", "/x\\..\\admin", "//h/admin", "/x/..;/admin",
                                         "/%2561dmin"};
    static const char *const same[] = {"/a", "/a/../b", "//h/b;x", "/a\\b%2F%2561", "/%252561dmin"};
    struct egx_fake *fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    const void *rule = NULL;
    for (size_t i = 0; i < EGX_COUNT(differ); i++) {
        CU_ASSERT_FALSE(egx_path_find(host, egx_str_c(differ[i]), find, rules, &rule));
        CU_ASSERT_PTR_NOT_NULL(rule);
        CU_ASSERT_TRUE(egx_path_find(host, egx_str_c(differ[i]), find, rules + 2, &rule));
        CU_ASSERT_PTR_NULL(rule);
    }
    for (size_t i = 0; i < EGX_COUNT(same); i++) {
        CU_ASSERT_TRUE(egx_path_find(host, egx_str_c(same[i]), find, rules, &rule));
        CU_ASSERT_STRING_EQUAL(rule, "/");
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static void what_is_too_long_to_be_judged_is_told(void) {
    static const char *const rules[] = {"/", NULL};
    struct egx_fake *fake = egx_fake_new();
    const void *rule = NULL;
    char text[EGX_PATH_RARE_MAX + 2];
    memset(text, 'a', sizeof text);
    memcpy(text, "/;", 2);
    struct eg_str path = egx_str_n(text, EGX_PATH_RARE_MAX);
    CU_ASSERT_TRUE(egx_path_find(egx_fake_host(fake), path, find, rules, &rule));
    CU_ASSERT_FALSE(gw_match_path_below(EGX_STR("/b"), path));
    path.len++;
    CU_ASSERT_FALSE(egx_path_find(egx_fake_host(fake), path, find, rules, &rule));
    CU_ASSERT_TRUE(gw_match_path_below(EGX_STR("/b"), path));
    text[1] = '/';
    CU_ASSERT_TRUE(egx_path_find(egx_fake_host(fake), path, find, rules, &rule));
    CU_ASSERT_FALSE(gw_match_path_below(EGX_STR("/b"), path));
    egx_fake_free(fake);
}

/* ---- the kit and the gateway ---- */

static int is_below_in(struct eg_str path, unsigned flags, struct eg_str base) {
    char reading[128];
    return egx_path_is_below(egx_str_n(reading, egx_path_read(path, flags, reading)), 1, base);
}

/* Is it below base, or was it on its way there, before a step up? `match` asks a middleware then,
 * too. Once what is before each slash of the reading is looked at, both have to say the same. */
static int is_below_on_its_way(struct eg_str path, unsigned flags, struct eg_str base) {
    struct eg_str rest = path;
    int is = is_below_in(path, flags, base);
    while (!is && rest.len > 0) {
        const struct eg_str before = egx_str_n(path.ptr, path.len - rest.len);
        is = egx_path_take(&rest, flags) == '/' && before.len > 0 &&
             is_below_in(before, flags, base);
    }
    return is;
}

static uint32_t dice(uint32_t *state, uint32_t sides) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

static void the_kit_and_the_gateway_read_random_paths_alike(void) {
    static const char *const pieces[] = {"/",   "/",   "/",   "\\",  ".",   "..",   "..",  ";",
                                         "a",   "a",   "b",   "%",   "%2F", "%5c",  "%2e", "%61",
                                         "%25", "%25", "%32", "%36", "2F",  "2561", "61",  "5C"};
    static const char *const bases[] = {"/a", "/a/b", "/b", "/b/a/a", "/"};
    uint32_t state = 20;
    size_t below = 0;
    size_t stray = 0; /* on its way only */
    for (size_t round = 0; round < 15000; round++) {
        char text[64] = "/";
        const uint32_t count = dice(&state, 9);
        for (uint32_t i = 0; i < count; i++) {
            (void)strcat(text, pieces[dice(&state, EGX_COUNT(pieces))]);
        }
        const struct eg_str path = egx_str_c(text);
        const struct eg_str base = egx_str_c(bases[dice(&state, EGX_COUNT(bases))]);
        const unsigned changes = egx_path_is_plain(path) ? 0 : egx_path_changes(path);
        int is = 0;
        int is_on_its_way = 0;
        for (unsigned flags = 0; flags < EGX_PATH_READINGS; flags++) {
            is |= (flags & ~changes) == 0 && is_below_in(path, flags, base);
            is_on_its_way |= is_below_on_its_way(path, flags, base);
        }
        if (is_on_its_way != gw_match_path_below(base, path)) {
            printf("  %s below %s: %d\n", text, base.ptr, is_on_its_way);
            CU_FAIL_FATAL("they differ");
        }
        CU_ASSERT_FALSE(is && !is_on_its_way);
        CU_ASSERT_FALSE(is_on_its_way && !is && strstr(text, "..") == NULL &&
                        strchr(text, '%') == NULL);
        below += is != 0;
        stray += is != is_on_its_way;
    }
    CU_ASSERT_TRUE(below > 1500 && below < 12000 && stray < 500);
}

UNIT_MAIN(UNIT(a_path_holds_itself_and_what_is_below), UNIT(a_path_is_plain_or_has_readings),
          UNIT(a_path_that_no_request_could_have_is_none_of_a_rule),
          UNIT(readings_with_different_rules_are_told), UNIT(what_is_too_long_to_be_judged_is_told),
          UNIT(the_kit_and_the_gateway_read_random_paths_alike))
