/*
 * plugin/chains.c - see chains.h. Control thread.
 */
#include "plugin/chains.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/match.h"
#include "plugin/manager_parts.h"

#define CHAINS_MAGIC 0x45474348u /* "EGCH" */

struct gw_chains *gw_chains_create(struct gw_manager *manager) {
    struct gw_chains *chains = gw_alloc(sizeof *chains);
    chains->magic = CHAINS_MAGIC;
    chains->refs = 1;
    chains->manager = manager;
    return chains;
}

static void add_hooks(struct gw_chains *chains, const struct gw_instance *instance) {
    const struct eg_middleware_ops *ops = instance->component->ops;
    chains->has_hook[GW_HOOK_REQUEST] |= ops->on_request != NULL;
    /* One that can be judged by its event only is asked when there is one, whatever hooks it has.
     */
    chains->has_hook[GW_HOOK_EVENT] |=
        ops->on_event != NULL || (instance->match != NULL && !gw_match_is_early(instance->match));
    chains->has_hook[GW_HOOK_REPLY] |= ops->on_reply != NULL;
}

static void add_reactions(struct gw_chains *chains, struct gw_instance *instance) {
    const size_t count = instance->interest_count;
    chains->has_trace |= gw_reacter_has_trace(instance);
    chains->reactions =
        gw_realloc(chains->reactions,
                   gw_size_mul(chains->reaction_count + count + 1, sizeof *chains->reactions));
    for (size_t i = 0; i < count; i++) {
        const struct eg_interest *row = instance->interests[i];
        const struct eg_str type = gw_str_c(row->event_type);
        const enum gw_sysevent which = gw_sysevent_of(type);
        chains->reactions[chains->reaction_count++] = (struct gw_reaction){
            .instance = instance, .event_type = type, .is_sync = row->mode == EG_INTEREST_SYNC};
        if (which != GW_SYS_EVENTS) {
            chains->has_reaction[which] = true;
        }
    }
}

void gw_chains_add(struct gw_chains *chains, struct gw_instance *instance) {
    GW_MAGIC_CHECK(chains, CHAINS_MAGIC);
    const uint32_t kind = instance->component->kind;
    struct gw_chain_of_kind *chain = &chains->of_kind[kind];
    chain->items = gw_realloc(chain->items, gw_size_mul(chain->count + 1, sizeof *chain->items));
    chain->items[chain->count++] = instance;
    instance->set_refs++;
    if (kind == EG_KIND_MIDDLEWARE) {
        add_hooks(chains, instance);
    } else if (kind == EG_KIND_REACTER) {
        add_reactions(chains, instance);
    }
}

struct gw_chains *gw_chains_ref(struct gw_chains *chains) {
    GW_MAGIC_CHECK(chains, CHAINS_MAGIC);
    chains->refs++;
    return chains;
}

/* Whose last set this was is taken down, unless it is under way to or fro already. */
static void let_go(struct gw_chains *chains) {
    struct gw_manager *manager = chains->manager;
    for (size_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        const struct gw_chain_of_kind *chain = &chains->of_kind[kind];
        for (size_t i = 0; i < chain->count; i++) {
            chain->items[i]->set_refs--;
        }
    }
    gw_manager_retire(manager);
}

void gw_chains_unref(struct gw_chains *chains) {
    if (chains == NULL) {
        return;
    }
    GW_MAGIC_CHECK(chains, CHAINS_MAGIC);
    GW_ASSERT(chains->refs > 0);
    if (--chains->refs > 0) {
        return;
    }
    if (chains->late_ns > 0) {
        gw_timer_stop(chains->manager->config.control, &chains->late);
    }
    if (!chains->manager->is_stopping) { /* else the instances may be gone */
        let_go(chains);
    }
    for (size_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        gw_free(chains->of_kind[kind].items);
    }
    gw_free(chains->reactions);
    chains->magic = 0;
    gw_free(chains);
}

/* ---- sets that were replaced ---- */

static bool has(const struct gw_chains *chains, const struct gw_instance *instance) {
    const struct gw_chain_of_kind *chain = &chains->of_kind[instance->component->kind];
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->items[i] == instance) {
            return true;
        }
    }
    return false;
}

static void on_late(struct gw_timer *timer) {
    const struct gw_chains *chains = GW_CONTAINER(timer, struct gw_chains, late);
    const struct gw_chains *present = chains->manager->chains;
    for (size_t kind = 0; kind < GW_KIND_COUNT; kind++) {
        const struct gw_chain_of_kind *chain = &chains->of_kind[kind];
        for (size_t i = 0; present != NULL && i < chain->count; i++) {
            const struct gw_instance *instance = chain->items[i];
            if (!has(present, instance)) {
                gw_logf(EG_LOG_WARN,
                        "reload: requests of %llu ms ago still use the former settings of "
                        "component '%s' (%llu calls in flight); it goes when they have ended",
                        (unsigned long long)(chains->late_ns / GW_NS_PER_MS), instance->name,
                        (unsigned long long)gw_instance_stats(instance).in_flight);
            }
        }
    }
}

void gw_chains_replaced(struct gw_chains *chains, uint64_t late_ns) {
    GW_MAGIC_CHECK(chains, CHAINS_MAGIC);
    chains->late_ns = late_ns;
    if (late_ns > 0) {
        gw_timer_start(chains->manager->config.control, &chains->late, late_ns, on_late);
    }
}

bool gw_reacter_has_trace(const struct gw_instance *reacter) {
    const struct eg_reacter_ops *ops = reacter->component->ops;
    return EG_HAS(ops, trace) && ops->trace != NULL;
}

struct gw_instance *gw_chains_provider(const struct gw_chains *chains, struct eg_str type) {
    GW_MAGIC_CHECK(chains, CHAINS_MAGIC);
    const struct gw_chain_of_kind *chain = &chains->of_kind[EG_KIND_PROVIDER];
    for (size_t i = 0; i < chain->count; i++) {
        if (gw_str_eq(gw_str_c(chain->items[i]->name), type)) {
            return chain->items[i];
        }
    }
    return NULL;
}
