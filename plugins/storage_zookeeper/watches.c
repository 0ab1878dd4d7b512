/*
 * watches.c - what a watch tells. It remembers the keys it has told with their revisions, and the
 * zxid of the guard up to which it has told everything. Whenever the guard moves (ZooKeeper's own
 * watch on that one node, set anew by the read that it leads to) the ring says which keys the
 * writes since were about, and these are read.
 *
 * An item that was written again meanwhile is left for the next time: the guard has moved again,
 * and telling it now would put it before changes that came before it. When the ring does not reach
 * back any more, everything is told anew (RESET).
 *
 * Who writes items without the guard is found out by comparing everything from time to time.
 *
 * Thread: control. Ownership: a watch lives until it has told CLOSED and nothing is under way for
 * it.
 */
#include <string.h>

#include "store.h"

#define FIRST_PAUSE_NS 100000000ull
#define LAST_PAUSE_NS 2000000000ull

struct zk_watch {
    struct zk_watch *next;
    struct zk_store *store;
    struct eg_watch *told; /* NULL: CLOSED was said */
    struct eg_str prefix;  /* behind the watch, in the same block */
    uint64_t from;
    uint64_t seen;           /* zxid of the guard; everything up to it is told */
    struct egx_rows content; /* ascending by key, values empty */
    uint64_t compared_ns;
    bool is_open;  /* the first content was told */
    bool is_lost;  /* the ring does not reach back to seen */
    bool is_busy;  /* something is under way */
    bool is_stale; /* and has to be done again after it */
    bool is_down;
    struct egx_backoff backoff; /* while it cannot read what it has to tell */
    uint64_t again_ns;          /* not before */
    bool is_unmatched;          /* comparing has found what cannot be read */
    bool needs_synced;
    bool is_closing;
    /* what is under way */
    struct zk_snapshot snapshot;
    struct zk_fetch fetch;
    struct egx_rows wanted; /* which changes the fetch is about */
    struct zk_guard *guard; /* up to which */
};

static void wake(struct zk_watch *watch);

/* ---- telling ---- */

/* A PUT as it was read. */
static void add_put(const struct zk_watch *watch, struct egx_rows *rows,
                    const struct egx_row *row) {
    egx_rows_add(watch->store->host, rows, EG_CHANGE_PUT, row->revision, row->key, row->value);
    rows->items[rows->count - 1]->created = row->created;
}

static uint64_t newest_of(const struct egx_rows *rows) {
    uint64_t newest = 0;
    for (size_t i = 0; i < rows->count; i++) {
        newest = rows->items[i]->revision > newest ? rows->items[i]->revision : newest;
    }
    return newest;
}

static void tell(struct zk_watch *watch, uint32_t kind, uint64_t revision, const char *text) {
    if (watch->told != NULL) {
        egx_tell(watch->told, kind, revision, egx_str_c(text));
    }
}

/* What is remembered after changes (at most one of each key) that are new or gone: the gaps are
 * closed and opened in one go, since there may be as many changes as there are keys. */
static void remember(struct zk_watch *watch, struct egx_rows *added) {
    const struct eg_host *host = watch->store->host;
    struct egx_rows *rows = &watch->content;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i]->kind == EG_CHANGE_REMOVE) {
            host->mem->free(host, rows->items[i]);
        } else {
            rows->items[kept++] = rows->items[i];
        }
    }
    rows->count = kept;
    zk_rows_merge(host, rows, added);
}

static void tell_all(struct zk_watch *watch, struct egx_rows *changes) {
    const struct eg_host *host = watch->store->host;
    struct egx_rows added = {NULL, 0, 0};
    egx_rows_sort_by_revision(changes);
    for (size_t i = 0; i < changes->count; i++) {
        const struct egx_row *row = changes->items[i];
        bool is_there = false;
        const size_t at = zk_rows_find(&watch->content, row->key, &is_there);
        if (watch->told != NULL) {
            egx_tell_row(watch->told, row);
        }
        if (is_there) {
            watch->content.items[at]->kind = row->kind;
            watch->content.items[at]->revision = row->revision;
        } else if (row->kind == EG_CHANGE_PUT) {
            egx_rows_add(host, &added, EG_CHANGE_PUT, row->revision, row->key, (struct eg_str){0});
        }
    }
    remember(watch, &added);
    egx_rows_free(host, changes);
}

