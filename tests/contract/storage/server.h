/*
 * server.h - the real server of a driver, as a child process on a free port of 127.0.0.1. It keeps
 * its port and its directory when it is started again. Main thread.
 */
#ifndef CONTRACT_STORAGE_SERVER_H
#define CONTRACT_STORAGE_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    const char *name; /* directory below tests/servers */
    const char *directory;
    uint16_t port; /* 0: take a free one at the first start */
    bool has_auth;
    pid_t pid; /* 0: does not run */
};

uint16_t server_free_port(void);
/* Waits until it takes connections and has been set up; ends the test program when it does not. */
void server_start(struct server *server);
void server_stop(struct server *server);  /* asks it to end, and waits */
void server_kill9(struct server *server); /* does not ask */
/* Stops and continues the process: connections stay, nothing is answered. */
void server_freeze(struct server *server);
void server_thaw(struct server *server);
/* Does something to it, tests/servers/NAME/do; ends the test program when that fails. */
void server_do(const struct server *server, const char *what);

#endif
