/*
 * credentials_view.c - what one loop knows of the cache: views, the calls that wait in them, and
 * the fetch that one of them begins for all.
 *
 * The lock is held for a few lines, never while anything is called but loop->post. Views and their
 * waiting calls belong to their loop.
 */
#include <stdlib.h>

#include "credentials_fetch.h"
#include "credentials_parts.h"

#define NS_PER_S UINT64_C(1000000000)
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

struct aws_views {
    const struct eg_host *host;
    struct eg_loop *loop;
    struct aws_cache *cache;
    struct aws_view *first;
};

/* ---- views ---- */

struct aws_views *aws_views_new(const struct eg_host *host, struct eg_loop *loop,
                                struct aws_cache *cache) {
    struct aws_views *views = aws_alloc(sizeof *views);
    views->host = host;
    views->loop = loop;
    views->cache = aws_cache_ref(cache);
    return views;
}

/* The last reference goes by the loop: its own, or the post's. */
static void view_unref(struct aws_view *view) {
    struct aws_cache *cache = view->cache;
    aws_cache_lock(cache);
    const int is_last = --view->refs == 0;
    aws_cache_unlock(cache);
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
        aws_cache_lock(views->cache);
        unregister(view); /* from here on nobody uses its host */
        view->is_dead = 1;
        aws_creds_unref(view->creds);
        aws_entry_drop(view->entry);
        aws_cache_unlock(views->cache);
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
        view->cache = aws_cache_ref(views->cache);
        view->host = views->host;
        view->loop = views->loop;
        view->entry = entry;
        view->refs = 1;
        view->next = views->first;
        views->first = view;
        aws_cache_lock(views->cache);
        entry->refs++;
        aws_cache_unlock(views->cache);
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
        aws_cache_lock(view->cache);
        unregister(view);
        aws_cache_unlock(view->cache);
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
        aws_cache_lock(view->cache);
        sync_view(view);
        why = view->entry->why;
        aws_cache_unlock(view->cache);
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
    aws_cache_lock(cache);
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
    aws_entry_drop(entry);
    aws_cache_unlock(cache);
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
        aws_cache_lock(entry->cache);
        entry->pause_until_ns = now_ns + (entry->creds == NULL ? PAUSE_EMPTY_NS : PAUSE_KEYS_NS);
        aws_cache_unlock(entry->cache);
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
        (void)aws_cache_ref(view->cache);
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
    aws_cache_lock(views->cache);
    sync_view(view);
    const int32_t verdict = decide(view, now_s, refused, &start);
    if (verdict == WAIT) {
        stand(view, wait, refused);
    } else if (verdict == NONE) {
        const struct eg_why *why = &view->entry->why;
        (void)egx_why(ret_why, EG_E_DENIED, "%.*s", refused == NULL ? (int)why->len : 0, why->text);
    }
    aws_cache_unlock(views->cache);
    *ret_creds = verdict == USE ? aws_creds_ref(view->creds) : NULL;
    if (start) {
        start_fetch(view, region);
    }
    return verdict == NONE ? EG_E_DENIED : verdict;
}
