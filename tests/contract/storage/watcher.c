/* watcher.c - see watcher.h. */
#include "watcher.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/slice.h"

static void note(struct watcher *watcher, const struct eg_change *change) {
    static const char marks[] = "?+-SRDC";
    GW_ASSERT(change->kind > 0 && change->kind <= EG_CHANGE_CLOSED);
    gw_bytes_add_char(&watcher->told, marks[change->kind]);
    gw_bytes_add(&watcher->told, change->key);
    if (change->kind == EG_CHANGE_PUT) {
        gw_bytes_add_char(&watcher->told, '=');
        gw_bytes_add(&watcher->told, change->value);
    }
    gw_bytes_add_char(&watcher->told, ' ');
}

static void on_changed(struct eg_watch *watch, const struct eg_change *change) {
    struct watcher *watcher = GW_CONTAINER(watch, struct watcher, pub);
    pthread_mutex_lock(&watcher->lock);
    GW_ASSERT(watcher->closed == 0); /* nothing follows the last word */
    note(watcher, change);
    const bool is_data = change->kind == EG_CHANGE_PUT || change->kind == EG_CHANGE_REMOVE;
    if (is_data && !watcher->is_content) {
        watcher->disorder += change->revision <= watcher->last_revision;
        watcher->last_revision = change->revision;
    }
    watcher->puts += change->kind == EG_CHANGE_PUT;
    watcher->resets += change->kind == EG_CHANGE_RESET;
    watcher->is_content = watcher->is_content || change->kind == EG_CHANGE_RESET;
    if (change->kind == EG_CHANGE_SYNCED) {
        watcher->is_content = false;
        watcher->last_revision = change->revision;
        watcher->syncs++;
    }
    watcher->closed += change->kind == EG_CHANGE_CLOSED;
    pthread_mutex_unlock(&watcher->lock);
}

void watcher_open(struct watcher *watcher, const char *prefix, uint64_t from_revision) {
    memset(watcher, 0, sizeof *watcher);
    watcher->pub = (struct eg_watch){.struct_size = sizeof watcher->pub, .changed = on_changed};
    pthread_mutex_init(&watcher->lock, NULL);
    gw_bytes_init(&watcher->told, 0);
    watcher->is_content = from_revision == 0;
    watcher->last_revision = from_revision;
    if (kit.ops->watch(kit.instance->self, gw_str_c(prefix), from_revision, &watcher->pub) < 0) {
        kit_fail("a watch is refused");
    }
}

static bool holds(struct watcher *watcher, const char *text) {
    pthread_mutex_lock(&watcher->lock);
    const bool is_there = watcher->told.len > 0 &&
                          memmem(watcher->told.ptr, watcher->told.len, text, strlen(text)) != NULL;
    pthread_mutex_unlock(&watcher->lock);
    return is_there;
}

void watcher_wait_text(struct watcher *watcher, const char *text) {
    const uint64_t end_ns = kit_now_ns() + 30 * GW_NS_PER_S;
    while (!holds(watcher, text)) {
        if (kit_now_ns() > end_ns) {
            fprintf(stderr, "waited for \"%s\", was told \"%s\"\n", text, watcher_told(watcher));
            kit_fail("a change is never told");
        }
        gw_loop_turn(kit.loop, 5 * GW_NS_PER_MS);
    }
}

void watcher_wait_synced(struct watcher *watcher) {
    watcher_wait_text(watcher, "S ");
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
    pthread_mutex_unlock(&watcher->lock);
}

void watcher_close(struct watcher *watcher) {
    kit.ops->unwatch(kit.instance->self, &watcher->pub);
    watcher_wait_text(watcher, "C ");
    gw_bytes_free(&watcher->told);
    pthread_mutex_destroy(&watcher->lock);
}
