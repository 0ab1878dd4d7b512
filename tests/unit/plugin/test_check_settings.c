/* Settings tables that would read into foreign memory, or could never be read. */
#include "plugin/check_settings.h"
#include "settings_fixture.h"

static struct eg_setting a;
static struct eg_setting b;
static struct eg_why why;
static size_t struct_bytes;
static bool is_target;

static int32_t check(void) {
    const struct eg_setting *const rows[] = {&a, &b};
    const struct gw_settings_table table = {rows, 2, struct_bytes};
    const struct gw_check_place place = {"x.so", "demo", &why};
    return gw_check_settings(&table, is_target, &place);
}

static void make_good(void) {
    a = egx_row_sample_count;
    b = egx_row_sample_url;
    struct_bytes = sizeof(struct sample);
    is_target = false;
    why = (struct eg_why){.struct_size = sizeof why};
}

#define ASSERT_REFUSED(break_it, sentence)                                                         \
    do {                                                                                           \
        make_good();                                                                               \
        break_it;                                                                                  \
        CU_ASSERT_EQUAL(check(), EG_E_INVAL);                                                      \
        ASSERT_STR(((struct eg_str){why.text, why.len}),                                           \
                   "plugin 'x.so', component 'demo': " sentence);                                  \
    } while (0)

static void a_good_table_passes_and_so_does_an_empty_one(void) {
    const struct gw_check_place place = {"x.so", "demo", &why};
    const struct gw_settings_table none = {0};
    make_good();
    CU_ASSERT_EQUAL(check(), EG_OK);
    CU_ASSERT_EQUAL(gw_check_settings(&sample_table, false, &place), EG_OK);
    CU_ASSERT_EQUAL(gw_check_settings(&none, false, &place), EG_OK);
}

static void a_row_outside_of_its_struct_is_refused(void) {
    ASSERT_REFUSED((a.offset = 128, struct_bytes = 128),
                   "setting 'count' at offset 128 lies outside of its struct of 128 bytes");
    ASSERT_REFUSED(a.offset = UINT32_MAX - 7,
                   "setting 'count' at offset 4294967288 lies outside of its struct of 112 bytes");
    ASSERT_REFUSED(struct_bytes = 4,
                   "setting 'count' at offset 48 lies outside of its struct of 4 bytes");
}

static void a_row_across_another_is_refused(void) {
    ASSERT_REFUSED(a.offset = b.offset + 8, "settings 'url' and 'count' share memory");
    ASSERT_REFUSED(a.offset = 51, "setting 'count' at offset 51 is not aligned");
}

static void types_names_and_ranges_have_to_be_known_and_sane(void) {
    ASSERT_REFUSED(a.type = 0, "setting 'count' has the unknown type 0");
    ASSERT_REFUSED(a.type = 9, "setting 'count' has the unknown type 9");
    ASSERT_REFUSED(a.name = "Count", "a setting's name has to match [a-z][a-z0-9_]*");
    ASSERT_REFUSED(a.name = NULL, "a setting's name has to match [a-z][a-z0-9_]*");
    ASSERT_REFUSED(a.name = "url", "setting 'url' is there twice");
    ASSERT_REFUSED((a.min = 2, a.max = 1), "setting 'count' has a range that holds nothing");
    ASSERT_REFUSED(a.struct_size = 8, "a row of the settings is NULL or its struct_size too small");
}

static void a_default_has_to_be_a_value_that_could_be_set(void) {
    ASSERT_REFUSED(a.fallback = "many", "the default 'many' of 'count' is not a whole number");
    ASSERT_REFUSED(a.fallback = "11", "the default '11' of 'count' has to be between 1 and 10");
    ASSERT_REFUSED((b.choices = "x|y", b.fallback = "z"),
                   "the default 'z' of 'url' has to be one of x|y");
}

static void target_settings_have_json_names_that_differ_in_more_than_case(void) {
    make_good();
    is_target = true;
    a.name = "awsAccessKeyId";
    CU_ASSERT_EQUAL(check(), EG_OK);
    a.name = "URL";
    CU_ASSERT_EQUAL(check(), EG_E_INVAL);
}

static void absurd_sizes_and_a_missing_table_are_refused(void) {
    const struct gw_check_place place = {"x.so", "demo", &why};
    const struct gw_settings_table many = {sample_rows, 100000, 128};
    const struct gw_settings_table big = {sample_rows, 1, SIZE_MAX};
    const struct gw_settings_table missing = {NULL, 1, 128};
    CU_ASSERT_EQUAL(gw_check_settings(&many, false, &place), EG_E_INVAL);
    CU_ASSERT_EQUAL(gw_check_settings(&big, false, &place), EG_E_INVAL);
    CU_ASSERT_EQUAL(gw_check_settings(&missing, false, &place), EG_E_INVAL);
}

UNIT_MAIN(UNIT(a_good_table_passes_and_so_does_an_empty_one),
          UNIT(a_row_outside_of_its_struct_is_refused), UNIT(a_row_across_another_is_refused),
          UNIT(types_names_and_ranges_have_to_be_known_and_sane),
          UNIT(a_default_has_to_be_a_value_that_could_be_set),
          UNIT(target_settings_have_json_names_that_differ_in_more_than_case),
          UNIT(absurd_sizes_and_a_missing_table_are_refused))
