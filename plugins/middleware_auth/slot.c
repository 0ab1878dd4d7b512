/*
 * slot.c - the part of the instance that belongs to one loop: its cache, its key sets, and the
 * calls that are out. attach, detach, cancel and jobs: the loop's thread; drain: the control
 * thread, which only posts.
 */
#include "keyset.h"

int32_t auth_attach(void *instance, struct eg_loop *loop, void **ret_slot) {
    struct auth *auth = instance;
    const struct eg_host *host = auth->host;
    struct auth_slot *slot = host->mem->alloc(host, sizeof *slot);
    slot->auth = auth;
    slot->loop = loop;
    auth_cache_init(&slot->cache, host, (size_t)auth->settings->cache_size);
    slot->keysets = host->mem->alloc(host, (auth->issuers.count + 1) * sizeof *slot->keysets);
    for (size_t i = 0; i < auth->issuers.count; i++) {
        auth_keyset_init(&slot->keysets[i], slot, &auth->issuers.items[i]);
    }
    (void)pthread_mutex_lock(&auth->lock);
    slot->next = auth->slots;
    auth->slots = slot;
    (void)pthread_mutex_unlock(&auth->lock);
    *ret_slot = slot;
    return EG_OK;
}

static void stop_fetches(void *arg) {
    struct auth_slot *slot = arg;
    for (size_t i = 0; i < slot->auth->issuers.count; i++) {
        auth_keyset_stop(&slot->keysets[i]);
    }
}

/* Nothing is in flight any more: the ledger was empty. */
void auth_detach(void *instance, void *arg) {
    struct auth *auth = instance;
    struct auth_slot *slot = arg;
    (void)pthread_mutex_lock(&auth->lock);
    struct auth_slot **at = &auth->slots;
    while (*at != slot) {
        at = &(*at)->next;
    }
    *at = slot->next;
    (void)pthread_mutex_unlock(&auth->lock);
    for (size_t i = 0; i < auth->issuers.count; i++) {
        auth_keyset_free(&slot->keysets[i]);
    }
    auth_cache_free(&slot->cache);
    auth->host->mem->free(auth->host, slot->keysets);
    auth->host->mem->free(auth->host, slot);
}

void auth_drain(void *instance) {
    struct auth *auth = instance;
    (void)pthread_mutex_lock(&auth->lock);
    for (struct auth_slot *slot = auth->slots; slot != NULL; slot = slot->next) {
        auth->host->loop->post(auth->host, slot->loop, stop_fetches, slot);
    }
    (void)pthread_mutex_unlock(&auth->lock);
}

/* ---- calls that are out ---- */

void auth_job_begin(struct auth_job *job) {
    struct auth_slot *slot = job->call.slot;
    job->is_listed = 1;
    job->prev = NULL;
    job->next = slot->jobs;
    if (job->next != NULL) {
        job->next->prev = job;
    }
    slot->jobs = job;
}

static void unlist(struct auth_job *job) {
    if (job->next != NULL) {
        job->next->prev = job->prev;
    }
    if (job->prev != NULL) {
        job->prev->next = job->next;
    } else {
        job->call.slot->jobs = job->next;
    }
    job->is_listed = 0;
}

void auth_job_end(struct auth_job *job, int32_t verdict) {
    unlist(job);
    if (job->is_canceled) {
        job->call.op->done(job->call.op, EG_E_CANCELED, NULL);
    } else {
        egx_done_verdict(job->call.op, verdict);
    }
}

void auth_cancel(void *instance, void *arg, struct eg_op *op) {
    struct auth_slot *slot = arg;
    struct auth_job *job = slot->jobs;
    (void)instance;
    while (job != NULL && job->call.op != op) {
        job = job->next;
    }
    if (job != NULL && !job->is_canceled) {
        job->is_canceled = 1;
        if (job->on_cancel != NULL) {
            job->on_cancel(job);
        }
    }
}

/* ---- small things ---- */

int64_t auth_now_s(const struct auth *auth) {
    return auth->host->clock->unix_ns(auth->host) / 1000000000;
}

int auth_cache_digest(const struct auth *auth, const char *sort, struct eg_str text,
                      struct auth_digest *ret_digest) {
    const struct eg_str pieces[] = {
        egx_str_n((const char *)auth->cache_key, sizeof auth->cache_key), egx_str_c(sort), text};
    return auth_hash(auth->credentials.hasher, pieces, EGX_COUNT(pieces), ret_digest);
}
