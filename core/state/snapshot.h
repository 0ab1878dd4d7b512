/*
 * state/snapshot.h - the immutable routing view that requests read without locks, and how a new one
 * gets to the loops and an old one is retired.
 *
 * Built on the control thread from the catalog's cache and the manager's present chain set, which
 * it holds: so a request sees one version of both. Functions whose object and provider did not
 * change keep their bound target. Sync paths and CORS of all spaces share trees (chapter 5.6, 5.7,
 * Q27): on a conflict the older object (lower revision at creation; ties by key) wins, the loser is
 * logged.
 */
#ifndef GW_STATE_SNAPSHOT_H
#define GW_STATE_SNAPSHOT_H

#include "base/metrics.h"
#include "domain/path_tree.h"
#include "plugin/target.h"
#include "state/catalog.h"

struct gw_snapshot;

/* A function as routing sees it. */
struct gw_callee {
    struct gw_object *object;
    const struct gw_instance *provider; /* that was asked; NULL: there is none */
    struct gw_target *target; /* NULL: its provider is not loaded or refused it (logged) */
};
struct gw_subscriber {
    struct gw_object *object; /* as.subscription */
    uint64_t born;            /* its age */
    struct gw_callee *callee; /* NULL: function missing */
    bool needs_authorizer;    /* the event type names one; never for system events (Q12b) */
    const struct gw_object *event_type; /* of its space; NULL: missing, or a system event */
    struct gw_callee *authorizer;       /* NULL with needs_authorizer: missing, so refused */
    struct eg_metric *received;         /* eventgateway_events_received_total{space,type} */
    struct eg_metric *processed;
};

/* Counts the calls of a space's functions by their ids. */
struct gw_direct {
    struct eg_metric *received; /* of {space,type="invoke"} */
    struct eg_metric *processed;
};

/* Reads; any loop, during the life of the view they came through. */
const struct gw_subscriber *gw_snapshot_sync(const struct gw_snapshot *snapshot,
                                             struct eg_str method, struct eg_str path,
                                             struct eg_str event_type,
                                             struct gw_path_params *ret_params);
const struct gw_subscriber *const *gw_snapshot_async(const struct gw_snapshot *snapshot,
                                                     struct eg_str method, struct eg_str path,
                                                     struct eg_str event_type, size_t *ret_count);
/* The index-th event type with a schema among those of the spaces that the event is routed to: that
 * of the sync subscriber, then those of the async ones, oldest first. NULL: there are not so many.
 */
const struct gw_eventtype *gw_snapshot_schema(const struct gw_snapshot *snapshot,
                                              struct eg_str method, struct eg_str path,
                                              struct eg_str event_type, size_t index);
/* A function by its name; NULL: the space has none. */
const struct gw_callee *gw_snapshot_callee(const struct gw_snapshot *snapshot, struct eg_str space,
                                           struct eg_str id);
const struct gw_cors *gw_snapshot_cors(const struct gw_snapshot *snapshot, struct eg_str method,
                                       struct eg_str path);
uint64_t gw_snapshot_revision(const struct gw_snapshot *snapshot);
/* The instances of plugins that serve together with these routes. */
const struct gw_chains *gw_snapshot_chains(const struct gw_snapshot *snapshot);

/* ---- publishing ---- */
struct gw_publisher; /* control thread */
struct gw_reader;    /* one per loop, used on that loop only */
/* A loop's hold on one snapshot; counted without atomics. */
struct gw_view {
    const struct gw_snapshot *snapshot;
    uint32_t refs;
    struct gw_reader *reader;
};

struct gw_publisher *gw_publisher_create(struct gw_manager *manager, struct eg_loop *control,
                                         struct eg_loop *const *loops, uint32_t loop_count);
struct gw_reader *gw_publisher_reader(struct gw_publisher *publisher, uint32_t loop_index);
/* From the next publication on the routes of this space can be asked for by themselves
 * (space_routes.h). The text is borrowed for ever. */
void gw_publisher_index_space(struct gw_publisher *publisher, struct eg_str space);
/* Builds from the catalog's cache and posts to every loop; updates the object gauges
 * (eventgateway_{eventtypes,functions,subscriptions,cors}_total{space}, Q35). on_everywhere (may be
 * NULL) runs on the control loop when every loop has swapped. */
void gw_publisher_publish(struct gw_publisher *publisher, struct gw_catalog *catalog,
                          void (*on_everywhere)(void *arg), void *arg);
/* Would the providers of the next chain set take the functions that are known now? The refusal
 * names the function. A publication that waits is made at once. */
int32_t gw_publisher_check(struct gw_publisher *publisher, const struct gw_chains *next,
                           struct eg_why *ret_why);
/* The revision by which every loop routes. */
uint64_t gw_publisher_routed_revision(const struct gw_publisher *publisher);
/* Since when (monotonic) a published change is known that some loop does not route by yet; 0 =
 * there is none. */
uint64_t gw_publisher_unrouted_since(const struct gw_publisher *publisher);
/* One listener, on the control loop: all loops route by a newer snapshot. */
void gw_publisher_on_routed(struct gw_publisher *publisher, void (*on_routed)(void *arg),
                            void *arg);
/* All views have to be released and the loops still run; answers on the control loop. */
void gw_publisher_stop(struct gw_publisher *publisher, void (*on_stopped)(void *arg), void *arg);
void gw_publisher_destroy(struct gw_publisher *publisher);

/* The present view with one more hold; never NULL (an empty snapshot before the first publish). */
struct gw_view *gw_view_acquire(struct gw_reader *reader);
void gw_view_release(struct gw_view *view);

#endif
