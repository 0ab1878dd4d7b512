/* The validator alone: what it tells, what it refuses to compile, and what a check may cost. */
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "schema.h"

#include "unit.h"

static const struct schema_budget plenty = {.steps = 1000000, .pattern_ns = 1000000000};

/* "ok", "<pointer>: <reason>", "too much", or why the schema cannot be used. */
static const char *verdict(const char *schema_text, struct eg_str data,
                           const struct schema_budget *budget) {
    static char text[2048];
    struct egx_fake *fake = egx_fake_new();
    const struct eg_host *host = egx_fake_host(fake);
    struct schema_report report = {.pointer = ""};
    struct eg_why why = {.struct_size = sizeof why};
    struct schema *schema = NULL;
    struct tree tree;
    if (schema_compile(host, egx_str_c(schema_text), DRAFT_2020, &schema, &why) < 0) {
        (void)snprintf(text, sizeof text, "%.*s", (int)why.len, why.text);
    } else if (schema_tree_parse(&tree, host, data) < 0) {
        (void)snprintf(text, sizeof text, "no JSON");
    } else {
        const int32_t rc = schema_check(schema, tree.nodes, budget, &report);
        (void)snprintf(text, sizeof text,
                       rc < 0   ? "too much"
                       : rc > 0 ? "ok"
                                : "%s: %.*s",
                       report.pointer, (int)report.why.len, report.why.text);
        schema_tree_free(&tree);
    }
    schema_free(schema);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
    return text;
}
#define ASSERT_VERDICT(schema, data, expected)                                                     \
    ASSERT_STR(egx_str_c(verdict(schema, egx_str_c(data), &plenty)), expected)

static void a_mismatch_names_the_place_and_the_reason(void) {
    ASSERT_VERDICT("{\"type\":\"object\"}", "[]", ": the value has to be of type object");
    ASSERT_VERDICT("{\"type\":[\"object\",\"null\"]}", "1",
                   ": the value has to be of one of several types");
    ASSERT_VERDICT("{\"required\":[\"id\"]}", "{}", ": the property 'id' is missing");
    ASSERT_VERDICT("{\"properties\":{\"a/b~c\":{\"items\":{\"minimum\":1.50}}}}",
                   "{\"a/b~c\":[2,1.499]}", "/a~1b~0c/1: the number is less than 1.50");
    ASSERT_VERDICT("{\"additionalProperties\":false}", "{\"x\":1}",
                   ": the property 'x' is not allowed");
    ASSERT_VERDICT("{\"additionalProperties\":{\"maxLength\":2}}", "{\"x\":\"\\u00e9\\u00e9e\"}",
                   "/x: the text has more than 2 characters");
    ASSERT_VERDICT("{\"anyOf\":[{\"type\":\"null\"},{\"const\":1}]}", "2",
                   ": the value fits none of the schemas of anyOf");
    ASSERT_VERDICT("{\"allOf\":[{\"properties\":{\"a\":false}}]}", "{\"a\":1}",
                   "/a: nothing is allowed here");
    ASSERT_VERDICT("{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"A\":1}",
                   ": the name 'A' is not allowed");
    ASSERT_VERDICT("false", "null", ": nothing is allowed here");
}

static void a_long_place_is_cut_between_characters(void) {
    char data[4096] = "";
    size_t len = 0;
    for (int i = 0; i < 200; i++) {
        len += (size_t)snprintf(data + len, sizeof data - len, "{\"\xc3\xa9\xc3\xa9\":");
    }
    data[len++] = '1';
    memset(data + len, '}', 200);
    const char *text = verdict("{\"$defs\":{\"n\":{\"type\":\"object\",\"additionalProperties\":"
                               "{\"$ref\":\"#/$defs/n\"}}},\"$ref\":\"#/$defs/n\"}",
                               egx_str_n(data, len + 200), &plenty);
    const size_t end = strcspn(text, ":");
    CU_ASSERT_TRUE(end > 200 && end < SCHEMA_POINTER_BYTES);
    for (size_t i = 0; i < end;) {
        const size_t used = egx_utf8_char(text + i, end - i);
        CU_ASSERT_TRUE_FATAL(used > 0);
        i += used;
    }
}

