/*
 * keyset.h - the keys of an issuer on one loop, fetched from a URL or read from a file, and fetched
 * again: after `refresh`, in the background; at once when a token names a key that is not there, at
 * most every `cooldown`. While the server is away the keys stay good for `max_stale`. Each loop has
 * its own, so that looking up a key takes no lock.
 *
 * Loop thread. A fetch is on the host's ledger, so the slot outlives it.
 */
#ifndef MIDDLEWARE_AUTH_KEYSET_H
#define MIDDLEWARE_AUTH_KEYSET_H

#include "auth.h"

/* Who waits for a fetch. */
struct auth_waiter {
    struct auth_waiter *next;
    void (*resume)(struct auth_waiter *waiter);
    int32_t is_linked;
};

struct auth_fetch;
struct auth_keyset {
    struct auth_slot *slot;
    const struct auth_issuer *issuer;
    struct auth_keys keys;
    struct auth_digest content; /* of what they were read from */
    uint64_t version;           /* of the keys; 0 = there were never any */
    uint64_t loaded_ns;         /* last confirmed */
    uint64_t next_ns;           /* no fetch before */
    struct auth_fetch *fetch;   /* that is running */
    struct auth_waiter *waiters;
};

enum auth_keys_state { AUTH_KEYS_READY, AUTH_KEYS_WAIT, AUTH_KEYS_NONE };

void auth_keyset_init(struct auth_keyset *keyset, struct auth_slot *slot,
                      const struct auth_issuer *issuer);
void auth_keyset_free(struct auth_keyset *keyset);
/* Begins what is due. WAIT: the waiter is resumed when the fetch has ended. waiter may be NULL:
 * then nobody waits. */
enum auth_keys_state auth_keyset_need(struct auth_keyset *keyset, struct eg_str key_id,
                                      const struct auth_algorithm *algorithm,
                                      struct auth_waiter *waiter);
/* Not resumed any more. */
void auth_keyset_forget(struct auth_keyset *keyset, struct auth_waiter *waiter);
/* Cancels a fetch. */
void auth_keyset_stop(struct auth_keyset *keyset);
/* The keys to look into. */
const struct auth_keys *auth_keyset_keys(const struct auth_keyset *keyset);
/* Reads the whole file; malloc'd *ret_text. Blocks: start and pool threads. EG_E_IO, EG_E_TOOBIG.
 */
int32_t auth_read_file(struct eg_str path, char **ret_text, size_t *ret_len,
                       struct eg_why *ret_why);

#endif
