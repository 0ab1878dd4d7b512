/* The inline helpers of the SDK. */
#include <eventgw-sdk/egx.h>

#include "unit.h"

static void slices_compare_with_and_without_case(void) {
    CU_ASSERT_TRUE(egx_str_eq(EGX_STR("a"), EGX_STR("a")));
    CU_ASSERT_FALSE(egx_str_eq(EGX_STR("a"), EGX_STR("A")));
    CU_ASSERT_TRUE(egx_str_eq_nocase(EGX_STR("X-Key"), EGX_STR("x-kEY")));
    CU_ASSERT_FALSE(egx_str_eq_nocase(EGX_STR("x"), EGX_STR("xy")));
    CU_ASSERT_TRUE(egx_str_eq(egx_str_c(NULL), EGX_STR("")));
    CU_ASSERT_TRUE(egx_str_starts(EGX_STR("abc"), EGX_STR("ab")));
    CU_ASSERT_FALSE(egx_str_starts(EGX_STR("a"), EGX_STR("ab")));
    ASSERT_STR(egx_str_cut(EGX_STR("abc"), 1), "bc");
    ASSERT_STR(egx_str_cut(EGX_STR("abc"), 9), "");
}

static void secrets_are_equal_only_when_they_are(void) {
    CU_ASSERT_TRUE(egx_ct_eq(EGX_STR("secret"), EGX_STR("secret")));
    CU_ASSERT_FALSE(egx_ct_eq(EGX_STR("secret"), EGX_STR("secreT")));
    CU_ASSERT_FALSE(egx_ct_eq(EGX_STR("ab"), EGX_STR("abab"))); /* a repeated secret is none */
    CU_ASSERT_FALSE(egx_ct_eq(EGX_STR("abab"), EGX_STR("ab")));
    CU_ASSERT_FALSE(egx_ct_eq(EGX_STR(""), EGX_STR("a")));
    CU_ASSERT_FALSE(egx_ct_eq(EGX_STR("a"), EGX_STR("")));
}

static void a_reason_is_cut_at_its_room_and_returns_its_code(void) {
    static char big[5000];
    struct eg_why why = {.struct_size = sizeof why};
    memset(big, 'x', sizeof big - 1);
    CU_ASSERT_EQUAL(egx_why(&why, EG_E_INVAL, "no %s", "way"), EG_E_INVAL);
    ASSERT_STR(egx_str_n(why.text, why.len), "no way");
    CU_ASSERT_EQUAL(egx_why(&why, EG_E_IO, "%s", big), EG_E_IO);
    CU_ASSERT_TRUE(why.len > 900 && why.len <= sizeof why.text);
    CU_ASSERT_EQUAL(egx_why(NULL, EG_E_IO, "%s", "x"), EG_E_IO);
}

static void commas_come_by_themselves(void) {
    struct egx_json json = egx_json_begin();
    egx_json_open(&json, '{');
    egx_json_key(&json, EGX_STR("a"));
    egx_json_int(&json, INT64_MIN);
    egx_json_key(&json, EGX_STR("b"));
    egx_json_open(&json, '[');
    egx_json_string(&json, EGX_STR("x,"));
    egx_json_bool(&json, 1);
    egx_json_null(&json);
    egx_json_value(&json, EGX_STR("{}"));
    egx_json_close(&json, ']');
    egx_json_key(&json, EGX_STR("c"));
    egx_json_open(&json, '{');
    egx_json_close(&json, '}');
    egx_json_close(&json, '}');
    ASSERT_STR(egx_json_text(&json),
               "{\"a\":-9223372036854775808,\"b\":[\"x,\",true,null,{}],\"c\":{}}");
    struct eg_buf buf = egx_json_take(&json);
    CU_ASSERT_EQUAL(json.len, 0);
    egx_buf_release(&buf);
    egx_buf_release(&buf);
}

static void strings_are_escaped_and_bad_utf8_is_replaced(void) {
    static const struct {
        struct eg_str text;
        const char *json;
    } rows[] = {
        {EGX_STR_INIT("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\""},
        {EGX_STR_INIT("\0"), "\"\\u0000\""},
        {EGX_STR_INIT("caf\xc3\xa9 \xf0\x9f\x98\x80"), "\"caf\xc3\xa9 \xf0\x9f\x98\x80\""},
        {EGX_STR_INIT("\xff"), "\"\xef\xbf\xbd\""},
        {EGX_STR_INIT("\xc3"), "\"\xef\xbf\xbd\""},                                 /* cut off */
        {EGX_STR_INIT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {EGX_STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct egx_json json = egx_json_begin();
        egx_json_string(&json, rows[i].text);
        ASSERT_STR(egx_json_text(&json), rows[i].json);
        egx_json_free(&json);
    }
}

static void a_long_text_grows_the_buffer(void) {
    struct egx_json json = egx_json_begin();
    for (int i = 0; i < 10000; i++) {
        egx_json_raw(&json, EGX_STR("0123456789"));
    }
    CU_ASSERT_EQUAL(egx_json_text(&json).len, 100000);
    CU_ASSERT_EQUAL(json.is_failed, 0);
    egx_json_free(&json);
}

static void json_on_one_line_has_no_line_ends_but_its_last(void) {
    struct egx_json json = egx_json_begin();
    egx_json_raw(&json, EGX_STR("before\n"));
    egx_json_line(&json, EGX_STR("{\r\n  \"a\": \"x\\ny\"\n}"));
    ASSERT_STR(egx_json_text(&json), "before\n{    \"a\": \"x\\ny\" }\n");
    egx_json_free(&json);
}

UNIT_MAIN(UNIT(json_on_one_line_has_no_line_ends_but_its_last),
          UNIT(slices_compare_with_and_without_case), UNIT(secrets_are_equal_only_when_they_are),
          UNIT(a_reason_is_cut_at_its_room_and_returns_its_code), UNIT(commas_come_by_themselves),
          UNIT(strings_are_escaped_and_bad_utf8_is_replaced), UNIT(a_long_text_grows_the_buffer))
