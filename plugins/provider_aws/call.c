/*
 * call.c - the signed call. Loop thread.
 *
 *   send -> credentials (there, or waited for) -> sign -> transfer -> class -> done
 *              ^                                              |
 *              +---- once: the code says they are refused ----+---- once: the clock was wrong
 *
 * A call owns its request until done: the URL, the headers of the signature and a reference to the
 * credentials they point into.
 */
#include "call.h"

#include <stdlib.h>

#include "credentials_cache.h"
#include "endpoint.h"
#include "errors.h"

#define OWN_HEADERS 5u /* type, target, date, token, authorization */
#define MAX_ERROR_BYTES 65536u
#define MAX_SECRET_BYTES 1024u

struct aws_client {
    const struct eg_host *host;
    struct eg_loop *loop;
    struct aws_cache *cache;
    struct aws_views *views;
    struct aws_key_cache keys;
};

/* Why it failed, kept while other credentials are fetched. */
struct failure {
    int32_t error;
    uint32_t call_class;
    uint32_t status;
    uint64_t retry_after_ns;
    char code[128];
    char message[1024];
    char request_id[128];
};

struct aws_call {
    struct aws_client *client;
    struct aws_call_request want;
    struct eg_kv headers[AWS_CALL_MAX_HEADERS + OWN_HEADERS];
    size_t header_count; /* of those that are signed */
    void (*done)(void *arg, const struct aws_call_reply *reply);
    void *arg;

    uint64_t deadline_ns; /* 0 = none */
    struct aws_wait wait;
    struct eg_timer *timer; /* while it waits */
    struct aws_creds *creds;
    struct eg_http_call *transfer; /* while it is under way */
    struct aws_endpoint endpoint;
    char *url;
    const char *path; /* in url: from the path on */
    size_t path_len;
    struct aws_signature signature;
    struct eg_http_request request;
    int64_t skew_s;       /* that the last signature was made with */
    int32_t has_new_keys; /* the two exceptions, once each */
    int32_t has_new_clock;
    int32_t is_ending; /* failure will be told by a post */
    struct failure failure;
};

struct aws_client *aws_client_new(const struct eg_host *host, struct eg_loop *loop,
                                  struct aws_cache *cache) {
    struct aws_client *client = host->mem->alloc(host, sizeof *client);
    client->host = host;
    client->loop = loop;
    client->cache = cache;
    client->views = aws_views_new(host, loop, cache);
    return client;
}

void aws_client_free(struct aws_client *client) {
    if (client == NULL) {
        return;
    }
    aws_key_cache_wipe(&client->keys);
    aws_views_free(client->views);
    client->host->mem->free(client->host, client);
}

struct eg_str aws_reply_header(const struct aws_call_reply *reply, struct eg_str name) {
    for (size_t i = 0; i < reply->header_count; i++) {
        if (egx_str_eq_nocase(reply->headers[i].name, name)) {
            return reply->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

/* ---- the end ---- */

static void free_call(struct aws_call *call) {
    const struct eg_host *host = call->client->host;
    host->loop->timer_stop(host, call->timer);
    aws_signature_free(&call->signature);
    aws_creds_unref(call->creds);
    free(call->url);
    host->mem->free(host, call);
}

static void tell_failure(struct aws_call *call) {
    const struct failure *f = &call->failure;
    const struct aws_call_reply reply = {
        .error = f->error,
        .call_class = f->call_class,
        .status = f->status,
        .code = egx_str_c(f->code),
        .message = egx_str_c(f->message),
        .request_id = egx_str_c(f->request_id),
        .retry_after_ns = f->retry_after_ns,
    };
    call->done(call->arg, &reply);
    free_call(call);
}

static void set_failure(struct aws_call *call, int32_t error, uint32_t call_class,
                        struct eg_str message) {
    call->failure = (struct failure){.error = error, .call_class = call_class};
    (void)snprintf(call->failure.message, sizeof call->failure.message, "%.*s", EGX_FMT(message));
}

static void on_ending(void *arg) {
    tell_failure(arg);
}

/* Told later, since who asked may be above us on the stack. */
static void end_later(struct aws_call *call) {
    const struct eg_host *host = call->client->host;
    call->is_ending = 1;
    host->loop->post(host, call->client->loop, on_ending, call);
}

/* ---- transfer ---- */

/* Visible characters only, and nothing that ends a path or a query. */
static int32_t is_clean(struct eg_str s, const char *stops) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || (unsigned char)s.ptr[i] >= 0x7f ||
            strchr(stops, s.ptr[i]) != NULL) {
            return 0;
        }
    }
    return 1;
}

