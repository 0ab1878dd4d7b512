/* Unit tests of flow/backlog.c: reservations, bounded concurrency, drops. */
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "rig.h"

static struct rig rig;

static int64_t dropped(void) {
    return gw_metric_value(rig.flow->counters.dropped);
}

static void setup(uint32_t workers, uint32_t backlog, enum gw_overflow overflow) {
    rig_init(&rig);
    rig.setup.workers = workers;
    rig.setup.backlog = backlog;
    rig.setup.config.overflow = overflow;
}

static void one_worker_and_a_backlog_of_two_deliver_three_of_eight(void) {
    struct rig_request *r[8];
    setup(1, 2, GW_OVERFLOW_REFUSE);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    const int64_t before = dropped();
    for (size_t i = 0; i < 8; i++) {
        r[i] = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r[i]->status, i < 3 ? 202 : 503);
    }
    CU_ASSERT_TRUE(rig_has(r[7]->headers, "Retry-After: 3\n"));
    CU_ASSERT_TRUE(rig_has(r[7]->headers, "Content-Type: application/json\n"));
    CU_ASSERT_TRUE(rig_has(r[7]->body, "{\"errors\":[{\"message\":"));
    CU_ASSERT_EQUAL(dropped() - before, 5);
    CU_ASSERT_EQUAL(f->calls, 1);
    CU_ASSERT_EQUAL(rig.flow->backlog.queued, 2);
    for (int i = 0; i < 3; i++) {
        rig_release(&rig, "f");
    }
    CU_ASSERT_EQUAL(f->calls, 3);
    CU_ASSERT_EQUAL(f->is_async, 1);
    for (size_t i = 0; i < 8; i++) {
        rig_request_free(r[i]);
    }
    rig_stop(&rig);
}

static void overflow_drop_accepts_and_counts(void) {
    struct rig_request *r[8];
    setup(1, 2, GW_OVERFLOW_DROP);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    const int64_t before = dropped();
    for (size_t i = 0; i < 8; i++) {
        r[i] = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r[i]->status, 202);
    }
    CU_ASSERT_EQUAL(dropped() - before, 5);
    for (int i = 0; i < 3; i++) {
        rig_release(&rig, "f");
    }
    CU_ASSERT_EQUAL(f->calls, 3);
    for (size_t i = 0; i < 8; i++) {
        rig_request_free(r[i]);
    }
    rig_stop(&rig);
}

static void a_full_backlog_calls_nothing_at_all(void) {
    setup(1, 1, GW_OVERFLOW_REFUSE);
    struct rig_function *sync = rig_fn(&rig, "s", RIG_ANSWER, "{}");
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    for (int i = 0; i < 3; i++) {
        rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    }
    const int64_t before = dropped();
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 503);
    CU_ASSERT_EQUAL(sync->calls, 0);
    CU_ASSERT_EQUAL(f->calls, 0);
    CU_ASSERT_EQUAL(dropped() - before, 3);
    rig_request_free(r);
    rig_stop(&rig);
}

static void with_drop_the_sync_answer_goes_out_and_the_excess_is_lost(void) {
    setup(1, 1, GW_OVERFLOW_DROP);
    struct rig_function *sync = rig_fn(&rig, "s", RIG_ANSWER, "{\"statusCode\":201}");
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    for (int i = 0; i < 3; i++) {
        rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    }
    struct rig_request *r = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(r->status, 201);
    CU_ASSERT_EQUAL(sync->calls, 1);
    CU_ASSERT_EQUAL(f->calls, 2);
    rig_request_free(r);
    rig_stop(&rig);
}

static void room_is_held_while_the_sync_function_runs(void) {
    setup(1, 1, GW_OVERFLOW_REFUSE);
    rig_fn(&rig, "s", RIG_HOLD, "{}");
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, true, "e", "POST", "/", "s", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    rig_subscribe(&rig, false, "other", "POST", "/", "f", NULL);
    struct rig_request *first = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(rig.flow->backlog.reserved, 2);
    struct rig_request *second = rig_emit(&rig, "other", "/");
    CU_ASSERT_EQUAL(second->status, 503);
    rig_release(&rig, "s");
    CU_ASSERT_EQUAL(first->status, 200);
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(f->calls, 2);
    rig_request_free(first);
    rig_request_free(second);
    rig_stop(&rig);
}

