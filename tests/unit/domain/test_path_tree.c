/* Unit tests of domain/path_tree.c. */
#include "unit.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"
#include "base/why.h"
#include "domain/path_tree.h"

#define MAX_PATHS 4
#define CONFLICT(kind, name, path)                                                                 \
    kind " with different name (\"" name "\") already defined: for route: " path

struct conflict_case {
    const char *present[MAX_PATHS];
    const char *added;
    const char *reason; /* NULL: gets in */
};

/* A value that tells which path it was added with. */
static void *as_value(const char *path) {
    return (void *)(uintptr_t)path;
}

static int32_t add(struct gw_path_tree *tree, const char *path, struct eg_why *ret_why) {
    return gw_path_tree_add(tree, gw_str_c(path), as_value(path), ret_why);
}

static struct gw_path_tree *tree_of(struct gw_arena *arena, const char *const *paths,
                                    size_t count) {
    gw_arena_init(arena, 1024);
    struct gw_path_tree *tree = gw_path_tree_create(arena);
    for (size_t i = 0; i < count && paths[i] != NULL; i++) {
        CU_ASSERT_EQUAL(add(tree, paths[i], NULL), 0);
    }
    return tree;
}

static void assert_conflict(const struct conflict_case *c) {
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, c->present, MAX_PATHS);
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(add(tree, c->added, &why), c->reason == NULL ? 0 : EG_E_CONFLICT);
    ASSERT_STR(gw_why_str(&why), c->reason == NULL ? "" : c->reason);
    /* Refused or not, what was there is found as before. */
    for (size_t i = 0; i < MAX_PATHS && c->present[i] != NULL; i++) {
        CU_ASSERT_PTR_EQUAL(gw_path_tree_match(tree, gw_str_c(c->present[i]), NULL),
                            as_value(c->present[i]));
    }
    gw_arena_free(&arena);
}

static void conflicts_are_told_in_the_words_of_the_original(void) {
    static const struct conflict_case cases[] = {
        {{"/"}, "/", "route / conflicts with existing route"},
        {{"/:name"}, "/:id", CONFLICT("parameter", "name", "/:id")},
        {{"/users/:id"}, "/users/foo", CONFLICT("parameter", "id", "/users/foo")},
        {{"/users/:id"}, "/users/", CONFLICT("parameter", "id", "/users/")},
        {{"/users/:id"}, "/users/:id", "route /users/:id conflicts with existing route"},
        {{"/a/b"}, "/a/b", "route /a/b conflicts with existing route"},
        {{"/other", "/users"}, "/:x", "static route already defined for route: /:x"},
        {{NULL}, "/w/*x/y", "wildcard must be the last parameter"},
        {{NULL}, "/*x/", "wildcard must be the last parameter"},
        {{"/*foo"}, "/*bar", CONFLICT("wildcard", "foo", "/*bar")},
        {{"/*foo"}, "/*foo", CONFLICT("wildcard", "foo", "/*foo")},
        {{"/*foo"}, "/*foo/x", CONFLICT("wildcard", "foo", "/*foo/x")},
        {{"/*foo"}, "/bar", CONFLICT("wildcard", "foo", "/bar")},
        {{"/*foo"}, "/:bar", CONFLICT("wildcard", "foo", "/:bar")},
        {{"/:foo"}, "/*bar", CONFLICT("wildcard", "foo", "/*bar")},
        {{"/foo"}, "/*bar", CONFLICT("wildcard", "", "/*bar")},
        {{"/a/"}, "/a/:b", "static route already defined for route: /a/:b"},
        {{"/a/"}, "/a/*x", CONFLICT("wildcard", "", "/a/*x")},
        {{"/:"}, "/:x", CONFLICT("parameter", "", "/:x")},
        {{"/users/:id/posts"},
         "/users/:id/:what",
         "static route already defined for route: /users/:id/:what"},
    };
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_conflict(&cases[i]);
    }
}

