/*
 * health.c - which of etcd's servers is asked, and whether any of them answers. The one that works
 * is kept; when it fails, the next one is asked from then on. When each has failed in a row the
 * store is down: requests end at once instead of waiting for what does not come, and one small
 * question goes round the servers with growing pauses until one answers. So a store that comes back
 * meets one question per gateway, and not all that was held up.
 *
 * Thread: control.
 */
#include <stddef.h>

#include "storage_etcd.h"

#define FIRST_PAUSE_NS (100ull * ETCD_MS)
#define LAST_PAUSE_NS (2ull * ETCD_SECOND)
#define PROBE_NS (2500ull * ETCD_MS)
#define START_NS (3ull * ETCD_SECOND)

static void probe(struct etcd_store *store);

static void on_pause_over(void *arg) {
    struct etcd_store *store = arg;
    store->host->loop->timer_stop(store->host, store->health.pause);
    store->health.pause = NULL;
    store->health.probes = 0;
    probe(store);
}

static void begin_pause(struct etcd_store *store) {
    struct etcd_health *health = &store->health;
    if (store->is_draining || health->pause != NULL || health->probe.is_active) {
        return;
    }
    health->pause = store->host->loop->timer_start(
        store->host, store->control, egx_backoff_next(&health->backoff), 0, on_pause_over, store);
}

/* ---- up and down ---- */

static void end_start(struct etcd_store *store, int32_t status, const struct eg_why *why) {
    struct etcd_health *health = &store->health;
    struct eg_op *op = health->start_op;
    store->host->loop->timer_stop(store->host, health->start_limit);
    health->start_limit = NULL;
    health->start_op = NULL;
    if (op != NULL && status == EG_OK) {
        egx_done_ok(op);
    } else if (op != NULL) {
        egx_done_error(op, status, "%.*s", (int)why->len, why->text);
    }
}

static void go_down(struct etcd_store *store, int32_t code, const struct eg_why *why) {
    struct etcd_health *health = &store->health;
    health->is_down = true;
    health->code = code;
    health->why = *why;
    health->backoff = (struct egx_backoff){FIRST_PAUSE_NS, LAST_PAUSE_NS, 0};
    egx_log(store->host, EG_LOG_WARN, "%.*s; it is tried on", (int)why->len, why->text);
    end_start(store, EG_OK, NULL);
    begin_pause(store);
}

void etcd_health_worked(struct etcd_store *store, size_t endpoint) {
    struct etcd_health *health = &store->health;
    if (!health->is_down) {
        health->failures = endpoint == health->current ? 0 : health->failures;
        return;
    }
    health->is_down = false;
    health->failures = 0;
    health->current = endpoint;
    store->host->loop->timer_stop(store->host, health->pause);
    health->pause = NULL;
    egx_log(store->host, EG_LOG_INFO, "etcd at %.*s answers again",
            EGX_FMT(store->endpoints[endpoint].name));
    etcd_watches_wake(store);
}

/* Only what is asked now counts: the end of an old request to another server is no news. */
void etcd_health_failed(struct etcd_store *store, size_t endpoint, int32_t code,
                        const struct eg_why *why) {
    struct etcd_health *health = &store->health;
    if (endpoint != health->current || store->is_draining) {
        return;
    }
    health->current = (health->current + 1) % store->endpoint_count;
    health->failures++;
    if (health->is_down) {
        health->code = code;
        health->why = *why;
    } else if (health->failures >= store->endpoint_count) {
        go_down(store, code, why);
    }
}

/* ---- the small question ---- */

/* Any answer will do, a refusal too: those who ask for more are told themselves. What ends a round
 * is the count of its questions, not that of the failures: one may be none or, with a token to ask
 * for, several. */
static void on_probed(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_store *store = call->store;
    struct etcd_health *health = &store->health;
    (void)root;
    if (status == EG_OK || status == EG_E_DENIED) {
        end_start(store, status, &call->why);
    }
    const bool is_round_over = ++health->probes >= store->endpoint_count;
    if (store->is_draining) {
        end_start(store, EG_E_CANCELED, &call->why);
    } else if (health->is_down && is_round_over) {
        begin_pause(store);
    } else if (health->failures > 0 && !is_round_over) {
        probe(store);                      /* the round goes on */
    } else if (health->start_op != NULL) { /* it answers, with what is no answer to this */
        egx_log(store->host, EG_LOG_WARN, "%.*s; it is tried on", (int)call->why.len,
                call->why.text);
        end_start(store, EG_OK, NULL);
    }
}

static void probe(struct etcd_store *store) {
    struct etcd_call *call = &store->health.probe;
    if (call->is_active || store->is_draining) {
        return;
    }
    call->store = store;
    call->path = "/v3/kv/range";
    call->flags = ETCD_ANYWAY;
    call->timeout_ns = store->settings->timeout < PROBE_NS ? store->settings->timeout : PROBE_NS;
    call->on_end = on_probed;
    call->body = egx_json_begin();
    etcd_body_range(&call->body, EGX_STR(ETCD_ROOT), egx_str_n(NULL, 0), 1, 0);
    etcd_call_send(call);
}

static void on_start_limit(void *arg) {
    struct etcd_store *store = arg;
    const struct etcd_health *health = &store->health;
    struct eg_why why = {.struct_size = sizeof why};
    (void)egx_why(&why, EG_E_UNAVAILABLE, "etcd at %.*s did not answer within %u s",
                  EGX_FMT(store->endpoints[health->current].name),
                  (unsigned)(START_NS / ETCD_SECOND));
    if (health->is_down) {
        end_start(store, EG_OK, NULL);
    } else {
        go_down(store, EG_E_UNAVAILABLE, &why);
    }
}

void etcd_health_start(struct etcd_store *store, struct eg_op *op) {
    store->health.start_op = op;
    store->health.start_limit = store->host->loop->timer_start(store->host, store->control,
                                                               START_NS, 0, on_start_limit, store);
    probe(store);
}

void etcd_health_stop(struct etcd_store *store) {
    struct etcd_health *health = &store->health;
    store->host->loop->timer_stop(store->host, health->pause);
    store->host->loop->timer_stop(store->host, health->start_limit);
    health->pause = NULL;
    health->start_limit = NULL;
    etcd_call_cancel(&health->probe);
}