static void the_time_in_the_queue_is_observed(void) {
    setup(1, 5, GW_OVERFLOW_REFUSE);
    rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    const int64_t before = gw_metric_value(rig.flow->counters.queue_time);
    const int64_t processed = gw_metric_value(rig_metric("f", "processed"));
    struct rig_request *a = rig_emit(&rig, "e", "/");
    struct rig_request *b = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.queue_time) - before, 1);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.backlog), 1);
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.queue_time) - before, 2);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.backlog), 0);
    CU_ASSERT_EQUAL(gw_metric_value(rig_metric("f", "processed")) - processed, 2);
    rig_request_free(a);
    rig_request_free(b);
    rig_stop(&rig);
}

static void a_delivery_past_its_deadline_frees_its_worker(void) {
    setup(1, 5, GW_OVERFLOW_REFUSE);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    struct rig_request *a = rig_emit(&rig, "e", "/");
    struct rig_request *b = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(f->calls, 1);
    gw_clock_advance(6 * GW_NS_PER_S);
    rig_turn(&rig);
    CU_ASSERT_EQUAL(f->canceled, 1);
    CU_ASSERT_EQUAL(f->calls, 2);
    CU_ASSERT_TRUE(gw_flow_busy(rig.flow) > 0); /* the late one is still on the ledger */
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    rig_request_free(a);
    rig_request_free(b);
    rig_stop(&rig);
}

