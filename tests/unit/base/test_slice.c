/* Questions to slices, with the empty, the NULL and the hostile. */
#include "base/slice.h"
#include "unit.h"

static const struct eg_str none = {0};

static void equality_takes_null_for_empty(void) {
    CU_ASSERT_TRUE(gw_str_eq(none, GW_STR("")));
    CU_ASSERT_TRUE(gw_str_eq_nocase(GW_STR("Content-TYPE"), GW_STR("content-type")));
    CU_ASSERT_FALSE(gw_str_eq_nocase(GW_STR("a[b"), GW_STR("a{b")));
    CU_ASSERT_FALSE(gw_str_eq(gw_str("a\0b", 3), gw_str("a\0c", 3)));
    CU_ASSERT_FALSE(gw_str_eq(GW_STR("ab"), GW_STR("abc")));
}

static unsigned small(unsigned c) {
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static void only_ascii_letters_are_the_same_in_both_cases_at_any_place(void) {
    const size_t places[] = {0, 3, 7, 8, 15, 18};
    for (size_t i = 0; i < 6 * 256 * 256; i++) {
        const unsigned left = i & 0xff;
        const unsigned right = i >> 8 & 0xff;
        char a[] = "X-Some-Name-As-Sent";
        char b[] = "x-somE-naMe-as-SENT";
        a[places[i >> 16]] = (char)left;
        b[places[i >> 16]] = (char)right;
        CU_ASSERT_EQUAL_FATAL(gw_str_eq_nocase(gw_str(a, 19), gw_str(b, 19)),
                              small(left) == small(right));
    }
}

static void a_short_name_differs_in_each_of_its_bytes(void) {
    for (size_t len = 1; len <= 20; len++) {
        for (size_t at = 0; at < len; at++) {
            char a[] = "ABCDEFGHIJKLMNOPQRST";
            char b[] = "abcdefghijklmnopqrst";
            CU_ASSERT_TRUE_FATAL(gw_str_eq_nocase(gw_str(a, len), gw_str(b, len)));
            b[at] = '-';
            CU_ASSERT_FALSE_FATAL(gw_str_eq_nocase(gw_str(a, len), gw_str(b, len)));
        }
    }
}

static void a_control_byte_is_found_wherever_it_stands(void) {
    for (size_t len = 1; len <= 20; len++) {
        for (size_t i = 0; i < len * 256; i++) {
            char text[] = "text/plain; x=\xc3\xa4 \"y\"";
            const unsigned c = i & 0xff;
            text[i >> 8] = (char)c;
            CU_ASSERT_EQUAL_FATAL(gw_is_field_value(gw_str(text, len)),
                                  (c >= 0x20 && c != 0x7f) || c == '\t');
        }
    }
}

static void prefixes_and_suffixes_are_found(void) {
    CU_ASSERT_TRUE(gw_str_starts(GW_STR("abc"), GW_STR("ab")));
    CU_ASSERT_TRUE(gw_str_starts(none, none));
    CU_ASSERT_FALSE(gw_str_starts(GW_STR("ab"), GW_STR("abc")));
    CU_ASSERT_TRUE(gw_str_starts_nocase(GW_STR("Bearer x"), GW_STR("bearer ")));
    CU_ASSERT_TRUE(gw_str_ends(GW_STR("a+json"), GW_STR("+json")));
    CU_ASSERT_FALSE(gw_str_ends(GW_STR("json"), GW_STR("+json")));
}

static void order_is_bytewise_and_shorter_first(void) {
    CU_ASSERT_TRUE(gw_str_cmp(GW_STR("a"), GW_STR("ab")) < 0);
    CU_ASSERT_TRUE(gw_str_cmp(GW_STR("\xff"), GW_STR("a")) > 0);
    CU_ASSERT_TRUE(gw_str_cmp(GW_STR("B"), GW_STR("a")) < 0);
    CU_ASSERT_EQUAL(gw_str_cmp(none, GW_STR("")), 0);
}

static void cuts_are_clipped(void) {
    ASSERT_STR(gw_str_cut(GW_STR("abc"), 1), "bc");
    CU_ASSERT_EQUAL(gw_str_cut(GW_STR("abc"), 9).len, 0);
    CU_ASSERT_EQUAL(gw_str_cut(none, 9).len, 0);
    ASSERT_STR(gw_str_sub(GW_STR("abcdef"), 2, 2), "cd");
    ASSERT_STR(gw_str_sub(GW_STR("abcdef"), 4, SIZE_MAX), "ef");
    CU_ASSERT_EQUAL(gw_str_find(GW_STR("a/b"), '/'), 1);
    CU_ASSERT_EQUAL(gw_str_find(GW_STR("ab"), '/'), 2);
    CU_ASSERT_EQUAL(gw_str_find(none, '/'), 0);
}

static void trim_takes_http_and_line_space_only(void) {
    ASSERT_STR(gw_str_trim(GW_STR(" \t\r\n a b\t ")), "a b");
    ASSERT_STR(gw_str_trim(GW_STR(" \v ")), "\v");
    CU_ASSERT_EQUAL(gw_str_trim(GW_STR("   ")).len, 0);
}

static void pieces_are_cut_off_to_the_last_empty_one(void) {
    struct eg_str rest = GW_STR("a,,b,");
    struct eg_str piece = {0};
    const char *const want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_TRUE_FATAL(gw_str_next(&rest, ',', &piece));
        ASSERT_STR(piece, want[i]);
    }
    CU_ASSERT_FALSE(gw_str_next(&rest, ',', &piece));
    rest = GW_STR("");
    CU_ASSERT_TRUE(gw_str_next(&rest, ',', &piece));
    CU_ASSERT_FALSE(gw_str_next(&rest, ',', &piece));
    rest = none;
    CU_ASSERT_FALSE(gw_str_next(&rest, ',', &piece));
}