static void paths_that_do_not_conflict_coexist(void) {
    static const struct conflict_case cases[] = {
        {{"/users/:id"}, "/users/:id/posts", NULL},
        {{"/users/:id"}, "/users", NULL},
        {{"/users/:id/posts"}, "/users/:id", NULL},
        {{"/w/*x"}, "/w", NULL},
        {{"/*all"}, "/", NULL},
        {{"/:id"}, "/", NULL},
        {{"/other"}, "/other/", NULL},
        {{"/"}, "//", NULL},
        {{"/a", "/b", "/a/:x"}, "/b/:y", NULL},
    };
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_conflict(&cases[i]);
    }
}

/* The last part of a refused path may conflict while its beginning is new. */
static void a_refused_path_leaves_no_traces(void) {
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, NULL, 0);
    CU_ASSERT_EQUAL(add(tree, "/w/*x/y", NULL), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(add(tree, "/:any", NULL), 0);
    CU_ASSERT_PTR_NULL(gw_path_tree_match(tree, GW_STR("/w/z"), NULL));
    gw_arena_free(&arena);
}

struct match_case {
    const char *path;
    const char *found; /* NULL: nothing */
    const char *params;
};

static void assert_matches(const char *const *paths, size_t path_count,
                           const struct match_case *cases, size_t count) {
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, paths, path_count);
    for (size_t i = 0; i < count; i++) {
        struct gw_path_params params;
        const char *found = gw_path_tree_match(tree, gw_str_c(cases[i].path), &params);
        ASSERT_STR(gw_str_c(found), cases[i].found == NULL ? "" : cases[i].found);
        char text[256] = "null";
        size_t len = params.is_null ? 4 : 0;
        for (uint32_t p = 0; p < params.count; p++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%.*s=%.*s;",
                                    GW_FMT(params.items[p].name), GW_FMT(params.items[p].value));
        }
        ASSERT_STR(gw_str(text, len), cases[i].found == NULL ? "null" : cases[i].params);
    }
    gw_arena_free(&arena);
}
#define PATHS(...) ((const char *const[]){__VA_ARGS__})
#define ASSERT_MATCHES(paths, ...)                                                                 \
    do {                                                                                           \
        static const struct match_case cases_[] = {__VA_ARGS__};                                   \
        assert_matches(paths, GW_COUNT(paths), cases_, GW_COUNT(cases_));                          \
    } while (0)

static void parameters_and_wildcards_are_handed_over_as_sent(void) {
    ASSERT_MATCHES(PATHS("/users/:id/*rest", "/h"),
                   {"/users/4%2F2/a%20b/c%2Fd", "/users/:id/*rest", "id=4%2F2;rest=a%20b/c%2Fd;"},
                   {"/users/1/", "/users/:id/*rest", "id=1;rest=;"}, {"/users/1", NULL, NULL},
                   {"/users//x", "/users/:id/*rest", "id=;rest=x;"}, {"/users/", NULL, NULL},
                   {"/h", "/h", ""}, {"/h/", NULL, NULL}, {"/./h", NULL, NULL}, {"//h", NULL, NULL},
                   {"/H", NULL, NULL}, {"", NULL, NULL}, {"h", NULL, NULL}, {"*", NULL, NULL},
                   {"/", NULL, NULL});
}

static void a_wildcard_takes_all_but_the_root(void) {
    ASSERT_MATCHES(PATHS("/*all"), {"/", NULL, NULL}, {"//a", "/*all", "all=/a;"},
                   {"/a/b", "/*all", "all=a/b;"}, {"//", "/*all", "all=/;"},
                   {"/*all", "/*all", "all=*all;"});
    ASSERT_MATCHES(PATHS("/*all", "/"), {"/", "/", "null"}, {"/x", "/*all", "all=x;"});
}

static void lookups_do_not_go_back(void) {
    ASSERT_MATCHES(PATHS("/a/b/c/d"), {"/b", NULL, NULL}, {"/a/b", NULL, NULL},
                   {"/a/b/c/d", "/a/b/c/d", ""}, {"/a/b/c/d/e", NULL, NULL});
    ASSERT_MATCHES(PATHS("/:x/b", "/:x/c/:y"), {"/1/b", "/:x/b", "x=1;"},
                   {"/1/c/2", "/:x/c/:y", "x=1;y=2;"}, {"/1/c", NULL, NULL},
                   {"/:x/b", "/:x/b", "x=:x;"});
}

