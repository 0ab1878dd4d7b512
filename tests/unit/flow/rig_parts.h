/*
 * rig_parts.h - what the pieces of the rig share: the struct itself, and what its components reach
 * for.
 */
#ifndef TESTS_UNIT_FLOW_RIG_PARTS_H
#define TESTS_UNIT_FLOW_RIG_PARTS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "domain/path_tree.h"
#include "flow/exchange.h"
#include "plugin/loader.h"
#include "unit.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define RIG_MAX 16
#define RIG_HELD 64
#define RIG_LISTS 4096

/* RIG_FORWARD: has the function `forward` called in its place */
enum rig_mode { RIG_ANSWER, RIG_HOLD, RIG_REFUSE, RIG_FORWARD };

struct rig_function {
    const char *name;
    enum rig_mode mode;
    const char *answer; /* body */
    uint32_t call_class;
    int32_t status; /* of the op */
    const char *message;
    const char *client_text;
    uint32_t version; /* EG_CE_* it asks for */
    unsigned calls;
    unsigned canceled;
    uint32_t is_async;  /* of the last call */
    char payload[8192]; /* of the last call */
    char traceparent[64];
    char tracestate[64];
    uint32_t http_status;
    struct eg_op *held[RIG_HELD];
    unsigned held_count;
    const struct eg_invocation *invocation; /* of the last call */
    const char *forward;
    uint64_t forward_deadline_ns;
    bool is_careless;          /* ends its op at cancel, while the inner call is out */
    unsigned forwarded;        /* inner calls that have ended */
    int32_t forward_rc;        /* of the last call or its end */
    char forward_message[128]; /* of its end */
    struct eg_function_call *inner;
};

/* A function without a subscription. */
struct rig_offer {
    struct gw_object function;
    struct gw_callee callee;
};

struct rig_subscription {
    struct gw_object object;
    struct gw_object function;
    struct gw_object authorizer_function;
    struct gw_subscriber subscriber;
    struct gw_callee callee;
    struct gw_callee authorizer;
};

struct rig_hooks {
    int32_t (*on_request)(struct eg_exchange *x, struct eg_op *op);
    int32_t (*on_event)(struct eg_exchange *x, struct eg_event *event, struct eg_op *op);
    int32_t (*on_reply)(struct eg_exchange *x, struct eg_op *op);
};
struct rig_reacter {
    const struct eg_interest *const *interests;
    size_t interest_count;
    int32_t (*react)(const struct eg_event *event, struct eg_op *op);
};

struct rig_request;

struct rig {
    struct eg_loop *loop;
    struct gw_manager *manager;
    struct gw_flow *flow;
    struct gw_flow_setup setup;
    struct rig_function functions[RIG_MAX];
    struct rig_subscription subscriptions[RIG_MAX];
    size_t subscription_count;
    struct rig_offer offers[RIG_MAX];
    size_t offer_count;
    struct rig_request *later[RIG_HELD]; /* requests to free at the end */
    size_t later_count;
    void *lists[RIG_LISTS]; /* of async subscribers, given out and freed at the end */
    size_t list_count;
    const struct gw_cors *cors;
    const char *cors_path;
    struct gw_view view;
    struct gw_target *targets[2 * RIG_MAX];
    size_t target_count;
    const char *first_match; /* common setting of the middleware, as JSON */
    const char *second_match;
    bool guard_traces; /* the reacter `guard` is one that wants traces */
    bool is_ready;
};

/* What the components reach for. */
static struct rig *rig_now;
static struct rig_hooks rig_first;
static struct rig_hooks rig_second;
static struct rig_reacter rig_watcher;
static struct rig_reacter rig_guard;
static void (*rig_trace)(const struct eg_trace *trace); /* of the guard, with guard_traces */
static unsigned rig_middleware_cancels;
static struct eg_op *rig_op; /* where a pending hook leaves its op */
static const struct eg_host *rig_host;
static const struct eg_host *rig_provider_host;

#endif
