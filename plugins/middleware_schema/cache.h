/*
 * cache.h - compiled schemas by their mark, shared by all loops and the pool, bounded. What cannot
 * be compiled is kept too, so that it is not tried again with every event. Any thread; the lock
 * is held for a look at the table only.
 */
#ifndef SCHEMA_CACHE_H
#define SCHEMA_CACHE_H

#include "schema.h"

struct cache;

/* Held by whoever looks at it. */
struct validator {
    struct schema *schema; /* NULL: it cannot be used */
    uint64_t mark;
    size_t bytes;
    uint64_t used; /* when last, in looks */
    uint32_t refs; /* atomic */
    const struct eg_host *host;
};

#define CACHE_ENTRIES 256u

struct cache *schema_cache_new(const struct eg_host *host, uint64_t max_bytes);
void schema_cache_free(struct cache *cache); /* NULL is fine */
/* NULL: not there. */
struct validator *schema_cache_find(struct cache *cache, uint64_t mark);
/* Takes the schema. When somebody was faster, theirs comes back. */
struct validator *schema_cache_add(struct cache *cache, uint64_t mark, struct schema *schema);
void schema_validator_release(struct validator *validator);

#endif
