/*
 * provider_aws.h - what the components of this plugin share: `awslambda` calls functions
 * (lambda.c); `awskinesis`, `awsfirehose` and `awssqs` hand events to a service (batch.c, each
 * service being a struct aws_connector). Credentials, signature and transfer are call.h.
 *
 * An instance belongs to the control thread and is constant afterwards; a slot belongs to one loop;
 * a target is constant between bind and unbind and is read by every loop.
 */
#ifndef PROVIDER_AWS_H
#define PROVIDER_AWS_H

#include "call.h"
#include "uri.h"

/* Settings of a component. Each table names the fields it has. */
struct aws_settings {
    int64_t batch_max;        /* connectors */
    uint64_t batch_linger_ns; /* connectors */
    uint64_t max_response;    /* Lambda; bytes, 0 = the gateway's */
};

/* Settings of a function. Each table names the fields it has; the others stay empty. */
struct aws_target_settings {
    struct eg_str arn;
    struct eg_str stream_name;
    struct eg_str delivery_stream_name;
    struct eg_str queue_url;
    struct eg_str region;
    struct eg_str access_key_id;
    struct eg_str secret_access_key;
    struct eg_str session_token;
    struct eg_str profile;
    struct eg_str endpoint;
    struct eg_str qualifier;
    struct eg_str invocation_type;
    struct eg_str partition_key_pointer;
    struct eg_str message_group_id;
    uint64_t timeout_ns;
    uint32_t newline;
};

struct aws_connector;

struct aws_instance {
    const struct eg_host *host;
    const struct aws_settings *settings;
    const struct aws_connector *connector; /* NULL: Lambda */
    struct aws_cache *cache;
};

#define AWS_TARGET_MAGIC 0x41575354u /* "AWST" */
struct aws_target {
    uint32_t magic;
    uint32_t is_event; /* Lambda: hand off, nobody waits for the result */
    uint32_t is_fifo;  /* SQS */
    uint32_t reserved;
    const struct aws_target_settings *settings;
    struct aws_source *source;
    char *path;          /* Lambda: escaped */
    struct eg_str query; /* Lambda: escaped; points into path's memory */
};

struct aws_queue;
struct aws_lambda_call;
struct aws_slot {
    struct aws_instance *instance;
    struct eg_loop *loop;
    struct aws_client *client;
    struct aws_queue *queues;      /* targets that have events waiting or in flight */
    struct aws_lambda_call *calls; /* in flight */
};

/* ---- target.c ---- */
#define AWS_LAMBDA_ROWS 10u
#define AWS_KINESIS_ROWS 9u
#define AWS_FIREHOSE_ROWS 9u
#define AWS_SQS_ROWS 9u
extern const struct eg_setting *const aws_lambda_rows[AWS_LAMBDA_ROWS];
extern const struct eg_setting *const aws_kinesis_rows[AWS_KINESIS_ROWS];
extern const struct eg_setting *const aws_firehose_rows[AWS_FIREHOSE_ROWS];
extern const struct eg_setting *const aws_sqs_rows[AWS_SQS_ROWS];
int32_t aws_lambda_bind(void *instance, const void *config, void **ret_target,
                        struct eg_target_traits *ret_traits, struct eg_why *ret_why);
int32_t aws_connector_bind(void *instance, const void *config, void **ret_target,
                           struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void aws_target_unbind(void *instance, void *target);

/* ---- lambda.c ---- */
int32_t aws_lambda_invoke(void *instance, void *slot, void *target,
                          const struct eg_invocation *invocation, struct eg_op *op);
void aws_lambda_cancel(void *instance, void *slot, struct eg_op *op);

/* ---- map.c: answers of the services as outcomes of calls ---- */

/* Class of an error code, see aws_error_class; what the caller may not do is a matter of its
 * credentials here (chapter 8.3, "access denied"). */
uint32_t aws_code_class(struct eg_str code, uint32_t status);

/* Ends the op of a call that the service refused or that did not come through. client_texts: may
 * the caller be told of access errors (chapter 6.4: of Lambda only)? */
void aws_done_failed(struct eg_op *op, const struct aws_call_reply *reply, int32_t client_texts);
/* Ends the op with an acknowledgement; the JSON text is given. */
void aws_done_accepted(struct eg_op *op, uint32_t status, struct egx_json *json);

/* What is left of the op's time, and a little more: the host ends the call, this backs it up. */
uint64_t aws_timeout_of(const struct eg_host *host, const struct eg_op *op);

#endif
