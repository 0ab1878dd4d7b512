/*
 * watches.c - what watches are told. A watch remembers the place in the history it has seen, its
 * revision and its nonce; whenever something may have changed (XREAD has come back) it reads what
 * came after that out of the change stream, in order, so that nothing is told twice or left out.
 * When the stream does not lead on from that place (it was cut, the data set was removed, restored
 * or replaced by that of a replica that lagged), the watch is reset: it reads the content.
 *
 * It also remembers keys and revisions of what it has told, for the comparison of audit.c.
 *
 * Thread: control. Ownership: a watch lives until it has told CLOSED.
 */
#include "store.h"

#include <hiredis/hiredis.h>

#define CHANGES_AT_ONCE 1000u
#define BYTES_AT_ONCE (2u * 1024u * 1024u)
#define SETTLE_AT 4096u

struct redis_watch {
    struct redis_watch *next;
    struct redis_store *store;
    struct eg_watch *told;
    struct eg_str prefix; /* behind the watch, in the same block */
    struct redis_place seen;
    struct redis_job job;
    struct redis_content content;
    struct egx_rows known; /* keys and revisions of what was told, some of it outdated */
    size_t settle_at;
    bool needs_content;
    bool is_complete; /* known has all that is there: it began with the content */
    bool is_reset;    /* and that it is one has to be told */
    bool needs_synced;
    bool is_reading;
    bool is_stale; /* something changed while it was reading */
    bool is_closing;
    bool is_down;
};

static void wake(struct redis_watch *watch);

/* ---- telling ---- */

static void tell_down(struct redis_watch *watch, const struct eg_why *why) {
    if (watch->is_down || watch->is_closing) {
        return;
    }
    watch->is_down = true;
    watch->needs_synced = true;
    egx_tell(watch->told, EG_CHANGE_DOWN, watch->seen.revision, egx_str_n(why->text, why->len));
}

static void tell_closed(void *arg) {
    struct redis_watch *watch = arg;
    struct redis_store *store = watch->store;
    struct redis_watch **place = &store->watches;
    while (*place != watch) {
        place = &(*place)->next;
    }
    *place = watch->next;
    egx_rows_free(store->host, &watch->known);
    redis_content_free(&watch->content);
    egx_tell(watch->told, EG_CHANGE_CLOSED, watch->seen.revision, egx_str_n(NULL, 0));
    store->host->mem->free(store->host, watch);
}

static void remember(struct redis_watch *watch, const struct egx_rows *rows) {
    const struct eg_host *host = watch->store->host;
    for (size_t i = 0; i < rows->count; i++) {
        const struct egx_row *row = rows->items[i];
        egx_rows_add(host, &watch->known, row->kind, row->revision, row->key, egx_str_n(NULL, 0));
    }
    if (watch->known.count > watch->settle_at) {
        redis_rows_settle(host, &watch->known);
        watch->settle_at = SETTLE_AT + 2 * watch->known.count;
    }
}

static void tell(struct redis_watch *watch, const struct egx_rows *rows,
                 const struct redis_place *place, bool is_all) {
    egx_tell_rows(watch->told, rows);
    remember(watch, rows);
    watch->seen = *place;
    watch->is_down = false;
    if (watch->needs_synced && is_all) {
        watch->needs_synced = false;
        egx_tell(watch->told, EG_CHANGE_SYNCED, watch->seen.revision, egx_str_n(NULL, 0));
    }
    if (!is_all || watch->is_stale) {
        wake(watch);
    }
}

/* ---- reading ---- */

/* True when that was all: the watch is closing, or it could not be read. */
static bool end_reading(struct redis_watch *watch, int32_t rc, const struct eg_why *why) {
    watch->is_reading = false;
    if (watch->is_closing) {
        /* Not from here: whoever reads still stands in what would be freed. */
        watch->store->host->loop->post(watch->store->host, watch->store->control, tell_closed,
                                       watch);
        return true;
    }
    if (rc != EG_OK) {
        tell_down(watch, why);
    }
    return rc != EG_OK;
}

static void finish_content(struct redis_content *content, int32_t rc, const struct eg_why *why) {
    struct redis_watch *watch =
        (struct redis_watch *)(void *)((char *)content - offsetof(struct redis_watch, content));
    if (end_reading(watch, rc, why)) {
        return;
    }
    if (watch->is_reset) {
        egx_tell(watch->told, EG_CHANGE_RESET, content->place.revision, egx_str_n(NULL, 0));
    }
    watch->is_reset = false;
    watch->needs_content = false;
    watch->is_complete = true;
    watch->needs_synced = true;
    egx_rows_free(watch->store->host, &watch->known);
    watch->settle_at = SETTLE_AT + 2 * content->rows.count;
    tell(watch, &content->rows, &content->place, true);
    redis_content_free(content);
}

static void build_changes(struct redis_job *job, struct redis_command *command) {
    const struct redis_watch *watch =
        (struct redis_watch *)(void *)((char *)job - offsetof(struct redis_watch, job));
    redis_command_add(command, watch->prefix);
    redis_command_add_number(command, watch->seen.revision);
    redis_command_add_c(command, watch->seen.nonce);
    redis_command_add_number(command, CHANGES_AT_ONCE);
    redis_command_add_number(command, BYTES_AT_ONCE);
}

static void reset(struct redis_watch *watch) {
    watch->needs_content = true;
    watch->is_reset = true;
    wake(watch);
}

