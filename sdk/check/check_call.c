/*
 * check_call.c - one call into the component: how long it took, what it returned, and the one done
 * that has to follow. The rules are those of eventgw/op.h.
 */
#include "check_parts.h"

#define DEADLINE_NS 5000000000u /* of an op, on the fake clock */
#define SLICE_NS 2000000u
#define ROUNDS_MAX 200u

/* ---- words ---- */

void check_tell(struct check_run *run, uint32_t what, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)egx_vprint(text, sizeof text, format, args);
    va_end(args);
    if (what == EGX_CHECK_BREACH) {
        run->breaches++;
    }
    if (what == EGX_CHECK_STEP) {
        (void)snprintf(run->step, sizeof run->step, "%.*s", (int)sizeof run->step - 1, text);
    }
    run->check->told(run->check->arg, what, text);
}

/* It is waited here, and the component does not hold us: who listens must not take that for a call
 * that hangs. On a busy machine the patience for its threads is long by the clock. */
static void tell_alive(struct check_run *run) {
    run->check->told(run->check->arg, EGX_CHECK_STEP, run->step);
}

/* Numbers do not count: 11 of something in one place and 2 in another are one fault. */
static int was_told(struct check_run *run, const char *name, const char *text) {
    char key[sizeof run->told[0]] = "";
    size_t len = 0;
    (void)snprintf(key, sizeof key, "%s: %s", name, text);
    for (size_t i = 0; i < sizeof key; i++) {
        key[len] = key[i];
        len += key[i] < '0' || key[i] > '9';
    }
    memset(key + len, 0, sizeof key - len);
    for (uint32_t i = 0; i < run->told_count; i++) {
        if (strcmp(run->told[i], key) == 0) {
            return 1;
        }
    }
    if (run->told_count < CHECK_TOLD_MAX) {
        memcpy(run->told[run->told_count++], key, sizeof key);
    }
    return 0;
}

void check_breach(const struct check_call *call, const char *format, ...) {
    struct check_run *run = call->subject->run;
    char text[600];
    va_list args;
    va_start(args, format);
    (void)egx_vprint(text, sizeof text, format, args);
    va_end(args);
    if (!was_told(run, call->name, text)) {
        check_tell(run, EGX_CHECK_BREACH, "%s%s%s%s: %s", call->name,
                   call->with[0] == '\0' ? "" : " (", call->with, call->with[0] == '\0' ? "" : ")",
                   text);
    }
}

void check_stage(struct check_run *run, const char *format, ...) {
    char text[600];
    va_list args;
    va_start(args, format);
    (void)egx_vprint(text, sizeof text, format, args);
    va_end(args);
    if (run->breaches == run->stage_breaches) {
        check_tell(run, EGX_CHECK_PASSED, "%s", text);
    }
    run->stage_breaches = run->breaches;
}

/* ---- a call ---- */

struct check_call check_begin(struct check_subject *subject, const char *name, const char *with,
                              int with_op) {
    struct check_call call = {.subject = subject, .name = name, .with = with};
    subject->run->calls++;
    check_tell(subject->run, EGX_CHECK_STEP, "%s%s%s%s", name, with[0] == '\0' ? "" : " (", with,
               with[0] == '\0' ? "" : ")");
    if (with_op) {
        call.op = fake_keep(subject->fake, sizeof *call.op);
        egx_fake_op_init(subject->fake, call.op);
        const struct eg_host *host = egx_fake_host(subject->fake);
        call.op->pub.deadline_ns = host->clock->monotonic_ns(host) + DEADLINE_NS;
    }
    (void)egx_fake_slowest_ns(subject->fake);
    call.began_ns = egx_fake_busy_ns();
    return call;
}

/* Once proves nothing: a machine that is itself held up for a moment looks like this too. */
static void judge_time(const struct check_call *call, uint64_t took_ns, const char *what) {
    struct check_run *run = call->subject->run;
    if (took_ns <= CHECK_SLOW_NS) {
        return;
    }
    if (!was_told(run, call->name, what)) {
        check_tell(run, EGX_CHECK_NOTE, "%s: %s took %u ms once", call->name, what,
                   (unsigned)(took_ns / 1000000u));
    } else {
        check_breach(call,
                     "%s held the loop for more than 50 ms; what blocks belongs into "
                     "loop->run_blocking",
                     what);
    }
}

