/*
 * kit.h - a storage plugin at work: loaded by the real manager on a real loop, HTTP client and
 * pool, its operations as calls that turn the loop until they are answered. One store at a time;
 * main thread.
 */
#ifndef CONTRACT_STORAGE_KIT_H
#define CONTRACT_STORAGE_KIT_H

#include "base/bytes.h"
#include "drivers.h"
#include "io/loop.h"
#include "plugin/manager.h"
#include "plugin/op.h"
#include "server.h"
#include "unit.h"

#define KIT_SHARED_PORT "CONTRACT_STORAGE_PORT" /* environment: where the shared server is */

struct kit {
    const struct storage_driver *driver;
    char directory[256];       /* of the running case */
    struct driver_place place; /* what the settings are made of; a case may change it */
    uint16_t server_port;      /* of the server, also when the place is that of the relay */
    struct server server;
    bool needs_own_server; /* else the one that cases share is emptied and used, if there is one */
    struct eg_loop *loop;
    struct gw_http_client *client;
    struct gw_pool *pool;
    struct gw_manager *manager;
    struct gw_instance *instance;
    const struct eg_storage_ops *ops;
    int32_t status; /* of start or the last operation, and its text */
    char why[1024];
    uint64_t took_ns;
};
extern struct kit kit;

/* An empty directory and an empty store for the case; kit_end removes it. */
void kit_begin(void);
void kit_begin_with_auth(void); /* the server asks for credentials; the place has the right ones */
void kit_begin_away(void);      /* there is a place for a server, but it has not been started */
void kit_end(void);
void kit_make_directory(void); /* the directory alone */
/* Puts the relay (relay.h) before the server, for what is opened from now on. */
void kit_use_relay(void);
/* Loads, creates, starts. Returns the status of start; anything else that fails ends the program.
 */
int32_t kit_try_open(void);
/* The same and waits until the store answers. */
void kit_open(void);
void kit_wait_ready(void);
void kit_close(void); /* also after a failed open */

_Noreturn void kit_fail(const char *what);
/* Turns the loop until *flag is at least value, or fails with what after a while. */
void kit_turn_until(const unsigned *flag, unsigned value, const char *what);
uint64_t kit_now_ns(void); /* of the real clock */
/* Runs fn on the loop (gw_loop_current is the loop), before it returns. */
void kit_on_loop(void (*fn)(void *arg), void *arg);

/* ---- operations ---- */

struct row {
    struct eg_str key;
    struct eg_str value;
    uint64_t revision;
};
/* Texts and items of an answer are copies that live until kit_drop. */
struct answer {
    struct gw_op op;
    unsigned is_done;
    int32_t status;
    uint64_t revision;
    uint64_t begun_ns;
    uint64_t took_ns;
    struct gw_bytes body;
    struct gw_bytes message;
    struct row *items;
    size_t count;
    struct gw_arena arena;
};
/* Sent, not waited for. Keys and values are borrowed until answered. */
void kit_send_get(struct answer *answer, struct eg_str key);
void kit_send_list(struct answer *answer, struct eg_str prefix);
void kit_send_put(struct answer *answer, struct eg_str key, struct eg_str value, uint64_t expect);
void kit_send_remove(struct answer *answer, struct eg_str key, uint64_t expect);
void kit_send_commit(struct answer *answer, const struct eg_commit *commit);
void kit_wait(struct answer *answer);
void kit_drop(struct answer *answer);

/* Sent and waited for; the status. ret_revision may be NULL. The message goes to kit.why, the time
 * that it took to kit.took_ns. */
int32_t kit_put(const char *key, const char *value, uint64_t expect, uint64_t *ret_revision);
int32_t kit_remove(const char *key, uint64_t expect, uint64_t *ret_revision);
int32_t kit_commit(const struct eg_commit *commit, uint64_t *ret_revision);
/* Makes many/00000 and so on, several at once; each has to be stored. */
void kit_put_many(unsigned count);
/* The value as C string in static memory, or NULL when missing. */
const char *kit_get(const char *key, uint64_t *ret_revision);
/* "k1=v1 k2=v2 " in static memory; the status is in kit.status. */
const char *kit_list(const char *prefix);

#endif
