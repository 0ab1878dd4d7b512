/*
 * source.c - the token cache: one source per audience and identity, one token in each, at most one
 * fetch at a time for all loops together. Who finds a good token goes on at once; who finds one
 * that ends soon goes on too, and starts the next fetch; who finds none waits in line, on any loop,
 * and is resumed by a message to its own.
 *
 * Sources are made and found on the control thread (bind, unbind). What calls change is under the
 * source's lock, which is held for a few instructions and never over a call of the host.
 */
#include "provider_gcf.h"

/* Between background fetches: the metadata server keeps tokens too and may hand out the same. */
#define AGAIN_NS (INT64_C(30) * GCF_SECOND_NS)

void gcf_token_drop(const struct eg_host *host, struct gcf_token *token) {
    if (token != NULL && atomic_fetch_sub(&token->refs, 1) == 1) {
        explicit_bzero(token->header, token->header_len);
        host->mem->free(host, token);
    }
}

static struct gcf_token *token_hold(struct gcf_token *token) {
    (void)atomic_fetch_add(&token->refs, 1);
    return token;
}

/* ---- made and found ---- */

static char *copy_text(const struct eg_host *host, struct eg_str text) {
    char *copy = host->mem->alloc(host, text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

static void unref(struct gcf_source *source) {
    const struct eg_host *host = source->instance->host;
    if (atomic_fetch_sub(&source->refs, 1) != 1) {
        return;
    }
    gcf_token_drop(host, source->token);
    explicit_bzero(source->key, strlen(source->key));
    host->mem->free(host, source->key);
    host->mem->free(host, source->audience);
    (void)pthread_mutex_destroy(&source->lock);
    host->mem->free(host, source);
}

struct gcf_source *gcf_source_take(struct gcf_instance *instance, uint32_t kind,
                                   struct eg_str audience, struct eg_str key) {
    const struct eg_host *host = instance->host;
    for (struct gcf_source *s = instance->sources; s != NULL; s = s->next) {
        if (s->kind == kind && egx_str_eq(egx_str_c(s->audience), audience) &&
            egx_str_eq(egx_str_c(s->key), key)) {
            s->targets++;
            return s;
        }
    }
    struct gcf_source *source = host->mem->alloc(host, sizeof *source);
    source->instance = instance;
    source->kind = kind;
    source->targets = 1;
    atomic_init(&source->refs, 1);
    source->audience = copy_text(host, audience);
    source->key = copy_text(host, key);
    (void)pthread_mutex_init(&source->lock, NULL);
    source->waiters_end = &source->waiters;
    source->next = instance->sources;
    instance->sources = source;
    return source;
}

void gcf_source_drop(struct gcf_source *source) {
    if (source == NULL || --source->targets > 0) {
        return;
    }
    struct gcf_source **at = &source->instance->sources;
    while (*at != source) {
        at = &(*at)->next;
    }
    *at = source->next;
    unref(source);
}

/* ---- asked for ---- */

static int64_t now_of(const struct gcf_source *source) {
    const struct eg_host *host = source->instance->host;
    return host->clock->unix_ns(host);
}

static int is_worth_refreshing(const struct gcf_source *source, int64_t now_ns) {
    return now_ns >= source->token->refresh_ns && now_ns >= source->next_try_ns &&
           !atomic_load(&source->instance->is_draining);
}

int gcf_source_token(struct gcf_source *source, struct gcf_waiter *waiter) {
    const int64_t now_ns = now_of(source);
    int is_wanted = 1;
    (void)pthread_mutex_lock(&source->lock);
    const int is_there = source->token != NULL && now_ns < source->token->expires_ns;
    if (is_there) {
        waiter->token = token_hold(source->token);
        is_wanted = is_worth_refreshing(source, now_ns);
    } else {
        waiter->token = NULL;
        waiter->next = NULL;
        *source->waiters_end = waiter;
        source->waiters_end = &waiter->next;
    }
    is_wanted = is_wanted && !source->is_fetching;
    if (is_wanted) {
        source->is_fetching = 1;
        (void)atomic_fetch_add(&source->refs, 1);
    }
    (void)pthread_mutex_unlock(&source->lock);
    if (is_wanted) {
        gcf_fetch_start(source, waiter->slot);
    }
    return is_there;
}

int gcf_source_forget(struct gcf_source *source, struct gcf_waiter *waiter) {
    int is_found = 0;
    (void)pthread_mutex_lock(&source->lock);
    for (struct gcf_waiter **at = &source->waiters; *at != NULL; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            if (source->waiters_end == &waiter->next) {
                source->waiters_end = at;
            }
            is_found = 1;
            break;
        }
    }
    (void)pthread_mutex_unlock(&source->lock);
    return is_found;
}

int gcf_source_is_wanted(struct gcf_source *source) {
    (void)pthread_mutex_lock(&source->lock);
    const int is_wanted = source->waiters != NULL;
    (void)pthread_mutex_unlock(&source->lock);
    return is_wanted;
}

int gcf_source_refused(struct gcf_source *source, const struct gcf_token *token) {
    const int64_t now_ns = now_of(source);
    struct gcf_token *dropped = NULL;
    int is_worth = 1;
    (void)pthread_mutex_lock(&source->lock);
    if (source->token == token) {
        /* Who may not call the function at all would fetch a token with every call. */
        is_worth = source->last_refused_ns == 0 || now_ns - source->last_refused_ns >= AGAIN_NS;
        if (is_worth) {
            source->last_refused_ns = now_ns;
            dropped = source->token;
            source->token = NULL;
        }
    }
    (void)pthread_mutex_unlock(&source->lock);
    gcf_token_drop(source->instance->host, dropped);
    return is_worth;
}

/* ---- answered ---- */

/* Under the lock: the fetch is over; hands the line of waiters over. */
static struct gcf_waiter *end_fetch(struct gcf_source *source) {
    struct gcf_waiter *waiters = source->waiters;
    source->waiters = NULL;
    source->waiters_end = &source->waiters;
    source->is_fetching = 0;
    source->next_try_ns = now_of(source) + AGAIN_NS;
    return waiters;
}

static void resume_all(const struct gcf_source *source, struct gcf_waiter *waiters) {
    const struct eg_host *host = source->instance->host;
    while (waiters != NULL) {
        struct gcf_waiter *waiter = waiters;
        waiters = waiter->next; /* once posted, it is no longer ours */
        host->loop->post(host, waiter->slot->loop, waiter->resume, waiter);
    }
}

void gcf_source_fetched(struct gcf_source *source, struct gcf_token *token) {
    (void)pthread_mutex_lock(&source->lock);
    struct gcf_token *old = source->token;
    source->token = token;
    struct gcf_waiter *waiters = end_fetch(source);
    for (struct gcf_waiter *w = waiters; w != NULL; w = w->next) {
        w->token = token_hold(token);
    }
    (void)pthread_mutex_unlock(&source->lock);
    gcf_token_drop(source->instance->host, old);
    resume_all(source, waiters);
    unref(source);
}

void gcf_source_failed(struct gcf_source *source, const struct gcf_failure *failure) {
    (void)pthread_mutex_lock(&source->lock);
    struct gcf_waiter *waiters = end_fetch(source);
    for (struct gcf_waiter *w = waiters; w != NULL; w = w->next) {
        w->failure = *failure;
    }
    (void)pthread_mutex_unlock(&source->lock);
    if (waiters == NULL) { /* a background fetch: nobody else will tell */
        egx_log(source->instance->host, EG_LOG_WARN, "no new ID token for %s: %s", source->audience,
                failure->text);
    }
    resume_all(source, waiters);
    unref(source);
}
