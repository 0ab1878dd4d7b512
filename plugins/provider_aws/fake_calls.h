/*
 * fake_calls.h - call.h as the test wants it: calls are recorded and answered by the test. And one
 * function on the SDK's fake gateway: setup, events, outcomes. One thread.
 */
#ifndef AWS_FAKE_CALLS_H
#define AWS_FAKE_CALLS_H

#include <eventgw-sdk/fake_host.h>

#include "batch.h"
#include "unit.h"

#define MAX_CALLS 64u

struct aws_call {
    struct aws_call_request request; /* slices are copies */
    struct eg_kv headers[AWS_CALL_MAX_HEADERS];
    char *body;
    char path[512];
    char query[512];
    void (*done)(void *arg, const struct aws_call_reply *reply);
    void *arg;
    int is_canceled;
    int is_ended;
};
struct calls {
    struct aws_call *sent[MAX_CALLS];
    size_t count;
    int32_t refuse_with; /* aws_call_send returns it */
};
extern struct calls calls;

/* Answers the index-th call. headers: "Name: value\n..." or NULL. */
void calls_answer(size_t index, uint32_t status, const char *headers, const char *body);
/* An answer that is an error of the service. */
void calls_fail(size_t index, uint32_t status, const char *code, uint64_t retry_after_ns);
void calls_error(size_t index, int32_t error, const char *message);

/* ---- one function ---- */

#define MAX_OPS 64u
struct rig {
    struct egx_fake *fake;
    const struct eg_host *host;
    const struct eg_component *component;
    const struct eg_provider_ops *ops;
    void *instance;
    void *slot;
    void *target;
    struct eg_target_traits traits;
    struct egx_fake_op done[MAX_OPS];
    struct eg_invocation invocations[MAX_OPS];
    size_t count; /* of events */
};
extern struct rig rig;

/* type: name of the component. */
void rig_begin(const char *type, const char *settings, const char *provider);
void rig_end(void); /* everything given back? */
/* Only bind: 0 and unbound again, or the error and why. The host leaves missing fields to bind. */
int32_t rig_bind(const char *type, const struct aws_target_settings *settings,
                 struct eg_why *ret_why);
/* Sends an event (structured JSON of 1.0, also its payload); returns its number. */
size_t rig_invoke(const char *event_json);
size_t rig_invoke_bytes(size_t bytes); /* a payload of 'x' */
const struct egx_fake_op *rig_op(size_t number);
/* Class of the outcome; EG_CALL_CLASSES = not done. */
uint32_t rig_class(size_t number);
struct eg_str rig_body(size_t number);
struct eg_str rig_message(size_t number);

#endif
