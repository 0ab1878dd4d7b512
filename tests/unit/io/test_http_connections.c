/* Who gets a connection of the HTTP client, and when it ends: limits, queues, idle time. With
 * both engines. */
#include "hand_server.h"

#define MANY 12

static void answer(int fd) {
    hear(fd, 2);
    say(fd, OK_2);
}

static void of_one_host_there_are_no_more_connections_than_allowed(void) {
    struct ask asks[MANY];
    int fds[2];
    hand_config.max_connections_per_host = 2;
    hand_begin();
    for (size_t i = 0; i < MANY; i++) {
        ask_post(&asks[i]);
    }
    fds[0] = accept_one(0);
    fds[1] = accept_one(0);
    for (size_t i = 0; i < MANY; i++) {
        answer(fds[i % 2]);
        turns(3);
        CU_ASSERT_EQUAL(accept4(listeners[0], NULL, NULL, SOCK_NONBLOCK), -1);
    }
    for (size_t i = 0; i < MANY; i++) {
        wait_done(&asks[i]);
        CU_ASSERT_EQUAL(asks[i].status, 200);
    }
    close(fds[0]);
    close(fds[1]);
    hand_end();
}

static void who_has_waited_longest_is_next(void) {
    struct ask asks[4];
    hand_config.max_connections_per_host = 1;
    hand_begin();
    for (size_t i = 0; i < 4; i++) {
        ask_post(&asks[i]);
    }
    const int fd = accept_one(0);
    for (size_t i = 0; i < 4; i++) {
        answer(fd);
        wait_done(&asks[i]);
        CU_ASSERT_EQUAL(asks[i].status, 200);
        for (size_t later = i + 1; later < 4; later++) {
            CU_ASSERT_EQUAL(asks[later].calls, 0);
        }
    }
    close(fd);
    hand_end();
}

static void a_kept_connection_gives_its_place_to_another_host(void) {
    struct ask first;
    struct ask second;
    hand_config.max_connections = 1;
    hand_begin();
    ask_server(&first, 0, "POST", GW_STR("{}"));
    const int fd = accept_one(0);
    answer(fd);
    wait_done(&first);
    ask_server(&second, 1, "POST", GW_STR("{}"));
    const int other = accept_one(1);
    CU_ASSERT_TRUE(is_closed_by_client(fd));
    answer(other);
    wait_done(&second);
    CU_ASSERT_EQUAL(second.status, 200);
    close(fd);
    close(other);
    hand_end();
}

/* Of all hosts together there is one connection: it goes round. */
static void hosts_that_wait_for_a_place_have_it_by_turns(void) {
    struct ask asks[2];
    hand_config.max_connections = 1;
    hand_begin();
    ask_server(&asks[0], 0, "POST", GW_STR("{}"));
    ask_server(&asks[1], 1, "POST", GW_STR("{}"));
    const int fd = accept_one(0);
    turns(5);
    CU_ASSERT_EQUAL(accept4(listeners[1], NULL, NULL, SOCK_NONBLOCK), -1);
    answer(fd);
    wait_done(&asks[0]);
    const int other = accept_one(1);
    answer(other);
    wait_done(&asks[1]);
    CU_ASSERT_EQUAL(asks[1].status, 200);
    close(fd);
    close(other);
    hand_end();
}

/* One connection for all, four requests: three to one host, and a later one to another. libcurl has
 * an order of its own. */
static void check_turns(const char *text, const size_t order[4]) {
    struct ask asks[4];
    if (engines == GW_HTTP_CURL_ONLY) {
        return;
    }
    hand_config.max_connections = 1;
    hand_begin();
    for (size_t i = 0; i < GW_COUNT(asks); i++) {
        ask_server(&asks[i], i == 3 ? 1 : 0, "POST", GW_STR("{}"));
    }
    for (size_t i = 0; i < GW_COUNT(asks); i++) {
        const int fd = accept_one(order[i]);
        hear(fd, 2);
        say(fd, text);
        turns(3);
        close(fd);
    }
    for (size_t i = 0; i < GW_COUNT(asks); i++) {
        wait_done(&asks[i]);
        CU_ASSERT_EQUAL(asks[i].status, 200);
    }
    hand_end();
}

static void a_host_with_many_who_wait_lets_others_have_their_turn(void) {
    static const size_t order[] = {0, 0, 1, 0};
    check_turns(OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi", order);
}

static void a_connection_that_could_be_used_again_is_given_up_for_a_host_that_has_none(void) {
    static const size_t order[] = {0, 1, 0, 0};
    check_turns(OK_2, order);
}

/* The other way round it would go on for ever: as many connections each, and nobody gives up. */
static void hosts_with_as_many_connections_as_others_keep_them(void) {
    struct ask asks[8];
    int fds[2];
    if (engines == GW_HTTP_CURL_ONLY) {
        return;
    }
    hand_config.max_connections = 2;
    hand_begin();
    for (size_t i = 0; i < GW_COUNT(asks); i++) {
        ask_server(&asks[i], i % 2, "POST", GW_STR("{}"));
    }
    for (size_t i = 0; i < 2; i++) {
        fds[i] = accept_one(i);
    }
    for (size_t i = 0; i < GW_COUNT(asks); i++) {
        answer(fds[i % 2]);
        wait_done(&asks[i]);
        CU_ASSERT_EQUAL(asks[i].status, 200);
    }
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(accept4(listeners[i], NULL, NULL, SOCK_NONBLOCK), -1);
        close(fds[i]);
    }
    hand_end();
}