static void numbers_are_compared_without_rounding(void) {
    ASSERT_VERDICT("{\"maximum\":9007199254740993}", "9007199254740993", "ok");
    ASSERT_VERDICT("{\"maximum\":9007199254740993}", "9007199254740994",
                   ": the number is greater than 9007199254740993");
    ASSERT_VERDICT("{\"const\":1e2}", "100.00", "ok");
    ASSERT_VERDICT("{\"const\":0.001}", "10e-4", "ok");
    ASSERT_VERDICT("{\"const\":0}", "-0.0e5", "ok");
    ASSERT_VERDICT("{\"multipleOf\":0.01}", "1.13", "ok");
    ASSERT_VERDICT("{\"multipleOf\":0.01}", "1.131", ": the number is not a multiple of 0.01");
    ASSERT_VERDICT("{\"multipleOf\":7}", "7e400", "ok");
    ASSERT_VERDICT("{\"multipleOf\":7}", "1e999999999999999999999",
                   ": the number is not a multiple of 7");
    ASSERT_VERDICT("{\"minimum\":-1e-5}", "-0.00001", "ok");
    ASSERT_VERDICT("{\"exclusiveMinimum\":-1e-5}", "-0.00001",
                   ": the number is not greater than -1e-5");
    ASSERT_VERDICT("{\"maxLength\":9007199254740991}", "\"a\"", "ok");
    ASSERT_VERDICT("{\"minItems\":1e30}", "[]",
                   ": the array has less than 9223372036854775807 items");
    ASSERT_VERDICT("{\"type\":\"integer\"}", "1.0e1", "ok");
    ASSERT_VERDICT("{\"type\":\"integer\"}", "1e-1", ": the value has to be of type integer");
    ASSERT_VERDICT("{\"uniqueItems\":true}", "[1,2,1.0]", ": two items of the array are equal");
    ASSERT_VERDICT("{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]",
                   ": two items of the array are equal");
}

static void a_name_that_comes_twice_is_looked_at_each_time(void) {
    ASSERT_VERDICT("{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":\"x\",\"a\":1}",
                   "/a: the value has to be of type string");
    ASSERT_VERDICT("{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1,\"a\":\"x\"}",
                   "/a: the value has to be of type string");
    ASSERT_VERDICT("{\"const\":{\"a\":1,\"b\":2}}", "{\"a\":1,\"a\":1}",
                   ": the value is not the one that const names");
    ASSERT_VERDICT("{\"enum\":[{\"a\":1,\"b\":2}]}", "{\"a\":1,\"b\":2}", "ok");
}

static void a_bad_schema_is_told_with_its_place(void) {
    ASSERT_VERDICT("{\"properties\":{\"a\":{\"type\":\"text\"}}}", "1",
                   "at '/properties/a/type' of the schema: a type is null, boolean, number, "
                   "integer, string, array or object");
    ASSERT_VERDICT("{\"properties\":{\"a\":1}}", "1",
                   "at '/properties/a' of the schema: a schema is an object or a boolean");
    ASSERT_VERDICT("{\"allOf\":[]}", "1",
                   "at '/allOf' of the schema: a list of at least one schema is needed");
    ASSERT_VERDICT("{\"minLength\":-1}", "1",
                   "at '/minLength' of the schema: a whole number from 0 is needed");
    ASSERT_VERDICT(
        "{\"multipleOf\":0}", "1",
        "at '/multipleOf' of the schema: a number above 0 with up to 18 digits is needed");
    ASSERT_VERDICT("{\"required\":[1]}", "1",
                   "at '/required/0' of the schema: the name of a property is needed");
    ASSERT_VERDICT("{\"items\":{\"pattern\":\"(\"}}", "1",
                   "at '/items/pattern' of the schema: no regular expression: missing closing "
                   "parenthesis at character 1");
    ASSERT_VERDICT("{\"$ref\":\"#/$defs/none\"}", "1",
                   "at '' of the schema: the $ref '#/$defs/none' leads to no schema");
    ASSERT_VERDICT("[1", "1", "the schema is no JSON");
    ASSERT_VERDICT("7", "1", "at '' of the schema: a schema is an object or a boolean");
}

static void schemas_of_elsewhere_and_other_drafts_are_refused(void) {
    ASSERT_VERDICT("{\"items\":{\"$ref\":\"https://example.com/s.json\"}}", "1",
                   "at '/items' of the schema: the $ref 'https://example.com/s.json' leads out of "
                   "the schema; schemas of elsewhere are never fetched: copy it into $defs");
    ASSERT_VERDICT("{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "1",
                   "at '/$schema' of the schema: 'http://json-schema.org/draft-04/schema' is "
                   "neither draft 7 nor 2020-12");
}

