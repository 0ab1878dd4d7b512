/*
 * test_world.h - what the tests of credentials and calls share: a fake host, an environment of the
 * test's own, files in a new directory, one call and its reply.
 */
#ifndef AWS_TEST_WORLD_H
#define AWS_TEST_WORLD_H

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <eventgw-sdk/fake_host.h>

#include "call.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

struct world_call {
    struct aws_call *handle;
    int done;
    int32_t error;
    uint32_t call_class;
    uint32_t status;
    uint64_t retry_after_ns;
    char code[128];
    char message[1024];
    char request_id[64];
    char body[256];
};

static struct {
    struct egx_fake *fake;
    const char *env[40]; /* name, value, ... */
    size_t env_count;
    char directory[64];
    struct aws_cache *cache;
    struct aws_client *client;
    struct aws_source *source;
} world;

static inline const char *world_env(void *arg, const char *name) {
    (void)arg;
    for (size_t i = 0; i + 1 < world.env_count; i += 2) {
        if (strcmp(world.env[i], name) == 0) {
            return world.env[i + 1];
        }
    }
    return NULL;
}

static inline void set_env(const char *name, const char *value) {
    world.env[world.env_count++] = name;
    world.env[world.env_count++] = value;
}

static inline const char *world_path(const char *name) {
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", world.directory, name);
    return path;
}

static inline const char *write_file(const char *name, const char *text) {
    const char *path = world_path(name);
    FILE *out = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT(fputs(text, out) >= 0);
    CU_ASSERT(fclose(out) == 0);
    return path;
}

static const char *const world_files[] = {"credentials", "config", "token"};

/* A machine without any AWS configuration; the fake's clock stands. */
static inline void begin_world(void) {
    memset(&world, 0, sizeof world);
    world.fake = egx_fake_new();
    (void)snprintf(world.directory, sizeof world.directory, "/tmp/aws-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(world.directory));
    set_env("AWS_SHARED_CREDENTIALS_FILE", world_path("credentials"));
    set_env("AWS_CONFIG_FILE", world_path("config"));
}

static inline struct aws_source *source_of(struct aws_source_config config) {
    struct aws_source *source = NULL;
    CU_ASSERT_EQUAL_FATAL(aws_source_new(world.cache, &config, &source, NULL), EG_OK);
    return source;
}

/* After set_env and write_file. */
static inline void start_world(void) {
    world.cache = aws_cache_new(world_env, NULL);
    world.client =
        aws_client_new(egx_fake_host(world.fake), egx_fake_loop(world.fake), world.cache);
    world.source = source_of((struct aws_source_config){.profile = {NULL, 0}});
}

static inline void end_world(void) {
    aws_source_free(world.source);
    aws_client_free(world.client);
    aws_cache_release(world.cache);
    (void)egx_fake_run(world.fake);
    CU_ASSERT_EQUAL(egx_fake_allocations(world.fake), 0);
    egx_fake_free(world.fake);
    for (size_t i = 0; i < EGX_COUNT(world_files); i++) {
        (void)unlink(world_path(world_files[i]));
    }
    CU_ASSERT_EQUAL(rmdir(world.directory), 0);
}

static inline void keep_text(char *out, size_t size, struct eg_str text) {
    (void)snprintf(out, size, "%.*s", EGX_FMT(text));
}

static inline void on_reply(void *arg, const struct aws_call_reply *reply) {
    struct world_call *call = arg;
    struct eg_buf body = reply->body;
    call->done++;
    call->error = reply->error;
    call->call_class = reply->call_class;
    call->status = reply->status;
    call->retry_after_ns = reply->retry_after_ns;
    keep_text(call->code, sizeof call->code, reply->code);
    keep_text(call->message, sizeof call->message, reply->message);
    keep_text(call->request_id, sizeof call->request_id, reply->request_id);
    keep_text(call->body, sizeof call->body, egx_str_n(body.ptr, body.len));
    egx_buf_release(&body);
}

static inline int32_t send_call(struct aws_client *client, struct aws_source *source,
                                struct world_call *call) {
    const struct aws_call_request request = {
        .source = source,
        .service = EGX_STR("kinesis"),
        .region = EGX_STR("eu-central-1"),
        .content_type = EGX_STR("application/x-amz-json-1.1"),
        .target = EGX_STR("Kinesis_20131202.PutRecord"),
        .body = EGX_STR("{\"a\":1}"),
        .timeout_ns = 60 * SECOND,
    };
    *call = (struct world_call){.done = 0};
    return aws_call_send(client, &request, on_reply, call, &call->handle);
}

/* Sends with the default source and runs what is due. */
static inline void call_once(struct world_call *call) {
    CU_ASSERT_EQUAL_FATAL(send_call(world.client, world.source, call), EG_OK);
    CU_ASSERT_EQUAL(call->done, 0); /* never inside send */
    (void)egx_fake_run(world.fake);
}

static inline const struct egx_fake_request *sent(size_t index) {
    const struct egx_fake_request *request = egx_fake_sent(world.fake, index);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    return request;
}

static inline const char *sent_header(size_t index, const char *name) {
    const struct egx_fake_request *request = sent(index);
    for (size_t i = 0; i < request->header_count; i++) {
        if (egx_str_eq_nocase(request->headers[i].name, egx_str_c(name))) {
            return request->headers[i].value.ptr;
        }
    }
    return "";
}

/* The access key id that request was signed with. */
static inline int signed_by(size_t index, const char *id) {
    char text[128];
    (void)snprintf(text, sizeof text, "Credential=%s/", id);
    return strstr(sent_header(index, "Authorization"), text) != NULL;
}

/* A time of the fake's clock as documents have it. */
static inline const char *in_seconds(int64_t seconds) {
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];
    const struct eg_host *host = egx_fake_host(world.fake);
    const time_t at = (time_t)(host->clock->unix_ns(host) / (int64_t)SECOND + seconds);
    struct tm parts;
    CU_ASSERT_PTR_NOT_NULL_FATAL(gmtime_r(&at, &parts));
    CU_ASSERT(strftime(text, sizeof texts[0], "%Y-%m-%dT%H:%M:%SZ", &parts) > 0);
    return text;
}

static inline void answer_document(const char *id, int64_t lives_s) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"topsecret\","
                   "\"Token\":\"tok-%s\",\"Expiration\":\"%s\"}",
                   id, id, in_seconds(lives_s));
    egx_fake_answer(world.fake, 200, "", text);
}

static inline void answer_sts(const char *id, int64_t lives_s) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "<R><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>topsecret"
                   "</SecretAccessKey><SessionToken>tok-%s</SessionToken><Expiration>%s"
                   "</Expiration></Credentials></R>",
                   id, id, in_seconds(lives_s));
    egx_fake_answer(world.fake, 200, "", text);
}

#endif
