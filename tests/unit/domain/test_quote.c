/* domain/quote.c: texts in double quotes. */
#include "base/slice.h"
#include "domain/quote.h"
#include "unit.h"

static void check(struct eg_str text, const char *expected) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_quote(&out, text);
    ASSERT_STR(gw_bytes_str(&out), expected);
    gw_bytes_free(&out);
}

static void plain_texts_stay_as_they_are(void) {
    check((struct eg_str){0}, "\"\"");
    check(GW_STR("HTTP status code: 500"), "\"HTTP status code: 500\"");
    check(GW_STR("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
          "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void what_would_end_the_text_or_the_line_is_escaped(void) {
    check(GW_STR("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
    check(GW_STR("\a\b\f\r\t\v"), "\"\\a\\b\\f\\r\\t\\v\"");
    check(gw_str("\0\x1f\x7f", 3), "\"\\x00\\x1f\\x7f\"");
    check(GW_STR("\xc2\x85\xc2\xa0"), "\"\\u0085\xc2\xa0\"");
}

static void bytes_that_are_no_text_are_told_one_by_one(void) {
    check(GW_STR("a\xff\xc3"), "\"a\\xff\\xc3\"");
    check(GW_STR("\xe2\x82"), "\"\\xe2\\x82\"");
    check(GW_STR("\xc0\x80"), "\"\\xc0\\x80\"");
}

UNIT_MAIN(UNIT(plain_texts_stay_as_they_are), UNIT(what_would_end_the_text_or_the_line_is_escaped),
          UNIT(bytes_that_are_no_text_are_told_one_by_one))
