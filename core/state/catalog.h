/*
 * state/catalog.h - the configuration: reads and writes of the Config API over the storage plugin,
 * and the cache of all objects that the watch keeps up to date. Control thread.
 *
 * Every operation of the Config API is three steps: gather (one linearizable read of all that the
 * decision needs) -> decide (pure, in api/) -> write (with the expected revision, and only if what
 * was gathered still stands). A lost race is EG_E_CONFLICT, EG_E_EXISTS or EG_E_NOTFOUND; the API
 * then starts again with gather. All steps of one operation share one deadline.
 */
#ifndef GW_STATE_CATALOG_H
#define GW_STATE_CATALOG_H

#include "base/map.h"
#include "domain/object.h"
#include "io/blocking.h"
#include "plugin/manager.h"
#include "state/content.h"

struct gw_catalog;

struct gw_catalog_config {
    struct gw_instance *storage;
    struct eg_loop *control;
    uint64_t timeout_ns; /* of one operation of the Config API, all its steps together */
    /* The cache changed; called once for many changes, on the control thread, never inside a call.
     */
    void (*on_change)(void *arg, struct gw_catalog *catalog);
    void *arg;
    /* Where the copy of the content is kept from which a node can start without its store; empty =
     * nowhere, then the pool may be NULL. */
    struct eg_str copy_file;
    struct gw_pool *pool;
};
struct gw_catalog *gw_catalog_create(const struct gw_catalog_config *config);
/* Starts the watch. on_ready once: the present content is in the cache (0), or the watch failed. */
void gw_catalog_start(struct gw_catalog *catalog,
                      void (*on_ready)(void *arg, int32_t status, struct eg_str why), void *arg);
/* Ends the watch, waits for operations; answers on the control loop. */
void gw_catalog_stop(struct gw_catalog *catalog, void (*on_stopped)(void *arg), void *arg);
void gw_catalog_destroy(struct gw_catalog *catalog); /* NULL is fine */

/* When an operation of the Config API that begins now has to be answered (monotonic). */
uint64_t gw_catalog_deadline(const struct gw_catalog *catalog);

/* What a decision needs: one object (id not empty) or all of a kind in the space (id empty). */
struct gw_need {
    enum gw_kind kind;
    struct eg_str id;
    bool is_mark_only; /* of one object: its value is not read, only marked; it may be damaged */
    /* Of all of a kind: they are not read, for what is asked of them was answered by what is known
     * of this revision (gw_catalog_settled). 0: they are. */
    uint64_t known_at;
};
#define GW_MAX_NEEDS 4u
/* Objects in descending order of key (Q6), as stored. Valid during on_gathered; ref what is kept.
 */
struct gw_gathered {
    int32_t status;    /* 0, or EG_E_* of the store */
    struct eg_str why; /* the store's text */
    struct gw_object *const *objects[GW_MAX_NEEDS];
    size_t counts[GW_MAX_NEEDS];
    /* What was read: of one object its revision, EG_REV_ABSENT when it is not there; of a list that
     * of the store, or known_at. */
    uint64_t revisions[GW_MAX_NEEDS];
    uint32_t marks[GW_MAX_NEEDS]; /* of one object: gw_value_mark of what is stored */
};
/* needs and space are copied. Values that do not parse: see chapter 2.1 (status EG_E_SYNTAX). */
void gw_catalog_gather(struct gw_catalog *catalog, struct eg_str space, const struct gw_need *needs,
                       size_t need_count, uint64_t deadline_ns,
                       void (*on_gathered)(void *arg, const struct gw_gathered *gathered),
                       void *arg);

/* What a write rests on: a need of the same space, and what gather told of it. */
struct gw_basis {
    struct gw_need need;
    uint64_t revision;
};
/* One write: puts the object, or removes what kind, space and id name. A store that can (commit)
 * does it only if all bases still stand, in one step; with others that is not looked at. */
struct gw_catalog_write {
    struct gw_object *object; /* held until the answer; NULL = removal */
    enum gw_kind kind;        /* of a removal, as are space and id */
    struct eg_str space;
    struct eg_str id;
    uint64_t expect_revision;
    const struct gw_basis *bases;
    size_t basis_count; /* GW_MAX_NEEDS at most */
    uint64_t deadline_ns;
    /* revision: of the write. After EG_E_TIMEOUT and EG_E_UNAVAILABLE it may have happened. */
    void (*on_written)(void *arg, int32_t status, struct eg_str why, uint64_t revision);
    void *arg;
};
/* The struct and what it names are copied. */
void gw_catalog_write(struct gw_catalog *catalog, const struct gw_catalog_write *write);
/* Does the status of a write say that somebody else was faster? */
static inline bool gw_catalog_is_lost_race(int32_t status) {
    return status == EG_E_CONFLICT || status == EG_E_EXISTS || status == EG_E_NOTFOUND;
}

/* ---- decisions without a list: catalog_known.c ---- */

/* The revision up to which the cache has all that the store has now, but for what was put later,
 * which a write's check of a prefix finds out; besides it may have what was removed. So what nobody
 * in the cache stands against, nobody stands against in a store where the check holds. 0: there is
 * no such revision now, and the store has to be asked. */
uint64_t gw_catalog_settled(const struct gw_catalog *catalog);
/* Does a subscription (or an event type, as authorizer) of the cache use the function, a
 * subscription the event type? */
bool gw_catalog_is_used(struct gw_catalog *catalog, enum gw_kind kind, struct eg_str space,
                        struct eg_str id);
/* Has the cache a sync subscription of the same space that may be in the way of this one? */
bool gw_catalog_has_rival(struct gw_catalog *catalog, const struct gw_object *wanted);

/* The cache: all objects of a kind. Keys are storage keys. Borrow until the next loop turn. */
const struct gw_map *gw_catalog_cache(const struct gw_catalog *catalog, enum gw_kind kind);
/* The same, oldest first. */
struct gw_record *const *gw_catalog_by_age(struct gw_catalog *catalog, enum gw_kind kind,
                                           size_t *ret_count);
/* What was changed in the cache, for who makes a view of all of it: gw_changes_begin. */
struct gw_changes *gw_catalog_changes(struct gw_catalog *catalog);
/* What is known of a key; NULL: it is not there. */
const struct gw_record *gw_catalog_record(const struct gw_catalog *catalog, struct eg_str key);
/* Space -> struct gw_space_count, of those with objects. */
const struct gw_map *gw_catalog_spaces(const struct gw_catalog *catalog);
/* The age of the object: the revision that made its key, whatever updates it had since, the same on
 * every node and after every restart. Of a store that does not tell it, the first revision of the
 * key that this node has seen. 0: no such key. */
uint64_t gw_catalog_born(const struct gw_catalog *catalog, struct eg_str key);
uint64_t gw_catalog_revision(const struct gw_catalog *catalog);
/* The newest revision of the store that this node knows of: told by the watch or written here. */
uint64_t gw_catalog_known_revision(const struct gw_catalog *catalog);
bool gw_catalog_is_up(const struct gw_catalog *catalog);

#endif
