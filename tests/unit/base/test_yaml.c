/*
 * test_yaml.c - YAML documents as JSON text and back.
 */
#include "base/yaml.h"

#include "base/check.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "unit.h"

static struct eg_why why;
static size_t line;

/* The documents of a text, one a line; a refused one as `! line: why`. */
static struct eg_buf read_all(struct eg_str text) {
    struct gw_yaml_reader *reader = gw_yaml_open(text);
    struct gw_bytes all;
    struct gw_bytes one;
    int32_t rc;
    gw_bytes_init(&all, 0);
    gw_bytes_init(&one, 0);
    why = (struct eg_why){.struct_size = sizeof why};
    while ((rc = gw_yaml_next(reader, &one, &line, &why)) != 0) {
        if (rc < 0) {
            gw_bytes_addf(&all, "! %zu: %.*s\n", line, GW_FMT(gw_why_str(&why)));
        } else {
            gw_bytes_addf(&all, "%.*s\n", GW_FMT(gw_bytes_str(&one)));
        }
        gw_bytes_clear(&one);
    }
    gw_bytes_free(&one);
    gw_yaml_close(reader);
    return gw_bytes_take(&all);
}

static void check_read(const char *text, const char *expected) {
    struct eg_buf got = read_all(gw_str_c(text));
    ASSERT_STR(gw_str(got.ptr, got.len), expected);
    gw_buf_release(&got);
}

static void block_and_flow_become_json(void) {
    check_read("a: 1\nb:\n  - x\n  - {c: true, d: null}\n",
               "{\"a\":1,\"b\":[\"x\",{\"c\":true,\"d\":null}]}\n");
    check_read("[]", "[]\n");
    check_read("{}", "{}\n");
    check_read("a: |\n  one\n  two\nb: >-\n  three\n  four\n",
               "{\"a\":\"one\\ntwo\\n\",\"b\":\"three four\"}\n");
    check_read("{\"json\": [1, 2.5, -3e2, \"x\"]}", "{\"json\":[1,2.5,-3e2,\"x\"]}\n");
}

static void documents_come_one_by_one_with_their_lines(void) {
    struct gw_yaml_reader *reader =
        gw_yaml_open(GW_STR("# first\n---\na: 1\n---\n\n\nb: 2\n...\n"));
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    CU_ASSERT_EQUAL(gw_yaml_next(reader, &out, &line, &why), 1);
    CU_ASSERT_EQUAL(line, 3);
    CU_ASSERT_EQUAL(gw_yaml_next(reader, &out, &line, &why), 1);
    CU_ASSERT_EQUAL(line, 7);
    ASSERT_STR(gw_bytes_str(&out), "{\"a\":1}{\"b\":2}");
    CU_ASSERT_EQUAL(gw_yaml_next(reader, &out, &line, &why), 0);
    CU_ASSERT_EQUAL(gw_yaml_next(reader, &out, &line, &why), 0);
    gw_bytes_free(&out);
    gw_yaml_close(reader);
    check_read("", "");
    check_read("# nothing\n", "");
    check_read("---\n---\na: 1\n", "null\n{\"a\":1}\n");
}

static void plain_scalars_are_those_of_yaml_1_2(void) {
    check_read("[~, null, NULL, true, False, 1, -2, 0.5, 1e3]",
               "[null,null,null,true,false,1,-2,0.5,1e3]\n");
    check_read("a:\nb: \n", "{\"a\":null,\"b\":null}\n");
    check_read("[yes, no, on, off, y, 2024-01-01, 12:30:45, 1.2.3, 10.0.0.1, nULL, -, +, ., e5]",
               "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"2024-01-01\",\"12:30:45\",\"1.2.3\","
               "\"10.0.0.1\",\"nULL\",\"-\",\"+\",\".\",\"e5\"]\n");
    check_read("['1', \"true\", !!str 2, ! null, !!int 3, !!null '']",
               "[\"1\",\"true\",\"2\",\"null\",3,null]\n");
    check_read("{1: a, true: b, null: c}", "{\"1\":\"a\",\"true\":\"b\",\"null\":\"c\"}\n");
}