static void the_draft_is_the_one_that_the_schema_names(void) {
#define TUPLE "\"items\":[{\"type\":\"string\"}]}"
    ASSERT_VERDICT("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"," TUPLE, "[1]",
                   "/0: the value has to be of type string");
    ASSERT_VERDICT("{" TUPLE, "[1]",
                   "at '/items' of the schema: a schema is an object or a boolean");
}

/* ---- what it may cost ---- */

static void a_schema_that_only_refers_to_itself_ends(void) {
    ASSERT_VERDICT("{\"$ref\":\"#\"}", "1", "too much");
    ASSERT_VERDICT("{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1", "too much");
    ASSERT_VERDICT("{\"not\":{\"$ref\":\"#\"}}", "1", "too much");
    ASSERT_VERDICT("{\"anyOf\":[{\"$ref\":\"#\"},true]}", "1", "too much");
    ASSERT_VERDICT("{\"unevaluatedItems\":false,\"if\":{\"$ref\":\"#\"}}", "[1]", "too much");
}

static char *filled(const char *begin, const char *piece, size_t count, const char *end) {
    char *text = malloc(strlen(begin) + count * strlen(piece) + strlen(end) + 1);
    char *at = text + strlen(begin);
    memcpy(text, begin, strlen(begin));
    for (size_t i = 0; i < count; i++) {
        memcpy(at, piece, strlen(piece));
        at += strlen(piece);
    }
    memcpy(at, end, strlen(end) + 1);
    return text;
}

static void nesting_has_an_end(void) {
    char *deep = filled("", "[", 900, "");
    char *data = filled(deep, "]", 900, "");
    ASSERT_VERDICT("{\"items\":{\"$ref\":\"#\"}}", data, "too much"); /* two schemas a level */
    free(deep);
    free(data);
    deep = filled("", "[", TREE_DEPTH + 1, "");
    ASSERT_VERDICT("true", deep, "no JSON");
    free(deep);
    deep = filled("", "[", 400, "");
    data = filled(deep, "]", 400, "");
    ASSERT_VERDICT("{\"items\":{\"$ref\":\"#\"}}", data, "ok");
    free(deep);
    free(data);
}

/* In std::regex the first of them ends the process, and with backtracking alone the second takes
 * years. */
static void patterns_that_explode_end(void) {
    char *text = filled("\"", "a", 200000, "!\"");
    ASSERT_VERDICT("{\"pattern\":\"^(a|b)*$\"}", text, "too much");
    ASSERT_VERDICT("{\"pattern\":\"^(a+)+$\"}", text, "too much");
    ASSERT_VERDICT("{\"not\":{\"pattern\":\"^(a+)+$\"}}", text, "too much");
    ASSERT_VERDICT("{\"patternProperties\":{\"^(a+)+$\":true}}",
                   "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\":1}", "too much");
    ASSERT_VERDICT("{\"pattern\":\"^a+!$\"}", text, "ok");
    free(text);
}

static uint64_t ticks;
static uint64_t tick(const struct eg_host *host) {
    (void)host;
    return ++ticks * 1000000;
}

/* Each look at the clock finds a millisecond gone. At every `a` a match may begin, and goes over
 * all that follow; PCRE2 bounds the steps from each of them, not those of all. */
static void a_pattern_that_is_only_slow_ends_in_time_too(void) {
    static const struct eg_clock_api clock = {.struct_size = sizeof clock, .monotonic_ns = tick};
    static const struct schema_budget budget = {.steps = 1000000, .pattern_ns = 10000000};
    char *text = filled("\"", "a", 2000, "!@!\"");
    struct egx_fake *fake = egx_fake_new();
    struct eg_host host = *egx_fake_host(fake);
    struct schema_report report = {.pointer = ""};
    struct eg_why why = {.struct_size = sizeof why};
    struct schema *schema = NULL;
    struct tree tree;
    host.clock = &clock;
    CU_ASSERT_EQUAL_FATAL(
        schema_compile(&host, EGX_STR("{\"pattern\":\"[a-z]+@[a-z]\"}"), DRAFT_2020, &schema, &why),
        EG_OK);
    CU_ASSERT_EQUAL_FATAL(schema_tree_parse(&tree, &host, egx_str_c(text)), EG_OK);
    ticks = 0;
    CU_ASSERT_EQUAL(schema_check(schema, tree.nodes, &budget, &report), EG_E_TOOBIG);
    CU_ASSERT_TRUE(ticks > 5 && ticks < 20);
    schema_tree_free(&tree);
    schema_free(schema);
    egx_fake_free(fake);
    free(text);
}

