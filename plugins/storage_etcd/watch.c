/*
 * watch.c - a watch: where it stands and what it does next.
 *
 *   WAITING    the store is down; health.c wakes it
 *   PAUSED     something went wrong; after a pause it begins anew
 *   ASKING     a linearizable read says where the store stands, and that it is still the same one
 *   LISTING    the whole content, for a new watch or after lost history
 *   OPENING    the stream was asked for, from the revision behind the last that was told
 *   LIVE       changes come
 *
 * It begins with WAITING, then LISTING (when the content was not told yet) or ASKING, then OPENING.
 * A stream that ends, or on which nothing came for dead_after, is begun anew from what was seen,
 * without a word when that succeeds. The host is told DOWN when a server does not answer, when all
 * have failed, when etcd refuses, or when it goes wrong again and again.
 *
 * A store whose revision went back, whose raft term went back or whose cluster is another one was
 * put back from a backup: what was told is not its history, so that is a RESET, as lost history is.
 *
 * Thread: control. Ownership: a watch lives until it has told CLOSED.
 */
#include <stddef.h>

#include "storage_etcd.h"

#define FIRST_PAUSE_NS (100ull * ETCD_MS)
#define LAST_PAUSE_NS (2ull * ETCD_SECOND)
#define STABLE_NS (2ull * ETCD_SECOND)
/* When nothing comes for so long after the stream was opened, nothing was missed: etcd looks for
 * what a new watch has missed every 100 ms (mvcc/watchable_store.go). */
#define CATCH_UP_NS (500ull * ETCD_MS)

static void begin(struct etcd_watch *watch);

static struct etcd_watch *watch_of_call(struct etcd_call *call) {
    return (struct etcd_watch *)(void *)((char *)call - offsetof(struct etcd_watch, call));
}

static struct etcd_watch *watch_of_list(struct etcd_list *list) {
    return (struct etcd_watch *)(void *)((char *)list - offsetof(struct etcd_watch, list));
}

static void stop_timer(struct etcd_watch *watch) {
    watch->store->host->loop->timer_stop(watch->store->host, watch->timer);
    watch->timer = NULL;
}

static void start_timer(struct etcd_watch *watch, uint64_t delay_ns, void (*fn)(void *arg)) {
    const struct eg_host *host = watch->store->host;
    stop_timer(watch);
    watch->timer = host->loop->timer_start(host, watch->store->control, delay_ns, 0, fn, watch);
}

/* ---- the end ---- */

static void watch_free(struct etcd_watch *watch) {
    const struct eg_host *host = watch->store->host;
    stop_timer(watch);
    etcd_stream_free(watch);
    etcd_list_free(&watch->list);
    etcd_range_free(host, &watch->range);
    host->mem->free(host, watch);
}

static void tell_closed(void *arg) {
    struct etcd_watch *watch = arg;
    struct etcd_watch **place = &watch->store->watches;
    while (*place != watch) {
        place = &(*place)->next;
    }
    *place = watch->next;
    egx_tell(watch->told, EG_CHANGE_CLOSED, watch->seen, egx_str_n(NULL, 0));
    watch_free(watch);
}

/* True when the watch is over or rests for good: nothing more may be done with it. */
static bool ends(struct etcd_watch *watch) {
    if (watch->is_closing) {
        tell_closed(watch);
        return true;
    }
    return watch->store->is_draining;
}

/* ---- what goes wrong ---- */

static void tell_down(struct etcd_watch *watch, const struct eg_why *why) {
    if (!watch->is_down) {
        watch->is_down = true;
        watch->needs_synced = true;
        egx_tell(watch->told, EG_CHANGE_DOWN, watch->seen, egx_str_n(why->text, why->len));
    }
}

static void on_pause_over(void *arg) {
    struct etcd_watch *watch = arg;
    stop_timer(watch);
    begin(watch);
}

/* quiet_tries: so many failures in a row are not told. */
static void fail(struct etcd_watch *watch, const struct eg_why *why, uint32_t quiet_tries) {
    if (watch->store->health.is_down || watch->backoff.tries >= quiet_tries) {
        tell_down(watch, why);
    }
    watch->step = ETCD_WATCH_PAUSED;
    start_timer(watch, egx_backoff_next(&watch->backoff), on_pause_over);
}

