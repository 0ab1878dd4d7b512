/*
 * auth.h - the instance, its part of each loop, and one request on its way through it.
 *
 *   on_request: address -> rule -> what needs no waiting (key, token, certificate)
 *               -> token of an issuer (jwt.c), password (basic.c): perhaps later, through the op
 *
 * The instance is read-only once it serves. A slot and all that hangs on it belong to its loop.
 */
#ifndef MIDDLEWARE_AUTH_H
#define MIDDLEWARE_AUTH_H

#include <pthread.h>

#include "cache.h"
#include "claims.h"
#include "rules.h"

struct auth_slot;

struct auth_settings {
    struct eg_str rules;
    struct eg_str consumers;
    struct eg_str issuers;
    struct eg_str realm;
    struct eg_str key_header;
    struct eg_str certificate_principal;
    struct eg_str_list trusted_proxies;
    struct eg_str_list allow_ips;
    struct eg_str_list deny_ips;
    int64_t cache_size;
    int64_t password_checks;
    uint32_t hide_credentials;
};

/* Why a request does not go on; the rows are in refuse.c. */
enum auth_refusal {
    AUTH_NOTHING_GIVEN,
    AUTH_WRONG,       /* key or token of the settings, certificate */
    AUTH_WRONG_TOKEN, /* of an issuer */
    AUTH_WRONG_PASSWORD,
    AUTH_SCOPE_MISSING,
    AUTH_ADDRESS_DENIED,
    AUTH_PATH_UNCLEAR,
    AUTH_KEYS_AWAY, /* of the issuer */
    AUTH_BUSY,
    AUTH_REFUSALS
};

struct auth {
    const struct eg_host *host;
    const struct auth_settings *settings;
    struct auth_credentials credentials;
    struct auth_consumers consumers;
    struct auth_issuers issuers;
    struct auth_rules rules;
    struct auth_networks proxies;
    struct auth_networks allowed;
    struct auth_networks denied;
    unsigned char cache_key[AUTH_DIGEST_BYTES]; /* random: what is cached is hashed with it */
    struct eg_metric *accepted[AUTH_KINDS];
    struct eg_metric *refused[AUTH_REFUSALS];
    struct eg_metric *fetched[2]; /* failed, worked */
    pthread_mutex_t lock;         /* of slots, for drain */
    struct auth_slot *slots;
};

/* One request. */
struct auth_call {
    struct auth *auth;
    struct auth_slot *slot;
    const struct auth_rule *rule;
    struct eg_exchange *exchange;
    struct eg_op *op;
};

/* A call that waits for a pool thread, or for keys. In the slot's list from EG_PENDING to done. */
struct auth_job {
    struct auth_call call;
    struct auth_job *next;
    struct auth_job *prev;
    void (*on_cancel)(struct auth_job *job); /* ends it, or lets it come to its end */
    int32_t is_canceled;
    int32_t is_listed;
};

struct auth_keyset;
struct auth_slot {
    struct auth *auth;
    struct eg_loop *loop;
    struct auth_slot *next;
    struct auth_cache cache;
    struct auth_keyset *keysets; /* by index of the issuer */
    struct auth_job *jobs;
    int64_t passwords; /* being checked */
};

/* ---- slot.c ---- */
int32_t auth_attach(void *instance, struct eg_loop *loop, void **ret_slot);
void auth_detach(void *instance, void *slot);
void auth_drain(void *instance);
void auth_cancel(void *instance, void *slot, struct eg_op *op);
/* Its call is set. Into the list of what is out. */
void auth_job_begin(struct auth_job *job);
/* The op's one done, with a verdict (unless the client does not wait any more); out of the list. */
void auth_job_end(struct auth_job *job, int32_t verdict);
/* Seconds since 1970. */
int64_t auth_now_s(const struct auth *auth);
/* Of a text of that sort, with the instance's key; for the cache. 0 = it cannot be hashed. */
int auth_cache_digest(const struct auth *auth, const char *sort, struct eg_str text,
                      struct auth_digest *ret_digest);

/* ---- refuse.c ---- */
void auth_refuse_metrics(struct auth *auth);
/* Answers; EG_STOP. */
int32_t auth_refuse(const struct auth_call *call, enum auth_refusal refusal);
/* Lets it through as a principal (empty = nobody in particular); EG_NEXT. */
int32_t auth_accept(const struct auth_call *call, enum auth_kind kind, struct eg_str principal,
                    struct eg_str context);

/* ---- jwt.c, basic.c: a verdict, or EG_PENDING ---- */
int32_t auth_try_token(const struct auth_call *call, struct eg_str token);
int32_t auth_try_password(const struct auth_call *call, struct eg_str base64);

#endif