static void on_response(void *arg, const struct eg_http_response *response);

static int32_t left_of_time(const struct aws_call *call, uint64_t *ret_left_ns) {
    const struct eg_host *host = call->client->host;
    const uint64_t now_ns = host->clock->monotonic_ns(host);
    *ret_left_ns = call->deadline_ns == 0 ? 0 : call->deadline_ns - now_ns;
    return call->deadline_ns == 0 || now_ns < call->deadline_ns ? EG_OK : EG_E_TIMEOUT;
}

/* Keys go into headers, and whoever wrote them into an environment or a function may have added a
 * line end; the transfer would refuse it less clearly. */
static int32_t are_keys(const struct aws_keys *keys) {
    return is_clean(keys->access_key_id, "") && is_clean(keys->session_token, "") &&
           keys->secret_access_key.len <= MAX_SECRET_BYTES;
}

static struct aws_clock *clock_of(const struct aws_call *call) {
    return call->want.endpoint.len > 0 ? aws_source_clock(call->want.source)
                                       : aws_cache_clock(call->client->cache);
}

static int32_t sign(struct aws_call *call) {
    struct aws_client *client = call->client;
    const struct aws_keys *keys = &call->creds->keys;
    size_t count = call->header_count;
    const struct aws_sign_request request = {
        .method = call->request.method,
        .host = call->endpoint.host,
        .path = egx_str_n(call->path, call->path_len),
        .query = call->want.query,
        .headers = call->headers,
        .header_count = count,
        .body = call->want.body,
        .region = call->want.region,
        .service = call->want.service,
        .unix_s = aws_clock_now_s(clock_of(call), client->host),
    };
    call->skew_s = atomic_load(&clock_of(call)->skew_s);
    aws_signature_free(&call->signature);
    if (!are_keys(keys)) {
        return EG_E_DENIED;
    }
    const int32_t status = aws_sign(&request, keys, &client->keys, 0, &call->signature);
    if (status < 0) {
        return status;
    }
    call->headers[count++] = (struct eg_kv){EGX_STR("X-Amz-Date"), egx_str_c(call->signature.date)};
    call->headers[count++] =
        (struct eg_kv){EGX_STR("Authorization"), call->signature.authorization};
    if (keys->session_token.len > 0) {
        call->headers[count++] =
            (struct eg_kv){EGX_STR("X-Amz-Security-Token"), keys->session_token};
    }
    call->request.header_count = count;
    return EG_OK;
}

static int32_t transmit(struct aws_call *call) {
    const struct eg_host *host = call->client->host;
    const struct aws_call_request *want = &call->want;
    const struct eg_str bundle = aws_env_get(aws_cache_env(call->client->cache), AWS_ENV_CA_BUNDLE);
    call->request = (struct eg_http_request){
        .struct_size = sizeof call->request,
        .flags = EG_HTTP_NO_REDIRECT,
        .method = want->method.len > 0 ? want->method : EGX_STR("POST"),
        .url = egx_str_c(call->url),
        .headers = call->headers,
        .body = want->body,
        .max_response_bytes = want->max_response_bytes,
        .ca_file = want->ca_file.len > 0 ? want->ca_file : bundle,
    };
    int32_t status = left_of_time(call, &call->request.timeout_ns);
    if (status == EG_OK) {
        status = sign(call);
    }
    return status < 0 ? status
                      : host->http->send(host, call->client->loop, &call->request, on_response,
                                         call, &call->transfer);
}