static void tell_synced(struct zk_watch *watch) {
    const uint64_t newest = newest_of(&watch->content);
    watch->is_down = false;
    watch->needs_synced = false;
    tell(watch, EG_CHANGE_SYNCED, newest > watch->seen ? newest : watch->seen, NULL);
}

/* ---- nothing is under way any more ---- */

static void free_watch(struct zk_watch *watch) {
    const struct eg_host *host = watch->store->host;
    egx_rows_free(host, &watch->content);
    egx_rows_free(host, &watch->wanted);
    host->mem->free(host, watch);
}

static void tell_closed(void *arg) {
    struct zk_watch *watch = arg;
    struct zk_watch **place = &watch->store->watches;
    while (*place != watch) {
        place = &(*place)->next;
    }
    *place = watch->next;
    tell(watch, EG_CHANGE_CLOSED, watch->seen, NULL);
    watch->told = NULL;
    if (!watch->is_busy) {
        free_watch(watch);
    }
}

/* The session is well, but something cannot be read. */
static void tell_unread(struct zk_watch *watch, const struct eg_why *why) {
    struct zk_store *store = watch->store;
    const uint64_t now_ns = store->host->clock->monotonic_ns(store->host);
    watch->again_ns = now_ns + egx_backoff_next(&watch->backoff);
    watch->needs_synced = true;
    if (!watch->is_down && !watch->is_closing) {
        watch->is_down = true;
        egx_log(store->host, EG_LOG_WARN, "%.*s; trying on", (int)why->len, why->text);
        if (watch->told != NULL) {
            egx_tell(watch->told, EG_CHANGE_DOWN, watch->seen, egx_str_n(why->text, why->len));
        }
    }
}

/* What was under way has ended; status is how. */
static void settle(struct zk_watch *watch, int32_t status, const struct eg_why *why) {
    watch->is_busy = false;
    zk_guard_drop(watch->store, watch->guard);
    watch->guard = NULL;
    if (watch->told == NULL) {
        free_watch(watch);
        return;
    }
    /* A lost connection wakes all watches when it is back. */
    const bool is_well = status == EG_OK && !watch->is_unmatched;
    if (is_well) {
        watch->backoff.tries = 0;
        watch->again_ns = 0;
    } else if (status == EG_OK) {
        /* there is still what could not be read */
    } else if (status != EG_E_UNAVAILABLE && zk_session_is_ready(watch->store)) {
        tell_unread(watch, why);
    }
    if (is_well && watch->needs_synced && watch->is_open && !watch->is_lost) {
        tell_synced(watch);
    }
    if (status == EG_OK && watch->is_stale) {
        wake(watch);
    } else {
        watch->is_stale = watch->is_stale || status != EG_OK;
    }
}

/* ---- the whole content ---- */

static void add_strangers(struct zk_watch *watch, struct egx_rows *changes) {
    const struct eg_host *host = watch->store->host;
    const struct zk_ring *ring = &watch->snapshot.guard->ring;
    struct egx_rows removed = {NULL, 0, 0};
    zk_ring_changed(host, ring, watch->prefix, watch->from, &removed);
    for (size_t i = 0; i < removed.count; i++) {
        const struct egx_row *row = removed.items[i];
        bool is_there = false;
        (void)zk_rows_find(&watch->snapshot.rows, row->key, &is_there);
        if (row->kind == EG_CHANGE_REMOVE && !is_there) {
            egx_rows_add(host, changes, EG_CHANGE_REMOVE, row->revision, row->key,
                         (struct eg_str){0});
        }
    }
    egx_rows_free(host, &removed);
}