static void of_two_parameters_with_one_name_the_last_wins(void) {
    ASSERT_MATCHES(PATHS("/:a/:b/:a"), {"/1/2/3", "/:a/:b/:a", "a=3;b=2;"});
}

static void a_rebuilt_tree_forgets_what_was_deleted(void) {
    ASSERT_MATCHES(PATHS("/a/b"), {"/a", NULL, NULL}, {"/a/b", "/a/b", ""});
    ASSERT_MATCHES(PATHS("/:foo/bar"), {"/a", NULL, NULL}, {"/a/bar", "/:foo/bar", "foo=a;"});
    ASSERT_MATCHES(PATHS("/a"), {"/a", "/a", ""});
    ASSERT_MATCHES(PATHS("/a/x"), {"/a/x", "/a/x", ""});
}

static void escaped_paths_are_compared_as_they_are(void) {
    ASSERT_MATCHES(PATHS("/caf%C3%A9", "/sp%20ace"), {"/caf%C3%A9", "/caf%C3%A9", ""},
                   {"/caf\xC3\xA9", NULL, NULL}, {"/sp%20ace", "/sp%20ace", ""},
                   {"/sp ace", NULL, NULL});
}

static void more_parameters_than_a_match_can_hold_are_refused(void) {
    char path[2 * (GW_MAX_PARAMS + 1) + 1] = {0};
    for (size_t i = 0; i <= GW_MAX_PARAMS; i++) {
        memcpy(path + 2 * i, "/:", 2);
    }
    struct gw_arena arena;
    gw_arena_init(&arena, 1024);
    struct gw_path_tree *tree = gw_path_tree_create(&arena);
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(add(tree, path, &why), EG_E_CONFLICT);
    CU_ASSERT_TRUE(gw_str_starts(gw_why_str(&why), GW_STR("more than 32 parameters in route: /:")));
    path[2 * GW_MAX_PARAMS] = '\0';
    CU_ASSERT_EQUAL(add(tree, path, &why), 0);
    struct gw_path_params params;
    CU_ASSERT_PTR_NOT_NULL(gw_path_tree_match(tree, gw_str_c(path), &params));
    gw_arena_free(&arena);
}

static void paths_without_a_leading_slash_are_refused(void) {
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, NULL, 0);
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(add(tree, "a", &why), EG_E_CONFLICT);
    CU_ASSERT_EQUAL(add(tree, "", &why), EG_E_CONFLICT);
    ASSERT_STR(gw_why_str(&why), "path must begin with /: for route: ");
    gw_arena_free(&arena);
}

/* A linear or quadratic tree would need 10^9 comparisons here. */
static void ten_thousand_children_of_one_parent_are_fast(void) {
    enum { CHILDREN = 10000, ROUNDS = 10 };
    struct gw_arena arena;
    gw_arena_init(&arena, 65536);
    struct gw_path_tree *tree = gw_path_tree_create(&arena);
    for (unsigned i = 0; i < CHILDREN; i++) {
        const struct eg_str path = gw_arena_printf(&arena, "/a/%u", i);
        CU_ASSERT_EQUAL_FATAL(gw_path_tree_add(tree, path, as_value(path.ptr), NULL), 0);
    }
    const uint64_t begin = gw_monotonic_ns();
    size_t found = 0;
    for (unsigned i = 0; i < CHILDREN * ROUNDS; i++) {
        char path[32];
        const int len = snprintf(path, sizeof path, "/a/%u", i % CHILDREN);
        const char *value = gw_path_tree_match(tree, gw_str(path, (size_t)len), NULL);
        found += value != NULL && strcmp(value, path) == 0;
    }
    CU_ASSERT_EQUAL(found, CHILDREN * ROUNDS);
    CU_ASSERT_TRUE(gw_monotonic_ns() - begin < 3 * GW_NS_PER_S);
    gw_arena_free(&arena);
}

