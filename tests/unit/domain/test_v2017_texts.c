/* Errors in the words of 2017: compatibility chapter 15.1. */
#include "base/slice.h"
#include "domain/v2017_objects.h"
#include "unit.h"

static void assert_quoted(struct eg_str detail, const char *quoted) {
    char text[256];
    struct gw_refusal refusal = {0};
    (void)snprintf(text, sizeof text, "Function doesn't validate. Validation error: %s", quoted);
    CU_ASSERT_EQUAL(gw_v2017_refuse_invalid(&refusal, GW_FUNCTION, detail), EG_E_INVAL);
    CU_ASSERT_EQUAL(refusal.status, 400);
    ASSERT_STR(gw_why_str(&refusal.why), text);
}

static void details_are_quoted_as_go_does(void) {
    assert_quoted(GW_STR(""), "\"\"");
    assert_quoted(GW_STR("plain 'text'."), "\"plain 'text'.\"");
    assert_quoted(GW_STR("a \"b\" \\ c"), "\"a \\\"b\\\" \\\\ c\"");
    assert_quoted(GW_STR("\a\b\f\n\r\t\v"), "\"\\a\\b\\f\\n\\r\\t\\v\"");
    assert_quoted(GW_STR("\x01\x1f\x7f"), "\"\\x01\\x1f\\x7f\"");
    assert_quoted(gw_str("a\0b", 3), "\"a\\x00b\"");
    assert_quoted(GW_STR("\xc3\xa9 \xf0\x9f\x98\x80"), "\"\xc3\xa9 \xf0\x9f\x98\x80\"");
    assert_quoted(GW_STR("\xff\xc3"), "\"\\xff\\xc3\"");
}

static void an_error_is_one_field(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_v2017_error_write(&out, GW_STR("Function \"f\" not found."));
    ASSERT_STR(gw_bytes_str(&out), "{\"error\":\"Function \\\"f\\\" not found.\"}\n");
    gw_bytes_free(&out);
}

static void refusals_of_the_newer_api_are_quoted_once_they_are_about_validation(void) {
    struct gw_refusal refusal = {0};
    (void)gw_refuse(&refusal, 400, "%sprovider \"x\" not supported",
                    gw_kind_words[GW_FUNCTION].prefix);
    gw_v2017_refusal_convert(&refusal, GW_FUNCTION);
    ASSERT_STR(gw_why_str(&refusal.why), "Function doesn't validate. Validation error: \"provider "
                                         "\\\"x\\\" not supported\"");
    (void)gw_refuse_missing(GW_FUNCTION, GW_STR("f"), &refusal);
    gw_v2017_refusal_convert(&refusal, GW_FUNCTION);
    CU_ASSERT_EQUAL(refusal.status, 404);
    ASSERT_STR(gw_why_str(&refusal.why), "Function \"f\" not found.");
}

static void a_huge_detail_is_cut_and_stays_text(void) {
    char detail[4096];
    struct gw_refusal refusal = {0};
    memset(detail, '"', sizeof detail);
    (void)gw_v2017_refuse_invalid(&refusal, GW_FUNCTION, gw_str(detail, sizeof detail));
    CU_ASSERT_TRUE(refusal.why.len <= sizeof refusal.why.text);
    CU_ASSERT_EQUAL(refusal.status, 400);
}

UNIT_MAIN(UNIT(details_are_quoted_as_go_does), UNIT(an_error_is_one_field),
          UNIT(refusals_of_the_newer_api_are_quoted_once_they_are_about_validation),
          UNIT(a_huge_detail_is_cut_and_stays_text))
