/*
 * kinesis.c - the component `awskinesis` as data: PutRecord and PutRecords, JSON 1.1. Loop thread.
 *
 * The key decides about the shard; records of one key are never on the wire in two calls at once.
 */
#include "batch.h"
#include "json_build.h"

#define MAX_KEY_CHARS 256u
/* Quotas of PutRecord and PutRecords, key included, before base64. */
#define MAX_BYTES (10u * 1024u * 1024u)

static struct eg_str name_of(const struct aws_target *target) {
    return target->settings->stream_name;
}

static int32_t is_allowed(struct eg_str key) {
    size_t chars = 0;
    for (size_t i = 0; i < key.len; i++) {
        chars += ((unsigned char)key.ptr[i] & 0xc0u) != 0x80u;
    }
    return chars > 0 && chars <= MAX_KEY_CHARS && aws_is_utf8(key);
}

static int32_t prepare(const struct eg_host *host, const struct aws_target *target,
                       const struct eg_invocation *invocation, struct aws_key *ret_key,
                       struct eg_why *ret_why) {
    (void)ret_why;
    aws_event_key(host, target->settings->partition_key_pointer, invocation, is_allowed, ret_key);
    return EG_OK;
}

static size_t cost(const struct aws_target *target, const struct aws_put *put) {
    (void)target;
    return put->payload.len + put->key.len;
}

static void write_members(struct egx_json *json, const struct aws_target *target,
                          const struct aws_put *put) {
    (void)target;
    egx_json_key(json, EGX_STR("Data"));
    aws_json_base64(json, put->payload, 0);
    aws_json_member(json, EGX_STR("PartitionKey"), put->key);
}

static const struct eg_json *entry(const struct eg_host *host, const struct eg_json *root,
                                   size_t index) {
    struct eg_str name;
    const struct eg_json *records = host->json->kind(root) == EG_JSON_OBJECT
                                        ? host->json->member(root, EGX_STR("Records"))
                                        : NULL;
    return host->json->kind(records) == EG_JSON_ARRAY && index < host->json->count(records)
               ? host->json->at(records, index, &name)
               : NULL;
}

const struct aws_connector aws_kinesis = {
    .component = EGX_STR_INIT("awskinesis"),
    .service = EGX_STR_INIT("kinesis"),
    .content_type = EGX_STR_INIT("application/x-amz-json-1.1"),
    .target_one = EGX_STR_INIT("Kinesis_20131202.PutRecord"),
    .target_many = EGX_STR_INIT("Kinesis_20131202.PutRecords"),
    .head = EGX_STR_INIT("StreamName"),
    .list = EGX_STR_INIT("Records"),
    .max_entries = 500,
    .max_entry_bytes = MAX_BYTES,
    .max_call_bytes = MAX_BYTES,
    .code = EGX_STR_INIT("ErrorCode"),
    .message = EGX_STR_INIT("ErrorMessage"),
    .acks = {{EGX_STR_INIT("SequenceNumber"), EGX_STR_INIT("sequenceNumber")},
             {EGX_STR_INIT("ShardId"), EGX_STR_INIT("shardId")}},
    .missing = "missing required fields for AWS Kinesis function",
    .name_of = name_of,
    .prepare = prepare,
    .cost = cost,
    .write = write_members,
    .entry = entry,
};
