/*
 * eventgw/storage.h - a component that keeps the configuration (kind EG_KIND_STORAGE).
 *
 * A flat map from binary-safe keys to binary-safe values, each with a revision: a number that grows
 * with every change of the store (so that two revisions of one key never repeat), the same for all
 * clients of the store. All calls are on the control thread; their ops may be done from any thread.
 * Reads are linearizable.
 *
 * A store that cannot be reached is no failure of start: the plugin goes on trying (with full
 * jitter), operations end with EG_E_UNAVAILABLE, watches tell EG_CHANGE_DOWN. start fails for what
 * trying again does not mend: settings, files that cannot be read, credentials that the store
 * refuses (EG_E_DENIED).
 *
 * A store that answers, but with what cannot be understood, is EG_E_PROTO. One record that cannot
 * be understood is left out, counted (metric storage_bad_records_total) and named in the log; the
 * others go on.
 */
#ifndef EVENTGW_STORAGE_H
#define EVENTGW_STORAGE_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_REV_ANY UINT64_MAX /* expect_revision: whatever is there */
#define EG_REV_ABSENT 0u      /* expect_revision: the key must not exist */

#define EG_CHANGE_PUT 1u    /* key, value, revision */
#define EG_CHANGE_REMOVE 2u /* key, revision of the removal */
#define EG_CHANGE_SYNCED 3u /* everything present at `revision` has been told */
#define EG_CHANGE_RESET                                                                            \
    4u                      /* history was lost: the present content follows as PUTs, then SYNCED; \
                               what is not repeated is gone */
#define EG_CHANGE_DOWN 5u   /* the store cannot be reached; message says why. It will be tried on */
#define EG_CHANGE_CLOSED 6u /* last word of this watch, after unwatch */

/* Borrowed during the call of changed. */
struct eg_change {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t revision;
    struct eg_str key;
    struct eg_str value;
    struct eg_str message;
    /* Since 0.2. PUT: the revision that made the key, the same for all clients and through all
     * updates and restarts; 0 = the store does not know. The age by which the older of two that
     * claim one path is told. */
    uint64_t created;
};

/* Owned by the host, borrowed by the plugin from watch until it has told EG_CHANGE_CLOSED. */
struct eg_watch {
    uint32_t struct_size;
    uint32_t reserved;
    /* Tells one change. Any thread, one at a time, in order; the host copies and defers. */
    void (*changed)(struct eg_watch *watch, const struct eg_change *change);
};

/* What a write rests on. Since 0.2. */
#define EG_CHECK_KEY 1u /* the revision of `key` is `revision` (EG_REV_ABSENT: it is not there) */
#define EG_CHECK_PREFIX                                                                            \
    2u /* no key that begins with `key` was put after `revision`; removals need                    \
          not count */
struct eg_check {
    uint32_t struct_size;
    uint32_t kind; /* EG_CHECK_* */
    struct eg_str key;
    uint64_t revision;
};

/* One write that happens only if all its checks hold, all in one step. Since 0.2. */
struct eg_commit {
    uint32_t struct_size;
    uint32_t is_removal; /* 1: value does not count */
    struct eg_str key;   /* as in put and remove */
    struct eg_str value;
    uint64_t expect_revision; /* as in put and remove */
    const struct eg_check *const *checks;
    size_t check_count; /* 8 at most */
};

/* What a storage does. */
struct eg_storage_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* result: body, revision; status EG_E_NOTFOUND when absent. */
    int32_t (*get)(void *instance, struct eg_str key, struct eg_op *op);
    /* result: items whose key begins with prefix, ascending bytewise; revision of the store. */
    int32_t (*list)(void *instance, struct eg_str prefix, struct eg_op *op);
    /* Writes when the present revision is the expected one, else EG_E_CONFLICT (EG_E_EXISTS for
     * EG_REV_ABSENT). result: the new revision. Durable when done says 0. */
    int32_t (*put)(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op);
    /* As put; EG_E_NOTFOUND when absent. result: revision of the removal. */
    int32_t (*remove)(void *instance, struct eg_str key, uint64_t expect_revision,
                      struct eg_op *op);
    /* from_revision 0: the present content as PUTs, SYNCED, then every change in order without
     * gaps. n: every change after n, or RESET and the content when that history is gone (or the
     * store keeps none). A store that keeps no overwritten values may leave out those that were
     * overwritten or removed before they could be told: what stands in the end is always told, and
     * a revision that a write was answered with is always reached, by a change or by a SYNCED with
     * it or a later one (somebody waits for it).
     * After DOWN the next word is a change, a SYNCED (nothing was missed) or a RESET. */
    int32_t (*watch)(void *instance, struct eg_str prefix, uint64_t from_revision,
                     struct eg_watch *watch);
    /* A wish: EG_CHANGE_CLOSED still comes. */
    void (*unwatch)(void *instance, struct eg_watch *watch);
    /* As put or remove; EG_E_CONFLICT also when a check does not hold. NULL: the store can only
     * write one key at a time, the host then does without the checks. Since 0.2. */
    int32_t (*commit)(void *instance, const struct eg_commit *commit, struct eg_op *op);
};

#ifdef __cplusplus
}
#endif
#endif