static void finish_changes(struct redis_job *job, int32_t rc, const struct redisReply *reply,
                           const struct eg_why *why) {
    struct redis_watch *watch =
        (struct redis_watch *)(void *)((char *)job - offsetof(struct redis_watch, job));
    struct redis_store *store = watch->store;
    struct redis_place place = {0};
    struct egx_rows rows = {0};
    uint64_t revision = 0;
    if (end_reading(watch, rc, why)) {
        return;
    }
    if (egx_str_eq(redis_part(reply, 0), EGX_STR("GONE"))) {
        egx_log(store->host, EG_LOG_WARN,
                "redis: the changes after revision %llu are not there any more; all is read anew",
                (unsigned long long)watch->seen.revision);
        reset(watch);
        return;
    }
    if (redis_number(redis_part(reply, 1), &revision) &&
        redis_rows_add_changes(store, &rows, redis_list_part(reply, 4, 5))) {
        redis_place_set(&place, revision, redis_part(reply, 2));
        tell(watch, &rows, &place, !egx_str_eq(redis_part(reply, 3), EGX_STR("1")));
    } else {
        struct eg_why garbage = {.struct_size = sizeof garbage};
        (void)egx_why(&garbage, EG_E_PROTO, "redis has answered what is not understood");
        tell_down(watch, &garbage);
    }
    egx_rows_free(store->host, &rows);
}

static void wake(struct redis_watch *watch) {
    if (watch->is_closing || watch->store->is_draining || !redis_session_is_up(watch->store)) {
        return;
    }
    if (watch->is_reading) {
        watch->is_stale = true;
        return;
    }
    watch->is_reading = true;
    watch->is_stale = false;
    if (watch->needs_content) {
        watch->content.done = finish_content;
        redis_content_read(&watch->content, watch->store, watch->prefix);
        return;
    }
    watch->job.store = watch->store;
    watch->job.script = REDIS_SCRIPT_CHANGES;
    watch->job.build = build_changes;
    watch->job.finish = finish_changes;
    redis_job_run(&watch->job);
}

void redis_watches_wake(struct redis_store *store) {
    for (struct redis_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        wake(watch);
    }
}

void redis_watches_down(struct redis_store *store, const struct eg_why *why) {
    for (struct redis_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        tell_down(watch, why);
    }
}

/* ---- comparison ---- */

/* Both ascending by key; fresh holds all keys of the store. */
static size_t differences(const struct redis_watch *watch, const struct egx_rows *fresh) {
    size_t count = 0;
    size_t k = 0;
    for (size_t f = 0; f < fresh->count; f++) {
        const struct egx_row *row = fresh->items[f];
        if (!egx_str_starts(row->key, watch->prefix)) {
            continue;
        }
        while (k < watch->known.count && egx_str_cmp(watch->known.items[k]->key, row->key) < 0) {
            k++;
            count++;
        }
        const bool is_known =
            k < watch->known.count && egx_str_eq(watch->known.items[k]->key, row->key);
        count += !is_known || watch->known.items[k]->revision != row->revision;
        k += is_known;
    }
    return count + (watch->known.count - k);
}

void redis_watches_compare(struct redis_store *store, const struct egx_rows *rows,
                           uint64_t revision) {
    for (struct redis_watch *watch = store->watches; watch != NULL; watch = watch->next) {
        const bool is_idle = !watch->is_reading && !watch->is_down && !watch->is_closing;
        const bool is_comparable = is_idle && watch->is_complete && !watch->needs_content &&
                                   watch->seen.revision == revision;
        if (!is_comparable) {
            continue;
        }
        redis_rows_settle(store->host, &watch->known);
        const size_t count = differences(watch, rows);
        if (count > 0) {
            egx_log(store->host, EG_LOG_ERROR,
                    "redis: %zu records differ from what was told; all is read anew", count);
            store->host->metrics->add(store->repairs, (int64_t)count);
            reset(watch);
        }
    }
}

/* ---- opening and closing ---- */

/* Posted before any CLOSED of it, so it still is there. */
static void tell_not_up(void *arg) {
    struct redis_watch *watch = arg;
    if (!redis_session_is_up(watch->store)) {
        tell_down(watch, &watch->store->session.why);
    }
}

int32_t redis_watch_open(void *instance, struct eg_str prefix, uint64_t from_revision,
                         struct eg_watch *told) {
    struct redis_store *store = instance;
    const struct eg_host *host = store->host;
    if (store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    struct redis_watch *watch = host->mem->alloc(host, sizeof *watch + prefix.len);
    char *bytes = (char *)(watch + 1);
    if (prefix.len > 0) {
        memcpy(bytes, prefix.ptr, prefix.len);
    }
    watch->store = store;
    watch->told = told;
    watch->prefix = egx_str_n(bytes, prefix.len);
    watch->seen.revision = from_revision;
    watch->needs_content = from_revision == 0;
    watch->needs_synced = true;
    watch->settle_at = SETTLE_AT;
    watch->content.job.store = store;
    watch->next = store->watches;
    store->watches = watch;
    if (redis_session_is_up(store)) {
        wake(watch);
    } else {
        host->loop->post(host, store->control, tell_not_up, watch);
    }
    return EG_OK;
}

void redis_watch_close(void *instance, struct eg_watch *told) {
    struct redis_store *store = instance;
    struct redis_watch *watch = store->watches;
    while (watch != NULL && watch->told != told) {
        watch = watch->next;
    }
    if (watch == NULL || watch->is_closing) {
        return;
    }
    watch->is_closing = true;
    /* What it reads now tells it when it comes back. */
    if (!watch->is_reading) {
        store->host->loop->post(store->host, store->control, tell_closed, watch);
    }
}

void redis_watches_free(struct redis_store *store) {
    while (store->watches != NULL) {
        struct redis_watch *watch = store->watches;
        store->watches = watch->next;
        egx_rows_free(store->host, &watch->known);
        redis_content_free(&watch->content);
        store->host->mem->free(store->host, watch);
    }
}
