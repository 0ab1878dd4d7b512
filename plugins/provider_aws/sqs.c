/*
 * sqs.c - the component `awssqs` as data: SendMessage and SendMessageBatch, JSON 1.0. Loop thread.
 *
 * FIFO queues (their URL ends in .fifo) need a group, which is the ordering key, and deduplicate by
 * the event's id. The MD5 that the answer carries is compared with that of what was sent.
 */
#include "batch.h"
#include "json_build.h"
#include "md5.h"

/* Quota of a message, and of all messages of a call together. */
#define MAX_BYTES (1024u * 1024u)
#define MAX_ID_CHARS 128u /* of MessageGroupId and MessageDeduplicationId */

static struct eg_str name_of(const struct aws_target *target) {
    return target->settings->queue_url;
}

/* Letters, digits and punctuation of ASCII. */
static int32_t is_allowed(struct eg_str id) {
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~') {
            return 0;
        }
    }
    return id.len > 0 && id.len <= MAX_ID_CHARS;
}

/* XML 1.0 (2.2) without surrogates: #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF. */
static int32_t is_body(struct eg_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const int is_white = c == '\t' || c == '\n' || c == '\r';
        const int is_end = c == 0xef && text.len - i > 2 &&
                           (unsigned char)text.ptr[i + 1] == 0xbf &&
                           (unsigned char)text.ptr[i + 2] >= 0xbe; /* U+FFFE, U+FFFF */
        if ((c < 0x20 && !is_white) || is_end) {
            return 0;
        }
    }
    return text.len > 0 && aws_is_utf8(text);
}

static int32_t prepare(const struct eg_host *host, const struct aws_target *target,
                       const struct eg_invocation *invocation, struct aws_key *ret_key,
                       struct eg_why *ret_why) {
    if (!is_body(invocation->payload)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "a message has to be UTF-8 text of at least one character, without control "
                       "characters, U+FFFE and U+FFFF");
    }
    if (target->settings->message_group_id.len > 0) {
        aws_key_set(ret_key, target->settings->message_group_id, is_allowed);
    } else if (target->is_fifo) {
        aws_event_key(host, egx_str_n(NULL, 0), invocation, is_allowed, ret_key);
    }
    return EG_OK;
}

static size_t cost(const struct aws_target *target, const struct aws_put *put) {
    (void)target;
    return put->payload.len;
}

static void write_deduplication(struct egx_json *json, const struct aws_put *put) {
    struct aws_key id;
    aws_key_set(&id, put->event_id.len > 0 ? put->event_id : put->payload, is_allowed);
    aws_json_member(json, EGX_STR("MessageDeduplicationId"), egx_str_n(id.text, id.len));
}

static void write_members(struct egx_json *json, const struct aws_target *target,
                          const struct aws_put *put) {
    aws_json_member(json, EGX_STR("MessageBody"), put->payload);
    if (put->key.len > 0) {
        aws_json_member(json, EGX_STR("MessageGroupId"), put->key);
    }
    if (target->is_fifo) {
        write_deduplication(json, put);
    }
}

static const struct eg_json *find_id(const struct eg_json_api *json, const struct eg_json *list,
                                     struct eg_str id) {
    struct eg_str name;
    const size_t count = json->kind(list) == EG_JSON_ARRAY ? json->count(list) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct eg_json *item = json->at(list, i, &name);
        if (json->kind(item) == EG_JSON_OBJECT &&
            egx_str_eq(json->string(json->member(item, EGX_STR("Id"))), id)) {
            return item;
        }
    }
    return NULL;
}

/* Entries come back in two lists, in any order, each with the Id it was sent with. */
static const struct eg_json *entry(const struct eg_host *host, const struct eg_json *root,
                                   size_t index) {
    const struct eg_json_api *json = host->json;
    char text[24];
    const int len = snprintf(text, sizeof text, "%zu", index);
    const struct eg_str id = egx_str_n(text, len > 0 ? (size_t)len : 0);
    if (json->kind(root) != EG_JSON_OBJECT) {
        return NULL;
    }
    const struct eg_json *failed = find_id(json, json->member(root, EGX_STR("Failed")), id);
    return failed != NULL ? failed : find_id(json, json->member(root, EGX_STR("Successful")), id);
}

static int32_t verify(const struct eg_host *host, const struct eg_json *item,
                      const struct aws_put *put) {
    char hex[AWS_MD5_HEX];
    const struct eg_str told =
        host->json->string(host->json->member(item, EGX_STR("MD5OfMessageBody")));
    aws_md5_hex(put->payload, hex);
    return egx_str_eq_nocase(told, egx_str_n(hex, sizeof hex)) ? EG_OK : EG_E_PROTO;
}

const struct aws_connector aws_sqs = {
    .component = EGX_STR_INIT("awssqs"),
    .service = EGX_STR_INIT("sqs"),
    .content_type = EGX_STR_INIT("application/x-amz-json-1.0"),
    .target_one = EGX_STR_INIT("AmazonSQS.SendMessage"),
    .target_many = EGX_STR_INIT("AmazonSQS.SendMessageBatch"),
    .head = EGX_STR_INIT("QueueUrl"),
    .list = EGX_STR_INIT("Entries"),
    .has_entry_id = 1,
    .max_entries = 10,
    .max_entry_bytes = MAX_BYTES,
    .max_call_bytes = MAX_BYTES,
    .code = EGX_STR_INIT("Code"),
    .message = EGX_STR_INIT("Message"),
    .acks = {{EGX_STR_INIT("MessageId"), EGX_STR_INIT("messageId")}, {{NULL, 0}, {NULL, 0}}},
    .missing = "missing required fields for AWS SQS function",
    .name_of = name_of,
    .prepare = prepare,
    .cost = cost,
    .write = write_members,
    .entry = entry,
    .verify = verify,
};
