/* batch.c: what waits, what leaves together, and that nothing overtakes. */
#include "fake_calls.h"

#define STREAM "{\"streamName\":\"s\",\"region\":\"r\"}"
#define OK_ONE "{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}"

static size_t put(const char *id, const char *key) {
    char event[256];
    (void)snprintf(event, sizeof event, "{\"id\":\"%s\",\"partitionkey\":\"%s\"}", id, key);
    struct eg_event *made = egx_fake_event(rig.fake, event);
    return rig_invoke(rig.host->event->json(made, EG_CE_AS_RECEIVED).ptr);
}

/* PartitionKeys of a call, in order, as "a,b,". */
static struct eg_str keys(size_t index) {
    static char text[1024];
    size_t used = 0;
    const char *at = calls.sent[index]->body;
    for (at = strstr(at, "PartitionKey\":\""); at != NULL; at = strstr(at, "PartitionKey\":\"")) {
        at += strlen("PartitionKey\":\"");
        const size_t len = strcspn(at, "\"");
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s,", (int)len, at);
    }
    return egx_str_n(text, used);
}

static void answer_all(size_t index, size_t count) {
    char body[4096];
    size_t used = (size_t)snprintf(body, sizeof body, "{\"FailedRecordCount\":0,\"Records\":[");
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(body + used, sizeof body - used,
                                 "%s{\"SequenceNumber\":\"%zu\",\"ShardId\":\"s\"}",
                                 i == 0 ? "" : ",", i);
    }
    (void)snprintf(body + used, sizeof body - used, "]}");
    calls_answer(index, 200, NULL, count == 1 ? OK_ONE : body);
}

static void a_single_event_goes_out_at_once_without_linger(void) {
    rig_begin("awskinesis", NULL, STREAM);
    put("1", "a");
    CU_ASSERT_EQUAL(calls.count, 1);
    put("2", "b");
    CU_ASSERT_EQUAL(calls.count, 2);
    answer_all(1, 1);
    answer_all(0, 1);
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_ACCEPTED);
    CU_ASSERT_EQUAL(rig_class(1), EG_CALL_ACCEPTED);
    rig_end();
}

static void events_of_a_key_wait_for_the_one_on_the_wire_and_leave_together(void) {
    rig_begin("awskinesis", NULL, STREAM);
    put("1", "a");
    put("2", "a");
    put("3", "b"); /* another key is not held up */
    put("4", "a");
    CU_ASSERT_EQUAL(calls.count, 2);
    ASSERT_STR(keys(1), "b,");
    answer_all(1, 1);
    CU_ASSERT_EQUAL(calls.count, 2);
    answer_all(0, 1);
    CU_ASSERT_EQUAL(calls.count, 3);
    ASSERT_STR(calls.sent[2]->request.target, "Kinesis_20131202.PutRecords");
    ASSERT_STR(keys(2), "a,a,");
    answer_all(2, 2);
    ASSERT_STR(rig_body(1), "{\"sequenceNumber\":\"0\",\"shardId\":\"s\"}");
    ASSERT_STR(rig_body(3), "{\"sequenceNumber\":\"1\",\"shardId\":\"s\"}");
    rig_end();
}

static void a_failed_call_lets_the_next_of_its_key_go(void) {
    rig_begin("awskinesis", NULL, STREAM);
    put("1", "a");
    put("2", "a");
    calls_fail(0, 400, "ThrottlingException", 3000000000u);
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_THROTTLED);
    CU_ASSERT_EQUAL(rig_op(0)->result.retry_after_ns, 3000000000u);
    CU_ASSERT_EQUAL(calls.count, 2);
    calls_error(1, EG_E_TIMEOUT, "timed out");
    CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_TIMEOUT);
    rig_end();
}