void check_returned(struct check_call *call) {
    const uint64_t now_ns = egx_fake_busy_ns();
    judge_time(call, now_ns > call->began_ns ? now_ns - call->began_ns : 0, "it");
}

/* ---- the loop ---- */

static void answer(struct check_call *call) {
    struct egx_fake *fake = call->subject->fake;
    switch (call->weather) {
    case CHECK_FINE:
        egx_fake_answer(fake, 200, "Content-Type: application/json\n", "{\"ok\":true}");
        break;
    case CHECK_FAILING:
        egx_fake_answer(fake, 500, "Content-Type: text/plain\n", "it broke");
        break;
    case CHECK_GARBAGE:
        egx_fake_answer(fake, 200, "Content-Type: application/json\n", "{\"a\":[\"\xff\xfe");
        break;
    case CHECK_BROKEN:
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "connection refused");
        break;
    case CHECK_TIMEOUT:
        egx_fake_answer_error(fake, EG_E_TIMEOUT, "no answer within 5 s");
        break;
    default:
        break;
    }
}

/* Other functions that a provider has called do as services do. */
static void end_function(struct check_call *call) {
    static const struct {
        int32_t status;
        uint32_t call_class;
        const char *body;
        const char *message;
    } ends[] = {
        [CHECK_FINE] = {EG_OK, EG_CALL_OK, "{\"ok\":true}", NULL},
        [CHECK_FAILING] = {EG_E_INTERNAL, EG_CALL_FUNCTION, NULL, "it broke"},
        [CHECK_GARBAGE] = {EG_OK, EG_CALL_OK, "{\"a\":[\"\xff\xfe", NULL},
        [CHECK_BROKEN] = {EG_E_UNAVAILABLE, EG_CALL_TRANSIENT, NULL, "connection refused"},
        [CHECK_TIMEOUT] = {EG_E_TIMEOUT, EG_CALL_TRANSIENT, NULL, "timed out"},
    };
    if (call->weather != CHECK_SILENT) {
        egx_fake_end_call(call->subject->fake, ends[call->weather].status,
                          ends[call->weather].call_class, ends[call->weather].body,
                          ends[call->weather].message);
    }
}

static size_t run_once(struct check_call *call) {
    struct egx_fake *fake = call->subject->fake;
    struct egx_left left;
    egx_fake_left(fake, &left);
    if (left.calls > 0) {
        answer(call);
    }
    if (left.function_calls > 0) {
        end_function(call);
    }
    const size_t ran = egx_fake_run(fake);
    judge_time(call, egx_fake_slowest_ns(fake), "a callback of it");
    return ran;
}

void check_settle(struct check_call *call) {
    for (uint32_t i = 0; i < ROUNDS_MAX && run_once(call) > 0; i++) {
    }
}

static uint64_t patience_ns(const struct check_call *call) {
    const uint64_t given_ns = call->subject->run->check->patience_ns;
    return given_ns == 0 ? 2000000000u : given_ns;
}

/* Moves the clock of the fake in steps, up to its deadline, while other threads get real time. */
static void wait_done(struct check_call *call) {
    struct egx_fake *fake = call->subject->fake;
    const uint64_t begun_ns = egx_fake_busy_ns();
    uint64_t moved_ns = 0;
    check_settle(call);
    while (call->op->done_count == 0 && egx_fake_busy_ns() - begun_ns < patience_ns(call)) {
        if (moved_ns <= DEADLINE_NS) {
            egx_fake_advance(fake, DEADLINE_NS / 16);
            moved_ns += DEADLINE_NS / 16;
        }
        if (moved_ns > DEADLINE_NS && call->cancel != NULL) {
            return;
        }
        if (moved_ns > DEADLINE_NS && call->weather == CHECK_SILENT) {
            call->weather = CHECK_TIMEOUT;
        }
        tell_alive(call->subject->run);
        egx_fake_wait(fake, SLICE_NS);
        check_settle(call);
    }
}

