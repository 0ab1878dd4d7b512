/*
 * eventgw-sdk/fake_host.h - a gateway for unit tests of plugins: one loop that runs when the test
 * says so, a clock that the test moves, HTTP answers that the test wrote, requests and events that
 * the test makes. Link EventGateway::fake_host.
 *
 *   struct egx_fake *fake = egx_fake_new();
 *   void *instance = NULL;
 *   egx_fake_create(fake, component, "{\"text\": \"hello\"}", &instance, &why);
 *   struct eg_exchange *request = egx_fake_exchange(fake, "GET", "/users");
 *   ops->on_request(instance, NULL, request, &op.pub);
 *   ...
 *   egx_fake_destroy(fake, component, instance);
 *   assert(egx_fake_allocations(fake) == 0);
 *   egx_fake_free(fake);
 *
 * One thread, but loop->post and op->done may come from others. All texts handed out are borrowed
 * until egx_fake_free and end with a NUL.
 */
#ifndef EVENTGW_SDK_FAKE_HOST_H
#define EVENTGW_SDK_FAKE_HOST_H

#include <eventgw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct egx_fake;

/* A gateway without anything in it. take: egx_fake_free. */
struct egx_fake *egx_fake_new(void);
void egx_fake_free(struct egx_fake *fake); /* NULL is fine */
/* component is the name of the last component created, "" before. */
const struct eg_host *egx_fake_host(struct egx_fake *fake);
struct eg_loop *egx_fake_loop(struct egx_fake *fake);
/* Pieces of host->mem->alloc and JSON roots that were not freed. */
size_t egx_fake_allocations(const struct egx_fake *fake);

/* What was not given back yet. */
struct egx_left {
    size_t allocations;    /* of host->mem->alloc */
    size_t json_roots;     /* of host->json->parse */
    size_t buffers;        /* of host->mem->copy, and bodies of HTTP answers, not released */
    size_t timers;         /* not stopped; also those that have fired */
    size_t watches;        /* of file descriptors */
    size_t calls;          /* HTTP calls in flight */
    size_t posts;          /* posted functions and blocking work that did not run yet */
    size_t function_calls; /* calls of other functions in flight */
};
/* What was not given back until now. */
void egx_fake_left(const struct egx_fake *fake, struct egx_left *ret_left);

/* ---- life ---- */

/* Reads the settings (one JSON object, or NULL for none) as the gateway would, then calls create.
 * Also EG_E_INVAL for unknown keys, wrong types, values out of range, missing required keys. */
int32_t egx_fake_create(struct egx_fake *fake, const struct eg_component *component,
                        const char *settings_json, void **ret_instance, struct eg_why *ret_why);
/* The same for the settings of a function (provider->bind takes them); borrowed until free. */
int32_t egx_fake_target_settings(struct egx_fake *fake, const struct eg_component *component,
                                 const char *provider_json, const void **ret_config,
                                 struct eg_why *ret_why);
/* Calls start and runs the loop until it is done. 0 or the error. */
int32_t egx_fake_start(struct egx_fake *fake, const struct eg_component *component, void *instance);
void egx_fake_destroy(struct egx_fake *fake, const struct eg_component *component, void *instance);

/* ---- loop and clock ---- */

/* Runs what is due: posted functions, timers, watched fds, blocking work, HTTP answers. Returns how
 * many callbacks ran. */
size_t egx_fake_run(struct egx_fake *fake);
/* Moves both clocks; nothing runs before the next egx_fake_run. */
void egx_fake_advance(struct egx_fake *fake, uint64_t ns);

/* Waits until other threads have posted something or ended an op, at most so long in real time. */
void egx_fake_wait(struct egx_fake *fake, uint64_t real_ns);
/* Begins to take the time of callbacks. It is the real time without that in which the machine had
 * other things to do. */
void egx_fake_time_callbacks(struct egx_fake *fake);
/* The longest that a callback took on the loop since this was asked last. Blocking work does not
 * count. */
uint64_t egx_fake_slowest_ns(struct egx_fake *fake);
/* A clock of such time, for pieces of a test's own; of this thread. */
uint64_t egx_fake_busy_ns(void);

/* ---- ops ---- */

/* An op of a test, and what it ended with. */
struct egx_fake_op {
    struct eg_op pub;
    uint32_t done_count; /* 1 when all is well */
    int32_t status;
    struct eg_result result; /* texts and items are copies, body is owned */
    struct egx_fake *fake;
};
/* Before each call that takes it. */
void egx_fake_op_init(struct egx_fake *fake, struct egx_fake_op *op);
/* Releases the body; the op may be initialised again. */
void egx_fake_op_free(struct egx_fake_op *op);

