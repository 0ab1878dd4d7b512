/*
 * cache.c - see cache.h. A small table that is searched from end to end: marks lie side by side.
 * The one that was not used for longest makes room.
 */
#include "cache.h"

#include <pthread.h>

struct cache {
    const struct eg_host *host;
    pthread_mutex_t lock;
    uint64_t max_bytes;
    uint64_t bytes;
    uint64_t looks;
    size_t count;
    uint64_t marks[CACHE_ENTRIES];
    struct validator *validators[CACHE_ENTRIES];
};

struct cache *schema_cache_new(const struct eg_host *host, uint64_t max_bytes) {
    struct cache *cache = host->mem->alloc(host, sizeof *cache);
    cache->host = host;
    cache->max_bytes = max_bytes;
    (void)pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void schema_validator_release(struct validator *validator) {
    if (validator == NULL || __atomic_sub_fetch(&validator->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    schema_free(validator->schema);
    validator->host->mem->free(validator->host, validator);
}

void schema_cache_free(struct cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->count; i++) {
        schema_validator_release(cache->validators[i]);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    cache->host->mem->free(cache->host, cache);
}

static struct validator *find_locked(struct cache *cache, uint64_t mark) {
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->marks[i] == mark) {
            struct validator *found = cache->validators[i];
            found->used = ++cache->looks;
            (void)__atomic_add_fetch(&found->refs, 1, __ATOMIC_RELAXED);
            return found;
        }
    }
    return NULL;
}

struct validator *schema_cache_find(struct cache *cache, uint64_t mark) {
    (void)pthread_mutex_lock(&cache->lock);
    struct validator *found = find_locked(cache, mark);
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

/* Takes the oldest out; to be released without the lock. */
static struct validator *evict_locked(struct cache *cache) {
    size_t oldest = 0;
    for (size_t i = 1; i < cache->count; i++) {
        if (cache->validators[i]->used < cache->validators[oldest]->used) {
            oldest = i;
        }
    }
    struct validator *validator = cache->validators[oldest];
    cache->bytes -= validator->bytes;
    cache->count--;
    cache->marks[oldest] = cache->marks[cache->count];
    cache->validators[oldest] = cache->validators[cache->count];
    return validator;
}

static struct validator *make(struct cache *cache, uint64_t mark, struct schema *schema) {
    struct validator *made = cache->host->mem->alloc(cache->host, sizeof *made);
    *made = (struct validator){.schema = schema, .mark = mark, .refs = 2, .host = cache->host};
    made->bytes = sizeof *made + (schema == NULL ? 0 : schema_bytes(schema));
    return made;
}

struct validator *schema_cache_add(struct cache *cache, uint64_t mark, struct schema *schema) {
    struct validator *made = make(cache, mark, schema);
    struct validator *gone[CACHE_ENTRIES];
    size_t gone_count = 0;
    (void)pthread_mutex_lock(&cache->lock);
    struct validator *known = find_locked(cache, mark);
    while (known == NULL && cache->count > 0 &&
           (cache->count == CACHE_ENTRIES || cache->bytes + made->bytes > cache->max_bytes)) {
        gone[gone_count++] = evict_locked(cache);
    }
    if (known == NULL) {
        made->used = ++cache->looks;
        cache->marks[cache->count] = mark;
        cache->validators[cache->count++] = made;
        cache->bytes += made->bytes;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    for (size_t i = 0; i < gone_count; i++) {
        schema_validator_release(gone[i]);
    }
    if (known != NULL) {
        schema_validator_release(made);
        schema_validator_release(made);
        return known;
    }
    return made;
}
