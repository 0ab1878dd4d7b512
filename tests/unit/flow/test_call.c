/* Unit tests of flow/call.c: what counts as success, what is told about failures. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;

static void a_call_tells_its_error_in_invocation_failed(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, NULL);
    struct rig_function *failed = rig_fn(&rig, "failed", RIG_ANSWER, "x");
    struct rig_function *invoked = rig_fn(&rig, "invoked", RIG_ANSWER, "x");
    f->call_class = EG_CALL_FUNCTION;
    f->message = "HTTP status code: 500";
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invocationFailed", "POST", "/", "failed",
                  NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/", "invoked", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(failed->calls, 1);
    CU_ASSERT_EQUAL(invoked->calls, 0);
    CU_ASSERT_TRUE(rig_has(failed->payload, "\"message\":\"HTTP status code: 500\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_missing_function_is_told_as_invoking_only(void) {
    rig_init(&rig);
    struct rig_function *invoking = rig_fn(&rig, "invoking", RIG_ANSWER, "x");
    struct rig_function *failed = rig_fn(&rig, "failed", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "nobody", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoking", "POST", "/", "invoking", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invocationFailed", "POST", "/", "failed",
                  NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_EQUAL(invoking->calls, 1);
    CU_ASSERT_EQUAL(failed->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_overdue_call_is_told_as_failed_once(void) {
    rig_init(&rig);
    rig_fn(&rig, "f", RIG_HOLD, "{}");
    struct rig_function *failed = rig_fn(&rig, "failed", RIG_ANSWER, "x");
    struct rig_function *invoked = rig_fn(&rig, "invoked", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invocationFailed", "POST", "/", "failed",
                  NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/", "invoked", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/");
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(failed->calls, 1);
    CU_ASSERT_TRUE(rig_has(failed->payload, "timed out"));
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(failed->calls, 1);
    CU_ASSERT_EQUAL(invoked->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void failed_classes_never_reach_the_mapping(void) {
    rig_init(&rig);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"statusCode\":200}");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
    for (uint32_t c = EG_CALL_THROTTLED; c < EG_CALL_CLASSES + 2; c++) {
        f->call_class = c;
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, 500);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

/* In a child, since the process is to end. */
static void a_second_done_ends_the_process(void) {
    int status = 0;
    (void)fflush(stdout);
    const pid_t child = fork();
    CU_ASSERT_TRUE_FATAL(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        rig_init(&rig);
        struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "{}");
        rig_start(&rig);
        rig_subscribe(&rig, true, "e", "POST", "/", "f", NULL);
        (void)rig_emit(&rig, "e", "/");
        struct eg_op *op = f->held[0];
        op->done(op, EG_OK, NULL);
        op->done(op, EG_OK, NULL);
        _exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

UNIT_MAIN(UNIT(a_call_tells_its_error_in_invocation_failed),
          UNIT(a_missing_function_is_told_as_invoking_only),
          UNIT(an_overdue_call_is_told_as_failed_once),
          UNIT(failed_classes_never_reach_the_mapping), UNIT(a_second_done_ends_the_process))
