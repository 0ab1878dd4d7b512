/*
 * state/snapshot_inner.h - how a snapshot is laid out, for the file that builds it, the file that
 * reads it, and the publisher.
 */
#ifndef GW_STATE_SNAPSHOT_INNER_H
#define GW_STATE_SNAPSHOT_INNER_H

#include "state/route_table.h"
#include "state/snapshot.h"

#define GW_SNAPSHOT_MAGIC 0x736e6170u /* snap */

/* Async subscribers of one (method, path, type), oldest first. */
struct gw_subscriber_list {
    const struct gw_subscriber **items;
    size_t count;
    size_t room;
    const struct gw_object **schemas; /* their event types that have a schema, each once */
    size_t schema_count;
    size_t schema_room;
};

/* An event type as subscriptions see it. */
struct gw_typed {
    const struct gw_object *object;
    struct gw_callee *authorizer; /* NULL: none, or it is missing */
};

struct gw_space_routes;

/* A whole, or what differs from a whole below it, which is asked for all that is not found. */
struct gw_snapshot {
    uint32_t magic;
    uint32_t refs; /* control thread: the publication, and those that lie over it */
    uint64_t revision;
    struct gw_snapshot *below; /* NULL: it is a whole; held */
    uint64_t since;            /* of a whole: the changes since it was made (changes.h) */
    struct gw_arena arena;
    struct gw_chains *chains;      /* held */
    struct gw_route_table callees; /* (space, id) -> struct gw_callee; NULL: gone */
    struct gw_route_table sync;  /* (method, type) -> struct gw_path_tree of struct gw_subscriber */
    struct gw_route_table async; /* (method, path, type) -> struct gw_subscriber_list */
    struct gw_route_table cors;  /* (method) -> struct gw_path_tree of struct gw_cors */
    struct gw_route_table types; /* (space, name) -> struct gw_typed */
    struct gw_route_table losers; /* (kind, space, id) -> struct gw_object: told in the log */
    struct gw_object **objects;   /* held */
    size_t object_count;
    struct gw_callee *callee_list;
    size_t callee_count;
    const struct gw_subscriber *subscriber_list; /* oldest first; of a whole */
    size_t subscriber_count;
    const struct gw_typed *type_list; /* of a whole */
    size_t type_count;
    const struct gw_space_routes *space_routes; /* NULL: not asked for */
    bool has_schema;                            /* some event type has one */
};

void gw_subscriber_list_add(struct gw_arena *arena, struct gw_subscriber_list *list,
                            const struct gw_subscriber *subscriber);
/* The counters of received and processed events. Takes a lock. */
void gw_snapshot_meters(struct eg_str space, struct eg_str type, struct eg_metric **ret_received,
                        struct eg_metric **ret_processed);

/* Several subscriptions of one space share its event type; NULL is fine. */
void gw_subscriber_list_add_schema(struct gw_arena *arena, struct gw_subscriber_list *list,
                                   const struct gw_object *event_type);
/* Of a whole: what the subscription has of its event type. */
void gw_snapshot_set_event_type(const struct gw_snapshot *snapshot, const struct gw_record *record,
                                struct gw_subscriber *subscriber);
/* The target of the build before (may be NULL), when function and provider are the same; else a new
 * one. NULL: it cannot be called, which was logged. take. */
struct gw_target *gw_snapshot_bind(struct gw_manager *manager, const struct gw_snapshot *before,
                                   const struct gw_object *object, struct gw_instance *provider);
struct gw_callee *gw_snapshot_find_callee(const struct gw_snapshot *snapshot, struct eg_str space,
                                          struct eg_str id);

/* An empty one. */
struct gw_snapshot *gw_snapshot_create(struct gw_chains *chains);
struct gw_snapshot *gw_snapshot_ref(struct gw_snapshot *snapshot);
/* catalog NULL: an empty snapshot. before (may be NULL): whose targets are kept where the object is
 * the same, whose losers were logged already, and over which the new one may lie. Control thread.
 */
struct gw_snapshot *gw_snapshot_build(struct gw_manager *manager, struct gw_catalog *catalog,
                                      struct gw_snapshot *before);
/* snapshot_over.c: what differs from before's whole; NULL: a whole has to be made. */
struct gw_snapshot *gw_snapshot_over(struct gw_manager *manager, struct gw_catalog *catalog,
                                     struct gw_snapshot *before);
/* Would the providers of the next chain set, where they are others, take the functions that have a
 * target in `before`? The refusal names the function. Control thread. */
int32_t gw_snapshot_check(const struct gw_snapshot *before, const struct gw_chains *next,
                          struct eg_why *ret_why);
/* Gives up a hold; control thread; NULL is fine. */
void gw_snapshot_destroy(struct gw_snapshot *snapshot);

#endif
