/* Functions bound to their provider, and how their calls end. */
#include "base/log.h"
#include "base/metrics.h"
#include "base/why.h"
#include "bench_plugin.h"

static struct gw_instance *instance;
static struct gw_target *target;
static struct eg_why why;
static struct gw_op op;
static int32_t got_status;
static uint32_t got_class;
static char got_body[64];
static char logged[4096];
static bool is_calling;

static void on_line(void *arg, struct eg_str line) {
    (void)arg;
    const size_t len = strlen(logged);
    (void)snprintf(logged + len, sizeof logged - len, "%.*s\n", GW_FMT(line));
}

static int32_t bind_text(const char *type, const char *json, struct eg_str *ret_normal) {
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_target_bind(manager, gw_str_c(type), gw_str_c(json), &target, ret_normal, &why);
}

static void open_bound(void) {
    instance = bench_serve();
    logged[0] = '\0';
    gw_log_setup(EG_LOG_DEBUG, GW_LOG_TEXT);
    gw_log_capture(on_line, NULL);
    CU_ASSERT_EQUAL_FATAL(bind_text("bench", "{\"url\":\"u\",\"apiKey\":\"s\"}", NULL), EG_OK);
    story[0] = '\0';
}
static void close_bound(void) {
    gw_target_unref(target);
    turn();
    ASSERT_STORY("unbind");
    gw_log_capture(NULL, NULL);
    gw_log_setup(EG_LOG_INFO, GW_LOG_TEXT);
    bench_stop();
}

static void on_done(struct gw_op *ended, int32_t status, struct eg_result *result) {
    (void)ended;
    CU_ASSERT_FALSE(is_calling);
    got_status = status;
    got_class = result->call_class;
    (void)snprintf(got_body, sizeof got_body, "%.*s", (int)result->body.len,
                   result->body.len == 0 ? "" : result->body.ptr);
    tell("done");
}
static void on_deadline(struct gw_op *late) {
    (void)late;
    tell("deadline");
}

static const struct eg_invocation invocation = {
    .struct_size = sizeof invocation,
    .space = {"default", 7},
    .function_id = {"resize", 6},
    .payload = {"{}", 2},
    .request_id = {"r-1", 3},
};
static void invoke(void *arg) {
    (void)arg;
    is_calling = true;
    gw_target_invoke(target, &invocation, 7 * GW_NS_PER_S, 0, &op, on_done, on_deadline);
    is_calling = false;
}
static void call(void) {
    gw_loop_post_fn(loops[1], invoke, NULL);
    turn();
}

static void binding_answers_the_normal_form(void) {
    struct eg_str normal = {0};
    instance = bench_serve();
    CU_ASSERT_EQUAL_FATAL(bind_text("bench", "{\"x\":1,\"APIKEY\":\"s\",\"url\":\"u\"}", &normal),
                          EG_OK);
    ASSERT_STR(normal, "{\"url\":\"u\",\"apiKey\":\"s\"}");
    ASSERT_STORY("bind");
    close_bound();
}

static void what_cannot_be_bound_says_why(void) {
    instance = bench_serve();
    CU_ASSERT_EQUAL(bind_text("gcf", "{}", NULL), EG_E_NOTFOUND);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "provider gcf not supported");
    CU_ASSERT_EQUAL(bind_text("bench", "{}", NULL), EG_E_INVAL);
    ASSERT_STR(((struct eg_str){why.text, why.len}), "missing required fields for bench");
    CU_ASSERT_EQUAL(bind_text("bench", "{\"url\":{}}", NULL), EG_E_SYNTAX);
    plan.event_version = 9;
    CU_ASSERT_EQUAL(bind_text("bench", "{\"url\":\"u\"}", NULL), EG_E_INTERNAL);
    ASSERT_STORY("bind unbind");
    bench_stop();
}

static void an_answer_is_delivered_and_counted_as_ok(void) {
    open_bound();
    const int64_t before = gw_metric_value(target->calls[EG_CALL_OK]);
    call();
    ASSERT_STORY("invoke done");
    CU_ASSERT_EQUAL(got_status, EG_OK);
    CU_ASSERT_STRING_EQUAL(got_body, "answer");
    CU_ASSERT_EQUAL(gw_metric_value(target->calls[EG_CALL_OK]), before + 1);
    close_bound();
}

static void a_failure_is_logged_with_its_text_class_and_function(void) {
    open_bound();
    plan.result_class = EG_CALL_FUNCTION;
    plan.result_status = EG_E_INTERNAL;
    plan.result_message = "HTTP status code: 500";
    call();
    CU_ASSERT_EQUAL(got_status, EG_E_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "Function call failed because of runtime error. "
                                          "Error: HTTP status code: 500"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "resize"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "function"));
    story[0] = '\0';
    close_bound();
}

