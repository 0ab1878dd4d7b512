/*
 * eventgw/provider.h - a component that calls functions (kind EG_KIND_PROVIDER).
 *
 * The component's name is the `type` of the functions it serves. What a function may configure is
 * a settings table (struct eg_component.target_settings): the host reads the `provider` object of
 * the Config API into the component's struct (names without regard to case, unknown keys dropped),
 * stores and answers the keys that are not empty in table order, and masks EG_SET_SECRET rows.
 */
#ifndef EVENTGW_PROVIDER_H
#define EVENTGW_PROVIDER_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eg_event;
struct eg_call; /* a call of a function that is under way */

/* CloudEvents version of the JSON handed to a function. */
#define EG_CE_AS_RECEIVED 0u
#define EG_CE_0_1 1u
#define EG_CE_0_2 2u
#define EG_CE_0_3 3u
#define EG_CE_1_0 4u

/* What the host should know of a bound function; zeroed by the host, struct_size set. */
struct eg_target_traits {
    uint32_t struct_size;
    uint32_t event_version; /* EG_CE_*: every event is converted to it */
    uint64_t timeout_ns;    /* for one call; 0 = the gateway's setting */
};

/* One call. Everything in it is borrowed until the op is done. */
struct eg_invocation {
    uint32_t struct_size;
    uint32_t is_async; /* 1 = nobody waits for the answer's body */
    struct eg_str space;
    struct eg_str function_id;
    struct eg_str payload;        /* the JSON text to hand to the function */
    struct eg_str request_id;     /* the gateway's id of the request this call belongs to */
    const struct eg_event *event; /* NULL when the payload is not an event (authorizers) */
    /* Since 0.3. To be sent as headers of these names (W3C Trace Context); empty = do not. */
    struct eg_str traceparent;
    struct eg_str tracestate;
    /* Since 0.4. For function->call; NULL = other functions cannot be called from here. */
    const struct eg_call *call;
    /* Since 0.4. Media type of the payload where it is sent as something with one; empty =
     * application/cloudevents+json. */
    struct eg_str content_type;
};

/* What a provider does. */
struct eg_provider_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /*
     * Checks the configuration of one function and makes what invoke needs of it. Also the
     * validator of the Config API: why->text of a negative return is answered to the client after
     * the resource's prefix. No I/O. config (the struct of target_settings) is borrowed until
     * unbind. Control thread.
     */
    int32_t (*bind)(void *instance, const void *config, void **ret_target,
                    struct eg_target_traits *ret_traits, struct eg_why *ret_why);
    /* After the last invoke on the target is done. Control thread. */
    void (*unbind)(void *instance, void *target);
    /* Calls the function. slot is what attach gave for this loop. Any loop that was attached. */
    int32_t (*invoke)(void *instance, void *slot, void *target,
                      const struct eg_invocation *invocation, struct eg_op *op);
    /* Optional, same loop as invoke: the answer is no longer wanted. May come when done was
     * called already but is not delivered yet; then ignore it. */
    void (*cancel)(void *instance, void *slot, struct eg_op *op);
};

#ifdef __cplusplus
}
#endif
#endif
