/* The seven rules of an op, on the host's side. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_plugin.h"

static struct gw_op op;
static int32_t got_status;
static char got_text[64];
static bool takes_body;
static struct eg_buf taken;
static bool is_inside; /* of the plugin's done */

static void on_done(struct gw_op *ended, int32_t status, struct eg_result *result) {
    CU_ASSERT_PTR_EQUAL(ended, &op);
    CU_ASSERT_FALSE(is_inside);
    CU_ASSERT_PTR_EQUAL(gw_loop_current(), loops[1]);
    got_status = status;
    (void)snprintf(got_text, sizeof got_text, "%.*s", GW_FMT(result->message));
    if (takes_body) {
        taken = result->body;
        result->body = (struct eg_buf){0};
    }
    tell("done");
}
static void on_deadline(struct gw_op *late) {
    CU_ASSERT_PTR_EQUAL(late, &op);
    tell("deadline");
}

/* Begins the op on loop 1, inside a turn of it. */
static uint64_t deadline_ns;
static struct gw_instance *instance;
static void begin(void *arg) {
    (void)arg;
    gw_op_begin(&op, instance, loops[1], deadline_ns, on_done, on_deadline);
    held_op = &op.pub;
}
static void end(void *arg) {
    const struct eg_result *result = arg;
    is_inside = true;
    op.pub.done(&op.pub, EG_OK, result);
    is_inside = false;
}
static void run_on_loop(void (*fn)(void *arg), void *arg) {
    gw_loop_post_fn(loops[1], fn, arg);
    gw_loop_turn(loops[1], 0);
}
static void open_op(void) {
    instance = bench_serve();
    takes_body = false;
    deadline_ns = 0;
    got_status = 77;
    run_on_loop(begin, NULL);
}

static void done_on_the_own_loop_is_delivered_later_with_copies(void) {
    open_op();
    char text[] = "because";
    struct eg_result result = egx_result();
    result.message = egx_str_c(text);
    gw_loop_post_fn(loops[1], end, &result);
    gw_loop_turn(loops[1], 0);
    memset(text, 'x', sizeof text - 1);
    turn();
    ASSERT_STORY("done");
    CU_ASSERT_STRING_EQUAL(got_text, "because");
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 0);
    bench_stop();
}

static void *done_from_a_thread(void *arg) {
    end(arg);
    return NULL;
}

static void done_of_another_thread_is_delivered_on_the_loop(void) {
    pthread_t thread;
    open_op();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, done_from_a_thread, NULL), 0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(got_status, 77);
    turn();
    ASSERT_STORY("done");
    CU_ASSERT_EQUAL(got_status, EG_OK);
    bench_stop();
}

static void items_of_a_list_are_copied(void) {
    open_op();
    struct eg_item items[2] = {{.struct_size = sizeof items[0], .revision = 7},
                               {.struct_size = sizeof items[0], .revision = 8}};
    items[0].key = EGX_STR("k0");
    items[1].key = EGX_STR("k1");
    items[1].value = EGX_STR("v1");
    const struct eg_item *pointers[] = {&items[0], &items[1]};
    struct eg_result result = egx_result();
    result.items = pointers;
    result.item_count = 2;
    end(&result);
    memset(items, 0, sizeof items);
    CU_ASSERT_EQUAL_FATAL(op.result.item_count, 2);
    ASSERT_STR(op.result.items[0]->key, "k0");
    ASSERT_STR(op.result.items[1]->value, "v1");
    CU_ASSERT_EQUAL(op.result.items[1]->revision, 8);
    turn();
    ASSERT_STORY("done");
    bench_stop();
}

static uint32_t released;
static void count_release(void *owner) {
    (void)owner;
    released++;
}

static void a_body_is_released_unless_it_is_taken(void) {
    struct eg_result result = egx_result();
    result.body = (struct eg_buf){.ptr = "b", .len = 1, .release = count_release};
    released = 0;
    open_op();
    end(&result);
    turn();
    CU_ASSERT_EQUAL(released, 1);
    run_on_loop(begin, NULL);
    takes_body = true;
    end(&result);
    turn();
    CU_ASSERT_EQUAL(released, 1);
    gw_buf_release(&taken);
    CU_ASSERT_EQUAL(released, 2);
    story[0] = '\0';
    bench_stop();
}

