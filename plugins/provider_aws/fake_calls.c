/*
 * fake_calls.c - the fake of call.h and credentials.h, and the rig of one function. For the tests
 * of the components only.
 */
#include "fake_calls.h"

#include <stdlib.h>

struct calls calls;
struct rig rig;

/* ---- call.h ---- */

struct aws_client {
    int unused;
};
struct aws_cache {
    int refs;
};
struct aws_source {
    int unused;
};
static struct aws_cache cache;

struct aws_cache *aws_cache_take(void) {
    cache.refs++;
    return &cache;
}

void aws_cache_release(struct aws_cache *taken) {
    taken->refs--;
}

int32_t aws_source_new(struct aws_cache *from, const struct aws_source_config *config,
                       struct aws_source **ret_source, struct eg_why *ret_why) {
    (void)from;
    (void)config;
    (void)ret_why;
    *ret_source = malloc(sizeof **ret_source);
    return EG_OK;
}

void aws_source_free(struct aws_source *source) {
    free(source);
}

struct aws_client *aws_client_new(const struct eg_host *host, struct eg_loop *loop,
                                  struct aws_cache *from) {
    (void)host;
    (void)loop;
    (void)from;
    return malloc(sizeof(struct aws_client));
}

void aws_client_free(struct aws_client *client) {
    free(client);
}

static struct eg_str copy(char *out, size_t room, struct eg_str text) {
    const size_t len = text.len < room ? text.len : room - 1;
    if (len > 0) {
        memcpy(out, text.ptr, len);
    }
    out[len] = '\0';
    return egx_str_n(out, len);
}

int32_t aws_call_send(struct aws_client *client, const struct aws_call_request *request,
                      void (*done)(void *arg, const struct aws_call_reply *reply), void *arg,
                      struct aws_call **ret_call) {
    (void)client;
    if (calls.refuse_with < 0) {
        return calls.refuse_with;
    }
    if (calls.count == MAX_CALLS) {
        return EG_E_BUSY;
    }
    struct aws_call *call = calloc(1, sizeof *call);
    call->request = *request;
    for (size_t i = 0; i < request->header_count; i++) {
        call->headers[i] = request->headers[i];
    }
    call->request.headers = call->headers;
    call->body = malloc(request->body.len + 1);
    call->request.body = copy(call->body, request->body.len + 1, request->body);
    call->request.path = copy(call->path, sizeof call->path, request->path);
    call->request.query = copy(call->query, sizeof call->query, request->query);
    call->done = done;
    call->arg = arg;
    calls.sent[calls.count++] = call;
    *ret_call = call;
    return EG_OK;
}

void aws_call_cancel(struct aws_call *call) {
    call->is_canceled = 1;
}

