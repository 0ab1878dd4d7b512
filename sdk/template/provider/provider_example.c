/*
 * provider_example - calls functions with a POST of the event. A function says where it is:
 *
 *   {"functionId": "f", "type": "example", "provider": {"url": "http://localhost:8080/"}}
 */
#include <eventgw-sdk/egx.h>

struct example_settings {
    uint64_t timeout_ns;
};
EGX_SETTING(example_settings, timeout_ns, "timeout", EG_SET_DURATION, 0, 1, INT64_MAX, "5s", NULL,
            "Longest time for one call.");
static const struct eg_setting *const rows[] = {EGX_ROW(example_settings, timeout_ns)};

/* What a function configures, in `provider`. */
struct example_target {
    struct eg_str url;
};
EGX_SETTING(example_target, url, "url", EG_SET_STRING, 0, 0, 0, NULL, NULL, "Where it is.");
static const struct eg_setting *const target_rows[] = {EGX_ROW(example_target, url)};

struct example_self {
    const struct eg_host *host;
    const struct example_settings *settings; /* borrowed until destroy */
};

struct example_slot { /* of one loop */
    const struct eg_host *host;
    struct eg_loop *loop;
};

/* One call in flight: what the answer needs to know. The request and its header are borrowed by the
 * host until then. */
struct example_call {
    const struct eg_host *host;
    struct eg_op *op;
    struct eg_http_request request;
    struct eg_kv header;
};

/* ---- life ---- */

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct example_self *self = host->mem->alloc(host, sizeof *self);
    (void)ret_why;
    self->host = host;
    self->settings = settings;
    *ret_instance = self;
    return EG_OK;
}

static void destroy(void *instance) {
    struct example_self *self = instance;
    self->host->mem->free(self->host, self);
}

static int32_t attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    const struct example_self *self = instance;
    struct example_slot *slot = self->host->mem->alloc(self->host, sizeof *slot);
    slot->host = self->host;
    slot->loop = loop;
    *ret_slot = slot;
    return EG_OK;
}

static void detach(void *instance, void *slot) {
    const struct example_self *self = instance;
    self->host->mem->free(self->host, slot);
}

/* ---- functions ---- */

/* Also the validator of the Config API: the sentence is answered to its client. */
static int32_t bind(void *instance, const void *config, void **ret_target,
                    struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct example_self *self = instance;
    const struct example_target *target = config;
    if (!egx_str_starts(target->url, EGX_STR("http://")) &&
        !egx_str_starts(target->url, EGX_STR("https://"))) {
        return egx_why(ret_why, EG_E_INVAL, "url has to begin with http:// or https://");
    }
    ret_traits->event_version = EG_CE_1_0;
    ret_traits->timeout_ns = self->settings->timeout_ns;
    *ret_target = (void *)target; /* nothing to be made of it: the settings live until unbind */
    return EG_OK;
}

static void unbind(void *instance, void *target) {
    (void)instance;
    (void)target;
}

static void on_answer(void *arg, const struct eg_http_response *response) {
    struct example_call *call = arg;
    struct eg_op *op = call->op;
    struct eg_buf body = response->body; /* given: ours to release or to give on */
    call->host->mem->free(call->host, call);
    if (response->error != 0) {
        egx_buf_release(&body);
        egx_done_call_failed(op, response->error, EG_CALL_TRANSIENT, "%.*s",
                             (int)response->message.len, response->message.ptr);
    } else if (response->status >= 500) {
        egx_buf_release(&body);
        egx_done_call_failed(op, EG_E_IO, EG_CALL_FUNCTION, "the function answered %d",
                             response->status);
    } else {
        egx_done_call(op, (uint32_t)response->status, body);
    }
}

static int32_t invoke(void *instance, void *slot_void, void *target_void,
                      const struct eg_invocation *invocation, struct eg_op *op) {
    const struct example_self *self = instance;
    const struct example_slot *slot = slot_void;
    const struct example_target *target = target_void;
    struct example_call *call = self->host->mem->alloc(self->host, sizeof *call);
    struct eg_http_call *ignored = NULL;
    call->host = self->host;
    call->op = op;
    call->header.name = EGX_STR("Content-Type");
    call->header.value = EGX_STR("application/json");
    call->request.struct_size = sizeof call->request;
    call->request.method = EGX_STR("POST");
    call->request.url = target->url;
    call->request.headers = &call->header;
    call->request.header_count = 1;
    call->request.body = invocation->payload;
    call->request.timeout_ns = self->settings->timeout_ns;
    const int32_t rc =
        self->host->http->send(self->host, slot->loop, &call->request, on_answer, call, &ignored);
    if (rc < 0) {
        self->host->mem->free(self->host, call);
    }
    return rc; /* 0: accepted, and on_answer ends the op */
}

static const struct eg_life_ops life = {.struct_size = sizeof life,
                                        .create = create,
                                        .attach = attach,
                                        .detach = detach,
                                        .destroy = destroy};
static const struct eg_provider_ops ops = {
    .struct_size = sizeof ops, .bind = bind, .unbind = unbind, .invoke = invoke};

EGX_PROVIDER(example_component, "example", "Calls functions by POST.", example_settings, rows,
             example_target, target_rows, &life, &ops);
EGX_PLUGIN("provider_example", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &example_component)
