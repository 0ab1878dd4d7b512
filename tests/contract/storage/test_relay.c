/*
 * test_relay.c - the relay of the contract kit does what the cases rest on: a case that asks for a
 * dead line and gets a working one would prove nothing. Behind it is a thread that sends back what
 * it gets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit.h"
#include "relay.h"

static int listener;
static uint16_t echo_port;
static uint16_t relay_port;

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void *echo(void *arg) {
    const int fd = *(int *)arg;
    char bytes[1000];
    ssize_t len = 0;
    free(arg);
    while ((len = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        (void)send(fd, bytes, (size_t)len, MSG_NOSIGNAL);
    }
    (void)close(fd);
    return NULL;
}

static void *take(void *arg) {
    (void)arg;
    for (;;) {
        pthread_t thread;
        int *fd = malloc(sizeof *fd);
        *fd = accept(listener, NULL, NULL);
        if (*fd < 0) {
            free(fd);
            return NULL;
        }
        if (pthread_create(&thread, NULL, echo, fd) == 0) {
            (void)pthread_detach(thread);
        }
    }
}

static void begin_echo(pthread_t *thread) {
    const int yes = 1;
    echo_port = server_free_port();
    const struct sockaddr_in address = loopback(echo_port);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0 || pthread_create(thread, NULL, take, NULL) != 0) {
        kit_fail("no echo");
    }
}

static int connect_to_relay(void) {
    const struct sockaddr_in address = loopback(relay_port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void say(int fd, const char *text) {
    CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes until len bytes are there or the connection ends; the length, -1: it ended first. */
static ssize_t hear(int fd, char *out, size_t len) {
    size_t got = 0;
    while (got < len) {
        const ssize_t more = recv(fd, out + got, len - got, 0);
        if (more <= 0) {
            return got == 0 ? -1 : (ssize_t)got;
        }
        got += (size_t)more;
    }
    return (ssize_t)got;
}

static bool is_echoed(int fd, const char *text) {
    char got[64];
    say(fd, text);
    return hear(fd, got, strlen(text)) == (ssize_t)strlen(text) &&
           memcmp(got, text, strlen(text)) == 0;
}

static bool is_silent(int fd, int ms) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return poll(&wanted, 1, ms) == 0;
}

static void it_forwards_and_counts(void) {
    relay_port = relay_start(echo_port);
    const int fd = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(fd, "hello"));
    CU_ASSERT_TRUE(is_echoed(fd, "world!"));
    CU_ASSERT_EQUAL(relay_bytes(), 11);
    CU_ASSERT_EQUAL(relay_count(), 1);
    (void)close(fd);
    relay_stop();
}

static void a_stalled_line_keeps_what_was_said_until_it_goes_on(void) {
    char got[8];
    relay_port = relay_start(echo_port);
    const int old = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(old, "before"));
    relay_set(RELAY_STALL);
    const int new = connect_to_relay();
    CU_ASSERT_TRUE(new >= 0);
    say(old, "old");
    say(new, "new");
    CU_ASSERT_TRUE(is_silent(old, 200));
    CU_ASSERT_TRUE(is_silent(new, 10));
    relay_set(RELAY_PASS);
    CU_ASSERT_EQUAL(hear(old, got, 3), 3);
    CU_ASSERT_EQUAL(memcmp(got, "old", 3), 0);
    CU_ASSERT_EQUAL(hear(new, got, 3), 3);
    (void)close(old);
    (void)close(new);
    relay_stop();
}

static void a_refusing_line_ends_what_is_open_and_takes_nothing_new(void) {
    char got[8];
    relay_port = relay_start(echo_port);
    int fd = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(fd, "before"));
    relay_set(RELAY_REFUSE);
    CU_ASSERT_EQUAL(hear(fd, got, 1), -1);
    (void)close(fd);
    CU_ASSERT_TRUE(connect_to_relay() < 0 && errno == ECONNREFUSED);
    relay_set(RELAY_PASS);
    fd = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(fd, "after"));
    relay_cut();
    CU_ASSERT_EQUAL(hear(fd, got, 1), -1);
    (void)close(fd);
    relay_stop();
}

