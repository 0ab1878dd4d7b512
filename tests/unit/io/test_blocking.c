/* The blocking pool: work off the loop, done on it, a bounded queue, nothing lost at the end. */
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>

#include "base/check.h"
#include "base/clock.h"
#include "io/blocking.h"

struct test_job {
    struct gw_job job;
    pthread_t worked_on;
    int worked;
    int done;
    struct eg_loop *done_on;
    sem_t *gate;
    sem_t *started;
};

static void work(struct gw_job *job) {
    struct test_job *test = GW_CONTAINER(job, struct test_job, job);
    if (test->started != NULL) {
        sem_post(test->started);
    }
    if (test->gate != NULL) {
        sem_wait(test->gate);
    }
    test->worked_on = pthread_self();
    test->worked++;
}
static void done(struct gw_job *job) {
    struct test_job *test = GW_CONTAINER(job, struct test_job, job);
    test->done++;
    test->done_on = gw_loop_current();
}

static void turn_until_done(struct eg_loop *loop, const struct test_job *test) {
    for (int i = 0; i < 1000 && test->done == 0; i++) {
        gw_loop_turn(loop, 10 * GW_NS_PER_MS);
    }
}

static void work_runs_on_a_pool_thread_and_done_on_the_loop_that_asked(void) {
    struct eg_loop *loop = NULL;
    struct gw_pool *pool = NULL;
    struct test_job test = {0};
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    CU_ASSERT_EQUAL_FATAL(gw_pool_create(2, 4, &pool), 0);
    CU_ASSERT_EQUAL(gw_pool_run(pool, loop, &test.job, work, done), 0);
    turn_until_done(loop, &test);
    CU_ASSERT_EQUAL(test.worked, 1);
    CU_ASSERT_EQUAL(test.done, 1);
    CU_ASSERT_FALSE(pthread_equal(test.worked_on, pthread_self()));
    CU_ASSERT_PTR_EQUAL(test.done_on, loop);
    gw_pool_destroy(pool);
    gw_loop_destroy(loop);
}

static void a_full_queue_refuses_and_runs_nothing_of_the_refused(void) {
    struct eg_loop *loop = NULL;
    struct gw_pool *pool = NULL;
    sem_t gate;
    sem_t started;
    sem_init(&gate, 0, 0);
    sem_init(&started, 0, 0);
    struct test_job running = {.gate = &gate, .started = &started};
    struct test_job queued = {0};
    struct test_job refused = {0};
    CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &loop), 0);
    CU_ASSERT_EQUAL_FATAL(gw_pool_create(1, 1, &pool), 0);
    CU_ASSERT_EQUAL(gw_pool_run(pool, loop, &running.job, work, done), 0);
    sem_wait(&started);
    CU_ASSERT_EQUAL(gw_pool_run(pool, loop, &queued.job, work, done), 0);
    CU_ASSERT_EQUAL(gw_pool_run(pool, loop, &refused.job, work, done), EG_E_BUSY);
    sem_post(&gate);
    gw_pool_destroy(pool);
    gw_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(running.done, 1);
    CU_ASSERT_EQUAL(queued.done, 1);
    CU_ASSERT_EQUAL(refused.worked, 0);
    sem_destroy(&gate);
    sem_destroy(&started);
    gw_loop_destroy(loop);
}

static void a_pool_without_threads_or_queue_is_refused(void) {
    struct gw_pool *pool = NULL;
    CU_ASSERT_EQUAL(gw_pool_create(0, 1, &pool), EG_E_INVAL);
    CU_ASSERT_EQUAL(gw_pool_create(1, 0, &pool), EG_E_INVAL);
    CU_ASSERT_PTR_NULL(pool);
    gw_pool_destroy(NULL);
}

UNIT_MAIN(UNIT(work_runs_on_a_pool_thread_and_done_on_the_loop_that_asked),
          UNIT(a_full_queue_refuses_and_runs_nothing_of_the_refused),
          UNIT(a_pool_without_threads_or_queue_is_refused))
