/*
 * fake_function.c - other functions as the test wrote them: calls are recorded, and each gets the
 * next scripted end when the loop runs. Without one it stays in flight, until one comes or it is
 * canceled.
 */
#include "fake_parts.h"

struct eg_call {
    struct egx_fake *fake;
};
struct eg_function_call {
    struct egx_fake_called *called;
    void (*on_done)(void *arg, int32_t status, const struct eg_result *result);
    void *arg;
};
struct end {
    int32_t status;
    uint32_t call_class;
    const char *body;
    const char *message;
};

const struct eg_call *egx_fake_call(struct egx_fake *fake) {
    struct eg_call *call = fake_keep(fake, sizeof *call);
    call->fake = fake;
    return call;
}

static int32_t function_call(const struct eg_host *host, const struct eg_call *from,
                             struct eg_str function_id, uint64_t deadline_ns,
                             void (*on_done)(void *arg, int32_t status,
                                             const struct eg_result *result),
                             void *arg, struct eg_function_call **ret_call) {
    struct egx_fake *fake = fake_of(host);
    const int32_t refusal = fake->call_refusal;
    fake->call_refusal = EG_OK;
    if (from == NULL) {
        return EG_E_UNSUPPORTED;
    }
    if (refusal < 0) {
        return refusal;
    }
    struct eg_function_call *call = fake_keep(fake, sizeof *call);
    call->called = fake_keep(fake, sizeof *call->called);
    *call->called = (struct egx_fake_called){
        .function_id = fake_dup(fake, function_id), .from = from, .deadline_ns = deadline_ns};
    call->on_done = on_done;
    call->arg = arg;
    fake_push(&fake->called, call->called);
    fake_push(&fake->function_calls, call);
    *ret_call = call;
    return EG_OK;
}

static void function_cancel(const struct eg_host *host, struct eg_function_call *call) {
    (void)host;
    if (call != NULL) {
        call->called->is_canceled = 1;
    }
}

const struct eg_function_api fake_function_api = {
    .struct_size = sizeof fake_function_api, .call = function_call, .cancel = function_cancel};

static void end_call(struct egx_fake *fake, struct eg_function_call *call, const struct end *end) {
    struct eg_result result = egx_result();
    fake_remove(&fake->function_calls, call);
    result.call_class = end->call_class;
    result.message = egx_str_c(end->message);
    if (end->body != NULL) {
        result.body = egx_buf_copy(&fake->host, egx_str_c(end->body));
    }
    if (end->status < 0 && result.message.len == 0) {
        result.message = egx_str_c(egx_error_text(end->status));
    }
    const uint64_t began_ns = fake_began(fake);
    call->on_done(call->arg, end->status, &result);
    fake_took(fake, began_ns);
}

size_t fake_function_run(struct egx_fake *fake) {
    static const struct end canceled = {EG_E_CANCELED, EG_CALL_TRANSIENT, NULL, NULL};
    for (size_t i = 0; i < fake->function_calls.count; i++) {
        struct eg_function_call *call = fake->function_calls.items[i];
        if (call->called->is_canceled) {
            end_call(fake, call, &canceled);
            return 1;
        }
    }
    if (fake->function_calls.count == 0 || fake->function_answers.count == 0) {
        return 0;
    }
    end_call(fake, fake->function_calls.items[0], fake_shift(&fake->function_answers));
    return 1;
}

void egx_fake_end_call(struct egx_fake *fake, int32_t status, uint32_t call_class, const char *body,
                       const char *message) {
    struct end *end = fake_keep(fake, sizeof *end);
    end->status = status;
    end->call_class = call_class;
    end->body = body == NULL ? NULL : fake_dup(fake, egx_str_c(body));
    end->message = message == NULL ? NULL : fake_dup(fake, egx_str_c(message));
    fake_push(&fake->function_answers, end);
}

void egx_fake_refuse_call(struct egx_fake *fake, int32_t error) {
    fake->call_refusal = error;
}

size_t egx_fake_called_count(const struct egx_fake *fake) {
    return fake->called.count;
}

const struct egx_fake_called *egx_fake_called_at(const struct egx_fake *fake, size_t index) {
    return index < fake->called.count ? fake->called.items[index] : NULL;
}
