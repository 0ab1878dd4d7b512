/* The `provider` object of a function: read, normalised, masked, unmasked. */
#include "settings_fixture.h"

static struct gw_arena arena;
static struct sample sample;
static struct eg_str normal;
static struct eg_why why;

static int32_t read_text(const char *json) {
    gw_arena_free(&arena);
    gw_arena_init(&arena, 256);
    normal = GW_STR("untouched");
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_target_settings_read(&sample_table, gw_str_c(json), &arena, &sample, &normal, &why);
}

static void names_match_in_any_case_and_unknown_keys_are_dropped(void) {
    CU_ASSERT_EQUAL_FATAL(read_text("{\"nope\":1,\"PassWord\":\"s\",\"URL\":\"http://a\"}"), EG_OK);
    ASSERT_STR(sample.url, "http://a");
    ASSERT_STR(normal, "{\"url\":\"http://a\",\"password\":\"s\"}");
}

static void the_last_of_repeated_names_wins_and_null_leaves_it_unset(void) {
    CU_ASSERT_EQUAL_FATAL(read_text("{\"url\":\"a\",\"URL\":\"b\",\"Url\":null}"), EG_OK);
    ASSERT_STR(sample.url, "b");
    ASSERT_STR(normal, "{\"url\":\"b\"}");
}

static void empty_texts_are_left_out_and_given_numbers_stay(void) {
    CU_ASSERT_EQUAL_FATAL(
        read_text("{\"url\":\"\",\"tags\":[],\"is_fast\":false,\"count\":3,\"timeout\":\"1s\"}"),
        EG_OK);
    ASSERT_STR(normal, "{\"count\":3,\"is_fast\":false,\"timeout\":\"1s\"}");
}

static void nothing_at_all_reads_as_defaults(void) {
    static const char *const nothing[] = {"", " ", "null", "{}"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        CU_ASSERT_EQUAL(read_text(nothing[i]), EG_OK);
        ASSERT_STR(sample.url, "");
        CU_ASSERT_EQUAL(sample.count, 3);
        ASSERT_STR(normal, "{}");
    }
}

static void wrong_types_are_refused_with_the_prefix(void) {
    CU_ASSERT_EQUAL(read_text("{\"url\":1}"), EG_E_SYNTAX);
    ASSERT_STR(((struct eg_str){why.text, why.len}),
               "unable to load function provider config: 'url' has to be a text");
    ASSERT_STR(normal, "untouched");
    static const char *const bad[] = {"[]", "1", "\"x\"", "true"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(read_text(bad[i]), EG_E_SYNTAX);
        CU_ASSERT_TRUE(gw_str_starts((struct eg_str){why.text, why.len},
                                     GW_STR("unable to load function provider config: it has to "
                                            "be an object, not ")));
    }
    CU_ASSERT_EQUAL(read_text("{\"url\":"), EG_E_SYNTAX);
    CU_ASSERT_EQUAL(read_text("{\"url\":\"\xff\"}"), EG_E_SYNTAX);
}

static void masking_hides_secrets_and_what_the_table_does_not_know(void) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_target_settings_mask(
        &sample_table, GW_STR("{\"url\":\"u\",\"password\":\"s\",\"x\":\"y\",\"count\":1}"), &out);
    ASSERT_STR(gw_bytes_str(&out),
               "{\"url\":\"u\",\"password\":\"*****\",\"x\":\"*****\",\"count\":1}");
    gw_bytes_free(&out);
    gw_bytes_init(&out, 0);
    gw_target_settings_mask(&sample_table, GW_STR("{\"password\":\"\"}"), &out);
    gw_target_settings_mask(&sample_table, GW_STR("broken"), &out);
    ASSERT_STR(gw_bytes_str(&out), "{\"password\":\"\"}{}");
    gw_bytes_free(&out);
}

static struct eg_str unmask(const char *sent, const char *stored) {
    return gw_target_settings_unmask(&sample_table, gw_str_c(sent), gw_str_c(stored), &arena);
}

static void a_masked_secret_sent_back_keeps_the_stored_one(void) {
    ASSERT_STR(
        unmask("{\"url\":\"b\",\"Password\":\"*****\"}", "{\"url\":\"a\",\"password\":\"s\\\"1\"}"),
        "{\"url\":\"b\",\"Password\":\"s\\\"1\"}");
    ASSERT_STR(unmask("{\"password\":\"new\"}", "{\"password\":\"s\"}"), "{\"password\":\"new\"}");
    ASSERT_STR(unmask("{\"url\":\"*****\"}", "{\"url\":\"a\"}"), "{\"url\":\"*****\"}");
}

static void a_masked_secret_that_nobody_stored_is_none(void) {
    ASSERT_STR(unmask("{\"password\":\"*****\",\"url\":\"a\"}", "{}"), "{\"url\":\"a\"}");
    ASSERT_STR(unmask("{\"password\":\"*****\"}", ""), "{}");
    ASSERT_STR(unmask("{\"password\":\"*****\"}", "[1]"), "{}");
}

static void what_is_no_object_is_left_to_whoever_reads_it(void) {
    ASSERT_STR(unmask("[1]", "{}"), "[1]");
    ASSERT_STR(unmask("", "{}"), "");
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(names_match_in_any_case_and_unknown_keys_are_dropped),
          UNIT(the_last_of_repeated_names_wins_and_null_leaves_it_unset),
          UNIT(empty_texts_are_left_out_and_given_numbers_stay),
          UNIT(nothing_at_all_reads_as_defaults), UNIT(wrong_types_are_refused_with_the_prefix),
          UNIT(masking_hides_secrets_and_what_the_table_does_not_know),
          UNIT(a_masked_secret_sent_back_keeps_the_stored_one),
          UNIT(a_masked_secret_that_nobody_stored_is_none),
          UNIT(what_is_no_object_is_left_to_whoever_reads_it))
