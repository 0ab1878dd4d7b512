/* domain/match.c: which requests and events a middleware takes part in; hostile paths; mistakes in
 * the configuration. */
#include "base/slice.h"
#include "base/why.h"
#include "domain/match.h"
#include "domain/match_path.h"
#include "unit.h"

static struct gw_arena arena;

static const struct gw_match *match_of(const char *json) {
    struct eg_why why = {.struct_size = sizeof why};
    const struct gw_match *match = NULL;
    const int32_t rc = gw_match_read(&arena, GW_STR("plugins.m"), gw_str_c(json), &match, &why);
    if (rc < 0) {
        printf("  %s: %.*s\n", json, GW_FMT(gw_why_str(&why)));
    }
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return match;
}

static bool asks(const struct gw_match *match, const char *method, const char *path) {
    return gw_match_request(match, gw_str_c(method), gw_str_c(path));
}

static void check_below(const char *base, const char *path, bool expected) {
    const bool got = gw_match_path_below(gw_str_c(base), gw_str_c(path));
    if (got != expected) {
        printf("  %s %s below %s\n", path, got ? "is" : "is not", base);
    }
    CU_ASSERT_EQUAL(got, expected);
}

static void a_path_holds_for_itself_and_for_what_lies_below_by_segments(void) {
    check_below("/admin", "/admin", true);
    check_below("/admin", "/admin/", true);
    check_below("/admin", "/admin/x/y", true);
    check_below("/admin/", "/admin", true);
    check_below("/admin", "/administrator", false);
    check_below("/admin", "/", false);
    check_below("/admin", "/x/admin", false);
    check_below("/admin", "/Admin", false);
    check_below("/a/b", "/a", false);
    check_below("/a/b", "/a/b/c", true);
    check_below("/a/b", "/a/c/b", false);
    check_below("/", "/", true);
    check_below("/", "/anything/%2F..", true);
    check_below("/admin", "", false);
    check_below("/admin", "*", false);
}

static void escapes_hide_nothing(void) {
    check_below("/admin", "/%61dmin", true);
    check_below("/admin", "/%61%64%6d%69%6E/x", true);
    check_below("/%61dmin", "/admin", true);
    /* functions are told /%61dmin, and may undo that */
    check_below("/admin", "/%2561dmin", true);
    check_below("/admin", "/x/%252e%252E/admin", true);
    check_below("/admin", "/x%252F..%255cadmin", true);
    check_below("/admin", "/%25%36%31dmin", true);
    check_below("/admin", "/%%361dmin", true); /* %61 when what is an escape is undone */
    check_below("/admin", "/%6%31dmin", true);
    check_below("/admin", "/%252561dmin", false); /* twice and not more often */
    check_below("/admin", "/admin%25", false);
    check_below("/admin", "/admin%256", false);
    check_below("/100%25", "/100%25", true);
    check_below("/admin", "/admin%2Fx", true);
    check_below("/admin", "/admin%2f", true);
    check_below("/a/b", "/a%2Fb", true);
    check_below("/a/b", "/a%2fb%2fc", true);
    check_below("/a%2Fb", "/a%2Fb", true);
    check_below("/a%2Fb", "/a/b", true); /* somebody may have undone the escape before */
    check_below("/admin", "/admin%", false);
    check_below("/admin", "/admin%2", false);
    check_below("/admin", "/admin%zz", false);
    check_below("/a%", "/a%", true);
    check_below("/\xc3\xbc", "/%C3%BC/x", true);
}

static void steps_up_and_empty_segments_hide_nothing(void) {
    check_below("/admin", "//admin", true);
    check_below("/admin", "///admin///x", true);
    check_below("/admin", "/./admin", true);
    check_below("/admin", "/x/../admin", true);
    check_below("/admin", "/x/%2e%2E/admin", true);
    check_below("/admin", "/x/y/../../admin/z", true);
    check_below("/admin", "/../../admin", true);
    check_below("/admin", "/x%2F..%2Fadmin", true);
    check_below("/admin", "/x%2Fy/../admin", true);    /* %2F is no slash, and then a step up */
    check_below("/admin", "/x%2Fy/../../admin", true); /* %2F is a slash */
    check_below("/admin", "/admin/..", true);          /* as it stands it is below */
    check_below("/x/admin", "/x//../admin", true);     /* RFC 3986 5.2.4: an empty segment is one */
    check_below("/admin", "/x//../admin", true);       /* and for others it is none */
    check_below("/a/b", "/a/c/../b", true);
    check_below("/a/b", "/a/./b", true);
    check_below("/a/b", "/a//b", true);
    check_below("/a/b", "/c/../a/../b", false);
    check_below("/a/b", "/a/../b", false);
    check_below("/a/b", "/b/../a/x/y/../../b", true);
    check_below("/admin", "/x/..admin", false);
    check_below("/admin", "/.../admin", false);
    check_below("/a//b", "/a//b", true);
}

