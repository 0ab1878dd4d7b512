/* watcher.c - see watcher.h. */
#include "watcher.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"

#define PATIENCE_NS (60 * GW_NS_PER_S)

struct watched {
    uint64_t revision;
    uint64_t created;
    unsigned generation;
    struct eg_str key; /* behind the struct, then the value */
    struct eg_str value;
};

/* ---- what was told ---- */

static void blame(struct watcher *watcher, const struct eg_change *change, const char *what) {
    static const char *const kinds[] = {"?", "PUT", "REMOVE", "SYNCED", "RESET", "DOWN", "CLOSED"};
    printf("  watch of \"%s\": %s %.*s of revision %llu after %llu: %s\n", watcher->prefix,
           kinds[change->kind], GW_FMT(change->key), (unsigned long long)change->revision,
           (unsigned long long)watcher->last_revision, what);
    watcher->disorder++;
}

static void forget_key(struct watcher *watcher, struct eg_str key) {
    gw_free(gw_map_remove(&watcher->mirror, key));
}

static void mirror_put(struct watcher *watcher, const struct eg_change *change) {
    struct watched *row = gw_alloc(sizeof *row + change->key.len + change->value.len + 1);
    char *bytes = (char *)(row + 1);
    forget_key(watcher, change->key);
    row->revision = change->revision;
    row->created = EG_HAS(change, created) ? change->created : 0;
    row->generation = watcher->generation;
    row->key = gw_str(bytes, change->key.len);
    row->value = gw_str(bytes + change->key.len, change->value.len);
    if (change->key.len > 0) {
        memcpy(bytes, change->key.ptr, change->key.len);
    }
    if (change->value.len > 0) {
        memcpy(bytes + change->key.len, change->value.ptr, change->value.len);
    }
    (void)gw_map_put(&watcher->mirror, row->key, row);
}

/* What was not repeated after a RESET is gone. */
static void mirror_sweep(struct watcher *watcher) {
    for (bool is_clean = false; !is_clean;) {
        const struct gw_map_slot *slot = NULL;
        is_clean = true;
        for (size_t i = 0; is_clean && (slot = gw_map_next(&watcher->mirror, &i)) != NULL;) {
            const struct watched *row = slot->value;
            if (row->generation != watcher->generation) {
                forget_key(watcher, row->key);
                is_clean = false;
            }
        }
    }
}

static void on_put(struct watcher *watcher, const struct eg_change *change) {
    if (!watcher->is_content && change->revision <= watcher->last_revision) {
        blame(watcher, change, "revisions of changes ascend");
    }
    if (change->revision == 0) {
        blame(watcher, change, "a put has a revision");
    }
    if (!gw_str_starts(change->key, gw_str_c(watcher->prefix))) {
        blame(watcher, change, "a key of another prefix");
    }
    if (!EG_HAS(change, created) || change->created == 0 || change->created > change->revision) {
        blame(watcher, change, "a put tells the age of its key");
    }
    mirror_put(watcher, change);
    watcher->puts++;
}

/* A store that keeps no history tells that several are gone with the revision that it looked at. */
static void on_remove(struct watcher *watcher, const struct eg_change *change) {
    const bool is_late = kit.driver->tells_all ? change->revision <= watcher->last_revision
                                               : change->revision < watcher->last_revision;
    if (!watcher->is_content && is_late) {
        blame(watcher, change, "revisions of changes ascend");
    }
    forget_key(watcher, change->key);
    watcher->removals++;
}

static void on_synced(struct watcher *watcher, const struct eg_change *change) {
    if (!watcher->is_content && change->revision < watcher->last_revision) {
        blame(watcher, change, "SYNCED goes back");
    }
    if (watcher->is_content) {
        mirror_sweep(watcher);
    }
    watcher->is_content = false;
    watcher->syncs++;
}

static void on_reset(struct watcher *watcher, const struct eg_change *change) {
    (void)change;
    watcher->is_content = true;
    watcher->generation++;
    watcher->resets++;
    watcher->last_revision = 0;
}

static void on_down(struct watcher *watcher, const struct eg_change *change) {
    if (watcher->is_down) {
        blame(watcher, change, "DOWN is told once");
    }
    if (change->message.len == 0) {
        blame(watcher, change, "DOWN says why");
    }
    (void)snprintf(watcher->why, sizeof watcher->why, "%.*s", GW_FMT(change->message));
    watcher->downs++;
}

