/*
 * fake_http.c - HTTP as the test wrote it: requests are recorded, and each gets the next scripted
 * answer when the loop runs. Without one it stays in flight, until an answer comes or it is
 * cancelled.
 */
#include "fake_parts.h"

struct answer {
    int32_t status;
    int32_t error;
    const char *message;
    const char *body;
    struct eg_kv *headers;
    size_t header_count;
};
struct eg_http_call {
    void (*on_done)(void *arg, const struct eg_http_response *response);
    void (*on_data)(void *arg, struct eg_str piece);
    void *arg;
    int is_canceled;
};

static struct eg_kv *copy_pairs(struct egx_fake *fake, const struct eg_kv *pairs, size_t count) {
    struct eg_kv *copy = fake_keep(fake, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = egx_str_n(fake_dup(fake, pairs[i].name), pairs[i].name.len);
        copy[i].value = egx_str_n(fake_dup(fake, pairs[i].value), pairs[i].value.len);
    }
    return copy;
}

static int32_t http_send(const struct eg_host *host, struct eg_loop *loop,
                         const struct eg_http_request *request,
                         void (*on_done)(void *arg, const struct eg_http_response *response),
                         void *arg, struct eg_http_call **ret_call) {
    struct egx_fake *fake = fake_of(host);
    struct egx_fake_request *copy = fake_keep(fake, sizeof *copy);
    struct eg_http_call *call = fake_keep(fake, sizeof *call);
    (void)loop;
    *copy = (struct egx_fake_request){
        .method = fake_dup(fake, request->method),
        .url = fake_dup(fake, request->url),
        .body = {fake_dup(fake, request->body), request->body.len},
        .headers = copy_pairs(fake, request->headers, request->header_count),
        .header_count = request->header_count,
        .timeout_ns = request->timeout_ns,
        .flags = request->flags,
    };
    *call = (struct eg_http_call){.on_done = on_done, .arg = arg};
    call->on_data = EG_HAS(request, on_data) ? request->on_data : NULL;
    fake_push(&fake->requests, copy);
    fake_push(&fake->calls, call);
    *ret_call = call;
    return EG_OK;
}

static void http_cancel(const struct eg_host *host, struct eg_http_call *call) {
    (void)host;
    call->is_canceled = 1;
}

const struct eg_http_api fake_http_api = {
    .struct_size = sizeof fake_http_api, .send = http_send, .cancel = http_cancel};

static void end_call(struct egx_fake *fake, struct eg_http_call *call,
                     const struct answer *answer) {
    struct eg_http_response response = {.struct_size = sizeof response};
    fake_remove(&fake->calls, call);
    if (answer == NULL) {
        response.error = EG_E_CANCELED;
        response.message = EGX_STR("canceled");
    } else if (answer->error != 0) {
        response.error = answer->error;
        response.message = egx_str_c(answer->message);
    } else {
        response.status = answer->status;
        response.headers = answer->headers;
        response.header_count = answer->header_count;
        response.body = egx_buf_copy(&fake->host, egx_str_c(answer->body));
    }
    const uint64_t began_ns = fake_began(fake);
    call->on_done(call->arg, &response);
    fake_took(fake, began_ns);
}

size_t fake_http_run(struct egx_fake *fake) {
    for (size_t i = 0; i < fake->calls.count; i++) {
        struct eg_http_call *call = fake->calls.items[i];
        if (call->is_canceled) {
            end_call(fake, call, NULL);
            return 1;
        }
    }
    if (fake->calls.count == 0 || fake->answers.count == 0) {
        return 0;
    }
    end_call(fake, fake->calls.items[0], fake_shift(&fake->answers));
    return 1;
}

int32_t egx_fake_data(struct egx_fake *fake, const char *piece) {
    for (size_t i = 0; i < fake->calls.count; i++) {
        struct eg_http_call *call = fake->calls.items[i];
        if (call->on_data != NULL && !call->is_canceled) {
            call->on_data(call->arg, egx_str_c(piece));
            return 1;
        }
    }
    return 0;
}

/* "Name: value\n" one after the other. */
static void add_headers(struct egx_fake *fake, struct answer *answer, const char *headers) {
    struct eg_kv pairs[64];
    size_t count = 0;
    for (const char *at = headers; at != NULL && *at != '\0' && count < EGX_COUNT(pairs);) {
        const size_t line = strcspn(at, "\n");
        const char *colon = memchr(at, ':', line);
        if (colon != NULL) {
            const char *value = colon + 1 + strspn(colon + 1, " ");
            pairs[count].name = egx_str_n(at, (size_t)(colon - at));
            pairs[count].value = egx_str_n(value, (size_t)(at + line - value));
            count++;
        }
        at += line + (at[line] == '\n');
    }
    answer->headers = copy_pairs(fake, pairs, count);
    answer->header_count = count;
}

void egx_fake_answer(struct egx_fake *fake, int32_t status, const char *headers, const char *body) {
    struct answer *answer = fake_keep(fake, sizeof *answer);
    answer->status = status;
    answer->body = fake_dup(fake, egx_str_c(body));
    add_headers(fake, answer, headers);
    fake_push(&fake->answers, answer);
}

void egx_fake_answer_error(struct egx_fake *fake, int32_t error, const char *message) {
    struct answer *answer = fake_keep(fake, sizeof *answer);
    answer->error = error;
    answer->message = fake_dup(fake, egx_str_c(message));
    fake_push(&fake->answers, answer);
}

size_t egx_fake_request_count(const struct egx_fake *fake) {
    return fake->requests.count;
}

const struct egx_fake_request *egx_fake_sent(const struct egx_fake *fake, size_t index) {
    return index < fake->requests.count ? fake->requests.items[index] : NULL;
}
