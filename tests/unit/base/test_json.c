/* JSON trees: what is refused with which sentence, and what survives parsing and writing. */
#include <eventgw/host.h>

#include "base/json.h"
#include "base/slice.h"
#include "unit.h"

static struct eg_json *parsed(struct eg_str text) {
    struct eg_json *root = NULL;
    CU_ASSERT_EQUAL_FATAL(gw_json_parse(text, false, &root, NULL), EG_OK);
    return root;
}

static void refusals_are_sentences(void) {
    static const char *const pairs[][2] = {
        {"", "EOF"},
        {" \n", "EOF"},
        {"{", "unexpected EOF"},
        {"{\"name\":\"te", "unexpected EOF"},
        {"[1,", "unexpected EOF"},
        {"garbage", "invalid character 'g' looking for beginning of value"},
        {"{\"a\":1} x", "invalid character 'x' after top-level value"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct eg_json *root = NULL;
        struct eg_why why = {.struct_size = sizeof why};
        CU_ASSERT_EQUAL(gw_json_parse(gw_str_c(pairs[i][0]), false, &root, &why), EG_E_SYNTAX);
        ASSERT_STR(gw_str(why.text, why.len), pairs[i][1]);
        CU_ASSERT_PTR_NULL(root);
        CU_ASSERT_EQUAL(gw_json_parse(gw_str_c(pairs[i][0]), false, &root, NULL), EG_E_SYNTAX);
    }
}

static void a_tail_is_ignored_when_allowed(void) {
    const char *const texts[] = {"{\"a\":1}}}} junk", "{\"a\":1}\xff\xfe", " {\"a\":1} {\"a\":2}"};
    for (size_t i = 0; i < 3; i++) {
        struct eg_json *root = NULL;
        CU_ASSERT_EQUAL_FATAL(gw_json_parse(gw_str_c(texts[i]), true, &root, NULL), EG_OK);
        CU_ASSERT_EQUAL(gw_json_integer(gw_json_member(root, GW_STR("a"))), 1);
        gw_json_free(root);
    }
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    CU_ASSERT_EQUAL(gw_json_parse(GW_STR("{\"a\":"), true, &root, &why), EG_E_SYNTAX);
    ASSERT_STR(gw_str(why.text, why.len), "unexpected EOF");
}

static void depth_is_limited(void) {
    char text[300];
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    memset(text, '[', 128);
    memset(text + 128, ']', 128);
    CU_ASSERT_EQUAL_FATAL(gw_json_parse(gw_str(text, 256), false, &root, NULL), EG_OK);
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_json_write(&out, root);
    CU_ASSERT_TRUE(gw_str_eq(gw_bytes_str(&out), gw_str(text, 256)));
    gw_bytes_free(&out);
    gw_json_free(root);
    memset(text, '[', 129);
    memset(text + 129, ']', 129);
    CU_ASSERT_EQUAL(gw_json_parse(gw_str(text, 258), false, &root, &why), EG_E_TOOBIG);
    ASSERT_STR(gw_str(why.text, why.len), "nested too deeply");
}

static void what_is_written_is_what_was_read(void) {
    static const char *const pairs[][2] = {
        {"{ \"z\" : 1, \"a\" : [ true , false, null ] }", "{\"z\":1,\"a\":[true,false,null]}"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[{},[],{\"a\":{}}]", "[{},[],{\"a\":{}}]"},
        {"9007199254740993", "9007199254740993"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1.1", "1.1"},
        {"1.0", "1.0"},
        {"1e3", "1000.0"},
        {"0.1e-7", "1e-08"},
        {"1e999", "1.7976931348623157e+308"},
        {"\"a\\u0000b\\n\\u00e9\"", "\"a\\u0000b\\n\xc3\xa9\""},
        {"\"\\ud800\"", "\"\xef\xbf\xbd\""},
        {"{\"a\\u0000\":1,\"\":2}", "{\"a\\u0000\":1,\"\":2}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}"},
        {"{\"a\":{\"x\":1},\"a\":[]}", "{\"a\":[]}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct gw_bytes out;
        struct eg_json *root = parsed(gw_str_c(pairs[i][0]));
        gw_bytes_init(&out, 0);
        gw_json_write(&out, root);
        ASSERT_STR(gw_bytes_str(&out), pairs[i][1]);
        gw_bytes_free(&out);
        gw_json_free(root);
    }
}

static void values_tell_their_kind(void) {
    static const struct {
        const char *text;
        uint32_t kind;
        const char *name;
    } rows[] = {
        {"null", EG_JSON_NULL, "null"},     {"true", EG_JSON_BOOL, "bool"},
        {"false", EG_JSON_BOOL, "bool"},    {"1", EG_JSON_INT, "number"},
        {"1.5", EG_JSON_REAL, "number"},    {"99999999999999999999", EG_JSON_REAL, "number"},
        {"\"\"", EG_JSON_STRING, "string"}, {"[]", EG_JSON_ARRAY, "array"},
        {"{}", EG_JSON_OBJECT, "object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_json *root = parsed(gw_str_c(rows[i].text));
        CU_ASSERT_EQUAL(gw_json_kind(root), rows[i].kind);
        CU_ASSERT_STRING_EQUAL(gw_json_kind_name(root), rows[i].name);
        gw_json_free(root);
    }
}

static void null_and_wrong_kinds_answer_with_nothing(void) {
    struct eg_str name = GW_STR("x");
    CU_ASSERT_EQUAL(gw_json_kind(NULL), EG_JSON_NULL);
    CU_ASSERT_EQUAL(gw_json_count(NULL), 0);
    CU_ASSERT_PTR_NULL(gw_json_member(NULL, GW_STR("a")));
    CU_ASSERT_PTR_NULL(gw_json_member_nocase(NULL, GW_STR("a")));
    CU_ASSERT_PTR_NULL(gw_json_at(NULL, 0, &name));
    CU_ASSERT_EQUAL(name.len, 0);
    CU_ASSERT_EQUAL(gw_json_string(NULL).len, 0);
    CU_ASSERT_EQUAL(gw_json_integer(NULL), 0);
    CU_ASSERT_EQUAL(gw_json_real(NULL), 0.0);
    gw_json_free(NULL);
    struct eg_json *root = parsed(GW_STR("\"text\""));
    CU_ASSERT_EQUAL(gw_json_count(root), 0);
    CU_ASSERT_PTR_NULL(gw_json_member(root, GW_STR("a")));
    CU_ASSERT_EQUAL(gw_json_integer(root), 0);
    gw_json_free(root);
    root = parsed(GW_STR("[true,false,1.5,3]"));
    CU_ASSERT_PTR_NULL(gw_json_member_nocase(root, GW_STR("a")));
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 0, NULL)), 1);
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 1, NULL)), 0);
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 2, NULL)), 0);
    CU_ASSERT_EQUAL(gw_json_real(gw_json_at(root, 2, NULL)), 1.5);
    CU_ASSERT_EQUAL(gw_json_real(gw_json_at(root, 3, NULL)), 3.0);
    CU_ASSERT_PTR_NULL(gw_json_at(root, 4, NULL));
    gw_json_free(root);
}

