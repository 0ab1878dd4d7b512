/*
 * eventgw/storage.h - a component that keeps the configuration (kind EG_KIND_STORAGE).
 *
 * A flat map from binary-safe keys to binary-safe values, each with a revision: a number that grows
 * with every change of the store (so that two revisions of one key never repeat). All calls are on
 * the control thread; their ops may be done from any thread. Reads are linearizable.
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
};

/* Owned by the host, borrowed by the plugin from watch until it has told EG_CHANGE_CLOSED. */
struct eg_watch {
    uint32_t struct_size;
    uint32_t reserved;
    /* Tells one change. Any thread, one at a time, in order; the host copies and defers. */
    void (*changed)(struct eg_watch *watch, const struct eg_change *change);
};

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
     * gaps. n: every change after n; RESET first when that history is gone. */
    int32_t (*watch)(void *instance, struct eg_str prefix, uint64_t from_revision,
                     struct eg_watch *watch);
    /* A wish: EG_CHANGE_CLOSED still comes. */
    void (*unwatch)(void *instance, struct eg_watch *watch);
};

#ifdef __cplusplus
}
#endif
#endif
