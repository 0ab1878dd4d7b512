/* Durations and sizes as people write them. */
#include "base/slice.h"
#include "plugin/settings_value.h"
#include "unit.h"

static uint64_t duration(const char *text) {
    uint64_t ns = 77;
    return gw_duration_parse(gw_str_c(text), &ns) < 0 ? 0 : ns;
}

static void durations_have_units_and_bare_numbers_are_seconds(void) {
    CU_ASSERT_EQUAL(duration("250ms"), 250000000u);
    CU_ASSERT_EQUAL(duration("30s"), 30000000000u);
    CU_ASSERT_EQUAL(duration("30"), 30000000000u);
    CU_ASSERT_EQUAL(duration("5m"), 300000000000u);
    CU_ASSERT_EQUAL(duration("1h"), 3600000000000u);
}

static void a_duration_that_is_none_is_refused_and_nothing_is_written(void) {
    static const char *const bad[] = {"",   "s",  "-1s", "1.5s", "1 s",
                                      "1d", "1S", "0x1", "1ss",  " 1s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ns = 77;
        CU_ASSERT_EQUAL(gw_duration_parse(gw_str_c(bad[i]), &ns), EG_E_SYNTAX);
        CU_ASSERT_EQUAL(ns, 77);
    }
}

static void a_number_beyond_64_bits_is_too_big_and_does_not_wrap(void) {
    uint64_t value = 77;
    CU_ASSERT_EQUAL(gw_duration_parse(GW_STR("18446744073709551615h"), &value), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(gw_duration_parse(GW_STR("99999999999999999999999s"), &value), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(gw_size_parse(GW_STR("18446744073709551615KiB"), &value), EG_E_TOOBIG);
    CU_ASSERT_EQUAL(value, 77);
}

static void sizes_have_binary_units_only(void) {
    uint64_t bytes = 0;
    CU_ASSERT_EQUAL(gw_size_parse(GW_STR("64KiB"), &bytes), EG_OK);
    CU_ASSERT_EQUAL(bytes, 65536);
    CU_ASSERT_EQUAL(gw_size_parse(GW_STR("1MiB"), &bytes), EG_OK);
    CU_ASSERT_EQUAL(bytes, 1048576);
    CU_ASSERT_EQUAL(gw_size_parse(GW_STR("17"), &bytes), EG_OK);
    CU_ASSERT_EQUAL(bytes, 17);
    CU_ASSERT_EQUAL(gw_size_parse(GW_STR("1KB"), &bytes), EG_E_SYNTAX);
}

static void printing_takes_the_biggest_unit_that_divides(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_duration_print(&out, 90000000000u);
    gw_bytes_add_char(&out, ' ');
    gw_duration_print(&out, 3600000000000u);
    gw_bytes_add_char(&out, ' ');
    gw_duration_print(&out, 0);
    gw_bytes_add_char(&out, ' ');
    gw_size_print(&out, 1536);
    gw_bytes_add_char(&out, ' ');
    gw_size_print(&out, 1ull << 30);
    ASSERT_STR(gw_bytes_str(&out), "90s 1h 0 1536B 1GiB");
    gw_bytes_free(&out);
}

UNIT_MAIN(UNIT(durations_have_units_and_bare_numbers_are_seconds),
          UNIT(a_duration_that_is_none_is_refused_and_nothing_is_written),
          UNIT(a_number_beyond_64_bits_is_too_big_and_does_not_wrap),
          UNIT(sizes_have_binary_units_only), UNIT(printing_takes_the_biggest_unit_that_divides))
