/*
 * credentials.c - the cache: entries by profile, sources that name them, views of the loops.
 *
 * The lock guards entries and the registration of views; it is held for a few lines, never while
 * anything is called but loop->post. Views and their waiting calls belong to their loop. Memory is
 * malloc's: it outlives the component whose loop happened to fetch.
 */
#include "credentials.h"

#include <pthread.h>
#include <stdlib.h>

#include "credentials_cache.h"
#include "credentials_fetch.h"

#define NS_PER_S UINT64_C(1000000000)
#define MAX_ENTRIES 1024u
#define MAX_PROFILE_BYTES 128u
#define PAUSE_EMPTY_NS NS_PER_S           /* between failed fetches when there are no keys */
#define PAUSE_KEYS_NS (30u * NS_PER_S)    /* ... when the old ones still do */
#define PAUSE_REFUSED_NS (10u * NS_PER_S) /* between fetches because of refused keys */

struct aws_view {
    struct aws_view *next;         /* of the same views */
    struct aws_view *next_waiting; /* of the same entry; under the lock */
    struct aws_cache *cache;
    const struct eg_host *host;
    struct eg_loop *loop;
    struct aws_entry *entry;
    struct aws_creds *creds; /* as of generation */
    uint64_t generation;
    struct aws_fetch *fetch;  /* that it started; NULL = none is running */
    struct aws_wait *waits;   /* last come first */
    struct aws_wait *serving; /* while their news are told */
    uint32_t refs;            /* its views, and posts under way; under the lock */
    int32_t is_waiting;
    int32_t is_dead;
};

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
};

struct aws_views {
    const struct eg_host *host;
    struct eg_loop *loop;
    struct aws_cache *cache;
    struct aws_view *first;
};

/* The one exception from "no globals": four components of one plugin know nothing of one another,
 * and each asking the metadata service for itself is what a shared cache is there to prevent. */
static struct {
    pthread_mutex_t lock;
    struct aws_cache *cache;
} shared = {PTHREAD_MUTEX_INITIALIZER, NULL};

static void lock(struct aws_cache *cache) {
    (void)pthread_mutex_lock(&cache->lock);
}
static void unlock(struct aws_cache *cache) {
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

static struct aws_cache *cache_ref(struct aws_cache *cache) {
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
static void entry_drop(struct aws_entry *entry) {
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
        lock(cache);
        entry = entry_take(cache, config->profile);
        unlock(cache);
        if (entry == NULL) {
            return egx_why(ret_why, EG_E_TOOBIG, "more than %u AWS profiles are in use",
                           MAX_ENTRIES);
        }
    }
    struct aws_source *source = aws_alloc(sizeof *source);
    source->cache = cache_ref(cache);
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
        lock(source->cache);
        entry_drop(source->entry);
        unlock(source->cache);
    }
    aws_creds_unref(source->own);
    aws_cache_release(source->cache);
    free(source);
}

/* ---- views ---- */

struct aws_views *aws_views_new(const struct eg_host *host, struct eg_loop *loop,
                                struct aws_cache *cache) {
    struct aws_views *views = aws_alloc(sizeof *views);
    views->host = host;
    views->loop = loop;
    views->cache = cache_ref(cache);
    return views;
}

/* The last reference goes by the loop: its own, or the post's. */
static void view_unref(struct aws_view *view) {
    struct aws_cache *cache = view->cache;
    lock(cache);
    const int is_last = --view->refs == 0;
    unlock(cache);
    if (is_last) {
        free(view);
        aws_cache_release(cache);
    }
}

static void unregister(struct aws_view *view) { /* under the lock */
    struct aws_view **at = &view->entry->waiting;
    while (view->is_waiting && *at != view) {
        at = &(*at)->next_waiting;
    }
    if (view->is_waiting) {
        *at = view->next_waiting;
        view->is_waiting = 0;
    }
}

void aws_views_free(struct aws_views *views) {
    if (views == NULL) {
        return;
    }
    while (views->first != NULL) {
        struct aws_view *view = views->first;
        views->first = view->next;
        aws_fetch_stop(view->fetch);
        lock(views->cache);
        unregister(view); /* from here on nobody uses its host */
        view->is_dead = 1;
        aws_creds_unref(view->creds);
        entry_drop(view->entry);
        unlock(views->cache);
        view_unref(view);
    }
    aws_cache_release(views->cache);
    free(views);
}

