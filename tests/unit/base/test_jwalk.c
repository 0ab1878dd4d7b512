/* Walking checked JSON: members, items, decoded strings, names and whole numbers. */
#include "base/jscan.h"
#include "base/slice.h"
#include "unit.h"

static struct gw_jval checked(struct eg_str text) {
    struct gw_jval value = {0};
    CU_ASSERT_EQUAL_FATAL(gw_json_check(text, 0, &value, NULL), EG_OK);
    return value;
}

static void members_come_in_order_with_raw_names_and_values(void) {
    static const char *const want[][2] = {
        {"a", "1"},
        {"b\\\"}", "\"x,]}\\\\\""},
        {"", "{\"in\":[\"}\",{}]}"},
        {"a", "[ 1 , [2] ]"},
        {"n", "null"},
    };
    const struct gw_jval object =
        checked(GW_STR("{ \"a\" : 1 ,\"b\\\"}\":\"x,]}\\\\\",\n\"\":{\"in\":[\"}\",{}]}, \"a\":"
                       "[ 1 , [2] ] ,\"n\":null }"));
    struct eg_str name;
    struct gw_jval value;
    size_t cursor = 0;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        CU_ASSERT_TRUE_FATAL(gw_jobj_next(object, &cursor, &name, &value));
        ASSERT_STR(name, want[i][0]);
        ASSERT_STR(value.raw, want[i][1]);
    }
    CU_ASSERT_EQUAL(value.type, GW_J_NULL);
    CU_ASSERT_FALSE(gw_jobj_next(object, &cursor, &name, &value));
    CU_ASSERT_FALSE(gw_jobj_next(object, &cursor, &name, &value));
}

static void items_come_in_order(void) {
    static const char *const want[] = {"1", "\"]\"", "[[],{}]", "{\"a\":1}", "true", "-2.5E+3"};
    const struct gw_jval array = checked(GW_STR("[1,\"]\" , [[],{}],{\"a\":1},true,-2.5E+3]"));
    struct gw_jval item;
    size_t cursor = 0;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        CU_ASSERT_TRUE_FATAL(gw_jarr_next(array, &cursor, &item));
        ASSERT_STR(item.raw, want[i]);
    }
    CU_ASSERT_FALSE(gw_jarr_next(array, &cursor, &item));
}

static void empty_containers_and_other_types_have_nothing_to_walk(void) {
    const char *const texts[] = {"{}", "{ }", "[]", "[ \n]", "\"[1]\"", "12", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct gw_jval value = checked(gw_str_c(texts[i]));
        struct eg_str name;
        struct gw_jval item;
        size_t cursor = 0;
        CU_ASSERT_FALSE(gw_jobj_next(value, &cursor, &name, &item));
        cursor = 0;
        CU_ASSERT_FALSE(gw_jarr_next(value, &cursor, &item));
    }
}

static void strings_are_decoded_with_and_without_quotes(void) {
    static const char *const pairs[][2] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"plain", "plain"},
        {"\"a\\n\\t\\b\\f\\r\\/\\\\\\\"z\"", "a\n\t\b\f\r/\\\"z"},
        {"\\\"x\\\"", "\"x\""},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud800\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud800\\n\"", "\xef\xbf\xbd\n"},
        {"\"end\\\\\"", "end\\"},
    };
    struct gw_arena arena = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        ASSERT_STR(gw_jstr_decode(&arena, gw_str_c(pairs[i][0])), pairs[i][1]);
    }
    const struct eg_str nul = gw_jstr_decode(&arena, GW_STR("\"a\\u0000b\""));
    CU_ASSERT_TRUE(gw_str_eq(nul, gw_str("a\0b", 3)));
    gw_arena_free(&arena);
}

static void a_string_without_escapes_is_borrowed(void) {
    struct gw_arena arena = {0};
    const char *raw = "\"borrowed\"";
    CU_ASSERT_PTR_EQUAL(gw_jstr_decode(&arena, gw_str_c(raw)).ptr, raw + 1);
    CU_ASSERT_PTR_NULL(arena.first);
}

