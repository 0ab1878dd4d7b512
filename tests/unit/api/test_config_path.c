/* Paths of the Config API cut and cleaned: compatibility chapter 3.1, decision Q38. */
#include "api/config_path.h"

#include "base/slice.h"
#include "unit.h"

static void a_path_is_cut_into_segments_and_rests(void) {
    struct gw_config_segments segments;
    CU_ASSERT_EQUAL(gw_config_path_split(GW_STR("/v1//a%2Fb/c/d/e/f"), &segments), EG_OK);
    CU_ASSERT_EQUAL(segments.count, 7);
    ASSERT_STR(segments.raw[0], "v1");
    ASSERT_STR(segments.raw[1], "");
    ASSERT_STR(segments.raw[2], "a%2Fb");
    ASSERT_STR(segments.rest[0], "v1//a%2Fb/c/d/e/f");
    ASSERT_STR(segments.rest[1], "/a%2Fb/c/d/e/f");
    ASSERT_STR(segments.raw[4], "d");
    ASSERT_STR(segments.rest[4], "d/e/f");
}

static void what_does_not_begin_with_a_slash_is_no_path(void) {
    struct gw_config_segments segments;
    CU_ASSERT_EQUAL(gw_config_path_split(GW_STR(""), &segments), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(gw_config_path_split(GW_STR("*"), &segments), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(gw_config_path_split(GW_STR("/"), &segments), EG_OK);
    CU_ASSERT_EQUAL(segments.count, 1);
}

static void a_clean_path_has_neither_dots_nor_empty_segments(void) {
    static const char *const paths[][2] = {{"/a//b/", "/a/b"}, {"/a/./b/../c", "/a/c"},
                                           {"/../..", "/"},    {"//", "/"},
                                           {"", "/"},          {"/a/..b/...", "/a/..b/..."}};
    struct gw_arena arena;
    gw_arena_init(&arena, 256);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ASSERT_STR(gw_config_path_clean(&arena, gw_str_c(paths[i][0])), paths[i][1]);
    }
    gw_arena_free(&arena);
}

static void dot_segments_are_seen_as_whole_segments_only(void) {
    CU_ASSERT_TRUE(gw_config_path_has_dots(GW_STR("/a/../b")));
    CU_ASSERT_TRUE(gw_config_path_has_dots(GW_STR("/a/.")));
    CU_ASSERT_FALSE(gw_config_path_has_dots(GW_STR("/a/.b/c..")));
}

static void a_segment_is_decoded_once_and_may_hold_no_slash(void) {
    struct gw_arena arena;
    struct eg_str text = {0};
    gw_arena_init(&arena, 256);
    CU_ASSERT_EQUAL(gw_config_path_decode(&arena, GW_STR("a%20b%252F"), &text), EG_OK);
    ASSERT_STR(text, "a b%2F");
    CU_ASSERT_EQUAL(gw_config_path_decode(&arena, GW_STR("a%2Fb"), &text), EG_E_NOTFOUND);
    CU_ASSERT_EQUAL(gw_config_path_decode(&arena, GW_STR("a%2"), &text), EG_E_NOTFOUND);
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(a_path_is_cut_into_segments_and_rests),
          UNIT(what_does_not_begin_with_a_slash_is_no_path),
          UNIT(a_clean_path_has_neither_dots_nor_empty_segments),
          UNIT(dot_segments_are_seen_as_whole_segments_only),
          UNIT(a_segment_is_decoded_once_and_may_hold_no_slash))
