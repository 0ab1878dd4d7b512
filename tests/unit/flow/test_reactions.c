/* Unit tests of flow/reactions.c: asynchronous reacters that do not come to an end. */
#include "base/log.h"
#include "rig.h"

static struct rig rig;
static struct eg_op *held[16];
static unsigned held_count;
static unsigned told;
static char lines[4096];

static const struct eg_interest received = {
    .struct_size = sizeof received,
    .mode = EG_INTEREST_ASYNC,
    .event_type = "eventgateway.event.received",
};
static const struct eg_interest received_sync = {
    .struct_size = sizeof received_sync,
    .mode = EG_INTEREST_SYNC,
    .event_type = "eventgateway.event.received",
};
static const struct eg_interest *const is_async[] = {&received};
static const struct eg_interest *const is_sync[] = {&received_sync};

static int32_t hold(const struct eg_event *event, struct eg_op *op) {
    (void)event;
    told++;
    held[held_count++] = op;
    return EG_PENDING;
}
static int32_t answer(const struct eg_event *event, struct eg_op *op) {
    (void)event;
    (void)op;
    told++;
    return EG_NEXT;
}
static void keep_line(void *arg, struct eg_str line) {
    (void)arg;
    const size_t at = strlen(lines);
    (void)snprintf(lines + at, sizeof lines - at, "%.*s", GW_FMT(line));
}

static void begin(uint32_t limit, const struct eg_interest *const *interests,
                  int32_t (*react)(const struct eg_event *, struct eg_op *)) {
    held_count = 0;
    told = 0;
    lines[0] = '\0';
    rig_init(&rig);
    rig.setup.config.reacter_pending = limit;
    rig_watcher = (struct rig_reacter){.interests = interests, .interest_count = 1, .react = react};
    rig_start(&rig);
}

static int64_t dropped(void) {
    static const struct gw_metric_family family = {
        .name = "eventgateway_reacter_dropped_total", .help = "", .type = GW_COUNTER};
    const struct eg_kv label = {GW_STR("reacter"), GW_STR("watcher")};
    return gw_metric_value(gw_metric(&family, &label, 1));
}

static void send_some(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
        CU_ASSERT_EQUAL(r->status, 202); /* never delayed */
        rig_request_free_later(&rig, r);
    }
}

static void finish(void) {
    for (unsigned i = 0; i < held_count; i++) {
        held[i]->done(held[i], EG_OK, NULL);
    }
    held_count = 0;
    rig_turn(&rig);
}

static void past_the_bound_it_is_not_told_and_that_is_counted(void) {
    begin(3, is_async, hold);
    const int64_t before = dropped();
    send_some(5);
    CU_ASSERT_EQUAL(told, 3);
    CU_ASSERT_EQUAL(dropped() - before, 2);
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 3);
    finish();
    CU_ASSERT_EQUAL(gw_flow_busy(rig.flow), 0);
    send_some(4);
    CU_ASSERT_EQUAL(told, 6);
    CU_ASSERT_EQUAL(dropped() - before, 3);
    finish();
    rig_stop(&rig);
}

/* It keeps the memory of its request until it is done. */
static void the_deadline_frees_no_place(void) {
    begin(2, is_async, hold);
    send_some(2);
    gw_clock_advance(3 * GW_NS_PER_S);
    rig_turn(&rig);
    send_some(1);
    CU_ASSERT_EQUAL(told, 2);
    finish();
    send_some(1);
    CU_ASSERT_EQUAL(told, 3);
    finish();
    rig_stop(&rig);
}

static void one_that_answers_at_once_takes_no_place(void) {
    begin(1, is_async, answer);
    send_some(5);
    CU_ASSERT_EQUAL(told, 5);
    rig_stop(&rig);
}

static void one_that_is_waited_for_takes_no_place(void) {
    begin(1, is_sync, hold);
    struct rig_request *a = rig_send(&rig, "GET", "/", NULL, 0, "");
    struct rig_request *b = rig_send(&rig, "GET", "/", NULL, 0, "");
    CU_ASSERT_EQUAL(told, 2);
    finish();
    CU_ASSERT_EQUAL(a->status, 202);
    CU_ASSERT_EQUAL(b->status, 202);
    rig_request_free(a);
    rig_request_free(b);
    rig_stop(&rig);
}

static void one_line_a_second_tells_how_many(void) {
    begin(1, is_async, hold);
    gw_log_setup(EG_LOG_WARN, GW_LOG_TEXT);
    gw_log_capture(keep_line, NULL);
    send_some(4);
    CU_ASSERT_TRUE(rig_has(lines, "too slow"));
    CU_ASSERT_TRUE(rig_has(lines, "watcher"));
    CU_ASSERT_PTR_EQUAL(strchr(lines, '\n'), strrchr(lines, '\n')); /* one line */
    gw_clock_advance(GW_NS_PER_S);
    lines[0] = '\0';
    send_some(1);
    CU_ASSERT_TRUE(rig_has(lines, "3")); /* two that were not logged, and this one */
    gw_log_capture(NULL, NULL);
    finish();
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(past_the_bound_it_is_not_told_and_that_is_counted),
          UNIT(the_deadline_frees_no_place), UNIT(one_that_answers_at_once_takes_no_place),
          UNIT(one_that_is_waited_for_takes_no_place), UNIT(one_line_a_second_tells_how_many))