static void a_connection_that_was_closed_makes_place_for_who_waits(void) {
    struct ask asks[2];
    hand_config.max_connections_per_host = 1;
    hand_begin();
    ask_post(&asks[0]);
    ask_post(&asks[1]);
    const int fd = accept_one(0);
    hear(fd, 2);
    say(fd, OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi");
    wait_done(&asks[0]);
    const int second = accept_one(0);
    answer(second);
    wait_done(&asks[1]);
    CU_ASSERT_EQUAL(asks[1].status, 200);
    close(fd);
    close(second);
    hand_end();
}

static void canceled_calls_leave_their_place_and_the_queue(void) {
    struct ask asks[3];
    hand_config.max_connections_per_host = 1;
    hand_begin();
    for (size_t i = 0; i < 3; i++) {
        ask_post(&asks[i]);
    }
    const int fd = accept_one(0);
    gw_http_cancel(asks[1].call); /* waits */
    gw_http_cancel(asks[0].call); /* has the connection */
    wait_done(&asks[0]);
    wait_done(&asks[1]);
    CU_ASSERT_EQUAL(asks[0].error, EG_E_CANCELED);
    CU_ASSERT_EQUAL(asks[1].error, EG_E_CANCELED);
    CU_ASSERT_TRUE(is_closed_by_client(fd));
    const int second = accept_one(0);
    answer(second);
    wait_done(&asks[2]);
    CU_ASSERT_EQUAL(asks[2].status, 200);
    close(fd);
    close(second);
    hand_end();
}

static void a_call_may_be_canceled_at_once(void) {
    struct ask ask;
    hand_begin();
    ask_post(&ask);
    gw_http_cancel(ask.call);
    CU_ASSERT_EQUAL(ask.calls, 0);
    wait_done(&ask);
    CU_ASSERT_EQUAL(ask.error, EG_E_CANCELED);
    CU_ASSERT_EQUAL(gw_http_client_in_flight(client), 0);
    hand_end();
}

/* libcurl looks at its idle connections when it wants one: only ours end by themselves. */
static void kept_connections_end_after_their_time(void) {
    struct ask asks[2];
    int fds[2];
    hand_config.idle_timeout_ns = 60 * GW_NS_PER_S;
    if (engines == GW_HTTP_CURL_ONLY) {
        hand_config.idle_timeout_ns = 0;
        return;
    }
    gw_clock_hold(GW_NS_PER_S, 0);
    hand_begin();
    for (size_t i = 0; i < 2; i++) {
        ask_server(&asks[i], i, "POST", GW_STR("{}"));
        fds[i] = accept_one(i);
        answer(fds[i]);
        wait_done(&asks[i]);
        gw_clock_advance(40 * GW_NS_PER_S); /* the second is 40 s younger */
        turns(2);
    }
    CU_ASSERT_TRUE(is_closed_by_client(fds[0]));
    char byte;
    CU_ASSERT_EQUAL(recv(fds[1], &byte, 1, 0), -1);
    CU_ASSERT_EQUAL(errno, EAGAIN);
    gw_clock_advance(21 * GW_NS_PER_S);
    CU_ASSERT_TRUE(is_closed_by_client(fds[1]));
    close(fds[0]);
    close(fds[1]);
    hand_end();
    gw_clock_release();
}

static void destroy_ends_what_is_kept_what_waits_and_what_is_under_way(void) {
    struct ask asks[4];
    hand_config.max_connections_per_host = 2;
    hand_begin();
    ask_post(&asks[0]);
    const int fd = accept_one(0);
    answer(fd);
    wait_done(&asks[0]);
    for (size_t i = 1; i < 4; i++) {
        ask_post(&asks[i]);
    }
    hand_end();
    for (size_t i = 1; i < 4; i++) {
        CU_ASSERT_EQUAL(asks[i].calls, 1);
        CU_ASSERT_EQUAL(asks[i].error, EG_E_CANCELED);
    }
    close(fd);
}

ENGINES_MAIN(UNIT(of_one_host_there_are_no_more_connections_than_allowed),
             UNIT(who_has_waited_longest_is_next),
             UNIT(a_kept_connection_gives_its_place_to_another_host),
             UNIT(hosts_that_wait_for_a_place_have_it_by_turns),
             UNIT(a_host_with_many_who_wait_lets_others_have_their_turn),
             UNIT(a_connection_that_could_be_used_again_is_given_up_for_a_host_that_has_none),
             UNIT(hosts_with_as_many_connections_as_others_keep_them),
             UNIT(a_connection_that_was_closed_makes_place_for_who_waits),
             UNIT(canceled_calls_leave_their_place_and_the_queue),
             UNIT(a_call_may_be_canceled_at_once), UNIT(kept_connections_end_after_their_time),
             UNIT(destroy_ends_what_is_kept_what_waits_and_what_is_under_way))
