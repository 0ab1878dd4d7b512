/* Unit tests of flow/wait.c: ops from other threads, deadlines, reuse. */
#include <pthread.h>

#include "rig.h"

static struct rig rig;

static int32_t keep(struct eg_exchange *x, struct eg_op *op) {
    (void)x;
    rig_op = op;
    return EG_PENDING;
}

static void *finish_elsewhere(void *arg) {
    const struct eg_result result = {.struct_size = sizeof result, .verdict = EG_NEXT};
    struct eg_op *op = arg;
    op->done(op, EG_OK, &result);
    return NULL;
}

static void a_done_of_another_thread_continues_on_the_loop(void) {
    pthread_t thread;
    rig_init(&rig);
    rig_first.on_request = keep;
    rig_start(&rig);
    for (int round = 0; round < 20; round++) {
        struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, finish_elsewhere, rig_op), 0);
        for (int i = 0; i < 1000 && r->replies == 0; i++) {
            gw_loop_turn(rig.loop, GW_NS_PER_MS);
        }
        (void)pthread_join(thread, NULL);
        CU_ASSERT_EQUAL(r->status, 202);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static void a_done_that_races_with_the_deadline_answers_once(void) {
    pthread_t thread;
    rig_init(&rig);
    rig_first.on_request = keep;
    rig_start(&rig);
    for (int round = 0; round < 20; round++) {
        struct rig_request *r = rig_send(&rig, "GET", "/", NULL, 0, "");
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, finish_elsewhere, rig_op), 0);
        gw_clock_advance(3 * GW_NS_PER_S);
        rig_turn(&rig);
        (void)pthread_join(thread, NULL);
        rig_turn(&rig);
        CU_ASSERT_EQUAL(r->replies, 1);
        CU_ASSERT_TRUE(r->status == 202 || r->status == 500);
        rig_request_free(r);
    }
    rig_stop(&rig);
}

static void an_unused_wait_is_used_again(void) {
    rig_init(&rig);
    rig_start(&rig);
    struct rig_request *r = rig_request("GET", "/", NULL, 0, (struct eg_str){0});
    struct eg_exchange *x = gw_exchange_create(rig.flow, &r->request);
    size_t count = 0;
    struct gw_instance *instance = gw_manager_chain(rig.manager, EG_KIND_MIDDLEWARE, &count)[0];
    struct gw_wait *first = gw_wait_take(x);
    gw_wait_begin(first, instance, 0, NULL, NULL);
    CU_ASSERT_EQUAL(x->refs, 2);
    gw_wait_called(first, EG_NEXT);
    CU_ASSERT_EQUAL(x->refs, 1);
    CU_ASSERT_PTR_EQUAL(gw_wait_take(x), first);
    CU_ASSERT_PTR_NOT_EQUAL(gw_wait_take(x), first);
    gw_exchange_unref(x);
    rig_request_free(r);
    rig_stop(&rig);
}

UNIT_MAIN(UNIT(a_done_of_another_thread_continues_on_the_loop),
          UNIT(a_done_that_races_with_the_deadline_answers_once),
          UNIT(an_unused_wait_is_used_again))
