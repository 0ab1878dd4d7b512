/* The strict scanner: the whole JSON test suite, depth, cuts, and the sentences of refusals. */
#include <dirent.h>

#include "base/codec.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

static bool is_json(struct eg_str text) {
    return gw_json_check(text, 0, NULL, NULL) == EG_OK;
}

static struct eg_buf read_file(const char *directory, const char *name) {
    char path[1024];
    struct gw_bytes content;
    gw_bytes_init(&content, 0);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t got = 1; got > 0;) {
        char *to = gw_bytes_grow(&content, 65536);
        got = fread(to, 1, 65536, file);
        content.len += got;
    }
    fclose(file);
    return gw_bytes_take(&content);
}

/* Counts files of the suite and those that are answered wrongly. */
static void try_file(const char *directory, const char *name, size_t *files, size_t *wrong) {
    struct eg_buf text = read_file(directory, name);
    const bool accepted = is_json(gw_str(text.ptr, text.len));
    const bool should_accept = name[0] == 'y' || (name[0] == 'i' && accepted);
    if (accepted != should_accept) {
        printf("  %s was %s\n", name, accepted ? "accepted" : "refused");
        (*wrong)++;
    }
    (*files)++;
    gw_buf_release(&text);
}

static void the_whole_json_test_suite_is_answered_rightly(void) {
    const char *directory = TEST_DATA_DIR "/JSONTestSuite/test_parsing";
    size_t files = 0;
    size_t wrong = 0;
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        printf("  skipped: no %s\n", directory);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (gw_str_ends(gw_str_c(entry->d_name), GW_STR(".json"))) {
            try_file(directory, entry->d_name, &files, &wrong);
        }
    }
    closedir(dir);
    printf("  JSONTestSuite: %zu files, %zu wrong\n", files, wrong);
    CU_ASSERT_EQUAL(files, 318);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void the_value_is_located_without_the_space_around(void) {
    static const struct {
        const char *text;
        const char *raw;
        enum gw_jtype type;
    } rows[] = {
        {" {\"a\": [1] }\n", "{\"a\": [1] }", GW_J_OBJECT},
        {"\t[]\r", "[]", GW_J_ARRAY},
        {" -0.5e+7 ", "-0.5e+7", GW_J_NUMBER},
        {"\"x\"", "\"x\"", GW_J_STRING},
        {" true", "true", GW_J_TRUE},
        {"false ", "false", GW_J_FALSE},
        {"null", "null", GW_J_NULL},
        {"0", "0", GW_J_NUMBER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_jval value;
        CU_ASSERT_EQUAL(gw_json_check(gw_str_c(rows[i].text), 0, &value, NULL), EG_OK);
        ASSERT_STR(value.raw, rows[i].raw);
        CU_ASSERT_EQUAL(value.type, rows[i].type);
    }
}

/* depth brackets around nothing, alternately [ and {"a": */
static struct eg_buf nested(size_t depth) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    for (size_t i = 0; i < depth; i++) {
        gw_bytes_add_c(&text, i % 3 == 0 ? "[" : "{\"a\":");
    }
    gw_bytes_add_c(&text, "0");
    for (size_t i = depth; i > 0; i--) {
        gw_bytes_add_c(&text, (i - 1) % 3 == 0 ? "]" : "}");
    }
    return gw_bytes_take(&text);
}