/* What fails while another server is left is not told; a refusal and a silence are, since the one
 * would be the same there and the other has taken its time already. */
static uint32_t quiet_tries(const struct etcd_watch *watch, int32_t status, bool is_timeout) {
    const bool is_servers = status == EG_E_UNAVAILABLE && !is_timeout;
    return is_servers ? (uint32_t)watch->store->endpoint_count - 1 : 0;
}

/* ---- content ---- */

static void on_listed(struct etcd_list *list, int32_t status) {
    struct etcd_watch *watch = watch_of_list(list);
    if (ends(watch)) {
        return;
    }
    if (status < 0) {
        fail(watch, &list->call.why, 0); /* every server was asked */
        return;
    }
    const struct etcd_header *header = &list->header;
    if (watch->needs_reset) {
        egx_tell(watch->told, EG_CHANGE_RESET, header->revision, egx_str_n(NULL, 0));
    }
    egx_tell_rows(watch->told, &list->rows);
    egx_rows_free(watch->store->host, &list->rows);
    watch->seen = header->revision;
    watch->goal = header->revision;
    watch->cluster = header->cluster;
    watch->term = header->term;
    watch->needs_content = watch->needs_reset = false;
    watch->needs_synced = watch->is_down = false;
    egx_tell(watch->told, EG_CHANGE_SYNCED, watch->seen, egx_str_n(NULL, 0));
    etcd_stream_open(watch);
}

static void begin_list(struct etcd_watch *watch) {
    watch->step = ETCD_WATCH_LISTING;
    watch->list.begun = 0;
    etcd_list_begin(&watch->list);
}

/* ---- where the store stands ---- */

static void on_answered(struct etcd_call *call, int32_t status, const struct eg_json *root) {
    struct etcd_watch *watch = watch_of_call(call);
    struct etcd_header header;
    if (ends(watch)) {
        return;
    }
    if (status == EG_OK && etcd_header_read(watch->store->host, root, &header) < 0) {
        status = egx_why(&call->why, EG_E_PROTO, "etcd at %.*s answers without a header",
                         EGX_FMT(watch->store->endpoints[call->endpoint].name));
    }
    if (status < 0) {
        fail(watch, &call->why, 0);
        return;
    }
    if (header.revision < watch->seen || header.term < watch->term ||
        (watch->cluster != 0 && header.cluster != watch->cluster)) {
        watch->needs_content = watch->needs_reset = true;
        begin_list(watch);
        return;
    }
    watch->goal = header.revision;
    watch->cluster = header.cluster;
    watch->term = header.term;
    etcd_stream_open(watch);
}

static void ask(struct etcd_watch *watch) {
    struct etcd_call *call = &watch->call;
    *call = (struct etcd_call){.store = watch->store,
                               .path = "/v3/kv/range",
                               .flags = ETCD_REPEAT,
                               .on_end = on_answered,
                               .body = egx_json_begin()};
    watch->step = ETCD_WATCH_ASKING;
    etcd_body_range(&call->body, watch->range.first, egx_str_n(NULL, 0), 1, 0);
    etcd_call_send(call);
}

static void begin(struct etcd_watch *watch) {
    if (watch->store->health.is_down) {
        tell_down(watch, &watch->store->health.why);
        watch->step = ETCD_WATCH_WAITING;
    } else if (watch->needs_content) {
        begin_list(watch);
    } else {
        ask(watch);
    }
}

/* ---- the stream ---- */

static void tell_synced(struct etcd_watch *watch) {
    stop_timer(watch);
    watch->needs_synced = watch->is_down = false;
    egx_tell(watch->told, EG_CHANGE_SYNCED, watch->seen, egx_str_n(NULL, 0));
}

static void on_caught_up(void *arg) {
    tell_synced(arg);
}

void etcd_watch_created(struct etcd_watch *watch) {
    const struct eg_host *host = watch->store->host;
    stop_timer(watch);
    watch->step = ETCD_WATCH_LIVE;
    watch->live_since_ns = host->clock->monotonic_ns(host);
    etcd_health_worked(watch->store, watch->call.endpoint);
    if (watch->needs_synced && watch->seen >= watch->goal) {
        tell_synced(watch);
    } else if (watch->needs_synced) {
        start_timer(watch, CATCH_UP_NS, on_caught_up);
    }
}