/* Ways in which servers and libraries behind the gateway read more into a path: URL parsers of
 * browsers and Node.js take a backslash for a slash and what follows two slashes for a host (WHATWG
 * URL, "path-absolute-URL"; RFC 3986 4.2), servlet containers cut parameters off segments (RFC 3986
 * 3.3). */
static void backslashes_hosts_and_parameters_hide_nothing(void) {
    check_below("/admin", "/\\admin", true);
    check_below("/admin", "/x\\..\\admin\\y", true);
    check_below("/admin", "/x%2Fy\\..\\admin", true); /* %2F is no slash, the others are */
    check_below("/admin", "/x%5C..%5cadmin", true);
    check_below("/a/b", "/a\\b", true);
    check_below("/admin", "/admin\\", true);
    check_below("/admin\\x", "/admin\\x", true);
    check_below("/admin", "//host/admin", true);
    check_below("/admin", "/\\host/admin", true);
    check_below("/admin", "////host/x/../%61dmin/y", true);
    check_below("/admin", "//host:80\\admin", true);
    check_below("/admin", "//host", false);
    check_below("/admin", "/host/admin", false);
    check_below("/admin", "//host/x/admin", false);
    check_below("/admin", "/admin;x=1", true);
    check_below("/admin", "/admin;a/b", true);
    check_below("/admin", "/;x/admin", true);
    check_below("/admin", "/x/..;/admin", true);
    check_below("/admin", "/x/%2e.;a=b/admin", true);
    check_below("/admin;v=1", "/admin;v=1", true);
    check_below("/admin", "/x;/admin", false);
    check_below("/admin", "/administrator;x", false);
}

/* A long path costs time in proportion to its length, and no memory. */
static void a_path_of_steps_is_walked_once(void) {
    static char path[65536];
    for (size_t i = 0; i + 4 < sizeof path; i += 4) {
        memcpy(path + i, i % 8 == 0 ? "/x/y" : "/../", 4);
    }
    path[65500] = '\0';
    check_below("/admin/of/all", path, false);
    path[512] = '\0';
    path[1] = ';';
    check_below("/admin/of/all", path, false);
    path[512] = 'x';
    check_below("/admin/of/all", path, true); /* too many ways to read it: asked in vain */
}

static void paths_methods_and_their_absence(void) {
    const struct gw_match *m = match_of("{\"paths\": [\"/a\", \"/b\"], \"methods\": [\"post\"]}");
    CU_ASSERT_TRUE(asks(m, "POST", "/a/x"));
    CU_ASSERT_TRUE(asks(m, "pOsT", "/b"));
    CU_ASSERT_FALSE(asks(m, "GET", "/a"));
    CU_ASSERT_FALSE(asks(m, "POST", "/c"));
    CU_ASSERT_TRUE(gw_match_is_early(m));
    CU_ASSERT_TRUE(gw_match_event_type(m, GW_STR("any")));
    CU_ASSERT_TRUE(gw_match_space(m, GW_STR("any")));
    CU_ASSERT_FALSE(gw_match_has_spaces(m));
}

static void event_types_are_exact_or_have_a_star_at_the_end(void) {
    const struct gw_match *m = match_of("{\"event_types\": [\"user.*\", \"http.request\"]}");
    CU_ASSERT_FALSE(gw_match_is_early(m));
    CU_ASSERT_TRUE(asks(m, "GET", "/whatever"));
    CU_ASSERT_TRUE(gw_match_event_type(m, GW_STR("user.created")));
    CU_ASSERT_TRUE(gw_match_event_type(m, GW_STR("user.")));
    CU_ASSERT_TRUE(gw_match_event_type(m, GW_STR("http.request")));
    CU_ASSERT_FALSE(gw_match_event_type(m, GW_STR("http.requests")));
    CU_ASSERT_FALSE(gw_match_event_type(m, GW_STR("user")));
    CU_ASSERT_FALSE(gw_match_event_type(m, GW_STR("User.created")));
    CU_ASSERT_TRUE(gw_match_event_type(match_of("{\"event_types\": [\"*\"]}"), GW_STR("x")));
}

