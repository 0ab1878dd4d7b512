/*
 * plugin/host_http.c - the http service: the client of the loop, with the component's name on the
 * time its callback takes and the call on its ledger. Loop thread.
 */
#include "base/check.h"
#include "base/log.h"
#include "base/slice.h"
#include "plugin/check_settings.h"
#include "plugin/host.h"

/* In the memory of the client's call. */
struct http_call {
    struct gw_instance *instance;
    struct eg_loop *loop;
    void (*on_done)(void *arg, const struct eg_http_response *response);
    void *arg;
    void (*on_data)(void *arg, struct eg_str piece);
    struct eg_http_request request; /* whole, whatever version of it the plugin has */
};

static void on_http_data(void *arg, struct eg_str piece) {
    struct http_call *call = arg;
    const char *former = gw_loop_blame(call->loop, call->instance->name);
    call->on_data(call->arg, piece);
    (void)gw_loop_blame(call->loop, former);
}

/* Fields that the plugin's header does not have are zero. */
static void copy_request(struct http_call *call, const struct eg_http_request *request) {
    if (request->struct_size < sizeof *request) {
        call->request = (struct eg_http_request){0};
        memcpy(&call->request, request, request->struct_size);
    } else {
        call->request = *request;
    }
    call->request.struct_size = sizeof call->request;
    call->on_data = call->request.on_data;
    call->request.on_data = call->on_data == NULL ? NULL : on_http_data;
}

static void on_http_done(void *arg, const struct eg_http_response *response) {
    struct http_call *call = arg;
    struct eg_loop *loop = call->loop;
    const char *former = gw_loop_blame(loop, call->instance->name);
    call->on_done(call->arg, response);
    (void)gw_loop_blame(loop, former);
    gw_ledger_leave(call->instance, gw_loop_index(loop));
}

static int32_t http_send(const struct eg_host *host, struct eg_loop *loop,
                         const struct eg_http_request *request,
                         void (*on_done)(void *arg, const struct eg_http_response *response),
                         void *arg, struct eg_http_call **ret_call) {
    struct gw_instance *instance = gw_host_instance(host);
    const struct gw_manager_config *config = gw_host_config(instance);
    if (loop == NULL || loop != gw_loop_current() || on_done == NULL || ret_call == NULL ||
        request->struct_size < GW_BASELINE(eg_http_request, key_file)) {
        gw_logf(EG_LOG_ERROR, "component '%s' calls http->send wrongly (loop, size or callback)",
                instance->name);
        return EG_E_INVAL;
    }
    const uint32_t index = gw_loop_index(loop);
    if (index >= config->loop_count || config->clients == NULL || config->clients[index] == NULL) {
        return EG_E_UNAVAILABLE;
    }
    struct eg_http_call *client_call = gw_http_call_new(config->clients[index]);
    struct http_call *call = gw_http_call_room(client_call, sizeof *call);
    call->instance = instance;
    call->loop = loop;
    call->on_done = on_done;
    call->arg = arg;
    copy_request(call, request);
    gw_ledger_enter(instance, index);
    const int32_t rc = gw_http_call_send(client_call, &call->request, on_http_done, call);
    if (rc < 0) {
        gw_ledger_leave(instance, index);
        return rc;
    }
    *ret_call = client_call;
    return EG_OK;
}

static void http_cancel(const struct eg_host *host, struct eg_http_call *call) {
    (void)host;
    if (call != NULL) {
        gw_http_cancel(call);
    }
}

const struct eg_http_api gw_host_http = {
    .struct_size = sizeof gw_host_http,
    .send = http_send,
    .cancel = http_cancel,
};
