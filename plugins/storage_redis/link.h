/*
 * link.h - one connection to a Redis server on an event loop: commands out, replies in, in the same
 * order. The thread of that loop only: storage_redis has its on the control loop,
 * middleware_ratelimit one on each.
 */
#ifndef STORAGE_REDIS_LINK_H
#define STORAGE_REDIS_LINK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "command.h"
#include "tls.h"

#define REDIS_NAME_BYTES 256u

/* Where a server is. */
struct redis_peer {
    struct sockaddr_storage address;
    socklen_t address_len;
    char name[REDIS_NAME_BYTES]; /* as it is configured, for messages: "db-1:6379" */
    char host[REDIS_NAME_BYTES]; /* of it, for certificates */
};

struct redis_link;
struct redisReply; /* of hiredis */

/* What a reply is given to; embedded in its owner, who keeps it until then. */
struct redis_call {
    struct redis_call *next;
    /* reply is borrowed; NULL: the connection has ended and there will be none. */
    void (*answered)(struct redis_call *call, const struct redisReply *reply);
};

struct redis_link_config {
    const struct eg_host *host;
    struct eg_loop *loop;
    const struct redis_peer *peer; /* copied */
    struct redis_tls *tls;         /* NULL: plain */
    const char *server_name;       /* for TLS; borrowed */
    /* The connection has failed; the owner closes the link, now or later. Never inside open, send
     * or close. */
    void (*broken)(void *arg, int32_t rc, const struct eg_why *why);
    void *arg;
};

/* Begins to connect; commands may be sent at once and go out when it is done. */
int32_t redis_link_open(const struct redis_link_config *config, struct redis_link **ret_link,
                        struct eg_why *ret_why);
/* Answers what waits with NULL. NULL is fine. May be called in any callback of the link. */
void redis_link_close(struct redis_link *link);

void redis_link_send(struct redis_link *link, const struct redis_command *command,
                     struct redis_call *call);
size_t redis_link_waiting(const struct redis_link *link);
/* How long the peer has said nothing though it owes a reply; 0 when it owes none. */
uint64_t redis_link_silent_ns(const struct redis_link *link);

#endif