static void nesting_is_counted_to_the_limit_and_not_beyond(void) {
    static const struct {
        size_t depth;
        uint32_t limit;
        int32_t want;
    } rows[] = {
        {0, 1, EG_OK},
        {1, 1, EG_OK},
        {2, 1, EG_E_TOOBIG},
        {128, 0, EG_OK},
        {129, 0, EG_E_TOOBIG},
        {1024, 1024, EG_OK},
        {1025, 1024, EG_E_TOOBIG},
        {1025, UINT32_MAX, EG_E_TOOBIG},
        {200, 1024, EG_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_buf text = nested(rows[i].depth);
        struct gw_jerror error = {0};
        const int32_t rc = gw_json_check(gw_str(text.ptr, text.len), rows[i].limit, NULL, &error);
        CU_ASSERT_EQUAL(rc, rows[i].want);
        CU_ASSERT_FALSE(rc < 0 && error.at_end);
        gw_buf_release(&text);
    }
}

static void brackets_have_to_match_their_kind_at_every_depth(void) {
    CU_ASSERT_TRUE(is_json(GW_STR("[{\"a\":[{\"b\":[]}]},[],{}]")));
    CU_ASSERT_FALSE(is_json(GW_STR("[{\"a\":[{\"b\":[}]}]},[],{}]")));
    CU_ASSERT_FALSE(is_json(GW_STR("[}")));
    CU_ASSERT_FALSE(is_json(GW_STR("{]")));
    CU_ASSERT_FALSE(is_json(GW_STR("[[1}]")));
    CU_ASSERT_FALSE(is_json(GW_STR("]")));
    /* The bit of a level is written anew each time it is entered. */
    CU_ASSERT_TRUE(is_json(GW_STR("[[],{},[],{\"a\":{}},[[]]]")));
    struct eg_buf text = nested(150);
    char *wrong = gw_dup_cstr(gw_str(text.ptr, text.len));
    wrong[text.len - 100] = wrong[text.len - 100] == ']' ? '}' : ']';
    CU_ASSERT_EQUAL(gw_json_check(gw_str(wrong, text.len), 1024, NULL, NULL), EG_E_SYNTAX);
    gw_free(wrong);
    gw_buf_release(&text);
}

static void a_text_cut_anywhere_ends_unexpectedly(void) {
    const struct eg_str whole =
        GW_STR("{\"na\\u00e9me\":[1.5e-3,true,false,null,{\"k\":\"h\xc3\xa9\"},-0]}");
    CU_ASSERT_TRUE(is_json(whole));
    for (size_t len = 0; len < whole.len; len++) {
        /* A copy on the heap, so that reading past the end is found. */
        struct eg_buf cut = gw_buf_copy(gw_str(whole.ptr, len));
        struct gw_jerror error = {0};
        CU_ASSERT_EQUAL(gw_json_check(gw_str(cut.ptr, cut.len), 0, NULL, &error), EG_E_SYNTAX);
        const bool in_character = len > 0 && whole.ptr[len - 1] == '\xc3';
        CU_ASSERT_TRUE(error.at_end || in_character);
        CU_ASSERT_STRING_EQUAL(error.reason, len == 0       ? "EOF"
                                             : in_character ? "invalid UTF-8 in string literal"
                                                            : "unexpected EOF");
        gw_buf_release(&cut);
    }
}

static void blank_text_is_eof(void) {
    const char *const blanks[] = {"", " ", "\r\n\t "};
    for (size_t i = 0; i < 3; i++) {
        struct gw_jerror error = {0};
        CU_ASSERT_EQUAL(gw_json_check(gw_str_c(blanks[i]), 0, NULL, &error), EG_E_SYNTAX);
        CU_ASSERT_STRING_EQUAL(error.reason, "EOF");
        CU_ASSERT_TRUE(error.at_end);
    }
}

static void refusals_name_the_character_and_the_place(void) {
    static const struct {
        const char *text;
        const char *sentence;
        size_t offset;
    } rows[] = {
        {"garbage", "invalid character 'g' looking for beginning of value", 0},
        {"[1 2]", "invalid character '2' after array element", 3},
        {"{\"a\" 1}", "invalid character '1' after object key", 5},
        {"{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair", 7},
        {"{a:1}", "invalid character 'a' looking for beginning of object key string", 1},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string", 7},
        {"1 x", "invalid character 'x' after top-level value", 2},
        {"01", "invalid character '1' after top-level value", 1},
        {"-x", "invalid character 'x' in numeric literal", 1},
        {"trux", "invalid character 'x' in literal true, false or null", 3},
        {"\"a\nb\"", "invalid character '\\x0a' in string literal", 2},
        {"\"\\q\"", "invalid character 'q' in string escape code", 2},
        {"\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape", 5},
        {"\xef\xbb\xbf{}", "invalid character '\\xef' looking for beginning of value", 0},
        {"\"\xff\"", "invalid UTF-8 in string literal", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eg_str text = gw_str_c(rows[i].text);
        struct gw_jerror error = {0};
        struct gw_bytes sentence;
        gw_bytes_init(&sentence, 0);
        CU_ASSERT_EQUAL(gw_json_check(text, 0, NULL, &error), EG_E_SYNTAX);
        CU_ASSERT_EQUAL(error.offset, rows[i].offset);
        gw_jerror_write(&sentence, text, &error);
        ASSERT_STR(gw_bytes_str(&sentence), rows[i].sentence);
        gw_bytes_free(&sentence);
    }
}

static void the_first_value_is_found_before_any_junk(void) {
    struct gw_jval value;
    CU_ASSERT_EQUAL(gw_json_check_first(GW_STR(" {\"a\":1}}}} junk"), 0, &value, NULL), EG_OK);
    ASSERT_STR(value.raw, "{\"a\":1}");
    CU_ASSERT_EQUAL(gw_json_check_first(GW_STR("12x"), 0, &value, NULL), EG_OK);
    ASSERT_STR(value.raw, "12");
    CU_ASSERT_EQUAL(gw_json_check_first(GW_STR("[1"), 0, &value, NULL), EG_E_SYNTAX);
    ASSERT_STR(value.raw, "12"); /* untouched on failure */
}

/* Byte by byte against a second opinion on what may stand in a string. */
static void every_byte_pair_in_a_string_is_judged_as_utf8_and_control_rules_say(void) {
    size_t wrong = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[] = "\"xxxxxxxAB\"";
        text[8] = (char)(pair >> 8);
        text[9] = (char)(pair & 0xff);
        bool good = gw_utf8_valid(gw_str(text + 8, 2));
        for (size_t i = 8; i < 10; i++) {
            good = good && (unsigned char)text[i] >= 0x20 && text[i] != '"';
        }
        if (text[8] == '\\') {
            good = text[9] != 'u' && text[9] != 0 && strchr("\"\\/bfnrt", text[9]) != NULL;
        } else if (text[9] == '\\') {
            good = false;
        }
        wrong += is_json(gw_str(text, 11)) != good;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

UNIT_MAIN(UNIT(the_whole_json_test_suite_is_answered_rightly),
          UNIT(the_value_is_located_without_the_space_around),
          UNIT(nesting_is_counted_to_the_limit_and_not_beyond),
          UNIT(brackets_have_to_match_their_kind_at_every_depth),
          UNIT(a_text_cut_anywhere_ends_unexpectedly), UNIT(blank_text_is_eof),
          UNIT(refusals_name_the_character_and_the_place),
          UNIT(the_first_value_is_found_before_any_junk),
          UNIT(every_byte_pair_in_a_string_is_judged_as_utf8_and_control_rules_say))
