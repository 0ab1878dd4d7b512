/* Unit tests of flow/notify.c: system events to subscribers and reacters, vetoes. */
#include "rig.h"

static struct rig rig;
static char told[512];
static struct eg_op *held;

static const struct eg_interest sync_received = {
    .struct_size = sizeof sync_received,
    .mode = EG_INTEREST_SYNC,
    .event_type = "eventgateway.event.received",
};
static const struct eg_interest async_received = {
    .struct_size = sizeof async_received,
    .mode = EG_INTEREST_ASYNC,
    .event_type = "eventgateway.event.received",
};
static const struct eg_interest sync_invoking = {
    .struct_size = sizeof sync_invoking,
    .mode = EG_INTEREST_SYNC,
    .event_type = "eventgateway.function.invoking",
};
static const struct eg_interest sync_invoked = {
    .struct_size = sizeof sync_invoked,
    .mode = EG_INTEREST_SYNC,
    .event_type = "eventgateway.function.invoked",
};
static const struct eg_interest sync_failed = {
    .struct_size = sizeof sync_failed,
    .mode = EG_INTEREST_SYNC,
    .event_type = "eventgateway.function.invocationFailed",
};
static const struct eg_interest *const all_sync[] = {&sync_received, &sync_invoking, &sync_invoked,
                                                     &sync_failed};
static const struct eg_interest *const only_invoking[] = {&sync_invoking};
static const struct eg_interest *const only_invoked[] = {&sync_invoked};
static const struct eg_interest *const only_received[] = {&sync_received};
static const struct eg_interest *const only_async_received[] = {&async_received};

static void note(const char *who, const struct eg_event *event) {
    const size_t at = strlen(told);
    (void)snprintf(told + at, sizeof told - at, "%s:%.*s ", who,
                   GW_FMT(rig_host->event->attribute(event, GW_STR("type"))));
}
static int32_t watch(const struct eg_event *event, struct eg_op *op) {
    (void)op;
    note("w", event);
    return EG_NEXT;
}
static int32_t stop(const struct eg_event *event, struct eg_op *op) {
    (void)op;
    note("g", event);
    return EG_STOP;
}
static int32_t fail(const struct eg_event *event, struct eg_op *op) {
    (void)op;
    note("f", event);
    return EG_E_IO;
}
static int32_t hold(const struct eg_event *event, struct eg_op *op) {
    note("h", event);
    held = op;
    return EG_PENDING;
}

static void begin(void) {
    told[0] = '\0';
    held = NULL;
    rig_init(&rig);
}

static struct rig_reacter reacter(const struct eg_interest *const *interests, size_t count,
                                  int32_t (*react)(const struct eg_event *, struct eg_op *)) {
    return (struct rig_reacter){.interests = interests, .interest_count = count, .react = react};
}

static void a_reacter_hears_received_invoking_and_invoked(void) {
    begin();
    rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_watcher = reacter(all_sync, 4, watch);
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 200);
    CU_ASSERT_STRING_EQUAL(told, "w:eventgateway.event.received w:eventgateway.function.invoking "
                                 "w:eventgateway.function.invoked ");
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_reacter_hears_failures(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, NULL);
    f->call_class = EG_CALL_FUNCTION;
    rig_watcher = reacter(all_sync, 4, watch);
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(told, "w:eventgateway.function.invocationFailed "));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_veto_at_received_is_a_403_with_the_text_of_the_plugin(void) {
    const struct eg_result result = {
        .struct_size = sizeof result, .verdict = EG_STOP, .message = {"not on my watch", 15}};
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_watcher = reacter(only_received, 1, hold);
    rig_guard = reacter(all_sync, 4, watch);
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    rig_subscribe(&rig, false, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->replies, 0);
    held->done(held, EG_OK, &result);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 403);
    CU_ASSERT_STRING_EQUAL(r->body, "{\"errors\":[{\"message\":\"not on my watch\"}]}\n");
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_STRING_EQUAL(told, "h:eventgateway.event.received "); /* later ones are not asked */
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_failing_or_overdue_sync_reacter_refuses(void) {
    begin();
    rig_watcher = reacter(only_received, 1, fail);
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 403);
    CU_ASSERT_TRUE(rig_has(r->body, "watcher"));
    rig_request_free(r);
    rig_watcher.react = hold;
    r = rig_send(&rig, "GET", "/", NULL, 0, "");
    gw_clock_advance(3 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(r->status, 403);
    held->done(held, EG_OK, NULL);
    rig_turn(&rig);
    rig_request_free(r);
    rig_stop(&rig);
}