/* A watch from a past revision: what has changed since, out of the content and the ring. */
static void tell_since(struct zk_watch *watch) {
    const struct eg_host *host = watch->store->host;
    struct egx_rows changes = {NULL, 0, 0};
    for (size_t i = 0; i < watch->snapshot.rows.count; i++) {
        const struct egx_row *row = watch->snapshot.rows.items[i];
        if (row->revision > watch->from) {
            add_put(watch, &changes, row);
        }
        egx_rows_add(host, &watch->content, EG_CHANGE_PUT, row->revision, row->key,
                     (struct eg_str){0});
    }
    add_strangers(watch, &changes);
    tell_all(watch, &changes);
}

static void tell_content(struct zk_watch *watch) {
    const struct eg_host *host = watch->store->host;
    for (size_t i = 0; i < watch->snapshot.rows.count; i++) {
        const struct egx_row *row = watch->snapshot.rows.items[i];
        if (watch->told != NULL) {
            egx_tell_row(watch->told, row);
        }
        egx_rows_add(host, &watch->content, EG_CHANGE_PUT, row->revision, row->key,
                     (struct eg_str){0});
    }
}

static void on_content(void *arg, int32_t status, struct eg_why *why) {
    struct zk_watch *watch = arg;
    struct zk_snapshot *snapshot = &watch->snapshot;
    if (status == EG_OK && watch->told != NULL) {
        const struct zk_ring *ring = &snapshot->guard->ring;
        const bool is_since =
            !watch->is_open && watch->from > 0 && zk_ring_reaches(ring, watch->from, false);
        egx_rows_free(watch->store->host, &watch->content);
        if (!is_since && (watch->is_open || watch->from > 0)) {
            tell(watch, EG_CHANGE_RESET, ring->newest, NULL);
        }
        if (is_since) {
            tell_since(watch);
        } else {
            tell_content(watch);
        }
        watch->seen = ring->newest;
        watch->is_open = true;
        watch->is_lost = false;
        watch->is_unmatched = false;
        watch->needs_synced = true;
        watch->compared_ns = watch->store->host->clock->monotonic_ns(watch->store->host);
    }
    zk_snapshot_free(snapshot);
    settle(watch, status, why);
}

static void begin_snapshot(struct zk_watch *watch, bool stat_only,
                           void (*done)(void *arg, int32_t status, struct eg_why *why)) {
    watch->snapshot = (struct zk_snapshot){.store = watch->store,
                                           .prefix = watch->prefix,
                                           .stat_only = stat_only,
                                           .done = done,
                                           .arg = watch};
    zk_snapshot_begin(&watch->snapshot);
}

/* ---- what the ring names ---- */

/* What a key that was read leads to. until: zxid up to which everything is told now; 0: what was
 * wanted is told, and what is newer than that is not. */
static void judge(struct zk_watch *watch, const struct egx_row *row, uint64_t until,
                  struct egx_rows *changes) {
    const struct eg_host *host = watch->store->host;
    bool is_wanted = false;
    const size_t place = zk_rows_find(&watch->wanted, row->key, &is_wanted);
    const struct egx_row *wanted = watch->wanted.items[place];
    const uint64_t most = until == 0 ? wanted->revision : until;
    bool is_known = false;
    const size_t at = zk_rows_find(&watch->content, row->key, &is_known);
    if (row->kind == EG_CHANGE_PUT && row->revision <= most) {
        if (!is_known || watch->content.items[at]->revision != row->revision) {
            add_put(watch, changes, row);
        }
    } else if (wanted->kind == EG_CHANGE_REMOVE && is_known) {
        egx_rows_add(host, changes, EG_CHANGE_REMOVE, wanted->revision, row->key,
                     (struct eg_str){0});
    }
}