static void on_closed(struct watcher *watcher, const struct eg_change *change) {
    (void)change;
    watcher->closed++;
}

static void note(struct watcher *watcher, const struct eg_change *change) {
    static const char marks[] = "?+-SRDC";
    if (change->kind == EG_CHANGE_SYNCED && watcher->has_synced) {
        return; /* how often a watch tells how far it is, is its own business */
    }
    gw_bytes_add_char(&watcher->told, marks[change->kind]);
    gw_bytes_add(&watcher->told, change->key);
    if (change->kind == EG_CHANGE_PUT) {
        gw_bytes_add_char(&watcher->told, '=');
        gw_bytes_add(&watcher->told, change->value);
    }
    gw_bytes_add_char(&watcher->told, ' ');
}

static void on_changed(struct eg_watch *watch, const struct eg_change *change) {
    static void (*const table[])(struct watcher * watcher, const struct eg_change *change) = {
        NULL, on_put, on_remove, on_synced, on_reset, on_down, on_closed};
    struct watcher *watcher = GW_CONTAINER(watch, struct watcher, pub);
    pthread_mutex_lock(&watcher->lock);
    GW_ASSERT(change->kind > 0 && change->kind <= EG_CHANGE_CLOSED);
    GW_ASSERT(watcher->closed == 0); /* nothing follows the last word */
    note(watcher, change);
    table[change->kind](watcher, change);
    if (!watcher->is_content && change->revision > watcher->last_revision) {
        watcher->last_revision = change->revision;
    }
    const bool is_break = change->kind == EG_CHANGE_RESET || change->kind == EG_CHANGE_DOWN;
    watcher->has_synced = !is_break && (watcher->has_synced || change->kind == EG_CHANGE_SYNCED);
    watcher->is_down = change->kind == EG_CHANGE_DOWN;
    pthread_mutex_unlock(&watcher->lock);
}

uint64_t watcher_created(struct watcher *watcher, const char *key) {
    pthread_mutex_lock(&watcher->lock);
    const struct watched *row = gw_map_get(&watcher->mirror, gw_str_c(key));
    const uint64_t created = row == NULL ? 0 : row->created;
    pthread_mutex_unlock(&watcher->lock);
    return created;
}

/* ---- life ---- */

static void watch(void *arg) {
    struct watcher *watcher = arg;
    if (kit.ops->watch(kit.instance->self, gw_str_c(watcher->prefix), watcher->last_revision,
                       &watcher->pub) < 0) {
        kit_fail("a watch is refused");
    }
}

static void unwatch(void *arg) {
    struct watcher *watcher = arg;
    kit.ops->unwatch(kit.instance->self, &watcher->pub);
}

void watcher_open(struct watcher *watcher, const char *prefix, uint64_t from_revision) {
    memset(watcher, 0, sizeof *watcher);
    watcher->pub = (struct eg_watch){.struct_size = sizeof watcher->pub, .changed = on_changed};
    pthread_mutex_init(&watcher->lock, NULL);
    (void)snprintf(watcher->prefix, sizeof watcher->prefix, "%s", prefix);
    gw_bytes_init(&watcher->told, 0);
    watcher->is_content = from_revision == 0;
    watcher->last_revision = from_revision;
    kit_on_loop(watch, watcher);
}

void watcher_close(struct watcher *watcher) {
    const struct gw_map_slot *slot = NULL;
    kit_on_loop(unwatch, watcher);
    watcher_wait_text(watcher, "C ");
    gw_bytes_free(&watcher->told);
    for (size_t i = 0; (slot = gw_map_next(&watcher->mirror, &i)) != NULL;) {
        gw_free(slot->value);
    }
    gw_map_free(&watcher->mirror);
    pthread_mutex_destroy(&watcher->lock);
}

/* ---- waiting ---- */

static void wait_until(struct watcher *watcher,
                       bool (*is_so)(struct watcher *watcher, const void *arg), const void *arg,
                       const char *what) {
    const uint64_t end_ns = kit_now_ns() + PATIENCE_NS;
    for (bool is_enough = false; !is_enough;) {
        pthread_mutex_lock(&watcher->lock);
        is_enough = is_so(watcher, arg);
        pthread_mutex_unlock(&watcher->lock);
        if (!is_enough && kit_now_ns() > end_ns) {
            fprintf(stderr, "was told \"%.2000s\", revision %llu\n", watcher_told(watcher),
                    (unsigned long long)watcher->last_revision);
            kit_fail(what);
        }
        gw_loop_turn(kit.loop, is_enough ? 0 : 5 * GW_NS_PER_MS);
    }
}

