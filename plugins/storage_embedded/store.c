/*
 * store.c - the plugin `storage_embedded`: settings, life, the four reads and writes, and the queue
 * that brings them to a pool thread.
 *
 * The queue: jobs wait in order; when no batch is at work, the next ones are taken and run in one
 * transaction (so that many waiting writes share one fsync). Each write stands for itself: a lost
 * race only answers its own op. A fault of the database rolls the batch back, and then each of its
 * jobs is tried alone, so that nobody pays for the job of somebody else.
 *
 * Thread: see store.h. Ownership: an op's inputs are borrowed until done, as the ABI says.
 */
#include "store.h"

#include <stddef.h>
#include <string.h>

#define STORE_MAGIC 0x656d6273u /* embs */
#define BATCH_JOBS 64u
#define QUEUE_JOBS 4096u
#define RETRY_NS 5000000u

/* ---- the queue ---- */

static void push(struct embedded_queue *queue, struct embedded_job *job) {
    job->next = NULL;
    if (queue->last == NULL) {
        queue->first = job;
    } else {
        queue->last->next = job;
    }
    queue->last = job;
    queue->count++;
}

static struct embedded_job *shift(struct embedded_queue *queue) {
    struct embedded_job *job = queue->first;
    if (job == NULL) {
        return NULL;
    }
    queue->first = job->next;
    queue->last = queue->first == NULL ? NULL : queue->last;
    queue->count--;
    job->next = NULL;
    return job;
}

static bool is_fault(int32_t status) {
    return status < 0 && status != EG_E_NOTFOUND && status != EG_E_EXISTS &&
           status != EG_E_CONFLICT && status != EG_E_TOOBIG;
}

static void work_one(struct embedded_store *store, struct embedded_job *job) {
    job->why = (struct eg_why){.struct_size = sizeof job->why};
    job->status = job->work(store, job);
}

static bool has_write(const struct embedded_job *job, size_t count) {
    bool is_write = false;
    for (size_t i = 0; i < count; i++, job = job->next) {
        is_write = is_write || job->mode == EMBEDDED_JOB_WRITE;
    }
    return is_write;
}

/* Runs count jobs in one transaction. A fault is written into the first of them. */
static int32_t work_together(struct embedded_store *store, struct embedded_job *first, size_t count,
                             bool *ret_has_begun) {
    struct eg_why why = {.struct_size = sizeof why};
    struct embedded_job *job = first;
    int32_t rc = embedded_db_begin(store->db, has_write(first, count), &why);
    *ret_has_begun = rc == EG_OK;
    for (size_t i = 0; i < count && rc == EG_OK; i++, job = job->next) {
        work_one(store, job);
        if (is_fault(job->status)) {
            rc = job->status;
            why = job->why;
        }
    }
    if (rc == EG_OK) {
        rc = embedded_db_commit(store->db, &why);
    }
    if (rc != EG_OK) {
        embedded_db_rollback(store->db);
        first->status = rc;
        first->why = why;
    }
    return rc;
}

/* What could not even begin (another process keeps writing) would only wait as long once more, so
 * its writes share the one answer; reads need no lock and go on. */
static void work_apart(struct embedded_store *store, struct embedded_job *first, bool has_begun) {
    const int32_t status = first->status;
    const struct eg_why why = first->why;
    for (struct embedded_job *job = first; job != NULL; job = job->next) {
        if (!has_begun && job->mode == EMBEDDED_JOB_WRITE) {
            job->status = status;
            job->why = why;
        } else {
            bool unused = false;
            (void)work_together(store, job, 1, &unused);
        }
    }
}

static void work_batch(void *arg) {
    struct embedded_store *store = arg;
    struct embedded_job *first = store->batch.first;
    bool has_begun = false;
    if (first->mode == EMBEDDED_JOB_BARE) {
        work_one(store, first);
    } else if (work_together(store, first, store->batch.count, &has_begun) != EG_OK &&
               store->batch.count > 1) {
        work_apart(store, first, has_begun);
    }
}

static void start_batch(struct embedded_store *store);

static void finish_batch(void *arg) {
    struct embedded_store *store = arg;
    bool has_written = false;
    /* Still at work while jobs finish: one that submits another must not fill this batch. */
    for (struct embedded_job *job; (job = shift(&store->batch)) != NULL;) {
        has_written = has_written || (job->mode == EMBEDDED_JOB_WRITE && job->status == EG_OK);
        job->finish(store, job);
    }
    if (has_written) {
        embedded_watches_wake(store);
    }
    store->is_working = false;
    start_batch(store);
}