static void an_async_interest_is_not_waited_for(void) {
    const struct eg_result result = {.struct_size = sizeof result, .verdict = EG_STOP};
    begin();
    rig_watcher = reacter(only_async_received, 1, hold);
    rig_start(&rig);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 1); /* its event lives until it is done */
    held->done(held, EG_OK, &result);
    rig_turn(&rig);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_veto_at_invoking_fails_the_sync_call_and_loses_the_async_one(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{}");
    rig_watcher = reacter(only_invoking, 1, stop);
    rig_guard = reacter(all_sync, 4, watch);
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    rig_subscribe(&rig, false, "http.request", "GET", "/async", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 500);
    CU_ASSERT_TRUE(rig_has(r->body, "Function call failed. Please check logs."));
    CU_ASSERT_PTR_NULL(strstr(told, "w:eventgateway.function"));
    rig_request_free(r);
    r = rig_send(&rig, "GET", "/async", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(f->calls, 0);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_veto_at_invoked_is_ignored(void) {
    begin();
    rig_fn(&rig, "f", RIG_ANSWER, "{\"statusCode\":201}");
    rig_watcher = reacter(only_invoked, 1, stop);
    rig_start(&rig);
    rig_subscribe(&rig, true, "http.request", "GET", "/", "f", NULL);
    struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 201);
    rig_request_free(r);
    rig_stop(&rig);
}

static void subscribers_get_each_system_event_once_and_none_about_their_own_calls(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "{\"x\":1}");
    struct rig_function *got = rig_fn(&rig, "received", RIG_ANSWER, "x");
    struct rig_function *invoking = rig_fn(&rig, "invoking", RIG_ANSWER, "x");
    struct rig_function *invoked = rig_fn(&rig, "invoked", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/a", "f", NULL);
    rig_subscribe(&rig, false, "eventgateway.event.received", "POST", "/", "received", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoking", "POST", "/", "invoking", NULL);
    rig_subscribe(&rig, false, "eventgateway.function.invoked", "POST", "/", "invoked", NULL);
    struct rig_request *r = rig_emit(&rig, "e", "/a");
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(got->calls, 1);
    CU_ASSERT_EQUAL(invoking->calls, 1);
    CU_ASSERT_EQUAL(invoked->calls, 1);
    CU_ASSERT_TRUE(rig_has(got->payload, "\"path\":\"/a\""));
    CU_ASSERT_TRUE(rig_has(invoking->payload, "\"functionId\":\"f\""));
    CU_ASSERT_TRUE(rig_has(invoked->payload, "\"result\":\"eyJ4IjoxfQ==\""));
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_system_event_that_finds_no_room_is_dropped_and_counted(void) {
    begin();
    rig.setup.workers = rig.setup.backlog = 1;
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        rig_subscribe(&rig, false, "eventgateway.event.received", "POST", "/", "f", NULL);
    }
    const int64_t before = gw_metric_value(rig.flow->counters.dropped);
    struct rig_request *r = rig_send(&rig, "GET", "/x", NULL, 0, "");
    CU_ASSERT_EQUAL(r->status, 202);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.dropped) - before, 1);
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(f->calls, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void nothing_is_made_when_nobody_is_interested(void) {
    begin();
    rig_start(&rig);
    struct rig_request *r = rig_request("GET", "/x", NULL, 0, (struct eg_str){0});
    struct eg_exchange *x = gw_exchange_create(rig.flow, &r->request);
    struct gw_notify n = {.then = NULL};
    CU_ASSERT_TRUE(gw_notify_start(&n, x, GW_SYS_RECEIVED, GW_STR("/"),
                                   &(struct gw_sysevent_data){.event = NULL}));
    CU_ASSERT_PTR_NULL(n.event);
    gw_exchange_unref(x);
    rig_request_free(r);
    rig_stop(&rig);
}

static void a_subscription_that_comes_later_is_noticed(void) {
    begin();
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    for (int i = 0; i < 2; i++) {
        rig_request_free_later(&rig, rig_send(&rig, "GET", "/x", NULL, 0, ""));
    }
    CU_ASSERT_TRUE(rig.flow->quiet.is_quiet[GW_SYS_RECEIVED]);
    rig_subscribe(&rig, false, "eventgateway.event.received", "POST", "/", "f", NULL);
    rig_request_free_later(&rig, rig_send(&rig, "GET", "/x", NULL, 0, ""));
    CU_ASSERT_EQUAL(f->calls, 1);
    rig.subscription_count = 0;
    rig_request_free_later(&rig, rig_send(&rig, "GET", "/x", NULL, 0, ""));
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_subscription_that_comes_later_is_noticed),
          UNIT(a_reacter_hears_received_invoking_and_invoked), UNIT(a_reacter_hears_failures),
          UNIT(a_veto_at_received_is_a_403_with_the_text_of_the_plugin),
          UNIT(a_failing_or_overdue_sync_reacter_refuses),
          UNIT(an_async_interest_is_not_waited_for),
          UNIT(a_veto_at_invoking_fails_the_sync_call_and_loses_the_async_one),
          UNIT(a_veto_at_invoked_is_ignored),
          UNIT(subscribers_get_each_system_event_once_and_none_about_their_own_calls),
          UNIT(a_system_event_that_finds_no_room_is_dropped_and_counted),
          UNIT(nothing_is_made_when_nobody_is_interested))