static void secrets_are_equal_only_when_every_byte_is(void) {
    CU_ASSERT_TRUE(gw_str_eq_secret(GW_STR("token"), GW_STR("token")));
    CU_ASSERT_FALSE(gw_str_eq_secret(GW_STR("token"), GW_STR("tokeN")));
    CU_ASSERT_FALSE(gw_str_eq_secret(GW_STR("Token"), GW_STR("token")));
    CU_ASSERT_FALSE(gw_str_eq_secret(GW_STR("token"), GW_STR("token1")));
    CU_ASSERT_FALSE(gw_str_eq_secret(gw_str("token\0", 6), GW_STR("token")));
    CU_ASSERT_FALSE(gw_str_eq_secret(GW_STR(""), GW_STR("x")));
    CU_ASSERT_TRUE(gw_str_eq_secret(none, none));
}

static void numbers_are_whole_slices_within_range(void) {
    uint64_t u = 7;
    int64_t i = 7;
    CU_ASSERT_EQUAL(gw_str_u64(GW_STR("18446744073709551615"), &u), EG_OK);
    CU_ASSERT_EQUAL(u, UINT64_MAX);
    CU_ASSERT_EQUAL(gw_str_u64(GW_STR("18446744073709551616"), &u), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(gw_str_u64(GW_STR("99999999999999999999999999"), &u), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(u, UINT64_MAX);
    const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "99999999999999999999x"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        CU_ASSERT_EQUAL(gw_str_u64(gw_str_c(bad[k]), &u), EG_E_SYNTAX);
    }
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("-9223372036854775808"), &i), EG_OK);
    CU_ASSERT_EQUAL(i, INT64_MIN);
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("9223372036854775808"), &i), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("-9223372036854775809"), &i), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("-"), &i), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("--1"), &i), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(gw_str_i64(GW_STR("-0"), &i), EG_OK);
    CU_ASSERT_EQUAL(i, 0);
}

static void the_nearest_name_is_within_a_third_of_the_word(void) {
    const char *const names[] = {"listen", "loops", "log_level", "data_dir"};
    CU_ASSERT_STRING_EQUAL(gw_str_nearest(GW_STR("lisen"), names, 4), "listen");
    CU_ASSERT_STRING_EQUAL(gw_str_nearest(GW_STR("LogLevel"), names, 4), "log_level");
    CU_ASSERT_STRING_EQUAL(gw_str_nearest(GW_STR("loop"), names, 4), "loops");
    CU_ASSERT_PTR_NULL(gw_str_nearest(GW_STR("workers"), names, 4));
    CU_ASSERT_PTR_NULL(gw_str_nearest(GW_STR("x"), names, 4));
    CU_ASSERT_PTR_NULL(gw_str_nearest(none, names, 4));
    char huge[5000];
    memset(huge, 'l', sizeof huge);
    CU_ASSERT_PTR_NULL(gw_str_nearest(gw_str(huge, sizeof huge), names, 4));
}

static void tokens_and_field_values_keep_framing_bytes_out(void) {
    CU_ASSERT_TRUE(gw_is_token(GW_STR("X-Custom_1!#$%&'*+.^`|~")));
    const char *const bad[] = {"", "a b", "a:b", "a\r", "a\n", "(a)", "a/b", "\xc3\xa9", "a\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(gw_is_token(gw_str_c(bad[i])));
    }
    CU_ASSERT_FALSE(gw_is_token(gw_str("a\0b", 3)));
    CU_ASSERT_TRUE(gw_is_field_value(GW_STR("")));
    CU_ASSERT_TRUE(gw_is_field_value(GW_STR("a\tb \xff")));
    CU_ASSERT_FALSE(gw_is_field_value(GW_STR("a\r\nX: y")));
    CU_ASSERT_FALSE(gw_is_field_value(gw_str("a\0", 2)));
    CU_ASSERT_FALSE(gw_is_field_value(GW_STR("\x7f")));
}

static void header_names_are_spelled_as_go_spells_them(void) {
    static const char *const pairs[][2] = {
        {"content-type", "Content-Type"},
        {"X-REQUEST-ID", "X-Request-Id"},
        {"ce-eventType", "Ce-Eventtype"},
        {"a--b-", "A--B-"},
        {"_x-1a", "_x-1a"},
        {"has space", "has space"},
        {"caf\xc3\xa9-x", "caf\xc3\xa9-x"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char out[64];
        const struct eg_str name = gw_str_c(pairs[i][0]);
        gw_header_canonical(name, out);
        ASSERT_STR(gw_str(out, name.len), pairs[i][1]);
    }
}

UNIT_MAIN(UNIT(equality_takes_null_for_empty),
          UNIT(only_ascii_letters_are_the_same_in_both_cases_at_any_place),
          UNIT(a_short_name_differs_in_each_of_its_bytes),
          UNIT(a_control_byte_is_found_wherever_it_stands), UNIT(prefixes_and_suffixes_are_found),
          UNIT(order_is_bytewise_and_shorter_first), UNIT(cuts_are_clipped),
          UNIT(trim_takes_http_and_line_space_only), UNIT(pieces_are_cut_off_to_the_last_empty_one),
          UNIT(secrets_are_equal_only_when_every_byte_is),
          UNIT(numbers_are_whole_slices_within_range),
          UNIT(the_nearest_name_is_within_a_third_of_the_word),
          UNIT(tokens_and_field_values_keep_framing_bytes_out),
          UNIT(header_names_are_spelled_as_go_spells_them))