static void spaces_are_exact(void) {
    const struct gw_match *m = match_of("{\"spaces\": [\"one\", \"two\"]}");
    CU_ASSERT_FALSE(gw_match_is_early(m));
    CU_ASSERT_TRUE(gw_match_has_spaces(m));
    CU_ASSERT_TRUE(gw_match_space(m, GW_STR("two")));
    CU_ASSERT_FALSE(gw_match_space(m, GW_STR("three")));
    CU_ASSERT_FALSE(gw_match_space(m, GW_STR("on")));
}

static void mistakes_are_told_by_key(void) {
    static const char *const cases[][2] = {
        {"[]", "'plugins.m.match' has to be a group with spaces, paths, methods or event_types"},
        {"{}", "'plugins.m.match' has to be a group with spaces, paths, methods or event_types"},
        {"{\"path\": [\"/a\"]}", "unknown key 'plugins.m.match.path'; did you mean 'paths'?"},
        {"{\"zzz\": [\"/a\"]}", "unknown key 'plugins.m.match.zzz'"},
        {"{\"paths\": \"/a\"}", "'plugins.m.match.paths' has to be a list of at least one text"},
        {"{\"paths\": []}", "'plugins.m.match.paths' has to be a list of at least one text"},
        {"{\"spaces\": {}}", "'plugins.m.match.spaces' has to be a list of at least one text"},
        {"{\"paths\": [\"a\"]}", "'plugins.m.match.paths': 'a' is not a path: it begins with /, "
                                 "holds for all below it, and has no parameters, wildcards or "
                                 "query"},
        {"{\"methods\": [\"GET\", 1]}",
         "'plugins.m.match.methods': '' is not an HTTP method that is served"},
        {"{\"methods\": [\"GET /\"]}",
         "'plugins.m.match.methods': 'GET /' is not an HTTP method that is served"},
        {"{\"methods\": [\"*\"]}",
         "'plugins.m.match.methods': '*' is not an HTTP method that is served"},
        {"{\"methods\": [\"GTE\"]}",
         "'plugins.m.match.methods': 'GTE' is not an HTTP method that is served"},
        {"{\"event_types\": [\"a*b\"]}",
         "'plugins.m.match.event_types': 'a*b' is not an event type, or the beginning of some and "
         "a * at its end"},
        {"{\"event_types\": [\"\"]}",
         "'plugins.m.match.event_types': '' is not an event type, or the beginning of some and a "
         "* at its end"},
        {"{\"spaces\": [\"a/b\"]}", "'plugins.m.match.spaces': 'a/b' is not the name of a space"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        const struct gw_match *match = NULL;
        CU_ASSERT_EQUAL(
            gw_match_read(&arena, GW_STR("plugins.m"), gw_str_c(cases[i][0]), &match, &why),
            EG_E_INVAL);
        ASSERT_STR(gw_why_str(&why), cases[i][1]);
        CU_ASSERT_PTR_NULL(match);
    }
}

static void a_path_that_could_never_match_is_refused(void) {
    static const char *const paths[] = {"/users/:id", "/users/*", "/*rest", "/users*", "/a*b",
                                        "/a?b",       "/a#b",     "",       "*",       "http:"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        const struct gw_match *match = NULL;
        char json[64];
        (void)snprintf(json, sizeof json, "{\"paths\": [\"%s\"]}", paths[i]);
        CU_ASSERT_EQUAL(gw_match_read(&arena, GW_STR("plugins.m"), gw_str_c(json), &match, &why),
                        EG_E_INVAL);
    }
}

UNIT_MAIN(UNIT(a_path_holds_for_itself_and_for_what_lies_below_by_segments),
          UNIT(escapes_hide_nothing), UNIT(steps_up_and_empty_segments_hide_nothing),
          UNIT(backslashes_hosts_and_parameters_hide_nothing), UNIT(a_path_of_steps_is_walked_once),
          UNIT(paths_methods_and_their_absence),
          UNIT(event_types_are_exact_or_have_a_star_at_the_end), UNIT(spaces_are_exact),
          UNIT(mistakes_are_told_by_key), UNIT(a_path_that_could_never_match_is_refused))