/* 75 KB of text, each pattern some tens of KB when it is compiled. */
static void patterns_count_as_memory_of_the_schema(void) {
    char *text = filled("{\"allOf\":[true", ",{\"pattern\":\"(?:[a-z]b){900}\"}", 3000, "]}");
    const char *told = verdict(text, EGX_STR("1"), &plenty);
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "of the schema: the schema takes too much memory"));
    free(text);
}

static void many_items_are_paid_for(void) {
    static const struct schema_budget small = {.steps = 5000, .pattern_ns = 1000000};
    char *numbers = filled("[0", ",0", 3000, "]");
    const struct eg_str data = egx_str_c(numbers);
    CU_ASSERT_STRING_EQUAL(verdict("{\"items\":{\"type\":\"number\"}}", data, &small), "too much");
    CU_ASSERT_STRING_EQUAL(verdict("{\"items\":{\"type\":\"number\"}}", data, &plenty), "ok");
    CU_ASSERT_STRING_EQUAL(verdict("{\"contains\":{\"const\":1}}", data, &small), "too much");
    CU_ASSERT_STRING_EQUAL(verdict("{\"uniqueItems\":true}", data, &small), "too much");
    free(numbers);
}

static void long_numbers_are_paid_for(void) {
    static const struct schema_budget small = {.steps = 5000, .pattern_ns = 1000000};
    char *number = filled("1", "0", 90000, "");
    const struct eg_str data = egx_str_c(number);
    CU_ASSERT_STRING_EQUAL(verdict("{\"type\":\"integer\"}", data, &small), "too much");
    CU_ASSERT_STRING_EQUAL(verdict("{\"minimum\":1}", data, &small), "too much");
    CU_ASSERT_STRING_EQUAL(verdict("{\"type\":\"integer\",\"minimum\":1}", data, &plenty), "ok");
    free(number);
    number = filled("", "7", 70000, "");
    CU_ASSERT_STRING_EQUAL(verdict("{\"multipleOf\":7}", egx_str_c(number), &plenty), "ok");
    CU_ASSERT_STRING_EQUAL(verdict("{\"multipleOf\":7}", egx_str_c(number),
                                   &(struct schema_budget){.steps = 20000, .pattern_ns = 1000000}),
                           "too much");
    free(number);
}

static void text_is_decoded_before_it_is_compared(void) {
    ASSERT_VERDICT("{\"const\":\"a\\u00e9\\ud83d\\ude00\\n\"}",
                   "\"\\u0061\xc3\xa9\xf0\x9f\x98\x80\\u000a\"", "ok");
    ASSERT_VERDICT("{\"maxLength\":1}", "\"\\ud83d\\ude00\"", "ok");
    ASSERT_VERDICT("{\"const\":\"\xef\xbf\xbd\"}", "\"\\ud83d\"", "ok"); /* half a pair */
    ASSERT_VERDICT("{\"required\":[\"a\\u0000b\"]}", "{\"a\\u0000b\":1}", "ok");
}

static void what_is_no_json_is_seen(void) {
    static const char *const texts[] = {"",          " ",  "{",     "[1,]", "{\"a\"}", "{\"a\":}",
                                        "01",        "1.", "-",     "1e",   "tru",     "\"\\x\"",
                                        "\"\\u12\"", "\"", "[1 2]", "1 2",  "{a:1}",   "\"\n\""};
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        ASSERT_VERDICT("true", texts[i], "no JSON");
    }
}

UNIT_MAIN(UNIT(a_mismatch_names_the_place_and_the_reason),
          UNIT(a_long_place_is_cut_between_characters), UNIT(numbers_are_compared_without_rounding),
          UNIT(a_name_that_comes_twice_is_looked_at_each_time),
          UNIT(a_bad_schema_is_told_with_its_place),
          UNIT(schemas_of_elsewhere_and_other_drafts_are_refused),
          UNIT(the_draft_is_the_one_that_the_schema_names),
          UNIT(a_schema_that_only_refers_to_itself_ends), UNIT(nesting_has_an_end),
          UNIT(patterns_that_explode_end), UNIT(a_pattern_that_is_only_slow_ends_in_time_too),
          UNIT(patterns_count_as_memory_of_the_schema), UNIT(many_items_are_paid_for),
          UNIT(long_numbers_are_paid_for), UNIT(text_is_decoded_before_it_is_compared),
          UNIT(what_is_no_json_is_seen))
