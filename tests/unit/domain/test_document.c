/*
 * test_document.c - configuration objects as documents of a file.
 */
#include "domain/document.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slice.h"
#include "unit.h"

#define FUNCTION "{\"kind\":\"function\",\"functionId\":\"f\",\"type\":\"http\"}"

static struct gw_documents documents;

static void read_text(struct eg_str text, enum gw_document_format format) {
    gw_documents_free(&documents);
    gw_documents_read(&documents, text, format);
}

static void read_json(const char *text) {
    read_text(gw_str_c(text), GW_DOCUMENT_JSON);
}
static void read_yaml(const char *text) {
    read_text(gw_str_c(text), GW_DOCUMENT_YAML);
}

static void check_remark(const struct gw_remarks *remarks, size_t place, size_t line,
                         const char *text) {
    CU_ASSERT_FATAL(remarks->count > place);
    CU_ASSERT_EQUAL(remarks->items[place].line, line);
    ASSERT_STR(remarks->items[place].text, text);
}

/* ---- reading ---- */

static void json_lines_are_documents_with_their_lines(void) {
    read_json("\n" FUNCTION "\n\n{\"kind\":\"cors\",\"space\":\"s\",\"corsId\":\"c\"}\r\n");
    CU_ASSERT_EQUAL(documents.errors.count, 0);
    CU_ASSERT_EQUAL_FATAL(documents.count, 2);
    CU_ASSERT_EQUAL(documents.items[0].kind, GW_FUNCTION);
    CU_ASSERT_EQUAL(documents.items[0].line, 2);
    ASSERT_STR(documents.items[0].space, "default");
    ASSERT_STR(documents.items[0].id, "f");
    CU_ASSERT_EQUAL(documents.items[1].kind, GW_CORS);
    CU_ASSERT_EQUAL(documents.items[1].line, 4);
    ASSERT_STR(documents.items[1].space, "s");
    ASSERT_STR(documents.items[1].id, "c");
}

static void json_values_may_span_lines_and_share_one(void) {
    read_json("{\n  \"kind\": \"eventtype\",\n  \"name\": \"e\"\n}\n" FUNCTION FUNCTION);
    CU_ASSERT_EQUAL_FATAL(documents.count, 3);
    CU_ASSERT_EQUAL(documents.items[0].line, 1);
    CU_ASSERT_EQUAL(documents.items[1].line, 5);
    CU_ASSERT_EQUAL(documents.items[2].line, 5);
}

static void yaml_documents_are_read_alike(void) {
    read_yaml(
        "---\nkind: function\nfunctionId: f\ntype: http\n---\n---\nKIND: eventtype\nName: e\n");
    CU_ASSERT_EQUAL(documents.errors.count, 0);
    CU_ASSERT_EQUAL_FATAL(documents.count, 2);
    CU_ASSERT_EQUAL(documents.items[0].line, 2);
    ASSERT_STR(documents.items[0].json, "{\"kind\":\"function\",\"functionId\":\"f\","
                                        "\"type\":\"http\"}");
    CU_ASSERT_EQUAL(documents.items[1].line, 7);
    ASSERT_STR(documents.items[1].id, "e");
}

static void all_that_is_wrong_is_told_with_its_line(void) {
    read_json(FUNCTION "\n{\"kind\":\"function\"\n" FUNCTION "\n[1]\nx\n{\"kind\":\"functions\"}\n"
                       "{\"kind\":\"zebra\"}\n{\"kind\":1}\n{}\n"
                       "{\"kind\":\"cors\",\"path\":1,\"PATH\":2}\n{\"kind\":\"cors\"");
    CU_ASSERT_EQUAL(documents.count, 2);
    CU_ASSERT_EQUAL_FATAL(documents.errors.count, 9);
    check_remark(&documents.errors, 0, 3,
                 "it is no JSON: invalid character '{' after object key:value pair");
    check_remark(&documents.errors, 1, 4, "a document has to be an object, not a list");
    check_remark(&documents.errors, 2, 5,
                 "it is no JSON: invalid character 'x' looking for beginning of value");
    check_remark(&documents.errors, 3, 6, "unknown kind 'functions'; did you mean 'function'?");
    check_remark(&documents.errors, 4, 7,
                 "unknown kind 'zebra'; there is: eventtype, function, subscription, cors");
    check_remark(&documents.errors, 5, 8, "'kind' has to be a text");
    check_remark(&documents.errors, 6, 9, "the document does not say which 'kind' it is");
    check_remark(&documents.errors, 7, 10, "the field 'path' stands twice");
    check_remark(&documents.errors, 8, 11, "it is no JSON: unexpected EOF");
}