/* What a match says, with one parameter at most. */
static const char *said(const struct gw_path_tree *tree, const char *path) {
    static char text[256];
    struct gw_path_params params;
    const char *value = gw_path_tree_match(tree, gw_str_c(path), &params);
    const struct eg_kv none = {0};
    const struct eg_kv *param = params.count == 0 ? &none : &params.items[0];
    (void)snprintf(text, sizeof text, "%s %.*s=%.*s", value == NULL ? "nothing" : value,
                   GW_FMT(param->name), GW_FMT(param->value));
    return text;
}

static void a_tree_over_another_shows_both_and_leaves_the_other_alone(void) {
    static const char *const below[] = {"/", "/a/b", "/p/:x/q", "/w/*rest"};
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, below, 4);
    struct gw_path_tree *over = gw_path_tree_over(&arena, tree);
    CU_ASSERT_EQUAL(add(over, "/a/c", NULL), 0);      /* beside a node below */
    CU_ASSERT_EQUAL(add(over, "/p/:x/r/s", NULL), 0); /* under a parameter below */
    CU_ASSERT_EQUAL(add(over, "/p/:x", NULL), 0);     /* a node below that had no value */
    CU_ASSERT_EQUAL(add(over, "/new/:y", NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_PTR_EQUAL(gw_path_tree_match(over, gw_str_c(below[i]), NULL), as_value(below[i]));
    }
    CU_ASSERT_STRING_EQUAL(said(over, "/a/c"), "/a/c =");
    CU_ASSERT_STRING_EQUAL(said(over, "/p/1/r/s"), "/p/:x/r/s x=1");
    CU_ASSERT_STRING_EQUAL(said(over, "/p/1/q"), "/p/:x/q x=1");
    CU_ASSERT_STRING_EQUAL(said(over, "/p/1"), "/p/:x x=1");
    CU_ASSERT_STRING_EQUAL(said(over, "/new/2"), "/new/:y y=2");
    CU_ASSERT_STRING_EQUAL(said(over, "/w/1/2"), "/w/*rest rest=1/2");
    CU_ASSERT_STRING_EQUAL(said(tree, "/a/c"), "nothing =");
    CU_ASSERT_STRING_EQUAL(said(tree, "/p/1"), "nothing =");
    CU_ASSERT_STRING_EQUAL(said(tree, "/p/1/r/s"), "nothing =");
    CU_ASSERT_STRING_EQUAL(said(tree, "/new/2"), "nothing =");
    gw_arena_free(&arena);
}

static void what_is_below_is_in_the_way_as_in_one_tree(void) {
    static const char *const below[] = {"/", "/a/b", "/p/:x", "/w/*rest"};
    static const char *const refused[] = {"/",        "/a/b",  "/a/:y",    "/p/:y",
                                          "/p/fixed", "/w/:y", "/w/fixed", "/:y"};
    struct gw_arena arena;
    struct gw_path_tree *over = gw_path_tree_over(&arena, tree_of(&arena, below, 4));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_EQUAL(add(over, refused[i], NULL), EG_E_CONFLICT);
    }
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_PTR_EQUAL(gw_path_tree_match(over, gw_str_c(below[i]), NULL), as_value(below[i]));
    }
    gw_arena_free(&arena);
}

static void a_path_gets_another_value_or_none(void) {
    static const char *const below[] = {"/", "/a/b", "/p/:x", "/p/:x/q"};
    struct gw_arena arena;
    struct gw_path_tree *tree = tree_of(&arena, below, 4);
    struct gw_path_tree *over = gw_path_tree_over(&arena, tree);
    gw_path_tree_set(over, GW_STR("/p/:x"), as_value("other"));
    gw_path_tree_set(over, GW_STR("/a/b"), NULL);
    gw_path_tree_set(over, GW_STR("/"), NULL);
    CU_ASSERT_STRING_EQUAL(said(over, "/p/1"), "other x=1");
    CU_ASSERT_STRING_EQUAL(said(over, "/p/1/q"), "/p/:x/q x=1");
    CU_ASSERT_STRING_EQUAL(said(over, "/a/b"), "nothing =");
    CU_ASSERT_STRING_EQUAL(said(over, "/"), "nothing =");
    CU_ASSERT_STRING_EQUAL(said(tree, "/p/1"), "/p/:x x=1");
    CU_ASSERT_STRING_EQUAL(said(tree, "/a/b"), "/a/b =");
    CU_ASSERT_STRING_EQUAL(said(tree, "/"), "/ =");
    CU_ASSERT_EQUAL(add(over, "/a/b", NULL), 0); /* and back */
    CU_ASSERT_STRING_EQUAL(said(over, "/a/b"), "/a/b =");
    gw_path_tree_set(tree, GW_STR("/a/b"), NULL); /* in a tree that stands by itself, too */
    CU_ASSERT_STRING_EQUAL(said(tree, "/a/b"), "nothing =");
    gw_arena_free(&arena);
}

