/*
 * target.c - what a function of each type may configure, and its check. Control thread.
 *
 * Fields and texts are those of chapter 8.1; what comes behind the credentials is ours. Beyond the
 * required fields nothing is checked that only the service can know (whether an ARN is one).
 */
#include <stdlib.h>

#include "batch.h"

/* Longer ones do not exist: a function's ARN has at most 256 characters. */
#define MAX_NAME_BYTES 2048u

#define TEXT(field, name, help)                                                                    \
    EGX_SETTING(aws_target_settings, field, name, EG_SET_STRING, 0, 0, 0, NULL, NULL, help)
#define NEEDED(field, name, help)                                                                  \
    EGX_SETTING(aws_target_settings, field, name, EG_SET_STRING, EG_SET_REQUIRED, 0, 0, NULL,      \
                NULL, help)
#define SECRET(field, name, help)                                                                  \
    EGX_SETTING(aws_target_settings, field, name, EG_SET_SECRET, 0, 0, 0, NULL, NULL, help)
#define ROW(field) EGX_ROW(aws_target_settings, field)

NEEDED(arn, "arn", "the function: ARN, partial ARN (account:function:name), name, or name:alias");
NEEDED(stream_name, "streamName", "the stream that gets the events");
NEEDED(delivery_stream_name, "deliveryStreamName", "the delivery stream that gets the events");
NEEDED(queue_url, "queueUrl", "URL of the queue; one that ends in .fifo is a FIFO queue");
NEEDED(region, "region", "AWS region, as eu-west-1");
TEXT(access_key_id, "awsAccessKeyId", "access key; without it the usual chain of credentials");
SECRET(secret_access_key, "awsSecretAccessKey", "its secret");
SECRET(session_token, "awsSessionToken", "of temporary credentials");
TEXT(profile, "profile", "profile of the shared files; default: AWS_PROFILE, then default");
TEXT(endpoint, "endpoint", "http:// or https:// address to call instead of the service's own");
TEXT(qualifier, "qualifier", "version or alias to call");
EGX_SETTING(aws_target_settings, invocation_type, "invocationType", EG_SET_STRING, 0, 0, 0,
            "RequestResponse", "RequestResponse|Event",
            "Event hands the event off: Lambda queues it, its result is lost");
EGX_SETTING(aws_target_settings, timeout_ns, "timeout", EG_SET_DURATION, 0, 0, 900000000000, NULL,
            NULL, "for one call, up to 15m; default: the gateway's function timeout");
TEXT(partition_key_pointer, "partitionKeyPointer",
     "JSON pointer into the event to the partition key, when there is no extension partitionkey");
EGX_SETTING(aws_target_settings, newline, "newline", EG_SET_BOOL, 0, 0, 0, NULL, NULL,
            "end every record with a line feed");
TEXT(message_group_id, "messageGroupId",
     "group of all messages; default for FIFO queues: as the "
     "partition key of a stream");

const struct eg_setting *const aws_lambda_rows[AWS_LAMBDA_ROWS] = {
    ROW(arn),     ROW(region),   ROW(access_key_id), ROW(secret_access_key), ROW(session_token),
    ROW(profile), ROW(endpoint), ROW(qualifier),     ROW(invocation_type),   ROW(timeout_ns),
};
const struct eg_setting *const aws_kinesis_rows[AWS_KINESIS_ROWS] = {
    ROW(stream_name),   ROW(region),  ROW(access_key_id), ROW(secret_access_key),
    ROW(session_token), ROW(profile), ROW(endpoint),      ROW(partition_key_pointer),
    ROW(timeout_ns),
};
const struct eg_setting *const aws_firehose_rows[AWS_FIREHOSE_ROWS] = {
    ROW(delivery_stream_name), ROW(region),  ROW(access_key_id), ROW(secret_access_key),
    ROW(session_token),        ROW(profile), ROW(endpoint),      ROW(newline),
    ROW(timeout_ns),
};
const struct eg_setting *const aws_sqs_rows[AWS_SQS_ROWS] = {
    ROW(queue_url),         ROW(region),           ROW(access_key_id),
    ROW(secret_access_key), ROW(session_token),    ROW(profile),
    ROW(endpoint),          ROW(message_group_id), ROW(timeout_ns),
};

/* What holds for all four. */
static int32_t check_common(const struct aws_target_settings *s, struct eg_str name,
                            const char *missing, struct eg_why *ret_why) {
    struct aws_url url;
    if (name.len == 0 || s->region.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "%s", missing);
    }
    if (name.len > MAX_NAME_BYTES) {
        return egx_why(ret_why, EG_E_INVAL, "%.20s... is longer than %u bytes", name.ptr,
                       MAX_NAME_BYTES);
    }
    if (s->endpoint.len > 0 && aws_url_parse(s->endpoint, &url) < 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "endpoint has to be an http:// or https:// address without query, and is "
                       "not \"%.*s\"",
                       EGX_FMT(s->endpoint));
    }
    return EG_OK;
}

