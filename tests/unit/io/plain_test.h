/*
 * plain_test.h - what the tests of the HTTP server's own engine share: one client, which may send
 * its bytes in pieces, and what has to be left when it has gone.
 */
#ifndef TESTS_PLAIN_TEST_H
#define TESTS_PLAIN_TEST_H

#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "io/http_server_inner.h"
#include "io_test.h"

static struct client a;

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
#define CHUNKED "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
#define BIG_BYTES ((size_t)8 << 20) /* more than sockets take */

static inline void open_at_once(struct bench *bench) {
    const int on = 1;
    client_open(&a, bench->port);
    a.in[0] = '\0';
    CU_ASSERT_EQUAL(setsockopt(a.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    while (gw_list_empty(&bench->server->connections)) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
    }
}

static inline void reset(struct client *client) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client_close(client);
}

/* The connection has been freed, and nothing is counted for it. Requests that the handler gets
 * meanwhile are answered. */
static inline bool turn_until_gone(struct bench *bench) {
    size_t answered = bench->held_count;
    for (int i = 0; i < TURNS_MAX && !gw_list_empty(&bench->server->connections); i++) {
        gw_loop_turn(bench->loop, GW_NS_PER_MS);
        for (; answered < bench->held_count; answered++) {
            answer(bench->held[answered], 200, GW_STR("later"));
        }
    }
    return gw_list_empty(&bench->server->connections) &&
           gw_http_server_in_flight(bench->server) == 0;
}

static inline char *make_big(size_t bytes) {
    char *big = malloc(bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    memset(big, 'x', bytes);
    return big;
}

static inline void answer_big(struct bench *bench, size_t index) {
    char *big = make_big(BIG_BYTES);
    answer(bench->held[index], 200, gw_str(big, BIG_BYTES));
    free(big);
}

/* Sends the text in two pieces, or byte by byte when the first is to be empty. */
static inline void send_cut(struct bench *bench, struct eg_str text, size_t first) {
    const size_t whole = text.len;
    open_at_once(bench);
    for (size_t len; text.len > 0; text = gw_str_cut(text, len)) {
        const bool is_begin = text.len == whole;
        len = first == 0 ? 1 : is_begin ? first : text.len;
        (void)client_send(&a, gw_str_sub(text, 0, len)); /* it may be refused already */
        gw_loop_turn(bench->loop, 0);
        gw_loop_turn(bench->loop, 0);
    }
}

#endif