static void nonsense_is_told_on_open_lines_and_on_new_ones(void) {
    char got[4096];
    relay_port = relay_start(echo_port);
    const int old = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(old, "before"));
    relay_set(RELAY_NOISE);
    const int new = connect_to_relay();
    say(new, "hello");
    CU_ASSERT_EQUAL(hear(old, got, sizeof got), (ssize_t)sizeof got);
    CU_ASSERT_EQUAL(hear(new, got, sizeof got), (ssize_t)sizeof got);
    CU_ASSERT_EQUAL(hear(new, got, 1), -1); /* and closed */
    relay_set(RELAY_PORTAL);
    const int third = connect_to_relay();
    say(third, "hello");
    CU_ASSERT_EQUAL(hear(third, got, 15), 15);
    CU_ASSERT_EQUAL(memcmp(got, "HTTP/1.1 200 OK", 15), 0);
    (void)close(old);
    (void)close(new);
    (void)close(third);
    relay_stop();
}

static void half_of_an_answer_comes_and_then_the_end(void) {
    char got[16];
    relay_port = relay_start(echo_port);
    const int fd = connect_to_relay();
    relay_set(RELAY_TRUNCATE);
    say(fd, "0123456789");
    CU_ASSERT_EQUAL(hear(fd, got, 10), 5);
    CU_ASSERT_EQUAL(memcmp(got, "01234", 5), 0);
    (void)close(fd);
    relay_stop();
}

static void the_answer_to_a_big_request_is_lost_and_the_next_one_is_not(void) {
    static char big[RELAY_BIG + 1];
    static char got[RELAY_BIG];
    relay_port = relay_start(echo_port);
    int fd = connect_to_relay();
    relay_set(RELAY_LOSE);
    CU_ASSERT_TRUE(is_echoed(fd, "small"));
    memset(big, 'b', RELAY_BIG);
    say(fd, big);
    CU_ASSERT_TRUE(hear(fd, got, RELAY_BIG) < (ssize_t)RELAY_BIG);
    (void)close(fd);
    fd = connect_to_relay();
    say(fd, big);
    CU_ASSERT_EQUAL(hear(fd, got, RELAY_BIG), (ssize_t)RELAY_BIG);
    (void)close(fd);
    relay_stop();
}

static void a_slow_line_takes_its_time_in_both_directions(void) {
    relay_port = relay_start(echo_port);
    const int fd = connect_to_relay();
    CU_ASSERT_TRUE(is_echoed(fd, "fast"));
    relay_delay(100);
    const uint64_t begun_ns = kit_now_ns();
    CU_ASSERT_TRUE(is_echoed(fd, "slow"));
    CU_ASSERT_TRUE(kit_now_ns() - begun_ns >= 200 * 1000000ull);
    (void)close(fd);
    relay_stop();
}

static void a_line_to_nobody_is_closed(void) {
    char got[1];
    relay_port = relay_start(server_free_port());
    const int fd = connect_to_relay();
    CU_ASSERT_EQUAL(hear(fd, got, 1), -1);
    (void)close(fd);
    relay_stop();
}

static const struct unit_case cases[] = {
    UNIT(it_forwards_and_counts),
    UNIT(a_stalled_line_keeps_what_was_said_until_it_goes_on),
    UNIT(a_refusing_line_ends_what_is_open_and_takes_nothing_new),
    UNIT(nonsense_is_told_on_open_lines_and_on_new_ones),
    UNIT(half_of_an_answer_comes_and_then_the_end),
    UNIT(the_answer_to_a_big_request_is_lost_and_the_next_one_is_not),
    UNIT(a_slow_line_takes_its_time_in_both_directions),
    UNIT(a_line_to_nobody_is_closed),
};

int main(void) {
    pthread_t thread;
    begin_echo(&thread);
    const int rc = unit_run("contract_storage_relay", cases, sizeof cases / sizeof cases[0]);
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(listener);
    return rc;
}