static void lingering_events_leave_when_the_time_is_over(void) {
    rig_begin("awskinesis", "{\"batch_linger\":\"10ms\"}", STREAM);
    put("1", "a");
    egx_fake_advance(rig.fake, 6000000);
    egx_fake_run(rig.fake);
    put("2", "b");
    put("3", "a");
    CU_ASSERT_EQUAL(calls.count, 0);
    egx_fake_advance(rig.fake, 4000000); /* 10 ms since the first */
    egx_fake_run(rig.fake);
    CU_ASSERT_EQUAL(calls.count, 1);
    ASSERT_STR(keys(0), "a,b,a,");
    answer_all(0, 3);
    put("4", "a"); /* waits anew */
    CU_ASSERT_EQUAL(calls.count, 1);
    egx_fake_advance(rig.fake, 10000000);
    egx_fake_run(rig.fake);
    ASSERT_STR(calls.sent[1]->request.target, "Kinesis_20131202.PutRecord");
    answer_all(1, 1);
    rig_end();
}

static void a_full_batch_does_not_wait(void) {
    rig_begin("awskinesis", "{\"batch_linger\":\"1s\",\"batch_max\":2}", STREAM);
    put("1", "a");
    put("2", "b");
    CU_ASSERT_EQUAL(calls.count, 1);
    put("3", "c");
    CU_ASSERT_EQUAL(calls.count, 1);
    answer_all(0, 2);
    egx_fake_advance(rig.fake, 1000000000);
    egx_fake_run(rig.fake);
    CU_ASSERT_EQUAL(calls.count, 2);
    answer_all(1, 1);
    rig_end();
}

static void what_does_not_fit_into_a_call_is_not_overtaken(void) {
    static char event[1100 * 1024];
    rig_begin("awssqs", "{\"batch_linger\":\"1s\",\"batch_max\":10}",
              "{\"queueUrl\":\"q.fifo\",\"region\":\"r\",\"messageGroupId\":\"g\"}");
    put("1", "x");
    const int head = snprintf(event, sizeof event, "{\"id\":\"2\",\"data\":\"");
    memset(event + head, 'x', 1024 * 1024 - 30);
    (void)snprintf(event + head + 1024 * 1024 - 30, 8, "\"}");
    rig_invoke(event);
    put("3", "x");
    egx_fake_advance(rig.fake, 1000000000);
    egx_fake_run(rig.fake);
    CU_ASSERT_EQUAL(calls.count, 1); /* one group: one call on the wire */
    ASSERT_STR(calls.sent[0]->request.target, "AmazonSQS.SendMessage");
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[0]->body, "\"MessageDeduplicationId\":\"1\""));
    calls_error(0, EG_E_IO, "x");
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[1]->body, "\"MessageDeduplicationId\":\"2\""));
    CU_ASSERT_PTR_NULL(strstr(calls.sent[1]->body, "\"MessageDeduplicationId\":\"3\""));
    calls_error(1, EG_E_IO, "x");
    CU_ASSERT_PTR_NOT_NULL(strstr(calls.sent[2]->body, "\"MessageDeduplicationId\":\"3\""));
    calls_error(2, EG_E_IO, "x");
    rig_end();
}

static void records_of_a_batch_fail_alone(void) {
    rig_begin("awskinesis", "{\"batch_linger\":\"1ms\",\"batch_max\":3}", STREAM);
    put("1", "a");
    put("2", "b");
    put("3", "c");
    calls_answer(0, 200, NULL,
                 "{\"FailedRecordCount\":2,\"Records\":[{\"ErrorCode\":"
                 "\"ProvisionedThroughputExceededException\",\"ErrorMessage\":\"Rate exceeded\"},"
                 "{\"SequenceNumber\":\"9\",\"ShardId\":\"s\"},"
                 "{\"ErrorCode\":\"InternalFailure\",\"ErrorMessage\":\"x\"}]}");
    CU_ASSERT_EQUAL(rig_class(0), EG_CALL_THROTTLED);
    ASSERT_STR(rig_message(0), "ProvisionedThroughputExceededException: Rate exceeded");
    CU_ASSERT_EQUAL(rig_class(1), EG_CALL_ACCEPTED);
    CU_ASSERT_EQUAL(rig_class(2), EG_CALL_TRANSIENT);
    rig_end();
}

