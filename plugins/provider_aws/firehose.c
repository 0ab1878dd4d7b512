/*
 * firehose.c - the component `awsfirehose` as data: PutRecord and PutRecordBatch, JSON 1.1. Loop
 * thread. A delivery stream has no order, so nothing waits for anything else.
 */
#include "batch.h"
#include "json_build.h"

/* Quotas of PutRecord and PutRecordBatch, before base64. */
#define MAX_RECORD_BYTES (1000u * 1024u)
#define MAX_CALL_BYTES (4u * 1024u * 1024u)

static struct eg_str name_of(const struct aws_target *target) {
    return target->settings->delivery_stream_name;
}

static int32_t prepare(const struct eg_host *host, const struct aws_target *target,
                       const struct eg_invocation *invocation, struct aws_key *ret_key,
                       struct eg_why *ret_why) {
    (void)host;
    (void)target;
    (void)invocation;
    (void)ret_why;
    ret_key->len = 0;
    return EG_OK;
}

static size_t cost(const struct aws_target *target, const struct aws_put *put) {
    return put->payload.len + (target->settings->newline != 0);
}

static void write_members(struct egx_json *json, const struct aws_target *target,
                          const struct aws_put *put) {
    egx_json_key(json, EGX_STR("Data"));
    aws_json_base64(json, put->payload, (int32_t)target->settings->newline);
}

static const struct eg_json *entry(const struct eg_host *host, const struct eg_json *root,
                                   size_t index) {
    struct eg_str name;
    const struct eg_json *entries = host->json->kind(root) == EG_JSON_OBJECT
                                        ? host->json->member(root, EGX_STR("RequestResponses"))
                                        : NULL;
    return host->json->kind(entries) == EG_JSON_ARRAY && index < host->json->count(entries)
               ? host->json->at(entries, index, &name)
               : NULL;
}

const struct aws_connector aws_firehose = {
    .component = EGX_STR_INIT("awsfirehose"),
    .service = EGX_STR_INIT("firehose"),
    .content_type = EGX_STR_INIT("application/x-amz-json-1.1"),
    .target_one = EGX_STR_INIT("Firehose_20150804.PutRecord"),
    .target_many = EGX_STR_INIT("Firehose_20150804.PutRecordBatch"),
    .head = EGX_STR_INIT("DeliveryStreamName"),
    .record = EGX_STR_INIT("Record"),
    .list = EGX_STR_INIT("Records"),
    .max_entries = 500,
    .max_entry_bytes = MAX_RECORD_BYTES,
    .max_call_bytes = MAX_CALL_BYTES,
    .code = EGX_STR_INIT("ErrorCode"),
    .message = EGX_STR_INIT("ErrorMessage"),
    .acks = {{EGX_STR_INIT("RecordId"), EGX_STR_INIT("recordId")}, {{NULL, 0}, {NULL, 0}}},
    .missing = "missing required fields for AWS Firehose function",
    .name_of = name_of,
    .prepare = prepare,
    .cost = cost,
    .write = write_members,
    .entry = entry,
};