static void errors_of_yaml_have_their_lines_too(void) {
    read_yaml("kind: &a function\n---\nkind: function\nfunctionId: 0x1F\n---\n- 1\n---\nkind: [\n");
    CU_ASSERT_EQUAL(documents.count, 0);
    CU_ASSERT_EQUAL_FATAL(documents.errors.count, 4);
    CU_ASSERT_EQUAL(documents.errors.items[0].line, 1);
    CU_ASSERT_EQUAL(documents.errors.items[1].line, 4);
    check_remark(&documents.errors, 2, 6, "a document has to be an object, not a list");
    CU_ASSERT_EQUAL(documents.errors.items[3].line, 9);
}

static void fields_that_nobody_knows_are_warnings(void) {
    read_json("{\"kind\":\"eventtype\",\"name\":\"e\",\"authoriserId\":\"f\",\"colour\":1}");
    CU_ASSERT_EQUAL(documents.count, 1);
    CU_ASSERT_EQUAL(documents.errors.count, 0);
    check_remark(&documents.warnings, 0, 1,
                 "unknown field 'authoriserId' of kind 'eventtype' is left out; did you mean "
                 "'authorizerId'?");
    check_remark(&documents.warnings, 1, 1,
                 "unknown field 'colour' of kind 'eventtype' is left out");
}