static struct aws_view *view_of(struct aws_views *views, struct aws_entry *entry) {
    struct aws_view *view = views->first;
    while (view != NULL && view->entry != entry) {
        view = view->next;
    }
    if (view == NULL) {
        view = aws_alloc(sizeof *view);
        view->cache = cache_ref(views->cache);
        view->host = views->host;
        view->loop = views->loop;
        view->entry = entry;
        view->refs = 1;
        view->next = views->first;
        views->first = view;
        lock(views->cache);
        entry->refs++;
        unlock(views->cache);
    }
    return view;
}

/* Under the lock. */
static void sync_view(struct aws_view *view) {
    const uint64_t generation = atomic_load(&view->entry->generation);
    if (view->generation != generation) {
        aws_creds_unref(view->creds);
        view->creds = aws_creds_ref(view->entry->creds);
        view->generation = generation;
    }
}

/* ---- waiting ---- */

/* 1 when it stood in that list. */
static int32_t take_out(struct aws_wait **list, const struct aws_wait *wait) {
    while (*list != NULL && *list != wait) {
        list = &(*list)->next;
    }
    if (*list == NULL) {
        return 0;
    }
    *list = wait->next;
    return 1;
}

/* A view for which nobody waits must not be posted to: its component may be about to go. */
void aws_wait_drop(struct aws_wait *wait) {
    struct aws_view *view = wait->view;
    wait->view = NULL;
    if (view == NULL || take_out(&view->serving, wait)) {
        return;
    }
    (void)take_out(&view->waits, wait);
    if (view->waits == NULL) {
        lock(view->cache);
        unregister(view);
        unlock(view->cache);
    }
}

static int32_t will_do(const struct aws_view *view, const struct aws_wait *wait, int64_t now_s) {
    return view->creds != NULL && now_s < view->creds->expires_s &&
           (wait->refused == NULL || !aws_creds_same(view->creds, wait->refused));
}

/* Those that wait now, first come first; whoever asks again meanwhile stands in the new list. */
static void serve(struct aws_view *view, struct eg_str why) {
    const int64_t now_s = aws_clock_now_s(&view->cache->clock, view->host);
    while (view->waits != NULL) {
        struct aws_wait *wait = view->waits;
        view->waits = wait->next;
        wait->next = view->serving;
        view->serving = wait;
    }
    while (view->serving != NULL) { /* a ready may drop another one */
        struct aws_wait *wait = view->serving;
        struct aws_creds *creds = will_do(view, wait, now_s) ? aws_creds_ref(view->creds) : NULL;
        view->serving = wait->next;
        wait->view = NULL;
        wait->ready(wait, creds, wait->refused == NULL ? why : egx_str_n(NULL, 0));
    }
}

/* A fetch has ended. On the view's loop. */
static void on_news(void *arg) {
    struct aws_view *view = arg;
    if (!view->is_dead) {
        struct eg_why why;
        lock(view->cache);
        sync_view(view);
        why = view->entry->why;
        unlock(view->cache);
        serve(view, egx_str_n(why.text, why.len));
    }
    view_unref(view);
}

/* ---- fetching ---- */

/* The loop of whoever fetched. Other components' hosts are used under the lock only, which is what
 * keeps them from being detached meanwhile. */
static void on_fetched(void *arg, struct aws_creds *creds, struct eg_str why) {
    struct aws_entry *entry = arg;
    struct aws_cache *cache = entry->cache;
    struct aws_creds *former = NULL;
    lock(cache);
    entry->is_fetching = 0;
    entry->why.len =
        (uint32_t)(why.len < sizeof entry->why.text ? why.len : sizeof entry->why.text);
    if (why.len > 0) {
        memcpy(entry->why.text, why.ptr, entry->why.len);
    }
    if (creds != NULL) {
        former = entry->creds;
        entry->creds = creds;
        entry->pause_until_ns = 0;
        atomic_fetch_add(&entry->generation, 1);
    }
    while (entry->waiting != NULL) {
        struct aws_view *view = entry->waiting;
        unregister(view);
        view->refs++;
        view->host->loop->post(view->host, view->loop, on_news, view);
    }
    entry_drop(entry);
    unlock(cache);
    aws_creds_unref(former);
    aws_cache_release(cache);
}