/* ---- log ---- */

/* How many lines were logged, and the index-th of them (NULL = there is none). */
size_t egx_fake_log_count(const struct egx_fake *fake);
const char *egx_fake_log_line(const struct egx_fake *fake, size_t index, uint32_t *ret_level);
/* 1 when some line contains the text. */
int32_t egx_fake_logged(const struct egx_fake *fake, const char *part);

/* ---- http ---- */

/* An HTTP request that the component sent. */
struct egx_fake_request {
    const char *method;
    const char *url;
    struct eg_str body;
    const struct eg_kv *headers;
    size_t header_count;
    uint64_t timeout_ns;
    uint32_t flags;
};
/* How many were sent, and the index-th of them (NULL = there is none). */
size_t egx_fake_request_count(const struct egx_fake *fake);
const struct egx_fake_request *egx_fake_sent(const struct egx_fake *fake, size_t index);
/* The next call without an answer gets this one at egx_fake_run. headers: "Name: value\n..." */
void egx_fake_answer(struct egx_fake *fake, int32_t status, const char *headers, const char *body);
void egx_fake_answer_error(struct egx_fake *fake, int32_t error, const char *message);
/* Tells a piece of a 2xx answer to the oldest call in flight that wants pieces (on_data), at once.
 * 1, or 0 when there is no such call. The answer itself ends the call as always. */
int32_t egx_fake_data(struct egx_fake *fake, const char *piece);

/* ---- other functions that a provider has called ---- */

/* For the field `call` of an invocation. */
const struct eg_call *egx_fake_call(struct egx_fake *fake);
/* A call of a function that the component asked for. */
struct egx_fake_called {
    const char *function_id;
    const struct eg_call *from;
    uint64_t deadline_ns;
    uint32_t is_canceled;
};
/* How many were accepted, and the index-th of them (NULL = there is none). */
size_t egx_fake_called_count(const struct egx_fake *fake);
const struct egx_fake_called *egx_fake_called_at(const struct egx_fake *fake, size_t index);
/* The oldest call without an end gets this one at egx_fake_run; a canceled one ends by itself. */
void egx_fake_end_call(struct egx_fake *fake, int32_t status, uint32_t call_class, const char *body,
                       const char *message);
/* The next call is refused with this error, EG_E_NOTFOUND for example. */
void egx_fake_refuse_call(struct egx_fake *fake, int32_t error);

/* ---- requests of clients ---- */

/* A request of a client; target: path with query. Headers and body are added to it. */
struct eg_exchange *egx_fake_exchange(struct egx_fake *fake, const char *method,
                                      const char *target);
void egx_fake_add_header(struct eg_exchange *exchange, const char *name, const char *value);
void egx_fake_set_body(struct eg_exchange *exchange, const char *body);
uint32_t egx_fake_reply_status(const struct eg_exchange *exchange);  /* 0 = none yet */
const char *egx_fake_reply_body(const struct eg_exchange *exchange); /* "" = none yet */
const char *egx_fake_reply_header(const struct eg_exchange *exchange, const char *name); /* NULL */
const char *egx_fake_principal(const struct eg_exchange *exchange);         /* NULL = not set */
const char *egx_fake_principal_context(const struct eg_exchange *exchange); /* the same */
/* What the gateway knows of the request besides; "127.0.0.1" and empty when not set. */
void egx_fake_set_peer(struct eg_exchange *exchange, const char *address);
void egx_fake_set_space(struct eg_exchange *exchange, const char *space);
void egx_fake_set_event(struct eg_exchange *exchange, const struct eg_event *event); /* borrow */
void egx_fake_set_cert(struct eg_exchange *exchange, uint32_t field, const char *text);
void egx_fake_set_schema(struct eg_exchange *exchange, const char *json, uint64_t mark);
/* The end of the request: releases what components keep with it. */
void egx_fake_end_exchange(struct eg_exchange *exchange);

/* ---- events ---- */

/* From structured JSON with CloudEvents 1.0 names; NULL when it is no JSON object. */
struct eg_event *egx_fake_event(struct egx_fake *fake, const char *json);

/* ---- metrics ---- */

/* Value of a metric of the plugin, name without prefix; labels as "a=b,c=d" in the order they were
 * given, "" = none. INT64_MIN when nobody asked for it. */
int64_t egx_fake_metric(const struct egx_fake *fake, const char *name, const char *labels);

#ifdef __cplusplus
}
#endif
#endif