static void numerals_that_versions_of_yaml_read_differently_are_refused(void) {
    static const char *const numerals[] = {"0x1F", "0o17", "0b11", "007",  "1_000", "+1",
                                           "1.",   ".5",   "-.5",  ".inf", "-.Inf", ".NaN",
                                           "+1.5", "01",   "1.e5", "-0x1"};
    for (size_t i = 0; i < GW_COUNT(numerals); i++) {
        char expected[160];
        (void)snprintf(expected, sizeof expected,
                       "! 2: '%s' is a number in some versions of YAML: quote it if it is a text\n",
                       numerals[i]);
        char text[40];
        (void)snprintf(text, sizeof text, "a:\n - %s\n", numerals[i]);
        check_read(text, expected);
    }
}

static void what_json_does_not_have_is_refused_and_the_next_document_is_read(void) {
    check_read("a: &x 1\nb: *x\n---\nc: 1\n",
               "! 1: anchors and aliases (& and *) are not read: write the value where it counts\n"
               "{\"c\":1}\n");
    check_read("b: *x\n", "! 1: anchors and aliases (& and *) are not read: write the value where "
                          "it counts\n");
    check_read("a: 1\nb: &m {}\n", "! 2: anchors and aliases (& and *) are not read: write the "
                                   "value where it counts\n");
    check_read("a: !!binary aGk=\n---\n1\n",
               "! 1: the tag 'tag:yaml.org,2002:binary' is not read\n1\n");
    check_read("a: !mine [1]\n", "! 1: the tag '!mine' is not read\n");
    check_read("? [a, b]\n: 1\n---\n2\n", "! 1: a key has to be a text\n2\n");
}

static void a_syntax_error_ends_the_stream_with_its_line(void) {
    check_read("a: 1\n---\nb: [1, 2\nc: 3\n",
               "{\"a\":1}\n! 4: while parsing a flow sequence: did not find expected ',' or ']'\n");
    check_read("a: \"unfinished", "! 1: while scanning a quoted scalar: found unexpected end of "
                                  "stream\n");
    check_read("a: 1\n b: 2\n", "! 2: mapping values are not allowed in this context\n");
    check_read("a: *x\nb: [",
               "! 1: anchors and aliases (& and *) are not read: write the value where "
               "it counts\n");
    check_read("\t- a", "! 1: while scanning for the next token: found character that cannot start "
                        "any token\n");
}

static void check_deep(const char *piece, const char *expected) {
    enum { DEPTH = 200000 };
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    for (size_t i = 0; i < DEPTH; i++) {
        gw_bytes_add_c(&text, piece);
    }
    struct eg_buf got = read_all(gw_bytes_str(&text));
    ASSERT_STR(gw_str(got.ptr, got.len), expected);
    gw_buf_release(&got);
    gw_bytes_free(&text);
}

/* Without the limit each of these takes minutes. */
static void too_deep_nesting_ends_the_stream_at_once(void) {
    check_deep("[", "! 1: nested deeper than 128\n");
    check_deep("- ", "! 1: nested deeper than 128\n");
    check_deep("{\n", "! 2: a key has to be a text\n");
    check_deep("{a: &a\n", "! 1: anchors and aliases (& and *) are not read: write the value where "
                           "it counts\n");
}

/* ---- writing ---- */

static void check_written(const char *json, const char *expected) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_yaml_write(&out, gw_str_c(json));
    ASSERT_STR(gw_bytes_str(&out), expected);
    gw_bytes_free(&out);
}

static void check_round_trip(struct eg_str json) {
    struct gw_bytes yaml;
    gw_bytes_init(&yaml, 0);
    gw_yaml_write(&yaml, json);
    struct eg_buf again = read_all(gw_bytes_str(&yaml));
    const struct eg_str got = gw_str(again.ptr, again.len > 0 ? again.len - 1 : 0);
    if (!gw_str_eq(got, json)) {
        printf("%.*s\n", GW_FMT(gw_bytes_str(&yaml)));
    }
    CU_ASSERT(gw_str_eq(got, json));
    gw_buf_release(&again);
    gw_bytes_free(&yaml);
}

