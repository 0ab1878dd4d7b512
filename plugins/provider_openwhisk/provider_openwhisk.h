/*
 * provider_openwhisk.h - what the files of this plugin share. Component `openwhisk`: an action of
 * an OpenWhisk installation is invoked with the event as its parameters, or a trigger is fired.
 */
#ifndef PROVIDER_OPENWHISK_H
#define PROVIDER_OPENWHISK_H

#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/egx_calls.h>
#include <eventgw-sdk/egx_http.h>

#include "record.h"

/* Settings of the component. */
struct whisk_settings {
    uint64_t blocking_timeout; /* OpenWhisk's own limit is a minute */
    uint64_t poll_interval;
    uint64_t poll_interval_max;
    uint64_t max_response;
    struct eg_str ca_file;
};

/* Settings of one function. */
struct whisk_target_settings {
    struct eg_str api_host;
    struct eg_str name_space;
    struct eg_str package;
    struct eg_str action;
    struct eg_str trigger;
    struct eg_str auth;  /* uuid:key */
    struct eg_str token; /* bearer */
    uint32_t blocking;
    struct eg_str cloud_events;
};

struct whisk_instance {
    const struct eg_host *host;
    const struct whisk_settings *settings;
};

struct whisk_target {
    uint32_t is_trigger;
    uint32_t is_blocking;
    struct egx_json invoke_url;      /* without the timeout of a blocking call */
    struct egx_json activations_url; /* ends with a slash */
    struct egx_json authorization;
};

/* target.c */
#define WHISK_TARGET_ROWS 9u
extern const struct eg_setting *const whisk_target_rows[WHISK_TARGET_ROWS];
int32_t whisk_bind(void *instance, const void *config, void **ret_target,
                   struct eg_target_traits *ret_traits, struct eg_why *ret_why);
void whisk_unbind(void *instance, void *target);

/* ---- calls ---- */

struct whisk_call {
    struct egx_call head;
    uint32_t is_canceled;
    const struct whisk_target *target;
    const struct eg_invocation *invocation; /* borrowed until done */
    struct eg_http_call *handle;
    struct eg_http_request request;
    struct eg_kv headers[2 + EGX_TRACE_HEADERS];
    struct egx_json url;
    /* poll.c */
    struct eg_timer *timer;
    uint64_t delay_ns;
    uint64_t give_up_ns;
    char activation_id[65];
};

static inline const struct whisk_instance *whisk_instance_of(const struct whisk_call *call) {
    return call->head.calls->instance;
}

/* call.c */
int32_t whisk_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void whisk_detach(void *instance, void *slot);
int32_t whisk_invoke(void *instance, void *slot, void *target,
                     const struct eg_invocation *invocation, struct eg_op *op);
void whisk_cancel(void *instance, void *slot, struct eg_op *op);

/* Sends call->url; 0, or why not. */
int32_t whisk_send(struct whisk_call *call, struct eg_str method, struct eg_str body,
                   void (*on_done)(void *arg, const struct eg_http_response *response));
/* The ends; each puts the call. body is given. */
void whisk_end_record(struct whisk_call *call, const struct record *record, struct eg_buf body);
void whisk_end_status(struct whisk_call *call, const struct eg_http_response *response);
EGX_PRINTF(4, 5)
void whisk_end_failed(struct whisk_call *call, int32_t status, uint32_t call_class,
                      const char *format, ...);
/* EG_CALL_* of a status that is no success. */
uint32_t whisk_class_of(int32_t status);

/* poll.c: asks for the activation until it has ended. */
void whisk_poll(struct whisk_call *call, struct eg_str activation_id);

#endif
