/*
 * Unit tests of the reader of activation records: real ones, and what a broken or hostile service
 * may send. Texts are copied into memory of their exact size, so that a sanitizer sees every step
 * beyond the end.
 */
#include <stdlib.h>

#include "record.h"
#include "unit.h"

static const char real[] =
    "{\"activationId\":\"44794bd6aab74415b4e42a308d880e5b\",\"annotations\":[{\"key\":\"path\","
    "\"value\":\"guest/hello\"}],\"duration\":5,\"end\":1518643192000,\"logs\":[\"} ] \\\" {\"],"
    "\"name\":\"hello\",\"namespace\":\"guest\",\"publish\":false,\"response\":{\"result\":"
    "{\"headers\":{\"a\":\"\\\"}\"},\"body\":\"x\"} ,\"size\":2,\"status\":\"success\",\"success\":"
    "true},\"start\":1518643191995,\"subject\":\"guest\",\"version\":\"0.0.1\"}\n";

static char *copy;

static int32_t read_bytes(const char *text, size_t len, struct record *ret_record) {
    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);
    *ret_record = (struct record){0};
    return record_read(egx_str_n(copy, len), ret_record);
}

static void a_real_record_gives_its_result_as_it_is(void) {
    struct record record;
    CU_ASSERT_EQUAL(read_bytes(real, sizeof real - 1, &record), EG_OK);
    ASSERT_STR(record.activation_id, "44794bd6aab74415b4e42a308d880e5b");
    ASSERT_STR(record.result, "{\"headers\":{\"a\":\"\\\"}\"},\"body\":\"x\"}");
    ASSERT_STR(record.status, "success");
    CU_ASSERT_EQUAL(record.has_response, 1);
    CU_ASSERT_EQUAL(record.call_class, EG_CALL_OK);
    free(copy);
}

static void no_prefix_of_a_record_is_one(void) {
    for (size_t len = 0; len < sizeof real - 2; len++) {
        struct record record;
        CU_ASSERT_EQUAL(read_bytes(real, len, &record), EG_E_PROTO);
        free(copy);
    }
}

static void what_is_no_object_is_no_record(void) {
    static const char *const texts[] = {"",         "null",        "[]",          "{",
                                        "{]",       "{\"a\"}",     "{\"a\":}",    "{\"a\":1,}x",
                                        "{\"a\":1", "{\"a\":\"\\", "{} {}",       "{a:1}",
                                        "}",        "{\"a\" 1}",   "{\"a\":1 2}", "{\"a\":]}"};
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        struct record record;
        CU_ASSERT_EQUAL(read_bytes(texts[i], strlen(texts[i]), &record), EG_E_PROTO);
        free(copy);
    }
    struct record record;
    CU_ASSERT_EQUAL(read_bytes("{\"a\":\0}", 7, &record), EG_E_PROTO);
    free(copy);
}

static void any_value_may_be_a_result(void) {
    static const char *const results[] = {"1",  "null",  "\"a\\\"b\"", "[1,{\"a\":[]}]",
                                          "{}", "-1.5e3"};
    for (size_t i = 0; i < EGX_COUNT(results); i++) {
        char text[200];
        struct record record;
        (void)snprintf(text, sizeof text,
                       " { \"response\" : { \"result\" : %s , \"success\" : true } } ", results[i]);
        CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &record), EG_OK);
        ASSERT_STR(record.result, results[i]);
        CU_ASSERT_EQUAL(record.call_class, EG_CALL_OK);
        free(copy);
    }
}

static void how_it_ended_is_told_by_the_status(void) {
    static const struct {
        const char *response;
        int32_t has_response;
        uint32_t call_class;
    } rows[] = {
        {"{\"status\":\"success\"}", 1, EG_CALL_OK},
        {"{\"status\":\"application error\",\"success\":true}", 1, EG_CALL_FUNCTION},
        {"{\"status\":\"action developer error\"}", 1, EG_CALL_FUNCTION},
        {"{\"status\":\"developer_error\"}", 1, EG_CALL_FUNCTION},
        {"{\"status\":\"whisk internal error\"}", 1, EG_CALL_TRANSIENT},
        {"{\"status\":\"new words\"}", 1, EG_CALL_FUNCTION},
        {"{\"success\":false}", 1, EG_CALL_FUNCTION},
        {"{\"success\":true}", 1, EG_CALL_OK},
        {"{\"result\":{}}", 0, EG_CALL_OK},
        {"[]", 0, EG_CALL_OK},
        {"7", 0, EG_CALL_OK},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        char text[200];
        struct record record;
        (void)snprintf(text, sizeof text, "{\"response\":%s}", rows[i].response);
        CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &record), EG_OK);
        CU_ASSERT_EQUAL(record.has_response, rows[i].has_response);
        CU_ASSERT_EQUAL(record.call_class, rows[i].call_class);
        free(copy);
    }
}

static void an_id_has_to_fit_into_a_path(void) {
    char id[66];
    memset(id, 'a', sizeof id);
    CU_ASSERT_TRUE(record_is_id(egx_str_n(id, 64)));
    CU_ASSERT_FALSE(record_is_id(egx_str_n(id, 65)));
    CU_ASSERT_FALSE(record_is_id(EGX_STR("")));
    CU_ASSERT_FALSE(record_is_id(EGX_STR("a/b")));
    CU_ASSERT_FALSE(record_is_id(EGX_STR("a?b")));
    CU_ASSERT_TRUE(record_is_id(EGX_STR("f81d4fae-7dec-11d0")));
}

static void a_million_brackets_need_no_stack(void) {
    enum { DEPTH = 1000000 };
    struct record record;
    char *text = malloc(DEPTH + 10);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', DEPTH);
    CU_ASSERT_EQUAL(read_bytes(text, DEPTH + 5, &record), EG_E_PROTO);
    free(copy);
    free(text);
}

UNIT_MAIN(UNIT(a_real_record_gives_its_result_as_it_is), UNIT(no_prefix_of_a_record_is_one),
          UNIT(what_is_no_object_is_no_record), UNIT(any_value_may_be_a_result),
          UNIT(how_it_ended_is_told_by_the_status), UNIT(an_id_has_to_fit_into_a_path),
          UNIT(a_million_brackets_need_no_stack))
