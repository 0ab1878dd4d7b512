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
    struct server server;
    bool needs_own_server; /* else the one that cases share is emptied and used, if there is one */
    struct eg_loop *loop;
    struct gw_http_client *client;
    struct gw_pool *pool;
    struct gw_manager *manager;
    struct gw_instance *instance;
    const struct eg_storage_ops *ops;
    int32_t status; /* of start, and its text */
    char why[1024];
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

/* ---- operations ---- */

/* Texts and items of an answer are copies that live until kit_drop. */
struct answer {
    struct gw_op op;
    unsigned is_done;
    int32_t status;
    uint64_t revision;
    struct gw_bytes body;
    struct gw_bytes message;
    struct eg_kv *items;
    size_t count;
    struct gw_arena arena;
};
/* Sent, not waited for. Keys and values are borrowed until answered. */
void kit_send_get(struct answer *answer, struct eg_str key);
void kit_send_list(struct answer *answer, struct eg_str prefix);
void kit_send_put(struct answer *answer, struct eg_str key, struct eg_str value, uint64_t expect);
void kit_send_remove(struct answer *answer, struct eg_str key, uint64_t expect);
void kit_wait(struct answer *answer);
void kit_drop(struct answer *answer);

/* Sent and waited for; the status. ret_revision may be NULL. */
int32_t kit_put(const char *key, const char *value, uint64_t expect, uint64_t *ret_revision);
int32_t kit_remove(const char *key, uint64_t expect, uint64_t *ret_revision);
/* The value as C string in static memory, or NULL when missing. */
const char *kit_get(const char *key, uint64_t *ret_revision);
/* "k1=v1 k2=v2 " in static memory. */
const char *kit_list(const char *prefix);

#endif
