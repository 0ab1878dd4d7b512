/* Accepting: what a flood of connections over the limit finds, and that it passes. */
#include "io_test.h"

#define PLACES 16u
#define TOLD 17u /* with a 503; then the socket does not listen */

static struct client held[PLACES];
static struct client told[TOLD];
static struct client late;

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

/* 0, or why there is no connection. */
static int try_connect(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int error = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    return error;
}

static void open_and_turn(struct bench *bench, struct client *client) {
    client_open(client, bench->port);
    bench_turns(bench, 3);
}

/* All places are taken, and more have come than are told. */
static void flood(struct bench *bench) {
    struct gw_http_server_config config = test_config();
    config.limits.connections = PLACES;
    bench_start(bench, config);
    gw_clock_hold(GW_NS_PER_S, 0);
    for (size_t i = 0; i < PLACES; i++) {
        open_and_turn(bench, &held[i]);
    }
    for (size_t i = 0; i < TOLD; i++) {
        open_and_turn(bench, &told[i]);
        CU_ASSERT_TRUE(bench_turn_until(bench, &told[i], "HTTP/1.1 503 "));
        CU_ASSERT_PTR_NOT_NULL(strstr(told[i].in, "Retry-After: 1\r\n"));
        client_close(&told[i]);
    }
}

static void end(struct bench *bench, size_t first) {
    gw_clock_release();
    for (size_t i = first; i < PLACES; i++) {
        client_close(&held[i]);
    }
    bench_stop(bench);
}

static void a_flood_over_the_limit_is_refused_by_the_system_and_who_has_a_place_is_served(void) {
    struct bench bench;
    flood(&bench);
    CU_ASSERT_EQUAL(try_connect(bench.port), ECONNREFUSED);
    client_send(&held[3], GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &held[3], "200 OK"));
    CU_ASSERT_EQUAL(try_connect(bench.port), ECONNREFUSED);
    end(&bench, 0);
}

static void a_few_over_the_limit_are_all_told(void) {
    struct gw_http_server_config config = test_config();
    struct bench bench;
    config.limits.connections = 1;
    bench_start(&bench, config);
    gw_clock_hold(GW_NS_PER_S, 0);
    open_and_turn(&bench, &held[0]);
    for (int i = 0; i < 60; i++) { /* one in ten milliseconds */
        client_open(&late, bench.port);
        CU_ASSERT_TRUE(bench_turn_until(&bench, &late, "HTTP/1.1 503 "));
        client_close(&late);
        gw_clock_advance(10 * GW_NS_PER_MS);
        bench_turns(&bench, 2);
    }
    gw_clock_release();
    client_close(&held[0]);
    bench_stop(&bench);
}

static void it_listens_again_as_soon_as_an_eighth_of_the_places_is_free(void) {
    struct bench bench;
    flood(&bench);
    client_close(&held[0]);
    client_close(&held[1]);
    bench_turns(&bench, 10);
    CU_ASSERT_EQUAL(try_connect(bench.port), ECONNREFUSED);
    client_close(&held[2]);
    bench_turns(&bench, 10);
    client_open(&late, bench.port);
    client_send(&late, GW_STR(GET));
    CU_ASSERT_TRUE(bench_turn_until(&bench, &late, "200 OK"));
    client_close(&late);
    end(&bench, 3);
}

static void it_listens_again_after_a_tenth_of_a_second_and_then_tells_a_few_more(void) {
    struct bench bench;
    flood(&bench);
    gw_clock_advance(101 * GW_NS_PER_MS);
    bench_turns(&bench, 3);
    for (size_t i = 0; i < TOLD; i++) {
        open_and_turn(&bench, &told[i]);
        CU_ASSERT_TRUE(bench_turn_until(&bench, &told[i], "HTTP/1.1 503 "));
        client_close(&told[i]);
    }
    CU_ASSERT_EQUAL(try_connect(bench.port), ECONNREFUSED);
    end(&bench, 0);
}

static void a_server_that_does_not_listen_stops_as_any_other(void) {
    struct bench bench;
    flood(&bench);
    gw_http_server_quiesce(bench.server);
    bench_turns(&bench, 10);
    gw_clock_advance(GW_NS_PER_S);
    bench_turns(&bench, 10);
    CU_ASSERT_EQUAL(try_connect(bench.port), ECONNREFUSED);
    end(&bench, 0);
}

UNIT_MAIN(UNIT(a_flood_over_the_limit_is_refused_by_the_system_and_who_has_a_place_is_served),
          UNIT(a_few_over_the_limit_are_all_told),
          UNIT(it_listens_again_as_soon_as_an_eighth_of_the_places_is_free),
          UNIT(it_listens_again_after_a_tenth_of_a_second_and_then_tells_a_few_more),
          UNIT(a_server_that_does_not_listen_stops_as_any_other))