static void retry_batch(void *arg) {
    struct embedded_store *store = arg;
    store->host->loop->timer_stop(store->host, store->retry);
    store->retry = NULL;
    start_batch(store);
}

/* The next jobs of the queue: one that stands alone, or as many as fit into one transaction. */
static void fill_batch(struct embedded_store *store) {
    while (store->waiting.first != NULL && store->batch.count < BATCH_JOBS) {
        const bool is_bare = store->waiting.first->mode == EMBEDDED_JOB_BARE;
        if (is_bare && store->batch.count > 0) {
            return;
        }
        push(&store->batch, shift(&store->waiting));
        if (is_bare) {
            return;
        }
    }
}

static void start_batch(struct embedded_store *store) {
    const struct eg_host *host = store->host;
    if (store->is_working || store->retry != NULL) {
        return;
    }
    if (store->batch.first == NULL) {
        fill_batch(store);
    }
    if (store->batch.first == NULL) {
        return;
    }
    if (host->loop->run_blocking(host, store->control, work_batch, finish_batch, store) < 0) {
        store->retry =
            host->loop->timer_start(host, store->control, RETRY_NS, 0, retry_batch, store);
        return;
    }
    store->is_working = true;
}

void embedded_submit(struct embedded_store *store, struct embedded_job *job) {
    push(&store->waiting, job);
    start_batch(store);
}

/* ---- ops ---- */

struct op_job {
    struct embedded_job job;
    struct eg_op *op;
    struct eg_str key; /* of get; or prefix */
    struct eg_commit commit;
    uint64_t revision;
    struct egx_rows rows;
};

static struct op_job *as_op(struct embedded_job *job) {
    return (struct op_job *)(void *)((char *)job - offsetof(struct op_job, job));
}

static int32_t work_get(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    egx_rows_free(store->host, &call->rows);
    return embedded_db_get(store->db, call->key, &call->rows, &job->why);
}

static int32_t work_list(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    egx_rows_free(store->host, &call->rows);
    return embedded_db_list(store->db, call->key, &call->rows, &call->revision, &job->why);
}

static int32_t work_write(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    return embedded_db_write(store->db, &call->commit, &call->revision, &job->why);
}

static void free_op(struct embedded_store *store, struct op_job *call) {
    egx_rows_free(store->host, &call->rows);
    store->host->mem->free(store->host, call);
}

/* True when the job has failed: then that is said, and the job is over. */
static bool end_failed(struct embedded_store *store, struct embedded_job *job) {
    if (job->status >= 0) {
        return false;
    }
    struct op_job *call = as_op(job);
    egx_done_error(call->op, job->status, "%.*s", (int)job->why.len, job->why.text);
    free_op(store, call);
    return true;
}

static void finish_get(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    if (!end_failed(store, job)) {
        const struct egx_row *row = call->rows.items[0];
        egx_done_value(store->host, call->op, row->revision, row->value);
        free_op(store, call);
    }
}

static void finish_write(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    if (!end_failed(store, job)) {
        egx_done_revision(call->op, call->revision);
        free_op(store, call);
    }
}

static void finish_list(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    if (!end_failed(store, job)) {
        egx_done_list(store->host, call->op, &call->rows, call->revision);
        free_op(store, call);
    }
}

static int32_t submit_op(struct embedded_store *store, const struct op_job *call) {
    if (store->db == NULL || store->is_draining) {
        return EG_E_UNAVAILABLE;
    }
    if (store->waiting.count >= QUEUE_JOBS) {
        return EG_E_BUSY;
    }
    struct op_job *copy = store->host->mem->alloc(store->host, sizeof *copy);
    *copy = *call;
    embedded_submit(store, &copy->job);
    return EG_OK;
}

static int32_t get(void *instance, struct eg_str key, struct eg_op *op) {
    return submit_op(
        instance,
        &(struct op_job){.job = {.mode = EMBEDDED_JOB_READ, .work = work_get, .finish = finish_get},
                         .op = op,
                         .key = key});
}

static int32_t list(void *instance, struct eg_str prefix, struct eg_op *op) {
    return submit_op(
        instance, &(struct op_job){
                      .job = {.mode = EMBEDDED_JOB_READ, .work = work_list, .finish = finish_list},
                      .op = op,
                      .key = prefix});
}

