/* sqs.c and md5.c: messages of standard and FIFO queues, and the checksum of the answer. */
#include "fake_calls.h"
#include "md5.h"

#define QUEUE "{\"queueUrl\":\"https://sqs.test/1/q\",\"region\":\"eu-west-1\"}"
#define FIFO "{\"queueUrl\":\"https://sqs.test/1/q.fifo\",\"region\":\"eu-west-1\"}"
#define EVENT "{\"id\":\"7\"}"
#define EVENT_MD5 "a6c1961c0b57bbb8b4c803001a85ed50"

static void md5_is_that_of_the_rfc(void) {
    static const struct {
        const char *text;
        const char *hex;
    } rows[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    char hex[AWS_MD5_HEX];
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        aws_md5_hex(egx_str_c(rows[i].text), hex);
        ASSERT_STR(egx_str_n(hex, sizeof hex), rows[i].hex);
    }
}

static void a_message_of_a_standard_queue_has_no_group(void) {
    rig_begin("awssqs", NULL, QUEUE);
    rig_invoke(EVENT);
    ASSERT_STR(calls.sent[0]->request.service, "sqs");
    ASSERT_STR(calls.sent[0]->request.target, "AmazonSQS.SendMessage");
    ASSERT_STR(calls.sent[0]->request.content_type, "application/x-amz-json-1.0");
    ASSERT_STR(
        calls.sent[0]->request.body,
        "{\"QueueUrl\":\"https://sqs.test/1/q\",\"MessageBody\":\"{\\\"id\\\":\\\"7\\\"}\"}");
    calls_answer(0, 200, NULL, "{\"MessageId\":\"m-1\",\"MD5OfMessageBody\":\"" EVENT_MD5 "\"}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_ACCEPTED);
    ASSERT_STR(rig_body(0), "{\"messageId\":\"m-1\"}");
    rig_end();
}

static void another_md5_is_no_success(void) {
    static const char *const bodies[] = {
        "{\"MessageId\":\"m\",\"MD5OfMessageBody\":\"d41d8cd98f00b204e9800998ecf8427e\"}",
        "{\"MessageId\":\"m\",\"MD5OfMessageBody\":7}",
        "{\"MessageId\":\"m\"}",
        "{\"MD5OfMessageBody\":\"" EVENT_MD5 "\"}",
    };
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        rig_begin("awssqs", NULL, QUEUE);
        rig_invoke(EVENT);
        calls_answer(0, 200, NULL, bodies[i]);
        CU_ASSERT_EQUAL(rig_op(0)->status, EG_E_PROTO);
        CU_ASSERT_EQUAL(rig_class(0), EG_CALL_TRANSIENT);
        rig_end();
    }
}

static void a_fifo_queue_gets_group_and_deduplication_id(void) {
    rig_begin("awssqs", NULL, FIFO);
    rig_invoke("{\"id\":\"7\",\"subject\":\"s\",\"partitionkey\":\"pk\"}");
    rig_invoke("{\"id\":\"a b\",\"subject\":\"s\"}"); /* no blank in a deduplication id */
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[0]->body, ",\"MessageGroupId\":\"pk\","
                                                       "\"MessageDeduplicationId\":\"7\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[1]->body,
                                  ",\"MessageGroupId\":\"s\",\"MessageDeduplicationId\":"
                                  "\"0cc9cd4dd26c5137b675a0d819cb9ab0\"}"));
    calls_error(0, EG_E_IO, "x");
    calls_error(1, EG_E_IO, "x");
    rig_end();
}

static void a_configured_group_is_that_of_all_messages(void) {
    rig_begin("awssqs", NULL,
              "{\"queueUrl\":\"https://sqs.test/1/q\",\"region\":\"r\",\"messageGroupId\":\"g\"}");
    rig_invoke("{\"id\":\"7\",\"partitionkey\":\"pk\"}");
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[0]->body, ",\"MessageGroupId\":\"g\"}"));
    calls_error(0, EG_E_IO, "x");
    rig_end();
}

static void messages_that_sqs_cannot_take_are_not_sent(void) {
    rig_begin("awssqs", NULL, QUEUE);
    CU_ASSERT_EQUAL(rig_class(rig_invoke_bytes(0)), EG_CALL_PERMANENT);
    CU_ASSERT_EQUAL(rig_class(rig_invoke_bytes(1024 * 1024 + 1)), EG_CALL_PERMANENT);
    ASSERT_STR(rig_message(1), "the event counts 1048577 bytes, sqs takes at most 1048576");
    CU_ASSERT_EQUAL(calls.count, 0);
    rig_end();
}

/* One such message would make SQS refuse the others of its call. */
static void characters_that_sqs_refuses_fail_alone(void) {
    static const char *const bad[] = {"{\"id\":\"\xef\xbf\xbe\"}", "{\"id\":\"\xef\xbf\xbf\"}"};
    static const char *const good[] = {"{\"id\":\"\xef\xbf\xbd\"}", "{\"id\":\"\x7f\"}",
                                       "{\"id\":\t\"\xf0\x9f\x98\x80\"}\r\n"};
    rig_begin("awssqs", NULL, QUEUE);
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(rig_class(rig_invoke(bad[i])), EG_CALL_PERMANENT);
    }
    CU_ASSERT_EQUAL(calls.count, 0);
    for (size_t i = 0; i < EGX_COUNT(good); i++) {
        rig_invoke(good[i]);
        CU_ASSERT_EQUAL_FATAL(calls.count, i + 1);
        calls_error(i, EG_E_IO, "x");
    }
    rig_end();
}

static void answers_of_a_batch_are_found_by_id(void) {
    rig_begin("awssqs", "{\"batch_linger\":\"10ms\",\"batch_max\":4}", QUEUE);
    for (size_t i = 0; i < 4; i++) {
        rig_invoke(EVENT);
    }
    ASSERT_STR(calls.sent[0]->request.target, "AmazonSQS.SendMessageBatch");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(calls.sent[0]->body, "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"{"));
    calls_answer(
        0, 200, NULL,
        "{\"Failed\":[{\"Id\":\"3\",\"SenderFault\":true,\"Code\":\"InvalidMessageContents\","
        "\"Message\":\"no\"},{\"Id\":\"0\",\"SenderFault\":false,\"Code\":\"InternalError\"}],"
        "\"Successful\":[7,{\"Id\":\"2\",\"MessageId\":\"m2\",\"MD5OfMessageBody\":\"" EVENT_MD5
        "\"},{\"Id\":\"1\",\"MessageId\":\"m1\",\"MD5OfMessageBody\":\"" EVENT_MD5 "\"}]}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_TRANSIENT);
    ASSERT_STR(rig_body(1), "{\"messageId\":\"m1\"}");
    ASSERT_STR(rig_body(2), "{\"messageId\":\"m2\"}");
    CU_ASSERT_EQUAL(rig_class(3), EG_CALL_PERMANENT);
    ASSERT_STR(rig_message(3), "InvalidMessageContents: no");
    rig_end();
}

UNIT_MAIN(UNIT(md5_is_that_of_the_rfc), UNIT(a_message_of_a_standard_queue_has_no_group),
          UNIT(another_md5_is_no_success), UNIT(a_fifo_queue_gets_group_and_deduplication_id),
          UNIT(a_configured_group_is_that_of_all_messages),
          UNIT(messages_that_sqs_cannot_take_are_not_sent),
          UNIT(characters_that_sqs_refuses_fail_alone), UNIT(answers_of_a_batch_are_found_by_id))
