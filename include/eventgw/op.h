/*
 * eventgw/op.h - the one way an asynchronous call ends.
 *
 * Every asynchronous call into a component carries an op. The seven rules:
 *  1. The call returning 0 (or EG_PENDING) = accepted, exactly one done follows. A negative return
 *     = refused, no done. (Verdict calls may also answer at once, see middleware.h.)
 *  2. done may be called from any thread. It never runs the continuation itself: the host runs it
 *     later on the loop the op belongs to.
 *  3. Inputs are borrowed until done. result->body is given with done; all other bytes of the
 *     result are borrowed during the call of done only.
 *  4. The host owns the deadline: when it passes, the host answers its client, calls cancel, and
 *     keeps the op on its ledger until done comes.
 *  5. cancel is a wish. One done still comes (EG_E_CANCELED, or the real result).
 *  6. A second done aborts the process with the plugin's name.
 *  7. Never block a loop: blocking libraries go through loop->run_blocking. A loop tick over 50 ms
 *     is logged with the plugin's name.
 */
#ifndef EVENTGW_OP_H
#define EVENTGW_OP_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verdicts of middleware and reacters. */
#define EG_NEXT 0    /* go on */
#define EG_STOP 1    /* end here: middleware has set the reply, a reacter refuses the event */
#define EG_PENDING 2 /* the answer comes through the op */

/* Class of a function call's outcome, struct eg_result.call_class. Only EG_CALL_OK carries a body
 * that is mapped to a reply. Names and meaning are those of the metric
 * eventgateway_provider_calls_total{provider,class}. */
#define EG_CALL_OK 0u        /* the function answered */
#define EG_CALL_ACCEPTED 1u  /* the service took it; there is no function result */
#define EG_CALL_THROTTLED 2u /* refused for now; retry_after_ns may tell for how long */
#define EG_CALL_TRANSIENT 3u /* transport error, time-out, 502..504: trying again may help */
#define EG_CALL_FUNCTION 4u  /* the function ran and failed */
#define EG_CALL_PERMANENT 5u /* will fail again: wrong request or configuration */
#define EG_CALL_AUTH 6u      /* credentials missing, refused or expired */
#define EG_CALL_CLASSES 7u

/* One object of a storage list. Borrowed with the result it came in. */
struct eg_item {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t revision;
    struct eg_str key;
    struct eg_str value;
};

/*
 * What an op ended with. Which fields count depends on the call; all others are zero.
 * Zero the struct, set struct_size = sizeof, fill in.
 */
struct eg_result {
    uint32_t struct_size;
    int32_t verdict;           /* middleware, reacter: EG_NEXT or EG_STOP */
    uint32_t call_class;       /* provider: EG_CALL_* */
    uint32_t http_status;      /* provider: status of the function's own answer, 0 = none */
    uint64_t retry_after_ns;   /* provider: with EG_CALL_THROTTLED, 0 = unknown */
    uint64_t revision;         /* storage: revision of the object read or written */
    struct eg_str message;     /* why it failed, for logs and (storage) the Config API's client */
    struct eg_str client_text; /* provider: safe to show to the caller instead of the default */
    struct eg_buf body;        /* provider: the function's answer; storage get: the value. Given. */
    const struct eg_item *const *items; /* storage list, ascending by key (bytewise) */
    size_t item_count;
};

/* A call that is to be ended. Owned by the host. */
struct eg_op {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t deadline_ns; /* on clock->monotonic_ns; 0 = none */
    /* Ends the op. status 0 or EG_E_*; result may be NULL. Any thread, exactly once. */
    void (*done)(struct eg_op *op, int32_t status, const struct eg_result *result);
};

#ifdef __cplusplus
}
#endif
#endif
