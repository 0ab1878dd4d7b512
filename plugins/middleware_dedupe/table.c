/*
 * table.c - see table.h. Each shard is a hash table with chains, and a list of what is answered in
 * the order in which it was: the window is the same for all, so that is also the order in which
 * they expire, and the oldest is the one to give up when there is no room.
 */
#include "table.h"

#include <pthread.h>

#define SHARDS 16u
#define SMALL_TABLE 1024u /* up to so many entries lie in one shard, so that the limit is exact */

struct entry {
    struct sip_hash key;
    struct entry *chain;
    struct entry *older; /* of those that are answered */
    struct entry *newer;
    struct reply *reply; /* held; NULL: it is being processed */
    uint64_t expires_ns;
    const void *owner;
    struct waiter *first_waiter;
    struct waiter **last_waiter;
    uint64_t waiter_count;
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    size_t mask;
    uint64_t count;
    uint64_t bytes;
    struct entry *oldest;
    struct entry *newest;
};

struct table {
    const struct eg_host *host;
    struct table_config config;
    uint64_t shard_entries; /* limits of one */
    uint64_t shard_bytes;
    unsigned shard_count;
    struct shard shards[SHARDS];
};

struct reply *dedupe_reply_hold(struct reply *reply) {
    (void)__atomic_add_fetch(&reply->refs, 1, __ATOMIC_RELAXED);
    return reply;
}