struct eg_str aws_reply_header(const struct aws_call_reply *reply, struct eg_str name) {
    for (size_t i = 0; i < reply->header_count; i++) {
        if (egx_str_eq_nocase(reply->headers[i].name, name)) {
            return reply->headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static void end_call(size_t index, struct aws_call_reply *reply) {
    struct aws_call *call = index < calls.count ? calls.sent[index] : NULL;
    if (call == NULL || call->is_ended) {
        CU_FAIL("there is no such call in flight");
        egx_buf_release(&reply->body);
        return;
    }
    call->is_ended = 1;
    call->done(call->arg, reply);
}

static size_t split_headers(const char *text, struct eg_kv pairs[8]) {
    size_t count = 0;
    while (text != NULL && *text != '\0' && count < 8) {
        const size_t line = strcspn(text, "\n");
        const size_t name = strcspn(text, ":");
        pairs[count].name = egx_str_n(text, name);
        pairs[count++].value = egx_str_n(text + name + 2, line - name - 2);
        text += line + (text[line] == '\n');
    }
    return count;
}

void calls_answer(size_t index, uint32_t status, const char *headers, const char *body) {
    struct eg_kv pairs[8];
    struct aws_call_reply reply = {
        .call_class = EG_CALL_OK,
        .status = status,
        .request_id = EGX_STR("req-1"),
        .headers = pairs,
        .header_count = split_headers(headers, pairs),
        .body = egx_buf_copy(rig.host, egx_str_c(body)),
    };
    end_call(index, &reply);
}

void calls_fail(size_t index, uint32_t status, const char *code, uint64_t retry_after_ns) {
    struct aws_call_reply reply = {
        .call_class = aws_error_class(egx_str_c(code), status),
        .status = status,
        .code = egx_str_c(code),
        .message = egx_str_c(code),
        .retry_after_ns = retry_after_ns,
        .body = egx_buf_copy(rig.host, EGX_STR("{\"message\":\"secret\"}")),
    };
    end_call(index, &reply);
}

void calls_error(size_t index, int32_t error, const char *message) {
    struct aws_call_reply reply = {
        .error = error,
        .call_class = EG_CALL_TRANSIENT,
        .message = egx_str_c(message),
    };
    end_call(index, &reply);
}

/* ---- the rig ---- */

static const struct eg_component *component_of(const char *type) {
    for (size_t i = 0; i < eg_plugin.component_count; i++) {
        if (strcmp(eg_plugin.components[i]->name, type) == 0) {
            return eg_plugin.components[i];
        }
    }
    return NULL;
}

static void prepare(const char *type, const char *settings) {
    struct eg_why why = {.struct_size = sizeof why};
    memset(&rig, 0, sizeof rig);
    memset(&calls, 0, sizeof calls);
    rig.fake = egx_fake_new();
    rig.host = egx_fake_host(rig.fake);
    rig.component = component_of(type);
    rig.ops = rig.component->ops;
    rig.traits.struct_size = sizeof rig.traits;
    CU_ASSERT_EQUAL_FATAL(egx_fake_create(rig.fake, rig.component, settings, &rig.instance, &why),
                          EG_OK);
}

static int32_t bind(const char *provider, struct eg_why *ret_why) {
    const void *config = NULL;
    const int32_t rc =
        egx_fake_target_settings(rig.fake, rig.component, provider, &config, ret_why);
    return rc < 0 ? rc : rig.ops->bind(rig.instance, config, &rig.target, &rig.traits, ret_why);
}

static void finish(void) {
    egx_fake_destroy(rig.fake, rig.component, rig.instance);
    CU_ASSERT_EQUAL(egx_fake_allocations(rig.fake), 0);
    CU_ASSERT_EQUAL(cache.refs, 0);
    egx_fake_free(rig.fake);
}

int32_t rig_bind(const char *type, const struct aws_target_settings *settings,
                 struct eg_why *ret_why) {
    prepare(type, NULL);
    const int32_t rc = rig.ops->bind(rig.instance, settings, &rig.target, &rig.traits, ret_why);
    if (rc >= 0) {
        rig.ops->unbind(rig.instance, rig.target);
    }
    finish();
    return rc;
}

void rig_begin(const char *type, const char *settings, const char *provider) {
    struct eg_why why = {.struct_size = sizeof why};
    prepare(type, settings);
    CU_ASSERT_EQUAL_FATAL(bind(provider, &why), EG_OK);
    CU_ASSERT_EQUAL_FATAL(
        rig.component->life->attach(rig.instance, egx_fake_loop(rig.fake), &rig.slot), EG_OK);
}

void rig_end(void) {
    for (size_t i = 0; i < rig.count; i++) {
        CU_ASSERT_EQUAL(rig.done[i].done_count, 1);
        egx_fake_op_free(&rig.done[i]);
    }
    for (size_t i = 0; i < calls.count; i++) {
        free(calls.sent[i]->body);
        free(calls.sent[i]);
    }
    rig.component->life->detach(rig.instance, rig.slot);
    rig.ops->unbind(rig.instance, rig.target);
    finish();
}

static size_t invoke(struct eg_str payload, const struct eg_event *event) {
    const size_t number = rig.count++;
    struct eg_invocation *invocation = &rig.invocations[number];
    egx_fake_op_init(rig.fake, &rig.done[number]);
    *invocation = (struct eg_invocation){
        .struct_size = sizeof *invocation, .payload = payload, .event = event};
    CU_ASSERT_EQUAL(
        rig.ops->invoke(rig.instance, rig.slot, rig.target, invocation, &rig.done[number].pub),
        EG_OK);
    return number;
}

size_t rig_invoke(const char *event_json) {
    return invoke(egx_str_c(event_json), egx_fake_event(rig.fake, event_json));
}

size_t rig_invoke_bytes(size_t bytes) {
    char *text = rig.host->mem->alloc(rig.host, bytes + 1);
    memset(text, 'x', bytes);
    const size_t number = invoke(egx_str_n(text, bytes), NULL);
    egx_fake_run(rig.fake);
    while (rig_class(number) == EG_CALL_CLASSES) {
        calls_error(calls.count - 1, EG_E_IO, "as far as it gets here");
        egx_fake_run(rig.fake);
    }
    rig.host->mem->free(rig.host, text);
    return number;
}

const struct egx_fake_op *rig_op(size_t number) {
    egx_fake_run(rig.fake);
    return &rig.done[number];
}

uint32_t rig_class(size_t number) {
    const struct egx_fake_op *op = rig_op(number);
    return op->done_count == 0 ? EG_CALL_CLASSES : op->result.call_class;
}

struct eg_str rig_body(size_t number) {
    const struct egx_fake_op *op = rig_op(number);
    return egx_str_n(op->result.body.ptr, op->result.body.len);
}

struct eg_str rig_message(size_t number) {
    return rig_op(number)->result.message;
}