/* ---- two paths, without a tree ---- */

#define SEGMENTS 6u
#define DEPTH 3u
#define ALL_PATHS 258u /* 6 + 36 + 216 */

/* The number-th path of up to DEPTH of the segments. */
static void nth_path(size_t number, char ret_path[16]) {
    static const char *const segments[SEGMENTS] = {"", "a", "ab", ":a", ":b", "*a"};
    char *at = ret_path;
    for (size_t count = SEGMENTS, i = number;; count *= SEGMENTS) {
        if (i >= count) {
            i -= count;
            continue;
        }
        for (size_t place = count; place > 1; place /= SEGMENTS) {
            const size_t digit = i / (place / SEGMENTS) % SEGMENTS;
            at += snprintf(at, 5, "/%s", segments[digit]);
        }
        return;
    }
}

static bool takes(struct gw_arena *arena, const char *first, const char *second) {
    gw_arena_reset(arena);
    struct gw_path_tree *tree = gw_path_tree_create(arena);
    return add(tree, first, NULL) == EG_OK && (second == NULL || add(tree, second, NULL) == EG_OK);
}

static void two_paths_conflict_when_a_tree_says_so(void) {
    static char paths[ALL_PATHS][16];
    struct gw_arena arena;
    size_t count = 0;
    size_t conflicts = 0;
    size_t wrong = 0;
    gw_arena_init(&arena, 4096);
    for (size_t i = 0; i < ALL_PATHS; i++) {
        nth_path(i, paths[count]);
        count += takes(&arena, paths[count], NULL);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            const bool is_refused = !takes(&arena, paths[i], paths[k]);
            conflicts += is_refused;
            wrong += gw_paths_conflict(gw_str_c(paths[i]), gw_str_c(paths[k])) != is_refused;
        }
    }
    CU_ASSERT_EQUAL(count, ALL_PATHS - 6 - 36 - 30); /* no segment behind a wildcard */
    CU_ASSERT_TRUE(conflicts > count && conflicts < count * count);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(gw_paths_conflict(GW_STR("a"), GW_STR("/b"))); /* no tree takes it */
    CU_ASSERT_TRUE(gw_paths_conflict(GW_STR("/b"), GW_STR("")));
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(two_paths_conflict_when_a_tree_says_so),
          UNIT(a_tree_over_another_shows_both_and_leaves_the_other_alone),
          UNIT(what_is_below_is_in_the_way_as_in_one_tree), UNIT(a_path_gets_another_value_or_none),
          UNIT(conflicts_are_told_in_the_words_of_the_original),
          UNIT(paths_that_do_not_conflict_coexist), UNIT(a_refused_path_leaves_no_traces),
          UNIT(parameters_and_wildcards_are_handed_over_as_sent),
          UNIT(a_wildcard_takes_all_but_the_root), UNIT(lookups_do_not_go_back),
          UNIT(of_two_parameters_with_one_name_the_last_wins),
          UNIT(a_rebuilt_tree_forgets_what_was_deleted),
          UNIT(escaped_paths_are_compared_as_they_are),
          UNIT(more_parameters_than_a_match_can_hold_are_refused),
          UNIT(paths_without_a_leading_slash_are_refused),
          UNIT(ten_thousand_children_of_one_parent_are_fast))