/* What was made and removed since is not told; a SYNCED says that its revision was reached. */
static void on_changed_read(void *arg, int32_t status) {
    struct zk_watch *watch = arg;
    struct egx_rows changes = {NULL, 0, 0};
    if (status == EG_OK && watch->told != NULL) {
        const uint64_t until = watch->guard->ring.newest;
        for (size_t i = 0; i < watch->fetch.rows.count; i++) {
            judge(watch, watch->fetch.rows.items[i], until, &changes);
        }
        watch->needs_synced =
            watch->needs_synced || newest_of(&changes) < newest_of(&watch->wanted);
        tell_all(watch, &changes);
        watch->seen = until;
    }
    egx_rows_free(watch->store->host, &watch->fetch.rows);
    egx_rows_free(watch->store->host, &watch->wanted);
    settle(watch, status, &watch->fetch.why);
}

static void begin_fetch(struct zk_watch *watch, void (*done)(void *arg, int32_t status)) {
    const struct eg_host *host = watch->store->host;
    watch->fetch = (struct zk_fetch){.store = watch->store, .done = done, .arg = watch};
    egx_rows_sort_by_key(&watch->wanted); /* judge looks for each */
    for (size_t i = 0; i < watch->wanted.count; i++) {
        egx_rows_add(host, &watch->fetch.keys, EG_CHANGE_PUT, 0, watch->wanted.items[i]->key,
                     (struct eg_str){0});
    }
    zk_fetch_begin(&watch->fetch);
}

/* ---- what others wrote ---- */

/* Rows of keys that are known otherwise. Without the guard nobody knows when something was removed:
 * not later than the last time that any item was made or removed. */
static void compare(struct zk_watch *watch, const struct egx_rows *fresh, uint64_t removed_zxid) {
    const struct eg_host *host = watch->store->host;
    bool is_there = false;
    for (size_t i = 0; i < fresh->count; i++) {
        const struct egx_row *row = fresh->items[i];
        const size_t at = zk_rows_find(&watch->content, row->key, &is_there);
        if (!is_there || watch->content.items[at]->revision != row->revision) {
            egx_rows_add(host, &watch->wanted, EG_CHANGE_PUT, row->revision, row->key,
                         (struct eg_str){0});
        }
    }
    for (size_t i = 0; i < watch->content.count; i++) {
        (void)zk_rows_find(fresh, watch->content.items[i]->key, &is_there);
        if (!is_there) {
            egx_rows_add(host, &watch->wanted, EG_CHANGE_REMOVE, removed_zxid,
                         watch->content.items[i]->key, (struct eg_str){0});
        }
    }
}

static void matched(struct zk_watch *watch) {
    watch->is_unmatched = false;
    watch->compared_ns = watch->store->host->clock->monotonic_ns(watch->store->host);
}

static void on_strange_read(void *arg, int32_t status) {
    struct zk_watch *watch = arg;
    struct egx_rows changes = {NULL, 0, 0};
    if (status == EG_OK && watch->told != NULL) {
        for (size_t i = 0; i < watch->fetch.rows.count; i++) {
            judge(watch, watch->fetch.rows.items[i], 0, &changes);
        }
        tell_all(watch, &changes);
        matched(watch);
    } else {
        watch->is_unmatched = watch->is_unmatched || status != EG_E_UNAVAILABLE;
    }
    egx_rows_free(watch->store->host, &watch->fetch.rows);
    egx_rows_free(watch->store->host, &watch->wanted);
    settle(watch, status, &watch->fetch.why);
}

static void on_compared(void *arg, int32_t status, struct eg_why *why) {
    struct zk_watch *watch = arg;
    struct zk_snapshot *snapshot = &watch->snapshot;
    /* When writers of ours came between, their changes come first, and in order. */
    const bool is_still = status == EG_OK && snapshot->guard->ring.newest == watch->seen;
    if (is_still) {
        compare(watch, &snapshot->rows, snapshot->children_zxid);
    }
    zk_snapshot_free(snapshot);
    if (is_still && watch->wanted.count > 0 && watch->store->session.client != NULL) {
        begin_fetch(watch, on_strange_read);
        return;
    }
    if (is_still && watch->wanted.count == 0) {
        matched(watch);
    }
    egx_rows_free(watch->store->host, &watch->wanted);
    settle(watch, status, why);
}

