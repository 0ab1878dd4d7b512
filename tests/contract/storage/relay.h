/*
 * relay.h - stands between a plugin and its server and misbehaves on demand. A thread of its own
 * moves the bytes; all functions are called on the main thread and take effect before they return.
 * One relay at a time.
 */
#ifndef CONTRACT_STORAGE_RELAY_H
#define CONTRACT_STORAGE_RELAY_H

#include <stdint.h>

#define RELAY_BIG 20000u

enum relay_mode {
    RELAY_PASS,
    RELAY_STALL,    /* keeps connections, and takes new ones, and forwards nothing */
    RELAY_REFUSE,   /* cuts connections and takes no new ones */
    RELAY_NOISE,    /* answers with bytes that mean nothing, then closes */
    RELAY_PORTAL,   /* answers with a page of HTML over HTTP, as a network's log-in page does */
    RELAY_LOSE,     /* ends the first connection on which RELAY_BIG bytes or more have been asked
                       when the server answers, and does not tell the answer; then passes again */
    RELAY_TRUNCATE, /* closes after the first half of what the server sends next */
};

uint16_t relay_start(uint16_t to_port); /* the port it listens on */
void relay_stop(void);                  /* also when it does not run */
void relay_set(enum relay_mode mode);   /* for open connections as well */
void relay_delay(unsigned delay_ms);    /* before each chunk, in both directions */
void relay_cut(void);                   /* closes the open connections */
unsigned relay_count(void);             /* connections so far */
uint64_t relay_bytes(void);             /* from the server so far */

#endif
