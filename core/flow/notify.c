/*
 * flow/notify.c - see notify.h. Loop thread; the notification lives in the exchange's arena.
 *
 * Async subscribers are queued before reacters are asked (chapter 10). A sync interest that stops,
 * fails or passes its deadline is a veto: whoever installs a reacter that may refuse wants it to
 * fail closed. An async interest is told and not waited for; its op holds the exchange by itself.
 */
#include "flow/notify.h"

#include "base/log.h"
#include "base/slice.h"
#include "base/why.h"
#include "flow/exchange.h"
#include "flow/reactions.h"

static void log_reacter(const struct gw_notify *n, const struct gw_instance *reacter,
                        uint32_t level, const char *text, struct eg_str reason) {
    const struct eg_kv fields[] = {
        {GW_STR("request_id"), n->exchange->request->request_id},
        {GW_STR("reacter"), gw_str_c(reacter->name)},
        {GW_STR("event"), gw_str_c(gw_sysevent_types[n->which])},
        {GW_STR("reason"), reason},
    };
    if (gw_log_enabled(level)) {
        gw_log_write(level, (struct eg_str){0}, gw_str_c(text), fields,
                     sizeof fields / sizeof fields[0]);
    }
}

static void judge_error(struct gw_notify *n, const struct gw_instance *reacter, int32_t status,
                        struct eg_str reason) {
    log_reacter(n, reacter, EG_LOG_ERROR, "reacter failed",
                reason.len > 0 ? reason : gw_str_c(gw_error_text(status)));
}

/* true: the next reacter may be asked. */
static bool judge(struct gw_notify *n, const struct gw_reaction *reaction, int32_t verdict,
                  struct eg_str reason) {
    struct gw_arena *arena = n->exchange->arena;
    if (verdict < 0) {
        judge_error(n, reaction->instance, verdict, reason);
    }
    if (verdict == EG_NEXT || !reaction->is_sync) {
        return true;
    }
    n->is_vetoed = true;
    if (verdict == EG_STOP && reason.len > 0) {
        n->veto_text = gw_arena_dup(arena, reason);
    } else {
        n->veto_text = gw_arena_printf(arena, "The event was refused by the plugin %s.",
                                       reaction->instance->name);
    }
    log_reacter(n, reaction->instance, EG_LOG_INFO, "reacter refused", n->veto_text);
    return false;
}

static bool ask_all(struct gw_notify *n);

static void on_sync_verdict(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct gw_notify *n = wait->arg;
    const struct gw_reaction *reaction = &n->exchange->chains->reactions[n->next_reaction - 1];
    const struct eg_str reason = result == NULL ? (struct eg_str){0} : result->message;
    if (!judge(n, reaction, status < 0 ? status : result->verdict, reason) || ask_all(n)) {
        n->then(n);
    }
}

/* The next reacters have gone on meanwhile, so the instance is that of the op. */
static void on_async_verdict(struct gw_wait *wait, int32_t status, struct eg_result *result) {
    struct gw_notify *n = wait->arg;
    if (status < 0) {
        judge_error(n, wait->op.instance, status,
                    result == NULL ? (struct eg_str){0} : result->message);
    }
}

/* EG_PENDING only for those that have to be waited for. */
static int32_t ask(struct gw_notify *n, const struct gw_reaction *reaction) {
    struct eg_exchange *x = n->exchange;
    struct gw_instance *reacter = reaction->instance;
    const struct eg_reacter_ops *ops = reacter->component->ops;
    if (!reaction->is_sync && !gw_reactions_admit(x, reacter)) {
        return EG_NEXT;
    }
    struct gw_wait *wait = gw_wait_take(x);
    gw_wait_begin(wait, reacter, x->flow->config.middleware_timeout_ns,
                  reaction->is_sync ? on_sync_verdict : on_async_verdict, n);
    const int32_t verdict = ops->react(
        reacter->self, gw_instance_slot(reacter, x->flow->loop_index), n->event, &wait->op.pub);
    gw_wait_called(wait, verdict);
    if (verdict == EG_PENDING && !reaction->is_sync) {
        gw_reactions_hold(wait, reacter);
        return EG_NEXT;
    }
    return verdict;
}

