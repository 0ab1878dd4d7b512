/*
 * replay.c - see replay.h. A ring in order of arrival, which is the order of expiry since all live
 * equally long, and a hash over it. Only what was signed rightly gets in: nobody else can fill it.
 */
#include "replay.h"

#include <pthread.h>

#define NONE UINT32_MAX

struct entry {
    struct webhook_seen seen;
    uint32_t next; /* in its bucket */
    uint32_t is_live;
    uint64_t expires_ns;
};

struct webhook_replay {
    const struct eg_host *host;
    struct eg_metric *evicted;
    pthread_mutex_t lock; /* of all below; nothing is called while it is held */
    uint64_t lifetime_ns;
    struct entry *entries;
    uint32_t *buckets;
    uint32_t capacity;
    uint32_t bucket_mask;
    uint32_t head;
    uint32_t count; /* from head on, given back ones too */
};

struct webhook_replay *webhook_replay_new(const struct eg_host *host, size_t capacity,
                                          uint64_t lifetime_ns) {
    struct webhook_replay *replay = host->mem->alloc(host, sizeof *replay);
    uint32_t buckets = 16;
    while (buckets < capacity && buckets < (1u << 30)) {
        buckets *= 2;
    }
    replay->host = host;
    replay->evicted = host->metrics->counter(
        host, EGX_STR("webhook_replay_evicted_total"),
        EGX_STR("Deliveries that were forgotten before their time: replay_cache is too small."),
        NULL, 0);
    (void)pthread_mutex_init(&replay->lock, NULL);
    replay->lifetime_ns = lifetime_ns;
    replay->capacity = (uint32_t)capacity;
    replay->bucket_mask = buckets - 1;
    replay->entries = host->mem->alloc(host, capacity * sizeof *replay->entries);
    replay->buckets = host->mem->alloc(host, buckets * sizeof *replay->buckets);
    memset(replay->buckets, 0xff, buckets * sizeof *replay->buckets);
    return replay;
}

void webhook_replay_free(struct webhook_replay *replay) {
    if (replay == NULL) {
        return;
    }
    const struct eg_host *host = replay->host;
    (void)pthread_mutex_destroy(&replay->lock);
    host->mem->free(host, replay->entries);
    host->mem->free(host, replay->buckets);
    host->mem->free(host, replay);
}

/* A mark is as good as random: it is a SHA-256 of what somebody with a secret has signed. */
static uint32_t *bucket_of(struct webhook_replay *replay, const struct webhook_seen *seen) {
    uint32_t hash = 0;
    memcpy(&hash, seen->mark, sizeof hash);
    return &replay->buckets[hash & replay->bucket_mask];
}

/* The link that leads to it; that holds NONE when it is not there. */
static uint32_t *find(struct webhook_replay *replay, const struct webhook_seen *seen) {
    uint32_t *link = bucket_of(replay, seen);
    while (*link != NONE) {
        const struct webhook_seen *other = &replay->entries[*link].seen;
        if (other->rule == seen->rule && memcmp(other->mark, seen->mark, WEBHOOK_MARK) == 0) {
            break;
        }
        link = &replay->entries[*link].next;
    }
    return link;
}

static void unlink_entry(struct webhook_replay *replay, uint32_t *link) {
    struct entry *entry = &replay->entries[*link];
    *link = entry->next;
    entry->is_live = 0;
}

static void drop_head(struct webhook_replay *replay) {
    const struct entry *entry = &replay->entries[replay->head];
    if (entry->is_live) {
        unlink_entry(replay, find(replay, &entry->seen));
    }
    replay->head = (replay->head + 1) % replay->capacity;
    replay->count--;
}

static void forget_expired(struct webhook_replay *replay, uint64_t now_ns) {
    while (replay->count > 0) {
        const struct entry *entry = &replay->entries[replay->head];
        if (entry->is_live && entry->expires_ns > now_ns) {
            return;
        }
        drop_head(replay);
    }
}

/* 1 = somebody had to give way. */
static int insert(struct webhook_replay *replay, const struct webhook_seen *seen, uint64_t now_ns) {
    const int is_full = replay->count == replay->capacity;
    if (is_full) {
        drop_head(replay);
    }
    const uint32_t at = (replay->head + replay->count) % replay->capacity;
    uint32_t *bucket = bucket_of(replay, seen);
    replay->entries[at] = (struct entry){
        .seen = *seen, .next = *bucket, .is_live = 1, .expires_ns = now_ns + replay->lifetime_ns};
    *bucket = at;
    replay->count++;
    return is_full;
}

int webhook_replay_take(struct webhook_replay *replay, const struct webhook_seen *seen,
                        uint64_t now_ns) {
    int has_evicted = 0;
    (void)pthread_mutex_lock(&replay->lock);
    forget_expired(replay, now_ns);
    const int is_new = *find(replay, seen) == NONE;
    if (is_new) {
        has_evicted = insert(replay, seen, now_ns);
    }
    (void)pthread_mutex_unlock(&replay->lock);
    if (has_evicted) {
        replay->host->metrics->add(replay->evicted, 1);
    }
    return is_new;
}

void webhook_replay_give_back(struct webhook_replay *replay, const struct webhook_seen *seen) {
    (void)pthread_mutex_lock(&replay->lock);
    uint32_t *link = find(replay, seen);
    if (*link != NONE) {
        unlink_entry(replay, link);
    }
    (void)pthread_mutex_unlock(&replay->lock);
}