static bool holds(struct watcher *watcher, const void *arg) {
    const char *text = arg;
    return watcher->told.len > 0 &&
           memmem(watcher->told.ptr, watcher->told.len, text, strlen(text)) != NULL;
}

void watcher_wait_text(struct watcher *watcher, const char *text) {
    char what[300];
    (void)snprintf(what, sizeof what, "the watch never tells \"%s\"", text);
    wait_until(watcher, holds, text, what);
}

static bool has_synced(struct watcher *watcher, const void *arg) {
    (void)arg;
    return watcher->syncs > 0 && watcher->has_synced;
}

void watcher_wait_synced(struct watcher *watcher) {
    wait_until(watcher, has_synced, NULL, "the watch is never synced");
}

static bool has_reached(struct watcher *watcher, const void *arg) {
    const uint64_t *revision = arg;
    return watcher->last_revision >= *revision && !watcher->is_content;
}

void watcher_wait_revision(struct watcher *watcher, uint64_t revision) {
    char what[100];
    (void)snprintf(what, sizeof what, "the watch never reaches revision %llu",
                   (unsigned long long)revision);
    wait_until(watcher, has_reached, &revision, what);
}

static bool is_as_down(struct watcher *watcher, const void *arg) {
    const bool *is_down = arg;
    return watcher->is_down == *is_down;
}

void watcher_wait_down(struct watcher *watcher, bool is_down) {
    wait_until(watcher, is_as_down, &is_down,
               is_down ? "the watch never tells DOWN" : "the watch does not come back");
}

bool watcher_is(struct watcher *watcher, const struct answer *list) {
    pthread_mutex_lock(&watcher->lock);
    bool is_same = list->status == EG_OK && list->count == watcher->mirror.count;
    for (size_t i = 0; i < list->count && is_same; i++) {
        const struct watched *row = gw_map_get(&watcher->mirror, list->items[i].key);
        is_same = row != NULL && gw_str_eq(row->value, list->items[i].value) &&
                  row->revision == list->items[i].revision;
    }
    pthread_mutex_unlock(&watcher->lock);
    return is_same;
}

static void print_difference(struct watcher *watcher, const struct answer *list) {
    fprintf(stderr, "the watch of \"%s\" holds %zu keys, the list %zu (status %d)\n",
            watcher->prefix, watcher->mirror.count, list->count, list->status);
    for (size_t i = 0; i < list->count; i++) {
        const struct watched *row = gw_map_get(&watcher->mirror, list->items[i].key);
        if (row == NULL || row->revision != list->items[i].revision) {
            fprintf(stderr, "  listed \"%.*s\" of %llu, watched of %llu\n",
                    GW_FMT(list->items[i].key), (unsigned long long)list->items[i].revision,
                    row == NULL ? 0ull : (unsigned long long)row->revision);
            return;
        }
    }
}

void watcher_wait_same(struct watcher *watcher) {
    const uint64_t end_ns = kit_now_ns() + PATIENCE_NS;
    for (bool is_same = false; !is_same;) {
        struct answer list;
        kit_send_list(&list, gw_str_c(watcher->prefix));
        kit_wait(&list);
        is_same = watcher_is(watcher, &list) && !watcher->is_content;
        if (!is_same && kit_now_ns() > end_ns) {
            print_difference(watcher, &list);
            kit_fail("the watch does not become what is listed");
        }
        kit_drop(&list);
        gw_loop_turn(kit.loop, is_same ? 0 : 5 * GW_NS_PER_MS);
    }
}

const char *watcher_told(struct watcher *watcher) {
    static char text[65536];
    pthread_mutex_lock(&watcher->lock);
    (void)snprintf(text, sizeof text, "%.*s", GW_FMT(gw_bytes_str(&watcher->told)));
    pthread_mutex_unlock(&watcher->lock);
    return text;
}

void watcher_forget(struct watcher *watcher) {
    pthread_mutex_lock(&watcher->lock);
    watcher->told.len = 0;
    watcher->puts = 0;
    watcher->removals = 0;
    watcher->syncs = 0;
    watcher->resets = 0;
    watcher->downs = 0;
    pthread_mutex_unlock(&watcher->lock);
}
