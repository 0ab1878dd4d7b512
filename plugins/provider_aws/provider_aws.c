/*
 * provider_aws.c - descriptor, settings and life of the four components. They share one cache of
 * credentials (aws_cache_take). An instance holds it and its settings; a slot holds the client of
 * its loop and what is waiting or in flight there.
 */
#include "batch.h"

EGX_SETTING(aws_settings, max_response, "max_response", EG_SET_SIZE, 0, 0, 0, "0", NULL,
            "largest answer of a function; 0 = the gateway's limit");
EGX_SETTING(aws_settings, batch_max, "batch_max", EG_SET_INT, 0, 1, 500, "500", NULL,
            "most events in one call");
EGX_SETTING(aws_settings, batch_linger_ns, "batch_linger", EG_SET_DURATION, 0, 0, 1000000000, "0",
            NULL, "how long an event may wait for others to share its call; 0 = not at all");
static const struct eg_setting sqs_batch_max = {
    sizeof sqs_batch_max,
    EG_SET_INT,
    0,
    (uint32_t)offsetof(struct aws_settings, batch_max),
    1,
    10,
    "batch_max",
    "10",
    NULL,
    "most events in one call",
};

static const struct eg_setting *const lambda_settings[] = {EGX_ROW(aws_settings, max_response)};
static const struct eg_setting *const stream_settings[] = {EGX_ROW(aws_settings, batch_max),
                                                           EGX_ROW(aws_settings, batch_linger_ns)};
static const struct eg_setting *const sqs_settings[] = {&sqs_batch_max,
                                                        EGX_ROW(aws_settings, batch_linger_ns)};

const struct aws_connector *aws_connector_of(struct eg_str component) {
    static const struct aws_connector *const all[] = {&aws_kinesis, &aws_firehose, &aws_sqs};
    for (size_t i = 0; i < EGX_COUNT(all); i++) {
        if (egx_str_eq(all[i]->component, component)) {
            return all[i];
        }
    }
    return NULL;
}

/* ---- life ---- */

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct aws_instance *instance = host->mem->alloc(host, sizeof *instance);
    (void)ret_why;
    instance->host = host;
    instance->settings = settings;
    instance->connector = aws_connector_of(host->component);
    instance->cache = aws_cache_take();
    *ret_instance = instance;
    return EG_OK;
}

static void destroy(void *instance) {
    struct aws_instance *i = instance;
    if (i != NULL) {
        aws_cache_release(i->cache);
        i->host->mem->free(i->host, i);
    }
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct aws_instance *i = instance;
    struct aws_slot *slot = i->host->mem->alloc(i->host, sizeof *slot);
    slot->instance = i;
    slot->loop = loop;
    slot->client = aws_client_new(i->host, loop, i->cache);
    *ret_slot = slot;
    return EG_OK;
}

/* Nothing is in flight any more: the ledger was empty or was given up. */
static void detach(void *instance, void *slot) {
    const struct aws_instance *i = instance;
    struct aws_slot *s = slot;
    if (s == NULL) {
        return;
    }
    aws_batch_detach(s);
    aws_client_free(s->client);
    i->host->mem->free(i->host, s);
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .attach = attach,
    .detach = detach,
    .destroy = destroy,
};

/* ---- the components ---- */

static const struct eg_provider_ops lambda_ops = {
    .struct_size = sizeof lambda_ops,
    .bind = aws_lambda_bind,
    .unbind = aws_target_unbind,
    .invoke = aws_lambda_invoke,
    .cancel = aws_lambda_cancel,
};
static const struct eg_provider_ops connector_ops = {
    .struct_size = sizeof connector_ops,
    .bind = aws_connector_bind,
    .unbind = aws_target_unbind,
    .invoke = aws_batch_invoke,
    .cancel = aws_batch_cancel,
};

EGX_PROVIDER(lambda, "awslambda", "calls functions of AWS Lambda", aws_settings, lambda_settings,
             aws_target_settings, aws_lambda_rows, &life, &lambda_ops);
EGX_PROVIDER(kinesis, "awskinesis", "puts events into a stream of Amazon Kinesis", aws_settings,
             stream_settings, aws_target_settings, aws_kinesis_rows, &life, &connector_ops);
EGX_PROVIDER(firehose, "awsfirehose", "puts events into a delivery stream of Amazon Data Firehose",
             aws_settings, stream_settings, aws_target_settings, aws_firehose_rows, &life,
             &connector_ops);
EGX_PROVIDER(sqs, "awssqs", "sends events to a queue of Amazon SQS", aws_settings, sqs_settings,
             aws_target_settings, aws_sqs_rows, &life, &connector_ops);

EGX_PLUGIN("provider_aws", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &lambda, &kinesis, &firehose,
           &sqs)