static void status_and_class_are_put_in_agreement(void) {
    static const struct {
        int32_t status;
        uint32_t call_class;
        int32_t want_status;
        uint32_t want_class;
    } rows[] = {
        {EG_E_IO, EG_CALL_OK, EG_E_IO, EG_CALL_TRANSIENT},
        {EG_E_IO, EG_CALL_ACCEPTED, EG_E_IO, EG_CALL_TRANSIENT},
        {EG_OK, EG_CALL_ACCEPTED, EG_OK, EG_CALL_ACCEPTED},
        {EG_OK, EG_CALL_FUNCTION, EG_E_INTERNAL, EG_CALL_FUNCTION},
        {EG_OK, EG_CALL_THROTTLED, EG_E_BUSY, EG_CALL_THROTTLED},
        {EG_OK, 99, EG_E_INVAL, EG_CALL_PERMANENT},
        {EG_E_DENIED, EG_CALL_AUTH, EG_E_DENIED, EG_CALL_AUTH},
    };
    open_bound();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plan.result_status = rows[i].status;
        plan.result_class = rows[i].call_class;
        call();
        CU_ASSERT_EQUAL(got_status, rows[i].want_status);
        CU_ASSERT_EQUAL(got_class, rows[i].want_class);
    }
    story[0] = '\0';
    close_bound();
}

static void a_refused_call_is_delivered_as_a_failed_op_later(void) {
    open_bound();
    plan.invoke_rc = EG_E_UNAVAILABLE;
    call();
    ASSERT_STORY("invoke done");
    CU_ASSERT_EQUAL(got_status, EG_E_UNAVAILABLE);
    CU_ASSERT_EQUAL(got_class, EG_CALL_TRANSIENT);
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 0);
    close_bound();
}

static void the_timeout_is_the_targets_own_or_the_gateways(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    open_bound();
    plan.invoke_hangs = true;
    call();
    CU_ASSERT_EQUAL(op.pub.deadline_ns, 8 * GW_NS_PER_S);
    gw_clock_advance(7 * GW_NS_PER_S);
    turn();
    ASSERT_STORY("invoke cancel deadline");
    bench_finish(held_op);
    turn();
    ASSERT_STORY("done");
    plan.target_timeout_ns = 5;
    gw_target_unref(target);
    turn();
    CU_ASSERT_EQUAL_FATAL(bind_text("bench", "{\"url\":\"u\"}", NULL), EG_OK);
    call();
    CU_ASSERT_EQUAL(op.pub.deadline_ns, gw_monotonic_ns() + 5);
    bench_finish(held_op);
    turn();
    story[0] = '\0';
    close_bound();
    gw_clock_release();
}

static void a_call_that_was_canceled_at_its_deadline_is_logged_as_timed_out(void) {
    gw_clock_hold(GW_NS_PER_S, 0);
    open_bound();
    plan.invoke_hangs = true;
    call();
    gw_clock_advance(7 * GW_NS_PER_S);
    turn();
    const struct eg_result result = {.struct_size = sizeof result,
                                     .message = GW_STR("canceled"),
                                     .call_class = EG_CALL_TRANSIENT};
    op.pub.done(&op.pub, EG_E_CANCELED, &result);
    turn();
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, gw_error_text(EG_E_TIMEOUT)));
    CU_ASSERT_PTR_NULL(strstr(logged, "canceled"));
    story[0] = '\0';
    close_bound();
    gw_clock_release();
}

static void a_call_keeps_its_target_bound_until_done(void) {
    open_bound();
    plan.invoke_hangs = true;
    call();
    gw_target_unref(gw_target_ref(target));
    gw_target_unref(target);
    turn();
    ASSERT_STORY("invoke");
    bench_finish(held_op);
    turn();
    ASSERT_STORY("done unbind");
    gw_log_capture(NULL, NULL);
    bench_stop();
    gw_target_unref(NULL);
}

static void secrets_of_unknown_types_are_masked_whole(void) {
    static const struct eg_component *const known[] = {&bench_provider};
    struct gw_bytes out;
    struct gw_arena arena;
    bench_open();
    manager->components = gw_alloc(sizeof known);
    manager->components[0] = known[0];
    manager->component_count = 1;
    gw_arena_init(&arena, 256);
    gw_bytes_init(&out, 0);
    gw_provider_mask(manager, GW_STR("bench"), GW_STR("{\"url\":\"u\",\"apiKey\":\"s\"}"), &out);
    gw_provider_mask(manager, GW_STR("gone"), GW_STR("{\"url\":\"u\",\"n\":1}"), &out);
    ASSERT_STR(gw_bytes_str(&out), "{\"url\":\"u\",\"apiKey\":\"*****\"}"
                                   "{\"url\":\"*****\",\"n\":\"*****\"}");
    ASSERT_STR(gw_provider_unmask(manager, GW_STR("bench"), GW_STR("{\"apiKey\":\"*****\"}"),
                                  GW_STR("{\"apiKey\":\"s\"}"), &arena),
               "{\"apiKey\":\"s\"}");
    ASSERT_STR(gw_provider_unmask(manager, GW_STR("gone"), GW_STR("{\"a\":\"*****\"}"),
                                  GW_STR("{\"a\":\"s\"}"), &arena),
               "{\"a\":\"*****\"}");
    gw_bytes_free(&out);
    gw_arena_free(&arena);
    bench_close();
}

UNIT_MAIN(UNIT(binding_answers_the_normal_form), UNIT(what_cannot_be_bound_says_why),
          UNIT(an_answer_is_delivered_and_counted_as_ok),
          UNIT(a_failure_is_logged_with_its_text_class_and_function),
          UNIT(status_and_class_are_put_in_agreement),
          UNIT(a_refused_call_is_delivered_as_a_failed_op_later),
          UNIT(the_timeout_is_the_targets_own_or_the_gateways),
          UNIT(a_call_that_was_canceled_at_its_deadline_is_logged_as_timed_out),
          UNIT(a_call_keeps_its_target_bound_until_done),
          UNIT(secrets_of_unknown_types_are_masked_whole))
