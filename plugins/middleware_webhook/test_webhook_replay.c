/* The memory of deliveries: bounded, expiring, given back, and exact with several threads. */
#include <pthread.h>
#include <stdatomic.h>

#include "replay.h"
#include "test_webhook.h"

static struct webhook_replay *replay;

static void open_replay(size_t capacity) {
    fake = egx_fake_new();
    replay = webhook_replay_new(egx_fake_host(fake), capacity, 10);
}

static void close_replay(void) {
    webhook_replay_free(replay);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

static struct webhook_seen seen_of(uint32_t number) {
    struct webhook_seen seen = {.rule = 1};
    memcpy(seen.mark, &number, sizeof number);
    return seen;
}

static int take(uint32_t number, uint64_t now_ns) {
    const struct webhook_seen seen = seen_of(number);
    return webhook_replay_take(replay, &seen, now_ns);
}

static void what_is_there_is_not_taken_until_it_expires(void) {
    open_replay(16);
    CU_ASSERT_TRUE(take(1, 0));
    CU_ASSERT_FALSE(take(1, 9));
    CU_ASSERT_TRUE(take(1, 10));
    struct webhook_seen other = seen_of(1);
    other.rule = 2;
    CU_ASSERT_TRUE(webhook_replay_take(replay, &other, 10));
    other.mark[WEBHOOK_MARK - 1] = 1; /* the same bucket */
    CU_ASSERT_TRUE(webhook_replay_take(replay, &other, 10));
    CU_ASSERT_FALSE(webhook_replay_take(replay, &other, 10));
    close_replay();
}

static void what_is_given_back_can_be_taken(void) {
    open_replay(16);
    const struct webhook_seen seen = seen_of(7);
    webhook_replay_give_back(replay, &seen); /* never taken: nothing happens */
    CU_ASSERT_TRUE(take(7, 0));
    webhook_replay_give_back(replay, &seen);
    CU_ASSERT_TRUE(take(7, 1));
    CU_ASSERT_FALSE(take(7, 10)); /* the first one's time is not the second one's */
    CU_ASSERT_TRUE(take(7, 11));
    close_replay();
}

static void the_oldest_gives_way_and_that_is_counted(void) {
    open_replay(16);
    for (uint32_t i = 0; i < 16; i++) {
        CU_ASSERT_TRUE(take(i, 0));
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_replay_evicted_total", ""), 0);
    CU_ASSERT_TRUE(take(100, 1));
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "webhook_replay_evicted_total", ""), 1);
    CU_ASSERT_TRUE(take(0, 1)); /* forgotten */
    CU_ASSERT_FALSE(take(15, 1));
    for (uint32_t i = 0; i < 1000; i++) { /* around the ring, with time */
        CU_ASSERT_TRUE(take(1000 + i, 2 + i));
    }
    close_replay();
}

#define THREADS 4
#define NUMBERS 2000
static _Atomic uint32_t taken;

static void *take_all(void *arg) {
    (void)arg;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        (void)atomic_fetch_add(&taken, (uint32_t)take(i, 0));
    }
    return NULL;
}

static void of_many_threads_one_takes_each(void) {
    pthread_t threads[THREADS];
    open_replay(NUMBERS);
    for (size_t i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_all, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(taken, NUMBERS);
    close_replay();
}

UNIT_MAIN(UNIT(what_is_there_is_not_taken_until_it_expires), UNIT(what_is_given_back_can_be_taken),
          UNIT(the_oldest_gives_way_and_that_is_counted), UNIT(of_many_threads_one_takes_each))