static void an_answer_for_a_batch_that_cannot_be_read_is_no_success(void) {
    static const char *const bodies[] = {
        "", "{", "[]", "{}", "{\"Records\":7}", "{\"Records\":[]}", "{\"Records\":[null,[]]}"};
    for (size_t i = 0; i < EGX_COUNT(bodies); i++) {
        rig_begin("awskinesis", "{\"batch_linger\":\"1ms\",\"batch_max\":2}", STREAM);
        put("1", "a");
        put("2", "b");
        calls_answer(0, 200, NULL, bodies[i]);
        CU_ASSERT_EQUAL(rig_op(0)->status, EG_E_PROTO);
        CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_PROTO);
        rig_end();
    }
}

static void a_waiting_event_can_be_canceled(void) {
    rig_begin("awskinesis", "{\"batch_linger\":\"1s\"}", STREAM);
    put("1", "a");
    put("2", "b");
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[0].pub);
    CU_ASSERT_EQUAL(rig_op(0)->status, EG_E_CANCELED);
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[1].pub); /* the queue is empty then */
    CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_CANCELED);
    egx_fake_advance(rig.fake, 2000000000);
    egx_fake_run(rig.fake);
    CU_ASSERT_EQUAL(calls.count, 0);
    rig_end();
}

static void a_call_is_canceled_when_nobody_wants_any_of_it(void) {
    rig_begin("awskinesis", "{\"batch_linger\":\"1s\",\"batch_max\":2}", STREAM);
    put("1", "a");
    put("2", "b");
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[0].pub);
    CU_ASSERT_EQUAL(calls.sent[0]->is_canceled, 0);
    CU_ASSERT_EQUAL(rig_op(0)->done_count, 0);
    rig.ops->cancel(rig.instance, rig.slot, &rig.done[1].pub);
    CU_ASSERT_EQUAL(calls.sent[0]->is_canceled, 1);
    calls_error(0, EG_E_CANCELED, "canceled");
    CU_ASSERT_EQUAL(rig_op(1)->status, EG_E_CANCELED);
    rig_end();
}

static void calls_that_cannot_be_begun_fail_and_hold_nothing_up(void) {
    rig_begin("awskinesis", NULL, STREAM);
    calls.refuse_with = EG_E_INVAL;
    CU_ASSERT_EQUAL(rig_class(put("1", "a")), EG_CALL_PERMANENT);
    calls.refuse_with = EG_E_BUSY;
    CU_ASSERT_EQUAL(rig_class(put("2", "a")), EG_CALL_TRANSIENT);
    calls.refuse_with = 0;
    put("3", "a");
    answer_all(0, 1);
    CU_ASSERT_EQUAL(rig_class(2), EG_CALL_ACCEPTED);
    rig_end();
}

UNIT_MAIN(UNIT(a_single_event_goes_out_at_once_without_linger),
          UNIT(events_of_a_key_wait_for_the_one_on_the_wire_and_leave_together),
          UNIT(a_failed_call_lets_the_next_of_its_key_go),
          UNIT(lingering_events_leave_when_the_time_is_over), UNIT(a_full_batch_does_not_wait),
          UNIT(what_does_not_fit_into_a_call_is_not_overtaken), UNIT(records_of_a_batch_fail_alone),
          UNIT(an_answer_for_a_batch_that_cannot_be_read_is_no_success),
          UNIT(a_waiting_event_can_be_canceled),
          UNIT(a_call_is_canceled_when_nobody_wants_any_of_it),
          UNIT(calls_that_cannot_be_begun_fail_and_hold_nothing_up))