static void the_last_member_wins_in_any_case(void) {
    struct eg_json *root = parsed(GW_STR("{\"Name\":1,\"name\":2,\"Name\":3,\"nam\":4}"));
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_member(root, GW_STR("name"))), 2);
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_member_nocase(root, GW_STR("NAME"))), 3);
    CU_ASSERT_PTR_NULL(gw_json_member(root, GW_STR("NAME")));
    gw_json_free(root);
}

static void a_large_object_is_walked_by_index_in_either_direction(void) {
    const size_t members = 50000;
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    for (size_t i = 0; i < members; i++) {
        gw_bytes_addf(&text, "%s\"k%zu\":%zu", i == 0 ? "{" : ",", i, i);
    }
    gw_bytes_add_char(&text, '}');
    struct eg_json *root = parsed(gw_bytes_str(&text));
    CU_ASSERT_EQUAL(gw_json_count(root), members);
    size_t wrong = 0;
    for (size_t i = 0; i < members; i++) {
        struct eg_str name;
        wrong += gw_json_integer(gw_json_at(root, i, &name)) != (int64_t)i;
        wrong += name.len < 2;
    }
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 7, NULL)), 7);
    CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 3, NULL)), 3);
    CU_ASSERT_EQUAL(wrong, 0);
    gw_json_free(root);
    gw_bytes_free(&text);
}

static void a_freed_tree_leaves_no_memory_of_its_place(void) {
    for (int round = 0; round < 100; round++) {
        char text[64];
        const int len = snprintf(text, sizeof text, "{\"a\":%d,\"b\":%d}", round, round + 1);
        struct eg_json *root = parsed(gw_str(text, (size_t)len));
        CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 0, NULL)), round);
        CU_ASSERT_EQUAL(gw_json_integer(gw_json_at(root, 1, NULL)), round + 1);
        gw_json_free(root);
    }
}

UNIT_MAIN(UNIT(refusals_are_sentences), UNIT(a_tail_is_ignored_when_allowed),
          UNIT(depth_is_limited), UNIT(what_is_written_is_what_was_read),
          UNIT(values_tell_their_kind), UNIT(null_and_wrong_kinds_answer_with_nothing),
          UNIT(the_last_member_wins_in_any_case),
          UNIT(a_large_object_is_walked_by_index_in_either_direction),
          UNIT(a_freed_tree_leaves_no_memory_of_its_place))
