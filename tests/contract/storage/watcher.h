/*
 * watcher.h - a watch that remembers all it was told: as text ("+k=v" put, "-k" remove, "S" the
 * first SYNCED of the content or after DOWN, "R" reset, "D" down, "C" closed, each followed by a
 * space), and as a mirror of the store, to which every word is applied as the contract says. What
 * breaks the contract is counted in disorder and printed.
 */
#ifndef CONTRACT_STORAGE_WATCHER_H
#define CONTRACT_STORAGE_WATCHER_H

#include <pthread.h>

#include "base/map.h"
#include "kit.h"

struct watcher {
    struct eg_watch pub;  /* first */
    pthread_mutex_t lock; /* the plugin may tell on any thread */
    char prefix[64];
    struct gw_bytes told;
    struct gw_map mirror; /* key to struct watched */
    uint64_t last_revision;
    unsigned generation; /* of the content that follows a RESET */
    unsigned puts;
    unsigned removals;
    unsigned syncs;
    unsigned resets;
    unsigned downs;
    unsigned closed;
    unsigned disorder;
    bool is_content; /* before SYNCED of a watch from 0 or after RESET: any order of revisions */
    bool is_down;    /* the last word was DOWN */
    bool has_synced; /* since the beginning, the last RESET or DOWN */
    char why[512];   /* the message of the last DOWN */
};

void watcher_open(struct watcher *watcher, const char *prefix, uint64_t from_revision);
/* Waits for CLOSED. */
void watcher_close(struct watcher *watcher);
/* Each turns the loop until it is so, and fails after a while: the text was told; */
void watcher_wait_text(struct watcher *watcher, const char *text);
void watcher_wait_synced(struct watcher *watcher);
/* a change or a SYNCED of this revision or a later one; */
void watcher_wait_revision(struct watcher *watcher, uint64_t revision);
/* DOWN is the last word (is_down), or it is not; */
void watcher_wait_down(struct watcher *watcher, bool is_down);
/* the mirror is what list tells. */
void watcher_wait_same(struct watcher *watcher);
/* Are keys, values and revisions of the mirror those of the list? */
bool watcher_is(struct watcher *watcher, const struct answer *list);
/* The revision that made the key, as told last; 0 = it is not there. */
uint64_t watcher_created(struct watcher *watcher, const char *key);
/* A copy in static memory. */
const char *watcher_told(struct watcher *watcher);
void watcher_forget(struct watcher *watcher); /* the text and the counts */

#endif
