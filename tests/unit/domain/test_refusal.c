/* Unit tests of domain/refusal.c. */
#include "unit.h"

#include "base/codec.h"
#include "base/slice.h"
#include "domain/refusal.h"

static void a_refusal_carries_status_and_sentence(void) {
    struct gw_refusal refusal = {0};
    CU_ASSERT_EQUAL(gw_refuse(&refusal, 404, "no %s here", "cat"), EG_E_INVAL);
    CU_ASSERT_EQUAL(refusal.status, 404);
    ASSERT_STR(gw_why_str(&refusal.why), "no cat here");
}

static void a_long_sentence_is_cut_between_characters(void) {
    static const char *const letters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < 4; i++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[2048] = "xxxx";
            size_t len = shift;
            while (len + 8 < sizeof text) {
                memcpy(text + len, letters[i], strlen(letters[i]));
                len += strlen(letters[i]);
            }
            text[len] = '\0';
            struct gw_refusal refusal = {0};
            (void)gw_refuse(&refusal, 400, "%s", text);
            CU_ASSERT_TRUE(refusal.why.len > 1010 && refusal.why.len <= 1016);
            CU_ASSERT_TRUE(gw_utf8_valid(gw_why_str(&refusal.why)));
        }
    }
}

UNIT_MAIN(UNIT(a_refusal_carries_status_and_sentence),
          UNIT(a_long_sentence_is_cut_between_characters))