/* Not quiet yet: what was missed is still being told, or comes slowly. */
void etcd_watch_heard(struct etcd_watch *watch) {
    if (watch->step == ETCD_WATCH_LIVE && watch->needs_synced && watch->seen < watch->goal) {
        start_timer(watch, CATCH_UP_NS, on_caught_up);
    }
}

void etcd_watch_progress(struct etcd_watch *watch) {
    watch->is_down = false;
    if (watch->needs_synced && watch->seen >= watch->goal) {
        tell_synced(watch);
    }
}

/* What a server tells may be a reason to read all anew again and again (another cluster_id in the
 * stream than in the answers, history that is compacted at once): without a pause only once. */
static void begin_anew(struct etcd_watch *watch) {
    if (watch->has_hurried) {
        watch->step = ETCD_WATCH_PAUSED;
        start_timer(watch, egx_backoff_next(&watch->backoff), on_pause_over);
        return;
    }
    watch->has_hurried = true;
    begin(watch);
}

/* status EG_OK: it is to begin anew. */
void etcd_watch_ended(struct etcd_watch *watch, int32_t status) {
    const struct eg_host *host = watch->store->host;
    const struct etcd_call *call = &watch->call;
    const bool was_live = watch->step == ETCD_WATCH_LIVE;
    const bool is_refused = watch->is_stopping && status < 0;
    const struct eg_why *why = watch->is_stopping ? &watch->stop_why : &call->why;
    stop_timer(watch);
    if (ends(watch)) {
        return;
    }
    if (was_live && host->clock->monotonic_ns(host) - watch->live_since_ns > STABLE_NS) {
        watch->backoff.tries = 0;
        watch->has_hurried = false;
    }
    if (status == EG_OK) {
        begin_anew(watch);
    } else if (was_live && !is_refused && call->is_timeout) {
        begin(watch); /* silence: ask whether anybody is there */
    } else if (was_live && status == EG_E_UNAVAILABLE) {
        fail(watch, why, (uint32_t)watch->store->endpoint_count); /* it broke off */
    } else {
        fail(watch, why, quiet_tries(watch, status, call->is_timeout));
    }
}

/* ---- opening and closing ---- */

int32_t etcd_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                        struct eg_watch *told) {
    struct etcd_store *store = instance;
    if (store->control == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct etcd_watch *watch = store->host->mem->alloc(store->host, sizeof *watch);
    watch->store = store;
    watch->told = told;
    watch->seen = from_revision;
    watch->needs_content = from_revision == 0;
    watch->needs_synced = true;
    watch->backoff = (struct egx_backoff){FIRST_PAUSE_NS, LAST_PAUSE_NS, 0};
    watch->line = egx_json_begin();
    watch->list.store = store;
    watch->list.on_end = on_listed;
    etcd_range_make(store->host, prefix, &watch->range);
    etcd_range_make(store->host, prefix, &watch->list.range);
    watch->next = store->watches;
    store->watches = watch;
    start_timer(watch, 0, on_pause_over); /* not within this call */
    return EG_OK;
}

static void cancel(struct etcd_watch *watch) {
    stop_timer(watch);
    etcd_call_cancel(&watch->call);
    etcd_call_cancel(&watch->list.call);
}

void etcd_watch_close(void *instance, struct eg_watch *told) {
    struct etcd_store *store = instance;
    struct etcd_watch *watch = store->watches;
    while (watch != NULL && watch->told != told) {
        watch = watch->next;
    }
    if (watch == NULL || watch->is_closing) {
        return;
    }
    watch->is_closing = true;
    cancel(watch);
    if (!watch->call.is_active && !watch->list.call.is_active) {
        store->host->loop->post(store->host, store->control, tell_closed, watch);
    }
}

void etcd_watches_wake(struct etcd_store *store) {
    for (struct etcd_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        if (watch->step == ETCD_WATCH_WAITING && !watch->is_closing && !store->is_draining) {
            begin(watch);
        }
    }
}

void etcd_watches_drain(struct etcd_store *store) {
    for (struct etcd_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        cancel(watch);
    }
}

void etcd_watches_free(struct etcd_store *store) {
    while (store->watches != NULL) {
        struct etcd_watch *watch = store->watches;
        store->watches = watch->next;
        watch_free(watch);
    }
}