static void a_bigger_result_of_a_newer_plugin_is_read_as_far_as_known(void) {
    struct {
        struct eg_result known;
        uint64_t unknown[4];
    } big;
    memset(&big, 0, sizeof big);
    big.known.struct_size = sizeof big;
    big.known.message = EGX_STR("new");
    open_op();
    end(&big.known);
    turn();
    CU_ASSERT_STRING_EQUAL(got_text, "new");
    story[0] = '\0';
    bench_stop();
}

static void a_positive_status_is_a_fault_of_the_plugin(void) {
    open_op();
    op.pub.done(&op.pub, 5, NULL);
    turn();
    CU_ASSERT_EQUAL(got_status, EG_E_PROTO);
    story[0] = '\0';
    bench_stop();
}

static void the_deadline_cancels_once_and_done_still_comes(void) {
    gw_clock_hold(1000, 0);
    instance = bench_serve();
    deadline_ns = 1000 + 5 * GW_NS_PER_MS;
    run_on_loop(begin, NULL);
    turn();
    ASSERT_STORY("");
    gw_clock_advance(5 * GW_NS_PER_MS);
    turn();
    ASSERT_STORY("cancel deadline");
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 1);
    op.pub.done(&op.pub, EG_E_CANCELED, NULL);
    turn();
    ASSERT_STORY("done");
    CU_ASSERT_EQUAL(got_status, EG_E_CANCELED);
    bench_stop();
    gw_clock_release();
}

static void a_deadline_after_done_is_silent(void) {
    gw_clock_hold(1000, 0);
    instance = bench_serve();
    deadline_ns = 2000;
    run_on_loop(begin, NULL);
    op.pub.done(&op.pub, EG_OK, NULL);
    gw_clock_advance(GW_NS_PER_S);
    turn();
    ASSERT_STORY("done");
    bench_stop();
    gw_clock_release();
}

static void cancel_op(void *arg) {
    (void)arg;
    gw_op_cancel(&op);
    gw_op_cancel(&op);
}

static void cancel_is_sent_once_and_not_after_done(void) {
    open_op();
    run_on_loop(cancel_op, NULL);
    ASSERT_STORY("cancel");
    op.pub.done(&op.pub, EG_OK, NULL);
    run_on_loop(cancel_op, NULL);
    turn();
    ASSERT_STORY("done");
    bench_stop();
}

static void refuse(void *arg) {
    (void)arg;
    gw_op_refused(&op);
}

static void a_refused_op_leaves_the_ledger_and_nothing_follows(void) {
    open_op();
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 1);
    run_on_loop(refuse, NULL);
    turn();
    ASSERT_STORY("");
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 0);
    bench_stop();
}

/* The process that calls done twice dies, and says whose fault it was. */
static int run_twice(int out) {
    (void)dup2(out, STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    op.pub.done(&op.pub, EG_OK, NULL);
    op.pub.done(&op.pub, EG_OK, NULL);
    return 0;
}

static void a_second_done_aborts_with_the_name_of_the_plugin(void) {
    int ends[2];
    char text[4096] = "";
    int status = 0;
    open_op();
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        _exit(run_twice(ends[1]));
    }
    (void)close(ends[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < sizeof text - 1; len += (size_t)n) {
        n = read(ends[0], text + len, sizeof text - 1 - len);
        n = n < 0 ? 0 : n;
    }
    (void)close(ends[0]);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "component 'bench' ended an op twice"));
    op.pub.done(&op.pub, EG_OK, NULL);
    turn();
    story[0] = '\0';
    bench_stop();
}

UNIT_MAIN(UNIT(done_on_the_own_loop_is_delivered_later_with_copies),
          UNIT(done_of_another_thread_is_delivered_on_the_loop), UNIT(items_of_a_list_are_copied),
          UNIT(a_body_is_released_unless_it_is_taken),
          UNIT(a_bigger_result_of_a_newer_plugin_is_read_as_far_as_known),
          UNIT(a_positive_status_is_a_fault_of_the_plugin),
          UNIT(the_deadline_cancels_once_and_done_still_comes),
          UNIT(a_deadline_after_done_is_silent), UNIT(cancel_is_sent_once_and_not_after_done),
          UNIT(a_refused_op_leaves_the_ledger_and_nothing_follows),
          UNIT(a_second_done_aborts_with_the_name_of_the_plugin))