static void objects_are_written_as_blocks(void) {
    check_written("{\"kind\":\"function\",\"provider\":{\"url\":\"http://a:80/b?c=d\",\"count\":3},"
                  "\"list\":[\"a\",[],{}]}",
                  "---\nkind: function\nprovider:\n  url: http://a:80/b?c=d\n  count: 3\nlist:\n"
                  "- a\n- []\n- {}\n");
    check_written("{\"path\":\"/users/:id\",\"method\":\"GET\",\"type\":\"user.created\"}",
                  "---\npath: /users/:id\nmethod: GET\ntype: user.created\n");
}

static void texts_that_look_like_something_else_are_quoted(void) {
    static const char *const texts[] = {
        "true", "No",         "y",     "null",  "~",   "1",    "1.5", "0x1F", "1e3",  "",
        " a",   "2024-01-01", "12:30", "<<",    "=",   ".inf", "-",   "a: b", "a #b", "*a",
        "&a",   "!a",         "a:",    "1_000", "off", "OFF",  "{a}", "- a",  "%a",   "@a"};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        char json[32];
        char yaml[32];
        (void)snprintf(json, sizeof json, "[\"%s\"]", texts[i]);
        (void)snprintf(yaml, sizeof yaml, "---\n- \"%s\"\n", texts[i]);
        check_written(json, yaml);
        check_round_trip(gw_str_c(json));
    }
    check_written("[1e+20,1E5,1.5e3]", "---\n- 1.0e+20\n- 1.0E5\n- 1.5e3\n");
}

static void every_text_comes_back_as_it_was(void) {
    static const char *const texts[] = {
        "{\"\":\"\"}",
        "[\"a\\nb\\n\",\"\\n\",\" \",\"  a  b  \",\"\\ttab\",\"\\r\\n\",\"\\u0000\",\"\x7f\"]",
        ("[\"caf\xc3\xa9\",\"\xe2\x82\xac\",\"\xf0\x9f\x98\x80\",\"\xc2\x85\",\"\xe2\x80\xa8\","
         "\"\xef\xbb\xbf\",\"\xef\xbf\xbe\",\"\xc2\xa0\"]"),
        "[null,true,false,0,-1,1.5,12345678901234567890]",
        "{\"a\\nb\":1,\"? x\":{\"- y\":[[[]],{}]},\"\\\"'\":\"\\\"'\\\\\"}",
        "\"just a text\"",
        "7",
        "null",
    };
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        check_round_trip(gw_str_c(texts[i]));
    }
}

static void long_keys_lines_and_deep_values_come_back(void) {
    struct gw_bytes json;
    gw_bytes_init(&json, 0);
    gw_bytes_add_c(&json, "{\"");
    for (int i = 0; i < 3000; i++) {
        gw_bytes_add_c(&json, "k ");
    }
    gw_bytes_add_c(&json, "\":\"");
    for (int i = 0; i < 3000; i++) {
        gw_bytes_add_c(&json, i % 7 == 0 ? "  " : "word ");
    }
    gw_bytes_add_c(&json, "\",\"deep\":");
    for (int i = 0; i < 120; i++) {
        gw_bytes_add_c(&json, i % 2 == 0 ? "[" : "{\"a\":");
    }
    gw_bytes_add_c(&json, "1");
    for (int i = 119; i >= 0; i--) {
        gw_bytes_add_c(&json, i % 2 == 0 ? "]" : "}");
    }
    gw_bytes_add_c(&json, "}");
    check_round_trip(gw_bytes_str(&json));
    gw_bytes_free(&json);
}

UNIT_MAIN(UNIT(block_and_flow_become_json), UNIT(documents_come_one_by_one_with_their_lines),
          UNIT(plain_scalars_are_those_of_yaml_1_2),
          UNIT(numerals_that_versions_of_yaml_read_differently_are_refused),
          UNIT(what_json_does_not_have_is_refused_and_the_next_document_is_read),
          UNIT(a_syntax_error_ends_the_stream_with_its_line),
          UNIT(too_deep_nesting_ends_the_stream_at_once), UNIT(objects_are_written_as_blocks),
          UNIT(texts_that_look_like_something_else_are_quoted),
          UNIT(every_text_comes_back_as_it_was), UNIT(long_keys_lines_and_deep_values_come_back))
