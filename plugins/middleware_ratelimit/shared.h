/*
 * shared.h - limits that several gateways share: the buckets are in Redis. One connection for each
 * loop (session.c), one script that looks at all buckets of a request and charges all or none.
 */
#ifndef RATELIMIT_SHARED_H
#define RATELIMIT_SHARED_H

#include <stdatomic.h>

#include "../storage_redis/link.h"
#include "digest.h"
#include "table.h"

#define RATELIMIT_PEERS 16u

struct ratelimit_redis_config {
    struct eg_str_list address;
    struct eg_str username;
    struct eg_str password;
    int64_t database;
    struct eg_str prefix;
    uint32_t tls;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
    struct eg_str server_name;
    uint64_t timeout_ns;        /* of connecting */
    uint64_t answer_timeout_ns; /* of an answer */
};

/* What the sessions of an instance share. */
struct ratelimit_shared {
    const struct eg_host *host;
    struct ratelimit_redis_config config;
    struct redis_tls *tls;
    char *server_name; /* NULL: that of the address */
    struct eg_metric *up;
    _Atomic uint32_t is_draining;
    _Atomic uint32_t is_lost; /* it was logged */
};

int32_t ratelimit_shared_check(const struct ratelimit_redis_config *config, struct eg_why *ret_why);
void ratelimit_shared_init(struct ratelimit_shared *shared, const struct eg_host *host,
                           const struct ratelimit_redis_config *config);
/* Reads the files of TLS. */
int32_t ratelimit_shared_start(struct ratelimit_shared *shared, struct eg_why *ret_why);
void ratelimit_shared_end(struct ratelimit_shared *shared);

struct ratelimit_session;

/* One question to Redis; embedded in its owner, who keeps it until it is answered. */
struct ratelimit_ask {
    struct redis_call call;
    struct ratelimit_session *session;
    struct ratelimit_ask *next;
    struct ratelimit_ask *former;
    struct ratelimit_draw *draws; /* lent until answered; their debts are set */
    size_t count;
    uint64_t asked_ns;
    uint32_t refused; /* out: draws without room, as bits; 0 = all were charged */
    int is_whole;     /* the script was sent with it */
    char keys[RATELIMIT_RULES_MAX][RATELIMIT_DIGEST_LEN];
    /* 0, or negative: Redis has not answered, and maybe has not counted. */
    void (*answered)(struct ratelimit_ask *ask, int32_t rc);
};

/* Loop thread, all of them. */
struct ratelimit_session *ratelimit_session_open(struct ratelimit_shared *shared,
                                                 struct eg_loop *loop);
/* Questions that wait are answered without Redis. NULL is fine. */
void ratelimit_session_close(struct ratelimit_session *session);
/* 0: answered comes, later. Negative: there is no connection (or no session, NULL). */
int32_t ratelimit_session_ask(struct ratelimit_session *session, struct ratelimit_ask *ask);
/* Those that wait, by next. */
struct ratelimit_ask *ratelimit_session_asks(const struct ratelimit_session *session);

#endif
