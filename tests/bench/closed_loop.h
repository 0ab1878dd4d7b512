/*
 * tests/bench/closed_loop.h - a load generator for work that goes on after the answer. It keeps a
 * fixed number of events unfinished, and an event is finished when its answer has come and the
 * functions have been called. wrk knows answers only: against a gateway that answers first and
 * delivers later it is no closed loop, and either fills the backlog or leaves the gateway idle.
 *
 * It runs inside the upstream, which sees the deliveries. Thread: the upstream's only one.
 */
#ifndef BENCH_CLOSED_LOOP_H
#define BENCH_CLOSED_LOOP_H

#include <stdbool.h>
#include <stddef.h>

/* What the upstream waits for on a socket; the first member of what belongs to that socket. */
struct watch {
    void (*on_ready)(struct watch *watch);
};

/*
 * Starts a load and takes `reply_fd`, which gets the result as an HTTP answer when all is over.
 * `wanted` is "PORT/CONNECTIONS/MILLISECONDS/DELIVERIES/PATIENCE_MS ": of 127.0.0.1, how many
 * connections and unfinished events, for how long, how many calls of functions follow a request,
 * and how long to wait for them in the end. The bytes of the request are sent as they are. False: a
 * load is running, or `wanted` cannot be had.
 */
bool closed_loop_start(int epoll, const char *wanted, const char *request, size_t bytes,
                       int reply_fd);

/* The upstream has answered a call of a function. */
void closed_loop_delivered(void);

/* To be called at least every CLOSED_LOOP_TICK_MS: ends a load whose time is over. */
void closed_loop_tick(void);
#define CLOSED_LOOP_TICK_MS 20

#endif