/* true: all were asked, or one refused; false: waits. */
static bool ask_all(struct gw_notify *n) {
    const struct gw_chains *chains = n->exchange->chains;
    while (n->next_reaction < chains->reaction_count) {
        const struct gw_reaction *reaction = &chains->reactions[n->next_reaction++];
        if (!gw_str_eq(reaction->event_type, gw_str_c(gw_sysevent_types[n->which]))) {
            continue;
        }
        const int32_t verdict = ask(n, reaction);
        if (verdict == EG_PENDING) {
            return false;
        }
        if (!judge(n, reaction, verdict, (struct eg_str){0})) {
            return true;
        }
    }
    return true;
}

/* Made for the first that wants it, and not at all when there is no room for it either. */
static struct eg_event *event_of(struct gw_notify *n, const struct gw_sysevent_data *data) {
    if (n->event == NULL) {
        struct gw_event_seed seed;
        gw_exchange_seed(n->exchange, &seed);
        n->event = gw_sysevent_make(n->exchange->arena, &seed, n->which, data);
    }
    return n->event;
}

static void deliver_all(struct gw_notify *n, const struct gw_subscriber *const *subscribers,
                        size_t count, const struct gw_sysevent_data *data) {
    for (size_t i = 0; i < count; i++) {
        if (gw_backlog_offer(n->exchange, subscribers[i])) {
            gw_backlog_deliver(n->exchange, subscribers[i], event_of(n, data), true);
        }
    }
}

/* The async subscribers of the system event, with the memory that there were none. */
static const struct gw_subscriber *const *find_all(struct gw_flow *flow,
                                                   const struct gw_snapshot *snapshot,
                                                   enum gw_sysevent which, struct eg_str path,
                                                   size_t *ret_count) {
    struct gw_quiet *quiet = &flow->quiet;
    const uint64_t revision = gw_snapshot_revision(snapshot);
    const bool is_root = path.len == 1;
    if (quiet->snapshot != snapshot || quiet->revision != revision) {
        *quiet = (struct gw_quiet){.snapshot = snapshot, .revision = revision};
    }
    *ret_count = 0;
    if (is_root && quiet->is_quiet[which]) {
        return NULL;
    }
    const struct gw_subscriber *const *all = gw_snapshot_async(
        snapshot, GW_STR("POST"), path, gw_str_c(gw_sysevent_types[which]), ret_count);
    if (is_root) {
        quiet->is_quiet[which] = *ret_count == 0;
    }
    return all;
}

static bool has_reaction(const struct eg_exchange *exchange, enum gw_sysevent which) {
    return exchange->chains->has_reaction[which];
}

bool gw_notify_is_wanted(struct eg_exchange *exchange, enum gw_sysevent which, struct eg_str path) {
    size_t count = 0;
    (void)find_all(exchange->flow, gw_exchange_snapshot(exchange), which, path, &count);
    return count > 0 || has_reaction(exchange, which);
}

bool gw_notify_start(struct gw_notify *notify, struct eg_exchange *exchange, enum gw_sysevent which,
                     struct eg_str path, const struct gw_sysevent_data *data) {
    struct gw_flow *flow = exchange->flow;
    size_t count = 0;
    const struct gw_subscriber *const *subscribers =
        find_all(flow, gw_exchange_snapshot(exchange), which, path, &count);
    notify->is_vetoed = false;
    if (count == 0 && !has_reaction(exchange, which)) {
        return true;
    }
    notify->exchange = exchange;
    notify->which = which;
    notify->next_reaction = 0;
    notify->event = NULL; /* of the former event of a batch */
    deliver_all(notify, subscribers, count, data);
    if (!has_reaction(exchange, which)) {
        return true;
    }
    (void)event_of(notify, data);
    return ask_all(notify);
}