static void set_bad_keys(struct aws_call *call) {
    set_failure(call, EG_OK, EG_CALL_AUTH,
                EGX_STR("the AWS access key or token holds characters that no key has"));
}

/* Not from aws_call_send: a refusal is told. */
static void transmit_or_fail(struct aws_call *call) {
    const int32_t status = transmit(call);
    if (status == EG_E_TIMEOUT) {
        set_failure(call, status, EG_CALL_TRANSIENT, EGX_STR("timed out"));
    } else if (status == EG_E_DENIED) {
        set_bad_keys(call);
    } else if (status < 0) {
        set_failure(call, status, EG_CALL_TRANSIENT, EGX_STR("the request cannot be sent"));
    }
    if (status < 0) {
        tell_failure(call);
    }
}

/* ---- credentials ---- */

static void on_ready(struct aws_wait *wait, struct aws_creds *creds, struct eg_str why) {
    struct aws_call *call =
        (struct aws_call *)(void *)((char *)wait - offsetof(struct aws_call, wait));
    const struct eg_host *host = call->client->host;
    host->loop->timer_stop(host, call->timer);
    call->timer = NULL;
    if (creds != NULL) {
        aws_creds_unref(call->creds);
        call->creds = creds;
        transmit_or_fail(call);
        return;
    }
    if (!call->has_new_keys) {
        set_failure(call, EG_OK, EG_CALL_AUTH,
                    why.len > 0 ? why : EGX_STR("there are no AWS credentials"));
    }
    tell_failure(call);
}

static void on_wait_too_long(void *arg) {
    struct aws_call *call = arg;
    aws_wait_drop(&call->wait);
    if (!call->has_new_keys) {
        set_failure(call, EG_E_TIMEOUT, EG_CALL_TRANSIENT,
                    EGX_STR("timed out waiting for AWS credentials"));
    }
    tell_failure(call);
}

static void limit_wait(struct aws_call *call) {
    const struct eg_host *host = call->client->host;
    uint64_t left_ns = 0;
    if (call->deadline_ns != 0) {
        (void)left_of_time(call, &left_ns);
        call->timer =
            host->loop->timer_start(host, call->client->loop, left_ns, 0, on_wait_too_long, call);
    }
}

/* ---- answers ---- */

static struct eg_str member_text(const struct eg_host *host, const struct eg_json *root) {
    static const char *const names[] = {"message", "Message", "errorMessage"};
    for (size_t i = 0; i < EGX_COUNT(names); i++) {
        const struct eg_str text =
            host->json->string(host->json->member(root, egx_str_c(names[i])));
        if (text.len > 0) {
            return text;
        }
    }
    return egx_str_n(NULL, 0);
}

static void keep(char *out, size_t size, struct eg_str text) {
    (void)snprintf(out, size, "%.*s", EGX_FMT(text));
}

/* Code and message of the body, JSON or XML; a header wins for the code. */
static void read_error(struct aws_call *call, const struct eg_http_response *response) {
    const struct eg_host *host = call->client->host;
    struct failure *f = &call->failure;
    const struct eg_str body = egx_str_n(
        response->body.ptr, response->body.len < MAX_ERROR_BYTES ? response->body.len : 0);
    struct eg_json *root = NULL;
    if (body.len > 0 && body.ptr[0] == '{' && host->json->parse(host, body, &root, NULL) < 0) {
        root = NULL;
    }
    struct eg_str code = aws_error_code_of(host, root, response->headers, response->header_count);
    struct eg_str message = root == NULL ? egx_str_n(NULL, 0) : member_text(host, root);
    if (root == NULL) { /* the Query protocol, and proxies in front of it */
        code = code.len > 0 ? code : aws_xml_text(body, "Code");
        message = aws_xml_text(body, "Message");
    }
    keep(f->code, sizeof f->code, code);
    keep(f->message, sizeof f->message, aws_text_before(message, call->creds->keys.session_token));
    host->json->free(host, root);
    if (f->message[0] == '\0') {
        (void)snprintf(f->message, sizeof f->message, "HTTP status code: %d",
                       (int)response->status);
    }
}

