/* Refusal sentences: written, cut at their size, and optional. */
#include "base/codec.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static void a_refusal_writes_its_sentence_and_returns_its_code(void) {
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(gw_why(&why, EG_E_INVAL, "bad %s: %d", "thing", 7), EG_E_INVAL);
    ASSERT_STR(gw_why_str(&why), "bad thing: 7");
    CU_ASSERT_EQUAL(gw_why(NULL, EG_E_SYNTAX, "nobody asked"), EG_E_SYNTAX);
}

static void a_long_sentence_is_cut_at_the_size(void) {
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(gw_why(&why, EG_E_TOOBIG, "%*d", 5000, 1), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(why.len, sizeof why.text);
    CU_ASSERT_EQUAL(why.text[sizeof why.text - 1], ' ');
}

static void a_cut_never_goes_through_a_character(void) {
    for (int before = 1000; before < 1020; before++) {
        struct eg_why why = {.struct_size = sizeof why};
        (void)gw_why(&why, EG_E_INVAL, "%*d%s", before, 1,
                     "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
        CU_ASSERT_TRUE(gw_utf8_valid(gw_why_str(&why)));
        CU_ASSERT_TRUE(why.len > sizeof why.text - 4);
    }
}

static void every_error_has_a_text(void) {
    CU_ASSERT_STRING_EQUAL(gw_error_text(EG_OK), "ok");
    CU_ASSERT_STRING_EQUAL(gw_error_text(EG_E_NOTFOUND), "not found");
    CU_ASSERT_STRING_EQUAL(gw_error_text(-999), "unknown error");
}

UNIT_MAIN(UNIT(a_refusal_writes_its_sentence_and_returns_its_code),
          UNIT(a_long_sentence_is_cut_at_the_size), UNIT(a_cut_never_goes_through_a_character),
          UNIT(every_error_has_a_text))
