/*
 * credentials_parts.h - what credentials.c (cache, entries, sources) and credentials_view.c (views,
 * waiting, fetching) share. The lock guards entries and the registration of views.
 */
#ifndef AWS_CREDENTIALS_PARTS_H
#define AWS_CREDENTIALS_PARTS_H

#include <pthread.h>

#include "credentials_cache.h"

struct aws_view; /* credentials_view.c */

struct aws_entry {
    struct aws_entry *next;
    struct aws_cache *cache;
    char *profile;
    uint32_t refs; /* sources, views, the fetch; under the lock */
    int32_t is_fetching;
    _Atomic uint64_t generation; /* changes with creds */
    struct aws_creds *creds;
    uint64_t pause_until_ns;   /* after a failed fetch */
    uint64_t refused_until_ns; /* after a fetch because of refused keys */
    struct eg_why why;         /* of the last failed fetch */
    struct aws_view *waiting;
};

struct aws_cache {
    pthread_mutex_t lock;
    atomic_uint refs;
    int32_t is_shared;
    struct aws_env env;
    struct aws_clock clock;
    struct aws_entry *entries;
    size_t entry_count;
};

struct aws_source {
    struct aws_cache *cache;
    struct aws_creds *own;   /* explicit keys */
    struct aws_entry *entry; /* otherwise */
    struct aws_clock clock;  /* of the function's own endpoint */
};

void aws_cache_lock(struct aws_cache *cache);
void aws_cache_unlock(struct aws_cache *cache);
struct aws_cache *aws_cache_ref(struct aws_cache *cache);
/* Under the lock. The last one frees it, but for the default chain's. */
void aws_entry_drop(struct aws_entry *entry);

#endif