static void cancel(struct check_call *call) {
    struct check_subject *subject = call->subject;
    check_tell(subject->run, EGX_CHECK_STEP, "cancel of %s (%s)", call->name, call->with);
    call->cancel(subject->instance, subject->slot, &call->op->pub);
    call->cancel = NULL;
    wait_done(call);
}

/* A second done comes late, if at all: runs what is still to run. */
static void settle_all(struct check_call *call) {
    for (uint32_t i = 0; i < 4; i++) {
        egx_fake_advance(call->subject->fake, DEADLINE_NS / 4);
        check_settle(call);
    }
}

/* ---- the judgement ---- */

static int is_error(int32_t code) {
    switch (code) {
#define IS_ERROR(name, value, text) case name:
        EG_ERRORS(IS_ERROR)
#undef IS_ERROR
        return 1;
    default:
        return 0;
    }
}

static int32_t judge_end(struct check_call *call, int is_verdict, int32_t *ret_verdict,
                         struct eg_result *ret_result) {
    struct egx_fake_op *op = call->op;
    if (op->done_count == 0 && call->cancel != NULL) {
        cancel(call);
    }
    if (op->done_count == 0) {
        check_breach(call, "it was accepted, and no done came, not after its deadline either");
        call->subject->is_stuck = 1;
        return EG_E_TIMEOUT;
    }
    settle_all(call);
    if (op->done_count > 1) {
        check_breach(call, "done came %u times; the gateway would have ended", op->done_count);
    }
    if (op->status > 0 || (op->status < 0 && !is_error(op->status))) {
        check_breach(call, "done with status %d, which is no EG_E_*", op->status);
    }
    if (op->status < 0 && op->status != EG_E_CANCELED && op->status != EG_E_NOTFOUND &&
        op->status != EG_E_CONFLICT && op->status != EG_E_EXISTS && op->result.message.len == 0) {
        check_breach(call, "it failed (%s) without a message that says why",
                     egx_error_text(op->status));
    }
    if (is_verdict && op->status == 0 && op->result.verdict != EG_NEXT &&
        op->result.verdict != EG_STOP) {
        check_breach(call, "verdict %d is neither EG_NEXT nor EG_STOP", op->result.verdict);
    }
    *ret_verdict = op->result.verdict;
    *ret_result = op->result;
    return op->status;
}

static int32_t judge_refusal(struct check_call *call, int32_t rc) {
    if (!is_error(rc)) {
        check_breach(call, "it returned %d, which is no EG_E_*", rc);
    }
    if (call->op->done_count > 0) {
        check_breach(call, "done came for a call that was refused");
    }
    return rc;
}

static int32_t judge(struct check_call *call, int32_t rc, int is_verdict, int32_t *ret_verdict,
                     struct eg_result *ret_result) {
    const int is_pending = is_verdict ? rc == EG_PENDING : rc >= 0;
    if (is_pending) {
        wait_done(call);
        return judge_end(call, is_verdict, ret_verdict, ret_result);
    }
    check_settle(call);
    if (rc < 0) {
        return judge_refusal(call, rc);
    }
    if (rc > EG_PENDING) {
        check_breach(call, "it returned %d, which is no verdict", rc);
    }
    if (call->op->done_count > 0) {
        check_breach(call,
                     "done came for a call that was answered at once; only EG_PENDING has one");
    }
    *ret_verdict = rc;
    return EG_OK;
}

int32_t check_judge(struct check_call *call, int32_t rc, int is_verdict, int32_t *ret_verdict,
                    struct eg_result *ret_result) {
    int32_t verdict = EG_NEXT;
    struct eg_result result = egx_result();
    check_returned(call);
    const int32_t status = judge(call, rc, is_verdict, &verdict, &result);
    if (ret_verdict != NULL) {
        *ret_verdict = verdict;
    }
    if (ret_result != NULL) {
        *ret_result = result; /* texts live as long as the fake; the body is released below */
    }
    egx_fake_op_free(call->op);
    return status;
}
