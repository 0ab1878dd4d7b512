/*
 * watches.c - watches of the embedded store. A watch remembers the revision it has seen; whenever
 * something may have changed it reads what came after that out of the change log, in the order of
 * revisions, so nothing is told twice and nothing is left out, whoever wrote it.
 *
 * Own writes wake the watches at once. Writes of other processes are noticed by `PRAGMA
 * data_version` (https://www.sqlite.org/pragma.html#pragma_data_version), which a timer asks for;
 * it reads one counter in shared memory.
 *
 * Thread: control thread; work_* on a pool thread, where they touch rows, next_seen, is_content,
 * is_reset and is_all of their watch only. Ownership: a watch lives until it has told CLOSED.
 */
#include <stddef.h>
#include <string.h>

#include "store.h"

struct embedded_watch {
    struct embedded_watch *next;
    struct embedded_job job;
    struct embedded_store *store;
    struct eg_watch *told;
    struct eg_str prefix; /* behind the watch, in the same block */
    uint64_t seen;
    bool needs_content;
    bool needs_synced;
    bool is_queued;
    bool is_stale; /* something changed while the job was under way */
    bool is_closing;
    bool is_down;
    /* what the last job brought */
    struct egx_rows rows;
    uint64_t next_seen;
    bool is_content;
    bool is_reset;
    bool is_all;
};

/* ---- telling ---- */

static void tell_down(struct embedded_watch *watch, const struct embedded_job *job) {
    if (watch->is_down || watch->is_closing) {
        return;
    }
    watch->is_down = true;
    watch->needs_synced = true;
    egx_tell(watch->told, EG_CHANGE_DOWN, watch->seen, egx_str_n(job->why.text, job->why.len));
}

static void tell_closed(void *arg) {
    struct embedded_watch *watch = arg;
    struct embedded_store *store = watch->store;
    struct embedded_watch **place = &store->watches;
    while (*place != watch) {
        place = &(*place)->next;
    }
    *place = watch->next;
    egx_rows_free(store->host, &watch->rows);
    egx_tell(watch->told, EG_CHANGE_CLOSED, watch->seen, (struct eg_str){0});
    store->host->mem->free(store->host, watch);
}

/* ---- reading ---- */

static struct embedded_watch *as_watch(struct embedded_job *job) {
    return (struct embedded_watch *)(void *)((char *)job - offsetof(struct embedded_watch, job));
}

static int32_t work_read(struct embedded_store *store, struct embedded_job *job) {
    struct embedded_watch *watch = as_watch(job);
    egx_rows_free(store->host, &watch->rows);
    watch->is_content = watch->needs_content;
    watch->is_reset = false;
    watch->is_all = true;
    if (!watch->is_content) {
        const int32_t rc = embedded_db_changes(store->db, watch->prefix, watch->seen, &watch->rows,
                                               &watch->next_seen, &watch->is_all, &job->why);
        if (rc != EG_E_NOTFOUND) {
            return rc;
        }
        watch->is_content = true;
        watch->is_reset = true;
    }
    return embedded_db_list(store->db, watch->prefix, &watch->rows, &watch->next_seen, &job->why);
}

static void wake(struct embedded_watch *watch) {
    if (watch->is_closing) {
        return;
    }
    if (watch->is_queued) {
        watch->is_stale = true;
        return;
    }
    watch->is_queued = true;
    watch->is_stale = false;
    embedded_submit(watch->store, &watch->job);
}

static void finish_read(struct embedded_store *store, struct embedded_job *job) {
    struct embedded_watch *watch = as_watch(job);
    watch->is_queued = false;
    if (watch->is_closing) {
        tell_closed(watch);
        return;
    }
    if (job->status < 0) {
        tell_down(watch, job);
        egx_rows_free(store->host, &watch->rows);
        return;
    }
    if (watch->is_reset) {
        egx_tell(watch->told, EG_CHANGE_RESET, watch->next_seen, (struct eg_str){0});
    }
    egx_tell_rows(watch->told, &watch->rows);
    egx_rows_free(store->host, &watch->rows);
    watch->seen = watch->next_seen;
    watch->needs_content = false;
    watch->is_down = false;
    watch->needs_synced = watch->needs_synced || watch->is_content;
    if (watch->needs_synced && watch->is_all) {
        watch->needs_synced = false;
        egx_tell(watch->told, EG_CHANGE_SYNCED, watch->seen, (struct eg_str){0});
    }
    if (!watch->is_all || watch->is_stale) {
        wake(watch);
    }
}

void embedded_watches_wake(struct embedded_store *store) {
    for (struct embedded_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        wake(watch);
    }
}

/* ---- other processes ---- */

static int32_t work_poll(struct embedded_store *store, struct embedded_job *job) {
    return embedded_db_version(store->db, &store->version, &job->why);
}

static void finish_poll(struct embedded_store *store, struct embedded_job *job) {
    const bool is_changed = job->status == EG_OK && store->version != store->seen_version;
    store->is_poll_queued = false;
    for (struct embedded_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        if (job->status < 0) {
            tell_down(watch, job);
        } else if (is_changed || watch->is_down) {
            wake(watch);
        }
    }
    if (is_changed) {
        store->seen_version = store->version;
    }
}

static void tick(void *arg) {
    struct embedded_store *store = arg;
    if (store->is_poll_queued || store->watches == NULL) {
        return;
    }
    store->is_poll_queued = true;
    embedded_submit(store, &store->poll);
}

void embedded_watches_start(struct embedded_store *store) {
    store->poll.mode = EMBEDDED_JOB_BARE;
    store->poll.work = work_poll;
    store->poll.finish = finish_poll;
    store->seen_version = store->version;
    store->ticker = store->host->loop->timer_start(
        store->host, store->control, store->settings->poll, store->settings->poll, tick, store);
}

void embedded_watches_stop(struct embedded_store *store) {
    store->host->loop->timer_stop(store->host, store->ticker);
    store->ticker = NULL;
}

/* ---- opening and closing ---- */

int32_t embedded_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                            struct eg_watch *told) {
    struct embedded_store *store = instance;
    const struct eg_host *host = store->host;
    if (store->db == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct embedded_watch *watch = host->mem->alloc(host, sizeof *watch + prefix.len);
    char *bytes = (char *)(watch + 1);
    if (prefix.len > 0) {
        memcpy(bytes, prefix.ptr, prefix.len);
    }
    watch->store = store;
    watch->told = told;
    watch->prefix = (struct eg_str){.ptr = bytes, .len = prefix.len};
    watch->seen = from_revision;
    watch->needs_content = from_revision == 0;
    watch->needs_synced = true;
    watch->job.mode = EMBEDDED_JOB_READ;
    watch->job.work = work_read;
    watch->job.finish = finish_read;
    watch->next = store->watches;
    store->watches = watch;
    wake(watch);
    return EG_OK;
}

void embedded_watch_close(void *instance, struct eg_watch *told) {
    struct embedded_store *store = instance;
    struct embedded_watch *watch = store->watches;
    while (watch != NULL && watch->told != told) {
        watch = watch->next;
    }
    if (watch == NULL || watch->is_closing) {
        return;
    }
    watch->is_closing = true;
    /* A job under way tells it when it comes back. */
    if (!watch->is_queued) {
        store->host->loop->post(store->host, store->control, tell_closed, watch);
    }
}

void embedded_watches_free(struct embedded_store *store) {
    while (store->watches != NULL) {
        struct embedded_watch *watch = store->watches;
        store->watches = watch->next;
        egx_rows_free(store->host, &watch->rows);
        store->host->mem->free(store->host, watch);
    }
}