/* The arg is the view that began it: its clock measures the pause, its log tells the failure. */
static void on_fetch_done(void *arg, struct aws_creds *creds, struct eg_str why) {
    struct aws_view *view = arg;
    struct aws_entry *entry = view->entry; /* the fetch has a reference of its own */
    view->fetch = NULL;
    if (creds == NULL) {
        const uint64_t now_ns = view->host->clock->monotonic_ns(view->host);
        lock(entry->cache);
        entry->pause_until_ns = now_ns + (entry->creds == NULL ? PAUSE_EMPTY_NS : PAUSE_KEYS_NS);
        unlock(entry->cache);
        egx_log(view->host, EG_LOG_WARN, "no AWS credentials%s%s: %.*s",
                entry->profile[0] == '\0' ? "" : " of profile ", entry->profile, EGX_FMT(why));
    }
    on_fetched(entry, creds, why);
    view_unref(view);
}

/* is_fetching is set already, with the references of the fetch to entry, view and cache. */
static void start_fetch(struct aws_view *view, struct eg_str region) {
    const struct aws_fetch_config config = {
        .host = view->host,
        .loop = view->loop,
        .env = &view->cache->env,
        .clock = &view->cache->clock,
        .profile = egx_str_c(view->entry->profile),
        .region = region,
    };
    const int32_t status = aws_fetch_start(&config, on_fetch_done, view, &view->fetch);
    if (status < 0) { /* the pool is busy; who waits is told, who comes later tries again */
        on_fetch_done(view, NULL, EGX_STR("too much blocking work is queued in the gateway"));
    }
}

/* ---- asking ---- */

#define USE 1
#define WAIT 0
#define NONE (-1)

/* Under the lock, the view in sync. */
static int32_t decide(struct aws_view *view, int64_t now_s, const struct aws_creds *refused,
                      int32_t *ret_start) {
    struct aws_entry *entry = view->entry;
    const struct aws_creds *creds = view->creds;
    const uint64_t now_ns = view->host->clock->monotonic_ns(view->host);
    const int is_refused = refused != NULL && creds != NULL && aws_creds_same(creds, refused);
    const int must = creds == NULL || is_refused || now_s >= creds->must_s;
    if (!must && now_s < creds->refresh_s) {
        return USE;
    }
    const int may_start = now_ns >= (is_refused ? entry->refused_until_ns : entry->pause_until_ns);
    if (!entry->is_fetching && !may_start) {
        const int is_usable = creds != NULL && now_s < creds->expires_s;
        return is_usable && !is_refused ? USE : NONE;
    }
    if (!entry->is_fetching) {
        entry->is_fetching = 1;
        entry->refs++;
        view->refs++;
        (void)cache_ref(view->cache);
        entry->refused_until_ns = is_refused ? now_ns + PAUSE_REFUSED_NS : entry->refused_until_ns;
        *ret_start = 1;
    }
    return must ? WAIT : USE;
}

static void stand(struct aws_view *view, struct aws_wait *wait, struct aws_creds *refused) {
    struct aws_entry *entry = view->entry; /* under the lock */
    wait->view = view;
    wait->refused = refused;
    wait->next = view->waits;
    view->waits = wait;
    if (!view->is_waiting) {
        view->is_waiting = 1;
        view->next_waiting = entry->waiting;
        entry->waiting = view;
    }
}

int32_t aws_creds_ask(struct aws_views *views, const struct aws_source *source,
                      struct eg_str region, struct aws_creds *refused, struct aws_wait *wait,
                      struct aws_creds **ret_creds, struct eg_why *ret_why) {
    int32_t start = 0;
    wait->view = NULL;
    if (source->own != NULL) {
        *ret_creds = refused == NULL ? aws_creds_ref(source->own) : NULL;
        return refused == NULL ? 1 : egx_why(ret_why, EG_E_DENIED, "%s", "");
    }
    struct aws_view *view = view_of(views, source->entry);
    const int64_t now_s = aws_clock_now_s(&views->cache->clock, views->host);
    if (refused == NULL && view->creds != NULL && now_s < view->creds->refresh_s &&
        view->generation == atomic_load(&view->entry->generation)) {
        *ret_creds = aws_creds_ref(view->creds);
        return 1;
    }
    lock(views->cache);
    sync_view(view);
    const int32_t verdict = decide(view, now_s, refused, &start);
    if (verdict == WAIT) {
        stand(view, wait, refused);
    } else if (verdict == NONE) {
        const struct eg_why *why = &view->entry->why;
        (void)egx_why(ret_why, EG_E_DENIED, "%.*s", refused == NULL ? (int)why->len : 0, why->text);
    }
    unlock(views->cache);
    *ret_creds = verdict == USE ? aws_creds_ref(view->creds) : NULL;
    if (start) {
        start_fetch(view, region);
    }
    return verdict == NONE ? EG_E_DENIED : verdict;
}
