/*
 * eventgw-sdk/egx_calls.h - the calls that a provider runs on one loop: where they come from, and
 * which of them belongs to an op that is cancelled. Not part of egx.h; include it where it is
 * needed.
 *
 *   struct hello_call { struct egx_call head; struct eg_http_request request; ... };  (head first)
 *   attach:  return egx_calls_attach(host, instance, loop, sizeof(struct hello_call), ret_slot);
 *   invoke:  struct hello_call *call = egx_call_take(slot, op);   ... all zero but the head
 *   the end: struct eg_op *op = call->head.op; egx_call_put(call); op->done(op, ...);
 *   cancel:  struct hello_call *call = egx_call_find(slot, op);   ... NULL = it has ended
 *   detach:  egx_calls_detach(slot);
 *
 * The slot is the list. A call that has ended is kept for the next one, so that a busy loop
 * allocates nothing; the memory of the most calls that ran at a time stays until detach. A plugin
 * that is built with the address sanitizer keeps none, so that the late use of a call is found.
 *
 * Thread: that of the loop. Ownership: the list owns the memory of its calls, running or not; what
 * a call points to is the plugin's to free, before egx_call_put.
 */
#ifndef EVENTGW_SDK_CALLS_H
#define EVENTGW_SDK_CALLS_H

#include <eventgw/host.h>
#include <eventgw/op.h>

#include "egx_str.h"

/* Is the memory of calls that have ended kept? The address sanitizer could not see that it is not
 * to be touched. */
#define EGX_CALLS_KEPT 1
#if defined(__SANITIZE_ADDRESS__)
#undef EGX_CALLS_KEPT
#define EGX_CALLS_KEPT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef EGX_CALLS_KEPT
#define EGX_CALLS_KEPT 0
#endif
#endif

struct egx_calls;

/* The head of each call, its first member. To be read only, but for next and prev. */
struct egx_call {
    struct egx_calls *calls; /* the list it runs in */
    struct eg_op *op;        /* that it ends */
    struct egx_call *next;   /* of the list */
    struct egx_call *prev;   /* of the list */
};

/* The calls of one loop. To be read only, but for running and spare. */
struct egx_calls {
    const struct eg_host *host; /* of the instance */
    void *instance;             /* what create gave */
    struct eg_loop *loop;       /* the loop that was attached */
    size_t call_size;           /* of the plugin's struct, with its head */
    struct egx_call *running;   /* the newest first */
    struct egx_call *spare;     /* memory for the next ones */
};

/* An empty list, as a part of a slot that holds more. */
static inline void egx_calls_init(struct egx_calls *calls, const struct eg_host *host,
                                  void *instance, struct eg_loop *loop, size_t call_size) {
    calls->host = host;
    calls->instance = instance;
    calls->loop = loop;
    calls->call_size = call_size;
    calls->running = NULL;
    calls->spare = NULL;
}

/* Its end: gives back the spare calls. One that runs yet was given up by the host and stays. */
static inline void egx_calls_clear(struct egx_calls *calls) {
    while (calls->spare != NULL) {
        struct egx_call *call = calls->spare;
        calls->spare = call->next;
        calls->host->mem->free(calls->host, call);
    }
}

/* What attach does, when the list is the whole slot. */
static inline int32_t egx_calls_attach(const struct eg_host *host, void *instance,
                                       struct eg_loop *loop, size_t call_size, void **ret_slot) {
    struct egx_calls *calls = (struct egx_calls *)host->mem->alloc(host, sizeof *calls);
    egx_calls_init(calls, host, instance, loop, call_size);
    *ret_slot = calls;
    return EG_OK;
}

/* What detach does with it; NULL is fine. */
static inline void egx_calls_detach(void *slot) {
    struct egx_calls *calls = (struct egx_calls *)slot;
    if (calls != NULL) {
        egx_calls_clear(calls);
        calls->host->mem->free(calls->host, calls);
    }
}

/* A call that runs from here on, the plugin's struct: zero behind its head. */
static inline void *egx_call_take(struct egx_calls *calls, struct eg_op *op) {
    struct egx_call *call = calls->spare;
    if (call != NULL) {
        calls->spare = call->next;
        memset(call, 0, calls->call_size);
    } else {
        call = (struct egx_call *)calls->host->mem->alloc(calls->host, calls->call_size);
    }
    call->calls = calls;
    call->op = op;
    call->next = calls->running;
    if (calls->running != NULL) {
        calls->running->prev = call;
    }
    calls->running = call;
    return call;
}

/* The call runs no more, and is not to be touched any more. Its op is not ended by this. */
static inline void egx_call_put(void *running) {
    struct egx_call *call = (struct egx_call *)running;
    struct egx_calls *calls = call->calls;
    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        calls->running = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    if (EGX_CALLS_KEPT) {
        call->next = calls->spare;
        calls->spare = call;
    } else {
        calls->host->mem->free(calls->host, call);
    }
}

/* The call of an op, the plugin's struct; NULL when it runs no more. */
static inline void *egx_call_find(const struct egx_calls *calls, const struct eg_op *op) {
    struct egx_call *call = calls->running;
    while (call != NULL && call->op != op) {
        call = call->next;
    }
    return call;
}

#endif