static int32_t commit(void *instance, const struct eg_commit *commit, struct eg_op *op) {
    return submit_op(instance, &(struct op_job){.job = {.mode = EMBEDDED_JOB_WRITE,
                                                        .work = work_write,
                                                        .finish = finish_write},
                                                .op = op,
                                                .commit = *commit});
}

static int32_t put(void *instance, struct eg_str key, struct eg_str value, uint64_t expect_revision,
                   struct eg_op *op) {
    return commit(
        instance,
        &(struct eg_commit){.key = key, .value = value, .expect_revision = expect_revision}, op);
}

static int32_t remove_key(void *instance, struct eg_str key, uint64_t expect_revision,
                          struct eg_op *op) {
    return commit(
        instance,
        &(struct eg_commit){.is_removal = 1, .key = key, .expect_revision = expect_revision}, op);
}

/* ---- life ---- */

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)ret_why;
    struct embedded_store *store = host->mem->alloc(host, sizeof *store);
    store->magic = STORE_MAGIC;
    store->host = host;
    store->settings = settings;
    *ret_instance = store;
    return EG_OK;
}

static int32_t work_open(struct embedded_store *store, struct embedded_job *job) {
    const struct embedded_db_config config = {
        .host = store->host,
        .path = store->settings->path,
        .busy_timeout_ns = store->settings->busy_timeout,
        .history = (uint64_t)store->settings->history,
    };
    int32_t rc = embedded_db_open(&config, &store->db, &job->why);
    /* Before anything is read, so that no later write of another process goes unseen. */
    if (rc == EG_OK) {
        rc = embedded_db_version(store->db, &store->version, &job->why);
    }
    return rc;
}

static void finish_open(struct embedded_store *store, struct embedded_job *job) {
    struct op_job *call = as_op(job);
    if (!end_failed(store, job)) {
        embedded_watches_start(store);
        egx_done_ok(call->op);
        free_op(store, call);
    }
}

static int32_t start(void *instance, struct eg_op *op) {
    struct embedded_store *store = instance;
    store->control = store->host->loop->current(store->host);
    struct op_job *call = store->host->mem->alloc(store->host, sizeof *call);
    call->op = op;
    call->job.mode = EMBEDDED_JOB_BARE;
    call->job.work = work_open;
    call->job.finish = finish_open;
    embedded_submit(store, &call->job);
    return EG_OK;
}

static void drain(void *instance) {
    struct embedded_store *store = instance;
    store->is_draining = true;
    embedded_watches_stop(store);
}

static void destroy(void *instance) {
    struct embedded_store *store = instance;
    if (store == NULL || store->is_working) {
        return; /* a pool thread is stuck in it: better to leak than to free under its feet */
    }
    const struct eg_host *host = store->host;
    embedded_watches_stop(store);
    host->loop->timer_stop(host, store->retry);
    embedded_watches_free(store);
    embedded_db_close(store->db);
    store->magic = 0;
    host->mem->free(host, store);
}

/* ---- the plugin ---- */

#define SECOND 1000000000ll
#define MILLISECOND 1000000ll

EGX_SETTING_REQUIRED(embedded_settings, path,
                     "Directory of event-gateway.db, or the file itself (ending in .db).");
EGX_SETTING_DURATION(embedded_settings, busy_timeout, MILLISECOND, 60 * SECOND, "2s",
                     "How long to wait while another process writes.");
EGX_SETTING_DURATION(embedded_settings, poll, MILLISECOND, 60 * SECOND, "100ms",
                     "How often to look for changes made by other processes.");
EGX_SETTING_INT(embedded_settings, history, 1, 1000000, "10000",
                "Changes kept for watches that come back (at most 64 MiB of them).");
static const struct eg_setting *const settings[] = {
    EGX_ROW(embedded_settings, path), EGX_ROW(embedded_settings, busy_timeout),
    EGX_ROW(embedded_settings, poll), EGX_ROW(embedded_settings, history)};

static const struct eg_life_ops life = {
    .struct_size = sizeof life,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};
static const struct eg_storage_ops ops = {
    .struct_size = sizeof ops,
    .get = get,
    .list = list,
    .put = put,
    .remove = remove_key,
    .watch = embedded_watch_open,
    .unwatch = embedded_watch_close,
    .commit = commit,
};
EGX_COMPONENT(component, EG_KIND_STORAGE, "embedded", "Keeps the configuration in one SQLite file.",
              embedded_settings, settings, &life, &ops);

EGX_PLUGIN("storage_embedded", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &component)