static struct eg_str request_id_of(const struct eg_http_response *response) {
    const struct aws_call_reply reply = {.headers = response->headers,
                                         .header_count = response->header_count};
    const struct eg_str id = aws_reply_header(&reply, EGX_STR("x-amzn-requestid"));
    return id.len > 0 ? id : aws_reply_header(&reply, EGX_STR("x-amz-request-id"));
}

static void read_failure(struct aws_call *call, const struct eg_http_response *response) {
    struct failure *f = &call->failure;
    if (response->error != 0) {
        set_failure(call, response->error, EG_CALL_TRANSIENT, response->message);
        return;
    }
    *f = (struct failure){.status = (uint32_t)response->status};
    read_error(call, response);
    keep(f->request_id, sizeof f->request_id, request_id_of(response));
    f->call_class = aws_error_class(egx_str_c(f->code), f->status);
    f->retry_after_ns = aws_error_retry_after_ns(response->headers, response->header_count);
}

/* The clock is another one than this call was signed with, by this answer or by another call's. */
static int32_t has_other_clock(struct aws_call *call, const struct eg_http_response *response) {
    struct aws_clock *clock = clock_of(call);
    if (aws_clock_learn(clock, call->client->host, response->headers, response->header_count)) {
        egx_log(call->client->host, EG_LOG_WARN,
                "this machine's clock differs from that of the service: corrected by the answer's "
                "Date");
    }
    return atomic_load(&clock->skew_s) != call->skew_s;
}

/* 1: the call goes on, with another clock or other credentials. */
static int32_t goes_on(struct aws_call *call, const struct eg_http_response *response) {
    struct aws_client *client = call->client;
    const uint32_t flags = aws_error_flags(egx_str_c(call->failure.code));
    struct aws_creds *fresh = NULL;
    if (response->error != 0) {
        return 0;
    }
    if ((flags & AWS_CODE_MAYBE_SKEW) != 0 && !call->has_new_clock &&
        has_other_clock(call, response)) {
        call->has_new_clock = 1;
        transmit_or_fail(call);
        return 1;
    }
    if ((flags & AWS_CODE_REFRESH) == 0 || call->has_new_keys) {
        return 0;
    }
    call->has_new_keys = 1;
    const int32_t status = aws_creds_ask(client->views, call->want.source, call->want.region,
                                         call->creds, &call->wait, &fresh, NULL);
    if (status < 0) {
        return 0;
    }
    if (status == 0) {
        limit_wait(call);
        return 1;
    }
    aws_creds_unref(call->creds);
    call->creds = fresh;
    transmit_or_fail(call);
    return 1;
}

static void tell_answer(struct aws_call *call, const struct eg_http_response *response,
                        int32_t is_good) {
    const struct failure *f = &call->failure;
    const struct aws_call_reply reply = {
        .error = response->error,
        .call_class = is_good ? EG_CALL_OK : f->call_class,
        .status = (uint32_t)response->status,
        .code = egx_str_c(is_good ? "" : f->code),
        .message = egx_str_c(is_good ? "" : f->message),
        .request_id = response->error == 0 ? request_id_of(response) : egx_str_n(NULL, 0),
        .retry_after_ns = is_good ? 0 : f->retry_after_ns,
        .headers = response->headers,
        .header_count = response->header_count,
        .body = response->body,
    };
    call->done(call->arg, &reply);
    free_call(call);
}

static void on_response(void *arg, const struct eg_http_response *response) {
    struct aws_call *call = arg;
    const int is_good = response->error == 0 && response->status >= 200 && response->status <= 299;
    struct eg_buf body = response->body;
    call->transfer = NULL;
    if (!is_good) {
        read_failure(call, response);
        if (goes_on(call, response)) {
            egx_buf_release(&body);
            return;
        }
    }
    tell_answer(call, response, is_good);
}

