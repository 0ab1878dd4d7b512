/*
 * watcher.h - a watch that remembers all it was told, as text: "+k=v" put, "-k" remove, "S" synced,
 * "R" reset, "D" down, "C" closed, each followed by a space.
 */
#ifndef CONTRACT_STORAGE_WATCHER_H
#define CONTRACT_STORAGE_WATCHER_H

#include <pthread.h>

#include "kit.h"

struct watcher {
    struct eg_watch pub;  /* first */
    pthread_mutex_t lock; /* the plugin may tell on any thread */
    struct gw_bytes told;
    uint64_t last_revision;
    unsigned puts;
    unsigned syncs;
    unsigned resets;
    unsigned closed;
    unsigned disorder; /* revisions that went back, outside of first content */
    bool is_content;   /* before SYNCED of a watch from 0 or after RESET: any order of revisions */
};

void watcher_open(struct watcher *watcher, const char *prefix, uint64_t from_revision);
/* Waits for CLOSED. */
void watcher_close(struct watcher *watcher);
/* Turns the loop until what was told holds the text. */
void watcher_wait_text(struct watcher *watcher, const char *text);
void watcher_wait_synced(struct watcher *watcher);
/* A copy in static memory. */
const char *watcher_told(struct watcher *watcher);
void watcher_forget(struct watcher *watcher);

#endif
