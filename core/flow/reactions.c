/*
 * flow/reactions.c - see reactions.h. An overload must not be made worse by its log.
 */
#include "flow/reactions.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "flow/exchange.h"

static void log_lost(const struct eg_exchange *x, const struct gw_instance *reacter,
                     const struct gw_reacting *reacting) {
    char count[16];
    const int len = snprintf(count, sizeof count, "%u", reacting->lost);
    GW_LOG(EG_LOG_WARN, "a reacter is too slow: it was not told",
           {GW_STR("request_id"), x->request->request_id},
           {GW_STR("reacter"), gw_str_c(reacter->name)},
           {GW_STR("events"), gw_str(count, (size_t)len)});
}

bool gw_reactions_admit(struct eg_exchange *exchange, struct gw_instance *reacter) {
    struct gw_reacting *reacting = &reacter->reacting[exchange->flow->loop_index];
    if (reacting->pending < exchange->flow->config.reacter_pending) {
        return true;
    }
    const uint64_t now_ns = gw_monotonic_ns();
    gw_metric_add(reacter->not_told, 1);
    reacting->lost++;
    if (reacting->told_ns == 0 || now_ns - reacting->told_ns >= GW_NS_PER_S) {
        log_lost(exchange, reacter, reacting);
        reacting->lost = 0;
        reacting->told_ns = now_ns;
    }
    return false;
}

void gw_reactions_hold(struct gw_wait *wait, struct gw_instance *reacter) {
    wait->pending = &reacter->reacting[wait->exchange->flow->loop_index].pending;
    (*wait->pending)++;
}