static void what_is_no_text_is_refused(void) {
    static const struct {
        struct eg_str text;
        size_t line;
        const char *why;
    } rows[] = {
        {{"", 0}, 0, "there is no document in it"},
        {{" \n\r\n", 4}, 0, "there is no document in it"},
        {{"\xef\xbb\xbf", 3}, 0, "there is no document in it"},
        {{"{}\n\0", 4}, 2, "there is a NUL byte: this is no text"},
        {{"\n\n{\"\xff\"}", 7}, 3, "there are bytes that are no UTF-8"},
        {{"\xff\xfe{\0", 4}, 1, "there are bytes that are no UTF-8"},
        {{"\xed\xa0\x80", 3}, 1, "there are bytes that are no UTF-8"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        read_text(rows[i].text, i % 2 == 0 ? GW_DOCUMENT_JSON : GW_DOCUMENT_YAML);
        CU_ASSERT_EQUAL(documents.count, 0);
        CU_ASSERT_EQUAL_FATAL(documents.errors.count, 1);
        check_remark(&documents.errors, 0, rows[i].line, rows[i].why);
    }
    read_yaml("# only a comment\n---\n");
    check_remark(&documents.errors, 0, 0, "there is no document in it");
    read_json("\xef\xbb\xbf" FUNCTION);
    CU_ASSERT_EQUAL(documents.count, 1);
    read_yaml("\xef\xbb\xbfkind: cors\r\nmethod: GET\r\n");
    CU_ASSERT_EQUAL(documents.count, 1);
}

static void nesting_without_end_is_refused_quickly(void) {
    enum { DEPTH = 1000000 };
    char *text = gw_alloc(DEPTH);
    memset(text, '[', DEPTH);
    read_text(gw_str(text, DEPTH), GW_DOCUMENT_JSON);
    CU_ASSERT_EQUAL(documents.errors.count, 1);
    read_text(gw_str(text, DEPTH), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(documents.errors.count, 1);
    gw_free(text);
}

static void a_file_of_nothing_but_errors_is_given_up(void) {
    struct gw_bytes text;
    gw_bytes_init(&text, 0);
    for (size_t i = 0; i < 100000; i++) {
        gw_bytes_add_c(&text, "{\n---\n");
    }
    read_text(gw_bytes_str(&text), GW_DOCUMENT_JSON);
    CU_ASSERT_EQUAL(documents.errors.count, 1000);
    gw_bytes_clear(&text);
    for (size_t i = 0; i < 100000; i++) {
        gw_bytes_add_c(&text, "--- 1\n");
    }
    read_text(gw_bytes_str(&text), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(documents.errors.count, 1000);
    gw_bytes_free(&text);
}

static void the_format_is_guessed_by_name_and_then_by_content(void) {
    CU_ASSERT_EQUAL(gw_document_guess(GW_STR("a.json"), GW_STR("a: 1")), GW_DOCUMENT_JSON);
    CU_ASSERT_EQUAL(gw_document_guess(GW_STR("a.jsonl"), GW_STR("a: 1")), GW_DOCUMENT_JSON);
    CU_ASSERT_EQUAL(gw_document_guess(GW_STR("a.yml"), GW_STR("{}")), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(gw_document_guess(GW_STR("a.yaml"), GW_STR("{}")), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(gw_document_guess(GW_STR("a"), GW_STR("\xef\xbb\xbf\n {}")), GW_DOCUMENT_JSON);
    CU_ASSERT_EQUAL(gw_document_guess((struct eg_str){0}, GW_STR("---\n")), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(gw_document_guess((struct eg_str){0}, GW_STR("# x")), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL(gw_document_guess((struct eg_str){0}, GW_STR("")), GW_DOCUMENT_JSON);
}

/* ---- objects ---- */

static int32_t object_of(const char *json, bool exists, struct gw_object **ret_object,
                         struct gw_refusal *ret_refusal) {
    read_json(json);
    CU_ASSERT_EQUAL_FATAL(documents.count, 1);
    return gw_document_object(&documents.items[0], exists, ret_object, ret_refusal);
}

static void check_refused(const char *json, const char *why) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    CU_ASSERT(object_of(json, false, &object, &refusal) < 0);
    CU_ASSERT_PTR_NULL(object);
    ASSERT_STR(gw_why_str(&refusal.why), why);
}

static void a_document_becomes_its_object(void) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    CU_ASSERT_EQUAL_FATAL(
        object_of("{\"kind\":\"subscription\",\"space\":\"space1\",\"type\":\"sync\","
                  "\"eventType\":\"e\",\"functionId\":\"f\",\"path\":\"a\",\"method\":\"get\"}",
                  false, &object, &refusal),
        EG_OK);
    ASSERT_STR(object->space, "space1");
    ASSERT_STR(object->as.subscription.path, "/a");
    ASSERT_STR(object->id, "c3luYyxlLCUyRmEsR0VU");
    gw_object_unref(object);
}

static void the_rules_are_those_of_the_config_api(void) {
    check_refused("{\"kind\":\"cors\",\"method\":\"GET\",\"path\":\"x\"}",
                  "CORS configuration doesn't validate. Validation error: Key: 'CORS.Path' "
                  "Error:Field validation for 'Path' failed on the 'path' tag");
    check_refused("{\"kind\":\"eventtype\",\"name\":7}",
                  "Event Type doesn't validate. Validation error: json: cannot unmarshal number "
                  "into Go struct field Type.name of type string");
    check_refused("{\"kind\":\"eventtype\",\"space\":3,\"name\":\"e\"}",
                  "Event Type doesn't validate. Validation error: json: cannot unmarshal number "
                  "into Go struct field Type.space of type string");
}

static void an_identifier_that_is_not_the_derived_one_is_refused(void) {
    check_refused("{\"kind\":\"cors\",\"corsId\":\"mine\",\"method\":\"GET\",\"path\":\"/x\"}",
                  "CORS configuration doesn't validate. Validation error: 'corsId' follows from "
                  "the other fields: it has to be 'GET%2Fx', or left out");
}

static void what_exists_may_have_a_name_that_cannot_be_created(void) {
    static const char json[] = "{\"kind\":\"eventtype\",\"name\":\"a/b\"}";
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    CU_ASSERT(object_of(json, false, &object, &refusal) < 0);
    CU_ASSERT_EQUAL_FATAL(object_of(json, true, &object, &refusal), EG_OK);
    ASSERT_STR(object->id, "a/b");
    gw_object_unref(object);
}

/* ---- writing ---- */

static void check_written_again(const char *json, const char *yaml) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    struct gw_bytes out;
    CU_ASSERT_EQUAL_FATAL(object_of(json, false, &object, &refusal), EG_OK);
    gw_bytes_init(&out, 0);
    gw_document_write(&out, object, (struct eg_str){0}, GW_DOCUMENT_JSON);
    ASSERT_STR(gw_bytes_str(&out), json);
    gw_bytes_clear(&out);
    gw_document_write(&out, object, (struct eg_str){0}, GW_DOCUMENT_YAML);
    ASSERT_STR(gw_bytes_str(&out), yaml);
    read_text(gw_bytes_str(&out), GW_DOCUMENT_YAML);
    CU_ASSERT_EQUAL_FATAL(documents.count, 1);
    CU_ASSERT_TRUE(
        gw_str_eq(documents.items[0].json, gw_str_sub(gw_str_c(json), 0, strlen(json) - 1)));
    gw_object_unref(object);
    gw_bytes_free(&out);
}

static void objects_are_written_as_they_are_read(void) {
    check_written_again("{\"kind\":\"function\",\"space\":\"default\",\"functionId\":\"f\","
                        "\"type\":\"http\",\"provider\":{\"url\":\"http://a/\",\"n\":[1,\"1\"]},"
                        "\"metadata\":{\"build\":\"1.10\",\"on\":\"no\"}}\n",
                        "---\nkind: function\nspace: default\nfunctionId: f\ntype: http\n"
                        "provider:\n  url: http://a/\n  \"n\":\n  - 1\n  - \"1\"\n"
                        "metadata:\n  build: \"1.10\"\n  \"on\": \"no\"\n");
}

static void a_masked_form_takes_the_place_of_the_provider(void) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    struct gw_bytes out;
    CU_ASSERT_EQUAL_FATAL(object_of(FUNCTION, false, &object, &refusal), EG_OK);
    gw_bytes_init(&out, 0);
    gw_document_write(&out, object, GW_STR("{\"key\":\"*****\"}"), GW_DOCUMENT_JSON);
    ASSERT_STR(gw_bytes_str(&out), "{\"kind\":\"function\",\"space\":\"default\","
                                   "\"functionId\":\"f\",\"type\":\"http\","
                                   "\"provider\":{\"key\":\"*****\"}}\n");
    gw_bytes_free(&out);
    gw_object_unref(object);
}

static void kinds_have_two_words(void) {
    struct eg_why why = {.struct_size = sizeof why};
    enum gw_kind kind = GW_KINDS;
    CU_ASSERT_EQUAL(gw_document_kind(GW_STR("cors"), &kind, &why), EG_OK);
    CU_ASSERT_EQUAL(kind, GW_CORS);
    CU_ASSERT_EQUAL(gw_document_kind(GW_STR("eventtypes"), &kind, &why), EG_OK);
    CU_ASSERT_EQUAL(gw_document_kind(GW_STR("eventtype"), &kind, &why), EG_OK);
    CU_ASSERT_EQUAL(kind, GW_EVENTTYPE);
    CU_ASSERT_EQUAL(gw_document_kind(GW_STR("event"), &kind, &why), EG_E_NOTFOUND);
}

static void end(void) {
    gw_documents_free(&documents);
    CU_ASSERT_EQUAL(documents.count, 0);
}

UNIT_MAIN(UNIT(json_lines_are_documents_with_their_lines),
          UNIT(json_values_may_span_lines_and_share_one), UNIT(yaml_documents_are_read_alike),
          UNIT(all_that_is_wrong_is_told_with_its_line), UNIT(errors_of_yaml_have_their_lines_too),
          UNIT(fields_that_nobody_knows_are_warnings), UNIT(what_is_no_text_is_refused),
          UNIT(nesting_without_end_is_refused_quickly),
          UNIT(a_file_of_nothing_but_errors_is_given_up),
          UNIT(the_format_is_guessed_by_name_and_then_by_content),
          UNIT(a_document_becomes_its_object), UNIT(the_rules_are_those_of_the_config_api),
          UNIT(an_identifier_that_is_not_the_derived_one_is_refused),
          UNIT(what_exists_may_have_a_name_that_cannot_be_created),
          UNIT(objects_are_written_as_they_are_read),
          UNIT(a_masked_form_takes_the_place_of_the_provider), UNIT(kinds_have_two_words),
          UNIT(end))
