/* cache.c - see cache.h. Thread: the loop's. */
#include "cache.h"

void auth_cache_init(struct auth_cache *cache, const struct eg_host *host, size_t size) {
    size_t count = 2;
    while (count < size) {
        count *= 2;
    }
    *cache = (struct auth_cache){.host = host};
    if (size > 0) {
        cache->items = host->mem->alloc(host, count * sizeof *cache->items);
        cache->mask = count - 1;
    }
}

static void clear(const struct auth_cache *cache, struct auth_cached *item) {
    cache->host->mem->free(cache->host, item->text);
    *item = (struct auth_cached){0};
}

void auth_cache_free(struct auth_cache *cache) {
    for (size_t i = 0; cache->items != NULL && i <= cache->mask; i++) {
        clear(cache, &cache->items[i]);
    }
    cache->host->mem->free(cache->host, cache->items);
    cache->items = NULL;
}

static struct auth_cached *place(const struct auth_cache *cache, const struct auth_digest *digest,
                                 size_t which) {
    size_t at = 0;
    memcpy(&at, digest->bytes, sizeof at);
    return &cache->items[(at & cache->mask) ^ which];
}

const struct auth_cached *auth_cache_get(const struct auth_cache *cache,
                                         const struct auth_digest *digest, int64_t now_s) {
    for (size_t i = 0; cache->items != NULL && i < 2; i++) {
        const struct auth_cached *item = place(cache, digest, i);
        if (item->is_used && auth_digest_eq(&item->digest, digest)) {
            return now_s < item->until_s ? item : NULL;
        }
    }
    return NULL;
}

/* The place to use: its own, a free one, or the one that ends sooner. */
static struct auth_cached *choose(const struct auth_cache *cache,
                                  const struct auth_digest *digest) {
    struct auth_cached *a = place(cache, digest, 0);
    struct auth_cached *b = place(cache, digest, 1);
    if (b->is_used && auth_digest_eq(&b->digest, digest)) {
        return b;
    }
    if (!a->is_used || auth_digest_eq(&a->digest, digest)) {
        return a;
    }
    return !b->is_used || b->until_s < a->until_s ? b : a;
}

static struct eg_str put_text(char **at, struct eg_str text) {
    char *copy = *at;
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    *at = copy + text.len;
    return egx_str_n(copy, text.len);
}

void auth_cache_put(struct auth_cache *cache, const struct auth_cached *fresh, int64_t now_s) {
    if (cache->items == NULL || fresh->until_s <= now_s) {
        return;
    }
    struct auth_cached *item = choose(cache, &fresh->digest);
    clear(cache, item);
    *item = *fresh;
    item->is_used = 1;
    item->text = cache->host->mem->alloc(cache->host, fresh->principal.len + fresh->context.len +
                                                          fresh->scopes.len + 1);
    char *at = item->text;
    item->principal = put_text(&at, fresh->principal);
    item->context = put_text(&at, fresh->context);
    item->scopes = put_text(&at, fresh->scopes);
}