/* ---- what to do ---- */

static bool is_comparing_due(const struct zk_watch *watch) {
    const uint64_t now_ns = watch->store->host->clock->monotonic_ns(watch->store->host);
    return now_ns - watch->compared_ns >= watch->store->settings->reconcile;
}

static void wake(struct zk_watch *watch) {
    struct zk_store *store = watch->store;
    if (watch->is_closing || !zk_session_is_ready(store)) {
        return;
    }
    if (watch->is_busy || store->host->clock->monotonic_ns(store->host) < watch->again_ns) {
        watch->is_stale = true;
        return;
    }
    struct zk_guard *guard = store->session.guard;
    watch->is_busy = true;
    watch->is_stale = false;
    watch->is_lost = watch->is_open && !zk_ring_reaches(&guard->ring, watch->seen, true);
    if (!watch->is_open || watch->is_lost) {
        begin_snapshot(watch, false, on_content);
    } else if (guard->ring.newest != watch->seen) {
        watch->guard = zk_guard_hold(guard);
        zk_ring_changed(store->host, &guard->ring, watch->prefix, watch->seen, &watch->wanted);
        begin_fetch(watch, on_changed_read);
    } else if (is_comparing_due(watch)) {
        begin_snapshot(watch, true, on_compared);
    } else {
        settle(watch, EG_OK, NULL);
    }
}

void zk_watches_wake(struct zk_store *store) {
    for (struct zk_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        wake(watch);
    }
}

void zk_watches_tick(struct zk_store *store) {
    for (struct zk_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        if (!watch->is_busy && (watch->is_stale || is_comparing_due(watch))) {
            wake(watch);
        }
    }
}

void zk_watches_down(struct zk_store *store) {
    for (struct zk_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        if (!watch->is_down && !watch->is_closing) {
            watch->is_down = true;
            watch->needs_synced = true;
            tell(watch, EG_CHANGE_DOWN, watch->seen, store->session.trouble_text);
        }
    }
}

/* ---- opening and closing ---- */

int32_t zk_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                      struct eg_watch *told) {
    struct zk_store *store = instance;
    if (store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct zk_watch *watch = store->host->mem->alloc(store->host, sizeof *watch + prefix.len);
    char *bytes = (char *)(watch + 1);
    if (prefix.len > 0) {
        memcpy(bytes, prefix.ptr, prefix.len);
    }
    watch->store = store;
    watch->told = told;
    watch->prefix = egx_str_n(bytes, prefix.len);
    watch->from = from_revision;
    watch->seen = from_revision;
    watch->needs_synced = true;
    watch->backoff = (struct egx_backoff){.first_ns = FIRST_PAUSE_NS, .last_ns = LAST_PAUSE_NS};
    watch->next = store->watches;
    store->watches = watch;
    wake(watch);
    if (store->session.state == ZK_SESSION_PAUSE) {
        zk_watches_down(store);
    }
    return EG_OK;
}

void zk_watch_close(void *instance, struct eg_watch *told) {
    struct zk_store *store = instance;
    struct zk_watch *watch = store->watches;
    while (watch != NULL && watch->told != told) {
        watch = watch->next;
    }
    if (watch == NULL || watch->is_closing) {
        return;
    }
    watch->is_closing = true;
    store->host->loop->post(store->host, store->control, tell_closed, watch);
}

void zk_watches_free(struct zk_store *store) {
    while (store->watches != NULL) {
        struct zk_watch *watch = store->watches;
        store->watches = watch->next;
        free_watch(watch);
    }
}
