/*
 * plugin/chains.h - a chain set: the instances at work together, by kind and in order, and the
 * reactions of the reacters. Immutable once serving, counted, so that a request that began with one
 * set ends with it, whatever is reloaded meanwhile.
 *
 * Counting is on the control thread: the manager holds the present set, each routing snapshot the
 * one that it was built with, and requests hold snapshots. Any thread may read a set through a hold
 * that outlives the reading. An instance that no set refers to any more is taken down.
 */
#ifndef GW_PLUGIN_CHAINS_H
#define GW_PLUGIN_CHAINS_H

#include "domain/sysevent.h"
#include "io/loop.h"
#include "plugin/instance.h"

#define GW_KIND_COUNT (EG_KIND_REACTER + 1u)

enum gw_hook { GW_HOOK_REQUEST, GW_HOOK_EVENT, GW_HOOK_REPLY, GW_HOOKS };

struct gw_chain_of_kind {
    struct gw_instance **items;
    size_t count;
};

/* A reacter with one of its interests. */
struct gw_reaction {
    struct gw_instance *instance;
    struct eg_str event_type;
    bool is_sync;
};

struct gw_chains {
    uint32_t magic;
    uint32_t refs; /* control thread */
    struct gw_manager *manager;
    struct gw_chain_of_kind of_kind[GW_KIND_COUNT];
    /* In call order: instances in chain order, each in the order of its interests. */
    struct gw_reaction *reactions;
    size_t reaction_count;
    bool has_hook[GW_HOOKS]; /* some middleware has it */
    bool has_reaction[GW_SYS_EVENTS];
    bool has_trace;       /* some reacter wants traces */
    struct gw_timer late; /* of a set that was replaced: when its requests last too long */
    uint64_t late_ns;
};

/* Empty, with one hold. Control thread, like all that follows. */
struct gw_chains *gw_chains_create(struct gw_manager *manager);
/* At the end of its kind; only before the set is shared. */
void gw_chains_add(struct gw_chains *chains, struct gw_instance *instance);
struct gw_chains *gw_chains_ref(struct gw_chains *chains);
/* NULL is fine. */
void gw_chains_unref(struct gw_chains *chains);
/* Another set is the present one: once late_ns have passed, the log names whom requests of this one
 * still hold; 0 = it does not. */
void gw_chains_replaced(struct gw_chains *chains, uint64_t late_ns);

/* Does the reacter want traces? */
bool gw_reacter_has_trace(const struct gw_instance *reacter);
/* The provider of functions of this type, or NULL. */
struct gw_instance *gw_chains_provider(const struct gw_chains *chains, struct eg_str type);

#endif