static void a_delivery_to_a_missing_function_ends_at_once(void) {
    setup(1, 1, GW_OVERFLOW_REFUSE);
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "nobody", NULL);
    for (int i = 0; i < 5; i++) {
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, 202);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static void a_function_that_never_answers_leaves_workers_for_the_others(void) {
    setup(8, 20, GW_OVERFLOW_REFUSE);
    struct rig_function *stuck = rig_fn(&rig, "stuck", RIG_HOLD, "x");
    struct rig_function *quick = rig_fn(&rig, "quick", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/stuck", "stuck", NULL);
    rig_subscribe(&rig, false, "e", "POST", "/quick", "quick", NULL);
    for (unsigned i = 1; i <= 12; i++) {
        rig_request_free_later(&rig, rig_emit(&rig, "e", "/stuck"));
        rig_request_free_later(&rig, rig_emit(&rig, "e", "/quick"));
        CU_ASSERT_EQUAL(quick->calls, i);
    }
    CU_ASSERT_EQUAL(stuck->calls, 5);
    CU_ASSERT_EQUAL(rig.flow->backlog.queued, 7);
    for (int i = 0; i < 12; i++) {
        rig_release(&rig, "stuck");
    }
    CU_ASSERT_EQUAL(stuck->calls, 12);
    CU_ASSERT_EQUAL(rig.flow->backlog.queued, 0);
    rig_stop(&rig);
}

static void a_function_alone_fills_the_whole_backlog(void) {
    setup(8, 4, GW_OVERFLOW_REFUSE);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    for (unsigned i = 0; i < 14; i++) {
        struct rig_request *r = rig_emit(&rig, "e", "/");
        CU_ASSERT_EQUAL(r->status, i < 12 ? 202 : 503);
        rig_request_free_later(&rig, r);
    }
    for (int i = 0; i < 12; i++) {
        rig_release(&rig, "f");
    }
    CU_ASSERT_EQUAL(f->calls, 12);
    rig_stop(&rig);
}

static void what_waits_for_its_share_is_dropped_at_the_end_and_counted(void) {
    setup(8, 20, GW_OVERFLOW_REFUSE);
    struct rig_function *f = rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    for (int i = 0; i < 12; i++) {
        rig_request_free_later(&rig, rig_emit(&rig, "e", "/"));
    }
    const int64_t before = dropped();
    gw_flow_abandon(rig.flow);
    CU_ASSERT_EQUAL(dropped() - before, 7);
    CU_ASSERT_EQUAL(gw_metric_value(rig.flow->counters.backlog), 0);
    for (int i = 0; i < 5; i++) {
        rig_release(&rig, "f");
    }
    rig_turn(&rig);
    CU_ASSERT_EQUAL(f->calls, 5);
    rig_stop(&rig);
}

static unsigned full_lines;

static void count_lines(void *arg, struct eg_str line) {
    char text[512];
    (void)arg;
    (void)snprintf(text, sizeof text, "%.*s", GW_FMT(line));
    full_lines += strstr(text, "the backlog is full") != NULL;
}

static void an_overload_writes_one_line_a_second(void) {
    setup(1, 1, GW_OVERFLOW_REFUSE);
    rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    full_lines = 0;
    gw_log_capture(count_lines, NULL);
    for (int i = 0; i < 10; i++) {
        rig_request_free_later(&rig, rig_emit(&rig, "e", "/"));
    }
    CU_ASSERT_EQUAL(full_lines, 1);
    gw_clock_advance(GW_NS_PER_S);
    rig_request_free_later(&rig, rig_emit(&rig, "e", "/"));
    CU_ASSERT_EQUAL(full_lines, 2);
    gw_log_capture(NULL, NULL);
    rig_release(&rig, "f");
    rig_release(&rig, "f");
    rig_stop(&rig);
}

static int crowd_calls;
static void count_crowd(struct gw_fd *watch, uint32_t events) {
    (void)watch;
    (void)events;
    crowd_calls++;
}

/* Of as many as a turn tells of at most. */
static int told_of_crowd(void) {
    struct gw_fd crowd[GW_CROWD_PER_TURN] = {0};
    int pairs[GW_CROWD_PER_TURN][2];
    for (size_t i = 0; i < GW_CROWD_PER_TURN; i++) {
        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        gw_fd_watch_crowd(rig.loop, &crowd[i], pairs[i][0], EG_FD_WRITE, count_crowd);
    }
    crowd_calls = 0;
    gw_loop_turn(rig.loop, 0);
    for (size_t i = 0; i < GW_CROWD_PER_TURN; i++) {
        gw_fd_unwatch(rig.loop, &crowd[i]);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    return crowd_calls;
}

static void while_deliveries_are_queued_the_loop_takes_in_less_that_is_new(void) {
    struct rig_request *r[2];
    setup(1, 2, GW_OVERFLOW_REFUSE);
    rig_fn(&rig, "f", RIG_HOLD, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "e", "POST", "/", "f", NULL);
    r[0] = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(told_of_crowd(), GW_CROWD_PER_TURN); /* it runs, nothing is queued */
    r[1] = rig_emit(&rig, "e", "/");
    CU_ASSERT_EQUAL(told_of_crowd(), GW_CROWD_BEHIND);
    rig_release(&rig, "f");
    CU_ASSERT_EQUAL(told_of_crowd(), GW_CROWD_PER_TURN);
    rig_release(&rig, "f");
    for (size_t i = 0; i < 2; i++) {
        rig_request_free(r[i]);
    }
    rig_stop(&rig);
}

struct first_descriptor {
    struct gw_fd fd;
    struct rig_request *request;
    const struct rig_function *function;
    unsigned calls_before_the_others; /* made while other descriptors were still to be told */
};

static void on_first(struct gw_fd *fd, uint32_t events) {
    struct first_descriptor *first = GW_CONTAINER(fd, struct first_descriptor, fd);
    (void)events;
    rig_hand_over(first->request);
    first->calls_before_the_others = first->function->calls;
    gw_fd_unwatch(rig.loop, fd);
}

static void a_delivery_is_called_in_its_turn_but_after_all_descriptors(void) {
    setup(4, 4, GW_OVERFLOW_REFUSE);
    struct rig_function *f = rig_fn(&rig, "f", RIG_ANSWER, "x");
    rig_start(&rig);
    rig_subscribe(&rig, false, "http.request", "GET", "/", "f", NULL);
    struct first_descriptor first = {
        .request = rig_request("GET", "/", NULL, 0, (struct eg_str){0}), .function = f};
    const int readable = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    CU_ASSERT_EQUAL_FATAL(gw_fd_watch(rig.loop, &first.fd, readable, EG_FD_READ, on_first), EG_OK);
    gw_loop_turn(rig.loop, 0);
    CU_ASSERT_EQUAL(first.request->status, 202);
    CU_ASSERT_EQUAL(first.calls_before_the_others, 0);
    CU_ASSERT_EQUAL(f->calls, 1);
    rig_turn(&rig);
    rig_request_free(first.request);
    close(readable);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_delivery_is_called_in_its_turn_but_after_all_descriptors),
          UNIT(an_overload_writes_one_line_a_second),
          UNIT(one_worker_and_a_backlog_of_two_deliver_three_of_eight),
          UNIT(overflow_drop_accepts_and_counts), UNIT(a_full_backlog_calls_nothing_at_all),
          UNIT(with_drop_the_sync_answer_goes_out_and_the_excess_is_lost),
          UNIT(room_is_held_while_the_sync_function_runs), UNIT(the_time_in_the_queue_is_observed),
          UNIT(a_delivery_past_its_deadline_frees_its_worker),
          UNIT(a_delivery_to_a_missing_function_ends_at_once),
          UNIT(a_function_that_never_answers_leaves_workers_for_the_others),
          UNIT(a_function_alone_fills_the_whole_backlog),
          UNIT(while_deliveries_are_queued_the_loop_takes_in_less_that_is_new),
          UNIT(what_waits_for_its_share_is_dropped_at_the_end_and_counted))