void dedupe_reply_release(struct reply *reply) {
    if (reply != NULL && __atomic_sub_fetch(&reply->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        reply->host->mem->free(reply->host, reply);
    }
}

/* ---- making room; with the lock ---- */

static void count_bytes(struct table *table, struct shard *shard, int64_t change) {
    shard->bytes = (uint64_t)((int64_t)shard->bytes + change);
    table->host->metrics->add(table->config.bytes, change);
}

static size_t bytes_of(const struct entry *entry) {
    return sizeof *entry + (entry->reply == NULL ? 0 : entry->reply->bytes);
}

static void unlink_age(struct shard *shard, struct entry *entry) {
    *(entry->older == NULL ? &shard->oldest : &entry->older->newer) = entry->newer;
    *(entry->newer == NULL ? &shard->newest : &entry->newer->older) = entry->older;
    entry->older = entry->newer = NULL;
}

static void remove_entry(struct table *table, struct shard *shard, struct entry *entry) {
    struct entry **link = &shard->buckets[entry->key.high & shard->mask];
    while (*link != entry) {
        link = &(*link)->chain;
    }
    *link = entry->chain;
    if (entry->reply != NULL) {
        unlink_age(shard, entry);
    }
    shard->count--;
    count_bytes(table, shard, -(int64_t)bytes_of(entry));
    table->host->metrics->add(table->config.entries, -1);
    dedupe_reply_release(entry->reply);
    table->host->mem->free(table->host, entry);
}

static void drop_expired(struct table *table, struct shard *shard, uint64_t now_ns) {
    while (shard->oldest != NULL && shard->oldest->expires_ns <= now_ns) {
        remove_entry(table, shard, shard->oldest);
    }
}

/* 1: there is room for so many more entries and bytes. */
static int make_room(struct table *table, struct shard *shard, uint64_t entries, uint64_t bytes) {
    if (bytes > table->shard_bytes) {
        return 0;
    }
    while (shard->count + entries > table->shard_entries ||
           shard->bytes + bytes > table->shard_bytes) {
        if (shard->oldest == NULL) {
            return 0; /* all are being processed */
        }
        remove_entry(table, shard, shard->oldest);
        table->host->metrics->add(table->config.evictions, 1);
    }
    return 1;
}

/* ---- life ---- */

static size_t power_of_two(uint64_t least) {
    size_t size = 16;
    while (size < least && size < (size_t)1 << 20) {
        size *= 2;
    }
    return size;
}

struct table *dedupe_table_new(const struct eg_host *host, const struct table_config *config) {
    struct table *table = host->mem->alloc(host, sizeof *table);
    table->host = host;
    table->config = *config;
    table->shard_count = config->max_entries <= SMALL_TABLE ? 1 : SHARDS;
    table->shard_entries = (config->max_entries + table->shard_count - 1) / table->shard_count;
    table->shard_bytes = config->max_bytes / table->shard_count;
    for (unsigned i = 0; i < table->shard_count; i++) {
        const size_t size = power_of_two(table->shard_entries);
        (void)pthread_mutex_init(&table->shards[i].lock, NULL);
        table->shards[i].mask = size - 1;
        table->shards[i].buckets = host->mem->alloc(host, size * sizeof(struct entry *));
    }
    return table;
}

void dedupe_table_free(struct table *table) {
    if (table == NULL) {
        return;
    }
    for (unsigned i = 0; i < table->shard_count; i++) {
        struct shard *shard = &table->shards[i];
        while (shard->oldest != NULL) {
            remove_entry(table, shard, shard->oldest);
        }
        (void)pthread_mutex_destroy(&shard->lock);
        table->host->mem->free(table->host, shard->buckets);
    }
    table->host->mem->free(table->host, table);
}

/* ---- looking ---- */

static struct shard *shard_of(struct table *table, const struct sip_hash *key) {
    return &table->shards[key->low % table->shard_count];
}

static struct entry *find(const struct shard *shard, const struct sip_hash *key) {
    struct entry *e = shard->buckets[key->high & shard->mask];
    while (e != NULL && (e->key.low != key->low || e->key.high != key->high)) {
        e = e->chain;
    }
    return e;
}

static enum look look_at(const struct table *table, struct entry *entry, const void *owner,
                         struct waiter *waiter, struct reply **ret_reply) {
    if (entry->reply != NULL) {
        *ret_reply = dedupe_reply_hold(entry->reply);
        return LOOK_DONE;
    }
    if (entry->owner == owner && owner != NULL) {
        return LOOK_OWN;
    }
    if (waiter == NULL) {
        return LOOK_RUNNING;
    }
    if (entry->waiter_count >= table->config.max_waiters) {
        return LOOK_CROWDED;
    }
    waiter->next = NULL;
    waiter->key = entry->key;
    waiter->is_queued = 1;
    *entry->last_waiter = waiter;
    entry->last_waiter = &waiter->next;
    entry->waiter_count++;
    return LOOK_WAITS;
}

static struct entry *add_entry(struct table *table, struct shard *shard, const struct sip_hash *key,
                               const void *owner) {
    struct entry *entry = table->host->mem->alloc(table->host, sizeof *entry);
    struct entry **bucket = &shard->buckets[key->high & shard->mask];
    entry->key = *key;
    entry->owner = owner;
    entry->last_waiter = &entry->first_waiter;
    entry->chain = *bucket;
    *bucket = entry;
    shard->count++;
    count_bytes(table, shard, (int64_t)sizeof *entry);
    table->host->metrics->add(table->config.entries, 1);
    return entry;
}

enum look dedupe_table_look(struct table *table, const struct sip_hash *key, uint64_t now_ns,
                            const void *owner, struct waiter *waiter, struct entry **ret_entry,
                            struct reply **ret_reply) {
    struct shard *shard = shard_of(table, key);
    enum look look = LOOK_FIRST;
    (void)pthread_mutex_lock(&shard->lock);
    drop_expired(table, shard, now_ns);
    struct entry *entry = find(shard, key);
    if (entry != NULL) {
        look = look_at(table, entry, owner, waiter, ret_reply);
    } else if (make_room(table, shard, 1, sizeof *entry)) {
        *ret_entry = add_entry(table, shard, key, owner);
    } else {
        look = LOOK_FULL;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return look;
}

/* ---- ending ---- */

static void keep_reply(struct table *table, struct shard *shard, struct entry *entry,
                       uint64_t now_ns, struct reply *reply) {
    entry->reply = dedupe_reply_hold(reply);
    entry->owner = NULL;
    entry->expires_ns = now_ns + table->config.window_ns;
    entry->older = shard->newest;
    *(shard->newest == NULL ? &shard->oldest : &shard->newest->newer) = entry;
    shard->newest = entry;
    count_bytes(table, shard, (int64_t)reply->bytes);
}

static struct waiter *take_waiters(struct entry *entry, int all) {
    struct waiter *taken = entry->first_waiter;
    if (taken == NULL) {
        return NULL;
    }
    entry->first_waiter = all ? NULL : taken->next;
    if (!all) {
        taken->next = NULL;
    }
    if (entry->first_waiter == NULL) {
        entry->last_waiter = &entry->first_waiter;
    }
    entry->waiter_count = all ? 0 : entry->waiter_count - 1;
    return taken;
}

struct waiter *dedupe_table_finish(struct table *table, struct entry *entry, uint64_t now_ns,
                                   struct reply *reply) {
    struct shard *shard = shard_of(table, &entry->key);
    (void)pthread_mutex_lock(&shard->lock);
    const int is_kept = reply != NULL && make_room(table, shard, 0, reply->bytes);
    /* Those that wait get the answer also when there is no room to keep it. */
    struct waiter *woken = take_waiters(entry, reply != NULL);
    for (struct waiter *w = woken; w != NULL; w = w->next) {
        w->reply = reply == NULL ? NULL : dedupe_reply_hold(reply);
        w->entry = reply == NULL ? entry : NULL;
        w->is_queued = 0;
        entry->owner = w;
    }
    if (is_kept) {
        keep_reply(table, shard, entry, now_ns, reply);
    } else if (reply != NULL || woken == NULL) {
        table->host->metrics->add(table->config.evictions, reply != NULL);
        remove_entry(table, shard, entry);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return woken;
}

void dedupe_table_own(struct table *table, struct entry *entry, const void *owner) {
    struct shard *shard = shard_of(table, &entry->key);
    (void)pthread_mutex_lock(&shard->lock);
    entry->owner = owner;
    (void)pthread_mutex_unlock(&shard->lock);
}

int dedupe_table_leave(struct table *table, struct waiter *waiter) {
    struct shard *shard = shard_of(table, &waiter->key);
    (void)pthread_mutex_lock(&shard->lock);
    const int was_queued = waiter->is_queued;
    if (was_queued) { /* so the entry is there */
        struct entry *entry = find(shard, &waiter->key);
        struct waiter **link = &entry->first_waiter;
        while (*link != waiter) {
            link = &(*link)->next;
        }
        *link = waiter->next;
        if (waiter->next == NULL) {
            entry->last_waiter = link;
        }
        entry->waiter_count--;
        waiter->is_queued = 0;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return was_queued;
}
