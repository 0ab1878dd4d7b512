/* Loops that share a port: who takes a connection, how it gets there, and what becomes of those on
 * their way to a loop that serves no more. */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"
#include "io/http_spread.h"

#define LOOPS 3u
#define PICKS 3000u

struct bench {
    struct gw_spread *spread;
    struct eg_loop *loops[LOOPS];
    size_t taken;
    int fd;
    struct gw_peer peer;
};

static void on_take(void *arg, int fd, struct gw_peer *peer) {
    struct bench *bench = arg;
    bench->taken++;
    bench->fd = fd;
    bench->peer = *peer;
}

static void start(struct bench *bench, uint32_t joined) {
    *bench = (struct bench){.spread = gw_spread_create(LOOPS)};
    for (uint32_t i = 0; i < LOOPS; i++) {
        CU_ASSERT_EQUAL_FATAL(gw_loop_create("test", &bench->loops[i]), 0);
        gw_loop_set_index(bench->loops[i], i);
        if (i < joined) {
            gw_spread_join(bench->spread, bench->loops[i], on_take, bench);
        }
    }
}

static void stop(struct bench *bench) {
    for (uint32_t i = 0; i < LOOPS; i++) {
        gw_loop_destroy(bench->loops[i]);
    }
    gw_spread_free(bench->spread);
}

static void each_connection_goes_to_the_loop_with_the_fewest(void) {
    struct bench bench;
    uint32_t counts[LOOPS] = {0};
    start(&bench, LOOPS);
    for (uint32_t i = 0; i < LOOPS * 10; i++) {
        counts[gw_spread_pick(bench.spread, 1)]++;
    }
    for (uint32_t i = 0; i < LOOPS; i++) {
        CU_ASSERT_EQUAL(counts[i], 10);
    }
    gw_spread_release(bench.spread, 2);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 1), 2);
    stop(&bench);
}

static void the_loop_that_has_accepted_keeps_a_connection_when_none_has_fewer(void) {
    struct bench bench;
    start(&bench, LOOPS);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 2), 2);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 1), 1);
    stop(&bench);
}

static void a_loop_that_does_not_serve_gets_none_of_the_others(void) {
    struct bench bench;
    start(&bench, 2);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_NOT_EQUAL(gw_spread_pick(bench.spread, 0), 2);
    }
    gw_spread_leave(bench.spread, bench.loops[1]);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 0), 0);
    }
    stop(&bench);
}

static void a_loop_that_wants_none_gets_what_is_on_its_way(void) {
    struct bench bench;
    struct gw_peer peer = {0};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    start(&bench, 2);
    gw_spread_send(bench.spread, 1, fd, &peer);
    gw_spread_want(bench.spread, bench.loops[1], false);
    gw_loop_turn(bench.loops[1], 0);
    CU_ASSERT_EQUAL(bench.taken, 1);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 0), 0);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 0), 0);
    gw_spread_want(bench.spread, bench.loops[1], true);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 0), 1);
    close(fd);
    stop(&bench);
}

static void a_connection_reaches_the_other_loop_with_its_address(void) {
    struct bench bench;
    struct gw_peer peer = {.address_len = 16, .text = "192.0.2.7", .text_len = 9};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    start(&bench, LOOPS);
    gw_spread_send(bench.spread, 1, fd, &peer);
    gw_loop_turn(bench.loops[0], 0);
    CU_ASSERT_EQUAL(bench.taken, 0);
    gw_loop_turn(bench.loops[1], 0);
    CU_ASSERT_EQUAL(bench.taken, 1);
    CU_ASSERT_EQUAL(bench.fd, fd);
    CU_ASSERT_STRING_EQUAL(bench.peer.text, "192.0.2.7");
    close(fd);
    stop(&bench);
}

static void a_connection_on_its_way_to_a_loop_that_has_left_is_closed_and_not_counted(void) {
    struct bench bench;
    struct gw_peer peer = {0};
    int pair[2];
    char byte;
    start(&bench, 2);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 1), 1);
    gw_spread_send(bench.spread, 1, pair[0], &peer);
    gw_spread_leave(bench.spread, bench.loops[1]);
    gw_loop_turn(bench.loops[1], 0);
    CU_ASSERT_EQUAL(bench.taken, 0);
    CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
    gw_spread_join(bench.spread, bench.loops[1], on_take, &bench);
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 1), 1); /* as with none */
    CU_ASSERT_EQUAL(gw_spread_pick(bench.spread, 1), 0);
    close(pair[1]);
    stop(&bench);
}

struct picker {
    struct bench *bench;
    uint32_t own;
    uint32_t counts[LOOPS];
};

static void *pick_many(void *arg) {
    struct picker *picker = arg;
    for (uint32_t i = 0; i < PICKS; i++) {
        picker->counts[gw_spread_pick(picker->bench->spread, picker->own)]++;
    }
    return NULL;
}

static void loops_that_accept_at_the_same_time_do_not_take_the_same_place(void) {
    struct bench bench;
    struct picker pickers[LOOPS];
    pthread_t threads[LOOPS];
    start(&bench, LOOPS);
    for (uint32_t i = 0; i < LOOPS; i++) {
        pickers[i] = (struct picker){.bench = &bench, .own = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, pick_many, &pickers[i]), 0);
    }
    for (uint32_t i = 0; i < LOOPS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (uint32_t i = 0; i < LOOPS; i++) {
        CU_ASSERT_EQUAL(pickers[0].counts[i] + pickers[1].counts[i] + pickers[2].counts[i], PICKS);
    }
    stop(&bench);
}

UNIT_MAIN(UNIT(each_connection_goes_to_the_loop_with_the_fewest),
          UNIT(the_loop_that_has_accepted_keeps_a_connection_when_none_has_fewer),
          UNIT(a_loop_that_does_not_serve_gets_none_of_the_others),
          UNIT(a_loop_that_wants_none_gets_what_is_on_its_way),
          UNIT(a_connection_reaches_the_other_loop_with_its_address),
          UNIT(a_connection_on_its_way_to_a_loop_that_has_left_is_closed_and_not_counted),
          UNIT(loops_that_accept_at_the_same_time_do_not_take_the_same_place))