static void names_are_compared_decoded(void) {
    CU_ASSERT_TRUE(gw_jname_eq(GW_STR("data"), GW_STR("data")));
    CU_ASSERT_TRUE(gw_jname_eq(GW_STR("d\\u0061ta"), GW_STR("data")));
    CU_ASSERT_TRUE(gw_jname_eq(GW_STR("a\\/b"), GW_STR("a/b")));
    CU_ASSERT_FALSE(gw_jname_eq(GW_STR("Data"), GW_STR("data")));
    CU_ASSERT_FALSE(gw_jname_eq(GW_STR("dat"), GW_STR("data")));
    CU_ASSERT_FALSE(gw_jname_eq(GW_STR("dataa"), GW_STR("data")));
    CU_ASSERT_FALSE(gw_jname_eq(GW_STR("\\u0164ata"), GW_STR("data"))); /* 0x164 & 0xff is d */
    CU_ASSERT_TRUE(gw_jname_eq_nocase(GW_STR("function\\u0049d"), GW_STR("functionID")));
    CU_ASSERT_TRUE(gw_jname_eq_nocase(GW_STR("FUNCTIONID"), GW_STR("functionId")));
    CU_ASSERT_FALSE(gw_jname_eq_nocase(GW_STR("functionI"), GW_STR("functionId")));
    CU_ASSERT_TRUE(gw_jname_eq(GW_STR(""), GW_STR("")));
}

static void whole_numbers_are_read_exactly_and_nothing_else(void) {
    static const struct {
        const char *text;
        int32_t rc;
        int64_t value;
    } rows[] = {
        {"0", EG_OK, 0},
        {"-0", EG_OK, 0},
        {"9007199254740993", EG_OK, 9007199254740993},
        {"9223372036854775807", EG_OK, INT64_MAX},
        {"-9223372036854775808", EG_OK, INT64_MIN},
        {"9223372036854775808", EG_E_TOOBIG, 7},
        {"1.0", EG_E_INVAL, 7},
        {"1e3", EG_E_INVAL, 7},
        {"\"1\"", EG_E_INVAL, 7},
        {"true", EG_E_INVAL, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 7;
        CU_ASSERT_EQUAL(gw_jnum_i64(checked(gw_str_c(rows[i].text)), &value), rows[i].rc);
        CU_ASSERT_EQUAL(value, rows[i].value);
    }
}

/* The walkers are for checked text; an unchecked one must still not lead them outside it. */
static void unchecked_text_does_not_lead_outside(void) {
    const char *const texts[] = {"{\"",    "{\"a", "{\"a\"", "{\"a\":", "{\"a\\",
                                 "{1",     "[",    "[\"",    "[1",      "[[",
                                 "[{\"\\", "{}",   "{:,}",   "[,,]",    "{\"a\":}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char copy[16];
        const size_t len = strlen(texts[i]);
        memcpy(copy + sizeof copy - len, texts[i], len);
        const struct eg_str raw = gw_str(copy + sizeof copy - len, len);
        const struct gw_jval value = {.type = raw.ptr[0] == '{' ? GW_J_OBJECT : GW_J_ARRAY,
                                      .raw = raw};
        struct eg_str name;
        struct gw_jval item;
        size_t steps = 0;
        for (size_t cursor = 0; steps < 20 && gw_jobj_next(value, &cursor, &name, &item);) {
            steps++;
        }
        for (size_t cursor = 0; steps < 20 && gw_jarr_next(value, &cursor, &item);) {
            steps++;
        }
        CU_ASSERT_TRUE(steps < 20);
    }
    struct gw_arena arena = {0};
    const char *const cut[] = {"\\", "\\u", "\\u12", "\\ud83d\\", "\\ud83d\\u", "\"\\\""};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        CU_ASSERT_TRUE(gw_jstr_decode(&arena, gw_str_c(cut[i])).len <= 8);
        CU_ASSERT_FALSE(gw_jname_eq(gw_str_c(cut[i]), GW_STR("name")));
    }
    gw_arena_free(&arena);
}

UNIT_MAIN(UNIT(members_come_in_order_with_raw_names_and_values), UNIT(items_come_in_order),
          UNIT(empty_containers_and_other_types_have_nothing_to_walk),
          UNIT(strings_are_decoded_with_and_without_quotes),
          UNIT(a_string_without_escapes_is_borrowed), UNIT(names_are_compared_decoded),
          UNIT(whole_numbers_are_read_exactly_and_nothing_else),
          UNIT(unchecked_text_does_not_lead_outside))
