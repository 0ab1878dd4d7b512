/*
 * plugin/instance.h - one configured component at work: its settings, its host table, its slot on
 * every loop, its ledger. Made and ended by the manager; others borrow it while the manager lives.
 */
#ifndef GW_PLUGIN_INSTANCE_H
#define GW_PLUGIN_INSTANCE_H

#include <stdbool.h>

#include <eventgw/plugin.h>

#include "base/arena.h"
#include "base/list.h"

struct gw_manager;
struct gw_life;
struct gw_match;
struct eg_metric;

/* What an instance has in flight on one loop, and what it has done there. Written by that loop
 * only, and read by the control thread for those who want to know: so all of it is stored and
 * loaded whole (relaxed), but never added to atomically. A cache line, so that loops do not disturb
 * each other. */
struct gw_ledger {
    uint32_t in_flight;  /* ops and http calls not done yet */
    uint32_t jobs_ended; /* posted functions and blocking work that came to their end */
    uint32_t watches;    /* timers and fd watches not given back */
    uint32_t reserved;
    uint64_t calls;   /* ops that were begun, but its start */
    uint64_t errors;  /* that failed or passed their deadline */
    uint64_t time_ns; /* from their begin to their end */
    char pad[24];
};
/* The sum over loops. */
struct gw_stats {
    uint64_t calls;
    uint64_t errors;
    uint64_t time_ns;
    uint64_t in_flight; /* with blocking work and what it has posted */
};

/* Asynchronous reactions of a reacter on one loop, see flow/reactions.h; padded as the ledger is.
 */
struct gw_reacting {
    uint32_t pending; /* told, and not done yet */
    uint32_t lost;    /* not told, since the last line about it */
    uint64_t told_ns; /* when that was */
    char pad[48];
};

struct gw_instance {
    uint32_t magic;
    uint32_t jobs_begun; /* atomic: any thread may post */
    const struct eg_plugin *plugin;
    const struct eg_component *component;
    const char *name;    /* of the component */
    struct eg_host host; /* host.self points back here */
    struct gw_manager *manager;
    struct gw_arena arena; /* settings */
    void *settings;
    const struct gw_match *match; /* middleware: what it takes part in; NULL = everything */
    void *self;                   /* what create gave */
    const struct eg_interest *const *interests; /* reacters; borrowed from the instance */
    size_t interest_count;
    struct eg_str normal;     /* settings in normal form, with secrets: to compare, not to show */
    uint32_t set_refs;        /* chain sets that it is in; control thread */
    struct gw_life *life;     /* the batch it goes up or down with; NULL = at work */
    uint32_t is_draining;     /* atomic: somebody waits for its ledgers */
    void **slots;             /* by loop index */
    uint8_t *is_attached;     /* by loop index */
    struct gw_ledger *ledger; /* by loop index */
    uint32_t ops_seen;        /* sum of the ledgers, while draining */
    bool is_started;
    bool is_drained;                          /* drain was called */
    struct eg_metric *calls[EG_CALL_CLASSES]; /* providers: calls by class */
    struct gw_reacting *reacting;             /* reacters: by loop index */
    struct eg_metric *not_told;               /* reacters: events it was not told */
    struct gw_node targets;                   /* providers: ring of what is bound; control thread */
    struct gw_node node;
};

/* Control thread. */
struct gw_stats gw_instance_stats(const struct gw_instance *instance);

/* The instance behind a host pointer that a plugin handed in. */
struct gw_instance *gw_host_instance(const struct eg_host *host);
/* One more call in flight on the loop, one less: it is not taken down in between. Loop thread. */
void gw_ledger_enter(struct gw_instance *instance, uint32_t loop_index);
void gw_ledger_leave(struct gw_instance *instance, uint32_t loop_index);

static inline void *gw_instance_slot(const struct gw_instance *instance, uint32_t loop_index) {
    return instance->slots == NULL ? NULL : instance->slots[loop_index];
}

#endif