/* ---- the beginning ---- */

static int32_t make_url(struct aws_call *call) {
    const struct eg_str path = call->want.path.len > 0 ? call->want.path : EGX_STR("/");
    const struct eg_str query = call->want.query;
    if (path.ptr[0] != '/' || !is_clean(path, "?#") || !is_clean(query, "#")) {
        return EG_E_INVAL;
    }
    const int len = asprintf(&call->url, "%s%.*s%s%.*s", call->endpoint.base, EGX_FMT(path),
                             query.len > 0 ? "?" : "", EGX_FMT(query));
    if (len < 0) {
        call->url = NULL;
        return EG_E_TOOBIG;
    }
    const size_t base_len = strlen(call->endpoint.base) - call->endpoint.path.len;
    call->path = call->url + base_len;
    call->path_len = call->endpoint.path.len + path.len;
    return EG_OK;
}

static void copy_headers(struct aws_call *call, const struct aws_call_request *request) {
    size_t count = request->header_count;
    if (count > 0) {
        memcpy(call->headers, request->headers, count * sizeof call->headers[0]);
    }
    if (request->content_type.len > 0) {
        call->headers[count++] = (struct eg_kv){EGX_STR("Content-Type"), request->content_type};
    }
    if (request->target.len > 0) {
        call->headers[count++] = (struct eg_kv){EGX_STR("X-Amz-Target"), request->target};
    }
    call->header_count = count;
}

static int32_t begin(struct aws_call *call) {
    struct aws_client *client = call->client;
    struct eg_why why = {.struct_size = sizeof why};
    int32_t status = aws_endpoint_make(aws_cache_env(client->cache), call->want.service,
                                       call->want.region, call->want.endpoint, &call->endpoint);
    status = status < 0 ? status : make_url(call);
    if (status < 0) {
        return status;
    }
    status = aws_creds_ask(client->views, call->want.source, call->want.region, NULL, &call->wait,
                           &call->creds, &why);
    if (status == 0) {
        limit_wait(call);
        return EG_OK;
    }
    if (status > 0) {
        status = transmit(call);
        if (status != EG_E_DENIED) {
            return status;
        }
        set_bad_keys(call);
        end_later(call);
        return EG_OK;
    }
    set_failure(call, EG_OK, EG_CALL_AUTH,
                why.len > 0 ? egx_str_n(why.text, why.len)
                            : EGX_STR("there are no AWS credentials"));
    end_later(call);
    return EG_OK;
}

int32_t aws_call_send(struct aws_client *client, const struct aws_call_request *request,
                      void (*done)(void *arg, const struct aws_call_reply *reply), void *arg,
                      struct aws_call **ret_call) {
    const struct eg_host *host = client->host;
    if (request->source == NULL || request->header_count > AWS_CALL_MAX_HEADERS) {
        return EG_E_INVAL;
    }
    struct aws_call *call = host->mem->alloc(host, sizeof *call);
    call->client = client;
    call->want = *request;
    call->done = done;
    call->arg = arg;
    call->wait.ready = on_ready;
    call->deadline_ns =
        request->timeout_ns == 0 ? 0 : host->clock->monotonic_ns(host) + request->timeout_ns;
    copy_headers(call, request);
    const int32_t status = begin(call);
    if (status < 0) {
        free_call(call);
        return status;
    }
    *ret_call = call;
    return EG_OK;
}

void aws_call_cancel(struct aws_call *call) {
    const struct eg_host *host = call->client->host;
    if (call->transfer != NULL) {
        host->http->cancel(host, call->transfer);
    } else if (!call->is_ending && call->wait.view != NULL) {
        aws_wait_drop(&call->wait);
        host->loop->timer_stop(host, call->timer);
        call->timer = NULL;
        set_failure(call, EG_E_CANCELED, EG_CALL_TRANSIENT, EGX_STR("canceled"));
        end_later(call);
    }
}
