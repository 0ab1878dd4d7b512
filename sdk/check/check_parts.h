/*
 * check_parts.h - the inside of the check. A run is one component; a subject is one instance of it
 * on a fake host of its own. All on one thread; the component's own threads end ops.
 */
#ifndef CHECK_PARTS_H
#define CHECK_PARTS_H

#include <eventgw-sdk/check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fake/fake_parts.h"

#define CHECK_SLOW_NS 50000000u /* eventgw/op.h, rule 7 */
#define CHECK_TOLD_MAX 64u

struct check_run {
    const struct egx_check *check;
    const struct eg_component *component;
    uint32_t breaches;
    uint32_t calls;
    uint32_t stage_breaches; /* breaches when the stage began */
    struct eg_why refusal;   /* of the function that is given; empty = it was taken */
    char step[256];          /* the last one that was told */
    uint32_t told_count;
    char told[CHECK_TOLD_MAX][200]; /* a sentence is told once, not for each call */
};

struct check_subject {
    struct check_run *run;
    struct egx_fake *fake;
    void *instance;
    void *slot;
    int is_attached;
    int is_stuck; /* an op was never done: the fake is left as it is, since it may still be */
};

/* How made-up answers to HTTP calls look. */
enum check_weather {
    CHECK_FINE,    /* 200 and a JSON object */
    CHECK_FAILING, /* 500 */
    CHECK_GARBAGE, /* 200 and bytes that are nothing */
    CHECK_BROKEN,  /* no answer but an error */
    CHECK_SILENT,  /* nothing: the deadline comes first */
    CHECK_WEATHERS,
    CHECK_TIMEOUT = CHECK_WEATHERS, /* what becomes of silence, as each HTTP call has a limit */
};

/* One call into the component. */
struct check_call {
    struct check_subject *subject;
    const char *name; /* "on_request" */
    const char *with; /* "a body that is no JSON" */
    uint64_t began_ns;
    enum check_weather weather;
    void (*cancel)(void *instance, void *slot, struct eg_op *op); /* or NULL */
    struct egx_fake_op
        *op; /* NULL: a call without one. Lives as long as the fake: a late done finds it */
};

EGX_PRINTF(3, 4)
void check_tell(struct check_run *run, uint32_t what, const char *format, ...);
/* A breach in this call. Told once for each name and sentence. */
EGX_PRINTF(2, 3)
void check_breach(const struct check_call *call, const char *format, ...);
/* Ends a stage: "start" passed, unless something was wrong in it. */
EGX_PRINTF(2, 3)
void check_stage(struct check_run *run, const char *format, ...);

/* Around each call into the component; with_op: it takes one. */
struct check_call check_begin(struct check_subject *subject, const char *name, const char *with,
                              int with_op);
void check_returned(struct check_call *call);
/* The call returned this. Judges it, waits for done, and for a second one. Frees the op, whose
 * status (or the refusal) is returned. is_verdict: EG_NEXT, EG_STOP, EG_PENDING are meant. */
int32_t check_judge(struct check_call *call, int32_t rc, int is_verdict, int32_t *ret_verdict,
                    struct eg_result *ret_result);
/* Runs the loop until nothing moves, answering HTTP calls as the weather has it. */
void check_settle(struct check_call *call);

/* Calls of one kind. is_short: the ordinary ones only. */
void check_middleware(struct check_subject *subject, int is_short);
void check_reacter(struct check_subject *subject, int is_short);
void check_provider(struct check_subject *subject, int is_short);
void check_storage(struct check_subject *subject, int is_short);

#endif
