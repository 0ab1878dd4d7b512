/*
 * credentials.c - the cache: entries by profile, and the sources that name them. Any thread.
 *
 * Memory is malloc's: it outlives the component whose loop happened to fetch.
 */
#include "credentials.h"

#include <stdlib.h>

#include "credentials_parts.h"

#define MAX_ENTRIES 1024u
#define MAX_PROFILE_BYTES 128u

/* The one exception from "no globals": four components of one plugin know nothing of one another,
 * and each asking the metadata service for itself is what a shared cache is there to prevent. */
static struct {
    pthread_mutex_t lock;
    struct aws_cache *cache;
} shared = {PTHREAD_MUTEX_INITIALIZER, NULL};

void aws_cache_lock(struct aws_cache *cache) {
    (void)pthread_mutex_lock(&cache->lock);
}
void aws_cache_unlock(struct aws_cache *cache) {
    (void)pthread_mutex_unlock(&cache->lock);
}

/* ---- the cache ---- */

struct aws_cache *aws_cache_new(aws_getenv_fn lookup, void *arg) {
    struct aws_cache *cache = aws_alloc(sizeof *cache);
    (void)pthread_mutex_init(&cache->lock, NULL);
    atomic_init(&cache->refs, 1);
    aws_env_read(&cache->env, lookup, arg);
    return cache;
}

struct aws_cache *aws_cache_take(void) {
    (void)pthread_mutex_lock(&shared.lock);
    if (shared.cache == NULL) {
        shared.cache = aws_cache_new(NULL, NULL);
        shared.cache->is_shared = 1;
    } else {
        atomic_fetch_add(&shared.cache->refs, 1);
    }
    struct aws_cache *cache = shared.cache;
    (void)pthread_mutex_unlock(&shared.lock);
    return cache;
}

struct aws_cache *aws_cache_ref(struct aws_cache *cache) {
    atomic_fetch_add(&cache->refs, 1);
    return cache;
}

static void entry_free(struct aws_entry *entry) {
    aws_creds_unref(entry->creds);
    free(entry->profile);
    free(entry);
}

static void cache_free(struct aws_cache *cache) {
    while (cache->entries != NULL) {
        struct aws_entry *entry = cache->entries;
        cache->entries = entry->next;
        entry_free(entry);
    }
    aws_env_wipe(&cache->env);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

void aws_cache_release(struct aws_cache *cache) {
    if (cache == NULL) {
        return;
    }
    /* Under the global lock, so that nobody takes what is about to go. */
    (void)pthread_mutex_lock(&shared.lock);
    const int is_last = atomic_fetch_sub(&cache->refs, 1) == 1;
    if (is_last && cache->is_shared) {
        shared.cache = NULL;
    }
    (void)pthread_mutex_unlock(&shared.lock);
    if (is_last) {
        cache_free(cache);
    }
}

const struct aws_env *aws_cache_env(const struct aws_cache *cache) {
    return &cache->env;
}

struct aws_clock *aws_cache_clock(struct aws_cache *cache) {
    return &cache->clock;
}

struct aws_clock *aws_source_clock(struct aws_source *source) {
    return &source->clock;
}

/* ---- entries; under the lock ---- */

static struct aws_entry *entry_take(struct aws_cache *cache, struct eg_str profile) {
    struct aws_entry *entry = cache->entries;
    while (entry != NULL && !egx_str_eq(egx_str_c(entry->profile), profile)) {
        entry = entry->next;
    }
    if (entry == NULL && cache->entry_count < MAX_ENTRIES) {
        entry = aws_alloc(sizeof *entry);
        entry->cache = cache;
        entry->profile = aws_copy(profile);
        entry->why.struct_size = sizeof entry->why;
        atomic_init(&entry->generation, 1);
        entry->next = cache->entries;
        cache->entries = entry;
        cache->entry_count++;
    }
    if (entry != NULL) {
        entry->refs++;
    }
    return entry;
}

/* The default chain's entry stays: configurations come and go, the keys are the same. */
void aws_entry_drop(struct aws_entry *entry) {
    struct aws_cache *cache = entry->cache;
    if (--entry->refs > 0 || entry->profile[0] == '\0') {
        return;
    }
    struct aws_entry **at = &cache->entries;
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    cache->entry_count--;
    entry_free(entry);
}

/* ---- sources ---- */

static int32_t check_config(const struct aws_source_config *config, struct eg_why *ret_why) {
    for (size_t i = 0; i < config->profile.len; i++) {
        if ((unsigned char)config->profile.ptr[i] < 0x20) {
            return egx_why(ret_why, EG_E_INVAL, "the AWS profile's name holds control characters");
        }
    }
    if (config->profile.len > MAX_PROFILE_BYTES) {
        return egx_why(ret_why, EG_E_TOOBIG, "the AWS profile's name is longer than %u bytes",
                       MAX_PROFILE_BYTES);
    }
    return EG_OK;
}

int32_t aws_source_new(struct aws_cache *cache, const struct aws_source_config *config,
                       struct aws_source **ret_source, struct eg_why *ret_why) {
    const int has_keys =
        config->keys.access_key_id.len > 0 && config->keys.secret_access_key.len > 0;
    struct aws_entry *entry = NULL;
    const int32_t status = check_config(config, ret_why);
    if (status < 0) {
        return status;
    }
    if (!has_keys) {
        aws_cache_lock(cache);
        entry = entry_take(cache, config->profile);
        aws_cache_unlock(cache);
        if (entry == NULL) {
            return egx_why(ret_why, EG_E_TOOBIG, "more than %u AWS profiles are in use",
                           MAX_ENTRIES);
        }
    }
    struct aws_source *source = aws_alloc(sizeof *source);
    source->cache = aws_cache_ref(cache);
    source->entry = entry;
    source->own = has_keys ? aws_creds_new(&config->keys, AWS_NEVER_S, 0) : NULL;
    *ret_source = source;
    return EG_OK;
}

void aws_source_free(struct aws_source *source) {
    if (source == NULL) {
        return;
    }
    if (source->entry != NULL) {
        aws_cache_lock(source->cache);
        aws_entry_drop(source->entry);
        aws_cache_unlock(source->cache);
    }
    aws_creds_unref(source->own);
    aws_cache_release(source->cache);
    free(source);
}