static int32_t make(struct aws_instance *instance, const struct aws_target_settings *s,
                    struct aws_target **ret_target, struct eg_why *ret_why) {
    const struct aws_source_config config = {
        .keys = {s->access_key_id, s->secret_access_key, s->session_token},
        .profile = s->profile,
    };
    struct aws_source *source = NULL;
    const int32_t rc = aws_source_new(instance->cache, &config, &source, ret_why);
    if (rc < 0) {
        return rc;
    }
    struct aws_target *target = instance->host->mem->alloc(instance->host, sizeof *target);
    target->magic = AWS_TARGET_MAGIC;
    target->settings = s;
    target->source = source;
    *ret_target = target;
    return EG_OK;
}

void aws_target_unbind(void *instance, void *target) {
    const struct aws_instance *i = instance;
    struct aws_target *t = target;
    aws_source_free(t->source);
    i->host->mem->free(i->host, t->path);
    t->magic = 0;
    i->host->mem->free(i->host, t);
}

/* ---- Lambda ---- */

/* "/2015-03-31/functions/<escaped>/invocations", and behind its NUL "Qualifier=<escaped>". */
static void write_path(const struct eg_host *host, struct aws_target *target) {
    static const char before[] = "/2015-03-31/functions/";
    static const char after[] = "/invocations";
    static const char query[] = "Qualifier=";
    const struct aws_target_settings *s = target->settings;
    const size_t arn_room = 3 * s->arn.len;
    const size_t qualifier_room = 3 * s->qualifier.len;
    char *text = host->mem->alloc(host, sizeof before + arn_room + sizeof after + sizeof query +
                                            qualifier_room);
    memcpy(text, before, sizeof before - 1);
    size_t used = sizeof before - 1;
    used += aws_uri_escape(s->arn, text + used, arn_room);
    memcpy(text + used, after, sizeof after);
    used += sizeof after;
    target->path = text;
    if (s->qualifier.len > 0) {
        char *at = text + used;
        memcpy(at, query, sizeof query - 1);
        const size_t len = aws_uri_escape(s->qualifier, at + sizeof query - 1, qualifier_room);
        target->query = egx_str_n(at, sizeof query - 1 + len);
    }
}

int32_t aws_lambda_bind(void *instance, const void *config, void **ret_target,
                        struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    struct aws_instance *i = instance;
    const struct aws_target_settings *s = config;
    struct aws_target *target = NULL;
    int32_t rc =
        check_common(s, s->arn, "missing required fields for AWS Lambda function", ret_why);
    const int is_event = egx_str_eq(s->invocation_type, EGX_STR("Event"));
    if (rc >= 0 && !is_event && s->invocation_type.len > 0 &&
        !egx_str_eq(s->invocation_type, EGX_STR("RequestResponse"))) {
        rc = egx_why(ret_why, EG_E_INVAL,
                     "invocationType has to be RequestResponse or Event, and is not \"%.*s\"",
                     EGX_FMT(s->invocation_type));
    }
    if (rc >= 0) {
        rc = make(i, s, &target, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    target->is_event = (uint32_t)is_event;
    write_path(i->host, target);
    ret_traits->timeout_ns = s->timeout_ns;
    *ret_target = target;
    return EG_OK;
}

/* ---- connectors ---- */

static int is_fifo(struct eg_str queue_url) {
    return queue_url.len > 5 &&
           egx_str_eq(egx_str_cut(queue_url, queue_url.len - 5), EGX_STR(".fifo"));
}

int32_t aws_connector_bind(void *instance, const void *config, void **ret_target,
                           struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    struct aws_instance *i = instance;
    const struct aws_target_settings *s = config;
    const struct aws_target probe = {.settings = s};
    struct aws_target *target = NULL;
    int32_t rc = check_common(s, i->connector->name_of(&probe), i->connector->missing, ret_why);
    if (rc >= 0 && aws_pointer_check(s->partition_key_pointer) < 0) {
        rc = egx_why(ret_why, EG_E_INVAL,
                     "partitionKeyPointer has to be a JSON pointer as /data/user, and is not "
                     "\"%.*s\"",
                     EGX_FMT(s->partition_key_pointer));
    }
    if (rc >= 0) {
        rc = make(i, s, &target, ret_why);
    }
    if (rc < 0) {
        return rc;
    }
    target->is_fifo = (uint32_t)is_fifo(s->queue_url);
    ret_traits->timeout_ns = s->timeout_ns;
    *ret_target = target;
    return EG_OK;
}
