/*
 * call.h - one call of an AWS service: endpoint, credentials, signature, transfer, class of the
 * outcome. Never retries, with two exceptions that no caller can see: credentials the service
 * refuses are fetched anew once, and a clock it finds wrong is corrected once.
 *
 *   attach:  aws_client_new(host, loop, cache, &slot->client)
 *   invoke:  aws_call_send(slot->client, &request, on_reply, my_call, &my_call->handle)
 *   cancel:  aws_call_cancel(my_call->handle)
 *   detach:  aws_client_free(slot->client)
 *
 * Everything here runs on the client's loop.
 */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "credentials.h"

struct aws_client;
struct aws_call;

/* take: aws_client_free, when no call is left. cache is kept alive by the client. */
struct aws_client *aws_client_new(const struct eg_host *host, struct eg_loop *loop,
                                  struct aws_cache *cache);
void aws_client_free(struct aws_client *client); /* NULL is fine */

/* The struct and the array of headers are copied; the bytes they point to are borrowed until done,
 * and source too. */
struct aws_call_request {
    struct aws_source *source;
    struct eg_str service; /* signing name: "lambda", "kinesis", "firehose", "sqs" */
    struct eg_str region;
    struct eg_str endpoint; /* "http://127.0.0.1:5000" of the function; empty = AWS_ENDPOINT_URL_
                               <SERVICE>, AWS_ENDPOINT_URL, else the service's own host */
    struct eg_str method;   /* empty = POST */
    struct eg_str path;     /* escaped (aws_uri_escape of uri.h); empty = "/" */
    struct eg_str query;    /* escaped, without '?' */
    const struct eg_kv *headers; /* further ones; every one is signed */
    size_t header_count;         /* at most AWS_CALL_MAX_HEADERS */
    struct eg_str content_type;  /* empty = none */
    struct eg_str target;        /* X-Amz-Target; empty = none */
    struct eg_str body;
    uint64_t timeout_ns;         /* for all of it; 0 = the gateway's */
    uint64_t max_response_bytes; /* 0 = the gateway's */
    struct eg_str ca_file;       /* empty = AWS_CA_BUNDLE, else the system's */
};
#define AWS_CALL_MAX_HEADERS 16u

/* All borrowed during the call of done, but body, which is given (also with failures: release it
 * with egx_buf_release when you do not hand it on). */
struct aws_call_reply {
    int32_t error;       /* 0, or EG_E_* when there is no answer (EG_E_CANCELED too) */
    uint32_t call_class; /* EG_CALL_OK for 2xx; else by code first, status second */
    uint32_t status;     /* 0 when there is no answer */
    uint32_t reserved;
    struct eg_str code;       /* "AccessDeniedException"; empty with EG_CALL_OK */
    struct eg_str message;    /* why it failed, one sentence for the log */
    struct eg_str request_id; /* x-amzn-RequestId */
    uint64_t retry_after_ns;  /* x-amz-retry-after or Retry-After; 0 = not said */
    const struct eg_kv *headers;
    size_t header_count;
    struct eg_buf body;
};

/* First header of that name (no regard to case); ptr NULL when there is none. */
struct eg_str aws_reply_header(const struct aws_call_reply *reply, struct eg_str name);

/* 0: done comes exactly once, later, on the loop, and ret_call is valid until then. Negative:
 * refused (EG_E_INVAL for an endpoint, path or headers that cannot be sent), no done. */
int32_t aws_call_send(struct aws_client *client, const struct aws_call_request *request,
                      void (*done)(void *arg, const struct aws_call_reply *reply), void *arg,
                      struct aws_call **ret_call);
/* A wish: done comes with EG_E_CANCELED, or with the answer that was there already. */
void aws_call_cancel(struct aws_call *call);

/* EG_CALL_* of an error code and the HTTP status it came with (0 = none, as in the entries of a
 * batch). For codes that say "credentials" it is EG_CALL_AUTH. */
uint32_t aws_error_class(struct eg_str code, uint32_t status);

#endif
