/* kinesis.c and batch_key.c: the record, its key, its acknowledgement. */
#include "fake_calls.h"

#define STREAM "{\"streamName\":\"s\",\"region\":\"eu-west-1\"}"
#define POINTED                                                                                    \
    "{\"streamName\":\"s\",\"region\":\"eu-west-1\",\"partitionKeyPointer\":\"/data/users/1/"      \
    "a~1b\"}"

/* The partition key of one event. */
static void assert_key(const char *provider, const char *event, const char *key) {
    char wanted[1200];
    (void)snprintf(wanted, sizeof wanted, ",\"PartitionKey\":\"%s\"}", key);
    rig_begin("awskinesis", NULL, provider);
    rig_invoke(event);
    const char *found = strstr(calls.sent[0]->body, ",\"PartitionKey\":");
    CU_ASSERT_STRING_EQUAL(found == NULL ? "" : found, wanted);
    calls_answer(0, 200, NULL, "{\"SequenceNumber\":\"1\",\"ShardId\":\"x\"}");
    rig_end();
}

static void a_record_holds_the_event_and_its_key(void) {
    rig_begin("awskinesis", NULL, STREAM);
    rig_invoke("{\"id\":\"7\",\"source\":\"/s\"}");
    const struct aws_call_request *request = &calls.sent[0]->request;
    ASSERT_STR(request->service, "kinesis");
    ASSERT_STR(request->target, "Kinesis_20131202.PutRecord");
    ASSERT_STR(request->content_type, "application/x-amz-json-1.1");
    ASSERT_STR(request->path, "");
    ASSERT_STR(request->body, "{\"StreamName\":\"s\",\"Data\":\"eyJpZCI6IjciLCJzb3VyY2UiOiIvcyJ9\","
                              "\"PartitionKey\":\"/s\"}");
    calls_answer(0, 200, NULL, "{\"SequenceNumber\":\"495\",\"ShardId\":\"shardId-0\"}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_ACCEPTED);
    ASSERT_STR(rig_body(0), "{\"sequenceNumber\":\"495\",\"shardId\":\"shardId-0\"}");
    rig_end();
}

static void the_key_is_the_extension_then_the_pointer_then_attributes(void) {
    static const char *const all = "{\"id\":\"7\",\"source\":\"/s\",\"subject\":\"sub\","
                                   "\"partitionkey\":\"pk\","
                                   "\"data\":{\"users\":[0,{\"a/b\":\"point\"}]}}";
    assert_key(POINTED, all, "pk");
    assert_key(STREAM, all, "pk");
    assert_key(POINTED, all + 0, "pk");
    assert_key(POINTED,
               "{\"id\":\"7\",\"source\":\"/s\",\"data\":{\"users\":[0,{\"a/b\":\"point\"}]}}",
               "point");
    assert_key(POINTED, "{\"id\":\"7\",\"data\":{\"users\":[0,{\"a/b\":-12}]}}", "-12");
    assert_key(STREAM, "{\"id\":\"7\",\"source\":\"/s\",\"subject\":\"sub\"}", "sub");
    assert_key(STREAM, "{\"id\":\"7\",\"source\":\"/s\"}", "/s");
    assert_key(STREAM, "{\"id\":\"7\"}", "7");
    assert_key(STREAM, "{\"id\":\"7\",\"partitionkey\":5}", "5");
}

static void a_pointer_that_finds_no_text_is_passed_over(void) {
    static const char *const events[] = {
        "{\"id\":\"7\",\"data\":{\"users\":[0,{\"a/b\":{}}]}}",
        "{\"id\":\"7\",\"data\":{\"users\":[0,{\"a/b\":\"\"}]}}",
        "{\"id\":\"7\",\"data\":{\"users\":[0]}}",
        "{\"id\":\"7\",\"data\":{\"users\":\"x\"}}",
        "{\"id\":\"7\",\"data\":null}",
        "{\"id\":\"7\",\"partitionkey\":\"\"}",
        "{\"id\":\"7\",\"partitionkey\":{\"a\":1}}",
    };
    for (size_t i = 0; i < EGX_COUNT(events); i++) {
        assert_key(POINTED, events[i], "7");
    }
}

static void a_key_longer_than_256_characters_is_replaced_by_its_md5(void) {
    char event[1200];
    char key[600];
    memset(key, 'a', sizeof key);
    key[256] = '\0';
    (void)snprintf(event, sizeof event, "{\"id\":\"7\",\"subject\":\"%s\"}", key);
    assert_key(STREAM, event, key);
    key[256] = 'a';
    key[257] = '\0';
    (void)snprintf(event, sizeof event, "{\"id\":\"7\",\"subject\":\"%s\"}", key);
    assert_key(STREAM, event, "b7958df91b9413477491e9b6e27f1bac");
    for (size_t i = 0; i < 512; i += 2) {
        memcpy(key + i, "\xc3\xa9", 2); /* 256 characters of two bytes */
    }
    key[512] = '\0';
    (void)snprintf(event, sizeof event, "{\"id\":\"7\",\"subject\":\"%s\"}", key);
    assert_key(STREAM, event, key);
}

static void failures_have_their_class_and_no_text_for_the_caller(void) {
    static const struct {
        const char *code;
        uint32_t status;
        uint32_t call_class;
    } rows[] = {
        {"ProvisionedThroughputExceededException", 400, EG_CALL_THROTTLED},
        {"KMSThrottlingException", 400, EG_CALL_THROTTLED},
        {"InternalFailureException", 500, EG_CALL_TRANSIENT},
        {"ResourceNotFoundException", 400, EG_CALL_PERMANENT},
        {"AccessDeniedException", 400, EG_CALL_AUTH},
    };
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        rig_begin("awskinesis", NULL, STREAM);
        rig_invoke("{\"id\":\"7\"}");
        calls_fail(0, rows[i].status, rows[i].code, 0);
        CU_ASSERT_EQUAL(rig_class(0), rows[i].call_class);
        ASSERT_STR(rig_op(0)->result.client_text, "");
        ASSERT_STR(rig_body(0), "");
        rig_end();
    }
}

static void an_answer_that_is_none_is_no_success(void) {
    static const char *const bodies[] = {
        "",      "not JSON",           "{}", "[]", "null", "{\"SequenceNumber\":7}",
        "\"x\"", "{\"ShardId\":\"s\"}"};
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        rig_begin("awskinesis", NULL, STREAM);
        rig_invoke("{\"id\":\"7\"}");
        calls_answer(0, 200, NULL, bodies[i]);
        CU_ASSERT_EQUAL(rig_class(0), EG_CALL_TRANSIENT);
        CU_ASSERT_EQUAL(rig_op(0)->status, EG_E_PROTO);
        rig_end();
    }
}

UNIT_MAIN(UNIT(a_record_holds_the_event_and_its_key),
          UNIT(the_key_is_the_extension_then_the_pointer_then_attributes),
          UNIT(a_pointer_that_finds_no_text_is_passed_over),
          UNIT(a_key_longer_than_256_characters_is_replaced_by_its_md5),
          UNIT(failures_have_their_class_and_no_text_for_the_caller),
          UNIT(an_answer_that_is_none_is_no_success))
