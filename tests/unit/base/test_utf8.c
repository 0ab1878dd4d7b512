/* UTF-8: every code point, and each way to be wrong. */
#include "base/codec.h"
#include "base/slice.h"
#include "unit.h"

static void every_code_point_is_valid_and_no_surrogate_is(void) {
    char text[4];
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        const size_t len = gw_utf8_encode(c, text);
        wrong += !gw_utf8_valid(gw_str(text, len)) || gw_utf8_step(text, len) != len;
        if (c >= 0xd800 && c <= 0xdfff) {
            wrong += memcmp(text, "\xef\xbf\xbd", 3) != 0;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(gw_utf8_encode(0x110000, text), 3);
}

static const char *const invalid[] = {
    "\x80",
    "\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xc3",
    "\xe0\x80\x80",
    "\xe0\x9f\xbf",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xe2\x82",
    "\xe2(\xa1",
    "\xf0\x80\x80\x80",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xff",
    "\xfe",
    "\xf0\x9f\x98",
    "\xc3\xc3",
    "\xf0\x9f\x98\xc0",
};

static void invalid_sequences_are_refused_wherever_they_stand(void) {
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        for (size_t before = 0; before < 20; before++) {
            char text[40];
            const size_t len = strlen(invalid[i]);
            memset(text, 'a', sizeof text);
            memcpy(text + before, invalid[i], len);
            CU_ASSERT_FALSE(gw_utf8_valid(gw_str(text, before + len)));
            CU_ASSERT_FALSE(gw_utf8_valid(gw_str(text, before + len + 9)));
        }
    }
    CU_ASSERT_TRUE(gw_utf8_valid(gw_str(NULL, 0)));
    CU_ASSERT_TRUE(gw_utf8_valid(gw_str("a\0b", 3)));
}

static void repair_puts_one_mark_for_each_invalid_run(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_utf8_repair(&out, GW_STR("ok \xff\xfe\x80 h\xc3\xa9 \xc3"));
    ASSERT_STR(gw_bytes_str(&out), "ok \xef\xbf\xbd h\xc3\xa9 \xef\xbf\xbd");
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        gw_bytes_clear(&out);
        gw_utf8_repair(&out, gw_str_c(invalid[i]));
        CU_ASSERT_TRUE(gw_utf8_valid(gw_bytes_str(&out)));
        CU_ASSERT_TRUE(out.len >= 3);
    }
    gw_bytes_clear(&out);
    gw_utf8_repair(&out, gw_str(NULL, 0));
    CU_ASSERT_EQUAL(out.len, 0);
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(every_code_point_is_valid_and_no_surrogate_is),
          UNIT(invalid_sequences_are_refused_wherever_they_stand),
          UNIT(repair_puts_one_mark_for_each_invalid_run))
