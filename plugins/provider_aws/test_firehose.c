/* firehose.c and json_build.c: the record, its newline, its acknowledgement. */
#include "fake_calls.h"
#include "json_build.h"

#define STREAM "{\"deliveryStreamName\":\"d\",\"region\":\"eu-west-1\"}"
#define LINES "{\"deliveryStreamName\":\"d\",\"region\":\"eu-west-1\",\"newline\":true}"

static void a_record_holds_the_event(void) {
    rig_begin("awsfirehose", NULL, STREAM);
    rig_invoke("{\"id\":\"7\"}");
    const struct aws_call_request *request = &calls.sent[0]->request;
    ASSERT_STR(request->service, "firehose");
    ASSERT_STR(request->target, "Firehose_20150804.PutRecord");
    ASSERT_STR(request->body,
               "{\"DeliveryStreamName\":\"d\",\"Record\":{\"Data\":\"eyJpZCI6IjcifQ==\"}}");
    calls_answer(0, 200, NULL, "{\"RecordId\":\"abc\",\"Encrypted\":false}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_ACCEPTED);
    ASSERT_STR(rig_body(0), "{\"recordId\":\"abc\"}");
    rig_end();
}

static void a_newline_is_part_of_the_record_and_not_a_second_base64(void) {
    rig_begin("awsfirehose", NULL, LINES);
    rig_invoke("{\"id\":\"7\"}");
    ASSERT_STR(calls.sent[0]->request.body,
               "{\"DeliveryStreamName\":\"d\",\"Record\":{\"Data\":\"eyJpZCI6IjcifQo=\"}}");
    calls_answer(0, 200, NULL, "{\"RecordId\":\"abc\"}");
    rig_end();
}

static void base64_there_and_back_is_the_same(void) {
    char bytes[8192];
    char back[8200];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7 + (i >> 8));
    }
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 3071, 3072, 3073, 3074, 8191, 8192};
    for (size_t i = 0; i < EGX_COUNT(lengths); i++) {
        for (int32_t newline = 0; newline < 2; newline++) {
            struct egx_json json = egx_json_begin();
            aws_json_base64(&json, egx_str_n(bytes, lengths[i]), newline);
            const struct eg_str text = egx_json_text(&json);
            const size_t len =
                aws_base64_decode(egx_str_n(text.ptr + 1, text.len - 2), back, sizeof back);
            CU_ASSERT_EQUAL(len, lengths[i] + (size_t)newline);
            CU_ASSERT_EQUAL((text.len - 2) % 4, 0);
            CU_ASSERT_EQUAL(memcmp(back, bytes, lengths[i]), 0);
            CU_ASSERT_TRUE(!newline || back[len - 1] == '\n');
            egx_json_free(&json);
        }
    }
}

static void a_record_of_1000_kib_goes_and_a_bigger_one_does_not(void) {
    rig_begin("awsfirehose", NULL, LINES);
    CU_ASSERT_EQUAL(rig_op(rig_invoke_bytes(1000 * 1024))->status, EG_E_TOOBIG); /* the newline */
    CU_ASSERT_EQUAL(calls.count, 0);
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_PERMANENT);
    CU_ASSERT_EQUAL(rig_op(rig_invoke_bytes(1000 * 1024 - 1))->status, EG_E_IO);
    CU_ASSERT_EQUAL(calls.count, 1);
    rig_end();
}

static void entries_of_a_batch_fail_alone(void) {
    rig_begin("awsfirehose", "{\"batch_linger\":\"10ms\",\"batch_max\":3}", STREAM);
    rig_invoke("{\"id\":\"1\"}");
    rig_invoke("{\"id\":\"2\"}");
    CU_ASSERT_EQUAL(calls.count, 0);
    rig_invoke("{\"id\":\"3\"}");
    CU_ASSERT_EQUAL(calls.count, 1);
    ASSERT_STR(calls.sent[0]->request.target, "Firehose_20150804.PutRecordBatch");
    ASSERT_STR(calls.sent[0]->request.body,
               "{\"DeliveryStreamName\":\"d\",\"Records\":[{\"Data\":\"eyJpZCI6IjEifQ==\"},"
               "{\"Data\":\"eyJpZCI6IjIifQ==\"},{\"Data\":\"eyJpZCI6IjMifQ==\"}]}");
    calls_answer(
        0, 200, NULL,
        "{\"FailedPutCount\":2,\"RequestResponses\":[{\"RecordId\":\"a\"},"
        "{\"ErrorCode\":\"ServiceUnavailableException\",\"ErrorMessage\":\"Slow down.\"}]}");
    ASSERT_STR(rig_body(0), "{\"recordId\":\"a\"}");
    CU_ASSERT_EQUAL(rig_class(1), EG_CALL_TRANSIENT);
    ASSERT_STR(rig_message(1), "ServiceUnavailableException: Slow down.");
    CU_ASSERT_EQUAL(rig_op(2)->status, EG_E_PROTO); /* the service forgot it */
    rig_end();
}

UNIT_MAIN(UNIT(a_record_holds_the_event),
          UNIT(a_newline_is_part_of_the_record_and_not_a_second_base64),
          UNIT(base64_there_and_back_is_the_same),
          UNIT(a_record_of_1000_kib_goes_and_a_bigger_one_does_not),
          UNIT(entries_of_a_batch_fail_alone))
