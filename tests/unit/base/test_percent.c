/* Percent-encoding: decoded exactly once, encoded in two manners. */
#include "base/codec.h"
#include "base/slice.h"
#include "unit.h"

static struct gw_bytes out;

static struct eg_str decoded(struct eg_str s, bool plus_is_space) {
    gw_bytes_free(&out);
    CU_ASSERT_EQUAL(gw_percent_decode(&out, s, plus_is_space), EG_OK);
    return gw_bytes_str(&out);
}

static void escapes_are_decoded_once_in_either_case(void) {
    ASSERT_STR(decoded(GW_STR("a%20b%2Fc%2fd"), false), "a b/c/d");
    ASSERT_STR(decoded(GW_STR("%2541"), false), "%41");
    ASSERT_STR(decoded(GW_STR("%C3%A9"), false), "\xc3\xa9");
    ASSERT_STR(decoded(GW_STR("a+b"), false), "a+b");
    ASSERT_STR(decoded(GW_STR("a+b%2B"), true), "a b+");
    CU_ASSERT_EQUAL(decoded(GW_STR("%00"), false).len, 1);
    CU_ASSERT_EQUAL(decoded(GW_STR(""), false).len, 0);
    gw_bytes_free(&out);
}

static void a_broken_escape_is_refused_and_leaves_the_buffer_alone(void) {
    const char *const bad[] = {"%", "%2", "%2g", "%g2", "ab%", "%%20", "%+2", "% 2", "%2\xff"};
    gw_bytes_init(&out, 0);
    gw_bytes_add_c(&out, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(gw_percent_decode(&out, gw_str_c(bad[i]), true), EG_E_SYNTAX);
        ASSERT_STR(gw_bytes_str(&out), "kept");
    }
    CU_ASSERT_EQUAL(gw_percent_decode(&out, gw_str("%2\0", 3), true), EG_E_SYNTAX);
    /* The slice ends in the middle of what would be an escape. */
    CU_ASSERT_EQUAL(gw_percent_decode(&out, gw_str("%20", 2), true), EG_E_SYNTAX);
    gw_bytes_free(&out);
}

static void a_full_buffer_refuses_to_decode(void) {
    gw_bytes_init(&out, 2);
    CU_ASSERT_EQUAL(gw_percent_decode(&out, GW_STR("abc"), true), EG_E_TOOBIG);
    gw_bytes_free(&out);
}

static void a_segment_keeps_only_what_ids_keep(void) {
    gw_bytes_init(&out, 0);
    gw_percent_encode_segment(&out, GW_STR("aZ09-_.~$&+:=@"));
    ASSERT_STR(gw_bytes_str(&out), "aZ09-_.~$&+:=@");
    gw_bytes_clear(&out);
    gw_percent_encode_segment(&out, GW_STR("/a/:b/*c %,;!'()\xc3\xa9"));
    ASSERT_STR(gw_bytes_str(&out), "%2Fa%2F:b%2F%2Ac%20%25%2C%3B%21%27%28%29%C3%A9");
    gw_bytes_clear(&out);
    gw_percent_encode_segment(&out, gw_str("\0", 1));
    ASSERT_STR(gw_bytes_str(&out), "%00");
    gw_bytes_free(&out);
}

static void a_path_keeps_escapes_and_what_may_stand_there(void) {
    static const char *const pairs[][2] = {
        {"/a/b", "/a/b"},
        {"/sp%20ace%2f", "/sp%20ace%2f"},
        {"/sp ace", "/sp%20ace"},
        {"/\xc3\xa9", "/%C3%A9"},
        {"/!$&'()*+,;=:@[]~", "/!$&'()*+,;=:@[]~"},
        {"\"<>\\^`{|}", "%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {"/a?b#c", "/a%3Fb%23c"},
        {"/\x01\x7f", "/%01%7F"},
        {"/100%", "/100%25"},
        {"/%2", "/%252"},
        {"/%zz", "/%25zz"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        gw_bytes_init(&out, 0);
        gw_percent_encode_path(&out, gw_str_c(pairs[i][0]));
        ASSERT_STR(gw_bytes_str(&out), pairs[i][1]);
        /* What was encoded needs no more encoding. */
        struct gw_bytes again;
        gw_bytes_init(&again, 0);
        gw_percent_encode_path(&again, gw_bytes_str(&out));
        ASSERT_STR(gw_bytes_str(&again), pairs[i][1]);
        gw_bytes_free(&again);
        gw_bytes_free(&out);
    }
}

UNIT_MAIN(UNIT(escapes_are_decoded_once_in_either_case),
          UNIT(a_broken_escape_is_refused_and_leaves_the_buffer_alone),
          UNIT(a_full_buffer_refuses_to_decode), UNIT(a_segment_keeps_only_what_ids_keep),
          UNIT(a_path_keeps_escapes_and_what_may_stand_there))
